//! What goes into a prompt: the text around the cursor ([`window`]) and what else may help: pieces of other documents
//! that resemble it ([`similar`]), and where the user has been writing ([`recent_edits`]). Nothing goes in that nobody
//! sees ([`clean`]), and secrets are masked ([`masks`]).

mod clean;
mod masks;
mod recent_edits;
mod similar;
mod window;

pub use clean::clean;
pub use recent_edits::RecentEdits;
pub use similar::SimilarIndex;
pub use window::{Budget, Wish, prompt};
