//! What the server answers to one request, byte for byte and moment for moment.

use std::time::Duration;

use super::shape::Shape;

/// One answer. Built from a constructor and bent by the methods that follow it.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) delay: Duration,
    pub(super) head: Option<Head>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) end: End,
}

/// Status line and headers.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The length that is said up front; `None`: chunked transfer coding.
    pub length: Option<usize>,
}

/// A piece of body that goes out in one write (and one HTTP chunk).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// How long to wait after what went before it.
    pub delay: Duration,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What happens after the last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The body is said to be complete.
    Complete,
    /// The connection is closed although the body is not complete.
    Close,
    /// The connection is reset (RST) although the body is not complete.
    Reset,
    /// Nothing more comes, and the connection stays open for as long as the client likes.
    Stall,
}

/// How the pieces of an answer are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    latency: Duration,
    spread: Spread,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    Over(Duration),
    Every(Duration),
}

impl Pace {
    /// Everything as fast as it can be written.
    pub const AT_ONCE: Self = Self { latency: Duration::ZERO, spread: Spread::Every(Duration::ZERO) };

    /// The pieces evenly over `total`: of ten pieces over one second the first comes at 0 ms, the last
    /// at 900 ms and the end of the answer at 1000 ms.
    pub const fn over(total: Duration) -> Self {
        Self { latency: Duration::ZERO, spread: Spread::Over(total) }
    }

    /// A piece every `gap`.
    pub const fn every(gap: Duration) -> Self {
        Self { latency: Duration::ZERO, spread: Spread::Every(gap) }
    }

    /// The same, with so much time before the status line: what a model's prompt processing looks like.
    pub const fn after(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    fn gap(self, pieces: usize) -> Duration {
        match self.spread {
            Spread::Every(gap) => gap,
            Spread::Over(total) => total / u32::try_from(pieces.max(1)).unwrap_or(u32::MAX),
        }
    }
}

impl Script {
    /// A model's answer of `pieces` in a provider's format, status 200, chunked.
    ///
    /// What the format says before the first piece goes out with the headers, and what it says after
    /// the last one (finish reason, usage, end marker) one gap after it.
    pub fn stream(shape: Shape, pieces: &[impl AsRef<str>], pace: Pace) -> Self {
        let pieces: Vec<&str> = pieces.iter().map(AsRef::as_ref).collect();
        let body = shape(&pieces);
        let gap = pace.gap(body.pieces.len());
        let mut chunks = vec![Chunk { delay: Duration::ZERO, bytes: body.opening }];
        for (n, bytes) in body.pieces.into_iter().enumerate() {
            chunks.push(Chunk { delay: if n == 0 { Duration::ZERO } else { gap }, bytes });
        }
        chunks.push(Chunk { delay: gap, bytes: body.closing });
        Self::chunks(body.content_type, chunks).after(pace.latency)
    }

    /// A body of these chunks, status 200, chunked.
    pub fn chunks(content_type: &str, mut chunks: Vec<Chunk>) -> Self {
        // An empty HTTP chunk would end the body.
        chunks.retain(|chunk| !chunk.bytes.is_empty());
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let head = Head { status: 200, headers, length: None };
        Self { delay: Duration::ZERO, head: Some(head), chunks, end: End::Complete }
    }

    /// A whole body with its length said, in one write.
    pub fn whole(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let chunk = Chunk { delay: Duration::ZERO, bytes: body.into() };
        let length = chunk.bytes.len();
        let mut script = Self::chunks(content_type, vec![chunk]);
        if let Some(head) = &mut script.head {
            head.status = status;
            head.length = Some(length);
        }
        script
    }

    /// The page a proxy, a captive portal or a web server shows where no API is.
    pub fn html(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status} {reason}</title></head>\n\
             <body><center><h1>{status} {reason}</h1></center><hr><center>nginx</center></body></html>\n",
            reason = reason(status)
        );
        Self::whole(status, "text/html; charset=utf-8", page)
    }

    /// No answer at all: the request is read, then `end`.
    pub fn nothing(end: End) -> Self {
        Self { delay: Duration::ZERO, head: None, chunks: Vec::new(), end }
    }

    /// Waits `latency` before the status line.
    pub fn after(mut self, latency: Duration) -> Self {
        self.delay = latency;
        self
    }

    /// Adds a response header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Ends otherwise after only `chunks` chunks of the body (`usize::MAX`: after all of it).
    pub fn cut(mut self, chunks: usize, end: End) -> Self {
        self.chunks.truncate(chunks);
        self.end = end;
        self
    }

    /// Cuts every chunk into chunks of at most `size` bytes, so that frames and characters are torn.
    pub fn rechunk(mut self, size: usize) -> Self {
        let mut torn = Vec::new();
        for chunk in self.chunks {
            let mut delay = chunk.delay;
            for bytes in chunk.bytes.chunks(size.max(1)) {
                torn.push(Chunk { delay: std::mem::take(&mut delay), bytes: bytes.to_vec() });
            }
        }
        self.chunks = torn;
        self
    }
}

impl Head {
    /// The head as it goes out.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &match self.length {
            Some(length) => format!("content-length: {length}\r\n\r\n"),
            None => "transfer-encoding: chunked\r\n\r\n".to_owned(),
        };
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        // Anthropic's own for "overloaded".
        529 => "",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::shape;

    const MS: Duration = Duration::from_millis(1);

    fn delays(script: &Script) -> Vec<u128> {
        script.chunks.iter().map(|chunk| chunk.delay.as_millis()).collect()
    }

    #[test]
    fn pieces_are_spread_over_the_time() {
        let pieces = ["a", "b", "c", "d"];
        for (pace, latency, expected) in [
            (Pace::AT_ONCE, 0, [0, 0, 0, 0, 0, 0]),
            (Pace::over(400 * MS), 0, [0, 0, 100, 100, 100, 100]),
            (Pace::every(30 * MS).after(70 * MS), 70, [0, 0, 30, 30, 30, 30]),
        ] {
            let script = Script::stream(shape::openai_chat, &pieces, pace);
            assert_eq!((script.delay.as_millis(), delays(&script)), (latency, expected.to_vec()), "{pace:?}");
        }
    }

    #[test]
    fn rechunking_keeps_bytes_and_time() {
        let whole = Script::chunks(
            "text/plain",
            vec![
                Chunk { delay: 5 * MS, bytes: b"abcd".to_vec() },
                Chunk { delay: 7 * MS, bytes: b"e".to_vec() },
            ],
        );
        let torn = whole.rechunk(3);
        assert_eq!(
            torn.chunks,
            [
                Chunk { delay: 5 * MS, bytes: b"abc".to_vec() },
                Chunk { delay: Duration::ZERO, bytes: b"d".to_vec() },
                Chunk { delay: 7 * MS, bytes: b"e".to_vec() },
            ]
        );
    }
}
