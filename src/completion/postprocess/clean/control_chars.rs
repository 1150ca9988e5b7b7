//! Characters that must not reach a document unseen.

use std::borrow::Cow;

/// Takes out control characters (not the tab and the line break), whole escape sequences of terminals,
/// characters without width, and those that turn the direction of text around, by which code can be made
/// to look like other code (CVE-2021-42574, "Trojan Source").
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    let plain = |byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    if text.bytes().all(plain) || !text.chars().any(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '\u{1b}' {
            rest = after_escape(rest);
        } else if !is_unwanted(c) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_unwanted(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        // Direction overrides, embeddings, isolates and marks.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => true,
        // No width: zero width space, word joiner, byte order mark, tag characters. Joiners stay, emoji and
        // many scripts need them.
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => true,
        '\u{2028}' | '\u{2029}' => true,
        c => c.is_control(),
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
