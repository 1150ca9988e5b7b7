//! Ghost text on the screen: what is drawn and bound to Tab ([`screen`]), the editor's requests to draw through
//! ([`requests`]), when drawing is safe ([`barrier`]), and when to be woken to draw more ([`wakeups`]).

mod barrier;
mod requests;
mod screen;
mod wakeups;

pub use barrier::Barrier;
pub use requests::{MOST as MOST_REQUESTS, OpenRequests};
pub use screen::{Change, Leftover, Screen};
pub use wakeups::{Read, Wakeups};

/// How much of a suggestion Tab inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accept {
    /// All of it.
    #[default]
    All,
    /// One line. Tab inserts what Lapce draws, so the next line is drawn once this one is accepted.
    Line,
}
