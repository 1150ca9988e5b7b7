//! Tokens and what is done to them on their way.
//!
//! A [`StreamingPipeline`] takes the bytes of one response through a decoder ([`Decode`]), then
//! through [`StreamTransformer`]s in order ([`ContentFilter`], [`TokenAccumulator`]), into the
//! caller's [`Sink`]. All of it happens inside `push`: tokens borrow from the chunk or from a
//! stage's own buffer, so a warm pipeline allocates nothing. No stage sees a clock; who wants rates
//! ([`StreamMetrics`]) or back-pressure ([`BackpressureController`]) says what time it is.
//!
//! The volt drives it by hand: `at(now)`, `acquire()` for the size of the next read, `push`, and
//! `release` for the tokens the editor has shown. The feature `futures` drives the same pipeline
//! from an asynchronous stream; the feature `tiktoken` adds `TokenDecoder` for servers that send
//! token ids.

mod accumulator;
mod backpressure;
mod builder;
mod content_filter;
#[cfg(feature = "futures")]
mod futures;
mod merge;
mod metrics;
mod pipeline;
mod token;
#[cfg(feature = "tiktoken")]
mod token_decoder;
mod transform;

pub use accumulator::TokenAccumulator;
pub use backpressure::{BackpressureController, BackpressureLimits, BackpressureTimeout};
pub use builder::StreamPipelineBuilder;
pub use content_filter::{ContentFilter, PatternError};
#[cfg(feature = "futures")]
pub use futures::TokenStream;
pub use metrics::{Measure, NoMetrics, Snapshot, StreamMetrics};
pub use pipeline::StreamingPipeline;
pub use token::*;
#[cfg(feature = "tiktoken")]
pub use token_decoder::{TokenDecoder, TokenDecoderError};
pub use transform::{StreamTransformer, TransformResult};
