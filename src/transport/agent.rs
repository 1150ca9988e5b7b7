//! The plugin's side of the agent: a script that Lapce runs beside the plugin (see `agent.sh` for what it does and for
//! the commands and files, `agent.ps1` for what differs on Windows). It keeps the time and runs curl, so that nothing
//! here waits.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::agent_host::{Access, AgentHost};
use super::answer::{Answer, Sources};
use super::host::{read_all, text_of};
use super::requests::TransportEvent;
use super::{COMMAND_SECONDS, Home, Options, Patience, curl_config, script};
use crate::http::HttpRequest;

const SOURCE: &str = include_str!("agent.sh");
const SCRIPT_BYTES: [u8; script::stripped_len(SOURCE)] = script::stripped(SOURCE);
/// The script without comments and indentation.
const SCRIPT: &str = script::text(&SCRIPT_BYTES);

const WINDOWS_SOURCE: &str = include_str!("agent.ps1");
const WINDOWS_SCRIPT_BYTES: [u8; script::stripped_len(WINDOWS_SOURCE)] = script::stripped(WINDOWS_SOURCE);
/// The same for Windows PowerShell 5.1, with the names it needs still to come first.
const WINDOWS_SCRIPT: &str = script::text(&WINDOWS_SCRIPT_BYTES);

/// Names the first program that the agent cannot do without and that is missing. (curl it looks for itself.)
const NEEDED: &str =
    "for c in dd mkdir mkfifo rm sleep tee; do command -v $c >/dev/null || { echo $c; exit 1; }; done";

/// A request that is due later than this has certainly not left, in milliseconds. The agent counts whole milliseconds.
const SAFE_MS: u64 = 5;
/// A request that has not left this long after it was due will not: the agent hangs. In milliseconds.
pub(super) const HUNG_MS: u64 = 3000;
/// Body read without telling the agent, in bytes. Half of what Linux holds in a pipe: the agent has to empty the copy it
/// waits on as the plugin empties the original.
const UNTOLD: u64 = 32 * 1024;
/// More of what a search has found is not read, in bytes.
const FOUND: usize = 128 * 1024;

/// What stands in place of the body in the agent's command `s` where it runs a command of the user's.
const COMMAND: u8 = 2;

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
    link: Link,
    /// The number of the next set of pipes, from 1.
    next: u64,
    /// Sets of pipes whose requests never left.
    spare: Vec<Pipes>,
    searches: u64,
    /// The search that is under way.
    search: Option<u64>,
}

/// How commands reach the agent.
#[derive(Debug)]
enum Link {
    Pipe {
        commands: File,
        /// Ends when the agent does.
        alive: File,
        /// Takes searches.
        searches: File,
    },
    /// Windows: by the host, as requests to this language server.
    Server(u64),
}

/// The named pipes (Windows: files) of one request. The agent makes them in advance.
#[derive(Debug)]
struct Pipes {
    number: u64,
    config: Config,
    sources: Sources,
}

/// What takes curl's config.
#[derive(Debug)]
enum Config {
    Pipe(File),
    File(PathBuf),
}

/// A request the agent has.
#[derive(Debug)]
pub(super) struct Fetch {
    number: u64,
    config: Config,
    answer: Answer,
    /// When it is to leave.
    leaves_ms: u64,
    /// Whether it is known to have left.
    has_left: bool,
    /// How much of the body the agent knows to be read.
    told: u64,
}

/// Of a program that the agent cannot do without.
fn not_installed(program: &str) -> String {
    [program, " is not installed: install it and reload the plugin"].concat()
}

impl Agent {
    /// Has the host start one. It is ready when this returns.
    ///
    /// # Errors
    /// What this machine lacks.
    pub fn start(host: &mut impl AgentHost, home: &Home) -> Result<Self, String> {
        let name = format!("agent-{:016x}", host.random());
        let folder = home.root.join(&name);
        let link = if home.windows {
            let names = format!("$volt = '{}'\n$name = '{name}'\n", quoted(&home.path));
            let text = format!("{names}{WINDOWS_SCRIPT}");
            // Without an input format PowerShell reads stdin itself, as the input of the command.
            let args = ["-NoProfile", "-NonInteractive", "-InputFormat", "None", "-Command", &text];
            let server = host
                .start_language_server("powershell.exe", &args)
                .map_err(|words| format!("powershell cannot be started ({words})"))?;
            // The agent has made it; it has no pipe to be opened.
            let is_ready = folder.join("ctl").exists() && !folder.join("why").exists();
            if is_ready { Ok(Link::Server(server)) } else { Err(()) }
        } else {
            // What is missing is told only here: Lapce never answers for a language server that did not start.
            let tools = host
                .execute("sh", &["-c", NEEDED])
                .map_err(|words| format!("sh cannot be started: install it ({words})"))?;
            if !tools.success {
                return Err(not_installed(String::from_utf8_lossy(&tools.stdout).trim_end()));
            }
            host.start_language_server("sh", &["-c", SCRIPT, "ai-completion-agent", &home.path, &name])
                .map_err(|words| format!("sh cannot be started ({words})"))?;
            open(host, &folder).map_err(|_| ())
        };
        match link {
            Ok(link) => Ok(Self { folder, link, next: 1, spare: Vec::new(), searches: 0, search: None }),
            Err(()) => {
                let why = text_of(&folder.join("why"));
                // Where it cannot be removed now the agent does so at its end.
                if home.is_writable(|program, args| host.execute(program, args)) {
                    let _ = fs::remove_file(folder.join("why"));
                    let _ = fs::remove_dir(&folder);
                }
                Err(match why.as_deref().map(str::trim_end) {
                    Some("no-curl") => not_installed("curl"),
                    Some("no-pipe") => format!("{} cannot hold named pipes", home.path),
                    Some(_) => "the shell does not run the plugin's script".to_owned(),
                    None => format!(
                        "Make the plugin's folder yours: it is not writable, or no script runs there ({})",
                        home.path
                    ),
                })
            }
        }
    }

    /// Whether it still runs, as far as that can be known without asking it.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.link {
            Link::Pipe { alive, .. } => !matches!(alive.read(&mut [0]), Ok(0)),
            Link::Server(_) => true,
        }
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
        let mut pipes = self.pipes(host)?;
        let has_file = self.fill(&mut pipes, request, options).map_err(|_| Lost)?;
        let leaves_ms = self.hand_over(host, pipes.number, delay_ms, u8::from(has_file), replaces)?;
        let Pipes { number, config, sources } = pipes;
        let patience = options.limits.patience(&request.url);
        let answer = Answer::new(sources, leaves_ms, patience);
        Ok(Fetch { number, config, answer, leaves_ms, has_left: false, told: 0 })
    }

    /// Has a command run now, which is not on a command line and has no input.
    ///
    /// # Errors
    /// Another agent may be able to, or this one a little later.
    pub fn run(&mut self, host: &mut impl AgentHost, command: &str) -> Result<Fetch, NotTaken> {
        let mut pipes = self.pipes(host)?;
        pipes.write_config(&format!("{command}\n")).map_err(|_| Lost)?;
        let leaves_ms = self.hand_over(host, pipes.number, 0, COMMAND, None)?;
        let Pipes { number, config, sources } = pipes;
        // The agent ends it before.
        let longest = Duration::from_secs(2 * COMMAND_SECONDS);
        let patience = Patience { first_byte: longest, idle: longest };
        let answer = Answer::of_command(sources, leaves_ms, patience);
        Ok(Fetch { number, config, answer, leaves_ms, has_left: false, told: 0 })
    }

    fn pipes(&mut self, host: &mut impl AgentHost) -> Result<Pipes, NotTaken> {
        match self.spare.pop() {
            Some(pipes) => Ok(pipes),
            None => self.open_pipes(host).map_err(|_| self.why_not()),
        }
    }

    /// Tells the agent about a request whose files are filled. Returns when it leaves, in milliseconds.
    fn hand_over(
        &mut self,
        host: &mut impl AgentHost,
        number: u64,
        delay_ms: u64,
        kind: u8,
        replaces: Option<u64>,
    ) -> Result<u64, Lost> {
        let now_ms = host.now_ms();
        let replaces = replaces.unwrap_or(0);
        self.send(host, &format!("s {number} {delay_ms} {now_ms} {kind} {replaces}\n"))?;
        Ok(now_ms.saturating_add(delay_ms))
    }

    fn why_not(&self) -> NotTaken {
        match fs::metadata(self.folder.join("ctl")) {
            Ok(_) => NotTaken::Busy,
            Err(_) => NotTaken::Lost,
        }
    }

    fn open_pipes(&mut self, host: &mut impl AgentHost) -> io::Result<Pipes> {
        let number = self.next;
        let path = |kind: char| self.folder.join(format!("{kind}{number}"));
        let (config, sources) = match self.link {
            Link::Pipe { .. } => {
                // The agent makes this one last.
                let config = Config::Pipe(host.open_pipe(&path('i'), Access::ReadWrite)?);
                let mut open = |kind| host.open_pipe(&path(kind), Access::ReadWrite);
                (config, Sources { head: open('h')?, body: open('o')?, status: open('s')? })
            }
            Link::Server(_) => {
                let create = |kind| {
                    File::create(path(kind))?;
                    File::open(path(kind))
                };
                let sources = Sources { head: create('h')?, body: create('o')?, status: create('s')? };
                (Config::File(path('i')), sources)
            }
        };
        self.next += 1;
        Ok(Pipes { number, config, sources })
    }

    /// Writes the request where curl will find it; whether its body is in a file.
    fn fill(&self, pipes: &mut Pipes, request: &HttpRequest, options: &Options) -> io::Result<bool> {
        let number = pipes.number;
        let mut config = curl_config::config(request, options, &format!("h{number}"));
        if matches!(self.link, Link::Server(_)) {
            // In front: the URL is to be the last.
            config.insert_str(0, &format!("stderr = \"e{number}\"\n"));
        }
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
        let path = self.folder.join(format!("b{number}"));
        let mut file = OpenOptions::new();
        if matches!(self.link, Link::Server(_)) {
            file.create(true);
            config.insert_str(0, &format!("data-binary = \"@b{number}\"\n"));
        }
        // Elsewhere the agent has made it, so that its permissions are the agent's.
        file.write(true).truncate(true).open(path)?.write_all(body)?;
        pipes.write_config(&config)?;
        Ok(true)
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// [`Lost`], and then there is no request any more either.
    pub fn stop(&mut self, host: &mut impl AgentHost, mut fetch: Fetch) -> Result<(), Lost> {
        fetch.config.clear();
        if fetch.has_left || host.now_ms().saturating_add(SAFE_MS) >= fetch.leaves_ms {
            return self.send(host, &format!("x {}\n", fetch.number));
        }
        self.send(host, &format!("u {}\n", fetch.number))?;
        let Fetch { number, config, answer, .. } = fetch;
        self.spare.push(Pipes { number, config, sources: answer.into_sources() });
        Ok(())
    }

    /// See [`super::requests::Transport::wake`].
    pub fn wake(
        &mut self,
        host: &mut impl AgentHost,
        fetch: &mut Fetch,
        not_before_ms: u64,
    ) -> Result<(), Lost> {
        fetch.told = fetch.answer.received();
        // A shell cannot compare so large a number.
        let pause = if not_before_ms == u64::MAX { "-".to_owned() } else { not_before_ms.to_string() };
        self.send(host, &format!("w {} {pause} {}\n", fetch.number, fetch.told))
    }

    /// See [`super::requests::Transport::timer`].
    pub fn timer(&mut self, host: &mut impl AgentHost, ms: u64) -> Result<(), Lost> {
        self.send(host, &format!("t {ms}\n"))
    }

    /// See [`super::requests::Transport::woken`].
    pub fn woken(&mut self, host: &mut impl AgentHost) -> Result<(), Lost> {
        self.send(host, "c\n")
    }

    /// See [`super::requests::Transport::search`]. Windows has no program for it.
    pub fn search(
        &mut self,
        host: &mut impl AgentHost,
        root: &str,
        pattern: &str,
        files: &str,
    ) -> Result<(), Lost> {
        let is_line = |text: &str| !text.is_empty() && !text.contains(['\n', '\r', '\0']);
        let fits = root.starts_with('/') && [root, pattern, files].into_iter().all(is_line);
        let Link::Pipe { searches, .. } = &mut self.link else { return Ok(()) };
        if !fits {
            return Ok(());
        }
        self.searches += 1;
        let number = self.searches;
        let lines = format!("{number}\n{root}\n{pattern}\n{files}\n");
        match searches.write(lines.as_bytes()) {
            Ok(count) if count == lines.len() => {}
            // It has not read the searches before.
            _ => return Err(Lost),
        }
        self.search = Some(number);
        self.send(host, "l\n")
    }

    /// See [`super::requests::Transport::found`].
    pub fn found(&mut self, host: &mut impl AgentHost) -> Option<String> {
        let number = self.search?;
        let bytes = read_all(&self.folder.join(format!("y{number}")), FOUND)?;
        self.search = None;
        // An agent that does not hear is noticed by who waits for it.
        let _ = self.send(host, &format!("v {number}\n"));
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Tells the agent how far the body is read, where that is far enough.
    pub fn tell_read(&mut self, host: &mut impl AgentHost, fetch: &mut Fetch) -> Result<(), Lost> {
        let received = fetch.answer.received();
        // A file never fills.
        if received - fetch.told < UNTOLD || matches!(self.link, Link::Server(_)) {
            return Ok(());
        }
        fetch.told = received;
        self.send(host, &format!("r {} {received}\n", fetch.number))
    }

    /// Has it end, if it can still hear.
    pub fn quit(mut self, host: &mut impl AgentHost) {
        let _ = self.send(host, "q\n");
    }

    /// Short enough to be written whole or not at all (POSIX: `PIPE_BUF` is at least 512 bytes).
    fn send(&mut self, host: &mut impl AgentHost, line: &str) -> Result<(), Lost> {
        match &mut self.link {
            Link::Pipe { commands, .. } => match commands.write(line.as_bytes()) {
                Ok(count) if count == line.len() => Ok(()),
                // A full pipe: nobody has read for a thousand commands and more.
                _ => Err(Lost),
            },
            // Numbers and letters only: nothing in it needs to be escaped.
            Link::Server(server) => {
                let params = format!("\"{}\"", line.trim_end());
                host.send_lsp_request(*server, "agent", &params).map_err(|_| Lost)
            }
        }
    }
}

impl Pipes {
    /// All of it, or nothing and `WouldBlock`.
    fn write_config(&mut self, config: &str) -> io::Result<()> {
        self.config.clear();
        let pipe = match &mut self.config {
            Config::Pipe(pipe) => pipe,
            Config::File(path) => return fs::write(path, config),
        };
        match pipe.write(config.as_bytes()) {
            Ok(count) if count == config.len() => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => {
                self.config.clear();
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

impl Config {
    /// Takes out what curl has not read; whether there was anything.
    fn clear(&mut self) -> bool {
        match self {
            Self::Pipe(pipe) => {
                let mut bytes = [0; 4096];
                let mut found = false;
                while let Ok(1..) = pipe.read(&mut bytes) {
                    found = true;
                }
                found
            }
            Self::File(path) => fs::remove_file(path).is_ok(),
        }
    }
}

impl Fetch {
    /// Its number at the agent.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// See [`super::requests::Transport::read`]. `lost`: its agent is gone.
    pub fn read(&mut self, now_ms: u64, lost: bool, buffer: &mut [u8]) -> TransportEvent {
        self.answer.read(now_ms, lost, buffer)
    }

    /// When it is to leave, in milliseconds of the host's clock.
    pub fn leaves_ms(&self) -> u64 {
        self.leaves_ms
    }

    /// Whether it should have left long ago but has not. Then it never will: its config is gone.
    pub fn is_stuck(&mut self, now_ms: u64) -> bool {
        if self.has_left || now_ms < self.leaves_ms.saturating_add(HUNG_MS) {
            return false;
        }
        self.has_left = !self.config.clear();
        !self.has_left
    }

    /// Makes sure that a request that has not left never will, when its agent is given up.
    pub fn withdraw(&mut self) {
        self.config.clear();
    }
}

/// Opens the pipe for commands, and the one whose end is the agent's.
fn open(host: &mut impl AgentHost, folder: &Path) -> io::Result<Link> {
    let commands = host.open_pipe(&folder.join("ctl"), Access::ReadWrite)?;
    // If the agent has just ended, opening for reading alone would wait for a writer. So there is one meanwhile.
    let path = folder.join("a");
    let writer = host.open_pipe(&path, Access::ReadWrite)?;
    let alive = host.open_pipe(&path, Access::Read)?;
    drop(writer);
    let searches = host.open_pipe(&folder.join("q"), Access::ReadWrite)?;
    Ok(Link::Pipe { commands, alive, searches })
}

/// The text for between PowerShell's single quotes, as which it also takes the four curly ones.
fn quoted(text: &str) -> String {
    let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201B}');
    text.chars().flat_map(|c| std::iter::repeat_n(c, 1 + usize::from(is_quote(&c)))).collect()
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

    #[test]
    fn the_text_for_powershell_is_one_argument_of_a_command_line() {
        assert!(!WINDOWS_SCRIPT.contains('"'));
        // Windows takes command lines of 32,767 characters.
        assert!(WINDOWS_SCRIPT.len() < 16_000, "{}", WINDOWS_SCRIPT.len());
        assert!(!WINDOWS_SCRIPT.lines().any(|line| line.is_empty() || line.starts_with('#')));
    }
}
