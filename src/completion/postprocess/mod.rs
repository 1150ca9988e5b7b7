//! How much of a model's answer becomes ghost text.
//!
//! Two stages, one file per rule, each with its table of test cases. [`clean`] removes what is not code:
//! reasoning, special tokens, code fences, control characters, an echo of the prefix. [`lines`] then processes
//! the remaining lines one by one, gives each the document's indentation, and stops where a rule says that the
//! answer is complete. [`language`] and [`lexer`] contain what the rules know about the language,
//! [`cursor_context`] what they know about the cursor's position.
//!
//! *Invariant:* shown text only grows. A rule decides about a line from that line, the lines before it, and the
//! document; an unfinished line is not shown. So the result for a longer answer begins with the result for a
//! shorter one (`tests` checks this for every case at every length).

mod clean;
mod cursor_context;
mod language;
mod lexer;
mod lines;
mod past_block;

#[cfg(test)]
mod tests;

pub use clean::break_up_special_tokens;
pub use cursor_context::CursorContext;
pub use past_block::{ends_statement, past_block};

use crate::completion::text::has_sign;

/// How much of an answer to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// Decided by the cursor's position.
    #[default]
    Auto,
    /// The rest of the line.
    Line,
    /// To the end of the block.
    Block,
}

/// The part of an answer to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Processed {
    /// The ghost text. Only grows while the answer grows.
    pub text: String,
    /// What the model writes after `text` in place of the text right of the cursor on its line. `None`: `text` is inserted
    /// before that.
    pub replacement: Option<Replacement>,
    /// Nothing more of the answer would be shown: stop the model.
    pub complete: bool,
    /// Why nothing is shown, when `text` is empty and the answer was not.
    pub hidden: Option<Hidden>,
}

/// The rest of an answer's line if the answer repeats the text right of the cursor and goes on: `a, b);` in `foo(‸)`. It is
/// empty if the answer repeats that text with more in between: `g(x));` in `foo(‸x);`. [`Processed::text`] and `text`
/// together replace `replaced` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Bytes right of the cursor, to the end of its line, which the model repeats.
    pub replaced: usize,
    /// The text that follows [`Processed::text`].
    pub text: String,
}

/// Why an answer is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// White space only.
    Blank,
    /// An explanation in place of code.
    Prose,
    /// A sentence that says that there is nothing to add.
    NothingToAdd,
    /// It repeats the text above or left of the cursor.
    RepeatsAbove,
    /// It repeats itself.
    RepeatsItself,
    /// It repeats the text below or right of the cursor.
    RepeatsBelow,
    /// Its first line would end the block the cursor is in.
    EndsBlock,
    /// Its first line is longer than any suggestion.
    TooLong,
}

/// Processes the answer received so far; `ended`: no more will come.
pub fn postprocess(context: &CursorContext<'_>, raw: &str, ended: bool) -> Processed {
    let cleaned = clean::clean(context, raw, ended);
    let ended = ended || cleaned.over;
    let (mut processed, _) = lines::take(context, &cleaned.text, ended);
    processed.complete |= cleaned.over;
    if processed.text.is_empty() {
        let nothing_left = (ended || processed.complete) && !raw.is_empty();
        processed.hidden = cleaned.hidden.or(processed.hidden).filter(|_| nothing_left);
        return processed;
    }
    if context.has_crlf() {
        processed.text = processed.text.replace('\n', "\r\n");
    }
    processed
}

/// Whether the text received since the last call of [`postprocess`] may change its result. Most pieces only
/// extend an unfinished line, so the answer need not be processed for each.
pub fn may_change(fresh: &str) -> bool {
    /// A line this much longer may have become a loop, in bytes.
    const LONG: usize = 128;
    // The end of a line, or of what may be a leaked token.
    fresh.len() >= LONG || has_sign(fresh, "\n>]}")
}
