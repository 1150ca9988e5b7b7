//! The user's settings about sending.

use std::time::Duration;

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
    /// Until the first byte of the answer. Local servers load their model in that time.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// For the whole request. In whole seconds.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
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
