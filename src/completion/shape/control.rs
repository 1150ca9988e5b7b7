//! Characters that must not reach a document unseen.

use std::borrow::Cow;

/// Takes out control characters (not the tab and the line break) and those that turn the direction of
/// text around, by which code can be made to look like other code (CVE-2021-42574, "Trojan Source").
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unwanted) {
        Cow::Owned(text.chars().filter(|c| !is_unwanted(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_unwanted(c: char) -> bool {
    let turns =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    turns || c == '\u{feff}' || (c.is_control() && c != '\t' && c != '\n')
}
