//! One answer as it arrives from curl.

use std::fs::File;
use std::io::{self, Read};

use super::head::HeadReader;
use super::requests::TransportEvent;
use super::{Failure, FailureKind, Patience, failure};

/// Exit code of the agent (those of curl are below 256): too many requests at once.
const TOO_MANY: u32 = 1001;

/// What curl and the agent write to. Reading a pipe without bytes returns `WouldBlock`, a file without new bytes `Ok(0)`.
#[derive(Debug)]
pub(super) struct Sources {
    /// The response heads.
    pub head: File,
    pub body: File,
    /// One line, written after the last byte of body: curl's exit code and last message.
    pub status: File,
}

/// An answer as it arrives.
#[derive(Debug)]
pub(super) struct Answer {
    sources: Sources,
    /// `None` once the head is complete.
    head: Option<HeadReader>,
    /// It is the output of a command of the user.
    is_command: bool,
    /// How long to wait.
    patience: Patience,
    /// Bytes of body that were read.
    received: u64,
    /// When the request left or the last byte of body came, in milliseconds.
    last_ms: u64,
    /// The part of the status line that was read.
    status: Vec<u8>,
    /// Set once curl has ended.
    exit: Option<Exit>,
}

#[derive(Debug, Clone)]
struct Exit {
    code: u32,
    words: String,
}

impl Answer {
    pub fn new(sources: Sources, leaves_ms: u64, patience: Patience) -> Self {
        Self {
            sources,
            head: Some(HeadReader::default()),
            is_command: false,
            patience,
            received: 0,
            last_ms: leaves_ms,
            status: Vec::new(),
            exit: None,
        }
    }

    /// The output of a command, which has no head.
    pub fn of_command(sources: Sources, leaves_ms: u64, patience: Patience) -> Self {
        Self { head: None, is_command: true, ..Self::new(sources, leaves_ms, patience) }
    }

    /// Bytes of body that were read so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The sources of an answer that never began.
    pub fn into_sources(self) -> Sources {
        self.sources
    }

    /// See [`super::requests::Transport::read`]. `lost`: the agent is gone, so nothing more will be written.
    pub fn read(&mut self, now_ms: u64, lost: bool, buffer: &mut [u8]) -> TransportEvent {
        if buffer.is_empty() {
            return TransportEvent::Pending;
        }
        loop {
            match self.read_on(buffer) {
                Ok(Some(event)) => {
                    if let TransportEvent::Body(count) = event {
                        self.received += count as u64;
                        self.last_ms = self.last_ms.max(now_ms);
                    }
                    return event;
                }
                Ok(None) => {}
                Err(error) => return failed(FailureKind::Cut, format!("reading curl's output: {error}")),
            }
            if let Some(exit) = &self.exit {
                return self.ended(exit);
            }
            self.exit = self.read_exit();
            if self.exit.is_some() {
                // Read again: bytes that were written before the status may have come after the last read.
                continue;
            }
            if lost {
                return failed(FailureKind::Cut, "the agent that runs curl was killed".to_owned());
            }
            let Patience { first_byte, idle } = self.patience;
            let limit = if self.received == 0 { first_byte } else { idle }.as_millis();
            if u128::from(now_ms.saturating_sub(self.last_ms)) >= limit {
                return failed(FailureKind::Timeout, format!("no byte for {limit} ms"));
            }
            return TransportEvent::Pending;
        }
    }

    /// The next part of the head or the body, if there is one.
    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<Option<TransportEvent>> {
        // curl writes the head before the body, but through different pipes: body that arrives before the head is
        // complete has to wait.
        while let Some(reader) = &mut self.head {
            let count = now(self.sources.head.read(buffer))?;
            if count == 0 {
                return Ok(None);
            }
            match reader.push(buffer.get(..count).unwrap_or_default()) {
                Ok(None) => {}
                // Bytes after the head are trailers, and are ignored.
                Ok(Some((head, _))) => {
                    self.head = None;
                    return Ok(Some(TransportEvent::Head { status: head.status, headers: head.headers }));
                }
                Err(words) => return Ok(Some(failed(FailureKind::Cut, words.to_owned()))),
            }
        }
        let count = now(self.sources.body.read(buffer))?;
        Ok((count > 0).then_some(TransportEvent::Body(count)))
    }

    fn read_exit(&mut self) -> Option<Exit> {
        let mut bytes = [0; 512];
        while let Ok(count @ 1..) = self.sources.status.read(&mut bytes) {
            self.status.extend_from_slice(bytes.get(..count)?);
        }
        let line = self.status.strip_suffix(b"\n")?;
        let line = String::from_utf8_lossy(line);
        let (code, words) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        Some(Exit { code: code.parse().unwrap_or(u32::MAX), words: words.to_owned() })
    }

    fn ended(&self, exit: &Exit) -> TransportEvent {
        match exit.code {
            0 if self.head.is_none() => TransportEvent::End,
            0 => failed(FailureKind::Cut, "the answer is empty".to_owned()),
            TOO_MANY => {
                failed(FailureKind::Unavailable, "too many requests are under way at once".to_owned())
            }
            code if self.is_command => TransportEvent::Failed(failure::of_command(code)),
            code => TransportEvent::Failed(failure::of_exit(code, &exit.words)),
        }
    }
}

/// The number of bytes that were read, 0 if there are none now.
fn now(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
        read => read,
    }
}

fn failed(kind: FailureKind, detail: String) -> TransportEvent {
    TransportEvent::Failed(Failure { kind, detail })
}

#[cfg(test)]
mod tests {
    use std::fs::write;
    use std::time::Duration;

    use super::super::testing::Scratch;
    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";
    const LEAVES_MS: u64 = 1000;
    const PATIENCE: Patience =
        Patience { first_byte: Duration::from_millis(100), idle: Duration::from_millis(10) };

    /// What curl and the agent have written.
    struct Written {
        head: Scratch,
        body: Scratch,
        status: Scratch,
    }

    impl Written {
        fn new(head: &str, body: &str, status: &str) -> Self {
            Self { head: Scratch::new(head), body: Scratch::new(body), status: Scratch::new(status) }
        }

        fn sources(&self) -> Sources {
            Sources { head: self.head.open(), body: self.body.open(), status: self.status.open() }
        }

        fn answer(&self) -> Answer {
            Answer::new(self.sources(), LEAVES_MS, PATIENCE)
        }
    }

    /// All that can be read now: the status, the body, and what came instead of more.
    fn read(answer: &mut Answer, lost: bool) -> (u16, String, TransportEvent) {
        let (mut status, mut body, mut buffer) = (0, Vec::new(), [0; 8]);
        loop {
            match answer.read(LEAVES_MS, lost, &mut buffer) {
                TransportEvent::Head { status: code, .. } => status = code,
                TransportEvent::Body(count) => body.extend_from_slice(&buffer[..count]),
                event => return (status, String::from_utf8(body).unwrap(), event),
            }
        }
    }

    #[test]
    fn an_answer_ends_as_curl_or_the_agent_says() {
        use FailureKind::{Connect, Cut, Unavailable};
        let pending = || Ok(TransportEvent::Pending);
        for (head, body, exit, lost, expected) in [
            (OK, "ten bytes.", "0\n", false, (200, "ten bytes.", Ok(TransportEvent::End))),
            (OK, "ten bytes.", "", false, (200, "ten bytes.", pending())),
            (
                OK,
                "ten bytes.",
                "",
                true,
                (200, "ten bytes.", Err((Cut, "the agent that runs curl was killed"))),
            ),
            // What has ended has ended before the agent did.
            (OK, "a", "0\n", true, (200, "a", Ok(TransportEvent::End))),
            (OK, "a", "18 curl: (18) cut\n", false, (200, "a", Err((Cut, "cut")))),
            ("", "", "7 curl: (7) refused\n", false, (0, "", Err((Connect, "refused")))),
            ("", "", "7\n", false, (0, "", Err((Connect, "curl ended with exit code 7")))),
            ("", "", "7 curl: (7) ref", false, (0, "", pending())),
            ("", "", "0\n", false, (0, "", Err((Cut, "the answer is empty")))),
            ("", "", "1001\n", false, (0, "", Err((Unavailable, "too many requests are under way at once")))),
            // Body waits for the head.
            ("HTTP/1.1 200 OK\r\n", "a", "", false, (0, "", pending())),
            ("SSH-2.0\r\n", "a", "", false, (0, "", Err((Cut, "the answer does not begin like HTTP")))),
        ] {
            let written = Written::new(head, body, exit);
            let (status, text, event) = read(&mut written.answer(), lost);
            let event = match event {
                TransportEvent::Failed(Failure { kind, detail }) => Err((kind, detail)),
                event => Ok(event),
            };
            let event = event.as_ref().map_err(|(kind, detail)| (*kind, detail.as_str()));
            let expected = (expected.0, expected.1, expected.2.as_ref().map_err(|failure| *failure));
            assert_eq!((status, text.as_str(), event), expected, "{head:?} {body:?} {exit:?} {lost}");
        }
    }

    #[test]
    fn what_a_command_prints_has_no_head() {
        for (exit, fault) in [("0\n", None), ("3\n", Some("failed with exit status 3"))] {
            let written = Written::new("", "key", exit);
            let mut answer = Answer::of_command(written.sources(), LEAVES_MS, PATIENCE);
            let (_, body, event) = read(&mut answer, false);
            let detail = match event {
                TransportEvent::Failed(failure) => Some(failure.detail),
                event => {
                    assert_eq!(event, TransportEvent::End);
                    None
                }
            };
            assert_eq!((body.as_str(), detail.as_deref()), ("key", fault));
        }
    }

    #[test]
    fn silence_is_limited_before_the_first_byte_and_between_two() {
        let mut buffer = [0; 64];
        let is_over = |event: TransportEvent| match event {
            TransportEvent::Pending => false,
            TransportEvent::Failed(failure) => {
                assert_eq!(failure.kind, FailureKind::Timeout);
                true
            }
            event => panic!("{event:?}"),
        };
        // The head is no byte of the answer.
        let written = Written::new(OK, "", "");
        let mut answer = written.answer();
        assert!(matches!(answer.read(1050, false, &mut buffer), TransportEvent::Head { .. }));
        assert!(!is_over(answer.read(0, false, &mut buffer)), "it has not left");
        assert!(!is_over(answer.read(1099, false, &mut buffer)));
        assert!(is_over(answer.read(1100, false, &mut buffer)));
        write(written.body.path(), "ab").unwrap();
        assert_eq!(answer.read(1200, false, &mut buffer), TransportEvent::Body(2));
        assert_eq!(answer.received(), 2);
        assert!(!is_over(answer.read(1209, false, &mut buffer)));
        assert!(is_over(answer.read(1210, false, &mut buffer)));
        assert_eq!(
            answer.read(1210, false, &mut []),
            TransportEvent::Pending,
            "nothing is read into nothing"
        );
    }

    #[test]
    fn nothing_to_read_now_is_no_error() {
        use io::ErrorKind::{Interrupted, Other, WouldBlock};
        for (result, expected) in
            [(Ok(3), Ok(3)), (Err(WouldBlock), Ok(0)), (Err(Interrupted), Ok(0)), (Err(Other), Err(Other))]
        {
            assert_eq!(now(result.map_err(Into::into)).map_err(|error| error.kind()), expected);
        }
    }
}
