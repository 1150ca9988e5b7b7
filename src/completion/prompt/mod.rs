//! What goes into a prompt: the text around the cursor ([`window`]) and what else may help: pieces of other documents
//! that resemble it ([`similar`]), definitions of the names it uses ([`definitions`]), and where and how the user has
//! been writing ([`recent_edits`]). Invisible characters are removed ([`clean`]), and secrets are masked ([`masks`]).

mod clean;
mod definitions;
mod masks;
mod recent_edits;
mod similar;
mod window;

pub use clean::clean;
pub use definitions::{Definitions, Search};
pub use recent_edits::RecentEdits;
pub use similar::SimilarIndex;
pub use window::{Budget, Wish, prompt};
