//! Any bytes in place of a response's head: no panic, and chunking changes nothing.
//! First byte: the size of the chunks.

#![no_main]

use ai_completion::transport::head::HeadReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    assert_eq!(read(bytes, usize::from(*size).max(1)), read(bytes, usize::MAX));
});

/// The head and all bytes behind it; `None` when it is not there or none.
fn read(bytes: &[u8], size: usize) -> Option<(String, Vec<u8>)> {
    let mut reader = HeadReader::default();
    let mut chunks = bytes.chunks(size);
    while let Some(chunk) = chunks.next() {
        if let Some((head, mut body)) = reader.push(chunk).ok()? {
            chunks.for_each(|chunk| body.extend_from_slice(chunk));
            return Some((format!("{head:?}"), body));
        }
    }
    None
}
