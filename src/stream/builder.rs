//! Putting a pipeline together.

use super::{
    BackpressureController, BackpressureLimits, Decode, Measure, NoMetrics, StreamMetrics, StreamTransformer,
    StreamingPipeline,
};

/// Builds a [`StreamingPipeline`]: the decoder first, then transformers in the order they are added.
///
/// ```
/// use ai_completion::provider;
/// use ai_completion::stream::{ContentFilter, Pattern, StreamPipelineBuilder, StreamToken};
///
/// let decoder = provider::find("ollama").expect("there is one of that name").decoder();
/// let mut pipeline = StreamPipelineBuilder::new(decoder)
///     .transform(ContentFilter::new().delete(Pattern::text(";")?))
///     .metrics()
///     .build();
/// let mut answer = String::new();
/// let mut sink = |token: StreamToken<'_>| answer.push_str(token.text().unwrap_or_default());
/// pipeline.push(b"{\"response\":\"a;b\",\"done\":false}\n", &mut sink);
/// assert_eq!(answer, "ab");
/// # Ok::<(), ai_completion::stream::PatternError>(())
/// ```
pub struct StreamPipelineBuilder<D, M = NoMetrics> {
    decoder: D,
    transformers: Vec<Box<dyn StreamTransformer>>,
    metrics: M,
    backpressure: BackpressureLimits,
}

impl<D: Decode> StreamPipelineBuilder<D> {
    /// A pipeline of `decoder` alone, without metrics.
    pub fn new(decoder: D) -> Self {
        Self {
            decoder,
            transformers: Vec::new(),
            metrics: NoMetrics,
            backpressure: BackpressureLimits::default(),
        }
    }

    /// Counts what goes through.
    pub fn metrics(self) -> StreamPipelineBuilder<D, StreamMetrics> {
        self.measure(StreamMetrics::default())
    }
}

impl<D: Decode, M: Measure> StreamPipelineBuilder<D, M> {
    /// Tells `metrics` what goes through.
    pub fn measure<N: Measure>(self, metrics: N) -> StreamPipelineBuilder<D, N> {
        let Self { decoder, transformers, metrics: _, backpressure } = self;
        StreamPipelineBuilder { decoder, transformers, metrics, backpressure }
    }

    /// Adds a stage behind those added before.
    pub fn transform(mut self, stage: impl StreamTransformer + 'static) -> Self {
        self.transformers.push(Box::new(stage));
        self
    }

    /// Limits for what may wait for the consumer, instead of the defaults.
    pub fn backpressure(mut self, limits: BackpressureLimits) -> Self {
        self.backpressure = limits;
        self
    }

    /// The pipeline, ready for the first chunk.
    pub fn build(self) -> StreamingPipeline<D, M> {
        let backpressure = BackpressureController::new(self.backpressure);
        StreamingPipeline::new(self.decoder, self.transformers, self.metrics, backpressure)
    }
}
