//! What a model's answer is made of, whichever provider wrote it.

use std::borrow::Cow;
use std::fmt;

/// One piece of an answer, borrowed from the bytes it arrived in.
///
/// A decoder emits tokens in stream order and ends with exactly one of [`Done`](Self::Done) (one per
/// choice when several were asked for) or [`Error`](Self::Error).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamToken<'a> {
    /// Text of the first choice.
    Text(Cow<'a, str>),
    /// Text that carries more than itself: another choice's, or with its log-probability.
    Delta(TextDelta<'a>),
    /// The model's thinking. Never part of the answer.
    Reasoning(Cow<'a, str>),
    /// The model declining, in its own words. Never part of the answer.
    Refusal(Cow<'a, str>),
    /// A piece of a legacy OpenAI `function_call`.
    FunctionCall(FunctionCall<'a>),
    /// A piece of a tool call.
    ToolCall(ToolCall<'a>),
    /// Token counts so far; a later one replaces the earlier.
    Usage(Usage),
    /// The answer of one choice is complete.
    Done(Done),
    /// The stream broke. What came before stays valid.
    Error(StreamError<'a>),
}

impl<'a> StreamToken<'a> {
    /// The answer text it carries; `None` for everything that is not part of the answer.
    ///
    /// ```
    /// use ai_completion::stream::StreamToken;
    ///
    /// assert_eq!(StreamToken::Text("let".into()).text(), Some("let"));
    /// assert_eq!(StreamToken::Reasoning("hm".into()).text(), None);
    /// ```
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Delta(delta) => Some(&delta.content),
            _ => None,
        }
    }

    /// Which choice it belongs to. Only [`Delta`](Self::Delta), [`ToolCall`](Self::ToolCall) and
    /// [`Done`](Self::Done) name one, the rest is the first's.
    pub fn choice(&self) -> u32 {
        match self {
            Self::Delta(delta) => delta.index,
            Self::ToolCall(call) => call.choice,
            Self::Done(done) => done.index,
            _ => 0,
        }
    }

    /// The same token, free of the bytes it arrived in.
    ///
    /// ```
    /// use ai_completion::stream::StreamToken;
    ///
    /// let kept = {
    ///     let chunk = String::from("fn main");
    ///     StreamToken::Text(chunk.as_str().into()).into_owned()
    /// };
    /// assert_eq!(kept.text(), Some("fn main"));
    /// ```
    pub fn into_owned(self) -> StreamToken<'static> {
        match self {
            Self::Text(text) => StreamToken::Text(owned(text)),
            Self::Delta(delta) => StreamToken::Delta(TextDelta {
                content: owned(delta.content),
                index: delta.index,
                logprob: delta.logprob,
            }),
            Self::Reasoning(text) => StreamToken::Reasoning(owned(text)),
            Self::Refusal(text) => StreamToken::Refusal(owned(text)),
            Self::FunctionCall(call) => StreamToken::FunctionCall(FunctionCall {
                name: call.name.map(owned),
                arguments: owned(call.arguments),
            }),
            Self::ToolCall(call) => StreamToken::ToolCall(ToolCall {
                choice: call.choice,
                index: call.index,
                id: call.id.map(owned),
                name: call.name.map(owned),
                arguments: owned(call.arguments),
            }),
            Self::Usage(usage) => StreamToken::Usage(usage),
            Self::Done(done) => StreamToken::Done(done),
            Self::Error(error) => StreamToken::Error(error.into_owned()),
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

/// Text of one choice among several, or with its log-probability.
#[derive(Debug, Clone, PartialEq)]
pub struct TextDelta<'a> {
    /// The text.
    pub content: Cow<'a, str>,
    /// Which choice it belongs to, from 0.
    pub index: u32,
    /// Natural logarithm of the text's probability, when asked for. Of several tokens, their sum.
    pub logprob: Option<f64>,
}

/// A piece of a legacy OpenAI function call; pieces concatenate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionCall<'a> {
    /// The function's name, in the first piece.
    pub name: Option<Cow<'a, str>>,
    /// A piece of the JSON text of its arguments.
    pub arguments: Cow<'a, str>,
}

/// A piece of a tool call; pieces with the same `choice` and `index` concatenate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCall<'a> {
    /// Which choice it belongs to, from 0.
    pub choice: u32,
    /// Position of the call in its choice, from 0.
    pub index: u32,
    /// The call's id, in its first piece.
    pub id: Option<Cow<'a, str>>,
    /// The tool's name, in its first piece.
    pub name: Option<Cow<'a, str>>,
    /// A piece of the JSON text of its arguments.
    pub arguments: Cow<'a, str>,
}

/// Token counts as the provider states them. `None`: not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included where the provider includes them.
    pub input: Option<u64>,
    /// Tokens of the answer, reasoning included where the provider includes it.
    pub output: Option<u64>,
    /// Tokens of the prompt read from the provider's cache.
    pub cached: Option<u64>,
    /// Tokens spent on reasoning.
    pub reasoning: Option<u64>,
}

/// The end of one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Why the model stopped.
    pub reason: FinishReason,
    /// Which choice ended, from 0.
    pub index: u32,
}

/// Why a model stopped, normalised over providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done or met a stop sequence.
    Stop,
    /// A token limit cut the answer.
    Length,
    /// The model wants a tool's result.
    ToolCalls,
    /// A safety filter withheld the answer, or the rest of it.
    Filter,
    /// The model itself refused.
    Refusal,
    /// The model wrote a tool call that cannot be read, or one that nobody offered.
    MalformedToolCall,
    /// The provider failed after it had begun.
    Error,
    /// Anything else, unknown names included.
    Other,
}

impl FinishReason {
    /// Its name on the command line and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Filter => "filter",
            Self::Refusal => "refusal",
            Self::MalformedToolCall => "malformed_tool_call",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
}

/// A failure said by the stream itself, or seen in its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamError<'a> {
    /// What class of failure it is; decides whether trying again makes sense.
    pub kind: ErrorKind,
    /// The provider's own code or type, if it gave one.
    pub code: Option<Cow<'a, str>>,
    /// The provider's words, or ours where it had none.
    pub message: Cow<'a, str>,
    /// How long the provider asks to wait before the next try, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl StreamError<'_> {
    /// The same error, free of the bytes it arrived in.
    pub fn into_owned(self) -> StreamError<'static> {
        StreamError {
            kind: self.kind,
            code: self.code.map(owned),
            message: owned(self.message),
            retry_after_ms: self.retry_after_ms,
        }
    }
}

impl fmt::Display for StreamError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StreamError<'_> {}

/// Classes of failure, by what the user or the plugin can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Missing, wrong or forbidden key.
    Auth,
    /// No credit or quota left.
    Quota,
    /// Unknown model, deployment or path.
    Model,
    /// The prompt does not fit the model's context.
    TooLong,
    /// Prompt or answer was refused by a filter.
    Filtered,
    /// The model or server cannot fill in the middle as asked.
    NoFim,
    /// Too many requests; see the retry delay.
    RateLimited,
    /// The provider is overloaded or failed; trying again may help.
    Transient,
    /// The stream ended before its end marker.
    Truncated,
    /// Bytes that are not what the format says.
    Malformed,
    /// The server could not be reached: name, connection, TLS.
    Network,
    /// A limit of ours was exceeded: event size, response size, the token limit.
    Limit,
    /// The server sent nothing for too long.
    Timeout,
    /// The request itself was wrong in some other way.
    Request,
}

impl ErrorKind {
    /// Its name on the command line and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Model => "model",
            Self::TooLong => "too_long",
            Self::Filtered => "filtered",
            Self::NoFim => "no_fim",
            Self::RateLimited => "rate_limited",
            Self::Transient => "transient",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Network => "network",
            Self::Limit => "limit",
            Self::Timeout => "timeout",
            Self::Request => "request",
        }
    }
}

/// Something that takes tokens one by one, borrowed only for the call.
///
/// Every `FnMut(StreamToken<'_>)` is one.
pub trait Sink {
    /// Takes the next token of the stream.
    fn token(&mut self, token: StreamToken<'_>);
}

impl<F: FnMut(StreamToken<'_>)> Sink for F {
    fn token(&mut self, token: StreamToken<'_>) {
        self(token)
    }
}

/// Bytes of one response in, tokens out. Sans-IO; any chunking gives the same tokens.
pub trait Decode {
    /// Decodes the next bytes of the body.
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink)
    where
        Self: Sized;

    /// The body is over: emits what was still held and says how the stream ended.
    /// `Done` if the format's end marker (or what stands for it) was seen, else an `Error` of kind
    /// [`ErrorKind::Truncated`].
    fn finish(&mut self, sink: &mut impl Sink)
    where
        Self: Sized;
}
