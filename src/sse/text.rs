//! Bytes to text as the Encoding Standard's "UTF-8 decode" does it: what is malformed becomes U+FFFD.

/// The bytes as text, when they are UTF-8. `ascii` spares the look at them.
#[inline]
pub(super) fn utf8(bytes: &[u8], ascii: bool) -> Option<&str> {
    if ascii {
        debug_assert!(bytes.is_ascii());
        // SAFETY: ASCII is UTF-8; the scan that found the line's end saw no byte above 0x7F.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    #[cfg(test)]
    super::scan::count::CHECKED.with(|count| count.set(count.get() + bytes.len()));
    std::str::from_utf8(bytes).ok()
}

/// Bytes of one frame, gathered over chunk edges and lines.
#[derive(Debug, Default)]
pub(super) struct Carry {
    bytes: Vec<u8>,
    /// Whether a byte above 0x7F is among them.
    wide: bool,
}

impl Carry {
    // Called at chunk edges only; in wasm each copy of it counts.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub(super) fn push(&mut self, bytes: &[u8], ascii: bool) {
        self.bytes.extend_from_slice(bytes);
        self.wide |= !ascii;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets the bytes and gives back what is above [`super::RETAINED`].
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > super::RETAINED {
            self.shrink();
        }
        self.wide = false;
    }

    #[cold]
    #[inline(never)]
    fn shrink(&mut self) {
        self.bytes.shrink_to(super::RETAINED);
    }

    /// The bytes as text. What is malformed is replaced in place, so that it is done once.
    pub(super) fn text(&mut self) -> &str {
        if utf8(&self.bytes, !self.wide).is_none() {
            self.bytes = String::from_utf8_lossy(&self.bytes).into_owned().into_bytes();
        }
        debug_assert!(std::str::from_utf8(&self.bytes).is_ok());
        // SAFETY: without `wide` every byte came from a part that is ASCII; with it they were just
        // found to be UTF-8 or replaced by the bytes of a `String`.
        unsafe { std::str::from_utf8_unchecked(&self.bytes) }
    }
}
