//! One generation: a request, its answer as it streams in, its retries and its resumption.

use super::io::{Figures, ResponseEvent, Status};
use super::suggestion::{Answer, Ending};
use crate::http::HttpRequest;
use crate::provider::resume::{Joint, joint};
use crate::provider::{
    Account, Decoder, Error, Prompt, Provider, Response, ending, learned, model_names, retry,
};
use crate::stream::{
    BackpressureLimits, ContentFilter, Done, ErrorKind, Snapshot, StreamMetrics, StreamPipelineBuilder,
    StreamToken, StreamingPipeline,
};
use crate::transport::{Failure, RequestNumber};

/// Longest part of an error body that is kept, in bytes.
const ERROR_BODY: usize = 64 << 10;
/// The same for a list of models, which may be long (OpenRouter's has half a megabyte), in bytes.
const MODELS_BODY: usize = 4 << 20;
/// How many tokens may wait to be shown before reading pauses. At first a whole answer may (`max-tokens` is 256 by
/// default), so that an answer that arrives at once is shown at once. For a slow editor the next reads are smaller, and
/// a server that writes faster than the editor shows has to wait.
const UNSHOWN: BackpressureLimits = BackpressureLimits {
    first_permits: 4096,
    min_permits: 128,
    max_permits: 16_384,
    target_ms: 1000,
    timeout_ms: u64::MAX,
};
/// How often a broken stream is resumed. After that, what was received is the answer.
const RESUMES: u32 = 2;

/// A generation from its first request to its end. The text it receives goes into the [`Answer`] that is passed in.
pub struct Generation {
    /// Its current request.
    pub number: RequestNumber,
    provider: &'static dyn Provider,
    account: Account,
    prompt: Prompt,
    invoked: bool,
    limits: Limits,
    filter: ContentFilter,
    retries: u32,
    resumes: u32,
    /// The body of the current request.
    sent: Vec<u8>,
    /// The server of the current request.
    server: String,
    /// Lessons from refusals, until a request that applies them is accepted.
    lessons: Vec<learned::Lesson>,
    /// The server does not know the model. It is asked for its list of models, to add names to this error.
    unknown_model: Option<Error>,
    received: Received,
}

/// How long events and answers may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one event of a stream. A longer one is an error.
    pub event_bytes: u32,
    /// Most bytes of a whole answer. A longer one is cut there.
    pub response_bytes: u32,
}

/// What was received for the current request.
struct Received {
    pipeline: StreamingPipeline<Decoder, StreamMetrics>,
    /// When the request leaves, in milliseconds.
    sent_ms: u64,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    /// The body of a response that is not an answer: an error or a list of models.
    other_body: Vec<u8>,
    body_bytes: usize,
    /// Text of a resumed response that may still turn out to repeat what was received before.
    held: Option<String>,
    first_text_ms: Option<u64>,
    progress: ending::Progress,
}

impl Received {
    /// For a request that leaves at `sent_ms` and continues `text`; nothing was received yet.
    fn new(
        provider: &dyn Provider,
        limits: Limits,
        filter: &ContentFilter,
        sent_ms: u64,
        text: &str,
    ) -> Self {
        let decoder = provider.decoder().with_limit(limits.event_bytes as usize);
        let mut builder = StreamPipelineBuilder::new(decoder).metrics().backpressure(UNSHOWN);
        if !filter.is_empty() {
            // Gathering tokens before it saves nothing: see the case `whole/filter` of the benchmarks.
            builder = builder.transform(filter.afresh().resume(text));
        }
        let mut pipeline = builder.build();
        pipeline.at(sent_ms);
        Self {
            pipeline,
            sent_ms,
            status: None,
            headers: Vec::new(),
            other_body: Vec::new(),
            body_bytes: 0,
            held: None,
            first_text_ms: None,
            progress: ending::Progress::default(),
        }
    }

    fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What the caller has to do after feeding a generation.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on reading.
    Going,
    /// The answer is complete.
    Ended(Ending),
    /// Send [`Generation::request`] again, `delay_ms` from now.
    Again {
        /// Milliseconds to wait first.
        delay_ms: u64,
        /// The failure, unless the next request avoids it.
        after: Option<Box<Error>>,
    },
    /// It failed for good. What was received stays.
    Failed(Box<Error>),
}

/// How the tokens of one chunk ended the answer, if they did.
enum Outcome {
    Done,
    Broken(Error),
}

impl Generation {
    /// A generation for `prompt`; nothing is sent yet. Text that `filter` matches never becomes part of the answer.
    pub fn new(
        provider: &'static dyn Provider,
        account: Account,
        prompt: Prompt,
        invoked: bool,
        limits: Limits,
        filter: ContentFilter,
    ) -> Self {
        Self {
            number: RequestNumber(0),
            received: Received::new(provider, limits, &filter, 0, ""),
            provider,
            account,
            prompt,
            invoked,
            limits,
            filter,
            retries: 0,
            resumes: 0,
            sent: Vec::new(),
            server: String::new(),
            lessons: Vec::new(),
            unknown_model: None,
        }
    }

    /// The next request, which leaves at `sent_ms` and continues `text`, the answer so far.
    ///
    /// # Errors
    /// If the provider cannot make a request from these settings.
    pub fn request(&mut self, number: RequestNumber, sent_ms: u64, text: &str) -> Result<HttpRequest, Error> {
        self.number = number;
        self.received = Received::new(self.provider, self.limits, &self.filter, sent_ms, text);
        if let Some(error) = &self.unknown_model {
            return self.provider.models_request(&self.account).ok_or_else(|| error.clone());
        }
        self.prompt.received.clear();
        self.prompt.received.push_str(text);
        self.received.held = (!text.is_empty()).then(String::new);
        let request = self.provider.request(&self.account, &self.prompt)?;
        self.sent.clone_from(request.body.as_ref().unwrap_or(&Vec::new()));
        learned::server_of(&request.url).clone_into(&mut self.server);
        Ok(request)
    }

    /// Handles an event of the current request; text is appended to the answer.
    pub fn receive(
        &mut self,
        now_ms: u64,
        event: &ResponseEvent<'_>,
        answer: &mut Answer,
        random: &mut u64,
    ) -> Verdict {
        let text = &mut answer.text;
        match event {
            ResponseEvent::Head { status, headers } => {
                self.received.status = Some(*status);
                self.received.headers = headers.to_vec();
                Verdict::Going
            }
            ResponseEvent::Body(bytes) => self.body(now_ms, bytes, text, random),
            ResponseEvent::End => self.end(text, random),
            ResponseEvent::Failed(failure) => self.failed(failure, text, random),
        }
    }

    fn body(&mut self, now_ms: u64, bytes: &[u8], text: &mut String, random: &mut u64) -> Verdict {
        let limits = self.limits;
        let received = &mut self.received;
        if self.unknown_model.is_some() || !received.is_success() {
            let limit = if self.unknown_model.is_some() { MODELS_BODY } else { ERROR_BODY };
            let room = limit.saturating_sub(received.other_body.len());
            received.other_body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            return Verdict::Going;
        }
        let room = (limits.response_bytes as usize).saturating_sub(received.body_bytes);
        received.body_bytes += bytes.len();
        received.pipeline.at(now_ms);
        let mut outcome = self.decode(Some(bytes.get(..room).unwrap_or(bytes)), text);
        // Nothing more will come: do not wait for the server to close the connection.
        if outcome.is_none() && self.received.pipeline.decoder().is_over() {
            outcome = self.decode(None, text);
        }
        if self.received.first_text_ms.is_none() && !text.is_empty() {
            self.received.first_text_ms = Some(now_ms);
        }
        match self.judge(outcome, text, random) {
            Verdict::Going if bytes.len() > room => {
                self.release_held(text, true);
                Verdict::Ended(Ending::Cut)
            }
            verdict => verdict,
        }
    }

    /// The body is over.
    fn end(&mut self, text: &mut String, random: &mut u64) -> Verdict {
        let received = &self.received;
        if let Some(error) = self.unknown_model.take() {
            let asked = self.account.model_or(self.provider.defaults().model);
            return Verdict::Failed(Box::new(error.naming_models(asked, &model_names(&received.other_body))));
        }
        if !received.is_success() {
            let status = received.status.unwrap_or(0);
            let response = Response { status, headers: &received.headers, body: &received.other_body };
            if let Some(lesson) = learned::lesson(&self.account, &response, &self.sent) {
                self.account.lessons.push(lesson.clone());
                self.lessons.push(lesson);
                return Verdict::Again { delay_ms: 0, after: None };
            }
            let error = Error::from_response(self.provider, &self.account, response);
            return self.failure(error, text, random);
        }
        let outcome = self.decode(None, text);
        self.release_held(text, true);
        match self.judge(outcome, text, random) {
            Verdict::Going => self.ended(text, random),
            verdict => verdict,
        }
    }

    /// The transport failed, before an answer or in its middle.
    fn failed(&mut self, failure: &Failure, text: &mut String, random: &mut u64) -> Verdict {
        if let Some(error) = self.unknown_model.take() {
            return Verdict::Failed(Box::new(error));
        }
        let outcome = if self.received.is_success() {
            // The end marker may have come with the last bytes before the cut.
            self.decode(None, text)
        } else {
            None
        };
        self.release_held(text, true);
        if let Some(Outcome::Done) = outcome {
            return self.ended(text, random);
        }
        let error = Error::from_failure(self.provider, &self.account, &self.received.headers, failure);
        self.failure(error, text, random)
    }

    /// How many bytes to read next; 0 while the editor has too much to show already.
    pub fn room(&mut self, now_ms: u64) -> usize {
        self.received.pipeline.at(now_ms).acquire().ok().flatten().unwrap_or(0)
    }

    /// The editor has received everything that there is to show.
    pub fn shown(&mut self) {
        self.received.pipeline.release(usize::MAX);
    }

    /// When the current request leaves, in milliseconds.
    pub fn sent_ms(&self) -> u64 {
        self.received.sent_ms
    }

    /// When its first text was read, in milliseconds.
    pub fn first_text_ms(&self) -> Option<u64> {
        self.received.first_text_ms
    }

    /// Whether the server has begun to answer the current request, even if with a refusal.
    pub fn has_answered(&self) -> bool {
        self.received.status.is_some()
    }

    /// The metrics of the current request and of its answer as far as it was read.
    pub fn measured(&self) -> Snapshot {
        self.received.pipeline.metrics().snapshot()
    }

    /// The server, and the lessons from refusals once it has accepted a request that applies them. Each is returned once.
    pub fn confirmed_lessons(&mut self) -> (String, Vec<learned::Lesson>) {
        let confirmed = self.received.is_success();
        (self.server.clone(), if confirmed { std::mem::take(&mut self.lessons) } else { Vec::new() })
    }

    /// Its progress, for the status bar.
    pub fn status(&self) -> Status {
        match self.received.first_text_ms {
            None if self.received.progress.has_thought() => Status::Thinking,
            None => Status::Waiting,
            Some(_) => {
                let counted = self.measured();
                Status::Streaming {
                    tokens: counted.tokens(),
                    per_second: counted.pieces_per_second.unwrap_or(0.0) as u32,
                }
            }
        }
    }

    /// The figures of the answer so far; `None` before its first text.
    pub fn figures(&self, now_ms: u64) -> Option<Figures> {
        let first_ms = self.received.first_text_ms?;
        let counted = self.received.pipeline.metrics().snapshot();
        let since_sent = |ms: u64| ms.saturating_sub(self.received.sent_ms);
        Some(Figures {
            first_ms: since_sent(first_ms),
            total_ms: since_sent(now_ms),
            input: counted.usage.input,
            output: counted.tokens(),
        })
    }

    /// Decodes the next bytes, or with `None` the end of the body, and appends the text. Returns how the answer ended, if it
    /// did.
    fn decode(&mut self, bytes: Option<&[u8]>, text: &mut String) -> Option<Outcome> {
        let Self { received: Received { pipeline, held, progress, headers, .. }, provider, account, .. } =
            self;
        let mut outcome = None;
        // Tokens that are never shown must not count as waiting to be shown.
        let mut unseen = 0;
        let mut take = |token: StreamToken<'_>| {
            progress.token(&token);
            match token {
                StreamToken::Text(piece) => held.as_mut().unwrap_or(text).push_str(&piece),
                StreamToken::Delta(delta) if delta.index == 0 => {
                    held.as_mut().unwrap_or(text).push_str(&delta.content);
                }
                StreamToken::Done(Done { index: 0, .. }) => outcome = Some(Outcome::Done),
                StreamToken::Error(error) => {
                    outcome = Some(Outcome::Broken(Error::from_stream(*provider, account, headers, &error)));
                }
                _ => unseen += 1,
            }
        };
        match bytes {
            Some(bytes) => pipeline.push(bytes, &mut take),
            None => pipeline.finish(&mut take),
        }
        pipeline.release(unseen);
        self.release_held(text, false);
        outcome
    }

    /// Appends the held text of a resumed response once it is known how it joins the text before.
    fn release_held(&mut self, text: &mut String, ended: bool) {
        let Some(held) = &self.received.held else { return };
        if let Joint::Repeats(bytes) = joint(text, held, self.provider.seam(&self.account), ended) {
            text.push_str(held.get(bytes..).unwrap_or_default());
            self.received.held = None;
        }
    }

    fn judge(&mut self, outcome: Option<Outcome>, text: &mut String, random: &mut u64) -> Verdict {
        match outcome {
            None => Verdict::Going,
            Some(Outcome::Done) => {
                self.release_held(text, true);
                self.ended(text, random)
            }
            Some(Outcome::Broken(error)) => {
                self.release_held(text, true);
                self.failure(error, text, random)
            }
        }
    }

    /// The model has said how its answer ended.
    fn ended(&mut self, text: &str, random: &mut u64) -> Verdict {
        let has_text = !text.trim().is_empty();
        let progress = &self.received.progress;
        match ending::ending(self.provider, &self.account, progress, has_text, self.prompt.max_tokens) {
            ending::Ending::Whole => Verdict::Ended(Ending::Whole),
            ending::Ending::Cut => Verdict::Ended(Ending::Cut),
            ending::Ending::Failed(error) => self.failure(*error, text, random),
        }
    }

    /// Decides what follows a failure: a request for the list of models, for the rest of a broken answer, the same request
    /// after a pause, or nothing.
    fn failure(&mut self, error: Error, text: &str, random: &mut u64) -> Verdict {
        let error = Box::new(error);
        match self.delay_ms(&error, text, random) {
            Some(delay_ms) => Verdict::Again { delay_ms, after: Some(error) },
            None => Verdict::Failed(error),
        }
    }

    /// How long the next request waits, in milliseconds; `None`: there is none.
    fn delay_ms(&mut self, error: &Error, text: &str, random: &mut u64) -> Option<u64> {
        if !text.is_empty() {
            let broke =
                matches!(error.kind, ErrorKind::Truncated | ErrorKind::Network | ErrorKind::Transient);
            self.resumes += u32::from(broke);
            return (broke && self.resumes <= RESUMES).then_some(0);
        }
        if error.kind == ErrorKind::Model && self.provider.models_request(&self.account).is_some() {
            self.unknown_model = Some(error.clone());
            return Some(0);
        }
        let attempt = retry::Attempt {
            retries: self.retries,
            error,
            headers: &self.received.headers,
            invoked: self.invoked,
            random: next(random),
        };
        self.retries += 1;
        retry::delay_ms(&attempt)
    }
}

/// The next number of a xorshift generator: enough for the jitter of a back-off.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Secret;
    use crate::provider::find;
    use crate::stream::Pattern;
    use crate::transport::FailureKind;

    const LIMITS: Limits = Limits { event_bytes: 1024, response_bytes: 4096 };
    const UNKNOWN: &[u8] = br#"{"error":{"message":"no such model","code":"model_not_found"}}"#;

    /// A generation of OpenAI's whose first request is sent.
    fn generation() -> Generation {
        filtering(ContentFilter::new())
    }

    fn filtering(filter: ContentFilter) -> Generation {
        let account =
            Account { api_key: Secret::new("sk"), model: "gpt-4.1-mimi".into(), ..Account::default() };
        let provider = find("openai").unwrap();
        let mut generation = Generation::new(provider, account, Prompt::default(), false, LIMITS, filter);
        generation.request(RequestNumber(1), 0, "").unwrap();
        generation
    }

    fn feed(generation: &mut Generation, events: &[ResponseEvent<'_>]) -> (Verdict, String) {
        let (mut answer, mut random) = (Answer::default(), 1);
        let mut verdict = Verdict::Going;
        for event in events {
            verdict = generation.receive(0, event, &mut answer, &mut random);
            if verdict != Verdict::Going {
                break;
            }
        }
        (verdict, answer.text)
    }

    /// Feeds a whole response.
    fn answer(generation: &mut Generation, status: u16, body: &[u8]) -> Verdict {
        let head = ResponseEvent::Head { status, headers: &[] };
        feed(generation, &[head, ResponseEvent::Body(body), ResponseEvent::End]).0
    }

    /// Whether the next request leaves without a pause.
    fn is_at_once(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Again { delay_ms: 0, .. })
    }

    fn message(verdict: Verdict) -> String {
        match verdict {
            Verdict::Failed(error) => error.message,
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn an_unknown_model_is_told_with_those_the_server_has() {
        let mut generation = generation();
        assert!(is_at_once(&answer(&mut generation, 404, UNKNOWN)));
        let list = generation.request(RequestNumber(2), 0, "").unwrap();
        assert_eq!((list.url.as_str(), list.body), ("https://api.openai.com/v1/models", None));
        let message =
            message(answer(&mut generation, 200, br#"{"data":[{"id":"sora"},{"id":"gpt-4.1-mini"}]}"#));
        assert!(message.contains("`gpt-4.1-mimi`"), "{message}");
        assert!(message.starts_with("Set `model`: there is `gpt-4.1-mini`, `sora`. "), "{message}");
    }

    #[test]
    fn an_unknown_model_is_told_without_the_list_where_there_is_none() {
        type Fails = fn(&mut Generation) -> Verdict;
        let fails: [Fails; 3] = [
            |generation| answer(generation, 404, b"<html>"),
            |generation| answer(generation, 200, b"{}"),
            |generation| {
                let cut = Failure { kind: FailureKind::Cut, detail: String::new() };
                feed(generation, &[ResponseEvent::Failed(&cut)]).0
            },
        ];
        for fail in fails {
            let mut generation = generation();
            answer(&mut generation, 404, UNKNOWN);
            generation.request(RequestNumber(2), 0, "").unwrap();
            let message = message(fail(&mut generation));
            assert!(message.contains("`gpt-4.1-mimi`") && !message.contains("It has"), "{message}");
        }
    }

    #[test]
    fn limits_hold_for_an_event_and_for_the_answer() {
        let event = |text: &str| {
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        };
        let message = message(answer(&mut generation(), 200, event(&"x".repeat(2000)).as_bytes()));
        assert!(message.contains("1024 bytes"), "{message}");
        let long = event(&"x".repeat(900)).repeat(5);
        assert_eq!(answer(&mut generation(), 200, long.as_bytes()), Verdict::Ended(Ending::Cut));
        let whole = br#"data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
        let mut exact = generation();
        exact.limits.response_bytes = whole.len() as u32;
        assert_eq!(answer(&mut exact, 200, whole), Verdict::Ended(Ending::Whole));
    }

    #[test]
    fn a_longer_list_of_models_is_read_than_of_an_error() {
        let padding = " ".repeat(ERROR_BODY);
        let list = [&padding, r#"{"data":[{"id":"gpt-4.1-mini"}]}"#].concat();
        let mut unknown = generation();
        answer(&mut unknown, 404, UNKNOWN);
        unknown.request(RequestNumber(2), 0, "").unwrap();
        let told = message(answer(&mut unknown, 200, list.as_bytes()));
        assert!(told.starts_with("Set `model`: there is `gpt-4.1-mini`"), "{told}");
        for (before, is_read) in [(ERROR_BODY - UNKNOWN.len(), true), (ERROR_BODY, false)] {
            let body = [padding.get(..before).unwrap().as_bytes(), UNKNOWN].concat();
            let mut generation = generation();
            assert_eq!(is_at_once(&answer(&mut generation, 404, &body)), is_read, "{before}");
        }
    }

    #[test]
    fn only_a_status_of_success_brings_an_answer() {
        let body = event("x") + "data: [DONE]\n\n";
        for (status, is_answer) in [(199, false), (200, true), (299, true), (300, false), (307, false)] {
            let verdict = answer(&mut generation(), status, body.as_bytes());
            assert_eq!(verdict == Verdict::Ended(Ending::Whole), is_answer, "{status}: {verdict:?}");
        }
    }

    #[test]
    fn a_generation_tells_how_far_it_is() {
        let mut generation = generation();
        generation.request(RequestNumber(2), 1000, "").unwrap();
        assert_eq!((generation.sent_ms(), generation.has_answered()), (1000, false));
        let (mut answer, mut random) = (Answer::default(), 1);
        let thought = "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"x\"}}]}\n\n";
        let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":7}}\n\n";
        for (now_ms, body, first_text_ms, status) in [
            (1100, "", None, Status::Waiting),
            (1200, thought, None, Status::Thinking),
            (1300, &*event("a"), Some(1300), Status::Streaming { tokens: 1, per_second: 0 }),
            (1400, &*event("b"), Some(1300), Status::Streaming { tokens: 2, per_second: 10 }),
            (1500, usage, Some(1300), Status::Streaming { tokens: 7, per_second: 10 }),
        ] {
            let head = ResponseEvent::Head { status: 200, headers: &[] };
            let event = if body.is_empty() { head } else { ResponseEvent::Body(body.as_bytes()) };
            generation.receive(now_ms, &event, &mut answer, &mut random);
            assert_eq!(
                (generation.first_text_ms(), generation.status()),
                (first_text_ms, status),
                "{now_ms}"
            );
            assert_eq!(generation.figures(now_ms).is_some(), first_text_ms.is_some(), "{now_ms}");
            assert!(generation.has_answered());
        }
        let figures = Figures { first_ms: 300, total_ms: 600, input: Some(50), output: 7 };
        assert_eq!(generation.figures(1600), Some(figures));
    }

    #[test]
    fn a_broken_answer_is_resumed_twice_and_an_empty_one_is_tried_again_once() {
        let cut = Failure { kind: FailureKind::Cut, detail: String::new() };
        for (text, verdicts) in [("x", ["at once", "at once", "failed"]), ("", ["later", "failed", "failed"])]
        {
            let mut generation = generation();
            let mut answer = Answer { text: text.to_owned(), ..Answer::default() };
            for expected in verdicts {
                let verdict = generation.receive(0, &ResponseEvent::Failed(&cut), &mut answer, &mut 1);
                let told = match verdict {
                    verdict if is_at_once(&verdict) => "at once",
                    Verdict::Again { after: Some(_), .. } => "later",
                    Verdict::Failed(_) => "failed",
                    other => panic!("{other:?}"),
                };
                assert_eq!(told, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn what_a_resumed_answer_repeats_is_left_out() {
        let begun = "let total = 1;\n";
        for (fresh, joined) in [
            ("let total = 1;\\nlet b = 2;", "let total = 1;\nlet b = 2;"),
            ("let b = 2;", "let total = 1;\nlet b = 2;"),
            // All of it may yet be repetition when the answer ends.
            ("let to", "let total = 1;\nlet to"),
        ] {
            type End = (&'static str, Option<ResponseEvent<'static>>);
            let ends: [End; 2] = [("data: [DONE]\n\n", None), ("", Some(ResponseEvent::End))];
            for (marker, end) in ends {
                let mut generation = generation();
                let mut answer = Answer { text: begun.to_owned(), ..Answer::default() };
                generation.request(RequestNumber(2), 0, begun).unwrap();
                let body = event(fresh) + marker;
                let head = ResponseEvent::Head { status: 200, headers: &[] };
                for event in [Some(head), Some(ResponseEvent::Body(body.as_bytes())), end].iter().flatten() {
                    generation.receive(0, event, &mut answer, &mut 1);
                }
                assert_eq!(answer.text, joined, "{fresh:?} {marker:?}");
            }
        }
    }

    #[test]
    fn the_text_of_the_first_choice_is_the_answer() {
        let rated =
            r#"{"index":0,"delta":{"content":"r"},"logprobs":{"content":[{"token":"r","logprob":-0.5}]}}"#;
        let other = r#"{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}"#;
        for (choice, expected) in [(rated, "rx"), (other, "x")] {
            let body = format!("data: {{\"choices\":[{choice}]}}\n\n{}data: [DONE]\n\n", event("x"));
            let head = ResponseEvent::Head { status: 200, headers: &[] };
            let (verdict, text) = feed(&mut generation(), &[head, ResponseEvent::Body(body.as_bytes())]);
            assert_eq!((verdict, text.as_str()), (Verdict::Ended(Ending::Whole), expected), "{choice}");
        }
    }

    #[test]
    fn a_lesson_is_confirmed_once_an_answer_comes() {
        let refusal = br#"{"error":{"message":"Unsupported parameter: 'temperature'","param":"temperature","code":"unsupported_parameter"}}"#;
        let mut generation = generation();
        assert!(is_at_once(&answer(&mut generation, 400, refusal)));
        assert_eq!(generation.confirmed_lessons().1, []);
        generation.request(RequestNumber(2), 0, "").unwrap();
        answer(&mut generation, 200, event("x").as_bytes());
        let (server, lessons) = generation.confirmed_lessons();
        assert_eq!((server.as_str(), lessons.len()), ("https://api.openai.com", 1));
        assert_eq!(generation.confirmed_lessons().1, []);
    }

    #[test]
    fn the_jitter_differs_from_one_try_to_the_next() {
        let mut random = 1;
        let numbers: Vec<_> = (0..3).map(|_| next(&mut random)).collect();
        // Marsaglia, "Xorshift RNGs" (2003): the triple 13, 7, 17.
        assert_eq!(numbers, [1_082_269_761, 1_152_992_998_833_853_505, 11_177_516_664_432_764_457]);
    }

    #[test]
    fn what_came_before_the_limit_is_kept() {
        let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"12345678\"}}]}\n\n";
        let body = event.repeat(LIMITS.response_bytes as usize / event.len() + 2);
        let head = ResponseEvent::Head { status: 200, headers: &[] };
        for sizes in [body.len(), 1000] {
            let mut events = vec![head.clone()];
            events.extend(body.as_bytes().chunks(sizes).map(ResponseEvent::Body));
            let (verdict, text) = feed(&mut generation(), &events);
            assert_eq!(verdict, Verdict::Ended(Ending::Cut));
            assert_eq!(text.len(), LIMITS.response_bytes as usize / event.len() * 8, "in pieces of {sizes}");
        }
    }

    #[test]
    fn reasoning_never_stops_the_reading() {
        let mut generation = generation();
        let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"x\"}}]}\n\n";
        let mut answer = Answer::default();
        generation.receive(0, &ResponseEvent::Head { status: 200, headers: &[] }, &mut answer, &mut 1);
        generation.limits.response_bytes = u32::MAX;
        for _ in 0..20_000 {
            assert!(generation.room(0) > 0);
            generation.receive(0, &ResponseEvent::Body(event.as_bytes()), &mut answer, &mut 1);
        }
        assert_eq!(generation.status(), Status::Thinking);
    }

    #[test]
    fn an_end_marker_ends_the_answer_before_the_connection_closes() {
        let body = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let head = ResponseEvent::Head { status: 200, headers: &[] };
        let (verdict, text) = feed(&mut generation(), &[head, ResponseEvent::Body(body)]);
        assert_eq!((verdict, text.as_str()), (Verdict::Ended(Ending::Whole), "x"));
    }

    fn event(text: &str) -> String {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    }

    #[test]
    fn what_the_filter_matches_is_no_part_of_the_answer_however_it_is_cut() {
        let filter = || ContentFilter::new().replace(Pattern::wildcard("key(*)").unwrap(), "…");
        let body: String = ["a = ", "k", "ey", "(1", "23", "); b = ke", "pt;"].map(event).concat();
        let body = body + "data: [DONE]\n\n";
        for size in [1, 7, 100, body.len()] {
            let mut events = vec![ResponseEvent::Head { status: 200, headers: &[] }];
            events.extend(body.as_bytes().chunks(size).map(ResponseEvent::Body));
            let (verdict, text) = feed(&mut filtering(filter()), &events);
            assert_eq!(
                (verdict, text.as_str()),
                (Verdict::Ended(Ending::Whole), "a = …; b = kept;"),
                "{size}"
            );
        }
    }

    #[test]
    fn what_the_filter_matches_does_not_come_together_when_an_answer_is_resumed() {
        let mut generation = filtering(ContentFilter::new().delete(Pattern::text("secret").unwrap()));
        let head = ResponseEvent::Head { status: 200, headers: &[] };
        let cut = Failure { kind: FailureKind::Cut, detail: String::new() };
        let (mut answer, mut random) = (Answer::default(), 1);
        let mut receive = |generation: &mut Generation, answer: &mut Answer, events: &[ResponseEvent<'_>]| {
            events.iter().map(|event| generation.receive(0, event, answer, &mut random)).last()
        };
        let first = event("let a = se");
        let verdict = receive(
            &mut generation,
            &mut answer,
            &[head.clone(), ResponseEvent::Body(first.as_bytes()), ResponseEvent::Failed(&cut)],
        );
        assert!(verdict.is_some_and(|verdict| is_at_once(&verdict)));
        assert_eq!(answer.text, "let a = se");
        generation.request(RequestNumber(2), 0, &answer.text).unwrap();
        let rest = event("cret;") + "data: [DONE]\n\n";
        receive(&mut generation, &mut answer, &[head, ResponseEvent::Body(rest.as_bytes())]);
        assert_eq!(answer.text, "let a = se;");
    }

    #[test]
    fn the_measured_time_to_the_first_token_begins_when_the_request_leaves() {
        let mut generation = generation();
        generation.request(RequestNumber(1), 1_000, "").unwrap();
        let (mut answer, mut random) = (Answer::default(), 1);
        generation.receive(
            1_100,
            &ResponseEvent::Head { status: 200, headers: &[] },
            &mut answer,
            &mut random,
        );
        let body = event("x");
        for now_ms in [1_250, 1_350, 1_450] {
            generation.receive(now_ms, &ResponseEvent::Body(body.as_bytes()), &mut answer, &mut random);
        }
        let measured = generation.measured();
        assert_eq!((measured.first_token_ms, measured.pieces_per_second), (Some(250), Some(10.0)));
        assert_eq!(measured.bytes, 3 * body.len() as u64);
    }

    #[test]
    fn an_editor_that_shows_late_makes_the_server_wait_and_one_that_keeps_up_does_not() {
        // Milliseconds until it shows the tokens of one read, and how many tokens may wait then.
        for (slow_ms, permits) in [(1, 4096), (10_000, 128)] {
            let mut generation = generation();
            generation.limits.response_bytes = u32::MAX;
            let (mut answer, mut random) = (Answer::default(), 1);
            let head = ResponseEvent::Head { status: 200, headers: &[] };
            generation.receive(0, &head, &mut answer, &mut random);
            let body = event("x").repeat(20);
            for now_ms in (0..10).map(|read| read * slow_ms) {
                assert!(generation.room(now_ms) > 0);
                generation.receive(now_ms, &ResponseEvent::Body(body.as_bytes()), &mut answer, &mut random);
                generation.room(now_ms + slow_ms);
                generation.shown();
            }
            let mut unshown = 0;
            while generation.room(10 * slow_ms) > 0 {
                unshown += 20;
                generation.receive(
                    10 * slow_ms,
                    &ResponseEvent::Body(body.as_bytes()),
                    &mut answer,
                    &mut random,
                );
            }
            assert!((permits..permits + 20).contains(&unshown), "{slow_ms} ms: {unshown} tokens");
        }
    }
}
