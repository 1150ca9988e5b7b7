//! The one pass: checks that a text is JSON, and finds what is asked for, at once.

use std::ops::Range;

use super::grammar::{DEEPEST, Extent, blank, inside, value};
use super::unescape;
use crate::lanes::same;

/// A place in a JSON text. Where the text turns out to be none, it ends.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// How many brackets are open here.
    depth: u32,
    failed: bool,
    /// What was passed over, if anybody wants to know.
    pub(super) unread: Option<Vec<Passed>>,
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

impl Passed {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }
}

impl<'a> Scanner<'a> {
    /// The place where `text` begins.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, failed: false, unread: None }
    }

    /// Whether what was read is all of the text, and all of it was JSON.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none() && !self.failed
    }

    /// Takes the object here: of each key that is among `keys`, however it is written, calls `field` with
    /// its number there; `field` takes the value. A value that is no object is passed over.
    pub fn object(&mut self, keys: &[&str], field: &mut dyn FnMut(usize, &mut Self)) {
        if self.peek() != Some(b'{') {
            self.value();
        } else if self.members(keys, field).is_none() {
            self.fail();
        }
    }

    fn members(&mut self, keys: &[&str], field: &mut dyn FnMut(usize, &mut Self)) -> Option<()> {
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
                b',' => self.at += 1,
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
                b',' => self.at += 1,
                b']' => return self.close(),
                _ => return None,
            }
        }
    }

    /// Takes the value here, whatever it is.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        self.peek();
        let start = self.at;
        let len = value(self.rest(), self.depth);
        if len.is_none() {
            self.fail();
        }
        self.at += len?;
        self.text.get(start..self.at)
    }

    /// Takes the value here, for which nobody asked.
    fn pass(&mut self) -> Option<()> {
        let len = self.value()?.len();
        if let Some(unread) = &mut self.unread {
            unread.push(Passed { start: self.at - len, len, depth: self.depth });
        }
        Some(())
    }

    /// Takes a key and its colon. Says which of `keys` it is.
    #[inline]
    fn key(&mut self, keys: &[&str]) -> Option<Option<usize>> {
        self.peek();
        let inner = self.rest().strip_prefix(b"\"")?;
        let Extent { len, escaped } = inside(inner)?;
        let key = inner.get(..len)?;
        let number = if escaped {
            let mut plain = String::new();
            unescape(self.text.get(self.at + 1..)?.get(..len)?, &mut plain);
            keys.iter().position(|known| *known == plain)
        } else {
            keys.iter().position(|known| same(known.as_bytes(), key))
        };
        self.at += len + 2;
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(number)
    }

    /// Steps over white space; the byte that is next.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        self.at += blank(self.rest());
        self.rest().first().copied()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn open(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        self.at += 1;
        self.depth -= 1;
        Some(())
    }

    #[cold]
    fn fail(&mut self) {
        (self.text, self.at, self.failed) = ("", 0, true);
    }
}
