//! What providers say when they refuse, and what to tell the user about it.

mod body;
mod classify;
mod clean;
mod refused;
mod sentence;
#[cfg(test)]
mod tests;

use std::fmt;

pub(super) use body::{exception, stream_error};
pub(super) use clean::{head, summary};
pub(super) use refused::refused_field;

use self::body::ErrorBody;
use self::classify::classify;
use super::{Account, Provider, retry};
use crate::stream::{ErrorKind, StreamError};
use crate::transport::Failure;

/// Why a completion failed, told so that the user knows what to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What class of failure it is.
    pub kind: ErrorKind,
    /// The provider's name in the settings.
    pub provider: &'static str,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// The provider's own code or type.
    pub code: Option<String>,
    /// The id the provider gave the request, for its support.
    pub request_id: Option<String>,
    /// How long to wait before the next try, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// One sentence or two: what happened and what to change. Never contains the key, control
    /// characters, or more than 400 characters.
    pub message: String,
}

/// What is known of a response that was not a success.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, or as much as was read of it.
    pub body: &'a [u8],
}

/// Headers in which providers name a request, the best first, with spaces between.
const REQUEST_ID_HEADERS: &str = "x-request-id request-id apim-request-id x-ds-trace-id mistral-correlation-id \
    x-kong-request-id x-generation-id x-amzn-requestid cf-ray";

/// Foreign words made fit for a message.
pub(super) fn clean_words(words: &str, secrets: &[&str]) -> String {
    clean::clean(words, 180, secrets)
}

/// The class of a response that is no success.
pub(super) fn classify_response(response: &Response<'_>) -> ErrorKind {
    classify(Some(response.status), &ErrorBody::of_body(response.body).signals)
}

impl Error {
    /// Of an answer whose status is not a success.
    pub fn from_response(provider: &dyn Provider, account: &Account, response: Response<'_>) -> Self {
        let body = ErrorBody::of_body(response.body);
        let header = |name: &str| super::header(response.headers, name);
        let code = body.code.clone().or_else(|| header("x-amzn-errortype").map(str::to_owned));
        let mut signals = body.signals.clone();
        signals.extend(header("x-amzn-errortype").map(str::to_ascii_lowercase));
        let secrets = account.secrets();
        let moved = header("location").filter(|_| (300..400).contains(&response.status));
        let moved = moved.map(|to| format!("moved to {to}"));
        let packed = packed(response.headers).filter(|_| std::str::from_utf8(response.body).is_err());
        let words = moved.or(packed).unwrap_or_else(|| body.message.clone());
        // A web page comes from something in between, which knows nothing of keys and models.
        let kind = match classify(Some(response.status), &signals) {
            ErrorKind::Auth | ErrorKind::Model | ErrorKind::Filtered if body.is_page => ErrorKind::Network,
            kind => kind,
        };
        let mut error = Self::under(provider, account, response.headers, kind);
        error.status = Some(response.status);
        error.code = code.map(|code| clean::clean(&code, 60, &secrets));
        error.request_id = error.request_id.or(body.request_id.map(|id| clean::clean(&id, 100, &secrets)));
        error.retry_after_ms =
            retry::retry_after_ms(response.headers, account.unix_time).or(body.retry_after_ms);
        error.explained(provider, account, &words)
    }

    /// Of an answer that ended in a way of which nothing can be shown. `message` says what to do.
    pub(super) fn of_ending(provider: &dyn Provider, kind: ErrorKind, message: &str) -> Self {
        let mut error = Self::new(provider, kind);
        error.message = clean::clean(message, MESSAGE_LIMIT, &[]);
        error
    }

    /// Of an error token in a stream whose response had these headers.
    pub fn from_stream(
        provider: &dyn Provider,
        account: &Account,
        headers: &[(String, String)],
        error: &StreamError<'_>,
    ) -> Self {
        // Of what cannot be read, nothing but this is known.
        let packed = packed(headers)
            .filter(|_| matches!(error.kind, ErrorKind::Truncated | ErrorKind::Malformed))
            .map(|words| (ErrorKind::Malformed, words));
        let (kind, words) = packed.unwrap_or_else(|| (error.kind, error.message.to_string()));
        let mut told = Self::under(provider, account, headers, kind);
        told.code = error.code.as_ref().map(|code| clean::clean(code, 60, &account.secrets()));
        told.retry_after_ms = error.retry_after_ms;
        told.explained(provider, account, &words)
    }

    /// Of a request that got no whole answer, after these headers or none.
    pub fn from_failure(
        provider: &dyn Provider,
        account: &Account,
        headers: &[(String, String)],
        failure: &Failure,
    ) -> Self {
        let mut error = Self::under(provider, account, headers, sentence::kind_of(failure.kind));
        let words = clean::clean(&failure.detail, 240, &account.secrets());
        error.message = sentence::of_failure(provider, account, failure.kind, &words);
        error.advised(provider, account.model_or(provider.defaults().model))
    }

    /// Of settings from which no request can be made. `message` names the setting.
    pub fn of_settings(provider: &dyn Provider, kind: ErrorKind, message: &str) -> Self {
        let mut error = Self::new(provider, kind);
        error.message = message.to_owned();
        error.advised(provider, "")
    }

    /// As [`new`](Self::new), with what the headers of the response call it.
    fn under(
        provider: &dyn Provider,
        account: &Account,
        headers: &[(String, String)],
        kind: ErrorKind,
    ) -> Self {
        let id = REQUEST_ID_HEADERS.split(' ').find_map(|name| super::header(headers, name));
        let request_id = id.map(|id| clean::clean(id, 100, &account.secrets()));
        Self { request_id, ..Self::new(provider, kind) }
    }

    /// Without anything but its class.
    fn new(provider: &dyn Provider, kind: ErrorKind) -> Self {
        Self {
            kind,
            provider: provider.name(),
            status: None,
            code: None,
            request_id: None,
            retry_after_ms: None,
            message: String::new(),
        }
    }

    /// Begins with what the server has instead of the model `asked` for, the likeliest names first.
    /// `listed` is what [`model_names`](super::model_names) found.
    pub fn naming_models(mut self, asked: &str, listed: &[String]) -> Self {
        if let Some(names) = sentence::nearest(asked, listed) {
            // It may begin by saying that `model` is to be set.
            let rest = self.message.strip_prefix("Set `model`: ").unwrap_or(&self.message);
            let message = ["Set `model`: there is ", &names, ". ", &begun(rest)].concat();
            self.message = clean::clean(&message, MESSAGE_LIMIT, &[]);
        }
        self
    }

    fn explained(mut self, provider: &dyn Provider, account: &Account, words: &str) -> Self {
        let words = clean::clean(words, 180, &account.secrets());
        self.message = sentence::of_answer(provider, account, &self, &words);
        self.advised(provider, account.model_or(provider.defaults().model))
    }

    fn advised(mut self, provider: &dyn Provider, model: &str) -> Self {
        if let Some(advice) = provider.advice(&self, model) {
            self.message.push(' ');
            self.message.push_str(&advice);
        }
        self.message = clean::clean(&begun(&self.message), MESSAGE_LIMIT, &[]);
        self
    }
}

/// The sentence, which may begin with a title like "the server", with its capital letter.
fn begun(sentence: &str) -> String {
    sentence.strip_prefix("the ").map_or(sentence.to_owned(), |rest| ["The ", rest].concat())
}

/// What to say of a body that the server, or a gateway before it, has compressed: nobody asks for that, for what is
/// compressed does not stream.
fn packed(headers: &[(String, String)]) -> Option<String> {
    let coding = super::header(headers, "content-encoding")?;
    let is_plain = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    (!is_plain).then(|| format!("the body is compressed ({coding}), which was not asked for"))
}

/// Characters a message may have.
const MESSAGE_LIMIT: usize = 400;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Box<Error>> for Error {
    fn from(error: Box<Error>) -> Self {
        *error
    }
}
