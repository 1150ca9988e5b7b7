//! What servers get wrong about text, each as one named leniency.

use std::borrow::Cow;

use crate::sse::json::strings;
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

/// Gateways written for UTF-16 that cut a character between its halves: `\ud83d` ends the text of one frame and `\ude00`
/// begins that of the next (elizaOS/eliza#30904).
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// The escape of the first half that ended the last text.
    high: String,
}

/// A frame whose halves are where they belong.
pub(super) struct Joined<'d> {
    pub(super) data: Cow<'d, str>,
    /// Whether a first half from before is still without its second one.
    pub(super) lone: bool,
    cut: bool,
}

/// Bytes of an escape: `\ud83d`.
const ESCAPE: usize = 6;

impl Halves {
    /// Whether a first half waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.high.is_empty()
    }

    /// Takes a first half off the end of the frame's texts, and puts that of the frame before in its place.
    pub(super) fn join<'d>(&mut self, data: &'d str) -> Joined<'d> {
        let waits = self.is_waiting();
        if !data.contains("\\u") {
            return Joined { data: Cow::Borrowed(data), lone: waits, cut: false };
        }
        let (mut out, mut from, mut joined, mut high) = (String::new(), 0, false, "");
        strings(data, &mut |at, inside| {
            if waits && half(inside) == Some(Half::Low) {
                out.push_str(data.get(from..at).unwrap_or_default());
                out.push_str(&self.high);
                (from, joined) = (at, true);
            }
            let Some(last) = inside.len().checked_sub(ESCAPE) else { return };
            let (before, escape) = inside.split_at_checked(last).unwrap_or_default();
            let is_escape = (before.len() - before.trim_end_matches('\\').len()) % 2 == 0;
            if is_escape && half(escape) == Some(Half::High) {
                out.push_str(data.get(from..at + last).unwrap_or_default());
                (from, high) = (at + inside.len(), escape);
            }
        });
        if from == 0 {
            return Joined { data: Cow::Borrowed(data), lone: waits, cut: false };
        }
        out.push_str(data.get(from..).unwrap_or_default());
        if joined || !high.is_empty() {
            self.high = high.to_owned();
        }
        Joined { data: Cow::Owned(out), lone: waits && !joined, cut: !high.is_empty() }
    }

    /// The lone half of `joined` has been told as a replacement character.
    pub(super) fn told(&mut self, joined: &Joined<'_>) {
        if !joined.cut {
            self.high.clear();
        }
    }

    /// The answer is over: a half that waits stays alone.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.high).is_empty() {
            give(REPLACEMENT, sink);
        }
    }
}

/// What stands for a half without the other.
pub(super) const REPLACEMENT: &str = "\u{FFFD}";

#[derive(Debug, PartialEq, Eq)]
enum Half {
    High,
    Low,
}

/// Which half of a surrogate pair the escape is that begins the text.
fn half(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..0xDC00 => Some(Half::High),
        0xDC00..0xE000 => Some(Half::Low),
        _ => None,
    }
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
        for (frames, expected) in [
            (
                &[r#"{"t":"\ud83d"}"#, r#"{"t":"\ude00 ok"}"#][..],
                &[r#"{"t":""}"#, r#"{"t":"\ud83d\ude00 ok"}"#][..],
            ),
            (
                &[r#"{"t":"a\uD83D"}"#, r#"{"n":1}"#, r#"{"t":"\uDE00"}"#],
                &[r#"{"t":"a"}"#, r#"{"n":1}"#, r#"{"t":"\uD83D\uDE00"}"#],
            ),
            // An escaped backslash before a `u`, and a whole pair.
            (
                &[r#"{"t":"\\ud83d"}"#, r#"{"t":"\ud83d\ude00"}"#],
                &[r#"{"t":"\\ud83d"}"#, r#"{"t":"\ud83d\ude00"}"#],
            ),
            (&[r#"{"t":"\u00e9"}"#], &[r#"{"t":"\u00e9"}"#]),
        ] {
            let mut halves = Halves::default();
            let joined: Vec<_> = frames.iter().map(|frame| halves.join(frame).data.into_owned()).collect();
            assert_eq!(joined, expected, "{frames:?}");
            assert!(!halves.is_waiting(), "{frames:?}");
        }
    }
}
