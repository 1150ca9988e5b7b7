//! One provider as data: a row of the [registry](super::registry).

use super::dialect::Dialect;
use super::reasoning::{Plan, Thinking};
use super::{Account, Decoder, Defaults, Error, Prompt, Provider, Seam};
use crate::http::HttpRequest;
use crate::stream::ErrorKind;

/// Everything that tells one provider from another.
pub(super) struct Profile {
    /// See [`Provider::name`].
    pub(super) name: &'static str,
    /// See [`Provider::title`].
    pub(super) title: &'static str,
    /// See [`Defaults`].
    pub(super) defaults: Defaults,
    /// The wire format, and what this provider does differently from others of that format.
    pub(super) dialect: &'static dyn Dialect,
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
    pub(super) help: &'static [(Topic, &'static str)],
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
}

/// A provider, and the account it is asked under.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) profile: &'a Profile,
    pub(super) account: &'a Account,
}

impl<'a> Target<'a> {
    /// The model the user named, or the provider's default.
    pub(super) fn model(self) -> &'a str {
        self.account.model_or(self.profile.defaults.model)
    }

    /// What to ask the model about thinking.
    pub(super) fn plan(self) -> Plan {
        self.profile.thinking.plan(self.model(), self.account.reasoning)
    }

    /// The error that no request can be made. `message` names the setting.
    pub(super) fn refusal(self, kind: ErrorKind, message: &str) -> Box<Error> {
        Box::new(Error::of_settings(self.profile, kind, message))
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
        let target = Target { profile: self, account };
        Ok(self.dialect.request(target, prompt)?.post()?)
    }

    fn decoder(&self) -> Decoder {
        self.dialect.decoder()
    }

    fn seam(&self, account: &Account) -> Seam {
        self.dialect.seam(Target { profile: self, account })
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        let target = Target { profile: self, account };
        self.dialect.list_models(target).ok()??.get().ok()
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
