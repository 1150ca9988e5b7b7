//! xAI: chat completions.

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `xai`
pub(super) struct Xai;

impl Provider for Xai {
    fn name(&self) -> &'static str {
        "xai"
    }

    fn title(&self) -> &'static str {
        "xAI"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.x.ai/v1",
            model: "grok-4-1-fast-non-reasoning",
            key_env: &["XAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        let draft =
            Draft::to(self, account, "/chat/completions")?.bearer()?.chat(prompt, self.seam(account))?;
        // Only grok-3-mini takes an effort, the later ones that think refuse it.
        let draft =
            if model.starts_with("grok-3-mini") { draft.set("reasoning_effort", "low") } else { draft };
        draft.set("max_completion_tokens", prompt.max_tokens).temperature().post()
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
        (error.kind == ErrorKind::Auth).then(|| "Keys are made at https://console.x.ai.".to_owned())
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
            POST https://api.x.ai/v1/chat/completions
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
              "model": "grok-4-1-fast-non-reasoning",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Xai, &account(), &resumed()));
    }

    #[test]
    fn only_grok_3_mini_takes_an_effort() {
        expect![[r#"
            POST https://api.x.ai/v1/chat/completions
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
              "model": "grok-3-mini",
              "reasoning_effort": "low",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Xai, &with_model("grok-3-mini"), &prompt()));
    }
}
