//! A desk: the plugin, the headless editor, a user, the agent and a model, in made-up time.
//!
//! What happens here is what happens in a window: keys become messages, messages are handled one after the other, what
//! the plugin sends reaches the editor at once, and the agent wakes it when something has come of a request. Nothing
//! takes time but what is said to.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use lapce_editor::{Arrow, Cause, Config, Editor, Position, Screen};
use serde_json::{Value, json};

use crate::http::HttpRequest;
use crate::lapce::driver::{Driver, Environment};
use crate::lapce::rpc::Host;
use crate::transport::{self, Failure, FailureKind, NotBefore, RequestNumber, Transport, TransportEvent};

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
    Save,
    Arrow(Arrow),
    /// Clicks into this line and column.
    Click(u32, u32),
    /// Brings the other file to the front.
    Switch,
}

/// Somebody at the keyboard.
pub trait User {
    /// Does something, and says how many milliseconds later they do the next thing; `None`: nothing any more.
    fn act(&mut self, editor: &mut Editor, seen: &Seen) -> Option<u64>;
}

/// One who does these things, each that many milliseconds after the one before.
impl User for VecDeque<(u64, Act)> {
    fn act(&mut self, editor: &mut Editor, _: &Seen) -> Option<u64> {
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
            Act::Save => editor.save(),
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

/// How much later than it could the agent sends a wake-up while it does not know of the last that it has come, in
/// milliseconds.
const UNCONFIRMED_MS: u64 = 500;

/// What the model's server does with a request, by milliseconds since it left.
#[derive(Debug, Clone, PartialEq)]
pub enum Serve {
    Head(u16),
    Body(String),
    End,
    Cut,
    Unreachable,
}

/// An answer of Ollama's that takes `latency` to begin and comes in these pieces, each so long after the one before.
pub fn answer(latency: u64, pieces: &[(u64, &str)]) -> Vec<(u64, Serve)> {
    answer_ending(latency, pieces, "stop")
}

/// The same with another `done_reason`.
pub fn answer_ending(latency: u64, pieces: &[(u64, &str)], reason: &str) -> Vec<(u64, Serve)> {
    let mut at = latency;
    let mut script = vec![(at, Serve::Head(200))];
    for (gap, text) in pieces {
        at += gap;
        script.push((at, Serve::Body(format!("{}\n", json!({ "response": text, "done": false })))));
    }
    let done = json!({"response": "", "done": true, "done_reason": reason});
    script.extend([(at, Serve::Body(format!("{done}\n"))), (at, Serve::End)]);
    script
}

/// A model: what its server does with each request.
pub type Model = Box<dyn FnMut(&HttpRequest) -> Vec<(u64, Serve)>>;

/// What goes wrong with the agent and the machine.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Of each wake-up to come: whether it is lost.
    pub lost_wakeups: VecDeque<bool>,
    /// Milliseconds after which the agent is killed. What cleans up behind it sends a wake-up, with which the plugin
    /// starts another.
    pub deaths_ms: VecDeque<u64>,
    /// How long each completion request to come keeps the plugin busy before it paints, in milliseconds.
    pub busy_ms: VecDeque<u64>,
    /// How far the clock leaps before each of the user's acts to come, in milliseconds: the machine slept, and what was due
    /// meanwhile happens late, all at once.
    pub leaps_ms: VecDeque<u64>,
}

/// A request as the agent knows it.
struct Handed {
    request: Option<HttpRequest>,
    replaces: Option<RequestNumber>,
    due_ms: u64,
    /// What is to come, by time; empty before it has left.
    script: VecDeque<(u64, Serve)>,
    has_left: bool,
    /// Bytes of its answer were read.
    was_read: bool,
    first_byte_ms: Option<u64>,
}

/// A model writes fast if three lines come within this time, in milliseconds.
const FAST_MS: u64 = 150;

/// The wake-up that was asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    More { number: RequestNumber, since_ms: u64, not_before: NotBefore, from_first_byte: bool },
    At(u64),
}

/// What there is around the plugin.
pub struct World {
    now_ms: u64,
    editor: Editor,
    user: Option<Box<dyn User>>,
    next_act_ms: Option<u64>,
    /// Messages for the plugin, and when they were sent.
    queue: VecDeque<(u64, Line)>,
    model: Model,
    handed: BTreeMap<RequestNumber, Handed>,
    asked: Option<Asked>,
    faults: Faults,
    /// What becomes of each command for the key to come, and after how many milliseconds.
    commands: VecDeque<(u64, Vec<Serve>)>,
    /// Of each ghost to come: whether what the user does next crosses it, happening just before it is drawn.
    crossings: VecDeque<bool>,
    /// One did since the plugin was last told something.
    crosses: bool,
    /// The caret of each document.
    carets: HashMap<PathBuf, Position>,
    /// The caret went back to a place that the editor had told since the last edit, and so was not told again.
    moved_unseen: bool,
    /// When the newest completion request was made.
    asked_ms: u64,
    /// The file in front has asked since it came there. Before, an old ghost may still be drawn in it, and nothing
    /// can wipe it.
    has_asked: bool,
    /// How many requests there had been when a drawing was first seen that Tab does not take.
    left_drawn: Option<usize>,
    wakeups_in_pause: usize,
    /// How long the message at hand keeps the plugin busy, in milliseconds.
    busy_ms: Option<u64>,
    /// Calls of the host and of the transport that may fail, so far.
    calls: u64,
    /// The one that does, counted from 1.
    failing: u64,
    /// Wake-ups sent and not handled yet.
    wakeups_out: usize,
    /// The agent has sent one that the plugin has not said to have come.
    is_unconfirmed: bool,
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
    /// Ghosts drawn elsewhere than at the caret.
    pub stale: Vec<String>,
    /// Ghosts drawn elsewhere because the user did something while they were on their way, or went back to a place told
    /// before: no plugin can know.
    pub crossed: usize,
    /// What the status bar said.
    pub statuses: Vec<String>,
    /// Since when a ghost is drawn at the caret, in milliseconds; `None`: there is none.
    pub ghost_since_ms: Option<u64>,
    /// What the time is, in milliseconds.
    pub now_ms: u64,
    /// Requests that left.
    pub requests: usize,
    /// When each of them did, in milliseconds.
    pub sent_ms: Vec<u64>,
    /// The model that each of them was for.
    pub asked: Vec<String>,
    pub most_in_flight: usize,
    pub wakeups: usize,
    pub most_wakeups_in_pause: usize,
    pub most_wakeups_at_once: usize,
    /// What Tab would have done while all was quiet, if that was not what was drawn.
    pub dishonest: Vec<Screen>,
    /// Messages the editor could not read.
    pub faults: Vec<String>,
}

struct Line {
    text: String,
    /// The wake-up that brought it.
    of_wakeup: Option<usize>,
    asks: bool,
    tells_caret: bool,
}

impl World {
    fn in_flight(&self) -> usize {
        let runs = |handed: &&Handed| {
            let next = handed.script.front().map(|(_, serve)| serve);
            handed.has_left && next.is_some_and(|serve| !matches!(serve, Serve::Cut | Serve::Unreachable))
        };
        self.handed.values().filter(runs).count()
    }

    /// Requests whose time has come leave.
    fn depart(&mut self) {
        while let Some((&number, _)) =
            self.handed.iter().find(|(_, handed)| !handed.has_left && handed.due_ms <= self.now_ms)
        {
            let Some(handed) = self.handed.get_mut(&number) else { return };
            handed.has_left = true;
            let (replaces, due) = (handed.replaces, handed.due_ms);
            if let Some(request) = handed.request.take() {
                let body: Value =
                    serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
                self.seen.asked.push(body["model"].as_str().unwrap_or_default().to_owned());
                let script = (self.model)(&request);
                let at = |(at, serve): (u64, Serve)| (due + at, serve);
                handed.script = script.into_iter().map(at).collect();
                handed.first_byte_ms = handed.script.front().map(|(at, _)| *at);
                self.trace('=', &format_args!("request {} leaves", number.0));
            }
            self.seen.requests += 1;
            self.seen.sent_ms.push(due);
            if let Some(old) = replaces {
                // Until it is let go of, nothing more comes of it.
                if let Some(old) = self.handed.get_mut(&old) {
                    old.script.clear();
                    old.request = None;
                    old.has_left = true;
                }
                if let Some(Asked::More { number: asked, .. }) = &mut self.asked
                    && *asked == old
                {
                    *asked = number;
                    if let Some(Asked::More { from_first_byte, .. }) = &mut self.asked {
                        *from_first_byte = true;
                    }
                }
            }
            self.seen.most_in_flight = self.seen.most_in_flight.max(self.in_flight());
        }
    }

    /// When the agent will send the wake-up that was asked for, as things stand.
    fn wakeup_ms(&self) -> Option<u64> {
        let due_ms = self.wakeup_due_ms()?;
        Some(if self.is_unconfirmed { due_ms + UNCONFIRMED_MS } else { due_ms })
    }

    /// The same if the last one has come.
    fn wakeup_due_ms(&self) -> Option<u64> {
        match self.asked? {
            Asked::At(at) => Some(at),
            Asked::More { number, since_ms, not_before, from_first_byte } => {
                let handed = self.handed.get(&number)?;
                let end = handed
                    .script
                    .iter()
                    .find(|(_, serve)| matches!(serve, Serve::End | Serve::Cut | Serve::Unreachable));
                let base = if from_first_byte { handed.first_byte_ms } else { Some(since_ms) };
                let lines = |(at, serve): &(u64, Serve)| match serve {
                    Serve::Body(body) => vec![*at; body.matches("\\n").count()],
                    _ => Vec::new(),
                };
                let mut lines = handed.script.iter().flat_map(lines);
                let may_come = base.map(|base| {
                    let may_come = base.saturating_add(not_before.ms);
                    let is_fast = lines.clone().nth(2).is_some_and(|third| third <= base + FAST_MS);
                    if is_fast { may_come + not_before.extra_ms } else { may_come }
                });
                let more = lines.next().zip(may_come).map(|(line, may_come)| line.max(may_come));
                let at = end.map(|(at, _)| *at).into_iter().chain(more).min()?;
                Some(at.max(since_ms))
            }
        }
    }

    /// When the next thing happens that nobody sends a message for.
    fn next_event_ms(&self) -> Option<u64> {
        let departures = self.handed.values().filter(|handed| !handed.has_left).map(|handed| handed.due_ms);
        let death = self.faults.deaths_ms.front().copied();
        departures.chain(self.wakeup_ms()).chain(death).chain(self.next_act_ms).min()
    }

    /// Everything happens that is due by then: requests leave, the agent wakes, the user acts.
    fn live_until(&mut self, then_ms: u64) {
        while self.next_event_ms().is_some_and(|at| at <= then_ms) {
            self.live_on();
        }
    }

    /// The next thing happens.
    fn live_on(&mut self) {
        let Some(at) = self.next_event_ms() else { return };
        self.now_ms = self.now_ms.max(at);
        self.depart();
        if self.faults.deaths_ms.front().is_some_and(|at| *at <= self.now_ms) {
            self.faults.deaths_ms.pop_front();
            self.trace('!', &"the agent dies");
            self.asked = None;
            self.is_unconfirmed = false;
            let now = self.now_ms;
            self.handed.values_mut().for_each(|handed| {
                handed.has_left = true;
                handed.script = VecDeque::from([(handed.due_ms.max(now), Serve::Cut)]);
            });
            self.wake_up();
        } else if self.wakeup_ms().is_some_and(|at| at <= self.now_ms) {
            self.asked = None;
            self.is_unconfirmed = true;
            if self.faults.lost_wakeups.front() != Some(&true) {
                self.wakeups_in_pause += 1;
                self.wakeups_out += 1;
                self.seen.most_wakeups_in_pause = self.seen.most_wakeups_in_pause.max(self.wakeups_in_pause);
                self.seen.most_wakeups_at_once = self.seen.most_wakeups_at_once.max(self.wakeups_out);
            }
            self.wake_up();
        } else if self.next_act_ms.is_some_and(|at| at <= self.now_ms) {
            if let Some(leap) = self.faults.leaps_ms.pop_front().filter(|leap| *leap > 0) {
                self.now_ms += leap;
                self.trace('!', &format_args!("the clock leaps {leap} ms"));
            }
            self.act();
        }
    }

    /// The plugin is woken.
    fn wake_up(&mut self) {
        if self.faults.lost_wakeups.pop_front() == Some(true) {
            return;
        }
        self.seen.wakeups += 1;
        self.trace('~', &"wake-up");
        self.editor.wake_up();
        let number = self.editor.wakeups();
        self.collect(self.now_ms, Some(number));
    }

    fn act(&mut self) {
        let Some(mut user) = self.user.take() else {
            self.next_act_ms = None;
            return;
        };
        let before = self.editor.screen();
        self.seen.now_ms = self.now_ms;
        self.next_act_ms = user.act(&mut self.editor, &self.seen).map(|gap| self.now_ms + gap);
        self.user = Some(user);
        let after = self.editor.screen();
        self.has_asked &= before.path == after.path;
        let queued = self.queue.len();
        self.collect(self.now_ms, None);
        let told = self.queue.iter().skip(queued).any(|(_, line)| line.tells_caret);
        self.moved_unseen = !told && (self.moved_unseen || before.cursor != after.cursor);
    }

    /// The user does what they would have done next, now.
    fn cross(&mut self) -> bool {
        if self.next_act_ms.is_none() {
            return false;
        }
        let asked = self.seen.answers.len();
        self.act();
        // What the editor does not ask after it does not put right.
        self.has_asked &= self.seen.answers.len() > asked;
        true
    }

    /// Queues what the editor has to say, and looks at what it drew.
    fn collect(&mut self, at_ms: u64, of_wakeup: Option<usize>) {
        let screen = self.editor.screen();
        self.carets.insert(screen.path.clone(), screen.cursor);
        let has_ghost = screen.ghost.as_ref().is_some_and(|ghost| ghost.at == screen.cursor);
        self.seen.ghost_since_ms = has_ghost.then(|| self.seen.ghost_since_ms.unwrap_or(at_ms));
        for message in self.editor.outgoing() {
            let asks = message.method == "textDocument/inlineCompletion";
            if asks {
                self.has_asked = true;
                self.asked_ms = at_ms;
                self.wakeups_in_pause = 0;
                self.seen.answers.insert(message.id.unwrap_or_default(), 0);
            }
            let mut line = json!({"jsonrpc": "2.0", "method": message.method, "params": message.params});
            if let Some(id) = message.id {
                line["id"] = id.into();
            }
            let tells_caret = asks || message.method == "textDocument/codeAction";
            self.queue.push_back((at_ms, Line { text: line.to_string(), of_wakeup, asks, tells_caret }));
        }
        for paint in self.editor.paints() {
            if !matches!(paint.cause, Cause::Answer(_)) {
                continue;
            }
            if let Some(ghost) = &paint.ghost {
                let is_there = self.carets.get(&paint.path) == Some(&ghost.at);
                if !is_there && (self.crosses || self.moved_unseen) {
                    self.seen.crossed += 1;
                } else if !is_there {
                    let told = format!("{ghost:?} in {:?} at {} ms: {screen:?}", paint.path, self.now_ms);
                    self.seen.stale.push(told);
                }
            }
            self.seen.drawn_after.push(self.now_ms.saturating_sub(self.asked_ms));
            self.seen.drawn.push(paint.ghost.map(|ghost| ghost.text).unwrap_or_default());
        }
    }

    /// Counts a call that may fail; whether it does.
    fn fails(&mut self, what: &str) -> bool {
        self.calls += 1;
        let fails = self.calls == self.failing;
        if fails {
            self.trace('!', &format_args!("{what} fails"));
        }
        fails
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
            return self.collect(self.now_ms, None);
        };
        if let Some(status) = message["params"]["value"]["message"].as_str() {
            self.seen.statuses.push(status.to_owned());
        }
        if let Err(error) = self.editor.notified(method, message["params"].clone()) {
            self.seen.faults.push(format!("{message}: {error}"));
        }
        self.collect(self.now_ms, None);
    }
}

/// One end of the wire to the [`World`]: as the host, as the clock and the environment, and as the agent.
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

impl Environment for End {
    type Transport = Self;

    fn transport(&self, _: &transport::Options) -> Self {
        self.clone()
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.borrow().now_ms)
    }

    /// Asked for just before the engine: here the plugin is as slow as is wanted.
    fn unix_time(&self) -> u64 {
        let mut world = self.0.borrow_mut();
        if let Some(busy) = world.busy_ms.take() {
            let then = world.now_ms + busy;
            world.live_until(then);
            world.now_ms = then;
        }
        0
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "AI_COMPLETION_KEY_COMMAND" && !self.0.borrow().commands.is_empty())
            .then(|| "print".to_owned())
    }

    fn trusted_servers(&self) -> String {
        String::new()
    }

    fn trust(&self, _: &str) -> bool {
        !self.0.borrow_mut().fails("trust")
    }

    fn learned(&self) -> String {
        String::new()
    }

    fn keep_learned(&self, _: &str) {}

    fn kept_filter(&self) -> String {
        String::new()
    }

    fn keep_filter(&self, _: &str) {}

    fn statistics(&self) -> String {
        String::new()
    }

    fn keep_statistics(&self, _: &str) {}

    fn greet(&self) -> bool {
        false
    }
}

impl Transport for End {
    fn start(
        &mut self,
        number: RequestNumber,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    ) {
        let mut world = self.0.borrow_mut();
        let due_ms = world.now_ms + delay_ms;
        world.trace('+', &format_args!("request {} in {delay_ms} ms", number.0));
        let before = world.handed.insert(
            number,
            Handed {
                request: Some(request.clone()),
                replaces,
                due_ms,
                script: VecDeque::new(),
                has_left: false,
                was_read: false,
                first_byte_ms: None,
            },
        );
        assert!(before.is_none(), "{number:?} was used before");
        if world.fails("start") {
            let dead = (world.now_ms, Serve::Cut);
            if let Some(handed) = world.handed.get_mut(&number) {
                handed.script = VecDeque::from([dead]);
                handed.has_left = true;
            }
        }
        world.depart();
    }

    fn run(&mut self, number: RequestNumber, _: &str) {
        let mut world = self.0.borrow_mut();
        let (after, serve) = world.commands.pop_front().expect("no command is expected");
        let now = world.now_ms;
        let handed = Handed {
            request: None,
            replaces: None,
            due_ms: now,
            script: serve.into_iter().map(|serve| (now + after, serve)).collect(),
            has_left: true,
            was_read: false,
            first_byte_ms: Some(now + after),
        };
        world.handed.insert(number, handed);
    }

    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent {
        let mut world = self.0.borrow_mut();
        let now = world.now_ms;
        let Some(handed) = world.handed.get_mut(&number) else {
            let detail = "there is no such request".to_owned();
            return TransportEvent::Failed(Failure { kind: FailureKind::Request, detail });
        };
        let Some((at, serve)) = handed.script.pop_front_if(|(at, _)| *at <= now) else {
            return TransportEvent::Pending;
        };
        handed.was_read = true;
        let serve = if world.fails("read") { Serve::Cut } else { serve };
        let Some(handed) = world.handed.get_mut(&number) else { return TransportEvent::Pending };
        match serve {
            Serve::Head(status) => TransportEvent::Head { status, headers: Vec::new() },
            Serve::Body(mut body) => {
                // Cut at characters only: the decoder's own tests cut anywhere.
                let len = body.floor_char_boundary(buffer.len());
                buffer[..len].copy_from_slice(&body.as_bytes()[..len]);
                if len < body.len() {
                    handed.script.push_front((at, Serve::Body(body.split_off(len))));
                }
                TransportEvent::Body(len)
            }
            Serve::End => {
                world.handed.remove(&number);
                TransportEvent::End
            }
            Serve::Cut | Serve::Unreachable => {
                world.handed.remove(&number);
                let kind = if serve == Serve::Cut { FailureKind::Cut } else { FailureKind::Connect };
                TransportEvent::Failed(Failure { kind, detail: String::new() })
            }
        }
    }

    fn stop(&mut self, number: RequestNumber) {
        let mut world = self.0.borrow_mut();
        world.trace('-', &format_args!("request {}", number.0));
        world.handed.remove(&number);
    }

    fn wake(&mut self, number: RequestNumber, not_before: impl Into<NotBefore>) {
        let mut world = self.0.borrow_mut();
        if world.fails("wake") {
            world.asked = None;
            return;
        }
        let from_first_byte = world.handed.get(&number).is_some_and(|handed| !handed.was_read);
        let since_ms = world.now_ms;
        world.asked = Some(Asked::More { number, since_ms, not_before: not_before.into(), from_first_byte });
    }

    fn timer(&mut self, ms: u64) {
        let mut world = self.0.borrow_mut();
        if world.fails("timer") {
            world.asked = None;
            return;
        }
        world.asked = Some(Asked::At(world.now_ms + ms.max(1)));
    }

    fn woken(&mut self) {
        self.0.borrow_mut().is_unconfirmed = false;
    }

    fn search(&mut self, _: &str, _: &str, _: &str) {}

    fn found(&mut self) -> Option<String> {
        None
    }

    fn tick(&mut self) {}

    fn obstacle(&self) -> Option<&str> {
        None
    }
}

/// See the module.
pub struct Desk {
    driver: Driver<End, End>,
    world: End,
}

impl Desk {
    /// A desk with one file of Rust in front, the caret where `|` is drawn, and another behind it. The provider is
    /// Ollama, whose model is `model`; nobody asks ahead.
    pub fn new(drawn: &str, model: Model) -> Self {
        Self::with(drawn, model, json!({"speculative": "off"}))
    }

    /// The same with more settings.
    pub fn with(drawn: &str, model: Model, settings: Value) -> Self {
        Self::with_commands(drawn, model, settings, &[])
    }

    /// The same for a user whose key is printed by a command: what comes of it each time, after how many milliseconds.
    pub fn with_commands(drawn: &str, model: Model, settings: Value, commands: &[(u64, &[Serve])]) -> Self {
        let mut desk = Self::without_files(model, settings, commands);
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

    /// A desk where no file is open. What the settings do not say is as for a new user of Ollama.
    pub fn without_files(model: Model, mut settings: Value, commands: &[(u64, &[Serve])]) -> Self {
        settings["provider"] = "ollama".into();
        let world = End(Rc::new(RefCell::new(World {
            now_ms: 10_000,
            editor: Editor::new(Config::default()),
            user: None,
            next_act_ms: None,
            queue: VecDeque::new(),
            model,
            handed: BTreeMap::new(),
            asked: None,
            faults: Faults::default(),
            commands: commands.iter().map(|(after, serve)| (*after, serve.to_vec())).collect(),
            crossings: VecDeque::new(),
            crosses: false,
            carets: HashMap::new(),
            moved_unseen: false,
            asked_ms: 0,
            has_asked: false,
            left_drawn: None,
            wakeups_in_pause: 0,
            wakeups_out: 0,
            is_unconfirmed: false,
            busy_ms: None,
            calls: 0,
            failing: 0,
            seen: Seen::default(),
        })));
        let mut desk = Self { driver: Driver::new(world.clone(), world.clone()), world };
        desk.change(|editor| {
            let params = json!({"initializationOptions": settings, "rootUri": "file:///home/user/project"});
            editor.initialize(params);
        });
        desk
    }

    /// What will go wrong.
    pub fn suffer(&mut self, faults: Faults) {
        let mut world = self.world.0.borrow_mut();
        let now = world.now_ms;
        world.faults = faults;
        world.faults.deaths_ms.iter_mut().for_each(|at| *at += now);
    }

    /// Opens another file of `bytes` bytes behind the one in front.
    pub fn open_large(&mut self, bytes: usize) {
        self.change(|editor| {
            editor.open("large.rs", "rust", &"// filler\n".repeat(bytes / 10));
            editor.switch_to(FILE);
        });
    }

    /// The call of the host or of the transport with this number fails, of those that may; they are counted from 1.
    pub fn fail_call(&mut self, number: u64) {
        let mut world = self.world.0.borrow_mut();
        world.failing = world.calls + number;
        if number == 0 {
            world.failing = 0;
        }
    }

    /// How many of them there were.
    pub fn calls(&self) -> u64 {
        self.world.0.borrow().calls
    }

    /// Opens another file, or brings it to the front, and clicks at this line and column.
    pub fn open(&mut self, path: &str, text: &str, (line, column): (u32, u32)) {
        self.change(|editor| {
            if editor.text_of(path).is_none() {
                editor.open(path, "rust", text);
            }
            editor.switch_to(path);
            editor.click(line, column);
        });
    }

    /// Opens another file, or brings it to the front and replaces all of its text.
    pub fn write_anew(&mut self, path: &str, text: &str) {
        self.change(|editor| {
            editor.open(path, "rust", "");
            editor.select((0, 0), (u32::MAX, 0));
            editor.paste(text);
        });
    }

    /// Somebody uses the keyboard until they have done all they wanted, and then nothing for a minute.
    pub fn play(&mut self, user: impl User + 'static) {
        {
            let mut world = self.world.0.borrow_mut();
            world.next_act_ms = Some(world.now_ms);
            world.user = Some(Box::new(user));
        }
        while self.world.0.borrow().next_act_ms.is_some() {
            self.run(None);
        }
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
        self.rest(0);
    }

    /// Time passes.
    pub fn rest(&mut self, ms: u64) {
        let until = self.world.0.borrow().now_ms + ms;
        self.run(Some(until));
    }

    /// What is to be seen in the window.
    pub fn screen(&self) -> Screen {
        self.world.0.borrow().editor.screen()
    }

    /// Forgets what was seen so far.
    pub fn forget(&mut self) {
        let mut world = self.world.0.borrow_mut();
        let Seen { now_ms, ghost_since_ms, .. } = world.seen;
        world.seen = Seen { now_ms, ghost_since_ms, ..Seen::default() };
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

    /// The models that were asked, in order.
    pub fn asked(&self) -> Vec<String> {
        self.seen(|seen| seen.asked.clone())
    }

    /// All that the status bar has said, in order.
    pub fn statuses(&self) -> Vec<String> {
        self.seen(|seen| seen.statuses.clone())
    }

    /// How often it said this.
    pub fn told(&self, status: &str) -> usize {
        self.statuses().iter().filter(|told| *told == status).count()
    }

    /// How often the command for the key is yet to be run.
    pub fn commands_left(&self) -> usize {
        self.world.0.borrow().commands.len()
    }

    /// Requests that are under way or wait to leave.
    pub fn handed(&self) -> usize {
        self.world.0.borrow().handed.len()
    }

    /// Something happens to the window at once.
    fn change(&mut self, change: impl FnOnce(&mut Editor)) {
        {
            let mut world = self.world.0.borrow_mut();
            change(&mut world.editor);
            let now = world.now_ms;
            world.collect(now, None);
        }
        self.rest(0);
    }

    /// Delivers messages until then, or with `None` until the user does nothing more.
    fn run(&mut self, until: Option<u64>) {
        loop {
            let line = {
                let mut world = self.world.0.borrow_mut();
                let next = world.next_event_ms();
                if let Some((_, line)) = world.queue.pop_front() {
                    Some(line)
                } else if let Some(until) = until {
                    if next.is_none_or(|next| next > until) {
                        world.now_ms = until.max(world.now_ms);
                        return;
                    }
                    world.live_on();
                    None
                } else if world.next_act_ms.is_none() {
                    return;
                } else {
                    world.live_on();
                    None
                }
            };
            if let Some(line) = line {
                self.deliver(&line);
            }
        }
    }

    fn deliver(&mut self, line: &Line) {
        {
            let mut world = self.world.0.borrow_mut();
            world.crosses = false;
            world.trace('>', &line.text);
            if line.of_wakeup.is_some() {
                world.wakeups_out = 0;
            }
            world.busy_ms = if line.asks { world.faults.busy_ms.pop_front() } else { None };
        }
        self.driver.handle(line.text.as_bytes());
        let mut world = self.world.0.borrow_mut();
        let screen = world.editor.screen();
        if !world.queue.is_empty() {
            return;
        }
        if !world.has_asked || world.editor.tab_is_honest() {
            world.left_drawn = None;
            return;
        }
        // Esc in another file, or a redo there of which nothing comes, lets go of the item but not of its drawing, and neither
        // they nor the switches are told. The first request is kept for what shows next, the second wipes.
        let asked = world.seen.answers.len();
        let since = *world.left_drawn.get_or_insert(asked);
        if world.editor.text_after_tab().is_some() || asked > since + 1 {
            world.seen.dishonest.push(screen);
        }
    }
}
