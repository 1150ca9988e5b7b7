//! What the document shows at the cursor: looked up once, in a window around it.

use std::cell::OnceCell;

use super::Extent;
use super::language::{self, Blocks, Language};
use super::lexer::{Lexer, Mark};
use crate::completion::text::{
    Lines, begins_with_one, first_bytes, first_line, head, is_blank, last_bytes, last_line, last_line_start,
    skip_blank, tail,
};

/// Bytes of the document that are looked at on each side of the cursor. A document may have megabytes,
/// and the shape is asked for at every key.
const WINDOW: usize = 12 * 1024;

/// More lines than the window has.
const MOST_LINES: usize = 2 * WINDOW;

/// See the module's documentation.
pub struct CursorContext<'a> {
    pub(super) extent: Extent,
    language_id: &'a str,
    pub(super) language: &'static Language,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
    /// The text left of the anchor on its line.
    pub(super) line_before: &'a str,
    /// The text right of the cursor on its line.
    pub(super) line_after: &'a str,
    /// The lexer's state at the anchor.
    pub(super) lexer: Lexer,
    /// The literal the anchor is in, from its quote on, if it begins on the cursor's line.
    pub(super) literal: Option<&'a str>,
    /// What closes the brackets that are open at the anchor, as far as the window shows, the nearest last.
    pub(super) open: Vec<char>,
    /// How many of them were opened on the cursor's line.
    pub(super) opened_here: usize,
    first_closed_below: OnceCell<Option<(char, usize)>>,
    closed_below: OnceCell<Vec<(char, usize)>>,
    /// The anchor is in a comment.
    pub(super) in_comment: bool,
    /// The code left of the anchor, without a comment at its end.
    pub(super) code_before: &'a str,
    /// The line that opens the block the cursor's line is in.
    pub(super) header: Option<&'a str>,
    /// Columns of the statements in that block.
    pub(super) body: usize,
    /// Columns of the lines that open the blocks the cursor's line is in, nearest first.
    pub(super) openers: Vec<usize>,
    pub(super) style: Style,
}

/// How a document indents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) tabs: bool,
    /// Columns of one step; a tab has as many.
    pub(super) step: usize,
    /// Whether the document shows it, or it is the language's custom.
    pub(super) shown: bool,
    /// Whether the document indents some lines with tabs and others with blanks.
    pub(super) mixed: bool,
    /// The steps under lines that open blocks, one bit each.
    steps: u16,
}

impl<'a> CursorContext<'a> {
    /// What is looked at of a document that has `before` and `after` around the cursor.
    pub fn window<'d>(before: &'d str, after: &'d str) -> (&'d str, &'d str) {
        (last(before), first_bytes(after, WINDOW))
    }

    /// The cursor is between `before` and `after` in a document of Lapce's language id `language_id`;
    /// `extent`: how much the user wants.
    pub fn new(before: &'a str, after: &'a str, language_id: &'a str, extent: Extent) -> Self {
        let language = language::of(language_id);
        let before = last(before);
        let after = first_bytes(after, WINDOW);
        let line_before = last_line(before);
        let line_after = first_line(after).trim_end_matches('\r');
        let above = head(before, before.len() - line_before.len());
        let style = style(above, line_before, after, language_id, language);
        let mut lexer = Lexer::new(language);
        let mut open = Vec::new();
        for line in tail(above, top_level(above, language)).lines() {
            lexer.line(line, &mut |_, mark| {
                mark.follow(&mut open);
            });
        }
        let opened_above = open.len();
        let was_inside = lexer.is_inside();
        let mut quoted = None;
        let code = lexer.part(line_before, &mut |at, mark| {
            mark.follow(&mut open);
            if mark == Mark::Quote {
                quoted = Some(at);
            }
        });
        let literal = quoted.filter(|_| lexer.in_string()).and_then(|at| line_before.get(at..));
        let in_comment = code < line_before.len() || lexer.is_inside() && !lexer.in_string();
        let code_before = if was_inside { "" } else { head(line_before, code) };
        let (header, body, openers) = blocks(above, line_before, language, style);
        Self {
            extent,
            language_id,
            language,
            before,
            after,
            line_before,
            line_after,
            lexer,
            literal,
            opened_here: open.len().saturating_sub(opened_above),
            open,
            first_closed_below: OnceCell::new(),
            closed_below: OnceCell::new(),
            in_comment,
            code_before,
            header,
            body,
            openers,
            style,
        }
    }

    /// Whether Markdown calls the document's language by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        const SHORT: &[(&str, &str)] = &[
            ("py", "python"),
            ("js", "javascript"),
            ("ts", "typescript"),
            ("rs", "rust"),
            ("rb", "ruby"),
            ("c++", "cpp"),
            ("cs", "csharp"),
            ("bash", "shellscript"),
            ("sh", "shellscript"),
        ];
        name == self.language_id || SHORT.iter().any(|(short, id)| *short == name && *id == self.language_id)
    }

    /// Whether there is nothing but white space left of the anchor on its line.
    #[inline(never)]
    pub(super) fn on_blank_line(&self) -> bool {
        is_blank(self.line_before)
    }

    /// Whether the anchor is in a comment or a string, where words are the text.
    #[inline(never)]
    pub(super) fn in_words(&self) -> bool {
        self.in_comment || self.lexer.in_string()
    }

    /// The quote on both sides of the cursor, where the language's lexer does not take it for one: attributes of HTML,
    /// characters in Rust.
    pub(super) fn unlexed_quote(&self) -> Option<char> {
        let quote = self.line_before.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
        (!self.in_words() && self.line_after.starts_with(quote)).then_some(quote)
    }

    /// Columns of the cursor's line.
    pub(super) fn column(&self) -> usize {
        self.columns(self.line_before)
    }

    /// Columns of white space a line begins with.
    pub(super) fn columns(&self, line: &str) -> usize {
        self.style.columns(line)
    }

    /// Whether white space of this kind is the document's own: a line begins with exactly this, or one next to the
    /// cursor with the beginning of it.
    pub(super) fn has_blank(&self, blank: &str) -> bool {
        let below = self.solid_below().next();
        for line in [self.line_before, self.above(), below.unwrap_or_default()] {
            let own = leading_blank(line);
            if own.contains(if self.style.tabs { ' ' } else { '\t' }) && blank.starts_with(own) {
                return true;
            }
        }
        let own = |line: &str| leading_blank(line) == blank;
        Lines::down(self.before).any(own) || self.lines_below().any(own)
    }

    /// The lines below the cursor's.
    pub(super) fn lines_below(&self) -> Lines<'a> {
        Lines::down(self.after).beyond()
    }

    /// Those that have something on them.
    #[inline(never)]
    pub(super) fn solid_below(&self) -> Lines<'a> {
        self.lines_below().solid()
    }

    /// The lines above the cursor's, nearest first.
    pub(super) fn lines_above(&self) -> Lines<'a> {
        Lines::up(self.before).beyond()
    }

    /// The nearest line above with text on it; nothing if there is none.
    pub(super) fn above(&self) -> &'a str {
        self.lines_above().solid().next().unwrap_or_default()
    }

    /// Whether an answer may indent in steps of this many columns, as the document or the lines below do.
    pub(super) fn allows_step(&self, step: usize) -> bool {
        let unit = self.style.step;
        let mut below = self.solid_below().take(2);
        self.style.allows_step(step)
            || below.any(|line| {
                let columns = self.columns(line);
                !columns.is_multiple_of(unit) && columns.is_multiple_of(step)
            })
    }

    /// Whether the document ends its lines with CR LF.
    pub(super) fn has_crlf(&self) -> bool {
        let above = self.before.rfind('\n').map(|at| (self.before, at));
        let nearest = above.or_else(|| Some((self.after, self.after.find('\n')?)));
        nearest.is_some_and(|(text, at)| head(text, at).ends_with('\r'))
    }

    /// The first bracket that the lines below close without opening it, with the columns of its line.
    pub(super) fn first_closed_below(&self) -> Option<(char, usize)> {
        *self.first_closed_below.get_or_init(|| self.find_closed_below(1).first().copied())
    }

    /// All brackets that the lines below close without opening them, nearest first, with the columns of their lines.
    pub(super) fn closed_below(&self) -> &[(char, usize)] {
        self.closed_below.get_or_init(|| self.find_closed_below(usize::MAX))
    }

    fn find_closed_below(&self, most: usize) -> Vec<(char, usize)> {
        let mut lexer = Lexer::new(self.language);
        let mut open = Vec::new();
        let mut closed = Vec::new();
        for line in self.lines_below() {
            lexer.line(line, &mut |_, mark| {
                if let Some(c) = mark.follow(&mut open) {
                    closed.push((c, self.columns(line)));
                }
            });
            if closed.len() >= most {
                break;
            }
        }
        closed
    }

    /// Whether the window ends before the document does.
    pub(super) fn is_cut_off_below(&self) -> bool {
        self.after.len() >= WINDOW
    }

    /// Whether nothing but white space is in the document.
    pub(super) fn is_empty(&self) -> bool {
        is_blank(self.before) && is_blank(self.after)
    }
}

impl Style {
    /// Whether the document or its language leaves no choice.
    pub(super) fn is_known(&self) -> bool {
        self.shown || self.tabs
    }

    /// Whether all lines are to be indented in the same way.
    pub(super) fn is_uniform(&self) -> bool {
        self.is_known() && !self.mixed
    }

    /// Whether the document has steps of this many columns, or shows none at all.
    fn allows_step(self, step: usize) -> bool {
        let seen = u32::try_from(step).ok().and_then(|step| self.steps.checked_shr(step));
        !self.is_known() || seen.is_some_and(|bits| bits & 1 == 1)
    }

    /// Columns of white space a line begins with.
    pub(super) fn columns(&self, line: &str) -> usize {
        #[cfg(test)]
        super::tests::READ.set(super::tests::READ.get() + line.len().min(1));
        let mut columns = 0;
        for c in line.bytes() {
            match c {
                b' ' => columns += 1,
                b'\t' => columns = columns / self.step * self.step + self.step,
                _ => break,
            }
        }
        columns
    }

    /// The code after white space of this many columns.
    #[inline(never)]
    pub(super) fn indented(&self, columns: usize, code: &str) -> String {
        let tabs = if self.tabs { columns / self.step } else { 0 };
        let mut line = String::new();
        for _ in 0..tabs {
            line.push('\t');
        }
        for _ in tabs * self.step..columns {
            line.push(' ');
        }
        line.push_str(code);
        line
    }
}

/// The white space a line begins with.
fn leading_blank(line: &str) -> &str {
    head(line, line.len() - skip_blank(line).len())
}

/// The end of `text` within the window, whole lines if there are any.
fn last(text: &str) -> &str {
    let rest = last_bytes(text, WINDOW);
    match rest.find('\n') {
        Some(at) if rest.len() < text.len() => tail(rest, at + 1),
        _ => rest,
    }
}

/// Where the last line begins that no string or comment can be suspected to reach into: the lexer starts
/// there, because what it thinks of a window's beginning may be wrong.
fn top_level(above: &str, language: &Language) -> usize {
    if language.blocks == Blocks::None {
        return above.len();
    }
    let mut end = above.len();
    while end > 0 {
        end = last_line_start(head(above, end - 1));
        let line = first_line(tail(above, end));
        let named = line.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
        if named && language.opens(line) || begins_with_one(line, &["/*", "\"\"\""]) {
            break;
        }
    }
    end
}

/// The blocks the cursor's line is in: the line that opens the nearest, the columns of its statements, and the columns
/// of the lines that open them, nearest first.
fn blocks<'a>(
    above: &'a str,
    line_before: &str,
    language: &'static Language,
    style: Style,
) -> (Option<&'a str>, usize, Vec<usize>) {
    let mut column = style.columns(line_before);
    let mut body = column;
    let (mut header, mut openers) = (None, Vec::new());
    for line in Lines::up(above).solid() {
        if column == 0 {
            break;
        }
        let columns = style.columns(line);
        if columns >= column {
            continue;
        }
        let opens = opens_block(line, language);
        if opens {
            header = header.or(Some(line));
            openers.push(columns);
        }
        // A closing bracket or a label is at the left without opening anything.
        if opens || !language.closes(line) {
            column = columns;
        }
        if header.is_none() {
            body = column;
        }
    }
    (header, body, openers)
}

/// A line less the comment at its end, as far as one line can tell.
pub(super) fn without_comment<'l>(line: &'l str, language: &'static Language) -> &'l str {
    let end = Lexer::new(language).line(line, &mut |_, _| {});
    head(line, end).trim_end()
}

/// Whether the line under this one must be further right, as far as one line can tell.
#[inline(never)]
pub(super) fn opens_block(line: &str, language: &'static Language) -> bool {
    language.opens(without_comment(line, language))
}

/// How the document indents: the commonest step from a line that opens a block to the one below it.
fn style(above: &str, line_before: &str, after: &str, id: &str, language: &'static Language) -> Style {
    const STEPS: [usize; 4] = [2, 3, 4, 8];
    let mut tabs = 0usize;
    let mut blanks = 0usize;
    let mut least = usize::MAX;
    let mut steps = [0usize; STEPS.len()];
    let mut seen = 0u16;
    let mut last: Option<(usize, &str)> = None;
    let below = tail(after, first_line(after).len() + 1);
    for text in [above, line_before, below] {
        for line in Lines::down(text) {
            // Of the blank lines only the cursor's tells something.
            if is_blank(line) && !std::ptr::eq(text, line_before) || line.trim_start().starts_with('*') {
                continue;
            }
            let columns = line.bytes().take_while(|c| *c == b' ').count();
            if line.starts_with('\t') {
                tabs += 1;
            } else if columns > 1 {
                blanks += 1;
                least = least.min(columns);
            }
            if let Some((outer, opener)) = last.replace((columns, line))
                && let Some(step) = columns.checked_sub(outer).filter(|step| *step > 0)
            {
                let opens = opens_block(opener, language);
                if opens && let Ok(step) = u32::try_from(step) {
                    seen |= 1u16.checked_shl(step).unwrap_or_default();
                }
                // A step under another line may be the layout of a comment or of arguments.
                let weight = if opens { MOST_LINES } else { 1 };
                if let Some(at) = STEPS.iter().position(|known| *known == step)
                    && let Some(count) = steps.get_mut(at)
                {
                    *count += weight;
                }
            }
        }
    }
    let shown = tabs + blanks > 0;
    let mixed = tabs.min(blanks) * 5 > tabs.max(blanks);
    if tabs > blanks || (!shown && matches!(id, "go" | "makefile")) {
        return Style { tabs: true, step: 4, shown, mixed, steps: seen };
    }
    let mut step = if shown { least.clamp(2, 8) } else { language.indent };
    let mut most = 0;
    for (count, known) in steps.iter().zip(&STEPS) {
        if *count > most {
            (most, step) = (*count, *known);
        }
    }
    Style { tabs: false, step, shown, mixed, steps: seen }
}
