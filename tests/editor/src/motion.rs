//! How keys move the caret without changing the text: `movement.rs` of floem, the library Lapce's editor is made of.
//! Wrapped lines and phantom lines are left out.

use super::buffer::{Buffer, Position};
use super::document::Cursor;

/// A key that moves the caret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrow {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One grapheme left.
    Left,
    /// One grapheme right.
    Right,
    /// To the first character of the line that is not blank; from there to the start of the line.
    Home,
    /// To the end of the line.
    End,
}

/// The column that Up and Down keep to while they cross shorter lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// In UTF-16 code units.
    At(u32),
    Start,
    FirstNonBlank,
    End,
}

/// Where a key moves the caret, and the column that Up and Down keep to from there.
pub(super) fn moved(
    buffer: &Buffer,
    cursor: Cursor,
    column: Option<Column>,
    arrow: Arrow,
) -> (usize, Option<Column>) {
    let selected = cursor.range();
    // A selection collapses to the side that the key points to.
    match arrow {
        Arrow::Left | Arrow::Up if !cursor.is_caret() => return (selected.start, None),
        Arrow::Right | Arrow::Down if !cursor.is_caret() => return (selected.end, None),
        _ => {}
    }
    let at = cursor.head;
    let line = buffer.line_of_offset(at);
    let kept = column.unwrap_or_else(|| Column::At(buffer.position(at).character));
    match arrow {
        Arrow::Left => (buffer.prev_grapheme(at), None),
        Arrow::Right => (buffer.next_grapheme(at), None),
        Arrow::Up => (line.checked_sub(1).map_or(0, |line| on_line(buffer, line, kept)), Some(kept)),
        Arrow::Down if line == buffer.line_of_offset(buffer.len()) => (buffer.line_end(line), Some(kept)),
        Arrow::Down => (on_line(buffer, line + 1, kept), Some(kept)),
        Arrow::Home => {
            let start = buffer.offset_of_line(line);
            let text = start + buffer.indent_of_line(line).len();
            if at > text || at == start {
                (text, Some(Column::FirstNonBlank))
            } else {
                (start, Some(Column::Start))
            }
        }
        Arrow::End => (buffer.line_end(line), Some(Column::End)),
    }
}

fn on_line(buffer: &Buffer, line: usize, column: Column) -> usize {
    match column {
        Column::At(character) => buffer.offset(Position::new(line as u32, character)),
        Column::Start => buffer.offset_of_line(line),
        Column::FirstNonBlank => buffer.offset_of_line(line) + buffer.indent_of_line(line).len(),
        Column::End => buffer.line_end(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Arrow::{Down, End, Home, Left, Right, Up};

    /// Where the caret, drawn as `|`, is after these keys.
    fn after(text: &str, keys: &[Arrow]) -> String {
        let buffer = Buffer::new(&text.replace('|', ""));
        let mut at = text.find('|').unwrap();
        let mut column = None;
        for key in keys {
            (at, column) = moved(&buffer, Cursor::caret(at), column, *key);
        }
        let mut text = buffer.text().to_owned();
        text.insert(at, '|');
        text
    }

    #[test]
    fn keys_move_the_caret() {
        for (text, keys, expected) in [
            ("a😀|b", &[Left][..], "a|😀b"),
            ("a|\r\nb", &[Right], "a\r\n|b"),
            ("|a", &[Left], "|a"),
            ("a|", &[Right], "a|"),
            ("abc\nd\nefg|", &[Up], "abc\nd|\nefg"),
            ("abc\nd\nefg|", &[Up, Up], "abc|\nd\nefg"),
            ("abc\nd\nefg|", &[Up, Left, Up], "|abc\nd\nefg"),
            ("ab|c", &[Up], "|abc"),
            ("ab|c\nd", &[Down], "abc\nd|"),
            ("ab|c", &[Down], "abc|"),
            ("  a|b", &[Home], "  |ab"),
            ("  a|b", &[Home, Home], "|  ab"),
            ("  a|b", &[Home, Home, Home], "  |ab"),
            ("| ab\ncdef", &[End, Down], " ab\ncdef|"),
            (" a\n  b|", &[Home, Up], " |a\n  b"),
        ] {
            assert_eq!(after(text, keys), expected, "{text:?} {keys:?}");
        }
    }

    #[test]
    fn a_selection_collapses_to_the_side_the_key_points_to() {
        let buffer = Buffer::new("abcd");
        for (key, at) in [(Left, 1), (Up, 1), (Right, 3), (Down, 3)] {
            for cursor in [Cursor { anchor: 1, head: 3 }, Cursor { anchor: 3, head: 1 }] {
                assert_eq!(moved(&buffer, cursor, None, key).0, at, "{key:?} {cursor:?}");
            }
        }
    }
}
