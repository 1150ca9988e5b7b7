use crate::http::{Secret, is_secret_header};

use super::learned::Lesson;
use super::reasoning::Reasoning;

/// What to ask a model for, free of any provider's format.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompt {
    /// Text before the cursor, already cut to the budget.
    pub prefix: String,
    /// Text after the cursor, already cut to the budget.
    pub suffix: String,
    /// Path of the file relative to the workspace, with `/`.
    pub path: String,
    /// Lapce's language id of the file (`rust`, `python`, …); empty when unknown.
    pub language: String,
    /// Name of the workspace's folder, for repository-level FIM prompts; empty when unknown.
    pub repository: String,
    /// Pieces of other files, most stable first, most relevant last.
    pub snippets: Vec<Snippet>,
    /// At most this many tokens of answer.
    pub max_tokens: u32,
    /// Stop strings asked for by the cut rules, the format's own come on top.
    pub stop: Vec<String>,
    /// The user's last edits as differences of lines, for chats; empty for none.
    pub edits: String,
    /// Insertions that were shown and are not wanted: something else is asked for, where the format can say so.
    pub unwanted: Vec<String>,
    /// Answer text already received from a stream that broke: ask for what follows it.
    /// Empty for a new request. See [`Seam`](super::Seam).
    pub received: String,
}

/// A piece of another file that may help.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snippet {
    /// Path relative to the workspace, with `/`.
    pub path: String,
    /// The text.
    pub text: String,
}

/// Whose server to ask, and how, from the user's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Base URL without a trailing slash; empty for the provider's own.
    pub base_url: String,
    /// The model; empty for the provider's default.
    pub model: String,
    /// The API key; empty for none.
    pub api_key: Secret,
    /// Whether a command of the user's prints the key.
    pub has_key_command: bool,
    /// Further secrets by name (`aws-secret-access-key`, `aws-session-token`).
    pub secrets: Vec<(String, Secret)>,
    /// Provider-specific plain settings by name (`azure.api-version`, `vertex.project`, `aws.region`, …).
    pub options: Vec<(String, String)>,
    /// Headers to add or replace.
    pub extra_headers: Vec<(String, String)>,
    /// Top-level body fields to add or replace.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// Sampling temperature; `None` for the format's default for completion.
    pub temperature: Option<f64>,
    /// How fill-in-the-middle is asked for; see [`FimSetting`].
    pub fim: FimSetting,
    /// How much the model may think before it answers.
    pub reasoning: Reasoning,
    /// The user's standing instructions for chat models; empty for none.
    pub instructions: String,
    /// What this server has taught about this model; see [`Learned`](super::learned::Learned).
    pub lessons: Vec<Lesson>,
    /// Seconds since 1970-01-01 UTC, for formats that sign their requests.
    pub unix_time: u64,
}

impl Account {
    /// The base URL, or `default` when the user gave none.
    pub fn base_url_or<'a>(&'a self, default: &'a str) -> &'a str {
        match self.base_url.trim() {
            "" => default,
            url => url,
        }
        .trim_end_matches('/')
    }

    /// The model, or `default` when the user named none.
    pub fn model_or<'a>(&'a self, default: &'a str) -> &'a str {
        match self.model.trim() {
            "" => default,
            model => model,
        }
    }

    /// The temperature, or one at which code comes out the same nearly every time.
    pub(super) fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(0.1)
    }

    /// The plain setting of that name; `None` when it is not there or empty.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(key, _)| key == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// The secret of that name; `None` when it is not there or empty.
    pub(super) fn secret(&self, name: &str) -> Option<&Secret> {
        let (_, secret) = self.secrets.iter().find(|(key, _)| key == name)?;
        Some(secret).filter(|secret| !secret.is_empty())
    }

    /// All texts that must not be shown.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let mut all = vec![self.api_key.expose()];
        all.extend(self.secrets.iter().map(|(_, secret)| secret.expose()));
        for (name, value) in &self.extra_headers {
            if is_secret_header(name) {
                // `Bearer KEY`: the scheme is no secret. `a=b; c=d`, a cookie, is one in all its parts.
                let parts = match value.trim().split_once(' ') {
                    Some(("Bearer" | "Basic" | "Token", key)) => key,
                    _ => value,
                };
                all.extend(parts.split(' '));
            }
        }
        all.retain(|text| !text.is_empty());
        all
    }
}

/// The user's word on fill-in-the-middle.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum FimSetting {
    /// By provider and model name.
    #[default]
    Auto,
    /// The server's own `suffix` field.
    Suffix,
    /// A template by its name in the FIM table (`qwen`, `starcoder`, `codellama`, …).
    Template(String),
    /// No FIM: chat, told to fill the hole.
    Chat,
}
