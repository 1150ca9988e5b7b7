//! The one pass: checks that a text is JSON, and finds what is asked for, at once.

use std::ops::Range;

use super::grammar::{DEEPEST, Extent, Text};
use super::{Raw, Read, unescape};
use byte_lanes::same;

/// A place in a JSON text. Where the text turns out to be none, it ends.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    json: Text<'a>,
    /// Where in the text.
    at: usize,
    /// How many brackets are open here.
    depth: u32,
    failed: bool,
    /// What was passed over, if anybody wants to know.
    pub(super) unread: Option<Vec<Passed>>,
}

/// The keys that a struct asks for, by the numbers of its fields.
///
/// A perfect hash, made when this is compiled: a key in the text can be at most one of these.
#[derive(Debug)]
pub struct Keys {
    names: &'static [&'static str],
    /// By hash, the number of the key; [`NONE`] where there is none.
    slots: [u8; SLOTS],
    multiplier: u64,
    /// One bit for each field that is read in place, and not as the text of its value.
    nested: u32,
}

const SLOTS: usize = 32;
const NONE: u8 = u8::MAX;

impl Keys {
    /// The keys of these names. Those in `nested` (one bit each, the first one lowest) are read by the callback of
    /// [`Scanner::object`].
    ///
    /// # Panics
    /// If there are more than 24 names. [`object!`](crate::object) calls it when the program is compiled. Two names
    /// that are the same end the compilation as well.
    pub const fn new(names: &'static [&'static str], nested: u32) -> Self {
        assert!(names.len() <= 24, "an object of more than 24 fields");
        let mut multiplier = 0x9E37_79B9_7F4A_7C15_u64;
        loop {
            if let Some(slots) = place(names, multiplier) {
                return Self { names, slots, multiplier, nested };
            }
            multiplier = multiplier.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(2);
        }
    }

    /// Whether a field is read by the callback of [`Scanner::object`].
    pub const fn has_nested(&self) -> bool {
        self.nested != 0
    }

    /// The number of the key, or how many there are if it is none of them.
    #[inline(always)]
    fn find(&self, key: &[u8], head: [u64; 2]) -> usize {
        let number = usize::from(self.slots[hash(head, key.len(), self.multiplier)]);
        match self.names.get(number) {
            Some(name) if same(name.as_bytes(), key) => number,
            _ => self.names.len(),
        }
    }
}

/// The slots of the keys, unless two have the same one.
const fn place(names: &[&str], multiplier: u64) -> Option<[u8; SLOTS]> {
    let mut slots = [NONE; SLOTS];
    let mut number = 0;
    while number < names.len() {
        let name = names[number].as_bytes();
        let slot = hash(head(name, name.len()), name.len(), multiplier);
        if slots[slot] != NONE {
            return None;
        }
        slots[slot] = number as u8;
        number += 1;
    }
    Some(slots)
}

/// By the first 16 bytes and the length: no wire has two keys that differ in neither.
#[inline(always)]
const fn hash(head: [u64; 2], len: usize, multiplier: u64) -> usize {
    ((head[0] ^ head[1].rotate_left(31) ^ len as u64).wrapping_mul(multiplier) >> 59) as usize
}

/// The first 16 bytes of a key of `len` bytes, which `bytes` begin with.
#[inline(always)]
const fn head(bytes: &[u8], len: usize) -> [u64; 2] {
    let mut words = [0; 2];
    if let Some(vector) = bytes.first_chunk::<16>() {
        let both = u128::from_le_bytes(*vector);
        words = [both as u64, (both >> 64) as u64];
    } else {
        let mut at = 0;
        while at < bytes.len() {
            words[at / 8] |= (bytes[at] as u64) << (8 * (at % 8));
            at += 1;
        }
    }
    let mask = MASKS[if len < 16 { len } else { 16 }];
    [words[0] & mask[0], words[1] & mask[1]]
}

/// The bits of the first bytes of two words, by their number.
static MASKS: [[u64; 2]; 17] = {
    let mut masks = [[0; 2]; 17];
    let mut len = 0;
    while len <= 16 {
        masks[len] = [
            if len >= 8 { u64::MAX } else { (1 << (8 * len)) - 1 },
            if len <= 8 {
                0
            } else if len == 16 {
                u64::MAX
            } else {
                (1 << (8 * (len - 8))) - 1
            },
        ];
        len += 1;
    }
    masks
};

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

/// Takes a nested field by its number; the flag says whether the key was there before.
type Field<'f, 'a> = &'f mut dyn FnMut(usize, bool, &mut Scanner<'a>);

impl<'a> Scanner<'a> {
    /// The place where `text` begins.
    // In wasm one call for each type that is read is less code than the scanner made in each place.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn new(text: &'a str) -> Self {
        Self { text, json: Text::new(text.as_bytes()), at: 0, depth: 0, failed: false, unread: None }
    }

    /// Reads the value here.
    pub fn read<T: Read<'a>>(&mut self) -> T {
        let mut value = T::default();
        value.read(self);
        value
    }

    /// Whether an object stands here.
    pub(super) fn is_at_object(&mut self) -> bool {
        self.peek() == Some(b'{')
    }

    /// Whether what was read is all of the text, and all of it was JSON.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none() && !self.failed
    }

    /// Takes the object here: for each key that is among `keys`, however it is written, the text of its value
    /// goes into `raws` at its number; fields that are [nested](Keys::new) take the value by themselves when
    /// `field` is called with the number, and with whether the key was there before. `raws` has one place more
    /// than there are keys, for what nobody asks for. A value that is no object is passed over.
    pub fn object(&mut self, keys: &Keys, raws: &mut [Raw<'a>], mut field: Option<Field<'_, 'a>>) {
        if self.peek() != Some(b'{') {
            self.value();
        } else if self.fields(keys, raws, &mut field).is_none() {
            self.fail();
        }
    }

    fn fields(&mut self, keys: &Keys, raws: &mut [Raw<'a>], field: &mut Option<Field<'_, 'a>>) -> Option<()> {
        self.open()?;
        // Apart from `self`, so that it need not be stored and loaded again for each part.
        let mut at = self.json.blank(self.at);
        if self.json.byte(at)? == b'}' {
            return self.close(at);
        }
        let mut seen = 0u32;
        loop {
            let number = self.key(keys, &mut at)?;
            if keys.nested >> number & 1 == 1
                && let Some(field) = field
            {
                self.at = at;
                field(number, seen >> number & 1 == 1, self);
                at = self.at;
                seen |= 1 << number;
            } else {
                let start = self.json.blank(at);
                at = self.json.value(start, self.depth)?;
                *raws.get_mut(number)? = Raw::of(self.text.get(start..at)?);
                if number == keys.names.len()
                    && let Some(unread) = &mut self.unread
                {
                    unread.push(Passed { start, len: at - start, depth: self.depth });
                }
            }
            at = self.json.blank(at);
            match self.json.byte(at)? {
                b',' => at = self.json.blank(at + 1),
                b'}' => return self.close(at),
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
            return self.close(self.at);
        }
        loop {
            element(self);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => return self.close(self.at),
                _ => return None,
            }
        }
    }

    /// Whether another element of an array stands here whose first ones were taken with their bracket; the
    /// text is JSON.
    pub(super) fn next_element(&mut self) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        !matches!(self.peek(), None | Some(b']'))
    }

    /// The text from here on.
    pub(super) fn ahead(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes the value here, whatever it is.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let start = self.json.blank(self.at);
        let Some(end) = self.json.value(start, self.depth) else {
            self.fail();
            return None;
        };
        self.at = end;
        self.text.get(start..end)
    }

    /// Moves `at` behind the key there and its colon. Says which of `keys` it is; how many there are, if none.
    #[inline(always)]
    fn key(&mut self, keys: &Keys, at: &mut usize) -> Option<usize> {
        if self.json.byte(*at)? != b'"' {
            return None;
        }
        let start = *at + 1;
        let Extent { len, escaped } = self.json.inside(start)?;
        let number = if escaped {
            self.escaped_key(keys, start, len)?
        } else {
            let inner = self.text.as_bytes().get(start..)?;
            keys.find(inner.get(..len)?, head(inner, len))
        };
        let colon = self.json.blank(start + len + 1);
        *at = colon + 1;
        (self.json.byte(colon)? == b':').then_some(number)
    }

    #[cold]
    fn escaped_key(&self, keys: &Keys, start: usize, len: usize) -> Option<usize> {
        let mut plain = String::new();
        unescape(self.text.get(start..start + len)?, &mut plain);
        Some(keys.names.iter().position(|name| *name == plain).unwrap_or(keys.names.len()))
    }

    /// Steps over white space; the byte that is next.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        self.at = self.json.blank(self.at);
        self.json.byte(self.at)
    }

    #[inline]
    fn open(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }

    /// Behind the closing bracket that stands at `at`.
    #[inline]
    fn close(&mut self, at: usize) -> Option<()> {
        self.at = at + 1;
        self.depth -= 1;
        Some(())
    }

    #[cold]
    fn fail(&mut self) {
        (self.text, self.json, self.at, self.failed) = ("", Text::new(b""), 0, true);
    }
}
