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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::FimSetting;
    use crate::provider::testing::{account, prompt, resumed, sent};

    #[test]
    fn the_hole_is_given_by_suffix() {
        expect![[r#"
            POST https://codestral.mistral.ai/v1/fim/completions
            content-type: application/json
            accept: text/event-stream
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "codestral-latest",
              "prompt": "+++++ src/lib.rs\nmod math;\n+++++ src/math.rs\nfn add(a: i32) {\n    ",
              "stop": [
                "\n+++++ ",
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(&Codestral, &account(), &prompt()));
    }

    #[test]
    fn a_broken_answer_belongs_to_the_prefix() {
        expect![[r#"
            POST https://codestral.mistral.ai/v1/fim/completions
            content-type: application/json
            accept: text/event-stream
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "codestral-latest",
              "prompt": "+++++ src/lib.rs\nmod math;\n+++++ src/math.rs\nfn add(a: i32) {\n    a +",
              "stop": [
                "\n+++++ ",
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(&Codestral, &account(), &resumed()));
    }

    #[test]
    fn other_ways_are_refused() {
        expect![[r#"
            error no_fim: `fim` does not fit Codestral: it fills in the middle by itself, leave it at `auto`.
        "#]]
        .assert_eq(&sent(&Codestral, &Account { fim: FimSetting::Chat, ..account() }, &prompt()));
    }
}
