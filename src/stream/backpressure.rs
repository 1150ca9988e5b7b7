//! How much to read, so that a slow reader slows the sender and not fills the memory.
//!
//! Tokens cannot be refused once their bytes are read, so what is governed is the reading: when it
//! stops, the pipe fills, then the socket, and TCP makes the sender wait.

use std::fmt;

/// The least that is read at once: a smaller read costs as much as this one.
const MIN_READ: usize = 1 << 10;
/// The most that is read at once: what a pipe of Linux holds.
const MAX_READ: usize = 1 << 16;

/// Between what a [`BackpressureController`] moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackpressureLimits {
    /// How many tokens may wait before anything is known of the consumer.
    pub first_permits: u32,
    /// This many tokens may wait for the consumer however slow it is.
    pub min_permits: u32,
    /// More tokens never wait, however fast it is.
    pub max_permits: u32,
    /// How long a token should wait at most, in milliseconds.
    pub target_ms: u64,
    /// When the consumer has taken nothing for so long, it counts as gone; in milliseconds.
    pub timeout_ms: u64,
}

impl Default for BackpressureLimits {
    /// 4 to 1024 tokens, at first 32, each for at most 100 ms; 30 s without a sign of life.
    fn default() -> Self {
        Self { first_permits: 32, min_permits: 4, max_permits: 1024, target_ms: 100, timeout_ms: 30_000 }
    }
}

/// Decides from the tokens that wait, and from how fast they are taken, how much to read next.
///
/// A permit is the right of one token to wait. There are as many as the consumer can be expected to
/// take within the target time: one more whenever permits were short and it keeps up, half of them
/// when it does not. A read is as large as the free permits allow, judged by how many bytes a token
/// took lately. So at most `permits` tokens wait, and those of one smallest read on top; more only when
/// tokens take far fewer bytes than those before them, and then those of one read.
///
/// Without a clock of its own: `now_ms` is passed in, from any origin.
///
/// ```
/// use ai_completion::stream::{BackpressureController, BackpressureLimits};
///
/// let mut control = BackpressureController::new(BackpressureLimits::default());
/// let size = control.acquire(0)?.expect("nothing waits yet");
/// control.delivered(size, 40, 0); // the read gave 40 tokens, all the permits there are and more
/// assert_eq!(control.acquire(5), Ok(None)); // no reading now
/// control.release(40, 10); // the consumer took them
/// assert!(control.acquire(10)?.is_some());
/// # Ok::<(), ai_completion::stream::BackpressureTimeout>(())
/// ```
#[derive(Debug, Clone)]
pub struct BackpressureController {
    limits: BackpressureLimits,
    permits: u32,
    waiting: u64,
    /// Permits have bounded a read since the last change of their number.
    short: bool,
    /// How many bytes of body a token takes; `None` before the first.
    bytes_per_token: Option<f64>,
    /// Bytes read since the last token.
    bytes_without_token: u64,
    /// How long the consumer takes for a token; `None` before the first.
    ms_per_token: Option<f64>,
    /// Since when the consumer works on the tokens that wait.
    busy_since_ms: u64,
    paused_since_ms: Option<u64>,
}

impl BackpressureController {
    /// A controller that begins with the first permits, as far as the other limits allow.
    pub fn new(limits: BackpressureLimits) -> Self {
        let min_permits = limits.min_permits.max(1);
        let limits =
            BackpressureLimits { min_permits, max_permits: limits.max_permits.max(min_permits), ..limits };
        Self {
            limits,
            permits: limits.first_permits.clamp(limits.min_permits, limits.max_permits),
            waiting: 0,
            short: false,
            bytes_per_token: None,
            bytes_without_token: 0,
            ms_per_token: None,
            busy_since_ms: 0,
            paused_since_ms: None,
        }
    }

    /// How many bytes to read next, 1 KiB to 64 KiB; `None`: read nothing until the consumer has
    /// taken some of what waits.
    ///
    /// # Errors
    /// [`BackpressureTimeout`] when reading has been paused for `timeout_ms` and the consumer has
    /// taken nothing in that time.
    pub fn acquire(&mut self, now_ms: u64) -> Result<Option<usize>, BackpressureTimeout> {
        let free = u64::from(self.permits).saturating_sub(self.waiting);
        if free == 0 {
            self.short = true;
            let waited_ms = now_ms.saturating_sub(*self.paused_since_ms.get_or_insert(now_ms));
            if waited_ms >= self.limits.timeout_ms {
                return Err(BackpressureTimeout { waited_ms, waiting: self.waiting });
            }
            return Ok(None);
        }
        self.paused_since_ms = None;
        // The first read tells how dense the tokens are; until then nothing large.
        let size = self.bytes_per_token.map_or(0.0, |bytes| bytes * free as f64) as usize;
        self.short |= size < MAX_READ;
        Ok(Some(size.clamp(MIN_READ, MAX_READ)))
    }

    /// A read of `bytes` gave the consumer `tokens` more.
    pub fn delivered(&mut self, bytes: usize, tokens: usize, now_ms: u64) {
        self.bytes_without_token += bytes as u64;
        if tokens == 0 {
            return;
        }
        if self.waiting == 0 {
            self.busy_since_ms = now_ms;
        }
        self.waiting += tokens as u64;
        let seen = std::mem::take(&mut self.bytes_without_token) as f64 / tokens as f64;
        // Denser tokens are believed at once, for they fill the queue; sparser ones by and by.
        self.bytes_per_token = Some(self.bytes_per_token.map_or(seen, |known| seen.min(mixed(known, seen))));
    }

    /// The consumer has taken `tokens` of those that wait.
    pub fn release(&mut self, tokens: usize, now_ms: u64) {
        let taken = (tokens as u64).min(self.waiting);
        if taken == 0 {
            return;
        }
        self.waiting -= taken;
        self.paused_since_ms = None;
        let seen = now_ms.saturating_sub(self.busy_since_ms) as f64 / taken as f64;
        self.busy_since_ms = now_ms;
        let ms_per_token = self.ms_per_token.map_or(seen, |known| mixed(known, seen));
        self.ms_per_token = Some(ms_per_token);

        if ms_per_token * f64::from(self.permits) > self.limits.target_ms as f64 {
            self.permits = (self.permits / 2).max(self.limits.min_permits);
        } else if std::mem::take(&mut self.short) {
            self.permits = self.permits.saturating_add(1).min(self.limits.max_permits);
        }
    }

    /// How many tokens may wait now.
    pub fn permits(&self) -> u32 {
        self.permits
    }

    /// How many tokens wait for the consumer.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }
}

impl Default for BackpressureController {
    fn default() -> Self {
        Self::new(BackpressureLimits::default())
    }
}

/// A moving average over about the last eight.
fn mixed(known: f64, seen: f64) -> f64 {
    known + (seen - known) / 8.0
}

/// The consumer takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackpressureTimeout {
    /// For how long reading has been paused, in milliseconds.
    pub waited_ms: u64,
    /// How many tokens wait.
    pub waiting: u64,
}

impl fmt::Display for BackpressureTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waited_ms, waiting } = self;
        write!(f, "{waiting} tokens were not taken within {waited_ms} ms")
    }
}

impl std::error::Error for BackpressureTimeout {}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::{Decode, Sink, StreamPipelineBuilder, StreamToken};
    use super::*;

    const FRAME: usize = 250;

    /// Frames of 250 bytes that hold a number; each is one token.
    #[derive(Default)]
    struct Frames {
        partial: Vec<u8>,
    }

    impl Decode for Frames {
        fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
            self.partial.extend_from_slice(chunk);
            let whole = self.partial.len() / FRAME * FRAME;
            for frame in self.partial[..whole].chunks(FRAME) {
                sink.token(StreamToken::Text(str::from_utf8(frame).unwrap().trim_end().into()));
            }
            self.partial.drain(..whole);
        }

        fn finish(&mut self, _sink: &mut impl Sink) {}
    }

    struct Outcome {
        ended_ms: u64,
        most_waiting: usize,
        most_permits: u32,
        least_permits: u32,
        largest_read: usize,
        /// For how many of the milliseconds the full pipe made the sender wait.
        sender_waited_ms: u64,
    }

    /// A server that writes `frames` frames, one a millisecond while the pipe of 64 KiB has room; a
    /// consumer that takes for its token number n `slowness(n)` milliseconds (0: takes all at once).
    fn simulate(frames: u64, slowness: impl Fn(u64) -> u64) -> Outcome {
        let mut pipeline = StreamPipelineBuilder::new(Frames::default()).build();
        let (mut pipe, mut queue) = (VecDeque::new(), VecDeque::new());
        let (mut written, mut taken, mut busy_until) = (0, 0, 0);
        let mut outcome = Outcome {
            ended_ms: 0,
            most_waiting: 0,
            most_permits: 0,
            least_permits: u32::MAX,
            largest_read: 0,
            sender_waited_ms: 0,
        };
        for now in 0.. {
            if taken == frames {
                outcome.ended_ms = now;
                break;
            }
            pipeline.at(now);
            if written < frames {
                if pipe.len() + FRAME <= 64 * 1024 {
                    pipe.extend(format!("{written:<FRAME$}").bytes());
                    written += 1;
                } else {
                    outcome.sender_waited_ms += 1;
                }
            }
            if let Some(size) = pipeline.acquire().expect("the consumer lives") {
                let chunk: Vec<u8> = pipe.drain(..size.min(pipe.len())).collect();
                outcome.largest_read = outcome.largest_read.max(size);
                pipeline.push(&chunk, &mut |token: StreamToken<'_>| {
                    queue.push_back(token.text().unwrap().parse::<u64>().unwrap())
                });
            }
            outcome.most_waiting = outcome.most_waiting.max(queue.len());
            while now >= busy_until
                && let Some(number) = queue.pop_front()
            {
                assert_eq!(number, taken, "lost or out of order");
                pipeline.release(1);
                taken += 1;
                busy_until = now + slowness(number);
            }
            let permits = pipeline.backpressure().permits();
            outcome.most_permits = outcome.most_permits.max(permits);
            outcome.least_permits = outcome.least_permits.min(permits);
        }
        outcome
    }

    #[test]
    fn a_consumer_a_hundred_times_slower_slows_the_server_and_fills_nothing() {
        let short = simulate(1_000, |_| 100);
        let long = simulate(5_000, |_| 100);
        for outcome in [&short, &long] {
            // The permits at the start and the rest of the smallest read.
            assert!(outcome.most_waiting <= 32 + MIN_READ / FRAME + 1, "{}", outcome.most_waiting);
            assert_eq!(outcome.least_permits, 4);
            assert!(outcome.sender_waited_ms > outcome.ended_ms / 2);
        }
        assert_eq!(short.most_waiting, long.most_waiting);
    }

    #[test]
    fn a_consumer_that_keeps_up_never_makes_the_server_wait() {
        let outcome = simulate(20_000, |_| 0);
        assert_eq!(outcome.sender_waited_ms, 0);
        assert!(outcome.most_permits > 200, "{}", outcome.most_permits);
        assert_eq!(outcome.largest_read, MAX_READ);
        assert!(outcome.ended_ms <= 20_010, "{}", outcome.ended_ms);
    }

    #[test]
    fn permits_shrink_while_it_is_slow_and_grow_again_after() {
        let outcome = simulate(3_000, |number| if number < 200 { 100 } else { 0 });
        assert_eq!(outcome.least_permits, 4);
        assert!(outcome.most_permits > 100, "{}", outcome.most_permits);
    }

    #[test]
    fn the_wait_for_the_consumer_ends_with_an_error() {
        let limits = BackpressureLimits { timeout_ms: 1_000, ..BackpressureLimits::default() };
        let mut control = BackpressureController::new(limits);
        control.delivered(1_024, 50, 0);
        assert_eq!(control.acquire(10), Ok(None));
        assert_eq!(control.acquire(1_009), Ok(None));
        let timeout = BackpressureTimeout { waited_ms: 1_000, waiting: 50 };
        assert_eq!(control.acquire(1_010), Err(timeout));
        assert_eq!(timeout.to_string(), "50 tokens were not taken within 1000 ms");
        // A sign of life, however small, begins the wait anew.
        control.release(1, 1_011);
        assert_eq!(control.acquire(1_012), Ok(None));
        assert_eq!(control.acquire(2_011), Ok(None));
        assert!(control.acquire(2_012).is_err());
    }

    #[test]
    fn reads_are_sized_by_free_permits_and_by_the_bytes_of_a_token() {
        let mut control = BackpressureController::default();
        let read = |control: &mut BackpressureController| control.acquire(0).unwrap();
        assert_eq!(read(&mut control), Some(MIN_READ), "unknown density");
        control.delivered(1_000, 0, 0);
        control.delivered(1_000, 2, 0);
        assert_eq!(read(&mut control), Some(30 * 1_000), "a token took both reads");
        control.delivered(100, 1, 0);
        assert_eq!(read(&mut control), Some(29 * 100), "denser at once");
        control.delivered(900, 1, 0);
        assert_eq!(read(&mut control), Some(28 * 200), "sparser slowly");
        control.delivered(5_600, 28, 0);
        assert_eq!(read(&mut control), None);
    }

    #[test]
    fn nonsense_is_put_right() {
        let limits = BackpressureLimits { min_permits: 0, max_permits: 0, ..BackpressureLimits::default() };
        let mut control = BackpressureController::new(limits);
        assert_eq!(control.permits(), 1);
        control.release(5, 0);
        assert_eq!((control.waiting(), control.permits()), (0, 1));
        assert_eq!(control.acquire(0), Ok(Some(MIN_READ)));
        // Who wants no bound at all.
        let limits = BackpressureLimits { min_permits: u32::MAX, ..BackpressureLimits::default() };
        let mut unbounded = BackpressureController::new(limits);
        assert_eq!(unbounded.acquire(0), Ok(Some(MIN_READ)));
        unbounded.delivered(1_000, 1, 0);
        unbounded.release(1, 0);
        assert_eq!(unbounded.permits(), u32::MAX);
        assert_eq!(unbounded.acquire(0), Ok(Some(MAX_READ)));
        // A clock that steps back.
        control.delivered(10, 1, 1_000);
        control.release(1, 10);
        assert_eq!(control.acquire(0), Ok(Some(MIN_READ)));
    }
}
