//! What servers get wrong about text, each as one named leniency.

use crate::json::{strings, unescape};
use crate::stream::{Sink, StreamToken};

/// Servers that send all text so far in each piece instead of the new part (some paths of DashScope, gateways before
/// Gemini: QwenLM/qwen-code#3896).
///
/// Three pieces in a row, each beginning with the one before and longer than that, say so. Until then the pieces in
/// question are held back; a stream of proper pieces is told by its second one.
#[derive(Debug)]
pub(super) enum Cumulative {
    /// Each piece began with the one before. The first has been handed on.
    Unknown(Vec<String>),
    /// It is one; the text so far.
    Yes(String),
    /// It is none.
    No,
}

/// Pieces shorter than this many bytes may begin with each other by chance: `(`, `((`.
const TELLING: usize = 4;
/// More bytes than this are not held back.
const MOST_HELD: usize = 64 << 10;

impl Default for Cumulative {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Cumulative {
    /// Whether pieces need not be looked at any more.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::No)
    }

    /// Takes a token and hands on what is new of it.
    pub(super) fn token(&mut self, token: StreamToken<'_>, sink: &mut dyn Sink) {
        match token {
            StreamToken::Text(text) => self.text(&text, sink),
            StreamToken::Done(_) | StreamToken::Error(_) => {
                self.finish(sink);
                sink.token(token);
            }
            other => sink.token(other),
        }
    }

    fn text(&mut self, text: &str, sink: &mut dyn Sink) {
        match self {
            Self::No => give(text, sink),
            Self::Yes(so_far) => match text.strip_prefix(so_far.as_str()) {
                Some(new) => {
                    give(new, sink);
                    so_far.push_str(new);
                }
                // The same again, or less.
                None if so_far.starts_with(text) => {}
                None => {
                    give(text, sink);
                    so_far.push_str(text);
                }
            },
            Self::Unknown(pieces) => {
                let Some(last) = pieces.last() else {
                    pieces.push(text.to_owned());
                    return give(text, sink);
                };
                if text.len() <= last.len() || !text.starts_with(last.as_str()) || text.len() > MOST_HELD {
                    pieces.iter().skip(1).for_each(|held| give(held, sink));
                    *self = Self::No;
                    return give(text, sink);
                }
                pieces.push(text.to_owned());
                if pieces.iter().rev().take_while(|piece| piece.len() >= TELLING).count() >= 3 {
                    self.settle(sink);
                }
            }
        }
    }

    /// The answer is over: decides about what is held back.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        let Self::Unknown(pieces) = self else { return };
        let enough = pieces.len() >= 3 && pieces.last().is_some_and(|last| last.len() >= TELLING);
        if enough {
            return self.settle(sink);
        }
        pieces.iter().skip(1).for_each(|held| give(held, sink));
        *self = Self::No;
    }

    fn settle(&mut self, sink: &mut dyn Sink) {
        let Self::Unknown(pieces) = self else { return };
        let whole = pieces.pop().unwrap_or_default();
        let first = pieces.first().map_or(0, String::len);
        give(whole.get(first..).unwrap_or_default(), sink);
        *self = Self::Yes(whole);
    }
}

fn give(text: &str, sink: &mut dyn Sink) {
    if !text.is_empty() {
        sink.token(StreamToken::Text(text.into()));
    }
}

/// Hands tokens on by way of [`Cumulative`].
pub(super) struct New<'s> {
    pub(super) filter: &'s mut Cumulative,
    pub(super) sink: &'s mut dyn Sink,
}

impl Sink for New<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        self.filter.token(token, self.sink);
    }
}

/// Servers that stream an answer in pieces, and then send all of it once more as the last one. The answer is not kept: a
/// piece with its length and its beginning repeats it, is held back, and is handed on only if more follows.
#[derive(Debug, Default)]
pub(super) struct Echo {
    /// More than one piece has come.
    is_in_pieces: bool,
    /// Bytes so far.
    len: usize,
    /// The first of them.
    begin: [u8; 32],
    held: String,
}

impl Echo {
    /// Whether the next piece is to be handed on; not if it is all so far once more. One that was held is, before it.
    #[inline]
    pub(super) fn passes(&mut self, text: &str, sink: &mut dyn Sink) -> bool {
        // Nearly every piece.
        if self.len >= self.begin.len() && self.held.is_empty() && text.len() != self.len {
            self.is_in_pieces = true;
            self.len += text.len();
            return true;
        }
        self.compare(text, sink)
    }

    #[inline(never)]
    fn compare(&mut self, text: &str, sink: &mut dyn Sink) -> bool {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.add(&held);
            give(&held, sink);
        }
        // Fewer bytes may be the same by chance.
        let is_as_long = self.is_in_pieces && text.len() == self.len && self.len >= 8;
        if is_as_long && self.begin.iter().zip(text.bytes()).all(|(one, other)| *one == other) {
            self.held = text.to_owned();
            return false;
        }
        self.add(text);
        true
    }

    fn add(&mut self, text: &str) {
        let room = self.begin.get_mut(self.len..).unwrap_or_default();
        room.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        self.is_in_pieces = self.len > 0;
        self.len += text.len();
    }
}

/// Gateways written for UTF-16 that cut a character between its halves: `\ud83d` ends the text of one frame and `\ude00`
/// begins that of the next (elizaOS/eliza#30904).
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// The escape of the first half that ended the last text.
    high: String,
}

/// What stands for a half without the other.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
/// Bytes of an escape: `\ud83d`.
const ESCAPE: usize = 6;

impl Halves {
    /// Whether a first half waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.high.is_empty()
    }

    /// Whether this text, the next of the answer, may begin or end within a character.
    pub(super) fn concern(&self, text: &str) -> bool {
        self.is_waiting() || text.starts_with(REPLACEMENT) || text.ends_with(REPLACEMENT)
    }

    /// Joins a text of `frame` to the half that waits, and keeps the half that it ends with.
    pub(super) fn join(&mut self, text: &str, frame: &str) -> String {
        // The string of the frame that the text is; mirrored pieces are there twice.
        let mut inside = None;
        strings(frame, &mut |_, other| {
            let mut said = String::new();
            unescape(other, &mut said);
            if said == text {
                inside = Some(inside.map_or(other, |inside| if inside == other { inside } else { "" }));
            }
        });
        let inside = inside.unwrap_or_default();
        let low = inside.get(..ESCAPE).filter(|_| is_half(inside, HIGH.end..LOW_END)).unwrap_or_default();
        let (before, last) = inside.split_at_checked(inside.len().saturating_sub(ESCAPE)).unwrap_or_default();
        let is_escape = (before.len() - before.trim_end_matches('\\').len()) % 2 == 0;
        let high = if is_escape && is_half(last, HIGH) { last } else { "" };
        let mut joined = String::new();
        let mut rest = text;
        match (std::mem::take(&mut self.high), rest.strip_prefix(REPLACEMENT)) {
            (waiting, Some(behind)) if !waiting.is_empty() && !low.is_empty() => {
                unescape(&(waiting + low), &mut joined);
                rest = behind;
            }
            (waiting, _) if !waiting.is_empty() => joined.push(REPLACEMENT),
            _ => {}
        }
        if let (Some(before), false) = (rest.strip_suffix(REPLACEMENT), high.is_empty()) {
            self.high = high.to_owned();
            rest = before;
        }
        joined + rest
    }

    /// The answer is over: a half that waits stays alone.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.high).is_empty() {
            sink.token(StreamToken::Text(REPLACEMENT.to_string().into()));
        }
    }
}

const HIGH: std::ops::Range<u16> = 0xD800..0xDC00;
const LOW_END: u16 = 0xE000;

/// Whether the text begins with the escape of such a half.
fn is_half(text: &str, halves: std::ops::Range<u16>) -> bool {
    let digits = text.strip_prefix("\\u").and_then(|digits| digits.get(..4));
    digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).is_some_and(|unit| halves.contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(pieces: &[&str]) -> Vec<String> {
        let mut got = Vec::new();
        let mut sink = |token: StreamToken<'_>| got.extend(token.text().map(str::to_owned));
        let mut filter = Cumulative::default();
        pieces.iter().for_each(|piece| filter.token(StreamToken::Text((*piece).into()), &mut sink));
        filter.finish(&mut sink);
        got
    }

    #[test]
    fn only_what_is_new_of_a_growing_text_counts() {
        for (pieces, expected) in [
            (&["a", "a +", "a + b"][..], &["a", " + b"][..]),
            (&["let x", "let x = ", "let x = 1", "let x = 1", "let x = 1;"], &["let x", " = 1", ";"]),
            // A last piece that is none of the growing text.
            (&["let x", "let x = ", "let x = 1", "; done"], &["let x", " = 1", "; done"]),
            // Proper pieces.
            (&["a", "b", "ab"], &["a", "b", "ab"]),
            (&["    ", "    x", "y"], &["    ", "    x", "y"]),
            (&["(", "((", "((("], &["(", "((", "((("]),
            (&["----", "----", "----"], &["----", "----", "----"]),
            (&["a", "ab"], &["a", "ab"]),
            (&["whole"], &["whole"]),
            (&[], &[]),
        ] {
            assert_eq!(filtered(pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn halves_of_a_character_meet() {
        for (texts, expected) in [
            (&[r"\ud83d", r"\ude00 ok"][..], &["", "😀 ok"][..]),
            (&[r"a\uD83D", r"\uDE00"], &["a", "😀"]),
            (&[r"a\ud83d", r"\ude00\ud83d", r"\ude00"], &["a", "😀", "😀"]),
            // Halves that stay alone.
            (&[r"a\ud83d", "b"], &["a", "\u{FFFD}b"]),
            (&[r"\ude00"], &["\u{FFFD}"]),
            // An escaped backslash before a `u`, a whole pair, and a character that is meant.
            (&[r"\\ud83d"], &[r"\ud83d"]),
            (&[r"\ud83d\ude00"], &["😀"]),
            (&["a\u{FFFD}", "b"], &["a\u{FFFD}", "b"]),
        ] {
            let mut halves = Halves::default();
            let mut join = |inside: &&str| {
                let frame = format!(r#"{{"id":"a","t":"{inside}"}}"#);
                let mut text = String::new();
                unescape(inside, &mut text);
                halves.join(&text, &frame)
            };
            assert_eq!(texts.iter().map(&mut join).collect::<Vec<_>>(), expected, "{texts:?}");
            assert!(!halves.is_waiting(), "{texts:?}");
        }
    }
}
