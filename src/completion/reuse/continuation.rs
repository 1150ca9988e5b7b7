//! What is left of an answer after the user accepted the block that was shown.

use crate::completion::io::Edit;
use crate::completion::text::skip;

/// The position after an accepted suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    uri: String,
    /// Right after what was accepted, in bytes; later, where the next line begins.
    offset: usize,
    /// What was accepted ends a statement: nothing is suggested at its end.
    finished: bool,
    /// What the model wrote after it: whole lines, from the next line on.
    rest: String,
    /// The user has begun the next line.
    below: bool,
}

impl Continuation {
    /// A suggestion was accepted up to `offset`; the model wrote `rest` after it.
    pub fn new(uri: &str, offset: usize, finished: bool, rest: &str) -> Self {
        let rest = skip(rest, "\r\n").to_owned();
        Self { uri: uri.to_owned(), offset, finished, rest, below: false }
    }

    /// Whether the model wrote something that may be offered on the next line.
    pub fn has_more(&self) -> bool {
        !self.rest.trim().is_empty()
    }

    /// Follows an edit of a document. `false`: the continuation no longer applies.
    #[must_use]
    pub fn edited(&mut self, uri: &str, edit: &Edit<'_>) -> bool {
        if uri != self.uri {
            return true;
        }
        let blank = edit.inserted.chars().all(char::is_whitespace);
        if !edit.removed.is_empty() || edit.start != self.offset || !blank {
            return false;
        }
        // Enter, or the indentation that follows it.
        if !self.below && !edit.inserted.contains('\n') {
            return edit.inserted.is_empty();
        }
        // Enter between two brackets puts a second line break right of the cursor.
        if !(self.below && edit.inserted.contains('\n')) {
            self.offset += edit.inserted.len();
        }
        self.below = true;
        true
    }

    /// Whether `offset` is right after a finished statement that was just accepted.
    pub fn is_end(&self, uri: &str, offset: usize) -> bool {
        self.finished && !self.below && uri == self.uri && offset == self.offset
    }

    /// What to offer at `offset`, if it is on the line that the rest belongs to.
    pub fn offer(&self, uri: &str, offset: usize) -> Option<&str> {
        (self.below && self.has_more() && uri == self.uri && offset == self.offset).then_some(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, inserted: &str) -> Edit<'_> {
        Edit { start, removed: "", inserted }
    }

    #[test]
    fn the_rest_is_offered_on_the_next_line_and_nowhere_else() {
        for (edits, offset, offered) in [
            (&[][..], 10, None),
            (&[edit(10, "\n")], 11, Some("b();\n")),
            (&[edit(10, "\n    ")], 15, Some("b();\n")),
            (&[edit(10, "\r\n  ")], 14, Some("b();\n")),
            (&[edit(10, "\n"), edit(11, "    ")], 15, Some("b();\n")),
            (&[edit(10, "\n    "), edit(15, "\n")], 15, Some("b();\n")),
            (&[edit(10, "")], 10, None),
            (&[edit(10, "\n")], 12, None),
        ] {
            let mut taken = Continuation::new("file:///a.rs", 10, true, "\n\nb();\n");
            assert!(edits.iter().all(|edit| taken.edited("file:///a.rs", edit)), "{edits:?}");
            assert_eq!(taken.offer("file:///a.rs", offset), offered, "{edits:?}");
            assert_eq!(taken.is_end("file:///a.rs", offset), offset == 10, "{edits:?}");
            assert_eq!(taken.offer("file:///b.rs", offset), None);
        }
    }

    #[test]
    fn any_other_edit_ends_it() {
        for edit in [
            edit(10, "x"),
            edit(10, " "),
            edit(3, "\n"),
            Edit { start: 9, removed: ";", inserted: "" },
            edit(10, "\nx"),
        ] {
            let mut taken = Continuation::new("file:///a.rs", 10, true, "\nb();\n");
            assert!(!taken.edited("file:///a.rs", &edit), "{edit:?}");
        }
    }
}
