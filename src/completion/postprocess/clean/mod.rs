//! Takes away what is not code: rules about the answer as a whole, in the order in which they apply.

mod code_fence;
mod control_chars;
mod prefix_echo;
mod reasoning;
mod special_tokens;

use std::borrow::Cow;

use super::Hidden;
use super::cursor_context::CursorContext;

/// The code within a raw answer.
pub(super) struct Cleaned<'r> {
    pub(super) text: Cow<'r, str>,
    /// What follows does not belong to the answer.
    pub(super) over: bool,
    /// Nothing is left, and this is why.
    pub(super) hidden: Option<Hidden>,
}

/// The code within the raw text received so far; `ended`: no more will come.
pub(super) fn clean<'r>(context: &CursorContext<'_>, raw: &'r str, ended: bool) -> Cleaned<'r> {
    let answer = reasoning::skip(raw, ended);
    let (text, leaked) = special_tokens::cut(context, answer, ended);
    let fenced = code_fence::unwrap(context, text, ended || leaked);
    let over = leaked || fenced.over;
    let text = control_chars::strip(fenced.text);
    let echoed = prefix_echo::strip(context, text, ended || over);
    Cleaned { text: echoed.text, over, hidden: fenced.hidden.or(echoed.hidden) }
}
