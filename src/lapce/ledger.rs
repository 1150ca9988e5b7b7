//! Which servers text has gone to.
//!
//! Lapce lets the folder that is open override the user's settings (`.lapce/settings.toml`, read by `LapceConfig::load`
//! in lapce-app's `config.rs`), and asks nobody. Who opens a stranger's repository could so send their code and
//! their key to the stranger. So servers that have answered are written down, in the volt's folder, and once there
//! are some, another is asked only when the user has said so.

use hmac_sha256::Hash;

use super::settings::Settings;
use crate::provider::{Provider, hex, is_loopback_url};

/// Where the settings have requests go, unless it is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What to call it.
    pub name: String,
    /// Its line in the ledger: a digest, for there may be a password in a proxy's URL.
    line: String,
}

impl Destination {
    /// That of `provider` by these settings; `None` when nothing leaves the machine.
    pub fn new(settings: &Settings, provider: &dyn Provider) -> Option<Self> {
        let (base, network) = (settings.base_url.as_str(), &settings.network);
        let server = if base.is_empty() { provider.defaults().base_url } else { base };
        if is_loopback_url(server) {
            return None;
        }
        // All vendors' own servers count as one: their names are not a stranger's to give.
        let is_vendors = base.is_empty() || base == provider.defaults().base_url;
        let base = if is_vendors { "" } else { base };
        let parts = [base, &network.proxy, &network.ca_file];
        let name = match parts {
            ["", "", _] => server,
            ["", proxy, _] => proxy.rsplit('@').next().unwrap_or_default(),
            [base, ..] => base,
        };
        let line = hex(&Hash::hash(parts.join("\n").as_bytes()));
        Some(Self { name: host(name).to_owned(), line })
    }

    /// Whether it is in the ledger.
    pub fn is_in(&self, ledger: &str) -> bool {
        ledger.lines().any(|line| line == self.line)
    }

    /// The ledger with it.
    pub fn added_to(&self, ledger: &str) -> String {
        format!("{ledger}{}\n", self.line)
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::find;

    fn destination(options: Value) -> Option<Destination> {
        let (settings, problems) = Settings::read(&options);
        assert_eq!(problems, [], "{options}");
        Destination::new(&settings, find(&settings.provider).unwrap())
    }

    #[test]
    fn only_what_leads_to_another_machine_is_a_destination() {
        for (options, name) in [
            (json!({"provider": "openai"}), Some("api.openai.com")),
            (json!({"provider": "openai", "base-url": "https://gate.example/v1"}), Some("gate.example")),
            (
                json!({"provider": "ollama", "base-url": "http://192.168.0.9:11434"}),
                Some("192.168.0.9:11434"),
            ),
            (
                json!({"provider": "openai", "proxy": "http://u:hush@proxy.example:80"}),
                Some("proxy.example:80"),
            ),
            (json!({"provider": "openai", "base-url": "http://localhost:8080"}), None),
            (json!({"provider": "ollama"}), None),
            (json!({"provider": "ollama", "proxy": "http://proxy.example"}), None),
        ] {
            let destination = destination(options.clone());
            assert_eq!(destination.as_ref().map(|it| it.name.as_str()), name, "{options}");
            assert!(!format!("{destination:?}").contains("hush"));
        }
    }

    #[test]
    fn the_ledger_knows_servers_by_all_that_decides_where_text_goes() {
        let vendor = destination(json!({"provider": "openai"})).unwrap();
        let ledger = vendor.added_to("");
        for (options, known) in [
            (json!({"provider": "openai", "model": "m"}), true),
            (json!({"provider": "openai", "base-url": "https://api.openai.com/v1"}), true),
            (json!({"provider": "anthropic"}), true),
            (json!({"provider": "openai", "base-url": "https://gate.example/v1"}), false),
            (json!({"provider": "openai", "proxy": "http://proxy.example"}), false),
            (json!({"provider": "openai", "ca-file": "/ca.pem"}), false),
        ] {
            let destination = destination(options.clone()).unwrap();
            assert_eq!(destination.is_in(&ledger), known, "{options}");
            let ledger = destination.added_to(&ledger);
            assert!(destination.is_in(&ledger) && vendor.is_in(&ledger), "{options}");
        }
    }
}
