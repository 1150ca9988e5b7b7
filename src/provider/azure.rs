//! Azure OpenAI: a deployment's own URL, or the newer `/openai/v1`, or a Foundry resource.

use serde_json::json;

use super::request::{Draft, base_url};
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, chat_completions};
use crate::stream::ErrorKind;

/// `azure`: the model is the deployment, `azure.api-version` the version of the API.
pub(super) struct Azure;

const API_VERSION: &str = "2024-10-21";
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
        if deployment.is_empty() {
            let message = "Set `model` to the name of the deployment at Azure OpenAI.";
            return Err(Error::of_settings(self, ErrorKind::Model, message));
        }
        let draft = Draft::to_url(self, account, self.url(account, deployment)?)?;
        // An Entra token is a JWT, a resource's key never looks like one.
        let draft = if account.api_key.expose().starts_with("eyJ") {
            draft.bearer()?
        } else {
            draft.key_header("api-key")?
        };
        draft
            .chat(prompt, self.seam(account))
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
            ErrorKind::Model => Some("`model` must be the name of a deployment of this resource.".to_owned()),
            ErrorKind::Request if error.status.is_none() => {
                Some("It is `https://RESOURCE.openai.azure.com`.".to_owned())
            }
            _ => None,
        }
    }
}

impl Azure {
    fn url(&self, account: &Account, deployment: &str) -> Result<String, Error> {
        let base = base_url(self, account)?;
        // Pasted from the portal, it may be the whole address.
        let base = base.split('?').next().unwrap_or_default().trim_end_matches("/chat/completions");
        if base.ends_with("/openai/v1") {
            return Ok(format!("{base}/chat/completions"));
        }
        let foundry = base.ends_with("/models");
        let version = account.option("azure.api-version").unwrap_or(if foundry {
            MODELS_API_VERSION
        } else {
            API_VERSION
        });
        Ok(if foundry || base.contains("/openai/deployments/") {
            format!("{base}/chat/completions?api-version={version}")
        } else {
            let base = base.trim_end_matches("/openai");
            format!("{base}/openai/deployments/{deployment}/chat/completions?api-version={version}")
        })
    }
}
