//! When to be woken while the model writes.
//!
//! A wake-up makes Lapce ask every plugin and language server again for the lenses, hints and symbols of every open
//! document: 15 ms of rust-analyzer's processor time for a file of 250 lines, 240 ms for one of 3,200. So there are few:
//! one when there should be a first line to show, some while the answer grows, one at its end.

/// The first wake-up comes this long after the first byte, in milliseconds: by then there is a line, mostly.
const FIRST_MS: u64 = 120;
/// An answer that usually ends within this time of its first byte is shown once, when it has, in milliseconds.
const SHORT_MS: u64 = 400;
/// Gaps between the wake-ups in which the ghost grows, in milliseconds.
const GROWING_MS: [u64; 3] = [700, 1000, 3000];
/// The most wake-ups in a pause, one to spare for an answer that broke and is resumed; and the most where the open
/// documents are large.
const MOST: usize = 3 + GROWING_MS.len();
const MOST_LARGE: usize = 3;
/// With more bytes than this in open documents, wake-ups are dear.
const LARGE_BYTES: usize = 200_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// Asked for since the newest key.
    in_pause: usize,
    /// One was asked for and has not come.
    is_armed: bool,
    /// `codeLens` requests that the editor owes to changes of the document rather than to a wake-up.
    owed: u8,
    /// How long the model usually writes, from its first byte on, in milliseconds.
    writing_ms: Option<u64>,
}

impl Wakeups {
    /// A key was typed or the editor asked otherwise: a new pause begins.
    pub fn new_pause(&mut self) {
        self.in_pause = 0;
        self.is_armed = false;
        self.owed = 0;
    }

    /// The document in front changed: the editor will ask for lenses because of that.
    pub fn changed(&mut self) {
        self.owed = self.owed.saturating_add(1);
    }

    /// The editor asked for the lenses of the document in front, because of a change or of a wake-up.
    pub fn lenses_asked(&mut self) {
        match self.owed.checked_sub(1) {
            Some(owed) => self.owed = owed,
            None => self.is_armed = false,
        }
    }

    /// An answer took this long from its first byte to its end.
    pub fn wrote(&mut self, ms: u64) {
        self.writing_ms = Some(self.writing_ms.map_or(ms, |mean| (mean * 3 + ms) / 4));
    }

    /// How long the model took for its first text, which was read `ms` after the request had left: when the wake-up is
    /// still out or is what had it read, the text waited for that.
    pub fn latency_ms(&self, ms: u64) -> u64 {
        if self.is_armed { ms.saturating_sub(self.first_ms()) } else { ms }
    }

    fn first_ms(&self) -> u64 {
        if self.writing_ms.is_some_and(|ms| ms <= SHORT_MS) { SHORT_MS } else { FIRST_MS }
    }

    /// Asks for the next wake-up of a request that is under way: not before so many milliseconds. `None`: one is on its
    /// way already, or there are no more in this pause. `has_begun`: something of its answer was read.
    pub fn ask(&mut self, has_begun: bool, open_bytes: usize) -> Option<u64> {
        let most = if open_bytes > LARGE_BYTES { MOST_LARGE } else { MOST };
        if self.is_armed || self.in_pause >= most {
            return None;
        }
        let growing = GROWING_MS.get(self.in_pause.saturating_sub(1)).copied();
        let not_before = match (has_begun, growing) {
            // The last one is for the end.
            _ if self.in_pause + 1 == most => u64::MAX,
            (false, _) => self.first_ms(),
            (true, growing) => growing.unwrap_or(u64::MAX),
        };
        self.arm();
        Some(not_before)
    }

    /// A wake-up is asked for.
    pub fn arm(&mut self) {
        self.in_pause += 1;
        self.is_armed = true;
    }

    /// What was asked for concerns a request that is no more.
    pub fn disarm(&mut self) {
        self.is_armed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gaps asked for in one pause, each after the one before has come.
    fn asked(open_bytes: usize) -> Vec<u64> {
        let mut wakeups = Wakeups::default();
        wakeups.new_pause();
        let gaps = std::iter::from_fn(|| {
            let gap = wakeups.ask(wakeups.in_pause > 0, open_bytes);
            assert_eq!(gap.is_some(), wakeups.is_armed, "asked for while one is on its way");
            assert_eq!(wakeups.ask(true, open_bytes), None);
            wakeups.lenses_asked();
            gap
        });
        gaps.take(20).collect()
    }

    #[test]
    fn wake_ups_grow_rarer_and_the_last_is_for_the_end() {
        assert_eq!(asked(1000), [120, 700, 1000, 3000, u64::MAX, u64::MAX]);
        assert_eq!(asked(300_000), [120, 700, u64::MAX]);
    }

    #[test]
    fn lenses_that_a_change_brings_are_no_wake_up() {
        let mut wakeups = Wakeups::default();
        wakeups.changed();
        assert_eq!(wakeups.ask(false, 0), Some(FIRST_MS));
        wakeups.lenses_asked();
        assert_eq!(wakeups.ask(false, 0), None, "it has not come yet");
        wakeups.lenses_asked();
        assert!(wakeups.ask(true, 0).is_some());
    }

    #[test]
    fn short_answers_are_waited_for() {
        let mut wakeups = Wakeups::default();
        wakeups.wrote(300);
        assert_eq!(wakeups.ask(false, 0), Some(SHORT_MS));
        (0..9).for_each(|_| wakeups.wrote(1500));
        wakeups.new_pause();
        assert_eq!(wakeups.ask(false, 0), Some(FIRST_MS));
    }
}
