//! Suggestions that need no request: earlier answers for the same position ([`cache`]), other answers for it ([`alternatives`]), and
//! what the model wrote after an accepted block ([`continuation`]).

mod alternatives;
mod cache;
mod continuation;

pub use alternatives::Alternatives;
pub use cache::Cache;
pub use continuation::Continuation;
