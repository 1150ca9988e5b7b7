//! Bytes of a chunk whose frames were dropped before all were drawn.

/// Bytes that come before those of the next chunk. Empty unless a caller stops in the middle of a chunk.
#[derive(Debug, Default)]
pub(super) struct Undrawn {
    bytes: Vec<u8>,
    /// How many of them were read since.
    read: usize,
}

impl Undrawn {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn add(&mut self, rest: &[u8]) {
        self.bytes.extend_from_slice(rest);
    }

    /// Takes the bytes out, to be read from the position that comes with them.
    pub(super) fn take(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.read))
    }

    /// Puts back what [`take`](Self::take) gave, read up to `read`.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>, read: usize) {
        if read >= bytes.len() {
            bytes.clear();
            bytes.shrink_to(super::RETAINED);
        }
        self.read = if bytes.is_empty() { 0 } else { read };
        self.bytes = bytes;
    }
}
