//! Closing brackets and quotes that the document has already, and the brace that ends the block.

use super::{Cut, Line};
use crate::completion::postprocess::Hidden;
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::lexer::{Lexer, Mark};
use crate::completion::text::ends;

/// Follows the brackets an answer opens. Where it closes one that it did not open, it ends there if the
/// document closes it as well, and after that line if what it closes is the block.
pub(super) struct Brackets {
    /// Brackets the answer has opened and not closed.
    open: Vec<char>,
    /// Brackets that are open left of the cursor and that the answer has not closed.
    given: Vec<char>,
    lexer: Lexer,
    /// Closers that are right of the cursor on its line, unmatched there.
    closed: Vec<char>,
    /// How many of the brackets that the cursor's line opens the document does not close: the answer has to.
    owed: usize,
    /// The block was closed, and the same line opened its next part: `} else {`.
    in_next_part: bool,
}

impl Brackets {
    pub(super) fn new(context: &CursorContext<'_>) -> Self {
        let mut closed = Vec::new();
        let mut open = Vec::new();
        context.lexer.clone().part(context.line_after, &mut |_, mark| match mark {
            Mark::Unquote(c) => closed.push(c),
            _ => {
                if let Some(c) = mark.follow(&mut open) {
                    closed.push(c);
                }
            }
        });
        let owed = owed(context, &closed);
        Self {
            open: Vec::new(),
            given: context.open.clone(),
            lexer: context.lexer.clone(),
            closed,
            owed,
            in_next_part: false,
        }
    }

    /// Brackets the answer has opened and not closed.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// How many brackets of the cursor's line the answer still has to close.
    pub(super) fn owed(&self) -> usize {
        self.owed
    }

    /// Whether the next line begins within a string or a comment.
    pub(super) fn is_inside(&self) -> bool {
        self.lexer.is_inside()
    }

    /// Whether white space before the next line is indentation although the line begins within a string or a
    /// comment.
    pub(super) fn moves(&self) -> bool {
        self.lexer.moves()
    }

    pub(super) fn next(&mut self, context: &CursorContext<'_>, line: &Line<'_>) -> Cut {
        let Self { open, given, lexer, closed, owed, in_next_part } = self;
        if line.first
            && let Some(quote) = context.unlexed_quote()
            && let Some(end) = closing_quote(line.text, quote)
        {
            return Cut::Into(end);
        }
        let mut cut = None;
        let mut ends_block = false;
        let mut string_is_own = !lexer.in_string();
        // Where the bracket that opened the block is, by the line that closes it.
        let columns = if line.first {
            context.header.map_or(0, |header| context.columns(header))
        } else {
            line.columns
        };
        let braces = context.language.blocks == Blocks::Braces;
        lexer.line(line.text, &mut |at, mark| match mark {
            _ if cut.is_some() => {}
            Mark::Quote => string_is_own = true,
            Mark::Open(closer) => open.push(closer),
            Mark::Unquote(c) => {
                if !std::mem::replace(&mut string_is_own, true) && closed.contains(&c) {
                    cut = Some(Cut::Into(at));
                }
            }
            Mark::Close(c) => {
                let leads = line.text.get(..at).is_some_and(|blank| blank.trim().is_empty());
                if open.last() == Some(&c) {
                    open.pop();
                    ends_block |= *in_next_part && open.is_empty();
                } else if *owed > 0 && given.last() == Some(&c) {
                    *owed -= 1;
                    given.pop();
                } else if closed.contains(&c) {
                    cut = Some(Cut::Into(at));
                } else if is_excess(context, given, c) {
                    cut = Some(if leads { Cut::Before(Hidden::EndsBlock) } else { Cut::At(at) });
                } else if line.first && !context.on_blank_line() {
                    // What it closes was most likely opened on the cursor's line.
                } else if closed.is_empty() && is_closed_below(context, c, if leads { columns } else { 0 }) {
                    cut = Some(if leads { Cut::Before(Hidden::EndsBlock) } else { Cut::At(at) });
                } else {
                    ends_block |= c == '}' && braces;
                }
            }
        });
        if let Some(cut) = cut {
            return cut;
        }
        *in_next_part |= ends_block && open.last() == Some(&'}');
        if ends_block && open.is_empty() { Cut::At(line.text.trim_end().len()) } else { Cut::Keep }
    }
}

/// Where the first `quote` is that no backslash escapes.
fn closing_quote(line: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let mut marks = line.char_indices().filter(|(_, c)| {
        let plain = !std::mem::take(&mut escaped);
        escaped = plain && *c == '\\';
        plain && *c == quote
    });
    marks.next().map(|(at, _)| at)
}

/// How many of the brackets that the cursor's line opens the document leaves open: `closed` are those that it closes
/// right of the cursor, and the lines of the same statement may close more.
fn owed(context: &CursorContext<'_>, closed: &[char]) -> usize {
    let opened = context.open.get(context.open.len() - context.opened_here..).unwrap_or_default();
    let mut closers = String::new();
    for c in closed {
        if matches!(c, ')' | ']' | '}') {
            closers.push(*c);
        }
    }
    if closers.len() < opened.len() && !ends(context.line_after.trim_end(), ";{:") {
        for (c, columns) in context.closed_below() {
            if *columns < context.column() {
                break;
            }
            closers.push(*c);
        }
    }
    let Some(owed) = opened.len().checked_sub(closers.len()).filter(|_| !closed.is_empty()) else { return 0 };
    let mut outer = opened.iter().zip(closers.chars().rev());
    if outer.all(|(open, closer)| *open == closer) { owed } else { 0 }
}

/// Whether a bracket closes what no bracket opened. Braces are left to the blocks, and the shell closes its
/// patterns only.
fn is_excess(context: &CursorContext<'_>, given: &mut Vec<char>, closer: char) -> bool {
    let tells =
        matches!(context.language.blocks, Blocks::Braces | Blocks::Indentation) && !context.language.is_prose;
    match given.iter().rposition(|open| *open == closer) {
        Some(at) => {
            given.remove(at);
            false
        }
        None => tells && closer != '}',
    }
}

/// Whether the lines below close this bracket, which is at `columns`: the first one they close is of its kind and
/// no further left, or they close as many braces as are open.
fn is_closed_below(context: &CursorContext<'_>, closer: char, columns: usize) -> bool {
    // The window may end before the block does.
    let Some((first, at)) = context.first_closed_below() else { return context.is_cut_off_below() };
    first == closer && (at >= columns || closer == '}' && closes_all_braces(context))
}

/// Whether the lines below close as many braces as are open at the cursor.
fn closes_all_braces(context: &CursorContext<'_>) -> bool {
    let mut open = 0isize;
    for c in &context.open {
        open += isize::from(*c == '}');
    }
    for (c, _) in context.closed_below() {
        open -= isize::from(*c == '}');
    }
    open <= 0
}
