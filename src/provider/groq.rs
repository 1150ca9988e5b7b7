//! Groq: chat completions, with thoughts apart from the answer.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `groq`
pub(super) struct Groq;

impl Provider for Groq {
    fn name(&self) -> &'static str {
        "groq"
    }

    fn title(&self) -> &'static str {
        "Groq"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.groq.com/openai/v1",
            model: "llama-3.3-70b-versatile",
            key_env: &["GROQ_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        let draft = Draft::to(self, account, "/chat/completions")?.bearer()?.chat(prompt, self.seam(account));
        let draft = if model.contains("qwen3") {
            // Of Groq's models the only ones whose thinking can be switched off.
            draft
                .set("reasoning_effort", "none")
                .set("max_completion_tokens", prompt.max_tokens)
                .temperature()
        } else {
            draft.openai_dials(model, prompt, "max_completion_tokens")
        };
        draft.set("stream_options", json!({"include_usage": true})).post()
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
        (error.kind == ErrorKind::Auth).then(|| "Keys are made at https://console.groq.com/keys.".to_owned())
    }
}
