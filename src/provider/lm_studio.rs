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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{prompt, resumed, sent, with_model};

    #[test]
    fn a_known_family_is_asked_by_its_template() {
        expect![[r##"
            POST http://localhost:1234/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "deepseek-coder-6.7b-base",
              "prompt": "#src/lib.rs\nmod math;\n#src/math.rs\n<｜fim▁begin｜>fn add(a: i32) {\n    a +<｜fim▁hole｜>\n}\n<｜fim▁end｜>",
              "stop": [
                "<｜end▁of▁sentence｜>",
                "<|EOT|>",
                "<｜fim▁begin｜>",
                "<｜fim▁hole｜>"
              ],
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "temperature": 0.1
            }
        "##]].assert_eq(&sent(&LmStudio, &with_model("deepseek-coder-6.7b-base"), &resumed()));
    }

    #[test]
    fn other_models_are_asked_in_a_chat() {
        expect![[r#"
            POST http://localhost:1234/v1/chat/completions
            content-type: application/json
            {
              "max_tokens": 64,
              "messages": [
                {
                  "content": "(system)",
                  "role": "system"
                },
                {
                  "content": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>",
                  "role": "user"
                }
              ],
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&LmStudio, &Account::default(), &prompt()));
    }
}
