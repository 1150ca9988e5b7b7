//! Lapce's own HTTP client: works everywhere, but returns nothing before the whole answer has come.

use super::agent_host::AgentHost;
use super::requests::TransportEvent;
use super::{Failure, FailureKind, Reply};
use crate::http::HttpRequest;

/// Lapce gives up a request after this time, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

/// A request through the host. The first read takes as long as the whole answer.
#[derive(Debug)]
pub(super) enum Buffered {
    /// Not sent yet.
    Due(HttpRequest),
    /// The body, and how many bytes of it were read.
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

/// An error number that `wasi_experimental_http` does not use: the body is longer than the limit.
pub(super) const TOO_LONG: u32 = 1000;

/// The failure for an error number of `wasi_experimental_http`. It has one number for all network errors, so a timeout is
/// recognised by the elapsed time.
fn of_code(code: u32, elapsed_ms: u64, limit: usize) -> Failure {
    let (kind, detail) = match code {
        7 => (FailureKind::Request, "Lapce does not allow this address"),
        6 | 8..=10 => {
            (FailureKind::Request, "Lapce cannot send this request: see `base-url` and `extra-headers`")
        }
        13 => (FailureKind::Unavailable, "Lapce has too many requests open: alt+\\ asks again"),
        TOO_LONG => {
            let detail = format!("the answer is longer than {limit} bytes (`limit.response-bytes`)");
            return Failure { kind: FailureKind::Cut, detail };
        }
        11 | 12 if elapsed_ms >= PATIENCE_MS => {
            (FailureKind::Timeout, "Lapce's own client gave up after 30 s")
        }
        11 | 12 => (FailureKind::Connect, "Lapce's own client could not get an answer and does not say why"),
        _ => (FailureKind::Cut, "Lapce's own client failed to hand over the answer"),
    };
    Failure { kind, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::super::{Access, Output};
    use super::*;
    use crate::http::Url;

    /// Lapce's client, which takes some seconds.
    struct Lapce {
        now_ms: Cell<u64>,
        reply: Result<Reply, u32>,
    }

    impl AgentHost for Lapce {
        fn now_ms(&self) -> u64 {
            self.now_ms.get()
        }

        fn random(&self) -> u64 {
            0
        }

        fn execute(&mut self, _: &str, _: &[&str]) -> Result<Output, String> {
            unreachable!()
        }

        fn start_language_server(&mut self, _: &str, _: &[&str]) -> Result<u64, String> {
            unreachable!()
        }

        fn send_lsp_request(&mut self, _: u64, _: &str, _: &str) -> Result<(), String> {
            unreachable!()
        }

        fn open_pipe(&mut self, _: &Path, _: Access) -> io::Result<File> {
            unreachable!()
        }

        fn http(&mut self, _: &HttpRequest, limit: usize) -> Result<Reply, u32> {
            assert_eq!(limit, 9);
            self.now_ms.set(self.now_ms.get() + PATIENCE_MS);
            self.reply.clone()
        }
    }

    fn due() -> Buffered {
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        Buffered::Due(HttpRequest { url, headers: Vec::new(), secret_headers: Vec::new(), body: None })
    }

    #[test]
    fn a_whole_answer_is_handed_over_in_pieces() {
        for (body, sizes, events) in [
            (&b"abcde"[..], &[2, 2, 2, 2][..], &["2", "2", "1", "end"][..]),
            (b"abcde", &[5, 5, 5], &["5", "end", "end"]),
            (b"ab", &[0, 9, 0], &["pending", "2", "end"]),
            (b"", &[9], &["end"]),
        ] {
            let reply = Reply { status: 200, headers: Vec::new(), body: body.to_vec() };
            let mut lapce = Lapce { now_ms: Cell::new(7), reply: Ok(reply) };
            let mut buffered = due();
            let head = buffered.read(&mut lapce, 9, &mut [0; 9]);
            assert_eq!(head, TransportEvent::Head { status: 200, headers: Vec::new() });
            let mut got = Vec::new();
            for (size, expected) in sizes.iter().zip(events) {
                let mut buffer = vec![0; *size];
                let told = match buffered.read(&mut lapce, 9, &mut buffer) {
                    TransportEvent::Body(count) => {
                        got.extend_from_slice(&buffer[..count]);
                        count.to_string()
                    }
                    TransportEvent::Pending => "pending".to_owned(),
                    TransportEvent::End => "end".to_owned(),
                    event => panic!("{event:?}"),
                };
                assert_eq!(told, *expected, "{sizes:?}");
            }
            assert_eq!(got, body);
        }
    }

    #[test]
    fn the_time_tells_a_time_out() {
        let mut lapce = Lapce { now_ms: Cell::new(7), reply: Err(11) };
        match due().read(&mut lapce, 9, &mut [0; 9]) {
            TransportEvent::Failed(failure) => assert_eq!(failure.kind, FailureKind::Timeout),
            event => panic!("{event:?}"),
        }
    }

    #[test]
    fn error_numbers_name_their_class() {
        for (code, elapsed_ms, kind, words) in [
            (11, PATIENCE_MS - 1, FailureKind::Connect, "does not say why"),
            (12, 0, FailureKind::Connect, "does not say why"),
            (11, PATIENCE_MS, FailureKind::Timeout, "30 s"),
            (12, PATIENCE_MS, FailureKind::Timeout, "30 s"),
            (7, 0, FailureKind::Request, "address"),
            (6, 0, FailureKind::Request, "`base-url`"),
            (8, 0, FailureKind::Request, "`base-url`"),
            (10, 0, FailureKind::Request, "`base-url`"),
            (13, 0, FailureKind::Unavailable, "too many requests"),
            (4, 0, FailureKind::Cut, "failed to hand over"),
            (TOO_LONG, 0, FailureKind::Cut, "longer than 1 bytes (`limit.response-bytes`)"),
        ] {
            let failure = of_code(code, elapsed_ms, 1);
            assert_eq!(failure.kind, kind, "{code} after {elapsed_ms} ms");
            assert!(failure.detail.contains(words), "{}", failure.detail);
        }
    }
}
