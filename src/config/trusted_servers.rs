//! The destinations that the user has agreed to.
//!
//! Lapce lets the open folder override the user's settings (`.lapce/settings.toml`, read by `LapceConfig::load`
//! in lapce-app's `config.rs`) without asking. So a stranger's repository could have code and keys sent to a server of the
//! stranger. Therefore the first request to each [`Destination`] needs the user's consent. It is saved in the volt's
//! folder, where an open folder's settings cannot write.

use hmac_sha256::Hash;
use serde_json::Value;

use super::credentials::{Credentials, KeySource};
use super::reader;
use super::settings::Settings;
use crate::completion::Role;
use crate::http::Url;
use crate::provider::key::COMMAND_FILE;
use crate::provider::{Provider, find, hex};
use crate::transport::Mode;

/// The file in the volt's folder: one line for each destination that the user has agreed to, with its digest.
pub const FILE: &str = "servers";

/// Characters that fit into the status bar.
const WIDTH: usize = 80;
/// Characters of a variable's name that are shown.
const VARIABLE: usize = 26;

/// Everything in the settings that decides who gets text and keys, and what they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A digest, because a proxy's URL, headers and the body may contain passwords.
    line: String,
    host: String,
    proxy: String,
    /// The name of the key's source, if a key is sent.
    key: Option<String>,
    /// The settings, besides provider and key, that are part of it.
    set: Vec<&'static str>,
}

impl Destination {
    /// The destination of `provider` with these settings; `None` when no consent is needed: the server is on this machine,
    /// gets no key, and no setting gives it more. A Unix socket needs consent, because it may lead to more than a model.
    pub fn new(settings: &Settings, provider: &dyn Provider, credentials: &Credentials) -> Option<Self> {
        let own = provider.defaults().base_url;
        let url = |text| Url::parse(text).ok();
        let base = url(&settings.base_url).filter(|base| Some(base) != url(own).as_ref());
        // Without an address nothing can be sent.
        let server = base.clone().or_else(|| url(own))?;
        let network = &settings.network;
        let proxy = if server.is_loopback() { "" } else { network.proxy.as_str() };

        let mut parts = Parts::default();
        parts.set("base-url", base.as_ref().map_or("", Url::as_str));
        parts.set("proxy", proxy);
        parts.set("ca-file", &network.ca_file);
        // Lapce's client follows redirects, with the key.
        parts.set("transport", if network.mode == Mode::Http { "http" } else { "" });
        for (name, value) in &settings.extra_headers {
            parts.set("extra-headers", &name.to_ascii_lowercase());
            parts.set("extra-headers", value);
        }
        if !settings.extra_body.is_empty() {
            let body = Value::Object(settings.extra_body.clone());
            parts.set("extra-body", &serde_json::to_string(&body).unwrap_or_default());
        }
        // Requests may be logged in a project or region of somebody else.
        for (name, value) in &settings.options {
            parts.set("options", name);
            parts.set("options", value);
        }
        for glob in settings.taken_back() {
            parts.set("secret-files", glob);
        }
        if !settings.engine.mask_secrets {
            parts.set("mask-secrets", "false");
        }
        let Parts { mut digest, mut set } = parts;
        set.dedup();
        digest.add(provider.name());
        let key = match &credentials.source {
            KeySource::None => None,
            KeySource::Setting => {
                digest.add("api-key");
                digest.add(settings.api_key.expose());
                Some("api-key")
            }
            // The user's environment decides which of them is set.
            KeySource::Usual(variable) => Some(*variable),
            // The user's environment decides which command it is.
            KeySource::Command => {
                digest.add(COMMAND_FILE);
                Some(COMMAND_FILE)
            }
            KeySource::Variable(variable) => {
                digest.add("api-key-env");
                digest.add(variable);
                Some(variable.as_str())
            }
        };
        let key = key.map(str::to_owned);
        let harmless = ["base-url", "options", "transport"];
        let is_plain = set.iter().all(|name| harmless.contains(name));
        let is_open = server.is_loopback() && server.socket().is_none();
        if is_open && key.is_none() && credentials.account.secrets.is_empty() && is_plain {
            return None;
        }
        let proxy = reader::proxy_url(proxy).map_or(String::new(), |url| url.authority().to_owned());
        Some(Self { line: digest.finish(), host: server.authority().to_owned(), proxy, key, set })
    }

    /// The destinations of a whole table of settings in an environment. For callers that agree on the user's behalf: tools that
    /// got the settings from the user, and tests.
    pub fn all_of(options: &Value, env: &dyn Fn(&str) -> Option<String>) -> Vec<Self> {
        let (settings, _) = Settings::read(options);
        let of = |(_, settings): (Role, &Settings)| {
            let provider = find(&settings.provider)?;
            Self::new(settings, provider, &settings.credentials(provider, env, 0).ok()?)
        };
        settings.roles().filter_map(of).collect()
    }

    /// Its line in the file.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Whether it is in the file with this text.
    pub fn is_in(&self, file: &str) -> bool {
        file.lines().any(|line| line == self.line)
    }

    /// What the status bar asks before the first request: one line that says whether a key is sent, with the end of the
    /// host's name, which tells whose it is.
    pub fn question(&self) -> String {
        let start = match &self.key {
            Some(key) => format!("alt+\\ again: code and key in {} go to ", head(key, VARIABLE)),
            None => "alt+\\ again: code goes to ".to_owned(),
        };
        let (what, host) = if self.proxy.is_empty() { ("", &self.host) } else { ("proxy ", &self.proxy) };
        let room = WIDTH.saturating_sub(start.chars().count() + what.len());
        [&start, what, &tail(host, room)].concat()
    }

    /// The same in detail, for a pop-up. `role` tells when the destination would be asked.
    pub fn explanation(&self, role: Role) -> String {
        let mut text = match role {
            Role::Main => "Blocked until you agree: the settings send code",
            Role::Invoked => "Blocked until you agree: on alt+\\ the settings send code",
            Role::Fallback => "Blocked until you agree: while the provider is away the settings send code",
        }
        .to_owned();
        if let Some(key) = &self.key {
            text += " and the key in `";
            text += &head(key, 200);
            text += "`";
        }
        text += " to ";
        text += &tail(&self.host, 200);
        if !self.proxy.is_empty() {
            text += " through the proxy ";
            text += &tail(&self.proxy, 200);
        }
        let set: Vec<_> = self.set.iter().copied().filter(|name| *name != "options").collect();
        if !set.is_empty() {
            text += "; they also set `";
            text += &set.join("`, `");
            text += "`";
        }
        text += ". Press alt+\\ twice in the editor to allow it. If you did not set this: the open folder may have its \
                 own settings, in .lapce/settings.toml.";
        text
    }
}

/// What makes a destination different from the provider's own.
#[derive(Default)]
struct Parts {
    digest: Digest,
    /// Names of the settings that do.
    set: Vec<&'static str>,
}

impl Parts {
    #[inline(never)]
    fn set(&mut self, name: &'static str, value: &str) {
        self.digest.add(name);
        self.digest.add(value);
        if !value.is_empty() {
            self.set.push(name);
        }
    }
}

/// A digest of texts, each with its length, so that different lists of texts differ.
#[derive(Default)]
struct Digest(Hash);

impl Digest {
    fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The beginning of an ASCII text.
fn head(text: &str, room: usize) -> String {
    if text.len() <= room {
        text.to_owned()
    } else {
        format!("{}…", text.get(..room - 1).unwrap_or_default())
    }
}

/// The end of an ASCII text.
fn tail(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    format!("…{}", text.get(text.len() + 1 - room..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The environment of the tests: each variable holds a key.
    const VARIABLES: &[&str] = &[
        "OPENAI_API_KEY",
        "OPENROUTER_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "MY_KEY",
    ];

    fn destination(options: Value) -> Option<Destination> {
        let (settings, problems) = Settings::read(&options);
        assert_eq!(problems, [], "{options}");
        let provider = find(&settings.provider).unwrap();
        let env = |name: &str| VARIABLES.contains(&name).then(|| "hush".to_owned());
        Destination::new(&settings, provider, &settings.credentials(provider, &env, 0).unwrap())
    }

    fn with(base: &Value, more: Value) -> Value {
        let mut all = base.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    }

    #[test]
    fn only_a_server_on_this_machine_without_a_key_is_not_asked_about() {
        for (options, asked) in [
            (json!({"provider": "ollama"}), false),
            (json!({"provider": "ollama", "model": "m", "ollama": {"num-ctx": 4096}}), false),
            (json!({"provider": "ollama", "base-url": "http://localhost:1"}), false),
            (json!({"provider": "ollama", "proxy": "http://proxy.example"}), false),
            (json!({"provider": "openai-compatible", "base-url": "http://127.0.0.1:8/v1"}), false),
            (json!({"provider": "ollama", "base-url": "unix:///run/docker.sock"}), true),
            (json!({"provider": "ollama", "api-key-env": "MY_KEY"}), true),
            (json!({"provider": "ollama", "api-key": "k"}), true),
            (json!({"provider": "ollama", "extra-headers": {"x": "y"}}), true),
            (json!({"provider": "ollama", "extra-body": {"tools": []}}), true),
            (json!({"provider": "ollama", "secret-files": ["!*.pem"]}), true),
            (json!({"provider": "ollama", "ignore": ["!*.pem"]}), true),
            (json!({"provider": "ollama", "mask-secrets": false}), true),
            (json!({"provider": "ollama", "mask-secrets": true}), false),
            (json!({"provider": "ollama", "base-url": "http://192.168.0.9:11434"}), true),
            (json!({"provider": "openai", "base-url": "http://127.0.0.1:8/v1"}), true),
            (json!({"provider": "openai"}), true),
        ] {
            assert_eq!(destination(options.clone()).is_some(), asked, "{options}");
        }
    }

    #[test]
    fn a_destination_is_all_that_decides_who_gets_what() {
        let base = json!({"provider": "openai"});
        let usual = destination(base.clone()).unwrap();
        let file = format!("something\n{}\n", usual.line());
        for same in [
            json!({"model": "m"}),
            json!({"base-url": "https://api.openai.com/v1/"}),
            json!({"base-url": "HTTPS://API.openai.com/v1"}),
            json!({"api-key-env": "OPENAI_API_KEY"}),
            json!({"ignore": ["*.sql"], "secret-files": []}),
            json!({"max-tokens": 9, "trigger": "invoked"}),
        ] {
            assert!(destination(with(&base, same.clone())).unwrap().is_in(&file), "{same}");
        }
        let others = [
            json!({"provider": "openai-responses"}),
            json!({"provider": "openrouter"}),
            json!({"base-url": "https://gate.example/v1"}),
            json!({"base-url": "https://api.openai.com/v1?x=y"}),
            json!({"base-url": "http://127.0.0.1:1/v1"}),
            json!({"proxy": "http://proxy.example"}),
            json!({"proxy": "http://u:p@proxy.example"}),
            json!({"ca-file": "/ca.pem"}),
            json!({"transport": "http"}),
            json!({"api-key": "k"}),
            json!({"api-key": "k2"}),
            json!({"api-key-env": "MY_KEY"}),
            json!({"api-key-env": "AWS_SECRET_ACCESS_KEY"}),
            json!({"extra-headers": {"x": "y"}}),
            json!({"extra-headers": {"x": "z"}}),
            json!({"extra-headers": {"xy": ""}}),
            json!({"extra-body": {"store": true}}),
            json!({"extra-body": {"store": false}}),
            json!({"extra-body": {"tools": [{"type": "mcp"}]}}),
            json!({"vertex": {"project": "p"}}),
            json!({"vertex": {"location": "p"}}),
            json!({"secret-files": ["!*.pem"]}),
            json!({"ignore": ["!*.key"]}),
            json!({"mask-secrets": false}),
        ];
        let mut lines = vec![usual.line().to_owned()];
        for other in others {
            let one = destination(with(&base, other.clone())).unwrap();
            assert!(!one.is_in(&file) && !lines.contains(&one.line), "{other}");
            lines.push(one.line);
        }
        // The key of a command is another key, whatever the command is.
        let settings = Settings::read(&base).0;
        let provider = find("openai").unwrap();
        let command = |text: &str| {
            let env = |name: &str| (name == "AI_COMPLETION_KEY_COMMAND").then(|| text.to_owned());
            Destination::new(&settings, provider, &settings.credentials(provider, &env, 0).unwrap()).unwrap()
        };
        assert_eq!(command("a"), command("b"));
        assert!(!command("a").is_in(&file) && command("a").question().contains("key-command"));
        // Which of the usual variables it is depends on the environment, not on the settings.
        let gemini = |more| destination(with(&json!({"provider": "gemini"}), more)).unwrap().line;
        assert_eq!(gemini(json!({})), gemini(json!({"api-key-env": "GOOGLE_API_KEY"})));
    }

    #[test]
    fn the_explanation_names_all_that_is_set_and_nothing_else() {
        for (role, options, told) in [
            (
                Role::Main,
                json!({"provider": "ollama", "mask-secrets": false}),
                "the settings send code to localhost:11434; they also set `mask-secrets`. Press",
            ),
            (
                Role::Invoked,
                json!({"provider": "openai"}),
                "on alt+\\ the settings send code and the key in `OPENAI_API_KEY` to api.openai.com. Press",
            ),
            (
                Role::Fallback,
                json!({"provider": "openai", "proxy": "http://p.example:1", "vertex": {"project": "x"}}),
                "while the provider is away the settings send code and the key in `OPENAI_API_KEY` to api.openai.com through the \
                 proxy p.example:1; they also set `proxy`. Press",
            ),
            (
                Role::Main,
                json!({"provider": "openai", "vertex": {"project": "x"}}),
                "the settings send code and the key in `OPENAI_API_KEY` to api.openai.com. Press",
            ),
        ] {
            let text = destination(options).unwrap().explanation(role);
            let begin = ["Blocked until you agree: ", told].concat();
            assert!(text.starts_with(&begin), "{text}");
        }
    }

    #[test]
    fn each_role_has_a_destination_of_its_own() {
        let options = json!({"provider": "openai", "api-key": "k", "fallback": {"provider": "ollama"}, "invoked": {"model": "m"}});
        let all = Destination::all_of(&options, &|_| None);
        let main = destination(json!({"provider": "openai", "api-key": "k"})).unwrap();
        // The fallback is on this machine and the model decides nothing.
        assert_eq!(all, [main.clone(), main]);
        assert_eq!(Destination::all_of(&json!({"provider": "openai"}), &|_| None), [], "there is no key");
    }

    #[test]
    fn a_text_is_cut_only_where_it_does_not_fit() {
        for (room, beginning, end) in [(4, "abcd", "abcd"), (3, "ab…", "…cd"), (1, "…", "…")] {
            assert_eq!(
                (head("abcd", room).as_str(), tail("abcd", room).as_str()),
                (beginning, end),
                "{room}"
            );
        }
    }

    #[test]
    fn the_question_fits_and_shows_the_end_of_the_host_and_the_key() {
        let long = format!("https://api.openai.com.{}evil.example/v1", "a.".repeat(60));
        for (options, start, end) in [
            (
                json!({"provider": "openai"}),
                "alt+\\ again: code and key in OPENAI_API_KEY go to",
                "api.openai.com",
            ),
            (
                json!({"provider": "openai", "base-url": long}),
                "alt+\\ again: code and key in OPENAI_API_KEY",
                "a.a.evil.example",
            ),
            (
                json!({"provider": "ollama", "base-url": "http://a.example:81"}),
                "alt+\\ again: code goes to a.",
                "example:81",
            ),
            (
                json!({"provider": "openai", "api-key-env": "AWS_SECRET_ACCESS_KEY", "base-url": long}),
                "alt+\\ again: code and key in AWS_SECRET_ACCESS_KEY go to …",
                ".evil.example",
            ),
            (
                json!({"provider": "openai", "proxy": "http://u:hush@proxy.example:80"}),
                "alt+\\ again: code and key in OPENAI_API_KEY go to proxy",
                "proxy.example",
            ),
        ] {
            let destination = destination(options.clone()).unwrap();
            let question = destination.question();
            assert!(question.starts_with(start) && question.ends_with(end), "{question}");
            assert!(question.chars().count() <= 80, "{question}");
            let told = format!("{destination:?} {}", destination.explanation(Role::Main));
            assert!(!told.contains("hush"), "{told}");
        }
        let options = json!({"provider": "openai", "extra-body": {"a": 1}, "proxy": "http://proxy.example", "ca-file": "/x"});
        let told = destination(options).unwrap().explanation(Role::Main);
        for part in [
            "OPENAI_API_KEY",
            "api.openai.com",
            "proxy.example",
            "`extra-body`",
            "`ca-file`",
            ".lapce/settings.toml",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }
}
