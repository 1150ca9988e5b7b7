//! How long the model takes to answer, drawn from recorded fetches.

use serde::Deserialize;

/// An answer within this time came out of a cache, in milliseconds.
const CACHED_MS: u64 = 50;

/// A fetch as one line of the JSON lines file has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Fetch {
    ms: u64,
    cancelled: bool,
}

/// Which fetches count, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All that finished.
    Finished,
    /// Those of them that were not answered out of a cache.
    Uncached,
    /// Cancelled ones as well, as censored: they would have taken longer than that (Kaplan and Meier's estimate).
    Censored,
}

impl Reading {
    pub const ALL: [Self; 3] = [Self::Finished, Self::Uncached, Self::Censored];

    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "all finished fetches",
            Self::Uncached => "without the cache",
            Self::Censored => "Kaplan-Meier",
        }
    }
}

/// A distribution to draw from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latencies {
    /// Times in milliseconds, and how much of all is not longer.
    steps: Vec<(u64, f64)>,
}

impl Latencies {
    pub fn new(fetches: &[Fetch], reading: Reading) -> Self {
        let counts = |fetch: &&Fetch| match reading {
            Reading::Finished => !fetch.cancelled,
            Reading::Uncached => !fetch.cancelled && fetch.ms >= CACHED_MS,
            Reading::Censored => true,
        };
        let mut fetches: Vec<&Fetch> = fetches.iter().filter(counts).collect();
        // Of those that took equally long the finished ones come first.
        fetches.sort_by_key(|fetch| (fetch.ms, fetch.cancelled));
        let (count, mut survive) = (fetches.len(), 1.0);
        let mut steps = Vec::new();
        for (n, fetch) in fetches.into_iter().enumerate().filter(|(_, fetch)| !fetch.cancelled) {
            survive *= 1.0 - 1.0 / (count - n) as f64;
            steps.push((fetch.ms, 1.0 - survive));
        }
        Self { steps }
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The time below which `part` of all is, the longest where that is not known.
    pub fn at(&self, part: f64) -> u64 {
        let found = self.steps.iter().find(|(_, known)| *known >= part);
        found.or(self.steps.last()).map_or(0, |(ms, _)| *ms)
    }
}
