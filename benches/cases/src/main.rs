//! Prints one JSON row per case and subject. Runs natively and as a WASI program.

use serde_json::{Value, json};
use stream_cases::{Case, Unit, figures, is_floor, is_ours, measure};

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    // Natively the caller names the target, because it chose the features of the processor.
    let target = std::env::args().nth(2).unwrap_or_else(|| {
        let target = if cfg!(target_os = "wasi") { "wasm" } else { "native" };
        target.to_owned()
    });
    let target = target.as_str();
    // Before anything else has made the memory grow.
    #[cfg(target_os = "wasi")]
    if "memory".starts_with(&only) {
        let memory = figures::memory(10_000_000, figures::memory_kib);
        println!(
            "{}",
            json!({
                "case": "memory/10M-tokens", "target": target, "subject": "ours", "tokens": memory.tokens,
                "kib_at_100k": memory.early, "kib_at_end": memory.late,
            })
        );
    }
    if "latency".starts_with(&only) {
        let latency = figures::latency(200_000);
        println!(
            "{}",
            json!({
                "case": "latency/one-event-per-chunk", "target": target, "subject": "ours",
                "ns_p50": latency.p50, "ns_p99.9": latency.p999, "ns_p99.9_best_round": latency.p999_best,
            })
        );
    }
    for case in stream_cases::cases().iter().filter(|case| case.name.starts_with(&only)) {
        rows(case, target).iter().for_each(|row| println!("{row}"));
    }
}

fn rows(case: &Case, target: &str) -> Vec<Value> {
    let chunks = case.input.chunks();
    let taken = measure::measure(&case.subjects, &chunks);
    let peers = case.subjects.iter().zip(&taken).filter(|((name, _), _)| !is_ours(name) && !is_floor(name));
    let best_peer = peers.map(|(_, taken)| taken.median).fold(f64::INFINITY, f64::min);
    let row = |(name, taken): (&str, &measure::Taken)| {
        let (key, figure): (_, Box<dyn Fn(f64) -> f64>) = match case.unit {
            Unit::Throughput => ("mb_s", Box::new(|ns| (case.input.body.len() as f64 * 1e3 / ns).round())),
            Unit::PerChunk => ("ns", Box::new(|ns| (ns / chunks.len() as f64).round())),
        };
        let mut row = json!({
            "case": case.name,
            "target": target,
            "subject": name,
            key: figure(taken.median),
            (format!("{key}_best_round")): figure(taken.best),
        });
        // Some cases have no peers.
        if best_peer.is_finite() {
            row["ratio_to_best_peer"] = ((best_peer / taken.median * 100.0).round() / 100.0).into();
        }
        row
    };
    case.subjects.iter().map(|(name, _)| *name).zip(&taken).map(row).collect()
}
