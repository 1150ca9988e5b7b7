//! What the user has set: `[ai-completion]` in Lapce's settings.
//!
//! Lapce sends only what the user wrote, not the defaults of `volt.toml`: those are in the [`table`], from which
//! `volt.toml` is generated. An invalid value never stops the plugin: it is reported by its dotted name, and the default
//! is used in its place. But while one of [`table::RESTRICTIVE`] is invalid, nothing is sent.
//!
//! The open folder may have its own settings (`.lapce/settings.toml`), and a volt cannot see where a value came from.
//! So no value is trusted: the user confirms what decides where text goes (see [`Destination`](super::Destination)), and
//! values are never shown.

pub(super) mod table;

use serde_json::{Map, Value};

use super::content_filter::FilterSettings;
use super::reader::{self, Problem, Reader};
use super::{Credentials, secret_files};
use crate::completion::generation::Limits;
use crate::completion::ghost::Accept;
use crate::completion::postprocess::Extent;
use crate::completion::prompt::Budget;
use crate::completion::trigger::{Eagerness, Gates, Glob, Globs};
use crate::completion::{Options, Role, Target, Targets, Trigger};
use crate::http::Secret;
use crate::provider::{self, FimSetting, MOST_INSTRUCTIONS, Provider, Reasoning};
use crate::stream::ContentFilter;
use crate::transport;

/// All settings. Everything but `provider` has a default that works.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Name of the provider; empty while none is set.
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
    /// How fill-in-the-middle is requested.
    pub fim: FimSetting,
    /// How much the model may think before it answers.
    pub reasoning: Reasoning,
    /// Standing instructions for chat models.
    pub instructions: String,
    /// Headers to add or replace.
    pub extra_headers: Vec<(String, String)>,
    /// Top-level fields of the request's body to add or replace.
    pub extra_body: Map<String, Value>,
    /// Settings for single providers that are set, by their dotted names.
    pub options: Vec<(String, String)>,
    /// When, what and how much to ask.
    pub engine: EngineSettings,
    /// How requests are sent and how long answers may take.
    pub network: transport::Options,
    /// What the user is shown.
    pub telling: Telling,
    /// Whether suggestions are counted.
    pub statistics: bool,
    /// The settings for alt+\, if they differ.
    pub invoked: Option<Box<Self>>,
    /// The settings for the fallback.
    pub fallback: Option<Box<Self>>,
    /// One of [`table::RESTRICTIVE`] that is invalid. Then nothing is sent.
    pub wrong: Option<&'static str>,
}

/// When, what and how much to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSettings {
    /// When to ask, if neither the file nor the language decides.
    pub trigger: Trigger,
    /// When to ask in files that match a glob.
    pub files: Vec<(Glob, Trigger)>,
    /// When to ask in documents of one language, by its id.
    pub languages: Vec<(String, Trigger)>,
    /// Globs of files that are usually read, not edited: there the model is asked only when invoked.
    pub read_only: Vec<Glob>,
    /// Globs of files whose contents are never sent.
    pub ignore: Vec<Glob>,
    /// The same. Both extend the built-in list.
    pub secret_files: Vec<Glob>,
    /// Milliseconds without a key before a request; `None`: adaptive.
    pub debounce_ms: Option<u32>,
    /// How readily to ask.
    pub eagerness: Eagerness,
    /// Most characters of code right of the cursor for an automatic completion.
    pub max_line_suffix: u32,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
    /// Longest prompt, in tokens (estimated).
    pub context_tokens: u32,
    /// How much to suggest: a line or a block.
    pub multiline: Extent,
    /// How much of a suggestion Tab inserts.
    pub accept: Accept,
    /// Whether parts of other files go into the prompt.
    pub snippets: bool,
    /// Whether secrets of known formats are masked in prompts.
    pub mask_secrets: bool,
    /// Removes text from answers.
    pub content_filter: FilterSettings,
    /// Whether to request what follows a suggestion while it is shown.
    pub speculative: Speculative,
    /// How many answers are cached; 0: none.
    pub cache_size: u32,
    /// Longest events and answers.
    pub limits: Limits,
}

/// What the status bar and the log show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// How much the status bar shows.
    pub status: Detail,
    /// What goes into the log.
    pub log_level: LogLevel,
    /// Whether the bodies of requests do.
    pub log_prompts: bool,
}

/// The defaults of the table.
impl Default for Telling {
    fn default() -> Self {
        Self {
            status: table::STATUS.default,
            log_level: table::LOG_LEVEL.default,
            log_prompts: table::LOG_PROMPTS.default,
        }
    }
}

/// How much the status bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only why nothing shows, when the user asks.
    Quiet,
    /// The progress.
    Short,
    /// The same with the model and figures.
    Full,
}

/// What goes into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Errors,
    /// Each request with its figures too.
    Info,
}

/// Whether to request ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speculative {
    /// With providers that are not paid by the token.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The defaults of the table.
impl Default for Settings {
    fn default() -> Self {
        Self::read_from(&mut Reader::new(&Value::Null))
    }
}

/// The defaults of the table.
impl Default for EngineSettings {
    fn default() -> Self {
        Self::read_from(&mut Reader::new(&Value::Null))
    }
}

impl Settings {
    /// Globs that re-include files, in the order of the settings.
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

    /// The target of these settings: `provider`, with these credentials.
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

    /// Reads `initializationOptions`: a table, in which dotted keys are nested tables, or null. Invalid values are
    /// reported, the others used.
    pub fn read(options: &Value) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(options);
        let mut settings = Self::read_from(&mut reader);
        let problems = reader.finish();
        let wrong = |key: &&str| problems.iter().any(|problem| problem.setting == Some(*key));
        settings.wrong = table::RESTRICTIVE.iter().copied().find(wrong);
        for other in settings.invoked.iter_mut().chain(&mut settings.fallback) {
            // What must not be sent is set in the main settings.
            other.wrong = other.wrong.or(settings.wrong);
        }
        (settings, problems)
    }

    /// The engine's options: these settings for `targets`. `root` is the path of the workspace. The caller makes the filter,
    /// because it knows whether the open folder may change it.
    pub fn options(&self, targets: Targets, root: &str, content_filter: ContentFilter, seed: u64) -> Options {
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
            content_filter,
            seed,
        }
    }

    /// Reads the settings for another role from their own table. Without a provider in it, the table changes the main
    /// settings.
    fn read_role(&self, reader: &mut Reader<'_>, setting: &table::Table) -> Option<Box<Self>> {
        let table = reader.fields(setting);
        if table.is_empty() {
            return None;
        }
        let mut other = if table.contains_key(table::PROVIDER.0) {
            Self {
                instructions: self.instructions.clone(),
                engine: self.engine.clone(),
                network: self.network.clone(),
                telling: self.telling,
                statistics: self.statistics,
                ..Self::default()
            }
        } else {
            self.clone()
        };
        let mut inner = Reader::of(&table);
        other.read_provider(&mut inner);
        let problems = inner.finish();
        let wrong = |restrictive: &&str| problems.iter().any(|problem| problem.setting == Some(*restrictive));
        other.wrong = table::RESTRICTIVE.iter().copied().find(wrong);
        reader.take_in(setting.name, problems);
        Some(Box::new(other))
    }

    /// Reads the settings that say whom to ask and how. Others stay as they are.
    fn read_provider(&mut self, reader: &mut Reader<'_>) {
        reader.text(table::PROVIDER.0, &mut self.provider, &|name| {
            if provider::find(name).is_some() {
                return Ok(());
            }
            Err(reader::one_word("the name of a provider", name, &provider::names().collect::<Vec<_>>()))
        });
        reader.text(table::MODEL.0, &mut self.model, &reader::model_name);
        reader.text(table::BASE_URL.0, &mut self.base_url, &reader::server_url);
        self.base_url.truncate(self.base_url.trim_end_matches('/').len());
        reader.secret(table::API_KEY, &mut self.api_key);
        reader.text(table::API_KEY_ENV.0, &mut self.api_key_env, &reader::variable_name);
        reader.text(table::INSTRUCTIONS.0, &mut self.instructions, &|text| {
            let fits = text.chars().count() <= MOST_INSTRUCTIONS;
            if fits { Ok(()) } else { Err(format!("a text of at most {MOST_INSTRUCTIONS} characters")) }
        });
        reader.headers(&table::EXTRA_HEADERS, &mut self.extra_headers);
        if reader.is_set(table::EXTRA_BODY.name) {
            self.extra_body = reader.fields(&table::EXTRA_BODY);
        }
        if reader.is_set(table::TEMPERATURE.name) {
            self.temperature = reader.maybe_number(&table::TEMPERATURE);
        }
        if reader.is_set(table::FIM.name) {
            self.fim = fim(reader);
        }
        if reader.is_set(table::REASONING.name) {
            self.reasoning = reader.choice(&table::REASONING);
        }
        for option in table::OPTIONS {
            let mut value = String::new();
            reader.word(*option, &mut value);
            self.set_option(option.0, value);
        }
        let tokens = reader.maybe_number(&table::OLLAMA_NUM_CTX);
        self.set_option(
            table::OLLAMA_NUM_CTX.name,
            tokens.map_or(String::new(), |tokens| (tokens as u32).to_string()),
        );
    }

    fn set_option(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.options.retain(|(other, _)| other != name);
            self.options.push((name.to_owned(), value));
        }
    }

    fn read_from(reader: &mut Reader<'_>) -> Self {
        let mut settings = Self {
            provider: String::new(),
            model: String::new(),
            base_url: String::new(),
            api_key: Secret::default(),
            api_key_env: String::new(),
            temperature: None,
            fim: FimSetting::Auto,
            reasoning: table::REASONING.default,
            instructions: String::new(),
            extra_headers: Vec::new(),
            extra_body: Map::new(),
            options: Vec::new(),
            engine: EngineSettings::read_from(reader),
            network: network(reader),
            telling: Telling {
                status: reader.choice(&table::STATUS),
                log_level: reader.choice(&table::LOG_LEVEL),
                log_prompts: reader.flag(&table::LOG_PROMPTS),
            },
            statistics: reader.flag(&table::STATISTICS),
            invoked: None,
            fallback: None,
            wrong: None,
        };
        settings.network.response_bytes = settings.engine.limits.response_bytes as usize;
        settings.read_provider(reader);
        let invoked = settings.read_role(reader, &table::INVOKED);
        settings.fallback = settings.read_role(reader, &table::FALLBACK);
        settings.invoked = invoked;
        settings
    }
}

impl EngineSettings {
    fn read_from(reader: &mut Reader<'_>) -> Self {
        let mut triggers = Vec::new();
        let off = Trigger::Off;
        reader.choices(&table::FILES, table::TRIGGERS, off, &reader::plain_glob, &mut triggers);
        let files = triggers.into_iter();
        let files = files.filter_map(|(text, trigger)| Some((Glob::parse(&text).ok()?, trigger))).collect();
        let mut languages = Vec::new();
        reader.choices(&table::LANGUAGES, table::TRIGGERS, off, &reader::language, &mut languages);
        let debounce_ms = reader.number(&table::DEBOUNCE_MS);
        Self {
            trigger: reader.choice(&table::TRIGGER),
            files,
            languages,
            read_only: reader.globs(&table::READ_ONLY),
            ignore: reader.globs(&table::IGNORE),
            secret_files: reader.globs(&table::SECRET_FILES),
            debounce_ms: (debounce_ms > 0).then_some(debounce_ms),
            eagerness: reader.choice(&table::EAGERNESS),
            max_line_suffix: reader.number(&table::MAX_LINE_SUFFIX),
            max_tokens: reader.number(&table::MAX_TOKENS),
            context_tokens: reader.number(&table::CONTEXT_TOKENS),
            multiline: reader.choice(&table::MULTILINE),
            accept: reader.choice(&table::ACCEPT),
            snippets: reader.flag(&table::SNIPPETS),
            mask_secrets: reader.flag(&table::MASK_SECRETS),
            content_filter: FilterSettings::read(reader),
            speculative: reader.choice(&table::SPECULATIVE),
            cache_size: reader.number(&table::CACHE_SIZE),
            limits: Limits {
                event_bytes: reader.number(&table::LIMIT_EVENT_BYTES),
                response_bytes: reader.number(&table::LIMIT_RESPONSE_BYTES),
            },
        }
    }
}

fn network(reader: &mut Reader<'_>) -> transport::Options {
    let mut network = transport::Options { mode: reader.choice(&table::TRANSPORT), ..Default::default() };
    reader.text(table::PROXY.0, &mut network.proxy, &|url| reader::proxy_url(url).map(drop));
    reader.text(table::CA_FILE.0, &mut network.ca_file, &reader::full_path);
    let first_byte = reader.milliseconds(&table::TIMEOUT_FIRST_BYTE_MS);
    network.limits.first_byte = (!first_byte.is_zero()).then_some(first_byte);
    network.limits.idle = reader.milliseconds(&table::TIMEOUT_IDLE_MS);
    network.limits.total = reader.milliseconds(&table::TIMEOUT_TOTAL_MS);
    network
}

fn fim(reader: &mut Reader<'_>) -> FimSetting {
    let mut fim = table::FIM.default.to_owned();
    reader.text(table::FIM.name, &mut fim, &|way| {
        let known = FIM_WAYS.contains(&way) || provider::fim_names().any(|name| name == way);
        if known || way.contains("{prefix}") && way.contains("{suffix}") {
            return Ok(());
        }
        if way.contains(['{', '<']) {
            return Err("a template with both {prefix} and {suffix} in it".to_owned());
        }
        let mut names = FIM_WAYS.to_vec();
        names.extend(provider::fim_names());
        Err(reader::one_word("a template with {prefix} and {suffix} in it, or a name", way, &names))
    });
    match fim.as_str() {
        "auto" => FimSetting::Auto,
        "suffix" => FimSetting::Suffix,
        "chat" => FimSetting::Chat,
        _ => FimSetting::Template(fim),
    }
}

const FIM_WAYS: &[&str] = &["auto", "suffix", "chat"];

#[cfg(test)]
mod docs;
#[cfg(test)]
mod tests;
