//! How many lines an answer has, by the place of the cursor.

use super::{Cut, Hidden, Place};

/// How much of an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// By the place of the cursor.
    #[default]
    Auto,
    /// The rest of the line.
    Line,
    /// To the end of the block.
    Block,
}

/// Brackets and punctuation that an editor may have closed for the user.
const CLOSERS: &[char] = &[')', ']', '}', '>', '"', '\'', '`', ';', ',', ':'];

/// Follows the lines of an answer and ends it with its line or its block.
pub(super) struct Lines<'a> {
    place: Place<'a>,
    single: bool,
    /// Indentation of the cursor's line, in columns.
    base: usize,
    lines: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(place: &Place<'a>) -> Self {
        let code_after = !place.line_after().trim().trim_matches(CLOSERS).trim().is_empty();
        let single = match place.extent {
            Extent::Line => true,
            Extent::Auto => code_after,
            Extent::Block => false,
        };
        Self { place: *place, single, base: columns(place.line_before()), lines: 0 }
    }

    /// The word on the next line of the answer; `first`: it goes on from the cursor.
    pub(super) fn next(&mut self, line: &str, first: bool) -> Cut {
        self.lines += usize::from(!line.trim().is_empty());
        if self.single {
            return match (first && line.trim().is_empty(), self.lines) {
                (true, _) => Cut::Keep,
                (_, 0 | 1) => Cut::At(line.trim_end().len()),
                _ => Cut::Before(Hidden::EndsBlock),
            };
        }
        if first || line.trim().is_empty() || self.place.language_ignores_indentation() {
            return Cut::Keep;
        }
        let indentation = columns(line);
        if indentation >= self.base {
            return Cut::Keep;
        }
        // A line left of the cursor's ends the block. Its closing bracket belongs to the answer unless the
        // document has it already.
        let closes = line.trim_start().starts_with(['}', ')', ']']) || is_end(line.trim());
        let there = self.place.lines_below().find(|below| !below.trim().is_empty());
        let closed_below = there.is_some_and(|below| columns(below) <= indentation && closes_block(below));
        if closes && !closed_below { Cut::At(line.trim_end().len()) } else { Cut::Before(Hidden::EndsBlock) }
    }
}

impl Place<'_> {
    /// Whether indentation says nothing about blocks: running text.
    fn language_ignores_indentation(&self) -> bool {
        matches!(self.language, "markdown" | "plaintext" | "latex" | "asciidoc" | "csv" | "")
    }
}

fn closes_block(line: &str) -> bool {
    let line = line.trim();
    line.starts_with(['}', ')', ']']) || is_end(line)
}

/// Words that end a block (Ruby, Lua, shell, Elixir, Julia, Pascal, …).
fn is_end(line: &str) -> bool {
    let word = line.trim_end_matches([';', ',', ')']);
    matches!(word, "end" | "fi" | "done" | "esac" | "endif" | "endfunction" | "END" | "end.")
}

/// Columns of white space a line begins with; a tab goes to the next multiple of four.
pub(super) fn columns(line: &str) -> usize {
    let mut columns = 0;
    for c in line.chars() {
        match c {
            ' ' => columns += 1,
            '\t' => columns = columns / 4 * 4 + 4,
            _ => break,
        }
    }
    columns
}
