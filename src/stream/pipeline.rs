//! Bytes of one response in, transformed tokens out.

use super::{
    BackpressureController, BackpressureTimeout, Decode, Measure, NoMetrics, Sink, StreamError, StreamToken,
    StreamTransformer, TransformResult,
};

/// The way of one response: decoder, then transformers in order, then the caller's sink.
///
/// Everything happens inside [`push`](Self::push): a token borrows from the chunk it came in and
/// reaches the sink before `push` returns. Whatever the stages do, the sink sees each stream end
/// once: after an [`Error`](StreamToken::Error), nothing; text a stage held comes before the `Done`
/// or `Error` that ends it.
///
/// ```
/// use ai_completion::stream::{Decode, Done, FinishReason, Sink, StreamPipelineBuilder, StreamToken};
///
/// /// Every chunk is a piece of text.
/// struct Plain;
///
/// impl Decode for Plain {
///     fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
///         sink.token(StreamToken::Text(String::from_utf8_lossy(chunk)));
///     }
///     fn finish(&mut self, sink: &mut impl Sink) {
///         sink.token(StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 }));
///     }
/// }
///
/// let mut answer = String::new();
/// let mut sink = |token: StreamToken<'_>| answer.push_str(token.text().unwrap_or(" (end)"));
/// let mut pipeline = StreamPipelineBuilder::new(Plain).metrics().build();
/// pipeline.push(b"hello", &mut sink);
/// pipeline.finish(&mut sink);
/// assert_eq!(answer, "hello (end)");
/// assert_eq!(pipeline.metrics().snapshot().bytes, 5);
/// ```
pub struct StreamingPipeline<D, M = NoMetrics> {
    decoder: D,
    stages: Stages<M>,
    backpressure: BackpressureController,
    now_ms: u64,
}

/// All behind the decoder; apart from it so that the decoder can call into it.
struct Stages<M> {
    transformers: Vec<Box<dyn StreamTransformer>>,
    metrics: M,
    over: bool,
    /// Tokens given to the sink by the current call.
    delivered: usize,
}

impl<D: Decode, M: Measure> StreamingPipeline<D, M> {
    pub(super) fn new(
        decoder: D,
        transformers: Vec<Box<dyn StreamTransformer>>,
        metrics: M,
        backpressure: BackpressureController,
    ) -> Self {
        let stages = Stages { transformers, metrics, over: false, delivered: 0 };
        Self { decoder, stages, backpressure, now_ms: 0 }
    }

    /// Says that it is `now_ms` (any origin), for the metrics and the back-pressure; stays so until
    /// said again.
    pub fn at(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self.stages.metrics.at(now_ms);
        self
    }

    /// How many bytes to read for the next [`push`](Self::push), or `None` to read nothing for now;
    /// see [`BackpressureController::acquire`]. Who pushes without asking has no back-pressure.
    ///
    /// # Errors
    /// [`BackpressureTimeout`] when the sink's tokens are not [released](Self::release) any more.
    pub fn acquire(&mut self) -> Result<Option<usize>, BackpressureTimeout> {
        self.backpressure.acquire(self.now_ms)
    }

    /// The consumer is through with so many of the tokens that the sink was given.
    pub fn release(&mut self, tokens: usize) {
        self.backpressure.release(tokens, self.now_ms);
    }

    /// Takes the next bytes of the body. Ignored once the stream [is over](Self::is_over).
    pub fn push(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        if self.stages.over {
            return;
        }
        let stages = &mut self.stages;
        stages.metrics.chunk(chunk.len());
        self.decoder.feed(chunk, &mut |token: StreamToken<'_>| stages.take(token, sink));
        stages.each(sink, &|stage, out| stage.pause(out));
        self.account(chunk.len());
    }

    /// The body is over: whatever is held comes out, and the stream's end.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        if self.stages.over {
            return;
        }
        let stages = &mut self.stages;
        self.decoder.finish(&mut |token: StreamToken<'_>| stages.take(token, sink));
        stages.end(sink);
        self.account(0);
    }

    /// The body broke off for a reason that only the transport knows: as [`finish`](Self::finish),
    /// but `error` stands where the decoder would say that the end is missing. A connection that
    /// breaks after the format's end marker does no harm.
    pub fn fail(&mut self, error: StreamError<'_>, sink: &mut impl Sink) {
        if self.stages.over {
            return;
        }
        let stages = &mut self.stages;
        self.decoder.finish(&mut |token: StreamToken<'_>| match token {
            StreamToken::Error(_) => stages.take(StreamToken::Error(error.clone()), sink),
            token => stages.take(token, sink),
        });
        stages.end(sink);
        self.account(0);
    }

    fn account(&mut self, bytes: usize) {
        let tokens = std::mem::take(&mut self.stages.delivered);
        self.backpressure.delivered(bytes, tokens, self.now_ms);
    }

    /// Whether the stream has ended: by [`finish`](Self::finish), [`fail`](Self::fail) or an error.
    pub fn is_over(&self) -> bool {
        self.stages.over
    }

    /// The decoder, for what it knows of the body besides its tokens.
    pub fn decoder(&self) -> &D {
        &self.decoder
    }

    /// What was counted.
    pub fn metrics(&self) -> &M {
        &self.stages.metrics
    }

    /// What may wait and what does.
    pub fn backpressure(&self) -> &BackpressureController {
        &self.backpressure
    }
}

impl<M: Measure> Stages<M> {
    fn take(&mut self, token: StreamToken<'_>, sink: &mut impl Sink) {
        if self.over {
            return;
        }
        self.metrics.decoded(&token);
        let failed = matches!(token, StreamToken::Error(_));
        let Self { transformers, metrics, over, delivered } = self;
        let mut deliver = |token: StreamToken<'_>| {
            metrics.delivered(&token);
            *delivered += 1;
            sink.token(token);
        };
        if transformers.is_empty() {
            deliver(token);
        } else {
            run(transformers, token, over, &mut deliver);
        }
        *over |= failed;
    }

    /// Flushes stage by stage: what one held still goes through those behind it. An error has done so
    /// already.
    fn end(&mut self, sink: &mut impl Sink) {
        self.each(sink, &|stage, out| stage.flush(None, out));
        self.over = true;
    }

    /// Calls each stage in order; what it gives goes through those behind it.
    fn each(&mut self, sink: &mut impl Sink, call: &dyn Fn(&mut dyn StreamTransformer, &mut dyn Sink)) {
        if self.over {
            return;
        }
        let Self { transformers, metrics, over, delivered } = self;
        let mut deliver = |token: StreamToken<'_>| {
            metrics.delivered(&token);
            *delivered += 1;
            sink.token(token);
        };
        let mut rest = transformers.as_mut_slice();
        while let Some((stage, behind)) = rest.split_first_mut() {
            call(stage.as_mut(), &mut |token: StreamToken<'_>| run(behind, token, over, &mut deliver));
            rest = behind;
        }
    }
}

/// Takes `token` through `stages` and what becomes of it into `sink`.
fn run<'a>(
    stages: &'a mut [Box<dyn StreamTransformer>],
    mut token: StreamToken<'a>,
    over: &mut bool,
    sink: &mut dyn Sink,
) {
    if *over {
        return;
    }
    let Some((stage, behind)) = stages.split_first_mut() else {
        return sink.token(token);
    };
    let mut out = |token: StreamToken<'_>| run(behind, token, over, sink);
    match &token {
        StreamToken::Done(done) => stage.flush(Some(done.index), &mut out),
        StreamToken::Error(_) => stage.flush(None, &mut out),
        _ => {}
    }
    match stage.transform(&mut token, &mut out) {
        TransformResult::Pass => out(token),
        TransformResult::Skip => {}
        TransformResult::Replace(other) => out(other),
        TransformResult::Error(error) => {
            out(StreamToken::Error(error));
            *over = true;
        }
    }
}

#[cfg(test)]
mod tests;
