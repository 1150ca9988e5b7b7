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
    /// The automaton of these steps, `states × classes`, the first state being [`DEAD`]. `classes` says of each byte to
    /// which of `class_count` classes it belongs, `matched_at_end` of each state whether a match ends there if the text
    /// does, `starts` in which state it starts: at the beginning of the text (0), or behind a byte (1 + byte).
    pub(super) fn new(
        classes: Box<[u8; 256]>,
        class_count: usize,
        steps: Vec<Step>,
        matched_at_end: &[bool],
        starts: Box<[u32; 257]>,
    ) -> Self {
        let mut traits = Vec::new();
        for (state, &matched_at_end) in steps.chunks(class_count).zip(matched_at_end) {
            let matched = matched_at_end && state.iter().all(|step| step.matched());
            let closed = matched && state.iter().all(|step| step.next() == DEAD);
            traits.push(Traits { matched, matched_at_end, closed });
        }
        let mut automaton =
            Self { classes, class_count, steps, traits, starts, first: Box::new([false; 256]) };
        for byte in 0..automaton.first.len() {
            let begins = |&start: &u32| automaton.step(start, byte as u8).next() != DEAD;
            automaton.first[byte] = automaton.starts.iter().any(begins);
        }
        automaton
    }

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
