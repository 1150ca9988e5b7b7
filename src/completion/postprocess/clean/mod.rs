//! Removes what is not code: rules about the answer as a whole, in the order in which they apply.

mod code_fence;
mod enclosing_pair;
mod prefix_echo;
mod reasoning;
mod refusal;
mod special_tokens;
mod wrapper;

use std::borrow::Cow;

pub use special_tokens::break_up as break_up_special_tokens;

use super::Hidden;
use super::cursor_context::CursorContext;
use crate::unseen;

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
    let text = reasoning::skip_unopened(context, text, ended || leaked);
    let wrapped = wrapper::unwrap(context, text);
    let fenced = code_fence::unwrap(context, wrapped.text, ended || leaked || wrapped.over);
    let over = leaked || wrapped.over || fenced.over;
    let ended = ended || over;
    let nothing = |hidden| Cleaned { text: Cow::Borrowed(""), over, hidden };
    let words = if fenced.hidden.is_some() { wrapped.text } else { fenced.text };
    match refusal::is_refusal(context, words, ended) {
        Some(false) => {}
        Some(true) => return Cleaned { over: true, ..nothing(Some(Hidden::NothingToAdd)) },
        None => return nothing(None),
    }
    let text = unseen::strip(fenced.text);
    let echoed = prefix_echo::strip(context, text, ended);
    let hidden = fenced.hidden.or(echoed.hidden);
    match enclosing_pair::strip(context, &echoed.text, ended) {
        Some(inner) if inner.len() < echoed.text.len() => {
            Cleaned { text: Cow::Owned(inner.to_owned()), over, hidden }
        }
        Some(_) => Cleaned { text: echoed.text, over, hidden },
        None => nothing(hidden),
    }
}
