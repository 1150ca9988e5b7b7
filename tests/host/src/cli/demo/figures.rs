//! What the demo has measured.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;
use volt_host::server::{Exchange, Server};
use volt_host::{Evidence, Lapce};

/// The figures, named as `--json` prints them.
#[derive(Debug, Serialize)]
pub struct Figures {
    first_ghost_ms: f64,
    last_update_ms: f64,
    updates: usize,
    ghost: String,
    document: String,
    answers_per_request_max: usize,
    answers_per_request_min: usize,
    children_left: Option<usize>,
    files_left: usize,
    linear_memory_bytes: usize,
    wasm_bytes: u64,
    streamed: bool,
    tokens_per_s: f64,
    requests: Option<usize>,
    stale_paints: usize,
}

impl Figures {
    /// Measures a Lapce that was closed after Tab: `memory` is what the plugin had then, in bytes, and `before_tab` what
    /// had happened until Tab.
    pub fn new(
        lapce: &Lapce,
        memory: usize,
        before_tab: &Evidence,
        ghost: &str,
        server: Option<&Server>,
    ) -> Self {
        let growth = Growth::new(before_tab);
        let exchanges = server.map(Server::exchanges);
        let evidence = lapce.evidence();
        let answers = evidence.inline_answers();
        let grown = (growth.last - growth.first).as_secs_f64();
        Self {
            first_ghost_ms: milliseconds(growth.first - growth.last_key),
            last_update_ms: milliseconds(growth.last - growth.last_key),
            updates: growth.updates,
            ghost: ghost.to_owned(),
            document: lapce.screen().text,
            answers_per_request_max: answers.max,
            answers_per_request_min: answers.min,
            children_left: lapce.processes().ok().map(|processes| processes.len()),
            files_left: lapce.files_left().len(),
            linear_memory_bytes: memory,
            wasm_bytes: lapce.wasm_bytes(),
            // Of a real server's last byte nothing is known but that growth comes before it.
            streamed: match &exchanges {
                Some(exchanges) => was_streaming(exchanges, growth.first),
                None => growth.updates > 1,
            },
            tokens_per_s: if grown > 0.0 { tenth(growth.bytes as f64 / 4.0 / grown) } else { 0.0 },
            requests: exchanges.map(|exchanges| exchanges.len()),
            stale_paints: evidence.stale_paints().len(),
        }
    }
}

/// How the ghost grew after the last key.
struct Growth {
    last_key: Instant,
    first: Instant,
    last: Instant,
    updates: usize,
    /// From the first ghost to the last.
    bytes: usize,
}

impl Growth {
    fn new(evidence: &Evidence) -> Self {
        let last_key = evidence.acts.last().copied().unwrap_or_else(Instant::now);
        let mut ghosts: Vec<(Instant, &str)> = evidence.ghosts().filter(|(at, _)| *at >= last_key).collect();
        ghosts.dedup_by_key(|(_, text)| *text);
        let ends = ghosts.first().copied().zip(ghosts.last().copied());
        let ((first, short), (last, long)) = ends.unwrap_or(((last_key, ""), (last_key, "")));
        let bytes = long.len().saturating_sub(short.len());
        Self { last_key, first, last, updates: ghosts.len(), bytes }
    }
}

/// Whether an answer was half sent at that moment.
fn was_streaming(exchanges: &[Exchange], moment: Instant) -> bool {
    exchanges.iter().any(|exchange| {
        let sent = exchange.sent_by(moment);
        0 < sent && sent < exchange.sent()
    })
}

fn milliseconds(time: Duration) -> f64 {
    tenth(time.as_secs_f64() * 1000.0)
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streamed = match (self.streamed, self.requests) {
            (true, _) => "while the model was still writing",
            (false, Some(_)) => "after the whole answer",
            (false, None) => "and it did not grow",
        };
        writeln!(f, "first ghost        {:>8.0} ms after the last key, {streamed}", self.first_ghost_ms)?;
        writeln!(f, "last update        {:>8.0} ms after the last key", self.last_update_ms)?;
        writeln!(f, "updates            {:>8}", self.updates)?;
        writeln!(f, "speed              {:>8.0} tokens/s (four bytes taken as a token)", self.tokens_per_s)?;
        if let Some(requests) = self.requests {
            writeln!(f, "HTTP requests      {requests:>8}")?;
        }
        let answered = match (self.answers_per_request_min, self.answers_per_request_max) {
            (1, 1) => "every request of the editor answered once".to_owned(),
            (min, max) => format!("requests of the editor answered {min} to {max} times"),
        };
        writeln!(f, "{answered}, {}", none_or(self.stale_paints, "stale ghost"))?;
        let left = self.children_left.map(|children| none_or(children, "process") + " and ");
        writeln!(f, "{}{} left behind", left.unwrap_or_default(), none_or(self.files_left, "file"))?;
        writeln!(f, "linear memory      {:>8} KiB", self.linear_memory_bytes >> 10)?;
        writeln!(f, "wasm               {:>8} KiB", self.wasm_bytes >> 10)
    }
}

/// `no file`, `1 file`, `2 files`.
fn none_or(count: usize, what: &str) -> String {
    let ending = match (count, what.ends_with('s')) {
        (0 | 1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    let count = if count == 0 { "no".to_owned() } else { count.to_string() };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a real server sent its last byte is not known.
    #[test]
    fn only_of_the_scripted_server_it_is_told_that_all_had_come_before_the_first_ghost() {
        for (streamed, requests, words) in [
            (true, Some(1), "while the model was still writing"),
            (true, None, "while the model was still writing"),
            (false, Some(1), "after the whole answer"),
            (false, None, "and it did not grow"),
        ] {
            let figures = Figures {
                first_ghost_ms: 1.0,
                last_update_ms: 1.0,
                updates: 1,
                ghost: String::new(),
                document: String::new(),
                answers_per_request_max: 1,
                answers_per_request_min: 1,
                children_left: None,
                files_left: 0,
                linear_memory_bytes: 0,
                wasm_bytes: 0,
                streamed,
                tokens_per_s: 0.0,
                requests,
                stale_paints: 0,
            };
            let first = figures.to_string().lines().next().unwrap_or_default().to_owned();
            assert!(first.ends_with(words), "{first}");
        }
    }
}
