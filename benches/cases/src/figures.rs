//! Figures that are no comparison: how long one token takes, and how much memory ten million need.

use std::time::Instant;

use ai_completion::stream::{StreamPipelineBuilder, StreamToken};

use crate::inputs::{self, Input};
use crate::json::as_in_the_volt;

/// How often [`latency`] feeds the same tokens.
const ROUNDS: usize = 3;

/// Nanoseconds from a chunk with one event to its token in the sink.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    /// Of all tokens, half are faster.
    pub p50: u64,
    /// One of a thousand is slower. The machine's timer interrupts about so many, at ten microseconds each.
    pub p999: u64,
    /// The same when of each token only its best round counts, so that what is left is our own doing.
    pub p999_best: u64,
}

/// Feeds `tokens` chunks of one event each, in several rounds, and times each by itself, the clock's own time
/// included.
pub fn latency(tokens: usize) -> Latency {
    let input = Input::cut_at_events(inputs::openai(tokens));
    let chunks = input.chunks();
    let mut all = Vec::with_capacity(chunks.len() * ROUNDS);
    let mut best = vec![u64::MAX; chunks.len()];
    for _ in 0..ROUNDS {
        let mut pipeline = StreamPipelineBuilder::new(as_in_the_volt()).build();
        let mut text = 0;
        for (chunk, best) in chunks.iter().zip(&mut best) {
            let start = Instant::now();
            pipeline.push(chunk, &mut |token: StreamToken<'_>| text += token.text().map_or(0, str::len));
            let time = start.elapsed().as_nanos() as u64;
            all.push(time);
            *best = time.min(*best);
        }
        assert!(text > tokens, "every token has text");
    }
    all.sort_unstable();
    best.sort_unstable();
    let p999 = |times: &[u64]| times[times.len() * 999 / 1000];
    Latency { p50: all[all.len() / 2], p999: p999(&all), p999_best: p999(&best) }
}

/// KiB of linear memory in use.
#[cfg(target_os = "wasi")]
pub fn memory_kib() -> usize {
    std::arch::wasm32::memory_size(0) * 64
}

/// What [`memory`] found.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Tokens that went through.
    pub tokens: usize,
    /// Memory after the first hundred thousand.
    pub early: usize,
    /// Memory after all.
    pub late: usize,
}

/// Takes at least `tokens` tokens of one answer through the pipeline, and asks `in_use` for the memory in use after the
/// first hundred thousand and after all of them. The unit is that of `in_use`.
pub fn memory(tokens: usize, in_use: impl Fn() -> usize) -> Memory {
    // Cut as from a network, with events over the edges; repeated as one endless answer.
    let body = inputs::openai(1000);
    let end = body.rmatch_indices("\n\n").nth(2).map_or(0, |(at, end)| at + end.len());
    let input = Input::cut(body[..end].to_owned(), inputs::SEGMENT);
    let chunks = input.chunks();
    let mut pipeline = StreamPipelineBuilder::new(as_in_the_volt()).build();
    let (mut seen, mut early) = (0, None);
    while seen < tokens {
        for chunk in &chunks {
            pipeline.push(chunk, &mut |token: StreamToken<'_>| {
                seen += usize::from(matches!(token, StreamToken::Text(_)));
            });
        }
        if seen >= 100_000 {
            early.get_or_insert_with(&in_use);
        }
    }
    Memory { tokens: seen, early: early.unwrap_or_default(), late: in_use() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_of_the_endless_answer_is_seen() {
        let memory = memory(101_000, || 7);
        assert_eq!((memory.tokens, memory.early, memory.late), (101_000, 7, 7));
    }
}
