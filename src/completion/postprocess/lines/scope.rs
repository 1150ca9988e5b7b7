//! How many lines an answer has, by the place of the cursor.

use super::{Cut, Line, definitions};
use crate::completion::postprocess::cursor_context::{CursorContext, opens_block, without_comment};
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::{Extent, Hidden};
use crate::completion::text::{begins_as, begins_with_word, ends, has_sign, joined, trim};

/// Brackets and punctuation that an editor may have closed for the user.
pub(crate) const CLOSERS: &str = ")]}>\"'`;,:";

/// Follows the lines of an answer and ends it with its line or its block.
pub(super) struct Scope {
    single: bool,
    /// The cursor's line closes after it what it opens before it.
    enclosed: bool,
    /// The answer began on the cursor's line.
    began_here: bool,
    /// The cursor is between a bracket and its partner, which an editor may have brought.
    in_pair: bool,
    /// Some of the lines that a model began with were blank and are left out.
    skipped: bool,
    /// The cursor's line opens the block.
    at_opener: bool,
    /// A closing bracket has left the block's statements further left.
    lowered: Option<usize>,
    /// The line above ended a statement.
    stated: bool,
    shown: bool,
}

impl Scope {
    pub(super) fn new(context: &CursorContext<'_>) -> Self {
        let after = context.line_after.trim();
        let closing_tag = context.language.blocks == Blocks::Tags
            && after.starts_with("</")
            && after.matches('<').count() == 1;
        let code_after = !closing_tag && !trim(after, CLOSERS).trim().is_empty();
        let enclosed = context.open.last().is_some_and(|closer| after.starts_with(*closer));
        let in_pair =
            context.extent == Extent::Auto && enclosed && ends(context.code_before.trim_end(), "([{");
        let single = match context.extent {
            Extent::Line => true,
            Extent::Auto => code_after,
            Extent::Block => false,
        };
        let at_opener = !context.on_blank_line() && context.language.opens(context.code_before);
        Self {
            single,
            enclosed,
            began_here: false,
            in_pair,
            skipped: false,
            at_opener,
            lowered: None,
            stated: false,
            shown: false,
        }
    }

    /// The text without blank lines at its beginning, where the cursor's line is blank already.
    pub(super) fn skip_blank<'t>(&mut self, context: &CursorContext<'_>, text: &'t str) -> &'t str {
        let mut rest = text;
        while context.on_blank_line()
            && let Some((line, below)) = rest.split_once('\n')
            && line.trim().is_empty()
        {
            rest = below;
            self.skipped = true;
        }
        rest
    }

    /// The word on the next line of the answer; `floor`: columns of the statements in the cursor's block.
    pub(super) fn next(&mut self, context: &CursorContext<'_>, line: &Line<'_>, floor: usize) -> Cut {
        let code = line.text.trim_end();
        if self.single && !(self.in_pair && code.is_empty()) {
            // `sum(a, |b)`: the blank belongs before what follows.
            let joins = begins_as(context.line_after, |c| !c.is_whitespace() && !CLOSERS.contains(c));
            let blank = line.text.len() > code.len() && !code.is_empty();
            return if joins && blank { Cut::Into(code.len() + 1) } else { Cut::At(code.len()) };
        }
        self.single = false;
        if code.is_empty() {
            // What began on the cursor's line, between two brackets there, does not go on in another paragraph.
            let over = self.enclosed && self.began_here && !line.inside && line.depth == 0;
            return if over { Cut::Before(Hidden::EndsBlock) } else { Cut::Keep };
        }
        self.began_here |= line.first;
        let shown = std::mem::replace(&mut self.shown, true);
        let stated = std::mem::replace(&mut self.stated, code.ends_with(';'));
        if line.inside || line.depth > 0 {
            return Cut::Keep;
        }
        if line.first {
            // What the cursor's line opened may be closed at once: `f(|` and `x)`.
            let full = joined(context.code_before, line.text);
            self.at_opener &= opens_block(&full, context.language);
            let leaves = self.skipped
                && context.columns(line.text) == 0
                && context.body > 0
                && definitions::is_definition(line.text);
            let ends = context.on_blank_line()
                && context.language.blocks == Blocks::Words
                && is_end(context, line.text)
                && is_closed_below(context, context.header.map_or(0, |header| context.columns(header)));
            return if leaves || ends { Cut::Before(Hidden::EndsBlock) } else { Cut::Keep };
        }
        if context.language.blocks == Blocks::None {
            let next = shown && is_section(line.text) || stated && line.apart && !context.language.is_prose;
            return if next { Cut::Before(Hidden::EndsBlock) } else { Cut::Keep };
        }
        let edge = if self.at_opener {
            context.column() + 1
        } else if line.apart && context.language.blocks == Blocks::Indentation {
            // Guards and arguments stand further right than what they belong to, under no opener.
            context.column().max(floor)
        } else {
            floor
        };
        if line.columns >= self.lowered.unwrap_or(edge) {
            return Cut::Keep;
        }
        self.left_of_block(context, line)
    }

    /// The word on a line that is left of the block.
    fn left_of_block(&mut self, context: &CursorContext<'_>, line: &Line<'_>) -> Cut {
        let ends = Cut::Before(Hidden::EndsBlock);
        let same_construct = self.at_opener && line.columns == context.column();
        if same_construct && context.language.goes_on(line.text) {
            let below = context.solid_below().next();
            let there = below.is_some_and(|below| {
                context.columns(below) == line.columns && context.language.goes_on(below)
            });
            return if there { ends } else { Cut::Keep };
        }
        match context.language.blocks {
            Blocks::Braces => {
                let next_case = begins_with_word(line.text, "case default") && !self.at_opener;
                let next_item = line.apart && definitions::is_definition(line.text);
                if next_case || next_item { ends } else { Cut::Keep }
            }
            Blocks::Indentation if context.language.closes(line.text) => {
                self.lowered = Some(line.columns);
                Cut::Keep
            }
            Blocks::Indentation => {
                // A list may be as far left as the key it belongs to.
                let listed = |line: &str| line.trim_start().starts_with("- ");
                let item = same_construct && listed(line.text) && !listed(context.line_before);
                if item { Cut::Keep } else { ends }
            }
            Blocks::Words | Blocks::Tags if is_end(context, line.text) => {
                if line.bare == context.line_after.trim() {
                    return Cut::Into(line.text.len() - line.text.trim_start().len());
                }
                if is_closed_below(context, line.columns) {
                    ends
                } else {
                    Cut::At(line.text.trim_end().len())
                }
            }
            Blocks::Words => ends,
            Blocks::Tags | Blocks::None => Cut::Keep,
        }
    }
}

fn is_end(context: &CursorContext<'_>, line: &str) -> bool {
    context.language.closes(without_comment(line, context.language))
        || context.language.blocks == Blocks::Tags && context.language.closes(line)
}

/// Whether the lines below close the block whose closing line is at `columns`.
fn is_closed_below(context: &CursorContext<'_>, columns: usize) -> bool {
    let mut below = context.solid_below();
    below
        .find(|below| context.columns(below) <= columns)
        .is_some_and(|below| context.columns(below) == columns && is_end(context, below))
}

/// Whether a line begins a section: `[dependencies]`.
fn is_section(line: &str) -> bool {
    let name = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    name.is_some_and(|name| !name.is_empty() && !has_sign(name, ",(={!"))
}
