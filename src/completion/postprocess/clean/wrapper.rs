//! A tag or backquotes around the whole answer.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;

/// The answer inside a wrapper, or the answer itself.
pub(super) struct Unwrapped<'t> {
    pub(super) text: &'t str,
    /// What follows does not belong to the answer.
    pub(super) over: bool,
}

/// Takes the tag around an answer away, `<code>…</code>` or `<completion>` on a line of its own, where tags are no
/// code.
pub(super) fn unwrap<'t>(context: &CursorContext<'_>, text: &'t str) -> Unwrapped<'t> {
    let plain = Unwrapped { text, over: false };
    let Some((name, inside)) = opening_tag(text.trim_start()) else { return plain };
    let language = context.language;
    let code = context.in_words()
        || language.is_prose
        || language.blocks == Blocks::Tags
        // JSX: only what is no element.
        || language.has_jsx && !["answer", "completion", "response", "insertion", "result"].contains(&name)
        || context.line_before.trim_start().starts_with('#');
    if code {
        return plain;
    }
    let line = inside.split('\n').next().unwrap_or_default();
    let own_line = line.trim().is_empty() && line.len() < inside.len();
    let close = format!("</{name}>");
    match inside.find(&close) {
        Some(end) if own_line || end <= line.len() => {
            let text = inside.get(..end).unwrap_or_default();
            let text = if own_line { text.get(line.len() + 1..).unwrap_or_default() } else { text };
            Unwrapped { text: text.trim_end(), over: true }
        }
        _ if own_line => {
            // While it may be the beginning of the closing tag, a part of a line is held back.
            let text = inside.get(line.len() + 1..).unwrap_or_default();
            let last = text.rfind('<').and_then(|at| Some((at, text.get(at..)?)));
            let end = last.filter(|(_, tail)| close.starts_with(tail)).map_or(text.len(), |(at, _)| at);
            Unwrapped { text: text.get(..end).unwrap_or_default(), over: false }
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
