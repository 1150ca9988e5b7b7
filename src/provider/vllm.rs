//! vLLM: FIM by a template in the prompt, because it has no `suffix`; chat where the model is of no known
//! family.

use serde_json::json;

use super::request::Draft;
use super::{
    Account, Decoder, Defaults, Error, FimSetting, HttpRequest, Prompt, Provider, Seam, completions,
};
use crate::stream::ErrorKind;

/// `vllm`
pub(super) struct Vllm;

impl Provider for Vllm {
    fn name(&self) -> &'static str {
        "vllm"
    }

    fn title(&self) -> &'static str {
        "vLLM"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "http://localhost:8000/v1",
            model: "",
            key_env: &["VLLM_API_KEY"],
            needs_key: false,
            paid: false,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        if account.fim == FimSetting::Suffix {
            return Err(completions::no_such_way(
                self,
                "it knows no `suffix`, leave it at `auto` or name a template",
            ));
        }
        completions::draft(self, account, prompt, completions::template_or_chat(self, account))?
            .temperature()
            // Stop strings are only found in text, and the special tokens they are would be left out of it
            // (vllm-project/vllm#2123).
            .set("skip_special_tokens", false)
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
            ErrorKind::Network => Some("It is started by `vllm serve MODEL`.".to_owned()),
            _ => None,
        }
    }
}
