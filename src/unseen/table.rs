//! Ranges of characters, each table in order.
//!
//! Sources: `Default_Ignorable_Code_Point` in DerivedCoreProperties.txt and the blocks in Blocks.txt, Unicode 16.0. A test
//! compares the first table with that property as the crate `regex` knows it.

/// Characters without a glyph, and those that change the order in which others are drawn: first and last of each range.
pub(super) const UNSEEN: &[(char, char)] = &[
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
pub(super) const JOINING: &[(char, char)] = &[
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
pub(super) const PICTURES: &[(char, char)] = &[
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
