//! A headless Lapce, and the model's server it is tested against.

pub mod build;
pub mod server;
