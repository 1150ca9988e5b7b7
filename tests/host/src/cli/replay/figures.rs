//! What the pauses of a session came to.

use std::fmt;

use serde::Serialize;

use super::person::{Fate, Pause};

/// One session played with one kind of latencies; or the mean of several.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    pub latencies: &'static str,
    pub pauses: f64,
    /// Of a hundred pauses.
    pub with_ghost: f64,
    /// Of a hundred pauses that end when the caret moves as well.
    pub with_ghost_until_move: f64,
    pub to_ghost_ms_p50: f64,
    pub to_ghost_ms_p90: f64,
    pub requests_per_typed_character: f64,
    /// Of a hundred typed characters.
    pub offered: f64,
    pub stale_paints: f64,
    pub wrong_tabs: f64,
    pub wakeups: f64,
    /// Where the pauses went.
    pub fates: Vec<(&'static str, f64)>,
}

/// What is counted in one session.
pub struct Counted<'p> {
    pub pauses: &'p [Pause],
    pub typed: usize,
    pub offered: usize,
    pub requests: usize,
    pub stale_paints: usize,
    pub wrong_tabs: usize,
    pub wakeups: usize,
}

impl Figures {
    pub fn new(latencies: &'static str, counted: &Counted) -> Self {
        let pauses = counted.pauses;
        let is_served = |pause: &&Pause| pause.ghost_ms.is_some();
        let still = || pauses.iter().filter(|pause| pause.is_still());
        let mut times: Vec<u64> = pauses.iter().filter_map(|pause| pause.ghost_ms).collect();
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(0) as f64;
        Self {
            latencies,
            pauses: pauses.len() as f64,
            with_ghost: percent(pauses.iter().filter(is_served).count(), pauses.len()),
            with_ghost_until_move: percent(still().filter(is_served).count(), still().count()),
            to_ghost_ms_p50: at(50),
            to_ghost_ms_p90: at(90),
            requests_per_typed_character: percent(counted.requests, counted.typed) / 100.0,
            offered: percent(counted.offered, counted.typed),
            stale_paints: counted.stale_paints as f64,
            wrong_tabs: counted.wrong_tabs as f64,
            wakeups: counted.wakeups as f64,
            fates: Fate::ALL
                .iter()
                .map(|fate| (fate.name(), pauses.iter().filter(|pause| pause.fate == *fate).count() as f64))
                .collect(),
        }
    }

    /// The mean of several sessions; of stale paints and wrong Tabs the sum.
    pub fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let sum = |of: fn(&Self) -> f64| all.iter().map(of).sum::<f64>();
        let mean = |of: fn(&Self) -> f64| (sum(of) / count * 1000.0).round() / 1000.0;
        let fate = |n: usize| all.iter().filter_map(|one| one.fates.get(n)).map(|(_, of)| of).sum::<f64>();
        Self {
            latencies: all.first().map_or("", |first| first.latencies),
            pauses: mean(|one| one.pauses),
            with_ghost: mean(|one| one.with_ghost),
            with_ghost_until_move: mean(|one| one.with_ghost_until_move),
            to_ghost_ms_p50: mean(|one| one.to_ghost_ms_p50),
            to_ghost_ms_p90: mean(|one| one.to_ghost_ms_p90),
            requests_per_typed_character: mean(|one| one.requests_per_typed_character),
            offered: mean(|one| one.offered),
            stale_paints: sum(|one| one.stale_paints),
            wrong_tabs: sum(|one| one.wrong_tabs),
            wakeups: mean(|one| one.wakeups),
            fates: Fate::ALL
                .iter()
                .enumerate()
                .map(|(n, name)| (name.name(), (fate(n) / count * 10.0).round() / 10.0))
                .collect(),
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// The heading of the lines of [`Figures`].
pub const HEADING: &str = "\
latencies              with a ghost  until the caret moves  to ghost p50/p90 ms  requests/character  offered  stale  wrong Tabs";

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latencies, with_ghost, with_ghost_until_move, offered, .. } = self;
        let times = format!("{:.0}/{:.0}", self.to_ghost_ms_p50, self.to_ghost_ms_p90);
        let (requests, stale, tabs) = (self.requests_per_typed_character, self.stale_paints, self.wrong_tabs);
        write!(
            f,
            "{latencies:<22} {with_ghost:>10.1} % {with_ghost_until_move:>20.1} % {times:>20} {requests:>19.3} {offered:>6.1} % {stale:>6} {tabs:>11}"
        )
    }
}
