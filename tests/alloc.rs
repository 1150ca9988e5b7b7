//! Steady-state streaming allocates nothing: a counting allocator around the pipeline.
//!
//! One test, for the counter is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ai_completion::provider;
use ai_completion::stream::{ContentFilter, Pattern, StreamPipelineBuilder, StreamToken, TokenAccumulator};

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

/// What stands in an event in the place of a piece of text.
const PIECE: &str = "@";

/// A stream of server-sent events that writes `text` in pieces of a few characters, each in one `event`.
fn body(event: &str, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let event = |piece: &[char]| {
        let content = serde_json::to_string(&piece.iter().collect::<String>()).unwrap();
        format!("data: {}\n\n", event.replace(PIECE, &content))
    };
    chars.chunks(5).map(event).collect()
}

/// How many bytes of answer come out of a pipeline with all stages that is fed `body` 40 times. Of these the
/// first 20 make it warm; the others must allocate nothing.
fn delivered_without_allocating(provider: &str, body: &str, chunk_size: usize) -> usize {
    let pattern = |pattern| Pattern::wildcard(pattern).unwrap();
    let filter = ContentFilter::new()
        .replace(pattern("colour"), "hue")
        .replace(pattern("color"), "hue")
        .delete(pattern("/\\***\\*/"))
        .cut(pattern("<|endoftext|>"));
    let mut pipeline = StreamPipelineBuilder::new(provider::find(provider).unwrap().decoder())
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
                assert!(!matches!(token, StreamToken::Error(_)), "{token:?}");
                delivered += token.text().map_or(0, str::len);
            });
            pipeline.release(usize::MAX);
        }
    };
    // Chunks cut the body elsewhere in each round; after some, the buffers are as large as it takes.
    (0..20).for_each(|_| round());
    let before = ALLOCATIONS.load(Relaxed);
    (0..20).for_each(|_| round());
    assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0, "{provider} in chunks of {chunk_size}: {body:.300}");
    delivered
}

#[test]
fn a_pipeline_with_all_stages_allocates_nothing_once_it_is_warm() {
    // Matches, half matches and plain text; escapes and characters of all lengths.
    let text =
        "let x = \"1\";\nlet colour = <|end;\n/* a\ncomment\n*/ let color = 2;\ncol\nours\nдва 三 🦀\n"
            .repeat(4);
    let filtered =
        text.len() - 4 * ("/* a\ncomment\n*/".len() + "colour".len() + "color".len() - 2 * "hue".len());
    // With how many choices write the text.
    let table = [
        (
            "openai",
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":@},"finish_reason":null}]}"#,
            1,
        ),
        (
            "openai",
            r#"{"choices":[{"index":0,"delta":{"content":@}},{"index":1,"delta":{"content":@}},{"index":2,"delta":{"content":@}},{"index":3,"delta":{"content":@}}]}"#,
            4,
        ),
        (
            "openai",
            r#"{"choices":[{"index":0,"delta":{"content":@},"logprobs":{"content":[{"token":"a","logprob":-0.25,"top_logprobs":[{"token":"a","logprob":-0.25},{"token":"b","logprob":-1.5}]},{"token":"b","logprob":-1e-3},{"token":"c","logprob":-2},{"token":"d","logprob":-2},{"token":"e","logprob":-2},{"token":"f","logprob":-2}]}}]}"#,
            1,
        ),
        (
            "openai",
            r#"{"choices":[{"index":0,"text":@,"logprobs":{"tokens":["a","b"],"token_logprobs":[-0.25,-1,-1,-1,-1,-1]}}]}"#,
            1,
        ),
        (
            "mistral",
            r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"},{"type":"text","text":"so"}]},{"type":"text","text":@}]}}]}"#,
            1,
        ),
        (
            "gemini",
            r#"{"candidates":[{"index":0,"content":{"parts":[{"text":"hm","thought":true},{"text":@}]}},{"index":1,"content":{"parts":[{"text":@}]}}]}"#,
            2,
        ),
    ];
    for (provider, event, choices) in table {
        let body = body(event, &text);
        for chunk_size in [1, 100, 1460, 64 * 1024] {
            let delivered = delivered_without_allocating(provider, &body, chunk_size);
            assert!(delivered.abs_diff(choices * 40 * filtered) <= choices * 64, "{delivered} of {event}");
        }
    }
}
