//! Bytes that come again, but for a few places.
//!
//! A [`Template`] is one JSON text cut open at its holes. Whether another text is the same outside of
//! them is found out by comparing, without reading JSON.

use std::ops::Range;

use byte_lanes::same;

use crate::grammar::{Extent, inside, value};
use crate::scanner::Passed;
use crate::{Scanner, Unread};

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
    /// Where it is cut. Kept for its room.
    cuts: Vec<(Range<usize>, Hole)>,
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
    /// The object that is looked for besides, in so many brackets.
    Object { depth: u32 },
    /// A value that nobody asks for, in so many brackets.
    Value { depth: u32 },
    /// Spaces between two tokens of the JSON.
    Spaces,
    /// The end of the text.
    End,
}

impl Template {
    /// Learns the data of an event of that name, in place of what it has learned before: `data` is JSON,
    /// `text` is where the string that is looked for has its inside, `object` where the object stands that is
    /// looked for besides, if one is, and neither is in the other, nor in what nobody asks for, which `unread`
    /// tells.
    ///
    /// All of the latter could be holes. But comparing is faster than reading, so holes are those of its
    /// values that have been seen to change.
    pub fn learn(
        &mut self,
        event: &str,
        data: &str,
        text: Range<usize>,
        object: Option<Range<usize>>,
        unread: &Unread,
    ) {
        debug_assert!(
            !unread.has(text.start) && object.as_ref().is_none_or(|object| !unread.has(object.start))
        );
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

        self.cuts.clear();
        let changing = self.unread.iter().filter(|(_, changes)| *changes);
        self.cuts.extend(changing.map(|(value, _)| (value.range(), Hole::Value { depth: value.depth })));
        let object = object.map(|object| {
            let depth = depth(data, object.start);
            (object, Hole::Object { depth })
        });
        for wanted in object.into_iter().chain([(text, Hole::Text)]) {
            let at = self.cuts.partition_point(|(place, _)| place.start < wanted.0.start);
            self.cuts.insert(at, wanted);
        }
        if let Some(body) = data.strip_suffix(" }") {
            self.cuts.push((body.trim_end_matches(' ').len()..data.len() - 1, Hole::Spaces));
        }
        self.cuts.push((data.len()..data.len(), Hole::End));

        self.pieces.clear();
        let mut uncut = 0;
        for (place, hole) in &self.cuts {
            debug_assert!(uncut <= place.start);
            let fixed = place.start.saturating_sub(uncut);
            self.pieces.push(Piece { fixed, hole: *hole, width: place.len() });
            uncut = place.end;
        }
    }

    /// What stands in the holes that are looked for, if the event has the same name, and `data` is the same
    /// outside of all holes and has in each what may stand there. The object, if one was learned, is read by
    /// `object`; one without members is not what may stand there.
    pub fn fill<'d>(
        &self,
        event: &str,
        data: &'d str,
        object: &mut dyn FnMut(&mut Scanner<'d>),
    ) -> Option<Filling<'d>> {
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
            let start = data.len() - rest.len();
            let len = match piece.hole {
                Hole::Text => {
                    let inside = inside(rest)?;
                    text = Some((start, inside));
                    inside.len
                }
                Hole::Object { depth } => {
                    if !rest.starts_with(b"{") || rest.starts_with(b"{}") {
                        return None;
                    }
                    let mut json = Scanner::within(data.get(start..)?, depth);
                    object(&mut json);
                    json.taken()?
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
        (rest.is_empty() && !text.is_empty()).then_some(Filling { text, escaped })
    }
}

/// What stands in the holes of a [`Template`] that are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'d> {
    /// What stands between the quotes of the string, as it stands there.
    pub text: &'d str,
    /// Whether it has escapes.
    pub escaped: bool,
}

/// In how many brackets of a JSON text that stands what begins at `at`.
fn depth(json: &str, at: usize) -> u32 {
    let before = json.get(..at).unwrap_or(json).as_bytes();
    let (mut depth, mut rest) = (0, before);
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => match inside(behind) {
                Some(Extent { len, .. }) => rest = behind.get(len + 1..).unwrap_or_default(),
                None => return depth,
            },
            _ => {}
        }
    }
    depth
}
