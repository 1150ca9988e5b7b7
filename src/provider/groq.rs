//! Groq: chat completions, with thoughts apart from the answer.

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `groq`
pub(super) struct Groq;

impl Provider for Groq {
    fn name(&self) -> &'static str {
        "groq"
    }

    fn title(&self) -> &'static str {
        "Groq"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.groq.com/openai/v1",
            model: "openai/gpt-oss-20b",
            key_env: &["GROQ_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        let draft =
            Draft::to(self, account, "/chat/completions")?.bearer()?.chat(prompt, self.seam(account))?;
        let draft = if model.contains("qwen3") {
            // Of Groq's models the only ones whose thinking can be switched off.
            draft
                .set("reasoning_effort", "none")
                .set("max_completion_tokens", prompt.max_tokens)
                .temperature()
        } else {
            draft.openai_dials(model, prompt, "max_completion_tokens")
        };
        draft.post()
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
        (error.kind == ErrorKind::Auth).then(|| "Keys are made at https://console.groq.com/keys.".to_owned())
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
            POST https://api.groq.com/openai/v1/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_completion_tokens": 2112,
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
              "model": "openai/gpt-oss-20b",
              "reasoning_effort": "low",
              "stream": true
            }
        "#]].assert_eq(&sent(&Groq, &account(), &resumed()));
    }

    #[test]
    fn models_that_think_get_the_least_effort() {
        expect![[r#"
            POST https://api.groq.com/openai/v1/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_completion_tokens": 2112,
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
              "model": "openai/gpt-oss-20b",
              "reasoning_effort": "low",
              "stream": true
            }
        "#]].assert_eq(&sent(&Groq, &with_model("openai/gpt-oss-20b"), &prompt()));
        expect![[r#"
            POST https://api.groq.com/openai/v1/chat/completions
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
              "model": "qwen/qwen3-32b",
              "reasoning_effort": "none",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Groq, &with_model("qwen/qwen3-32b"), &prompt()));
    }
}
