//! Finding matches in text that is still coming.

use std::sync::Arc;

use super::automaton::{Automaton, DEAD};

/// The patterns looked for at once, the first ones preferred.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    list: Vec<Pattern>,
    /// Whether a match of any can begin with this byte.
    first: Box<[bool; 256]>,
}

#[derive(Debug, Clone)]
struct Pattern {
    automaton: Arc<Automaton>,
    start_suffices: bool,
}

impl Patterns {
    /// `start_suffices`: a match counts as soon as it is certain, however long it may become.
    pub(super) fn add(&mut self, automaton: Automaton, start_suffices: bool) {
        for (byte, first) in (0..=u8::MAX).zip(self.first.iter_mut()) {
            *first |= automaton.starts_with(byte);
        }
        self.list.push(Pattern { automaton: Arc::new(automaton), start_suffices });
    }
}

impl Default for Patterns {
    fn default() -> Self {
        Self { list: Vec::new(), first: Box::new([false; 256]) }
    }
}

/// A match; positions are bytes from the beginning of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub start: u64,
    pub end: u64,
    pub pattern: usize,
}

/// The search in one text, fed piece by piece. Finds what a search in the whole text would: the
/// leftmost match, of those the first pattern's, then the same behind it.
///
/// An attempt is one pattern's automaton started at one place. All attempts that may still succeed
/// advance side by side, so each byte is read once, however far a match that fails at last had
/// come. Of two attempts of a pattern in the same state the later one is given up, for their fates
/// are one and the earlier wins; so there are never more attempts than states.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    at: u64,
    previous: Option<u8>,
    /// Ordered by [`Attempt::rank`].
    attempts: Vec<Attempt>,
    /// Matches whose end is certain, behind an attempt that would come first. Ordered and disjoint.
    waiting: Vec<Match>,
    /// By pattern and state, the position at which an attempt was last seen in it.
    seen: Vec<Vec<u64>>,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    start: u64,
    pattern: usize,
    state: u32,
    /// The end of the match so far; a later one replaces it.
    end: Option<u64>,
}

impl Attempt {
    /// The lower one wins if both succeed.
    fn rank(&self) -> (u64, usize) {
        (self.start, self.pattern)
    }
}

impl Match {
    fn rank(&self) -> (u64, usize) {
        (self.start, self.pattern)
    }
}

impl Search {
    /// How much text it has seen, in bytes.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Text before this position is decided: it is part of a match that was told, or of none.
    pub(super) fn decided(&self) -> u64 {
        self.attempts.first().map_or(self.at, |attempt| attempt.start)
    }

    /// Reads on and tells `hit` each match that has become certain, in order.
    pub(super) fn read(&mut self, patterns: &Patterns, text: &str, hit: &mut dyn FnMut(Match)) {
        let mut bytes = text.as_bytes();
        loop {
            if self.attempts.is_empty() {
                let begins = |&byte: &u8| patterns.first[usize::from(byte)];
                let skipped = bytes.iter().position(begins).unwrap_or(bytes.len());
                let (before, rest) = bytes.split_at(skipped);
                self.previous = before.last().copied().or(self.previous);
                self.at += skipped as u64;
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return };
            self.step(patterns, byte);
            self.tell(hit);
            bytes = rest;
        }
    }

    /// The text ends here. The search begins anew.
    pub(super) fn end(&mut self, patterns: &Patterns, hit: &mut dyn FnMut(Match)) {
        let mut covered = 0;
        for mut attempt in std::mem::take(&mut self.attempts) {
            if attempt.start < covered {
                continue;
            }
            if patterns.list[attempt.pattern].automaton.traits(attempt.state).matched_at_end {
                attempt.end = Some(self.at);
                covered = self.at;
                self.cover(&attempt);
            }
            self.close(&attempt);
        }
        for found in &self.waiting {
            hit(*found);
        }
        *self = Self::default();
    }

    fn step(&mut self, patterns: &Patterns, byte: u8) {
        self.seen.resize_with(patterns.list.len(), Vec::new);
        // Attempts that start before it lie under a match of one that comes before them.
        let mut covered = 0;
        let running = self.attempts.len();
        let mut kept = 0;
        for index in 0..running {
            let attempt = self.attempts[index];
            if let Some(attempt) = self.advance(patterns, attempt, byte, &mut covered) {
                self.attempts[kept] = attempt;
                kept += 1;
            }
        }
        self.attempts.truncate(kept);

        let inside_a_character = (0x80..=0xBF).contains(&byte);
        for (index, pattern) in patterns.list.iter().enumerate() {
            if inside_a_character || !pattern.automaton.starts_with(byte) {
                continue;
            }
            let state = pattern.automaton.start(self.previous);
            let attempt = Attempt { start: self.at, pattern: index, state, end: None };
            if let Some(attempt) = self.advance(patterns, attempt, byte, &mut covered) {
                self.attempts.push(attempt);
            }
        }
        self.previous = Some(byte);
        self.at += 1;
    }

    /// The attempt after `byte`, if more is to be seen of it.
    fn advance(
        &mut self,
        patterns: &Patterns,
        mut attempt: Attempt,
        byte: u8,
        covered: &mut u64,
    ) -> Option<Attempt> {
        if attempt.start < *covered {
            return None;
        }
        let pattern = &patterns.list[attempt.pattern];
        let step = pattern.automaton.step(attempt.state, byte);
        let traits = pattern.automaton.traits(step.next());
        attempt.state = step.next();
        let end = if traits.matched {
            Some(self.at + 1)
        } else if step.matched() {
            Some(self.at)
        } else {
            None
        };
        if let Some(end) = end {
            attempt.end = Some(end);
            *covered = end;
            self.cover(&attempt);
        }
        let certain = traits.closed || pattern.start_suffices && attempt.end.is_some();
        if step.next() == DEAD || certain || self.is_redundant(&attempt, pattern.automaton.state_count()) {
            self.close(&attempt);
            return None;
        }
        Some(attempt)
    }

    /// Whether an earlier attempt of the pattern is in the same state after this byte.
    fn is_redundant(&mut self, attempt: &Attempt, states: usize) -> bool {
        let seen = &mut self.seen[attempt.pattern];
        seen.resize(states, 0);
        let now = self.at + 1;
        std::mem::replace(&mut seen[attempt.state as usize], now) == now
    }

    /// Forgets what the match of `attempt` makes impossible behind it.
    fn cover(&mut self, attempt: &Attempt) {
        while self.waiting.last().is_some_and(|found| found.rank() > attempt.rank()) {
            self.waiting.pop();
        }
    }

    /// Nothing more is to be seen of `attempt`; its match, if there is one, waits for its turn.
    fn close(&mut self, attempt: &Attempt) {
        let Some(end) = attempt.end else { return };
        let found = Match { start: attempt.start, end, pattern: attempt.pattern };
        let place = self.waiting.partition_point(|other| other.rank() < found.rank());
        self.waiting.insert(place, found);
    }

    fn tell(&mut self, hit: &mut dyn FnMut(Match)) {
        while let Some(&found) = self.waiting.first() {
            if self.attempts.first().is_some_and(|attempt| attempt.rank() < found.rank()) {
                return;
            }
            hit(found);
            self.waiting.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;

    #[test]
    fn attempts_that_go_together_are_one() {
        // Every `<` begins an attempt that stays open; side by side they would be thousands.
        let automaton = Pattern::wildcard("<**>x").unwrap().into_automaton();
        let states = automaton.state_count();
        let mut patterns = Patterns::default();
        patterns.add(automaton, false);
        let mut search = Search::default();
        let mut found = 0;
        search.read(&patterns, &"<".repeat(10_000), &mut |_| found += 1);
        assert_eq!(found, 0);
        assert!(search.attempts.len() < states, "{} of {states}", search.attempts.len());
        search.read(&patterns, ">x", &mut |_| found += 1);
        assert_eq!(found, 1);
    }
}
