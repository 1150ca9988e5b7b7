#![doc = include_str!("README.md")]
#![deny(missing_docs, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod event;
pub mod json_array;
#[cfg(any(test, feature = "oracle"))]
pub mod naive;
pub mod ndjson;
mod parser;
mod scan;
mod text;
mod undrawn;

#[cfg(test)]
mod tests;

use std::fmt;

pub use event::{SseEvent, parse_sse_chunk};
pub use parser::{Frame, Frames, Parser, Policy};

/// Bytes one frame may have when nothing else is said: 16 MiB. Frames with images in base64 have been
/// seen at 4 MiB (goclaw#1348) and clients with a cap of 1 MiB had to raise it (opencode#36343).
pub const DEFAULT_LIMIT: usize = 16 << 20;

/// Capacity a carry buffer keeps between frames, so that one big frame does not hold its memory
/// until the stream's end.
const RETAINED: usize = 64 << 10;

/// What a framer could not hand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A frame has more bytes than allowed. It is dropped; the frames after it are intact.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "one event of the stream has more than {limit} bytes"),
        }
    }
}

impl std::error::Error for Error {}
