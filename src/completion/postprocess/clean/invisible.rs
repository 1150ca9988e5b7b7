//! Characters that nobody sees: those with the Unicode property `Default_Ignorable_Code_Point`
//! (DerivedCoreProperties.txt, Unicode 16), and a few more without a glyph.

/// The characters that are taken out, first and last of each range, in order.
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    // Line and paragraph separators, then bidirectional embeddings and overrides.
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    // The empty Braille pattern is no ignorable character, but nothing is seen of it.
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    // Up to the marks of interlinear annotations.
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Blocks of scripts whose letters join or stack, so that joiners and non-joiners between them are spelling.
const JOINING: &[(char, char)] = &[
    // Arabic to Sinhala.
    ('\u{600}', '\u{dff}'),
    // Myanmar.
    ('\u{1000}', '\u{109f}'),
    // Khmer and Mongolian.
    ('\u{1780}', '\u{18af}'),
    // Balinese to Lepcha.
    ('\u{1b00}', '\u{1c4f}'),
    // Phags-pa to Meetei Mayek.
    ('\u{a840}', '\u{abff}'),
    // Forms of Arabic letters.
    ('\u{fb50}', '\u{fdff}'),
    ('\u{fe70}', '\u{fefc}'),
    // Brahmi and its kin.
    ('\u{11000}', '\u{11fff}'),
    // Adlam.
    ('\u{1e900}', '\u{1e95f}'),
];

/// Blocks that hold emoji and symbols that may be drawn as such.
const PICTURES: &[(char, char)] = &[
    ('\u{a9}', '\u{a9}'),
    ('\u{ae}', '\u{ae}'),
    ('\u{203c}', '\u{203c}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{2122}', '\u{2139}'),
    ('\u{2190}', '\u{21ff}'),
    ('\u{2300}', '\u{23ff}'),
    ('\u{24c2}', '\u{24c2}'),
    ('\u{25a0}', '\u{27bf}'),
    ('\u{2900}', '\u{297f}'),
    ('\u{2b00}', '\u{2bff}'),
    ('\u{3030}', '\u{303d}'),
    ('\u{3297}', '\u{3299}'),
    ('\u{1f000}', '\u{1faff}'),
];

/// Whether `c` cannot be seen and is not needed between its neighbours.
pub(super) fn is_unwanted(before: Option<char>, c: char, after: Option<char>) -> bool {
    if !is_in(INVISIBLE, c) {
        return false;
    }
    let both = |blocks| before.is_some_and(|c| is_in(blocks, c)) && after.is_some_and(|c| is_in(blocks, c));
    let needed = match c {
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
    };
    !needed
}

fn is_in(blocks: &[(char, char)], c: char) -> bool {
    let at = blocks.partition_point(|(_, last)| *last < c);
    blocks.get(at).is_some_and(|(first, _)| *first <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        for table in [INVISIBLE, JOINING, PICTURES] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|two| matches!(two, [(_, last), (first, _)] if last < first)));
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
        ] {
            assert_eq!(super::super::control_chars::strip(text), left, "{text:?}");
        }
    }
}
