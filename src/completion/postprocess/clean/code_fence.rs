//! Removes what chat models put around code: Markdown fences and explanations.

use crate::completion::postprocess::Hidden;
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::lines::{prose, repetition};
use crate::completion::text::{
    Lines, ends, ends_as, first_line, head, is_among, is_blank, last_line, last_line_start, parts, skip, tail,
};

/// The code inside a fence or words, or the text itself where there are none.
pub(super) struct Unwrapped<'r> {
    pub(super) text: &'r str,
    /// What follows is not part of the answer.
    pub(super) over: bool,
    pub(super) hidden: Option<Hidden>,
}

/// A line that is a fence.
#[derive(Debug, Clone, Copy)]
struct Fence<'r> {
    mark: char,
    length: usize,
    /// The text after the mark: a language, or nothing.
    info: &'r str,
}

/// Deeper than this a fence is text (CommonMark 0.31 §4.5).
const DEEPEST: usize = 3;

impl Fence<'_> {
    /// Whether it closes the text that `opening` opened.
    fn closes(self, opening: Fence<'_>) -> bool {
        self.info.is_empty() && self.mark == opening.mark && self.length >= opening.length
    }
}

impl<'r> Unwrapped<'r> {
    fn plain(text: &'r str) -> Self {
        Self { text, over: false, hidden: None }
    }

    /// The answer is over at this byte.
    #[inline(never)]
    fn up_to(text: &'r str, end: usize) -> Self {
        Self { text: head(text, end), over: true, hidden: None }
    }
}

/// Removes the fence and the words around it. While words may still lead to a fence, nothing shows.
pub(super) fn unwrap<'r>(context: &CursorContext<'_>, text: &'r str, ended: bool) -> Unwrapped<'r> {
    let start = without_blank_lines(text);
    // A loop within a line ends the answer before the line shows what it is.
    if repetition::within(first_line(start)).is_some() {
        return Unwrapped::plain(text);
    }
    let (line, below) = match start.split_once('\n') {
        Some((line, below)) => (line, Some(below)),
        None if ended => (start, None),
        // No line that could be a fence or words is whole yet: the blank ones above it mean nothing so far.
        None => return Unwrapped::plain(start),
    };
    if let Some(fence) = fence(line) {
        return match below {
            Some(below) if is_wrapper(context, fence) => match is_own_text(context, below, ended) {
                Some(true) => Unwrapped::plain(text),
                Some(false) => inside(fence, indentation(line), below, ended),
                None => Unwrapped::plain(""),
            },
            None if is_wrapper(context, fence) => one_line(context, fence),
            _ => Unwrapped::plain(text),
        };
    }
    if let Some(end) = open_above(context).and_then(|opening| end_of_block(context, opening, text, ended)) {
        return Unwrapped::up_to(text, end);
    }
    if let Some(code) = in_backquotes(context, start, line) {
        // What comes below may show that it is not alone.
        let text = if ended { code } else { "" };
        return Unwrapped { text, over: ended, hidden: None };
    }
    if prose::begins_with_words(context, line) {
        return after_words(context, text, ended);
    }
    // A fence that closes what the model began without opening it, or that begins another try.
    match closing(context, text, ended) {
        Some(end) => Unwrapped::up_to(text, end),
        None => Unwrapped::plain(text),
    }
}

/// The text without the blank lines it begins with.
fn without_blank_lines(text: &str) -> &str {
    let blank = text.len() - text.trim_start().len();
    tail(text, last_line_start(head(text, blank)))
}

/// The code in the fence that words lead to, or that follows a line that announces it.
fn after_words<'r>(context: &CursorContext<'_>, text: &'r str, ended: bool) -> Unwrapped<'r> {
    let nothing = |hidden| Unwrapped { text: "", over: false, hidden };
    let mut at = 0;
    let mut announced = false;
    let mut words = 0;
    for line in text.split_inclusive('\n') {
        let rest = tail(text, at + line.len());
        let whole = line.ends_with('\n');
        let bare = line.trim();
        if let Some(fence) = fence(line.trim_end()) {
            return if whole { inside(fence, indentation(line), rest, ended) } else { nothing(None) };
        }
        if !whole && !ended {
            return nothing(None);
        }
        if !bare.is_empty() {
            let talks = words == 0 || prose::may_go_on(bare);
            if !talks && (announced || context.language.is_prose) {
                let from = if context.language.is_prose { text } else { tail(text, at) };
                return match closing(context, from, ended) {
                    Some(end) => Unwrapped::up_to(from, end),
                    None => Unwrapped::plain(from),
                };
            }
            // A thought may go on in words of any kind; a list seldom introduces code without a fence.
            announced = bare.ends_with(':');
            words += 1;
        }
        at += line.len();
    }
    if !ended {
        return nothing(None);
    }
    if context.language.is_prose { Unwrapped::plain(text) } else { nothing(Some(Hidden::Prose)) }
}

/// The text up to the line that closes `opening`.
fn inside<'r>(opening: Fence<'_>, deep: usize, code: &'r str, ended: bool) -> Unwrapped<'r> {
    let mut at = 0;
    let mut nested: Vec<Fence<'_>> = Vec::new();
    for line in code.split_inclusive('\n') {
        let bare = line.trim_end();
        let whole = line.ends_with('\n') || ended;
        let shallow = indentation(line) <= deep + DEEPEST;
        if let Some(found) = fence(bare).filter(|_| whole && shallow) {
            let current = nested.last().copied().unwrap_or(opening);
            let closes = found.closes(current);
            if closes && nested.pop().is_none() {
                return Unwrapped::up_to(code, at);
            }
            if !closes && !found.info.is_empty() {
                nested.push(found);
            }
        } else if whole
            && nested.is_empty()
            && let Some(last) = bare
                .strip_suffix("```")
                .filter(|last| ends_as(last, char::is_alphanumeric) || ends(last, ";)}]\"',"))
            && opening.mark == '`'
        {
            // The fence glued to the last line.
            return Unwrapped::up_to(code, at + last.len());
        }
        at += line.len();
    }
    // The limit of tokens may fall into the closing fence.
    let last = last_line(code);
    let cut_off = ended && is_among(last.trim(), "` ``");
    Unwrapped::plain(if cut_off { head(code, code.len() - last.len()) } else { code })
}

/// A whole answer in a fence on one line, perhaps with the language before it.
fn one_line<'r>(context: &CursorContext<'_>, fence: Fence<'r>) -> Unwrapped<'r> {
    match fence.info.strip_suffix("```") {
        Some(code) if fence.mark == '`' => {
            let code = code.trim();
            let (word, rest) = code.split_once(' ').unwrap_or((code, ""));
            let named = !rest.trim().is_empty() && context.is_called(word);
            Unwrapped { text: if named { rest.trim() } else { code }, over: true, hidden: None }
        }
        _ => Unwrapped::plain(""),
    }
}

/// An answer of one line in backquotes, where these are not part of the language.
fn in_backquotes<'r>(context: &CursorContext<'_>, text: &'r str, line: &'r str) -> Option<&'r str> {
    let own = context.in_words() || context.language.is_prose || context.language.has_backquotes;
    let alone = is_blank(tail(text, line.len()));
    let code = line.trim().strip_prefix('`')?.strip_suffix('`')?;
    (alone && !own && !code.is_empty() && !code.contains('`')).then_some(code)
}

/// The fence of the code block that the cursor is in, in Markdown.
fn open_above<'a>(context: &CursorContext<'a>) -> Option<Fence<'a>> {
    let mut open: Option<Fence<'_>> = None;
    let above = head(context.before, context.before.len() - context.line_before.len());
    for line in Lines::down(if is_markdown(context) { above } else { "" }) {
        let Some(found) = fence(line) else { continue };
        open = match open {
            Some(opening) if found.closes(opening) => None,
            None if !found.info.contains('`') => Some(found),
            _ => open,
        };
    }
    open
}

/// Where the line begins in the answer that closes a code block of the document, which closes it itself.
fn end_of_block(context: &CursorContext<'_>, opening: Fence<'_>, text: &str, ended: bool) -> Option<usize> {
    context.lines_below().find_map(fence).filter(|below| below.closes(opening))?;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if (ended || line.ends_with('\n')) && fence(line).is_some_and(|found| found.closes(opening)) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Where a line begins that is a fence in a text that began without one.
fn closing(context: &CursorContext<'_>, text: &str, ended: bool) -> Option<usize> {
    if context.in_words() || is_markdown(context) {
        return None;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let whole = line.ends_with('\n') || ended;
        let fenced = indentation(line) <= DEEPEST && fence(line).is_some_and(|fence| fence.mark == '`');
        if whole && (fenced || line.starts_with("</think>")) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// The fence a line is.
fn fence(line: &str) -> Option<Fence<'_>> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3).then_some(Fence { mark, length, info: info.trim() })
}

fn indentation(line: &str) -> usize {
    line.len() - skip(line, " ").len()
}

/// Whether fences are part of the language.
fn is_markdown(context: &CursorContext<'_>) -> bool {
    context.language.is_prose && context.language.blocks == Blocks::None
}

/// Whether a fence at the beginning wraps the answer. In Markdown, one about code belongs to the text, unless
/// the cursor is in code.
fn is_wrapper(context: &CursorContext<'_>, fence: Fence<'_>) -> bool {
    !is_markdown(context)
        || is_among(fence.info, "markdown md text latex tex")
        || !fence.info.is_empty() && open_above(context).is_some()
}

/// Whether a fence is part of the comment or string the cursor is in; `None`: cannot tell yet.
fn is_own_text(context: &CursorContext<'_>, below: &str, ended: bool) -> Option<bool> {
    if !context.in_words() {
        return Some(false);
    }
    if context.lexer.in_string() {
        return Some(true);
    }
    let leader = parts(context.line_before).first().copied().unwrap_or_default();
    let next = below.trim_start();
    if next.starts_with(leader) {
        return Some(true);
    }
    if !ended && leader.starts_with(next) { None } else { Some(false) }
}
