//! A headless Lapce: it runs a volt as Lapce does and shows what its user would see. Beside it a model's server
//! to test it against, and what makes a volt's folder of a cargo package.
//!
//! [`editor`] is the window as a pure model. With the feature `wasm` (default), [`Lapce`] runs a real volt in it:
//! wasmtime 14, the imports `lapce.*` and `wasi_experimental_http.*`, one thread, one message at a time. Nothing
//! here knows a particular volt.

#[cfg(feature = "tool")]
pub mod archive;
#[cfg(feature = "wasm")]
pub mod build;
#[cfg(feature = "wasm")]
mod evidence;
#[cfg(feature = "wasm")]
mod folder;
#[cfg(feature = "wasm")]
mod http;
#[cfg(feature = "wasm")]
mod lapce;
#[cfg(feature = "wasm")]
mod lsp;
#[cfg(feature = "tool")]
pub mod plugin_page;
#[cfg(feature = "wasm")]
mod process;
#[cfg(feature = "wasm")]
pub mod program;
#[cfg(feature = "wasm")]
mod psp;
#[cfg(feature = "wasm")]
pub mod server;
pub mod typist;
#[cfg(feature = "wasm")]
mod volt;
#[cfg(feature = "wasm")]
mod volt_toml;
#[cfg(feature = "wasm")]
mod wall_clock;
#[cfg(feature = "wasm")]
pub mod weight;
#[cfg(feature = "wasm")]
mod window;

/// The window as a pure model.
pub use lapce_editor as editor;

#[cfg(feature = "wasm")]
pub use evidence::{
    Answers, Evidence, Executed, Heard, LanguageServer, Painted, Quantiles, Tab, Told, TypedAlong, WakeUp,
};
#[cfg(feature = "wasm")]
pub use lapce::{Lapce, Pace, Setup};
#[cfg(feature = "wasm")]
pub use process::Process;
#[cfg(feature = "wasm")]
pub use volt_toml::VoltToml;
