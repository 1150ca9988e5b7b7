//! One answer as it arrives from curl.

use std::fs::File;
use std::io::{self, Read};

use super::head::HeadReader;
use super::requests::TransportEvent;
use super::{Failure, FailureKind, Patience, failure};

/// Exit codes of curl are below 256; this one is the agent's.
const TOO_MANY: u32 = 1001;

/// Where curl and the agent write. A pipe without bytes gives `WouldBlock`, a file without new ones `Ok(0)`.
#[derive(Debug)]
pub(super) struct Sources {
    /// The response heads.
    pub head: File,
    pub body: File,
    /// One line, written after the last byte of body: curl's exit code and last message.
    pub status: File,
}

/// An answer under way.
#[derive(Debug)]
pub(super) struct Answer {
    sources: Sources,
    /// `None` once the head is complete.
    head: Option<HeadReader>,
    /// It is what a command prints.
    is_command: bool,
    /// How long to wait for what.
    patience: Patience,
    /// Bytes of body handed over.
    received: u64,
    /// When the request left or the last byte of body came, in milliseconds.
    last_ms: u64,
    /// What of the status line has been read.
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

    /// What a command prints, which has no head.
    pub fn of_command(sources: Sources, leaves_ms: u64, patience: Patience) -> Self {
        Self { head: None, is_command: true, ..Self::new(sources, leaves_ms, patience) }
    }

    /// Bytes of body handed over so far.
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
                // What was written before the status may have come after we looked for it.
                continue;
            }
            if lost {
                return failed(
                    FailureKind::Cut,
                    "the agent that runs curl was ended from outside".to_owned(),
                );
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
        // curl writes the head before the body, but here they come by different ways: body that is seen before the
        // head is complete has to wait.
        while let Some(reader) = &mut self.head {
            let count = now(self.sources.head.read(buffer))?;
            if count == 0 {
                return Ok(None);
            }
            match reader.push(buffer.get(..count).unwrap_or_default()) {
                Ok(None) => {}
                // What follows is trailers.
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

/// The length of what was read, 0 if there is nothing now.
fn now(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
        read => read,
    }
}

fn failed(kind: FailureKind, detail: String) -> TransportEvent {
    TransportEvent::Failed(Failure { kind, detail })
}
