//! The one pass: checks that a text is JSON, and finds what is asked for, at once.

use std::ops::Range;

use super::grammar::{DEEPEST, Extent, blank, inside, value};
use super::unescape;
use byte_lanes::same;

/// A place in a JSON text. Where the text turns out to be none, it ends.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    /// The bytes of `text` from here on.
    rest: &'a [u8],
    /// How many brackets are open here.
    depth: u32,
    failed: bool,
    /// What was passed over, if anybody wants to know.
    pub(super) unread: Option<Vec<Passed>>,
}

/// A key that is asked for.
#[derive(Debug)]
pub struct Key {
    name: &'static str,
    /// The first eight bytes of the name, as one number.
    head: u64,
}

impl Key {
    /// The key of that name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, head: head(name.as_bytes(), name.len()) }
    }
}

/// The first eight bytes of a key of `len` bytes, which `bytes` begin with, as one number.
#[inline]
const fn head(bytes: &[u8], len: usize) -> u64 {
    let head = match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let (mut head, mut at) = (0, 0);
            while at < bytes.len() {
                head |= (bytes[at] as u64) << (8 * at);
                at += 1;
            }
            head
        }
    };
    if len < 8 { head & !(u64::MAX << (8 * len)) } else { head }
}

/// A value that nobody asked for: in an object, under a key that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Where it begins.
    pub(crate) start: usize,
    /// How many bytes it has.
    pub(crate) len: usize,
    /// How many brackets it stands in.
    pub(crate) depth: u32,
}

/// Which of `keys` it is, if it is among them.
#[inline]
fn find(keys: &[Key], key: &[u8], head: u64) -> Option<usize> {
    // To the end and without a branch, which would be foretold wrong for each key.
    let mut likely = usize::MAX;
    for (number, known) in keys.iter().enumerate() {
        let is_alike = known.head == head && known.name.len() == key.len();
        likely = if is_alike { number } else { likely };
    }
    let name = keys.get(likely)?.name.as_bytes();
    if key.len() <= 8 || same(name, key) {
        return Some(likely);
    }
    keys.iter().position(|known| known.name.as_bytes() == key)
}

impl Passed {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}

impl<'a> Scanner<'a> {
    /// The place where `text` begins.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rest: text.as_bytes(), depth: 0, failed: false, unread: None }
    }

    /// Whether what was read is all of the text, and all of it was JSON.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none() && !self.failed
    }

    /// Takes the object here: of each key that is among `keys`, however it is written, calls `field` with
    /// its number there; `field` takes the value. A value that is no object is passed over.
    pub fn object(&mut self, keys: &[Key], field: &mut dyn FnMut(usize, &mut Self)) {
        if self.peek() != Some(b'{') {
            self.value();
        } else if self.fields(keys, field).is_none() {
            self.fail();
        }
    }

    fn fields(&mut self, keys: &[Key], field: &mut dyn FnMut(usize, &mut Self)) -> Option<()> {
        self.open()?;
        if self.peek()? == b'}' {
            return self.close();
        }
        loop {
            match self.key(keys)? {
                Some(number) => field(number, self),
                None => self.pass()?,
            }
            match self.peek()? {
                b',' => self.advance(1),
                b'}' => return self.close(),
                _ => return None,
            }
        }
    }

    /// Takes the array here: `element` takes its elements one by one. A value that is no array is passed
    /// over.
    pub(super) fn array(&mut self, element: &mut dyn FnMut(&mut Self)) {
        if self.peek() != Some(b'[') {
            self.value();
        } else if self.elements(element).is_none() {
            self.fail();
        }
    }

    fn elements(&mut self, element: &mut dyn FnMut(&mut Self)) -> Option<()> {
        self.open()?;
        if self.peek()? == b']' {
            return self.close();
        }
        loop {
            element(self);
            match self.peek()? {
                b',' => self.advance(1),
                b']' => return self.close(),
                _ => return None,
            }
        }
    }

    /// Whether another element of an array stands here whose first ones were taken with their bracket; the
    /// text is JSON.
    pub(super) fn next_element(&mut self) -> bool {
        if self.peek() == Some(b',') {
            self.advance(1);
        }
        !matches!(self.peek(), None | Some(b']'))
    }

    /// The text from here on.
    pub(super) fn ahead(&self) -> &'a str {
        self.text.get(self.at()..).unwrap_or_default()
    }

    /// Takes the value here, whatever it is.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        self.peek();
        let start = self.at();
        let Some(len) = value(self.rest, self.depth) else {
            self.fail();
            return None;
        };
        self.advance(len);
        self.text.get(start..start + len)
    }

    /// Takes the value here, for which nobody asked.
    fn pass(&mut self) -> Option<()> {
        let len = self.value()?.len();
        let start = self.at() - len;
        if let Some(unread) = &mut self.unread {
            unread.push(Passed { start, len, depth: self.depth });
        }
        Some(())
    }

    /// Takes a key and its colon. Says which of `keys` it is.
    #[inline]
    fn key(&mut self, keys: &[Key]) -> Option<Option<usize>> {
        self.peek();
        let inner = self.rest.strip_prefix(b"\"")?;
        let Extent { len, escaped } = inside(inner)?;
        let number = if escaped {
            let (mut plain, start) = (String::new(), self.at() + 1);
            unescape(self.text.get(start..start + len)?, &mut plain);
            keys.iter().position(|known| known.name == plain)
        } else {
            find(keys, inner.get(..len)?, head(inner, len))
        };
        self.advance(len + 2);
        if self.peek()? != b':' {
            return None;
        }
        self.advance(1);
        Some(number)
    }

    /// Steps over white space; the byte that is next.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let next = *self.rest.first()?;
        if next > b' ' {
            return Some(next);
        }
        self.advance(blank(self.rest));
        self.rest.first().copied()
    }

    #[inline]
    fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    #[inline]
    fn open(&mut self) -> Option<()> {
        self.advance(1);
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    #[inline]
    fn close(&mut self) -> Option<()> {
        self.advance(1);
        self.depth -= 1;
        Some(())
    }

    #[cold]
    fn fail(&mut self) {
        (self.text, self.rest, self.failed) = ("", b"", true);
    }
}
