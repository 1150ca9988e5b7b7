//! When to be woken while the model writes.
//!
//! A wake-up makes Lapce ask every plugin and language server again for the lenses, hints and symbols of every open
//! document: 15 ms of rust-analyzer's CPU time for a file of 250 lines, 240 ms for one of 3,200. So there are few:
//! one when there is a first line to show, some while the answer grows, one at its end. The agent sends none before
//! another line has come, so an answer of one line takes one.

use crate::transport::NotBefore;

/// The first wake-up comes this long after the first byte, at the earliest, in milliseconds.
const FIRST_MS: u64 = 200;
/// An answer is shown once, when it has ended, if it ends within this time of its first byte, in milliseconds. But that is waited
/// for only if answers of several lines usually end so soon, or if the model writes fast (see [`NotBefore`]). The first 200 ms of
/// a slower one are the same whether it writes four lines in 0.4 s or twelve in 1.2 s, and of twelve the first must not show later.
const SHORT_MS: u64 = 400;
/// The gap before the next wake-up while the model writes its reasoning, in milliseconds.
const THINKING_MS: u64 = 2000;
/// Gaps between the wake-ups in which the ghost grows, in milliseconds.
const GROWING_MS: [u64; 3] = [700, 1000, 3000];
/// Wake-ups in a pause that may show lines, and the same if large documents are open.
const SHOWING: usize = 1 + GROWING_MS.len();
const SHOWING_LARGE: usize = 1;
/// Wake-ups after those: one for the end, and one in reserve for an answer that broke and is resumed, or that fills the
/// pipes. The requests that are sent in place of a failed one have no others: see [`Wakeups::left`].
const ENDING: usize = 2;
/// A wake-up asked for at once that has not come after this time was lost, in milliseconds.
const LOST_MS: u64 = 1000;
/// With more bytes than this in open documents, wake-ups are expensive.
const LARGE_BYTES: usize = 200_000;

/// What was read of the answer so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Nothing,
    /// Only reasoning, which is not shown.
    Thoughts,
    /// Text, but no complete line to show.
    Text,
    /// Lines, which are shown.
    Lines,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// Wake-ups asked for since the newest key.
    in_pause: usize,
    /// One was asked for and has not come.
    is_armed: bool,
    /// One was asked for since the newest came. It may be on its way even if none is armed any more, because it takes
    /// some time through the editor.
    may_be_sent: bool,
    /// When an immediate one was asked for, in milliseconds.
    soon_ms: Option<u64>,
    /// Documents whose lenses the editor will ask for because of a change and not of a wake-up, once for
    /// consecutive changes.
    owed: Vec<String>,
    /// Documents whose lenses the newest wake-up has made the editor ask for. It asks once for each that is open.
    asked: Vec<String>,
    /// How long an answer of several lines usually takes from its first byte to its end, in milliseconds.
    writing_ms: Option<u64>,
}

impl Wakeups {
    /// A key was typed or the editor asked otherwise: a new pause begins.
    pub fn new_pause(&mut self, now_ms: u64) {
        self.in_pause = 0;
        // An immediate one is on its way, however many keys are handled first.
        if self.soon_ms.is_none_or(|asked| now_ms.saturating_sub(asked) > LOST_MS) {
            self.disarm();
        }
        self.owed.clear();
    }

    /// A document changed: the editor will ask for its lenses because of that.
    pub fn changed(&mut self, uri: &str) {
        if !self.owed.iter().any(|owed| owed == uri) {
            self.owed.push(uri.to_owned());
        }
    }

    /// The editor asked for the lenses of a document, because of a change or of a wake-up. Returns whether it is a wake-up
    /// that the agent waits for before it sends another.
    pub fn lenses_asked(&mut self, uri: &str) -> bool {
        if let Some(at) = self.owed.iter().position(|owed| owed == uri) {
            self.owed.swap_remove(at);
            return false;
        }
        let is_wakeup = self.asked.is_empty() || self.asked.iter().any(|asked| asked == uri);
        if is_wakeup {
            self.asked.clear();
            self.disarm();
        }
        self.asked.push(uri.to_owned());
        is_wakeup && std::mem::take(&mut self.may_be_sent)
    }

    /// An answer of several lines took this long from its first byte to its end.
    pub fn wrote(&mut self, ms: u64) {
        self.writing_ms = Some(self.writing_ms.map_or(ms, |mean| (mean * 3 + ms) / 4));
    }

    /// How long the model took for its first text, which was read `ms` after the request had left: if a wake-up is
    /// outstanding or caused the read, the text waited for it.
    pub fn latency_ms(&self, ms: u64) -> u64 {
        if self.is_armed { ms.saturating_sub(self.first().ms) } else { ms }
    }

    fn first(&self) -> NotBefore {
        if self.writing_ms.is_some_and(|ms| ms <= SHORT_MS) {
            return SHORT_MS.into();
        }
        NotBefore { ms: FIRST_MS, extra_ms: SHORT_MS - FIRST_MS }
    }

    /// How many wake-ups this pause may still have; `open_bytes`: the size of all open documents.
    pub fn left(&self, open_bytes: usize) -> usize {
        (showing(open_bytes) + ENDING).saturating_sub(self.in_pause)
    }

    /// Asks for the next wake-up of a running request. Returns the earliest time for it, or `None` if one is on its way already
    /// or this pause has had its last.
    pub fn ask(&mut self, read: Read, open_bytes: usize) -> Option<NotBefore> {
        if self.is_armed || self.left(open_bytes) == 0 {
            return None;
        }
        let showing = showing(open_bytes);
        let not_before = match read {
            _ if self.in_pause >= showing => u64::MAX.into(),
            Read::Nothing => self.first(),
            Read::Thoughts => THINKING_MS.into(),
            // A blank line, or the fence of a block of code: the next line shows.
            Read::Text if self.in_pause <= 1 => FIRST_MS.into(),
            Read::Text | Read::Lines => {
                GROWING_MS.get(self.in_pause.saturating_sub(1)).copied().unwrap_or(u64::MAX).into()
            }
        };
        self.arm();
        Some(not_before)
    }

    /// Asks for a wake-up as soon as the editor's queue is empty, in place of any other. Returns whether that is new.
    pub fn ask_soon(&mut self, now_ms: u64) -> bool {
        let is_new = self.soon_ms.is_none();
        if is_new {
            self.arm();
            self.soon_ms = Some(now_ms);
        }
        is_new
    }

    fn arm(&mut self) {
        self.in_pause += 1;
        self.is_armed = true;
        self.may_be_sent = true;
    }

    /// The wake-up has come, or was for a request that no longer exists.
    pub fn disarm(&mut self) {
        self.is_armed = false;
        self.soon_ms = None;
    }
}

/// How many wake-ups of a pause may show lines.
fn showing(open_bytes: usize) -> usize {
    if open_bytes > LARGE_BYTES { SHOWING_LARGE } else { SHOWING }
}

#[cfg(test)]
mod tests {
    use super::Read::{Lines, Nothing, Text, Thoughts};
    use super::*;

    /// The gaps asked for in one pause, each after the one before has come, by what was read meanwhile. The last counts on.
    fn asked(read: &[Read], open_bytes: usize) -> Vec<u64> {
        let mut wakeups = Wakeups::default();
        wakeups.new_pause(0);
        let gaps = std::iter::from_fn(|| {
            let read = read.get(wakeups.in_pause).or(read.last()).copied().unwrap();
            let gap = wakeups.ask(read, open_bytes);
            assert_eq!(gap.is_some(), wakeups.is_armed, "asked for while one is on its way");
            assert_eq!(wakeups.ask(read, open_bytes), None);
            wakeups.lenses_asked("a");
            Some(gap?.ms)
        });
        gaps.take(20).collect()
    }

    #[test]
    fn wake_ups_grow_rarer_and_the_last_is_for_the_end() {
        const END: u64 = u64::MAX;
        for (read, open_bytes, gaps) in [
            (&[Nothing, Lines][..], 1000, &[200, 700, 1000, 3000, END, END][..]),
            (&[Nothing, Lines], 300_000, &[200, END, END]),
            // The first line is not waited for as long as the next ones.
            (&[Nothing, Text, Lines], 1000, &[200, 200, 1000, 3000, END, END]),
            (&[Nothing, Text], 1000, &[200, 200, 1000, 3000, END, END]),
            (&[Nothing, Thoughts, Thoughts, Lines], 1000, &[200, 2000, 2000, 3000, END, END]),
            // One that failed at once, and is tried again.
            (&[Nothing, Nothing, Lines], 1000, &[200, 200, 1000, 3000, END, END]),
        ] {
            assert_eq!(asked(read, open_bytes), gaps, "{read:?}");
        }
    }

    #[test]
    fn a_pause_has_six_wake_ups_and_three_with_large_documents() {
        for (open_bytes, most) in [(1000, 6), (300_000, 3)] {
            let mut wakeups = Wakeups::default();
            for left in (0..most).rev() {
                assert!(wakeups.ask(Nothing, open_bytes).is_some());
                assert_eq!(wakeups.left(open_bytes), left);
                wakeups.lenses_asked("a");
            }
            assert_eq!(wakeups.ask(Text, open_bytes), None);
            wakeups.new_pause(0);
            assert_eq!(wakeups.left(open_bytes), most);
        }
    }

    #[test]
    fn lenses_that_a_change_brings_are_no_wake_up() {
        let mut wakeups = Wakeups::default();
        wakeups.changed("a");
        assert!(wakeups.ask(Nothing, 0).is_some());
        wakeups.lenses_asked("a");
        assert_eq!(wakeups.ask(Nothing, 0), None, "it has not come yet");
        wakeups.lenses_asked("a");
        assert!(wakeups.ask(Lines, 0).is_some());
    }

    #[test]
    fn lenses_of_every_open_document_are_one_wake_up() {
        let mut wakeups = Wakeups::default();
        for round in 0..3 {
            assert!(wakeups.ask(Nothing, 0).is_some(), "round {round}");
            wakeups.lenses_asked("a");
            assert!(wakeups.ask(Nothing, 0).is_some(), "the first has come, round {round}");
            wakeups.lenses_asked("b");
            wakeups.lenses_asked("c");
            assert_eq!(wakeups.ask(Nothing, 0), None, "the second has not, round {round}");
            wakeups.new_pause(0);
        }
    }

    #[test]
    fn a_wake_up_that_comes_after_a_key_is_still_the_one_the_agent_waits_for() {
        let mut wakeups = Wakeups::default();
        assert!(!wakeups.lenses_asked("a"), "none was asked for");
        assert!(wakeups.ask(Nothing, 0).is_some());
        wakeups.new_pause(0);
        wakeups.changed("a");
        assert!(wakeups.ask(Nothing, 0).is_some());
        assert!(!wakeups.lenses_asked("a"), "of the change");
        assert!(wakeups.lenses_asked("a"));
        assert!(!wakeups.lenses_asked("a"), "it has come");
    }

    #[test]
    fn an_urgent_wake_up_is_asked_for_once_until_it_comes() {
        let mut wakeups = Wakeups::default();
        assert!(wakeups.ask(Nothing, 0).is_some());
        assert!(wakeups.ask_soon(0), "it replaces the one that may come late");
        assert!(!wakeups.ask_soon(0));
        assert_eq!(wakeups.ask(Lines, 0), None);
        wakeups.lenses_asked("a");
        assert!(wakeups.ask_soon(0));
    }

    #[test]
    fn an_urgent_wake_up_that_does_not_come_for_a_second_was_lost() {
        for (now_ms, is_lost) in [(7 + LOST_MS, false), (8 + LOST_MS, true)] {
            let mut wakeups = Wakeups::default();
            assert!(wakeups.ask_soon(7));
            wakeups.new_pause(now_ms);
            assert_eq!(wakeups.ask_soon(now_ms), is_lost, "{now_ms}");
        }
    }

    #[test]
    fn changes_in_a_row_bring_lenses_once() {
        let mut wakeups = Wakeups::default();
        assert!(wakeups.ask_soon(0));
        (0..3).for_each(|_| wakeups.changed("a"));
        wakeups.lenses_asked("a");
        assert!(!wakeups.ask_soon(0), "it has not come yet");
        wakeups.lenses_asked("a");
        assert!(wakeups.ask_soon(0));
    }

    #[test]
    fn documents_are_large_beyond_a_size() {
        for (open_bytes, second) in [(LARGE_BYTES, 700), (LARGE_BYTES + 1, u64::MAX)] {
            assert_eq!(asked(&[Nothing, Lines], open_bytes).get(1), Some(&second), "{open_bytes}");
        }
    }

    #[test]
    fn answers_that_are_short_on_average_are_waited_for() {
        let usual = NotBefore { ms: 200, extra_ms: 200 };
        for (wrote, first) in [
            (&[][..], usual),
            (&[400], 400.into()),
            (&[401], usual),
            // The newest counts for a quarter.
            (&[300, 700], 400.into()),
            (&[300, 704], usual),
        ] {
            let mut wakeups = Wakeups::default();
            wrote.iter().for_each(|ms| wakeups.wrote(*ms));
            assert_eq!(wakeups.latency_ms(1000), 1000, "no wake-up was waited for");
            assert_eq!(wakeups.ask(Nothing, 0), Some(first), "{wrote:?}");
            assert_eq!((wakeups.latency_ms(1000), wakeups.latency_ms(1)), (1000 - first.ms, 0), "{wrote:?}");
        }
    }
}
