//! OpenAI's legacy text completions: FIM by `suffix`, or by a template where the model's name tells
//! of one.

use super::fim::{self, FEW_STOPS, Way};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};
use crate::stream::ErrorKind;

/// `openai-completions`
pub(super) struct OpenAiCompletions;

impl Provider for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn title(&self) -> &'static str {
        "OpenAI's completions"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.openai.com/v1",
            // The last of OpenAI's own went in September 2026; others still serve the format.
            model: "",
            key_env: &["OPENAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        // Another server may have just one model, and not want its name.
        if account.model_or("").is_empty() && account.base_url.trim().is_empty() {
            let message = "Set `model`, and `base-url` to a server that has it: OpenAI itself has no model left \
                           for text completions.";
            return Err(Error::of_settings(self, ErrorKind::Model, message));
        }
        let family = fim::of_model(&account.model);
        let draft = Draft::to(self, account, "/completions")?.bearer()?;
        match fim::way(self, account, family.map_or(Way::Suffix, Way::Template))? {
            Way::Suffix => draft.by_suffix(prompt, family, FEW_STOPS),
            Way::Template(template) => draft.by_template(prompt, template),
            Way::Custom(template) => draft.by_custom(prompt, &template),
            Way::Chat => {
                let why = "it has no chat, choose the provider `openai` or `openai-compatible`";
                return Err(completions::no_such_way(self, why));
            }
        }
        .temperature()
        .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        super::openai_account::advice(error)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::FimSetting;
    use crate::provider::testing::{account, prompt, resumed, sent, with_model};

    #[test]
    fn the_hole_is_given_by_suffix() {
        expect![[r#"
            POST https://api.openai.com/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "instruct",
              "prompt": "fn add(a: i32) {\n    a +",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "suffix": "\n}\n",
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(&OpenAiCompletions, &with_model("instruct"), &resumed()));
    }

    #[test]
    fn a_known_family_is_asked_by_its_template() {
        expect![[r#"
            POST https://api.openai.com/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "Qwen/Qwen2.5-Coder-7B",
              "prompt": "<|repo_name|>demo\n<|file_sep|>src/lib.rs\nmod math;\n<|file_sep|>src/math.rs\n<|fim_prefix|>fn add(a: i32) {\n    <|fim_suffix|>\n}\n<|fim_middle|>",
              "stop": [
                "<|endoftext|>",
                "<|file_sep|>",
                "<|fim_pad|>",
                "<|im_end|>"
              ],
              "stream": true,
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&OpenAiCompletions, &with_model("Qwen/Qwen2.5-Coder-7B"), &prompt()));
    }

    #[test]
    fn a_template_of_the_users_own_is_taken() {
        expect![[r#"
            POST https://api.openai.com/v1/completions
            content-type: application/json
            authorization: Bearer KEY (secret)
            {
              "max_tokens": 64,
              "model": "instruct",
              "prompt": "<P>fn add(a: i32) {\n    <S>\n}\n<M>",
              "stop": [
                "\n\n"
              ],
              "stream": true,
              "temperature": 0.1
            }
        "#]]
        .assert_eq(&sent(
            &OpenAiCompletions,
            &Account {
                fim: FimSetting::Template("<P>{prefix}<S>{suffix}<M>".to_owned()),
                ..with_model("instruct")
            },
            &prompt(),
        ));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        expect![[r#"
            error model: Set `model`, and `base-url` to a server that has it: OpenAI itself has no model left for text completions.
        "#]].assert_eq(&sent(&OpenAiCompletions, &account(), &prompt()));
        expect![[r#"
            error no_fim: `fim` does not fit OpenAI's completions: it has no chat, choose the provider `openai` or `openai-compatible`.
        "#]].assert_eq(&sent(
            &OpenAiCompletions,
            &Account { fim: FimSetting::Chat, ..with_model("instruct") },
            &prompt(),
        ));
        expect![[r#"
            error request: `fim` names no template `qwenn`: there are mercury, qwen, granite, seed-coder, starcoder, codestral, codegemma, codellama, deepseek, codegeex, glm, mellum.
        "#]].assert_eq(&sent(
            &OpenAiCompletions,
            &Account { fim: FimSetting::Template("qwenn".to_owned()), ..with_model("instruct") },
            &prompt(),
        ));
    }
}
