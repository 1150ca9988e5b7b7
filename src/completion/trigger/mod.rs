//! Whether to ask ([`policy`]) and how long after a key ([`debounce`]).

mod debounce;
mod policy;

pub use debounce::Debounce;
pub use policy::{Gate, Gates, Trigger};
