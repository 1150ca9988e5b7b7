//! Lapce's own HTTP client: works everywhere, but shows no byte before the last has come.

use std::time::{Duration, Instant};

use super::{Failure, FailureKind, Happening, Host, Reply};
use crate::http::HttpRequest;

/// Lapce gives a request up after this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request on its way through the host. The first wait takes as long as the whole answer.
#[derive(Debug)]
pub(super) enum Buffered {
    /// Not sent yet.
    Due(HttpRequest),
    /// The body, and how much of it is delivered.
    Here(Vec<u8>, usize),
}

impl Buffered {
    /// See [`super::Transport::wait`].
    pub fn wait(&mut self, host: &mut impl Host, buffer: &mut [u8]) -> Happening {
        match self {
            Self::Due(request) => {
                let begin = Instant::now();
                match host.http(request) {
                    Ok(Reply { status, headers, body }) => {
                        *self = Self::Here(body, 0);
                        Happening::Head { status, headers }
                    }
                    Err(code) => Happening::Failed(of_code(code, begin.elapsed())),
                }
            }
            Self::Here(body, delivered) => {
                let rest = body.get(*delivered..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                match (buffer.get_mut(..count), rest.get(..count)) {
                    (Some(to), Some(from)) if count > 0 => {
                        to.copy_from_slice(from);
                        *delivered += count;
                        Happening::Body(count)
                    }
                    _ if rest.is_empty() => Happening::End,
                    _ => Happening::Elapsed,
                }
            }
        }
    }
}

/// What an error number of `wasi_experimental_http` says. It has one number for all that can happen
/// on the network, so the time tells a timeout.
fn of_code(code: u32, elapsed: Duration) -> Failure {
    let (kind, detail) = match code {
        7 => (FailureKind::Request, "Lapce does not allow this address"),
        6 | 8..=10 => {
            (FailureKind::Request, "Lapce cannot send this request: see base-url and extra-headers")
        }
        13 => (FailureKind::Unavailable, "Lapce has too many requests open"),
        11 | 12 if elapsed >= PATIENCE => (FailureKind::Timeout, "Lapce's own client waits 30 s, no longer"),
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
        ] {
            assert_eq!(of_code(code, Duration::from_secs(seconds)).kind, kind, "{code} after {seconds} s");
        }
    }
}
