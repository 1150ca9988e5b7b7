//! curl, writing into a file that is read in steps while it grows: for Windows, which has no named
//! pipes in folders.
//!
//! Nothing there tells curl that its reader is gone: after an unloaded plugin it runs until its own time
//! limit, and the next session removes the files.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::response::{Exit, Step};
use super::{Failure, FailureKind, Home, Host, Options, Refusal, config, pipe};
use crate::http::HttpRequest;

/// Pause between two looks at the file.
const STEP: Duration = Duration::from_millis(10);

/// What runs in the background. `status` appears last, in one step, and says that `out` is complete.
const BATCH: &str = "@echo off\r\n\
    cd /d \"%~dp0\"\r\n\
    curl.exe -q -K config >out 2>err\r\n\
    echo %errorlevel%>code\r\n\
    del config body\r\n\
    ren code status\r\n";

/// The reading side of a curl under way.
#[derive(Debug)]
pub(super) struct GrowingFile {
    folder: PathBuf,
    out: Option<File>,
    position: u64,
    /// The process that waits for curl, for as long as it may be alive.
    process: Option<u32>,
}

impl GrowingFile {
    /// Starts curl on a request that [`HttpRequest::check`] has let pass.
    pub fn start(
        host: &mut impl Host,
        home: &Home,
        request: &HttpRequest,
        options: &Options,
        sweep: bool,
    ) -> Result<Self, Refusal> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if sweep {
            let longest = options.limits.total.saturating_add(Duration::from_secs(60));
            remove_older(&home.root, now.saturating_sub(longest));
        }
        let run = format!("run-{}", nanos(now));
        let folder = home.root.join(&run);
        let write = || -> io::Result<()> {
            fs::create_dir(&folder)?;
            let mut text = config::config(request, options);
            if let Some(body) = request.body.as_ref().filter(|body| !body.is_empty()) {
                fs::write(folder.join("body"), body)?;
                text.push_str("data-binary = \"@body\"\n");
            }
            fs::write(folder.join("config"), text)?;
            fs::write(folder.join("run.cmd"), BATCH)
        };
        let mut started = Self { folder: folder.clone(), out: None, position: 0, process: None };
        if let Err(error) = write() {
            started.close(host);
            return Err(Refusal::Missing(format!("{} is not writable ({error})", home.path)));
        }
        // Start-Process hands none of our handles on, so that Lapce does not wait for curl.
        let run = quoted(&format!("{}\\{run}", home.path));
        let command = format!(
            "(Start-Process -FilePath '{run}\\run.cmd' -WorkingDirectory '{run}' -WindowStyle Hidden -PassThru).Id"
        );
        let args = ["-NoProfile", "-NonInteractive", "-Command", &command];
        match host.execute("powershell.exe", &args) {
            Ok(output) if output.success => {
                started.process = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
                Ok(started)
            }
            Ok(_) => {
                started.close(host);
                let detail = "powershell could not start curl".to_owned();
                Err(Refusal::Failed(Failure { kind: FailureKind::Unavailable, detail }))
            }
            Err(words) => {
                started.close(host);
                Err(Refusal::Missing(format!("powershell cannot be started ({words})")))
            }
        }
    }

    /// Waits at most `timeout` for bytes.
    pub fn read(&mut self, timeout: Duration, buffer: &mut [u8]) -> io::Result<Step> {
        let begin = Instant::now();
        loop {
            // Asked before reading: what is there then is all there will be.
            let exit = self.exit();
            match self.read_on(buffer)? {
                0 if exit.is_some() => {
                    self.process = None;
                    return Ok(Step::Ended(exit));
                }
                0 => {}
                count => return Ok(Step::Data(count)),
            }
            match timeout.checked_sub(begin.elapsed()) {
                Some(left) if !left.is_zero() => thread::sleep(left.min(STEP)),
                _ => return Ok(Step::Pending),
            }
        }
    }

    /// Ends curl if it still runs, and removes the files.
    pub fn close(self, host: &mut impl Host) {
        if let Some(process) = self.process {
            // The number may be another process's by now, but hardly another cmd.exe's of this user.
            let pid = format!("PID eq {process}");
            let _ = host.execute("taskkill.exe", &["/f", "/t", "/fi", &pid, "/fi", "IMAGENAME eq cmd.exe"]);
        }
        drop(self.out);
        remove(&self.folder);
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.out.is_none() {
            self.out = File::open(self.folder.join("out")).ok();
        }
        let Some(file) = &mut self.out else { return Ok(0) };
        file.seek(SeekFrom::Start(self.position))?;
        let count = file.read(buffer)?;
        if self.position == 0 && count > 0 {
            // With an answer there, curl has read what it was asked to send.
            for read in ["config", "body"] {
                let _ = fs::remove_file(self.folder.join(read));
            }
        }
        self.position += count as u64;
        Ok(count)
    }

    fn exit(&self) -> Option<Exit> {
        let code = fs::read_to_string(self.folder.join("status")).ok()?;
        let errors = fs::read(self.folder.join("err")).unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors);
        let words = errors.lines().rfind(|line| line.starts_with("curl: (")).unwrap_or_default();
        Some(Exit { code: code.trim().parse().ok()?, words: words.to_owned() })
    }
}

/// The text for between PowerShell's single quotes, as which it also takes the four curly ones.
fn quoted(text: &str) -> String {
    let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201B}');
    text.chars().flat_map(|c| std::iter::repeat_n(c, 1 + usize::from(is_quote(&c)))).collect()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Removes a run's folder with the files it may hold, by name: 3 KB less wasm than `remove_dir_all`.
fn remove(folder: &Path) {
    pipe::remove(folder, &["config", "body", "run.cmd", "out", "err", "code", "status"]);
    let _ = fs::remove_dir(folder);
}

/// Removes run folders made before `oldest`, a time since 1970.
fn remove_older(root: &Path, oldest: Duration) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let made = entry.file_name().to_str().and_then(|name| name.strip_prefix("run-")?.parse::<u64>().ok());
        if made.is_some_and(|made| made < nanos(oldest)) {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_folder_ends_its_quotes() {
        for (name, expected) in [
            ("C:\\Users\\a b", "C:\\Users\\a b"),
            ("O'Brien", "O''Brien"),
            ("O\u{2019}Brien \u{2018}x\u{201B}", "O\u{2019}\u{2019}Brien \u{2018}\u{2018}x\u{201B}\u{201B}"),
            ("$(x) \"y\"", "$(x) \"y\""),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
