//! One JSON text per line, as Ollama streams it.

use super::scan::line_end;
use super::text::{Carry, utf8};
use super::{DEFAULT_LIMIT, Error};

/// Cuts a body into its lines that are not blank. What is in them is the caller's to judge.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    line: Carry,
    /// The running line is over the limit: drop it up to its end.
    dropped: bool,
    /// The line was lent out and is to be forgotten.
    spent: bool,
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
        Self { limit, line: Carry::default(), dropped: false, spent: false }
    }

    /// Takes the next bytes of the body. The lines must be drawn until there is none.
    pub fn feed<'f>(&'f mut self, chunk: &'f [u8]) -> Frames<'f> {
        Frames { framer: self, chunk, lent: None }
    }

    /// The body is over: hands on a last line without its end, and makes the framer ready for a new body.
    pub fn finish(&mut self) -> Option<Result<&str, Error>> {
        self.forget_spent();
        self.spent = true;
        self.dropped = false;
        if is_blank(self.line.bytes()) { None } else { Some(Ok(self.line.text())) }
    }

    fn forget_spent(&mut self) {
        if std::mem::take(&mut self.spent) {
            self.line.clear();
        }
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

/// The lines of one chunk, lent one after the other.
#[must_use = "lines that are not drawn are lost"]
#[derive(Debug)]
pub struct Frames<'f> {
    framer: &'f mut Framer,
    chunk: &'f [u8],
    lent: Option<&'f str>,
}

impl Frames<'_> {
    /// The next line, valid until the one after it is asked for. `None`: feed the next chunk.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<&str, Error>> {
        match self.advance() {
            Ok(true) => Some(Ok(match self.lent {
                Some(line) => line,
                None => self.framer.line.text(),
            })),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn advance(&mut self) -> Result<bool, Error> {
        self.framer.forget_spent();
        self.lent = None;
        while !self.chunk.is_empty() {
            let line = line_end(self.chunk);
            let (text, after) = self.chunk.split_at(line.len);
            self.chunk = after.get(1..).unwrap_or_default();
            // A line in one piece, as nearly all are, is not copied.
            let whole = line.ended && self.framer.line.is_empty() && !self.framer.dropped;
            if whole && text.len() <= self.framer.limit {
                self.lent = utf8(text, line.ascii);
                if self.lent.is_some_and(|line| !is_blank(line.as_bytes())) {
                    return Ok(true);
                }
                if self.lent.take().is_some() {
                    continue;
                }
            }
            let carried = self.framer.carry(text, line.ascii);
            if !line.ended {
                return carried.map(|()| false);
            }
            if std::mem::take(&mut self.framer.dropped) {
                carried?;
                continue;
            }
            self.framer.spent = true;
            if !is_blank(self.framer.line.bytes()) {
                return Ok(true);
            }
            self.framer.forget_spent();
        }
        Ok(false)
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
