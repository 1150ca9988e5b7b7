//! vLLM: FIM by a template in the prompt, because it has no `suffix`; chat where the model is of no known
//! family.

use serde_json::json;

use super::request::Draft;
use super::{
    Account, Decoder, Defaults, Error, FimSetting, HttpRequest, Prompt, Provider, Seam, completions,
};
use crate::stream::ErrorKind;

/// `vllm`
pub(super) struct Vllm;

impl Provider for Vllm {
    fn name(&self) -> &'static str {
        "vllm"
    }

    fn title(&self) -> &'static str {
        "vLLM"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "http://localhost:8000/v1",
            model: "",
            key_env: &["VLLM_API_KEY"],
            needs_key: false,
            paid: false,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        if account.fim == FimSetting::Suffix {
            return Err(completions::no_such_way(
                self,
                "it knows no `suffix`, leave it at `auto` or name a template",
            ));
        }
        let draft = completions::draft(self, account, prompt, completions::template_or_chat(self, account))?
            .set("stream_options", json!({"include_usage": true}));
        match self.seam(account) {
            // Stop strings are only found in text, and the special tokens they are would be left out of it
            // (vllm-project/vllm#2123).
            Seam::Prefix => draft.set("skip_special_tokens", false),
            _ if thinks_unless_told(&account.model) => {
                draft.set("chat_template_kwargs", json!({"enable_thinking": false}))
            }
            _ => draft,
        }
        .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        completions::seam(self, account, completions::template_or_chat(self, account))
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Network => Some("It is started by `vllm serve MODEL`.".to_owned()),
            _ => None,
        }
    }
}

/// Whether the model's chat template has this switch. It is not thrown at all models, because those with
/// Mistral's own tokenizer are refused with it ("chat_template is not supported for Mistral tokenizers").
fn thinks_unless_told(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    ["qwen3", "glm"].iter().any(|family| model.contains(family))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{prompt, sent, with_model};

    #[test]
    fn models_that_think_unless_told_are_told() {
        for (model, told) in [("Qwen/Qwen3.6-27B", true), ("mistralai/Mistral-Small-3.2-24B", false)] {
            let sent = sent(&Vllm, &with_model(model), &prompt());
            assert_eq!(sent.contains("\"enable_thinking\": false"), told, "{sent}");
        }
    }

    #[test]
    fn a_known_family_is_asked_by_its_template() {
        expect![[r#"
            POST http://localhost:8000/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "Qwen/Qwen2.5-Coder-7B",
              "prompt": "<|repo_name|>demo\n<|file_sep|>src/lib.rs\nmod math;\n<|file_sep|>src/math.rs\n<|fim_prefix|>fn add(a: i32) {\n    <|fim_suffix|>\n}\n<|fim_middle|>",
              "skip_special_tokens": false,
              "stop": [
                "<|endoftext|>",
                "<|file_sep|>",
                "<|fim_pad|>",
                "<|im_end|>"
              ],
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Vllm, &with_model("Qwen/Qwen2.5-Coder-7B"), &prompt()));
    }

    #[test]
    fn other_models_are_asked_in_a_chat() {
        expect![[r#"
            POST http://localhost:8000/v1/chat/completions
            content-type: application/json
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
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Vllm, &Account::default(), &prompt()));
    }

    #[test]
    fn a_suffix_is_never_sent() {
        expect![[r#"
            error no_fim: `fim` does not fit vLLM: it knows no `suffix`, leave it at `auto` or name a template.
        "#]].assert_eq(&sent(
            &Vllm,
            &Account { fim: FimSetting::Suffix, ..Account::default() },
            &prompt(),
        ));
    }
}
