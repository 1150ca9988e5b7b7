//! A headless Lapce: it runs a volt as Lapce does and shows what its user would see. Beside it a model's server
//! to test it against, and what makes a volt's folder of a cargo package.

#[cfg(feature = "wasm")]
pub mod build;
pub mod editor;
pub mod server;
