//! What happened, with times: for tests that count.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::editor::Paint;

/// A message from Lapce to the volt.
#[derive(Debug, Clone)]
pub struct Told {
    /// Present in a request.
    pub id: Option<u64>,
    /// The method.
    pub method: &'static str,
    /// The whole JSON line.
    pub line: String,
    /// When it was put in the volt's queue.
    pub queued: Instant,
    /// When the volt's thread took it.
    pub taken: Option<Instant>,
    /// When `handle_rpc` returned.
    pub handled: Option<Instant>,
    /// What the volt's thread worked for it, waiting not counted. Known once it is handled, on Unix.
    pub worked: Option<Duration>,
}

impl Told {
    /// How long it lay in the queue; until now when it still lies there.
    pub fn wait(&self) -> Duration {
        self.taken.unwrap_or_else(Instant::now) - self.queued
    }

    /// How long the volt took for it, when it is done.
    pub fn handling(&self) -> Option<Duration> {
        Some(self.handled? - self.taken?)
    }
}

/// A message from the volt to Lapce.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The whole JSON line, as written.
    pub line: String,
    /// When it came.
    pub at: Instant,
}

/// A change of drawn ghost text.
#[derive(Debug, Clone)]
pub struct Painted {
    /// What changed.
    pub paint: Paint,
    /// When.
    pub at: Instant,
}

/// A process run by `host/executeProcess`.
#[derive(Debug, Clone)]
pub struct Executed {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// When it was started.
    pub at: Instant,
    /// How long it took until it was over.
    pub took: Duration,
}

/// Everything that happened in one Lapce so far.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Messages to the volt, in order.
    pub told: Vec<Told>,
    /// Messages of the volt, in order, also those Lapce cannot read.
    pub heard: Vec<Heard>,
    /// How often each request id was answered by the volt, with a result or an error.
    pub answers: BTreeMap<u64, usize>,
    /// What was drawn.
    pub paints: Vec<Painted>,
    /// When the user did something.
    pub acts: Vec<Instant>,
    /// When an `experimental/serverStatus` came.
    pub server_statuses: Vec<Instant>,
    /// Processes the volt had run.
    pub executed: Vec<Executed>,
    /// Traps of the volt; it lives on after one.
    pub traps: Vec<String>,
    /// Messages of the volt that Lapce cannot read or would itself panic on.
    pub faults: Vec<String>,
}

/// How often the requests of one method were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Requests sent.
    pub requests: usize,
    /// Answers to the request that got fewest; 1 when none was sent.
    pub min: usize,
    /// Answers to the request that got most; 1 when none was sent.
    pub max: usize,
}

impl Evidence {
    /// The requests of a method that were sent, in order: their ids and how often each was answered.
    pub fn answers_to<'a>(&'a self, method: &'a str) -> impl Iterator<Item = (u64, usize)> + 'a {
        let ids = self.told.iter().filter(move |told| told.method == method).filter_map(|told| told.id);
        ids.map(|id| (id, self.answers.get(&id).copied().unwrap_or(0)))
    }

    /// The fewest and the most answers among the `textDocument/inlineCompletion` requests.
    pub fn inline_answers(&self) -> Answers {
        let counts: Vec<usize> =
            self.answers_to("textDocument/inlineCompletion").map(|(_, count)| count).collect();
        Answers {
            requests: counts.len(),
            min: counts.iter().copied().min().unwrap_or(1),
            max: counts.iter().copied().max().unwrap_or(1),
        }
    }

    /// What each key cost that asked for a completion, all its messages together: the sum of what `cost` says of
    /// each.
    pub fn cost_of_keys(&self, cost: fn(&Told) -> Option<Duration>) -> Vec<Duration> {
        let ends = self.acts.iter().skip(1).copied().map(Some).chain([None]);
        let of_key = |(start, end): (&Instant, Option<Instant>)| {
            let since = |told: &&Told| told.queued >= *start && end.is_none_or(|end| told.queued < end);
            let told: Vec<&Told> = self.told.iter().filter(since).collect();
            let asks = told.iter().any(|told| told.method == "textDocument/inlineCompletion");
            asks.then(|| told.into_iter().filter(|told| told.method != "initialize").filter_map(cost).sum())
        };
        self.acts.iter().zip(ends).filter_map(of_key).collect()
    }

    /// Ghosts that the volt had drawn where the caret was not.
    pub fn stale_paints(&self) -> Vec<&Painted> {
        self.paints.iter().filter(|painted| painted.paint.is_stale()).collect()
    }

    /// Ghosts drawn (not wiped), in order.
    pub fn ghosts(&self) -> impl Iterator<Item = (Instant, &str)> {
        self.paints
            .iter()
            .filter_map(|painted| Some((painted.at, painted.paint.ghost.as_ref()?.text.as_str())))
    }

    /// The longest that a message waited in the queue before the volt took it.
    pub fn longest_wait(&self) -> Duration {
        self.told.iter().map(Told::wait).max().unwrap_or_default()
    }

    /// The longest that the volt was busy with one message.
    pub fn longest_handling(&self) -> Duration {
        self.told.iter().filter_map(Told::handling).max().unwrap_or_default()
    }

    /// How many server statuses came before the first act of the user, between each two, and after the last.
    pub fn server_statuses_between_acts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.acts.len() + 1];
        for status in &self.server_statuses {
            let after = self.acts.partition_point(|act| act <= status);
            if let Some(count) = counts.get_mut(after) {
                *count += 1;
            }
        }
        counts
    }

    /// Whether a text occurs anywhere it should not if it is secret: in arguments of processes, in messages of
    /// the volt, in traps.
    pub fn mentions(&self, secret: &str) -> bool {
        let arguments = self.executed.iter().flat_map(|executed| &executed.argv);
        let heard = self.heard.iter().map(|heard| &heard.line);
        arguments.chain(heard).chain(&self.traps).any(|text| text.contains(secret))
    }
}
