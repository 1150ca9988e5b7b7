//! Interleaved rounds: what disturbs the machine disturbs all subjects alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Subject;

/// How long one subject runs in one round: less than a time slice, so that a busy machine spoils some
/// rounds and not all.
const ROUND: Duration = Duration::from_micros(500);

/// Rounds per case, unless one subject alone is so slow that they take longer than [`PATIENCE`].
const ROUNDS: usize = 201;

/// A subject that has used up this time after [`FEWEST`] rounds sits out the others.
const PATIENCE: Duration = Duration::from_secs(1);

const FEWEST: usize = 5;

/// Nanoseconds that one call of a subject takes.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The median of the rounds: what is compared.
    pub median: f64,
    /// The best round: what the machine can do when nothing else runs on it.
    pub best: f64,
}

/// What each subject takes to read the chunks, in their order.
pub fn measure(subjects: &[Subject], chunks: &[&[u8]]) -> Vec<Taken> {
    let subjects: Vec<_> = subjects.iter().map(|(_, read)| || read(black_box(chunks))).collect();
    let calls: Vec<u32> = subjects.iter().map(calls_per_round).collect();
    let mut rounds = vec![Vec::new(); subjects.len()];
    let mut spent = vec![Duration::ZERO; subjects.len()];
    for round in 0..ROUNDS {
        for (n, subject) in subjects.iter().enumerate() {
            if round >= FEWEST && spent[n] > PATIENCE {
                continue;
            }
            let time = time(subject, calls[n]);
            spent[n] += time;
            rounds[n].push(time.as_nanos() as f64 / f64::from(calls[n]));
        }
    }
    rounds.iter_mut().map(|times| summary(times)).collect()
}

fn calls_per_round<T>(subject: impl Fn() -> T) -> u32 {
    let once = (0..3).map(|_| time(&subject, 1)).min().unwrap_or_default();
    (ROUND.as_nanos() / once.as_nanos().max(1)).clamp(1, 1 << 20) as u32
}

fn time<T>(subject: impl Fn() -> T, calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(subject());
    }
    start.elapsed()
}

fn summary(times: &mut [f64]) -> Taken {
    times.sort_by(f64::total_cmp);
    Taken { median: times[times.len() / 2], best: times[0] }
}
