//! What the user has set: `[ai-completion]` in Lapce's settings.
//!
//! Lapce hands over only what the user wrote, not the defaults of `volt.toml`, so the defaults live
//! here (a test holds the two together). A wrong value never stops the plugin: it is reported by its
//! dotted name, and the default is used in its place; but while one of [`RESTRICTIVE`] is wrong, nothing is sent.
//!
//! The folder that is open may have settings of its own (`.lapce/settings.toml`), and a volt cannot see which of the
//! two a value came from. So no value is trusted: what decides where text goes is confirmed by the user (see
//! [`Destination`](super::Destination)), what keeps files back can only be added to, and values are never printed.

use std::time::Duration;

use serde_json::{Map, Value};

use super::content_filter::FilterSettings;
use super::reader::{self, Problem, Reader};
use super::{Credentials, credentials, secret_files};
use crate::completion::generation::Limits;
use crate::completion::ghost::Accept;
use crate::completion::postprocess::Extent;
use crate::completion::prompt::Budget;
use crate::completion::trigger::{CODE_AFTER, Eagerness, Gates, Glob, Globs};
use crate::completion::{Options, Role, Target, Targets, Trigger};
use crate::http::Secret;
use crate::provider::{self, FimSetting, MOST_INSTRUCTIONS, Provider, Reasoning};
use crate::transport::{self, Mode};

/// All settings. Everything but `provider` has a default that works.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Name of the provider; empty while the user has named none: nothing is sent to anyone then.
    pub provider: String,
    /// The model; empty for the provider's default.
    pub model: String,
    /// Base URL without a trailing slash; empty for the provider's default.
    pub base_url: String,
    /// The key itself. Environment variables are the better place for it.
    pub api_key: Secret,
    /// The environment variable that holds the key; empty for the provider's usual ones.
    pub api_key_env: String,
    /// Sampling temperature; `None` for the format's default.
    pub temperature: Option<f64>,
    /// How fill-in-the-middle is asked for.
    pub fim: FimSetting,
    /// How much the model may think before it answers.
    pub reasoning: Reasoning,
    /// Standing instructions for chat models.
    pub instructions: String,
    /// Headers to add or replace.
    pub extra_headers: Vec<(String, String)>,
    /// Top-level fields of the request's body to add or replace.
    pub extra_body: Map<String, Value>,
    /// Settings of single providers that were given, by their dotted names.
    pub options: Vec<(String, String)>,
    /// When, what and how much to ask.
    pub engine: EngineSettings,
    /// How requests leave and how long answers may take.
    pub network: transport::Options,
    /// Whether the status bar tells what is going on.
    pub status: bool,
    /// The settings for what is asked with alt+\, where those are others.
    pub invoked: Option<Box<Self>>,
    /// The settings for what is asked while the provider is away.
    pub fallback: Option<Box<Self>>,
    /// One of [`RESTRICTIVE`] that is wrong. Nothing is sent then.
    pub wrong: Option<&'static str>,
}

/// When, what and how much to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSettings {
    /// When to ask, where nothing more special is said.
    pub trigger: Trigger,
    /// When to ask in files that match a glob.
    pub files: Vec<(Glob, Trigger)>,
    /// When to ask in documents of one language, by its id.
    pub languages: Vec<(String, Trigger)>,
    /// Globs of files that are read and not written: nothing is asked there unless invoked.
    pub read_only: Vec<Glob>,
    /// Globs of files whose contents are never sent.
    pub ignore: Vec<Glob>,
    /// The same; both are added to the built-in list.
    pub secret_files: Vec<Glob>,
    /// Milliseconds without a key before a request; `None`: from the user's rhythm.
    pub debounce_ms: Option<u32>,
    /// How readily to ask.
    pub eagerness: Eagerness,
    /// Most characters of code behind the cursor for an automatic completion.
    pub max_line_suffix: u32,
    /// At most this many tokens of answer.
    pub max_tokens: u32,
    /// At most about this many tokens of prompt.
    pub context_tokens: u32,
    /// How many lines to suggest.
    pub multiline: Extent,
    /// How much of a suggestion Tab takes.
    pub accept: Accept,
    /// Whether pieces of other open documents go into the prompt.
    pub snippets: bool,
    /// Whether secrets of known formats are masked in prompts.
    pub mask_secrets: bool,
    /// What is taken out of answers.
    pub content_filter: FilterSettings,
    /// Whether to ask ahead for what follows a suggestion while it is shown.
    pub speculative: Speculative,
    /// How many answers are remembered; 0: none.
    pub cache_size: u32,
    /// How long events and answers may be.
    pub limits: Limits,
}

/// Whether to ask ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speculative {
    /// Where it costs nothing: not with paid providers.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: String::new(),
            model: String::new(),
            base_url: String::new(),
            api_key: Secret::default(),
            api_key_env: String::new(),
            temperature: None,
            fim: FimSetting::Auto,
            reasoning: Reasoning::Auto,
            instructions: String::new(),
            extra_headers: Vec::new(),
            extra_body: Map::new(),
            options: Vec::new(),
            engine: EngineSettings::default(),
            network: transport::Options::default(),
            status: true,
            invoked: None,
            fallback: None,
            wrong: None,
        }
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            trigger: Trigger::Automatic,
            files: Vec::new(),
            languages: Vec::new(),
            read_only: READ_ONLY.iter().filter_map(|glob| Glob::parse(glob).ok()).collect(),
            ignore: Vec::new(),
            secret_files: Vec::new(),
            debounce_ms: None,
            eagerness: Eagerness::Medium,
            max_line_suffix: CODE_AFTER,
            max_tokens: 256,
            context_tokens: 2048,
            multiline: Extent::Auto,
            accept: Accept::All,
            snippets: true,
            mask_secrets: true,
            content_filter: FilterSettings::default(),
            speculative: Speculative::Auto,
            cache_size: 200,
            limits: Limits { event_bytes: 1 << 20, response_bytes: 8 << 20 },
        }
    }
}

impl Settings {
    /// Globs that take files back in, in the order of the settings.
    pub fn taken_back(&self) -> impl Iterator<Item = &str> {
        let globs = self.engine.secret_files.iter().chain(&self.engine.ignore);
        globs.filter(|glob| glob.is_negated()).map(Glob::as_str)
    }

    /// These settings and those for the other roles.
    pub fn roles(&self) -> impl Iterator<Item = (Role, &Self)> {
        let invoked = self.invoked.as_deref().map(|settings| (Role::Invoked, settings));
        let fallback = self.fallback.as_deref().map(|settings| (Role::Fallback, settings));
        [(Role::Main, self)].into_iter().chain(invoked).chain(fallback)
    }

    /// Whom these settings name: `provider`, asked with these credentials.
    pub fn target(&self, provider: &'static dyn Provider, credentials: Credentials) -> Target {
        let speculative = match self.engine.speculative {
            Speculative::Auto => !provider.defaults().paid,
            Speculative::On => true,
            Speculative::Off => false,
        };
        let mut target = Target::new(provider, credentials.account, speculative);
        target.key_command = credentials.key_command;
        target
    }

    /// Reads `initializationOptions`: a table, its dotted keys already nested, or null. Everything
    /// wrong in it is reported, everything else used.
    pub fn read(options: &Value) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(options);
        let mut settings = Self::read_from(&mut reader);
        let problems = reader.finish();
        let wrong = |key: &&str| problems.iter().any(|problem| problem.setting == Some(*key));
        settings.wrong = RESTRICTIVE.iter().copied().find(wrong);
        for other in settings.invoked.iter_mut().chain(&mut settings.fallback) {
            // What is kept back is said in the main settings.
            other.wrong = other.wrong.or(settings.wrong);
        }
        (settings, problems)
    }

    /// The engine's options: these settings for `targets`. `root` is the path of the workspace.
    pub fn options(&self, targets: Targets, root: &str, seed: u64) -> Options {
        let engine = &self.engine;
        let (ignore, ignore_unless_source) = secret_files::globs(&[&engine.secret_files, &engine.ignore]);
        let mut read_only = Globs::default();
        engine.read_only.iter().for_each(|glob| read_only.add(glob));
        let gates = Gates {
            trigger: engine.trigger,
            files: engine.files.clone(),
            languages: engine.languages.clone(),
            read_only,
            ignore,
            ignore_unless_source,
            root: root.trim_end_matches('/').to_owned(),
            code_after: engine.max_line_suffix,
            ..Gates::default()
        };
        Options {
            targets,
            budget: Budget {
                tokens: engine.context_tokens as usize,
                snippets: engine.snippets,
                mask_secrets: engine.mask_secrets,
                gates: gates.clone(),
            },
            gates,
            debounce_ms: engine.debounce_ms.map(u64::from),
            eagerness: engine.eagerness,
            max_tokens: engine.max_tokens,
            extent: engine.multiline,
            accept: engine.accept,
            repository: root.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
            cache_entries: engine.cache_size as usize,
            limits: engine.limits,
            content_filter: engine.content_filter.filter(&FilterSettings::default()),
            seed,
        }
    }

    /// Reads the settings for another role from their own table. Where that names no provider, it says what is different
    /// from the main settings.
    fn read_role(&self, reader: &mut Reader<'_>, key: &'static str) -> Option<Box<Self>> {
        let table = reader.table(key).filter(|table| !table.is_empty())?;
        let mut other = if table.contains_key("provider") {
            Self {
                instructions: self.instructions.clone(),
                engine: self.engine.clone(),
                network: self.network.clone(),
                status: self.status,
                ..Self::default()
            }
        } else {
            self.clone()
        };
        let mut inner = Reader::of(table);
        other.read_provider(&mut inner);
        let problems = inner.finish();
        let wrong = |restrictive: &&str| problems.iter().any(|problem| problem.setting == Some(*restrictive));
        other.wrong = RESTRICTIVE.iter().copied().find(wrong);
        reader.take_in(key, problems);
        Some(Box::new(other))
    }

    /// Reads the settings that say whom to ask and how.
    fn read_provider(&mut self, reader: &mut Reader<'_>) {
        let settings = self;
        reader.text("provider", &mut settings.provider, |name| {
            if provider::find(name).is_some() {
                return Ok(());
            }
            let names: Vec<_> = provider::names().collect();
            let hint = reader::did_you_mean(name, names.iter().copied());
            Err(format!("one of {}{hint}", names.join(", ")))
        });
        reader.text("model", &mut settings.model, reader::model_name);
        reader.text("base-url", &mut settings.base_url, reader::server_url);
        settings.base_url.truncate(settings.base_url.trim_end_matches('/').len());
        reader.secret("api-key", &mut settings.api_key);
        reader.text("api-key-env", &mut settings.api_key_env, reader::variable_name);
        reader.optional_number("temperature", 0.0..=2.0, "0 to 2", &mut settings.temperature);
        let mut fim = "auto".to_owned();
        reader.text("fim", &mut fim, |way| {
            let known = FIM_WAYS.contains(&way) || provider::fim_names().any(|name| name == way);
            if known || way.contains("{prefix}") {
                return Ok(());
            }
            let names: Vec<_> = FIM_WAYS.iter().copied().chain(provider::fim_names()).collect();
            let hint = reader::did_you_mean(way, names.iter().copied());
            Err(format!(
                "one of {}, or a template with {{prefix}} and {{suffix}} in it{hint}",
                names.join(", ")
            ))
        });
        settings.fim = match fim.as_str() {
            "auto" => FimSetting::Auto,
            "suffix" => FimSetting::Suffix,
            "chat" => FimSetting::Chat,
            _ => FimSetting::Template(fim),
        };
        reader.choice("reasoning", Reasoning::NAMES, &mut settings.reasoning);
        reader.text("instructions", &mut settings.instructions, |text| {
            let fits = text.chars().count() <= MOST_INSTRUCTIONS;
            if fits { Ok(()) } else { Err(format!("a text of at most {MOST_INSTRUCTIONS} characters")) }
        });
        reader.headers("extra-headers", &mut settings.extra_headers);
        if let Some(fields) = reader.table("extra-body") {
            settings.extra_body = fields.clone();
        }
        for option in credentials::OPTIONS {
            let mut value = String::new();
            reader.word(option.key, &mut value);
            if !value.is_empty() {
                settings.options.push((option.key.to_owned(), value));
            }
        }
    }

    fn read_from(reader: &mut Reader<'_>) -> Self {
        let mut settings = Self::default();
        settings.read_provider(reader);
        reader.flag("status", &mut settings.status);

        let engine = &mut settings.engine;
        reader.choice_or("trigger", TRIGGERS, &mut engine.trigger, Trigger::Off);
        let mut files = Vec::new();
        reader.choices("files", TRIGGERS, Trigger::Off, &reader::plain_glob, &mut files);
        for (text, trigger) in files {
            engine.files.extend(Glob::parse(&text).map(|glob| (glob, trigger)));
        }
        reader.choices("languages", TRIGGERS, Trigger::Off, &|_| Ok(()), &mut engine.languages);
        reader.globs("read-only", &mut engine.read_only);
        reader.globs("ignore", &mut engine.ignore);
        reader.globs("secret-files", &mut engine.secret_files);
        let mut debounce_ms = 0;
        reader.number("debounce-ms", 0..=5_000, &mut debounce_ms);
        engine.debounce_ms = (debounce_ms > 0).then_some(debounce_ms);
        reader.choice("eagerness", EAGERNESSES, &mut engine.eagerness);
        reader.number("max-line-suffix", 0..=10_000, &mut engine.max_line_suffix);
        reader.number("max-tokens", 1..=16_384, &mut engine.max_tokens);
        reader.number("context-tokens", 128..=131_072, &mut engine.context_tokens);
        reader.choice("multiline", MULTILINES, &mut engine.multiline);
        reader.choice("accept", ACCEPTS, &mut engine.accept);
        reader.flag("snippets", &mut engine.snippets);
        reader.flag_or("mask-secrets", &mut engine.mask_secrets, true);
        engine.content_filter = FilterSettings::read(reader);
        reader.choice_or("speculative", SPECULATIVES, &mut engine.speculative, Speculative::Off);
        reader.number("cache-size", 0..=10_000, &mut engine.cache_size);

        reader.number("limit.event-bytes", 1_024..=64 << 20, &mut engine.limits.event_bytes);
        reader.number("limit.response-bytes", 1_024..=64 << 20, &mut engine.limits.response_bytes);

        let network = &mut settings.network;
        reader.choice("transport", MODES, &mut network.mode);
        reader.text("proxy", &mut network.proxy, |url| reader::proxy_url(url).map(drop));
        reader.text("ca-file", &mut network.ca_file, reader::printable);
        let mut first_byte = 0;
        reader.number("timeout.first-byte-ms", 0..=3_600_000, &mut first_byte);
        network.limits.first_byte = (first_byte > 0).then(|| Duration::from_millis(u64::from(first_byte)));
        reader.milliseconds("timeout.idle-ms", &mut network.limits.idle);
        reader.milliseconds("timeout.total-ms", &mut network.limits.total);
        let invoked = settings.read_role(reader, "invoked");
        settings.fallback = settings.read_role(reader, "fallback");
        settings.invoked = invoked;
        settings
    }
}

/// The settings that say where text goes and what is kept back. While one of them is wrong, text could go, or be shown,
/// where the user does not want it.
const RESTRICTIVE: &[&str] = &[
    "base-url",
    "proxy",
    "ca-file",
    "trigger",
    "files",
    "languages",
    "read-only",
    "ignore",
    "secret-files",
    "snippets",
    "mask-secrets",
    "content-filter",
];

/// Globs of files that others wrote: libraries, and what tools generate.
const READ_ONLY: &[&str] = &[
    ".git/**",
    "node_modules/**",
    "site-packages/**",
    ".cargo/registry/**",
    ".cargo/git/**",
    ".rustup/toolchains/**",
    "go/pkg/mod/**",
    "*.min.js",
    "*.lock",
    "package-lock.json",
];

const TRIGGERS: &[(&str, Trigger)] =
    &[("automatic", Trigger::Automatic), ("invoked", Trigger::Invoked), ("off", Trigger::Off)];
const EAGERNESSES: &[(&str, Eagerness)] =
    &[("low", Eagerness::Low), ("medium", Eagerness::Medium), ("high", Eagerness::High)];
const MULTILINES: &[(&str, Extent)] =
    &[("auto", Extent::Auto), ("single", Extent::Line), ("block", Extent::Block)];
const ACCEPTS: &[(&str, Accept)] = &[("all", Accept::All), ("line", Accept::Line)];
const SPECULATIVES: &[(&str, Speculative)] =
    &[("auto", Speculative::Auto), ("on", Speculative::On), ("off", Speculative::Off)];
const MODES: &[(&str, Mode)] = &[("auto", Mode::Auto), ("curl", Mode::Curl), ("http", Mode::Http)];
const FIM_WAYS: &[&str] = &["auto", "suffix", "chat"];

#[cfg(test)]
mod tests;
