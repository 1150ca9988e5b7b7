//! Removes a repetition of the text left of the cursor at the beginning of an answer.

use std::borrow::Cow;

use crate::completion::postprocess::Hidden;
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::{Blocks, Dots};
use crate::completion::text::{
    begins, begins_as, ends, first_line, has, is_among, is_word, joined, last_bytes, run, skip_blank, tail,
};

/// So many lines above the cursor may be echoed.
const LINES: usize = 40;
/// Shorter lines come again in good code.
const LEAST: usize = 8;
/// So many lines in a row do not come again in good code.
const MANY: usize = 5;
/// So much of the cursor's line is looked at, in bytes.
const LINE: usize = 256;

/// The text without its echo.
pub(super) struct Echoed<'r> {
    pub(super) text: Cow<'r, str>,
    pub(super) hidden: Option<Hidden>,
}

/// A line above the cursor.
#[derive(Clone, Copy)]
struct Above<'a> {
    /// Without the white space around it.
    text: &'a str,
    columns: usize,
}

/// How the lines of an answer compare with the lines above the cursor.
enum Comparison {
    /// They end at the cursor's line; the rest of the answer begins at this byte.
    Echo(usize),
    /// The answer is over, or all that has come of it, before the cursor's line was reached.
    Short {
        lines: usize,
    },
    Differ,
}

/// Removes the echo of lines above, or of the cursor's line, or of the last word left of the cursor.
/// While the text may still turn out to be an echo, nothing shows.
pub(super) fn strip<'r>(context: &CursorContext<'_>, text: Cow<'r, str>, ended: bool) -> Echoed<'r> {
    let nothing = |hidden| Echoed { text: Cow::Borrowed(""), hidden };
    let breaks = skip_blank(&text).starts_with('\n') && !context.on_blank_line();
    let mut above = Vec::with_capacity(LINES);
    if breaks {
        above.push(Above { text: context.line_before.trim(), columns: context.column() });
    }
    for line in context.lines_above().solid().take(LINES) {
        above.push(Above { text: line.trim(), columns: context.columns(line) });
    }
    let first = first_line(text.trim_start()).trim_end();
    let mut undecided = false;
    for (back, farthest) in above.iter().enumerate().filter(|(_, line)| line.text == first) {
        let Some(echoed) = above.get(..=back) else { continue };
        // One line repeats in good code if it is a short one, or is in a block that has ended.
        let outer = farthest.columns <= context.column();
        if back == 0 && (is_common(first, context) || !outer && !breaks) {
            continue;
        }
        match compare(context, echoed, &text, ended, breaks) {
            Comparison::Differ => {}
            Comparison::Short { lines } if ended => {
                if lines >= MANY || lines > 1 && farthest.columns < context.column() {
                    return nothing(Some(Hidden::RepeatsAbove));
                }
            }
            Comparison::Short { .. } => undecided = true,
            Comparison::Echo(end) => {
                let rest = tail(&text, end);
                let goes_on = skip_blank(rest);
                if breaks || context.on_blank_line() {
                    if rest.trim().is_empty() && ended {
                        return nothing(Some(Hidden::RepeatsAbove));
                    }
                    let rest = joined(if breaks { "\n" } else { "" }, rest);
                    return Echoed { text: Cow::Owned(rest), hidden: None };
                }
                let own = context.line_before.trim_start();
                if let Some(rest) = goes_on.strip_prefix(own) {
                    return Echoed { text: Cow::Owned(rest.to_owned()), hidden: None };
                }
                if let Some(rest) = goes_on.strip_prefix(own.trim_end())
                    && (rest.is_empty() || begins_as(rest, char::is_whitespace))
                {
                    return Echoed { text: Cow::Owned(skip_blank(rest).to_owned()), hidden: None };
                }
                undecided |= own.starts_with(goes_on) && !ended;
            }
        }
    }
    if undecided {
        return nothing(None);
    }
    if breaks || context.on_blank_line() {
        return Echoed { text, hidden: None };
    }
    match own_line(context, &text).or_else(|| sigil(context, &text)) {
        Some(at) => {
            let rest = tail(&text, at);
            let hidden = rest.trim().is_empty().then_some(Hidden::RepeatsAbove);
            Echoed { text: Cow::Owned(rest.to_owned()), hidden }
        }
        None => Echoed { text, hidden: None },
    }
}

/// Whether a line repeats in good code by itself.
fn is_common(line: &str, context: &CursorContext<'_>) -> bool {
    line.len() < LEAST || context.language.closes(line) || !has(line, char::is_alphabetic)
}

/// Compares the lines `above` (nearest first) with the beginning of `text`, blank lines aside. An unfinished line
/// decides nothing: what it ends with may still be taken away.
fn compare(
    context: &CursorContext<'_>,
    above: &[Above<'_>],
    text: &str,
    ended: bool,
    breaks: bool,
) -> Comparison {
    let mut expected = above.iter().rev();
    let mut wanted = expected.next();
    let farthest = wanted.map_or(0, |line| line.columns);
    // Lines whose indentation differs from those above by as much as the cursor's are the same code in another block.
    let moved = context.column().cast_signed() - farthest.cast_signed();
    let (mut at, mut lines) = (0, 0);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let Some(line_above) = wanted else { break };
        if !bare.is_empty() {
            if !line.ends_with('\n') && !ended {
                return Comparison::Short { lines };
            }
            if bare != line_above.text {
                return Comparison::Differ;
            }
            let by = context.columns(line).cast_signed() - line_above.columns.cast_signed();
            if lines == 1 && by == moved && moved != 0 && !breaks {
                return Comparison::Differ;
            }
            lines += 1;
            wanted = expected.next();
        }
        at += line.len();
    }
    if wanted.is_none() { Comparison::Echo(at) } else { Comparison::Short { lines } }
}

/// The byte of `text` after the echo of the cursor's line, or of its end, if it begins with one.
fn own_line(context: &CursorContext<'_>, text: &str) -> Option<usize> {
    let from = text.len() - text.trim_start().len();
    let said = text.get(from..)?;
    let own = context.line_before.trim_start();
    let line = last_bytes(own, LINE);
    let mut last = ' ';
    let mut starts = Vec::new();
    for (at, c) in line.char_indices() {
        if !c.is_whitespace() && (at == 0 || last.is_whitespace() || (is_word(c) && !is_word(last))) {
            starts.push(at);
        }
        last = c;
    }
    let count = starts.len();
    starts.into_iter().enumerate().find_map(|(n, at)| {
        let tail = line.get(at..)?;
        let whole_line = n == 0 && line.len() == own.len();
        if !is_telling(context, tail, whole_line, n + 1 == count)
            && !is_letter_again(context, tail, said, whole_line)
        {
            return None;
        }
        if said.starts_with(tail) {
            return Some(from + tail.len());
        }
        // The blank before the cursor need not be said again in the same way.
        let bare = tail.trim_end();
        let rest = said.strip_prefix(bare)?;
        let apart = bare.len() < tail.len() && begins(rest, " \t:=");
        apart.then(|| from + bare.len() + (rest.len() - skip_blank(rest).len()))
    })
}

/// Whether an answer that begins with the end of the cursor's line says it again, rather than by chance.
fn is_telling(context: &CursorContext<'_>, tail: &str, whole_line: bool, last_word: bool) -> bool {
    const OPERATORS: &str = "= == === => -> <- := += -= && || != : |> ::";
    let bare = tail.trim_end();
    let spaced = bare.len() < tail.len();
    let opens_comment = context.language.block_comments.iter().any(|comment| comment.open == bare);
    if context.language.line_comments.contains(&bare)
        || opens_comment
        || whole_line && spaced && is_list_mark(bare)
        || is_among(bare, "/// //! /** ## ### * - >")
    {
        return whole_line || (last_word && spaced);
    }
    if is_among(bare, OPERATORS) {
        return spaced;
    }
    let letters = has(bare, char::is_alphabetic);
    if !letters || context.in_words() && !whole_line || bare == "long" {
        return false;
    }
    if whole_line {
        return bare.len() >= 2;
    }
    !bare.contains(',')
        && bare.len() >= if last_word { 2 } else { 3 }
        && (!context.language.is_prose || bare.contains(' '))
}

/// Whether an answer says a name of one letter again, `m = e` after `m `: what follows shows that it is no second word.
fn is_letter_again(context: &CursorContext<'_>, tail: &str, said: &str, whole_line: bool) -> bool {
    let bare = tail.trim_end();
    let Some(behind) = said.strip_prefix(bare).filter(|_| tail.len() == bare.len() + 1) else { return false };
    let language = context.language;
    // Elsewhere a blank is between a function or a command and what is given to it.
    let has_operators = match language.blocks {
        Blocks::Braces => true,
        Blocks::Indentation => !language.has_lifetimes,
        Blocks::Words | Blocks::Tags | Blocks::None => false,
    };
    let is_letter = bare.len() == 1 && begins_as(bare, char::is_alphabetic);
    is_letter
        && (whole_line || has_operators)
        && !context.in_words()
        && !language.is_prose
        && begins(skip_blank(behind), "=:<>+-*/%&|!")
}

/// Whether a line's beginning is the mark of an item in a numbered list.
fn is_list_mark(bare: &str) -> bool {
    bare.strip_suffix(['.', ')'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The byte of `text` after the echo of the operator or sigil right before the cursor, where both together are no
/// code: `items..iter()`, `@@property`, `##ff0000`.
fn sigil(context: &CursorContext<'_>, text: &str) -> Option<usize> {
    const SIGILS: &[&str] = &["->", "?.", "::", "</", "@", "$", "#", "&", "."];
    if context.in_words() {
        return None;
    }
    let line = context.line_before;
    let mark = SIGILS.iter().find(|mark| line.ends_with(**mark) && text.starts_with(**mark))?;
    let before = line.strip_suffix(mark)?.trim_end();
    let rest = text.get(mark.len()..)?;
    let name = run(rest, is_word).len();
    let called = begins(tail(rest, name), "(<");
    let doubles = match *mark {
        "." => match context.language.dots {
            _ if ends(before, ".0123456789") => false,
            Dots::Error => true,
            Dots::Range => called,
            Dots::Operator => false,
        },
        // Between two operands it may become a logical and.
        "&" => before.is_empty() || ends(before, "(,=[{:?|>"),
        // Token pasting.
        "#" => !before.starts_with('#') && !context.language.is_prose,
        "@" | "$" => !context.language.doubles_sigils,
        _ => true,
    };
    let attribute = *mark == "#" && rest.starts_with('[');
    (doubles && (name > 0 || attribute)).then_some(mark.len())
}
