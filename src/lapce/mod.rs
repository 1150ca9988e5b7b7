//! The only room that knows JSON-RPC.

pub mod documents;
#[cfg(target_os = "wasi")]
pub mod host;
mod lane;
mod language;
mod ledger;
pub mod plugin;
pub mod rpc;
pub mod settings;
pub mod status;
