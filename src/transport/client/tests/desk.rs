//! A plugin at work: its volt's folder, the part of Lapce that runs language servers, and the client between them.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::super::*;
use super::server::{OK, answer};
use crate::transport::agent_host::Access;
use crate::transport::{Output, Reply};

/// Only what hangs takes so long.
pub const CEILING: Duration = Duration::from_secs(30);

/// The command of a POSIX shell.
pub type Shell = &'static [&'static str];

const SHELLS: [Shell; 5] = [&["dash"], &["bash"], &["bash", "--posix"], &["busybox", "sh"], &["mksh"]];

/// The shells that are installed; all must be where `REQUIRE_ALL_SHELLS` is set.
pub fn shells() -> Vec<Shell> {
    let is_there = |shell: &Shell| {
        let found = Command::new(shell[0]).args(&shell[1..]).args(["-c", ":"]).output().is_ok();
        assert!(found || std::env::var_os("REQUIRE_ALL_SHELLS").is_none(), "{shell:?} is not installed");
        if !found {
            eprintln!("not installed, not tested: {shell:?}");
        }
        found
    };
    SHELLS.into_iter().filter(is_there).collect()
}

/// Looks again until it is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < CEILING, "it never came that {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until there is none, and shows what there is if it takes too long.
fn none<T: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> Vec<T>) {
    let begin = Instant::now();
    loop {
        let found = look();
        if found.is_empty() {
            return;
        }
        assert!(begin.elapsed() < CEILING, "a {what} is left: {found:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn shown((pid, text): (i32, String)) -> (i32, String) {
    (pid, text.chars().take(20).collect())
}

/// Whether a process has ended and let go of its files. The kernel closes them after it forgets the working directory, but
/// before the process is a zombie.
pub fn is_dead(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // `pid (name) state ...`; the name may hold parentheses (proc_pid_stat(5)).
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

pub fn kill(pid: i32, signal: i32) {
    // SAFETY: a plain system call.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

pub fn make_pipe(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is a C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Whether nobody can write to a named pipe now.
pub fn is_full(pipe: &Path) -> bool {
    let both = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(pipe).unwrap();
    !is_ready(&both, libc::POLLOUT)
}

/// Whether there is something to be read from a pipe.
pub fn has_bytes(pipe: &File) -> bool {
    is_ready(pipe, libc::POLLIN)
}

fn is_ready(pipe: &File, for_what: libc::c_short) -> bool {
    let mut poll = libc::pollfd { fd: pipe.as_raw_fd(), events: for_what, revents: 0 };
    // SAFETY: one structure, which lives across the call.
    assert!(unsafe { libc::poll(&raw mut poll, 1, 0) } >= 0);
    poll.revents & for_what != 0
}

/// A named pipe that holds at most as many bytes as long as this is open.
pub fn shrunk(pipe: &Path, bytes: libc::c_int) -> File {
    let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(pipe).unwrap();
    // SAFETY: a plain system call on an open file.
    assert!(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) } >= 0);
    pipe
}

/// Whoever writes to a file fails, as on a full disk.
fn write_no_files() -> io::Result<()> {
    let nothing = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: plain system calls with a structure that lives across the call.
    let done = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const nothing)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A folder that is removed at the end of the test.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    pub fn new() -> Arc<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ai \"completion\"'s $HOME %41 `\u{fc}` {}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Arc::new(Self { path: path.canonicalize().unwrap() })
    }

    pub fn home(&self) -> Home {
        Home { path: self.path.to_str().unwrap().to_owned(), root: self.path.clone(), windows: false }
    }

    /// Names of all that is in it.
    pub fn files(&self) -> Vec<String> {
        list(&self.path)
    }

    /// Writes to the agent what the plugin would.
    pub fn command(&self, lines: &str) {
        let agent = self.files().into_iter().next().expect("an agent");
        let mut pipe = OpenOptions::new().write(true).open(self.path.join(agent).join("ctl")).unwrap();
        pipe.write_all(lines.as_bytes()).unwrap();
    }

    /// Live processes that work in it or have its path as an argument, and what everybody can read about them.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let pids =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        let here = self.path.as_os_str().as_bytes();
        pids.filter_map(|pid: i32| {
            let read = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let cwd = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
            let arguments = read("cmdline");
            let is_ours = cwd.as_os_str().as_bytes().starts_with(here)
                || arguments.windows(here.len()).any(|part| part == here);
            let text = [arguments, read("environ")].concat();
            is_ours.then(|| (pid, String::from_utf8_lossy(&text).into_owned()))
        })
        .collect()
    }

    /// The process of a program.
    pub fn process(&self, program: &str) -> Option<i32> {
        let name = format!("{program}\0");
        self.processes().into_iter().find(|(_, text)| text.starts_with(&name)).map(|(pid, _)| pid)
    }

    pub fn nothing_left(&self) {
        none("process", || self.processes().into_iter().map(shown).collect());
        none("file", || self.files());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn list(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A folder with the commands the agent needs, but for `without`.
pub fn commands(shell: Shell, without: &str) -> Arc<Folder> {
    let folder = Folder::new();
    let needed = ["sh", "mkdir", "mkfifo", "mv", "rm", "dd", "tee", "sleep", "curl", "printf"];
    for name in needed.into_iter().filter(|name| *name != without) {
        let name = if name == "sh" { shell[0] } else { name };
        let path = Command::new("sh").args(["-c", &format!("type -P {name} || command -v {name}")]).output();
        let path = String::from_utf8(path.unwrap().stdout).unwrap();
        let path = path.lines().map(str::trim).find(|line| line.starts_with('/'));
        let path = path.map_or_else(|| format!("/usr/bin/{name}"), str::to_owned);
        std::os::unix::fs::symlink(path, folder.path.join(name)).unwrap();
    }
    folder
}

/// Lapce as the client sees it.
#[derive(Debug)]
pub struct Lapce {
    shell: Shell,
    env: Vec<(&'static str, String)>,
    /// The folder that it was started in.
    pub started_in: PathBuf,
    /// Whether what it starts can write nothing to files.
    pub disk_is_full: bool,
    /// What its HTTP client answers.
    pub reply: Option<Reply>,
    /// How often it was to start a language server.
    pub started: u32,
    servers: Vec<Server>,
    wake: mpsc::Sender<()>,
    woken: mpsc::Receiver<()>,
    begin: Instant,
    /// Milliseconds made up.
    passed: u64,
    /// Calls that may fail, so far, and the one that does, counted from 1.
    pub calls: u32,
    pub failing: u32,
}

#[derive(Debug)]
struct Server {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl Lapce {
    pub fn new(shell: Shell) -> Self {
        let (wake, woken) = mpsc::channel();
        Self {
            shell,
            env: Vec::new(),
            started_in: "/".into(),
            disk_is_full: false,
            reply: None,
            started: 0,
            servers: Vec::new(),
            wake,
            woken,
            begin: Instant::now(),
            passed: 0,
            calls: 0,
            failing: 0,
        }
    }

    /// Counts a call that may fail; whether it does.
    fn fails(&mut self) -> bool {
        self.calls += 1;
        self.calls == self.failing
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }
}

const WAKE: &str =
    r#"{"jsonrpc":"2.0","method":"experimental/serverStatus","params":{"health":"ok","quiescent":true}}"#;

/// The body of the next message of a language server.
fn message(from: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let length = line.strip_prefix("Content-Length: ").unwrap().trim_end().parse().unwrap();
    line.clear();
    from.read_line(&mut line).unwrap();
    assert_eq!(line, "\r\n");
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).unwrap())
}

impl AgentHost for Lapce {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap() + self.passed
    }

    fn random(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn start_language_server(&mut self, program: &str, args: &[&str]) -> Result<u64, String> {
        assert_eq!(program, "sh");
        if self.fails() {
            return Err("it fails".to_owned());
        }
        self.started += 1;
        let mut command = Command::new(self.shell[0]);
        for name in
            ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
        {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.started_in);
        command.args(&self.shell[1..]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if self.disk_is_full {
            // SAFETY: both are plain system calls, which a child may make before it runs its program.
            unsafe { command.pre_exec(write_no_files) };
        }
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let mut stdin = process.stdin.take().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut send = |body: &str| {
            let _ = stdin.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        };
        let padding = "\u{e4} ".repeat(1000);
        send(&format!(
            r#"{{"id":{},"jsonrpc":"2.0","method":"initialize","params":{{"a":"{padding}","id":0}}}}"#,
            self.started
        ));
        let answer = message(&mut stdout).unwrap();
        let expected =
            format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"capabilities":{{}}}}}}"#, self.started);
        assert_eq!(answer, expected);
        send(r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#);
        self.servers.push(Server { process, stdin: Some(stdin) });
        let wake = self.wake.clone();
        thread::spawn(move || {
            while let Some(body) = message(&mut stdout) {
                assert_eq!(body, WAKE);
                let _ = wake.send(());
            }
        });
        Ok(u64::from(self.started))
    }

    fn send_lsp_request(&mut self, _: u64, _: &str, _: &str) -> Result<(), String> {
        unreachable!("only on Windows")
    }

    fn execute(&mut self, program: &str, _: &[&str]) -> Result<Output, String> {
        assert_eq!(program, "sh");
        if self.fails() {
            return Err("it fails".to_owned());
        }
        Ok(Output { success: true, stdout: Vec::new() })
    }

    fn open_pipe(&mut self, path: &Path, access: Access) -> io::Result<File> {
        if self.fails() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let write = access == Access::ReadWrite;
        // As wasmtime does it: the opening itself may wait. So it must not have to.
        let before = Instant::now();
        let file = OpenOptions::new().read(true).write(write).open(path)?;
        assert!(before.elapsed() < CEILING);
        drop(file);
        OpenOptions::new().read(true).write(write).custom_flags(libc::O_NONBLOCK).open(path)
    }

    fn http(&mut self, _: &HttpRequest, limit: usize) -> Result<Reply, u32> {
        let reply = self.reply.clone().ok_or(11_u32)?;
        if reply.body.len() > limit { Err(crate::transport::host_http::TOO_LONG) } else { Ok(reply) }
    }
}

impl Drop for Lapce {
    /// As by kill -9: its ends of the pipes close.
    fn drop(&mut self) {
        for server in &mut self.servers {
            drop(server.stdin.take());
            let _ = server.process.wait();
        }
    }
}

pub struct Desk {
    shell: Shell,
    pub folder: Arc<Folder>,
    pub client: Client<Lapce>,
    /// Requests of our own.
    next: u64,
}

impl Desk {
    pub fn new(shell: Shell) -> Self {
        Self::on(Lapce::new(shell), Options::default())
    }

    pub fn on(lapce: Lapce, options: Options) -> Self {
        Self::at(Folder::new(), lapce, options)
    }

    fn at(folder: Arc<Folder>, lapce: Lapce, options: Options) -> Self {
        let desk = Self::start(folder, lapce, options);
        assert_eq!(desk.client.obstacle(), None, "{:?}", desk.shell);
        desk
    }

    /// One where this call of the host fails, counted from 1. There may be no agent then.
    pub fn failing(shell: Shell, call: u32) -> Self {
        let mut lapce = Lapce::new(shell);
        lapce.failing = call;
        Self::start(Folder::new(), lapce, Options::default())
    }

    fn start(folder: Arc<Folder>, lapce: Lapce, options: Options) -> Self {
        let shell = lapce.shell;
        let mut client = Client::new(lapce, Some(folder.home()), options);
        client.tick();
        Self { shell, folder, client, next: 1000 }
    }

    /// Another window: a second plugin in the same folder.
    pub fn beside(&self) -> Self {
        Self::at(self.folder.clone(), Lapce::new(self.shell), Options::default())
    }

    /// Milliseconds pass that nobody has to wait for.
    pub fn pass(&mut self, ms: u64) {
        self.client.host.passed += ms;
    }

    /// Waits for a wake-up.
    pub fn woken(&mut self) {
        self.sent();
        self.client.woken();
    }

    /// Waits for a wake-up that the editor keeps to itself.
    pub fn sent(&self) {
        self.client.host.woken.recv_timeout(CEILING).expect("a wake-up");
    }

    /// Wake-ups that came unseen.
    pub fn wakes(&self) -> usize {
        self.client.host.woken.try_iter().count()
    }

    /// What is there without waiting.
    pub fn read_now(&mut self, number: RequestNumber) -> Option<(TransportEvent, Vec<u8>)> {
        let mut buffer = vec![0; 64 << 10];
        let event = self.client.read(number, &mut buffer);
        buffer.truncate(if let TransportEvent::Body(count) = event { count } else { 0 });
        (event != TransportEvent::Pending).then_some((event, buffer))
    }

    /// Reads until as many bytes of body have come as `piece` has, which they are.
    pub fn read_piece(&mut self, number: RequestNumber, piece: &[u8]) {
        let mut got = Vec::new();
        until("the piece", || {
            got.extend(self.read_now(number).map_or(Vec::new(), |(_, bytes)| bytes));
            (got.len() >= piece.len()).then_some(())
        });
        assert_eq!(got, piece, "{:?}", self.shell);
    }

    /// The rest of the body and how it ended, read without wake-ups.
    pub fn read_to_end(&mut self, number: RequestNumber) -> (Vec<u8>, TransportEvent) {
        let mut body = Vec::new();
        loop {
            match until("there is something to read", || self.read_now(number)) {
                (TransportEvent::Head { .. }, _) => {}
                (TransportEvent::Body(_), bytes) => body.extend_from_slice(&bytes),
                (end, _) => return (body, end),
            }
        }
    }

    /// The whole answer, read at wake-ups: status, headers, body, and how it ended.
    pub fn finish(&mut self, number: RequestNumber) -> (u16, Vec<(String, String)>, Vec<u8>, TransportEvent) {
        let mut whole = (0, Vec::new(), Vec::new());
        loop {
            self.client.wake(number, 0);
            self.woken();
            while let Some((event, bytes)) = self.read_now(number) {
                match event {
                    TransportEvent::Head { status, headers } => (whole.0, whole.1) = (status, headers),
                    TransportEvent::Body(_) => whole.2.extend_from_slice(&bytes),
                    end => return (whole.0, whole.1, whole.2, end),
                }
            }
        }
    }

    /// A request of its own works.
    pub fn sends_again(&mut self) {
        self.next += 1;
        let number = RequestNumber(self.next);
        let (url, server) = answer(format!("{OK}again"));
        self.client.start(number, &super::post(&url), 0, None);
        assert_eq!(self.finish(number).2, b"again", "{:?}", self.shell);
        server.join().unwrap();
    }

    fn agent(&self) -> i32 {
        self.client.host.servers.last().unwrap().process.id().try_into().unwrap()
    }

    pub fn kill_agent(&mut self) {
        kill(self.agent(), libc::SIGKILL);
        let _ = self.client.host.servers.last_mut().unwrap().process.wait();
    }

    pub fn stop_agent(&self) {
        kill(self.agent(), libc::SIGSTOP);
    }

    pub fn continue_agents(&self) {
        for server in &self.client.host.servers {
            kill(server.process.id().try_into().unwrap(), libc::SIGCONT);
        }
    }

    /// How many run.
    pub fn agents(&mut self) -> usize {
        let servers = &mut self.client.host.servers;
        servers
            .iter_mut()
            .filter_map(|server| server.process.try_wait().unwrap().is_none().then_some(()))
            .count()
    }

    pub fn kill(&self, program: &str) {
        kill(until(program, || self.folder.process(program)), libc::SIGKILL);
    }

    /// Waits until the agent has nothing to do and holds nothing of a request.
    pub fn at_rest(&self) {
        none("process beside the agent's three", || {
            let processes = self.folder.processes();
            if processes.len() <= 3 { Vec::new() } else { processes.into_iter().map(shown).collect() }
        });
        none("pipe of a request", || {
            let Some(folder) = self.folder.files().first().map(|name| self.folder.path.join(name)) else {
                return Vec::new();
            };
            let mut sets = BTreeMap::<String, Vec<char>>::new();
            for name in list(&folder).iter().filter(|name| !["ctl", "a", "q"].contains(&name.as_str())) {
                let (kind, number) = name.split_at(1);
                sets.entry(number.to_owned()).or_default().extend(kind.chars());
            }
            let used = |(_, kinds): &mut (String, Vec<char>)| {
                kinds.sort_unstable();
                kinds.iter().collect::<String>() != "bchilopst"
            };
            sets.into_iter().filter_map(|mut set| used(&mut set).then_some(set)).collect()
        });
    }

    /// Lapce is gone: so is everything else.
    pub fn close(self) {
        let Self { folder, client, .. } = self;
        drop(client);
        folder.nothing_left();
    }

    /// Lapce is gone, but there is another in this folder.
    pub fn close_beside(self) {
        drop(self);
    }
}
