//! Providers: a prompt becomes an HTTP request, frames become tokens, an error body becomes an [`Error`].
//! Nothing here does IO.
//!
//! [`registry`] lists the providers, one row each. A row names its wire format ([`dialect`]) and what it does
//! differently from others of that format.

mod address;
mod decoder;
mod dialect;
pub mod ending;
mod envelope;
mod error;
mod event_stream;
mod fim;
mod finish;
mod infill_prompt;
pub mod key;
pub mod learned;
mod leniency;
#[cfg(feature = "memo")]
mod memo;
mod models;
mod pieces;
mod profile;
mod prompt;
mod reasoning;
mod registry;
mod request;
pub mod resume;
pub mod retry;
mod sigv4;
#[cfg(test)]
mod testing;
mod url;
mod usage;

pub use decoder::{Decoder, Ends, Frame, Framing, Wire};
pub use error::{Error, Response};
pub use fim::names as fim_names;
pub use infill_prompt::MOST_INSTRUCTIONS;
pub use models::model_names;
pub use prompt::{Account, FimSetting, Prompt, Snippet};
pub use reasoning::Reasoning;
pub use registry::{find, names};
pub use request::missing_key;
pub use resume::Seam;
pub(crate) use sigv4::hex;

use crate::http::HttpRequest;

/// One provider of completions: what the user names in the settings.
pub trait Provider: Sync {
    /// Its name in the settings and on the command line.
    fn name(&self) -> &'static str;

    /// Its name in sentences: `OpenAI`, `llama.cpp`.
    fn title(&self) -> &'static str;

    /// What holds when the user does not say otherwise.
    fn defaults(&self) -> Defaults;

    /// The request that asks for `prompt`.
    ///
    /// # Errors
    /// [`Error`] naming the setting that is missing or wrong.
    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error>;

    /// A decoder for one response body of status 200.
    fn decoder(&self) -> Decoder;

    /// How [`Prompt::received`] is continued under this account.
    fn seam(&self, account: &Account) -> Seam;

    /// The request that lists the models the server has, if it can.
    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        let _ = account;
        None
    }

    /// What a user can do about `error` at this provider: the command that starts a local server, the page
    /// where keys are made. `model` is the one that was asked for. One sentence.
    fn advice(&self, error: &Error, model: &str) -> Option<String> {
        let _ = (error, model);
        None
    }
}

/// What holds when the user does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Base URL without a trailing slash; empty: the user must give one.
    pub base_url: &'static str,
    /// The model; empty: the user must name one, unless the server serves only one.
    pub model: &'static str,
    /// Environment variables that may hold the key, first found wins.
    pub key_env: &'static [&'static str],
    /// Whether a request without a key makes sense.
    pub needs_key: bool,
    /// Whether using it costs money by the token (decides about speculative requests).
    pub paid: bool,
}

/// The value of the header of that name, which is in lower case.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
