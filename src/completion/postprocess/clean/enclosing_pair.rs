//! Removes a repetition of the quote or bracket left of the cursor. Editors close them while typing, so this is where strings
//! and argument lists begin.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::lexer::{Lexer, Mark};
use crate::completion::postprocess::lines::definitions;
use crate::completion::text::{begins, ends_with_one, first_line, head, run_back, skip, skip_blank, tail};

/// The answer without that quote or bracket; `None` while that depends on text that has not come.
pub(super) fn strip<'t>(context: &CursorContext<'_>, text: &'t str, ended: bool) -> Option<&'t str> {
    let answer = skip_blank(text);
    if let Some(literal) = context.literal {
        return Some(without_quote(context, literal, answer, ended).unwrap_or(text));
    }
    if context.in_words() {
        return Some(text);
    }
    if let Some(quote) = context.unlexed_quote()
        && let Some(rest) = answer.strip_prefix(quote)
    {
        let line = first_line(rest);
        let over = ended || line.len() < rest.len();
        return line.find(quote).map(|end| head(line, end)).or(over.then_some(text));
    }
    let before = context.line_before.trim_end();
    let opener = before.chars().next_back().unwrap_or_default();
    let Some(inner) = answer.strip_prefix(opener) else { return Some(text) };
    let closer = match opener {
        '{' if opens_body(context, before) => return Some(inner),
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        _ => return Some(text),
    };
    if !context.line_after.trim_start().starts_with(closer) {
        return Some(text);
    }
    // The lexer knows no angle brackets, and what they enclose is on one line.
    let angle = opener == '<';
    let end =
        if angle { first_line(inner).rfind(closer).map(|at| at + 2) } else { end_of_pair(context, answer) };
    let Some(end) = end else {
        return if ended || angle && inner.contains('\n') { Some(text) } else { None };
    };
    let rest = tail(answer, end);
    let line = match rest.split_once('\n') {
        Some((line, _)) => line,
        None if ended => rest,
        None => return None,
    };
    // Only if the pair is the whole answer is it the one in the document.
    let whole = skip(line, " \t\r;").is_empty();
    // No other rule cuts at an angle bracket.
    let inner = if angle { head(tail(answer, 1), end - 2) } else { inner };
    Some(if whole { inner } else { text })
}

/// The answer without the beginning of the literal the cursor is in, `literal`, if it says it again.
fn without_quote<'t>(
    context: &CursorContext<'_>,
    literal: &str,
    answer: &'t str,
    ended: bool,
) -> Option<&'t str> {
    let quote = context.lexer.quote()?;
    // A letter or sign before the quote belongs to it, `$"`; of `f"` a model may say the quote alone.
    let before = context.line_before.strip_suffix(literal)?;
    let sign = run_back(before, |c| !c.is_whitespace() && !"([{,=".contains(c));
    let signed = tail(context.line_before, before.len() - sign.len());
    let empty = literal == quote.open;
    let rest = answer
        .strip_prefix(signed)
        .or_else(|| answer.strip_prefix(literal))
        .or_else(|| answer.strip_prefix(quote.close).filter(|_| empty))?;
    // A quote at once, or punctuation, closes the literal that is there.
    if begins(rest.trim_start(), ",;)]}+.:") && empty {
        return None;
    }
    let line = first_line(rest);
    let closed = line.contains(quote.close);
    let goes_on = quote.spans_lines && (ended || line.len() < rest.len());
    (closed || goes_on).then_some(rest)
}

/// Whether the brace that ends `before` opens the body of something rather than a list of values.
fn opens_body(context: &CursorContext<'_>, before: &str) -> bool {
    let head = before.strip_suffix('{').unwrap_or_default().trim_end();
    context.language.blocks == Blocks::Braces
        && (head.is_empty() && context.open.iter().rev().nth(1).is_none_or(|outer| *outer == '}')
            || head.ends_with(')')
            || head.ends_with("=>")
            || definitions::is_definition(before)
            || ends_with_one(head, &["else", "do", "try", "finally", "loop", "unsafe"]))
}

/// The byte after the bracket that closes the one `text` begins with.
fn end_of_pair(context: &CursorContext<'_>, text: &str) -> Option<usize> {
    let mut lexer = Lexer::new(context.language);
    let mut open = Vec::new();
    let mut end = None;
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        lexer.line(line, &mut |at, mark| {
            mark.follow(&mut open);
            if end.is_none() && open.is_empty() && matches!(mark, Mark::Close(_)) {
                end = Some(from + at + 1);
            }
        });
        if end.is_some() {
            break;
        }
        from += line.len();
    }
    end
}
