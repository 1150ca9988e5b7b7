//! One file per wire format: a prompt becomes an HTTP request, frames become tokens, an error body
//! becomes an [`Error`]. Nothing here does IO.

mod anthropic;
mod azure;
mod bedrock;
mod chat_completions;
mod claude;
mod codestral;
mod completions;
mod decoder;
mod deepseek;
mod deepseek_fim;
mod envelope;
mod error;
mod event_stream;
mod fim;
mod finish;
mod gemini;
mod generate_content;
mod groq;
mod hole;
mod llama_cpp;
mod lm_studio;
mod mercury;
mod messages;
mod mistral;
mod models;
mod ollama;
mod openai;
mod openai_account;
mod openai_compatible;
mod openai_completions;
mod openai_responses;
mod openrouter;
mod prompt;
mod reasoning;
mod request;
mod responses;
pub mod retry;
mod sigv4;
#[cfg(test)]
mod testing;
mod url;
mod usage;
mod vertex;
mod vertex_anthropic;
mod vertex_gemini;
mod vllm;
mod xai;

pub use decoder::{Decoder, Ends, Frame, Framing, Wire};
pub(crate) use error::is_invisible;
pub use error::{Error, Response};
pub use fim::{fallback as fim_fallback, names as fim_names};
pub use models::model_names;
pub use prompt::{Account, FimSetting, Prompt, Seam, Snippet};
pub(crate) use sigv4::hex;

use crate::http::{HttpRequest, Secret};

/// One provider of completions: what the user names in the settings.
pub trait Provider: Sync {
    /// Its name in the settings and on the command line.
    fn name(&self) -> &'static str;

    /// Its name in sentences: `OpenAI`, `llama.cpp`.
    fn title(&self) -> &'static str;

    /// What the settings are when the user does not say.
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

    /// What a user can do about `error` at this provider that is not true of all: the command that
    /// starts a local server, the page with the keys. One sentence.
    fn advice(&self, error: &Error) -> Option<String> {
        let _ = error;
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

/// Every provider, in the order shown to users. Adding one is its file and its line here.
static PROVIDERS: &[&dyn Provider] = &[
    &openai::OpenAi,
    &openai_responses::OpenAiResponses,
    &openai_completions::OpenAiCompletions,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &vertex_gemini::VertexGemini,
    &vertex_anthropic::VertexAnthropic,
    &mistral::Mistral,
    &codestral::Codestral,
    &deepseek::DeepSeek,
    &deepseek_fim::DeepSeekFim,
    &openrouter::OpenRouter,
    &azure::Azure,
    &bedrock::Bedrock,
    &ollama::Ollama,
    &llama_cpp::LlamaCpp,
    &vllm::Vllm,
    &lm_studio::LmStudio,
    &groq::Groq,
    &xai::Xai,
    &mercury::Mercury,
    &openai_compatible::OpenAiCompatible,
];

/// The provider of that name in the settings.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.name() == name)
}

/// The names of all providers, in the order shown to users.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.name())
}

/// The value of the header of that name, which is in lower case.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests;
