//! Any commands in any order to the agent: it reads on to the last one, and its end leaves nothing.
//! Four bytes are a command: which, the request, and two numbers. An agent of its own for each input, so that what fails
//! can be played again; that makes some ten inputs a second.

#![no_main]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;

const SCRIPT: &str = include_str!("../../src/transport/agent.sh");
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
/// How many commands are sent at most. They fit into the pipe, so that none has to be waited for.
const COMMANDS: usize = 64;
/// A wait that ends only when something is broken.
const PATIENCE: Duration = Duration::from_secs(20);
const NUMBERS: [&str; 8] = ["0", "1", "2", "30", "70", "40960", "65537", "999999999999999"];

static STARTED: AtomicUsize = AtomicUsize::new(0);

fuzz_target!(|input: &[u8]| {
    let commands = commands(input);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let home = std::env::temp_dir().join(format!("agent-fuzz-{}-{number}", process::id()));
    fs::create_dir(&home).unwrap();
    let mut agent = Command::new("sh")
        .args(["-c", SCRIPT, "agent"])
        .args([home.as_os_str(), "agent-0".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = agent.stdin.take().unwrap();
    write!(stdin, "Content-Length: {}\r\n\r\n{INITIALIZE}", INITIALIZE.len()).unwrap();
    let mut stdout = BufReader::new(agent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("Content-Length: "), "{line:?}");
    let mut pipe = File::options().write(true).open(home.join("agent-0/ctl")).unwrap();
    pipe.write_all(commands.as_bytes()).unwrap();
    // The loop reads of this end behind the commands.
    drop((pipe, stdin));
    assert!(ends_well(&mut agent), "{commands}");
    let left = home.join("agent-0");
    let until = Instant::now() + PATIENCE;
    while left.exists() {
        assert!(Instant::now() < until, "a folder is left: {commands}");
        thread::sleep(Duration::from_millis(1));
    }
    fs::remove_dir(&home).unwrap();
});

/// Whether the shell ends by itself, and not for an error in the script, which is 2. 1 says that `rm` has left something
/// that was made meanwhile.
fn ends_well(agent: &mut Child) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(status) = agent.try_wait().unwrap() {
            return matches!(status.code(), Some(0 | 1));
        }
        thread::sleep(Duration::from_millis(1));
    }
    agent.kill().unwrap();
    false
}

/// The commands that these bytes stand for.
fn commands(input: &[u8]) -> String {
    let mut text = String::new();
    let mut started = 0;
    for bytes in input.chunks_exact(4).take(COMMANDS) {
        let &[command, request, n, m] = bytes else { continue };
        let number = |byte: u8| NUMBERS[usize::from(byte) % NUMBERS.len()];
        let (n, m) = (number(n), number(m));
        // Those that have started, one that could start next, and one that never does.
        let request = match request % 8 {
            7 => 999,
            byte => (started + 1u32).saturating_sub(byte.into()),
        };
        text += &match command % 12 {
            // The plugin counts its requests.
            kind @ 0..=2 => {
                started += 1;
                let body = kind;
                let old = if request == 0 || request >= started { 0 } else { request };
                format!("s {started} {n} {m} {body} {old}\n")
            }
            3 => format!("u {request}\n"),
            4 => format!("x {request}\n"),
            5 => format!("w {request} {n} {m}\n"),
            6 => format!("w {request} - {m}\n"),
            7 => format!("r {request} {n}\n"),
            8 => format!("t {n}\n"),
            9 => "c\n".to_owned(),
            10 => "l\n".to_owned(),
            _ => format!("g {request} {n} {} x\n", command / 12 % 3),
        };
    }
    text
}
