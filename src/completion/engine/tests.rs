use super::*;
use crate::provider::{Decoder, Defaults, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};
use proptest::prelude::*;
use std::collections::VecDeque;

/// A provider whose body is one JSON object per line: `{"t":"text"}`, then `{"end":true}`.
struct Plain;

impl Provider for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }
    fn title(&self) -> &'static str {
        "Plain"
    }
    fn defaults(&self) -> Defaults {
        Defaults { base_url: "http://localhost", model: "m", key_env: &[], needs_key: false, paid: false }
    }
    fn request(&self, _: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let body = Some(format!("{}|{}", prompt.prefix, prompt.suffix).into_bytes());
        Ok(HttpRequest { url: "http://localhost/".into(), headers: vec![], secret_headers: vec![], body })
    }
    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Ndjson, Box::new(PlainWire))
    }
    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }
}

struct PlainWire;

impl Wire for PlainWire {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let value: serde_json::Value = serde_json::from_str(frame.data).unwrap();
        if let Some(text) = value["t"].as_str() {
            sink.token(StreamToken::Text(text.into()));
        } else {
            ends.finished(0, FinishReason::Stop);
            ends.marker();
        }
    }
}

fn options() -> Options {
    Options {
        provider: Some(&Plain),
        account: Account::default(),
        gates: Gates::default(),
        debounce_ms: None,
        max_tokens: 256,
        budget: Budget { tokens: 1024, snippets: false, gates: Gates::default() },
        extent: Extent::Auto,
        repository: String::new(),
        cache_entries: 16,
        speculative: false,
        limits: Limits { event_bytes: 1 << 20, response_bytes: 1 << 20 },
        seed: 1,
    }
}

struct Document {
    text: String,
}

impl Buffers for Document {
    fn get(&self, uri: &str) -> Option<Buffer<'_>> {
        (uri == "file:///a.rs").then_some(Buffer {
            uri: "file:///a.rs",
            path: "a.rs",
            language: "rust",
            text: &self.text,
        })
    }
    fn all(&self) -> Vec<Buffer<'_>> {
        self.get("file:///a.rs").into_iter().collect()
    }
}

#[derive(Debug, Clone)]
enum Message {
    Edit {
        start: usize,
        removed: String,
        inserted: String,
    },
    Request {
        id: u64,
        offset: usize,
        invoked: bool,
    },
    Lens,
    /// The wake-up that a fence asked for.
    Fence,
}

/// What the user does.
#[derive(Debug, Clone, PartialEq)]
enum Act {
    /// Types a character or a line break.
    Key(char),
    /// Types the next character of what is drawn, or `x`.
    Along,
    Backspace,
    /// Takes what Tab is bound to.
    Tab,
    /// alt+\\
    Invoke,
    /// Changes the text at the cursor without a request following.
    Paste(&'static str),
}

/// What the model's server does with a request, by milliseconds since it.
#[derive(Debug, Clone)]
enum Serve {
    Head(u16),
    Body(String),
    End,
    Cut,
}

fn text(text: &str) -> Serve {
    Serve::Body(format!("{}\n", serde_json::json!({ "t": text })))
}

/// An answered ghost as Lapce keeps it, and what of it is drawn.
#[derive(Debug, Clone, PartialEq)]
struct Ghost {
    at: usize,
    item: String,
    drawn: String,
}

/// A made-up editor, clock and model around one engine, and what the user sees of it.
struct World {
    engine: Engine,
    /// The document as the guest has it, and as the user has it.
    guest: Document,
    text: String,
    cursor: usize,
    now: u64,
    acts: VecDeque<(u64, Act)>,
    queue: VecDeque<(u64, Message)>,
    next_id: u64,
    model: Vec<(u64, Serve)>,
    /// When the request in flight was sent, and how much of the model's script was served.
    running: Option<(u64, usize)>,
    requests: usize,
    fences_in_pause: usize,
    most_fences_in_pause: usize,
    fences_come_back: bool,
    answers: std::collections::BTreeMap<u64, usize>,
    ghost: Option<Ghost>,
    screen: Vec<String>,
    stale: usize,
    longest_block: u64,
    /// The longest that a key's message lay in the queue while the user typed.
    longest_wait: u64,
    /// When the last message that took time was done: what came before that was queued.
    busy_until: u64,
}

impl World {
    fn new(drawn: &str, model: &[(u64, &str)]) -> Self {
        let first = model.first().map_or(10, |(at, _)| *at);
        let last = model.last().map_or(10, |(at, _)| at + 1);
        let mut script = vec![(first, Serve::Head(200))];
        script.extend(model.iter().map(|(at, piece)| (*at, text(piece))));
        script.extend([(last, Serve::Body("{\"end\":true}\n".into())), (last, Serve::End)]);
        Self::serving(drawn, script)
    }

    fn serving(drawn: &str, model: Vec<(u64, Serve)>) -> Self {
        let cursor = drawn.find('|').unwrap();
        let text = drawn.replacen('|', "", 1);
        Self {
            engine: Engine::new(options()),
            guest: Document { text: text.clone() },
            text,
            cursor,
            now: 10_000,
            acts: VecDeque::new(),
            queue: VecDeque::new(),
            next_id: 0,
            model,
            running: None,
            requests: 0,
            fences_in_pause: 0,
            most_fences_in_pause: 0,
            fences_come_back: true,
            answers: Default::default(),
            ghost: None,
            screen: Vec::new(),
            stale: 0,
            longest_block: 0,
            longest_wait: 0,
            busy_until: 0,
        }
    }

    /// The user types `text`, a key every `pace` ms, and then does nothing for `rest` ms.
    fn types(&mut self, text: &str, pace: u64, rest: u64) {
        let acts = text.chars().map(|c| if c == '\u{8}' { Act::Backspace } else { Act::Key(c) });
        let acts: Vec<(u64, Act)> = acts.enumerate().map(|(n, act)| (n as u64 * pace, act)).collect();
        self.does(acts, rest);
    }

    /// The user does these things at those milliseconds from now, and then nothing for `rest` ms.
    fn does(&mut self, acts: Vec<(u64, Act)>, rest: u64) {
        let start = self.now;
        self.acts = acts.into_iter().map(|(at, act)| (start + at, act)).collect();
        let end = self.acts.back().map_or(start, |(at, _)| *at) + rest;
        loop {
            self.acts_until(self.now);
            match self.queue.front() {
                Some((at, _)) if *at <= self.now => {
                    let (at, message) = self.queue.pop_front().unwrap();
                    let fresh = at > self.busy_until;
                    if matches!(message, Message::Edit { .. } | Message::Request { .. }) {
                        self.longest_wait = self.longest_wait.max(self.now - at);
                    }
                    let begun = self.now;
                    self.deliver(&message, fresh);
                    if self.now > begun {
                        self.longest_block = self.longest_block.max(self.now - begun);
                        self.busy_until = self.now;
                    }
                    // Without fences the engine cannot know what is queued.
                    if self.queue.is_empty() && self.fences_come_back {
                        self.nothing_lies();
                    }
                }
                Some((at, _)) => self.now = self.acts.front().map_or(*at, |(act, _)| *act.min(at)),
                None => match self.acts.front() {
                    Some((at, _)) => self.now = *at,
                    None => break,
                },
            }
        }
        self.now = self.now.max(end) + 10;
    }

    fn acts_until(&mut self, now: u64) {
        while self.acts.front().is_some_and(|(at, _)| *at <= now) {
            let (at, act) = self.acts.pop_front().unwrap();
            self.act(at, act);
        }
    }

    fn act(&mut self, at: u64, act: Act) {
        match act {
            Act::Key(c) => self.key(at, &c.to_string()),
            Act::Along => {
                let next = self.ghost.as_ref().and_then(|ghost| ghost.drawn.chars().next());
                self.key(at, &next.unwrap_or('x').to_string());
            }
            Act::Backspace => {
                let Some(last) = self.text[..self.cursor].chars().next_back() else { return };
                let start = self.cursor - last.len_utf8();
                self.edit(at, start, last.len_utf8(), "");
                if let Some(ghost) = &mut self.ghost {
                    ghost.drawn.clear();
                }
                self.request(at, false);
            }
            Act::Tab => {
                let ghost = self.ghost.take();
                if let Some(ghost) = ghost.filter(|ghost| self.text.is_char_boundary(ghost.at)) {
                    self.edit(at, ghost.at, 0, &ghost.item);
                }
            }
            Act::Invoke => self.request(at, true),
            Act::Paste(text) => {
                self.edit(at, self.cursor, 0, text);
                self.ghost = None;
            }
        }
    }

    fn key(&mut self, at: u64, inserted: &str) {
        if let Some(ghost) = &mut self.ghost {
            let fits = ghost.at + ghost.item.len() - ghost.drawn.len() == self.cursor;
            ghost.drawn = match ghost.drawn.strip_prefix(inserted) {
                Some(rest) if fits && inserted != "\n" => rest.to_owned(),
                _ => String::new(),
            };
        }
        self.edit(at, self.cursor, 0, inserted);
        self.request(at, false);
    }

    fn edit(&mut self, at: u64, start: usize, removed: usize, inserted: &str) {
        let removed = self.text[start..start + removed].to_owned();
        self.text.replace_range(start..start + removed.len(), inserted);
        self.cursor = start + inserted.len();
        self.queue.push_back((at, Message::Edit { start, removed, inserted: inserted.to_owned() }));
        self.queue.push_back((at, Message::Lens));
    }

    fn request(&mut self, at: u64, invoked: bool) {
        self.queue.push_back((at, Message::Request { id: self.next_id, offset: self.cursor, invoked }));
        self.answers.insert(self.next_id, 0);
        self.next_id += 1;
    }

    fn deliver(&mut self, message: &Message, fresh: bool) {
        let uri = "file:///a.rs";
        let mut effects = Vec::new();
        let input = match message {
            Message::Edit { start, removed, inserted } => {
                self.guest.text.replace_range(*start..start + removed.len(), inserted);
                Input::Edited { uri, edit: Edit { start: *start, removed, inserted } }
            }
            Message::Lens | Message::Fence => Input::Woken { uri },
            Message::Request { id, offset, invoked } => {
                self.fences_in_pause = 0;
                Input::Requested { id: RequestId(*id), uri, offset: *offset, invoked: *invoked, fresh }
            }
        };
        let trace = std::env::var_os("TRACE").is_some();
        if trace {
            eprintln!("{} {input:?} fresh={fresh}", self.now);
        }
        self.engine.handle(self.now, input, &self.guest, &mut effects);
        if trace {
            eprintln!("      {effects:?}");
        }
        while let Some(ms) = self.perform(&mut effects) {
            assert!(ms > 0, "a wait of nothing");
            let until = self.now + ms;
            let served = self.running.and_then(|(at, next)| Some((at, next, self.model.get(next)?.clone())));
            let failure = Failure { kind: crate::transport::FailureKind::Cut, detail: "cut".into() };
            let input = match &served {
                Some((at, next, (ms, serve))) if at + ms <= until => {
                    self.now = self.now.max(at + ms);
                    self.running = Some((*at, next + 1));
                    match serve {
                        Serve::Head(status) => Input::Head { status: *status, headers: &[] },
                        Serve::Body(body) => Input::Body(body.as_bytes()),
                        Serve::End => Input::End,
                        Serve::Cut => Input::Failed(&failure),
                    }
                }
                _ => {
                    self.now = until;
                    Input::Elapsed
                }
            };
            self.acts_until(self.now);
            if trace {
                eprintln!("  {} {input:?}", self.now);
            }
            self.engine.handle(self.now, input, &self.guest, &mut effects);
            if trace {
                eprintln!("      {effects:?}");
            }
        }
    }

    /// Carries the effects out; what to wait for comes last.
    fn perform(&mut self, effects: &mut Vec<Effect>) -> Option<u64> {
        let mut wait = None;
        for effect in std::mem::take(effects) {
            assert!(wait.is_none(), "an effect after Wait");
            match effect {
                Effect::Reply { id, answer } => self.answered(id.0, answer),
                Effect::Start { .. } => {
                    assert!(self.running.is_none(), "two requests in flight");
                    self.running = Some((self.now, 0));
                    self.requests += 1;
                }
                Effect::Cancel(_) => self.running = None,
                Effect::Promote => {}
                Effect::Fence => {
                    let out =
                        self.queue.iter().filter(|(_, message)| matches!(message, Message::Fence)).count();
                    assert_eq!(out, 0, "two fences outstanding");
                    self.fences_in_pause += 1;
                    self.most_fences_in_pause = self.most_fences_in_pause.max(self.fences_in_pause);
                    // Keys typed before the editor sees the fence come first.
                    self.acts_until(self.now + 1);
                    if self.fences_come_back {
                        self.queue.push_back((self.now + 1, Message::Fence));
                    }
                }
                Effect::Wait { ms, .. } => wait = Some(ms),
                Effect::Status(_) | Effect::Notice(_) => {}
            }
        }
        wait
    }

    fn answered(&mut self, id: u64, answer: Answer) {
        let count = self.answers.get_mut(&id).unwrap();
        *count += 1;
        assert_eq!(*count, 1, "request {id} answered again");
        match answer {
            Answer::Ghost { offset, text, .. } => {
                if std::env::var("TRACE").is_ok() && (offset != self.cursor || self.text != self.guest.text) {
                    eprintln!("STALE {id} at {offset}, cursor {}", self.cursor);
                }
                self.stale += usize::from(offset != self.cursor || self.text != self.guest.text);
                self.screen.push(text.clone());
                self.ghost = Some(Ghost { at: offset, item: text.clone(), drawn: text });
            }
            Answer::Clear => {
                self.screen.push(String::new());
                self.ghost = None;
            }
            Answer::Nothing => {}
        }
    }

    /// While nothing is under way, Tab inserts what is drawn where the cursor is, or nothing.
    fn nothing_lies(&self) {
        if let Some(ghost) = &self.ghost {
            assert_eq!((ghost.at, &ghost.item), (self.cursor, &ghost.drawn), "Tab inserts what is not drawn");
        }
    }

    fn unanswered(&self) -> usize {
        self.answers.values().filter(|count| **count == 0).count()
    }
}

#[test]
fn a_pause_is_answered_line_by_line() {
    let answer =
        "a = 1;\nb = 2;\nc = 3;\nd = 4;\ne = 5;\nf = 6;\ng = 7;\nh = 8;\ni = 9;\nj = 0;\nk = 1;\nl = 2;\n";
    let lines: Vec<(u64, &str)> =
        answer.split_inclusive('\n').zip(0..).map(|(line, n)| (300 + n * 100, line)).collect();
    let mut world = World::new("fn main() {\n    |\n}\n", &lines);
    world.types("let ", 80, 4000);
    assert_eq!(world.requests, 1);
    assert_eq!(world.stale, 0);
    assert_eq!(world.unanswered(), 0);
    assert!(world.screen.len() >= 3, "{:#?}", world.screen);
    assert!(world.screen.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "{:#?}", world.screen);
    assert_eq!(world.screen.last().unwrap().lines().count(), 12);
    assert!(world.most_fences_in_pause <= 4, "{}", world.most_fences_in_pause);
}

#[test]
fn steady_typing_asks_once_at_its_end() {
    let mut world = World::new("|\n", &[(400, "x")]);
    world.types(&"abcdef ".repeat(9), 66, 3000);
    assert!(world.requests <= 3, "{}", world.requests);
    assert!(world.longest_wait <= 150, "a key waited {} ms", world.longest_wait);
    assert_eq!((world.stale, world.unanswered()), (0, 0));
    assert_eq!(world.screen.last().unwrap(), "x");
}

#[test]
fn typing_along_is_answered_without_asking() {
    let mut world = World::new("|\n", &[(200, "println!(\"hi\");")]);
    world.types("let x = ", 80, 2000);
    let (requests, shown) = (world.requests, world.screen.len());
    assert_eq!(world.screen.last().unwrap(), "println!(\"hi\");");
    world.types("println", 100, 1000);
    let left = ["rintln!(\"hi\");", "intln!(\"hi\");", "ntln!(\"hi\");", "tln!(\"hi\");"];
    assert_eq!(world.screen[shown..shown + 4], left);
    world.types("\u{8}\u{8}", 100, 1000);
    assert_eq!(world.screen.last().unwrap(), "ln!(\"hi\");");
    assert_eq!(world.requests, requests);
    world.types("z", 100, 5);
    assert_eq!(world.screen.last().unwrap(), "", "a contradiction clears at once");
    assert_eq!((world.stale, world.unanswered()), (0, 0));
}

#[test]
fn without_wake_ups_a_pause_after_a_spurt_is_answered() {
    let mut world = World::new("|\n", &[(100, "x")]);
    world.engine.lost = LOST_FENCES;
    world.fences_come_back = false;
    world.types("let it = ", 70, 3000);
    assert_eq!(world.ghost.as_ref().map(|ghost| (ghost.at, ghost.item.as_str())), Some((9, "x")));
    assert_eq!(world.unanswered(), 0);
    assert!(world.longest_block <= BOUNDED_MS, "blocked for {} ms", world.longest_block);
}

/// What a user may do, and when after the last thing.
fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![
        6 => prop::sample::select(vec!['a', ' ', '(', '{', '\n', 'é']).prop_map(Act::Key),
        5 => Just(Act::Along),
        2 => Just(Act::Backspace),
        2 => Just(Act::Tab),
        1 => Just(Act::Invoke),
        1 => prop::sample::select(vec!["pasted text", "x", "two\nlines"]).prop_map(Act::Paste),
    ];
    let gap = prop_oneof![5 => 1..40u64, 5 => 40..200u64, 3 => 200..1500u64, 1 => 1500..9000u64];
    prop::collection::vec((gap, act), 1..40).prop_map(|acts| {
        let mut at = 0;
        acts.into_iter()
            .map(|(gap, act)| {
                at += gap;
                (at, act)
            })
            .collect()
    })
}

fn model() -> impl Strategy<Value = Vec<(u64, Serve)>> {
    let pieces = prop::sample::select(vec!["a", "foo(", "bar)\n", "    x = 1;\n", "\n", "}\n", "é", " "]);
    let end = prop::sample::select(vec!["end", "end", "end", "end", "cut", "429"]);
    (prop::collection::vec((1..400u64, pieces), 0..12), 1..900u64, end).prop_map(|(pieces, latency, end)| {
        let mut at = latency;
        if end == "429" {
            return vec![(at, Serve::Head(429)), (at, Serve::End)];
        }
        let mut script = vec![(at, Serve::Head(200))];
        for (gap, piece) in pieces {
            at += gap;
            script.push((at, text(piece)));
        }
        match end {
            "cut" => script.push((at + 1, Serve::Cut)),
            _ => script.extend([(at + 1, Serve::Body("{\"end\":true}\n".into())), (at + 1, Serve::End)]),
        }
        script
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_paints_stale_or_answers_twice(acts in acts(), model in model()) {
        let mut world = World::serving("fn main() {\n    |\n}\n", model);
        world.does(acts, 30_000);
        prop_assert_eq!(world.stale, 0);
        prop_assert_eq!(world.unanswered(), 0);
        prop_assert!(world.most_fences_in_pause <= 4, "{} fences in a pause", world.most_fences_in_pause);
    }

    #[test]
    fn without_wake_ups_every_request_is_answered_within_the_bound(acts in acts(), model in model()) {
        let mut world = World::serving("fn main() {\n    |\n}\n", model);
        world.engine.lost = LOST_FENCES;
        world.fences_come_back = false;
        world.does(acts, 30_000);
        prop_assert_eq!(world.unanswered(), 0);
        prop_assert!(world.longest_block <= 300, "blocked for {} ms", world.longest_block);
    }
}

#[test]
fn a_stream_that_breaks_is_asked_on_in_the_same_step() {
    let mut engine = Engine::new(options());
    let document = Document { text: "let x".to_owned() };
    let mut out = Vec::new();
    let mut handle = |now, input: Input<'_>| {
        out.clear();
        engine.handle(now, input, &document, &mut out);
        out.clone()
    };
    let uri = "file:///a.rs";
    handle(0, Input::Requested { id: RequestId(1), uri, offset: 5, invoked: true, fresh: true });
    handle(1, Input::Head { status: 200, headers: &[] });
    handle(2, Input::Body(b"{\"t\":\" = fo\"}\n"));
    let cut = Failure { kind: crate::transport::FailureKind::Cut, detail: String::new() };
    let effects = handle(3, Input::Failed(&cut));
    assert!(
        matches!(&effects[..2], [Effect::Cancel(Lane::Main), Effect::Start { lane: Lane::Main, .. }]),
        "{effects:?}"
    );
}
