//! Bytes that come again, but for a few places.
//!
//! A [`Template`] is one JSON text cut open at its holes. Whether another text is the same outside of
//! them is found out by comparing, without reading JSON.

use std::ops::Range;

use crate::json::{Extent, Passed, Unread, inside, value};
use crate::lanes::same;

/// One JSON text, cut open.
#[derive(Debug, Default)]
pub struct Template {
    /// The name of the event that the text came in.
    event: Vec<u8>,
    /// The text.
    learned: Vec<u8>,
    pieces: Vec<Piece>,
    /// Its values that nobody asks for, and which of them are holes.
    unread: Vec<(Passed, bool)>,
}

/// So many bytes that do not change, and what comes after them.
#[derive(Debug, Clone, Copy)]
struct Piece {
    fixed: usize,
    hole: Hole,
    /// How many bytes the learned text has in the hole.
    width: usize,
}

/// What may stand in a place that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// The inside of the string that is looked for.
    Text,
    /// A value that nobody asks for, in so many brackets.
    Value { depth: u32 },
    /// Spaces between two tokens of the JSON.
    Spaces,
    /// The end of the text.
    End,
}

impl Template {
    /// Learns the data of an event of that name, in place of what it has learned before: `data` is JSON,
    /// `text` is where the string that is looked for has its inside, and not in what nobody asks for, which
    /// `unread` tells.
    ///
    /// All of the latter could be holes. But comparing is faster than reading, so holes are those of its
    /// values that have been seen to change.
    pub fn learn(&mut self, event: &str, data: &str, text: Range<usize>, unread: &Unread) {
        debug_assert!(!unread.has(text.start));
        let values = unread.values();
        if self.unread.len() == values.len() {
            for ((known, changes), value) in self.unread.iter_mut().zip(values) {
                *changes |= self.learned.get(known.range()) != data.as_bytes().get(value.range());
                *known = *value;
            }
        } else {
            self.unread.clear();
            self.unread.extend(values.iter().map(|value| (*value, false)));
        }
        self.event.clear();
        self.event.extend_from_slice(event.as_bytes());
        self.learned.clear();
        self.learned.extend_from_slice(data.as_bytes());

        self.pieces.clear();
        let mut uncut = 0;
        let mut cut = |place: Range<usize>, hole: Hole| {
            let fixed = place.start.saturating_sub(uncut);
            self.pieces.push(Piece { fixed, hole, width: place.len() });
            uncut = place.end;
        };
        let mut text = Some(text);
        for (value, _) in self.unread.iter().filter(|(_, changes)| *changes) {
            if let Some(text) = text.take_if(|text| text.start < value.start) {
                cut(text, Hole::Text);
            }
            cut(value.range(), Hole::Value { depth: value.depth });
        }
        if let Some(text) = text {
            cut(text, Hole::Text);
        }
        if let Some(body) = data.strip_suffix(" }") {
            cut(body.trim_end_matches(' ').len()..data.len() - 1, Hole::Spaces);
        }
        cut(data.len()..data.len(), Hole::End);
    }

    /// What stands in the hole for the text, if the event has the same name, and `data` is the same outside of
    /// its holes and has in each what may stand there.
    pub fn text<'d>(&self, event: &str, data: &'d str) -> Option<Inside<'d>> {
        if !same(&self.event, event.as_bytes()) {
            return None;
        }
        let (mut learned, mut rest) = (self.learned.as_slice(), data.as_bytes());
        let mut text = None;
        for piece in &self.pieces {
            let (fixed, there);
            (fixed, learned) = learned.split_at_checked(piece.fixed)?;
            (there, rest) = rest.split_at_checked(piece.fixed)?;
            if !same(fixed, there) {
                return None;
            }
            let len = match piece.hole {
                Hole::Text => {
                    let inside = inside(rest)?;
                    text = Some((data.len() - rest.len(), inside));
                    inside.len
                }
                Hole::Value { depth } => value(rest, depth)?,
                Hole::Spaces => rest.iter().take_while(|byte| **byte == b' ').count(),
                Hole::End => 0,
            };
            learned = learned.get(piece.width..)?;
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
