//! AI completion for Lapce. See `ARCHITECTURE.md` for the map.

// The documentation of a module links to its private modules, for those who work on it.
#![allow(rustdoc::private_intra_doc_links)]

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
