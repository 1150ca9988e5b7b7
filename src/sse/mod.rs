//! Bytes to frames: server-sent events, and beside them lines of JSON and one long JSON array.
//!
//! The three framers share their manner. They are fed chunks as these arrive, cut anywhere, and lend
//! out frames that borrow from the chunk; only what crosses a chunk edge is copied, once, into a
//! buffer that is used again. Any chunking of the same bytes gives the same frames. Bytes that are
//! not UTF-8 become U+FFFD, one frame over the limit becomes one [`Error`], and what follows is intact.
//!
//! Beside them stand the scans by which frames are understood, [`json`] and [`template`]. All of it is a crate
//! of its own for one reason: it is compiled for speed, the rest of the plugin for size.
//!
//! ```
//! let mut parser = sse::Parser::new();
//! let mut seen = Vec::new();
//! for chunk in [": hello\nevent: delta\nda", "ta: {\"text\":\"a\"}\n\ndata: [DO", "NE]\n\n"] {
//!     let mut frames = parser.feed(chunk.as_bytes());
//!     while let Some(frame) = frames.next() {
//!         let frame = frame?;
//!         seen.push(format!("{} {}", frame.event, frame.data));
//!     }
//! }
//! assert_eq!(seen, ["delta {\"text\":\"a\"}", "message [DONE]"]);
//! # Ok::<(), sse::Error>(())
//! ```

pub mod json;
pub mod json_array;
mod lanes;
pub mod ndjson;
mod parser;
mod scan;
pub mod template;
mod text;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use std::fmt;

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
