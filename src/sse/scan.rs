//! The one pass over the bytes.

/// What [`line_end`] found.
pub(super) struct Line {
    /// Bytes before the line's end; all of them when the end is not there.
    pub len: usize,
    /// Whether those bytes are all ASCII, and so need no further look at their UTF-8.
    pub ascii: bool,
    /// Whether the line's end is there.
    pub ended: bool,
}

/// Finds the first `\n` or `\r`.
pub(super) fn line_end(bytes: &[u8]) -> Line {
    let end = memchr::memchr2(b'\n', b'\r', bytes);
    let len = end.unwrap_or(bytes.len());
    Line { len, ascii: bytes.get(..len).is_some_and(<[u8]>::is_ascii), ended: end.is_some() }
}
