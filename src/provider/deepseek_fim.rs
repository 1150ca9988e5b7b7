//! DeepSeek's FIM, which is in beta.

use serde_json::json;

use super::fim::{self, Way};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `deepseek-fim`
pub(super) struct DeepSeekFim;

/// Stop strings it takes at most.
const STOPS: usize = 16;
/// Tokens of answer it gives at most.
const MOST_TOKENS: u32 = 4096;

impl Provider for DeepSeekFim {
    fn name(&self) -> &'static str {
        "deepseek-fim"
    }

    fn title(&self) -> &'static str {
        "DeepSeek"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.deepseek.com/beta",
            model: "deepseek-chat",
            key_env: &["DEEPSEEK_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        if fim::way(self, account, Way::Suffix)? != Way::Suffix {
            return Err(completions::no_such_way(
                self,
                "it fills in the middle by itself, leave it at `auto`",
            ));
        }
        let prompt = &Prompt { max_tokens: prompt.max_tokens.min(MOST_TOKENS), ..prompt.clone() };
        Draft::to(self, account, "/completions")?
            .bearer()?
            .by_suffix(prompt, fim::named("deepseek"), STOPS)
            .temperature()
            .set("stream_options", json!({"include_usage": true}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Auth => Some("Keys are made at https://platform.deepseek.com/api_keys.".to_owned()),
            ErrorKind::Quota => Some("Credit is bought at https://platform.deepseek.com/top_up.".to_owned()),
            _ => None,
        }
    }
}
