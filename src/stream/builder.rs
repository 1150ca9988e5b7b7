//! Putting a pipeline together.

use super::{Decode, Measure, NoMetrics, StreamMetrics, StreamTransformer, StreamingPipeline};

/// Builds a [`StreamingPipeline`]: the decoder first, then transformers in the order they are added.
pub struct StreamPipelineBuilder<D, M = NoMetrics> {
    decoder: D,
    transformers: Vec<Box<dyn StreamTransformer>>,
    metrics: M,
}

impl<D: Decode> StreamPipelineBuilder<D> {
    /// A pipeline of `decoder` alone, without metrics.
    pub fn new(decoder: D) -> Self {
        Self { decoder, transformers: Vec::new(), metrics: NoMetrics }
    }

    /// Counts what goes through.
    pub fn metrics(self) -> StreamPipelineBuilder<D, StreamMetrics> {
        self.measure(StreamMetrics::default())
    }
}

impl<D: Decode, M: Measure> StreamPipelineBuilder<D, M> {
    /// Tells `metrics` what goes through.
    pub fn measure<N: Measure>(self, metrics: N) -> StreamPipelineBuilder<D, N> {
        StreamPipelineBuilder { decoder: self.decoder, transformers: self.transformers, metrics }
    }

    /// Adds a stage behind those added before.
    pub fn transform(mut self, stage: impl StreamTransformer + 'static) -> Self {
        self.transformers.push(Box::new(stage));
        self
    }

    /// The pipeline, ready for the first chunk.
    pub fn build(self) -> StreamingPipeline<D, M> {
        StreamingPipeline::new(self.decoder, self.transformers, self.metrics)
    }
}
