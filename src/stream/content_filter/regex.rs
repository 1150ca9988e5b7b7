//! A regular expression as an automaton.

use std::collections::BTreeMap;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use super::automaton::{Automaton, DEAD, Step};
use super::pattern::Reason;

/// Bytes that each of the tables of one pattern may take: the NFA, what determinizing it needs, the DFA, and the
/// automaton that stays. `(?i)\w+` over all of Unicode takes a third of it.
pub(super) const SIZE_LIMIT: usize = 512 * 1024;

/// The automaton that matches as the `regex` crate does: leftmost-first.
pub(super) fn compile(pattern: &str) -> Result<Automaton, Reason> {
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
    walk(&dfa)
}

/// regex-syntax draws the pattern and a caret over several lines; the last says what is wrong.
fn one_line(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Copies the states of `dfa` that can be reached, in the order they are met.
fn walk(dfa: &dense::DFA<Vec<u32>>) -> Result<Automaton, Reason> {
    let byte_classes = dfa.byte_classes();
    let mut classes = Box::new([0; 256]);
    for (class, byte) in classes.iter_mut().zip(0..=u8::MAX) {
        *class = byte_classes.get(byte);
    }
    let representatives: Vec<u8> = byte_classes.representatives(..).filter_map(|unit| unit.as_u8()).collect();

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

    let class_count = representatives.len();
    let mut table =
        Table { class_count, steps: vec![Step::default(); class_count], matched_at_end: vec![false] };
    let mut at = 0;
    while let Some(&state) = met.get(at) {
        for &byte in &representatives {
            let next = dfa.next_state(state, byte);
            table.steps.push(Step::new(number(next, &mut met), dfa.is_match_state(next)));
        }
        table.matched_at_end.push(dfa.is_match_state(dfa.next_eoi_state(state)));
        at += 1;
    }
    Ok(table.into_automaton(classes, starts))
}

/// The states of a DFA. The first is [`DEAD`].
///
/// A match is told one byte late, and states may be among them that no match follows from. Both would hold text back for
/// nothing, so [`into_automaton`](Self::into_automaton) walks them once: those that lead nowhere become [`DEAD`].
struct Table {
    class_count: usize,
    /// `states × classes`.
    steps: Vec<Step>,
    matched_at_end: Vec<bool>,
}

impl Table {
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

    fn into_automaton(mut self, classes: Box<[u8; 256]>, mut starts: Box<[u32; 257]>) -> Automaton {
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
        starts.iter_mut().for_each(|start| *start = new(*start));

        let (mut steps, mut matched_at_end) = (Vec::new(), Vec::new());
        for (index, state) in self.steps.chunks(self.class_count).enumerate() {
            if alive[index] || index == DEAD as usize {
                steps.extend_from_slice(state);
                matched_at_end.push(self.matched_at_end[index]);
            }
        }
        Automaton::new(classes, self.class_count, steps, &matched_at_end, starts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;

    #[test]
    fn a_pattern_that_cannot_be_taken_is_named_with_the_reason() {
        for (pattern, expected) in [
            ("a(", "pattern `a(`: unclosed group"),
            ("a*", "pattern `a*`: matches the empty text, so it would match everywhere"),
            ("\\bfoo", "pattern `\\bfoo`: write (?-u:\\b) instead of \\b, likewise (?-u:\\B)"),
            ("(a.{500}){500}", "pattern `(a.{500}){500}`: needs an automaton of more than 512 KiB"),
            ("[ab]*a[ab]{30}", "pattern `[ab]*a[ab]{30}`: needs an automaton of more than 512 KiB"),
        ] {
            assert_eq!(Pattern::regex(pattern).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn usual_patterns_fit() {
        for pattern in ["(?i)\\w+", "(?s)<think>.*?</think>", "[\\d\\s]{2,20}x", "(?i)straße"] {
            assert_eq!(Pattern::regex(pattern).err(), None, "{pattern}");
        }
    }
}
