//! Characters that must not pass unseen: into a document, into a prompt, or into a message to the user.
//!
//! Taken out are control characters, whole escape sequences of terminals, characters without a glyph, and those that
//! turn the direction of text around, by which code can be made to look like other code (CVE-2021-42574, "Trojan
//! Source").

mod table;

use std::borrow::Cow;

use table::{JOINING, PICTURES, UNSEEN};

/// The text without them. A carriage return goes as well.
pub fn strip(text: &str) -> Cow<'_, str> {
    strip_but(text, |_| false)
}

/// The same for the text of a document, whose lines may end with CR LF.
pub fn strip_lines(text: &str) -> Cow<'_, str> {
    strip_but(text, |rest| rest.starts_with('\n'))
}

/// `is_line_end`: whether a carriage return with this text behind it stays.
fn strip_but(text: &str, is_line_end: fn(&str) -> bool) -> Cow<'_, str> {
    let plain = |byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    let Some(first) = text.bytes().position(|byte| !plain(byte)) else { return Cow::Borrowed(text) };
    let (seen, mut rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len());
    out.push_str(seen);
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\t' | '\n' => out.push(c),
            '\r' if is_line_end(rest) => out.push(c),
            '\u{1b}' => rest = after_escape(rest),
            c if c.is_control() => {}
            c if is_unseen(c) && !is_needed(out.chars().next_back(), c, rest.chars().next()) => {}
            c => out.push(c),
        }
    }
    if out.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// Whether a character has no glyph, or changes the order in which others are drawn.
pub fn is_unseen(c: char) -> bool {
    is_in(UNSEEN, c)
}

/// Whether the spelling of a script needs the character between its neighbours.
fn is_needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    let both = |blocks| before.is_some_and(|c| is_in(blocks, c)) && after.is_some_and(|c| is_in(blocks, c));
    match c {
        '\u{200c}' => both(JOINING),
        // A selector may stand between an emoji and the joiner.
        '\u{200d}' => {
            both(JOINING)
                || after.is_some_and(|c| is_in(PICTURES, c))
                    && before.is_some_and(|c| is_in(PICTURES, c) || c == '\u{fe0f}')
        }
        // Digits and two marks are the ground of keycaps.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|c| {
            is_in(PICTURES, c) || matches!(c, '0'..='9' | '#' | '*') && after == Some('\u{20e3}')
        }),
        // Mongolian has selectors and a separator of its own.
        '\u{180b}'..='\u{180f}' => before.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18aa}')),
        '\u{2800}' => {
            let braille = |c| matches!(c, '\u{2801}'..='\u{28ff}');
            before.is_some_and(braille) || after.is_some_and(braille)
        }
        _ => false,
    }
}

/// What follows an escape sequence (ECMA-48: `[`, parameters, one letter) of this line.
fn after_escape(rest: &str) -> &str {
    let Some(parameters) = rest.strip_prefix('[') else { return rest };
    let end =
        parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?')).unwrap_or(parameters.len());
    let tail = parameters.get(end..).unwrap_or_default();
    match tail.chars().next() {
        Some(last) if last.is_ascii_alphabetic() => tail.get(1..).unwrap_or_default(),
        _ => tail,
    }
}

/// Whether one of the ranges, which are in order, has the character.
fn is_in(ranges: &[(char, char)], c: char) -> bool {
    let at = ranges.partition_point(|(_, last)| *last < c);
    ranges.get(at).is_some_and(|(first, _)| *first <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        for table in [UNSEEN, JOINING, PICTURES] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|two| matches!(two, [(_, last), (first, _)] if last < first)));
        }
    }

    #[test]
    fn every_default_ignorable_code_point_is_unseen_and_every_letter_is_not() {
        let ignorable = regex::Regex::new(r"\A\p{Default_Ignorable_Code_Point}\z").unwrap();
        let letter = regex::Regex::new(r"\A[\p{L}\p{N}\p{P}\p{S}\p{M}]\z").unwrap();
        for c in '\u{80}'..=char::MAX {
            let text = c.to_string();
            if ignorable.is_match(&text) {
                assert!(is_unseen(c), "{}", c.escape_unicode());
            } else if letter.is_match(&text) && c != '\u{2800}' {
                assert!(!is_unseen(c), "{}", c.escape_unicode());
            }
        }
    }

    #[test]
    fn only_what_a_script_needs_is_left() {
        for (text, left) in [
            ("a\u{200d}b", "ab"),
            ("a\u{200c}b", "ab"),
            ("\u{645}\u{6cc}\u{200c}\u{62e}", "\u{645}\u{6cc}\u{200c}\u{62e}"),
            ("\u{915}\u{94d}\u{200d}\u{937}", "\u{915}\u{94d}\u{200d}\u{937}"),
            ("\u{645}\u{200c} x", "\u{645} x"),
            ("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}\u{200d}\u{1f4bb}"),
            ("\u{2764}\u{fe0f}\u{200d}\u{1f525}", "\u{2764}\u{fe0f}\u{200d}\u{1f525}"),
            ("\u{2764}\u{fe0f}\u{fe0f}", "\u{2764}\u{fe0f}"),
            ("x\u{fe0f}", "x"),
            ("1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("1\u{fe0f}2", "12"),
            ("\u{1f3f4}\u{e0067}\u{e007f}", "\u{1f3f4}"),
            ("\u{182a}\u{180b}", "\u{182a}\u{180b}"),
            ("\u{2801}\u{2800}\u{2802}", "\u{2801}\u{2800}\u{2802}"),
            ("\u{2800}", ""),
            ("a\u{ad}b\u{34f}c\u{3164}d\u{ffa0}e\u{2065}f\u{fff9}g\u{e0100}h\u{1160}", "abcdefgh"),
            ("a\u{0}b\u{1b}[31mc\u{7f}d\u{85}e\u{202e}f\u{2067}g", "abcdefg"),
            ("größe = 'é'", "größe = 'é'"),
        ] {
            assert_eq!(strip(text), left, "{text:?}");
        }
    }

    #[test]
    fn line_ends_of_a_document_stay() {
        for (text, answer, document) in
            [("a\r\nb", "a\nb", "a\r\nb"), ("a\rb\r", "ab", "ab"), ("a\n\u{feff}b\r\n", "a\nb\n", "a\nb\r\n")]
        {
            assert_eq!((strip(text), strip_lines(text)), (answer.into(), document.into()), "{text:?}");
        }
    }
}
