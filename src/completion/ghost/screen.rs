//! Which of this plugin's ghosts Lapce draws and has bound to Tab, as far as that can be known.
//!
//! Lapce keeps the item that Tab inserts separate from what it draws (`lapce-app/src/inline_completion.rs`). A typed character
//! that contradicts a ghost hides the drawing, but Tab stays bound to the old item at the old position until another
//! answer comes. Enter, Esc, paste, undo, redo, clicks and Tab itself clear both.

use crate::completion::suggestion::Rest;

/// A message that comes within this time after a ghost was sent may have been sent before the ghost arrived, in
/// milliseconds. The ghost takes 0.1 to 0.4 ms to the window.
const CROSSING_MS: u64 = 20;
/// A ghost that was drawn for this long counts as read, in milliseconds.
const READ_MS: u64 = 750;

/// See the module.
#[derive(Debug, Default)]
pub struct Screen {
    bound: Bound,
    /// Documents, other than the one Tab is bound to, in which a ghost may still be drawn: Lapce drops an item with
    /// the next answer in any document, but a drawing only with an answer in the same document.
    leftovers: Vec<(String, Leftover)>,
    /// The newest change deleted something: undoing it restores that, which looks like accepting a ghost.
    deleted: bool,
}

/// How likely it is that a ghost is left in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leftover {
    /// The editor cleared it with Enter, paste, undo or the like, unless the item was gone before, for example by Esc in
    /// another file: then the drawing stays. The editor reports neither Esc nor every switch to another file.
    Possible,
    /// Nothing has cleared it.
    Likely,
}

/// What Tab inserts.
#[derive(Debug, Default)]
enum Bound {
    /// Nothing of this plugin.
    #[default]
    Nothing,
    /// What is drawn at the caret.
    Ghost(Ghost),
    /// A ghost that no longer fits the document: the next answer must replace or clear it.
    Outdated {
        uri: String,
        /// The text that was drawn, and may still be.
        text: String,
        /// The change may not have cleared it: it was made before the ghost arrived, or in another document.
        crossed: bool,
    },
}

#[derive(Debug)]
struct Ghost {
    uri: String,
    shown: Rest,
    painted_ms: u64,
    /// The same text was drawn before.
    again: bool,
}

/// How a document was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// By taking the whole ghost.
    Accepted,
    /// By Enter or by text of several lines: the editor clears the ghost first.
    Lines,
    /// In any other way.
    Other,
}

impl Screen {
    /// What is drawn at the caret; nothing when it is out of date.
    pub fn shown(&self) -> Rest {
        match &self.bound {
            Bound::Ghost(ghost) => ghost.shown.clone(),
            _ => Rest::default(),
        }
    }

    /// Whether a ghost is drawn that fits the document.
    pub fn has_ghost(&self) -> bool {
        matches!(self.bound, Bound::Ghost(_))
    }

    /// Whether a ghost in this document was drawn long enough to be read.
    pub fn was_read(&self, now_ms: u64, uri: &str) -> bool {
        let is_old = |ghost: &Ghost| ghost.uri == uri && now_ms.saturating_sub(ghost.painted_ms) >= READ_MS;
        matches!(&self.bound, Bound::Ghost(ghost) if is_old(ghost))
    }

    /// Whether Tab would insert a text that does not fit the document.
    pub fn is_outdated(&self) -> bool {
        matches!(self.bound, Bound::Outdated { .. })
    }

    /// A document changed.
    pub fn edited(&mut self, now_ms: u64, uri: &str, change: Change, deleted: bool) {
        let before = std::mem::replace(&mut self.deleted, deleted);
        self.bound = match std::mem::take(&mut self.bound) {
            Bound::Ghost(ghost) => {
                let may_cross = now_ms.saturating_sub(ghost.painted_ms) <= CROSSING_MS;
                // A ghost that was accepted had arrived, unless the same text was drawn before, or undo restored it.
                let seen = change == Change::Accepted && !before && !ghost.again;
                // With a change in another document, the editor drops the item, but not the drawing here.
                let crossed = may_cross && !seen || ghost.uri != uri;
                match change {
                    Change::Lines if !crossed => {
                        self.leave(ghost.uri, Leftover::Possible);
                        Bound::Nothing
                    }
                    _ => Bound::Outdated { uri: ghost.uri, text: ghost.shown.text, crossed },
                }
            }
            bound => bound,
        };
    }

    /// No request followed the change: it was paste, undo, redo or Tab, which clear the ghost.
    pub fn settled(&mut self) {
        if let Bound::Outdated { crossed: false, uri, .. } = &mut self.bound {
            let uri = std::mem::take(uri);
            self.bound = Bound::Nothing;
            self.leave(uri, Leftover::Possible);
        }
    }

    /// The caret left the ghost: the next answer must clear it.
    pub fn left(&mut self) {
        self.bound = match std::mem::take(&mut self.bound) {
            Bound::Ghost(Ghost { uri, shown: Rest { text, .. }, .. }) | Bound::Outdated { uri, text, .. } => {
                Bound::Outdated { uri, text, crossed: true }
            }
            Bound::Nothing => Bound::Nothing,
        };
    }

    /// A ghost is sent.
    pub fn drawn(&mut self, now_ms: u64, uri: &str, shown: Rest) {
        let again = match &self.bound {
            Bound::Nothing => false,
            Bound::Ghost(Ghost { shown: Rest { text, .. }, .. }) | Bound::Outdated { text, .. } => {
                *text == shown.text
            }
        };
        self.let_go(uri);
        self.bound = Bound::Ghost(Ghost { uri: uri.to_owned(), shown, painted_ms: now_ms, again });
    }

    /// An empty answer is sent for a request of this document.
    pub fn cleared(&mut self, uri: &str) {
        self.let_go(uri);
        self.bound = Bound::Nothing;
    }

    /// Whether an answer in this document may have to clear an old ghost.
    pub fn leftover(&self, uri: &str) -> Option<Leftover> {
        self.leftovers.iter().find(|(of, _)| of == uri).map(|(_, leftover)| *leftover)
    }

    fn leave(&mut self, uri: String, leftover: Leftover) {
        match self.leftovers.iter_mut().find(|(of, _)| *of == uri) {
            Some((_, known)) => *known = leftover.max(*known),
            None => self.leftovers.push((uri, leftover)),
        }
    }

    /// An empty answer clears what may have been left in this document. Tab stays bound to an item in another document.
    pub fn wiped(&mut self, uri: &str) {
        self.leftovers.retain(|(of, _)| of != uri);
    }

    /// An answer in `uri` replaces what Tab is bound to, and what is drawn there.
    fn let_go(&mut self, uri: &str) {
        self.wiped(uri);
        if let Bound::Ghost(Ghost { uri: old, .. }) | Bound::Outdated { uri: old, .. } =
            std::mem::take(&mut self.bound)
            && old != uri
        {
            self.leave(old, Leftover::Likely);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Leftover::{Likely, Possible};
    use super::*;

    const A: &str = "file:///a.rs";
    const B: &str = "file:///b.rs";
    /// When the ghosts are drawn, and when the messages of the editor surely came after that.
    const DRAWN: u64 = 1000;
    const LATER: u64 = DRAWN + CROSSING_MS + 1;

    fn rest(text: &str) -> Rest {
        Rest { text: text.to_owned(), ..Rest::default() }
    }

    /// A screen that shows this ghost in [`A`].
    fn drawn(text: &str) -> Screen {
        let mut screen = Screen::default();
        screen.drawn(DRAWN, A, rest(text));
        screen
    }

    #[test]
    fn a_ghost_is_shown_until_an_edit_an_answer_or_the_caret_ends_it() {
        let screen = drawn("x");
        assert_eq!(
            (screen.shown().text.as_str(), screen.has_ghost(), screen.is_outdated()),
            ("x", true, false)
        );
        let empty = Screen::default();
        assert_eq!((empty.shown(), empty.has_ghost(), empty.is_outdated()), (Rest::default(), false, false));
        type Ends = fn(&mut Screen);
        let ends: [(Ends, bool); 3] = [
            (|screen| screen.edited(LATER, A, Change::Other, false), true),
            (Screen::left, true),
            (|screen| screen.cleared(A), false),
        ];
        for (at, (end, is_outdated)) in ends.into_iter().enumerate() {
            let mut screen = drawn("x");
            end(&mut screen);
            assert_eq!(screen.shown(), Rest::default(), "{at}");
            assert_eq!((screen.has_ghost(), screen.is_outdated()), (false, is_outdated), "{at}");
            assert_eq!(screen.leftover(A), None, "{at}");
        }
    }

    #[test]
    fn a_ghost_is_read_after_a_while_in_its_document() {
        for (now_ms, uri, was_read) in [
            (DRAWN + READ_MS - 1, A, false),
            (DRAWN + READ_MS, A, true),
            (DRAWN + READ_MS, B, false),
            (DRAWN - 1, A, false),
        ] {
            assert_eq!(drawn("x").was_read(now_ms, uri), was_read, "{now_ms} {uri}");
        }
        assert!(!Screen::default().was_read(DRAWN + READ_MS, A));
    }

    /// With several lines or without a request behind it, the editor lets go of a ghost by itself: unless the ghost may have
    /// come after the change, or is in another document.
    #[test]
    fn the_editor_lets_go_of_a_ghost_that_was_there_before_the_change() {
        for (now_ms, uri, change, deleted_before, again, lets_go) in [
            (LATER, A, Change::Lines, false, false, true),
            (LATER, A, Change::Other, false, false, true),
            (LATER, B, Change::Lines, false, false, false),
            (LATER, B, Change::Other, false, false, false),
            (DRAWN + CROSSING_MS, A, Change::Lines, false, false, false),
            (DRAWN + CROSSING_MS, A, Change::Other, false, false, false),
            // What was taken had been seen, however soon, unless the same text was there before or undo brought it.
            (DRAWN, A, Change::Accepted, false, false, true),
            (DRAWN, A, Change::Accepted, true, false, false),
            (DRAWN, A, Change::Accepted, false, true, false),
            (DRAWN, B, Change::Accepted, false, false, false),
        ] {
            let case = (now_ms, uri, change, deleted_before, again);
            let mut screen = Screen::default();
            screen.edited(0, A, Change::Other, deleted_before);
            if again {
                screen.drawn(0, A, rest("x"));
            }
            screen.drawn(DRAWN, A, rest("x"));
            screen.edited(now_ms, uri, change, false);
            assert_eq!(screen.is_outdated(), change != Change::Lines || !lets_go, "{case:?}");
            screen.settled();
            assert_eq!(screen.is_outdated(), !lets_go, "{case:?}");
            assert_eq!(screen.leftover(A), lets_go.then_some(Possible), "{case:?}");
        }
    }

    #[test]
    fn a_ghost_that_is_drawn_again_is_known_by_its_text() {
        type Before = fn(&mut Screen);
        let befores: [(Before, bool); 5] = [
            (|_| {}, false),
            (|screen| screen.drawn(0, A, rest("x")), true),
            (|screen| screen.drawn(0, A, rest("y")), false),
            (
                |screen| {
                    screen.drawn(0, A, rest("x"));
                    screen.left();
                },
                true,
            ),
            (
                |screen| {
                    screen.drawn(0, A, rest("y"));
                    screen.left();
                },
                false,
            ),
        ];
        for (at, (before, again)) in befores.into_iter().enumerate() {
            let mut screen = Screen::default();
            before(&mut screen);
            screen.drawn(DRAWN, A, rest("x"));
            screen.edited(DRAWN, A, Change::Accepted, false);
            screen.settled();
            assert_eq!(screen.is_outdated(), again, "{at}");
        }
    }

    #[test]
    fn what_the_caret_has_left_stays_until_the_next_answer() {
        let mut screen = drawn("x");
        screen.left();
        screen.settled();
        assert!(screen.is_outdated());
        screen.left();
        assert!(screen.is_outdated());
        screen.edited(LATER, A, Change::Lines, false);
        assert!(screen.is_outdated());
        let mut empty = Screen::default();
        empty.left();
        assert!(!empty.is_outdated());
    }

    #[test]
    fn an_answer_in_another_document_leaves_a_drawing_where_it_is() {
        type Answers = fn(&mut Screen);
        let answers: [Answers; 2] = [|screen| screen.drawn(LATER, B, rest("y")), |screen| screen.cleared(B)];
        for answer in answers {
            for outdated in [false, true] {
                let mut screen = drawn("x");
                if outdated {
                    screen.left();
                }
                answer(&mut screen);
                assert_eq!((screen.leftover(A), screen.leftover(B)), (Some(Likely), None));
                // The next answer in the document wipes it.
                screen.wiped(B);
                assert_eq!(screen.leftover(A), Some(Likely));
                screen.wiped(A);
                assert_eq!(screen.leftover(A), None);
            }
        }
        let mut same = drawn("x");
        same.drawn(LATER, A, rest("y"));
        assert_eq!(same.leftover(A), None);
    }

    #[test]
    fn a_likely_leftover_does_not_become_a_possible_one() {
        for order in [[Likely, Possible], [Possible, Likely]] {
            let mut screen = Screen::default();
            for leftover in order {
                screen.leave(A.to_owned(), leftover);
            }
            assert_eq!(screen.leftover(A), Some(Likely), "{order:?}");
            screen.leave(B.to_owned(), Possible);
            assert_eq!((screen.leftover(A), screen.leftover(B)), (Some(Likely), Some(Possible)));
        }
    }
}
