//! A model that says in words that it has nothing to add.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;

/// What there can be none of.
const THINGS: &[&str] = &[
    "addition",
    "additional",
    "additions",
    "answer",
    "change",
    "changes",
    "code",
    "completion",
    "completions",
    "content",
    "edit",
    "edits",
    "further",
    "insertion",
    "insertions",
    "modification",
    "modifications",
    "more",
    "output",
    "response",
    "suggestion",
    "suggestions",
    "text",
];

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
        // A single word may be a name, if a line of code follows. An unfinished line may yet be taken away.
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
    let bare = line.trim_matches(|c: char| c.is_whitespace() || "()[]<>{}*_.\"'!`-".contains(c));
    if bare.is_empty() || bare.len() > LONGEST {
        return None;
    }
    let bracketed = line.trim_start().starts_with(['(', '[', '<', '*']);
    let lower = bare.to_ascii_lowercase();
    let plain =
        lower.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '-' | '.' | ',' | '\''));
    let words: Vec<&str> = lower.split([' ', '_', '-', '.', ',']).filter(|word| !word.is_empty()).collect();
    let negated = match words.as_slice() {
        ["nothing"] => true,
        ["nothing", ..] => bare.contains(' '),
        ["none" | "empty"] => bracketed,
        ["empty", what] => bracketed || THINGS.contains(what) || *what == "string",
        ["no", what, ..] => THINGS.contains(what),
        ["keep", "previous" | "current" | "as", ..] | ["leave", "as", "is"] | ["unchanged"] => true,
        ["the", "code", "is", "already", ..] | ["already", "complete", ..] => true,
        _ => false,
    };
    if !plain || !negated {
        return None;
    }
    // `no_edits` and `nothing` may be names; in brackets or with more words they are not.
    let spaced = bare.contains(' ') && !line.contains(['(', '=']) || bracketed;
    Some(if spaced { Phrase::Words } else { Phrase::Word })
}
