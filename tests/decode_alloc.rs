//! Decoding allocates nothing once it is warm, whichever the format: a counting allocator around decoders.
//!
//! One test, for the counter is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ai_completion::provider;
use ai_completion::stream::{Decode, StreamToken};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands every call on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One piece of text with escapes, as each format frames it.
const PIECES: &[(&str, &[u8])] = &[
    ("openai", b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\n\\u00e9\"}}]}\n\n"),
    (
        "openai-responses",
        b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\\n\"}\n\n",
    ),
    (
        "anthropic",
        b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\n\"} }\n\n",
    ),
    (
        "gemini",
        b"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\\n\"}]},\"finishReason\": \"STOP\"}],\"usageMetadata\": {\"promptTokenCount\": 8}}\r\n\r\n",
    ),
    ("ollama", b"{\"model\":\"m\",\"response\":\"a\\n\",\"done\":false}\n"),
    ("llama-cpp", b"data: {\"index\":0,\"content\":\"a\\n\",\"tokens\":[5],\"stop\":false}\n\n"),
    // {"contentBlockIndex":0,"delta":{"text":"a\n"}} in an event-stream frame with its checksums.
    (
        "bedrock",
        b"\x00\x00\x00t\x00\x00\x006\xa6\xca\x0c\xff\x0b:event-type\x07\x00\x11contentBlockDelta\x0d:message-type\x07\x00\x05event{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\\n\"}}?%^\x17",
    ),
];

#[test]
fn every_format_decodes_without_allocating_once_it_is_warm() {
    for (name, piece) in PIECES {
        let body = piece.repeat(500);
        for chunk_size in [7, 1460, body.len()] {
            let mut decoder = provider::find(name).unwrap().decoder();
            let mut texts = 0;
            let mut sink =
                |token: StreamToken<'_>| texts += usize::from(matches!(token, StreamToken::Text(_)));
            let mut round = || body.chunks(chunk_size).for_each(|chunk| decoder.feed(chunk, &mut sink));
            // In the first rounds the buffers grow to what it takes.
            (0..3).for_each(|_| round());
            let before = ALLOCATIONS.load(Relaxed);
            (0..3).for_each(|_| round());
            let allocations = ALLOCATIONS.load(Relaxed) - before;
            assert_eq!((allocations, texts), (0, 6 * 500), "{name} at chunk size {chunk_size}");
        }
    }
}
