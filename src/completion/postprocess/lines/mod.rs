//! Takes the lines of an answer one by one, until a rule says that the answer is complete.

mod brackets;
pub(super) mod definitions;
mod indentation;
pub(super) mod prose;
pub(super) mod repetition;
pub(super) mod scope;
mod suffix_overlap;

use std::borrow::Cow;

use self::brackets::Brackets;
use self::definitions::Definitions;
use self::indentation::Indentation;
use self::repetition::Repetition;
use self::scope::Scope;
use self::suffix_overlap::SuffixOverlap;
use super::cursor_context::CursorContext;
use super::{Hidden, Processed};
use crate::completion::text::{head, is_blank, skip_back, tail};

/// A suggestion has no more lines than this.
const MOST_LINES: usize = 400;
/// A suggestion is no longer than this, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// A line of the answer, as the rules see it.
struct Line<'l> {
    /// The line without its end, with the document's indentation.
    text: &'l str,
    /// The same without the white space around it.
    bare: &'l str,
    /// It goes on from the cursor.
    first: bool,
    /// It follows a blank line.
    apart: bool,
    /// It begins within a string or a comment of more than one line.
    inside: bool,
    /// Columns of its indentation; the cursor line's for the first one.
    columns: usize,
    /// The same, as the model wrote the line.
    said: usize,
    /// Brackets that the answer has opened above and not closed.
    depth: usize,
}

/// What a rule says about the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The line is shown, on to the next.
    Keep,
    /// The line is shown up to this byte, and the answer is complete.
    At(usize),
    /// The same, and the document goes on right there: blanks before that place are part of the answer.
    Into(usize),
    /// The answer was complete before this line.
    Before(Hidden),
}

/// Takes whole lines (the last one too, once nothing follows) until a rule says stop. Gives the bytes of `text` up
/// to the place where the block ended, too, if that is why it stopped.
pub(super) fn take(context: &CursorContext<'_>, text: &str, ended: bool) -> (Processed, Option<usize>) {
    let mut indentation = Indentation::new(context);
    let mut scope = Scope::new(context);
    let mut definitions = Definitions::new(context);
    let mut brackets = Brackets::new(context);
    let mut overlap = SuffixOverlap::new();
    let mut repetition = Repetition::new();
    let mut out = String::with_capacity(text.len());
    let (mut first, mut apart) = (true, false);
    let mut loops = false;
    let mut cut = Cut::Keep;
    let mut replacement = None;
    let shown = scope.skip_blank(context, text);
    let mut used = text.len() - shown.len();
    for (count, line) in shown.split_inclusive('\n').enumerate() {
        if count == MOST_LINES || out.len() + line.len() > MOST_BYTES {
            cut = Cut::Before(Hidden::TooLong);
            break;
        }
        let looped = repetition::within(line);
        if !line.ends_with('\n') && !ended {
            // A loop within a line never comes to the line's end.
            if looped.is_some() {
                cut = Cut::Before(Hidden::RepeatsItself);
            }
            break;
        }
        loops = looped.is_some();
        let whole = line.len();
        let code = match looped {
            Some(at) => head(line, at),
            None => skip_back(line, "\r\n"),
        };
        let inside = brackets.is_inside();
        let fitted = match inside && !brackets.moves() {
            true => Cow::Borrowed(code),
            false => indentation.fit(code, first, inside, brackets.depth()),
        };
        let columns = if first { indentation.first_column() } else { context.columns(&fitted) };
        let said = if first { columns } else { context.columns(code) };
        let floor = indentation.floor();
        let line = Line {
            text: &fitted,
            bare: fitted.trim(),
            first,
            apart,
            inside,
            columns,
            said,
            depth: brackets.depth(),
        };
        if first && !loops {
            replacement = suffix_overlap::rewritten(context, &line, brackets.owed());
        }
        if replacement.is_some() {
            cut = Cut::At(fitted.len());
            used += whole;
            out.push_str(&fitted);
            break;
        }
        let words = [
            looped.map_or(Cut::Keep, |at| match at {
                0 => Cut::Before(Hidden::RepeatsItself),
                _ => Cut::At(line.text.len()),
            }),
            overlap.next(context, &line, brackets.owed()),
            prose::line(context, &line),
            repetition.next(&line, out.len()),
            brackets.next(context, &line),
            suffix_overlap::end(context, &line, brackets.depth()),
            scope.next(context, &line, floor),
            definitions.next(context, &line, brackets.depth(), floor),
        ];
        for word in words {
            if word.place() < cut.place() {
                cut = word;
            }
        }
        if let Cut::Before(_) = cut {
            break;
        }
        used += whole;
        let end = match cut {
            Cut::At(at) | Cut::Into(at) => at.min(fitted.len()),
            _ => fitted.len(),
        };
        out.push_str(head(&fitted, end));
        if let (true, Cut::Into(_)) = (first, cut) {
            replacement = suffix_overlap::replacement(context, tail(&fitted, end));
        }
        if cut != Cut::Keep {
            break;
        }
        out.push('\n');
        indentation.seen(&fitted, first, inside);
        apart = is_blank(&fitted);
        first = false;
    }
    let waits = cut == Cut::Keep && !ended;
    loops |= repetition.loop_at().is_some();
    if let Some(at) = repetition.loop_at().or_else(|| repetition.held_at().filter(|_| waits)) {
        out.truncate(at);
    }
    if overlap.is_held() {
        out.clear();
    }
    if !matches!(cut, Cut::Into(_)) {
        // Blanks at the end are for the user to type, or for the lines that follow to bring.
        out.truncate(out.trim_end().len());
    }
    let blank = is_blank(&out);
    if blank {
        out.clear();
    }
    let replacement = replacement.filter(|_| !blank);
    let hidden = match cut {
        _ if overlap.is_held() => Hidden::RepeatsBelow,
        Cut::Before(why) => why,
        _ => Hidden::Blank,
    };
    let block_ended = !loops && matches!(cut, Cut::At(_) | Cut::Into(_) | Cut::Before(Hidden::EndsBlock));
    let processed =
        Processed { text: out, replacement, complete: cut != Cut::Keep, hidden: blank.then_some(hidden) };
    (processed, block_ended.then_some(used))
}

impl Cut {
    /// Of several words on the same line the one with the least place counts, and of equal ones the first.
    fn place(self) -> usize {
        match self {
            Cut::Before(_) => 0,
            Cut::Into(at) => 2 * at + 1,
            Cut::At(at) => 2 * at + 2,
            Cut::Keep => usize::MAX,
        }
    }
}
