//! One provider as data: a row of the [registry](super::registry).

use super::dialect::{
    chat_completions, completions, converse, generate_content, llama_cpp, messages, ollama, responses,
};
use super::fim::Ways;
use super::reasoning::{Plan, Thinking};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, Prompt, Provider, Seam};
use crate::http::HttpRequest;
use crate::stream::ErrorKind;

/// Everything that tells one provider from another.
#[derive(Debug)]
pub(super) struct Profile {
    /// See [`Provider::name`].
    pub(super) name: &'static str,
    /// See [`Provider::title`].
    pub(super) title: &'static str,
    /// See [`Defaults`].
    pub(super) defaults: Defaults,
    /// The wire format, and what this provider does differently from others of that format.
    pub(super) dialect: Dialect,
    /// How its URLs are put together.
    pub(super) address: Address,
    /// What it accepts about thinking.
    pub(super) thinking: Thinking,
    /// Headers that every request has.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// The header that holds the key by itself; empty: `authorization: Bearer`.
    pub(super) key_header: &'static str,
    /// The path below the base URL that lists the models; empty: there is none.
    pub(super) models_path: &'static str,
    /// What a user can do when it fails.
    pub(super) help: Help,
}

/// A wire format, and what a provider does differently from others of that format.
#[derive(Debug)]
pub(super) enum Dialect {
    Chat(&'static Chat),
    Completions(&'static Completions),
    Responses,
    Messages,
    GenerateContent,
    Converse,
    Ollama,
    LlamaCpp,
}

/// Quirks of chat completions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chat {
    /// The field that limits the tokens of an answer.
    pub(super) limit: &'static str,
    /// What `stream_options` says; empty: it is left out.
    pub(super) stream_options: &'static [(&'static str, bool)],
    /// How an answer that broke off is continued.
    pub(super) resume: Resume,
}

/// How a chat continues an answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// The model is told to.
    Instruction,
    /// The answer's beginning is marked by `prefix`, and comes back before what follows.
    EchoedPrefix,
    /// The same without the echo, only below `/beta` of the vendor's own server.
    BetaPrefix,
}

/// Quirks of text completions, which is where fill-in-the-middle lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completions {
    /// The path below the base URL.
    pub(super) path: &'static str,
    /// The ways it can be asked.
    pub(super) ways: Ways,
    /// The family of all its models, by the template's name; `None`: as the model's name says.
    pub(super) family: Option<&'static str>,
    /// Stop strings that it takes at most.
    pub(super) stops: usize,
    /// Tokens of answer that it gives at most.
    pub(super) most_tokens: u32,
    /// What `stream_options` says; empty: it is left out.
    pub(super) stream_options: &'static [(&'static str, bool)],
}

/// How the URLs of a provider are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// A path below the base URL. A base URL without a path gets that of the provider's own.
    Base,
    /// As [`Base`](Self::Base), but the base URL may end in one of these, which belong to another API.
    Root(&'static [&'static str]),
    /// As [`Base`](Self::Base), but this stands behind the base URL, whether the user wrote it or not: Anthropic's own
    /// clients, and gateways made for them, leave it out.
    Versioned(&'static str),
    /// A deployment's URL, or the `v1` API.
    Azure,
    /// A publisher's model in a project of Google Cloud.
    Vertex(&'static str),
    /// A model in a region of AWS.
    Bedrock,
    /// An account of Cloudflare's.
    Cloudflare,
}

/// What a user is told besides what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// What authorises a request, when it is no API key.
    Key,
    /// The page where keys are made, or a sentence.
    Keys,
    /// The page where credit is bought.
    Credit,
    /// How the server is started.
    Start,
    /// What `model` must be; `{model}` stands for what it is.
    Models,
    /// Where fill-in-the-middle is to be had.
    Fim,
    /// What `base-url` must be.
    Address,
}

/// Sentences for users by topic.
pub(super) type Help = &'static [(Topic, &'static str)];

impl Profile {
    /// What there is to say about a topic; empty: nothing.
    pub(super) fn help(&self, topic: Topic) -> &'static str {
        self.help.iter().find(|(other, _)| *other == topic).map_or("", |(_, text)| text)
    }

    /// What authorises a request.
    pub(super) fn key(&self) -> &'static str {
        match self.help(Topic::Key) {
            "" => "an API key",
            key => key,
        }
    }

    /// The model the user named, or the provider's default.
    pub(super) fn model<'a>(&self, account: &'a Account) -> &'a str {
        account.model_or(self.defaults.model)
    }

    /// What to ask the model about thinking.
    pub(super) fn plan(&self, account: &Account) -> Plan {
        self.thinking.plan(self.model(account), account.reasoning)
    }
}

impl Provider for Profile {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn defaults(&self) -> Defaults {
        self.defaults
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let draft = match &self.dialect {
            Dialect::Chat(chat) => chat_completions::request(self, chat, account, prompt),
            Dialect::Completions(quirks) => completions::request(self, quirks, account, prompt),
            Dialect::Responses => responses::request(self, account, prompt),
            Dialect::Messages => messages::request(self, account, prompt),
            Dialect::GenerateContent => generate_content::request(self, account, prompt),
            Dialect::Converse => converse::request(self, account, prompt),
            Dialect::Ollama => ollama::request(self, account, prompt),
            Dialect::LlamaCpp => llama_cpp::request(self, account, prompt),
        };
        let mut request = draft?.post()?;
        if let Dialect::Converse = self.dialect {
            converse::sign(self, account, &mut request)?;
        }
        Ok(request)
    }

    fn decoder(&self) -> Decoder {
        match &self.dialect {
            Dialect::Chat(_) | Dialect::Completions(_) | Dialect::Responses => chat_completions::decoder(),
            Dialect::Messages => messages::decoder(),
            Dialect::GenerateContent => generate_content::decoder(),
            Dialect::Converse => converse::decoder(),
            Dialect::Ollama => ollama::decoder(),
            Dialect::LlamaCpp => llama_cpp::decoder(),
        }
    }

    fn seam(&self, account: &Account) -> Seam {
        match &self.dialect {
            Dialect::Chat(chat) => chat_completions::seam(chat, account),
            Dialect::Completions(quirks) => completions::seam(self, quirks, account),
            Dialect::Responses | Dialect::GenerateContent => Seam::Instruction,
            Dialect::Messages | Dialect::Converse => messages::seam(self.plan(account)),
            Dialect::Ollama => ollama::seam(self, account),
            Dialect::LlamaCpp => llama_cpp::seam(self, account),
        }
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        let is_converse = matches!(self.dialect, Dialect::Converse);
        let draft = match self.models_path {
            // Only the control plane's own host knows them, not whatever stands in for the runtime's.
            _ if is_converse && account.base_url.trim().is_empty() => converse::list_models(self, account),
            path if !is_converse && !path.is_empty() => Draft::to(self, account, path),
            _ => return None,
        };
        let mut request = draft.and_then(Draft::get).ok()?;
        if is_converse {
            converse::sign(self, account, &mut request).ok()?;
        }
        Some(request)
    }

    fn advice(&self, error: &Error, model: &str) -> Option<String> {
        let topic = match error.kind {
            ErrorKind::Auth => Topic::Keys,
            ErrorKind::Quota => Topic::Credit,
            ErrorKind::Network => Topic::Start,
            ErrorKind::Model if error.status.is_some() => Topic::Models,
            ErrorKind::NoFim => Topic::Fim,
            ErrorKind::Request if error.status.is_none() => Topic::Address,
            _ => return None,
        };
        let text = self.help(topic);
        let before = match topic {
            Topic::Keys if text.starts_with("https:") => "Keys are made at ",
            Topic::Credit => "Credit is bought at ",
            _ => "",
        };
        let model = if model.is_empty() { "MODEL" } else { model };
        let end = if before.is_empty() { "" } else { "." };
        (!text.is_empty()).then(|| [before, &text.replace("{model}", model), end].concat())
    }
}
