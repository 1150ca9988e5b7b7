//! OpenAI's chat completions.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};

/// `openai`
pub(super) struct OpenAi;

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn title(&self) -> &'static str {
        "OpenAI"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.openai.com/v1",
            model: "gpt-4.1-mini",
            key_env: &["OPENAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        Draft::to(self, account, "/chat/completions")?
            .bearer()?
            .chat(prompt, self.seam(account))
            .openai_dials(model, prompt, "max_completion_tokens")
            .set("stream_options", json!({"include_usage": true, "include_obfuscation": false}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Instruction
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        super::openai_account::advice(error)
    }
}
