//! LM Studio: FIM by a template in the prompt where the model is of a known family, else chat.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `lm-studio`
pub(super) struct LmStudio;

impl Provider for LmStudio {
    fn name(&self) -> &'static str {
        "lm-studio"
    }

    fn title(&self) -> &'static str {
        "LM Studio"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "http://localhost:1234/v1",
            model: "",
            key_env: &["LM_API_TOKEN"],
            needs_key: false,
            paid: false,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        completions::draft(self, account, prompt, completions::template_or_chat(self, account))?
            .temperature()
            .set("stream_options", json!({"include_usage": true}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        completions::seam(self, account, completions::template_or_chat(self, account))
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Network => Some("Its server is started by `lms server start`.".to_owned()),
            ErrorKind::Model => Some("A model is loaded by `lms load MODEL`.".to_owned()),
            _ => None,
        }
    }
}
