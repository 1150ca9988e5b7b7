//! What need not be asked: answers for places seen before ([`cache`]), and what the model wrote past the block that was
//! taken ([`continuation`]).

mod cache;
mod continuation;

pub use cache::Cache;
pub use continuation::Continuation;
