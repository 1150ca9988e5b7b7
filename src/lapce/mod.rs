//! The only room that knows JSON-RPC.

pub mod documents;
#[cfg(target_os = "wasi")]
pub mod host;
mod lane;
mod language;
pub mod plugin;
pub mod rpc;
pub mod status;
