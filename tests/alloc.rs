//! Steady-state streaming allocates nothing: a counting allocator around the pipeline.
//!
//! One test, for the counter is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ai_completion::provider;
use ai_completion::stream::{ContentFilter, StreamPipelineBuilder, StreamToken, TokenAccumulator};

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

/// A stream of chat completions that writes `text` in pieces of a few characters.
fn body(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let event = |piece: &[char]| {
        let content = serde_json::to_string(&piece.iter().collect::<String>()).unwrap();
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":{content}}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    chars.chunks(5).map(event).collect()
}

#[test]
fn a_pipeline_with_all_stages_allocates_nothing_once_it_is_warm() {
    // Matches, half matches and plain text; escapes and characters of all lengths.
    let text =
        "let x = \"1\";\nlet colour = <|end;\n/* a\ncomment\n*/ let color = 2;\ncol\nours\nдва 三 🦀\n"
            .repeat(4);
    let body = body(&text);
    for chunk_size in [1, 100, 1460, 64 * 1024] {
        let filter = ContentFilter::new()
            .replace("colou?r", "hue")
            .and_then(|filter| filter.delete("(?s)/\\*.*?\\*/"))
            .and_then(|filter| filter.stop("<|endoftext|>"))
            .unwrap();
        let mut pipeline = StreamPipelineBuilder::new(provider::find("openai").unwrap().decoder())
            .transform(filter)
            .transform(TokenAccumulator::new(24, 64))
            .metrics()
            .build();
        let (mut now, mut delivered) = (0, 0);
        let mut round = || {
            for chunk in body.as_bytes().chunks(chunk_size) {
                now += 1;
                pipeline.at(now).acquire().unwrap();
                pipeline.push(chunk, &mut |token: StreamToken<'_>| {
                    delivered += token.text().map_or(0, str::len);
                });
                pipeline.release(usize::MAX);
            }
        };
        // Chunks cut the body elsewhere in each round; after some, the buffers are as large as it takes.
        (0..20).for_each(|_| round());
        let before = ALLOCATIONS.load(Relaxed);
        (0..20).for_each(|_| round());
        assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0, "chunks of {chunk_size}");
        let filtered =
            text.len() - 4 * ("/* a\ncomment\n*/".len() + "colour".len() + "color".len() - 2 * "hue".len());
        assert!(delivered.abs_diff(40 * filtered) <= 64, "{delivered}");
    }
}
