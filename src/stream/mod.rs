//! Tokens and what is done to them on their way.

mod accumulator;
mod backpressure;
mod builder;
mod content_filter;
mod merge;
mod metrics;
mod pipeline;
mod token;
mod transform;

pub use accumulator::TokenAccumulator;
pub use backpressure::{BackpressureController, BackpressureLimits, BackpressureTimeout};
pub use builder::StreamPipelineBuilder;
pub use content_filter::{ContentFilter, PatternError};
pub use metrics::{Measure, NoMetrics, Snapshot, StreamMetrics};
pub use pipeline::StreamingPipeline;
pub use token::*;
pub use transform::{StreamTransformer, TransformResult};
