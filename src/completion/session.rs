//! One generation: a request, its answer as it streams in, its retries and its resumption.

use super::engine::Status;
use super::seam::{Joint, joint};
use crate::provider::{
    Account, Decoder, Error, HttpRequest, Prompt, Provider, Response, Seam, fim_fallback, retry,
};
use crate::stream::{
    Done, ErrorKind, FinishReason, StreamMetrics, StreamPipelineBuilder, StreamToken, StreamingPipeline,
};
use crate::transport::Failure;

/// An error body longer than this says nothing more, in bytes.
const ERROR_BODY: usize = 64 * 1024;
/// How often a broken stream is resumed before what was received has to do.
const RESUMES: u32 = 2;

/// A generation from its first request to its end.
pub struct Session {
    provider: &'static dyn Provider,
    account: Account,
    prompt: Prompt,
    invoked: bool,
    response_bytes: usize,
    pipeline: StreamingPipeline<Decoder, StreamMetrics>,
    retries: u32,
    resumes: u32,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    error_body: Vec<u8>,
    body_bytes: usize,
    /// Text of a resumed response that may yet turn out to repeat what was received.
    held: Option<String>,
    started_ms: u64,
    first_text_ms: Option<u64>,
    latency_ms: Option<u64>,
    thinking: bool,
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
        response_bytes: usize,
    ) -> Self {
        Self {
            provider,
            account,
            prompt,
            invoked,
            response_bytes,
            pipeline: StreamPipelineBuilder::new(provider.decoder()).metrics().build(),
            retries: 0,
            resumes: 0,
            status: None,
            headers: Vec::new(),
            error_body: Vec::new(),
            body_bytes: 0,
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
        self.pipeline = StreamPipelineBuilder::new(self.provider.decoder()).metrics().build();
        self.status = None;
        self.headers.clear();
        self.error_body.clear();
        self.body_bytes = 0;
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
        if !self.is_success() {
            let room = ERROR_BODY.saturating_sub(self.error_body.len());
            self.error_body.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            return Verdict::Going;
        }
        self.body_bytes += bytes.len();
        if self.body_bytes > self.response_bytes {
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
        if !self.is_success() {
            let response =
                Response { status: self.status.unwrap_or(0), headers: &self.headers, body: &self.error_body };
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
        let error = Error::from_failure(self.provider, &self.account, failure);
        self.failure(error, raw, random)
    }

    /// Time from the request to its first text, in milliseconds, told once.
    pub fn take_latency(&mut self) -> Option<u64> {
        self.latency_ms.take()
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
        let Self { pipeline, held, thinking, provider, account, .. } = self;
        let mut outcome = None;
        let mut take = |token: StreamToken<'_>| match token {
            StreamToken::Text(text) => held.as_mut().unwrap_or(raw).push_str(&text),
            StreamToken::Delta(delta) if delta.index == 0 => {
                held.as_mut().unwrap_or(raw).push_str(&delta.content);
            }
            StreamToken::Reasoning(_) => *thinking = true,
            StreamToken::Done(Done { reason, index: 0 }) => outcome = Some(Outcome::Done(reason)),
            StreamToken::Error(error) => {
                outcome = Some(Outcome::Broken(Error::from_stream(*provider, account, &error)));
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
        let told = self.provider.seam(&self.account) == Seam::Instruction;
        if let Joint::Repeats(bytes) = joint(raw, held, told, ended) {
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
    /// after a pause.
    fn failure(&mut self, error: Error, raw: &str, random: &mut u64) -> Verdict {
        if error.kind == ErrorKind::NoFim
            && let Some(fim) = fim_fallback(self.provider, &self.account)
        {
            self.account.fim = fim;
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

/// The next number of a xorshift generator: enough for the jitter of a back-off.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}
