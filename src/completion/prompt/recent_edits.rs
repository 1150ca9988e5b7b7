//! Where the user has changed text lately: what was just written says what is being worked on.

use std::ops::Range;

use crate::completion::io::Edit;

/// Places remembered, the latest last.
const PLACES: usize = 8;
/// Edits no farther apart than this are one place, in bytes.
const NEAR: usize = 400;

/// Places of recent edits in all open documents.
#[derive(Debug, Default)]
pub struct RecentEdits {
    places: Vec<Place>,
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

    /// The places, the latest first.
    pub fn latest(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().rev()
    }
}

/// Where `range` is after `removed` gave way to `inserted` bytes.
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
