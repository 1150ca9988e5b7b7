//! The text of one open file, with the positions Lapce knows: byte offsets inside, UTF-16 columns outside.

use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// A position as LSP counts it: zero-based line, column in UTF-16 code units.
pub type Position = lsp_types::Position;

/// A text and its line ending; every offset is in bytes and is clamped to the text.
#[derive(Debug, Clone)]
pub struct Buffer {
    text: String,
    line_ending: &'static str,
    indent_unit: &'static str,
}

impl Buffer {
    /// A buffer whose indentation is four spaces unless its text shows another.
    pub fn new(text: &str) -> Buffer {
        Buffer::with_indent(text, "    ")
    }

    /// The buffer Lapce makes of a file: the first line ending decides what Enter and pasted lines use, the text's
    /// usual indentation (`indent_unit` where none stands out) what Enter and Tab indent by; lone carriage returns
    /// become line ends.
    pub(super) fn with_indent(text: &str, indent_unit: &'static str) -> Buffer {
        let first = text.find(['\n', '\r']).map(|at| &text[at..]);
        let line_ending = if first.is_some_and(|rest| rest.starts_with("\r\n")) { "\r\n" } else { "\n" };
        let text = replace_lone_carriage_returns(text, line_ending);
        let indent_unit = detect_indent(&text).unwrap_or(indent_unit);
        Buffer { text, line_ending, indent_unit }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What Enter inserts: `\n` or `\r\n`.
    pub fn line_ending(&self) -> &'static str {
        self.line_ending
    }

    /// What Tab inserts at the start of a line.
    pub fn indent_unit(&self) -> &'static str {
        self.indent_unit
    }

    /// `text` with every line ending made that of this buffer, as Lapce does with all that is inserted.
    pub fn normalize(&self, text: &str) -> String {
        let lf = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.line_ending == "\n" { lf } else { lf.replace('\n', self.line_ending) }
    }

    /// Replaces a range.
    pub(super) fn replace(&mut self, range: Range<usize>, text: &str) {
        let range = self.clamp(range);
        self.text.replace_range(range, text);
    }

    /// The nearest character boundary at or before `offset`.
    pub fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// `range` inside the text, on character boundaries, not reversed.
    pub fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let start = self.floor(range.start);
        start..self.floor(range.end).max(start)
    }

    /// The text of a range, clamped.
    pub fn slice(&self, range: Range<usize>) -> &str {
        &self.text[self.clamp(range)]
    }

    /// The line an offset is in.
    pub fn line_of_offset(&self, offset: usize) -> usize {
        self.text[..self.floor(offset)].matches('\n').count()
    }

    /// Where a line begins; the end of the text for a line that is not there.
    pub fn offset_of_line(&self, line: usize) -> usize {
        if line == 0 {
            return 0;
        }
        self.text.match_indices('\n').nth(line - 1).map_or(self.text.len(), |(at, _)| at + 1)
    }

    /// Where the text of a line ends, before its line ending.
    pub fn line_end(&self, line: usize) -> usize {
        let start = self.offset_of_line(line);
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        let ended = start + line.len() < self.text.len();
        start + if ended { line.strip_suffix('\r').unwrap_or(line).len() } else { line.len() }
    }

    /// The UTF-16 position of an offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let line = self.line_of_offset(offset);
        let column = self.text[self.offset_of_line(line)..offset].encode_utf16().count();
        Position::new(line as u32, column as u32)
    }

    /// The offset of a UTF-16 position, not past the end of its line; inside a surrogate pair, before it.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let start = self.offset_of_line(line);
        let mut units = 0;
        for (at, character) in self.text[start..self.line_end(line)].char_indices() {
            units += character.len_utf16();
            if units > position.character as usize {
                return start + at;
            }
        }
        self.line_end(line)
    }

    /// Where the word left of `offset` begins, `offset` itself when there is none: what Lapce compares a
    /// ghost's range with.
    pub fn prev_code_boundary(&self, offset: usize) -> usize {
        let before = &self.text[..self.floor(offset)];
        before.trim_end_matches(|c| class(c) == Class::Other).len()
    }

    /// The offset one grapheme to the left.
    pub fn prev_grapheme(&self, offset: usize) -> usize {
        let mut cursor = GraphemeCursor::new(self.floor(offset), self.text.len(), true);
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    /// The offset one grapheme to the right.
    pub fn next_grapheme(&self, offset: usize) -> usize {
        let offset = self.floor(offset);
        self.text[offset..].graphemes(true).next().map_or(offset, |grapheme| offset + grapheme.len())
    }

    /// The character at an offset.
    pub fn char_at(&self, offset: usize) -> Option<char> {
        self.text[self.floor(offset)..].chars().next()
    }

    /// The blanks a line begins with.
    pub fn indent_of_line(&self, line: usize) -> &str {
        let content = &self.text[self.offset_of_line(line)..self.line_end(line)];
        let rest = content.trim_start_matches(|c| class(c) == Class::Space);
        &content[..content.len() - rest.len()]
    }
}

/// Lapce's classes of characters, as far as editing asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    LineEnd,
    Space,
    Punctuation,
    Other,
}

/// The class of a character: ASCII only, everything else is [`Class::Other`]; `_` is no punctuation.
pub(super) fn class(c: char) -> Class {
    match c {
        '\r' | '\n' => Class::LineEnd,
        '\0'..=' ' => Class::Space,
        '_' => Class::Other,
        c if c.is_ascii_punctuation() => Class::Punctuation,
        _ => Class::Other,
    }
}

fn replace_lone_carriage_returns(text: &str, line_ending: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' && chars.peek() != Some(&'\n') {
            out.push_str(line_ending);
        } else {
            out.push(c);
        }
    }
    out
}

/// The step of indentation that stands out in a text: from one line to the next, tabs counting twice, and no
/// other more than two thirds as frequent. An empty line starts anew, a line of blanks is like any other.
fn detect_indent(text: &str) -> Option<&'static str> {
    const SPACES: &str = "        ";
    const LINES: usize = 1000;
    const WIDEST: usize = 256;
    // How often each step occurs: index 0 for tabs, the others for so many spaces.
    let mut steps = [0usize; SPACES.len() + 1];
    let mut previous = (' ', 0);
    let lines = text.matches('\n').count().min(LINES);
    for line in text.lines().take(lines) {
        let blank = if line.starts_with('\t') { '\t' } else { ' ' };
        let width = line.len() - line.trim_start_matches(blank).len();
        if width > WIDEST {
            continue;
        }
        if width > previous.1 && (previous.1 == 0 || previous.0 == blank) {
            let (step, count) = if blank == '\t' { (0, 2) } else { (width - previous.1, 1) };
            if let Some(steps) = steps.get_mut(step) {
                *steps += count;
            }
        }
        previous = (blank, width);
    }
    let most = steps.iter().copied().max().filter(|most| *most > 0)?;
    let mut frequent = steps.iter().enumerate().filter(|(_, count)| **count * 100 >= most * 66);
    match (frequent.next(), frequent.next()) {
        (Some((0, _)), None) => Some("\t"),
        (Some((width, _)), None) => Some(&SPACES[..width]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf16_and_stop_at_the_end_of_the_line() {
        let cases = [
            ("hello\nworld", (0, 6), 5),
            ("hello\r\nworld", (0, 6), 5),
            ("hello\r\nworld", (1, 2), 9),
            ("a😀b", (0, 3), 5),
            ("a😀b", (0, 2), 1),
            ("é\n", (1, 0), 3),
            ("one", (4, 1), 3),
        ];
        for (text, (line, character), offset) in cases {
            assert_eq!(
                Buffer::new(text).offset(Position::new(line, character)),
                offset,
                "{text:?} {line}:{character}"
            );
        }
        assert_eq!(Buffer::new("a😀b").position(5), Position::new(0, 3));
    }

    #[test]
    fn the_first_line_ending_decides_what_is_inserted() {
        for (text, inserted) in [("a\r\nb\n", "x\r\ny"), ("a\nb\r\n", "x\ny"), ("", "x\ny")] {
            assert_eq!(Buffer::new(text).normalize("x\ny"), inserted, "{text:?}");
            assert_eq!(Buffer::new(text).normalize("x\r\ny"), inserted, "{text:?}");
        }
    }

    #[test]
    fn the_step_that_stands_out_is_the_unit_of_indentation() {
        for (text, unit) in [
            ("", None),
            ("a\n  b\n    c\n", Some("  ")),
            ("a\n\tb\n", Some("\t")),
            ("a\n        b\nc\n    d\ne\n    f\n", Some("    ")),
            ("a\n  b\nc\n   d\n", None),
            // Two of three are too many beside the most frequent.
            ("a\n b\na\n b\na\n b\na\n  b\na\n  b\n", None),
            // After an empty line the next one is taken for deeper.
            ("a\n  b\n\n  c\n\n  d\n    e\n", Some("  ")),
            ("a\n   b\n\n      c\n", None),
        ] {
            assert_eq!(detect_indent(text), unit, "{text:?}");
        }
    }

    #[test]
    fn words_end_at_ascii_punctuation_but_not_at_underscores() {
        let buffer = Buffer::new("x.let_a é2");
        for (offset, boundary) in [(7, 2), (2, 2), (1, 0), (11, 8)] {
            assert_eq!(buffer.prev_code_boundary(offset), boundary, "{offset}");
        }
    }
}
