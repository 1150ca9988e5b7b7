//! Whether to ask: the user's rules ([`policy`], by [`globs`] of files) and consent ([`consent`]); and how long after a
//! key ([`debounce`]).

mod consent;
mod debounce;
mod globs;
mod policy;

pub use consent::{Asked, Consent};
pub use debounce::{Debounce, ends_thought};
pub use globs::{Glob, Globs};
pub use policy::{CODE_AFTER, Gate, Gates, Trigger};
