//! The only room that knows JSON-RPC.

pub mod documents;
pub mod driver;
#[cfg(target_os = "wasi")]
pub mod host;
mod languages;
pub mod notifier;
pub mod rpc;

pub(crate) use languages::language_ids;
