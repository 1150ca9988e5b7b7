//! Counting what goes through a pipeline.

use std::fmt;

use super::{StreamToken, Usage};

/// What a [`StreamingPipeline`](super::StreamingPipeline) tells about itself while it runs.
///
/// A type parameter and not a trait object, so that [`NoMetrics`] compiles to nothing.
pub trait Measure {
    /// It is `now_ms` (any origin, never backwards). The first call marks the request's start.
    fn at(&mut self, now_ms: u64);
    /// A chunk of so many bytes came in.
    fn chunk(&mut self, bytes: usize);
    /// The decoder made a token.
    fn decoded(&mut self, token: &StreamToken<'_>);
    /// A token reached the sink.
    fn delivered(&mut self, token: &StreamToken<'_>);
}

/// Counts nothing and costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMetrics;

impl Measure for NoMetrics {
    #[inline(always)]
    fn at(&mut self, _now_ms: u64) {}
    #[inline(always)]
    fn chunk(&mut self, _bytes: usize) {}
    #[inline(always)]
    fn decoded(&mut self, _token: &StreamToken<'_>) {}
    #[inline(always)]
    fn delivered(&mut self, _token: &StreamToken<'_>) {}
}

/// Counts of one stream, at both ends of the pipeline.
///
/// ```
/// use ai_completion::stream::{Measure, StreamMetrics, StreamToken};
///
/// let mut metrics = StreamMetrics::default();
/// metrics.at(1_000); // the request leaves
/// for now_ms in [1_180, 1_230, 1_280] {
///     metrics.at(now_ms);
///     metrics.decoded(&StreamToken::Text("let ".into()));
///     metrics.delivered(&StreamToken::Text("let ".into()));
/// }
/// assert_eq!(metrics.snapshot().to_string(), "3 tokens, 20/s, first after 180 ms");
/// ```
#[derive(Debug, Clone, Default)]
pub struct StreamMetrics {
    now_ms: u64,
    started_ms: Option<u64>,
    /// When the first answer text was decoded, and when it was delivered.
    begun_ms: Option<u64>,
    first_ms: Option<u64>,
    last_ms: u64,
    chunks: u64,
    bytes: u64,
    decoded: u64,
    delivered: u64,
    pieces: u64,
    errors: u64,
    usage: Usage,
}

impl StreamMetrics {
    /// The counts so far.
    pub fn snapshot(&self) -> Snapshot {
        let Self { started_ms, begun_ms, first_ms, last_ms, .. } = *self;
        let times = Times { started_ms, begun_ms, first_ms, last_ms };
        Snapshot {
            chunks: self.chunks,
            bytes: self.bytes,
            decoded: self.decoded,
            delivered: self.delivered,
            pieces: self.pieces,
            errors: self.errors,
            usage: self.usage,
            ..Snapshot::timed(times, self.pieces)
        }
    }
}

impl Measure for StreamMetrics {
    fn at(&mut self, now_ms: u64) {
        // A clock that steps back must not make a time span negative.
        self.now_ms = self.now_ms.max(now_ms);
        self.started_ms.get_or_insert(now_ms);
    }

    fn chunk(&mut self, bytes: usize) {
        self.chunks += 1;
        self.bytes += bytes as u64;
    }

    fn decoded(&mut self, token: &StreamToken<'_>) {
        self.decoded += 1;
        match token {
            StreamToken::Usage(usage) => self.usage = *usage,
            StreamToken::Text(_) | StreamToken::Delta(_) => {
                self.pieces += 1;
                self.begun_ms.get_or_insert(self.now_ms);
                self.last_ms = self.now_ms;
            }
            _ => {}
        }
    }

    fn delivered(&mut self, token: &StreamToken<'_>) {
        self.delivered += 1;
        match token {
            StreamToken::Error(_) => self.errors += 1,
            StreamToken::Text(_) | StreamToken::Delta(_) => {
                self.first_ms.get_or_insert(self.now_ms);
            }
            _ => {}
        }
    }
}

/// The counts of a [`StreamMetrics`] at one moment. `Display` is what the status bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Snapshot {
    /// Chunks that came in.
    pub chunks: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// Tokens the decoder made.
    pub decoded: u64,
    /// Those of them that are answer text. Counted here because transformers join and split pieces.
    pub pieces: u64,
    /// Tokens that reached the sink, after the transformers.
    pub delivered: u64,
    /// Those of them that are errors.
    pub errors: u64,
    /// The last counts the provider stated.
    pub usage: Usage,
    /// Milliseconds from the start to the first answer text at the sink.
    pub first_token_ms: Option<u64>,
    /// Pieces of answer text per second, from the first to the last.
    pub pieces_per_second: Option<f64>,
}

/// The times of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub started_ms: Option<u64>,
    /// The first piece of answer text was decoded.
    pub begun_ms: Option<u64>,
    /// The first piece of answer text reached the sink.
    pub first_ms: Option<u64>,
    /// The last piece of answer text was decoded.
    pub last_ms: u64,
}

impl Snapshot {
    /// Only what is derived from the times and the number of pieces.
    pub(super) fn timed(times: Times, pieces: u64) -> Self {
        let Times { started_ms, begun_ms, first_ms, last_ms } = times;
        let writing_ms = begun_ms.map_or(0, |begun| last_ms.saturating_sub(begun));
        Self {
            first_token_ms: first_ms.zip(started_ms).map(|(first, start)| first.saturating_sub(start)),
            // The first piece ends the wait; only those after it took writing time.
            pieces_per_second: (writing_ms > 0)
                .then(|| pieces.saturating_sub(1) as f64 * 1000.0 / writing_ms as f64),
            ..Self::default()
        }
    }

    /// Average size of a chunk in bytes; 0 before the first.
    pub fn bytes_per_chunk(&self) -> f64 {
        ratio(self.bytes, self.chunks)
    }

    /// How many tokens a chunk gave on average; 0 before the first.
    pub fn tokens_per_chunk(&self) -> f64 {
        ratio(self.decoded, self.chunks)
    }

    /// How many bytes of body one token took on average; 0 before the first.
    pub fn bytes_per_token(&self) -> f64 {
        ratio(self.bytes, self.decoded)
    }

    /// Tokens of the answer: as the provider counts them, else pieces of text.
    pub fn tokens(&self) -> u64 {
        self.usage.output.unwrap_or(self.pieces)
    }
}

fn ratio(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.tokens();
        write!(f, "{tokens} token{}", if tokens == 1 { "" } else { "s" })?;
        if let Some(rate) = self.pieces_per_second {
            write!(f, ", {rate:.0}/s")?;
        }
        if let Some(first) = self.first_token_ms {
            write!(f, ", first after {first} ms")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Done, FinishReason};
    use super::*;

    fn text() -> StreamToken<'static> {
        StreamToken::Text("x".into())
    }

    #[test]
    fn both_ends_are_counted() {
        let mut metrics = StreamMetrics::default();
        metrics.chunk(100);
        metrics.decoded(&text());
        metrics.decoded(&text());
        metrics.chunk(50);
        metrics.decoded(&StreamToken::Usage(Usage { output: Some(9), ..Usage::default() }));
        metrics.delivered(&text());
        metrics.delivered(&StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 }));
        let counts = metrics.snapshot();
        assert_eq!((counts.chunks, counts.bytes, counts.decoded), (2, 150, 3));
        assert_eq!((counts.delivered, counts.pieces, counts.errors), (2, 2, 0));
        assert_eq!(
            (counts.bytes_per_chunk(), counts.tokens_per_chunk(), counts.bytes_per_token()),
            (75.0, 1.5, 50.0)
        );
        assert_eq!(counts.tokens(), 9);
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        let mut metrics = StreamMetrics::default();
        assert_eq!(metrics.snapshot().bytes_per_chunk(), 0.0);
        assert_eq!(metrics.snapshot().to_string(), "0 tokens");
        metrics.at(5);
        for _ in 0..2 {
            metrics.decoded(&text());
            metrics.delivered(&text());
        }
        assert_eq!(metrics.snapshot().pieces_per_second, None);
        assert_eq!(metrics.snapshot().to_string(), "2 tokens, first after 0 ms");
    }

    #[test]
    fn a_clock_that_steps_back_stands_still() {
        let mut metrics = StreamMetrics::default();
        metrics.at(1_000);
        metrics.at(900);
        metrics.decoded(&text());
        metrics.delivered(&text());
        metrics.at(500);
        metrics.decoded(&text());
        assert_eq!(metrics.snapshot().first_token_ms, Some(0));
        assert_eq!(metrics.snapshot().pieces_per_second, None);
    }

    #[test]
    fn pieces_that_a_transformer_joins_are_counted_before() {
        let mut metrics = StreamMetrics::default();
        for now_ms in [0, 100, 200] {
            metrics.at(now_ms);
            metrics.decoded(&text());
        }
        metrics.delivered(&text());
        let counts = metrics.snapshot();
        assert_eq!((counts.pieces, counts.first_token_ms), (3, Some(200)));
    }

    #[test]
    fn off_takes_no_room() {
        assert_eq!(size_of::<NoMetrics>(), 0);
    }
}
