//! Lapce's inline completion: one set of items for the whole window, one drawing per document.
//!
//! The items (what Tab takes) and the drawing (what the user sees) are kept apart as in Lapce: a key may strip or
//! hide the drawing while the items stay as they came, bound to the position of their request.

use std::ops::Range;
use std::path::PathBuf;

use lsp_types::{InlineCompletionItem, InsertTextFormat};

use super::buffer::Buffer;
use super::document::{Document, Drawn};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Nothing is shown and nothing was asked.
    Inactive,
    /// A request is under way; older items may still be there.
    Started,
    /// The items are those of the last answer.
    Active,
}

/// An item as Lapce keeps it: its range made into byte offsets of the buffer at the time of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub text: String,
    pub range: Option<Range<usize>>,
    format: InsertTextFormat,
}

impl Item {
    pub fn new(buffer: &Buffer, item: InlineCompletionItem) -> Item {
        Item {
            text: item.insert_text,
            range: item.range.map(|range| buffer.offset(range.start)..buffer.offset(range.end)),
            format: item.insert_text_format.unwrap_or(InsertTextFormat::PLAIN_TEXT),
        }
    }
}

/// What a key does to the drawing.
enum Redraw {
    Hide,
    Keep,
    Set { text: String, shift: usize },
}

/// The state behind the ghost text.
#[derive(Debug, Clone)]
pub(super) struct Inline {
    status: Status,
    active: usize,
    items: Vec<Item>,
    start: usize,
    path: PathBuf,
}

impl Inline {
    pub fn new() -> Inline {
        Inline { status: Status::Inactive, active: 0, items: Vec::new(), start: 0, path: PathBuf::new() }
    }

    /// Whether Tab takes an item. Nothing need be drawn for it.
    pub fn has_items(&self) -> bool {
        self.status != Status::Inactive && !self.items.is_empty()
    }

    /// What Tab would do: replace this range (as byte offsets of whatever document is in front) with this text.
    pub fn acceptance(&self) -> Option<(Range<usize>, &str)> {
        let item = self.items.get(self.active).filter(|_| self.has_items())?;
        let range = item.range.clone().unwrap_or(self.start..self.start);
        (item.format == InsertTextFormat::PLAIN_TEXT).then_some((range, item.text.as_str()))
    }

    /// Drops the items and the drawing of the document in front. A drawing elsewhere stays.
    pub fn cancel(&mut self, document: &mut Document) {
        if self.status != Status::Inactive {
            self.items.clear();
            self.status = Status::Inactive;
            document.drawn = None;
        }
    }

    /// Chooses another item for Tab. The drawing does not follow.
    pub fn cycle(&mut self, forward: bool) {
        let count = self.items.len();
        if self.status != Status::Inactive && count > 0 {
            self.active = (self.active + if forward { 1 } else { count - 1 }) % count;
        }
    }

    /// A request goes out: what is drawn is brought in line with the text first, against flicker.
    pub fn request(&mut self, document: &mut Document, enabled: bool) {
        let here = document.buffer.line_of_offset(document.cursor.head);
        let relevant = self.status != Status::Inactive
            && here == document.buffer.line_of_offset(self.start)
            && self.path == document.path;
        if relevant {
            self.redraw(document, enabled);
        }
        self.status = Status::Started;
    }

    /// An answer came, at whatever time: it is applied to the document it was asked for.
    pub fn answer(&mut self, document: &mut Document, items: Vec<Item>, start: usize) {
        self.items = items;
        self.active = 0;
        self.status = Status::Active;
        self.start = start;
        self.path.clone_from(&document.path);
        document.drawn = self.items.first().map(|item| {
            let offset = item.range.as_ref().map_or(start, |range| range.start);
            drawn_at(&document.buffer, offset, item.text.clone())
        });
    }

    fn redraw(&self, document: &mut Document, enabled: bool) {
        if !enabled {
            document.drawn = None;
            return;
        }
        let Some(item) = self.items.get(self.active) else { return };
        match self.redrawn(document, item) {
            Redraw::Keep => {}
            Redraw::Hide => document.drawn = None,
            Redraw::Set { text, shift } => {
                document.drawn = Some(drawn_at(&document.buffer, self.start + shift, text));
            }
        }
    }

    fn redrawn(&self, document: &Document, item: &Item) -> Redraw {
        let buffer = &document.buffer;
        if let Some(range) = &item.range {
            let word = buffer.prev_code_boundary(document.cursor.head);
            if word != range.start && self.start != range.start {
                return Redraw::Hide;
            }
        }
        if item.format != InsertTextFormat::PLAIN_TEXT {
            return Redraw::Hide;
        }
        let line_end = buffer.line_end(buffer.line_of_offset(self.start));
        let typed = buffer.slice(self.start..line_end);
        match item.text.strip_prefix(typed) {
            None => Redraw::Hide,
            Some(rest) if document.drawn.as_ref().is_some_and(|drawn| drawn.text == rest) => Redraw::Keep,
            Some(rest) => Redraw::Set { text: rest.to_owned(), shift: typed.len() },
        }
    }
}

fn drawn_at(buffer: &Buffer, offset: usize, text: String) -> Drawn {
    let offset = buffer.floor(offset);
    let line = buffer.line_of_offset(offset);
    Drawn { line, column: offset - buffer.offset_of_line(line), text }
}
