//! One file per wire format: a prompt becomes an HTTP request, frames become tokens, an error body
//! becomes an [`Error`]. Nothing here does IO.

mod error;
mod prompt;

pub use error::Error;
pub use prompt::{Account, FimSetting, HttpRequest, Prompt, Seam, Secret, Snippet};
