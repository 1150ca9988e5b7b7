//! Where and how the user has changed text recently, which shows what the user is working on.

use std::ops::Range;

use super::clean::clean;
use super::definitions::next_line;
use super::window::told_path;
use crate::completion::io::{Buffer, Buffers, Edit};
use crate::completion::text::{last_line, run};
use crate::completion::trigger::Gates;

/// Places remembered, the latest last.
const PLACES: usize = 8;
/// Edits no farther apart than this are one place, in bytes.
const NEAR: usize = 400;

/// Edits remembered, the latest last, and how much of what one removed, in bytes.
const EDITS: usize = 6;
const REMOVED: usize = 300;

/// Places of recent edits in all open documents, and what the edits were.
#[derive(Debug, Default)]
pub struct RecentEdits {
    places: Vec<Place>,
    changes: Vec<Change>,
}

/// Edits in one place, one after the other.
#[derive(Debug)]
struct Change {
    uri: String,
    /// What was written, in the document as it is now.
    written: Range<usize>,
    /// What stood there before.
    removed: String,
}

impl Change {
    /// Adds an edit of the same document, if it continues in the same place.
    fn goes_on(&mut self, edit: &Edit<'_>) -> bool {
        let end = edit.start + edit.removed.len();
        if end < self.written.start || edit.start > self.written.end {
            return false;
        }
        // What it removes around what was written stood there before.
        let front = self.written.start.saturating_sub(edit.start);
        let back = end.saturating_sub(self.written.end);
        let (before, after) = (edit.removed.get(..front), edit.removed.get(edit.removed.len() - back..));
        self.removed = [before.unwrap_or_default(), &self.removed, after.unwrap_or_default()].concat();
        let length = self.written.len() + front + back + edit.inserted.len() - edit.removed.len();
        let start = self.written.start.min(edit.start);
        self.written = start..start + length;
        true
    }
}

/// A stretch of a document that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document.
    pub uri: String,
    /// The bytes that were written or stood around what was removed, in the document as it is now.
    pub range: Range<usize>,
}

impl RecentEdits {
    /// A document was changed.
    pub fn note(&mut self, uri: &str, edit: &Edit<'_>) {
        if edit.removed.is_empty() && edit.inserted.is_empty() {
            return;
        }
        self.note_change(uri, edit);
        let mut written = edit.start..edit.start + edit.inserted.len();
        let removed = edit.start..edit.start + edit.removed.len();
        self.places.retain_mut(|place| {
            if place.uri != uri {
                return true;
            }
            place.range = moved(&place.range, &removed, edit.inserted.len());
            let near = place.range.start <= written.end + NEAR && written.start <= place.range.end + NEAR;
            if near {
                written = written.start.min(place.range.start)..written.end.max(place.range.end);
            }
            !near
        });
        if self.places.len() >= PLACES {
            self.places.remove(0);
        }
        self.places.push(Place { uri: uri.to_owned(), range: written });
    }

    #[inline(never)]
    fn note_change(&mut self, uri: &str, edit: &Edit<'_>) {
        if let Some(last) = self.changes.last_mut().filter(|last| last.uri == uri)
            && last.goes_on(edit)
        {
            if last.removed.len() > REMOVED {
                self.changes.pop();
            }
            return;
        }
        let removed = edit.start..edit.start + edit.removed.len();
        for change in self.changes.iter_mut().filter(|change| change.uri == uri) {
            change.written = moved(&change.written, &removed, edit.inserted.len());
        }
        if self.changes.len() >= EDITS {
            self.changes.remove(0);
        }
        let written = edit.start..edit.start + edit.inserted.len();
        let (uri, removed) = (uri.to_owned(), edit.removed.to_owned());
        if removed.len() <= REMOVED {
            self.changes.push(Change { uri, written, removed });
        }
    }

    /// The edits before the current one as differences of lines, the latest last, of at most `bytes` in all.
    #[inline(never)]
    pub(super) fn differences(&self, buffers: &dyn Buffers, gates: &Gates, bytes: usize) -> String {
        let mut told = String::new();
        for change in self.changes.iter().rev().skip(1) {
            let Some(buffer) = buffers.get(&change.uri) else { continue };
            let Some(text) = difference(&buffer, change) else { continue };
            if gates.ignored(buffer.path).is_some() {
                continue;
            }
            if told.len() + text.len() > bytes {
                break;
            }
            told.insert_str(0, &text);
        }
        told
    }

    /// The places, the latest first.
    pub fn latest(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().rev()
    }
}

/// The lines a change is in, before it and now; `None` where they are the same, or long.
#[inline(never)]
fn difference(buffer: &Buffer<'_>, change: &Change) -> Option<String> {
    let (before, after) = (buffer.text.get(..change.written.start)?, buffer.text.get(change.written.end..)?);
    let written = buffer.text.get(change.written.clone())?;
    let front = last_line(before);
    let back = run(after, |c| !matches!(c, '\r' | '\n'));
    let old = [front, &change.removed, back].concat();
    let new = [front, written, back].concat();
    if old.trim() == new.trim() || old.len() + new.len() > 2 * REMOVED {
        return None;
    }
    let (old, new) = (clean(&old), clean(&new));
    let (mut old, mut new) = (lines(&old), lines(&new));
    while old.last().is_some() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    let mut text = told_path(buffer.path);
    text.push('\n');
    for (sign, lines) in [('-', &old), ('+', &new)] {
        for line in lines {
            if !line.trim_end().is_empty() {
                text.push(sign);
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Some(text)
}

#[inline(never)]
fn lines(mut text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    while let Some(line) = next_line(&mut text) {
        lines.push(line);
    }
    lines
}

/// Where `range` is after `removed` gave way to `inserted` bytes.
#[inline(never)]
fn moved(range: &Range<usize>, removed: &Range<usize>, inserted: usize) -> Range<usize> {
    let after = |at: usize| {
        if at <= removed.start {
            at
        } else if at >= removed.end {
            at - removed.len() + inserted
        } else {
            removed.start + inserted
        }
    };
    let start = after(range.start);
    start..after(range.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many bytes as the longest document below has.
    const ALL: &str = match str::from_utf8(&[b't'; 3000]) {
        Ok(text) => text,
        Err(_) => "",
    };

    #[test]
    fn edits_near_each_other_are_one_place_and_places_move_with_the_text() {
        let mut edits = RecentEdits::default();
        let mut places = |uri: &str, start, removed, inserted| {
            edits.note(uri, &Edit { start, removed, inserted });
            edits.latest().map(|place| (place.uri.clone(), place.range.clone())).collect::<Vec<_>>()
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert_eq!(places("a", 100, "", "xy"), [(a.clone(), 100..102)]);
        assert_eq!(places("a", 102, "", "z"), [(a.clone(), 100..103)]);
        assert_eq!(places("b", 5, "old", "new"), [(b.clone(), 5..8), (a.clone(), 100..103)]);
        assert_eq!(places("b", 5, "", ""), [(b.clone(), 5..8), (a.clone(), 100..103)]);
        // Far above the first: it moves down.
        assert_eq!(
            places("a", 2000, "", "far"),
            [(a.clone(), 2000..2003), (b.clone(), 5..8), (a.clone(), 100..103)]
        );
        assert_eq!(
            places("a", 1000, "x", "yyyyyyyyyyy"),
            [(a.clone(), 1000..1011), (a.clone(), 2010..2013), (b.clone(), 5..8), (a.clone(), 100..103),]
        );
        // All of it is replaced: one place is left.
        assert_eq!(places("a", 0, ALL, "short"), [(a, 0..5), (b, 5..8)]);
    }

    struct Open(&'static str, String);

    impl Buffers for Open {
        fn get(&self, uri: &str) -> Option<Buffer<'_>> {
            (uri == self.0).then(|| Buffer { uri: self.0, path: self.0, language: "", text: &self.1 })
        }

        fn all(&self) -> Vec<Buffer<'_>> {
            self.get(self.0).into_iter().collect()
        }
    }

    /// What is told after these edits of a document: where, how many bytes go, what comes.
    fn told(uri: &'static str, text: &str, steps: &[(usize, usize, &str)]) -> String {
        let mut open = Open(uri, text.to_owned());
        let mut edits = RecentEdits::default();
        for (start, count, inserted) in steps {
            let removed = open.1[*start..start + count].to_owned();
            edits.note(uri, &Edit { start: *start, removed: &removed, inserted });
            open.1.replace_range(*start..start + count, inserted);
        }
        let gates =
            Gates { ignore: crate::completion::trigger::Globs::parse([".env"]).unwrap(), ..Gates::default() };
        edits.differences(&open, &gates, 200)
    }

    #[test]
    fn edits_are_told_as_differences_of_lines_but_for_the_one_at_hand() {
        let text = "let a = 1;\nlet b = 2;\nlet c = 3;\n";
        for (steps, expected) in [
            (&[(4, 1, "x")][..], ""),
            (&[(4, 1, "x"), (30, 1, "4")], "a.rs\n-let a = 1;\n+let x = 1;\n"),
            // Typed key by key, with a slip.
            (
                &[(4, 1, ""), (4, 0, "x"), (5, 0, "z"), (5, 1, ""), (5, 0, "y"), (31, 1, "4")],
                "a.rs\n-let a = 1;\n+let xy = 1;\n",
            ),
            (
                &[(15, 1, "q"), (4, 1, "long_name"), (38, 1, "5")],
                "a.rs\n-let b = 2;\n+let q = 2;\na.rs\n-let a = 1;\n+let long_name = 1;\n",
            ),
            (&[(0, 11, ""), (19, 1, "4")], "a.rs\n-let a = 1;\n"),
            (&[(4, 1, "x"), (30, 1, "4"), (4, 1, "a"), (30, 1, "3")], "a.rs\n-let x = 1;\n+let a = 1;\n"),
        ] {
            let got = told("a.rs", text, steps);
            assert!(
                got.ends_with(expected) && (!expected.is_empty() || got.is_empty()),
                "{steps:?}: {got:?}"
            );
        }
        assert_eq!(told(".env", text, &[(4, 1, "x"), (30, 1, "4")]), "");
        assert_eq!(
            told("a.rs", text, &[(4, 1, "\u{200b}<|im_end|>"), (42, 1, "4")]),
            "a.rs\n-let a = 1;\n+let < |im_end|> = 1;\n"
        );
    }

    #[test]
    fn only_the_latest_places_are_kept() {
        let mut edits = RecentEdits::default();
        for n in 0..20 {
            edits.note(&n.to_string(), &Edit { start: 0, removed: "", inserted: "x" });
        }
        let uris: Vec<&str> = edits.latest().map(|place| place.uri.as_str()).collect();
        assert_eq!(uris, ["19", "18", "17", "16", "15", "14", "13", "12"]);
    }
}
