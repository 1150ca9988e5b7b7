use super::*;
use crate::provider::{Decoder, Defaults, Ends, Framing, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};
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
    fn frame(&mut self, _: &str, data: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let value: serde_json::Value = serde_json::from_str(data).unwrap();
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
        response_bytes: 1 << 20,
        seed: 1,
    }
}

struct Document {
    text: String,
}

impl Buffers for Document {
    fn get(&self, uri: &str) -> Option<Buffer<'_>> {
        (uri == "file:///a.rs").then_some(Buffer { uri: "file:///a.rs", path: "a.rs", language: "rust", text: &self.text })
    }
    fn all(&self) -> Vec<Buffer<'_>> {
        self.get("file:///a.rs").into_iter().collect()
    }
}

#[derive(Debug, Clone)]
enum Message {
    Edit { start: usize, removed: String, inserted: String },
    Request { id: u64, offset: usize, invoked: bool },
    Lens,
}

/// A made-up editor, clock and model around one engine. What the user sees is written to `screen`.
struct World {
    engine: Engine,
    /// As the engine has it, and as the user has it.
    guest: Document,
    text: String,
    cursor: usize,
    now: u64,
    queue: VecDeque<(u64, Message)>,
    next_id: u64,
    /// What the model sends after a request, by milliseconds since it.
    model: Vec<(u64, String)>,
    running: Option<(u64, usize)>,
    requests: usize,
    fences: usize,
    answers: std::collections::BTreeMap<u64, usize>,
    screen: Vec<String>,
    stale: usize,
    idle_since: u64,
}

impl World {
    fn new(drawn: &str, model: &[(u64, &str)]) -> Self {
        let cursor = drawn.find('|').unwrap();
        let text = drawn.replacen('|', "", 1);
        let mut script: Vec<(u64, String)> =
            model.iter().map(|(at, text)| (*at, format!("{}\n", serde_json::json!({ "t": text })))).collect();
        script.push((model.last().map_or(10, |(at, _)| at + 1), "{\"end\":true}\n".into()));
        Self {
            engine: Engine::new(options()),
            guest: Document { text: text.clone() },
            text,
            cursor,
            now: 10_000,
            queue: VecDeque::new(),
            next_id: 0,
            model: script,
            running: None,
            requests: 0,
            fences: 0,
            answers: Default::default(),
            screen: Vec::new(),
            stale: 0,
            idle_since: 0,
        }
    }

    /// The user types `text`, a key every `pace` ms, and then does nothing for `rest` ms.
    fn types(&mut self, text: &str, pace: u64, rest: u64) {
        let keys: Vec<(u64, String)> =
            text.chars().enumerate().map(|(n, c)| (self.now + n as u64 * pace, c.to_string())).collect();
        let end = keys.last().unwrap().0 + rest;
        self.run(keys.into(), end);
    }

    fn key(&mut self, at: u64, inserted: String) {
        let start = self.cursor;
        let removed = if inserted == "\u{8}" { self.text[start - 1..start].to_owned() } else { String::new() };
        let inserted = if removed.is_empty() { inserted } else { String::new() };
        let start = start - removed.len();
        self.text.replace_range(start..start + removed.len(), &inserted);
        self.cursor = start + inserted.len();
        self.queue.push_back((at, Message::Edit { start, removed, inserted }));
        self.queue.push_back((at, Message::Lens));
        self.queue.push_back((at, Message::Request { id: self.next_id, offset: self.cursor, invoked: false }));
        self.answers.insert(self.next_id, 0);
        self.next_id += 1;
    }

    fn run(&mut self, mut keys: VecDeque<(u64, String)>, end: u64) {
        loop {
            while keys.front().is_some_and(|(at, _)| *at <= self.now) {
                let (at, text) = keys.pop_front().unwrap();
                self.key(at, text);
            }
            let Some((at, message)) = self.queue.front().cloned() else {
                match keys.front() {
                    Some((at, _)) if *at <= end => self.now = *at,
                    _ => break,
                }
                continue;
            };
            if at > self.now {
                self.now = keys.front().map_or(at, |(key, _)| at.min(*key));
                continue;
            }
            self.queue.pop_front();
            let fresh = at > self.idle_since || self.queue.is_empty() && at == self.now;
            self.deliver(message, fresh, &mut keys);
            self.idle_since = self.now;
        }
        self.now = self.now.max(end);
    }

    fn deliver(&mut self, message: Message, fresh: bool, keys: &mut VecDeque<(u64, String)>) {
        let mut effects = Vec::new();
        match &message {
            Message::Edit { start, removed, inserted } => {
                self.guest.text.replace_range(*start..start + removed.len(), inserted);
                let edit = Edit { start: *start, removed, inserted };
                let input = Input::Edited { uri: "file:///a.rs", edit };
                self.engine.handle(self.now, input, &self.guest, &mut effects);
            }
            Message::Lens => {
                self.engine.handle(self.now, Input::Woken { uri: "file:///a.rs" }, &self.guest, &mut effects);
            }
            Message::Request { id, offset, invoked } => {
                let input = Input::Requested {
                    id: RequestId(*id),
                    uri: "file:///a.rs",
                    offset: *offset,
                    invoked: *invoked,
                    fresh,
                };
                self.engine.handle(self.now, input, &self.guest, &mut effects);
            }
        }
        loop {
            let mut wait = None;
            for effect in effects.drain(..) {
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
                        self.fences += 1;
                        // Keys typed meanwhile come first.
                        self.now += 1;
                        while keys.front().is_some_and(|(at, _)| *at <= self.now) {
                            let (at, text) = keys.pop_front().unwrap();
                            self.key(at, text);
                        }
                        self.queue.push_back((self.now, Message::Lens));
                    }
                    Effect::Wait(ms) => wait = Some(ms),
                    Effect::Status(_) | Effect::Notice(_) => {}
                }
            }
            let Some(ms) = wait else { break };
            assert!(ms > 0, "a wait of nothing");
            let until = self.now + ms;
            let event = self.running.and_then(|(at, next)| self.model.get(next).map(|(ms, b)| (at + ms, b.clone())));
            let input = match &event {
                Some((at, body)) if *at <= until => {
                    self.now = self.now.max(*at);
                    let (started, next) = self.running.unwrap();
                    self.running = Some((started, next + 1));
                    if next == 0 {
                        let mut early = Vec::new();
                        self.engine.handle(self.now, Input::Head { status: 200, headers: &[] }, &self.guest, &mut early);
                    }
                    Input::Body(body.as_bytes())
                }
                None if self.running.is_some() => {
                    self.running = None;
                    Input::End
                }
                _ => {
                    self.now = until;
                    Input::Elapsed
                }
            };
            while keys.front().is_some_and(|(at, _)| *at <= self.now) {
                let (at, text) = keys.pop_front().unwrap();
                self.key(at, text);
            }
            self.engine.handle(self.now, input, &self.guest, &mut effects);
        }
    }

    fn answered(&mut self, id: u64, answer: Answer) {
        let count = self.answers.get_mut(&id).unwrap();
        *count += 1;
        assert_eq!(*count, 1, "request {id} answered again");
        match answer {
            Answer::Ghost { offset, text, .. } => {
                if offset != self.cursor {
                    self.stale += 1;
                }
                self.screen.push(text);
            }
            Answer::Clear => self.screen.push(String::new()),
            Answer::Nothing => {}
        }
    }

    fn unanswered(&self) -> usize {
        self.answers.values().filter(|count| **count == 0).count()
    }
}

#[test]
fn a_pause_is_answered_line_by_line() {
    let lines: Vec<(u64, &str)> =
        (0..12).map(|n| (300 + n * 100, ["a = 1;\n", "b = 2;\n", "c = 3;\n"][n as usize % 3])).collect();
    let mut world = World::new("fn main() {\n    |\n}\n", &lines);
    world.types("let ", 80, 4000);
    assert_eq!(world.requests, 1);
    assert_eq!(world.stale, 0);
    assert_eq!(world.unanswered(), 0);
    assert!(world.screen.len() >= 3, "{:#?}", world.screen);
    assert!(world.screen.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "{:#?}", world.screen);
    assert_eq!(world.screen.last().unwrap().lines().count(), 12);
    assert!(world.fences <= 8, "{}", world.fences);
}

#[test]
fn steady_typing_asks_once_at_its_end() {
    let mut world = World::new("|\n", &[(400, "x")]);
    world.types(&"abcdef ".repeat(9), 66, 3000);
    assert!(world.requests <= 3, "{}", world.requests);
    assert_eq!((world.stale, world.unanswered()), (0, 0));
    assert_eq!(world.screen.last().unwrap(), "x");
}

#[test]
fn typing_along_is_answered_without_asking() {
    let mut world = World::new("|\n", &[(200, "println!(\"hi\");")]);
    world.types("p", 80, 2000);
    let requests = world.requests;
    world.types("println", 100, 1000);
    assert_eq!(world.screen, ["println!(\"hi\");"; 0]);
    assert_eq!(world.requests, requests);
}
