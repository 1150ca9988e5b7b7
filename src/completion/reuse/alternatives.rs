//! Other suggestions for the place of the caret, which alt+\\ goes through.

use crate::completion::suggestion::Suggestion;

/// Suggestions for one place, the one that is shown included.
const MOST: usize = 3;

/// The suggestions for this place that are not shown, in the order in which they are shown next.
#[derive(Debug, Default)]
pub struct Alternatives {
    others: Vec<Suggestion>,
    /// The model was asked for another and had none.
    exhausted: bool,
}

impl Alternatives {
    /// The document changed: they no longer apply.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether to ask the model for another before one of these is shown again.
    pub fn wants_more(&self) -> bool {
        self.others.is_empty() || !self.exhausted && self.others.len() + 1 < MOST
    }

    /// The next one, instead of the one that is shown.
    pub fn next(&mut self, shown: Suggestion) -> Suggestion {
        if self.others.is_empty() {
            return shown;
        }
        self.others.push(shown);
        self.others.remove(0)
    }

    /// Another has come in place of `shown`.
    pub fn keep(&mut self, shown: Suggestion) {
        self.others.push(shown);
    }

    /// The model had no other.
    pub fn exhaust(&mut self) {
        self.exhausted = true;
    }

    /// Those that are not shown.
    pub fn others(&mut self) -> impl Iterator<Item = &mut Suggestion> {
        self.others.iter_mut()
    }
}
