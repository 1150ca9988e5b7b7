//! OpenAI's chat completions.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};

/// `openai`
pub(super) struct OpenAi;

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn title(&self) -> &'static str {
        "OpenAI"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.openai.com/v1",
            model: "gpt-6-luna",
            key_env: &["OPENAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        Draft::to(self, account, "/chat/completions")?
            .bearer()?
            .chat(prompt, self.seam(account))?
            .openai_dials(model, prompt, "max_completion_tokens")
            .set("stream_options", json!({"include_usage": true, "include_obfuscation": false}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Instruction
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        super::openai_account::advice(error)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, prompt, resumed, sent, with_model};

    #[test]
    fn a_chat_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST https://api.openai.com/v1/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_completion_tokens": 64,
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
              "model": "gpt-6-luna",
              "reasoning_effort": "none",
              "stream": true,
              "stream_options": {
                "include_obfuscation": false,
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&OpenAi, &account(), &prompt()));
    }

    #[test]
    fn a_broken_answer_is_continued_by_instruction() {
        expect![[r#"
            POST https://api.openai.com/v1/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_completion_tokens": 64,
              "messages": [
                {
                  "content": "(system)",
                  "role": "system"
                },
                {
                  "content": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>",
                  "role": "user"
                },
                {
                  "content": "a +",
                  "role": "assistant"
                },
                {
                  "content": "(go on)",
                  "role": "user"
                }
              ],
              "model": "gpt-6-luna",
              "reasoning_effort": "none",
              "stream": true,
              "stream_options": {
                "include_obfuscation": false,
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&OpenAi, &account(), &resumed()));
    }

    #[test]
    fn models_that_think_get_no_temperature_and_room_to_think() {
        expect![[r#"
            POST https://api.openai.com/v1/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_completion_tokens": 576,
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
              "model": "gpt-5-mini",
              "reasoning_effort": "minimal",
              "stream": true,
              "stream_options": {
                "include_obfuscation": false,
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&OpenAi, &with_model("gpt-5-mini"), &prompt()));
    }

    #[test]
    fn models_that_do_not_think_get_a_temperature_and_no_effort() {
        let sent = sent(&OpenAi, &with_model("gpt-4.1-mini"), &prompt());
        assert!(sent.contains("\"temperature\": 0.1") && !sent.contains("effort"), "{sent}");
    }

    #[test]
    fn a_missing_key_is_named() {
        expect![[r#"
            error auth: OpenAI wants an API key: set the environment variable `OPENAI_API_KEY`, or name another in `api-key-env`. Keys are made at https://platform.openai.com/api-keys.
        "#]].assert_eq(&sent(&OpenAi, &Account::default(), &prompt()));
    }
}
