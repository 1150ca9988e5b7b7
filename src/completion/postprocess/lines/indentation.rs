//! Adapts the indentation of an answer to the document.

use std::borrow::Cow;

use super::definitions;
use crate::completion::postprocess::cursor_context::{CursorContext, opens_block, without_comment};
use crate::completion::postprocess::language::Blocks;
use crate::completion::text::{
    begins, begins_with_one, begins_with_word, ends, head, is_word, joined, skip_blank, tail,
};

/// Gives the lines of an answer the document's indentation, one after the other.
///
/// Models indent like the document, or from column 0 because they were told to write only what is
/// missing, or in their own steps. The first line below the cursor's whose position is certain shows which:
/// below a line that opens a block it is further right than that line, else not further left than the block that
/// the cursor is in.
pub(super) struct Indentation<'a> {
    context: &'a CursorContext<'a>,
    /// Columns of the first line, with what the answer adds to the cursor's.
    first: usize,
    /// Columns that the first line of the answer brought itself.
    brought: usize,
    /// The answer's columns and what they are in the document, once known.
    map: Option<Map>,
    /// The answer's step of indentation, once seen.
    step: Option<usize>,
    /// The line above opens a block.
    opener: Option<Opener>,
    /// The answer's columns of the line given out last.
    last: Option<usize>,
    /// Blocks that the answer has opened and not closed.
    opened: usize,
    /// Columns of the lines that opened brackets which the answer has not closed, the nearest last.
    brackets: Vec<usize>,
    /// The line above ends a statement.
    stated: bool,
    /// The next line follows a blank line.
    apart: bool,
    /// A line that was shown leaves its block: what follows is not reached.
    leaves: bool,
    /// How many of the blocks around the cursor the answer has closed.
    left: usize,
}

#[derive(Debug, Clone, Copy)]
struct Map {
    from: usize,
    to: usize,
    /// The lines from the margin are the body of the cursor's line, and what closes it is at the margin
    /// too. It belongs at these columns.
    closer: Option<usize>,
}

impl Map {
    fn new(from: usize, to: usize) -> Option<Self> {
        Some(Self { from, to, closer: None })
    }
}

#[derive(Debug, Clone, Copy)]
struct Opener {
    /// Columns in the answer, where they are known.
    said: Option<usize>,
    /// Columns in the document.
    fitted: usize,
    /// Columns that `- ` takes before what opens.
    listed: usize,
    /// It opens a list of arguments, which many indent twice.
    calls: bool,
    /// It opens a class or the like.
    contains: bool,
}

impl<'a> Indentation<'a> {
    pub(super) fn new(context: &'a CursorContext<'a>) -> Self {
        Self {
            context,
            first: context.column(),
            brought: 0,
            map: None,
            step: None,
            opener: None,
            last: None,
            opened: 0,
            brackets: Vec::new(),
            stated: false,
            apart: false,
            leaves: false,
            left: 0,
        }
    }

    /// Columns of the answer's first line.
    pub(super) fn first_column(&self) -> usize {
        self.first
    }

    /// Columns that no line of the cursor's block is left of.
    pub(super) fn floor(&self) -> usize {
        if self.first > self.context.column() { self.first } else { self.context.body }
    }

    /// The line as it will be in the document; `depth`: brackets the answer has opened above it.
    pub(super) fn fit<'l>(&mut self, line: &'l str, first: bool, inside: bool, depth: usize) -> Cow<'l, str> {
        let code = skip_blank(line);
        if first {
            return self.fit_first(line, code);
        }
        if code.trim().is_empty() {
            self.apart = true;
            return Cow::Borrowed("");
        }
        if inside {
            let right = self.map.map_or(0, |map| map.to.saturating_sub(map.from));
            return if right == 0 {
                Cow::Borrowed(line)
            } else {
                Cow::Owned(self.context.style.indented(right, line))
            };
        }
        let said = self.context.columns(line);
        let mut fitted = self.place(code, said, depth);
        self.last = Some(said);
        let style = &self.context.style;
        let blank = head(line, line.len() - code.len());
        let foreign = style.is_uniform() && blank.contains(if style.tabs { ' ' } else { '\t' });
        if fitted == said && (!foreign || self.context.has_blank(blank)) {
            return Cow::Borrowed(line);
        }
        if style.tabs && self.context.language.closes(code) {
            fitted -= fitted % style.step;
        }
        if fitted == said && !foreign {
            return Cow::Borrowed(line);
        }
        Cow::Owned(style.indented(fitted, code))
    }

    /// Takes note of a line that is shown.
    pub(super) fn seen(&mut self, fitted: &str, first: bool, inside: bool) {
        let full;
        let line = if first && !self.context.on_blank_line() {
            full = joined(self.context.code_before, fitted);
            full.as_str()
        } else {
            fitted
        };
        if inside && !first || line.trim().is_empty() {
            return;
        }
        self.apart = false;
        let code = without_comment(line, self.context.language);
        let opens = self.context.language.opens(code);
        let columns = if first { self.first } else { self.context.columns(fitted) };
        if self.context.language.closes(fitted) && !first {
            self.opened = self.opened.saturating_sub(1);
            self.brackets.pop();
        }
        if opens && (!first || self.context.on_blank_line()) {
            self.opened += 1;
            if ends(code, "([{") {
                self.brackets.push(columns);
            }
        }
        self.stated = code.ends_with(';');
        self.leaves |= begins_with_word(line, "return raise break continue pass");
        let (bare, mut listed) = (code.trim_start(), 0);
        while tail(bare, listed).starts_with("- ") {
            listed += 2;
        }
        let calls = code.ends_with('(');
        let contains = definitions::is_container(code);
        self.opener = opens.then_some(Opener { said: self.last, fitted: columns, listed, calls, contains });
    }

    /// The first line goes on from the cursor: the white space before it is there already.
    fn fit_first<'l>(&mut self, line: &'l str, code: &'l str) -> Cow<'l, str> {
        let context = self.context;
        if !context.on_blank_line() {
            // Codestral begins with a blank of its own.
            return Cow::Borrowed(if ends(context.line_before, " \t") { code } else { line });
        }
        let given = context.column();
        self.brought = context.columns(line);
        let above = context.above();
        let outer = context.columns(above);
        // In many projects the content of a namespace is not indented.
        let flat = begins_with_word(above, "namespace extern");
        let under_opener =
            opens_block(above, context.language) && given < outer + context.style.step && !flat;
        let joins = context.language.joins(code);
        let continues = begins(code, ".?+|&") && !context.language.is_prose;
        let wanted = if under_opener && !joins && !context.lexer.is_inside() {
            let told = self.brought > outer;
            let whole = !context.style.tabs || self.brought.is_multiple_of(context.style.step);
            // Where indentation makes the block, its first line must be further right than what opens it.
            let must_move = context.language.blocks == Blocks::Indentation && given <= outer;
            match () {
                () if told && whole => self.brought,
                () if must_move => outer + context.style.step,
                () => given,
            }
        } else if given == 0 || continues {
            self.brought
        } else {
            given
        };
        self.last = (self.brought > 0).then_some(self.brought);
        self.first = given.max(wanted);
        if self.first == given {
            Cow::Borrowed(code)
        } else {
            Cow::Owned(context.style.indented(self.first - given, code))
        }
    }

    /// Columns in the document for a line that the answer puts at `said`.
    fn place(&mut self, code: &str, said: usize, depth: usize) -> usize {
        let joins = self.context.language.joins(code);
        if self.map.is_none() {
            (self.map, self.step) = match self.in_own_steps(said) {
                Some((map, step)) if !joins => (Some(map), Some(step)),
                _ => (self.decide(code, said, joins, depth), None),
            };
        }
        if depth == 0 && self.opened == 0 && begins(code, ")]}") {
            self.leave_block(said);
        }
        let Some(map) = self.map else { return said };
        if let Some(columns) = map.closer
            && joins
            && self.opened == 0
            && said <= map.from
        {
            return columns;
        }
        let single =
            self.context.style.tabs || one_blank_per_level(map.from, map.to, self.context.style.step);
        let least = if single { 1 } else { 2 };
        if let Some(opener) = self.opener
            && self.step.is_none()
            && !joins
            && let Some(step) = said.checked_sub(opener.said.unwrap_or(map.from) + opener.listed)
            && (least..=8).contains(&step)
            && !(opener.calls && step == 2 * self.context.style.step)
        {
            self.step = Some(step);
        }
        let unit = self.context.style.step;
        let fitted = match (said.checked_sub(map.from), self.step) {
            (Some(right), Some(step)) if step != unit && !self.context.allows_step(step) => {
                map.to + right / step * unit + right % step
            }
            (Some(right), _) => map.to + right,
            (None, _) => map.to.saturating_sub(map.from - said),
        };
        match self.brackets.last() {
            // A line that closes a bracket tells best at which column the answer assumes the line that opened it.
            Some(&column) if begins(code, ")]}") && fitted > column && self.last != Some(said) => {
                self.map = Some(Map { from: said, to: column, ..map });
                self.step =
                    self.last.and_then(|last| last.checked_sub(said)).filter(|step| (2..=8).contains(step));
                column
            }
            _ => fitted,
        }
    }

    /// What closes a block around the cursor tells where the lines below are in the document.
    fn leave_block(&mut self, said: usize) {
        let here = usize::from(self.context.opened_here > 0);
        let level = self.left.checked_sub(here).and_then(|block| self.context.openers.get(block)).copied();
        self.left += 1;
        if let Some(level) = level.filter(|level| said <= *level) {
            self.map = Map::new(said, level);
        }
    }

    /// An answer that counts from the margin as the document does, but in steps of its own: where the document
    /// has three steps of two columns it has three of four.
    fn in_own_steps(&self, said: usize) -> Option<(Map, usize)> {
        let (unit, column) = (self.context.style.step, self.opener?.fitted);
        let depth = column / unit;
        let step = said / (depth + 1);
        let from = depth * step;
        let own = self.context.style.shown
            && depth > 0
            && column.is_multiple_of(unit)
            && said.is_multiple_of(depth + 1)
            && [2, 4, 8].contains(&step)
            && (self.brought == 0 || self.brought == from);
        // One step from the cursor's line, or from the margin, explains it as well.
        let common = step == unit || said == column + unit || said == unit || said <= 4;
        (own && !common).then_some((Map { from, to: column, closer: None }, step))
    }

    /// What the first line that has a certain position tells about the answer's indentation.
    fn decide(&self, code: &str, said: usize, joins: bool, depth: usize) -> Option<Map> {
        let context = self.context;
        if let Some(opener) = self.opener {
            let same = Map::new(opener.fitted, opener.fitted);
            return match said {
                _ if joins && said >= opener.fitted => same,
                _ if joins => Map::new(said, opener.fitted),
                _ if said > opener.fitted => same,
                // A list may be as far left as the key it belongs to.
                _ if said == opener.fitted && code.starts_with("- ") => same,
                _ if is_label(code) => None,
                // Another definition, not the body, unless definitions are what the block holds.
                _ if said == 0 && self.apart && definitions::is_definition(code) && !opener.contains => same,
                _ if said > self.brought => Map::new(self.brought, opener.fitted),
                _ => {
                    let to = opener.fitted + opener.listed + context.style.step;
                    Some(Map { from: said, to, closer: Some(opener.fitted) })
                }
            };
        }
        let floor = self.floor();
        if self.brought > 0 && said == self.brought {
            return Map::new(said, self.first);
        }
        // A blank of the model's own before each line, or a line under a whole statement but not beside it, where
        // another step of indentation explains that.
        let beside = floor.max(self.first);
        let slipped = said == beside + 1 && beside.is_multiple_of(context.style.step)
            || self.stated
                && context.language.blocks == Blocks::Braces
                && is_in_other_steps(said, beside, context.style.step);
        let words = begins_with_one(code, context.language.line_comments) || code.starts_with("/*");
        if slipped && depth == 0 && !is_label(code) && !words {
            return Map::new(said, floor);
        }
        if said >= floor {
            return Map::new(floor, floor);
        }
        if one_blank_per_level(said, floor, context.style.step) {
            return Map::new(said, floor);
        }
        if joins || is_label(code) || is_commented_out(code, context) {
            return None;
        }
        let outer = context.header.map_or(0, |header| context.columns(header));
        let from_margin = match context.language.blocks {
            Blocks::None => false,
            // Only a closer ends the block, so a line left of what opens the block is misplaced.
            Blocks::Braces | Blocks::Words | Blocks::Tags => {
                said < outer.max(1) && !(self.apart && definitions::is_definition(code))
            }
            Blocks::Indentation => said == 0 && self.is_from_margin(code),
        };
        if from_margin { Map::new(said, floor) } else { None }
    }

    /// Whether a line at column 0 belongs to the block anyway, where only indentation ends blocks.
    fn is_from_margin(&self, code: &str) -> bool {
        if begins_with_word(code, "return yield break continue") {
            return true;
        }
        let top =
            definitions::is_definition(code) || begins(code, "@#") || begins_with_word(code, "import from");
        let in_function = self.context.header.is_some_and(|header| begins_with_word(header, "def async"));
        in_function && !top && !self.apart && !self.leaves
    }
}

/// Whether a line at `said` is as deep as one at `columns` where a step of indentation has two, four or eight
/// columns instead of `step`.
fn is_in_other_steps(said: usize, columns: usize, step: usize) -> bool {
    let depth = columns / step;
    depth > 0
        && columns.is_multiple_of(step)
        && [2, 4, 8].iter().any(|other| *other > step && said == depth * other)
}

/// Whether a line at `said` is as deep as one at `columns` where each level has one blank.
fn one_blank_per_level(said: usize, columns: usize, step: usize) -> bool {
    said > 0 && said < step && said * step == columns
}

/// Whether a line is code that an editor has made a comment at the margin.
fn is_commented_out(code: &str, context: &CursorContext<'_>) -> bool {
    let mut marks = context.language.line_comments.iter();
    marks.any(|mark| code.strip_prefix(mark).is_some_and(|rest| begins_with_one(rest, &["\t", "  "])))
}

/// Whether a line is left of its block by custom: labels, preprocessor lines.
pub(super) fn is_label(code: &str) -> bool {
    let code = code.trim();
    begins_with_word(code, "case default") && code.ends_with(':')
        || code.starts_with('#')
        || code.strip_suffix(':').is_some_and(|name| !name.is_empty() && name.chars().all(is_word))
}
