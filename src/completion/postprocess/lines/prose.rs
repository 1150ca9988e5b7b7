//! Detects sentences in place of code.

use super::{Cut, Line};
use crate::completion::postprocess::Hidden;
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::text::{
    begins_as, begins_with_one, ends, first_bytes, has_sign, parts, skip, skip_back,
};

/// How chat models begin an explanation, in lower case.
const BEGINNINGS: &[&str] = &[
    "here is",
    "here's",
    "here are",
    "sure",
    "certainly",
    "of course",
    "absolutely",
    "okay,",
    "ok,",
    "the code",
    "the completion",
    "the completed",
    "the missing",
    "the following",
    "the above",
    "to complete",
    "i'll",
    "i’ll",
    "i will",
    "i would",
    "i can",
    "i'm sorry",
    "i’m sorry",
    "i am sorry",
    "i cannot",
    "i need",
    "sorry,",
    "based on",
    "you can",
    "you could",
    "this code",
    "this function",
    "this will",
    "this is",
    "this completes",
    "it looks like",
    "it seems",
    "below is",
    "let me",
    "as an ai",
    "explanation",
    "note that",
    "note:",
    "**",
];

/// The word on a line: an explanation set apart from the code, and no deeper than it, ends the answer.
pub(super) fn line(context: &CursorContext<'_>, line: &Line<'_>) -> Cut {
    let may_be_words = line.inside || context.language.is_prose || context.in_words() || line.first;
    if may_be_words || !line.apart || line.depth > 0 || line.columns > context.column() || !is_code(context) {
        return Cut::Keep;
    }
    if is_talk(line.text) || is_sentence(line.text) || is_heading(context, line.text) {
        Cut::Before(Hidden::Prose)
    } else {
        Cut::Keep
    }
}

/// Whether a line is a heading of Markdown, where it cannot be a comment.
fn is_heading(context: &CursorContext<'_>, line: &str) -> bool {
    let line = line.trim_start();
    let title = skip(line, "#");
    line.starts_with("##")
        && title.strip_prefix(' ').is_some_and(|title| begins_as(title, char::is_uppercase))
        && !context.language.line_comments.contains(&"#")
}

/// Whether lines of the language can be distinguished from sentences. Those of SQL cannot.
fn is_code(context: &CursorContext<'_>) -> bool {
    context.language.blocks != Blocks::None
}

/// Whether an answer that begins with this line begins with words.
pub(crate) fn begins_with_words(context: &CursorContext<'_>, line: &str) -> bool {
    if context.in_words() {
        return false;
    }
    is_talk(line) || (!context.language.is_prose && is_code(context) && is_sentence(line))
}

/// Whether a line is a typical beginning of an explanation.
pub(crate) fn is_talk(line: &str) -> bool {
    /// Bytes that show how a line begins.
    const HEAD: usize = 24;
    let line = skip_back(line.trim(), "*");
    let head = first_bytes(line, HEAD).to_ascii_lowercase();
    // A sentence, not an identifier: `sure_thing()` and `this is Foo` are code.
    let sentence = ends(line, ":!.") || (!head.contains(": ") && parts(line).len() >= 5);
    let code = ends(line, ";{}),") || line.contains(" = ") || line.contains("();");
    sentence && !code && begins_with_one(&head, BEGINNINGS) && ends_word(&head)
}

/// Whether the words a line begins with are words: `sure.` is not, nor is `note:` in YAML.
fn ends_word(head: &str) -> bool {
    let word = parts(head).first().copied().unwrap_or_default();
    head.starts_with("**") || !has_sign(word, "_(.=") && (head.contains(' ') || ends(head, "!:"))
}

/// Whether a line is a sentence in English (or a language alike), which no line of code is.
pub(crate) fn is_sentence(line: &str) -> bool {
    const LEAST_WORDS: usize = 5;
    let line = line.trim();
    if !begins_as(line, char::is_uppercase) || !ends(line, ".:!?") {
        return false;
    }
    let mut words = 0;
    // The text in backquotes is quoted, whatever it is.
    for (n, part) in line.split('`').enumerate() {
        if n % 2 == 1 {
            continue;
        }
        if has_sign(part, "{};=<>[]|\\$#@_\"*") {
            return false;
        }
        for word in parts(part) {
            words += usize::from(begins_as(word, char::is_alphabetic));
        }
    }
    words >= LEAST_WORDS
}

/// Whether a line may belong to an explanation that has begun: a list, a heading, a sentence.
pub(crate) fn may_go_on(line: &str) -> bool {
    let line = line.trim();
    let item = skip(line, "0123456789");
    let listed = begins_with_one(line, &["- ", "* "]) || (item.len() < line.len() && item.starts_with(". "));
    listed || line.starts_with("**") || is_sentence(line) || is_talk(line)
}
