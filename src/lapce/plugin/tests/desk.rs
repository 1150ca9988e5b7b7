//! A desk: the plugin, the headless editor, a user and a model, in made-up time.
//!
//! What happens here is what happens in a window: keys become messages, messages lie in a queue while the plugin
//! waits for the model, what the plugin sends reaches the editor at once. Only that nothing takes time but what is
//! said to.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use volt_host::editor::{Arrow, Cause, Config, Editor, Position, Screen};

use super::super::*;
use crate::http::HttpRequest;
use crate::transport::{Failure, FailureKind};

/// What a user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Types a character, or Enter for a line feed.
    Key(char),
    /// Types the next character of what is drawn, or `x`.
    Along,
    Backspace,
    DeleteForward,
    Tab,
    Esc,
    /// alt+\\
    Invoke,
    Paste(&'static str),
    Undo,
    Redo,
    Arrow(Arrow),
    /// Clicks into this line and column.
    Click(u32, u32),
    /// Brings the other file to the front.
    Switch,
}

/// Somebody at the keyboard.
pub trait User {
    /// Does something, and says how many milliseconds later they do the next thing; `None`: nothing any more.
    fn act(&mut self, editor: &mut Editor, requests: usize) -> Option<u64>;
}

/// One who does these things, so many milliseconds after the one before.
impl User for VecDeque<(u64, Act)> {
    fn act(&mut self, editor: &mut Editor, _: usize) -> Option<u64> {
        let (_, act) = self.pop_front()?;
        act.perform(editor);
        self.front().map(|(gap, _)| *gap)
    }
}

impl Act {
    pub fn perform(self, editor: &mut Editor) {
        match self {
            Act::Key('\n') => editor.enter(),
            Act::Key(c) => editor.type_char(c),
            Act::Along => match editor.screen().ghost_text().chars().next() {
                Some('\n') => editor.enter(),
                next => editor.type_char(next.unwrap_or('x')),
            },
            Act::Backspace => editor.backspace(),
            Act::DeleteForward => editor.delete_forward(),
            Act::Tab => editor.tab(),
            Act::Esc => editor.escape(),
            Act::Invoke => editor.invoke(),
            Act::Paste(text) => editor.paste(text),
            Act::Undo => editor.undo(),
            Act::Redo => editor.redo(),
            Act::Arrow(arrow) => editor.arrow(arrow),
            Act::Click(line, character) => editor.click(line, character),
            Act::Switch => {
                let there = if editor.screen().path.ends_with(FILE) { OTHER } else { FILE };
                editor.switch_to(there);
            }
        }
    }
}

/// The file that is in front at first, and the other one.
pub const FILE: &str = "a.rs";
pub const OTHER: &str = "b.rs";

/// What the model's server does with a request, by milliseconds since it came.
#[derive(Debug, Clone, PartialEq)]
pub enum Serve {
    Head(u16),
    Body(String),
    End,
    Cut,
}

/// An answer of Ollama's that takes `latency` to begin and comes in these pieces, each so long after the one before.
pub fn answer(latency: u64, pieces: &[(u64, &str)]) -> Vec<(u64, Serve)> {
    let mut at = latency;
    let mut script = vec![(at, Serve::Head(200))];
    for (gap, text) in pieces {
        at += gap;
        script.push((at, Serve::Body(format!("{}\n", json!({ "response": text, "done": false })))));
    }
    let done = "{\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"}\n".to_owned();
    script.extend([(at, Serve::Body(done)), (at, Serve::End)]);
    script
}

/// A model: what its server does with each request.
pub type Model = Box<dyn FnMut(&HttpRequest) -> Vec<(u64, Serve)>>;

/// What there is around the plugin.
pub struct World {
    now_ms: u64,
    editor: Editor,
    user: Option<Box<dyn User>>,
    next_act_ms: Option<u64>,
    /// Messages for the plugin, and when they were sent.
    queue: VecDeque<(u64, Line)>,
    model: Model,
    /// Of each ghost to come: whether what the user does next crosses it, happening just before it is drawn.
    crossings: VecDeque<bool>,
    /// One did since the plugin was last told something.
    crosses: bool,
    in_flight: usize,
    /// The caret, as far as the editor has told: at the newest request, or behind what Tab took since.
    caret: (PathBuf, Position),
    /// Nothing came of the last wait for the model within the message at hand.
    found_nothing: bool,
    /// When the newest completion request was made.
    asked_ms: u64,
    /// The file in front has asked since it came there. Before, an old ghost may still be drawn in it, and nothing
    /// can wipe it.
    has_asked: bool,
    /// Fences sent, and of those how many came back.
    fences: usize,
    fences_back: usize,
    fences_in_pause: usize,
    /// Nothing can be wrong with what is seen here, whatever the user did.
    pub seen: Seen,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often each completion request was answered.
    pub answers: BTreeMap<u64, usize>,
    /// What was drawn or wiped by answers, in order.
    pub drawn: Vec<String>,
    /// How long after the newest completion request each of that was, in milliseconds.
    pub drawn_after: Vec<u64>,
    /// Ghosts drawn elsewhere than at the caret, as far as the editor has told where that is.
    pub stale: Vec<String>,
    /// Ghosts drawn elsewhere because the user did something while they were on their way: no plugin can know.
    pub crossed: usize,
    pub requests: usize,
    pub most_in_flight: usize,
    pub most_fences_in_pause: usize,
    pub most_fences_at_once: usize,
    /// The longest that one message kept the plugin, in milliseconds.
    pub longest_block: u64,
    /// The longest that a message of a key lay in the queue, in milliseconds.
    pub longest_wait: u64,
    /// What Tab would have done while all was quiet, if that was not what was drawn.
    pub dishonest: Vec<Screen>,
    /// Messages the editor could not read.
    pub faults: Vec<String>,
}

struct Line {
    text: String,
    /// It belongs to a key.
    of_key: bool,
    /// It is an inlineCompletion request.
    asks: bool,
    /// The fence that brought it, by its number.
    of_fence: Option<usize>,
}

impl World {
    /// The user does what is due by then.
    fn live_until(&mut self, then_ms: u64) {
        while let Some(at) = self.next_act_ms.filter(|at| *at <= then_ms) {
            self.now_ms = self.now_ms.max(at);
            let Some(mut user) = self.user.take() else { return };
            let before = self.editor.screen();
            self.next_act_ms = user.act(&mut self.editor, self.seen.requests).map(|gap| at + gap);
            self.user = Some(user);
            let after = self.editor.screen();
            self.has_asked &= before.path == after.path;
            if before.path == after.path && before.text != after.text {
                self.caret = (after.path, after.cursor);
            }
            self.collect(at, None);
        }
    }

    /// The user does what they would have done next, now. `false`: nothing.
    fn cross(&mut self) -> bool {
        if self.next_act_ms.is_none() {
            return false;
        }
        let (now, asked) = (self.now_ms, self.seen.answers.len());
        self.next_act_ms = Some(now);
        self.live_until(now);
        // What the editor does not ask after it does not put right.
        self.has_asked &= self.seen.answers.len() > asked;
        true
    }

    /// Queues what the editor has to say, and looks at what it drew.
    fn collect(&mut self, at_ms: u64, of_fence: Option<usize>) {
        for message in self.editor.outgoing() {
            let asks = message.method == "textDocument/inlineCompletion";
            if asks {
                let screen = self.editor.screen();
                self.has_asked = true;
                self.asked_ms = at_ms;
                self.caret = (screen.path, screen.cursor);
                self.seen.answers.insert(message.id.unwrap_or_default(), 0);
            }
            let mut line = json!({"jsonrpc": "2.0", "method": message.method, "params": message.params});
            if let Some(id) = message.id {
                line["id"] = id.into();
            }
            let of_key = asks || message.method == "textDocument/didChange";
            self.queue.push_back((at_ms, Line { text: line.to_string(), of_key, asks, of_fence }));
        }
        for paint in self.editor.paints() {
            if !matches!(paint.cause, Cause::Answer(_)) {
                continue;
            }
            if let Some(ghost) = &paint.ghost {
                let there = (paint.path.clone(), ghost.at);
                if self.caret != there && self.crosses {
                    self.seen.crossed += 1;
                } else if self.caret != there {
                    let told =
                        format!("{ghost:?} in {there:?} at {} ms, not at {:?}", self.now_ms, self.caret);
                    self.seen.stale.push(told);
                }
            }
            self.seen.drawn_after.push(self.now_ms.saturating_sub(self.asked_ms));
            self.seen.drawn.push(paint.ghost.map(|ghost| ghost.text).unwrap_or_default());
        }
    }

    /// Writes down what happens, when `TRACE` is set: for the failure of a property.
    fn trace(&self, sign: char, what: &dyn std::fmt::Display) {
        if std::env::var_os("TRACE").is_some() {
            eprintln!("{:>7} {sign} {what}", self.now_ms);
        }
    }

    /// A message of the plugin reaches the editor.
    fn told(&mut self, message: &Value) {
        self.trace('<', message);
        let Some(method) = message["method"].as_str() else {
            let Some(id) = message["id"].as_u64() else {
                return self.seen.faults.push(message.to_string());
            };
            if let Some(count) = self.seen.answers.get_mut(&id) {
                *count += 1;
            }
            let result = match message.get("result") {
                Some(result) => Ok(result.clone()),
                None => Err(message["error"].clone()),
            };
            let draws =
                result.as_ref().is_ok_and(|items| items.as_array().is_some_and(|items| !items.is_empty()));
            // No hand does two things while one message is handled.
            if draws && self.crossings.pop_front() == Some(true) && !self.crosses {
                self.crosses = self.cross();
            }
            self.editor.answer(id, result);
            return self.collect(self.now_ms + 1, None);
        };
        let is_fence = method == "experimental/serverStatus";
        if is_fence {
            self.fences += 1;
            self.fences_in_pause += 1;
            self.seen.most_fences_in_pause = self.seen.most_fences_in_pause.max(self.fences_in_pause);
            let at_once = self.fences - self.fences_back;
            self.seen.most_fences_at_once = self.seen.most_fences_at_once.max(at_once);
            // Keys typed before the editor sees it come first.
            let now = self.now_ms;
            self.live_until(now + 1);
            self.now_ms = now;
        }
        if let Err(error) = self.editor.notified(method, message["params"].clone()) {
            self.seen.faults.push(format!("{message}: {error}"));
        }
        self.collect(self.now_ms + 1, is_fence.then_some(self.fences));
    }
}

/// One end of the wire to the [`World`]: as the host, as the clock and the environment, and as a connection.
#[derive(Clone)]
pub struct End(Rc<RefCell<World>>);

impl Host for End {
    fn send(&mut self, message: &[u8]) {
        let mut world = self.0.borrow_mut();
        match serde_json::from_slice(message) {
            Ok(message) => world.told(&message),
            Err(error) => world.seen.faults.push(error.to_string()),
        }
    }

    fn call(&mut self, _: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn log(&mut self, _: &str) {}
}

impl Surroundings for End {
    type Transport = Connection;

    fn transport(&self, _: &transport::Options) -> Connection {
        Connection { world: self.clone(), running: None }
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.borrow().now_ms)
    }

    fn unix_time(&self) -> u64 {
        0
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn trusted_servers(&self) -> String {
        String::new()
    }

    fn trust(&self, _: &str) -> bool {
        true
    }
}

/// A way for requests to leave.
pub struct Connection {
    world: End,
    running: Option<Running>,
}

struct Running {
    since_ms: u64,
    script: VecDeque<(u64, Serve)>,
}

impl Transport for Connection {
    fn start(&mut self, request: &HttpRequest) -> Result<(), Failure> {
        self.cancel();
        let mut world = self.world.0.borrow_mut();
        let script = (world.model)(request).into();
        self.running = Some(Running { since_ms: world.now_ms, script });
        world.in_flight += 1;
        world.seen.requests += 1;
        world.seen.most_in_flight = world.seen.most_in_flight.max(world.in_flight);
        Ok(())
    }

    fn wait(&mut self, timeout_ms: u64, buffer: &mut [u8]) -> Happening {
        let mut world = self.world.0.borrow_mut();
        assert!(timeout_ms > 0 || !world.found_nothing, "looks again at once where there was nothing");
        let until = world.now_ms + timeout_ms;
        let running = self.running.as_mut();
        let due = running.as_ref().and_then(|it| it.script.front().map(|(at, _)| it.since_ms + at));
        let due = due.filter(|due| *due <= until);
        let at = due.map_or(until, |due| due.max(world.now_ms));
        world.live_until(at);
        world.now_ms = at;
        world.found_nothing = due.is_none();
        let Some(running) = running.filter(|_| due.is_some()) else { return Happening::Elapsed };
        let Some((at, serve)) = running.script.pop_front() else { return Happening::Elapsed };
        match serve {
            Serve::Head(status) => Happening::Head { status, headers: Vec::new() },
            Serve::Body(mut body) => {
                // What lies in a pipe is read at once.
                while let Some((_, Serve::Body(more))) = running.script.pop_front_if(|(at, next)| {
                    matches!(next, Serve::Body(_)) && running.since_ms + *at <= world.now_ms
                }) {
                    body.push_str(&more);
                }
                // Cut at characters only: the decoder's own tests cut anywhere.
                let len = body.floor_char_boundary(buffer.len());
                buffer[..len].copy_from_slice(&body.as_bytes()[..len]);
                if len < body.len() {
                    running.script.push_front((at, Serve::Body(body.split_off(len))));
                }
                Happening::Body(len)
            }
            Serve::End => Happening::End,
            Serve::Cut => Happening::Failed(Failure { kind: FailureKind::Cut, detail: "cut".to_owned() }),
        }
    }

    fn cancel(&mut self) {
        if self.running.take().is_some() {
            self.world.0.borrow_mut().in_flight -= 1;
        }
    }
}

/// See the module.
pub struct Desk {
    plugin: Plugin<End, End>,
    world: End,
}

impl Desk {
    /// A desk with one file of Rust in front, the caret where `|` is drawn, and another behind it. The provider is
    /// Ollama, whose model is `model`; nobody asks ahead.
    pub fn new(drawn: &str, model: Model) -> Self {
        Self::with(drawn, model, Config::default(), json!({"speculative": "off"}))
    }

    /// The same with another window and more settings.
    pub fn with(drawn: &str, model: Model, config: Config, mut settings: Value) -> Self {
        settings["provider"] = "ollama".into();
        let world = End(Rc::new(RefCell::new(World {
            now_ms: 10_000,
            editor: Editor::new(config),
            user: None,
            next_act_ms: None,
            queue: VecDeque::new(),
            model,
            crossings: VecDeque::new(),
            crosses: false,
            in_flight: 0,
            caret: (PathBuf::new(), Position::default()),
            found_nothing: false,
            asked_ms: 0,
            has_asked: false,
            fences: 0,
            fences_back: 0,
            fences_in_pause: 0,
            seen: Seen::default(),
        })));
        let mut desk = Self { plugin: Plugin::new(world.clone(), world.clone()), world };
        desk.change(|editor| {
            let params = json!({"initializationOptions": settings, "rootUri": "file:///home/user/project"});
            editor.initialize(params);
        });
        let (before, after) = drawn.split_once('|').unwrap_or((drawn, ""));
        let line = before.matches('\n').count() as u32;
        let character = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count() as u32;
        desk.change(|editor| {
            editor.open(OTHER, "rust", "fn other() {\n    \n}\n");
            editor.open(FILE, "rust", &[before, after].concat());
            editor.click(line, character);
        });
        desk.rest(1000);
        desk
    }

    /// Somebody uses the keyboard until they have done all they wanted and the plugin rests.
    pub fn play(&mut self, user: impl User + 'static) {
        {
            let mut world = self.world.0.borrow_mut();
            world.next_act_ms = Some(world.now_ms);
            world.user = Some(Box::new(user));
        }
        self.run();
    }

    /// Has the user's next act cross ghosts to come, each just before it is drawn: those that are `true` here.
    pub fn cross(&mut self, crossings: impl IntoIterator<Item = bool>) {
        self.world.0.borrow_mut().crossings = crossings.into_iter().collect();
    }

    /// The user types `text`, a key every `pace_ms`, and then does nothing for `rest_ms`.
    pub fn types(&mut self, text: &str, pace_ms: u64, rest_ms: u64) {
        let keys = text.chars().map(|c| (pace_ms, if c == '\u{8}' { Act::Backspace } else { Act::Key(c) }));
        self.play(keys.collect::<VecDeque<_>>());
        self.rest(rest_ms);
    }

    /// The user does one thing.
    pub fn act(&mut self, act: Act) {
        self.play(VecDeque::from([(0, act)]));
    }

    /// Time passes.
    pub fn rest(&mut self, ms: u64) {
        self.world.0.borrow_mut().now_ms += ms;
    }

    /// What is to be seen in the window.
    pub fn screen(&self) -> Screen {
        self.world.0.borrow().editor.screen()
    }

    /// What was seen so far.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.world.0.borrow().seen)
    }

    /// Whether Tab would insert what is drawn, or nothing.
    pub fn tab_is_honest(&self) -> bool {
        self.world.0.borrow().editor.tab_is_honest()
    }

    /// Completion requests without an answer.
    pub fn unanswered(&self) -> usize {
        self.seen(|seen| seen.answers.values().filter(|count| **count == 0).count())
    }

    /// Something happens to the window at once.
    fn change(&mut self, change: impl FnOnce(&mut Editor)) {
        {
            let mut world = self.world.0.borrow_mut();
            change(&mut world.editor);
            let now = world.now_ms;
            world.collect(now, None);
        }
        self.run();
    }

    /// Delivers messages until there is none and the user does nothing more.
    fn run(&mut self) {
        loop {
            let line = {
                let mut world = self.world.0.borrow_mut();
                let now = world.now_ms;
                world.live_until(now);
                let next = world.queue.front().map(|(at, _)| *at);
                match (next, world.next_act_ms) {
                    (Some(at), _) if at <= now => world.queue.pop_front(),
                    (None, None) => return,
                    (at, act) => {
                        world.now_ms = at.into_iter().chain(act).min().unwrap_or(now);
                        None
                    }
                }
            };
            if let Some((sent_ms, line)) = line {
                self.deliver(sent_ms, &line);
            }
        }
    }

    fn deliver(&mut self, sent_ms: u64, line: &Line) {
        let begun = {
            let mut world = self.world.0.borrow_mut();
            let now = world.now_ms;
            if line.of_key {
                world.seen.longest_wait = world.seen.longest_wait.max(now - sent_ms);
            }
            if line.asks {
                world.fences_in_pause = 0;
            }
            world.found_nothing = false;
            world.crosses = false;
            world.trace('>', &line.text);
            world.fences_back = world.fences_back.max(line.of_fence.unwrap_or(0));
            now
        };
        self.plugin.handle(line.text.as_bytes());
        let mut world = self.world.0.borrow_mut();
        world.seen.longest_block = world.seen.longest_block.max(world.now_ms - begun);
        let screen = world.editor.screen();
        if world.queue.is_empty() && world.has_asked && !world.editor.tab_is_honest() {
            world.seen.dishonest.push(screen);
        }
    }
}
