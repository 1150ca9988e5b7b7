//! curl, writing into a named pipe in the volt's folder.
//!
//! One `sh` (see `pipe.sh`) makes the run's folder and pipes, leaves a shell in the background that
//! minds curl, and returns. Then the request's files are written, and opening the pipes lets curl go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::response::{Exit, Step};
use super::{Failure, FailureKind, Home, Host, Options, Refusal, config};
use crate::http::HttpRequest;

const SCRIPT: &str = include_str!("pipe.sh");

/// The reading side of a curl under way. Dropping it ends curl.
#[derive(Debug)]
pub(super) struct Pipe {
    folder: PathBuf,
    out: File,
    /// How curl ended, once `out` has.
    status: File,
    /// The shell takes the end of this pipe as our leave.
    _leash: File,
}

impl Pipe {
    /// Starts curl on a request that [`HttpRequest::check`] has let pass. With `sweep`, what runs of a
    /// dead Lapce left behind is removed first.
    pub fn start(
        host: &mut impl Host,
        home: &Home,
        request: &HttpRequest,
        options: &Options,
        sweep: bool,
    ) -> Result<Self, Refusal> {
        let sweep = if sweep { "sweep" } else { "" };
        let output = host
            .execute("sh", &["-c", SCRIPT, "sh", &home.path, sweep])
            .map_err(|words| Refusal::Missing(format!("sh cannot be started ({words})")))?;
        let folder = match String::from_utf8_lossy(&output.stdout).trim_end() {
            "no-curl" => return Err(Refusal::Missing("curl is not installed".to_owned())),
            "no-folder" => return Err(Refusal::Missing(format!("{} is not writable", home.path))),
            "no-pipe" => return Err(Refusal::Missing(format!("{} cannot hold named pipes", home.path))),
            run if is_run(run) => home.root.join(run),
            _ => return Err(Refusal::Missing("sh does not do what it is told".to_owned())),
        };
        let open = || -> io::Result<Self> {
            fill(&folder.join("config"), config::config(request, options).as_bytes())?;
            fill(&folder.join("body"), request.body.as_deref().unwrap_or_default())?;
            // The shell has it open for writing; were it dead, we would wait for another without `held`.
            let held = both(&folder.join("out"))?;
            let out = File::open(folder.join("out"))?;
            drop(held);
            let status = File::open(folder.join("status"))?;
            Ok(Self { folder: folder.clone(), out, status, _leash: go(&folder)? })
        };
        open().map_err(|error| {
            // The shell waits. It finds nothing to send, and goes.
            remove(&folder, &["config", "body"]);
            let _ = go(&folder);
            let detail = format!("writing the request into {}: {error}", home.path);
            Refusal::Failed(Failure { kind: FailureKind::Unavailable, detail })
        })
    }

    /// Waits at most `timeout` for bytes.
    pub fn read(&mut self, host: &mut impl Host, timeout: Duration, buffer: &mut [u8]) -> io::Result<Step> {
        if buffer.is_empty() || !host.readable(&self.out, timeout)? {
            return Ok(Step::Pending);
        }
        match self.out.read(buffer) {
            Ok(0) => Ok(Step::Ended(self.exit())),
            Ok(count) => Ok(Step::Data(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Step::Pending),
            Err(error) => Err(error),
        }
    }

    fn exit(&mut self) -> Option<Exit> {
        let mut status = Vec::new();
        self.status.read_to_end(&mut status).ok()?;
        let status = String::from_utf8_lossy(&status);
        let (code, words) = status.split_once('\n')?;
        Some(Exit { code: code.parse().ok()?, words: words.trim_end().to_owned() })
    }
}

impl Drop for Pipe {
    /// The shell removes the folder too, but only a moment later; nothing is to be found once we are done.
    fn drop(&mut self) {
        remove(&self.folder, &ALL);
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Every name a run's folder may hold.
const ALL: [&str; 6] = ["config", "body", "in", "out", "err", "status"];

/// Removes files of a run by name. `remove_dir_all` would open what it finds, to see whether it is a folder,
/// and with a named pipe wasmtime waits there for a writer.
pub(super) fn remove(folder: &Path, names: &[&str]) {
    for name in names {
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Tells the shell to go on, and for how long: until what is returned is closed.
fn go(folder: &Path) -> io::Result<File> {
    let mut leash = both(&folder.join("in"))?;
    leash.write_all(b"\n")?;
    Ok(leash)
}

/// Opens a named pipe in both directions, which never waits for another. (POSIX leaves that open; Linux, macOS
/// and the BSDs all do it.)
fn both(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Writes a file the shell has made, so that its permissions are the shell's.
fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(bytes)
}

fn is_run(name: &str) -> bool {
    name.strip_prefix("run-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}
