//! The user's settings about sending.

use std::time::Duration;

use crate::http::Url;

/// How requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which way to take.
    pub mode: Mode,
    /// How long to wait for what.
    pub limits: Limits,
    /// URL of the proxy, for curl; empty for what the environment says.
    pub proxy: String,
    /// A file with further certificate authorities (PEM), for curl. A path on the user's machine; empty
    /// for none.
    pub ca_file: String,
    /// The `user-agent` header.
    pub user_agent: String,
    /// Whether the editor wakes the plugin: Lapce from 0.4.1 on.
    pub editor_wakes: bool,
    /// Longest answer taken from Lapce's own HTTP client, which buffers it whole. In bytes.
    pub response_bytes: usize,
}

/// The setting `transport`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// curl where it can be used unseen, else Lapce's own HTTP client.
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
    /// Until the connection stands, name lookup and TLS included. In whole seconds.
    pub connect: Duration,
    /// Until the first byte of the answer; `None`: a minute, and [`LOCAL_FIRST_BYTE`] at a server of this machine, which
    /// loads the model in that time.
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

/// Until the first byte, where the user has not said otherwise.
const FIRST_BYTE: Duration = Duration::from_secs(60);
const LOCAL_FIRST_BYTE: Duration = Duration::from_secs(300);

impl Limits {
    /// How long to wait for an answer from there.
    pub fn patience(&self, url: &Url) -> Patience {
        let usual = if url.is_loopback() { LOCAL_FIRST_BYTE } else { FIRST_BYTE };
        Patience { first_byte: self.first_byte.unwrap_or(usual), idle: self.idle }
    }

    /// How long a whole request may take there: a model that is loaded first does not take from the time for its answer.
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
