//! One generation: a request, its answer as it streams in, its retries and its resumption.

use super::events::Status;
use super::seam::{Joint, joint};
use crate::http::HttpRequest;
use crate::provider::{
    Account, Decoder, Error, Prompt, Provider, Response, fim_fallback, model_names, retry,
};
use crate::stream::{
    BackpressureLimits, Done, ErrorKind, FinishReason, StreamMetrics, StreamPipelineBuilder, StreamToken,
    StreamingPipeline,
};
use crate::transport::Failure;

/// An error body longer than this says nothing more, in bytes.
const ERROR_BODY: usize = 64 << 10;
/// A list of models may be long (OpenRouter's has half a megabyte), in bytes.
const MODELS_BODY: usize = 4 << 20;
/// How many tokens may wait to be shown before reading pauses. A whole answer fits (`max-tokens` is 256 unless
/// the user wants more): what is held back is a server that does not keep to the limit.
const UNSHOWN: BackpressureLimits =
    BackpressureLimits { min_permits: 4096, max_permits: 16_384, target_ms: 1000, timeout_ms: u64::MAX };
/// How often a broken stream is resumed before what was received has to do.
const RESUMES: u32 = 2;

/// A generation from its first request to its end.
pub struct Session {
    provider: &'static dyn Provider,
    account: Account,
    prompt: Prompt,
    invoked: bool,
    limits: Limits,
    pipeline: StreamingPipeline<Decoder, StreamMetrics>,
    retries: u32,
    resumes: u32,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    /// The body of a response that is no answer.
    other_body: Vec<u8>,
    body_bytes: usize,
    /// The model is not known to the server: it is asked which models it has, to say so with this error.
    unknown_model: Option<Error>,
    /// Text of a resumed response that may yet turn out to repeat what was received.
    held: Option<String>,
    started_ms: u64,
    first_text_ms: Option<u64>,
    latency_ms: Option<u64>,
    thinking: bool,
}

/// How long events and answers may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one event of a stream. A longer one is an error.
    pub event_bytes: u32,
    /// Most bytes of a whole answer. What has come by then is taken for all of it.
    pub response_bytes: u32,
}

/// What the caller has to do after feeding a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on reading.
    Going,
    /// The answer is complete.
    Ended(FinishReason),
    /// Send [`Session::request`] again, `delay_ms` from now.
    Again {
        /// Milliseconds to wait first.
        delay_ms: u64,
    },
    /// It failed for good. What was received stays.
    Failed(Box<Error>),
}

/// How the tokens of one chunk ended the answer, if they did.
enum Outcome {
    Done(FinishReason),
    Broken(Error),
}

impl Session {
    /// A generation for `prompt`; nothing is sent yet.
    pub fn new(
        provider: &'static dyn Provider,
        account: Account,
        prompt: Prompt,
        invoked: bool,
        limits: Limits,
    ) -> Self {
        Self {
            provider,
            account,
            prompt,
            invoked,
            limits,
            pipeline: pipeline(provider, limits),
            retries: 0,
            resumes: 0,
            status: None,
            headers: Vec::new(),
            other_body: Vec::new(),
            body_bytes: 0,
            unknown_model: None,
            held: None,
            started_ms: 0,
            first_text_ms: None,
            latency_ms: None,
            thinking: false,
        }
    }

    /// The request to send now. `received` is the text of the answer so far, which it continues.
    ///
    /// # Errors
    /// What the provider says of the settings.
    pub fn request(&mut self, now_ms: u64, received: &str) -> Result<HttpRequest, Error> {
        self.started_ms = now_ms;
        self.pipeline = pipeline(self.provider, self.limits);
        self.status = None;
        self.headers.clear();
        self.other_body.clear();
        self.body_bytes = 0;
        if let Some(error) = &self.unknown_model {
            return self.provider.models_request(&self.account).ok_or_else(|| error.clone());
        }
        self.prompt.received.clear();
        self.prompt.received.push_str(received);
        self.held = (!received.is_empty()).then(String::new);
        self.provider.request(&self.account, &self.prompt)
    }

    /// The head of the response.
    pub fn head(&mut self, status: u16, headers: &[(String, String)]) {
        self.status = Some(status);
        self.headers = headers.to_vec();
    }

    /// Bytes of the body; text is appended to `raw`.
    pub fn body(&mut self, now_ms: u64, bytes: &[u8], raw: &mut String, random: &mut u64) -> Verdict {
        if self.unknown_model.is_some() || !self.is_success() {
            let limit = if self.unknown_model.is_some() { MODELS_BODY } else { ERROR_BODY };
            let room = limit.saturating_sub(self.other_body.len());
            self.other_body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            return Verdict::Going;
        }
        self.body_bytes += bytes.len();
        if self.body_bytes > self.limits.response_bytes as usize {
            return Verdict::Ended(FinishReason::Length);
        }
        self.pipeline.at(now_ms);
        let outcome = self.decode(Some(bytes), raw);
        if self.first_text_ms.is_none() && !raw.is_empty() {
            self.first_text_ms = Some(now_ms);
            self.latency_ms = Some(now_ms.saturating_sub(self.started_ms));
        }
        self.judge(outcome, raw, random)
    }

    /// The body is over.
    pub fn end(&mut self, raw: &mut String, random: &mut u64) -> Verdict {
        if let Some(error) = self.unknown_model.take() {
            let asked = self.account.model_or(self.provider.defaults().model);
            return Verdict::Failed(Box::new(error.naming_models(asked, &model_names(&self.other_body))));
        }
        if !self.is_success() {
            let response =
                Response { status: self.status.unwrap_or(0), headers: &self.headers, body: &self.other_body };
            let error = Error::from_response(self.provider, &self.account, response);
            return self.failure(error, raw, random);
        }
        let outcome = self.decode(None, raw);
        self.release_held(raw, true);
        match self.judge(outcome, raw, random) {
            Verdict::Going => Verdict::Ended(FinishReason::Other),
            verdict => verdict,
        }
    }

    /// The transport failed, before an answer or in its middle.
    pub fn failed(&mut self, failure: &Failure, raw: &mut String, random: &mut u64) -> Verdict {
        if let Some(error) = self.unknown_model.take() {
            return Verdict::Failed(Box::new(error));
        }
        let outcome = if self.is_success() {
            // The end marker may have come with the last bytes before the cut.
            self.decode(None, raw)
        } else {
            None
        };
        self.release_held(raw, true);
        if let Some(Outcome::Done(reason)) = outcome {
            return Verdict::Ended(reason);
        }
        let error = Error::from_failure(self.provider, &self.account, &self.headers, failure);
        self.failure(error, raw, random)
    }

    /// How many bytes to read next; 0 while the editor has too much to show already.
    pub fn room(&mut self, now_ms: u64) -> usize {
        self.pipeline.at(now_ms).acquire().ok().flatten().unwrap_or(0)
    }

    /// The editor has shown what was received.
    pub fn shown(&mut self) {
        self.pipeline.release(usize::MAX);
    }

    /// Time from the request to its first text, in milliseconds, told once.
    pub fn take_latency(&mut self) -> Option<u64> {
        self.latency_ms.take()
    }

    /// How long ago its first text came, in milliseconds.
    pub fn writing_ms(&self, now_ms: u64) -> u64 {
        self.first_text_ms.map_or(0, |first| now_ms.saturating_sub(first))
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        match self.first_text_ms {
            None if self.thinking => Status::Thinking,
            None => Status::Waiting,
            Some(_) => {
                let counted = self.pipeline.metrics().snapshot();
                Status::Streaming {
                    tokens: counted.tokens(),
                    per_second: counted.pieces_per_second.unwrap_or(0.0) as u32,
                }
            }
        }
    }

    fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Decodes the next bytes, or with `None` the end of the body; appends text to `raw` and says how the
    /// answer ended, if it did.
    fn decode(&mut self, bytes: Option<&[u8]>, raw: &mut String) -> Option<Outcome> {
        let Self { pipeline, held, thinking, provider, account, headers, .. } = self;
        let mut outcome = None;
        let mut take = |token: StreamToken<'_>| match token {
            StreamToken::Text(text) => held.as_mut().unwrap_or(raw).push_str(&text),
            StreamToken::Delta(delta) if delta.index == 0 => {
                held.as_mut().unwrap_or(raw).push_str(&delta.content);
            }
            StreamToken::Reasoning(_) => *thinking = true,
            StreamToken::Done(Done { reason, index: 0 }) => outcome = Some(Outcome::Done(reason)),
            StreamToken::Error(error) => {
                outcome = Some(Outcome::Broken(Error::from_stream(*provider, account, headers, &error)));
            }
            _ => {}
        };
        match bytes {
            Some(bytes) => pipeline.push(bytes, &mut take),
            None => pipeline.finish(&mut take),
        }
        self.release_held(raw, false);
        outcome
    }

    /// Lets the text of a resumed response go once it is known how it joins.
    fn release_held(&mut self, raw: &mut String, ended: bool) {
        let Some(held) = &self.held else { return };
        if let Joint::Repeats(bytes) = joint(raw, held, self.provider.seam(&self.account), ended) {
            raw.push_str(held.get(bytes..).unwrap_or_default());
            self.held = None;
        }
    }

    fn judge(&mut self, outcome: Option<Outcome>, raw: &mut String, random: &mut u64) -> Verdict {
        match outcome {
            None => Verdict::Going,
            Some(Outcome::Done(reason)) => {
                self.release_held(raw, true);
                Verdict::Ended(reason)
            }
            Some(Outcome::Broken(error)) => {
                self.release_held(raw, true);
                self.failure(error, raw, random)
            }
        }
    }

    /// Tries again where that makes sense: another way to ask, the rest of a broken answer, or the same
    /// after a pause; or asks for what makes the error clearer.
    fn failure(&mut self, error: Error, raw: &str, random: &mut u64) -> Verdict {
        if error.kind == ErrorKind::NoFim
            && let Some(fim) = fim_fallback(self.provider, &self.account)
        {
            self.account.fim = fim;
            return Verdict::Again { delay_ms: 0 };
        }
        if error.kind == ErrorKind::Model
            && raw.is_empty()
            && self.provider.models_request(&self.account).is_some()
        {
            self.unknown_model = Some(error);
            return Verdict::Again { delay_ms: 0 };
        }
        let broke = matches!(error.kind, ErrorKind::Truncated | ErrorKind::Network | ErrorKind::Transient);
        if !raw.is_empty() && broke && self.resumes < RESUMES {
            self.resumes += 1;
            return Verdict::Again { delay_ms: 0 };
        }
        let attempt = retry::Attempt {
            retries: self.retries,
            error: &error,
            headers: &self.headers,
            invoked: self.invoked,
            random: next(random),
        };
        match retry::delay_ms(&attempt) {
            Some(delay_ms) if raw.is_empty() => {
                self.retries += 1;
                Verdict::Again { delay_ms }
            }
            _ => Verdict::Failed(Box::new(error)),
        }
    }
}

fn pipeline(provider: &dyn Provider, limits: Limits) -> StreamingPipeline<Decoder, StreamMetrics> {
    let decoder = provider.decoder().with_limit(limits.event_bytes as usize);
    StreamPipelineBuilder::new(decoder).metrics().backpressure(UNSHOWN).build()
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
    use crate::transport::FailureKind;

    const LIMITS: Limits = Limits { event_bytes: 1024, response_bytes: 4096 };
    const UNKNOWN: &[u8] = br#"{"error":{"message":"no such model","code":"model_not_found"}}"#;

    /// A session of OpenAI's whose first request is sent.
    fn session() -> Session {
        let account =
            Account { api_key: Secret::new("sk"), model: "gpt-4.1-mimi".into(), ..Account::default() };
        let mut session = Session::new(find("openai").unwrap(), account, Prompt::default(), false, LIMITS);
        session.request(0, "").unwrap();
        session
    }

    /// Feeds a whole response.
    fn answer(session: &mut Session, status: u16, body: &[u8]) -> Verdict {
        let (mut raw, mut random) = (String::new(), 1);
        session.head(status, &[]);
        match session.body(0, body, &mut raw, &mut random) {
            Verdict::Going => session.end(&mut raw, &mut random),
            verdict => verdict,
        }
    }

    fn message(verdict: Verdict) -> String {
        match verdict {
            Verdict::Failed(error) => error.message,
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn an_unknown_model_is_told_with_those_the_server_has() {
        let mut session = session();
        assert_eq!(answer(&mut session, 404, UNKNOWN), Verdict::Again { delay_ms: 0 });
        let list = session.request(0, "").unwrap();
        assert_eq!((list.url.as_str(), list.body), ("https://api.openai.com/v1/models", None));
        let message =
            message(answer(&mut session, 200, br#"{"data":[{"id":"sora"},{"id":"gpt-4.1-mini"}]}"#));
        assert!(message.contains("`gpt-4.1-mimi`"), "{message}");
        assert!(message.ends_with("It has `gpt-4.1-mini`, `sora`."), "{message}");
    }

    #[test]
    fn an_unknown_model_is_told_without_the_list_where_there_is_none() {
        type Fails = fn(&mut Session) -> Verdict;
        let fails: [Fails; 3] = [
            |session| answer(session, 404, b"<html>"),
            |session| answer(session, 200, b"{}"),
            |session| {
                let cut = Failure { kind: FailureKind::Cut, detail: String::new() };
                session.failed(&cut, &mut String::new(), &mut 1)
            },
        ];
        for fail in fails {
            let mut session = session();
            answer(&mut session, 404, UNKNOWN);
            session.request(0, "").unwrap();
            let message = message(fail(&mut session));
            assert!(message.contains("`gpt-4.1-mimi`") && !message.contains("It has"), "{message}");
        }
    }

    #[test]
    fn limits_hold_for_an_event_and_for_the_answer() {
        let event = |text: &str| {
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        };
        let message = message(answer(&mut session(), 200, event(&"x".repeat(2000)).as_bytes()));
        assert!(message.contains("1024 bytes"), "{message}");
        let long = event(&"x".repeat(900)).repeat(5);
        assert_eq!(answer(&mut session(), 200, long.as_bytes()), Verdict::Ended(FinishReason::Length));
    }
}
