//! Whether to ask: the user's rules ([`policy`], by [`globs`] of files) and consent ([`consent`]); and how long after a
//! key ([`debounce`], with [`feedback`]).

mod consent;
mod debounce;
mod feedback;
mod globs;
mod policy;

pub use consent::{Asked, Consent};
pub use debounce::{Debounce, Eagerness};
pub use globs::{Glob, Globs};
pub use policy::{CODE_AFTER, Gate, Gates, Trigger};
