//! Text with asterisks as an automaton.

use super::automaton::{Automaton, DEAD, Step};
use super::pattern::Reason;

/// Most parts of a pattern. States are looked up one by one, which more would make slow.
const LONGEST: usize = 512;

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Byte(u8),
    /// Any characters of one line.
    Line,
    /// Any characters.
    Any,
}

/// The parts of a text without asterisks.
pub(super) fn literal(text: &str) -> Vec<Part> {
    text.bytes().map(Part::Byte).collect()
}

/// The parts of a pattern.
pub(super) fn parse(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut bytes = pattern.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, parts.last()) {
            (b'\\', _) => {
                parts.push(Part::Byte(bytes.next_if(|next| matches!(next, b'*' | b'\\')).unwrap_or(byte)))
            }
            (b'*', Some(Part::Line | Part::Any)) => {
                parts.pop();
                parts.push(Part::Any);
            }
            (b'*', _) => parts.push(Part::Line),
            _ => parts.push(Part::Byte(byte)),
        }
    }
    parts
}

/// The automaton that matches `parts`: the subset construction over the places in the pattern.
///
/// An asterisk takes as little as it can, so a match ends the first time that the end of the pattern is
/// reached. Only an asterisk at the end goes on.
pub(super) fn compile(parts: &[Part]) -> Result<Automaton, Reason> {
    if !parts.iter().any(is_byte) {
        return Err(Reason::Empty);
    }
    if parts.len() > LONGEST {
        return Err(Reason::TooLong);
    }
    let (classes, representatives) = classes(parts);
    let mut steps = vec![Step::default(); representatives.len()];
    let mut matched_at_end = vec![false];
    // The places of each state; that of a number is one before it, as 0 is `DEAD`.
    let mut met: Vec<Vec<u32>> = vec![Vec::new()];
    reach(parts, 0, &mut met[0]);
    let mut at = 0;
    while let Some(places) = met.get(at).cloned() {
        if met.len() > 2 * LONGEST {
            return Err(Reason::TooLong);
        }
        let matched = places.last() == Some(&(parts.len() as u32));
        for &byte in &representatives {
            let next = step(parts, &places, byte, matched);
            let number = if next.is_empty() {
                DEAD
            } else {
                let state = met.iter().position(|places| *places == next).unwrap_or(met.len());
                if state == met.len() {
                    met.push(next);
                }
                state as u32 + 1
            };
            steps.push(Step::new(number, matched));
        }
        matched_at_end.push(matched);
        at += 1;
    }
    Ok(Automaton::new(classes, representatives.len(), steps, &matched_at_end, Box::new([1; 257])))
}

fn is_byte(part: &Part) -> bool {
    matches!(part, Part::Byte(_))
}

/// Bytes that every pattern part treats alike have one class.
fn classes(parts: &[Part]) -> (Box<[u8; 256]>, Vec<u8>) {
    let mut classes = Box::new([0; 256]);
    let mut representatives: Vec<u8> = Vec::new();
    let mut other = None;
    for (byte, class) in classes.iter_mut().enumerate() {
        let byte = byte as u8;
        let is_special = byte == b'\n' || parts.contains(&Part::Byte(byte));
        // At most 256 classes: the last one has number 255.
        let new = representatives.len() as u8;
        *class = if is_special { new } else { *other.get_or_insert(new) };
        if *class == new {
            representatives.push(byte);
        }
    }
    (classes, representatives)
}

/// The places that can follow `places` by `byte`, ascending.
fn step(parts: &[Part], places: &[u32], byte: u8, matched: bool) -> Vec<u32> {
    let mut next = Vec::new();
    for &place in places {
        let to = match parts.get(place as usize) {
            // Of a pattern that has matched, only an asterisk at its end goes on.
            Some(part) if matched && (is_byte(part) || place as usize + 1 < parts.len()) => continue,
            Some(Part::Byte(wanted)) if *wanted == byte => place + 1,
            Some(Part::Line) if byte != b'\n' => place,
            Some(Part::Any) => place,
            Some(Part::Byte(_) | Part::Line) | None => continue,
        };
        reach(parts, to, &mut next);
    }
    next
}

/// Adds `place`, and those that are reached from it without a byte, to `all`, which stays ascending.
fn reach(parts: &[Part], mut place: u32, all: &mut Vec<u32>) {
    while all.last().is_none_or(|last| *last < place) {
        all.push(place);
        if matches!(parts.get(place as usize), Some(Part::Line | Part::Any)) {
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::*;

    #[test]
    fn asterisks_and_backslashes_are_parsed() {
        use Part::{Any, Byte, Line};
        for (pattern, expected) in [
            ("a*b", &[Byte(b'a'), Line, Byte(b'b')][..]),
            ("a**", &[Byte(b'a'), Any]),
            ("a***", &[Byte(b'a'), Any]),
            ("\\*", &[Byte(b'*')]),
            ("\\\\*", &[Byte(b'\\'), Line]),
            ("\\n\\", &[Byte(b'\\'), Byte(b'n'), Byte(b'\\')]),
        ] {
            assert_eq!(parse(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_without_text_or_beyond_the_limit_is_refused() {
        for (pattern, expected) in [
            ("", "pattern ``: matches the empty text, so it would match everywhere"),
            ("**", "pattern `**`: matches the empty text, so it would match everywhere"),
        ] {
            assert_eq!(Pattern::wildcard(pattern).unwrap_err().to_string(), expected);
        }
        assert!(Pattern::text(&"ab".repeat(256)).is_ok());
        let error = Pattern::text(&"ab".repeat(257)).unwrap_err().to_string();
        assert!(error.ends_with("has more than 512 bytes or too many asterisks"), "{error}");
    }
}
