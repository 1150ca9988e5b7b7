//! What the user is told: the status bar, pop-ups, the log.

use super::rpc::{Host, Rpc, quoted};
use crate::completion::postprocess::Hidden;
use crate::completion::trigger::Gate;
use crate::completion::{Status, Why};
use crate::provider::Error;
use crate::stream::ErrorKind;
use crate::unseen::is_unseen;

/// The status bar shows a streaming answer's progress in steps of so many milliseconds.
const STEP_MS: u64 = 250;
/// The status bar is one line: longer texts are cut, in characters.
const WIDTH: usize = 80;
/// Longer texts are cut, in characters.
const LONGEST: usize = 1500;
/// Shorter secrets are not looked for in texts: they would be found in ordinary words.
const SHORTEST_SECRET: usize = 6;

/// How serious a message is, in LSP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something the user has to change before anything works.
    Error = 1,
    /// Something that is not as the user wants it.
    Warning = 2,
    /// Something to know.
    Info = 3,
}

/// Tells the user things, each once, and never a secret.
#[derive(Debug, Default)]
pub struct Notifier {
    /// Whether the status bar is used.
    pub bar: bool,
    secrets: Vec<String>,
    shown: Option<String>,
    shown_ms: u64,
    told: Vec<(ErrorKind, Option<u16>)>,
    told_no_streaming: bool,
}

impl Notifier {
    /// Takes in what must never be said.
    pub fn keep_secret(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            // One may lie in another: the longer goes first.
            let place = self.secrets.iter().position(|known| known.len() < secret.len());
            self.secrets.insert(place.unwrap_or(self.secrets.len()), secret.to_owned());
        }
    }

    /// Shows a state in the status bar. `provider` is the provider's name in sentences.
    pub fn status<H: Host>(&mut self, rpc: &mut Rpc<H>, now_ms: u64, status: &Status, provider: &str) {
        if matches!(status, Status::Streaming { .. }) {
            self.told.clear();
            if self.shown.is_some() && now_ms < self.shown_ms + STEP_MS {
                return;
            }
        }
        let text = sentence(status, provider).map(|text| cut(self.clean(&text)));
        if !self.bar || text == self.shown {
            return;
        }
        self.shown_ms = now_ms;
        let kind = match (&self.shown, &text) {
            (None, Some(_)) => r#""begin","title":"AI""#,
            (Some(_), Some(_)) => r#""report""#,
            (_, None) => r#""end""#,
        };
        let message = text.as_deref().map_or("null".to_owned(), quoted);
        rpc.notify(
            "$/progress",
            &format_args!(r#"{{"token":"ai-completion","value":{{"kind":{kind},"message":{message}}}}}"#),
        );
        self.shown = text;
    }

    /// Pops up a failure, unless one of its kind was told since the last answer that worked.
    pub fn failure<H: Host>(&mut self, rpc: &mut Rpc<H>, error: &Error) {
        let kind = (error.kind, error.status);
        self.log(rpc, &format!("{} failed ({}): {}", error.provider, error.kind.as_str(), error.message));
        if !self.told.contains(&kind) {
            self.told.push(kind);
            self.pop_up(rpc, Severity::Error, &error.message);
        }
    }

    /// Tells once why suggestions do not grow on this machine.
    pub fn no_streaming<H: Host>(&mut self, rpc: &mut Rpc<H>, obstacle: &str) {
        if !std::mem::replace(&mut self.told_no_streaming, true) {
            let message = format!(
                "{obstacle}. Until then suggestions come only when you press alt+\\, whole and not as they are written, by \
                 Lapce's own HTTP client. It follows redirects: no key is sent by it unless `transport` is `http`."
            );
            self.log(rpc, &message);
            self.pop_up(rpc, Severity::Info, &message);
        }
    }

    /// Pops up a message.
    pub fn pop_up<H: Host>(&mut self, rpc: &mut Rpc<H>, severity: Severity, message: &str) {
        let (severity, message) = (severity as u8, quoted(&self.clean(message)));
        rpc.notify("window/showMessage", &format_args!(r#"{{"type":{severity},"message":{message}}}"#));
    }

    /// Writes a line to the log.
    pub fn log<H: Host>(&self, rpc: &mut Rpc<H>, line: &str) {
        rpc.log(&self.clean(line));
    }

    /// The text without secrets, and without characters that would make it look like something else: the folder that
    /// is open and servers can put any text into globs, names and messages.
    fn clean(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
        let shown = text.chars().filter(|c| *c == '\n' || !(c.is_control() || is_unseen(*c)));
        shown.take(LONGEST).collect()
    }
}

/// The text on one line of the bar.
fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(WIDTH) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// The state in a few words; `None` when there is nothing to say.
fn sentence(status: &Status, provider: &str) -> Option<String> {
    Some(match status {
        Status::Quiet => return None,
        Status::Waiting => format!("waiting for {provider}"),
        Status::Loading => format!("waiting for {provider} (loading?)"),
        Status::Key => format!("waiting for the key for {provider}"),
        Status::StandIn { away, why, by } => {
            let why = match why {
                ErrorKind::RateLimited => "asks to wait",
                ErrorKind::Quota => "has no credit left",
                ErrorKind::Transient => "fails or is overloaded",
                _ => "cannot be reached",
            };
            format!("{away} {why}: asking {by}")
        }
        Status::Thinking => format!("{provider} is thinking"),
        Status::Streaming { tokens, per_second } => format!("{tokens} tok, {per_second} tok/s"),
        Status::Ready => "a suggestion is ready: alt+\\ shows it".to_owned(),
        Status::Nothing(why) => reason(why, provider),
    })
}

fn reason(why: &Why, provider: &str) -> String {
    match why {
        Why::NoProvider => "no provider is set".to_owned(),
        Why::Unconfirmed(question) => question.clone(),
        Why::NoText => "too large, or not told of by Lapce: save the file, then try again".to_owned(),
        Why::Gate(gate) => refusal(gate),
        Why::Empty => format!("{provider} has nothing to add here"),
        Why::NoOther => format!("{provider} has no other suggestion here"),
        Why::Hidden(hidden) => match hidden {
            Hidden::Blank => "the answer was blank",
            Hidden::Prose => "the answer was words, not code",
            Hidden::NothingToAdd => "the model has nothing to add",
            Hidden::RepeatsAbove => "filtered: it repeats what stands above",
            Hidden::RepeatsItself => "filtered: it says the same over and over",
            Hidden::RepeatsBelow => "filtered: it repeats the next line",
            Hidden::EndsBlock => "filtered: it would end the block",
            Hidden::TooLong => "filtered: a line of it is too long",
        }
        .to_owned(),
        Why::Failed(error) => error.message.clone(),
        Why::RateLimited(left_ms) => format!("{provider} asks to wait {} s", left_ms.div_ceil(1000)),
    }
}

fn refusal(gate: &Gate) -> String {
    match gate {
        Gate::Off => "off (`trigger`)".to_owned(),
        Gate::FileOff(glob) => format!("off for {glob} (`files`)"),
        Gate::LanguageOff(language) => format!("off for {language} (`languages.{language}`)"),
        Gate::ReadOnly(glob) => format!("not as you type: {glob} (`read-only`)"),
        Gate::OnlyInvoked => "only when invoked (`trigger`)".to_owned(),
        Gate::Ignored(glob) => format!("nothing of this file is sent: {glob} (`secret-files` or `ignore`)"),
        Gate::TooLarge => "this file is too large".to_owned(),
        Gate::MidWord => "not inside a word".to_owned(),
        Gate::CodeAfter => "not before so much code (`max-line-suffix`)".to_owned(),
        Gate::JustAccepted => "not right behind what was accepted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rpc::tests::Fake;
    use super::*;

    fn voice() -> Notifier {
        Notifier { bar: true, ..Notifier::default() }
    }

    fn error(kind: ErrorKind, message: &str) -> Error {
        Error {
            kind,
            provider: "p",
            status: None,
            code: None,
            request_id: None,
            retry_after_ms: None,
            message: message.to_owned(),
        }
    }

    /// What was sent, as `method kind message`.
    fn sent(rpc: &Rpc<Fake>) -> Vec<String> {
        let told = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let params = &line["params"];
            let value = if params["value"].is_null() { params } else { &params["value"] };
            let word = value["kind"].as_str().map_or(value["type"].to_string(), str::to_owned);
            [&word, value["message"].as_str().unwrap_or_default()].join(" ").trim_end().to_owned()
        };
        rpc.host().sent.iter().map(told).collect()
    }

    #[test]
    fn the_bar_says_each_change_once_and_progress_in_steps() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        let streaming = |tokens| Status::Streaming { tokens, per_second: 9 };
        let states = [
            (0, Status::Quiet),
            (0, Status::Waiting),
            (1, Status::Waiting),
            (300, streaming(1)),
            (310, streaming(2)),
            (560, streaming(30)),
            (561, Status::Quiet),
            (562, Status::Quiet),
            (563, Status::Nothing(Why::Gate(Gate::LanguageOff("sql".to_owned())))),
        ];
        for (now, status) in states {
            voice.status(&mut rpc, now, &status, "Fake");
        }
        assert_eq!(
            sent(&rpc),
            [
                "begin waiting for Fake",
                "report 1 tok, 9 tok/s",
                "report 30 tok, 9 tok/s",
                "end",
                "begin off for sql (`languages.sql`)",
            ]
        );
    }

    #[test]
    fn the_bar_cuts_long_texts() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        let failure = error(ErrorKind::Model, &"é".repeat(100));
        voice.status(&mut rpc, 0, &Status::Nothing(Why::Failed(Box::new(failure))), "Fake");
        assert_eq!(sent(&rpc), [format!("begin {}…", "é".repeat(WIDTH))]);
    }

    #[test]
    fn a_bar_that_is_off_says_nothing() {
        let mut rpc = Rpc::new(Fake::default());
        Notifier::default().status(&mut rpc, 0, &Status::Waiting, "Fake");
        assert_eq!(sent(&rpc), Vec::<String>::new());
    }

    #[test]
    fn a_failure_pops_up_once_until_an_answer_worked() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        let (auth, model) = (error(ErrorKind::Auth, "key"), error(ErrorKind::Model, "model"));
        for failure in [&auth, &auth, &model, &auth] {
            voice.failure(&mut rpc, failure);
        }
        voice.bar = false;
        voice.status(&mut rpc, 0, &Status::Streaming { tokens: 1, per_second: 1 }, "Fake");
        voice.failure(&mut rpc, &auth);
        assert_eq!(sent(&rpc), ["1 key", "1 model", "1 key"]);
        assert_eq!(rpc.host().logged.len(), 5);
    }

    #[test]
    fn secrets_are_never_told() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        for secret in ["sk-hush", "sk-hush-1", "key"] {
            voice.keep_secret(secret);
        }
        let failure = error(ErrorKind::Auth, "the key sk-hush-1 is wrong");
        voice.failure(&mut rpc, &failure);
        voice.status(&mut rpc, 0, &Status::Nothing(Why::Failed(Box::new(failure))), "Fake");
        assert_eq!(sent(&rpc), ["1 the key *** is wrong", "begin the key *** is wrong"]);
        assert_eq!(rpc.host().logged, ["p failed (auth): the key *** is wrong"]);
    }
}
