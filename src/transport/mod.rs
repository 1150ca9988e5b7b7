//! All IO of requests: how one leaves and how its answer comes back, without ever waiting.
//!
//! [`Transport`] is the interface ([`requests`]), [`Client`] its one implementation: requests go to the [`agent`], a
//! shell script that Lapce runs beside the plugin, or by Lapce's own HTTP client ([`host_http`]) where none can run.

mod agent;
mod agent_host;
mod answer;
mod client;
mod curl_config;
mod failure;
#[cfg(not(fuzzing))]
mod head;
#[cfg(fuzzing)]
pub mod head;
mod host;
mod host_http;
mod http_policy;
mod options;
mod requests;
mod script;
#[cfg(test)]
mod testing;

pub use agent_host::{Access, AgentHost};
pub use client::Client;
pub use curl_config::config as curl_config;
pub use curl_config::with_body;
pub use failure::of_exit as curl_failure;
pub use host::*;
pub use options::{Limits, Mode, Options, Patience};
pub use requests::{RequestNumber, Transport, TransportEvent};

/// Seconds that a command of the user's may take. The agent ends it then.
pub const COMMAND_SECONDS: u64 = 10;

/// Why a request got no (whole) answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// What was seen, free of secrets: the words of curl or of the host.
    pub detail: String,
}

/// Classes of transport failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The host name did not resolve.
    Resolve,
    /// Nothing listens there, or it cannot be reached.
    Connect,
    /// TLS failed: certificate, protocol.
    Tls,
    /// The proxy failed or refused.
    Proxy,
    /// The connection broke before the body was complete.
    Cut,
    /// No byte in time.
    Timeout,
    /// The URL or the request could not be sent as it is.
    Request,
    /// No way to send at all: no curl and no host HTTP, or no writable folder and no host HTTP.
    Unavailable,
}
