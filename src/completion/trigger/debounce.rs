//! How long to wait for a pause in typing before a request is worth its price.

/// Gaps longer than this are pauses, not rhythm.
const PAUSE_MS: u64 = 600;
/// Bounds of the adaptive debounce. Peers with an adaptive one clamp to 100..1000 ms around a start of
/// 200 to 300 ms; a running fence makes a short wait cheap here, so the bounds sit lower.
const SHORTEST_MS: f64 = 60.0;
const LONGEST_MS: f64 = 280.0;
/// The wait behind a character after which people look up, in milliseconds.
const SHORT_MS: u64 = 50;
/// Keys closer together than this were queued while the guest was busy: no hand is so fast.
const QUEUED_MS: u64 = 8;
/// The debounce stays this far above the usual gap between keys, or a slightly late key would be taken
/// for a pause.
const MARGIN_MS: f64 = 50.0;
/// Weight of the newest sample in the running means.
const WEIGHT: f64 = 0.15;

/// The user's typing rhythm and the model's latency, as running means.
#[derive(Debug, Clone)]
pub struct Debounce {
    last_key_ms: Option<u64>,
    /// Keys that came together with the last one, it included, and the time of the key before them.
    together: u32,
    before_ms: Option<u64>,
    interval_ms: f64,
    deviation_ms: f64,
    latency_ms: f64,
    fixed_ms: Option<u64>,
}

impl Debounce {
    /// `fixed_ms` is the user's own debounce; `None` adapts.
    pub fn new(fixed_ms: Option<u64>) -> Self {
        Self {
            last_key_ms: None,
            together: 0,
            before_ms: None,
            interval_ms: 110.0,
            deviation_ms: 15.0,
            latency_ms: 400.0,
            fixed_ms,
        }
    }

    /// A key was handled at `now_ms`. Of keys that were queued meanwhile only the last is near its real time:
    /// they share the time since the key before them.
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

    /// Keys came at a time that is not known.
    pub fn lose_track(&mut self) {
        (self.last_key_ms, self.before_ms, self.together) = (None, None, 0);
    }

    /// Usual time between two keys, in milliseconds.
    pub fn interval_ms(&self) -> u64 {
        self.interval_ms as u64
    }

    /// Whether the user has fixed the debounce.
    pub fn is_fixed(&self) -> bool {
        self.fixed_ms.is_some()
    }

    /// Takes the gaps before the last keys into the means.
    fn learn(&mut self) {
        let (Some(before), Some(last)) = (self.before_ms, self.last_key_ms) else { return };
        let gap = last.saturating_sub(before) as f64 / f64::from(self.together.max(1));
        if gap >= PAUSE_MS as f64 {
            return;
        }
        for _ in 0..self.together {
            self.deviation_ms += WEIGHT * ((gap - self.interval_ms).abs() - self.deviation_ms);
            self.interval_ms += WEIGHT * (gap - self.interval_ms);
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

    /// How long after a key that ends a thought a request is sent, in milliseconds: see [`ends_thought`].
    pub fn short_ms(&self) -> u64 {
        self.fixed_ms.unwrap_or_else(|| self.debounce_ms().min(SHORT_MS))
    }

    /// How long after the last key a request is sent, in milliseconds.
    ///
    /// Just above the user's usual gap between keys, so that steady typing sends nothing. A slow model
    /// shortens the wait (its answer is late enough already), never to that gap.
    pub fn debounce_ms(&self) -> u64 {
        if let Some(fixed) = self.fixed_ms {
            return fixed;
        }
        let gap = self.interval_ms * 1.25 + 2.0 * self.deviation_ms;
        let eager = gap - 0.05 * self.latency_ms;
        eager.max(self.interval_ms + MARGIN_MS).clamp(SHORTEST_MS, LONGEST_MS) as u64
    }
}

/// Words of many languages behind which something is expected that need not be invented, as a name must be.
const KEYWORDS: &[&str] = &[
    "return", "if", "in", "for", "while", "await", "import", "from", "new", "case", "else", "elif", "match",
    "use", "yield", "throw", "raise", "not", "and", "or",
];

/// Whether the text up to the caret ends a thought, so that what comes next is wanted at once: at the beginning of a
/// line, behind an opening bracket or a dot, or behind an assignment or a keyword and a blank.
pub fn ends_thought(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let code = line.trim_end_matches([' ', '\t']);
    if code.is_empty() {
        return before.len() > line.len();
    }
    let has_blank = code.len() < line.len();
    let last = code.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let is_keyword = has_blank && KEYWORDS.contains(&last);
    let is_assignment =
        has_blank && code.ends_with('=') && !["==", "!=", "<=", ">="].iter().any(|sign| code.ends_with(sign));
    is_keyword || is_assignment || code.ends_with(['(', '[', '{', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed_at(interval: u64) -> Debounce {
        let mut pace = Debounce::new(None);
        for n in 0..60 {
            pace.key(1000 + n * interval);
        }
        pace
    }

    #[test]
    fn debounce_stays_above_the_gap_between_keys() {
        for interval in [50, 66, 90, 120, 160, 200] {
            let wait = typed_at(interval).debounce_ms();
            assert!(wait > interval, "{wait} ms at one key per {interval} ms");
            assert!(wait <= 280, "{wait} ms at one key per {interval} ms");
        }
    }

    #[test]
    fn keys_that_were_queued_share_their_time() {
        let (mut queued, even) = (Debounce::new(None), typed_at(66));
        for n in 0..20 {
            // Three keys each 198 ms, handled at once.
            (0..3).for_each(|key| queued.key(1000 + n * 198 + key));
        }
        assert!(queued.debounce_ms().abs_diff(even.debounce_ms()) <= 15, "{}", queued.debounce_ms());
    }

    #[test]
    fn a_pause_is_not_rhythm() {
        let mut pace = typed_at(100);
        let before = pace.debounce_ms();
        pace.key(1_000_000);
        assert_eq!(pace.debounce_ms(), before);
    }

    #[test]
    fn a_slow_model_waits_less_and_a_fixed_debounce_is_kept() {
        let mut irregular = Debounce::new(None);
        let mut now = 0;
        for gap in [60, 180, 70, 170, 60, 190, 80] {
            now += gap;
            irregular.key(now);
        }
        let before = irregular.debounce_ms();
        (0..20).for_each(|_| irregular.answered(2000));
        assert!(irregular.debounce_ms() < before);
        assert_eq!(Debounce::new(Some(0)).debounce_ms(), 0);
        assert_eq!(Debounce::new(Some(750)).debounce_ms(), 750);
    }

    #[test]
    fn a_thought_ends_where_something_is_expected() {
        for (before, ends) in [
            ("fn f() {\n    ", true),
            ("fn f() {", true),
            ("foo(", true),
            ("x.", true),
            ("x =", false),
            ("let ", false),
            ("let x = ", true),
            ("    return ", true),
            ("for x in ", true),
            ("return", false),
            ("x == ", false),
            ("foo", false),
            ("foo ", false),
            ("a, ", false),
            ("", false),
            ("// a sentence. And", false),
        ] {
            assert_eq!(ends_thought(before), ends, "{before:?}");
        }
    }
}
