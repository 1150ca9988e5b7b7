//! Tokens and what is done to them on their way.

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
