//! The whole way on this machine: a real `sh` and curl against servers on loopback. Only the sandbox is
//! missing: here the volt's folder is seen by one path from both sides.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::*;
use crate::http::{Secret, Url};

const KEY: &str = r#"sk-"quoted\n\"and@#'$(id)"#;

/// A volt's folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ai \"completion\"'s $HOME %41 `ü` {}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn home(&self) -> Home {
        Home { path: self.0.to_str().unwrap().to_owned(), root: self.0.clone(), windows: false }
    }

    /// Names of all that is in it.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The folder of the only run.
    fn run(&self) -> PathBuf {
        let [run] = <[String; 1]>::try_from(self.files()).unwrap();
        self.0.join(run)
    }

    /// Live processes that work in it, and what everybody can read about them.
    fn processes(&self) -> Vec<(i32, String)> {
        let here =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&self.0));
        let pids =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        pids.filter(here)
            .map(|pid| {
                let read = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                (pid, String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat()).into_owned())
            })
            .collect()
    }

    fn curl(&self) -> i32 {
        let is_curl = |(_, text): &(i32, String)| text.starts_with("curl\0");
        until("curl runs", || self.processes().into_iter().find(is_curl)).0
    }

    fn nothing_left(&self) {
        until("no process is left", || self.processes().is_empty().then_some(()));
        until("no file is left", || self.files().is_empty().then_some(()));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Looks again until it is so.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it never came that {what}");
        thread::yield_now();
    }
}

fn kill(pid: i32) {
    // SAFETY: a plain system call.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
}

/// This machine, or one that lacks something.
#[derive(Clone, Default)]
struct Machine {
    /// What stands in for `sh`.
    shell: Option<&'static str>,
    /// Environment on top of ours.
    env: Vec<(&'static str, String)>,
    /// How often a process was started.
    started: u32,
    /// Permissions of what the last `sh` had made when it returned.
    modes: Vec<(String, u32)>,
    /// What the host's HTTP client answers.
    reply: Option<Reply>,
}

impl Machine {
    fn with(name: &'static str, value: impl Into<String>) -> Self {
        Self { env: vec![(name, value.into())], ..Self::default() }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for name in
            ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
        {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    fn look(&mut self, run: &Path) {
        let paths = fs::read_dir(run).into_iter().flatten().map(|entry| entry.unwrap().path());
        self.modes = std::iter::once(run.to_owned())
            .chain(paths)
            .map(|path| {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                (path.file_name().unwrap().to_str().unwrap().to_owned(), mode)
            })
            .collect();
    }
}

impl Host for Machine {
    fn execute(&mut self, program: &str, args: &[&str]) -> Result<Output, String> {
        self.started += 1;
        let program = if program == "sh" { self.shell.unwrap_or("sh") } else { program };
        let output = self.command(program).args(args).output().map_err(|error| error.to_string())?;
        if let [_, _, _, home, _] = args {
            let words = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
            if words.starts_with("run-") {
                self.look(&Path::new(home).join(words));
            }
        }
        Ok(Output { success: output.status.success(), stdout: output.stdout })
    }

    fn http(&mut self, _: &HttpRequest) -> Result<Reply, u32> {
        self.reply.clone().ok_or(11)
    }

    fn readable(&mut self, pipe: &File, timeout: Duration) -> io::Result<bool> {
        let mut fd = libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout = i32::try_from(timeout.as_millis()).unwrap();
        // SAFETY: one element, alive across the call.
        match unsafe { libc::poll(&raw mut fd, 1, timeout) } {
            -1 => Err(io::Error::last_os_error()),
            ready => Ok(ready > 0),
        }
    }
}

fn network(folder: &Folder) -> Network<Machine> {
    Network::new(Machine::default(), Some(folder.home()), Options::default())
}

fn limited(folder: &Folder, limits: Limits) -> Network<Machine> {
    Network::new(Machine::default(), Some(folder.home()), Options { limits, ..Options::default() })
}

fn post(url: &str) -> HttpRequest {
    HttpRequest {
        url: Url::parse(url).unwrap(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        secret_headers: vec![("authorization".to_owned(), Secret::new(KEY))],
        body: Some(b"{\"prompt\":\"\\n@x\"}".to_vec()),
    }
}

/// The same without a key, which Lapce's own client may send.
fn keyless(url: &str) -> HttpRequest {
    HttpRequest { secret_headers: Vec::new(), ..post(url) }
}

/// What a server got.
#[derive(Debug, PartialEq)]
struct Received {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

fn receive(stream: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        bytes.push(byte[0]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.trim_end().lines().map(str::to_owned);
    let line = lines.next().unwrap();
    let headers: Vec<String> = lines.collect();
    let length = headers.iter().find_map(|header| header.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    Received { line, headers, body }
}

/// A server for one request.
fn serve(play: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1?a=[1]{{2}}&b=%20", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let received = receive(&mut stream);
        play(stream);
        received
    });
    (url, server)
}

/// A server that answers `bytes` and closes.
fn answer(bytes: impl Into<Vec<u8>>) -> (String, JoinHandle<Received>) {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let _ = stream.write_all(&bytes);
    })
}

/// A server that sends `bytes` and then nothing, until the other side is gone.
fn stall(bytes: &'static str) -> (String, Stalled) {
    let (arrive, arrived) = mpsc::channel();
    let (url, server) = serve(move |mut stream| {
        stream.write_all(bytes.as_bytes()).unwrap();
        arrive.send(()).unwrap();
        let _ = stream.read(&mut [0]);
    });
    (url, Stalled { arrived, server })
}

struct Stalled {
    arrived: mpsc::Receiver<()>,
    server: JoinHandle<Received>,
}

impl Stalled {
    /// Waits until the request is there and the server has fallen silent.
    fn reached(&self) {
        self.arrived.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    /// Waits until the connection is closed.
    fn join(self) -> thread::Result<Received> {
        self.server.join()
    }
}

/// What happens next, however long it takes.
fn next(network: &mut Network<Machine>, buffer: &mut [u8]) -> Happening {
    loop {
        match network.wait(1000, buffer) {
            Happening::Elapsed => {}
            happening => return happening,
        }
    }
}

/// The whole answer: status, headers, body, and how it ended.
fn finish(network: &mut Network<Machine>) -> (u16, Vec<(String, String)>, Vec<u8>, Happening) {
    let mut buffer = vec![0; 1000];
    let mut answer = (0, Vec::new(), Vec::new());
    loop {
        match next(network, &mut buffer) {
            Happening::Head { status, headers } => (answer.0, answer.1) = (status, headers),
            Happening::Body(count) => answer.2.extend_from_slice(&buffer[..count]),
            end => return (answer.0, answer.1, answer.2, end),
        }
    }
}

fn failure(happening: Happening) -> Failure {
    match happening {
        Happening::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

#[test]
fn each_piece_comes_when_it_was_sent() {
    for shell in
        ["sh", "bash"].into_iter().filter(|shell| Command::new(shell).arg("-c").arg(":").output().is_ok())
    {
        let folder = Folder::new();
        let (go, gone) = mpsc::channel::<&str>();
        let (url, server) = serve(move |mut stream| {
            for piece in gone {
                stream.write_all(piece.as_bytes()).unwrap();
            }
        });
        let machine = Machine { shell: Some(shell), ..Machine::default() };
        let mut network = Network::new(machine, Some(folder.home()), Options::default());
        let mut buffer = [0; 64];
        network.start(&post(&url)).unwrap();
        assert_eq!(network.wait(1, &mut buffer), Happening::Elapsed);
        go.send(OK).unwrap();
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        assert_eq!(next(&mut network, &mut buffer), Happening::Head { status: 200, headers });
        for piece in ["data: a\n\n", "d", "\n\n"] {
            go.send(piece).unwrap();
            assert_eq!(next(&mut network, &mut buffer), Happening::Body(piece.len()), "{shell}");
            assert_eq!(&buffer[..piece.len()], piece.as_bytes());
        }
        assert_eq!(network.wait(1, &mut buffer), Happening::Elapsed);
        drop(go);
        assert_eq!(next(&mut network, &mut buffer), Happening::End, "{shell}");
        assert_eq!(folder.files(), Vec::<String>::new());
        assert_eq!(network.obstacle(), None);
        folder.nothing_left();
        server.join().unwrap();
    }
}

#[test]
fn the_request_arrives_as_it_was_given() {
    let folder = Folder::new();
    let (url, server) = answer(OK);
    let mut request = post(&url);
    request.headers.push(("x-empty".to_owned(), String::new()));
    request.headers.push(("x-at".to_owned(), "@/etc/passwd".to_owned()));
    request.body = Some((0..=255).cycle().take(3_000_000).collect());
    let mut network = network(&folder);
    network.start(&request).unwrap();
    let (status, _, body, end) = finish(&mut network);
    assert_eq!((status, body.len(), end), (200, 0, Happening::End));
    let received = server.join().unwrap();
    assert_eq!(received.line, "POST /v1?a=[1]{2}&b=%20 HTTP/1.1");
    assert!(received.body == request.body.unwrap());
    for header in [
        &format!("authorization: {KEY}"),
        "content-type: application/json",
        "x-empty:",
        "x-at: @/etc/passwd",
        "Accept: */*",
        &format!("User-Agent: {}", Options::default().user_agent),
    ] {
        assert!(received.headers.iter().any(|got| got == header), "{header} in {:?}", received.headers);
    }
    assert_eq!(received.headers.len(), 8, "{:?}", received.headers);
}

#[test]
fn the_body_decides_about_the_method() {
    for (body, method) in [(None, "GET"), (Some(Vec::new()), "POST"), (Some(b"@x".to_vec()), "POST")] {
        let folder = Folder::new();
        let (url, server) = answer(OK);
        let mut network = network(&folder);
        network.start(&HttpRequest { body: body.clone(), ..post(&url) }).unwrap();
        assert_eq!(finish(&mut network).3, Happening::End);
        let received = server.join().unwrap();
        assert_eq!(received.line.split(' ').next(), Some(method));
        assert_eq!(received.body, body.unwrap_or_default());
    }
}

#[test]
fn answers_come_whole_whatever_their_shape() {
    let large = "0123456789abcde\n".repeat(200_000);
    let sized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{large}", large.len());
    for (bytes, status, body) in [
        (format!("{OK}a"), 200, "a"),
        (sized, 200, &*large),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n".into(),
            200,
            "abc",
        ),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}".into(), 401, "{}"),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n<html>".into(), 503, "<html>"),
        ("HTTP/1.1 204 No Content\r\n\r\n".into(), 204, ""),
        // Not followed: the key would go to wherever it leads.
        ("HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".into(), 307, ""),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".into(), 200, "x"),
        (
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 not a head\r\n\r\n".into(),
            200,
            "HTTP/1.1 500 not a head\r\n\r\n",
        ),
    ] {
        let folder = Folder::new();
        let (url, server) = answer(bytes);
        let mut network = network(&folder);
        network.start(&post(&url)).unwrap();
        let (got_status, _, got, end) = finish(&mut network);
        assert_eq!((got_status, end), (status, Happening::End));
        assert!(got == body.as_bytes(), "{status}: {} bytes", got.len());
        server.join().unwrap();
        folder.nothing_left();
    }
}

#[test]
fn broken_answers_are_told_from_whole_ones() {
    for (bytes, status, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, "abc"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, "abc"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0", 200, "abc"),
        ("", 0, ""),
    ] {
        let folder = Folder::new();
        let (url, server) = answer(bytes);
        let mut network = network(&folder);
        network.start(&post(&url)).unwrap();
        let (got_status, _, got, end) = finish(&mut network);
        assert_eq!((got_status, got.as_slice()), (status, body.as_bytes()));
        assert_eq!(failure(end).kind, FailureKind::Cut, "{bytes:?}");
        server.join().unwrap();
        folder.nothing_left();
    }
}

#[test]
fn what_cannot_be_reached_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let not_tls = format!("https://{}/", plain.local_addr().unwrap());
    let _server =
        thread::spawn(move || plain.accept().unwrap().0.write_all(b"not TLS, and enough of it\r\n\r\n"));
    let (refusing, _proxy) =
        answer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    for (machine, url, kind) in [
        (Machine::default(), format!("http://{closed}/"), FailureKind::Connect),
        (Machine::default(), "https://name.invalid/".to_owned(), FailureKind::Resolve),
        (Machine::default(), not_tls, FailureKind::Tls),
        (Machine::with("https_proxy", refusing), "https://name.invalid/".to_owned(), FailureKind::Proxy),
        (
            Machine::with("https_proxy", "http://name.invalid"),
            "https://x.invalid/".to_owned(),
            FailureKind::Proxy,
        ),
    ] {
        let folder = Folder::new();
        let mut network = Network::new(machine, Some(folder.home()), Options::default());
        network.start(&post(&url)).unwrap();
        let failure = failure(finish(&mut network).3);
        assert_eq!(failure.kind, kind, "{url}: {}", failure.detail);
        assert!(!failure.detail.is_empty() && !failure.detail.contains("curl: "), "{}", failure.detail);
        folder.nothing_left();
    }
}

#[test]
fn silence_is_limited_before_and_within_the_answer() {
    let short = Duration::from_millis(100);
    for (sent, limits, status) in [
        ("", Limits { first_byte: short, ..Limits::default() }, 0),
        (OK, Limits { idle: short, ..Limits::default() }, 200),
    ] {
        let folder = Folder::new();
        let (url, server) = stall(sent);
        let mut network = limited(&folder, limits);
        network.start(&post(&url)).unwrap();
        server.reached();
        let (got_status, _, _, end) = finish(&mut network);
        assert_eq!(got_status, status);
        assert_eq!(failure(end).kind, FailureKind::Timeout);
        folder.nothing_left();
        server.join().unwrap();
    }
}

#[test]
fn the_total_time_is_limited_by_curl_itself() {
    let folder = Folder::new();
    let (url, server) = stall(OK);
    let mut network = limited(&folder, Limits { total: Duration::from_secs(1), ..Limits::default() });
    network.start(&post(&url)).unwrap();
    assert_eq!(failure(finish(&mut network).3).kind, FailureKind::Timeout);
    folder.nothing_left();
    server.join().unwrap();
}

#[test]
fn cancel_ends_a_silent_curl_and_leaves_nothing() {
    for sent in ["", OK] {
        let folder = Folder::new();
        let (url, server) = stall(sent);
        let mut network = network(&folder);
        network.start(&post(&url)).unwrap();
        server.reached();
        network.cancel();
        assert_eq!(folder.files(), Vec::<String>::new());
        folder.nothing_left();
        assert_eq!(network.wait(0, &mut [0; 8]), Happening::Elapsed);
        server.join().unwrap();
    }
}

#[test]
fn cancel_right_after_start_leaves_nothing() {
    let folder = Folder::new();
    let mut network = network(&folder);
    for _ in 0..20 {
        network.start(&post("http://127.0.0.1:1/")).unwrap();
        network.cancel();
    }
    folder.nothing_left();
}

#[test]
fn the_next_request_takes_the_place_of_the_last() {
    let folder = Folder::new();
    let (first, first_server) = stall(OK);
    let (second, second_server) = answer(format!("{OK}second"));
    let mut network = network(&folder);
    network.start(&post(&first)).unwrap();
    first_server.reached();
    network.start(&post(&second)).unwrap();
    assert_eq!(finish(&mut network).2, b"second");
    folder.nothing_left();
    first_server.join().unwrap();
    second_server.join().unwrap();
}

#[test]
fn an_answer_can_wait_to_be_read_with_nothing_left_behind() {
    for (bytes, whole) in [
        (format!("{OK}{}", "a".repeat(30_000)), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_owned(), false),
    ] {
        let folder = Folder::new();
        let (url, server) = answer(bytes.clone());
        let mut network = network(&folder);
        network.start(&post(&url)).unwrap();
        server.join().unwrap();
        folder.nothing_left();
        let (status, _, body, end) = finish(&mut network);
        assert_eq!(status, 200);
        assert!(bytes.ends_with(std::str::from_utf8(&body).unwrap()) && !body.is_empty());
        match end {
            Happening::End => assert!(whole),
            other => assert_eq!((failure(other).kind, whole), (FailureKind::Cut, false)),
        }
    }
}

#[test]
fn two_live_side_by_side() {
    let folder = Folder::new();
    let (first, first_server) = stall(OK);
    let (second, second_server) = answer(format!("{OK}second"));
    let (mut one, mut other) = (network(&folder), network(&folder));
    one.start(&post(&first)).unwrap();
    other.start(&post(&second)).unwrap();
    assert_eq!(finish(&mut other).2, b"second");
    assert!(matches!(next(&mut one, &mut [0; 999]), Happening::Head { status: 200, .. }));
    one.cancel();
    folder.nothing_left();
    first_server.join().unwrap();
    second_server.join().unwrap();
}

#[test]
fn a_killed_curl_is_a_cut_and_the_next_request_works() {
    let folder = Folder::new();
    let (url, server) = stall("HTTP/1.1 200 OK\r\n\r\nabc");
    let mut network = network(&folder);
    network.start(&post(&url)).unwrap();
    assert!(matches!(next(&mut network, &mut [0; 999]), Happening::Head { .. }));
    assert_eq!(next(&mut network, &mut [0; 999]), Happening::Body(3));
    kill(folder.curl());
    assert_eq!(failure(finish(&mut network).3).kind, FailureKind::Cut);
    folder.nothing_left();
    server.join().unwrap();
    let (url, server) = answer(format!("{OK}next"));
    network.start(&post(&url)).unwrap();
    assert_eq!(finish(&mut network).2, b"next");
    server.join().unwrap();
}

#[test]
fn even_with_its_shells_killed_an_answer_does_not_look_whole() {
    let folder = Folder::new();
    let (go, gone) = mpsc::channel::<()>();
    let (url, server) = serve(move |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nabc").unwrap();
        let _ = gone.recv();
    });
    let mut network = network(&folder);
    network.start(&post(&url)).unwrap();
    assert!(matches!(next(&mut network, &mut [0; 999]), Happening::Head { .. }));
    let curl = folder.curl();
    for (pid, _) in folder.processes().into_iter().filter(|(pid, _)| *pid != curl) {
        kill(pid);
    }
    drop(go);
    let (_, _, body, end) = finish(&mut network);
    assert_eq!(body, b"abc");
    assert_eq!(failure(end).kind, FailureKind::Cut);
    folder.nothing_left();
    server.join().unwrap();
}

/// Unloading a volt closes what it has open, and nothing else: no code of it runs.
fn unload(folder: &Folder, network: Network<Machine>) {
    std::mem::forget(network);
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&folder.0)) {
            let fd = entry.file_name().to_str().unwrap().parse().unwrap();
            // SAFETY: its owner is forgotten.
            unsafe { libc::close(fd) };
        }
    }
}

#[test]
fn an_unloaded_plugin_leaves_nothing() {
    for sent in ["", OK] {
        let folder = Folder::new();
        let (url, server) = stall(sent);
        let mut network = network(&folder);
        network.start(&post(&url)).unwrap();
        server.reached();
        unload(&folder, network);
        folder.nothing_left();
        server.join().unwrap();
    }
}

#[test]
fn a_plugin_unloaded_right_after_start_leaves_nothing() {
    let folder = Folder::new();
    for _ in 0..10 {
        let mut network = network(&folder);
        network.start(&post("http://127.0.0.1:1/")).unwrap();
        unload(&folder, network);
    }
    folder.nothing_left();
}

#[test]
fn an_unloaded_plugin_leaves_nothing_of_an_answer_it_never_read() {
    let folder = Folder::new();
    let (arrive, arrived) = mpsc::channel();
    let (url, server) = serve(move |mut stream| {
        arrive.send(()).unwrap();
        let _ = stream.write_all(format!("{OK}{}", "a".repeat(10_000_000)).as_bytes());
    });
    let mut network = network(&folder);
    network.start(&post(&url)).unwrap();
    arrived.recv_timeout(Duration::from_secs(20)).unwrap();
    unload(&folder, network);
    folder.nothing_left();
    server.join().unwrap();
}

#[test]
fn the_key_is_nowhere_to_be_seen() {
    let folder = Folder::new();
    let (go, gone) = mpsc::channel();
    let (url, server) = serve(move |mut stream| {
        go.send(()).unwrap();
        let _ = stream.read(&mut [0]);
    });
    let mut network = network(&folder);
    network.start(&post(&url)).unwrap();
    for (name, mode) in &network.host.modes {
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    assert_eq!(network.host.modes.len(), 7, "{:?}", network.host.modes);
    gone.recv().unwrap();
    let processes = folder.processes();
    assert!(processes.len() >= 2, "{processes:?}");
    for (_, text) in &processes {
        assert!(!text.contains(KEY) && !text.contains("{\"prompt"), "{text}");
    }
    until("config and body are gone", || {
        let run = folder.run();
        (!run.join("config").exists() && !run.join("body").exists()).then_some(())
    });
    network.cancel();
    server.join().unwrap();
}

#[test]
fn settings_of_the_user_for_curl_do_not_interfere() {
    let folder = Folder::new();
    let other = Folder::new();
    fs::write(other.0.join(".curlrc"), "output = stolen\nverbose\n").unwrap();
    let (url, server) = answer(format!("{OK}a"));
    let machine = Machine {
        env: vec![
            ("CURL_HOME", other.home().path),
            ("HOME", other.home().path),
            ("http_proxy", "http://127.0.0.1:1".to_owned()),
            ("ALL_PROXY", "http://127.0.0.1:1".to_owned()),
        ],
        ..Machine::default()
    };
    let mut network = Network::new(machine, Some(folder.home()), Options::default());
    network.start(&post(&url)).unwrap();
    assert_eq!(finish(&mut network).2, b"a");
    server.join().unwrap();
}

#[test]
fn what_a_dead_lapce_left_is_swept() {
    let folder = Folder::new();
    let dead = Command::new("true").spawn().and_then(|mut child| child.wait().map(|_| child.id())).unwrap();
    let stale = folder.0.join(format!("run-{dead}-1"));
    let live = folder.0.join(format!("run-{}-1", std::process::id()));
    for run in [&stale, &live] {
        fs::create_dir(run).unwrap();
        fs::write(run.join("config"), KEY).unwrap();
    }
    // And a shell of it that waits for a caller that never came.
    let pipe = CString::new(stale.join("in").to_str().unwrap()).unwrap();
    // SAFETY: the path is a C string.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let mut waiting = Command::new("sh")
        .current_dir(&stale)
        .args(["-c", "exec 5<>in 4<in; echo >ready; read -r _ <&4; exec 5<config"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it waits", || stale.join("ready").exists().then_some(()));
    let mut network = network(&folder);
    network.start(&post("http://127.0.0.1:1/")).unwrap();
    assert!(!stale.exists());
    assert!(live.exists());
    assert!(!waiting.wait().unwrap().success());
}

/// A folder with the commands a script needs, but for `without`.
fn commands(without: &str) -> Folder {
    let folder = Folder::new();
    for name in ["sh", "mkdir", "mkfifo", "rm", "curl"].into_iter().filter(|name| *name != without) {
        let path = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap().stdout;
        std::os::unix::fs::symlink(String::from_utf8(path).unwrap().trim(), folder.0.join(name)).unwrap();
    }
    folder
}

#[test]
fn what_the_machine_lacks_is_named_and_gone_around() {
    let folder = Folder::new();
    let missing = Home { path: "/nonexistent".to_owned(), ..folder.home() };
    for (without, home, words) in [
        ("curl", Some(folder.home()), "curl is not installed"),
        ("sh", Some(folder.home()), "sh cannot be started"),
        ("mkfifo", Some(folder.home()), "cannot hold named pipes"),
        ("", Some(missing), "/nonexistent is not writable"),
        ("", None, "does not name the plugin's folder"),
    ] {
        let bin = commands(without);
        let mut machine = Machine::with("PATH", bin.home().path);
        let reply = Reply { status: 200, headers: Vec::new(), body: b"whole".to_vec() };
        machine.reply = Some(reply);
        let mut network = Network::new(machine.clone(), home.clone(), Options::default());
        for _ in 0..2 {
            network.start(&keyless("http://127.0.0.1:1/")).unwrap();
            let (status, _, body, end) = finish(&mut network);
            assert_eq!((status, body.as_slice(), end), (200, &b"whole"[..], Happening::End));
        }
        assert!(network.host.started <= 1, "what is missing is looked for once");
        let obstacle = network.obstacle().unwrap();
        assert!(obstacle.contains(words), "{obstacle}");

        let failure = network.start(&post("http://127.0.0.1:1/")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.detail.contains(words) && failure.detail.contains("redirects"), "{}", failure.detail);

        let options = Options { mode: Mode::Curl, ..Options::default() };
        let mut strict = Network::new(machine, home, options);
        let failure = strict.start(&post("http://127.0.0.1:1/")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.detail.contains(words), "{}", failure.detail);
        folder.nothing_left();
    }
}

#[test]
fn lapces_client_is_used_when_asked_for() {
    let mut machine = Machine::default();
    let options = Options { mode: Mode::Http, ..Options::default() };
    let mut failing = Network::new(machine.clone(), None, options.clone());
    failing.start(&post("http://127.0.0.1:1/")).unwrap();
    assert_eq!(failure(finish(&mut failing).3).kind, FailureKind::Connect);

    machine.reply = Some(Reply { status: 429, headers: Vec::new(), body: vec![b'x'; 2500] });
    let mut network = Network::new(machine, None, options);
    network.start(&post("http://127.0.0.1:1/")).unwrap();
    let (status, _, body, end) = finish(&mut network);
    assert_eq!((status, body.len(), end), (429, 2500, Happening::End));
    assert_eq!((network.obstacle(), network.host.started), (None, 0));
}

#[test]
fn a_request_that_may_not_leave_starts_nothing() {
    let folder = Folder::new();
    for mode in [Mode::Auto, Mode::Http] {
        let options = Options { mode, ..Options::default() };
        let mut network = Network::new(Machine::default(), Some(folder.home()), options);
        let failure = network.start(&post("http://example.com/")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Request);
        assert_eq!(network.host.started, 0);
        assert_eq!(network.wait(0, &mut [0; 8]), Happening::Elapsed);
    }
}

/// Windows as far as a growing file needs it: what the batch file does, done by `sh`.
#[derive(Default)]
struct Windows {
    machine: Machine,
    home: PathBuf,
}

impl Host for Windows {
    fn execute(&mut self, program: &str, args: &[&str]) -> Result<Output, String> {
        match (program, args) {
            ("powershell.exe", [.., command]) => {
                let quoted = self.home.to_str().unwrap().replace('\'', "''");
                let (_, run) = command.split_once(&format!("'{quoted}\\")).unwrap();
                let run = self.home.join(run.split('\\').next().unwrap());
                let batch = "(curl -q -K config >out 2>err & curl=$!; trap 'kill $curl' TERM; wait $curl; \
                             echo $? >code; rm -f config body; mv code status) >/dev/null 2>&1 & echo $!";
                let output =
                    self.machine.command("sh").current_dir(run).args(["-c", batch]).output().unwrap();
                Ok(Output { success: true, stdout: output.stdout })
            }
            ("taskkill.exe", [_, _, _, pid, ..]) => {
                self.machine.execute("sh", &["-c", "kill $1", "sh", pid.strip_prefix("PID eq ").unwrap()])
            }
            other => panic!("{other:?}"),
        }
    }

    fn http(&mut self, request: &HttpRequest) -> Result<Reply, u32> {
        self.machine.http(request)
    }

    fn readable(&mut self, pipe: &File, timeout: Duration) -> io::Result<bool> {
        self.machine.readable(pipe, timeout)
    }
}

fn windows(folder: &Folder) -> Network<Windows> {
    let home = Home { windows: true, ..folder.home() };
    let host = Windows { machine: Machine::default(), home: folder.0.clone() };
    Network::new(host, Some(home), Options { mode: Mode::Curl, ..Options::default() })
}

#[test]
fn on_windows_no_console_opens_unless_it_is_asked_for() {
    let folder = Folder::new();
    let machine = Machine {
        reply: Some(Reply { status: 200, headers: Vec::new(), body: b"whole".to_vec() }),
        ..Machine::default()
    };
    let home = Home { windows: true, ..folder.home() };
    let mut network = Network::new(machine, Some(home), Options::default());
    network.start(&keyless("http://127.0.0.1:1/")).unwrap();
    assert_eq!(finish(&mut network).2, b"whole");
    assert_eq!(network.host.started, 0);
    assert!(network.obstacle().unwrap().contains("console"));
}

#[test]
fn a_growing_file_gives_the_same_answers() {
    for (bytes, whole) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false),
    ] {
        let folder = Folder::new();
        let (go, gone) = mpsc::channel::<()>();
        let (url, server) = serve(move |mut stream| {
            stream.write_all(bytes.as_bytes()).unwrap();
            let _ = gone.recv();
        });
        let mut network = windows(&folder);
        network.start(&post(&url)).unwrap();
        let mut buffer = [0; 64];
        let mut next = || loop {
            match network.wait(50, &mut buffer) {
                Happening::Elapsed => {}
                happening => return (happening, buffer),
            }
        };
        assert!(matches!(next().0, Happening::Head { status: 200, .. }));
        let (body, bytes) = next();
        assert_eq!((body, &bytes[..3]), (Happening::Body(3), &b"abc"[..]));
        assert!(!folder.run().join("config").exists() && !folder.run().join("body").exists());
        drop(go);
        let (end, _) = next();
        match end {
            Happening::End => assert!(whole),
            Happening::Failed(failure) => assert_eq!((failure.kind, whole), (FailureKind::Cut, false)),
            other => panic!("{other:?}"),
        }
        assert_eq!(folder.files(), Vec::<String>::new());
        assert_eq!(server.join().unwrap().body, post(&url).body.unwrap());
        folder.nothing_left();
    }
}

#[test]
fn a_growing_file_is_cancelled_and_swept() {
    let folder = Folder::new();
    let old = folder.0.join("run-1700000000000000000");
    fs::create_dir(&old).unwrap();
    let (url, server) = stall("");
    let mut network = windows(&folder);
    network.start(&post(&url)).unwrap();
    assert!(!old.exists());
    server.reached();
    network.cancel();
    folder.nothing_left();
    server.join().unwrap();
}
