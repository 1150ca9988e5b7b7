//! What a JSON string says.

/// Appends the text of a JSON string to `out`. `inner`, what stands between its quotes, has been checked
/// to be that; of lone surrogates, which JSON's grammar lets pass, each becomes U+FFFD.
///
/// ```
/// let mut text = String::new();
/// json::unescape(r"a\n\u00e9", &mut text);
/// assert_eq!(text, "a\né");
/// ```
pub fn unescape(inner: &str, out: &mut String) {
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut after = escape.chars();
        let Some(name) = after.next() else { return };
        rest = after.as_str();
        let unit = match name {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let (character, after) = unicode_escape(rest);
                rest = after;
                character
            }
            other => other,
        };
        out.push(unit);
    }
    out.push_str(rest);
}

/// The character of `XXXX` or `XXXX\uXXXX`, and what follows it.
fn unicode_escape(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let first = unit(text).unwrap_or(0xFFFD);
    let rest = text.get(4..).unwrap_or_default();
    if (0xD800..0xDC00).contains(&first)
        && let Some(low) = rest.strip_prefix("\\u")
        && let Some(second) = unit(low).filter(|second| (0xDC00..0xE000).contains(second))
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(code).unwrap_or('\u{FFFD}'), low.get(4..).unwrap_or_default());
    }
    (char::from_u32(first).unwrap_or('\u{FFFD}'), rest)
}
