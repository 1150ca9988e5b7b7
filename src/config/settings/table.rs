//! All settings: name, default, what is allowed, and the description that users read.
//!
//! The only source for the [reader](super::super::reader) and for `volt.toml`, `docs/settings.md` and the README's table: `UPDATE_EXPECT=1
//! cargo test --lib config::settings` generates those. Lapce shows each setting separately, sorted by name, and supports only texts, numbers and
//! switches. So each description must be complete, and every default is one of these three.

use crate::completion::Trigger;
use crate::completion::ghost::Accept;
use crate::completion::postprocess::Extent;
use crate::completion::trigger::{CODE_AFTER, Eagerness};
use crate::provider::Reasoning;
use crate::transport::Mode;

use super::{Detail, LogLevel, Speculative};

/// A text; empty for none.
#[derive(Debug, Clone, Copy)]
pub struct Text(pub &'static str);

/// A text that is not empty by default.
#[derive(Debug, Clone, Copy)]
pub struct TextOr {
    pub name: &'static str,
    pub default: &'static str,
}

/// A whole number.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    pub name: &'static str,
    pub default: u32,
    pub min: u32,
    pub max: u32,
}

/// A number, or an empty text for none. `max` is a whole number: formatting a fraction would add 14 KB to the wasm.
#[derive(Debug, Clone, Copy)]
pub struct MaybeNumber {
    pub name: &'static str,
    pub min: u32,
    pub max: u32,
    pub is_whole: bool,
}

/// One of a few words.
#[derive(Debug, Clone, Copy)]
pub struct Choice<T: 'static> {
    pub name: &'static str,
    pub words: &'static [(&'static str, T)],
    pub default: T,
    /// What an invalid value means.
    pub otherwise: T,
}

/// A switch.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    pub name: &'static str,
    pub default: bool,
    /// What an invalid value means.
    pub otherwise: bool,
}

/// Globs, as a list of texts or one text with commas.
#[derive(Debug, Clone, Copy)]
pub struct GlobList {
    pub name: &'static str,
    /// As one text.
    pub default: &'static str,
}

/// A table, which may also be given as one text like `example`.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    pub example: &'static str,
}

const fn number(name: &'static str, default: u32, min: u32, max: u32) -> Number {
    Number { name, default, min, max }
}

const fn flag(name: &'static str, default: bool, otherwise: bool) -> Flag {
    Flag { name, default, otherwise }
}

const fn choice<T: Copy>(name: &'static str, words: &'static [(&'static str, T)], default: T) -> Choice<T> {
    Choice { name, words, default, otherwise: default }
}

macro_rules! settings {
    ($( [$group:literal] $( $(#[doc = $about:literal])+ $id:ident: $kind:ty = $setting:expr; )+ )+) => {
        $($( $(#[doc = $about])+ pub const $id: $kind = $setting; )+)+

        /// All of them, in groups.
        #[cfg(test)]
        pub fn all() -> Vec<super::docs::Entry> {
            vec![$($( super::docs::Entry::new($group, &$id, concat!($($about),+)) ),+),+]
        }
    };
}

settings! {
    ["Whom to ask"]
    /// Whom to ask for completions: ollama, llama-cpp, lm-studio, anthropic, openai, gemini, openai-compatible or another name of docs/providers.md. Empty: a model
    /// that runs on this machine is used if there is one, and nothing is sent to anyone else.
    PROVIDER: Text = Text("provider");
    /// The model to ask, by its name at the provider. Empty: the provider's default.
    MODEL: Text = Text("model");
    /// URL of the server, such as https://gateway.example/v1; behind a Unix socket unix:///path/to.sock. Empty: the provider's own server.
    BASE_URL: Text = Text("base-url");
    /// Name of the environment variable that holds the API key, such as MY_KEY. Empty: the provider's usual one, such as ANTHROPIC_API_KEY.
    API_KEY_ENV: Text = Text("api-key-env");
    /// The API key itself. Lapce keeps it as plain text, so an environment variable (api-key-env) is the better place. Empty: none.
    API_KEY: Text = Text("api-key");
    /// HTTP headers to add to every request, as Name: value with commas between them. Not Host, Content-Length, Transfer-Encoding or Connection.
    EXTRA_HEADERS: Table = Table { name: "extra-headers", example: "X-Title: lapce, X-Team: editors" };
    /// JSON fields to add to the body of every request. A name with ! in front removes that field.
    EXTRA_BODY: Table = Table { name: "extra-body", example: "{ \"top_k\": 20, \"!temperature\": true }" };

    /// Another provider or model for alt+\, given by the settings from provider to extra-body. Without provider it inherits everything else from the main
    /// settings.
    INVOKED: Table = Table { name: "invoked", example: "{ \"provider\": \"anthropic\" }" };
    /// Whom to ask while the provider is rate limited, overloaded, out of credit or unreachable, given by the same settings as invoked.
    FALLBACK: Table = Table { name: "fallback", example: "{ \"provider\": \"ollama\" }" };

    ["When to suggest"]
    /// When to suggest: as you type, only when you press alt+\ (invoked), or never.
    TRIGGER: Choice<Trigger> = Choice { otherwise: Trigger::Off, ..choice("trigger", TRIGGERS, Trigger::Automatic) };
    /// When to suggest in certain languages, by Lapce's ids in lower case: automatic, invoked or off for each. Other languages: as trigger says.
    LANGUAGES: Table = Table { name: "languages", example: "markdown: off, sql: invoked" };
    /// When to suggest in files that match a glob: automatic, invoked or off for each; the longest glob counts. Other files: as languages and trigger say.
    FILES: Table = Table { name: "files", example: "*.md: invoked, notes/: off" };
    /// Globs of files that you usually read, not edit: suggestions come there only when you press alt+\.
    READ_ONLY: GlobList = GlobList {
        name: "read-only",
        default: ".git/**, node_modules/**, site-packages/**, .cargo/registry/**, .cargo/git/**, .rustup/toolchains/**, \
                  go/pkg/mod/**, *.min.js, *.lock, package-lock.json",
    };
    /// Milliseconds without a key before the model is asked; 0 follows your typing rhythm and the model's speed.
    DEBOUNCE_MS: Number = number("debounce-ms", 0, 0, 5_000);

    /// How soon after a key the model is asked: low (waits twice as long), medium or high (half as long).
    EAGERNESS: Choice<Eagerness> = choice("eagerness", EAGERNESSES, Eagerness::Medium);
    /// Most characters of code right of the cursor on its line for suggestions as you type, not counting closing brackets.
    MAX_LINE_SUFFIX: Number = number("max-line-suffix", CODE_AFTER, 0, 10_000);

    ["What is sent"]
    /// Globs of files whose contents are never sent, as in .gitignore but at any depth: *.min.js, vendor/. They add to secret-files.
    IGNORE: GlobList = GlobList { name: "ignore", default: "" };
    /// Globs of further files that hold secrets and whose contents are never sent. They add to the built-in list (.env*, *.pem, .ssh/ and many more); !*.pem removes that one glob from it.
    SECRET_FILES: GlobList = GlobList { name: "secret-files", default: "" };
    /// Longest prompt, in tokens of the model (estimated).
    CONTEXT_TOKENS: Number = number("context-tokens", 2_048, 128, 131_072);
    /// Whether parts of other files go into the prompt: what resembles the text around the cursor, what you have just edited, and definitions of the names you use.
    SNIPPETS: Flag = flag("snippets", true, false);
    /// Whether keys of known formats, passwords in connection strings and private keys are masked in what is sent.
    MASK_SECRETS: Flag = flag("mask-secrets", true, true);
    /// Standing instructions for chat models in your own words, such as: use type annotations. Empty: none.
    INSTRUCTIONS: Text = Text("instructions");

    ["What is suggested"]
    /// How much to suggest: auto (by the place of the cursor), single (the rest of the line) or block (to the end of the block).
    MULTILINE: Choice<Extent> = choice("multiline", MULTILINES, Extent::Auto);
    /// How much Tab inserts: all, or line (only one line is shown at a time; the next one shows once Tab has inserted it, without asking the model again).
    ACCEPT: Choice<Accept> = choice("accept", ACCEPTS, Accept::All);
    /// Texts that never show in a suggestion, as a list or one text: * stands for any characters of a line, ** for any characters, \\* for an asterisk, as in Copyright *.
    /// Empty: none.
    CONTENT_FILTER: Text = Text("content-filter");
    /// Replacement for text that content-filter matches. Empty: nothing.
    CONTENT_FILTER_REPLACEMENT: Text = Text("content-filter-replacement");
    /// Longest suggestion, in tokens of the model.
    MAX_TOKENS: Number = number("max-tokens", 256, 1, 16_384);
    /// How fill-in-the-middle is requested: auto (by provider and model), suffix (a field of the request), chat, the name of a template such as qwen, or a
    /// template of your own with {prefix} and {suffix} in it.
    FIM: TextOr = TextOr { name: "fim", default: "auto" };
    /// How much the model may reason before it answers; auto is the least that its vendor documents.
    REASONING: Choice<Reasoning> = choice("reasoning", Reasoning::NAMES, Reasoning::Auto);
    /// Sampling temperature. Empty: what suits completion.
    TEMPERATURE: MaybeNumber = MaybeNumber { name: "temperature", min: 0, max: 2, is_whole: false };
    /// Whether to request in advance what follows a shown suggestion: auto does so only with providers that are not paid by the token.
    SPECULATIVE: Choice<Speculative> =
        Choice { otherwise: Speculative::Off, ..choice("speculative", SPECULATIVES, Speculative::Auto) };
    /// How many answers are cached, to show them again without asking the model; 0 for none.
    CACHE_SIZE: Number = number("cache-size", 200, 0, 10_000);

    ["Single providers"]
    /// Azure OpenAI: version of the API, such as 2024-10-21. Empty: OPENAI_API_VERSION, else a recent one.
    AZURE_API_VERSION: Text = Text("azure.api-version");
    /// Vertex AI: id of the Google Cloud project. Empty: GOOGLE_CLOUD_PROJECT.
    VERTEX_PROJECT: Text = Text("vertex.project");
    /// Vertex AI: region, such as europe-west4, or global. Empty: GOOGLE_CLOUD_LOCATION, else global.
    VERTEX_LOCATION: Text = Text("vertex.location");
    /// Cloudflare: id of the account. Empty: CLOUDFLARE_ACCOUNT_ID.
    CLOUDFLARE_ACCOUNT_ID: Text = Text("cloudflare.account-id");
    /// Amazon Bedrock: id of the access key whose secret is in AWS_SECRET_ACCESS_KEY. Empty: AWS_ACCESS_KEY_ID.
    AWS_ACCESS_KEY_ID: Text = Text("aws.access-key-id");
    /// Amazon Bedrock: region, such as us-east-1. Empty: AWS_REGION or AWS_DEFAULT_REGION.
    AWS_REGION: Text = Text("aws.region");
    /// Ollama: size of the model's context, in tokens. Empty: 8192.
    OLLAMA_NUM_CTX: MaybeNumber =
        MaybeNumber { name: "ollama.num-ctx", min: 512, max: 1_048_576, is_whole: true };

    ["Network"]
    /// How requests are sent: auto, curl (suggestions grow as they arrive) or http (Lapce's own client: shows nothing before an answer is complete, follows
    /// redirects with the key, and supports neither proxy nor ca-file).
    TRANSPORT: Choice<Mode> = choice("transport", MODES, Mode::Auto);
    /// URL of a proxy, such as http://proxy.example:3128. Empty: the environment's HTTPS_PROXY, HTTP_PROXY or ALL_PROXY.
    PROXY: Text = Text("proxy");
    /// Full path of a PEM file with the certificates to trust. Empty: the system's.
    CA_FILE: Text = Text("ca-file");
    /// Milliseconds to wait for the first byte of an answer; 0 for a minute, and for five minutes from a server on this machine, which may have to load the model.
    TIMEOUT_FIRST_BYTE_MS: Number = number("timeout.first-byte-ms", 0, 0, 3_600_000);
    /// Milliseconds to wait between two pieces of an answer.
    TIMEOUT_IDLE_MS: Number = number("timeout.idle-ms", 30_000, 100, 3_600_000);
    /// Milliseconds a whole answer may take.
    TIMEOUT_TOTAL_MS: Number = number("timeout.total-ms", 300_000, 100, 3_600_000);
    /// Longest event of an answer, in bytes.
    LIMIT_EVENT_BYTES: Number = number("limit.event-bytes", 1 << 20, 1_024, 64 << 20);
    /// Longest answer, in bytes.
    LIMIT_RESPONSE_BYTES: Number = number("limit.response-bytes", 8 << 20, 1_024, 64 << 20);

    ["What you are told"]
    /// How much the status bar says while a suggestion is made: quiet (only why nothing shows, when you ask), short, or full (with the model and figures).
    STATUS: Choice<Detail> = choice("status", DETAILS, Detail::Short);
    /// What goes into Lapce's log: off, errors, or info (each request with its figures too). Never keys.
    LOG_LEVEL: Choice<LogLevel> = choice("log-level", LOG_LEVELS, LogLevel::Errors);
    /// Whether the bodies of requests go into Lapce's log as well, for reports: they hold your code. Never keys.
    LOG_PROMPTS: Flag = flag("log-prompts", false, false);
    /// Whether suggestions are counted (shown, taken, kept, tokens, time) in a file of the plugin's folder that never leaves this machine; cargo volt stats shows it.
    STATISTICS: Flag = flag("statistics", true, false);
}

pub const TRIGGERS: &[(&str, Trigger)] =
    &[("automatic", Trigger::Automatic), ("invoked", Trigger::Invoked), ("off", Trigger::Off)];
const MULTILINES: &[(&str, Extent)] =
    &[("auto", Extent::Auto), ("single", Extent::Line), ("block", Extent::Block)];
const EAGERNESSES: &[(&str, Eagerness)] =
    &[("low", Eagerness::Low), ("medium", Eagerness::Medium), ("high", Eagerness::High)];
const ACCEPTS: &[(&str, Accept)] = &[("all", Accept::All), ("line", Accept::Line)];
const SPECULATIVES: &[(&str, Speculative)] =
    &[("auto", Speculative::Auto), ("on", Speculative::On), ("off", Speculative::Off)];
const MODES: &[(&str, Mode)] = &[("auto", Mode::Auto), ("curl", Mode::Curl), ("http", Mode::Http)];
const DETAILS: &[(&str, Detail)] =
    &[("quiet", Detail::Quiet), ("short", Detail::Short), ("full", Detail::Full)];
const LOG_LEVELS: &[(&str, LogLevel)] =
    &[("off", LogLevel::Off), ("errors", LogLevel::Errors), ("info", LogLevel::Info)];

/// The settings for single providers, besides [`OLLAMA_NUM_CTX`].
pub const OPTIONS: &[Text] = &[
    AZURE_API_VERSION,
    VERTEX_PROJECT,
    VERTEX_LOCATION,
    AWS_ACCESS_KEY_ID,
    CLOUDFLARE_ACCOUNT_ID,
    AWS_REGION,
];

/// The settings that decide where text goes and what is not sent. While one of them is invalid, text could go where the
/// user does not want it, so nothing is sent.
pub const RESTRICTIVE: &[&str] = &[
    BASE_URL.0,
    PROXY.0,
    CA_FILE.0,
    TRIGGER.name,
    FILES.name,
    LANGUAGES.name,
    READ_ONLY.name,
    IGNORE.name,
    SECRET_FILES.name,
    SNIPPETS.name,
    MASK_SECRETS.name,
    CONTENT_FILTER.0,
];
