//! Anthropic's own API.

use super::claude::Claude;
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, messages};
use crate::stream::ErrorKind;

pub(super) struct Anthropic;

const DEFAULTS: Defaults = Defaults {
    base_url: "https://api.anthropic.com/v1",
    model: "claude-haiku-4-5",
    key_env: &["ANTHROPIC_API_KEY"],
    needs_key: true,
    paid: true,
};

impl Anthropic {
    fn draft<'a>(&'a self, account: &'a Account, path: &str) -> Result<Draft<'a>, Error> {
        let draft = Draft::to(self, account, path)?.key_header("x-api-key")?;
        Ok(draft.header("anthropic-version", "2023-06-01"))
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn title(&self) -> &'static str {
        "Anthropic"
    }

    fn defaults(&self) -> Defaults {
        DEFAULTS
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let claude = Claude::named(account.model_or(DEFAULTS.model));
        self.draft(account, "/messages")?.model().messages(claude, account, prompt).post()
    }

    fn decoder(&self) -> Decoder {
        messages::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        messages::seam(Claude::named(account.model_or(DEFAULTS.model)))
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        self.draft(account, "/models?limit=1000").ok()?.get().ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        let advice = match error.kind {
            ErrorKind::Auth => "Keys are at https://console.anthropic.com/settings/keys.",
            ErrorKind::Quota => "Credit is bought at https://console.anthropic.com/settings/billing.",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, resumed, sent, with_model};

    #[test]
    fn a_chat_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST https://api.anthropic.com/v1/messages
            content-type: application/json
            anthropic-version: 2023-06-01
            x-api-key: KEY (secret)
            {
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
              "model": "claude-haiku-4-5",
              "stream": true,
              "system": "(system)",
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Anthropic, &account(), &resumed()));
    }

    #[test]
    fn a_newer_model_is_asked_without_prefill_and_temperature() {
        expect![[r#"
            POST https://api.anthropic.com/v1/messages
            content-type: application/json
            anthropic-version: 2023-06-01
            x-api-key: KEY (secret)
            {
              "max_tokens": 1088,
              "messages": [
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
              "model": "claude-opus-5",
              "output_config": {
                "effort": "low"
              },
              "stream": true,
              "system": "(system)"
            }
        "#]].assert_eq(&sent(&Anthropic, &with_model("claude-opus-5"), &resumed()));
    }

    #[test]
    fn what_the_api_refuses_is_not_sent() {
        let prompt = Prompt {
            received: "a\n    ".to_owned(),
            stop: vec![" ".to_owned(), "}".to_owned()],
            ..resumed()
        };
        let account = Account { temperature: Some(1.5), ..account() };
        let sent = sent(&Anthropic, &account, &prompt);
        for part in ["\"content\": \"a\",", "\"temperature\": 1.0", "\"stop_sequences\": [\n    \"}\"\n  ]"] {
            assert!(sent.contains(part), "{part} in {sent}");
        }
    }

    #[test]
    fn the_seam_follows_the_model() {
        assert_eq!(Anthropic.seam(&account()), Seam::TrimmedPrefill);
        assert_eq!(Anthropic.seam(&with_model("claude-sonnet-5")), Seam::Instruction);
    }

    #[test]
    fn models_can_be_listed() {
        let request = Anthropic.models_request(&account()).unwrap();
        assert_eq!(
            (request.url.as_str(), request.body),
            ("https://api.anthropic.com/v1/models?limit=1000", None)
        );
    }
}
