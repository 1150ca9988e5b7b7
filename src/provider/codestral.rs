//! Mistral's FIM. Streamed it is shaped as chat completions.

use super::fim::{self, Way};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `codestral`
pub(super) struct Codestral;

/// Stop strings that are sent at most; the API names no limit.
const STOPS: usize = 8;

impl Provider for Codestral {
    fn name(&self) -> &'static str {
        "codestral"
    }

    fn title(&self) -> &'static str {
        "Codestral"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://codestral.mistral.ai/v1",
            model: "codestral-latest",
            key_env: &["CODESTRAL_API_KEY"],
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
        Draft::to(self, account, "/fim/completions")?
            .bearer()?
            .header("accept", "text/event-stream")
            .by_suffix(prompt, fim::named("codestral"), STOPS)
            .temperature()
            .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        (error.kind == ErrorKind::Auth).then(|| {
            "Codestral's keys are made at https://console.mistral.ai/codestral; with a general key of Mistral's set \
             `base-url` to https://api.mistral.ai/v1."
                .to_owned()
        })
    }
}
