//! Whether keys may be queued behind the message at hand, and how long to wait without looking.
//!
//! The host calls the guest once per message and keeps the next ones queued meanwhile. A *fence* is a wake-up asked
//! for through the same queue as the keys: when it comes back, every key typed before it was sent has been
//! delivered. It costs every language server a refresh, hence [`MOST`] per pause in typing and never two at once.

/// Fences per pause in typing, at most.
const MOST: u8 = 4;
/// The longest wait while keys are likely, in milliseconds.
const STEP_MS: u64 = 140;
/// All that one message may wait while a ghost is drawn, in milliseconds. A key that is typed meanwhile is not
/// answered, and until it is, Tab is bound to the ghost as it was drawn.
const DRAWN_MS: u64 = 1500;
/// So long after a fence it is still unlikely that a key was typed since, in milliseconds.
const UNSEEN_MS: u64 = 60;
/// All that one message may block where no fence comes back (Lapce before 0.4.1), in milliseconds.
const BOUNDED_MS: u64 = 280;
/// There, keys are let pass when the guest has come to be so far behind them, in milliseconds.
const BEHIND_MS: u64 = 600;
/// A fence that takes longer than this, while the guest was idle, was lost, in milliseconds.
const LOST_MS: u64 = 150;
/// What comes so soon after the guest was busy may have been done while it was, in milliseconds.
const BUSY_MS: u64 = 50;
/// So many lost fences mean a host without wake-ups.
const LOST: u8 = 2;

/// What came of asking for a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is to be sent now.
    Now,
    /// One is on its way already.
    Before,
    /// There are no more in this pause, or none ever.
    Never,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Fences {
    /// When the one on its way was sent.
    sent_ms: Option<u64>,
    in_pause: u8,
    lost: u8,
    /// Wake-ups owed to changes of the document rather than to the fence.
    owed: u8,
    /// No key can be queued behind what is being handled right now.
    confirmed: bool,
    /// Nor can one be when the next thing happens.
    held: bool,
    /// When that was last so.
    confirmed_ms: u64,
    /// More keys may be queued: do not block before the fence is back.
    backlog: bool,
    /// The current stretch of reading ends then.
    slice_end_ms: u64,
    /// When the message at hand came.
    entered_ms: u64,
    /// When the newest thing happened.
    stepped_ms: u64,
    /// When a message last found that the guest had long been idle.
    idle_ms: u64,
    /// When the newest request came.
    asked_ms: u64,
    /// When its key was typed, as near as that can be told.
    typed_ms: u64,
    patience: Patience,
    /// There was a wait while a ghost was drawn since the newest request.
    waited: bool,
}

/// The most that this user is made to wait while a ghost is drawn, in milliseconds.
#[derive(Debug)]
struct Patience(u64);

impl Default for Patience {
    fn default() -> Self {
        Self(DRAWN_MS)
    }
}

impl Patience {
    /// Such a wait is over, and a key was typed into it or none: who did it once is likely to do it again.
    fn learn(&mut self, is_disturbed: bool) {
        let ms = if is_disturbed { self.0 / 2 } else { self.0 * 5 / 4 };
        self.0 = ms.clamp(STEP_MS, DRAWN_MS);
    }
}

impl Fences {
    /// Something happens, a message of the editor or what comes of one. What was known of the queue holds no more.
    pub fn step(&mut self, now: u64, is_message: bool) {
        self.confirmed &= std::mem::take(&mut self.held);
        if is_message {
            self.entered_ms = now;
            if now.saturating_sub(self.stepped_ms) > BUSY_MS {
                self.idle_ms = now;
            }
        }
        self.stepped_ms = now;
    }

    /// No time passes until the next thing happens: what is known of the queue holds on.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// A request of the editor came; `fresh`: it found the guest idle. `interval`: milliseconds between the user's
    /// keys. Finds out whether fences come back at all.
    pub fn requested(&mut self, now: u64, fresh: bool, interval: u64) {
        if fresh && self.sent_ms.is_some_and(|sent| now.saturating_sub(sent) > LOST_MS) {
            self.sent_ms = None;
            self.lost = self.lost.saturating_add(1);
        }
        if std::mem::take(&mut self.waited) {
            self.patience.learn(!fresh);
        }
        self.in_pause = 0;
        self.owed = 0;
        self.asked_ms = now;
        // A queued key came about one usual gap after the one before it.
        self.typed_ms = if fresh { now } else { (self.typed_ms + interval).min(now) };
        let behind = now - self.typed_ms;
        self.backlog = !fresh && (!self.is_bounded() || behind > BEHIND_MS);
        self.confirmed = fresh;
        if fresh {
            self.confirmed_ms = now;
        }
        if self.is_bounded() {
            self.slice_end_ms = now + BOUNDED_MS;
        } else if fresh {
            self.slice_end_ms = now + STEP_MS;
        }
    }

    /// The document of the newest request changed: the editor will wake the guest for that, too.
    pub fn changed(&mut self) {
        self.owed = self.owed.saturating_add(1);
    }

    /// The editor woke the guest for the document of the newest request. Whether that is the fence come back.
    pub fn came_back(&mut self) -> bool {
        match self.owed.checked_sub(1) {
            Some(owed) => {
                self.owed = owed;
                false
            }
            None => {
                // If it is one that was given up (a window at the other end of a slow line): wake-ups there are.
                self.lost = 0;
                self.sent_ms.is_some()
            }
        }
    }

    /// The fence came back: no key is queued. `latency` and `patient` as in [`slice`](Self::begin_slice).
    pub fn confirm(&mut self, now: u64, latency: u64, patient: bool) {
        self.sent_ms = None;
        self.lost = 0;
        self.backlog = false;
        self.confirmed = true;
        self.confirmed_ms = now;
        self.begin_slice(now, latency, patient);
    }

    /// Begins a stretch of reading. The longer a pause has lasted, the longer it is likely to go on, and the fewer
    /// fences are left. `latency`: milliseconds the model is expected to take; `patient`: the user has asked.
    pub fn begin_slice(&mut self, now: u64, latency: u64, patient: bool) {
        let slice = match self.in_pause {
            0 | 1 => (latency * 3 / 2).clamp(250, 800),
            2 => 800,
            3 => 3000,
            _ => 0,
        };
        self.slice_end_ms = now + slice * if patient { 3 } else { 1 };
    }

    /// Asks for a fence.
    pub fn ask(&mut self, now: u64) -> Asked {
        if self.sent_ms.is_some() {
            return Asked::Before;
        }
        if self.in_pause >= MOST || self.is_bounded() {
            return Asked::Never;
        }
        self.in_pause += 1;
        self.sent_ms = Some(now);
        Asked::Now
    }

    /// Whether a fence is on its way.
    pub fn is_out(&self) -> bool {
        self.sent_ms.is_some()
    }

    /// How many may still be sent in this pause.
    pub fn left(&self) -> u8 {
        MOST.saturating_sub(self.in_pause)
    }

    /// Whether no key can be queued behind what is being handled.
    pub fn caught_up(&self) -> bool {
        self.is_bounded() || self.confirmed
    }

    /// Whether it is unlikely that one is.
    pub fn all_but_caught_up(&self, now: u64) -> bool {
        self.caught_up() || now.saturating_sub(self.confirmed_ms) <= UNSEEN_MS
    }

    /// Whether the message at hand may have been sent before something that the guest did then.
    pub fn may_cross(&self, then: u64) -> bool {
        then >= self.idle_ms
    }

    /// How long ago the newest request came, in milliseconds.
    pub fn pause(&self, now: u64) -> u64 {
        now.saturating_sub(self.asked_ms)
    }

    /// Whether the host gives no wake-ups.
    pub fn is_bounded(&self) -> bool {
        self.lost >= LOST
    }

    /// How long the guest may wait for a pause in typing, in milliseconds; 0: not without a fence.
    pub fn pause_left(&self, now: u64) -> u64 {
        if self.backlog || self.is_out() {
            return 0;
        }
        if self.is_bounded() {
            return self.bounded_left(now);
        }
        // A key may come and have to wait: no longer than the pause before it was, or one short step.
        let step = STEP_MS.max(self.entered_ms.saturating_sub(self.asked_ms));
        (self.entered_ms + step).saturating_sub(now)
    }

    /// How long the guest may read, in milliseconds; 0: not without a fence. `growth_ms`: while a ghost is drawn, the
    /// most that its growth is worth waiting for.
    pub fn slice_left(&mut self, now: u64, growth_ms: Option<u64>) -> u64 {
        if self.backlog || self.is_out() {
            return 0;
        }
        self.waited |= growth_ms.is_some();
        let end = growth_ms.map_or(u64::MAX, |most| self.entered_ms + most.min(self.patience.0));
        self.slice_end_ms.min(end).saturating_sub(now).min(self.bounded_left(now))
    }

    fn bounded_left(&self, now: u64) -> u64 {
        if self.is_bounded() { (self.entered_ms + BOUNDED_MS).saturating_sub(now) } else { u64::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_that_comes_back_late_shows_that_there_are_wake_ups() {
        let mut fences = Fences::default();
        for pause in 0..u64::from(LOST) {
            fences.requested(pause * 1000, true, 100);
            assert_eq!(fences.ask(pause * 1000 + 10), Asked::Now);
        }
        fences.requested(9000, true, 100);
        assert!(fences.is_bounded());
        fences.changed();
        assert!(!fences.came_back() && fences.is_bounded(), "that one was owed to the change");
        assert!(!fences.came_back() && !fences.is_bounded());
        assert_eq!(fences.ask(9010), Asked::Now);
    }

    #[test]
    fn who_types_into_growing_ghosts_is_kept_waiting_less_each_time() {
        let mut fences = Fences::default();
        // The longest wait of a pause that begins now.
        let mut pause = |now, fresh| {
            fences.step(now, true);
            fences.requested(now, fresh, 100);
            for _ in 0..3 {
                assert_eq!(fences.ask(now), Asked::Now);
                fences.confirm(now, 400, false);
            }
            fences.slice_left(now, Some(u64::MAX))
        };
        let mut waits: Vec<u64> = vec![pause(1000, true)];
        waits.extend((2..7).map(|n| pause(n * 1000, false)));
        assert_eq!(waits, [1500, 750, 375, 187, STEP_MS, STEP_MS]);
        assert_eq!((7..30).map(|n| pause(n * 1000, true)).max(), Some(1500));
    }
}
