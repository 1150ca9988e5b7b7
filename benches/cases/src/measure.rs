//! Medians of interleaved rounds: what disturbs the machine disturbs all subjects alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds per case; the median of each subject's is reported.
pub const ROUNDS: usize = 7;

/// How long one subject runs in one round.
const ROUND: Duration = Duration::from_millis(30);

/// Nanoseconds that one call of each subject takes, in their order.
pub fn medians<T>(subjects: &[Box<dyn Fn() -> T + '_>]) -> Vec<f64> {
    let calls: Vec<u32> = subjects.iter().map(|subject| calls_per_round(subject)).collect();
    let mut times = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for ((subject, calls), times) in subjects.iter().zip(&calls).zip(&mut times) {
            times.push(time(subject, *calls).as_nanos() as f64 / f64::from(*calls));
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn calls_per_round<T>(subject: impl Fn() -> T) -> u32 {
    let mut calls = 1;
    loop {
        let taken = time(&subject, calls);
        if taken >= ROUND {
            return calls;
        }
        let factor = ROUND.as_secs_f64() / taken.as_secs_f64().max(1e-6);
        calls = ((f64::from(calls) * factor * 1.1).ceil() as u32).max(calls + 1);
    }
}

fn time<T>(subject: impl Fn() -> T, calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(subject());
    }
    start.elapsed()
}

/// The middle one.
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
