//! Text functions that many rules share: the first word of a text, its lines, whether it begins with one of some signs.
//!
//! Signs are ASCII characters in a string, and kinds of characters are plain functions. The patterns of the standard
//! library do the same, but each array or closure adds a copy of the search to the wasm.

/// A kind of characters.
type Kind = fn(char) -> bool;

/// Whether a character may be in a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a word is in a list, whose words are separated by spaces.
#[inline(never)]
pub fn is_among(word: &str, list: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// The first of the marks with which a text begins.
#[inline(never)]
pub fn mark_of<'m>(text: &str, marks: &[&'m str]) -> Option<&'m str> {
    marks.iter().find(|mark| text.starts_with(**mark)).copied()
}

/// Whether a text begins with one of the marks.
#[inline(never)]
pub fn begins_with_one(text: &str, marks: &[&str]) -> bool {
    mark_of(text, marks).is_some()
}

/// Whether a text ends with one of the marks.
#[inline(never)]
pub fn ends_with_one(text: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| text.ends_with(mark))
}

/// Whether a text begins with one of the signs.
#[inline(never)]
pub fn begins(text: &str, signs: &str) -> bool {
    text.bytes().next().is_some_and(|byte| signs.as_bytes().contains(&byte))
}

/// Whether a text ends with one of the signs.
#[inline(never)]
pub fn ends(text: &str, signs: &str) -> bool {
    text.bytes().next_back().is_some_and(|byte| signs.as_bytes().contains(&byte))
}

/// Whether one of the signs is in a text.
#[inline(never)]
pub fn has_sign(text: &str, signs: &str) -> bool {
    text.bytes().any(|byte| signs.as_bytes().contains(&byte))
}

/// How many of the signs are in a text.
#[inline(never)]
pub fn count(text: &str, signs: &str) -> usize {
    text.bytes().filter(|byte| signs.as_bytes().contains(byte)).count()
}

/// A text without the signs it begins with.
#[inline(never)]
pub fn skip<'t>(text: &'t str, signs: &str) -> &'t str {
    let mut rest = text;
    while begins(rest, signs) {
        rest = tail(rest, 1);
    }
    rest
}

/// A text without the signs it ends with.
#[inline(never)]
pub fn skip_back<'t>(text: &'t str, signs: &str) -> &'t str {
    let mut rest = text;
    while ends(rest, signs) {
        rest = head(rest, rest.len() - 1);
    }
    rest
}

/// A text without the signs it begins and ends with.
#[inline(never)]
pub fn trim<'t>(text: &'t str, signs: &str) -> &'t str {
    skip_back(skip(text, signs), signs)
}

/// A text without the spaces and tabs it begins with.
#[inline(never)]
pub fn skip_blank(text: &str) -> &str {
    skip(text, " \t")
}

/// Whether the first character of a text is of this kind.
#[inline(never)]
pub fn begins_as(text: &str, is: Kind) -> bool {
    text.starts_with(is)
}

/// Whether the last character of a text is of this kind.
#[inline(never)]
pub fn ends_as(text: &str, is: Kind) -> bool {
    text.ends_with(is)
}

/// Where the first character of this kind is in a text.
#[inline(never)]
pub fn find(text: &str, is: Kind) -> Option<usize> {
    text.find(is)
}

/// Whether a character of this kind is in a text.
#[inline(never)]
pub fn has(text: &str, is: Kind) -> bool {
    find(text, is).is_some()
}

/// The characters of this kind that a text begins with.
#[inline(never)]
pub fn run(text: &str, is: Kind) -> &str {
    head(text, text.len() - text.trim_start_matches(is).len())
}

/// The characters of this kind that a text ends with.
#[inline(never)]
pub fn run_back(text: &str, is: Kind) -> &str {
    tail(text, text.trim_end_matches(is).len())
}

/// A text from its first character of this kind to its last one.
#[inline(never)]
pub fn within(text: &str, is: Kind) -> &str {
    text.trim_matches(|c| !is(c))
}

/// The word a line begins with, blanks aside.
#[inline(never)]
pub fn first_word(line: &str) -> &str {
    run(line.trim_start(), is_word)
}

/// Whether the word a line begins with is one of those in a list.
#[inline(never)]
pub fn begins_with_word(line: &str, list: &str) -> bool {
    is_among(first_word(line), list)
}

/// The word a text ends with.
#[inline(never)]
pub fn last_word(text: &str) -> &str {
    run_back(text, is_word)
}

/// The parts of a text between white space.
#[inline(never)]
pub fn parts(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Two texts as one.
#[inline(never)]
pub fn joined(a: &str, b: &str) -> String {
    [a, b].concat()
}

/// A text up to this byte; empty if that is not a character boundary of the text.
#[inline(never)]
pub fn head(text: &str, end: usize) -> &str {
    text.get(..end).unwrap_or_default()
}

/// A text from this byte on; empty if that is not a character boundary of the text.
#[inline(never)]
pub fn tail(text: &str, start: usize) -> &str {
    text.get(start..).unwrap_or_default()
}

/// The first bytes of a text, up to a character's end.
#[inline(never)]
pub fn first_bytes(text: &str, most: usize) -> &str {
    head(text, text.floor_char_boundary(most))
}

/// The last bytes of a text, from a character on.
#[inline(never)]
pub fn last_bytes(text: &str, most: usize) -> &str {
    tail(text, text.ceil_char_boundary(text.len().saturating_sub(most)))
}

/// Where the last line of a text begins.
#[inline(never)]
pub fn last_line_start(text: &str) -> usize {
    text.rfind('\n').map_or(0, |at| at + 1)
}

/// The text after the last line break.
#[inline(never)]
pub fn last_line(text: &str) -> &str {
    tail(text, last_line_start(text))
}

/// The text before the first line break.
#[inline(never)]
pub fn first_line(text: &str) -> &str {
    head(text, text.find('\n').unwrap_or(text.len()))
}

/// Whether there is nothing but white space in a text.
#[inline(never)]
pub fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}

/// The lines of a text from its beginning or from its end. They are separated by `\n`, and a `\r` at their end is removed.
/// There is one more than there are line breaks.
#[derive(Clone)]
pub struct Lines<'t> {
    rest: Option<&'t str>,
    from_end: bool,
    blank: bool,
}

impl<'t> Lines<'t> {
    /// The lines from the beginning on.
    pub fn down(text: &'t str) -> Self {
        Self { rest: Some(text), from_end: false, blank: true }
    }

    /// The lines from the end on.
    pub fn up(text: &'t str) -> Self {
        Self { rest: Some(text), from_end: true, blank: true }
    }

    /// Those after the next one.
    pub fn beyond(mut self) -> Self {
        self.next();
        self
    }

    /// Those that have something on them.
    pub fn solid(self) -> Self {
        Self { blank: false, ..self }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'t str> {
        loop {
            let text = self.rest.take()?;
            let at = if self.from_end { text.rfind('\n') } else { text.find('\n') };
            let line = match at {
                Some(at) if self.from_end => {
                    self.rest = Some(head(text, at));
                    tail(text, at + 1)
                }
                Some(at) => {
                    self.rest = Some(tail(text, at + 1));
                    head(text, at)
                }
                None => text,
            };
            if self.blank || !is_blank(line) {
                return Some(line.trim_end_matches('\r'));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_among_a_list_only_as_a_whole() {
        for (word, is) in [("fn", true), ("def", true), ("de", false), ("", false), ("fn def", false)] {
            assert_eq!(is_among(word, "fn def"), is, "{word}");
        }
    }

    #[test]
    fn signs_are_taken_off_at_the_ends_and_nowhere_else() {
        for (text, wanted) in [("));a;(", "a;("), ("a", "a"), (");", ""), ("", ""), ("ä)", "ä")] {
            assert_eq!(trim(text, ");"), wanted, "{text}");
        }
    }

    #[test]
    fn words_are_found_at_both_ends() {
        for (text, first, last) in
            [("  let größe", "let", "größe"), ("x_1 = (", "x_1", ""), ("(a", "", "a"), ("", "", "")]
        {
            assert_eq!((first_word(text), last_word(text)), (first, last), "{text}");
        }
    }

    #[test]
    fn places_outside_a_text_or_within_a_character_give_nothing() {
        for (at, before, behind) in [(0, "", "aä"), (1, "a", "ä"), (2, "", ""), (3, "aä", ""), (4, "", "")]
        {
            assert_eq!((head("aä", at), tail("aä", at)), (before, behind), "{at}");
        }
    }

    #[test]
    fn a_part_of_a_text_ends_and_begins_with_whole_characters() {
        for (most, first, last) in [(0, "", ""), (1, "", "b"), (2, "ä", "b"), (3, "äb", "äb")] {
            assert_eq!((first_bytes("äb", most), last_bytes("äb", most)), (first, last), "{most}");
        }
    }

    #[test]
    fn lines_come_from_either_end_with_or_without_the_blank_ones() {
        let all = |lines: Lines<'_>| lines.collect::<Vec<_>>().join("|");
        for (text, down, up, solid) in [
            ("", "", "", ""),
            ("a", "a", "a", "a"),
            ("a\n", "a|", "|a", "a"),
            ("a\r\n \n\nb", "a| ||b", "b|| |a", "a|b"),
        ] {
            let found = [Lines::down(text), Lines::up(text), Lines::down(text).solid()].map(all);
            assert_eq!(found, [down, up, solid], "{text:?}");
        }
        assert_eq!(all(Lines::down("a\nb\nc").beyond()), "b|c");
        assert_eq!(all(Lines::up("a\nb\nc").beyond()), "b|a");
    }
}
