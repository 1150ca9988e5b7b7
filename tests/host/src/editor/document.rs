//! One open file: its buffer, its cursor, its undo history and the ghost text drawn in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use lsp_types::{TextDocumentContentChangeEvent, Url};

use super::buffer::{Buffer, Position};

/// One replacement in a change: what stood at `range` becomes `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub range: Range<usize>,
    pub text: String,
}

/// What kind of change it was; runs of the same typing or deleting are undone together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EditKind {
    InsertChars,
    Delete,
    Other,
}

/// The caret, or a selection between `anchor` and `head`, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub anchor: usize,
    pub head: usize,
}

impl Cursor {
    pub fn caret(offset: usize) -> Cursor {
        Cursor { anchor: offset, head: offset }
    }

    pub fn range(self) -> Range<usize> {
        self.anchor.min(self.head)..self.anchor.max(self.head)
    }

    pub fn is_caret(self) -> bool {
        self.anchor == self.head
    }
}

/// Ghost text as drawn: the place does not move with later edits (Lapce keeps line and byte column).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    pub line: usize,
    pub column: usize,
    pub text: String,
}

#[derive(Debug, Clone)]
struct UndoStep {
    before: (String, Cursor),
    after: (String, Cursor),
}

/// An open file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub path: PathBuf,
    pub language: String,
    pub buffer: Buffer,
    pub cursor: Cursor,
    pub version: i32,
    pub drawn: Option<Drawn>,
    undo: Vec<UndoStep>,
    undone: Vec<UndoStep>,
    last_edit: EditKind,
}

impl Document {
    pub fn new(path: &Path, language: &str, text: &str) -> Document {
        let buffer = Buffer::new(text);
        Document {
            path: path.to_owned(),
            language: language.to_owned(),
            version: i32::from(!buffer.is_empty()),
            buffer,
            cursor: Cursor::caret(0),
            drawn: None,
            undo: Vec::new(),
            undone: Vec::new(),
            last_edit: EditKind::Other,
        }
    }

    /// The file URL; Lapce does not open a path that has none.
    pub fn url(&self) -> Option<Url> {
        Url::from_file_path(&self.path).ok()
    }

    /// Applies one change and returns what `didChange` says about it. The cursor becomes `cursor`.
    pub fn apply(
        &mut self,
        edits: &[Edit],
        kind: EditKind,
        cursor: Cursor,
    ) -> TextDocumentContentChangeEvent {
        let before = (self.buffer.text().to_owned(), self.cursor);
        let event = self.change(edits, cursor);
        let after = (self.buffer.text().to_owned(), cursor);
        self.undone.clear();
        match self.undo.last_mut() {
            Some(step) if kind != EditKind::Other && kind == self.last_edit => step.after = after,
            _ => self.undo.push(UndoStep { before, after }),
        }
        self.last_edit = kind;
        event
    }

    /// Takes the last undo step back; `None` when there is none.
    pub fn undo(&mut self) -> Option<TextDocumentContentChangeEvent> {
        let step = self.undo.pop()?;
        let event = self.become_text(&step.before.0, step.before.1);
        self.undone.push(step);
        Some(event)
    }

    /// Does the last undone step again; `None` when there is none.
    pub fn redo(&mut self) -> Option<TextDocumentContentChangeEvent> {
        let step = self.undone.pop()?;
        let event = self.become_text(&step.after.0, step.after.1);
        self.undo.push(step);
        Some(event)
    }

    /// Ends the run of typing, so that the next key starts an undo step of its own.
    pub fn break_undo(&mut self) {
        self.last_edit = EditKind::Other;
    }

    fn become_text(&mut self, text: &str, cursor: Cursor) -> TextDocumentContentChangeEvent {
        self.break_undo();
        let edit = difference(self.buffer.text(), text);
        self.change(&[edit], cursor)
    }

    fn change(&mut self, edits: &[Edit], cursor: Cursor) -> TextDocumentContentChangeEvent {
        let event = simple_change(&self.buffer, edits);
        for edit in edits.iter().rev() {
            self.buffer.replace(edit.range.clone(), &edit.text);
        }
        self.version += 1;
        self.cursor = cursor;
        event.unwrap_or_else(|| TextDocumentContentChangeEvent {
            range: None,
            range_length: None,
            text: self.buffer.text().to_owned(),
        })
    }

    /// Where the caret is, as LSP counts.
    pub fn cursor_position(&self) -> Position {
        self.buffer.position(self.cursor.head)
    }

    /// The byte offset at which the ghost is drawn.
    pub fn drawn_offset(&self, drawn: &Drawn) -> usize {
        let start = self.buffer.offset_of_line(drawn.line);
        self.buffer.floor((start + drawn.column).min(self.buffer.line_end(drawn.line)))
    }
}

/// Lapce tells a range only of one plain insertion or one plain deletion; anything else, also a change that
/// changes nothing, goes out as the full text.
fn simple_change(before: &Buffer, edits: &[Edit]) -> Option<TextDocumentContentChangeEvent> {
    let [edit] = edits else { return None };
    if edit.range.is_empty() == edit.text.is_empty() {
        return None;
    }
    let range = lsp_types::Range::new(before.position(edit.range.start), before.position(edit.range.end));
    Some(TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: edit.text.clone() })
}

/// The one replacement that turns `old` into `new`.
fn difference(old: &str, new: &str) -> Edit {
    let prefix: usize =
        old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let suffix: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    Edit { range: prefix..old.len() - suffix, text: new_rest[..new_rest.len() - suffix].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_insertion_or_deletion_is_told_as_a_range() {
        let edit = |range: Range<usize>, text: &str| Edit { range, text: text.to_owned() };
        let cases: [(&[Edit], bool); 6] = [
            (&[edit(1..1, "x")], true),
            (&[edit(1..2, "")], true),
            (&[edit(1..2, "x")], false),
            (&[edit(1..1, "")], false),
            (&[], false),
            (&[edit(0..0, "x"), edit(2..2, "y")], false),
        ];
        for (edits, ranged) in cases {
            let mut document = Document::new(Path::new("/f"), "rust", "abc");
            let event = document.apply(edits, EditKind::Other, Cursor::caret(0));
            assert_eq!(event.range.is_some(), ranged, "{edits:?}");
            if !ranged {
                assert_eq!(event.text, document.buffer.text());
            }
        }
    }

    #[test]
    fn a_run_of_typing_is_undone_and_redone_as_one() {
        let mut document = Document::new(Path::new("/f"), "rust", "");
        for (at, text) in ["a", "b", "c"].iter().enumerate() {
            let edit = Edit { range: at..at, text: (*text).to_owned() };
            document.apply(&[edit], EditKind::InsertChars, Cursor::caret(at + 1));
        }
        let undone = document.undo().unwrap();
        assert_eq!((document.buffer.text(), undone.text.as_str(), undone.range.is_some()), ("", "", true));
        let redone = document.redo().unwrap();
        assert_eq!((document.buffer.text(), redone.text.as_str()), ("abc", "abc"));
        assert_eq!((document.version, document.cursor), (5, Cursor::caret(3)));
        assert!(document.redo().is_none());
    }
}
