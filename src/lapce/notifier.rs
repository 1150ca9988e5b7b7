//! Messages to the user: the status bar, pop-ups, the log.

use super::rpc::{Host, Rpc, quoted};
use crate::completion::postprocess::Hidden;
use crate::completion::trigger::Gate;
use crate::completion::{Figures, Status, Why};
use crate::config::{Detail, LogLevel, Telling};
use crate::provider::Error;
use crate::stream::ErrorKind;
use crate::unseen::is_unseen;

/// How often the status bar shows the progress of an answer, in milliseconds.
const STEP_MS: u64 = 250;
/// Longest text in the status bar, in characters.
const WIDTH: usize = 80;
/// Longest message, in characters.
const LONGEST: usize = 1500;
/// How much of the line that is being written is shown, in characters.
const TAIL: usize = 48;
/// Longest body of a request in the log, in characters.
const LONGEST_PROMPT: usize = 64 << 10;
/// Shorter secrets are not removed from texts: they would match ordinary words. In bytes.
const SHORTEST_SECRET: usize = 6;

/// How serious a message is, in LSP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something the user has to change before anything works.
    Error = 1,
    /// Something that the user should know or decide.
    Warning = 2,
    /// Information.
    Info = 3,
}

/// Shows messages to the user: failures once each, and never a secret.
#[derive(Debug, Default)]
pub struct Notifier {
    telling: Telling,
    secrets: Vec<String>,
    shown: Option<String>,
    shown_ms: u64,
    told: Vec<(ErrorKind, Option<u16>)>,
    told_no_streaming: bool,
    /// The status bar shows the figures of the last answer.
    shows_figures: bool,
}

/// The target that a status is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The provider's title.
    pub provider: &'a str,
    /// The model; empty when the server has only one.
    pub model: &'a str,
    /// The last line that it has written.
    pub tail: &'a str,
}

impl Notifier {
    /// Adds a text that must never be shown.
    pub fn keep_secret(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            // One may contain another: the longer one is removed first.
            let place = self.secrets.iter().position(|known| known.len() < secret.len());
            self.secrets.insert(place.unwrap_or(self.secrets.len()), secret.to_owned());
        }
    }

    /// Sets how much is shown from now on.
    pub fn set(&mut self, telling: Telling) {
        self.telling = telling;
    }

    /// Shows a state in the status bar.
    pub fn status<H: Host>(&mut self, rpc: &mut Rpc<H>, now_ms: u64, status: &Status, asked: Asked<'_>) {
        if matches!(status, Status::Streaming { .. }) {
            self.told.clear();
            if self.shown.is_some() && now_ms < self.shown_ms + STEP_MS {
                return;
            }
        }
        if self.shows_figures && *status == Status::Quiet {
            return;
        }
        self.shown_ms = now_ms;
        let is_answer = matches!(status, Status::Nothing(_) | Status::Ready);
        let is_told = is_answer || self.telling.status > Detail::Quiet;
        self.show(rpc, sentence(status, asked, self.telling.status).filter(|_| is_told));
    }

    /// Shows a text in the status bar until there is another one.
    pub fn notice<H: Host>(&mut self, rpc: &mut Rpc<H>, text: &str) {
        self.show(rpc, Some(text.to_owned()));
    }

    /// An answer has ended: shows its figures, if the settings ask for them.
    pub fn finished<H: Host>(&mut self, rpc: &mut Rpc<H>, figures: &Figures, asked: Asked<'_>) {
        let Telling { status, log_level, .. } = self.telling;
        if status < Detail::Full && log_level < LogLevel::Info {
            return;
        }
        let Figures { first_ms, total_ms, input, output } = *figures;
        let input = input.map_or(String::new(), |input| format!("{input} tokens in, "));
        let text = format!("{}: {input}{output} out, first after {first_ms} ms", name(asked));
        if log_level >= LogLevel::Info {
            self.log(rpc, &format!("{text}, all after {total_ms} ms"));
        }
        if status == Detail::Full {
            self.show(rpc, Some(text));
            self.shows_figures = true;
        }
    }

    /// The user types: removes the figures of the last answer from the status bar.
    pub fn idle<H: Host>(&mut self, rpc: &mut Rpc<H>) {
        if self.shows_figures {
            self.show(rpc, None);
        }
    }

    /// Writes the body of a request to the log, if the settings ask for it.
    pub fn prompt<H: Host>(&self, rpc: &mut Rpc<H>, body: Option<&[u8]>) {
        if let Some(body) = body.filter(|_| self.telling.log_prompts) {
            let text = String::from_utf8_lossy(body);
            rpc.log(&self.without_secrets(&text).chars().take(LONGEST_PROMPT).collect::<String>());
        }
    }

    fn show<H: Host>(&mut self, rpc: &mut Rpc<H>, text: Option<String>) {
        let text = text.map(|text| cut(self.clean(&text)));
        self.shows_figures = false;
        if text == self.shown {
            return;
        }
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

    /// Pops up a failure, unless one of its kind was shown since the last answer.
    pub fn failure<H: Host>(&mut self, rpc: &mut Rpc<H>, error: &Error) {
        let kind = (error.kind, error.status);
        self.log(rpc, &format!("{} failed ({}): {}", error.provider, error.kind.as_str(), error.message));
        if !self.told.contains(&kind) {
            self.told.push(kind);
            self.pop_up(rpc, Severity::Error, &error.message);
        }
    }

    /// Shows once why answers cannot be streamed.
    pub fn no_streaming<H: Host>(&mut self, rpc: &mut Rpc<H>, obstacle: &str) {
        if !std::mem::replace(&mut self.told_no_streaming, true) {
            let message = format!(
                "{obstacle}. Until then suggestions come only on alt+\\, once they are complete, through Lapce's own HTTP \
                 client. It follows redirects, so it sends no key unless `transport` is `http`."
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
        if self.telling.log_level > LogLevel::Off {
            rpc.log(&self.clean(line));
        }
    }

    fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// The text without secrets and without invisible characters: the open folder and servers can put any text into globs,
    /// names and messages.
    fn clean(&self, text: &str) -> String {
        let text = self.without_secrets(text);
        let shown = text.chars().filter(|c| *c == '\n' || !(c.is_control() || is_unseen(*c)));
        shown.take(LONGEST).collect()
    }
}

/// The first line, cut to the width of the status bar.
fn cut(mut text: String) -> String {
    text.truncate(text.find('\n').unwrap_or(text.len()));
    if let Some((at, _)) = text.char_indices().nth(WIDTH) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Provider and model.
fn name(asked: Asked<'_>) -> String {
    let model = asked.model.rsplit('/').next().unwrap_or_default();
    if model.is_empty() { asked.provider.to_owned() } else { [asked.provider, " · ", model].concat() }
}

/// The end of a text.
fn tail(text: &str) -> &str {
    let start = text.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// The text for the status bar; `None` when there is nothing to show.
fn sentence(status: &Status, asked: Asked<'_>, detail: Detail) -> Option<String> {
    let provider = asked.provider;
    Some(match status {
        Status::Quiet => return None,
        Status::Waiting => ["waiting for ", &name(asked)].concat(),
        Status::Loading => ["waiting for ", provider, " (loading?)"].concat(),
        Status::Key => ["waiting for the key for ", provider].concat(),
        Status::StandIn { away, why, by } => {
            let why = match why {
                ErrorKind::RateLimited => "asks to wait",
                ErrorKind::Quota => "has no credit left",
                ErrorKind::Transient => "fails or is overloaded",
                _ => "cannot be reached",
            };
            format!("{away} {why}: asking {by}")
        }
        Status::Thinking => [&name(asked), " is thinking"].concat(),
        Status::Streaming { tokens, per_second } => {
            let mut words = format!("{tokens} tok, {per_second} tok/s");
            if detail == Detail::Full {
                words.push_str(" …");
                words.push_str(tail(asked.tail));
            }
            words
        }
        Status::Ready => "a suggestion is ready: alt+\\ shows it".to_owned(),
        Status::Nothing(why) => reason(why, provider),
    })
}

fn reason(why: &Why, provider: &str) -> String {
    let seconds;
    // Joined in one place: a call for each text would be more code.
    let (before, words, behind) = match why {
        Why::NoProvider => ("", "no provider is set", ""),
        Why::Unconfirmed(question) => ("", question.as_str(), ""),
        Why::NoText => ("", "too large, or Lapce has not sent it: save the file, then try again", ""),
        Why::Gate(Gate::LanguageOff(language)) => {
            return ["off for ", language, " (`languages.", language, "`)"].concat();
        }
        Why::Gate(Gate::FileOff(glob)) => ("off for ", glob.as_str(), " (`files`)"),
        Why::Gate(Gate::Ignored(glob)) => {
            ("nothing of this file is sent: ", glob.as_str(), " (`secret-files` or `ignore`)")
        }
        Why::Gate(Gate::Off) => ("", "off (`trigger`)", ""),
        Why::Gate(Gate::TooLarge) => ("", "this file is too large", ""),
        // The others are for automatic requests, about which the status bar says nothing.
        Why::Gate(_) => ("", "", ""),
        Why::Empty => ("", provider, " has nothing to add here: alt+\\ asks again"),
        Why::NoOther => ("", provider, " has no other suggestion here"),
        Why::Hidden(hidden) => {
            let words = match hidden {
                Hidden::Blank => "the answer was blank",
                Hidden::Prose => "the answer was words, not code",
                Hidden::NothingToAdd => "the model has nothing to add",
                Hidden::RepeatsAbove => "filtered: it repeats the lines above",
                Hidden::RepeatsItself => "filtered: it repeats itself",
                Hidden::RepeatsBelow => "filtered: it repeats the next line",
                Hidden::EndsBlock => "filtered: it would end the block",
                Hidden::TooLong => "filtered: a line of it is too long",
            };
            ("", words, "")
        }
        Why::Failed(error) => ("", error.message.as_str(), ""),
        Why::RateLimited(left_ms) => {
            seconds = format!(" asks to wait {} s", left_ms.div_ceil(1000));
            ("", provider, seconds.as_str())
        }
    };
    [before, words, behind].concat()
}

#[cfg(test)]
mod tests {
    use super::super::rpc::tests::Fake;
    use super::*;

    fn voice() -> Notifier {
        Notifier::default()
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

    const FAKE: Asked<'_> = Asked { provider: "Fake", model: "maker/m-1", tail: "" };

    #[test]
    fn a_full_bar_shows_the_tail_and_what_came_of_it_until_the_user_goes_on() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        voice.set(Telling { status: Detail::Full, log_level: LogLevel::Info, log_prompts: false });
        let tail = "x".repeat(60);
        let asked = Asked { tail: &tail, ..FAKE };
        voice.status(&mut rpc, 0, &Status::Streaming { tokens: 3, per_second: 9 }, asked);
        let figures = Figures { first_ms: 230, total_ms: 900, input: Some(812), output: 64 };
        voice.finished(&mut rpc, &figures, FAKE);
        voice.status(&mut rpc, 900, &Status::Quiet, FAKE);
        voice.idle(&mut rpc);
        voice.idle(&mut rpc);
        let shown = format!("begin 3 tok, 9 tok/s …{}", "x".repeat(TAIL));
        let came_of_it = "Fake · m-1: 812 tokens in, 64 out, first after 230 ms";
        assert_eq!(sent(&rpc), [shown, format!("report {came_of_it}"), "end".to_owned()]);
        assert_eq!(rpc.host().logged, [format!("{came_of_it}, all after 900 ms")]);
    }

    #[test]
    fn prompts_are_logged_where_the_user_wants_it_and_never_with_a_secret() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        voice.keep_secret("sk-hush");
        voice.prompt(&mut rpc, Some(b"{}"));
        voice.set(Telling { log_prompts: true, ..Telling::default() });
        voice.prompt(&mut rpc, Some(b"{\"key\":\"sk-hush\"}"));
        assert_eq!(rpc.host().logged, ["{\"key\":\"***\"}"]);
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
            voice.status(&mut rpc, now, &status, FAKE);
        }
        assert_eq!(
            sent(&rpc),
            [
                "begin waiting for Fake · m-1",
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
        voice.status(&mut rpc, 0, &Status::Nothing(Why::Failed(Box::new(failure))), FAKE);
        assert_eq!(sent(&rpc), [format!("begin {}…", "é".repeat(WIDTH))]);
    }

    #[test]
    fn a_quiet_bar_says_only_why_nothing_shows() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        voice.set(Telling { status: Detail::Quiet, ..Telling::default() });
        voice.status(&mut rpc, 0, &Status::Waiting, FAKE);
        voice.status(&mut rpc, 0, &Status::Streaming { tokens: 1, per_second: 1 }, FAKE);
        voice.status(&mut rpc, 0, &Status::Nothing(Why::Empty), FAKE);
        assert_eq!(sent(&rpc), ["begin Fake has nothing to add here: alt+\\ asks again"]);
    }

    #[test]
    fn a_failure_pops_up_once_until_an_answer_worked() {
        let (mut rpc, mut voice) = (Rpc::new(Fake::default()), voice());
        let (auth, model) = (error(ErrorKind::Auth, "key"), error(ErrorKind::Model, "model"));
        for failure in [&auth, &auth, &model, &auth] {
            voice.failure(&mut rpc, failure);
        }
        voice.set(Telling { status: Detail::Quiet, ..Telling::default() });
        voice.status(&mut rpc, 0, &Status::Streaming { tokens: 1, per_second: 1 }, FAKE);
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
        voice.status(&mut rpc, 0, &Status::Nothing(Why::Failed(Box::new(failure))), FAKE);
        assert_eq!(sent(&rpc), ["1 the key *** is wrong", "begin the key *** is wrong"]);
        assert_eq!(rpc.host().logged, ["p failed (auth): the key *** is wrong"]);
    }
}
