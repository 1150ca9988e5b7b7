//! Counts that several threads or tasks can read while the stream runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::metrics::Times;
use super::{Measure, Snapshot, StreamToken, Usage};

/// [`StreamMetrics`](super::StreamMetrics) behind an [`Arc`] of atomic counters: one clone measures in the
/// pipeline, others read. Several pipelines may count into one, say all answers of a session; then the rate
/// and the time to the first token are those of the whole.
///
/// Each counter is exact. A snapshot that is taken while a token passes may have counted it in some
/// counters and not yet in others.
///
/// ```
/// use ai_completion::stream::{Measure, SharedStreamMetrics, StreamToken};
///
/// let metrics = SharedStreamMetrics::default();
/// let mut writer = metrics.clone();
/// let reader = std::thread::spawn(move || {
///     writer.at(1_000);
///     writer.chunk(280);
///     writer.decoded(&StreamToken::Text("let".into()));
/// });
/// reader.join().expect("the thread does not panic");
/// let counts = metrics.snapshot();
/// assert_eq!((counts.chunks, counts.bytes, counts.pieces), (1, 280, 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SharedStreamMetrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    now_ms: AtomicU64,
    started_ms: AtomicU64,
    begun_ms: AtomicU64,
    first_ms: AtomicU64,
    last_ms: AtomicU64,
    chunks: AtomicU64,
    bytes: AtomicU64,
    decoded: AtomicU64,
    delivered: AtomicU64,
    pieces: AtomicU64,
    errors: AtomicU64,
    usage: [AtomicU64; 4],
}

/// What a counter that may be unknown holds until it is known.
const UNKNOWN: u64 = u64::MAX;

impl Default for Counters {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let unknown = || AtomicU64::new(UNKNOWN);
        Self {
            now_ms: zero(),
            started_ms: unknown(),
            begun_ms: unknown(),
            first_ms: unknown(),
            last_ms: zero(),
            chunks: zero(),
            bytes: zero(),
            decoded: zero(),
            delivered: zero(),
            pieces: zero(),
            errors: zero(),
            usage: [unknown(), unknown(), unknown(), unknown()],
        }
    }
}

impl SharedStreamMetrics {
    /// The counts so far.
    pub fn snapshot(&self) -> Snapshot {
        let Counters { usage: [input, output, cached, reasoning], .. } = &*self.0;
        let counters = &*self.0;
        let pieces = counters.pieces.load(Relaxed);
        let times = Times {
            started_ms: known(&counters.started_ms),
            begun_ms: known(&counters.begun_ms),
            first_ms: known(&counters.first_ms),
            last_ms: counters.last_ms.load(Relaxed),
        };
        Snapshot {
            chunks: counters.chunks.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            decoded: counters.decoded.load(Relaxed),
            delivered: counters.delivered.load(Relaxed),
            pieces,
            errors: counters.errors.load(Relaxed),
            usage: Usage {
                input: known(input),
                output: known(output),
                cached: known(cached),
                reasoning: known(reasoning),
            },
            ..Snapshot::timed(times, pieces)
        }
    }
}

fn known(counter: &AtomicU64) -> Option<u64> {
    Some(counter.load(Relaxed)).filter(|value| *value != UNKNOWN)
}

/// Sets a counter that is not known yet.
fn set_once(counter: &AtomicU64, value: u64) {
    let _ = counter.compare_exchange(UNKNOWN, value, Relaxed, Relaxed);
}

impl Measure for SharedStreamMetrics {
    fn at(&mut self, now_ms: u64) {
        self.0.now_ms.fetch_max(now_ms, Relaxed);
        set_once(&self.0.started_ms, now_ms);
    }

    fn chunk(&mut self, bytes: usize) {
        self.0.chunks.fetch_add(1, Relaxed);
        self.0.bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn decoded(&mut self, token: &StreamToken<'_>) {
        self.0.decoded.fetch_add(1, Relaxed);
        match token {
            StreamToken::Usage(usage) => {
                let stated = [usage.input, usage.output, usage.cached, usage.reasoning];
                for (counter, value) in self.0.usage.iter().zip(stated) {
                    counter.store(value.unwrap_or(UNKNOWN), Relaxed);
                }
            }
            StreamToken::Text(_) | StreamToken::Delta(_) => {
                self.0.pieces.fetch_add(1, Relaxed);
                let now_ms = self.0.now_ms.load(Relaxed);
                set_once(&self.0.begun_ms, now_ms);
                self.0.last_ms.fetch_max(now_ms, Relaxed);
            }
            _ => {}
        }
    }

    fn delivered(&mut self, token: &StreamToken<'_>) {
        self.0.delivered.fetch_add(1, Relaxed);
        match token {
            StreamToken::Error(_) => {
                self.0.errors.fetch_add(1, Relaxed);
            }
            StreamToken::Text(_) | StreamToken::Delta(_) => {
                set_once(&self.0.first_ms, self.0.now_ms.load(Relaxed));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Done, FinishReason, StreamMetrics};
    use super::*;

    #[test]
    fn it_counts_as_the_metrics_of_one_thread_do() {
        let (mut shared, mut single) = (SharedStreamMetrics::default(), StreamMetrics::default());
        assert_eq!(shared.snapshot(), single.snapshot());
        let reader = shared.clone();
        let all: [&mut dyn Measure; 2] = [&mut shared, &mut single];
        for metrics in all {
            metrics.at(1_000);
            metrics.chunk(100);
            for now_ms in [1_100, 1_050, 1_300] {
                metrics.at(now_ms);
                metrics.decoded(&StreamToken::Text("x".into()));
                metrics.delivered(&StreamToken::Text("x".into()));
            }
            metrics.decoded(&StreamToken::Usage(Usage { output: Some(9), ..Usage::default() }));
            metrics.delivered(&StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 }));
        }
        assert_eq!(reader.snapshot(), single.snapshot());
        assert_eq!(reader.snapshot().first_token_ms, Some(100));
    }

    #[test]
    fn threads_lose_no_count() {
        let metrics = SharedStreamMetrics::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut metrics = metrics.clone();
                scope.spawn(move || (0..1_000).for_each(|_| metrics.chunk(3)));
            }
        });
        let counts = metrics.snapshot();
        assert_eq!((counts.chunks, counts.bytes), (4_000, 12_000));
    }
}
