//! What a key does to the text, by Lapce's rules for brackets, quotes and indentation. Each function returns the
//! changes in the order in which Lapce sends them (one `didChange` each) and the cursor after them.

use std::ops::Range;

use super::buffer::{Buffer, Class, class};
use super::document::{Cursor, Edit};

/// The changes one key makes, and where the cursor is afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changes {
    /// Every inner list is one change (one `didChange`); offsets are those before that change.
    pub steps: Vec<Vec<Edit>>,
    pub cursor: Cursor,
}

fn edit(at: usize, end: usize, text: impl Into<String>) -> Edit {
    Edit { range: at..end, text: text.into() }
}

fn one(edit: Edit) -> Changes {
    let cursor = Cursor::caret(edit.range.start + edit.text.len());
    Changes { steps: vec![vec![edit]], cursor }
}

/// A typed character: brackets and quotes close themselves, a closing one is typed over, a bracket over a
/// selection surrounds it.
pub(super) fn character(buffer: &Buffer, cursor: Cursor, c: char) -> Changes {
    let at = cursor.head;
    let selected = cursor.range();
    let quote = matches!(c, '"' | '\'' | '`');
    if let Some(close) = closing(c)
        && !cursor.is_caret()
    {
        let first = vec![edit(selected.start, selected.start, c)];
        let second = vec![edit(selected.end + c.len_utf8(), selected.end + c.len_utf8(), close)];
        let moved = Cursor { anchor: cursor.anchor + c.len_utf8(), head: cursor.head + c.len_utf8() };
        return Changes { steps: vec![first, second], cursor: moved };
    }
    let next = buffer.char_at(at);
    if (quote || opening(c).is_some()) && next == Some(c) {
        // Lapce still makes an (empty) change of it, which is told as the full text.
        return Changes { steps: vec![Vec::new()], cursor: Cursor::caret(buffer.next_grapheme(at)) };
    }
    if let Some(open) = opening(c) {
        let line = buffer.line_of_offset(at);
        let start = buffer.offset_of_line(line);
        if buffer.slice(start..at).trim().is_empty()
            && let Some(partner) = unmatched_before(buffer, at, open, c)
        {
            let indent = buffer.indent_of_line(buffer.line_of_offset(partner)).to_owned();
            return one(edit(start, at, format!("{indent}{c}")));
        }
    }
    let mut changes = one(edit(selected.start, selected.end, c));
    if let Some(close) = closing(c) {
        let previous = (at > buffer.offset_of_line(buffer.line_of_offset(at)))
            .then(|| buffer.char_at(buffer.prev_grapheme(at)))
            .flatten();
        let loose = |c: Option<char>| c.is_none_or(|c| class(c) != Class::Other);
        if loose(next) && (!quote || loose(previous)) {
            let after = changes.cursor.head;
            changes.steps.push(vec![edit(after, after, close)]);
        }
    }
    changes
}

/// Enter: keeps the indentation, goes deeper after an open bracket, and parts a pair of brackets with a second
/// change.
pub(super) fn newline(buffer: &Buffer, cursor: Cursor) -> Changes {
    let selected = cursor.range();
    let line = buffer.line_of_offset(selected.end);
    let indent = buffer.indent_of_line(line);
    let before = buffer.slice(buffer.offset_of_line(line)..selected.end);
    let after = buffer.slice(selected.end..buffer.line_end(line));
    let inner = if has_unmatched_bracket(before) {
        format!("{indent}{}", buffer.indent_unit())
    } else if after.trim().is_empty() || !after.starts_with(indent) {
        indent.to_owned()
    } else {
        String::new()
    };
    let mut changes = one(edit(selected.start, selected.end, format!("{}{inner}", buffer.line_ending())));
    let last = before.chars().rev().find(|c| *c != ' ');
    if let Some(close) = last.filter(|c| "([{".contains(*c)).and_then(closing)
        && after.trim().starts_with(close)
    {
        let at = changes.cursor.head;
        changes.steps.push(vec![edit(at, at, format!("{}{indent}", buffer.line_ending()))]);
    }
    changes
}

/// A change as it was recorded, in two steps where the caret is left within the text.
pub(super) fn recorded(buffer: &Buffer, range: Range<usize>, text: &str, caret: usize) -> Changes {
    let range = buffer.clamp(range);
    let text = buffer.normalize(text);
    let before = text.floor_char_boundary(caret.saturating_sub(range.start));
    let (left, right) = text.split_at(before);
    let mut steps = vec![vec![edit(range.start, range.end, left)]];
    if range.is_empty() && text.is_empty() {
        // A bracket typed over: Lapce makes an empty change of it.
        steps = vec![Vec::new()];
    }
    if !right.is_empty() {
        let at = range.start + left.len();
        steps.push(vec![edit(at, at, right)]);
    }
    // Typed over a closing bracket, the caret is behind what did not change.
    let after = buffer.len() - range.len() + text.len();
    Changes { steps, cursor: Cursor::caret(caret.min(after)) }
}

/// Backspace: a selection, a whole step of indentation, or one grapheme; and with a lone opening bracket or quote
/// its partner.
pub(super) fn backspace(buffer: &Buffer, cursor: Cursor) -> Changes {
    let start = if cursor.is_caret() { backspaced(buffer, cursor.head) } else { cursor.range().start };
    let mut end = cursor.range().end;
    let mut deleted = buffer.slice(start..end).chars();
    if let (Some(c), None) = (deleted.next(), deleted.next())
        && let Some(close) = closing(c)
    {
        let rest = buffer.slice(end..buffer.line_end(buffer.line_of_offset(end)));
        if rest.trim().starts_with(close) {
            end += rest.find(close).unwrap_or(0) + close.len_utf8();
        }
    }
    if start == end {
        return Changes { steps: vec![Vec::new()], cursor };
    }
    one(edit(start, end, ""))
}

/// Where a caret at this offset deletes back to.
fn backspaced(buffer: &Buffer, at: usize) -> usize {
    let line = buffer.line_of_offset(at);
    let column = at - buffer.offset_of_line(line);
    let unit = buffer.indent_unit().len();
    let count = if buffer.indent_unit() != "\t" && column > 0 && column <= buffer.indent_of_line(line).len() {
        if column.is_multiple_of(unit) { unit } else { column % unit }
    } else {
        1
    };
    (0..count).fold(at, |offset, _| buffer.prev_grapheme(offset))
}

/// The Delete key.
pub(super) fn delete_forward(buffer: &Buffer, cursor: Cursor) -> Changes {
    let range =
        if cursor.is_caret() { cursor.head..buffer.next_grapheme(cursor.head) } else { cursor.range() };
    if range.is_empty() {
        return Changes { steps: vec![Vec::new()], cursor };
    }
    one(edit(range.start, range.end, ""))
}

/// Tab as indentation: up to the next stop, at the caret or where the text of every selected line begins.
pub(super) fn tab(buffer: &Buffer, cursor: Cursor) -> Changes {
    let unit = buffer.indent_unit();
    let indent = |at: usize| {
        let column = at - buffer.offset_of_line(buffer.line_of_offset(at));
        let width = if unit == "\t" { 1 } else { unit.len() - column % unit.len() };
        edit(at, at, &unit[..width])
    };
    if cursor.is_caret() {
        return one(indent(cursor.head));
    }
    let Range { start, end } = cursor.range();
    let text_of = |line| buffer.offset_of_line(line) + buffer.indent_of_line(line).len();
    let lines = buffer.line_of_offset(start)..=buffer.line_of_offset(end);
    let edits: Vec<Edit> = lines.map(|line| indent(text_of(line))).collect();
    let moved = |offset: usize| {
        let before = edits.iter().filter(|edit| edit.range.start <= offset);
        offset + before.map(|edit| edit.text.len()).sum::<usize>()
    };
    let cursor = Cursor { anchor: moved(cursor.anchor), head: moved(cursor.head) };
    Changes { steps: vec![edits], cursor }
}

/// Text from the clipboard: text that ends with a newline goes in as whole lines above the caret's line.
pub(super) fn paste(buffer: &Buffer, cursor: Cursor, text: &str) -> Changes {
    let range = if cursor.is_caret() && text.ends_with('\n') {
        let start = buffer.offset_of_line(buffer.line_of_offset(cursor.head));
        start..start
    } else {
        cursor.range()
    };
    one(edit(range.start, range.end, buffer.normalize(text)))
}

fn closing(c: char) -> Option<char> {
    Some(match c {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '"' | '\'' | '`' => c,
        _ => return None,
    })
}

fn opening(c: char) -> Option<char> {
    Some(match c {
        ')' => '(',
        ']' => '[',
        '}' => '{',
        _ => return None,
    })
}

/// The offset of the nearest `open` before `at` that no `close` has answered.
fn unmatched_before(buffer: &Buffer, at: usize, open: char, close: char) -> Option<usize> {
    let mut closed = 0usize;
    for (offset, c) in buffer.slice(0..at).char_indices().rev() {
        if c == close {
            closed += 1;
        } else if c == open {
            if closed == 0 {
                return Some(offset);
            }
            closed -= 1;
        }
    }
    None
}

/// Whether a line leaves a bracket open: more opened than closed, or the last one of a kind opened.
fn has_unmatched_bracket(line: &str) -> bool {
    ["()", "[]", "{}"].iter().any(|pair| {
        let kind = |c: &char| pair.contains(*c);
        let opens = |c: char| pair.starts_with(c);
        let opened = line.chars().filter(kind).filter(|c| opens(*c)).count();
        let closed = line.chars().filter(kind).count() - opened;
        opened > closed || line.chars().rev().find(kind).is_some_and(opens)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits `text` at `|` into a buffer and a caret.
    fn marked(text: &str) -> (Buffer, Cursor) {
        let at = text.find('|').unwrap();
        (Buffer::new(&text.replace('|', "")), Cursor::caret(at))
    }

    fn applied(mut buffer: Buffer, changes: Changes) -> (String, usize) {
        let count = changes.steps.len();
        for step in &changes.steps {
            for edit in step.iter().rev() {
                buffer.replace(edit.range.clone(), &edit.text);
            }
        }
        let mut text = buffer.text().to_owned();
        text.insert(changes.cursor.head, '|');
        (text, count)
    }

    #[test]
    fn brackets_and_quotes_close_and_are_typed_over() {
        let cases = [
            ("f|", '(', "f(|)", 2),
            ("f(|)", ')', "f()|", 1),
            ("|x", '(', "(|x", 1),
            ("a |", '"', "a \"|\"", 2),
            ("a|", '\'', "a'|", 1),
            ("\"|\"", '"', "\"\"|", 1),
            ("fn a() {\n        |", '}', "fn a() {\n}|", 1),
            ("a|", 'b', "ab|", 1),
        ];
        for (text, c, after, changes) in cases {
            let (buffer, cursor) = marked(text);
            let made = character(&buffer, cursor, c);
            assert_eq!(applied(buffer, made), (after.to_owned(), changes), "{text:?} {c:?}");
        }
    }

    #[test]
    fn a_bracket_surrounds_a_selection() {
        let buffer = Buffer::new("abc");
        let made = character(&buffer, Cursor { anchor: 1, head: 2 }, '[');
        assert_eq!(made.cursor, Cursor { anchor: 2, head: 3 });
        assert_eq!(applied(buffer, made).0, "a[b|]c");
    }

    #[test]
    fn enter_keeps_deepens_and_parts() {
        let cases = [
            ("    a;|", "    a;\n    |", 1),
            ("fn f() {|", "fn f() {\n    |", 1),
            ("fn f() {|}", "fn f() {\n    |\n}", 2),
            ("a\r\nb|", "a\r\nb\r\n|", 1),
        ];
        for (text, after, changes) in cases {
            let (buffer, cursor) = marked(text);
            let made = newline(&buffer, cursor);
            assert_eq!(applied(buffer, made), (after.to_owned(), changes), "{text:?}");
        }
    }

    #[test]
    fn backspace_takes_pairs_indentation_and_graphemes() {
        let cases = [
            ("ab|", "a|"),
            ("f(|)", "f|"),
            ("a\n    b\n        |x", "a\n    b\n    |x"),
            ("a\n    b\n      |x", "a\n    b\n    |x"),
            ("a\r\n|b", "a|b"),
            ("👩\u{200d}🚀|", "|"),
            ("|a", "|a"),
        ];
        for (text, after) in cases {
            let (buffer, cursor) = marked(text);
            let made = backspace(&buffer, cursor);
            assert_eq!(applied(buffer, made).0, after, "{text:?}");
        }
    }

    #[test]
    fn backspace_takes_the_partner_of_a_selected_bracket_too() {
        let buffer = Buffer::new("f( )x");
        let made = backspace(&buffer, Cursor { anchor: 2, head: 1 });
        assert_eq!(applied(buffer, made).0, "f|x");
    }

    #[test]
    fn tab_indents_every_selected_line_in_one_change() {
        let buffer = Buffer::new("a\nb\nc");
        let made = tab(&buffer, Cursor { anchor: 0, head: 3 });
        assert_eq!(made.cursor, Cursor { anchor: 4, head: 11 });
        assert_eq!(applied(buffer, made), ("    a\n    b|\nc".to_owned(), 1));
    }

    #[test]
    fn whole_lines_are_pasted_above() {
        for (text, pasted, after) in [("a\nb|c\n", "x\n", "a\nx\n|bc\n"), ("a\nb|c\n", "x", "a\nbx|c\n")] {
            let (buffer, cursor) = marked(text);
            let made = paste(&buffer, cursor, pasted);
            assert_eq!(applied(buffer, made).0, after, "{pasted:?}");
        }
    }

    #[test]
    fn tab_goes_to_the_next_stop() {
        for (text, after) in [("a|", "a   |"), ("    |", "        |"), ("\tb\n|", "\tb\n\t|")] {
            let (buffer, cursor) = marked(text);
            let made = tab(&buffer, cursor);
            assert_eq!(applied(buffer, made).0, after, "{text:?}");
        }
    }
}
