//! Azure OpenAI: a deployment's own URL, or the newer `/openai/v1`, or a Foundry resource.

use serde_json::json;

use super::reasoning::reasoning;
use super::request::{Draft, pasted_url, without_endpoint};
use super::url::segment;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `azure`: the model is the deployment, `azure.api-version` the version of the API.
pub(super) struct Azure;

const API_VERSION: &str = "2024-10-21";
/// That of models which think: older ones refuse them ("enabled only for api versions 2024-12-01-preview and
/// later"), or their least effort.
const THINKING_API_VERSION: &str = "2025-04-01-preview";
/// That of Foundry's model inference, which has a list of its own.
const MODELS_API_VERSION: &str = "2024-05-01-preview";

impl Provider for Azure {
    fn name(&self) -> &'static str {
        "azure"
    }

    fn title(&self) -> &'static str {
        "Azure OpenAI"
    }

    fn defaults(&self) -> Defaults {
        Defaults { base_url: "", model: "", key_env: &["AZURE_OPENAI_API_KEY"], needs_key: true, paid: true }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let deployment = account.model_or("");
        let is_name = deployment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if deployment.is_empty() || !is_name {
            let message = "Set `model` to the name of the deployment at Azure OpenAI.";
            return Err(Error::of_settings(self, ErrorKind::Model, message));
        }
        let draft = Draft::to_url(self, account, &self.url(account, deployment)?)?;
        // An Entra token is a JWT, a resource's key never looks like one.
        let draft = if account.api_key.expose().starts_with("eyJ") {
            draft.bearer()?
        } else {
            draft.key_header("api-key")?
        };
        draft
            .chat(prompt, self.seam(account))?
            .openai_dials(deployment, prompt, "max_tokens")
            .set("stream_options", json!({"include_usage": true}))
            .post()
    }

    fn decoder(&self) -> Decoder {
        chat_completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Instruction
    }

    fn advice(&self, error: &Error) -> Option<String> {
        match error.kind {
            ErrorKind::Auth => Some("The key is under “Keys and Endpoint” of the resource.".to_owned()),
            ErrorKind::Model if error.status.is_some() => {
                Some("`model` must be the name of a deployment of this resource.".to_owned())
            }
            ErrorKind::Request if error.status.is_none() => {
                Some("At Azure it is `https://RESOURCE.openai.azure.com`.".to_owned())
            }
            _ => None,
        }
    }
}

impl Azure {
    fn url(&self, account: &Account, deployment: &str) -> Result<String, Error> {
        // Pasted from the portal, it may be the whole address.
        let base = pasted_url(self, account)?.split('?').next().unwrap_or_default();
        let base = without_endpoint(base);
        if base.ends_with("/openai/v1") {
            return Ok(format!("{base}/chat/completions"));
        }
        let foundry = base.ends_with("/models");
        let version = segment(account.option("azure.api-version").unwrap_or(if foundry {
            MODELS_API_VERSION
        } else if reasoning(deployment).is_some() {
            THINKING_API_VERSION
        } else {
            API_VERSION
        }));
        Ok(if foundry || base.contains("/openai/deployments/") {
            format!("{base}/chat/completions?api-version={version}")
        } else {
            let base = base.trim_end_matches("/openai");
            format!("{base}/openai/deployments/{deployment}/chat/completions?api-version={version}")
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::Secret;
    use crate::provider::testing::{account, prompt, sent};

    fn at(base_url: &str, deployment: &str) -> Account {
        Account { base_url: base_url.to_owned(), model: deployment.to_owned(), ..account() }
    }

    #[test]
    fn addresses_are_taken_as_the_portal_gives_them() {
        let chat = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
        for (base, expected) in [
            ("https://r.openai.azure.com", format!("https://r.openai.azure.com{chat}")),
            ("https://r.openai.azure.com/openai", format!("https://r.openai.azure.com{chat}")),
            (
                "https://r.openai.azure.com/openai/deployments/e/chat/completions?api-version=x",
                "https://r.openai.azure.com/openai/deployments/e/chat/completions?api-version=2024-10-21"
                    .to_owned(),
            ),
            (
                "https://r.openai.azure.com/openai/v1",
                "https://r.openai.azure.com/openai/v1/chat/completions".to_owned(),
            ),
            (
                "https://r.openai.azure.com/openai/v1/responses",
                "https://r.openai.azure.com/openai/v1/chat/completions".to_owned(),
            ),
            (
                "https://r.services.ai.azure.com/models",
                "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview"
                    .to_owned(),
            ),
        ] {
            assert_eq!(Azure.request(&at(base, "d"), &prompt()).unwrap().url.as_str(), expected);
        }
        let options = vec![("azure.api-version".to_owned(), "2025-01-01-preview".to_owned())];
        let url = Azure
            .request(&Account { options, ..at("https://r.example", "d") }, &prompt())
            .unwrap()
            .url
            .to_string();
        assert!(url.ends_with("?api-version=2025-01-01-preview"), "{url}");
    }

    #[test]
    fn an_entra_token_goes_as_bearer() {
        let account = Account { api_key: Secret::new("eyJ0.e30.x"), ..at("https://r.example", "d") };
        let headers = Azure.request(&account, &prompt()).unwrap().secret_headers;
        assert_eq!(headers, [("authorization".to_owned(), Secret::new("Bearer eyJ0.e30.x"))]);
    }

    #[test]
    fn a_deployment_has_its_own_address() {
        expect![[r#"
            POST https://r.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21
            content-type: application/json
            api-key: KEY (secret)
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
              "model": "gpt4",
              "stream": true,
              "stream_options": {
                "include_usage": true
              },
              "temperature": 0.1
            }
        "#]].assert_eq(&sent(&Azure, &at("https://r.openai.azure.com", "gpt4"), &prompt()));
    }

    #[test]
    fn models_that_think_are_known_by_the_deployments_name() {
        expect![[r#"
            POST https://r.openai.azure.com/openai/deployments/gpt-5-mini/chat/completions?api-version=2025-04-01-preview
            content-type: application/json
            api-key: KEY (secret)
            {
              "max_completion_tokens": 576,
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
              "model": "gpt-5-mini",
              "reasoning_effort": "minimal",
              "stream": true,
              "stream_options": {
                "include_usage": true
              }
            }
        "#]].assert_eq(&sent(&Azure, &at("https://r.openai.azure.com/", "gpt-5-mini"), &prompt()));
    }

    #[test]
    fn settings_that_are_missing_are_named() {
        expect![[r#"
            error model: Set `model` to the name of the deployment at Azure OpenAI.
        "#]]
        .assert_eq(&sent(&Azure, &account(), &prompt()));
        expect![[r#"
            error request: Set `base-url` to the address of Azure OpenAI. At Azure it is `https://RESOURCE.openai.azure.com`.
        "#]].assert_eq(&sent(&Azure, &at("", "gpt4"), &prompt()));
        expect![[r#"
            error request: `base-url` must begin with https:// or http://: it should look like `https://host/path`. At Azure it is `https://RESOURCE.openai.azure.com`.
        "#]].assert_eq(&sent(&Azure, &at("r.openai.azure.com", "gpt4"), &prompt()));
    }
}
