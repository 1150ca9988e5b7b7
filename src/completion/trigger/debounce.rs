//! How long after a key the model is asked.
//!
//! What was typed decides. After the end of a thought (a line break, an opening bracket, a dot, an operator, a finished
//! statement) a suggestion is wanted at once. Within a word the next key is probably on its way, and it makes the answer
//! better. The user's rhythm and the model's latency bound that wait; accepted and rejected suggestions shorten or
//! lengthen it.

use super::feedback::Feedback;
use crate::completion::io::Edit;
use crate::completion::text::{
    ends_as, ends_with_one, is_among, is_word, last_line, last_word, skip_back, tail,
};

/// Bounds of every adaptive wait, in milliseconds.
const SHORTEST_MS: u64 = 50;
const LONGEST_MS: u64 = 1000;
/// The wait within or after a word, for a model without latency, in milliseconds.
const WORD_MS: u64 = 110;
/// The wait after a deletion, a paste or an undo, in milliseconds: the next edit is probably part of the same correction.
const CORRECTION_MS: u64 = 800;
/// Longest time that the next request waits for the text of a running one, in milliseconds.
const PATIENCE_MS: u64 = 400;
/// Longest wait because of a slow typing rhythm, in milliseconds.
const LONGEST_RHYTHM_MS: u64 = 280;
/// Gaps longer than this are pauses, not rhythm, in milliseconds.
const PAUSE_MS: u64 = 600;
/// Keys closer together than this were queued while the guest was busy, in milliseconds: nobody types that fast.
const QUEUED_MS: u64 = 8;

/// How readily the model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eagerness {
    /// Waits twice as long.
    Low,
    /// In between.
    #[default]
    Medium,
    /// Waits half as long.
    High,
}

/// The user's typing rhythm, the model's latency, and the user's reactions to the last suggestions.
#[derive(Debug, Clone)]
pub struct Debounce {
    last_key_ms: Option<u64>,
    /// The last change was a character or a line break, and nothing else.
    is_typing: bool,
    /// Keys that came together with the last one, including it, and the time of the key before them.
    together: u32,
    before_ms: Option<u64>,
    /// Running estimate of the median gap between two keys, in milliseconds. A mean would be dominated by pauses.
    interval_ms: f64,
    latency_ms: f64,
    feedback: Feedback,
    eagerness: Eagerness,
    fixed_ms: Option<u64>,
}

impl Debounce {
    /// `fixed_ms` is the user's own debounce; `None` adapts.
    pub fn new(fixed_ms: Option<u64>, eagerness: Eagerness) -> Self {
        Self {
            last_key_ms: None,
            is_typing: true,
            together: 0,
            before_ms: None,
            interval_ms: 110.0,
            latency_ms: 400.0,
            feedback: Feedback::default(),
            eagerness,
            fixed_ms,
        }
    }

    /// A key was handled at `now_ms`. The real times of queued keys are not known, so they share the time since the key
    /// before them.
    pub fn key(&mut self, now_ms: u64) {
        match self.last_key_ms {
            Some(last) if now_ms.saturating_sub(last) < QUEUED_MS => self.together += 1,
            last => {
                self.learn();
                self.before_ms = last;
                self.together = 1;
            }
        }
        self.last_key_ms = Some(now_ms);
    }

    /// A document changed.
    pub fn edited(&mut self, edit: &Edit<'_>) {
        let is_key = edit.inserted.chars().nth(1).is_none() || edit.inserted.trim().is_empty();
        self.is_typing = is_key && (!edit.inserted.is_empty() || edit.removed.is_empty());
    }

    /// Updates the estimate with the gaps before the last keys.
    fn learn(&mut self) {
        /// How far one gap moves the estimate.
        const STEP: f64 = 0.05;
        let (Some(before), Some(last)) = (self.before_ms, self.last_key_ms) else { return };
        let gap = last.saturating_sub(before) as f64 / f64::from(self.together.max(1));
        if gap >= PAUSE_MS as f64 {
            return;
        }
        for _ in 0..self.together {
            self.interval_ms *= if gap > self.interval_ms { 1.0 + STEP } else { 1.0 - STEP };
        }
    }

    /// A request showed its first text `latency_ms` after it was sent.
    pub fn answered(&mut self, latency_ms: u64) {
        self.latency_ms += 0.3 * (latency_ms as f64 - self.latency_ms);
    }

    /// Expected time from sending a request to its first text, in milliseconds.
    pub fn latency_ms(&self) -> u64 {
        self.latency_ms as u64
    }

    /// How long to wait for the text of a request that left at `sent_ms` before another replaces it, in milliseconds
    /// from now.
    pub fn patience_ms(&self, now_ms: u64, sent_ms: u64) -> u64 {
        (sent_ms + self.latency_ms()).saturating_sub(now_ms).min(PATIENCE_MS)
    }

    /// The user accepted a suggestion.
    pub fn accepted(&mut self, now_ms: u64) {
        self.feedback.accepted(now_ms);
    }

    /// The user saw a suggestion and wrote something else.
    pub fn rejected(&mut self, now_ms: u64) {
        self.feedback.rejected(now_ms);
    }

    /// How long after a key a request is sent, in milliseconds. `before` is the text before the caret.
    pub fn wait_ms(&self, now_ms: u64, before: &str) -> u64 {
        if let Some(fixed) = self.fixed_ms {
            return fixed;
        }
        let stretched = |wait: u64| (wait as f64 * self.feedback.factor(now_ms)) as u64;
        let wait = match () {
            () if !self.is_typing => stretched(CORRECTION_MS),
            () if ends_thought(before) => stretched(SHORTEST_MS),
            () => stretched(self.word_ms()).max(self.rhythm_ms()),
        };
        let wait = match self.eagerness {
            Eagerness::Low => wait * 2,
            Eagerness::Medium => wait,
            Eagerness::High => wait / 2,
        };
        wait.clamp(SHORTEST_MS, LONGEST_MS)
    }

    /// The wait within a word, where the next key is probably on its way. A slow model is asked a little earlier.
    fn word_ms(&self) -> u64 {
        WORD_MS.saturating_sub(self.latency_ms() / 10)
    }

    /// Just above the usual gap between keys: steady typing sends nothing.
    fn rhythm_ms(&self) -> u64 {
        ((self.interval_ms * 1.15) as u64 + 5).min(LONGEST_RHYTHM_MS)
    }
}

/// Keywords of many languages that are followed by something other than a new name.
const KEYWORDS: &str = "return if in for while await import from new case else elif match use yield throw raise not \
    and or extends implements typeof instanceof as is of where with do then except catch assert \
    defer go";

/// Whether the text before the caret ends a thought, so that a suggestion is wanted at once: at the beginning of a
/// line, after a bracket, a dot or the end of a statement, or after an operator, a comma or a keyword followed by a
/// space.
pub fn ends_thought(before: &str) -> bool {
    let line = last_line(before);
    let code = skip_back(line, " \t");
    let Some(sign) = code.chars().next_back() else { return before.len() > line.len() };
    let has_blank = code.len() < line.len();
    let last = last_word(code);
    if !last.is_empty() {
        return has_blank && is_among(last, KEYWORDS);
    }
    match sign {
        // A string begins.
        '"' | '\'' | '`' => !ends_as(skip_back(code, tail(code, code.len() - 1)), is_word),
        '(' | '[' | '{' | '.' | ';' | '}' | ')' | ']' => true,
        // `::` and `->`, or a header's colon.
        ':' | '>' => !has_blank || ends_with_one(code, &["=>", "->"]) || sign == ':',
        // A comment begins.
        '/' | '-' | '*' if ends_with_one(code, &["//", "--", "/*"]) => false,
        '=' | ',' | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '<' | '?' | '!' => has_blank,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed_at(interval: u64) -> Debounce {
        let mut debounce = Debounce::new(None, Eagerness::Medium);
        for n in 0..60 {
            debounce.key(1000 + n * interval);
        }
        debounce
    }

    fn in_word(debounce: &Debounce) -> u64 {
        debounce.wait_ms(0, "let wor")
    }

    #[test]
    fn within_a_word_the_wait_stays_above_the_gap_between_keys() {
        for interval in [50, 66, 90, 120, 160, 200, 240] {
            let wait = in_word(&typed_at(interval));
            assert!(wait > interval, "{wait} ms at one key per {interval} ms");
            assert!(wait <= LONGEST_RHYTHM_MS, "{wait} ms at one key per {interval} ms");
        }
    }

    #[test]
    fn keys_that_were_queued_share_their_time() {
        let (mut queued, even) = (Debounce::new(None, Eagerness::Medium), typed_at(160));
        for n in 0..20 {
            // Three keys each 480 ms, handled at once.
            (0..3).for_each(|key| queued.key(1000 + n * 480 + key));
        }
        assert!(in_word(&queued).abs_diff(in_word(&even)) <= 15, "{} {}", in_word(&queued), in_word(&even));
    }

    #[test]
    fn pauses_are_not_rhythm() {
        let mut debounce = typed_at(160);
        // The gap before the first of them is rhythm.
        debounce.key(1_000_000);
        let before = in_word(&debounce);
        for n in 2..20 {
            debounce.key(1_000_000 * n);
        }
        assert_eq!(in_word(&debounce), before);
    }

    #[test]
    fn a_fast_typist_waits_less_for_a_slow_model() {
        let mut debounce = typed_at(40);
        (0..20).for_each(|_| debounce.answered(0));
        let before = in_word(&debounce);
        (0..20).for_each(|_| debounce.answered(2000));
        assert!(in_word(&debounce) < before);
    }

    #[test]
    fn what_is_no_typing_waits_longest() {
        let edit = |removed, inserted| Edit { start: 0, removed, inserted };
        for (edit, is_typing) in [
            (edit("", "a"), true),
            (edit("", "\n    "), true),
            (edit("selected", "a"), true),
            // A bracket typed over.
            (edit("", ""), true),
            (edit("a", ""), false),
            (edit("", "pasted"), false),
        ] {
            let mut debounce = typed_at(100);
            debounce.edited(&edit);
            assert_eq!(debounce.wait_ms(0, "foo(") == SHORTEST_MS, is_typing, "{edit:?}");
            assert_eq!(debounce.wait_ms(0, "foo(") == CORRECTION_MS, !is_typing, "{edit:?}");
        }
    }

    #[test]
    fn a_running_request_is_waited_for_as_long_as_it_usually_takes() {
        let mut debounce = typed_at(100);
        (0..20).for_each(|_| debounce.answered(300));
        assert_eq!(debounce.patience_ms(1100, 1000), 200);
        assert_eq!(debounce.patience_ms(2000, 1000), 0);
        (0..20).for_each(|_| debounce.answered(5000));
        assert_eq!(debounce.patience_ms(1100, 1000), PATIENCE_MS);
    }

    #[test]
    fn eagerness_and_feedback_stretch_the_wait_within_its_bounds() {
        let wait = |eagerness, text: &str, react: fn(&mut Debounce)| {
            let mut debounce =
                Debounce { interval_ms: 0.0, latency_ms: 0.0, ..Debounce::new(None, eagerness) };
            react(&mut debounce);
            debounce.wait_ms(0, text)
        };
        use Eagerness::{High, Low, Medium};
        for (eagerness, text, react, expected) in [
            (Medium, "wor", (|_| {}) as fn(&mut Debounce), WORD_MS),
            (Low, "wor", |_| {}, WORD_MS * 2),
            (High, "wor", |_| {}, WORD_MS / 2),
            (Medium, "foo(", |_| {}, SHORTEST_MS),
            (Low, "foo(", |_| {}, SHORTEST_MS * 2),
            (High, "foo(", |_| {}, SHORTEST_MS),
            (Medium, "wor", |it| it.rejected(0), WORD_MS * 3 / 2),
            (Medium, "wor", |it| it.accepted(0), WORD_MS * 4 / 5),
            (Medium, "wor", |it| (0..50).for_each(|_| it.rejected(0)), LONGEST_MS),
            (Medium, "wor", |it| (0..50).for_each(|_| it.accepted(0)), SHORTEST_MS),
        ] {
            assert_eq!(wait(eagerness, text, react), expected, "{eagerness:?} {text}");
        }
    }

    #[test]
    fn a_fixed_debounce_is_kept_whatever_happens() {
        for fixed in [1, 750] {
            let mut debounce = Debounce::new(Some(fixed), Eagerness::Low);
            debounce.rejected(0);
            assert_eq!((debounce.wait_ms(0, "foo("), debounce.wait_ms(0, "foo")), (fixed, fixed));
        }
    }

    #[test]
    fn a_thought_ends_where_something_is_expected() {
        for (before, ends) in [
            ("fn f() {\n    ", true),
            ("fn f() {", true),
            ("foo(", true),
            ("foo(1)", true),
            ("x.", true),
            ("Vec::", true),
            ("p->", true),
            ("x;", true),
            ("    }", true),
            ("def f():", true),
            ("x =", false),
            ("let ", false),
            ("let x = ", true),
            ("() => ", true),
            ("    return ", true),
            ("for x in ", true),
            ("return", false),
            ("x == ", true),
            ("a && ", true),
            ("a, ", true),
            ("a,", false),
            ("foo", false),
            ("foo ", false),
            ("f(\"", true),
            ("\"word\"", false),
            ("don'", false),
            ("", false),
            ("// ", false),
            ("// a sentence. And", false),
        ] {
            assert_eq!(ends_thought(before), ends, "{before:?}");
        }
    }
}
