//! Any server that speaks OpenAI's dialect: chat, unless the setting `fim` says otherwise.

use super::fim::Way;
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `openai-compatible`
pub(super) struct OpenAiCompatible;

impl Provider for OpenAiCompatible {
    fn name(&self) -> &'static str {
        "openai-compatible"
    }

    fn title(&self) -> &'static str {
        "The server"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "",
            model: "",
            key_env: &["OPENAI_COMPATIBLE_API_KEY"],
            needs_key: false,
            paid: false,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // Nothing but what all of them take: no `stream_options`.
        completions::draft(self, account, prompt, Way::Chat)?.temperature().post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        completions::seam(self, account, Way::Chat)
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        (error.kind == ErrorKind::NoFim).then(|| "`fim` may be `chat` here.".to_owned())
    }
}
