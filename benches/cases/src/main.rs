//! Prints one JSON row per case and subject. Runs natively and as a WASI program.

use serde_json::json;
use stream_cases::{measure, parsers};

fn main() {
    let target = if cfg!(target_os = "wasi") { "wasm" } else { "native" };
    for (case, input) in parsers::cases() {
        let chunks = input.chunks();
        let chunks = chunks.as_slice();
        let subjects: Vec<Box<dyn Fn() -> parsers::Seen>> = parsers::SUBJECTS
            .iter()
            // It is quadratic in the length of a line: minutes for one figure.
            .filter(|(name, _)| !(case == "line-1MiB/1460" && *name == "eventsource-stream"))
            .map(|(_, subject)| Box::new(move || subject(chunks)) as Box<dyn Fn() -> parsers::Seen>)
            .collect();
        let taken = measure::measure(&subjects);
        let best_peer = taken[1..].iter().map(|taken| taken.median).fold(f64::INFINITY, f64::min);
        for ((name, _), taken) in parsers::SUBJECTS.iter().zip(&taken) {
            let mb_s = |ns: f64| (input.body.len() as f64 * 1e3 / ns).round();
            println!(
                "{}",
                json!({
                    "case": case,
                    "target": target,
                    "subject": name,
                    "mb_s": mb_s(taken.median),
                    "mb_s_best_round": mb_s(taken.best),
                    "ratio_to_best_peer": (best_peer / taken.median * 100.0).round() / 100.0,
                })
            );
        }
    }
}
