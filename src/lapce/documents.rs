//! The open documents, kept in step with the editor.
//!
//! Lapce counts columns in UTF-16 code units and takes only `\n` as the end of a line (a `\r` before
//! it is a column like any other), so this does too; LSP's lone `\r` would put every later line wrong.

use std::ops::Range;

use lsp_types::Position;
use memchr::memchr_iter;

use super::languages::language_id;
use crate::completion::{Buffer, Buffers, Edit};
use crate::json::{Few, Raw, object};

/// Larger documents are not kept: their text would fill the guest's memory for nothing, as no
/// suggestion is offered in files of that size.
pub const MAX_BYTES: usize = 4 << 20;

/// Most documents that are kept, and most bytes in all. Lapce never reports that one was closed, and the guest's memory
/// never shrinks.
const MOST: usize = 256;
const MOST_BYTES: usize = 32 << 20;
/// Most documents that are remembered as unknown. One that is forgotten is read from the disk again, if it was not changed.
const MOST_UNKNOWN: usize = 1024;

/// The document of a `textDocument/didOpen`.
#[derive(Debug)]
pub struct OpenedDocument {
    /// Its URI.
    pub uri: String,
    /// Lapce's id of its language, empty when unknown.
    pub language_id: String,
    /// The whole text.
    pub text: String,
}

impl OpenedDocument {
    /// Reads it; `None` when it has no URI or no text.
    pub fn read(json: Raw<'_>) -> Option<Self> {
        let TextDocument { uri, language_id, text } = json.read();
        Some(Self {
            uri: uri.cow()?.into_owned(),
            language_id: language_id.cow().unwrap_or_default().into_owned(),
            text: text.cow()?.into_owned(),
        })
    }
}

/// One of the changes in a `textDocument/didChange`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What is replaced; `None`: everything.
    pub range: Option<lsp_types::Range>,
    /// What replaces it.
    pub text: String,
}

impl Change {
    /// Reads all changes of a message; `None` when one of them cannot be read.
    pub fn read_all(json: Raw<'_>) -> Option<Vec<Self>> {
        if !json.json().starts_with('[') {
            return None;
        }
        json.read::<Few<'_, ContentChange<'_>>>().iter().map(|change| Self::read(&change)).collect()
    }

    fn read(ContentChange { range, text }: &ContentChange<'_>) -> Option<Self> {
        let range = match range.json() {
            "" | "null" => None,
            _ => {
                let Ends { start, end } = range.read();
                Some(lsp_types::Range { start: read_position(start)?, end: read_position(end)? })
            }
        };
        Some(Self { range, text: text.cow()?.into_owned() })
    }
}

/// Reads a position; `None` when it is not two whole numbers.
pub fn read_position(json: Raw<'_>) -> Option<Position> {
    let Place { line, character } = json.read();
    let number = |json: Raw<'_>| u32::try_from(json.number()?).ok();
    Some(Position { line: number(line)?, character: number(character)? })
}

object! {
    struct TextDocument<'a> {
        uri = "uri": Raw<'a>,
        language_id = "languageId": Raw<'a>,
        text = "text": Raw<'a>,
    }
}

object! {
    struct ContentChange<'a> {
        range = "range": Raw<'a>,
        text = "text": Raw<'a>,
    }
}

object! {
    struct Ends<'a> {
        start = "start": Raw<'a>,
        end = "end": Raw<'a>,
    }
}

object! {
    struct Place<'a> {
        line = "line": Raw<'a>,
        character = "character": Raw<'a>,
    }
}

/// The effect of a change on the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Byte offset of the first changed byte, in the old and in the new text.
    pub start: usize,
    /// The old text.
    pub removed: String,
    /// Length of the new text in bytes: `start..start + inserted` of the document.
    pub inserted: usize,
}

impl Replaced {
    /// The same for the engine; `text` is the document after the change.
    pub fn edit<'a>(&'a self, text: &'a str) -> Edit<'a> {
        let inserted = text.get(self.start..self.start + self.inserted).unwrap_or_default();
        Edit { start: self.start, removed: &self.removed, inserted }
    }
}

/// A document the user has open.
#[derive(Debug)]
pub struct Document {
    uri: String,
    path: String,
    language: String,
    text: String,
    /// Byte offset of the start of each line; never empty, the first is 0.
    lines: Vec<u32>,
    too_big: bool,
}

impl Document {
    fn new(uri: String, path: String, language: String, text: String) -> Self {
        let mut document = Self { uri, path, language, text: String::new(), lines: vec![0], too_big: false };
        document.replace_all(&text);
        document
    }

    /// Its URI, as the editor writes it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Path of the file with `/`, relative to the workspace if it lies in it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Lapce's id of its language, empty when unknown.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The text; empty when it is [too big](Self::too_big).
    pub fn text(&self) -> &str {
        &self.text
    }

    fn buffer(&self) -> Buffer<'_> {
        Buffer { uri: &self.uri, path: &self.path, language: &self.language, text: &self.text }
    }

    /// Whether the text exceeds [`MAX_BYTES`] and is therefore not kept.
    pub fn too_big(&self) -> bool {
        self.too_big
    }

    /// Applies one change. Positions outside the text are clamped into it, as LSP says.
    pub fn apply(&mut self, change: &Change) -> Replaced {
        match change.range {
            None => self.replace_all(&change.text),
            Some(_) if self.too_big => Replaced { start: 0, removed: String::new(), inserted: 0 },
            Some(range) => {
                let start = self.offset(range.start);
                let end = self.offset(range.end).max(start);
                self.replace(start..end, &change.text)
            }
        }
    }

    /// The byte offset of a position: a column behind the line's end is the line's end, a line
    /// behind the last is the text's end, the middle of a surrogate pair is the pair's start.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.lines.get(line) else {
            return self.text.len();
        };
        let start = start as usize;
        let end = self.lines.get(line + 1).map_or(self.text.len(), |&next| next as usize - 1);
        let text = self.text.get(start..end).unwrap_or_default();
        start + offset_of_column(text, position.character as usize)
    }

    /// The position of a byte offset; one inside a character counts as the character's start.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|&start| start as usize <= offset).saturating_sub(1);
        let start = self.lines.get(line).map_or(0, |&start| start as usize);
        let before = self.text.get(start..offset).unwrap_or_default();
        Position { line: line as u32, character: utf16_len(before.as_bytes()) as u32 }
    }

    /// Replaces everything, but returns only the difference: Lapce sends undo, redo and every edit of a
    /// selection as the whole text.
    fn replace_all(&mut self, new: &str) -> Replaced {
        if new.len() > MAX_BYTES {
            return self.drop_text();
        }
        self.too_big = false;
        let start = common_prefix(&self.text, new);
        let tail =
            common_suffix(self.text.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
        let end = self.text.len() - tail;
        self.replace(start..end, new.get(start..new.len() - tail).unwrap_or_default())
    }

    /// Replaces a range that lies on character boundaries.
    fn replace(&mut self, range: Range<usize>, with: &str) -> Replaced {
        if self.text.len() - range.len() + with.len() > MAX_BYTES {
            return self.drop_text();
        }
        let removed = self.text.get(range.clone()).unwrap_or_default().to_owned();
        let replaced = Replaced { start: range.start, removed, inserted: with.len() };
        let first = self.lines.partition_point(|&start| start as usize <= range.start);
        let last = self.lines.partition_point(|&start| start as usize <= range.end);
        let by = (with.len() as u32).wrapping_sub(range.len() as u32);
        let behind = self.lines.split_off(last);
        self.lines.truncate(first);
        self.lines.extend(memchr_iter(b'\n', with.as_bytes()).map(|at| (range.start + at + 1) as u32));
        self.lines.extend(behind.into_iter().map(|start| start.wrapping_add(by)));
        self.text.replace_range(range, with);
        replaced
    }

    /// Keeps no text from now on.
    fn drop_text(&mut self) -> Replaced {
        self.lines = vec![0];
        self.too_big = true;
        Replaced { start: 0, removed: std::mem::take(&mut self.text), inserted: 0 }
    }
}

/// All open documents.
#[derive(Debug, Default)]
pub struct Documents {
    /// Path of the workspace's folder, ending in `/`; empty when there is none.
    root: String,
    /// Most recently used first.
    open: Vec<Document>,
    /// URIs of documents whose text is not known until the editor sends it.
    unknown: Vec<String>,
}

impl Documents {
    /// No documents yet. Paths are relative to the folder `root`. They stay absolute if it is empty or the root of the file
    /// system: relative ones would reveal the user's home folder.
    pub fn new(root: &str) -> Self {
        let root = root.trim_end_matches('/');
        let root = if root.is_empty() { String::new() } else { format!("{root}/") };
        Self { root, open: Vec::new(), unknown: Vec::new() }
    }

    /// Adds a document; one with the same URI is replaced (Lapce sends all open documents again after a volt was
    /// loaded).
    pub fn open(&mut self, opened: OpenedDocument) {
        self.close(&opened.uri);
        let path = path_of(&opened.uri);
        let path = match path.strip_prefix(&self.root) {
            Some(inside) => inside.to_owned(),
            None => path,
        };
        self.open.insert(0, Document::new(opened.uri, path, opened.language_id, opened.text));
        self.drop_least_used();
    }

    /// Drops the least recently used documents until the rest is within the limits.
    fn drop_least_used(&mut self) {
        let mut bytes = 0;
        let fits = self.open.iter().take(MOST).take_while(|document| {
            bytes += document.text.len();
            bytes <= MOST_BYTES
        });
        let kept = fits.count().max(1);
        let dropped = self.open.split_off(kept.min(self.open.len()));
        dropped.into_iter().for_each(|document| self.note_unknown(document.uri));
    }

    /// Adds a document for which no `didOpen` came.
    pub fn open_unannounced(&mut self, uri: &str, text: String) {
        let language_id = language_id(&path_of(uri)).to_owned();
        self.open(OpenedDocument { uri: uri.to_owned(), language_id, text });
    }

    /// Forgets a document.
    pub fn close(&mut self, uri: &str) {
        self.open.retain(|document| document.uri != uri);
        self.unknown.retain(|unknown| unknown != uri);
    }

    /// Forgets a document whose text is no longer known, until the editor sends it.
    pub fn lose(&mut self, uri: &str) {
        self.close(uri);
        self.note_unknown(uri.to_owned());
    }

    /// The list is limited, like the documents.
    fn note_unknown(&mut self, uri: String) {
        if self.unknown.len() >= MOST_UNKNOWN {
            self.unknown.remove(0);
        }
        self.unknown.push(uri);
    }

    /// Whether it was [lost](Self::lose).
    pub fn is_lost(&self, uri: &str) -> bool {
        self.unknown.iter().any(|unknown| unknown == uri)
    }

    /// The document of that URI.
    pub fn document(&self, uri: &str) -> Option<&Document> {
        self.open.iter().find(|document| document.uri == uri)
    }

    /// The document of that URI, to be changed; it becomes the most recently used.
    pub fn edited(&mut self, uri: &str) -> Option<&mut Document> {
        let at = self.open.iter().position(|document| document.uri == uri)?;
        self.open.get_mut(..=at)?.rotate_right(1);
        self.open.first_mut()
    }
}

impl Buffers for Documents {
    fn get(&self, uri: &str) -> Option<Buffer<'_>> {
        self.document(uri).filter(|document| !document.too_big).map(Document::buffer)
    }

    fn all(&self) -> Vec<Buffer<'_>> {
        self.open.iter().map(Document::buffer).collect()
    }
}

/// The path a `file:` URI names, with `/` and without the slash before a Windows drive letter.
pub fn path_of(uri: &str) -> String {
    let Some(rest) = uri.strip_prefix("file://") else {
        return uri.to_owned();
    };
    let path = percent_decoded(rest);
    match path.as_bytes() {
        [b'/', drive, b':', ..] if drive.is_ascii_alphabetic() => path.chars().skip(1).collect(),
        _ => path,
    }
}

/// Decodes `%XX`. Invalid escapes stay, bytes that are not UTF-8 become U+FFFD.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%'
            && let Some((&[high, low], after)) = rest.split_first_chunk::<2>()
            && let (Some(high), Some(low)) = ((high as char).to_digit(16), (low as char).to_digit(16))
        {
            bytes.push((high << 4 | low) as u8);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The byte offset of a UTF-16 column in a line given without its `\n`.
fn offset_of_column(line: &str, column: usize) -> usize {
    let mut left = column;
    let mut offset = 0;
    // Whole blocks first: this runs for each key, and minified files have lines of a megabyte.
    for block in line.as_bytes().chunks(BLOCK) {
        let units = utf16_len(block);
        if units >= left {
            break;
        }
        left -= units;
        offset += block.len();
    }
    let aligned = line.floor_char_boundary(offset);
    // A block may end inside a character, whose units are counted at its first byte.
    if aligned < offset {
        left += line.get(aligned..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf16);
        offset = aligned;
    }
    for c in line.get(offset..).unwrap_or_default().chars() {
        let units = c.len_utf16();
        if left < units {
            return offset;
        }
        left -= units;
        offset += c.len_utf8();
    }
    if left > 0 && line.ends_with('\r') { offset - 1 } else { offset }
}

const BLOCK: usize = 64;

/// UTF-16 code units of (a piece of) UTF-8 text, each character counted at its first byte.
fn utf16_len(bytes: &[u8]) -> usize {
    bytes
        .chunks(BLOCK)
        .map(|block| {
            // One byte as the sum (2 × 64 fits) lets the compiler count 16 bytes at a time.
            let units: u8 = block.iter().map(|&b| u8::from(b & 0xC0 != 0x80) + u8::from(b >= 0xF0)).sum();
            usize::from(units)
        })
        .sum()
}

/// Bytes both texts start with, ending at a character boundary of both.
fn common_prefix(a: &str, b: &str) -> usize {
    let blocks = a.as_bytes().chunks_exact(BLOCK).zip(b.as_bytes().chunks_exact(BLOCK));
    let whole = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = a.as_bytes().iter().zip(b.as_bytes()).skip(whole).take_while(|(a, b)| a == b).count();
    // The bytes before are the same, so this is a boundary in both.
    a.floor_char_boundary(whole + rest)
}

/// Bytes both texts end with, starting at a character boundary of both.
fn common_suffix(a: &str, b: &str) -> usize {
    let blocks = a.as_bytes().rchunks_exact(BLOCK).zip(b.as_bytes().rchunks_exact(BLOCK));
    let whole = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = a
        .as_bytes()
        .iter()
        .rev()
        .zip(b.as_bytes().iter().rev())
        .skip(whole)
        .take_while(|(a, b)| a == b)
        .count();
    let at = a.len() - (whole + rest);
    a.len() - a.ceil_char_boundary(at)
}

#[cfg(test)]
mod tests;
