//! The pipeline as an asynchronous stream, for any executor.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Decode, ErrorKind, Measure, NoMetrics, StreamError, StreamToken, StreamingPipeline};

impl<D: Decode, M: Measure> StreamingPipeline<D, M> {
    /// The tokens of a body that arrives as a stream of chunks; an error of that stream becomes the
    /// answer's [`Error`](StreamToken::Error), as with [`fail`](Self::fail).
    ///
    /// The next chunk is asked for only when all tokens of the last one were taken: who does not
    /// poll, slows the sender. A large chunk is decoded in such parts as the pipeline's
    /// [back-pressure](Self::acquire) says, so that no more tokens wait than it allows; without a clock
    /// it knows of no timeout, unless [told the time](TokenStream::pipeline_mut). Nothing is lost when a
    /// future that waits for the next token is dropped; dropping the stream itself drops `chunks`, and
    /// with it the connection.
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
    /// let text: String = block_on_stream(tokens).map(|token| token.text().unwrap().to_owned()).collect();
    /// assert_eq!(text, "let x");
    /// ```
    pub fn process_stream<S, E>(self, chunks: S) -> TokenStream<S, D, M>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: fmt::Display,
    {
        TokenStream { chunks, chunk: Bytes::new(), pipeline: self, tokens: VecDeque::new() }
    }
}

pin_project! {
    /// The tokens of a [`StreamingPipeline`] fed by a stream of chunks. See
    /// [`process_stream`](StreamingPipeline::process_stream).
    pub struct TokenStream<S, D, M = NoMetrics> {
        #[pin]
        chunks: S,
        chunk: Bytes,
        pipeline: StreamingPipeline<D, M>,
        tokens: VecDeque<StreamToken<'static>>,
    }
}

impl<S, D, M> TokenStream<S, D, M> {
    /// The pipeline, for its metrics.
    pub fn pipeline(&self) -> &StreamingPipeline<D, M> {
        &self.pipeline
    }

    /// The pipeline, to tell it the time.
    pub fn pipeline_mut(self: Pin<&mut Self>) -> &mut StreamingPipeline<D, M> {
        self.project().pipeline
    }
}

impl<S, E, D, M> Stream for TokenStream<S, D, M>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: fmt::Display,
    D: Decode,
    M: Measure,
{
    type Item = StreamToken<'static>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(token) = this.tokens.pop_front() {
                return Poll::Ready(Some(token));
            }
            if this.pipeline.is_over() {
                return Poll::Ready(None);
            }
            let mut sink = |token: StreamToken<'_>| this.tokens.push_back(token.into_owned());
            if !this.chunk.is_empty() {
                // All that was delivered has been taken, so that there are permits for more.
                this.pipeline.release(usize::MAX);
                let size = this.pipeline.acquire().ok().flatten().unwrap_or(usize::MAX);
                let part = this.chunk.split_to(size.min(this.chunk.len()));
                this.pipeline.push(&part, &mut sink);
                continue;
            }
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => *this.chunk = chunk,
                Some(Err(error)) => this.pipeline.fail(broken(&error), &mut sink),
                None => this.pipeline.finish(&mut sink),
            }
        }
    }
}

fn broken(error: &impl fmt::Display) -> StreamError<'static> {
    StreamError {
        kind: ErrorKind::Network,
        code: None,
        message: error.to_string().into(),
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
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
        polls: Rc<Cell<usize>>,
        dropped: Rc<Cell<bool>>,
    }

    impl Stream for Script {
        type Item = Result<Bytes, &'static str>;

        fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.polls.set(self.polls.get() + 1);
            match self.parts.pop_front() {
                Some(part) => part.map(Some),
                None => Poll::Ready(None),
            }
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            self.dropped.set(true);
        }
    }

    type Tokens = Pin<Box<TokenStream<Script, Letters>>>;

    fn play(
        parts: impl IntoIterator<Item = Poll<Result<Bytes, &'static str>>>,
    ) -> (Tokens, Rc<Cell<usize>>, Rc<Cell<bool>>) {
        let (polls, dropped) = (Rc::default(), Rc::default());
        let script = Script {
            parts: parts.into_iter().collect(),
            polls: Rc::clone(&polls),
            dropped: Rc::clone(&dropped),
        };
        let pipeline = StreamPipelineBuilder::new(Letters::default()).build();
        (Box::pin(pipeline.process_stream(script)), polls, dropped)
    }

    fn chunk(text: &'static str) -> Poll<Result<Bytes, &'static str>> {
        Poll::Ready(Ok(Bytes::from_static(text.as_bytes())))
    }

    fn poll(tokens: &mut Tokens) -> Poll<Option<StreamToken<'static>>> {
        tokens.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn text(text: &'static str) -> Poll<Option<StreamToken<'static>>> {
        Poll::Ready(Some(StreamToken::Text(text.into())))
    }

    #[test]
    fn tokens_come_as_chunks_do() {
        let (mut tokens, ..) = play([chunk("ab"), Poll::Pending, chunk(""), chunk("c.")]);
        let seen: Vec<_> = std::iter::repeat_with(|| poll(&mut tokens)).take(7).collect();
        let (end, over) = (Poll::Ready(Some(done())), Poll::Ready(None));
        assert_eq!(seen, [text("a"), text("b"), Poll::Pending, text("c"), end, over.clone(), over]);
    }

    #[test]
    fn no_chunk_is_asked_for_while_tokens_wait() {
        let (mut tokens, polls, _) = play([chunk("abc"), chunk("d")]);
        for (expected, asked) in [("a", 1), ("b", 1), ("c", 1), ("d", 2)] {
            assert_eq!(poll(&mut tokens), text(expected));
            assert_eq!(polls.get(), asked);
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
            let mut tokens = pipeline.process_stream(::futures::stream::iter([chunk]));
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
        assert_eq!(poll(&mut tokens), Poll::Ready(Some(StreamToken::Error(broken(&"reset")))));
        assert_eq!(poll(&mut tokens), Poll::Ready(None));

        let (mut tokens, ..) = play([chunk("."), Poll::Ready(Err("reset"))]);
        assert_eq!(poll(&mut tokens), Poll::Ready(Some(done())));
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
        assert!(!dropped.get());
        drop(tokens);
        assert!(dropped.get());
    }
}
