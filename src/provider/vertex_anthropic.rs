//! Claude on Google's Vertex AI. The model is in the URL, and the version of the API in the body.

use super::claude::Claude;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, messages, vertex};

pub(super) struct VertexAnthropic;

const DEFAULTS: Defaults = Defaults {
    base_url: vertex::GLOBAL,
    model: "claude-haiku-4-5@20251001",
    key_env: vertex::TOKEN_ENV,
    needs_key: true,
    paid: true,
};

impl Provider for VertexAnthropic {
    fn name(&self) -> &'static str {
        "vertex-anthropic"
    }

    fn title(&self) -> &'static str {
        "Vertex AI"
    }

    fn defaults(&self) -> Defaults {
        DEFAULTS
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let claude = Claude::named(account.model_or(DEFAULTS.model));
        vertex::draft(self, account, "anthropic", ":streamRawPredict")?
            .set("anthropic_version", "vertex-2023-10-16")
            .messages(claude, account, prompt)
            .post()
    }

    fn decoder(&self) -> Decoder {
        messages::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        messages::seam(Claude::named(account.model_or(DEFAULTS.model)))
    }

    fn advice(&self, error: &Error) -> Option<String> {
        vertex::advice(error)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, resumed, sent};

    #[test]
    fn the_model_is_in_the_url_and_the_version_in_the_body() {
        let options = vec![("vertex.project".to_owned(), "demo".to_owned())];
        expect![[r#"
            POST https://aiplatform.googleapis.com/v1/projects/demo/locations/global/publishers/anthropic/models/claude-haiku-4-5%4020251001:streamRawPredict
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "anthropic_version": "vertex-2023-10-16",
              "max_tokens": 64,
              "messages": [
                {
                  "content": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>",
                  "role": "user"
                },
                {
                  "content": "a +",
                  "role": "assistant"
                }
              ],
              "stream": true,
              "system": "(system)",
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&VertexAnthropic, &Account { options, ..account() }, &resumed()));
    }
}
