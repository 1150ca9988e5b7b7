//! Lapce as the host: its messages come through standard input, the plugin's go through standard output,
//! and an imported function tells Lapce to read one.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, RawFd};

use memchr::memchr;

use super::rpc::{CallError, Host, Rpc};
use crate::transport::Output;

/// Longer messages are dropped; far above any document that is kept. In bytes.
const MAX_LINE: usize = 64 << 20;

/// A line buffer that grew beyond this is freed, so that the memory can be reused. In bytes.
const KEEP_LINE: usize = 64 << 10;

const STDOUT: RawFd = 1;
const STDERR: RawFd = 2;

#[link(wasm_import_module = "lapce")]
unsafe extern "C" {
    fn host_handle_rpc();
    fn host_handle_stderr();
}

/// The editor this volt runs in.
#[derive(Debug, Default, Clone, Copy)]
pub struct Lapce;

impl Host for Lapce {
    fn send(&mut self, message: &[u8]) {
        if write(STDOUT, message) {
            // SAFETY: the import takes and gives nothing; it reads what was just written.
            unsafe { host_handle_rpc() };
        }
    }

    fn call(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        let mut line = Vec::new();
        read_line(&mut line);
        line
    }

    fn log(&mut self, text: &str) {
        if write(STDERR, [text, "\n"].concat().as_bytes()) {
            // SAFETY: the import takes and gives nothing; it reads what was just written.
            unsafe { host_handle_stderr() };
        }
    }
}

/// Lets Lapce run a program to its end.
///
/// # Errors
/// Lapce's message when it could not be started, or what came in place of an answer.
pub fn execute(program: &str, args: &[&str]) -> Result<Output, String> {
    Rpc::new(Lapce).execute(program, args).map_err(words)
}

/// Lets Lapce run a program as a language server, for as long as Lapce lives. Returns Lapce's number for it.
///
/// # Errors
/// What came in place of an answer.
pub fn start_language_server(program: &str, args: &[&str]) -> Result<u64, String> {
    Rpc::new(Lapce).start_language_server(program, args).map_err(words)
}

/// Sends a request to a language server and waits for its answer.
///
/// # Errors
/// What came instead of an answer.
pub fn send_lsp_request(server: u64, method: &str, params: &str) -> Result<(), String> {
    Rpc::new(Lapce).send_lsp_request(server, method, params).map_err(words)
}

fn words((CallError::Refused(words) | CallError::Unanswered(words)): CallError) -> String {
    words
}

/// Writes all bytes to one of the standard streams. Returns whether that worked. They are buffers of the host, so it
/// does not fail, and an error could not be reported.
///
/// `std::io::stdout` would add 2 KB of code.
#[inline(never)]
fn write(stream: RawFd, bytes: &[u8]) -> bool {
    // SAFETY: the standard streams are open as long as the volt lives, and `ManuallyDrop` does not close them.
    let mut file = ManuallyDrop::new(unsafe { File::from_raw_fd(stream) });
    file.write_all(bytes).is_ok()
}

/// Reads the next message of the host into `line`. Returns whether there was one.
pub fn read_line(line: &mut Vec<u8>) -> bool {
    line.clear();
    line.shrink_to(KEEP_LINE);
    let mut stdin = io::stdin().lock();
    let mut is_kept = true;
    loop {
        let Ok(part) = stdin.fill_buf() else {
            // The part that was read is lost; the rest will be refused as malformed.
            line.clear();
            return false;
        };
        let end = memchr(b'\n', part);
        let len = end.map_or(part.len(), |at| at + 1);
        is_kept &= line.len() + len <= MAX_LINE;
        if is_kept {
            line.extend_from_slice(part.get(..len).unwrap_or_default());
        }
        stdin.consume(len);
        if end.is_some() || len == 0 {
            break;
        }
    }
    if !is_kept {
        line.clear();
    }
    !line.is_empty()
}
