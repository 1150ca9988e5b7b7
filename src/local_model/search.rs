//! Asks the usual servers at their usual ports, once, when the user pauses.

use super::choice::{Kind, Model, Rank, models};
use crate::completion::ResponseEvent;
use crate::http::{HttpRequest, Url};
use crate::transport::RequestNumber;

/// After this long without a key the user pauses, in milliseconds.
const PAUSE_MS: u64 = 300;
/// How long the servers have to answer, in milliseconds.
const ANSWER_MS: u64 = 300;
/// Least time between two searches because of typing, in milliseconds.
const REST_MS: u64 = 60_000;
/// Longest list of models, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// A server that users run on their own machine.
struct Server {
    title: &'static str,
    /// The provider's name in the settings.
    provider: &'static str,
    /// Its usual address. That of [`Provider::defaults`](crate::provider::Provider::defaults) may name the host by
    /// `localhost`, which a resolver could take elsewhere.
    url: &'static str,
    /// The path of its list of models.
    list: &'static str,
    /// The command that gets a model for code.
    advice: &'static str,
    /// It serves the model that it was started with.
    is_started_with_model: bool,
}

const SERVERS: &[Server] = &[
    Server {
        title: "Ollama",
        provider: "ollama",
        url: "http://127.0.0.1:11434",
        list: "/api/tags",
        advice: "`ollama pull qwen2.5-coder:1.5b-base`",
        is_started_with_model: false,
    },
    Server {
        title: "llama.cpp",
        provider: "llama-cpp",
        url: "http://127.0.0.1:8080",
        list: "/v1/models",
        advice: "`llama-server --fim-qwen-1.5b-default --port 8080`",
        is_started_with_model: true,
    },
    Server {
        title: "LM Studio",
        provider: "lm-studio",
        url: "http://127.0.0.1:1234/v1",
        list: "/models",
        advice: "`lms get qwen2.5-coder-1.5b`",
        is_started_with_model: false,
    },
];

/// The search for a model on this machine.
#[derive(Default)]
pub struct Search {
    phase: Phase,
    asked_ms: Option<u64>,
    /// Where Ollama listens, if the environment says so.
    ollama: Option<Url>,
    /// How many requests were made.
    requests: u64,
}

#[derive(Default)]
enum Phase {
    #[default]
    Resting,
    /// The user types.
    Typing { until_ms: u64 },
    /// Requests are out.
    Asking { until_ms: u64, replies: Vec<Reply> },
}

struct Reply {
    number: RequestNumber,
    server: &'static Server,
    url: Url,
    body: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Whole,
    Failed,
}

/// What the caller has to do.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    Wait,
    /// Call `tick` in this many milliseconds, or with the next key.
    WakeIn(u64),
    /// Send these requests, and call `tick` in this many milliseconds.
    Ask(Vec<(RequestNumber, HttpRequest)>, u64),
    /// The search is over: drop these requests.
    Settle(Vec<RequestNumber>, Outcome),
}

/// The result of a search.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A model.
    Found(Found),
    /// A server runs, but has no model for code.
    NoModel {
        /// The server's title.
        title: &'static str,
        /// The command that gets one.
        advice: &'static str,
    },
    /// No server has answered with a list.
    Nobody,
}

/// A model on this machine, in terms of the settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The server's name in sentences.
    pub title: &'static str,
    /// The setting `provider`.
    pub provider: &'static str,
    /// The setting `base-url`.
    pub base_url: String,
    /// The setting `model`.
    pub model: String,
}

impl Search {
    /// A search that has not begun. `ollama_host` is the variable with the address for Ollama and its clients
    /// (ollama/ollama, envconfig). Another machine is not asked, because that would need consent.
    pub fn new(ollama_host: Option<String>) -> Self {
        Self { ollama: ollama_host.as_deref().and_then(ollama_at), ..Self::default() }
    }

    /// Whether it is going on.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Resting)
    }

    /// The editor asks for a completion, because of a key or because the user pressed alt+\. Returns whether the request should
    /// wait for the search.
    pub fn requested(&mut self, now_ms: u64, invoked: bool) -> (bool, Action) {
        if let Phase::Asking { .. } = self.phase {
            return (true, Action::Wait);
        }
        if invoked {
            return (true, self.ask(now_ms));
        }
        if self.asked_ms.is_some_and(|asked_ms| now_ms < asked_ms + REST_MS) {
            return (false, Action::Wait);
        }
        self.phase = Phase::Typing { until_ms: now_ms + PAUSE_MS };
        (true, Action::WakeIn(PAUSE_MS))
    }

    /// Time has passed, or something has arrived.
    pub fn tick(&mut self, now_ms: u64) -> Action {
        match &self.phase {
            Phase::Typing { until_ms } if now_ms >= *until_ms => self.ask(now_ms),
            Phase::Asking { until_ms, replies }
                if now_ms >= *until_ms || replies.iter().all(|reply| reply.state != State::Open) =>
            {
                self.settle()
            }
            _ => Action::Wait,
        }
    }

    /// The requests to read.
    pub fn reading(&self) -> Vec<RequestNumber> {
        let Phase::Asking { replies, .. } = &self.phase else { return Vec::new() };
        replies.iter().filter(|reply| reply.state == State::Open).map(|reply| reply.number).collect()
    }

    /// Handles an event of a request. Returns whether to read on: an answer that is too long or not a list of models is not
    /// read to its end.
    pub fn receive(&mut self, number: RequestNumber, event: &ResponseEvent<'_>) -> bool {
        let Phase::Asking { replies, .. } = &mut self.phase else { return false };
        let Some(reply) = replies.iter_mut().find(|reply| reply.number == number) else { return false };
        match event {
            ResponseEvent::Head { status: 200, .. } => {}
            ResponseEvent::Body(bytes) if reply.body.len() + bytes.len() <= MOST_BYTES => {
                reply.body.extend_from_slice(bytes);
            }
            ResponseEvent::End => reply.state = State::Whole,
            ResponseEvent::Head { .. } | ResponseEvent::Body(_) | ResponseEvent::Failed(_) => {
                reply.state = State::Failed;
            }
        }
        reply.state == State::Open
    }

    fn ask(&mut self, now_ms: u64) -> Action {
        self.asked_ms = Some(now_ms);
        let mut replies = Vec::new();
        let mut requests = Vec::new();
        for server in SERVERS {
            let own = || Url::parse(server.url).ok();
            let ollama = self.ollama.clone().filter(|_| server.provider == "ollama");
            let Some((url, list)) =
                ollama.or_else(own).and_then(|url| url.join(server.list).ok().map(|list| (url, list)))
            else {
                continue;
            };
            // Counts down: the engine's numbers count up.
            let number = RequestNumber(u64::MAX - self.requests);
            self.requests += 1;
            let headers = vec![("accept".to_owned(), "application/json".to_owned())];
            requests
                .push((number, HttpRequest { url: list, headers, secret_headers: Vec::new(), body: None }));
            replies.push(Reply { number, server, url, body: Vec::new(), state: State::Open });
        }
        self.phase = Phase::Asking { until_ms: now_ms + ANSWER_MS, replies };
        Action::Ask(requests, ANSWER_MS)
    }

    fn settle(&mut self) -> Action {
        let Phase::Asking { replies, .. } = std::mem::take(&mut self.phase) else { return Action::Wait };
        let mut best: Option<(Rank, &Reply, Model)> = None;
        let mut without: Option<&'static Server> = None;
        for reply in replies.iter().filter(|reply| reply.state == State::Whole) {
            let Some(listed) = models(&reply.body) else { continue };
            without = without.or(Some(reply.server));
            for model in listed {
                let Some(rank) = model.rank(reply.server.is_started_with_model) else { continue };
                if best.as_ref().is_none_or(|(best, ..)| rank < *best) {
                    best = Some((rank, reply, model));
                }
            }
        }
        let outcome = match (best, without) {
            (Some((rank, reply, model)), _) => Outcome::Found(Found::new(rank, reply, model.name)),
            (None, Some(Server { title, advice, .. })) => Outcome::NoModel { title, advice },
            (None, None) => Outcome::Nobody,
        };
        Action::Settle(replies.iter().map(|reply| reply.number).collect(), outcome)
    }
}

impl Found {
    fn new(rank: Rank, reply: &Reply, model: String) -> Self {
        let Server { title, provider, .. } = *reply.server;
        let base_url = reply.url.as_str().to_owned();
        if rank.kind() == Kind::Chat && provider == "ollama" {
            // Ollama's own API can only fill in the middle.
            let base_url = [base_url.as_str(), "/v1"].concat();
            return Self { title, provider: "openai-compatible", base_url, model };
        }
        Self { title, provider, base_url, model }
    }
}

/// The URL in `OLLAMA_HOST`, if that is this machine: `HOST`, `HOST:PORT` or `http://HOST:PORT`. A server told to
/// listen everywhere listens here too.
fn ollama_at(host: &str) -> Option<Url> {
    let host = host.trim().trim_end_matches('/');
    let host = host.strip_prefix("http://").unwrap_or(host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            (name, port)
        }
        _ => (host, "11434"),
    };
    let name = if matches!(name, "" | "0.0.0.0" | "[::]") { "127.0.0.1" } else { name };
    Url::parse(&["http://", name, ":", port].concat()).ok().filter(Url::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLLAMA: &str = r#"{"models":[{"name":"llama3:8b"},{"name":"qwen2.5-coder:1.5b-base"}]}"#;

    /// A search that has asked at 1000 ms.
    fn asked() -> (Search, Vec<(RequestNumber, HttpRequest)>) {
        let mut search = Search::new(None);
        assert_eq!(search.requested(700, false), (true, Action::WakeIn(PAUSE_MS)));
        let Action::Ask(requests, ANSWER_MS) = search.tick(1000) else { panic!("not asked") };
        (search, requests)
    }

    /// What comes of the servers answering that, in their order; empty: not at all.
    fn outcome(bodies: [&str; 3]) -> Outcome {
        let (mut search, requests) = asked();
        for ((number, _), body) in requests.iter().zip(bodies).filter(|(_, body)| !body.is_empty()) {
            search.receive(*number, &ResponseEvent::Head { status: 200, headers: &[] });
            search.receive(*number, &ResponseEvent::Body(body.as_bytes()));
            search.receive(*number, &ResponseEvent::End);
        }
        match search.tick(1000 + ANSWER_MS) {
            Action::Settle(dropped, outcome) => {
                assert_eq!(dropped.len(), requests.len());
                assert!(!search.is_active());
                outcome
            }
            action => panic!("{action:?}"),
        }
    }

    fn found(outcome: Outcome) -> (&'static str, String, String) {
        match outcome {
            Outcome::Found(Found { provider, base_url, model, .. }) => (provider, base_url, model),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_this_machine_is_asked_and_without_a_key() {
        let (_, requests) = asked();
        let urls: Vec<&str> = requests.iter().map(|(_, request)| request.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                "http://127.0.0.1:11434/api/tags",
                "http://127.0.0.1:8080/v1/models",
                "http://127.0.0.1:1234/v1/models",
            ]
        );
        for (_, request) in requests {
            assert!(request.url.is_loopback() && !request.carries_key() && request.body.is_none());
        }
    }

    #[test]
    fn the_best_model_of_all_servers_is_found() {
        let lm = r#"{"data":[{"id":"qwen2.5-coder-7b"}]}"#;
        let llama = r#"{"data":[{"id":"some.gguf"}]}"#;
        let own = |provider, base: &str, model: &str| (provider, base.to_owned(), model.to_owned());
        for (bodies, expected) in [
            ([OLLAMA, "", ""], own("ollama", "http://127.0.0.1:11434", "qwen2.5-coder:1.5b-base")),
            ([OLLAMA, llama, lm], own("ollama", "http://127.0.0.1:11434", "qwen2.5-coder:1.5b-base")),
            (["", llama, lm], own("lm-studio", "http://127.0.0.1:1234/v1", "qwen2.5-coder-7b")),
            (["", llama, ""], own("llama-cpp", "http://127.0.0.1:8080", "some.gguf")),
            (
                [r#"{"models":[{"name":"yi-coder:9b"}]}"#, "", ""],
                own("openai-compatible", "http://127.0.0.1:11434/v1", "yi-coder:9b"),
            ),
        ] {
            assert_eq!(found(outcome(bodies)), expected, "{bodies:?}");
        }
    }

    #[test]
    fn who_has_no_model_is_named_and_who_is_something_else_is_not() {
        let none = outcome([r#"{"models":[]}"#, "", ""]);
        assert!(matches!(none, Outcome::NoModel { title: "Ollama", .. }), "{none:?}");
        for bodies in [["", "", ""], ["", "<html>Jenkins</html>", ""], [r#"{"status":"ok"}"#, "", ""]] {
            assert_eq!(outcome(bodies), Outcome::Nobody, "{bodies:?}");
        }
    }

    #[test]
    fn servers_are_asked_in_a_pause_and_once_a_minute() {
        let mut search = Search::new(None);
        for now in [0, 100, 200, 300] {
            assert_eq!(search.requested(now, false), (true, Action::WakeIn(PAUSE_MS)));
            assert_eq!(search.tick(now + 1), Action::Wait);
        }
        assert!(matches!(search.tick(600), Action::Ask(..)));
        // A key meanwhile does not ask again.
        assert_eq!(search.requested(650, false), (true, Action::Wait));
        assert_eq!(search.tick(650), Action::Wait);
        assert!(matches!(search.tick(900), Action::Settle(..)));
        assert_eq!(search.requested(10_000, false), (false, Action::Wait));
        assert!(matches!(search.requested(10_000, true), (true, Action::Ask(..))), "who says so is heard");
        assert!(matches!(search.tick(10_300), Action::Settle(..)));
        assert_eq!(search.requested(69_999, false), (false, Action::Wait));
        assert_eq!(search.requested(70_000, false), (true, Action::WakeIn(PAUSE_MS)));
    }

    #[test]
    fn it_is_over_as_soon_as_all_have_answered_or_failed() {
        let (mut search, requests) = asked();
        for (number, _) in &requests {
            assert_eq!(search.tick(1001), Action::Wait);
            search.receive(*number, &ResponseEvent::Head { status: 404, headers: &[] });
        }
        assert!(matches!(search.tick(1001), Action::Settle(_, Outcome::Nobody)));
    }

    #[test]
    fn ollamas_own_variable_moves_it_on_this_machine_only() {
        for (host, expected) in [
            ("127.0.0.1:11500", Some("http://127.0.0.1:11500")),
            ("http://localhost:8", Some("http://localhost:8")),
            ("0.0.0.0", Some("http://127.0.0.1:11434")),
            (":9", Some("http://127.0.0.1:9")),
            ("192.168.0.9:11434", None),
            ("ollama.example", None),
            ("https://127.0.0.1", None),
            ("a b", None),
        ] {
            assert_eq!(ollama_at(host).as_ref().map(Url::as_str), expected, "{host}");
        }
    }
}
