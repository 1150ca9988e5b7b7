//! All IO of requests: sends them and reads their answers, without ever waiting.
//!
//! [`Transport`] is the interface ([`requests`]), [`Client`] its implementation in the plugin: requests go to the [`agent`], a
//! shell script that Lapce runs beside the plugin, or through Lapce's own HTTP client ([`host_http`]) where no agent can run.

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
pub use requests::{NotBefore, RequestNumber, Transport, TransportEvent};

/// Seconds that a command of the user may take. Then the agent kills it.
pub const COMMAND_SECONDS: u64 = 10;

/// Why a request got no answer, or not a whole one.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// The message of curl or of the host, without secrets.
    pub detail: String,
}

/// Classes of transport failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The host name did not resolve.
    Resolve,
    /// Nothing listens there, or the host is unreachable.
    Connect,
    /// TLS failed: certificate, protocol.
    Tls,
    /// The proxy failed or refused.
    Proxy,
    /// The connection or its process ended before the body was complete.
    Cut,
    /// No byte in time.
    Timeout,
    /// The URL or the request is invalid and was not sent.
    Request,
    /// There is no way to send it: no agent can run, and Lapce's own HTTP client may not be used.
    Unavailable,
}
