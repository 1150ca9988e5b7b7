//! One JSON text per line, as Ollama streams it.

use super::scan::line_end;
use super::text::{Carry, utf8};
use super::undrawn::Undrawn;
use super::{DEFAULT_LIMIT, Error};

/// Cuts a body into its lines that are not blank. What is in them is the caller's to judge.
///
/// ```
/// let mut framer = sse::ndjson::Framer::new();
/// let mut lines = framer.feed(b"{\"a\":1}\r\n\n{\"b\":2}");
/// assert_eq!(lines.next(), Some(Ok("{\"a\":1}")));
/// assert_eq!(lines.next(), None);
/// drop(lines);
/// assert_eq!(framer.finish(), Some(Ok("{\"b\":2}")));
/// ```
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    line: Carry,
    /// The running line is over the limit: drop it up to its end.
    dropped: bool,
    /// Borrowed by the last frame; cleared on the next call.
    ended: bool,
    undrawn: Undrawn,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// A framer with [`DEFAULT_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// A framer whose lines may have `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, line: Carry::default(), dropped: false, ended: false, undrawn: Undrawn::default() }
    }

    /// Takes the next bytes of the body. Lines that are not drawn before [`Frames`] is dropped come out first
    /// at the next call.
    pub fn feed<'f>(&'f mut self, chunk: &'f [u8]) -> Frames<'f> {
        Frames { framer: self, chunk }
    }

    /// The body is over: hands on lines that were not drawn, then a last line without its end; with `None` the
    /// framer is ready for a new body.
    pub fn finish(&mut self) -> Option<Result<&str, Error>> {
        if !self.undrawn.is_empty() {
            match self.next_undrawn() {
                Ok(true) => return Some(Ok(self.line.text())),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        self.clear_ended();
        self.ended = true;
        self.dropped = false;
        if is_blank(self.line.bytes()) { None } else { Some(Ok(self.line.text())) }
    }

    fn clear_ended(&mut self) {
        if std::mem::take(&mut self.ended) {
            self.line.clear();
        }
    }

    /// Reads on in the bytes that were left undrawn; whether a line is ready, in `self.line`.
    #[cold]
    fn next_undrawn(&mut self) -> Result<bool, Error> {
        let (bytes, read) = self.undrawn.take();
        let mut rest = bytes.get(read..).unwrap_or_default();
        let found = self.advance(&mut rest).map(|found| match found {
            Some(Found::Lent(line)) => {
                self.line.push(line.as_bytes(), false);
                self.ended = true;
                true
            }
            found => found.is_some(),
        });
        let read = bytes.len() - rest.len();
        self.undrawn.put_back(bytes, read);
        found
    }

    // Called in two places.
    #[inline(never)]
    fn advance<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<Found<'c>>, Error> {
        self.clear_ended();
        while !chunk.is_empty() {
            let line = line_end(chunk);
            let (text, after) = chunk.split_at(line.len);
            *chunk = after.get(1..).unwrap_or_default();
            // A line in one piece, as nearly all are, is not copied.
            let whole = line.ended && self.line.is_empty() && !self.dropped;
            if whole
                && text.len() <= self.limit
                && let Some(line) = utf8(text, line.ascii)
            {
                if is_blank(text) {
                    continue;
                }
                return Ok(Some(Found::Lent(line)));
            }
            let carried = self.carry(text, line.ascii);
            if !line.ended {
                return carried.map(|()| None);
            }
            if std::mem::take(&mut self.dropped) {
                carried?;
                continue;
            }
            self.ended = true;
            if !is_blank(self.line.bytes()) {
                return Ok(Some(Found::Carried));
            }
            self.clear_ended();
        }
        Ok(None)
    }

    fn carry(&mut self, piece: &[u8], ascii: bool) -> Result<(), Error> {
        if self.dropped {
            return Ok(());
        }
        self.line.push(piece, ascii);
        if self.line.len() > self.limit {
            self.line.clear();
            self.dropped = true;
            return Err(Error::TooLong { limit: self.limit });
        }
        Ok(())
    }
}

/// Where a line is.
enum Found<'c> {
    /// In the caller's chunk.
    Lent(&'c str),
    /// In [`Framer::line`].
    Carried,
}

/// The lines of one chunk, lent one after the other. Dropping it early loses nothing.
#[derive(Debug)]
pub struct Frames<'f> {
    framer: &'f mut Framer,
    chunk: &'f [u8],
}

impl Frames<'_> {
    /// The next line, valid until the one after it is asked for. `None`: feed the next chunk.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<&str, Error>> {
        if !self.framer.undrawn.is_empty() {
            match self.framer.next_undrawn() {
                Ok(true) => return Some(Ok(self.framer.line.text())),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        match self.framer.advance(&mut self.chunk) {
            Ok(Some(Found::Lent(line))) => Some(Ok(line)),
            Ok(Some(Found::Carried)) => Some(Ok(self.framer.line.text())),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        if !self.chunk.is_empty() {
            self.framer.undrawn.add(self.chunk);
        }
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Error, Framer};

    fn lines(framer: &mut Framer, chunks: &[&[u8]]) -> Vec<Result<String, Error>> {
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut frames = framer.feed(chunk);
            while let Some(line) = frames.next() {
                lines.push(line.map(str::to_owned));
            }
        }
        lines.extend(framer.finish().map(|line| line.map(str::to_owned)));
        lines
    }

    #[track_caller]
    fn check(limit: usize, body: &[u8], expected: &[Result<&str, Error>]) {
        let expected: Vec<_> = expected.iter().map(|line| line.map(str::to_owned)).collect();
        // One framer for all: it must begin anew after each body.
        let mut framer = Framer::with_limit(limit);
        for at in 0..=body.len() {
            assert_eq!(lines(&mut framer, &[&body[..at], &body[at..]]), expected, "cut at {at}");
        }
        assert_eq!(lines(&mut framer, &body.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn lines_are_frames_and_blank_ones_are_not() {
        check(99, b"", &[]);
        check(99, b"{\"a\":1}\n{\"b\":2}\n", &[Ok("{\"a\":1}"), Ok("{\"b\":2}")]);
        check(99, b"\r\n \t\n{}\r\n\n[]\r", &[Ok("{}"), Ok("[]")]);
        check(99, "{\"a\":\"é\"}".as_bytes(), &[Ok("{\"a\":\"é\"}")]);
    }

    #[test]
    fn malformed_utf8_becomes_replacement_characters() {
        check(99, b"\"\xFF\"\n\"\xE2\x82\"", &[Ok("\"\u{FFFD}\""), Ok("\"\u{FFFD}\"")]);
    }

    #[test]
    fn a_line_over_the_limit_is_one_error_and_the_next_is_intact() {
        let error = Err(Error::TooLong { limit: 4 });
        check(4, b"1234\n12345\n1\n", &[Ok("1234"), error, Ok("1")]);
        check(4, b"123456789", &[error]);
    }

    proptest! {
        #[test]
        fn values_come_back_at_every_chunking(
            texts in prop::collection::vec(any::<String>(), 0..6),
            size in 1usize..40,
        ) {
            let values: Vec<_> = texts.iter().map(|text| serde_json::json!({"response": text})).collect();
            let body: String = values.iter().map(|value| format!("{value}\n")).collect();
            let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
            let seen: Vec<serde_json::Value> = lines(&mut Framer::new(), &chunks)
                .iter()
                .map(|line| serde_json::from_str(line.as_ref().unwrap()).unwrap())
                .collect();
            prop_assert_eq!(seen, values);
        }
    }
}
