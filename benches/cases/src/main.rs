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
        let times = measure::medians(&subjects);
        let best = times[1..].iter().copied().fold(f64::INFINITY, f64::min);
        for ((name, _), ns) in parsers::SUBJECTS.iter().zip(&times) {
            let mb_s = input.body.len() as f64 * 1e3 / ns;
            println!(
                "{}",
                json!({"case": case, "target": target, "subject": name, "mb_s": mb_s.round(), "ratio_to_best_peer": (best / ns * 100.0).round() / 100.0})
            );
        }
    }
}
