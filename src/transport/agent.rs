//! The plugin's side of the agent, a script that Lapce runs beside the plugin. `agent.sh` documents what it does, its
//! commands and its files; `agent.ps1` what differs on Windows. The agent runs timers and curl, so that nothing here waits.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::agent_host::{Access, AgentHost};
use super::answer::{Answer, Sources};
use super::host::{read_all, text_of};
use super::requests::{NotBefore, TransportEvent};
use super::{COMMAND_SECONDS, Home, Options, Patience, curl_config, script};
use crate::http::HttpRequest;

const SOURCE: &str = include_str!("agent.sh");
const SCRIPT_BYTES: [u8; script::stripped_len(SOURCE)] = script::stripped(SOURCE);
/// The script without comments and indentation.
const SCRIPT: &str = script::text(&SCRIPT_BYTES);

const WINDOWS_SOURCE: &str = include_str!("agent.ps1");
const WINDOWS_SCRIPT_BYTES: [u8; script::stripped_len(WINDOWS_SOURCE)] = script::stripped(WINDOWS_SOURCE);
/// The same for Windows PowerShell 5.1, without the lines that set `$volt` and `$name`.
const WINDOWS_SCRIPT: &str = script::text(&WINDOWS_SCRIPT_BYTES);

/// Prints the first missing program that the agent needs. (The agent checks for curl itself.)
const NEEDED: &str =
    "for c in dd mkdir mkfifo rm sleep tee; do command -v $c >/dev/null || { echo $c; exit 1; }; done";

/// A request that is due more than this from now has certainly not left, in milliseconds. The agent counts in whole
/// milliseconds.
const SAFE_MS: u64 = 5;
/// If a request has not left this long after it was due, the agent hangs. In milliseconds.
pub(super) const HUNG_MS: u64 = 3000;
/// How much body is read before the agent is told, in bytes. Half the size of a pipe on Linux: the agent must empty its copy
/// of the body as the plugin empties the original.
const UNTOLD: u64 = 32 * 1024;
/// At most this much of the result of a search is read, in bytes.
const FOUND: usize = 128 * 1024;

/// Marks a command of the user in the agent's command `s`, in the place of the flag for the body.
const COMMAND: u8 = 2;

/// The agent no longer takes commands: it has ended, it hangs, or its folder is gone.
#[derive(Debug)]
pub(super) struct Lost;

/// Why a request was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    Lost,
    /// The agent has not made more pipes yet. It will when it has time.
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
    /// Sets of pipes whose requests never left, to be used again.
    spare: Vec<Pipes>,
    searches: u64,
    /// The running search.
    search: Option<u64>,
}

/// How commands reach the agent.
#[derive(Debug)]
enum Link {
    Pipe {
        commands: File,
        /// Reaches its end when the agent has ended.
        alive: File,
        /// For searches.
        searches: File,
    },
    /// On Windows: through the host, as requests to this language server.
    Server(u64),
}

/// The named pipes (on Windows: files) of one request. The agent makes the pipes in advance.
#[derive(Debug)]
struct Pipes {
    number: u64,
    config: Config,
    sources: Sources,
}

/// Where curl's config is written.
#[derive(Debug)]
enum Config {
    Pipe(File),
    File(PathBuf),
}

/// A request that the agent has taken.
#[derive(Debug)]
pub(super) struct Fetch {
    number: u64,
    config: Config,
    answer: Answer,
    /// When it leaves.
    leaves_ms: u64,
    /// Whether it is known to have left.
    has_left: bool,
    /// How much of the body was read as far as the agent knows, in bytes.
    told: u64,
}

/// The message that a program is missing which the agent needs.
fn not_installed(program: &str) -> String {
    [program, " is not installed: install it and reload the plugin"].concat()
}

impl Agent {
    /// Lets the host start one. It is ready when this returns.
    ///
    /// # Errors
    /// What is missing on this machine.
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
            // The agent makes this file; there is no pipe to open.
            let is_ready = folder.join("ctl").exists() && !folder.join("why").exists();
            if is_ready { Ok(Link::Server(server)) } else { Err(()) }
        } else {
            // Checked before the start: Lapce never answers if a language server cannot be started.
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
                // If it cannot be removed now, the agent removes it at its end.
                if home.is_writable(|program, args| host.execute(program, args)) {
                    let _ = fs::remove_file(folder.join("why"));
                    let _ = fs::remove_dir(&folder);
                }
                Err(match why.as_deref().map(str::trim_end) {
                    Some("no-curl") => not_installed("curl"),
                    Some("no-pipe") => format!("{} cannot hold named pipes", home.path),
                    Some(_) => "the shell does not run the plugin's script".to_owned(),
                    None => format!(
                        "Make the plugin's folder writable: it is not writable, or no script runs there ({})",
                        home.path
                    ),
                })
            }
        }
    }

    /// Whether it still runs. Not known on Windows.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.link {
            Link::Pipe { alive, .. } => !matches!(alive.read(&mut [0]), Ok(0)),
            Link::Server(_) => self.holds_its_file(),
        }
    }

    /// Windows: whether the agent lives. It keeps a file open that nobody else may write to meanwhile.
    fn holds_its_file(&self) -> bool {
        match OpenOptions::new().write(true).open(self.folder.join("ctl")) {
            Ok(_) => false,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Hands over a request that has passed [`HttpRequest::check`]. When it leaves, the agent stops its request number
    /// `replaces`.
    ///
    /// # Errors
    /// The agent is lost, or too busy now.
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

    /// Runs a command now, without input. It does not appear on a command line.
    ///
    /// # Errors
    /// The agent is lost, or too busy now.
    pub fn run(&mut self, host: &mut impl AgentHost, command: &str) -> Result<Fetch, NotTaken> {
        let mut pipes = self.pipes(host)?;
        pipes.write_config(&format!("{command}\n")).map_err(|_| Lost)?;
        let leaves_ms = self.hand_over(host, pipes.number, 0, COMMAND, None)?;
        let Pipes { number, config, sources } = pipes;
        // Never reached: the agent kills it before.
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

    /// Tells the agent about a request whose files are written. Returns when it leaves, in milliseconds.
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
                // The agent makes this pipe last: if it exists, all do.
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

    /// Writes the request for curl. Returns whether its body is in a file.
    fn fill(&self, pipes: &mut Pipes, request: &HttpRequest, options: &Options) -> io::Result<bool> {
        let number = pipes.number;
        let mut config = curl_config::config(request, options, &format!("h{number}"));
        if matches!(self.link, Link::Server(_)) {
            // At the beginning: the URL must be the last line.
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
                // On this system a pipe holds less.
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
        // Elsewhere the agent has made the file, with its own permissions.
        file.write(true).truncate(true).open(path)?.write_all(body)?;
        pipes.write_config(&config)?;
        Ok(true)
    }

    /// Stops a request, or withdraws it if it has not left.
    ///
    /// # Errors
    /// The agent is [`Lost`], and the request with it.
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
        not_before: NotBefore,
    ) -> Result<(), Lost> {
        fetch.told = fetch.answer.received();
        // The number is too large for a shell.
        let NotBefore { ms, extra_ms } = not_before;
        let pause = if ms == u64::MAX { "-".to_owned() } else { ms.to_string() };
        self.send(host, &format!("w {} {pause} {} {extra_ms}\n", fetch.number, fetch.told))
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
            // The pipe is full: the agent has not read earlier searches.
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
        // If the agent is lost, the next request notices.
        let _ = self.send(host, &format!("v {number}\n"));
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Tells the agent how far the body was read, if that is far enough since the last time.
    pub fn tell_read(&mut self, host: &mut impl AgentHost, fetch: &mut Fetch) -> Result<(), Lost> {
        let received = fetch.answer.received();
        // A file never fills.
        if received - fetch.told < UNTOLD || matches!(self.link, Link::Server(_)) {
            return Ok(());
        }
        fetch.told = received;
        self.send(host, &format!("r {} {received}\n", fetch.number))
    }

    /// Tells it to end, if it still reads commands.
    pub fn quit(mut self, host: &mut impl AgentHost) {
        let _ = self.send(host, "q\n");
    }

    /// Sends a command, which must be short enough to be written whole or not at all (POSIX: `PIPE_BUF` is at least 512 bytes).
    fn send(&mut self, host: &mut impl AgentHost, line: &str) -> Result<(), Lost> {
        // Lapce would wait for the answer of a language server that has ended, and the plugin with it.
        if matches!(self.link, Link::Server(_)) && !self.holds_its_file() {
            return Err(Lost);
        }
        match &mut self.link {
            Link::Pipe { commands, .. } => match commands.write(line.as_bytes()) {
                Ok(count) if count == line.len() => Ok(()),
                // The pipe is full: the agent has not read more than a thousand commands.
                _ => Err(Lost),
            },
            // Only letters, digits and spaces: nothing needs to be escaped.
            Link::Server(server) => {
                let params = format!("\"{}\"", line.trim_end());
                host.send_lsp_request(*server, "agent", &params).map_err(|_| Lost)
            }
        }
    }
}

impl Pipes {
    /// Writes all of it, or nothing with the error `WouldBlock`.
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
    /// Removes what curl has not read. Returns whether there was anything.
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

    /// Whether it should have left long ago but has not. If so, its config is removed, so that it never will.
    pub fn is_stuck(&mut self, now_ms: u64) -> bool {
        if self.has_left || now_ms < self.leaves_ms.saturating_add(HUNG_MS) {
            return false;
        }
        self.has_left = !self.config.clear();
        !self.has_left
    }

    /// Makes sure that it never leaves, if it has not left. For requests of an agent that is given up.
    pub fn withdraw(&mut self) {
        self.config.clear();
    }
}

/// Opens the pipes for commands and searches, and the one that ends with the agent.
fn open(host: &mut impl AgentHost, folder: &Path) -> io::Result<Link> {
    let commands = host.open_pipe(&folder.join("ctl"), Access::ReadWrite)?;
    // If the agent has just ended, opening the pipe only for reading would wait for a writer. So this is one.
    let path = folder.join("a");
    let writer = host.open_pipe(&path, Access::ReadWrite)?;
    let alive = host.open_pipe(&path, Access::Read)?;
    drop(writer);
    let searches = host.open_pipe(&folder.join("q"), Access::ReadWrite)?;
    Ok(Link::Pipe { commands, alive, searches })
}

/// Escapes a text for PowerShell's single quotes. PowerShell also accepts the four curly single quotes as such.
fn quoted(text: &str) -> String {
    let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201B}');
    text.chars().flat_map(|c| std::iter::repeat_n(c, 1 + usize::from(is_quote(&c)))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tree_sitter::{Node, Parser};

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

    /// Collects the texts of all nodes of a kind below `node`. Of a variable, the name without `$` and scope.
    fn texts<'a>(node: Node, kind: &str, source: &'a str, found: &mut BTreeSet<&'a str>) {
        if node.kind() == kind {
            found.insert(source[node.byte_range()].trim_start_matches("$script:").trim_start_matches('$'));
        }
        node.children(&mut node.walk()).for_each(|child| texts(child, kind, source, found));
    }

    /// The variables and the commands that a PowerShell script uses and does not define. `None` if it does not parse.
    fn undefined(script: &str) -> Option<(Vec<&str>, Vec<&str>)> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
        let tree = parser.parse(script, None).unwrap();
        let (mut set, mut used) = (BTreeSet::new(), BTreeSet::new());
        let (mut functions, mut commands) = (BTreeSet::new(), BTreeSet::new());
        let mut nodes = vec![tree.root_node()];
        while let Some(node) = nodes.pop() {
            match node.kind() {
                "left_assignment_expression" | "script_parameter" => {
                    // Not what is set in an object: `$a.b = 1`.
                    let text = &script[node.byte_range()];
                    if !text.contains(['.', '[']) {
                        texts(node, "variable", script, &mut set);
                    }
                }
                "foreach_statement" => {
                    texts(node.named_child(0).unwrap(), "variable", script, &mut set);
                }
                _ => {}
            }
            nodes.extend(node.children(&mut node.walk()));
        }
        for (kind, found) in
            [("variable", &mut used), ("function_name", &mut functions), ("command_name", &mut commands)]
        {
            texts(tree.root_node(), kind, script, found);
        }
        let is_whole = !tree.root_node().has_error();
        is_whole.then(|| {
            (used.difference(&set).copied().collect(), commands.difference(&functions).copied().collect())
        })
    }

    #[test]
    fn the_script_for_windows_parses_and_uses_nothing_that_nobody_defines() {
        for (script, expected) in [
            ("$a = 1\nfoo $a", Some((vec![], vec!["foo"]))),
            ("function f($b) { $b + $c }\nf 1", Some((vec!["c"], vec![]))),
            ("foreach ($d in $e) { $d.g = 1; $h[0] = 2 }", Some((vec!["e", "h"], vec![]))),
            ("if ($true) { 1", None),
        ] {
            assert_eq!(undefined(script), expected, "{script}");
        }
        let (variables, commands) = undefined(WINDOWS_SCRIPT).unwrap();
        // `name` and `volt` are set by the text before it.
        assert_eq!(variables, ["_", "false", "name", "null", "true", "volt"]);
        assert_eq!(
            commands,
            [
                // A range, which this grammar takes for a command.
                "1..9",
                "ConvertFrom-Json",
                "Get-Command",
                "Get-Date",
                "Join-Path",
                "New-Object",
                "Out-Null",
                "Select-Object",
                "Start-Sleep",
                "Where-Object",
            ]
        );
    }
}
