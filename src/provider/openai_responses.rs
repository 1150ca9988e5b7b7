//! OpenAI's Responses API.

use serde_json::{Value, json};

use super::hole::conversation;
use super::reasoning::reasoning;
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};

/// `openai-responses`
pub(super) struct OpenAiResponses;

/// Fewer are refused.
const LEAST_TOKENS: u32 = 16;

impl Provider for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai-responses"
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
        let conversation = conversation(prompt, self.seam(account));
        let turn = |role: &str, text: &str| json!({"role": role, "content": text});
        let mut input = vec![turn("user", &conversation.user)];
        input.extend(conversation.assistant.map(|received| turn("assistant", &received)));
        input.extend(conversation.go_on.map(|go_on| turn("user", go_on)));
        let draft = Draft::to(self, account, "/responses")?
            .bearer()?
            .chat_only()?
            .model()
            .set("instructions", conversation.system)
            .set("input", Value::Array(input))
            .set("stream", true)
            .set("stream_options", json!({"include_obfuscation": false}))
            .set("store", false);
        let tokens = prompt.max_tokens.max(LEAST_TOKENS);
        match reasoning(account.model_or(self.defaults().model)) {
            Some(reasoning) => draft
                .set("max_output_tokens", tokens.saturating_add(reasoning.allowance()))
                .set_some("reasoning", reasoning.effort.map(|effort| json!({"effort": effort}))),
            None => draft.set("max_output_tokens", tokens).temperature(),
        }
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
    fn a_response_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST https://api.openai.com/v1/responses
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "input": [
                {
                  "content": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>",
                  "role": "user"
                }
              ],
              "instructions": "(system)",
              "max_output_tokens": 64,
              "model": "gpt-6-luna",
              "reasoning": {
                "effort": "none"
              },
              "store": false,
              "stream": true,
              "stream_options": {
                "include_obfuscation": false
              }
            }
        "#]].assert_eq(&sent(&OpenAiResponses, &account(), &prompt()));
    }

    #[test]
    fn a_broken_answer_is_continued_by_instruction() {
        expect![[r#"
            POST https://api.openai.com/v1/responses
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "input": [
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
              "instructions": "(system)",
              "max_output_tokens": 64,
              "model": "gpt-6-luna",
              "reasoning": {
                "effort": "none"
              },
              "store": false,
              "stream": true,
              "stream_options": {
                "include_obfuscation": false
              }
            }
        "#]].assert_eq(&sent(&OpenAiResponses, &account(), &resumed()));
    }

    #[test]
    fn models_that_think_get_no_temperature_and_room_to_think() {
        expect![[r#"
            POST https://api.openai.com/v1/responses
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "input": [
                {
                  "content": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>",
                  "role": "user"
                }
              ],
              "instructions": "(system)",
              "max_output_tokens": 2112,
              "model": "o4-mini",
              "reasoning": {
                "effort": "low"
              },
              "store": false,
              "stream": true,
              "stream_options": {
                "include_obfuscation": false
              }
            }
        "#]].assert_eq(&sent(&OpenAiResponses, &with_model("o4-mini"), &prompt()));
    }
}
