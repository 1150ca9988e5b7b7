//! Characters that must not pass unseen, into a document or into a prompt.

use std::borrow::Cow;

use super::invisible;

/// Takes out control characters (not the tab and the line break), whole escape sequences of terminals, characters that
/// nobody sees, and those that turn the direction of text around, by which code can be made to look like other code
/// (CVE-2021-42574, "Trojan Source").
pub fn strip(text: &str) -> Cow<'_, str> {
    let plain = |byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\t' | '\n' => out.push(c),
            '\u{1b}' => rest = after_escape(rest),
            c if c.is_control() => {}
            c if invisible::is_unwanted(out.chars().next_back(), c, rest.chars().next()) => {}
            c => out.push(c),
        }
    }
    if out.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out) }
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
