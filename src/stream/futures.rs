//! The pipeline as an asynchronous stream, for any executor.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
pub use futures_core::stream::BoxStream;
use pin_project_lite::pin_project;

use super::{Decode, ErrorKind, Measure, StreamError, StreamToken, StreamingPipeline};

impl<D, M> StreamingPipeline<D, M>
where
    D: Decode + Send + 'static,
    M: Measure + Send + 'static,
{
    /// The tokens of a body that arrives as a stream of chunks. The stream is `Send`, so it can be spawned on
    /// any executor. An error ends it: one that the body says, or, as with [`fail`](Self::fail), one of `chunks`.
    ///
    /// The next chunk is asked for only when all tokens of the last one were taken: who does not
    /// poll, slows the sender. A large chunk is decoded in such parts as the pipeline's
    /// [back-pressure](Self::acquire) says, so that no more tokens wait than it allows. Nothing is lost when a
    /// future that waits for the next token is dropped; dropping the stream itself drops `chunks`, and
    /// with it the connection. Counts can be read meanwhile from
    /// [`SharedStreamMetrics`](super::SharedStreamMetrics).
    ///
    /// ```
    /// # use ai_completion::stream::{Decode, Sink, StreamPipelineBuilder, StreamToken};
    /// # struct Plain;
    /// # impl Decode for Plain {
    /// #     fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
    /// #         sink.token(StreamToken::Text(String::from_utf8_lossy(chunk)));
    /// #     }
    /// #     fn finish(&mut self, _sink: &mut impl Sink) {}
    /// # }
    /// use bytes::Bytes;
    /// use futures::{executor::block_on_stream, stream};
    ///
    /// let chunks = stream::iter([Ok::<_, std::io::Error>(Bytes::from("let ")), Ok(Bytes::from("x"))]);
    /// let tokens = StreamPipelineBuilder::new(Plain).build().process_stream(chunks);
    /// let mut text = String::new();
    /// for token in block_on_stream(tokens) {
    ///     text.push_str(token?.text().unwrap_or_default());
    /// }
    /// assert_eq!(text, "let x");
    /// # Ok::<(), ai_completion::stream::StreamError<'static>>(())
    /// ```
    pub fn process_stream<S, E>(
        self,
        chunks: S,
    ) -> BoxStream<'static, Result<StreamToken<'static>, StreamError<'static>>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: fmt::Display,
    {
        self.process_stream_by(chunks, || 0)
    }

    /// [`process_stream`](Self::process_stream) with a clock: milliseconds from any origin. By it the
    /// back-pressure adapts to how long the consumer takes for a token, and the metrics have rates.
    pub fn process_stream_by<S, E>(
        self,
        chunks: S,
        clock: impl FnMut() -> u64 + Send + 'static,
    ) -> BoxStream<'static, Result<StreamToken<'static>, StreamError<'static>>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: fmt::Display,
    {
        Box::pin(TokenStream::new(self, chunks, clock))
    }
}

pin_project! {
    /// The tokens of a [`StreamingPipeline`] fed by a stream of chunks.
    pub(super) struct TokenStream<S, D, M, C> {
        #[pin]
        chunks: S,
        // What of the last chunk is not decoded yet.
        chunk: Bytes,
        pipeline: StreamingPipeline<D, M>,
        clock: C,
        tokens: VecDeque<StreamToken<'static>>,
        // The consumer works on a token.
        taken: bool,
    }
}

impl<S, D, M, C> TokenStream<S, D, M, C> {
    pub(super) fn new(pipeline: StreamingPipeline<D, M>, chunks: S, clock: C) -> Self {
        Self { chunks, chunk: Bytes::new(), pipeline, clock, tokens: VecDeque::new(), taken: false }
    }
}

impl<S, E, D, M, C> Stream for TokenStream<S, D, M, C>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: fmt::Display,
    D: Decode,
    M: Measure,
    C: FnMut() -> u64,
{
    type Item = Result<StreamToken<'static>, StreamError<'static>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if std::mem::take(this.taken) {
            // Who asks for the next token is done with the last one.
            this.pipeline.at((this.clock)()).release(1);
        }
        loop {
            match this.tokens.pop_front() {
                Some(StreamToken::Error(error)) => return Poll::Ready(Some(Err(error))),
                Some(token) => {
                    *this.taken = true;
                    return Poll::Ready(Some(Ok(token)));
                }
                None if this.pipeline.is_over() => return Poll::Ready(None),
                None => {}
            }
            let mut sink = |token: StreamToken<'_>| this.tokens.push_back(token.into_owned());
            if !this.chunk.is_empty() {
                // Every token was taken, so there are permits.
                let size = this.pipeline.acquire().ok().flatten().unwrap_or(usize::MAX);
                let part = this.chunk.split_to(size.min(this.chunk.len()));
                this.pipeline.push(&part, &mut sink);
                continue;
            }
            let next = ready!(this.chunks.as_mut().poll_next(cx));
            this.pipeline.at((this.clock)());
            match next {
                Some(Ok(chunk)) => *this.chunk = chunk,
                Some(Err(error)) => this.pipeline.fail(broken(&error), &mut sink),
                None => this.pipeline.finish(&mut sink),
            }
        }
    }
}

pub(super) fn broken(error: &impl fmt::Display) -> StreamError<'static> {
    StreamError {
        kind: ErrorKind::Network,
        code: None,
        message: error.to_string().into(),
        retry_after_ms: None,
    }
}

/// What makes the stream fit for every executor, checked when this is compiled.
const _: fn() = || {
    fn is_send<T: Send + 'static>() {}
    fn is_shareable<T: Send + Sync>() {}
    is_send::<BoxStream<'static, Result<StreamToken<'static>, StreamError<'static>>>>();
    is_send::<StreamingPipeline<crate::provider::Decoder, super::SharedStreamMetrics>>();
    is_shareable::<Box<dyn super::StreamTransformer>>();
    is_shareable::<super::ContentFilter>();
    is_shareable::<super::SharedBackpressure>();
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
    use std::task::Waker;

    use super::super::{BackpressureLimits, Done, FinishReason, Sink, StreamPipelineBuilder};
    use super::*;

    /// Every byte is a token; `.` is the end.
    #[derive(Default)]
    struct Letters {
        ended: bool,
    }

    impl Decode for Letters {
        fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
            for letter in chunk.chunks(1) {
                match letter {
                    b"." => self.ended = true,
                    letter => sink.token(StreamToken::Text(String::from_utf8_lossy(letter))),
                }
            }
        }

        fn finish(&mut self, sink: &mut impl Sink) {
            sink.token(if self.ended { done() } else { StreamToken::Error(broken(&"truncated")) });
        }
    }

    fn done() -> StreamToken<'static> {
        StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 })
    }

    /// Plays a script: a chunk, nothing for now, or an error. Counts what was asked of it and tells
    /// when it was dropped.
    struct Script {
        parts: VecDeque<Poll<Result<Bytes, &'static str>>>,
        polls: Arc<AtomicUsize>,
        dropped: Arc<AtomicBool>,
    }

    impl Stream for Script {
        type Item = Result<Bytes, &'static str>;

        fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.polls.fetch_add(1, Relaxed);
            match self.parts.pop_front() {
                Some(part) => part.map(Some),
                None => Poll::Ready(None),
            }
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            self.dropped.store(true, Relaxed);
        }
    }

    type Tokens = BoxStream<'static, Result<StreamToken<'static>, StreamError<'static>>>;

    fn play(
        parts: impl IntoIterator<Item = Poll<Result<Bytes, &'static str>>>,
    ) -> (Tokens, Arc<AtomicUsize>, Arc<AtomicBool>) {
        let (polls, dropped) = (Arc::default(), Arc::default());
        let script = Script {
            parts: parts.into_iter().collect(),
            polls: Arc::clone(&polls),
            dropped: Arc::clone(&dropped),
        };
        let pipeline = StreamPipelineBuilder::new(Letters::default()).build();
        (pipeline.process_stream(script), polls, dropped)
    }

    fn chunk(text: &'static str) -> Poll<Result<Bytes, &'static str>> {
        Poll::Ready(Ok(Bytes::from_static(text.as_bytes())))
    }

    fn poll(tokens: &mut Tokens) -> Poll<Option<Result<StreamToken<'static>, StreamError<'static>>>> {
        tokens.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn text(text: &'static str) -> Poll<Option<Result<StreamToken<'static>, StreamError<'static>>>> {
        Poll::Ready(Some(Ok(StreamToken::Text(text.into()))))
    }

    #[test]
    fn tokens_come_as_chunks_do() {
        let (mut tokens, ..) = play([chunk("ab"), Poll::Pending, chunk(""), chunk("c.")]);
        let seen: Vec<_> = std::iter::repeat_with(|| poll(&mut tokens)).take(7).collect();
        let (end, over) = (Poll::Ready(Some(Ok(done()))), Poll::Ready(None));
        assert_eq!(seen, [text("a"), text("b"), Poll::Pending, text("c"), end, over.clone(), over]);
    }

    #[test]
    fn no_chunk_is_asked_for_while_tokens_wait() {
        let (mut tokens, polls, _) = play([chunk("abc"), chunk("d")]);
        for (expected, asked) in [("a", 1), ("b", 1), ("c", 1), ("d", 2)] {
            assert_eq!(poll(&mut tokens), text(expected));
            assert_eq!(polls.load(Relaxed), asked);
        }
    }

    #[test]
    fn of_a_large_chunk_no_more_tokens_wait_than_there_are_permits() {
        /// Every 1024 bytes are a token.
        struct Blocks;
        impl Decode for Blocks {
            fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
                chunk.chunks(1024).for_each(|_| sink.token(StreamToken::Text("x".into())));
            }
            fn finish(&mut self, _sink: &mut impl Sink) {}
        }
        for max_permits in [1, 5] {
            let limits = BackpressureLimits { min_permits: 1, max_permits, ..BackpressureLimits::default() };
            let pipeline = StreamPipelineBuilder::new(Blocks).backpressure(limits).build();
            let chunk = Ok::<_, &str>(Bytes::from(vec![b'x'; 100 << 10]));
            let mut tokens = TokenStream::new(pipeline, ::futures::stream::iter([chunk]), || 0);
            let (mut count, mut longest) = (0, 0);
            let mut context = Context::from_waker(Waker::noop());
            while Pin::new(&mut tokens).poll_next(&mut context) == text("x") {
                count += 1;
                longest = longest.max(tokens.tokens.len() as u32 + 1);
            }
            assert_eq!((count, longest), (100, max_permits));
        }
    }

    #[test]
    fn a_broken_source_is_told_unless_the_end_was_seen() {
        let (mut tokens, ..) = play([chunk("a"), Poll::Ready(Err("reset"))]);
        assert_eq!(poll(&mut tokens), text("a"));
        assert_eq!(poll(&mut tokens), Poll::Ready(Some(Err(broken(&"reset")))));
        assert_eq!(poll(&mut tokens), Poll::Ready(None));

        let (mut tokens, ..) = play([chunk("."), Poll::Ready(Err("reset"))]);
        assert_eq!(poll(&mut tokens), Poll::Ready(Some(Ok(done()))));
        assert_eq!(poll(&mut tokens), Poll::Ready(None));
    }

    #[test]
    fn a_dropped_future_loses_nothing_and_a_dropped_stream_closes_its_source() {
        use ::futures::StreamExt;

        let (mut tokens, _, dropped) = play([Poll::Pending, chunk("ab")]);
        {
            let mut next = tokens.next();
            let waiting = Pin::new(&mut next);
            assert!(Future::poll(waiting, &mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(poll(&mut tokens), text("a"));
        assert!(!dropped.load(Relaxed));
        drop(tokens);
        assert!(dropped.load(Relaxed));
    }

    #[test]
    fn permits_shrink_for_a_consumer_that_is_slow_by_the_clock() {
        for (ms_per_token, expected) in [(0, 33), (1_000, 4)] {
            let now = Arc::new(AtomicUsize::new(0));
            let clock = Arc::clone(&now);
            let pipeline = StreamPipelineBuilder::new(Letters::default()).build();
            let chunks: Vec<_> = (0..80).map(|_| Ok::<_, &str>(Bytes::from_static(b"abcdefgh"))).collect();
            let chunks = ::futures::stream::iter(chunks);
            let mut tokens = TokenStream::new(pipeline, chunks, move || clock.load(Relaxed) as u64);
            let mut context = Context::from_waker(Waker::noop());
            let mut permits = 0;
            for _ in 0..80 {
                assert!(Pin::new(&mut tokens).poll_next(&mut context).is_ready());
                now.fetch_add(ms_per_token, Relaxed);
                permits = tokens.pipeline.backpressure().permits();
            }
            assert_eq!(permits.min(33), expected, "{ms_per_token} ms for a token");
        }
    }
}
