//! The wire formats, one file each: how a prompt is put into a request, and how frames become tokens.

pub(super) mod chat_completions;
mod completions;
mod converse;
mod generate_content;
mod llama_cpp;
mod messages;
mod ollama;
mod responses;

pub(super) use self::chat_completions::{Chat, Resume};
pub(super) use self::completions::Completions;
pub(super) use self::converse::ConverseApi;
pub(super) use self::generate_content::GenerateContentApi;
pub(super) use self::llama_cpp::LlamaCppApi;
pub(super) use self::messages::MessagesApi;
pub(super) use self::ollama::OllamaApi;
pub(super) use self::responses::ResponsesApi;
use super::profile::Target;
use super::request::{Draft, Result};
use super::{Decoder, Prompt, Seam};

/// A wire format, and what a provider does differently from others of that format.
pub(super) trait Dialect: Sync {
    /// The request that asks for `prompt`.
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>>;

    /// A decoder of one response body: of chat completions, unless the format says otherwise.
    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    /// How an answer that broke off is continued: the model is told to, unless the format says otherwise.
    fn seam(&self, _target: Target<'_>) -> Seam {
        Seam::Instruction
    }

    /// The request that lists the models, if there is one.
    fn list_models<'a>(&self, target: Target<'a>) -> Result<Option<Draft<'a>>> {
        let path = target.profile.models_path;
        if path.is_empty() { Ok(None) } else { Draft::to(target, path).map(Some) }
    }
}
