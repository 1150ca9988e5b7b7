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
    /// What authorises a request.
    pub(super) key: &'static str,
    /// What a user can do about an error of that kind. Of `Auth`, the page where keys are made, or a sentence; of `Quota`, the
    /// page where credit is bought; of `Model`, what a server that answered knows, with `{model}` for what was asked for; of
    /// `Request`, what `base-url` must be, when no server was asked.
    pub(super) hints: &'static [(ErrorKind, &'static str)],
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
        let applies = match error.kind {
            ErrorKind::Model => error.status.is_some(),
            ErrorKind::Request => error.status.is_none(),
            _ => true,
        };
        let (_, hint) = self.hints.iter().find(|(kind, _)| *kind == error.kind && applies)?;
        let (before, end) = match error.kind {
            ErrorKind::Auth if hint.starts_with("https:") => ("Keys are made at ", "."),
            ErrorKind::Quota => ("Credit is bought at ", "."),
            _ => ("", ""),
        };
        let model = if model.is_empty() { "MODEL" } else { model };
        Some([before, &hint.replace("{model}", model), end].concat())
    }
}
