//! The memo of a stream's envelope, behind the feature `memo`.
//!
//! It makes a token two to six times as fast, which one model at a hundred tokens a second does not need: the volt is
//! built without it. The frames of a stream mostly differ in their text alone. The memo keeps the last frame that was
//! decoded in full, with holes for the text, the counts of tokens, and values that nobody reads and that change, such as
//! padding and times. A frame with the same bytes outside the holes is compared, not read.
//!
//! Why that is sound. Let the learned frame be `F`, and `F'` one that matches it.
//! - A hole of `F` is the inside of a string, a whole number or value, or the blanks before its last brace. `F'` has another
//!   of the same kind there, checked by the grammar. So it is a JSON text of the same structure, perhaps with the members
//!   of objects in another order, which no reading depends on: no key is there twice.
//! - A value is a hole only if the wire's own readings of `F` passed over it because of its key. They pass over it in `F'`
//!   as well: the key stands outside of the hole.
//! - `F` gave one token, a text or a thought: the string in a hole, borrowed from there or, having escapes, told by no other
//!   string that was read; and perhaps counts, numbers in other holes. By its contract the [wire](super::Wire) gives for
//!   `F'` the same with the other text and counts, and changes nothing in itself that it has not changed for `F`.
//! - Between them the wire saw no other frame: one that does not match is decoded in full, and the memo forgets `F`.
//! - An empty text or object is decoded in full, because wires give no token for it.

use std::borrow::Cow;
use std::ops::Range;

use super::decoder::{Ends, Frame, Notes, ReadCounts, Wire};
use super::envelope::Tap;
use super::leniency::{Echo, Halves};
use crate::json::template::{MOST_NUMBERS, Template};
use crate::json::{Scanner, is_json, strings, unescape};
use crate::stream::{Sink, StreamToken, Usage};

/// Longer frames are not learned, so that one of them does not hold its memory.
const LONGEST: usize = 16 << 10;

/// The memo of one stream.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// What the learned frame gave; `None` when there is none.
    gave: Option<Gave>,
    /// The learned frame.
    template: Template,
    /// Frames in a row that were decoded in full although they could have been learned.
    fruitless: u32,
    /// What was made of the frame that is to be learned.
    notes: Notes,
    /// A text whose escapes are resolved.
    scratch: String,
}

/// The tokens of a frame that can be learned.
#[derive(Debug, Clone, Copy)]
struct Gave {
    kind: Kind,
    /// Where the counts come from that follow the text.
    counts: Option<Counts>,
}

/// Which number of a frame is which count: input, output, cached, reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts([Option<usize>; 4]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

impl Memo {
    /// A memo that never learns.
    pub(super) fn off() -> Self {
        Self { fruitless: u32::MAX, ..Self::default() }
    }

    /// Decodes one frame as the wire would, by the wire or by comparing.
    pub(super) fn frame(
        &mut self,
        halves: &mut Halves,
        echo: &mut Echo,
        wire: &mut dyn Wire,
        frame: Frame<'_>,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        let event = frame.event;
        if !halves.is_waiting() && self.give(event, frame.data, echo, sink).is_some() {
            return;
        }
        self.gave = None;
        let data = frame.data;
        // A stream whose frames all differ is tried ever more seldom.
        let worthwhile = self.fruitless < 8 || self.fruitless.is_power_of_two();
        let learning = worthwhile && data.len() <= LONGEST;
        self.notes.clear();
        self.scratch.clear();
        let mut frame = if learning { frame.noting(&mut self.notes) } else { frame };
        let tap = Tap { sink, frame: data, halves, echo };
        let mut watch = Watch { tap, frame: data, outside: &mut self.scratch, seen: Seen::Nothing };
        wire.frame(&mut frame, ends, &mut watch);
        let Seen::Text { kind, address, len, counted } = watch.seen else { return };
        self.fruitless = self.fruitless.saturating_add(1);
        if learning
            && self.notes.unread.is_read()
            && counted == self.notes.counts.is_some()
            && let Some(text) = self.place(data, address, len)
        {
            let found = match self.notes.counts.take() {
                None => Some((Vec::new(), None)),
                Some((object, read)) => {
                    Counts::find(data, object, read).map(|(numbers, counts)| (numbers, Some(counts)))
                }
            };
            if let Some((numbers, counts)) = found {
                self.template.learn(event, data, text, &numbers, &self.notes.unread);
                self.gave = Some(Gave { kind, counts });
            }
        }
    }

    /// Gives the tokens of this frame, if it is the learned one with another text and other counts.
    fn give(&mut self, event: &str, data: &str, echo: &mut Echo, sink: &mut dyn Sink) -> Option<()> {
        let gave = self.gave?;
        let there = self.template.fill(event, data)?;
        debug_assert!(is_json(data));
        #[cfg(test)]
        tests::HITS.with(|hits| hits.set(hits.get() + 1));
        self.fruitless = 0;
        // Half a character at its end or beginning is joined in the way of all others.
        let has_half = |text: &str| text.contains("\\ud") || text.contains("\\uD");
        if there.escaped && has_half(there.text) {
            return None;
        }
        let text = if there.escaped {
            self.scratch.clear();
            unescape(there.text, &mut self.scratch);
            &self.scratch
        } else {
            there.text
        };
        match gave.kind {
            Kind::Reasoning => sink.token(StreamToken::Reasoning(Cow::Borrowed(text))),
            Kind::Text if echo.passes(text, sink) => sink.token(StreamToken::Text(Cow::Borrowed(text))),
            Kind::Text => {}
        }
        if let Some(counts) = gave.counts {
            sink.token(StreamToken::Usage(counts.read(there.numbers)));
        }
        Some(())
    }

    /// Where in the frame the token's text is: at its address, or else, if it is in `scratch`, in the string
    /// with escapes that says the same. Of two such strings nobody knows which one it was.
    fn place(&mut self, data: &str, address: usize, len: usize) -> Option<Range<usize>> {
        let start = address.checked_sub(data.as_ptr().addr()).filter(|start| start + len <= data.len());
        let mut places = (0, None);
        strings(data, &mut |at, inner| {
            let is_text = !self.notes.unread.has(at)
                && match start {
                    Some(start) => (at, inner.len()) == (start, len),
                    None => inner.contains('\\') && says(inner, &mut self.scratch),
                };
            if is_text {
                places = (places.0 + 1, Some(at..at + inner.len()));
            }
        });
        places.1.filter(|_| places.0 == 1)
    }
}

impl Counts {
    /// The whole numbers of the object that counts tokens, and which of them `read` finds. It is tried out: in two copies
    /// of the object each number is another. `None` where that does not tell.
    fn find(data: &str, object: Range<usize>, read: ReadCounts) -> Option<(Vec<Range<usize>>, Self)> {
        let numbers = whole_numbers(data.get(object.clone())?);
        if numbers.len() > MOST_NUMBERS {
            return None;
        }
        let probe = |first: u64| {
            let value = |place: usize| first + 13 * place as u64;
            let (mut copy, mut from) = (String::new(), object.start);
            for (place, number) in numbers.iter().enumerate() {
                copy.push_str(data.get(from..object.start + number.start)?);
                copy.push_str(&value(place).to_string());
                from = object.start + number.end;
            }
            copy.push_str(data.get(from..object.end)?);
            let Usage { input, output, cached, reasoning } = read(&mut Scanner::new(&copy));
            let mut places = [None; 4];
            for (place, count) in places.iter_mut().zip([input, output, cached, reasoning]) {
                if let Some(count) = count {
                    *place = Some((0..numbers.len()).find(|place| value(*place) == count)?);
                }
            }
            Some(Self(places))
        };
        let counts = probe(1_000_003).filter(|counts| probe(7) == Some(*counts))?;
        let shift = |number: &Range<usize>| number.start + object.start..number.end + object.start;
        Some((numbers.iter().map(shift).collect(), counts))
    }

    /// The counts, of a frame with these numbers.
    fn read(self, numbers: &[u64]) -> Usage {
        let count = |place: Option<usize>| place.and_then(|place| numbers.get(place).copied());
        let [input, output, cached, reasoning] = self.0.map(count);
        Usage { input, output, cached, reasoning }
    }
}

/// Where whole numbers without a sign stand in a JSON text.
fn whole_numbers(json: &str) -> Vec<Range<usize>> {
    let mut numbers = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    // The number, or the word, at hand.
    let mut start = None;
    for (at, byte) in json.bytes().enumerate() {
        let is_part = !in_string && (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'));
        if let (Some(from), false) = (start, is_part) {
            if json.get(from..at).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
                numbers.push(from..at);
            }
            start = None;
        } else if is_part {
            start.get_or_insert(at);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    numbers
}

/// Whether `inner`, with its escapes resolved, is the text in `scratch`; uses the room behind it.
fn says(inner: &str, scratch: &mut String) -> bool {
    let len = scratch.len();
    unescape(inner, scratch);
    let same = scratch.get(..len) == scratch.get(len..);
    scratch.truncate(len);
    same
}

/// What a frame gave that was decoded in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// One text or thought, and where its bytes are; and behind it counts of tokens, or not.
    Text { kind: Kind, address: usize, len: usize, counted: bool },
    /// More than that, or something else.
    Other,
}

/// Hands tokens on and sees what they are.
struct Watch<'s> {
    tap: Tap<'s>,
    frame: &'s str,
    /// The text, when it is not in the frame itself.
    outside: &'s mut String,
    seen: Seen,
}

impl Sink for Watch<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        let mut text = |kind, text: &str| {
            if !self.frame.as_bytes().as_ptr_range().contains(&text.as_ptr()) {
                self.outside.push_str(text);
            }
            Seen::Text { kind, address: text.as_ptr().addr(), len: text.len(), counted: false }
        };
        self.seen = match (self.seen, &token) {
            (_, StreamToken::Text(content)) if self.tap.joins(content) => Seen::Other,
            (Seen::Nothing, StreamToken::Text(content)) => text(Kind::Text, content),
            (Seen::Nothing, StreamToken::Reasoning(content)) => text(Kind::Reasoning, content),
            (Seen::Text { kind, address, len, counted: false }, StreamToken::Usage(_)) => {
                Seen::Text { kind, address, len, counted: true }
            }
            _ => Seen::Other,
        };
        self.tap.token(token);
    }
}

#[cfg(test)]
mod tests;
