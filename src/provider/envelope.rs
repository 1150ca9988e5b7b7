//! The memo of a stream's envelope.
//!
//! Frame after frame of one stream has the same bytes but for the text: ids, model, indices, nulls.
//! The memo keeps the last frame that was decoded in full, cut open where the text was, where tokens are
//! counted, and where values are that nobody asks for and that change from frame to frame: padding, times. A
//! frame that has the same bytes outside these holes is understood by comparing, without reading its JSON but
//! for the counts.
//!
//! Why that is sound. Let the learned frame be `F`, and `F'` one that matches it.
//! - `F` is one JSON text, and each hole in it is what stands between the quotes of a string, a whole object
//!   or value, or the spaces before its last brace. `F'` has at each hole another of the same kind, checked by the
//!   grammar. So `F'` is a JSON text of the same structure, with others at the holes and nowhere else.
//! - A value is a hole only if the wire's own readings of `F` passed over it because of its key. They pass
//!   over it in `F'` as well, whatever it is: the key stands outside of the hole.
//! - `F` gave one token, a text or a thought, which is the string in the hole: borrowed from there, or,
//!   having escapes, told by no other string that was read. Behind it, it may have given the counts that are
//!   the object in the other hole. By its contract with the decoder the [wire](super::Wire) then gives for
//!   `F'` the same tokens with the other text and counts, and changes nothing in itself that it has not
//!   changed for `F`.
//! - Between `F` and `F'` the wire saw no other frame: any frame that does not match is decoded in
//!   full, and the memo forgets `F`.
//!
//! An empty text or object is decoded in full, because wires give no token for it.

use std::borrow::Cow;
use std::ops::Range;

use super::decoder::{Ends, Frame, Notes, ReadCounts, Wire};
use super::leniency::Halves;
use crate::json::template::Template;
use crate::json::{is_json, strings, unescape};
use crate::stream::{Sink, StreamToken};

/// Longer frames are not learned, so that one of them does not hold its memory.
const LONGEST: usize = 16 << 10;

/// The memo of one stream.
#[derive(Debug, Default)]
pub(super) struct Envelope {
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
    halves: Halves,
    has_text: bool,
}

/// The tokens of a frame that can be learned.
#[derive(Debug, Clone, Copy)]
struct Gave {
    kind: Kind,
    /// How the counts are read that come behind the text.
    counts: Option<ReadCounts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

impl Envelope {
    /// A memo that never learns.
    pub(super) fn off() -> Self {
        Self { fruitless: u32::MAX, ..Self::default() }
    }

    /// Decodes one frame as the wire would, by the wire or by comparing.
    pub(super) fn frame(
        &mut self,
        wire: &mut dyn Wire,
        frame: Frame<'_>,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        let event = frame.event;
        if !self.halves.is_waiting() && self.give(event, frame.data, sink).is_some() {
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
        let (outside, halves) = (&mut self.scratch, &mut self.halves);
        let mut tap = Tap { sink, frame: data, outside, seen: Seen::Nothing, halves, has_text: false };
        wire.frame(&mut frame, ends, &mut tap);
        let Tap { seen, has_text, .. } = tap;
        self.has_text |= has_text;
        let Seen::Text { kind, address, len, counted } = seen else { return };
        self.fruitless = self.fruitless.saturating_add(1);
        if learning
            && self.notes.unread.is_read()
            && counted == self.notes.counts.is_some()
            && let Some(text) = self.place(data, address, len)
        {
            let (object, counts) = self.notes.counts.take().unzip();
            self.template.learn(event, data, text, object, &self.notes.unread);
            self.gave = Some(Gave { kind, counts });
        }
    }

    /// Whether the answer has had any text.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// The answer is over.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        self.halves.finish(sink);
    }

    /// Gives the tokens of this frame, if it is the learned one with another text and other counts.
    fn give(&mut self, event: &str, data: &str, sink: &mut dyn Sink) -> Option<()> {
        let gave = self.gave?;
        let mut usage = None;
        let there = self.template.fill(event, data, &mut |json| {
            usage = gave.counts.map(|read| read(json));
        })?;
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
        let text = Cow::Borrowed(text);
        sink.token(match gave.kind {
            Kind::Text => StreamToken::Text(text),
            Kind::Reasoning => StreamToken::Reasoning(text),
        });
        if let Some(usage) = usage {
            sink.token(StreamToken::Usage(usage));
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
struct Tap<'s> {
    sink: &'s mut dyn Sink,
    frame: &'s str,
    /// The text, when it is not in the frame itself.
    outside: &'s mut String,
    seen: Seen,
    halves: &'s mut Halves,
    /// Whether a token had text of the answer.
    has_text: bool,
}

impl Sink for Tap<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        self.has_text |= token.text().is_some();
        if let StreamToken::Text(text) = &token
            && self.halves.concern(text)
        {
            self.seen = Seen::Other;
            let text = self.halves.join(text, self.frame);
            if !text.is_empty() {
                self.sink.token(StreamToken::Text(text.into()));
            }
            return;
        }
        let mut text = |kind, text: &str| {
            if !self.frame.as_bytes().as_ptr_range().contains(&text.as_ptr()) {
                self.outside.push_str(text);
            }
            Seen::Text { kind, address: text.as_ptr().addr(), len: text.len(), counted: false }
        };
        self.seen = match (self.seen, &token) {
            (Seen::Nothing, StreamToken::Text(content)) => text(Kind::Text, content),
            (Seen::Nothing, StreamToken::Reasoning(content)) => text(Kind::Reasoning, content),
            (Seen::Text { kind, address, len, counted: false }, StreamToken::Usage(_)) => {
                Seen::Text { kind, address, len, counted: true }
            }
            _ => Seen::Other,
        };
        self.sink.token(token);
    }
}

#[cfg(test)]
mod tests;
