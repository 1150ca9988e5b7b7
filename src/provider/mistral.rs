//! Mistral: chat completions. Its FIM is a format of its own, see `codestral`.

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `mistral`
pub(super) struct Mistral;

impl Provider for Mistral {
    fn name(&self) -> &'static str {
        "mistral"
    }

    fn title(&self) -> &'static str {
        "Mistral"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.mistral.ai/v1",
            model: "codestral-latest",
            key_env: &["MISTRAL_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // No `stream_options`: usage comes unasked with the last chunk.
        Draft::to(self, account, "/chat/completions")?
            .bearer()?
            .header("accept", "text/event-stream")
            .chat(prompt, self.seam(account))
            .set("max_tokens", prompt.max_tokens)
            .temperature()
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefill
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        (error.kind == ErrorKind::Auth).then(|| {
            "Keys are made at https://console.mistral.ai; one for Codestral needs the provider `codestral`.".to_owned()
        })
    }
}
