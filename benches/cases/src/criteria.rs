//! What the stream library is held to, each with its figure and its limit.

use std::collections::VecDeque;

use ai_completion::stream::{Decode, Sink, StreamPipelineBuilder, StreamToken};

use crate::inputs::{self, Input, SEGMENT};
use crate::json::as_in_the_volt;
use crate::{Seen, figures, measure};

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Its name.
    pub name: &'static str,
    /// What was measured.
    pub figure: f64,
    /// What it may be at most, or must be at least.
    pub limit: f64,
    /// What both are of.
    pub unit: &'static str,
    /// Whether the figure keeps to the limit.
    pub holds: bool,
    /// How it was measured.
    pub how: &'static str,
}

impl Criterion {
    fn at_most(name: &'static str, figure: f64, limit: f64, unit: &'static str, how: &'static str) -> Self {
        Self { name, figure, limit, unit, holds: figure <= limit, how }
    }

    fn at_least(name: &'static str, figure: f64, limit: f64, unit: &'static str, how: &'static str) -> Self {
        Self { name, figure, limit, unit, holds: figure >= limit, how }
    }
}

/// Most bytes that may be in use.
const MOST_MEMORY: f64 = (2 << 20) as f64;

/// All of them. `allocations` says how many allocations there were so far, `in_use` how many bytes are allocated.
pub fn all(allocations: &dyn Fn() -> usize, in_use: &dyn Fn() -> usize) -> Vec<Criterion> {
    let mut rows = Vec::new();
    const ENDLESS: &str =
        "bytes allocated, one endless answer in segments of 1460 bytes, which are counted as well";
    let names = [
        ("memory after 1M tokens", "growth from 100k to 1M tokens", 1_000_000),
        ("memory after 10M tokens", "growth from 100k to 10M tokens", 10_000_000),
    ];
    for (name, growth, tokens) in names {
        let memory = figures::memory(tokens, in_use);
        rows.push(Criterion::at_most(name, memory.late as f64, MOST_MEMORY, "bytes", ENDLESS));
        let more = memory.late.saturating_sub(memory.early);
        rows.push(Criterion::at_most(growth, more as f64, 0.0, "bytes", ENDLESS));
    }
    rows.push(Criterion::at_most(
        "allocations per token",
        allocations_of(100_000, allocations) as f64,
        0.0,
        "in 100k tokens",
        "calls of the allocator in a warm pipeline",
    ));
    let latency = figures::latency(100_000);
    rows.push(Criterion::at_most(
        "latency of a token, p99.9",
        latency.p999 as f64 / 1e6,
        1.0,
        "ms",
        "from a chunk of one event to its token in the sink, the clock included",
    ));
    let Throughput { mb_s, tokens_s } = throughput();
    const READ: &str = "chat completion chunks in segments of 1460 bytes, bytes to tokens, median";
    rows.push(Criterion::at_least("throughput", mb_s.round(), 100.0, "MB/s", READ));
    rows.push(Criterion::at_least("tokens per second", tokens_s.round(), 10_000.0, "tokens/s", READ));
    let slow = slow_consumer(5_000, 100);
    rows.push(Criterion::at_most(
        "back-pressure: tokens that wait",
        slow.most_waiting as f64,
        40.0,
        "tokens",
        "made-up time: a server writes a token a ms, the consumer takes 100 ms for each",
    ));
    rows.push(Criterion::at_least(
        "back-pressure: the server waits",
        (slow.server_waited * 100 / slow.took.max(1)) as f64,
        90.0,
        "% of the time",
        "the same",
    ));
    rows
}

/// How often a warm pipeline allocates for that many tokens.
fn allocations_of(tokens: usize, allocations: &dyn Fn() -> usize) -> usize {
    // Without the end of the answer, behind which nothing would be read; whole events, so that it can be repeated.
    let body = inputs::openai(1000);
    let end = body.rmatch_indices("\n\n").nth(2).map_or(0, |(at, end)| at + end.len());
    let input = Input::cut(body[..end].to_owned(), SEGMENT);
    let chunks = input.chunks();
    let mut pipeline = StreamPipelineBuilder::new(as_in_the_volt()).metrics().build();
    let mut seen = 0;
    let mut before = None;
    while seen < 2 * tokens {
        if seen >= tokens {
            before.get_or_insert_with(allocations);
        }
        for chunk in &chunks {
            pipeline.push(chunk, &mut |token: StreamToken<'_>| {
                seen += usize::from(matches!(token, StreamToken::Text(_)));
            });
        }
    }
    allocations() - before.unwrap_or_default()
}

/// How fast bytes become tokens.
struct Throughput {
    mb_s: f64,
    tokens_s: f64,
}

fn throughput() -> Throughput {
    const TOKENS: usize = 2000;
    let input = Input::cut(inputs::openai(TOKENS), SEGMENT);
    let read = |chunks: &[&[u8]]| {
        let mut pipeline = StreamPipelineBuilder::new(as_in_the_volt()).build();
        let mut seen = Seen::default();
        let mut sink = |token: StreamToken<'_>| seen.add(token.text().unwrap_or_default());
        chunks.iter().for_each(|chunk| pipeline.push(chunk, &mut sink));
        pipeline.finish(&mut sink);
        seen
    };
    let taken = measure::measure(&[("ours", read)], &input.chunks());
    let ns = taken[0].median;
    Throughput { mb_s: input.body.len() as f64 * 1e3 / ns, tokens_s: TOKENS as f64 * 1e9 / ns }
}

/// What became of a consumer that is slower than the server.
#[derive(Debug, Clone, Copy, Default)]
struct Slow {
    /// Most tokens that waited for it at once.
    most_waiting: usize,
    /// Milliseconds in which the server could not write, because the pipe was full.
    server_waited: u64,
    took: u64,
}

/// A server that writes `tokens` tokens, one a millisecond while the pipe has room, and a consumer that takes
/// `slowness` milliseconds for each.
fn slow_consumer(tokens: u64, slowness: u64) -> Slow {
    const FRAME: usize = 250;
    const PIPE: usize = 64 << 10;
    /// Every 250 bytes are a token.
    struct Frames(usize);
    impl Decode for Frames {
        fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
            self.0 += chunk.len();
            while self.0 >= FRAME {
                self.0 -= FRAME;
                sink.token(StreamToken::Text("x".into()));
            }
        }
        fn finish(&mut self, _sink: &mut impl Sink) {}
    }
    let zeros = [0; PIPE];
    let mut pipeline = StreamPipelineBuilder::new(Frames(0)).build();
    let (mut slow, mut queue) = (Slow::default(), VecDeque::new());
    let (mut in_pipe, mut written, mut taken, mut busy_until) = (0, 0, 0, 0);
    for now in 0.. {
        if taken == tokens {
            slow.took = now;
            break;
        }
        if written < tokens && in_pipe + FRAME <= PIPE {
            (in_pipe, written) = (in_pipe + FRAME, written + 1);
        } else if written < tokens {
            slow.server_waited += 1;
        }
        // An error would say that the consumer is gone.
        if let Ok(Some(size)) = pipeline.at(now).acquire() {
            let size = size.min(in_pipe);
            in_pipe -= size;
            pipeline.push(&zeros[..size], &mut |_: StreamToken<'_>| queue.push_back(()));
        }
        slow.most_waiting = slow.most_waiting.max(queue.len());
        if now >= busy_until && queue.pop_front().is_some() {
            pipeline.release(1);
            (taken, busy_until) = (taken + 1, now + slowness);
        }
    }
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_consumer_slows_the_server() {
        let slow = slow_consumer(1_000, 100);
        assert!(slow.most_waiting <= 40, "{slow:?}");
        assert!(slow.server_waited > 0 && slow.took >= 99_900, "{slow:?}");
    }

    #[test]
    fn limits_hold_on_their_side() {
        assert!(
            Criterion::at_most("", 1.0, 1.0, "", "").holds && !Criterion::at_most("", 2.0, 1.0, "", "").holds
        );
        assert!(
            Criterion::at_least("", 1.0, 1.0, "", "").holds
                && !Criterion::at_least("", 0.0, 1.0, "", "").holds
        );
    }
}
