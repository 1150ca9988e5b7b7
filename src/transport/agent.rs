//! The plugin's side of the agent: a shell script that Lapce runs beside the plugin (see `agent.sh` for what it does
//! and for the commands and files). It keeps the time and runs curl, so that nothing here waits.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::agent_host::{Access, AgentHost};
use super::answer::{Answer, Sources};
use super::requests::TransportEvent;
use super::{Home, Limits, Options, curl_config, script};
use crate::http::HttpRequest;

const SOURCE: &str = include_str!("agent.sh");
const SCRIPT_BYTES: [u8; script::stripped_len(SOURCE)] = script::stripped(SOURCE);
/// The script without comments and indentation.
const SCRIPT: &str = script::text(&SCRIPT_BYTES);

/// A request that is due later than this has certainly not left, in milliseconds. The agent counts whole milliseconds.
const SAFE_MS: u64 = 5;
/// A request that has not left this long after it was due will not: the agent hangs. In milliseconds.
pub(super) const HUNG_MS: u64 = 3000;
/// Body read without telling the agent, in bytes. Half of what Linux holds in a pipe: the agent has to empty the copy it
/// waits on as the plugin empties the original.
const UNTOLD: u64 = 32 * 1024;

/// The agent cannot be talked to any more: it has ended, it hangs, or its folder is gone.
#[derive(Debug)]
pub(super) struct Lost;

/// Why a request was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    Lost,
    /// The agent has not made more pipes yet. It does when it has time.
    Busy,
}

impl From<Lost> for NotTaken {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

/// A running agent.
#[derive(Debug)]
pub(super) struct Agent {
    folder: PathBuf,
    commands: File,
    /// Ends when the agent does.
    alive: File,
    /// The number of the next set of pipes, from 1.
    next: u64,
    /// Sets of pipes whose requests never left.
    spare: Vec<Pipes>,
}

/// The named pipes of one request. The agent makes them in advance.
#[derive(Debug)]
struct Pipes {
    number: u64,
    /// Takes curl's config.
    config: File,
    sources: Sources,
}

/// A request the agent has.
#[derive(Debug)]
pub(super) struct Fetch {
    number: u64,
    config: File,
    answer: Answer,
    /// When it is to leave.
    leaves_ms: u64,
    /// Whether it is known to have left.
    has_left: bool,
    /// How much of the body the agent knows to be read.
    told: u64,
}

impl Agent {
    /// Has the host start one. It is ready when this returns.
    ///
    /// # Errors
    /// What this machine lacks.
    pub fn start(host: &mut impl AgentHost, home: &Home) -> Result<Self, String> {
        let name = format!("agent-{:016x}", RandomState::new().build_hasher().finish());
        // A program that cannot be started is answered only here: the host waits for a language server for ever.
        host.execute("sh", &["-c", ":"]).map_err(|words| format!("sh cannot be started ({words})"))?;
        host.start_language_server("sh", &["-c", SCRIPT, "ai-completion-agent", &home.path, &name])
            .map_err(|words| format!("sh cannot be started ({words})"))?;
        let folder = home.root.join(name);
        match open(host, &folder) {
            Ok((commands, alive)) => Ok(Self { folder, commands, alive, next: 1, spare: Vec::new() }),
            Err(_) => {
                let why = fs::read_to_string(folder.join("why"));
                let _ = fs::remove_file(folder.join("why"));
                let _ = fs::remove_dir(&folder);
                Err(match why.as_deref().map(str::trim_end) {
                    Ok("no-curl") => "curl is not installed: install it and reload the plugin".to_owned(),
                    Ok("no-pipe") => format!("{} cannot hold named pipes", home.path),
                    Ok(_) => "sh does not run the plugin's script".to_owned(),
                    Err(_) => {
                        format!("{} is not writable, or sh does not run the plugin's script", home.path)
                    }
                })
            }
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        !matches!(self.alive.read(&mut [0]), Ok(0))
    }

    /// Hands a request over that [`HttpRequest::check`] has passed. When it leaves, the request of the agent's number
    /// `replaces` is stopped.
    ///
    /// # Errors
    /// Another agent may be able to, or this one a little later.
    pub fn fetch(
        &mut self,
        host: &mut impl AgentHost,
        request: &HttpRequest,
        options: &Options,
        delay_ms: u64,
        replaces: Option<u64>,
    ) -> Result<Fetch, NotTaken> {
        let mut pipes = match self.spare.pop() {
            Some(pipes) => pipes,
            None => self.open_pipes(host).map_err(|_| self.why_not())?,
        };
        let has_file = self.fill(&mut pipes, request, options).map_err(|_| Lost)?;
        let now_ms = host.now_ms();
        let (number, body, replaces) = (pipes.number, u8::from(has_file), replaces.unwrap_or(0));
        self.send(&format!("s {number} {delay_ms} {now_ms} {body} {replaces}\n"))?;
        let leaves_ms = now_ms.saturating_add(delay_ms);
        let Pipes { number, config, sources } = pipes;
        let answer = Answer::new(sources, leaves_ms);
        Ok(Fetch { number, config, answer, leaves_ms, has_left: false, told: 0 })
    }

    fn why_not(&self) -> NotTaken {
        match fs::metadata(self.folder.join("ctl")) {
            Ok(_) => NotTaken::Busy,
            Err(_) => NotTaken::Lost,
        }
    }

    fn open_pipes(&mut self, host: &mut impl AgentHost) -> io::Result<Pipes> {
        let number = self.next;
        // The agent makes this one last.
        let config = host.open_pipe(&self.folder.join(format!("i{number}")), Access::ReadWrite)?;
        let mut open =
            |kind: char| host.open_pipe(&self.folder.join(format!("{kind}{number}")), Access::ReadWrite);
        let (head, body) = (open('h')?, open('o')?);
        let status = File::open(self.folder.join(format!("s{number}")))?;
        self.next += 1;
        Ok(Pipes { number, config, sources: Sources { head, body, status } })
    }

    /// Writes the request where curl will find it; whether its body is in a file.
    fn fill(&self, pipes: &mut Pipes, request: &HttpRequest, options: &Options) -> io::Result<bool> {
        let config = curl_config::config(request, options, &format!("h{}", pipes.number));
        let body = match request.body.as_deref() {
            None | Some([]) => {
                pipes.write_config(&config)?;
                return Ok(false);
            }
            Some(body) => body,
        };
        if let Some(whole) = curl_config::with_body(&config, body) {
            match pipes.write_config(&whole) {
                Ok(()) => return Ok(false),
                // Here a pipe holds less.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        // The agent has made it, so that its permissions are the agent's.
        let path = self.folder.join(format!("b{}", pipes.number));
        OpenOptions::new().write(true).truncate(true).open(path)?.write_all(body)?;
        pipes.write_config(&config)?;
        Ok(true)
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// [`Lost`], and then there is no request any more either.
    pub fn stop(&mut self, host: &impl AgentHost, mut fetch: Fetch) -> Result<(), Lost> {
        drain(&mut fetch.config);
        if fetch.has_left || host.now_ms().saturating_add(SAFE_MS) >= fetch.leaves_ms {
            return self.send(&format!("x {}\n", fetch.number));
        }
        self.send(&format!("u {}\n", fetch.number))?;
        let Fetch { number, config, answer, .. } = fetch;
        self.spare.push(Pipes { number, config, sources: answer.into_sources() });
        Ok(())
    }

    /// See [`super::requests::Transport::wake`].
    pub fn wake(&mut self, fetch: &mut Fetch, not_before_ms: u64) -> Result<(), Lost> {
        fetch.told = fetch.answer.received();
        self.send(&format!("w {} {not_before_ms} {}\n", fetch.number, fetch.told))
    }

    /// See [`super::requests::Transport::timer`].
    pub fn timer(&mut self, ms: u64) -> Result<(), Lost> {
        self.send(&format!("t {ms}\n"))
    }

    /// Tells the agent how far the body is read, where that is far enough.
    pub fn tell_read(&mut self, fetch: &mut Fetch) -> Result<(), Lost> {
        let received = fetch.answer.received();
        if received - fetch.told < UNTOLD {
            return Ok(());
        }
        fetch.told = received;
        self.send(&format!("r {} {received}\n", fetch.number))
    }

    /// Has it end, if it can still hear.
    pub fn quit(mut self) {
        let _ = self.send("q\n");
    }

    /// Short enough to be written whole or not at all (POSIX: `PIPE_BUF` is at least 512 bytes).
    fn send(&mut self, line: &str) -> Result<(), Lost> {
        match self.commands.write(line.as_bytes()) {
            Ok(count) if count == line.len() => Ok(()),
            // A full pipe: nobody has read for a thousand commands and more.
            _ => Err(Lost),
        }
    }
}

impl Pipes {
    /// All of it, or nothing and `WouldBlock`.
    fn write_config(&mut self, config: &str) -> io::Result<()> {
        match self.config.write(config.as_bytes()) {
            Ok(count) if count == config.len() => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => {
                drain(&mut self.config);
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

impl Fetch {
    /// Its number at the agent.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// See [`super::requests::Transport::read`]. `lost`: its agent is gone.
    pub fn read(&mut self, now_ms: u64, limits: &Limits, lost: bool, buffer: &mut [u8]) -> TransportEvent {
        self.answer.read(now_ms, limits, lost, buffer)
    }

    /// Whether it should have left long ago but has not. Then it never will: its config is gone.
    pub fn is_stuck(&mut self, now_ms: u64) -> bool {
        if self.has_left || now_ms < self.leaves_ms.saturating_add(HUNG_MS) {
            return false;
        }
        self.has_left = drain(&mut self.config) == 0;
        !self.has_left
    }

    /// Makes sure that a request that has not left never will, when its agent is given up.
    pub fn withdraw(&mut self) {
        drain(&mut self.config);
    }
}

/// Opens the pipe for commands, and the one whose end is the agent's.
fn open(host: &mut impl AgentHost, folder: &Path) -> io::Result<(File, File)> {
    let commands = host.open_pipe(&folder.join("ctl"), Access::ReadWrite)?;
    // If the agent has just ended, opening for reading alone would wait for a writer. So there is one meanwhile.
    let path = folder.join("a");
    let writer = host.open_pipe(&path, Access::ReadWrite)?;
    let alive = host.open_pipe(&path, Access::Read)?;
    drop(writer);
    Ok((commands, alive))
}

/// Empties a pipe; how much there was, in bytes.
fn drain(pipe: &mut File) -> usize {
    let mut bytes = [0; 4096];
    let mut total = 0;
    while let Ok(count @ 1..) = pipe.read(&mut bytes) {
        total += count;
    }
    total
}
