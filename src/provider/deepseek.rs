//! DeepSeek: chat completions.

use serde_json::json;

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `deepseek`
pub(super) struct DeepSeek;

impl Provider for DeepSeek {
    fn name(&self) -> &'static str {
        "deepseek"
    }

    fn title(&self) -> &'static str {
        "DeepSeek"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.deepseek.com",
            model: "deepseek-flash",
            key_env: &["DEEPSEEK_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // An answer's beginning is only continued below `/beta` ("Chat Prefix Completion").
        let path = match self.seam(account) {
            Seam::Prefill if !prompt.received.is_empty() => "/beta/chat/completions",
            _ => "/chat/completions",
        };
        // Since V4 one model does both, and thinks unless told otherwise; before, the name said it.
        let model = account.model_or(self.defaults().model);
        let thinking =
            (!matches!(model, "deepseek-chat" | "deepseek-reasoner")).then(|| json!({ "type": "disabled" }));
        Draft::to(self, account, path)?
            .bearer()?
            .chat(prompt, self.seam(account))?
            .set("max_tokens", prompt.max_tokens)
            .set_some("thinking", thinking)
            .temperature()
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        if account.base_url.trim().is_empty() { Seam::Prefill } else { Seam::Instruction }
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Auth => Some("Keys are made at https://platform.deepseek.com/api_keys.".to_owned()),
            ErrorKind::Quota => Some("Credit is bought at https://platform.deepseek.com/top_up.".to_owned()),
            ErrorKind::NoFim => Some("DeepSeek's FIM is the provider `deepseek-fim`.".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, prompt, resumed, sent};

    #[test]
    fn a_chat_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST https://api.deepseek.com/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
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
              "model": "deepseek-flash",
              "stream": true,
              "temperature": 0.1,
              "thinking": {
                "type": "disabled"
              }
            }
        "#]].assert_eq(&sent(&DeepSeek, &account(), &prompt()));
    }

    #[test]
    fn a_broken_answer_is_prefilled_below_beta() {
        expect![[r#"
            POST https://api.deepseek.com/beta/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
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
                },
                {
                  "content": "a +",
                  "prefix": true,
                  "role": "assistant"
                }
              ],
              "model": "deepseek-flash",
              "stream": true,
              "temperature": 0.1,
              "thinking": {
                "type": "disabled"
              }
            }
        "#]].assert_eq(&sent(&DeepSeek, &account(), &resumed()));
    }

    #[test]
    fn another_server_is_told_to_go_on() {
        expect![[r#"
            POST https://gateway.example/chat/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
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
              "model": "deepseek-flash",
              "stream": true,
              "temperature": 0.1,
              "thinking": {
                "type": "disabled"
              }
            }
        "#]].assert_eq(&sent(
            &DeepSeek,
            &Account { base_url: "https://gateway.example".to_owned(), ..account() },
            &resumed(),
        ));
    }
}
