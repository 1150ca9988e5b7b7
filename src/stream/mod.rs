//! Tokens and what is done to them on their way.
//!
//! A [`StreamingPipeline`] takes the bytes of one response through a decoder ([`Decode`]), then
//! through [`StreamTransformer`]s in order ([`ContentFilter`], [`TokenAccumulator`]), into the
//! caller's [`Sink`]. All of it happens inside `push`: tokens borrow from the chunk or from a
//! stage's own buffer, so a warm pipeline allocates nothing. No stage sees a clock; who wants rates
//! ([`StreamMetrics`]) or back-pressure ([`BackpressureController`]) says what time it is.
//!
//! The volt drives it by hand: `at(now)`, `acquire()` for the size of the next read, `push`, and
//! `release` for the tokens the editor has shown.
//!
//! | feature | adds |
//! |---|---|
//! | `futures` | [`StreamingPipeline`]`::process_stream`: the same pipeline as a `Send` stream of any executor; `SharedBackpressure`, whose `acquire()` is a future |
//! | `http` | `HttpStreamHandler`: answers over hyper, reqwest or any client, with retries and resumption (not in wasm) |
//! | `regex` | `Pattern::regex` for the content filter; without it patterns are text with asterisks |
//! | `tiktoken` | `TokenDecoder` and `TokenIdDecoder`, for servers that send token ids |
//!
//! # Names
//!
//! | name | here |
//! |---|---|
//! | `SseParser`, `SseEvent`, `parse_sse_chunk` | [`sse::Parser`], which lends [`sse::Frame`]s; [`sse::SseEvent`] and [`sse::parse_sse_chunk`] for a whole body |
//! | `StreamToken`, `TextDelta` | [`StreamToken`], [`TextDelta`] |
//! | `TokenDecoder` | `TokenDecoder`, behind `tiktoken` |
//! | `StreamTransformer`, `TransformResult` | [`StreamTransformer`], [`TransformResult`] |
//! | `ContentFilter`, `TokenAccumulator` | [`ContentFilter`] with [`Pattern`]s, [`TokenAccumulator`] |
//! | `BackpressureController` | [`BackpressureController`], driven by hand; shared between tasks, `SharedBackpressure` |
//! | `StreamPipelineBuilder`, `StreamingPipeline` | [`StreamPipelineBuilder`], [`StreamingPipeline`] |
//! | `StreamMetrics` | [`StreamMetrics`] for one thread, [`SharedStreamMetrics`] for several, [`NoMetrics`] for none |
//! | `HttpStreamHandler` | `HttpStreamHandler`, behind `http` |
//!
//! ```
//! use ai_completion::provider;
//! use ai_completion::stream::{
//!     BackpressureLimits, ContentFilter, Pattern, StreamPipelineBuilder, StreamToken, TokenAccumulator,
//! };
//!
//! let decoder = provider::find("openai").expect("there is one of that name").decoder();
//! let mut pipeline = StreamPipelineBuilder::new(decoder)
//!     .transform(
//!         ContentFilter::new()
//!             .delete(Pattern::wildcard("<think>**</think>")?)
//!             .cut(Pattern::text("<|end|>")?),
//!     )
//!     .transform(TokenAccumulator::new(4, 64))
//!     .backpressure(BackpressureLimits { max_permits: 256, ..BackpressureLimits::default() })
//!     .metrics()
//!     .build();
//!
//! let mut body: &[u8] = br#"data: {"choices":[{"index":0,"delta":{"content":"<th"}}]}
//!
//! data: {"choices":[{"index":0,"delta":{"content":"ink>hm</think>let x"}}]}
//!
//! data: {"choices":[{"index":0,"delta":{"content":" = 1;<|e"}}]}
//!
//! data: {"choices":[{"index":0,"delta":{"content":"nd|> and more"}}]}
//!
//! data: [DONE]
//!
//! "#;
//! let mut answer = String::new();
//! for now_ms in (0..).step_by(10) {
//!     // `None` would say: read nothing for now, the consumer has enough to do.
//!     let Some(size) = pipeline.at(now_ms).acquire()? else { continue };
//!     let chunk = body.split_off(..size.min(100).min(body.len())).unwrap_or_default();
//!     let mut tokens = 0;
//!     let mut sink = |token: StreamToken<'_>| {
//!         answer.push_str(token.text().unwrap_or_default());
//!         tokens += 1;
//!     };
//!     if chunk.is_empty() {
//!         pipeline.finish(&mut sink);
//!         break;
//!     }
//!     pipeline.push(chunk, &mut sink);
//!     pipeline.release(tokens);
//! }
//! assert_eq!(answer, "let x = 1;");
//!
//! let counts = pipeline.metrics().snapshot();
//! assert_eq!((counts.decoded, counts.delivered, counts.errors), (5, 3, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accumulator;
mod backpressure;
mod builder;
mod content_filter;
#[cfg(feature = "futures")]
mod futures;
#[cfg(all(feature = "http", not(target_os = "wasi")))]
mod http;
mod merge;
mod metrics;
#[cfg(feature = "futures")]
mod permits;
mod pipeline;
mod shared_metrics;
mod token;
#[cfg(feature = "tiktoken")]
mod token_decoder;
#[cfg(feature = "tiktoken")]
mod token_ids;
mod transform;

pub use accumulator::TokenAccumulator;
pub use backpressure::{BackpressureController, BackpressureLimits, BackpressureTimeout};
pub use builder::StreamPipelineBuilder;
pub use content_filter::{ContentFilter, Pattern, PatternError};
#[cfg(feature = "futures")]
pub use futures::BoxStream;
#[cfg(all(feature = "http", not(target_os = "wasi")))]
pub use http::{Attempt, HttpStreamHandler, Joint};
pub use metrics::{Measure, NoMetrics, Snapshot, StreamMetrics};
#[cfg(feature = "futures")]
pub use permits::{Acquire, SharedBackpressure};
pub use pipeline::StreamingPipeline;
pub use shared_metrics::SharedStreamMetrics;
pub use token::*;
#[cfg(feature = "tiktoken")]
pub use token_decoder::{TokenDecoder, TokenDecoderError};
#[cfg(feature = "tiktoken")]
pub use token_ids::TokenIdDecoder;
pub use transform::{StreamTransformer, TransformResult};
