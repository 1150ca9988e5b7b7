//! DeepSeek: chat completions.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `deepseek`
pub(super) struct DeepSeek;

impl Provider for DeepSeek {
    fn name(&self) -> &'static str {
        "deepseek"
    }

    fn title(&self) -> &'static str {
        "DeepSeek"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.deepseek.com",
            model: "deepseek-chat",
            key_env: &["DEEPSEEK_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // An answer's beginning is only continued below `/beta` ("Chat Prefix Completion").
        let path = match self.seam(account) {
            Seam::Prefill if !prompt.received.is_empty() => "/beta/chat/completions",
            _ => "/chat/completions",
        };
        Draft::to(self, account, path)?
            .bearer()?
            .chat(prompt, self.seam(account))
            .set("max_tokens", prompt.max_tokens)
            .temperature()
            .set("stream_options", json!({"include_usage": true}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        if account.base_url.trim().is_empty() { Seam::Prefill } else { Seam::Instruction }
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Auth => Some("Keys are made at https://platform.deepseek.com/api_keys.".to_owned()),
            ErrorKind::Quota => Some("Credit is bought at https://platform.deepseek.com/top_up.".to_owned()),
            _ => None,
        }
    }
}
