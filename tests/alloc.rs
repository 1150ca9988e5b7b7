//! Steady-state streaming allocates nothing: a counting allocator around the pipeline.
//!
//! One test, for the counter is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ai_completion::stream::{
    ContentFilter, Decode, Done, FinishReason, Sink, StreamPipelineBuilder, StreamToken, TokenAccumulator,
};

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

/// One line is one token, borrowed from the chunk; a line cut by a chunk's edge goes over a buffer.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Decode for Lines {
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        let mut pieces = chunk.split_inclusive(|&byte| byte == b'\n');
        if !self.partial.is_empty()
            && let Some(rest) = pieces.next()
        {
            self.partial.extend_from_slice(rest);
            if rest.ends_with(b"\n") {
                sink.token(StreamToken::Text(str::from_utf8(&self.partial).unwrap().into()));
                self.partial.clear();
            }
        }
        for piece in pieces {
            if piece.ends_with(b"\n") {
                sink.token(StreamToken::Text(str::from_utf8(piece).unwrap().into()));
            } else {
                self.partial.extend_from_slice(piece);
            }
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        sink.token(StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 }));
    }
}

#[test]
fn a_pipeline_with_all_stages_allocates_nothing_after_the_first_tokens() {
    let filter = ContentFilter::new()
        .replace("colou?r", "hue")
        .and_then(|filter| filter.delete("(?s)/\\*.*?\\*/"))
        .and_then(|filter| filter.stop("<|endoftext|>"))
        .unwrap();
    let mut pipeline = StreamPipelineBuilder::new(Lines::default())
        .transform(filter)
        .transform(TokenAccumulator::new(24, 64))
        .metrics()
        .build();
    // Matches, half matches and plain text, in lines that chunks of 100 bytes cut everywhere.
    let body = "let x = 1;\nlet colour = <|end;\n/* a\ncomment\n*/ let color = 2;\ncol\nours\nдва 三 🦀\n"
        .repeat(20);
    let mut round = |bytes: &mut u64| {
        for (now, chunk) in body.as_bytes().chunks(100).enumerate() {
            pipeline.at(now as u64).acquire().unwrap();
            pipeline.push(chunk, &mut |token: StreamToken<'_>| {
                *bytes += token.text().map_or(0, str::len) as u64;
            });
            pipeline.release(usize::MAX);
        }
    };
    let mut delivered = 0;
    round(&mut delivered);
    let before = ALLOCATIONS.load(Relaxed);
    for _ in 0..100 {
        round(&mut delivered);
    }
    assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0);
    assert!(delivered > 100 * body.len() as u64 / 2);
}
