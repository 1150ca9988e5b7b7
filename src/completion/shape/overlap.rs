//! What stands right of the cursor, or below it, already.

use super::{Cut, Hidden, Place};

/// Lines shorter than this come twice in good code: closing brackets.
const LEAST: usize = 4;

/// The word on one line of the answer; `first`: it goes on from the cursor.
pub(super) fn line(place: &Place<'_>, line: &str, first: bool) -> Cut {
    let after = place.line_after().trim();
    let bare = line.trim();
    if first && !after.is_empty() {
        // The end of the line says what stands right of the cursor: `foo|)` and `bar)`.
        if bare == after {
            return Cut::Before(Hidden::RepeatsBelow);
        }
        if let Some(at) = overlap(line.trim_end(), after) {
            return Cut::At(at);
        }
        return Cut::Keep;
    }
    if bare.is_empty() || (first && !place.line_before().trim().is_empty()) {
        return Cut::Keep;
    }
    let below = place.lines_below().map(str::trim).find(|below| !below.is_empty());
    let same = below.is_some_and(|below| below == bare || (below.len() >= 20 && nearly(below, bare)));
    if same && (bare.len() >= LEAST || !first) { Cut::Before(Hidden::RepeatsBelow) } else { Cut::Keep }
}

/// Where the end of `line` begins that is the beginning of `after` and all of one of the two.
fn overlap(line: &str, after: &str) -> Option<usize> {
    if let Some(head) = line.strip_suffix(after) {
        return balanced(head).then_some(head.len());
    }
    None
}

/// Whether `text` closes all it opens: then what follows it is another's.
fn balanced(text: &str) -> bool {
    let count = |open: char, close: char| {
        text.chars().fold(0i32, |n, c| n + i32::from(c == open) - i32::from(c == close))
    };
    count('(', ')') <= 0 && count('[', ']') <= 0 && count('{', '}') <= 0
}

/// Whether two long lines differ in one character out of twenty at most (tabby drops within 5 %).
fn nearly(a: &str, b: &str) -> bool {
    let most = a.chars().count() / 20;
    let same_front = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let (a_rest, b_rest) = (a.chars().count() - same_front, b.chars().count().saturating_sub(same_front));
    let same_back =
        a.chars().rev().zip(b.chars().rev()).take(a_rest.min(b_rest)).take_while(|(a, b)| a == b).count();
    a_rest.max(b_rest).saturating_sub(same_back) <= most
}
