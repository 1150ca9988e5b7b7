//! Any server that speaks OpenAI's dialect: chat, unless the setting `fim` says otherwise.

use super::fim::Way;
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `openai-compatible`
pub(super) struct OpenAiCompatible;

impl Provider for OpenAiCompatible {
    fn name(&self) -> &'static str {
        "openai-compatible"
    }

    fn title(&self) -> &'static str {
        "the server"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "",
            model: "",
            key_env: &["OPENAI_COMPATIBLE_API_KEY"],
            needs_key: false,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // Nothing but what all of them take: no `stream_options`.
        completions::draft(self, account, prompt, Way::Chat)?.post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        completions::seam(self, account, Way::Chat)
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        (error.kind == ErrorKind::NoFim).then(|| "`fim` may be `chat` here.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{prompt, resumed, sent, with_model};
    use crate::provider::{FimSetting, Secret};

    fn at(fim: FimSetting) -> Account {
        Account { base_url: "https://gateway.example/v1".to_owned(), fim, ..with_model("m") }
    }

    #[test]
    fn a_chat_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST https://gateway.example/v1/chat/completions
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
              "model": "m",
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&OpenAiCompatible, &at(FimSetting::Auto), &resumed()));
    }

    #[test]
    fn openai_s_own_models_are_known_behind_a_gateway_as_well() {
        let sent = |model: &str| {
            let account = Account { model: model.to_owned(), ..at(FimSetting::Auto) };
            let body = OpenAiCompatible.request(&account, &prompt()).unwrap().body.unwrap();
            let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body).unwrap();
            body.remove("messages");
            serde_json::Value::Object(body).to_string()
        };
        assert_eq!(
            sent("openai/gpt-5-mini"),
            r#"{"max_completion_tokens":576,"model":"openai/gpt-5-mini","reasoning_effort":"minimal","stream":true}"#
        );
        assert_eq!(
            sent("gpt-oss-20b"),
            r#"{"max_tokens":2112,"model":"gpt-oss-20b","reasoning_effort":"low","stream":true}"#
        );
    }

    #[test]
    fn the_user_says_how_to_fill_in_the_middle() {
        expect![[r#"
            POST https://gateway.example/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "m",
              "prompt": "fn add(a: i32) {\n    ",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(&OpenAiCompatible, &at(FimSetting::Suffix), &prompt()));
        expect![[r#"
            POST https://gateway.example/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "m",
              "prompt": "<repo_name>demo<file_sep>src/lib.rs\nmod math;\n<file_sep><fim_prefix>fn add(a: i32) {\n    <fim_suffix>\n}\n<fim_middle>",
              "stop": [
                "<|endoftext|>",
                "<file_sep>",
                "<fim_prefix>",
                "<repo_name>"
              ],
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(
            &OpenAiCompatible,
            &at(FimSetting::Template("starcoder".to_owned())),
            &prompt(),
        ));
    }

    #[test]
    fn an_address_is_needed_a_key_is_not() {
        expect![[r#"
            error request: Set `base-url` to the address of the server.
        "#]]
        .assert_eq(&sent(&OpenAiCompatible, &Account::default(), &prompt()));
        expect![[r#"
            POST https://gateway.example/v1/completions
            content-type: application/json
            {
              "max_tokens": 64,
              "model": "m",
              "prompt": "fn add(a: i32) {\n    ",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(
            &OpenAiCompatible,
            &Account { api_key: Secret::default(), ..at(FimSetting::Suffix) },
            &prompt(),
        ));
    }
}
