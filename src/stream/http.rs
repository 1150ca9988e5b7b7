//! A model's answer over HTTP: requests, retries and resumption around the pipeline.

use std::collections::VecDeque;
use std::fmt::Display;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use http_body::Body;

use super::futures::TokenStream;
use super::{Decode, ErrorKind, Measure, StreamError, StreamToken, StreamingPipeline};

/// Of the body of a response that is no answer, this much goes into the error, in bytes.
const ERROR_BODY: usize = 4 << 10;

/// Streams the tokens of one answer over HTTP, and asks again when the server is busy or the connection
/// breaks.
///
/// The handler has neither a client nor a timer of its own. A closure sends each request and returns the
/// response of hyper, of reqwest (`http::Response::from(response)`) or of any client whose bodies are
/// [`http_body::Body`]; before it sends it waits for [`Attempt::wait_ms`] with the timer of its executor.
/// `examples/http.rs` shows it over hyper and tokio.
///
/// ```
/// use std::collections::VecDeque;
/// use std::convert::Infallible;
///
/// use ai_completion::provider;
/// use ai_completion::stream::{Attempt, HttpStreamHandler, Joint, StreamPipelineBuilder};
/// use futures::executor::block_on_stream;
///
/// let piece = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
/// // The server is busy, then breaks off, then ends as it should.
/// let mut responses = VecDeque::from([
///     (503, "busy".to_owned()),
///     (200, piece("let ")),
///     (200, piece("x = 1;") + "data: [DONE]\n\n"),
/// ]);
/// let send = move |attempt: Attempt| {
///     let (status, body) = responses.pop_front().expect("three requests are sent");
///     assert_eq!(attempt.received, if responses.is_empty() { "let " } else { "" });
///     let response = http::Response::builder().status(status).body(body).expect("the status is valid");
///     async { Ok::<_, Infallible>(response) }
/// };
/// let decoder = || provider::find("openai").expect("there is one of that name").decoder();
/// let tokens = HttpStreamHandler::new(move || StreamPipelineBuilder::new(decoder()).build())
///     .retries(2)
///     .resumes(1, Joint::Continues)
///     .stream(send);
/// let mut answer = String::new();
/// for token in block_on_stream(tokens) {
///     answer.push_str(token?.text().unwrap_or_default());
/// }
/// assert_eq!(answer, "let x = 1;");
/// # Ok::<(), ai_completion::stream::StreamError<'static>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpStreamHandler<P> {
    pipeline: P,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    retries: u32,
    resumes: u32,
    joint: Joint,
    backoff_ms: u64,
    longest_wait_ms: u64,
}

/// One request to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How many were sent before it for this answer.
    pub number: u32,
    /// How long to wait before sending it, in milliseconds.
    pub wait_ms: u64,
    /// The text of the first choice so far. When it is not empty, the request resumes a broken answer.
    pub received: String,
}

/// How the response to a resuming request joins the text that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// It goes on where the text ended: the request contained the text.
    Continues,
    /// It begins anew with the same text, which is left out: the request was the first one again. If the
    /// text turns out to differ, the error that broke the answer is its end.
    Repeats,
}

impl<P, D, M> HttpStreamHandler<P>
where
    P: FnMut() -> StreamingPipeline<D, M> + Send + 'static,
    D: Decode + Send + 'static,
    M: Measure + Send + 'static,
{
    /// A handler that sends one request and no other. `pipeline` makes a fresh pipeline for each response.
    pub fn new(pipeline: P) -> Self {
        let limits = Limits {
            retries: 0,
            resumes: 0,
            joint: Joint::Continues,
            backoff_ms: 500,
            longest_wait_ms: 30_000,
        };
        Self { pipeline, limits }
    }

    /// Asks up to `retries` times again while no text has come and trying again may help.
    pub fn retries(mut self, retries: u32) -> Self {
        self.limits.retries = retries;
        self
    }

    /// Resumes an answer that broke off after some text up to `resumes` times, at once.
    pub fn resumes(mut self, resumes: u32, joint: Joint) -> Self {
        self.limits.resumes = resumes;
        self.limits.joint = joint;
        self
    }

    /// How long a retry waits, in milliseconds: `first_ms` doubled with each retry, or what the server says
    /// in `Retry-After` (in seconds), but at most `longest_ms`. By default 500 ms and 30 s.
    pub fn backoff(mut self, first_ms: u64, longest_ms: u64) -> Self {
        self.limits.backoff_ms = first_ms;
        self.limits.longest_wait_ms = longest_ms;
        self
    }

    /// The tokens of the answer. `send` sends a request; it is first called when the stream is first
    /// polled. Dropping the stream drops the response's body, and with it the connection.
    pub fn stream<S, F, B, E>(
        self,
        send: S,
    ) -> BoxStream<'static, Result<StreamToken<'static>, StreamError<'static>>>
    where
        S: FnMut(Attempt) -> F + Send + 'static,
        F: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Display,
        E: Display + 'static,
    {
        Box::pin(Answer {
            pipeline: self.pipeline,
            limits: self.limits,
            send,
            state: State::Waiting { wait_ms: 0 },
            sent: 0,
            retries: 0,
            resumes: 0,
            received: String::new(),
            repeated: None,
            tokens: VecDeque::new(),
        })
    }
}

/// One answer on its way.
struct Answer<P, S, F, B, D, M> {
    pipeline: P,
    limits: Limits,
    send: S,
    state: State<F, B, D, M>,
    sent: u32,
    retries: u32,
    resumes: u32,
    received: String,
    repeated: Option<Repeated>,
    tokens: VecDeque<StreamToken<'static>>,
}

/// The tokens of one response; without a clock.
type Tokens<B, D, M> = TokenStream<Chunks<B>, D, M, fn() -> u64>;

enum State<F, B, D, M> {
    /// The next request is to be sent.
    Waiting {
        wait_ms: u64,
    },
    Sending(Pin<Box<F>>),
    Reading(Pin<Box<Tokens<B, D, M>>>),
    /// The response is no answer; its body says why.
    Refused {
        status: u16,
        retry_after_ms: Option<u64>,
        body: Pin<Box<Chunks<B>>>,
        text: Vec<u8>,
    },
    Over,
}

/// What a response repeats of the text that was received before it.
struct Repeated {
    /// Bytes of the text that have come again.
    bytes: usize,
    /// What broke the answer; its end if the texts differ.
    error: StreamError<'static>,
}

// Nothing is pinned in place: futures and bodies are boxed.
impl<P, S, F, B, D, M> Unpin for Answer<P, S, F, B, D, M> {}

impl<P, S, F, B, E, D, M> Stream for Answer<P, S, F, B, D, M>
where
    P: FnMut() -> StreamingPipeline<D, M>,
    S: FnMut(Attempt) -> F,
    F: Future<Output = Result<http::Response<B>, E>>,
    B: Body,
    B::Error: Display,
    E: Display,
    D: Decode,
    M: Measure,
{
    type Item = Result<StreamToken<'static>, StreamError<'static>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(token) = this.tokens.pop_front() {
                return Poll::Ready(Some(Ok(token)));
            }
            let outcome = match &mut this.state {
                State::Over => return Poll::Ready(None),
                State::Waiting { wait_ms } => {
                    let attempt =
                        Attempt { number: this.sent, wait_ms: *wait_ms, received: this.received.clone() };
                    this.sent += 1;
                    this.state = State::Sending(Box::pin((this.send)(attempt)));
                    continue;
                }
                State::Sending(response) => match ready!(response.as_mut().poll(cx)) {
                    Ok(response) => {
                        this.state = this.head(response);
                        continue;
                    }
                    Err(error) => Err((super::futures::broken(&error), None)),
                },
                State::Refused { status, retry_after_ms, body, text } => {
                    match ready!(body.as_mut().poll_next(cx)) {
                        Some(Ok(chunk)) if text.len() < ERROR_BODY => {
                            text.extend(chunk.iter().take(ERROR_BODY - text.len()));
                            continue;
                        }
                        _ => Err((refusal(*status, *retry_after_ms, text), *retry_after_ms)),
                    }
                }
                State::Reading(tokens) => match ready!(tokens.as_mut().poll_next(cx)) {
                    Some(Ok(token)) => this.take(token),
                    Some(Err(error)) => {
                        let wait_ms = error.retry_after_ms;
                        Err((error, wait_ms))
                    }
                    None => {
                        this.state = State::Over;
                        continue;
                    }
                },
            };
            if let Err((error, wait_ms)) = outcome
                && let Some(error) = this.failed(error, wait_ms)
            {
                this.state = State::Over;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl<P, S, F, B, D, M> Answer<P, S, F, B, D, M>
where
    P: FnMut() -> StreamingPipeline<D, M>,
    B: Body,
    B::Error: Display,
    D: Decode,
    M: Measure,
{
    fn head(&mut self, response: http::Response<B>) -> State<F, B, D, M> {
        let status = response.status().as_u16();
        let seconds = response.headers().get(http::header::RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        let chunks = Chunks { body: response.into_body() };
        if (200..300).contains(&status) {
            let no_clock: fn() -> u64 = || 0;
            State::Reading(Box::pin(TokenStream::new((self.pipeline)(), chunks, no_clock)))
        } else {
            let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1000));
            State::Refused { status, retry_after_ms, body: Box::pin(chunks), text: Vec::new() }
        }
    }

    /// Hands a token on, without the text that the response repeats.
    ///
    /// # Errors
    /// The error that broke the answer, when the response does not repeat its text.
    fn take(&mut self, mut token: StreamToken<'static>) -> Result<(), (StreamError<'static>, Option<u64>)> {
        let Some(text) = token.text().filter(|_| token.choice() == 0) else {
            self.tokens.push_back(token);
            return Ok(());
        };
        if let Some(repeated) = &mut self.repeated {
            let expected = self.received.get(repeated.bytes..).unwrap_or_default();
            if let Some(rest) = text.strip_prefix(expected) {
                self.repeated = None;
                token = StreamToken::Text(rest.to_owned().into());
            } else if expected.starts_with(text) {
                repeated.bytes += text.len();
                return Ok(());
            } else {
                // Another try would differ as well.
                self.resumes = self.limits.resumes;
                return Err((repeated.error.clone(), None));
            }
        }
        if let Some(text) = token.text().filter(|text| !text.is_empty()) {
            self.received.push_str(text);
            self.tokens.push_back(token);
        }
        Ok(())
    }

    /// Tries again where that makes sense; else gives the error back.
    fn failed(&mut self, error: StreamError<'static>, wait_ms: Option<u64>) -> Option<StreamError<'static>> {
        let Limits { retries, resumes, joint, backoff_ms, longest_wait_ms } = self.limits;
        let broke = matches!(error.kind, ErrorKind::Truncated | ErrorKind::Network | ErrorKind::Transient);
        let wait_ms = if self.received.is_empty() {
            if !(broke || error.kind == ErrorKind::RateLimited) || self.retries == retries {
                return Some(error);
            }
            let doubled = backoff_ms.saturating_mul(1u64.checked_shl(self.retries).unwrap_or(u64::MAX));
            self.retries += 1;
            wait_ms.unwrap_or(doubled).min(longest_wait_ms)
        } else {
            if !broke || self.resumes == resumes {
                return Some(error);
            }
            self.resumes += 1;
            wait_ms.unwrap_or(0).min(longest_wait_ms)
        };
        self.repeated =
            (joint == Joint::Repeats && !self.received.is_empty()).then_some(Repeated { bytes: 0, error });
        self.state = State::Waiting { wait_ms };
        None
    }
}

/// What a response of that status says.
fn refusal(status: u16, retry_after_ms: Option<u64>, body: &mut Vec<u8>) -> StreamError<'static> {
    let kind = match status {
        401 | 403 => ErrorKind::Auth,
        402 => ErrorKind::Quota,
        404 => ErrorKind::Model,
        413 => ErrorKind::TooLong,
        429 => ErrorKind::RateLimited,
        408 | 425 | 500.. => ErrorKind::Transient,
        _ => ErrorKind::Request,
    };
    let body = mem::take(body);
    let text = String::from_utf8_lossy(&body);
    let text = text.trim();
    let message = match text.is_empty() {
        true => format!("the server answered with status {status}"),
        false => format!("the server answered with status {status}: {text}"),
    };
    StreamError { kind, code: Some(status.to_string().into()), message: message.into(), retry_after_ms }
}

pin_project_lite::pin_project! {
    /// The data of a body, chunk by chunk.
    struct Chunks<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body> Stream for Chunks<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.project().body;
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers say nothing about the answer.
                    if let Ok(mut data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests;
