//! Detects a model that repeats itself.

use super::{Cut, Line};
use crate::completion::postprocess::Hidden;
use crate::completion::text::{ends, ends_as, has, head};

/// This many times the same line, or the same group of lines, is a loop.
const TIMES: usize = 3;
/// The same for lines without letters: rows of numbers.
const TIMES_OF_NUMBERS: usize = 8;
/// Longest group of lines whose repetition is detected.
const GROUP: usize = 6;
/// The same for short lines that often repeat, such as `}`, if they have the same indentation.
const TIMES_OF_SHORT: usize = 6;
/// Lines shorter than this are short.
const LEAST: usize = 4;

/// A line that was given to [`Repetition::next`].
struct Seen {
    text: String,
    columns: usize,
    /// The byte of the text to show at which it begins.
    at: usize,
}

/// Follows the lines of an answer. A line that repeats the lines above it is held back until a line comes that does
/// not, so that a loop shows once and not three times.
pub(super) struct Repetition {
    lines: Vec<Seen>,
    /// For each distance: how many lines up to the last one equal the lines at that distance above them.
    runs: [usize; GROUP],
    held: Option<usize>,
    cut: Option<usize>,
}

impl Repetition {
    pub(super) fn new() -> Self {
        Self { lines: Vec::new(), runs: [0; GROUP], held: None, cut: None }
    }

    /// Where the text ends before lines that repeat others, while that may still become a loop.
    pub(super) fn held_at(&self) -> Option<usize> {
        self.held
    }

    /// Where the text ends before the repetitions of a loop.
    pub(super) fn loop_at(&self) -> Option<usize> {
        self.cut
    }

    /// The word on a line that begins at byte `at` of the text to show.
    pub(super) fn next(&mut self, line: &Line<'_>, at: usize) -> Cut {
        let bare = line.bare;
        if bare.is_empty() {
            return Cut::Keep;
        }
        self.lines.push(Seen { text: bare.to_owned(), columns: line.columns, at });
        let count = self.lines.len();
        let mut held = usize::MAX;
        for (index, run) in self.runs.iter_mut().enumerate() {
            let group = index + 1;
            let earlier = count.checked_sub(group + 1).and_then(|at| self.lines.get(at));
            *run = if earlier.is_some_and(|line| line.text == bare) { *run + 1 } else { 0 };
            let repeated = self.lines.get(count - *run..).unwrap_or_default();
            let start = repeated.first().map_or(usize::MAX, |line| line.at);
            held = held.min(start);
            let long = |line: &Seen| line.text.len() >= LEAST && has(&line.text, char::is_alphanumeric);
            let times = if !repeated.iter().any(long) {
                TIMES_OF_SHORT
            } else if repeated.iter().any(|line| has(&line.text, char::is_alphabetic)) {
                TIMES
            } else {
                TIMES_OF_NUMBERS
            };
            let equally_deep = |seen: &Seen| seen.columns == line.columns;
            if *run >= group * (times - 1) && (times != TIMES_OF_SHORT || repeated.iter().all(equally_deep)) {
                self.cut = Some(start);
                return Cut::Before(Hidden::RepeatsItself);
            }
        }
        self.held = (held != usize::MAX).then_some(held);
        Cut::Keep
    }
}

/// Where a line begins to repeat itself, after the first time, if it does; 0 if the part before is not worth showing
/// either.
pub(crate) fn within(line: &str) -> Option<usize> {
    /// Shorter than this, a line does not loop, in bytes.
    const LINE: usize = 48;
    /// A longer line is not searched further.
    const SEARCHED: usize = 1024;
    const SHORTEST: usize = 3;
    const LONGEST: usize = 64;
    /// Tables may contain the same cell a few times.
    const COPIES: usize = 8;
    /// A hash of nothing but zeros has 64 digits.
    const COPIES_OF_ONE: usize = 72;
    let blank = line.len() - line.trim_start().len();
    let bytes = line.trim().as_bytes();
    if bytes.len() < LINE {
        return None;
    }
    let bytes = bytes.get(..bytes.len().min(SEARCHED)).unwrap_or_default();
    let mut first: Option<(usize, usize, usize)> = None;
    for unit in 1..=LONGEST.min(bytes.len() / COPIES) {
        if unit > 1 && unit < SHORTEST {
            continue;
        }
        // A loop is a run of bytes equal to those a unit before them. Each covers one of these probes.
        let run = unit * (if unit == 1 { COPIES_OF_ONE } else { COPIES } - 1);
        let equal = |at: usize| at >= unit && bytes.get(at) == bytes.get(at - unit);
        let mut probe = unit + run - 1;
        while probe < bytes.len() {
            let mut start = probe;
            while probe < start + run && equal(start) {
                start -= 1;
            }
            let end = start + 1 + run;
            let piece = bytes.get(start + 1 - unit..=start).unwrap_or_default();
            let differs = piece.windows(2).any(|two| two.first() != two.last());
            let tells = match piece {
                [one] => one.is_ascii_alphanumeric(),
                _ => differs && piece.iter().any(u8::is_ascii_alphabetic),
            };
            if tells && end <= bytes.len() && (probe + 1..end).all(equal) {
                // The place where the loop shows must not depend on what follows it: the first to end counts.
                first = first.filter(|(known, ..)| *known <= end).or(Some((end, start + 1, unit)));
                break;
            }
            probe += run;
        }
    }
    let (_, start, unit) = first?;
    let end = line.floor_char_boundary(blank + start);
    let said = head(line, end).trim_end();
    let good = ends_as(said, char::is_alphanumeric) || ends(said, ")]}\"';,");
    Some(if good && unit > 1 { end } else { 0 })
}
