//! All IO of requests: how one leaves and how its answer comes back.

mod config;
mod failure;
mod growing;
#[cfg(not(fuzzing))]
mod head;
#[cfg(fuzzing)]
pub mod head;
mod host;
mod http;
mod http_policy;
mod network;
mod options;
mod pipe;
mod response;

#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use host::*;
pub use network::Network;
pub use options::{Limits, Mode, Options};

use crate::http::HttpRequest;

/// A way to send one request at a time and to read its answer as it arrives.
pub trait Transport {
    /// Sends `request`; any earlier one is cancelled first, its process and files removed.
    fn start(&mut self, request: &HttpRequest) -> Result<(), Failure>;

    /// Waits until something happens on the current request, or `timeout_ms` has passed, and reads
    /// at most `buffer.len()` bytes of body into `buffer`. With no request it just sleeps.
    fn wait(&mut self, timeout_ms: u64, buffer: &mut [u8]) -> Happening;

    /// Drops the current request: the connection is closed, no process and no file stays behind.
    fn cancel(&mut self);

    /// Why answers cannot be streamed on this machine, once that is known.
    fn obstacle(&self) -> Option<&str> {
        None
    }
}

/// What came of waiting.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The time is over and nothing came.
    Elapsed,
    /// The status line and headers, before any body. Names are lower case.
    Head {
        /// HTTP status.
        status: u16,
        /// Response headers in order.
        headers: Vec<(String, String)>,
    },
    /// So many bytes of body are in the buffer.
    Body(usize),
    /// The body is complete.
    End,
    /// The request failed: before an answer, or in its middle.
    Failed(Failure),
}

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

/// Why a way could not be taken.
#[derive(Debug)]
enum Refusal {
    /// This machine lacks something the way needs.
    Missing(String),
    /// This request failed; the next may not.
    Failed(Failure),
}
