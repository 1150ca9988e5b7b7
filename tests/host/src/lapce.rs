//! The user's side of a headless Lapce with one volt in it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::editor::{Arrow, Config, Editor, LogLine, Screen};
use crate::evidence::Evidence;
use crate::folder::Folder;
use crate::process::{Environment, Process};
use crate::psp::{self, Plugin};
use crate::volt::{self, Volt};
use crate::volt_toml::VoltToml;
use crate::wall_clock::Lead;
use crate::window::{State, Window};

/// The longest that opening a file waits for the volt's answer to `initialize`.
const INITIALIZE_LIMIT: Duration = Duration::from_secs(10);
/// The longest that removing a volt waits for what it is just doing (its HTTP client may take 30 s).
const UNLOAD_LIMIT: Duration = Duration::from_secs(40);
/// The longest that dropping a Lapce waits for its volt; after that the thread is left behind.
const DROP_LIMIT: Duration = Duration::from_secs(5);
/// How often a wait looks again when nothing has changed: what depends on the clock alone gets its chance.
const POLL: Duration = Duration::from_millis(5);

/// What a headless Lapce is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    volt: PathBuf,
    wasm: Option<PathBuf>,
    settings: Vec<(String, Value)>,
    environment: BTreeMap<String, Option<String>>,
    files: Vec<(PathBuf, Vec<u8>)>,
    config: Config,
    writable: bool,
}

impl Setup {
    /// A Lapce with default settings and the volt in this folder (`volt.toml` and what it names).
    pub fn new(volt: impl Into<PathBuf>) -> Setup {
        Setup {
            volt: volt.into(),
            wasm: None,
            settings: Vec::new(),
            environment: BTreeMap::new(),
            files: Vec::new(),
            config: Config::default(),
            writable: true,
        }
    }

    /// Takes the wasm from here instead of where `volt.toml` says.
    #[must_use]
    pub fn wasm(mut self, path: impl Into<PathBuf>) -> Setup {
        self.wasm = Some(path.into());
        self
    }

    /// A line of the user's settings table for the volt; dots in the key make tables.
    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Setup {
        self.settings.push((key.to_owned(), value.into()));
        self
    }

    /// A variable in Lapce's environment, for the volt and for the processes it has run.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.environment.insert(name.to_owned(), Some(value.to_owned()));
        self
    }

    /// Takes a variable away from Lapce's environment.
    #[must_use]
    pub fn env_remove(mut self, name: &str) -> Setup {
        self.environment.insert(name.to_owned(), None);
        self
    }

    /// The settings table for the volt, as it is sent to it.
    pub fn settings(&self) -> Value {
        psp::unflatten(&self.settings)
    }

    /// A variable of the environment the volt will have.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().unwrap_or_else(|| std::env::var(name).ok())
    }

    /// A file that lies in the volt's folder already, say from an earlier run.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Setup {
        self.files.push((path.into(), content.into()));
        self
    }

    /// No file can be created in the volt's folder.
    #[must_use]
    pub fn unwritable_folder(mut self) -> Setup {
        self.writable = false;
        self
    }

    /// The folder that is open in Lapce, or none. It need not exist.
    #[must_use]
    pub fn workspace(mut self, folder: Option<PathBuf>) -> Setup {
        self.config.workspace = folder;
        self
    }

    /// No wake-ups by `experimental/serverStatus`: a Lapce before 0.4.1.
    #[must_use]
    pub fn without_wakes(mut self) -> Setup {
        self.config.wakes = false;
        self
    }

    /// The volt loses the race at its start: files opened before it has answered `initialize` are never told.
    #[must_use]
    pub fn losing_early_open(mut self) -> Setup {
        self.config.loses_early_open = true;
        self
    }

    /// Vim-like editing: files open in normal mode.
    #[must_use]
    pub fn modal(mut self) -> Setup {
        self.config.modal = true;
        self
    }

    /// `editor.enable-inline-completion = false`: ghosts are not drawn, requests still go out.
    #[must_use]
    pub fn without_inline_completion(mut self) -> Setup {
        self.config.inline_completion = false;
        self
    }
}

/// How fast keys follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(Duration);

impl Pace {
    /// All at once.
    pub const BURST: Pace = Pace(Duration::ZERO);

    /// So many milliseconds from key to key.
    pub const fn ms(milliseconds: u64) -> Pace {
        Pace(Duration::from_millis(milliseconds))
    }
}

/// A headless Lapce. Keys are methods; what they lead to is seen on the [`Screen`] and in the [`Evidence`].
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// use std::time::Duration;
/// use volt_host::{Lapce, Pace, Setup};
///
/// let mut lapce = Lapce::start(Setup::new("my-volt").setting("provider", "openai").env("OPENAI_API_KEY", "…"))?;
/// lapce.open("src/main.rs", "rust", "fn main() {\n\n}\n");
/// lapce.cursor_at(1, 0);
/// lapce.type_keys("    let ", Pace::ms(60));
/// let screen = lapce.wait_until(Duration::from_secs(10), |screen| screen.ghost.is_some())?;
/// println!("{}", screen.rendered());
/// # Ok(())
/// # }
/// ```
pub struct Lapce {
    window: Arc<Window>,
    manifest: VoltToml,
    config: Config,
    settings: Vec<(String, Value)>,
    environment: Environment,
    module: wasmtime::Module,
    wasm_bytes: u64,
    volt: Option<Volt>,
    /// Volts that were reloaded: Lapce forgets them, but their instances live on.
    forgotten: Vec<Volt>,
    activated: bool,
    lead: Lead,
    // Dropped last: the volts have it open.
    folder: Folder,
}

impl Lapce {
    /// Loads the volt. It gets `initialize` at once when an open folder activates it, otherwise when a file of
    /// one of its languages is opened.
    ///
    /// # Errors
    /// When the volt's folder, its manifest or its wasm cannot be used.
    pub fn start(setup: Setup) -> anyhow::Result<Lapce> {
        let manifest = VoltToml::read(&setup.volt)?;
        let wasm = match (setup.wasm, &manifest.wasm) {
            (Some(wasm), _) => wasm,
            (None, Some(wasm)) => setup.volt.join(wasm),
            (None, None) => bail!("{} names no wasm", setup.volt.join("volt.toml").display()),
        };
        let module = volt::compile(&wasm)?;
        let folder = Folder::copy(&setup.volt, &manifest, &wasm, &setup.files)?;
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let environment = Environment::new(&setup.environment, mark);
        let mut config = setup.config;
        config.selector = manifest.selector();
        config.name.clone_from(&manifest.name);
        config.display_name.clone_from(&manifest.display_name);
        let mut lapce = Lapce {
            window: Arc::new(Window::new(Editor::new(config.clone()))),
            wasm_bytes: wasm.metadata().with_context(|| wasm.display().to_string())?.len(),
            manifest,
            config,
            settings: setup.settings,
            environment,
            module,
            volt: None,
            forgotten: Vec::new(),
            activated: false,
            lead: Lead::default(),
            folder,
        };
        lapce.load()?;
        if !setup.writable {
            lapce.folder.forbid_writing()?;
        }
        if lapce.config.workspace.is_some() && lapce.manifest.is_activated_by("", true) {
            lapce.activate();
        }
        Ok(lapce)
    }

    fn load(&mut self) -> anyhow::Result<()> {
        let plugin = Plugin::new(self.window.clone(), self.environment.clone(), self.config.clone());
        let volt = Volt::start(&self.module, self.folder.path(), self.lead.clone(), plugin)?;
        self.window.with(|state| state.queue = Some(volt.queue()));
        self.volt = Some(volt);
        Ok(())
    }

    fn activate(&mut self) {
        self.activated = true;
        let params = psp::initialize_params(&self.config, &self.settings);
        self.window.with(|state| state.editor.initialize(params));
    }

    /// Removes the volt: its language servers are killed, and its instance is dropped once it has handled what it has.
    /// Its folder stays to be looked at.
    ///
    /// # Errors
    /// When it is still busy after 40 s.
    pub fn unload(&mut self) -> anyhow::Result<()> {
        let ended = self.volt.take().is_none_or(|volt| {
            volt.kill_servers();
            volt.shut_down(UNLOAD_LIMIT)
        });
        self.window.with(|state| {
            state.editor.volt_removed();
            state.queue = None;
        });
        ensure!(ended, "the volt did not end within {UNLOAD_LIMIT:?}");
        Ok(())
    }

    /// Reloads the volt with one more setting, as Lapce does when the user asks for it: a new instance is started
    /// in the same folder, while the old one is not told and keeps what it has open. Of what it says from then on
    /// only answers are taken; a request leaves it waiting. Its language servers are killed.
    ///
    /// # Errors
    /// When the new instance cannot be made.
    pub fn reload(&mut self, key: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        self.settings.push((key.to_owned(), value.into()));
        self.window.with(|state| state.editor.volt_removed());
        self.forgotten.extend(self.volt.take().inspect(Volt::disconnect));
        self.load()?;
        self.activate();
        self.wait_initialized();
        Ok(())
    }

    fn wait_initialized(&self) {
        if self.activated && !self.config.loses_early_open {
            // A volt that refuses or never answers is a case to be tested, not an error.
            let over = |state: &State| {
                let busy = state
                    .evidence
                    .told
                    .iter()
                    .any(|told| told.method == "initialize" && told.handled.is_none());
                (state.editor.is_initialized() || !busy).then_some(())
            };
            self.window.wait(INITIALIZE_LIMIT, POLL, over);
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Editor)) {
        self.window.with(|state| state.act(act));
    }

    /// Opens a file (relative to the folder that is open) with a language id and a text; it need not exist. Waits
    /// until the volt has handled `initialize`.
    pub fn open(&mut self, path: impl AsRef<Path>, language: &str, text: &str) {
        if !self.activated && self.manifest.is_activated_by(language, self.config.workspace.is_some()) {
            self.activate();
        }
        self.wait_initialized();
        self.act(|editor| editor.open(path, language, text));
    }

    /// Brings an open file to the front.
    ///
    /// # Panics
    /// When the file is not open.
    pub fn switch_to(&mut self, path: impl AsRef<Path>) {
        self.act(|editor| editor.switch_to(path));
    }

    /// Types a text, newlines as Enter, one key after the other at a pace. Returns right after the last key.
    pub fn type_keys(&mut self, text: &str, pace: Pace) {
        let start = Instant::now();
        for (number, c) in (0u32..).zip(text.chars()) {
            std::thread::sleep((start + pace.0 * number).saturating_duration_since(Instant::now()));
            self.window.with(|state| state.type_key(c));
        }
    }

    /// Presses Backspace.
    pub fn backspace(&mut self) {
        self.act(Editor::backspace);
    }

    /// Presses Delete.
    pub fn delete_forward(&mut self) {
        self.act(Editor::delete_forward);
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) {
        self.act(|editor| editor.paste(text));
    }

    /// Undoes one step.
    pub fn undo(&mut self) {
        self.act(Editor::undo);
    }

    /// Redoes one step.
    pub fn redo(&mut self) {
        self.act(Editor::redo);
    }

    /// Presses Tab.
    pub fn tab(&mut self) {
        self.window.with(State::tab);
    }

    /// Presses Escape.
    pub fn escape(&mut self) {
        self.act(Editor::escape);
    }

    /// Presses `alt+\`.
    pub fn invoke(&mut self) {
        self.act(Editor::invoke);
    }

    /// Presses `alt+]` (forward) or `alt+[`.
    pub fn cycle(&mut self, forward: bool) {
        self.act(|editor| editor.cycle(forward));
    }

    /// Presses `i` in normal mode.
    pub fn enter_insert_mode(&mut self) {
        self.act(Editor::enter_insert_mode);
    }

    /// Clicks at a line and UTF-16 column.
    pub fn cursor_at(&mut self, line: u32, character: u32) {
        self.act(|editor| editor.click(line, character));
    }

    /// Presses an arrow key, Home or End.
    pub fn arrow(&mut self, arrow: Arrow) {
        self.act(|editor| editor.arrow(arrow));
    }

    /// Selects from one line and UTF-16 column to another.
    pub fn select(&mut self, from: (u32, u32), to: (u32, u32)) {
        self.act(|editor| editor.select(from, to));
    }

    /// Saves the file in front.
    pub fn save(&mut self) {
        self.act(Editor::save);
    }

    /// Somebody sets the machine's clock forth by these seconds, or back: the volt's wall clock leaps. The clock that
    /// measures time, that of its monotonic clock, does not.
    pub fn leap(&self, seconds: i64) {
        self.lead.leap(seconds);
    }

    /// What the user sees now.
    pub fn screen(&self) -> Screen {
        self.window.look(|state| state.editor.screen())
    }

    /// The text of an open file.
    pub fn text_of(&self, path: impl AsRef<Path>) -> Option<String> {
        self.window.look(|state| state.editor.text_of(path).map(str::to_owned))
    }

    /// The text in front after Tab would have taken an item; `None` when Tab would only indent.
    pub fn text_after_tab(&self) -> Option<String> {
        self.window.look(|state| state.editor.text_after_tab())
    }

    /// Whether Tab would insert exactly what is drawn, where it is drawn; with nothing drawn, nothing.
    pub fn tab_is_honest(&self) -> bool {
        self.window.look(|state| state.editor.tab_is_honest())
    }

    /// Lapce's log: messages, standard error of the volt, words of the host.
    pub fn log(&self) -> Vec<LogLine> {
        self.window.look(|state| state.editor.log_lines().to_vec())
    }

    /// What has happened so far.
    pub fn evidence(&self) -> Evidence {
        self.window.look(|state| state.evidence.clone())
    }

    /// Waits until the screen is as wanted and returns it.
    ///
    /// # Errors
    /// When it is not so within `limit`; the error tells what was on the screen instead.
    pub fn wait_until(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&Screen) -> bool,
    ) -> anyhow::Result<Screen> {
        let found = self
            .window
            .wait(limit, POLL, |state| Some(state.editor.screen()).filter(|screen| wanted(screen)));
        found.with_context(|| {
            format!("not within {limit:?}; on the screen: {:#?}{}", self.screen(), self.faults())
        })
    }

    /// Waits until something has happened.
    ///
    /// # Errors
    /// When it has not within `limit`.
    pub fn wait_for(
        &self,
        limit: Duration,
        mut happened: impl FnMut(&Evidence) -> bool,
    ) -> anyhow::Result<()> {
        let found = self.window.wait(limit, POLL, |state| happened(&state.evidence).then_some(()));
        found.with_context(|| {
            format!("not within {limit:?}; on the screen: {:#?}{}", self.screen(), self.faults())
        })
    }

    /// Waits until the volt has handled all it was told and nothing has happened for a while, from now on.
    ///
    /// # Errors
    /// When that is not so within `limit`.
    pub fn wait_quiet(&self, quiet: Duration, limit: Duration) -> anyhow::Result<()> {
        let start = Instant::now();
        let found = self.window.wait(limit, POLL, |state| {
            let idle = state.evidence.told.iter().rev().all(|told| told.handled.is_some());
            (idle && state.last_activity.max(start).elapsed() >= quiet).then_some(())
        });
        found.with_context(|| format!("the volt was not quiet within {limit:?}{}", self.faults()))
    }

    /// What Lapce could not make sense of, for the message of a failed test.
    fn faults(&self) -> String {
        self.window.look(|state| {
            let faults = state.evidence.faults.iter().chain(&state.evidence.traps);
            faults.map(|fault| format!("\n{fault}")).collect()
        })
    }

    /// Processes the volt has started that are still alive, wherever they hang in the process tree. They are known
    /// by a variable in their environment. Zombies do not count.
    ///
    /// # Errors
    /// Where processes cannot be looked at: other systems than Linux.
    pub fn processes(&self) -> io::Result<Vec<Process>> {
        self.environment.processes()
    }

    /// The language servers of the volt that are alive.
    ///
    /// # Errors
    /// Where processes cannot be looked at: other systems than Linux.
    pub fn language_servers(&self) -> io::Result<Vec<Process>> {
        let mut processes = self.processes()?;
        let servers = self.window.look(|state| {
            state.evidence.language_servers.iter().map(|server| server.process).collect::<Vec<_>>()
        });
        processes.retain(|process| servers.contains(&process.id));
        Ok(processes)
    }

    /// Files, pipes and folders in the volt's folder that were not there at its start.
    pub fn files_left(&self) -> Vec<PathBuf> {
        self.folder.left()
    }

    /// The volt's folder, a copy of its own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The volt's linear memory in bytes; it never shrinks, so this is also its peak. 0 before its first message.
    pub fn linear_memory_bytes(&self) -> usize {
        self.volt.as_ref().map_or(0, Volt::memory)
    }

    /// The size of the wasm file.
    pub fn wasm_bytes(&self) -> u64 {
        self.wasm_bytes
    }
}

impl Lapce {
    /// Closes Lapce: the language servers are killed, then every pipe to them is closed. The volt gets no word. What it
    /// leaves behind can still be looked at.
    pub fn close(&mut self) {
        if let Some(volt) = &self.volt {
            volt.kill_servers();
        }
        self.end();
    }

    /// Lapce is killed: nothing happens to the language servers but that every pipe to them is closed. What the volt
    /// leaves behind can still be looked at.
    pub fn crash(&mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.window.with(|state| {
            state.closed = true;
            state.queue = None;
            state.servers.clear();
            state.lifelines.drain(..).for_each(|lifeline| lifeline.cut());
        });
        for volt in self.volt.take().into_iter().chain(self.forgotten.drain(..)) {
            volt.shut_down(DROP_LIMIT);
        }
    }
}

impl Drop for Lapce {
    fn drop(&mut self) {
        self.close();
    }
}
