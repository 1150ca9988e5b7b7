//! The key and the options of an account, from the settings and the environment.

use super::settings::{Settings, table};
use crate::http::Secret;
use crate::http::Url;
use crate::provider::key::{self, clean as clean_key};
use crate::provider::{Account, Error, Provider, missing_key};
use crate::stream::ErrorKind;

/// A setting for single providers.
struct ProviderOption {
    /// Its dotted name.
    key: &'static str,
    /// The providers that use it.
    providers: &'static [&'static str],
    /// Environment variables that are used if it is not set; the first one that is set wins.
    env: &'static [&'static str],
}

const VERTEX: &[&str] = &["vertex-gemini", "vertex-anthropic"];

/// All settings for single providers.
static OPTIONS: &[ProviderOption] = &[
    ProviderOption { key: table::AZURE_API_VERSION.0, providers: &["azure"], env: &["OPENAI_API_VERSION"] },
    ProviderOption {
        key: table::VERTEX_PROJECT.0,
        providers: VERTEX,
        env: &["GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID"],
    },
    ProviderOption {
        key: table::VERTEX_LOCATION.0,
        providers: VERTEX,
        env: &["GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"],
    },
    // Its usual variable is among those of the key, where AWS_BEARER_TOKEN_BEDROCK has priority.
    ProviderOption { key: table::AWS_ACCESS_KEY_ID.0, providers: &["bedrock"], env: &[] },
    ProviderOption { key: table::OLLAMA_NUM_CTX.name, providers: &["ollama"], env: &[] },
    ProviderOption {
        key: table::CLOUDFLARE_ACCOUNT_ID.0,
        providers: &["cloudflare"],
        env: &["CLOUDFLARE_ACCOUNT_ID"],
    },
    ProviderOption {
        key: table::AWS_REGION.0,
        providers: &["bedrock"],
        env: &["AWS_REGION", "AWS_DEFAULT_REGION"],
    },
];

/// Secrets that only come from the environment: variable, name in [`Account::secrets`], provider.
static SECRETS: &[(&str, &str, &str)] = &[
    ("AWS_SECRET_ACCESS_KEY", "aws-secret-access-key", "bedrock"),
    ("AWS_SESSION_TOKEN", "aws-session-token", "bedrock"),
];

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// There is no key.
    None,
    /// The setting `api-key`.
    Setting,
    /// One of the provider's usual variables.
    Usual(&'static str),
    /// Another variable, named by the setting `api-key-env`.
    Variable(String),
    /// The output of the user's command, which has not run yet.
    Command,
}

/// An account, and where its key comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// How the provider is asked.
    pub account: Account,
    /// Where [`Account::api_key`] comes from.
    pub source: KeySource,
    /// The command that prints the key.
    pub key_command: Option<String>,
}

impl Settings {
    /// The credentials for `provider` now. `env` looks up an environment variable.
    ///
    /// # Errors
    /// Of kind [`ErrorKind::Auth`] when a key is needed and there is none, of kind [`ErrorKind::Request`] when
    /// it is not clear where text may go.
    pub fn credentials(
        &self,
        provider: &dyn Provider,
        env: &dyn Fn(&str) -> Option<String>,
        unix_time: u64,
    ) -> Result<Credentials, Error> {
        let name = provider.name();
        let found = |variable: &&str| env(variable).filter(|value| !value.trim().is_empty());
        let refusal = |kind, message| Error {
            kind,
            provider: name,
            status: None,
            code: None,
            request_id: None,
            retry_after_ms: None,
            message,
        };
        let refuse = |message| refusal(ErrorKind::Auth, message);
        if let Some(setting) = self.wrong {
            let message = format!(
                "Correct `{setting}`, or take it out: it is not understood, so nothing is sent to anyone."
            );
            return Err(refusal(ErrorKind::Request, message));
        }

        let defaults = provider.defaults();
        let usual = || defaults.key_env.iter().find_map(|variable| Some((*variable, found(variable)?)));
        // The general command is for providers that need a key, which a model on this machine does not.
        let base = if self.base_url.is_empty() { defaults.base_url } else { &self.base_url };
        let takes_key = defaults.needs_key || Url::parse(base).is_ok_and(|url| !url.is_loopback());
        let mut key_command = None;
        let (api_key, source) = if !self.api_key.is_empty() {
            (self.api_key.clone(), KeySource::Setting)
        } else if !self.api_key_env.is_empty() {
            let named = self.api_key_env.as_str();
            // The message does not contain the name: it may be a key that was set here by mistake.
            let key = found(&named).ok_or_else(|| {
                refuse(
                    "`api-key-env` names a variable that is not set in the environment Lapce was started from."
                        .to_owned(),
                )
            })?;
            let usual = defaults.key_env.iter().find(|variable| **variable == named);
            let source = usual.map_or(KeySource::Variable(named.to_owned()), |usual| KeySource::Usual(usual));
            (Secret::new(clean_key(&key)), source)
        } else if let Some(own) = key::own_command(name, env) {
            key_command = Some(own);
            (Secret::default(), KeySource::Command)
        } else if let Some((variable, key)) = usual() {
            (Secret::new(clean_key(&key)), KeySource::Usual(variable))
        } else if let Some(general) = key::command(env).filter(|_| takes_key) {
            key_command = Some(general);
            (Secret::default(), KeySource::Command)
        } else {
            (Secret::default(), KeySource::None)
        };
        let secrets: Vec<_> = SECRETS
            .iter()
            .filter(|(_, _, provider)| *provider == name)
            .filter_map(|(variable, secret, _)| {
                Some(((*secret).to_owned(), Secret::new(clean_key(&found(variable)?))))
            })
            .collect();

        if defaults.needs_key && api_key.is_empty() && secrets.is_empty() && key_command.is_none() {
            return Err(missing_key(provider));
        }
        let options = OPTIONS.iter().filter(|option| option.providers.contains(&name)).filter_map(|option| {
            let set = self.options.iter().find(|(key, _)| key == option.key).map(|(_, value)| value.clone());
            Some((option.key.to_owned(), set.or_else(|| option.env.iter().find_map(found))?))
        });
        let account = Account {
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            api_key,
            has_key_command: key_command.is_some(),
            secrets,
            options: options.collect(),
            extra_headers: self.extra_headers.clone(),
            extra_body: self.extra_body.clone(),
            temperature: self.temperature,
            fim: self.fim.clone(),
            reasoning: self.reasoning,
            instructions: self.instructions.clone(),
            lessons: Vec::new(),
            unix_time,
        };
        Ok(Credentials { account, source, key_command })
    }
}
