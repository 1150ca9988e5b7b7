//! Tokens and what is done to them on their way.

mod token;

pub use token::*;
