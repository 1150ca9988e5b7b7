//! The user's reactions to the last suggestions.
//!
//! As in Copilot's edit suggestions (vscode-copilot-chat, 2026-03): each rejection multiplies the wait by 1.5,
//! each acceptance by 0.8, and both fade over ten minutes.

const REJECTED: f64 = 1.5;
const ACCEPTED: f64 = 0.8;
/// After this time a reaction no longer counts, in milliseconds.
const FADED_MS: u64 = 10 * 60 * 1000;
/// Most reactions that count.
const MOST: usize = 10;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Feedback {
    /// When, in milliseconds, and the factor at that time.
    reactions: Vec<(u64, f64)>,
}

impl Feedback {
    /// The user accepted a suggestion.
    pub fn accepted(&mut self, now_ms: u64) {
        self.note(now_ms, ACCEPTED);
    }

    /// The user saw a suggestion and wrote something else.
    pub fn rejected(&mut self, now_ms: u64) {
        self.note(now_ms, REJECTED);
    }

    fn note(&mut self, now_ms: u64, factor: f64) {
        if self.reactions.len() >= MOST {
            self.reactions.remove(0);
        }
        self.reactions.push((now_ms, factor));
    }

    /// The factor for the wait now.
    pub fn factor(&self, now_ms: u64) -> f64 {
        let left = |at: u64| FADED_MS.saturating_sub(now_ms.saturating_sub(at)) as f64 / FADED_MS as f64;
        self.reactions.iter().map(|(at, factor)| 1.0 + (factor - 1.0) * left(*at)).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_multiply_and_fade_over_ten_minutes() {
        const MINUTE: u64 = 60_000;
        for (reactions, now, factor) in [
            (&[][..], 0, 1.0),
            (&[(0, REJECTED)], 0, 1.5),
            (&[(0, ACCEPTED)], 0, 0.8),
            (&[(0, REJECTED), (0, REJECTED), (0, ACCEPTED)], 0, 1.8),
            (&[(0, REJECTED)], 5 * MINUTE, 1.25),
            (&[(0, ACCEPTED)], 5 * MINUTE, 0.9),
            (&[(0, REJECTED), (5 * MINUTE, REJECTED)], 10 * MINUTE, 1.25),
            (&[(0, REJECTED)], 60 * MINUTE, 1.0),
        ] {
            let mut feedback = Feedback::default();
            reactions.iter().for_each(|(at, factor)| feedback.note(*at, *factor));
            assert!((feedback.factor(now) - factor).abs() < 1e-9, "{reactions:?} after {now}");
        }
    }

    #[test]
    fn only_the_last_reactions_count() {
        let mut feedback = Feedback::default();
        (0..100).for_each(|_| feedback.rejected(0));
        (0..MOST).for_each(|_| feedback.accepted(0));
        assert!(feedback.factor(0) < 1.0);
    }
}
