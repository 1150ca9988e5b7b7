//! AI completion for Lapce. See `ARCHITECTURE.md` for the map.

pub mod completion;
pub mod config;
pub mod http;
mod json_tree;
pub mod lapce;
pub mod local_model;
pub mod provider;
pub mod statistics;
pub use {json, sse};
pub mod stream;
pub mod transport;
mod unseen;
