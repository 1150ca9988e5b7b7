//! A model that turns in circles, or says what stands above the cursor.

use super::{Cut, Hidden, Place};

/// So many times the same line, or the same group of lines, and it is a loop.
const TIMES: usize = 3;
/// Longest group of lines that is watched for coming again.
const GROUP: usize = 6;
/// Lines shorter than this do not make a loop by themselves.
const LEAST: usize = 3;

/// Follows the lines of an answer and ends it where they begin to go round.
pub(super) struct Repeats {
    above: Option<String>,
    lines: Vec<String>,
}

impl Repeats {
    pub(super) fn new(place: &Place<'_>) -> Self {
        let fresh_line = place.line_before().trim().is_empty();
        let above = place.lines_above().map(str::trim).find(|line| !line.is_empty());
        let above = above.filter(|line| fresh_line && line.len() > LEAST).map(str::to_owned);
        Self { above, lines: Vec::new() }
    }

    pub(super) fn next(&mut self, line: &str) -> Cut {
        let bare = line.trim();
        if bare.is_empty() {
            return Cut::Keep;
        }
        if self.lines.is_empty() && self.above.as_deref() == Some(bare) {
            return Cut::Before(Hidden::RepeatsAbove);
        }
        self.lines.push(bare.to_owned());
        for group in 1..=GROUP.min(self.lines.len() / TIMES) {
            let tail = self.lines.len() - group * TIMES;
            let Some(tail) = self.lines.get(tail..) else { continue };
            let mut groups = tail.chunks(group);
            let first = groups.next().unwrap_or_default();
            let worth = first.iter().any(|line| line.len() >= LEAST);
            if worth && groups.all(|other| other == first) {
                return Cut::Before(Hidden::RepeatsAbove);
            }
        }
        Cut::Keep
    }
}
