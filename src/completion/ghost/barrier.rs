//! Whether a message of the editor may have others queued behind it.
//!
//! Lapce calls the guest once per message and queues the next ones meanwhile. A ghost that is painted while a key is
//! queued appears where the caret no longer is. The guest never waits, so nearly every message finds it idle, and then
//! nothing was queued. Only after something slow (the start of the agent, a burst of keys) do messages come in a row.

/// If the guest was idle this long, the queue was empty, in microseconds.
const IDLE_US: u64 = 1000;
/// The messages of one key come in a row, and keys are farther apart than this: within this time after the first message
/// of a row no further key can be queued. In microseconds.
const SAME_KEY_US: u64 = 5000;

/// See the module. Times are microseconds of a monotonic clock.
#[derive(Debug, Default)]
pub struct Barrier {
    /// When the last message was finished.
    returned_us: u64,
    /// When a message last found the guest idle.
    idle_us: u64,
}

impl Barrier {
    /// A message begins.
    pub fn enter(&mut self, now_us: u64) {
        if now_us.saturating_sub(self.returned_us) >= IDLE_US {
            self.idle_us = now_us;
        }
    }

    /// Whether no key is queued behind the current message.
    pub fn is_caught_up(&self, now_us: u64) -> bool {
        now_us.saturating_sub(self.idle_us) <= SAME_KEY_US
    }

    /// The message is finished.
    pub fn leave(&mut self, now_us: u64) {
        self.returned_us = now_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_one_key_are_caught_up_and_those_of_a_backlog_are_not() {
        let (mut barrier, mut now) = (Barrier::default(), 0);
        for (idle_us, handled_us, caught_up, what) in [
            (100_000, 100, true, "a message to an idle plugin"),
            (10, 100, true, "the next one of the same key"),
            (10, 30_000, true, "another, over which the agent is started"),
            (10, 100, false, "a key that was queued meanwhile"),
            (10, 100, false, "and its next message"),
            (1000, 100, true, "all is caught up"),
        ] {
            now += idle_us;
            barrier.enter(now);
            assert_eq!(barrier.is_caught_up(now), caught_up, "{what}");
            now += handled_us;
            barrier.leave(now);
        }
    }
}
