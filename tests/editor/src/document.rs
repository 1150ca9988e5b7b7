//! One open file: its buffer, its cursor, its undo history and the ghost text drawn in it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use lsp_types::{TextDocumentContentChangeEvent, Url};

use super::buffer::{Buffer, Position};
use super::language::indent_unit;
use super::motion::{Arrow, Column, moved};

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

impl EditKind {
    /// Whether such a change goes into the undo step of the change before it.
    fn joins(self, previous: EditKind) -> bool {
        self == previous && self != EditKind::Other
    }
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

/// Replacements that are undone together, in the order in which they were made.
#[derive(Debug, Clone)]
struct UndoStep {
    replaced: Vec<Replaced>,
    before: Cursor,
    after: Cursor,
}

#[derive(Debug, Clone)]
struct Replaced {
    at: usize,
    old: String,
    new: String,
}

/// An open file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub path: PathBuf,
    /// The file URL; Lapce does not open a path that has none.
    pub url: Option<Url>,
    pub language: String,
    pub buffer: Buffer,
    pub cursor: Cursor,
    pub version: i32,
    pub drawn: Option<Drawn>,
    /// Offsets whose code actions were asked for since the last edit.
    code_actions: BTreeSet<usize>,
    /// What Up and Down keep to.
    column: Option<Column>,
    undo: Vec<UndoStep>,
    undone: Vec<UndoStep>,
    last_edit: EditKind,
}

impl Document {
    pub fn new(path: &Path, language: &str, text: &str) -> Document {
        let buffer = Buffer::with_indent(text, indent_unit(language));
        Document {
            path: path.to_owned(),
            url: Url::from_file_path(path).ok(),
            language: language.to_owned(),
            version: i32::from(!buffer.is_empty()),
            buffer,
            cursor: Cursor::caret(0),
            drawn: None,
            code_actions: BTreeSet::new(),
            column: None,
            undo: Vec::new(),
            undone: Vec::new(),
            last_edit: EditKind::Other,
        }
    }

    /// Applies one change and returns what `didChange` says about it. The cursor stays: it moves once, after all
    /// changes of a key; `after` is where to.
    pub fn apply(&mut self, edits: &[Edit], kind: EditKind, after: Cursor) -> TextDocumentContentChangeEvent {
        let range = simple_range(&self.buffer, edits);
        // From the last one to the first, so that the offsets of those before it still hold.
        let replaced: Vec<Replaced> =
            edits.iter().rev().map(|edit| self.replace(edit.range.clone(), edit.text.clone())).collect();
        self.edited();
        self.undone.clear();
        match self.undo.last_mut().filter(|_| kind.joins(self.last_edit)) {
            Some(step) => {
                step.replaced.extend(replaced);
                step.after = after;
            }
            None => self.undo.push(UndoStep { replaced, before: self.cursor, after }),
        }
        self.last_edit = kind;
        match (range, edits) {
            (Some(range), [edit]) => ranged(range, edit.text.clone()),
            _ => self.full(),
        }
    }

    /// Takes the last undo step back; `None` when there is none.
    pub fn undo(&mut self) -> Option<TextDocumentContentChangeEvent> {
        let step = self.undo.pop()?;
        let event = self.retrace(|document| {
            for Replaced { at, old, new } in step.replaced.iter().rev() {
                document.buffer.replace(*at..at + new.len(), old);
            }
        });
        self.place(step.before);
        self.undone.push(step);
        Some(event)
    }

    /// Does the last undone step again; `None` when there is none.
    pub fn redo(&mut self) -> Option<TextDocumentContentChangeEvent> {
        let step = self.undone.pop()?;
        let event = self.retrace(|document| {
            for Replaced { at, old, new } in &step.replaced {
                document.buffer.replace(*at..at + old.len(), new);
            }
        });
        self.place(step.after);
        self.undo.push(step);
        Some(event)
    }

    /// Ends the run of typing, so that the next key starts an undo step of its own.
    pub fn break_undo(&mut self) {
        self.last_edit = EditKind::Other;
    }

    /// Puts the caret, or a selection, somewhere.
    pub fn place(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.column = None;
    }

    /// Moves the caret as a key does.
    pub fn step(&mut self, arrow: Arrow) {
        let (offset, column) = moved(&self.buffer, self.cursor, self.column, arrow);
        self.cursor = Cursor::caret(offset);
        self.column = column;
    }

    /// Brings all line ends in line, as Lapce does before it saves. They always are here, so nothing changes; but Lapce makes an
    /// edit of it wherever there is a line end (`LineEnding::normalize_delta` in floem's editor-core, 0.4.6).
    pub fn normalize(&mut self) -> Option<TextDocumentContentChangeEvent> {
        self.buffer.text().contains('\n').then(|| {
            self.edited();
            self.break_undo();
            self.full()
        })
    }

    /// Whether the code actions at the caret are still to be asked for. From now on they are not, until the next edit.
    pub fn wants_code_actions(&mut self) -> bool {
        self.code_actions.insert(self.cursor.head)
    }

    /// Forgets which code actions were asked for.
    pub fn forget_code_actions(&mut self) {
        self.code_actions.clear();
    }

    fn edited(&mut self) {
        self.version += 1;
        self.column = None;
        self.forget_code_actions();
    }

    fn replace(&mut self, range: Range<usize>, new: String) -> Replaced {
        let range = self.buffer.clamp(range);
        let old = self.buffer.slice(range.clone()).to_owned();
        let at = range.start;
        self.buffer.replace(range, &new);
        Replaced { at, old, new }
    }

    /// Undoes or redoes: the whole step is one change.
    fn retrace(&mut self, walk: impl FnOnce(&mut Document)) -> TextDocumentContentChangeEvent {
        let old = self.buffer.clone();
        walk(self);
        self.edited();
        self.break_undo();
        let edits = [difference(old.text(), self.buffer.text())];
        match (simple_range(&old, &edits), edits) {
            (Some(range), [edit]) => ranged(range, edit.text),
            _ => self.full(),
        }
    }

    /// The change that replaces the whole text.
    pub fn full(&self) -> TextDocumentContentChangeEvent {
        TextDocumentContentChangeEvent {
            range: None,
            range_length: None,
            text: self.buffer.text().to_owned(),
        }
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
fn simple_range(before: &Buffer, edits: &[Edit]) -> Option<lsp_types::Range> {
    let [edit] = edits else { return None };
    let simple = edit.range.is_empty() != edit.text.is_empty();
    simple.then(|| lsp_types::Range::new(before.position(edit.range.start), before.position(edit.range.end)))
}

fn ranged(range: lsp_types::Range, text: String) -> TextDocumentContentChangeEvent {
    TextDocumentContentChangeEvent { range: Some(range), range_length: None, text }
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

    fn typed(document: &mut Document, text: &str) {
        let at = document.cursor.head;
        let after = Cursor::caret(at + text.len());
        document.apply(&[Edit { range: at..at, text: text.to_owned() }], EditKind::InsertChars, after);
        document.cursor = after;
    }

    #[test]
    fn a_run_of_typing_is_undone_and_redone_as_one() {
        let mut document = Document::new(Path::new("/f"), "rust", "");
        for text in ["a", "b", "c"] {
            typed(&mut document, text);
        }
        let undone = document.undo().unwrap();
        assert_eq!((document.buffer.text(), undone.text.as_str(), undone.range.is_some()), ("", "", true));
        let redone = document.redo().unwrap();
        assert_eq!((document.buffer.text(), redone.text.as_str()), ("abc", "abc"));
        assert_eq!((document.version, document.cursor), (5, Cursor::caret(3)));
        assert!(document.redo().is_none());
    }

    #[test]
    fn after_an_undo_or_redo_typing_is_a_step_of_its_own() {
        let mut document = Document::new(Path::new("/f"), "rust", "");
        typed(&mut document, "a");
        document.break_undo();
        typed(&mut document, "b");
        document.undo().unwrap();
        typed(&mut document, "c");
        document.undo().unwrap();
        assert_eq!((document.buffer.text(), document.cursor), ("a", Cursor::caret(1)));
        document.redo().unwrap();
        typed(&mut document, "d");
        document.undo().unwrap();
        assert_eq!((document.buffer.text(), document.cursor), ("ac", Cursor::caret(2)));
    }

    #[test]
    fn several_replacements_of_one_change_are_undone_and_redone() {
        let mut document = Document::new(Path::new("/f"), "rust", "abc");
        let edit = |range: Range<usize>, text: &str| Edit { range, text: text.to_owned() };
        document.apply(&[edit(0..1, "xx"), edit(2..3, "")], EditKind::Other, Cursor::caret(0));
        assert_eq!(document.buffer.text(), "xxb");
        assert_eq!(document.undo().unwrap().text, "abc");
        assert_eq!(document.redo().unwrap().text, "xxb");
    }
}
