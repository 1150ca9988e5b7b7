//! Inception's Mercury: FIM in Mistral's manner.

use super::fim::{self, FEW_STOPS, Way};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `mercury`
pub(super) struct Mercury;

impl Provider for Mercury {
    fn name(&self) -> &'static str {
        "mercury"
    }

    fn title(&self) -> &'static str {
        "Inception"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.inceptionlabs.ai/v1",
            model: "mercury-edit-2",
            key_env: &["INCEPTION_API_KEY"],
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
            .by_suffix(prompt, None, FEW_STOPS)
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
        (error.kind == ErrorKind::Auth)
            .then(|| "Keys are made at https://platform.inceptionlabs.ai.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, prompt, sent};

    #[test]
    fn the_hole_is_given_by_suffix() {
        expect![[r#"
            POST https://api.inceptionlabs.ai/v1/fim/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "mercury-edit-2",
              "prompt": "fn add(a: i32) {\n    ",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(&Mercury, &account(), &prompt()));
    }
}
