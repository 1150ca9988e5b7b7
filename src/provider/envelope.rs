//! The memo of a stream's envelope.
//!
//! Frame after frame of one stream has the same bytes but for the text: ids, model, indices, nulls.
//! The memo keeps the last frame that was decoded in full, cut open where the text was, and where values are
//! that nobody asks for and that change from frame to frame: padding, times, counts. A frame that has the
//! same bytes outside these holes is understood by comparing, without reading its JSON.
//!
//! Why that is sound. Let the learned frame be `F`, and `F'` one that matches it.
//! - `F` is one JSON text, and each hole in it is what stands between the quotes of a string, a whole value,
//!   or the spaces before its last brace. `F'` has at each hole another of the same kind, checked by the
//!   grammar. So `F'` is a JSON text of the same structure, with others at the holes and nowhere else.
//! - A value is a hole only if the wire's own readings of `F` passed over it because of its key. They pass
//!   over it in `F'` as well, whatever it is: the key stands outside of the hole.
//! - `F` gave one token, a text or a thought, which is the string in the hole: borrowed from there, or,
//!   having escapes, told by no other string that was read. By its contract with the decoder the
//!   [wire](super::Wire) then gives for `F'` the same token with the other text, and changes nothing in itself
//!   that it has not changed for `F`.
//! - Between `F` and `F'` the wire saw no other frame: any frame that does not match is decoded in
//!   full, and the memo forgets `F`.
//!
//! An empty text is decoded in full, because wires give no token for it.

use std::borrow::Cow;
use std::ops::Range;

use super::decoder::{Ends, Frame, Wire};
use crate::sse::json::{Unread, is_json, strings, unescape};
use crate::sse::template::Template;
use crate::stream::{Sink, StreamToken};

/// Longer frames are not learned, so that one of them does not hold its memory.
const LONGEST: usize = 16 << 10;

/// The memo of one stream.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// What the learned frame gave; `None` when there is none.
    kind: Option<Kind>,
    /// The learned frame.
    template: Template,
    /// Frames in a row that were decoded in full although they could have been learned.
    fruitless: u32,
    /// What nobody asked for in the frame that is to be learned.
    unread: Unread,
    /// A text whose escapes are resolved.
    scratch: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

impl Envelope {
    /// Decodes one frame as the wire would, by the wire or by comparing.
    pub(super) fn frame(
        &mut self,
        wire: &mut dyn Wire,
        frame: Frame<'_>,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        let (event, data) = (frame.event, frame.data);
        if let Some(token) = self.token(event, data) {
            return sink.token(token);
        }
        self.kind = None;
        // A stream whose frames all differ is tried ever more seldom.
        let worthwhile = self.fruitless < 8 || self.fruitless.is_power_of_two();
        let learning = worthwhile && data.len() <= LONGEST;
        self.unread.clear();
        self.scratch.clear();
        let mut frame = if learning { frame.noting(&mut self.unread) } else { frame };
        let mut tap = Tap { sink, frame: data, outside: &mut self.scratch, seen: Seen::Nothing };
        wire.frame(&mut frame, ends, &mut tap);
        let Seen::Text { kind, address, len } = tap.seen else { return };
        self.fruitless = self.fruitless.saturating_add(1);
        if learning
            && self.unread.is_read()
            && let Some(text) = self.place(data, address, len)
        {
            self.template.learn(event, data, text, &self.unread);
            self.kind = Some(kind);
        }
    }

    /// The token of this frame, if it is the learned one with another text.
    fn token<'t>(&'t mut self, event: &str, data: &'t str) -> Option<StreamToken<'t>> {
        let kind = self.kind?;
        let inside = self.template.text(event, data)?;
        debug_assert!(is_json(data));
        #[cfg(test)]
        tests::HITS.with(|hits| hits.set(hits.get() + 1));
        self.fruitless = 0;
        let text = if inside.escaped {
            self.scratch.clear();
            unescape(inside.text, &mut self.scratch);
            &self.scratch
        } else {
            inside.text
        };
        Some(match kind {
            Kind::Text => StreamToken::Text(Cow::Borrowed(text)),
            Kind::Reasoning => StreamToken::Reasoning(Cow::Borrowed(text)),
        })
    }

    /// Where in the frame the token's text is: at its address, or else, if it is in `scratch`, in the string
    /// with escapes that says the same. Of two such strings nobody knows which one it was.
    fn place(&mut self, data: &str, address: usize, len: usize) -> Option<Range<usize>> {
        let start = address.checked_sub(data.as_ptr().addr()).filter(|start| start + len <= data.len());
        let mut places = (0, None);
        strings(data, &mut |at, inner| {
            let is_text = !self.unread.has(at)
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
    /// One text or thought, and where its bytes are.
    Text { kind: Kind, address: usize, len: usize },
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
}

impl Sink for Tap<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        let mut text = |kind, text: &str| {
            if !self.frame.as_bytes().as_ptr_range().contains(&text.as_ptr()) {
                self.outside.push_str(text);
            }
            Seen::Text { kind, address: text.as_ptr().addr(), len: text.len() }
        };
        self.seen = match (self.seen, &token) {
            (Seen::Nothing, StreamToken::Text(content)) => text(Kind::Text, content),
            (Seen::Nothing, StreamToken::Reasoning(content)) => text(Kind::Reasoning, content),
            _ => Seen::Other,
        };
        self.sink.token(token);
    }
}

#[cfg(test)]
mod tests;
