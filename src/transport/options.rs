//! The user's settings about sending.

use std::time::Duration;

use crate::http::Url;

/// How requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The setting `transport`.
    pub mode: Mode,
    /// How long to wait.
    pub limits: Limits,
    /// URL of the proxy, for curl; empty: as in the environment.
    pub proxy: String,
    /// A file with the certificates to trust (PEM), for curl. A path on the user's machine; empty: the system's.
    pub ca_file: String,
    /// The `user-agent` header.
    pub user_agent: String,
    /// Whether the editor can wake the plugin: Lapce 0.4.1 or newer.
    pub editor_wakes: bool,
    /// Longest answer from Lapce's own HTTP client, which buffers it whole. In bytes.
    pub response_bytes: usize,
}

/// The setting `transport`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// curl if an agent can run, else Lapce's own HTTP client.
    #[default]
    Auto,
    /// curl or nothing.
    Curl,
    /// Lapce's own HTTP client: no streaming.
    Http,
}

/// Time limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection is established, including name lookup and TLS. In whole seconds.
    pub connect: Duration,
    /// Until the first byte of the answer; `None`: a minute, or [`LOCAL_FIRST_BYTE`] for a server on this machine, which
    /// may load the model in that time.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// For the whole request. In whole seconds.
    pub total: Duration,
}

/// How long to wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until its first byte.
    pub first_byte: Duration,
    /// Between two pieces of it.
    pub idle: Duration,
}

/// Until the first byte, by default.
const FIRST_BYTE: Duration = Duration::from_secs(60);
const LOCAL_FIRST_BYTE: Duration = Duration::from_secs(300);

impl Limits {
    /// How long to wait for an answer from `url`.
    pub fn patience(&self, url: &Url) -> Patience {
        let usual = if url.is_loopback() { LOCAL_FIRST_BYTE } else { FIRST_BYTE };
        Patience { first_byte: self.first_byte.unwrap_or(usual), idle: self.idle }
    }

    /// How long a whole request to `url` may take. The time to load a model is added.
    pub(super) fn total(&self, url: &Url) -> Duration {
        let loads = url.is_loopback() && self.first_byte.is_none();
        if loads { self.total.saturating_add(LOCAL_FIRST_BYTE) } else { self.total }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: None,
            idle: Duration::from_secs(30),
            total: Duration::from_secs(300),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            limits: Limits::default(),
            proxy: String::new(),
            ca_file: String::new(),
            user_agent: concat!("ai-completion/", env!("CARGO_PKG_VERSION")).to_owned(),
            editor_wakes: true,
            response_bytes: 8 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_this_machine_may_load_its_model_first() {
        let seconds = Duration::from_secs;
        let set = Some(seconds(20));
        for (url, first_byte, waits, total) in [
            ("https://api.example", None, FIRST_BYTE, seconds(300)),
            ("http://127.0.0.1:1", None, LOCAL_FIRST_BYTE, seconds(600)),
            ("https://api.example", set, seconds(20), seconds(300)),
            ("http://127.0.0.1:1", set, seconds(20), seconds(300)),
        ] {
            let (limits, url) = (Limits { first_byte, ..Limits::default() }, Url::parse(url).unwrap());
            let expected = Patience { first_byte: waits, idle: seconds(30) };
            assert_eq!(
                (limits.patience(&url), limits.total(&url)),
                (expected, total),
                "{url:?} {first_byte:?}"
            );
        }
    }
}
