//! One pattern as a table that knows, in every state, what can still happen.

/// A deterministic automaton that matches from a given start, leftmost-first.
#[derive(Debug, Clone)]
pub(super) struct Automaton {
    classes: Box<[u8; 256]>,
    class_count: usize,
    /// `states × classes`.
    steps: Vec<Step>,
    traits: Vec<Traits>,
    /// The start state by what stands before it: nothing (0), or a byte (1 + byte).
    starts: Box<[u32; 257]>,
    /// Whether a match can begin with this byte.
    first: Box<[bool; 256]>,
}

/// The state from which no match can follow any more.
pub(super) const DEAD: u32 = 0;

/// Where a byte leads: the next state and, in the lowest bit, whether a match ended before the byte.
/// Packed, for a table of them is the automaton's size.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Step(u32);

impl Step {
    pub(super) fn new(next: u32, matched: bool) -> Self {
        Self(next << 1 | u32::from(matched))
    }

    /// The state after the byte.
    pub(super) fn next(self) -> u32 {
        self.0 >> 1
    }

    /// A match ended before the byte.
    pub(super) fn matched(self) -> bool {
        self.0 & 1 == 1
    }
}

/// What a state means, whatever follows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits {
    /// A match ends here.
    pub matched: bool,
    /// A match ends here if the text does.
    pub matched_at_end: bool,
    /// No longer match can follow.
    pub closed: bool,
}

impl Automaton {
    pub(super) fn starts_with(&self, byte: u8) -> bool {
        self.first[usize::from(byte)]
    }

    pub(super) fn start(&self, previous: Option<u8>) -> u32 {
        self.starts[previous.map_or(0, |byte| 1 + usize::from(byte))]
    }

    pub(super) fn step(&self, state: u32, byte: u8) -> Step {
        let class = usize::from(self.classes[usize::from(byte)]);
        self.steps.get(state as usize * self.class_count + class).copied().unwrap_or_default()
    }

    pub(super) fn traits(&self, state: u32) -> Traits {
        self.traits.get(state as usize).copied().unwrap_or_default()
    }

    pub(super) fn state_count(&self) -> usize {
        self.traits.len()
    }
}

/// The states of an automaton, as the compiler of a pattern finds them. State 0 is [`DEAD`].
///
/// A match may be told one byte late, and states may be among them that no match follows from. Both would hold
/// text back for nothing, so [`into_automaton`](Self::into_automaton) walks them once: those that lead nowhere
/// become [`DEAD`], those that already mean a match say so.
pub(super) struct Table {
    classes: Box<[u8; 256]>,
    class_count: usize,
    steps: Vec<Step>,
    matched_at_end: Vec<bool>,
}

impl Table {
    /// Without a state but [`DEAD`]. `classes` says of each byte to which of `class_count` classes it belongs.
    pub(super) fn new(classes: Box<[u8; 256]>, class_count: usize) -> Self {
        Self { classes, class_count, steps: vec![Step::default(); class_count], matched_at_end: vec![false] }
    }

    /// Adds the next step of the current state, class by class.
    pub(super) fn push_step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The current state has all its steps.
    pub(super) fn end_state(&mut self, matched_at_end: bool) {
        self.matched_at_end.push(matched_at_end);
    }

    /// The states from which a match can still follow. Backwards, because states are numbered in the
    /// order of the text: most are settled in the first round.
    fn alive(&self) -> Vec<bool> {
        let mut alive = self.matched_at_end.clone();
        loop {
            let mut changed = false;
            for (state, steps) in self.steps.chunks(self.class_count).enumerate().rev() {
                if !alive[state] && steps.iter().any(|step| step.matched() || alive[step.next() as usize]) {
                    alive[state] = true;
                    changed = true;
                }
            }
            if !changed {
                return alive;
            }
        }
    }

    /// The automaton that starts in state `start(before)`: `before` is 0 at the beginning of the text, else 1
    /// and the byte before.
    pub(super) fn into_automaton(mut self, start: impl Fn(usize) -> u32) -> Automaton {
        let alive = self.alive();
        let renumbered: Vec<u32> = alive
            .iter()
            .scan(DEAD, |last, &alive| {
                *last += u32::from(alive);
                Some(if alive { *last } else { DEAD })
            })
            .collect();
        let new = |state: u32| renumbered[state as usize];
        self.steps.iter_mut().for_each(|step| *step = Step::new(new(step.next()), step.matched()));
        let mut starts = Box::new([DEAD; 257]);
        for (before, state) in starts.iter_mut().enumerate() {
            *state = new(start(before));
        }

        let mut steps = Vec::new();
        let mut traits = Vec::new();
        let states = self.steps.chunks(self.class_count).zip(&self.matched_at_end).zip(&alive);
        for (index, ((state, &matched_at_end), &alive)) in states.enumerate() {
            if alive || index == DEAD as usize {
                steps.extend_from_slice(state);
                let matched = matched_at_end && state.iter().all(|step| step.matched());
                let closed = matched && state.iter().all(|step| step.next() == DEAD);
                traits.push(Traits { matched, matched_at_end, closed });
            }
        }
        let mut automaton = Automaton {
            classes: self.classes,
            class_count: self.class_count,
            steps,
            traits,
            starts,
            first: Box::new([false; 256]),
        };
        for byte in 0..=u8::MAX {
            let begins = |&start: &u32| automaton.step(start, byte).next() != DEAD;
            automaton.first[usize::from(byte)] = automaton.starts.iter().any(begins);
        }
        automaton
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;

    /// What the automaton knows after each byte of `text`: `-` no match can follow any more, `?` one
    /// may, `+` there is one and a longer may follow, `!` there is one and no longer can.
    fn known(pattern: Pattern, text: &str) -> String {
        let automaton = pattern.into_automaton();
        let mut state = automaton.start(None);
        text.bytes()
            .map(|byte| {
                state = automaton.step(state, byte).next();
                let traits = automaton.traits(state);
                match (state == DEAD, traits.matched, traits.closed) {
                    (true, ..) => '-',
                    (_, false, _) => '?',
                    (_, _, false) => '+',
                    (_, _, true) => '!',
                }
            })
            .collect()
    }

    #[test]
    fn a_state_knows_what_can_follow() {
        for (pattern, text, expected) in [
            ("abc", "abc", "??!"),
            ("abc", "abx", "??-"),
            ("abc", "x", "-"),
            ("é", "é", "?!"),
            ("a*c", "abbc", "???!"),
            ("a*c", "ab\nc", "??--"),
            ("a**c", "ab\nc", "???!"),
            ("a*bab", "aabab", "????!"),
            ("a*", "ab\n", "++-"),
            ("a**", "ab\n", "+++"),
            ("*a", "bba", "??!"),
        ] {
            assert_eq!(known(Pattern::wildcard(pattern).unwrap(), text), expected, "{pattern} on {text}");
        }
    }

    #[cfg(feature = "regex")]
    #[test]
    fn a_state_of_a_regular_expression_knows_what_can_follow() {
        for (pattern, text, expected) in [
            ("abc", "abc", "??!"),
            ("abc", "abx", "??-"),
            ("abc", "x", "-"),
            ("ab|abc", "abc", "?!-"),
            ("abc|ab", "abc", "?+!"),
            ("ab+", "abbc", "?++-"),
            ("ab+?", "abb", "?!-"),
            ("a[^\\s\\S]|ab", "ab", "?!"),
            ("a\\z", "ab", "?-"),
            ("(?m)a$", "a", "?"),
            ("é", "é", "?!"),
        ] {
            assert_eq!(known(Pattern::regex(pattern).unwrap(), text), expected, "{pattern} on {text}");
        }
    }
}
