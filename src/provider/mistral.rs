//! Mistral: chat completions. Its FIM is a format of its own, see `codestral`.

use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `mistral`
pub(super) struct Mistral;

impl Provider for Mistral {
    fn name(&self) -> &'static str {
        "mistral"
    }

    fn title(&self) -> &'static str {
        "Mistral"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.mistral.ai/v1",
            model: "codestral-latest",
            key_env: &["MISTRAL_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // No `stream_options`: usage comes unasked with the last chunk.
        Draft::to(self, account, "/chat/completions")?
            .bearer()?
            .header("accept", "text/event-stream")
            .chat(prompt, self.seam(account))?
            .set("max_tokens", prompt.max_tokens)
            .temperature()
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    /// The API sends a prefill back before what follows (SillyTavern/SillyTavern#2557).
    fn seam(&self, _: &Account) -> Seam {
        Seam::EchoedPrefill
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        let advice = match error.kind {
            ErrorKind::Auth => {
                "Keys are made at https://console.mistral.ai; one for Codestral needs the provider `codestral`."
            }
            ErrorKind::NoFim => "Mistral's FIM is the provider `codestral`.",
            _ => return None,
        };
        Some(advice.to_owned())
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
            POST https://api.mistral.ai/v1/chat/completions
            content-type: application/json
            accept: text/event-stream
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
              "model": "codestral-latest",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Mistral, &account(), &prompt()));
    }

    #[test]
    fn a_broken_answer_is_prefilled() {
        expect![[r#"
            POST https://api.mistral.ai/v1/chat/completions
            content-type: application/json
            accept: text/event-stream
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
              "model": "codestral-latest",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Mistral, &account(), &resumed()));
    }
}
