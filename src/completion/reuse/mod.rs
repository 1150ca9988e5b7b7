//! What need not be asked: answers for places seen before ([`cache`]), other answers for this place ([`alternatives`]), and
//! what the model wrote past the block that was taken ([`continuation`]).

mod alternatives;
mod cache;
mod continuation;

pub use alternatives::Alternatives;
pub use cache::Cache;
pub use continuation::Continuation;
