//! Lapce's own HTTP client: works everywhere, but shows no byte before the last has come.

use super::agent_host::AgentHost;
use super::requests::TransportEvent;
use super::{Failure, FailureKind, Reply};
use crate::http::HttpRequest;

/// Lapce gives a request up after this time, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

/// A request on its way through the host. The first read takes as long as the whole answer.
#[derive(Debug)]
pub(super) enum Buffered {
    /// Not sent yet.
    Due(HttpRequest),
    /// The body, and how much of it is handed over.
    Here(Vec<u8>, usize),
}

impl Buffered {
    /// See [`super::requests::Transport::read`]. A body longer than `limit` bytes is a failure.
    pub fn read(&mut self, host: &mut impl AgentHost, limit: usize, buffer: &mut [u8]) -> TransportEvent {
        match self {
            Self::Due(request) => {
                let begin = host.now_ms();
                match host.http(request, limit) {
                    Ok(Reply { status, headers, body }) => {
                        *self = Self::Here(body, 0);
                        TransportEvent::Head { status, headers }
                    }
                    Err(code) => {
                        TransportEvent::Failed(of_code(code, host.now_ms().saturating_sub(begin), limit))
                    }
                }
            }
            Self::Here(body, delivered) => {
                let rest = body.get(*delivered..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                match (buffer.get_mut(..count), rest.get(..count)) {
                    (Some(to), Some(from)) if count > 0 => {
                        to.copy_from_slice(from);
                        *delivered += count;
                        TransportEvent::Body(count)
                    }
                    _ if rest.is_empty() => TransportEvent::End,
                    _ => TransportEvent::Pending,
                }
            }
        }
    }
}

/// Not one of `wasi_experimental_http`'s: the body is longer than the limit.
pub(super) const TOO_LONG: u32 = 1000;

/// What an error number of `wasi_experimental_http` says. It has one number for all that can happen
/// on the network, so the time tells a time-out.
fn of_code(code: u32, elapsed_ms: u64, limit: usize) -> Failure {
    let (kind, detail) = match code {
        7 => (FailureKind::Request, "Lapce does not allow this address"),
        6 | 8..=10 => {
            (FailureKind::Request, "Lapce cannot send this request: see `base-url` and `extra-headers`")
        }
        13 => (FailureKind::Unavailable, "Lapce has too many requests open: alt+\\ asks again"),
        TOO_LONG => {
            let detail = format!("the answer is longer than {limit} bytes (`response-bytes`)");
            return Failure { kind: FailureKind::Cut, detail };
        }
        11 | 12 if elapsed_ms >= PATIENCE_MS => {
            (FailureKind::Timeout, "Lapce's own client waits 30 s, no longer")
        }
        11 | 12 => (FailureKind::Connect, "Lapce's own client could not get an answer and does not say why"),
        _ => (FailureKind::Cut, "Lapce's own client failed to hand over the answer"),
    };
    Failure { kind, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_name_their_class() {
        for (code, seconds, kind) in [
            (11, 0, FailureKind::Connect),
            (11, 30, FailureKind::Timeout),
            (10, 0, FailureKind::Request),
            (13, 0, FailureKind::Unavailable),
            (4, 0, FailureKind::Cut),
            (TOO_LONG, 0, FailureKind::Cut),
        ] {
            assert_eq!(of_code(code, seconds * 1000, 1).kind, kind, "{code} after {seconds} s");
        }
    }
}
