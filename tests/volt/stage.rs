//! A Lapce with the plugin in it, a model's server, and what must be true whenever they were together.

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use ai_completion::completion::ghost::MOST_REQUESTS;
use ai_completion::config::{Destination, LASTING_FILES, TRUSTED_SERVERS};
use volt_host::build::Volt;
use volt_host::editor::Screen;
use volt_host::server::shape::Shape;
use volt_host::server::{Exchange, Pace, Request, Script, Server};
use volt_host::{Evidence, Lapce, Process, Setup};

/// A wait that ends only when something is broken: far above what the slowest machine takes.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing happened for so long: nothing will.
const QUIET: Duration = Duration::from_millis(400);
/// The user's key. It must turn up nowhere but in the request.
pub const KEY: &str = "sk-e2e-3f9c0b7a51d24e68";
/// The most linear memory the plugin may ever take.
const MEMORY: usize = 2 << 20;

/// Tests that count milliseconds have the machine to themselves, the others share it.
static MACHINE: RwLock<()> = RwLock::new(());

/// A turn on the machine.
pub enum Turn {
    /// Nobody else's meanwhile.
    Alone { _guard: RwLockWriteGuard<'static, ()> },
    /// Beside others.
    Shared { _guard: RwLockReadGuard<'static, ()> },
}

impl Turn {
    pub fn alone() -> Self {
        volt();
        Self::Alone { _guard: MACHINE.write().unwrap_or_else(PoisonError::into_inner) }
    }

    pub fn shared() -> Self {
        volt();
        Self::Shared { _guard: MACHINE.read().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// The folder of the plugin, built once.
fn volt() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let volt = Volt::build(package, &mut |what| eprintln!("{what} …")).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("volt");
        volt.install(&folder).unwrap();
        folder
    })
}

/// A Lapce set up by someone who has named no provider.
pub fn untouched() -> Setup {
    // A proxy of the machine the tests run on would keep loopback from being reached.
    let proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    proxies.iter().fold(Setup::new(volt()), |setup, name| setup.env_remove(name))
}

/// A Lapce whose user has named a provider with a server at this address, and given the key by the environment.
pub fn setup(provider: &str, address: &str) -> Setup {
    let version = if provider == "openai" { "/v1" } else { "" };
    untouched()
        .setting("provider", provider)
        .setting("base-url", format!("{address}{version}"))
        .setting("api-key-env", "E2E_KEY")
        .env("E2E_KEY", KEY)
}

/// A server whose model writes what `answer` says to the text before the cursor.
pub fn model(shape: Shape, pace: Pace, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    let play =
        move |request: &Request| Script::stream(shape, &tokens(&answer(&before_cursor(request))), pace);
    Server::start(play).unwrap()
}

/// The text before the cursor as the plugin tells it to chat models.
pub fn before_cursor(request: &Request) -> String {
    let mut told = String::new();
    strings(&request.json(), &mut told);
    let after = told.split("<before_cursor>\n").nth(1).unwrap_or_default();
    after.split("</before_cursor>").next().unwrap_or_default().to_owned()
}

/// All texts in a JSON value, one after the other.
fn strings(value: &serde_json::Value, into: &mut String) {
    match value {
        serde_json::Value::String(text) => into.push_str(text),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}

/// Cuts a text as models say it: words with the white space before them.
pub fn tokens(text: &str) -> Vec<&str> {
    let ends = text.char_indices().zip(text.chars().skip(1)).filter_map(|((at, c), next)| {
        (!c.is_whitespace() && next.is_whitespace()).then_some(at + c.len_utf8())
    });
    let ends: Vec<usize> = ends.chain([text.len()]).collect();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| &text[start..*end]).collect()
}

/// What is on the stage in nearly every test.
pub struct Stage {
    // Dropped in this order: the server waits for its clients.
    pub lapce: Lapce,
    pub server: Server,
    _turn: Turn,
}

impl Stage {
    /// Opens Lapce for a user who has agreed to where the settings send text.
    pub fn new(turn: Turn, server: Server, setup: Setup) -> Self {
        let destinations = Destination::all_of(&setup.settings(), &|name| setup.variable(name));
        let trusted: String =
            destinations.iter().map(|destination| format!("{}\n", destination.line())).collect();
        Self::unconfirmed(turn, server, setup.file(TRUSTED_SERVERS, trusted))
    }

    /// Opens Lapce for a user who has agreed to nothing.
    pub fn unconfirmed(turn: Turn, server: Server, setup: Setup) -> Self {
        Self { lapce: Lapce::start(setup).unwrap(), server, _turn: turn }
    }

    /// Opens a file with the caret where `|` is drawn.
    pub fn open(&mut self, path: &str, language: &str, drawn: &str) {
        let (before, after) = drawn.split_once('|').unwrap();
        self.lapce.open(path, language, &format!("{before}{after}"));
        let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        self.lapce.cursor_at(before.matches('\n').count() as u32, column as u32);
    }

    /// Waits until all keys are dealt with and no request runs any more.
    pub fn settle(&self) -> Screen {
        assert!(
            self.server.wait(PATIENCE, |exchanges| exchanges.iter().all(|one| one.finished.is_some())),
            "a request never ended: {:#?}",
            self.server.exchanges()
        );
        // What has come last is on the way to the plugin as long as curl lives.
        self.wait_no_request();
        self.lapce.wait_quiet(QUIET, PATIENCE).unwrap();
        self.lapce.screen()
    }

    /// Waits until this ghost, and nothing of it missing, is drawn at the caret.
    pub fn wait_ghost(&self, text: &str) -> Screen {
        let screen = self
            .lapce
            .wait_until(PATIENCE, |screen| screen.ghost_at_cursor() && screen.ghost_text() == text)
            .unwrap_or_else(|error| panic!("no ghost {text:?}: {error:#}\n{}", self.trace()));
        assert!(self.lapce.tab_is_honest(), "Tab would insert something else than {text:?}");
        screen
    }

    /// Waits until the request of the last key (or `alt+\`) is answered.
    pub fn wait_answer(&self) {
        let answered =
            |evidence: &Evidence| evidence.answers_to(INLINE).last().is_none_or(|(_, answers)| answers > 0);
        self.lapce.wait_for(PATIENCE, answered).unwrap_or_else(|error| panic!("{error:#}\n{}", self.trace()));
    }

    /// Ends the play, and checks what must hold after every one.
    pub fn finish(mut self) {
        self.settle();
        let evidence = self.lapce.evidence();
        let trace = || self.trace();
        let answers = evidence.inline_answers();
        // Some stay open: to clear a ghost, and to show what follows.
        let open = evidence.answers_to(INLINE).filter(|(_, answers)| *answers == 0).count();
        assert!(answers.max <= 1 && open <= MOST_REQUESTS, "not one answer per request\n{}", trace());
        let stale = evidence.stale_paints();
        assert!(stale.is_empty(), "ghosts where the caret was not: {stale:?}\n{}", trace());
        assert!(self.server.in_flight_max() <= 1, "{} in flight\n{}", self.server.in_flight_max(), trace());
        assert!(evidence.most_wakeups_outstanding() <= 1, "two wake-ups at once\n{}", trace());
        assert!(evidence.traps.is_empty() && evidence.faults.is_empty(), "{}", trace());
        assert!(self.lapce.linear_memory_bytes() < MEMORY, "{} bytes", self.lapce.linear_memory_bytes());
        assert!(!evidence.mentions(KEY), "the key was told\n{}", trace());
        assert!(!self.lapce.log().iter().any(|line| line.message.contains(KEY)), "the key was logged");
        self.lapce.close();
        self.wait_clean();
    }

    /// Waits until curl runs for no request, while the agent may go on.
    pub fn wait_no_request(&self) {
        let none = |_: &Screen| self.curls().is_empty();
        self.lapce.wait_until(PATIENCE, none).unwrap_or_else(|_| panic!("still running: {:?}", self.curls()));
    }

    /// The processes that are curl.
    pub fn curls(&self) -> Vec<Process> {
        let mut processes = self.lapce.processes().unwrap();
        processes.retain(|process| process.argv.first().is_some_and(|program| program.ends_with("curl")));
        processes
    }

    /// Waits until no process and no file of the plugin is left, once Lapce is closed.
    pub fn wait_clean(&self) {
        let clean = |_: &Screen| self.files_left().is_empty() && self.lapce.processes().unwrap().is_empty();
        self.lapce
            .wait_until(PATIENCE, clean)
            .unwrap_or_else(|_| panic!("left behind: {:?}, {:?}", self.files_left(), self.lapce.processes()));
    }

    /// Files and folders that the plugin has made and that are not meant to last.
    pub fn files_left(&self) -> Vec<PathBuf> {
        let mut left = self.lapce.files_left();
        left.retain(|file| !LASTING_FILES.iter().any(|lasting| file.as_path() == Path::new(lasting)));
        left
    }

    /// How many HTTP requests there were.
    pub fn requests(&self) -> usize {
        self.server.exchanges().len()
    }

    /// Everything that happened, in order, in milliseconds: for the message of a failed test.
    pub fn trace(&self) -> String {
        let evidence = self.lapce.evidence();
        let Some(start) = evidence.told.first().map(|told| told.queued) else { return String::new() };
        let mut lines = Vec::new();
        for told in &evidence.told {
            let took = told.handling().map_or_else(String::new, |took| format!(" took {took:?}"));
            lines.push((
                told.taken.unwrap_or(told.queued),
                format!("> {}{took} waited {:?}", told.line, told.wait()),
            ));
        }
        lines.extend(evidence.heard.iter().map(|heard| (heard.at, format!("< {}", heard.line))));
        lines.extend(evidence.executed.iter().map(|run| (run.at, format!("runs {:?}", run.argv.first()))));
        for Exchange { arrived, finished, writes, hung_up, .. } in self.server.exchanges() {
            lines.push((arrived, "HTTP request".to_owned()));
            lines.extend(writes.first().map(|(at, _)| (*at, "HTTP first byte".to_owned())));
            lines.extend(finished.map(|at| (at, format!("HTTP end, hung up: {hung_up}"))));
        }
        lines.sort_by_key(|(at, _)| *at);
        let line = |(at, what): &(Instant, String)| {
            let what: String = what.chars().take(400).collect();
            format!("{:>7} {what}\n", at.saturating_duration_since(start).as_millis())
        };
        lines.iter().map(line).collect()
    }
}

/// The method of the requests all is about.
pub const INLINE: &str = "textDocument/inlineCompletion";
