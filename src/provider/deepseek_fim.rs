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
            model: "deepseek-flash",
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, prompt, sent};

    #[test]
    fn the_hole_is_given_by_suffix() {
        expect![[r##"
            POST https://api.deepseek.com/beta/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 4096,
              "model": "deepseek-flash",
              "prompt": "#src/lib.rs\nmod math;\n#src/math.rs\nfn add(a: i32) {\n    ",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "##]]
        .assert_eq(&sent(&DeepSeekFim, &account(), &Prompt { max_tokens: 9000, ..prompt() }));
    }
}
