//! Plays one plan through the real wasm, agent and curl, and checks what must hold after it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ai_completion::completion::suggestion::DELETED;
use ai_completion::config::LASTING_FILES;
use httpdate::fmt_http_date;
use serde_json::json;
use volt_host::server::shape::openai_chat;
use volt_host::server::{Chunk, End, Pace, Script, Server};
use volt_host::{Heard, Lapce, Process, Setup};

use super::plan::{Curl, Plan, Serve, Step};
use super::read_only::ReadOnly;
use crate::cli::setup;

/// The user's key. It must turn up nowhere but in requests.
const KEY: &str = "sk-chaos-3f9c0b7a51d24e68aa";
/// A wait that ends only when something is broken.
const PATIENCE: Duration = Duration::from_secs(40);
/// The longest wait that the plugin takes from its own clock.
const LEAPT: Duration = Duration::from_secs(120);
/// Nothing happened for so long: nothing will.
const QUIET: Duration = Duration::from_millis(300);
/// How long a silent server is waited for, in milliseconds.
const TIMEOUT_MS: u32 = 1500;
/// What the model writes once nothing goes wrong any more.
const CALM: &str = "undisturbed();";
/// The most linear memory, and that with an event of ten megabytes.
const MEMORY: usize = 2 << 20;
const MEMORY_WITH_HUGE: usize = 4 << 20;

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub requests: usize,
    pub ghosts: usize,
    pub memory: usize,
    /// How often the folder was made read-only, and how often that could not be.
    pub protected: usize,
    pub unprotected: usize,
}

/// Plays `plan` with the volt in this folder. `disk`: the temporary folder, which is on a small disk of its own, and may be
/// filled and made read-only.
///
/// # Errors
/// What did not hold.
pub fn play(volt: &Path, plan: &Plan, disk: Option<&Path>) -> Result<Tally, String> {
    let programs = Programs::new(plan.curl).map_err(|error| format!("cannot lay out programs: {error}"))?;
    let calm = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(Mutex::new(Sent::default()));
    let server = serve(plan, &calm, &sent).map_err(|error| format!("no server: {error}"))?;
    let setup = Setup::new(volt)
        .setting("provider", "openai")
        .setting("model", "m")
        .setting("base-url", format!("{}/v1", server.url()))
        .setting("speculative", "off")
        .setting("timeout.first-byte-ms", TIMEOUT_MS)
        .setting("timeout.idle-ms", TIMEOUT_MS)
        .setting("timeout.total-ms", 4 * TIMEOUT_MS)
        .env("OPENAI_API_KEY", KEY)
        .env("PATH", &programs.path());
    let proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let setup = proxies.iter().fold(setup, |setup, name| setup.env_remove(name));
    let lapce = Lapce::start(setup::confirmed(setup)).map_err(|error| format!("{error:#}"))?;
    let mut run = Run {
        read_only: None,
        lapce,
        server,
        programs,
        disk: disk.map(Path::to_owned),
        is_gone: false,
        tally: Tally::default(),
        wrong: String::new(),
    };
    run.lapce.open("src/a.rs", "rust", "fn main() {\n    \n}\n");
    run.lapce.open("src/b.rs", "rust", "fn other() {\n    \n}\n");
    run.lapce.cursor_at(1, 4);
    for (gap, step) in &plan.steps {
        sleep(Duration::from_millis(*gap));
        run.step(*step);
    }
    run.signal_servers(libc::SIGCONT);
    run.read_only = None;
    run.free_disk();
    run.programs.calm_down();
    calm.store(true, Ordering::Relaxed);
    run.undisturbed(plan);
    let is_huge = plan.server.contains(&Serve::Huge);
    run.check(&sent.lock().unwrap_or_else(PoisonError::into_inner), is_huge);
    let tally = Tally {
        requests: run.server.exchanges().len(),
        ghosts: run.lapce.evidence().ghosts().count(),
        memory: run.lapce.linear_memory_bytes(),
        ..run.tally
    };
    run.close();
    if run.wrong.is_empty() { Ok(tally) } else { Err(run.wrong) }
}

/// What the server has sent.
#[derive(Default)]
struct Sent {
    text: String,
    /// When an answer with text began.
    texts: Vec<Instant>,
}

struct Run {
    // Dropped in this order: files are removed once that can be, and the server waits for its clients.
    read_only: Option<ReadOnly>,
    lapce: Lapce,
    server: Server,
    programs: Programs,
    disk: Option<PathBuf>,
    /// The plugin's folder was removed.
    is_gone: bool,
    tally: Tally,
    wrong: String,
}

impl Run {
    fn fault(&mut self, what: &str) {
        let _ = writeln!(self.wrong, "{what}");
    }

    fn step(&mut self, step: Step) {
        let lapce = &mut self.lapce;
        match step {
            Step::Key(c) => lapce.type_keys(&c.to_string(), volt_host::Pace::BURST),
            Step::Backspace => lapce.backspace(),
            Step::Delete => lapce.delete_forward(),
            Step::Tab => lapce.tab(),
            Step::Escape => lapce.escape(),
            Step::Invoke => lapce.invoke(),
            Step::Paste => lapce.paste("pasted(1);\n    "),
            Step::Undo => lapce.undo(),
            Step::Redo => lapce.redo(),
            Step::Click(line, character) => lapce.cursor_at(line, character),
            Step::Switch => {
                let is_first = lapce.screen().path.ends_with("src/a.rs");
                lapce.switch_to(if is_first { "src/b.rs" } else { "src/a.rs" });
            }
            Step::Save => lapce.save(),
            Step::KillAgent => self.signal_servers(libc::SIGKILL),
            Step::StopAgent => self.signal_servers(libc::SIGSTOP),
            Step::ContinueAgent => self.signal_servers(libc::SIGCONT),
            Step::KillCurl => {
                let curls = self.lapce.processes().unwrap_or_default();
                curls.iter().filter(|process| is_curl(process)).for_each(|curl| signal(curl, libc::SIGKILL));
            }
            // What is missing at the first start is not looked for again.
            Step::RemovePipes if self.ready_servers().is_empty() => {}
            Step::RemovePipes => {
                for entry in fs::read_dir(self.lapce.folder()).into_iter().flatten().flatten() {
                    if entry.file_name().to_string_lossy().starts_with("agent-") {
                        let _ = fs::remove_dir_all(entry.path());
                    }
                }
            }
            Step::RemoveFolder => {
                self.read_only = None;
                let _ = fs::remove_dir_all(self.lapce.folder());
                self.is_gone = true;
            }
            Step::FillDisk if self.disk.is_some() => {
                // What there is no room for is the point.
                let _ = fs::write(self.filler(), vec![b'x'; 64 << 20]);
            }
            Step::FillDisk => {}
            Step::FreeDisk => self.free_disk(),
            Step::Protect if self.read_only.is_some() => {}
            // Of an agent that cannot go on with its start an empty folder stays until the second start after it.
            Step::Protect if self.is_starting() => self.tally.unprotected += 1,
            Step::Protect => {
                self.read_only = ReadOnly::new(self.lapce.folder(), self.disk.as_deref());
                let count = match self.read_only {
                    Some(_) => &mut self.tally.protected,
                    None => &mut self.tally.unprotected,
                };
                *count += 1;
            }
            Step::Unprotect => self.read_only = None,
            Step::Leap(seconds) => self.lapce.leap(seconds),
        }
    }

    fn filler(&self) -> PathBuf {
        self.programs.folder.join("filler")
    }

    fn free_disk(&self) {
        let _ = fs::remove_file(self.filler());
    }

    /// Lapce waits for ever for a language server that dies before it has answered `initialize`, and nobody can help that.
    fn signal_servers(&self, number: i32) {
        self.ready_servers().iter().for_each(|server| signal(server, number));
    }

    /// Whether an agent runs that has not answered yet.
    fn is_starting(&self) -> bool {
        self.lapce.language_servers().unwrap_or_default().len() > self.ready_servers().len()
    }

    /// The agents that run and have answered.
    fn ready_servers(&self) -> Vec<Process> {
        let mut ready = self.lapce.evidence().language_servers;
        ready.retain(|server| server.initialized.is_some());
        let mut servers = self.lapce.language_servers().unwrap_or_default();
        servers.retain(|it| ready.iter().any(|ready| ready.process == it.id));
        servers
    }

    /// The next completion works, or the user is told why it does not.
    fn undisturbed(&mut self, plan: &Plan) {
        self.lapce.open("src/calm.rs", "rust", "fn calm() {\n    \n}\n");
        self.lapce.cursor_at(1, 4);
        self.lapce.type_keys("let done = ", volt_host::Pace::ms(20));
        let works = plan.curl != Curl::Missing && !self.is_gone;
        // By a clock that is wrong a date may be two minutes away before it is not believed.
        let patience =
            PATIENCE + if plan.server.contains(&Serve::Until(false)) { LEAPT } else { Duration::ZERO };
        let begin = Instant::now();
        let is_there = |screen: &volt_host::editor::Screen| {
            let told = !screen.popups.is_empty() || !screen.status.is_empty();
            screen.ghost_at_cursor() && screen.ghost_text() == CALM || !works && told
        };
        // A server may have asked for a pause, and no request goes out before it is over.
        while self.lapce.wait_until(Duration::from_secs(2), is_there).is_err() {
            if begin.elapsed() > patience {
                let screen = self.lapce.screen();
                return self.fault(&format!("the next undisturbed completion does not work: {screen:?}"));
            }
            self.lapce.invoke();
        }
    }

    /// What must hold whatever happened.
    fn check(&mut self, sent: &Sent, is_huge: bool) {
        if let Err(error) = self.lapce.wait_quiet(QUIET, PATIENCE) {
            let error = format!("{error:#}").chars().take(400).collect::<String>();
            self.fault(&format!("it never comes to rest: {error}"));
        }
        let evidence = self.lapce.evidence();
        let inline = "textDocument/inlineCompletion";
        let most = evidence.inline_answers().max;
        let open = evidence.answers_to(inline).filter(|(_, answers)| *answers == 0).count();
        if most > 1 || open > 8 {
            self.fault(&format!("not one answer per request: {most} for one, {open} without"));
        }
        for (what, is_wrong) in [
            (format!("traps: {:?}", evidence.traps), !evidence.traps.is_empty()),
            (format!("Lapce could not read: {:?}", evidence.faults), !evidence.faults.is_empty()),
            ("two wake-ups at once".to_owned(), evidence.most_wakeups_outstanding() > 1),
            ("Tab would take what is not drawn".to_owned(), !self.lapce.tab_is_honest()),
            ("the key was told".to_owned(), evidence.mentions(KEY)),
            ("the key was logged".to_owned(), self.lapce.log().iter().any(|line| line.message.contains(KEY))),
        ] {
            if is_wrong {
                self.fault(&what);
            }
        }
        let stale: Vec<String> =
            evidence.misplaced_paints().iter().map(|painted| format!("{:?}", painted.paint)).collect();
        if !stale.is_empty() {
            self.fault(&format!("drawn where the caret was not: {stale:?}"));
        }
        for tab in evidence.wrong_tabs() {
            self.fault(&format!("Tab did not take what was drawn: {:?}", tab.shown));
        }
        // Indentation is the document's; the rest is what the server sent.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let text = bare(&sent.text);
        // What the user deletes leads what is drawn.
        let is_foreign = |ghost: &&str| {
            let ghost = bare(ghost);
            let mut ends = (0..=DELETED).filter_map(|start| ghost.get(start..));
            !ends.any(|end| !end.is_empty() && consists_of(end, &text))
        };
        let foreign: BTreeSet<&str> = evidence.ghosts().map(|(_, ghost)| ghost).filter(is_foreign).collect();
        if !foreign.is_empty() {
            self.fault(&format!("drawn, but never sent: {foreign:?}"));
        }
        let memory = self.lapce.linear_memory_bytes();
        if memory > if is_huge { MEMORY_WITH_HUGE } else { MEMORY } {
            self.fault(&format!("{memory} bytes of linear memory"));
        }
        let is_popup = |heard: &&Heard| heard.line.contains("\"window/showMessage\"");
        let popups: Vec<&Heard> = evidence.heard.iter().filter(is_popup).collect();
        for (at, popup) in popups.iter().enumerate() {
            let before = popups.iter().take(at).rev().find(|before| before.line == popup.line);
            // An answer that worked meanwhile makes it news again.
            let works_between =
                |before: &&Heard| sent.texts.iter().any(|text| (before.at..popup.at).contains(text));
            if before.is_some_and(|before| !works_between(before)) {
                self.fault(&format!("told more than once: {}", popup.line));
            }
        }
    }

    /// Nothing is left once Lapce is closed.
    fn close(&mut self) {
        self.lapce.close();
        let clean = |_: &volt_host::editor::Screen| {
            self.files_left().is_empty() && self.lapce.processes().is_ok_and(|left| left.is_empty())
        };
        if self.lapce.wait_until(PATIENCE, clean).is_err() {
            let left = format!("left behind: {:?}, {:?}", self.files_left(), self.lapce.processes());
            self.fault(&left);
        }
    }

    /// Files and folders that the plugin has made and that are not meant to last.
    fn files_left(&self) -> Vec<PathBuf> {
        let mut left = self.lapce.files_left();
        left.retain(|file| !LASTING_FILES.iter().any(|lasting| file.as_path() == Path::new(lasting)));
        left
    }
}

/// Whether `text` is made of a few pieces of `sent`: a stream that broke is resumed.
fn consists_of(text: &str, sent: &str) -> bool {
    const PIECES: usize = 4;
    let mut rest = text;
    for _ in 0..PIECES {
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let longest = ends.take_while(|end| sent.contains(&rest[..*end])).last().unwrap_or(0);
        rest = &rest[longest..];
    }
    rest.is_empty()
}

fn is_curl(process: &Process) -> bool {
    process.argv.first().is_some_and(|program| program.ends_with("curl"))
}

fn signal(process: &Process, number: i32) {
    if let Ok(id) = i32::try_from(process.id) {
        // SAFETY: a plain system call. The process is one of ours, known by its environment a moment ago.
        unsafe { libc::kill(id, number) };
    }
}

/// Whether no text comes.
fn is_refusal(serve: Serve) -> bool {
    use Serve::{Nothing, Page, Redirect, Status, Until};
    matches!(serve, Nothing(_) | Redirect | Status(..) | Page(_) | Until(_))
}

/// A server that plays the plan, and writes down the text that it sends.
fn serve(plan: &Plan, calm: &Arc<AtomicBool>, sent: &Arc<Mutex<Sent>>) -> std::io::Result<Server> {
    let (plan, calm, sent) = (plan.server.clone(), calm.clone(), sent.clone());
    let count = AtomicUsize::new(0);
    Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let (serve, text) = if calm.load(Ordering::Relaxed) {
            (Serve::Pieces(usize::MAX), CALM.to_owned())
        } else {
            let serve = plan.get(number).copied().unwrap_or(Serve::Pieces(usize::MAX));
            (
                serve,
                format!("first_{number}(a, b);\n    let é{number} = second();\n    third(\"{number}\");\n"),
            )
        };
        let text = match serve {
            Serve::Huge => format!("a{}", "x".repeat(10 << 20)),
            Serve::Endless => " more".repeat(3000),
            _ => text,
        };
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.text.push_str(text.get(..64 << 10).unwrap_or(&text));
        if !is_refusal(serve) {
            sent.texts.push(Instant::now());
        }
        script(serve, &text)
    })
}

fn script(serve: Serve, text: &str) -> Script {
    let pieces: Vec<&str> = text.split_inclusive([' ', '(']).collect();
    let pace = Pace::every(Duration::from_millis(40)).after(Duration::from_millis(80));
    let whole = Script::stream(openai_chat, &pieces, pace);
    let error = json!({"error": {"message": "no, not now", "type": "some_error"}}).to_string();
    let stream = "text/event-stream";
    match serve {
        Serve::Pieces(usize::MAX) => whole,
        Serve::Pieces(size) => whole.rechunk(size),
        Serve::Late(ms) => whole.after(Duration::from_millis(ms)),
        Serve::Stall(chunks) => whole.cut(chunks, End::Stall),
        Serve::Close(chunks) => whole.cut(chunks, End::Close),
        Serve::Reset(chunks) => whole.cut(chunks, End::Reset),
        Serve::Nothing(kind) => Script::nothing([End::Close, End::Reset, End::Stall][kind % 3]),
        Serve::Half(bytes) => {
            let mut body = openai_chat(&pieces).bytes();
            body.truncate(bytes);
            Script::whole(200, stream, body)
        }
        Serve::Type(kind) => {
            let types = ["text/html", "application/json", "application/octet-stream", "text/plain", "x"];
            Script::whole(200, types[kind % types.len()], openai_chat(&pieces).bytes())
        }
        Serve::Gzip => whole.header("content-encoding", "gzip"),
        Serve::Redirect => Script::whole(302, "text/plain", "").header("location", "http://127.0.0.1:9/"),
        Serve::Huge => Script::stream(openai_chat, &[text], pace),
        Serve::Endless => {
            let pieces: Vec<&str> = text.split_inclusive('e').collect();
            Script::stream(openai_chat, &pieces, Pace::every(Duration::from_millis(1))).cut(3000, End::Stall)
        }
        Serve::Drip => {
            let byte = |byte| Chunk { delay: Duration::from_millis(30), bytes: vec![byte] };
            Script::chunks(stream, openai_chat(&pieces).bytes().into_iter().map(byte).collect())
        }
        Serve::Status(status, false) => Script::whole(status, "application/json", error),
        Serve::Status(status, true) => {
            Script::whole(status, "application/json", error).header("retry-after", "1")
        }
        Serve::Page(status) => Script::html(status),
        Serve::Until(says_time) => {
            let now = SystemTime::now();
            let script = Script::whole(429, "application/json", error);
            let script = script.header("retry-after", &fmt_http_date(now + Duration::from_secs(2)));
            if says_time { script.header("date", &fmt_http_date(now)) } else { script }
        }
    }
}

/// The programs that the agent finds on its path.
struct Programs {
    folder: PathBuf,
}

impl Programs {
    fn new(curl: Curl) -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("volt-chaos-{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        let programs = Self { folder };
        for name in "sh mkdir mkfifo mv rm dd tee sleep printf cat head chmod uname".split(' ') {
            if let Some(path) = find(name) {
                symlink(path, programs.folder.join(name))?;
            }
        }
        let Some(real) = find("curl").filter(|_| curl != Curl::Missing) else { return Ok(programs) };
        let real = real.display().to_string();
        let fault = match curl {
            Curl::Works | Curl::Missing => "",
            Curl::Old => {
                r#"case "$*" in *--version* | -V) echo "curl 7.68.0 (x86_64-pc-linux-gnu)"; exit;; esac"#
            }
            Curl::Slow => "sleep 0.4",
            Curl::Hangs => r#"case "$*" in *--version* | -V) ;; *) exec sleep 1000;; esac"#,
            Curl::Killed => {
                r#"case "$*" in *--version* | -V) ;; *) (sleep 0.3; kill -9 $$) >/dev/null 2>&1 </dev/null & ;; esac"#
            }
            Curl::Fails(6) => "echo 'curl: (6) Could not resolve host: model.invalid' >&2; exit 6",
            Curl::Fails(7) => "echo 'curl: (7) Failed to connect to model.invalid port 443' >&2; exit 7",
            Curl::Fails(_) => "echo 'curl: (35) TLS connect error: wrong version number' >&2; exit 35",
        };
        let fault = match curl {
            Curl::Fails(_) => format!("case \"$*\" in *--version* | -V) ;; *) {fault};; esac"),
            _ => fault.to_owned(),
        };
        let calm = programs.folder.join("calm");
        let text = format!(
            "#!/bin/sh\nif [ ! -e '{}' ]; then\n:\n{fault}\nfi\nexec '{real}' \"$@\"\n",
            calm.display()
        );
        let path = programs.folder.join("curl");
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(programs)
    }

    fn path(&self) -> String {
        self.folder.display().to_string()
    }

    /// From now on curl works, unless it is missing.
    fn calm_down(&self) {
        let _ = fs::write(self.folder.join("calm"), []);
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where a program is on our own path.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
