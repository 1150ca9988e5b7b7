//! An answer that brings the quote or bracket again that stands left of the cursor: editors close them on typing, so
//! this is where strings and argument lists begin.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::lexer::{Lexer, Mark};

/// The answer without that quote or bracket; `None` while that depends on text that has not come.
pub(super) fn strip<'t>(context: &CursorContext<'_>, text: &'t str, ended: bool) -> Option<&'t str> {
    let answer = text.trim_start_matches([' ', '\t']);
    if let Some(literal) = context.literal {
        return Some(without_quote(context, literal, answer, ended).unwrap_or(text));
    }
    if context.in_words() {
        return Some(text);
    }
    let before = context.line_before.trim_end();
    let Some(opener) = before.chars().next_back().filter(|c| matches!(c, '(' | '[' | '{')) else {
        return Some(text);
    };
    let Some(inner) = answer.strip_prefix(opener) else { return Some(text) };
    if opener == '{' && opens_body(context, before) {
        return Some(inner);
    }
    let closer = match opener {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    if !context.line_after.trim_start().starts_with(closer) {
        return Some(text);
    }
    match end_of_pair(context, answer) {
        // Only where the pair is the whole answer is it the one that stands there.
        Some(end) => {
            let rest = answer.get(end..).unwrap_or_default();
            let (line, finished) = match rest.split_once('\n') {
                Some((line, _)) => (line, true),
                None => (rest, ended),
            };
            if !finished {
                return None;
            }
            let whole = line.trim_matches([' ', '\t', '\r', ';']).is_empty();
            Some(if whole { inner } else { text })
        }
        None if ended => Some(text),
        None => None,
    }
}

/// The answer without the beginning of the literal the cursor stands in, `literal`, if it says it again.
fn without_quote<'t>(
    context: &CursorContext<'_>,
    literal: &str,
    answer: &'t str,
    ended: bool,
) -> Option<&'t str> {
    let quote = context.lexer.quote()?;
    // Of `f"` a model may say the quote alone.
    let alone = (literal == quote.open).then_some(quote.close);
    let rest = [Some(literal), alone].into_iter().flatten().find_map(|mark| answer.strip_prefix(mark))?;
    // A quote at once, or punctuation, closes the literal that stands there.
    if rest.trim_start().starts_with([',', ';', ')', ']', '}', '+', '.', ':']) && literal == quote.open {
        return None;
    }
    let line = rest.split('\n').next().unwrap_or_default();
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
            || ["else", "do", "try", "finally", "loop", "unsafe"].iter().any(|word| head.ends_with(word)))
}

/// The byte behind the bracket that closes the one `text` begins with.
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
