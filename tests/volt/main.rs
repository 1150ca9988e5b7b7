//! The plugin as it is released, end to end: its wasm in a headless Lapce, real curl, a real HTTP server.
//!
//! One test binary, so that the wasm is built and compiled once. What a room does by itself is tested there;
//! here is what only the whole can show: what the user sees, what the machine sees, and how long it takes.

mod attacks;
mod caret;
mod documents;
mod filter;
mod growing;
mod leftovers;
mod local;
mod onwards;
mod providers;
mod refusals;
mod secrets;
mod session;
mod spine;
mod stage;
mod targets;
mod without;
