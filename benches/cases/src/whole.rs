//! The whole way, bytes to tokens: the volt's own pipeline against what others put together.

use std::convert::Infallible;
use std::num::NonZeroUsize;

use ai_completion::provider::{Decoder, find};
use ai_completion::stream::{
    ContentFilter, Pattern, StreamPipelineBuilder, StreamToken, StreamingPipeline, TokenAccumulator,
};
use eventsource_stream::Eventsource;
use futures::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use sonic_rs::{JsonValueTrait, pointer};

use crate::inputs::{self, Input, SEGMENT};
use crate::{Case, Seen, Subject, Unit};

const OPENAI: [Subject; 6] = [
    ("ours", |chunks| ours(decoder("openai"), chunks)),
    ("ours without the memo", |chunks| ours(decoder("openai").without_memo(), chunks)),
    ("sse-core + sonic-rs", |chunks| {
        sse_core_sonic(chunks, pointer!["choices", 0, "delta", "content"].as_slice())
    }),
    ("sse-core + serde_json", sse_core_serde),
    ("sse-stream + sonic-rs", |chunks| {
        sse_stream_sonic(chunks, pointer!["choices", 0, "delta", "content"].as_slice())
    }),
    ("eventsource-stream + serde_json", openai_eventsource_serde),
];

/// What the filter costs, token by token and with the tokens of one read gathered before it.
const FILTERING: [Subject; 3] = [
    ("ours, filtering gathered tokens", |chunks| {
        let gathered =
            StreamPipelineBuilder::new(decoder("openai")).transform(TokenAccumulator::per_chunk(4096));
        text_of(gathered.transform(filter()).build(), chunks)
    }),
    ("ours, filtering", |chunks| {
        text_of(StreamPipelineBuilder::new(decoder("openai")).transform(filter()).build(), chunks)
    }),
    ("ours", |chunks| text_of(StreamPipelineBuilder::new(decoder("openai")).build(), chunks)),
];

const ANTHROPIC: [Subject; 4] = [
    ("ours", |chunks| ours(decoder("anthropic"), chunks)),
    ("ours without the memo", |chunks| ours(decoder("anthropic").without_memo(), chunks)),
    ("sse-core + sonic-rs", |chunks| sse_core_sonic(chunks, pointer!["delta", "text"].as_slice())),
    ("eventsource-stream + serde_json", anthropic_eventsource_serde),
];

/// Streams of the two formats; and such in which each chunk has an id of its own, counts of its own, or its fields
/// in another order.
pub fn cases() -> Vec<Case> {
    let case = |name, input, subjects: &[Subject]| Case {
        name,
        input,
        unit: Unit::Throughput,
        subjects: subjects.to_vec(),
    };
    vec![
        case("whole/openai/1460", Input::cut(inputs::openai(2000), SEGMENT), &OPENAI),
        case("whole/openai/event", Input::cut_at_events(inputs::openai(2000)), &OPENAI),
        case("whole/anthropic/1460", Input::cut(inputs::anthropic(3000), SEGMENT), &ANTHROPIC),
        case("whole/fresh-ids/1460", Input::cut(inputs::openai_with_fresh_ids(2000), SEGMENT), &OPENAI),
        case("whole/usage/1460", Input::cut(inputs::openai_with_usage(2000), SEGMENT), &OPENAI),
        case("whole/no-envelope/1460", Input::cut(inputs::openai_without_envelope(2000), SEGMENT), &OPENAI),
        case("whole/filter/1460", Input::cut(inputs::openai(2000), SEGMENT), &FILTERING),
    ]
}

fn decoder(provider: &str) -> Decoder {
    find(provider).map(|provider| provider.decoder()).expect("there is a provider of that name")
}

/// Patterns as users may have them. None matches, so that all subjects see the same text.
fn filter() -> ContentFilter {
    ["http://internal*/", "Copyright *", "password = \"*\""]
        .into_iter()
        .filter_map(|pattern| Pattern::wildcard(pattern).ok())
        .fold(ContentFilter::new(), ContentFilter::delete)
}

fn ours(decoder: Decoder, chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    through(StreamPipelineBuilder::new(decoder).build(), chunks, |text| seen.add(text));
    seen
}

/// The text without regard to where it is cut.
fn text_of(pipeline: StreamingPipeline<Decoder>, chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen { count: 1, ..Seen::default() };
    through(pipeline, chunks, |text| seen.bytes += text.len());
    seen
}

fn through(mut pipeline: StreamingPipeline<Decoder>, chunks: &[&[u8]], mut each: impl FnMut(&str)) {
    let mut sink = |token: StreamToken<'_>| {
        if let StreamToken::Text(text) = token {
            each(&text);
        }
    };
    for chunk in chunks {
        pipeline.push(chunk, &mut sink);
    }
    pipeline.finish(&mut sink);
}

/// The best a user could put together.
fn sse_core_sonic(chunks: &[&[u8]], path: &[sonic_rs::PointerNode]) -> Seen {
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut seen = Seen::default();
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = decoder.next(&mut chunk) {
            let Ok(sse_core::SseEvent::Message(message)) = event else { continue };
            let content = sonic_rs::get(message.data.as_str(), path);
            if let Some(text) = content.ok().as_ref().and_then(|content| content.as_str()) {
                seen.add(text);
            }
        }
    }
    seen
}

/// The usual stack of those who care.
fn sse_core_serde(chunks: &[&[u8]]) -> Seen {
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut seen = Seen::default();
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = decoder.next(&mut chunk) {
            let Ok(sse_core::SseEvent::Message(message)) = event else { continue };
            let chunk = serde_json::from_str::<crate::json::Chunk<'_>>(&message.data);
            if let Some(text) = chunk.ok().as_ref().and_then(crate::json::Chunk::content) {
                seen.add(text);
            }
        }
    }
    seen
}

/// The parser that is fastest natively, with the fastest reader.
fn sse_stream_sonic(chunks: &[&[u8]], path: &[sonic_rs::PointerNode]) -> Seen {
    let mut seen = Seen::default();
    let results = stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk)));
    let mut events = sse_stream::SseByteStream::new(results);
    while let Some(Some(event)) = events.next().now_or_never() {
        let Ok(sse_stream::Sse { data: Some(data), .. }) = event else { continue };
        let content = sonic_rs::get(data.as_str(), path);
        if let Some(text) = content.ok().as_ref().and_then(|content| content.as_str()) {
            seen.add(text);
        }
    }
    seen
}

/// What async-openai and rig do: every field that is of use, owned.
fn eventsource_serde<T: for<'de> Deserialize<'de>>(
    chunks: &[&[u8]],
    text: impl Fn(&T) -> Option<&str>,
) -> Seen {
    let mut seen = Seen::default();
    let mut events = stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk))).eventsource();
    while let Some(Some(event)) = events.next().now_or_never() {
        let Ok(event) = event else { continue };
        if let Some(text) = serde_json::from_str::<T>(&event.data).ok().as_ref().and_then(&text) {
            seen.add(text);
        }
    }
    seen
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read and owned, as the libraries do")]
struct Chunk {
    id: String,
    object: String,
    created: u64,
    model: String,
    system_fingerprint: Option<String>,
    service_tier: Option<String>,
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read and owned, as the libraries do")]
struct Choice {
    index: u32,
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read and owned, as the libraries do")]
struct Delta {
    role: Option<String>,
    content: Option<String>,
    refusal: Option<String>,
}

fn openai_eventsource_serde(chunks: &[&[u8]]) -> Seen {
    eventsource_serde(chunks, |chunk: &Chunk| chunk.choices.first()?.delta.content.as_deref())
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "read and owned, as the libraries do")]
enum Event {
    ContentBlockDelta {
        index: u32,
        delta: ContentDelta,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentDelta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

fn anthropic_eventsource_serde(chunks: &[&[u8]]) -> Seen {
    eventsource_serde(chunks, |event: &Event| match event {
        Event::ContentBlockDelta { delta: ContentDelta::TextDelta { text }, .. } => Some(text),
        _ => None,
    })
}
