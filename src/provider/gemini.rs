//! Google's Gemini API.

use super::generate_content::{self, METHOD, model_path};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, Framing, HttpRequest, Prompt, Provider, Seam};
use crate::stream::ErrorKind;

pub(super) struct Gemini;

const DEFAULTS: Defaults = Defaults {
    base_url: "https://generativelanguage.googleapis.com/v1beta",
    model: "gemini-3.5-flash-lite",
    key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    needs_key: true,
    paid: true,
};

/// The key goes here: in the URL, where the docs put it as well, it would show up in logs.
const KEY_HEADER: &str = "x-goog-api-key";

impl Provider for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn title(&self) -> &'static str {
        "Gemini"
    }

    fn defaults(&self) -> Defaults {
        DEFAULTS
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(DEFAULTS.model);
        let path = format!("/{}{METHOD}", model_path(model));
        Draft::to(self, account, &path)?
            .key_header(KEY_HEADER)?
            .generate_content(model, account, prompt)
            .post()
    }

    fn decoder(&self) -> Decoder {
        generate_content::decoder(Framing::Sse)
    }

    fn seam(&self, _account: &Account) -> Seam {
        Seam::Instruction
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models?pageSize=1000").ok()?.key_header(KEY_HEADER).ok()?.get().ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        matches!(error.kind, ErrorKind::Auth)
            .then(|| "Keys are at https://aistudio.google.com/apikey.".to_owned())
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
            POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse
            content-type: application/json
            x-goog-api-key: KEY (secret)
            {
              "contents": [
                {
                  "parts": [
                    {
                      "text": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>"
                    }
                  ],
                  "role": "user"
                },
                {
                  "parts": [
                    {
                      "text": "a +"
                    }
                  ],
                  "role": "model"
                },
                {
                  "parts": [
                    {
                      "text": "(go on)"
                    }
                  ],
                  "role": "user"
                }
              ],
              "generationConfig": {
                "maxOutputTokens": 1088,
                "thinkingConfig": {
                  "thinkingLevel": "minimal"
                }
              },
              "systemInstruction": {
                "parts": [
                  {
                    "text": "(system)"
                  }
                ]
              }
            }
        "#]].assert_eq(&sent(&Gemini, &account(), &resumed()));
    }

    #[test]
    fn gemma_has_no_system_instruction() {
        expect![[r#"
            POST https://generativelanguage.googleapis.com/v1beta/models/gemma-3-27b-it:streamGenerateContent?alt=sse
            content-type: application/json
            x-goog-api-key: KEY (secret)
            {
              "contents": [
                {
                  "parts": [
                    {
                      "text": "(system)\n\n<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>"
                    }
                  ],
                  "role": "user"
                }
              ],
              "generationConfig": {
                "maxOutputTokens": 64,
                "temperature": 0.1
              }
            }
        "#]].assert_eq(&sent(&Gemini, &with_model("gemma-3-27b-it"), &prompt()));
    }

    #[test]
    fn models_can_be_listed_and_the_key_is_in_no_url() {
        let request = Gemini.models_request(&account()).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
        );
        assert_eq!(request.secret_headers[0].0, "x-goog-api-key");
    }
}
