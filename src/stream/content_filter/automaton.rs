//! One pattern as a table that knows, in every state, what can still happen.

use std::collections::BTreeMap;
use std::fmt;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

/// Bytes that each of the tables of one pattern may take: the NFA, what determinizing it needs, the
/// DFA, and the automaton that stays. `(?i)\w+` over all of Unicode takes a third of it.
const SIZE_LIMIT: usize = 512 * 1024;

/// A deterministic automaton that matches from a given start, leftmost-first.
///
/// regex-automata's DFA tells a match one byte late and keeps states that no match follows from.
/// Both would hold text back for nothing, so its states are walked once when the pattern is
/// compiled: those that lead nowhere become [`DEAD`], those that already mean a match say so.
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
    fn new(next: u32, matched: bool) -> Self {
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
    pub(super) fn new(pattern: &str) -> Result<Self, PatternError> {
        compile(pattern).map_err(|reason| PatternError { pattern: pattern.to_owned(), reason })
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

/// A pattern that a [`ContentFilter`](super::ContentFilter) does not take. Says which and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Syntax(String),
    Empty,
    UnicodeWordBoundary,
    TooLarge,
    Unsupported(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern `{}`: ", self.pattern)?;
        match &self.reason {
            Reason::Syntax(message) => f.write_str(message),
            Reason::Empty => f.write_str("matches the empty text, so it would match everywhere"),
            Reason::UnicodeWordBoundary => f.write_str("write (?-u:\\b) instead of \\b, likewise (?-u:\\B)"),
            Reason::TooLarge => write!(f, "needs an automaton of more than {} KiB", SIZE_LIMIT / 1024),
            Reason::Unsupported(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for PatternError {}

fn compile(pattern: &str) -> Result<Automaton, Reason> {
    let hir = regex_syntax::parse(pattern).map_err(|error| Reason::Syntax(one_line(&error)))?;
    if hir.properties().minimum_len() == Some(0) {
        return Err(Reason::Empty);
    }
    if hir.properties().look_set().contains_word_unicode() {
        return Err(Reason::UnicodeWordBoundary);
    }
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(SIZE_LIMIT)),
        )
        .build_from_hir(&hir)
        .map_err(|error| match error.size_limit() {
            Some(_) => Reason::TooLarge,
            None => Reason::Unsupported(error.to_string()),
        })?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(SIZE_LIMIT))
        .determinize_size_limit(Some(SIZE_LIMIT));
    let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).map_err(|error| {
        if error.is_size_limit_exceeded() { Reason::TooLarge } else { Reason::Unsupported(error.to_string()) }
    })?;
    Walk::of(&dfa).map(Walk::into_automaton)
}

/// regex-syntax draws the pattern and a caret over several lines; the last says what is wrong.
fn one_line(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// All states of a DFA that can be reached, numbered as they are met. 0 is [`DEAD`].
struct Walk {
    classes: Box<[u8; 256]>,
    class_count: usize,
    steps: Vec<Step>,
    matched_at_end: Vec<bool>,
    starts: Box<[u32; 257]>,
}

impl Walk {
    fn of(dfa: &dense::DFA<Vec<u32>>) -> Result<Self, Reason> {
        let byte_classes = dfa.byte_classes();
        let mut classes = Box::new([0; 256]);
        for (class, byte) in classes.iter_mut().zip(0..=u8::MAX) {
            *class = byte_classes.get(byte);
        }
        let representatives: Vec<u8> =
            byte_classes.representatives(..).filter_map(|unit| unit.as_u8()).collect();

        let mut numbers: BTreeMap<StateID, u32> = BTreeMap::new();
        let mut met: Vec<StateID> = Vec::new();
        let mut number = |state: StateID, met: &mut Vec<StateID>| {
            if dfa.is_dead_state(state) {
                return DEAD;
            }
            *numbers.entry(state).or_insert_with(|| {
                met.push(state);
                met.len() as u32
            })
        };

        let mut starts = Box::new([DEAD; 257]);
        let before = std::iter::once(None).chain((0..=u8::MAX).map(Some));
        for (start, before) in starts.iter_mut().zip(before) {
            let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
            let state = dfa.start_state(&config).map_err(|error| Reason::Unsupported(error.to_string()))?;
            *start = number(state, &mut met);
        }

        let mut steps = vec![Step::default(); representatives.len()];
        let mut matched_at_end = vec![false];
        let mut at = 0;
        while let Some(&state) = met.get(at) {
            for &byte in &representatives {
                let next = dfa.next_state(state, byte);
                steps.push(Step::new(number(next, &mut met), dfa.is_match_state(next)));
            }
            matched_at_end.push(dfa.is_match_state(dfa.next_eoi_state(state)));
            at += 1;
        }
        Ok(Self { classes, class_count: representatives.len(), steps, matched_at_end, starts })
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

    fn into_automaton(mut self) -> Automaton {
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
        self.starts.iter_mut().for_each(|start| *start = new(*start));

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
            starts: self.starts,
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
    use super::*;

    /// What the automaton knows after each byte of `text`: `-` no match can follow any more, `?` one
    /// may, `+` there is one and a longer may follow, `!` there is one and no longer can.
    fn known(pattern: &str, text: &str) -> String {
        let automaton = Automaton::new(pattern).unwrap();
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
            ("ab|abc", "abc", "?!-"),
            ("abc|ab", "abc", "?+!"),
            ("ab+", "abbc", "?++-"),
            ("ab+?", "abb", "?!-"),
            ("a[^\\s\\S]|ab", "ab", "?!"),
            ("a\\z", "ab", "?-"),
            ("(?m)a$", "a", "?"),
            ("é", "é", "?!"),
        ] {
            assert_eq!(known(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_taken_is_named_with_the_reason() {
        for (pattern, expected) in [
            ("a(", "pattern `a(`: unclosed group"),
            ("a*", "pattern `a*`: matches the empty text, so it would match everywhere"),
            ("\\bfoo", "pattern `\\bfoo`: write (?-u:\\b) instead of \\b, likewise (?-u:\\B)"),
            ("(a.{500}){500}", "pattern `(a.{500}){500}`: needs an automaton of more than 512 KiB"),
            ("[ab]*a[ab]{30}", "pattern `[ab]*a[ab]{30}`: needs an automaton of more than 512 KiB"),
        ] {
            assert_eq!(Automaton::new(pattern).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn usual_patterns_fit() {
        for pattern in ["(?i)\\w+", "(?s)<think>.*?</think>", "[\\d\\s]{2,20}x", "(?i)straße"] {
            assert_eq!(Automaton::new(pattern).err(), None, "{pattern}");
        }
    }
}
