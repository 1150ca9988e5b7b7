//! What the transport needs from outside the sandbox.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Output, Reply};
use crate::http::HttpRequest;

/// The machine around the plugin.
pub trait AgentHost {
    /// Milliseconds of a clock that never goes back.
    fn now_ms(&self) -> u64;

    /// A random number.
    fn random(&self) -> u64;

    /// Lets the host run a program to its end.
    ///
    /// # Errors
    /// The host's message when the program could not be started.
    fn execute(&mut self, program: &str, args: &[&str]) -> Result<Output, String>;

    /// Lets the host start a program as a language server (`host/startLspServer`) and returns its number once it has
    /// answered `initialize`.
    ///
    /// # Errors
    /// The host's message when the program could not be started.
    fn start_language_server(&mut self, program: &str, args: &[&str]) -> Result<u64, String>;

    /// Sends a request to a language server (`host/sendLspRequest`) and waits for its answer. The host logs it.
    ///
    /// # Errors
    /// The host's message when there was no answer.
    fn send_lsp_request(&mut self, server: u64, method: &str, params: &str) -> Result<(), String>;

    /// Opens a named pipe in non-blocking mode: reading an empty or writing a full one returns `WouldBlock`.
    ///
    /// # Errors
    /// When it does not exist or cannot be opened.
    fn open_pipe(&mut self, path: &Path, access: Access) -> io::Result<File>;

    /// Sends a request by the host's own HTTP client and waits for the whole answer, of which it keeps at most
    /// `limit` bytes.
    ///
    /// # Errors
    /// The error number of `wasi_experimental_http`.
    fn http(&mut self, request: &HttpRequest, limit: usize) -> Result<Reply, u32>;
}

/// How a pipe is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading. If there is no writer, the host may wait for one.
    Read,
    /// For reading and writing, which never waits for the other side.
    ReadWrite,
}
