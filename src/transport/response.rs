//! One answer as it arrives from curl, however its bytes get here.

use std::time::{Duration, Instant};

use super::growing::GrowingFile;
use super::head::HeadReader;
use super::pipe::Pipe;
use super::{Failure, FailureKind, Happening, Host, Limits, failure};

/// What a look at the source gave.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing in time.
    Pending,
    /// So many bytes are in the buffer.
    Data(usize),
    /// No more bytes will come. `None`: nobody is left to say how curl ended.
    Ended(Option<Exit>),
}

/// How curl ended.
#[derive(Debug)]
pub(super) struct Exit {
    pub code: u32,
    pub words: String,
}

/// Where the bytes come from.
#[derive(Debug)]
pub(super) enum Source {
    Pipe(Pipe),
    File(GrowingFile),
}

impl Source {
    fn read(&mut self, host: &mut impl Host, timeout: Duration, buffer: &mut [u8]) -> std::io::Result<Step> {
        match self {
            Self::Pipe(pipe) => pipe.read(host, timeout, buffer),
            Self::File(file) => file.read(timeout, buffer),
        }
    }
}

/// An answer under way.
#[derive(Debug)]
pub(super) struct Response {
    source: Source,
    limits: Limits,
    /// `None` once the head is complete.
    head: Option<HeadReader>,
    /// Body bytes that came together with the head, and how many of them are delivered.
    early: Vec<u8>,
    delivered: usize,
    /// When the last bytes came; before any, when the request was sent.
    last: Instant,
    silent: bool,
}

impl Response {
    pub fn new(source: Source, limits: Limits) -> Self {
        Self {
            source,
            limits,
            head: Some(HeadReader::default()),
            early: Vec::new(),
            delivered: 0,
            last: Instant::now(),
            silent: true,
        }
    }

    /// See [`super::Transport::wait`]. After `End` or `Failed` the answer is to be closed.
    pub fn wait(&mut self, host: &mut impl Host, timeout: Duration, buffer: &mut [u8]) -> Happening {
        let begin = Instant::now();
        loop {
            if let Some(count) = self.take_early(buffer) {
                return Happening::Body(count);
            }
            let limit = if self.silent { self.limits.first_byte } else { self.limits.idle };
            let patience = limit.saturating_sub(self.last.elapsed());
            let slice = timeout.saturating_sub(begin.elapsed()).min(patience);
            let count = match self.source.read(host, slice, buffer) {
                Ok(Step::Data(count)) => count,
                Ok(Step::Pending) if self.last.elapsed() >= limit => {
                    return failed(FailureKind::Timeout, format!("no byte for {} ms", limit.as_millis()));
                }
                Ok(Step::Pending) if begin.elapsed() >= timeout => return Happening::Elapsed,
                Ok(Step::Pending) => continue,
                Ok(Step::Ended(exit)) => return self.ended(exit),
                Err(error) => return failed(FailureKind::Cut, format!("reading curl's output: {error}")),
            };
            self.last = Instant::now();
            self.silent = false;
            let Some(reader) = &mut self.head else { return Happening::Body(count) };
            match reader.push(buffer.get(..count).unwrap_or_default()) {
                Ok(None) => {}
                Ok(Some((head, rest))) => {
                    self.head = None;
                    self.early = rest;
                    return Happening::Head { status: head.status, headers: head.headers };
                }
                Err(words) => return failed(FailureKind::Cut, words.to_owned()),
            }
        }
    }

    /// Lets go of curl and removes what it left.
    pub fn close(self, host: &mut impl Host) {
        match self.source {
            Source::Pipe(pipe) => drop(pipe),
            Source::File(file) => file.close(host),
        }
    }

    fn take_early(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let rest = self.early.get(self.delivered..).filter(|rest| !rest.is_empty())?;
        let count = rest.len().min(buffer.len());
        buffer.get_mut(..count)?.copy_from_slice(rest.get(..count)?);
        self.delivered += count;
        if self.delivered == self.early.len() {
            self.early = Vec::new();
            self.delivered = 0;
        }
        Some(count)
    }

    fn ended(&self, exit: Option<Exit>) -> Happening {
        match exit {
            None => failed(FailureKind::Cut, "curl was ended from outside".to_owned()),
            Some(exit) if exit.code != 0 => Happening::Failed(failure::of_exit(exit.code, &exit.words)),
            Some(_) if self.head.is_some() => failed(FailureKind::Cut, "the answer is empty".to_owned()),
            Some(_) => Happening::End,
        }
    }
}

fn failed(kind: FailureKind, detail: String) -> Happening {
    Happening::Failed(Failure { kind, detail })
}
