//! Detects an answer that says that there is nothing to add.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::text::{begins, has_sign, is_among, within};

/// Nouns in such a sentence: "no completion", "no code".
const THINGS: &str = "addition answer change changes code completion completions content edit edits insertion more \
    output response suggestion suggestions text";

/// Whether the answer says that there is nothing to add; `None` while a line that follows may show that it is code.
pub(super) fn is_refusal(context: &CursorContext<'_>, text: &str, ended: bool) -> Option<bool> {
    let language = context.language;
    if context.in_words() || language.is_prose || language.blocks == Blocks::None {
        return Some(false);
    }
    let answer = text.trim_start();
    let (line, below) = match answer.split_once('\n') {
        Some((line, below)) => (line, below.trim_start()),
        None if ended => (answer, ""),
        // An unfinished line is not shown anyway.
        None => return Some(false),
    };
    match phrase(line) {
        Some(Phrase::Words) => Some(true),
        // A single word may be a name, if a line of code follows. An unfinished line may still be taken away.
        Some(Phrase::Word)
            if !language.has_nothing && (below.is_empty() || !ended && !below.contains('\n')) =>
        {
            ended.then_some(true)
        }
        _ => Some(false),
    }
}

enum Phrase {
    /// `Nothing`, `NO_EDITS`.
    Word,
    /// `(no output)`, `No completion needed.`
    Words,
}

/// How a line says that there is nothing to add, if it does.
fn phrase(line: &str) -> Option<Phrase> {
    const LONGEST: usize = 80;
    let line = line.trim();
    let bare = within(line, |c| c.is_ascii_alphabetic());
    if bare.len() > LONGEST || has_sign(bare, "(=;{") {
        return None;
    }
    let lower = bare.to_ascii_lowercase();
    let mut words = lower.split([' ', '_', '-']);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let bracketed = begins(line, "([<*");
    // `no_edits` and `nothing` may be names; in brackets or with more words they are not.
    let spaced = bracketed || bare.contains(' ');
    let negated = match first {
        "nothing" => second.is_empty() || spaced,
        "none" | "empty" => bracketed && second.is_empty() || is_among(second, "needed required necessary"),
        "no" => is_among(second, THINGS),
        "keep" => second == "previous",
        _ => false,
    };
    negated.then_some(if spaced { Phrase::Words } else { Phrase::Word })
}
