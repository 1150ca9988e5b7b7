//! The only room that knows JSON-RPC.

pub mod documents;
