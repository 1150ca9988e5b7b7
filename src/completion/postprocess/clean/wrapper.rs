//! Removes a tag or backquotes around the whole answer.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::text::{first_line, head, is_among, is_blank, tail};

/// The answer inside a wrapper, or the answer itself.
pub(super) struct Unwrapped<'t> {
    pub(super) text: &'t str,
    /// What follows does not belong to the answer.
    pub(super) over: bool,
}

/// Removes the tag around an answer, `<code>…</code>` or `<completion>` on a separate line, in languages where tags are not
/// code.
pub(super) fn unwrap<'t>(context: &CursorContext<'_>, text: &'t str) -> Unwrapped<'t> {
    let plain = Unwrapped { text, over: false };
    let Some((name, inside)) = opening_tag(text.trim_start()) else { return plain };
    let language = context.language;
    let code = context.in_words()
        || language.is_prose
        || language.blocks == Blocks::Tags
        // JSX: only what is no element.
        || language.has_jsx && !is_among(name, "answer completion response insertion result")
        || context.line_before.trim_start().starts_with('#');
    if code {
        return plain;
    }
    let line = first_line(inside);
    let own_line = is_blank(line) && line.len() < inside.len();
    let close = format!("</{name}>");
    match inside.find(&close) {
        Some(end) if own_line || end <= line.len() => {
            let text = head(inside, end);
            let text = if own_line { tail(text, line.len() + 1) } else { text };
            Unwrapped { text: text.trim_end(), over: true }
        }
        _ if own_line => {
            // While it may be the beginning of the closing tag, a part of a line is held back.
            let text = tail(inside, line.len() + 1);
            let last = text.rfind('<').filter(|at| close.starts_with(tail(text, *at)));
            Unwrapped { text: head(text, last.unwrap_or(text.len())), over: false }
        }
        _ => plain,
    }
}

/// The name of the tag that a text begins with, and what follows.
fn opening_tag(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('<')?;
    let end = rest.find('>')?;
    let name = rest.get(..end)?;
    let is_name =
        name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    is_name.then_some((name, rest.get(end + 1..)?))
}
