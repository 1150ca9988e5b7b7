//! AI completion for Lapce. See `ARCHITECTURE.md` for the map.

// A room's documentation names its private files too: it is read by those who work there.
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
