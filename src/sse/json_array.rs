//! One long JSON array, element by element, as Gemini streams it without `alt=sse`.
//!
//! Only what tells elements apart is looked at: strings, brackets and commas. Whether an element is
//! JSON is the caller's to judge.

use super::text::{Carry, utf8};
use super::{DEFAULT_LIMIT, Error};

/// Cuts a body into the elements of its array. A body that is one object, as errors are, is one
/// element; one that begins with neither bracket is no JSON worth cutting and comes whole at the end.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    place: Place,
    /// Whether the array's own bracket is open.
    opened: bool,
    element: Carry,
    /// The running element is over the limit: drop it up to its end.
    dropped: bool,
    /// The element was lent out and is to be forgotten.
    spent: bool,
}

/// Where in the body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything but white space.
    Start,
    /// Between elements.
    Between,
    /// In a number or a word that stands as an element.
    Scalar,
    /// In a string, array or object so many brackets deep; `string` within quotes, `escaped` after a
    /// backslash there.
    Inside { depth: usize, string: bool, escaped: bool },
    /// In a body that is no array and no object.
    Whole,
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

    /// A framer whose elements may have `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            place: Place::Start,
            opened: false,
            element: Carry::default(),
            dropped: false,
            spent: false,
        }
    }

    /// Takes the next bytes of the body. The elements must be drawn until there is none.
    pub fn feed<'f>(&'f mut self, chunk: &'f [u8]) -> Frames<'f> {
        Frames { framer: self, chunk, lent: None }
    }

    /// The body is over: hands on a body that was no array, drops an element that was cut off, and
    /// makes the framer ready for a new body.
    pub fn finish(&mut self) -> Option<Result<&str, Error>> {
        self.forget_spent();
        let whole = self.place == Place::Whole && !self.dropped;
        *self =
            Self { element: std::mem::take(&mut self.element), spent: true, ..Self::with_limit(self.limit) };
        whole.then(|| Ok(self.element.text()))
    }

    fn forget_spent(&mut self) {
        if std::mem::take(&mut self.spent) {
            self.element.clear();
        }
    }

    fn carry(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.dropped {
            return Ok(());
        }
        if self.element.len() + piece.len() > self.limit {
            self.element.clear();
            self.dropped = true;
            return Err(Error::TooLong { limit: self.limit });
        }
        self.element.push(piece, false);
        Ok(())
    }

    /// Skips what is between elements; returns how much.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        for (pos, byte) in bytes.iter().enumerate() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                b'[' if !self.opened => {
                    self.opened = true;
                    self.place = Place::Between;
                }
                b']' if self.opened => self.opened = false,
                b',' if self.opened => {}
                b'{' | b'[' => {
                    self.place = Place::Inside { depth: 0, string: false, escaped: false };
                    return pos;
                }
                _ if self.place == Place::Start => {
                    self.place = Place::Whole;
                    return pos;
                }
                b'"' => {
                    self.place = Place::Inside { depth: 0, string: false, escaped: false };
                    return pos;
                }
                _ => {
                    self.place = Place::Scalar;
                    return pos;
                }
            }
        }
        bytes.len()
    }

    /// Reads on in the running element; returns how many bytes belong to it and whether it ended.
    fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let (mut depth, mut string, mut escaped) = match self.place {
            Place::Inside { depth, string, escaped } => (depth, string, escaped),
            Place::Scalar => {
                let end =
                    bytes.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b']'));
                return (end.unwrap_or(bytes.len()), end.is_some());
            }
            Place::Start | Place::Between | Place::Whole => return (bytes.len(), false),
        };
        let mut pos = 0;
        while let Some(byte) = bytes.get(pos) {
            pos += 1;
            if escaped {
                escaped = false;
                continue;
            }
            match byte {
                b'\\' if string => escaped = true,
                b'"' => string = !string,
                _ if string => {
                    let rest = bytes.get(pos..).unwrap_or_default();
                    pos += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 && !string {
                return (pos, true);
            }
        }
        self.place = Place::Inside { depth, string, escaped };
        (pos, false)
    }
}

/// The elements of one chunk, lent one after the other.
#[must_use = "elements that are not drawn are lost"]
#[derive(Debug)]
pub struct Frames<'f> {
    framer: &'f mut Framer,
    chunk: &'f [u8],
    lent: Option<&'f str>,
}

impl Frames<'_> {
    /// The next element, valid until the one after it is asked for. `None`: feed the next chunk.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<&str, Error>> {
        match self.advance() {
            Ok(true) => Some(Ok(match self.lent {
                Some(element) => element,
                None => self.framer.element.text(),
            })),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn advance(&mut self) -> Result<bool, Error> {
        self.framer.forget_spent();
        self.lent = None;
        while !self.chunk.is_empty() {
            if matches!(self.framer.place, Place::Start | Place::Between) {
                let skipped = self.framer.skip(self.chunk);
                self.chunk = self.chunk.get(skipped..).unwrap_or_default();
                continue;
            }
            let (len, ended) = self.framer.read(self.chunk);
            let (piece, after) = self.chunk.split_at(len);
            self.chunk = after;
            if !ended {
                return self.framer.carry(piece).map(|()| false);
            }
            self.framer.place = Place::Between;
            // An element in one piece is not copied, if it is UTF-8.
            if self.framer.element.is_empty() && !self.framer.dropped && piece.len() <= self.framer.limit {
                self.lent = utf8(piece, false);
                if self.lent.is_some() {
                    return Ok(true);
                }
            }
            let carried = self.framer.carry(piece);
            if std::mem::take(&mut self.framer.dropped) {
                carried?;
                continue;
            }
            self.framer.spent = true;
            return Ok(true);
        }
        Ok(false)
    }
}
