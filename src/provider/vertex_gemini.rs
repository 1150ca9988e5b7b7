//! Gemini on Google's Vertex AI.

use super::generate_content::{self, METHOD};
use super::{Account, Decoder, Defaults, Error, Framing, HttpRequest, Prompt, Provider, Seam, vertex};

pub(super) struct VertexGemini;

const DEFAULTS: Defaults = Defaults {
    base_url: vertex::GLOBAL,
    model: "gemini-3.5-flash-lite",
    key_env: vertex::TOKEN_ENV,
    needs_key: true,
    paid: true,
};

impl Provider for VertexGemini {
    fn name(&self) -> &'static str {
        "vertex-gemini"
    }

    fn title(&self) -> &'static str {
        "Vertex AI"
    }

    fn defaults(&self) -> Defaults {
        DEFAULTS
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let model = account.model_or(DEFAULTS.model);
        vertex::draft(self, account, "google", METHOD)?.generate_content(model, account, prompt).post()
    }

    fn decoder(&self) -> Decoder {
        generate_content::decoder(Framing::Sse)
    }

    fn seam(&self, _account: &Account) -> Seam {
        Seam::Instruction
    }

    fn advice(&self, error: &Error) -> Option<String> {
        vertex::advice(error)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{account, prompt, sent};

    #[test]
    fn the_model_is_asked_in_its_project_and_location() {
        let options = vec![
            ("vertex.project".to_owned(), "example.com:demo".to_owned()),
            ("vertex.location".to_owned(), "europe-west4".to_owned()),
        ];
        expect![[r#"
            POST https://europe-west4-aiplatform.googleapis.com/v1/projects/example.com%3Ademo/locations/europe-west4/publishers/google/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "contents": [
                {
                  "parts": [
                    {
                      "text": "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>"
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
        "#]].assert_eq(&sent(&VertexGemini, &Account { options, ..account() }, &prompt()));
    }
}
