//! The memo of a stream's envelope.
//!
//! Frame after frame of one stream has the same bytes but for the text: ids, model, indices, nulls.
//! The memo keeps the bytes of the last frame that was decoded in full, cut open where the text was,
//! and where fields are that no wire reads and that change with each frame. A frame that has the same
//! bytes outside these holes is understood by comparing, without reading its JSON.
//!
//! Why that is sound. Let the learned frame be `F`, and `F'` one that matches it.
//! - `F` is one JSON text, and each hole in it is what stands between the quotes of a string, the
//!   digits of a whole number, or the spaces before its last brace. `F'` has at each hole another of
//!   the same kind, checked by the grammar: no control character, no escape that JSON does not have.
//!   So `F'` is a JSON text of the same structure, with other values at the holes and nowhere else.
//! - `F` gave one token, a text or a thought, which is the string in the hole: borrowed from there, or,
//!   having escapes, told by no other string of `F`. By its contract with
//!   the decoder the [wire](super::Wire) then gives for `F'` the same token with the other text, and changes
//!   nothing in itself that it has not changed for `F`.
//! - Between `F` and `F'` the wire saw no other frame: any frame that does not match is decoded in
//!   full, and the memo forgets `F`.
//!
//! An empty text is decoded in full, because wires give no token for it.

use std::borrow::Cow;
use std::ops::Range;

use super::decoder::{Ends, Wire};
use crate::sse::json::{is_json, unescape};
use crate::sse::template::{Extent, Hole, Template, digits, inside};
use crate::stream::{Sink, StreamToken};

/// Strings that change with each frame and that no wire reads: padding against guessing tokens from
/// lengths (OpenAI; Mistral and Bedrock), times (Ollama; Gemini).
const IDLE_STRINGS: [&str; 4] = ["obfuscation", "p", "created_at", "createTime"];

/// Whole numbers of that kind (OpenAI Responses; llama.cpp, whose count is read in its last frame
/// only, which has `stop` set; servers that put the frame's own time here).
const IDLE_NUMBERS: [&str; 4] = ["sequence_number", "tokens_predicted", "tokens", "created"];

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
        event: &str,
        data: &str,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        if let Some(token) = self.token(event, data) {
            return sink.token(token);
        }
        self.scratch.clear();
        let mut tap = Tap { sink, frame: data, outside: &mut self.scratch, seen: Seen::Nothing };
        wire.frame(event, data, ends, &mut tap);
        let seen = tap.seen;
        self.learn(event, data, seen);
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

    /// Remembers a frame that was decoded in full, and gave `seen`, in place of the one before it. A
    /// text that is not in the frame itself is in `scratch`.
    fn learn(&mut self, event: &str, data: &str, seen: Seen) {
        self.kind = None;
        let Seen::Text { kind, address, len } = seen else { return };
        // A stream whose frames all differ elsewhere is tried ever more seldom.
        self.fruitless = self.fruitless.saturating_add(1);
        if data.len() > LONGEST || !(self.fruitless < 8 || self.fruitless.is_power_of_two()) {
            return;
        }
        if !is_json(data) {
            return;
        }
        let start = address.checked_sub(data.as_ptr().addr()).filter(|start| start + len <= data.len());
        let cut = self.cut(event, data, start.map(|start| start..start + len)).is_some();
        // Of two strings with the text's escapes nobody knows which one it was.
        if cut && self.template.count(Hole::Text) == 1 {
            self.kind = Some(kind);
        }
    }

    /// Cuts a JSON text at its holes. That of the token's text is `place`; without it, it is the string
    /// with escapes that says what `scratch` says.
    fn cut(&mut self, event: &str, data: &str, place: Option<Range<usize>>) -> Option<()> {
        self.template.begin(event);
        let mut uncut = 0;
        let mut hole = |at: usize, len: usize, hole: Hole| {
            self.template.push(data.as_bytes().get(uncut..at).unwrap_or_default(), hole);
            uncut = at + len;
        };
        let mut key = "";
        let mut at = 0;
        while let Some(rest) = data.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            match rest {
                [b'"', inner @ ..] => {
                    let (from, Extent { len, escaped }) = (at + 1, inside(inner)?);
                    let text = data.get(from..from + len)?;
                    at = from + len + 1;
                    let mut is_text = || match &place {
                        Some(place) => *place == (from..from + len),
                        None => escaped && says(text, &mut self.scratch),
                    };
                    if data.get(at..)?.trim_ascii_start().starts_with(':') {
                        key = text;
                    } else if is_text() {
                        hole(from, len, Hole::Text);
                    } else if IDLE_STRINGS.contains(&key) {
                        hole(from, len, Hole::String);
                    }
                }
                [b'0'..=b'9' | b'-', ..] => {
                    let number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                    let len = rest.iter().take_while(number).count();
                    if IDLE_NUMBERS.contains(&key) && digits(rest) == Some(len) {
                        hole(at, len, Hole::Digits);
                    }
                    at += len;
                }
                [b'{' | b'}' | b']', ..] => {
                    key = "";
                    at += 1;
                }
                _ => at += 1,
            }
        }
        if let Some(body) = data.strip_suffix(" }") {
            let end = body.trim_end_matches(' ').len();
            hole(end, data.len() - 1 - end, Hole::Spaces);
        }
        hole(data.len(), 0, Hole::End);
        Some(())
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
