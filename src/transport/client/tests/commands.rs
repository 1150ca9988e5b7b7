//! What the client tells the agent, and what it makes of its silence: with an agent of pipes only, and in made-up time.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use super::desk::make_pipe;
use super::*;

/// A Lapce whose agents are folders with pipes. Nobody reads them but the test.
#[derive(Debug)]
struct Pipes {
    now_ms: u64,
    /// Whether the next agents can be started; they can once it is empty.
    starts: VecDeque<Result<(), &'static str>>,
    /// Sets of pipes that an agent makes at its start.
    sets: u64,
    agents: Vec<FakeAgent>,
    root: std::path::PathBuf,
    /// Nothing can be written to the volt's folder.
    is_locked: bool,
}

#[derive(Debug)]
struct FakeAgent {
    folder: std::path::PathBuf,
    commands: File,
    /// Its end is that of the agent.
    alive: Option<File>,
}

impl FakeAgent {
    fn new(folder: std::path::PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        for name in ["ctl", "a", "q"] {
            make_pipe(&folder.join(name));
        }
        let (commands, alive) = (both(&folder.join("ctl")), both(&folder.join("a")));
        Self { folder, commands, alive: Some(alive) }
    }

    /// Makes the pipes and files of a request.
    fn make_set(&self, number: u64) {
        fs::write(self.folder.join(format!("b{number}")), "").unwrap();
        for kind in ['s', 'h', 'o', 'i'] {
            make_pipe(&self.folder.join(format!("{kind}{number}")));
        }
    }

    /// What was written to a pipe since it was last read.
    fn read(&self, name: &str) -> String {
        drain(&both(&self.folder.join(name)))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.join(name);
        OpenOptions::new().read(true).write(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    /// The commands since the last call, but for those about wake-ups of requests.
    fn commands(&self) -> Vec<String> {
        drain(&self.commands).lines().filter(|line| !line.starts_with('w')).map(str::to_owned).collect()
    }
}

/// A pipe that is opened for both, without waiting.
fn both(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}

fn drain(mut pipe: &File) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

impl AgentHost for Pipes {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn random(&self) -> u64 {
        self.agents.len() as u64
    }

    fn execute(&mut self, _: &str, args: &[&str]) -> Result<Output, String> {
        if args[1].starts_with("[ -w") {
            return Ok(Output { success: !self.is_locked, stdout: Vec::new() });
        }
        match self.starts.pop_front() {
            None | Some(Ok(())) => Ok(Output { success: true, stdout: Vec::new() }),
            Some(Err(missing)) => Ok(Output { success: false, stdout: format!("{missing}\n").into() }),
        }
    }

    fn start_language_server(&mut self, _: &str, args: &[&str]) -> Result<u64, String> {
        if self.is_locked {
            // What an agent leaves that could make no more.
            fs::create_dir(self.root.join(args[4])).unwrap();
            fs::write(self.root.join(args[4]).join("why"), "no-pipe\n").unwrap();
            return Ok(0);
        }
        let agent = FakeAgent::new(self.root.join(args[4]));
        (1..=self.sets).for_each(|number| agent.make_set(number));
        self.agents.push(agent);
        Ok(0)
    }

    fn send_lsp_request(&mut self, _: u64, _: &str, _: &str) -> Result<(), String> {
        unreachable!("only on Windows")
    }

    fn open_pipe(&mut self, path: &Path, access: Access) -> io::Result<File> {
        let write = access == Access::ReadWrite;
        OpenOptions::new().read(true).write(write).custom_flags(libc::O_NONBLOCK).open(path)
    }

    fn http(&mut self, _: &HttpRequest, _: usize) -> Result<Reply, u32> {
        unreachable!("there is an agent")
    }
}

/// A client whose agents make so many sets of pipes. The first agent is started unless `starts` says otherwise.
fn client(sets: u64, starts: &[Result<(), &'static str>]) -> (Client<Pipes>, Arc<Folder>) {
    let folder = Folder::new();
    let starts = starts.iter().copied().collect();
    let root = folder.path.clone();
    let host = Pipes { now_ms: 1000, starts, sets, agents: Vec::new(), root, is_locked: false };
    let mut client = Client::new(host, Some(folder.home()), Options::default());
    client.tick();
    (client, folder)
}

impl Client<Pipes> {
    fn agent(&self) -> &FakeAgent {
        self.host.agents.last().unwrap()
    }

    fn kill_agent(&mut self) {
        let agent = self.host.agents.last_mut().unwrap();
        agent.alive = None;
        let path = agent.folder.join("a");
        let mut alive = self.host.open_pipe(&path, Access::Read).unwrap();
        // A process that another test starts has a copy of every open file until it runs its program.
        until("its end is seen", || matches!(alive.read(&mut [0]), Ok(0)).then_some(()));
    }

    fn event(&mut self, number: RequestNumber) -> TransportEvent {
        self.read(number, &mut vec![0; 16 << 10])
    }
}

const THREE: RequestNumber = RequestNumber(3);

fn get() -> HttpRequest {
    HttpRequest { body: None, ..post("http://127.0.0.1:1/") }
}

#[test]
fn commands_name_the_requests_they_are_about() {
    let (mut client, _folder) = client(3, &[]);
    client.start(ONE, &get(), 300, None);
    client.start(TWO, &get(), 0, None);
    client.start(THREE, &get(), 50, Some(TWO));
    client.timer(9);
    assert_eq!(client.agent().commands(), ["s 1 300 1000 0 0", "s 2 0 1000 0 0", "s 3 50 1000 0 2", "t 9"]);
    client.stop(TWO);
    client.stop(ONE);
    assert_eq!(client.agent().commands(), ["x 2", "u 1"]);
    // The pipes of a request that never left are used again; one that is stopped is not replaced.
    client.start(ONE, &get(), 7, Some(TWO));
    assert_eq!(client.agent().commands(), ["s 1 7 1000 0 0"]);
    assert_eq!(failure(client.event(TWO)).kind, FailureKind::Request, "it is stopped");
    assert_eq!(client.event(THREE), TransportEvent::Pending);
}

#[test]
fn a_request_is_taken_back_only_while_it_has_certainly_not_left() {
    for (delay_ms, command) in [(0, "x 1"), (5, "x 1"), (6, "u 1")] {
        let (mut client, _folder) = client(1, &[]);
        client.start(ONE, &get(), delay_ms, None);
        client.agent().commands();
        client.stop(ONE);
        assert_eq!(client.agent().commands(), [command], "{delay_ms}");
        assert_eq!(client.agent().read("i1"), "", "the key does not stay in a pipe");
    }
}

#[test]
fn a_body_goes_with_the_config_where_that_fits_and_else_in_a_file() {
    // The bytes of the body, those that the pipe holds, and the kind that the agent is told.
    for (length, holds, kind) in [(1000, 65_536, 0), (40_000, 65_536, 1), (6000, 4096, 1)] {
        let (mut client, _folder) = client(1, &[]);
        let pipe = both(&client.agent().folder.join("i1"));
        // SAFETY: a plain system call on an open file.
        assert!(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, holds) } >= 0);
        let body = "x".repeat(length);
        client.start(ONE, &HttpRequest { body: Some(body.clone().into()), ..get() }, 0, None);
        assert_eq!(client.agent().commands(), [format!("s 1 0 1000 {kind} 0")]);
        let config = drain(&pipe);
        assert!(config.ends_with("url = \"http://127.0.0.1:1/\"\n"), "{length}: {config}");
        assert_eq!(config.matches("url = ").count(), 1);
        assert_eq!(config.contains(&body), kind == 0);
        let file = fs::read_to_string(client.agent().folder.join("b1")).unwrap();
        assert_eq!(file, if kind == 1 { body } else { String::new() });
    }
}

#[test]
fn a_command_of_the_users_is_handed_over_like_a_config() {
    let (mut client, _folder) = client(1, &[]);
    client.run(ONE, "pass show key");
    assert_eq!(client.agent().commands(), ["s 1 0 1000 2 0"]);
    assert_eq!(client.agent().read("i1"), "pass show key\n");
    // The agent ends it after ten seconds; one that does not tell is given up later.
    client.host.now_ms += 2 * COMMAND_SECONDS * 1000 - 1;
    assert_eq!(client.event(ONE), TransportEvent::Pending);
    client.host.now_ms += 1;
    assert_eq!(failure(client.event(ONE)).kind, FailureKind::Timeout);
}

#[test]
fn the_agent_is_told_of_each_32_kib_that_are_read() {
    let (mut client, _folder) = client(2, &[]);
    // The second, so that its number is not by chance that of the first.
    client.start(TWO, &get(), 0, None);
    client.start(ONE, &get(), 0, None);
    client.agent().commands();
    client.agent().write("h2", OK.as_bytes());
    assert!(matches!(client.event(ONE), TransportEvent::Head { status: 200, .. }));
    let mut told = Vec::new();
    for _ in 0..5 {
        client.agent().write("o2", &[b'x'; 16 << 10]);
        assert_eq!(client.event(ONE), TransportEvent::Body(16 << 10));
        told.push(client.agent().commands());
    }
    assert_eq!(told, [vec![], vec!["r 2 32768"], vec![], vec!["r 2 65536"], vec![]]);
}

#[test]
fn an_agent_that_does_not_send_what_is_due_is_given_up() {
    for (passes_ms, is_taken, is_lost) in
        [(HUNG_MS + 99, false, false), (HUNG_MS + 100, false, true), (HUNG_MS + 100, true, false)]
    {
        let (mut client, _folder) = client(2, &[]);
        client.start(ONE, &get(), 100, None);
        client.start(TWO, &get(), NEVER, None);
        client.agent().commands();
        if is_taken {
            client.agent().read("i1");
        }
        client.host.now_ms += passes_ms;
        client.tick();
        assert_eq!(
            client.agent().commands(),
            if is_lost { &["q"][..] } else { &[] },
            "{passes_ms} {is_taken}"
        );
        let event = client.event(ONE);
        if is_lost {
            assert_eq!(failure(event).kind, FailureKind::Cut);
            for config in ["i1", "i2"] {
                assert_eq!(client.agent().read(config), "", "it will never be sent");
            }
            assert_eq!(client.obstacle(), None);
        } else {
            assert_eq!(event, TransportEvent::Pending, "{passes_ms} {is_taken}");
            client.host.now_ms += 10_000;
            client.tick();
            assert_eq!(matches!(client.event(ONE), TransportEvent::Pending), is_taken);
        }
    }
}

#[test]
fn a_busy_agent_gets_a_request_later_and_a_hanging_one_is_replaced() {
    let (mut client, _folder) = client(0, &[]);
    client.start(ONE, &get(), 300, None);
    assert_eq!(client.event(ONE), TransportEvent::Pending);
    assert_eq!(client.agent().commands(), [""; 0]);
    client.agent().make_set(1);
    client.host.now_ms += 100;
    assert_eq!(client.event(ONE), TransportEvent::Pending);
    // It still leaves when it would have left.
    assert_eq!(client.agent().commands(), ["s 1 200 1100 0 0"]);

    client.start(TWO, &get(), 300, None);
    client.host.now_ms += 300 + HUNG_MS - 1;
    assert_eq!(client.event(TWO), TransportEvent::Pending);
    assert_eq!(client.host.agents.len(), 1);
    client.host.sets = 1;
    client.host.now_ms += 1;
    assert_eq!(client.event(TWO), TransportEvent::Pending);
    assert_eq!(client.host.agents.len(), 2);
    assert_eq!(client.agent().commands(), [format!("s 1 0 {} 0 0", client.host.now_ms)]);
    assert_eq!(failure(client.event(ONE)).kind, FailureKind::Cut, "its agent is gone");
}

#[test]
fn a_request_that_a_busy_agent_gets_later_still_replaces_another() {
    let (mut client, _folder) = client(1, &[Ok(())]);
    client.start(ONE, &get(), 0, None);
    client.start(TWO, &get(), 0, Some(ONE));
    client.agent().commands();
    client.agent().make_set(2);
    client.wake(TWO, 0);
    assert_eq!(client.agent().commands(), ["s 2 0 1000 0 1"]);
}

#[test]
fn agents_that_end_in_a_row_are_replaced_five_times_unless_one_fetches_a_byte() {
    for fetches in [false, true] {
        let (mut client, _folder) = client(1, &[]);
        for at in 1..=MOST_ENDED as usize + 1 {
            client.start(ONE, &get(), 0, None);
            assert_eq!((client.host.agents.len(), client.obstacle()), (at, None));
            assert_eq!(client.agent().commands(), ["s 1 0 1000 0 0"], "{at}");
            if fetches && at == 3 {
                client.agent().write("h1", OK.as_bytes());
                client.agent().write("o1", b"x");
                assert!(matches!(client.event(ONE), TransportEvent::Head { .. }));
                assert_eq!(client.event(ONE), TransportEvent::Body(1));
            }
            client.kill_agent();
            client.tick();
            assert_eq!(failure(client.event(ONE)).kind, FailureKind::Cut);
            // It is not replaced before there is something to do.
            client.tick();
            assert_eq!(client.host.agents.len(), at);
        }
        client.start(ONE, &get(), 0, None);
        assert_eq!(client.obstacle().is_some(), !fetches);
        assert_eq!(client.host.agents.len(), MOST_ENDED as usize + 1 + usize::from(fetches));
    }
}

#[test]
fn a_lost_request_wakes_the_plugin_when_it_would_have_left() {
    for (passes_ms, command) in [(0, "t 300"), (100, "t 200"), (400, "t 0")] {
        let (mut client, _folder) = client(1, &[]);
        client.start(ONE, &get(), 300, None);
        client.kill_agent();
        client.tick();
        client.host.now_ms += passes_ms;
        client.wake(ONE, 0);
        assert_eq!(client.host.agents.len(), 2);
        assert_eq!(client.agent().commands(), [command]);
    }
}

#[test]
fn what_is_missing_at_the_first_start_stays_missing_and_later_it_may_come_back() {
    let (mut first, _folder) = client(1, &[Err("mkfifo")]);
    assert_eq!(first.obstacle(), Some("mkfifo is not installed: install it and reload the plugin"));
    first.tick();
    assert_eq!(first.host.agents.len(), 0);

    let (mut later, _folder) = client(1, &[Ok(()), Err("dd")]);
    later.kill_agent();
    later.tick();
    later.start(ONE, &get(), 0, None);
    let lacks = failure(later.event(ONE));
    assert_eq!(lacks.kind, FailureKind::Unavailable);
    assert!(lacks.detail.starts_with("dd is not installed"), "{}", lacks.detail);
    assert_eq!(later.obstacle(), None);
    later.run(ONE, "true");
    assert_eq!(later.agent().commands(), ["s 1 0 1000 2 0"]);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_left_alone_and_used_once_it_can() {
    let folder = Folder::new();
    let (starts, agents, root) = (VecDeque::new(), Vec::new(), folder.path.clone());
    let host = Pipes { now_ms: 1000, starts, sets: 1, agents, root, is_locked: true };
    let mut client = Client::new(host, Some(folder.home()), Options::default());
    client.tick();
    let path = folder.home().path;
    let left = folder.files();
    assert_eq!(client.obstacle(), Some(format!("{path} cannot hold named pipes").as_str()));
    assert!(folder.path.join(&left[0]).join("why").exists(), "who removes something there ends in a trap");
    client.start(ONE, &get(), 0, None);
    assert!(client.obstacle().is_some());
    assert_eq!(folder.files(), left, "no other agent is started");

    client.host.is_locked = false;
    client.tick();
    assert!(client.obstacle().is_some(), "only a request is worth the look");
    fs::remove_dir_all(folder.path.join(&left[0])).unwrap();
    client.start(ONE, &get(), 0, None);
    assert_eq!(client.obstacle(), None);
    assert_eq!(client.agent().commands(), ["s 1 0 1000 0 0"]);
}

#[test]
fn searches_are_numbered_and_written_to_a_pipe() {
    let (mut client, _folder) = client(0, &[]);
    for (root, pattern, files) in [
        ("", "x", "*"),
        ("a", "x", "*"),
        ("/a\nb", "x", "*"),
        ("/a", "", "*"),
        ("/a", "x", "\r"),
        ("/a", "x\0", "*"),
    ] {
        client.search(root, pattern, files);
        assert_eq!(client.agent().commands(), [""; 0], "{root:?} {pattern:?} {files:?}");
    }
    assert_eq!(client.found(), None);
    for number in 1..3 {
        client.search("/a b", "x|y", "*.rs");
        assert_eq!(client.agent().commands(), ["l"]);
        assert_eq!(client.agent().read("q"), format!("{number}\n/a b\nx|y\n*.rs\n"));
        let found = client.agent().folder.join(format!("y{number}"));
        fs::write(&found, format!("found {number}")).unwrap();
        assert_eq!(client.found(), Some(format!("found {number}")));
        assert_eq!(client.agent().commands(), [format!("v {number}")], "the agent removes it");
        assert_eq!(client.found(), None, "once");
    }
    client.search("/a", "x", "*");
    fs::write(client.agent().folder.join("y3"), vec![b'x'; 200_000]).unwrap();
    assert_eq!(client.found().map(|found| found.len()), Some(128 * 1024), "the rest is not read");
}
