//! xAI: chat completions.

use super::reasoning::Reasoning;
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
            model: "grok-4.3",
            key_env: &["XAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(self.defaults().model);
        let draft =
            Draft::to(self, account, "/chat/completions")?.bearer()?.chat(prompt, self.seam(account))?;
        let reasoning = reasoning(model);
        let room = reasoning.map_or(0, Reasoning::allowance);
        draft
            .set("max_completion_tokens", prompt.max_tokens.saturating_add(room))
            .set_some("reasoning_effort", reasoning.and_then(|reasoning| reasoning.effort))
            .temperature()
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
        (error.kind == ErrorKind::Auth).then(|| "Keys are made at https://console.x.ai.".to_owned())
    }
}

/// How a Grok is asked to think as little as it can, if it thinks at all. What each takes is from xAI's
/// reasoning guide and its migration guide of May 2026; what takes no effort refuses the field.
fn reasoning(model: &str) -> Option<Reasoning> {
    let is = |name: &str| model.starts_with(name);
    let effort = if is("grok-4.3") {
        Some("none")
    } else if is("grok-4.5") || is("grok-3-mini") {
        Some("low")
    } else if is("grok-2") || is("grok-3") || model.contains("non-reasoning") {
        return None;
    } else {
        None
    };
    Some(Reasoning { effort })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, resumed, sent};

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
              "model": "grok-4.3",
              "reasoning_effort": "none",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Xai, &account(), &resumed()));
    }

    #[test]
    fn each_model_is_told_to_think_as_little_as_it_can() {
        for (model, effort, room) in [
            ("grok-4.3", Some("none"), 0),
            ("grok-4.5-latest", Some("low"), 2048),
            ("grok-3-mini", Some("low"), 2048),
            ("grok-4.20-reasoning", None, 2048),
            ("grok-code-fast-1", None, 2048),
            ("grok-latest", None, 2048),
            ("grok-4.20-non-reasoning", None, 0),
            ("grok-3", None, 0),
        ] {
            let reasoning = reasoning(model);
            assert_eq!(reasoning.and_then(|reasoning| reasoning.effort), effort, "{model}");
            assert_eq!(reasoning.map_or(0, Reasoning::allowance), room, "{model}");
        }
    }
}
