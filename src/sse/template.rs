//! Bytes that come again, but for a few places.
//!
//! A [`Template`] is one JSON text cut open at its holes. Whether another text is the same outside of
//! them is found out by comparing, without reading JSON.

use crate::lanes::{Lanes, same};

/// One JSON text, cut open.
#[derive(Debug, Default)]
pub struct Template {
    /// The name of the event that the text came in.
    event: Vec<u8>,
    /// The text without what was in its holes.
    fixed: Vec<u8>,
    pieces: Vec<Piece>,
}

/// So many bytes of [`Template::fixed`], and what comes after them.
#[derive(Debug, Clone, Copy)]
struct Piece {
    len: usize,
    hole: Hole,
}

/// What may stand in a place that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    /// The inside of the string that is looked for.
    Text,
    /// The inside of a string that means nothing.
    String,
    /// The digits of a number that means nothing.
    Digits,
    /// Spaces between two tokens of the JSON.
    Spaces,
    /// The end of the text.
    End,
}

impl Template {
    /// Forgets all and begins with the data of an event of that name.
    pub fn begin(&mut self, event: &str) {
        self.event.clear();
        self.event.extend_from_slice(event.as_bytes());
        self.fixed.clear();
        self.pieces.clear();
    }

    /// Appends bytes that do not change, and the hole behind them.
    pub fn push(&mut self, fixed: &[u8], hole: Hole) {
        self.fixed.extend_from_slice(fixed);
        self.pieces.push(Piece { len: fixed.len(), hole });
    }

    /// How many holes of that kind there are.
    pub fn count(&self, hole: Hole) -> usize {
        self.pieces.iter().filter(|piece| piece.hole == hole).count()
    }

    /// What stands in the hole for the text, if the event has the same name, and `data` is the same outside of
    /// its holes and has in each what may stand there.
    pub fn text<'d>(&self, event: &str, data: &'d str) -> Option<Inside<'d>> {
        if !same(&self.event, event.as_bytes()) {
            return None;
        }
        let (mut fixed, mut rest) = (self.fixed.as_slice(), data.as_bytes());
        let mut text = None;
        for piece in &self.pieces {
            let (own, there);
            (own, fixed) = fixed.split_at_checked(piece.len)?;
            (there, rest) = rest.split_at_checked(piece.len)?;
            if !same(own, there) {
                return None;
            }
            let len = match piece.hole {
                Hole::Text => {
                    let inside = inside(rest)?;
                    text = Some((data.len() - rest.len(), inside));
                    inside.len
                }
                Hole::String => inside(rest)?.len,
                Hole::Digits => digits(rest)?,
                Hole::Spaces => rest.iter().take_while(|byte| **byte == b' ').count(),
                Hole::End => 0,
            };
            rest = rest.get(len..)?;
        }
        let (start, Extent { len, escaped }) = text?;
        let text = data.get(start..start + len)?;
        (rest.is_empty() && !text.is_empty()).then_some(Inside { text, escaped })
    }
}

/// What stands between the quotes of a JSON string.
#[derive(Debug, Clone, Copy)]
pub struct Inside<'d> {
    /// It, as it stands there.
    pub text: &'d str,
    /// Whether it has escapes.
    pub escaped: bool,
}

/// How many bytes it has.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Bytes.
    pub len: usize,
    /// Whether it has escapes.
    pub escaped: bool,
}

/// The inside of the string whose opening quote is just before `bytes`; `None` when it has no end or
/// has what JSON does not allow.
#[inline]
pub fn inside(bytes: &[u8]) -> Option<Extent> {
    let mut len = 0;
    let mut escaped = false;
    loop {
        len += plain(bytes.get(len..)?);
        match bytes.get(len..)? {
            [b'"', ..] => return Some(Extent { len, escaped }),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => len += 2,
            [b'\\', b'u', unit @ ..] if unit.get(..4)?.iter().all(u8::is_ascii_hexdigit) => len += 6,
            _ => return None,
        }
        escaped = true;
    }
}

/// How many bytes there are before a quote, a backslash or a control character.
#[inline]
pub(crate) fn plain(bytes: &[u8]) -> usize {
    let (vectors, tail) = bytes.as_chunks();
    for (number, vector) in vectors.iter().enumerate() {
        let lanes = Lanes::load(vector);
        let special = lanes.equal(b'"').or(lanes.equal(b'\\')).or(lanes.below(b' ')).high_bits();
        if special != 0 {
            return number * 16 + special.trailing_zeros() as usize;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    bytes.len() - tail.len() + tail.iter().position(special).unwrap_or(tail.len())
}

/// How many digits there are, if they are a whole number as JSON writes it.
#[inline]
pub fn digits(bytes: &[u8]) -> Option<usize> {
    match bytes.iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => None,
        len if len > 1 && bytes.first() == Some(&b'0') => None,
        len => Some(len),
    }
}
