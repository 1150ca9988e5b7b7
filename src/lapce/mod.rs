//! The only room that knows JSON-RPC.

pub mod documents;
#[cfg(target_os = "wasi")]
pub mod host;
pub mod rpc;
pub mod settings;
