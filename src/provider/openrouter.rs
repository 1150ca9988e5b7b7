//! OpenRouter: chat completions of many providers behind one.

use serde_json::json;

use super::reasoning::reasoning;
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `openrouter`
pub(super) struct OpenRouter;

impl Provider for OpenRouter {
    fn name(&self) -> &'static str {
        "openrouter"
    }

    fn title(&self) -> &'static str {
        "OpenRouter"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://openrouter.ai/api/v1",
            model: "openai/gpt-6-luna",
            key_env: &["OPENROUTER_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        let draft = Draft::to(self, account, "/chat/completions")?
            .bearer()?
            .header("x-openrouter-title", "Lapce AI completion")
            .chat(prompt, self.seam(account))?
            .set("stream_options", json!({"include_usage": true}));
        match reasoning(model) {
            // One field for all vendors' thinking.
            Some(reasoning) => draft
                .set("max_tokens", prompt.max_tokens.saturating_add(reasoning.allowance()))
                .set_some("reasoning", reasoning.effort.map(|effort| json!({"effort": effort}))),
            None => draft.set("max_tokens", prompt.max_tokens).temperature(),
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
        match error.kind {
            ErrorKind::Auth => Some("Keys are made at https://openrouter.ai/settings/keys.".to_owned()),
            ErrorKind::Quota => {
                Some("Credit is bought at https://openrouter.ai/settings/credits.".to_owned())
            }
            _ => None,
        }
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
            POST https://openrouter.ai/api/v1/chat/completions
            content-type: application/json
            x-openrouter-title: Lapce AI completion
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
              "model": "openai/gpt-6-luna",
              "reasoning": {
                "effort": "none"
              },
              "stream": true,
              "stream_options": {
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&OpenRouter, &account(), &resumed()));
    }

    #[test]
    fn models_that_think_get_the_least_effort() {
        expect![[r#"
            POST https://openrouter.ai/api/v1/chat/completions
            content-type: application/json
            x-openrouter-title: Lapce AI completion
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 576,
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
              "model": "openai/gpt-5",
              "reasoning": {
                "effort": "minimal"
              },
              "stream": true,
              "stream_options": {
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&OpenRouter, &with_model("openai/gpt-5"), &prompt()));
    }
}
