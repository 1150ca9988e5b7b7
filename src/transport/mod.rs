//! All IO of requests: how one leaves and how its answer comes back.

mod http_policy;
mod options;

pub use options::{Limits, Mode, Options};

use crate::http::HttpRequest;

/// Numbers a request of ours; never reused within an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

/// A way to send requests and to read their answers as they arrive. Nothing in it ever waits.
pub trait Transport {
    /// Hands `request` over. It leaves `delay_ms` from now unless it is stopped first, and `replaces`, if that still
    /// runs, is stopped at that moment. A problem is reported by the next [`read`](Self::read).
    fn start(
        &mut self,
        number: RequestNumber,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    );

    /// What has arrived since the last call, at most `buffer.len()` bytes of body; returns at once.
    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent;

    /// Drops a request, whether it has left or not. No process and no file stays behind.
    fn stop(&mut self, number: RequestNumber);

    /// Asks for one wake-up, as [`Wake::More`](crate::completion::Wake::More) says. Replaces any other that was asked
    /// for.
    fn wake(&mut self, number: RequestNumber, not_before_ms: u64);

    /// Asks for one wake-up `ms` from now. Replaces any other that was asked for.
    fn timer(&mut self, ms: u64);

    /// To be called at the beginning of every message: finds a dead agent and starts it again.
    fn tick(&mut self);

    /// Why answers cannot be streamed on this machine, once that is known.
    fn obstacle(&self) -> Option<&str>;
}

/// What a program that the host ran left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
}

/// What has arrived of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum TransportEvent {
    /// Nothing.
    Pending,
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
