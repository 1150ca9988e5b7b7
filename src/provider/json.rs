//! Reading JSON as the answers of many servers need it: borrowed from the frame, tolerant of what is
//! missing, null, of another type, unknown or there twice (the last one counts, as in JavaScript).

//!
//! A text is checked once, whole, by serde_json; after that this module only looks for where values begin
//! and end. A visitor for each type would do that in one pass, and take 100 KB of wasm for it.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Something that can be read from any JSON value; what it cannot be reads as the default.
pub(super) trait Read<'a>: Default {
    fn read(value: Raw<'a>) -> Self;
}

/// Reads a whole JSON text.
///
/// # Errors
/// When it is none.
pub(super) fn from_str<'a, T: Read<'a>>(json: &'a str) -> Result<T, serde_json::Error> {
    serde_json::from_str::<&RawValue>(json).map(|raw| T::read(Raw(Some(raw.get()))))
}

/// A JSON value as it stands in the frame; the default is one that is not there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Raw<'a>(Option<&'a str>);

impl<'a> Raw<'a> {
    /// Its JSON text; empty when it is not there.
    pub(super) fn json(self) -> &'a str {
        self.0.unwrap_or_default()
    }

    /// Whether it is there and says something: not `null`, `false`, `""`, `{}` or `[]`. Servers write
    /// all of these for "no error".
    pub(super) fn is_given(self) -> bool {
        !matches!(self.json(), "" | "null" | "false" | "\"\"" | "{}" | "[]")
    }

    /// The whole number it is.
    pub(super) fn number(self) -> Option<u64> {
        self.json().parse().ok()
    }

    /// The string it is, borrowed from the frame, or from `scratch` when it has escapes.
    pub(super) fn str<'s>(self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        let inner = self.json().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(inner);
        }
        scratch.clear();
        unescape(inner, scratch);
        Some(scratch)
    }

    /// As [`str`](Self::str), as a piece of an answer; `None` when it is empty.
    pub(super) fn piece<'s>(self, scratch: &'s mut String) -> Option<Cow<'s, str>>
    where
        'a: 's,
    {
        self.str(scratch).filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }

    /// The string it is; allocates when it has escapes.
    pub(super) fn cow(self) -> Option<Cow<'a, str>> {
        let inner = self.json().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let mut text = String::with_capacity(inner.len());
        unescape(inner, &mut text);
        Some(Cow::Owned(text))
    }

    /// Reads it as `T`; the default when it is not one.
    pub(super) fn read<T: Read<'a>>(self) -> T {
        T::read(self)
    }

    /// The keys, as they stand between their quotes, and values of the object it is.
    fn entries(self) -> impl Iterator<Item = (&'a str, Raw<'a>)> {
        let mut rest = self.json().strip_prefix('{').unwrap_or_default();
        std::iter::from_fn(move || {
            let key = next_value(&mut rest)?;
            rest = rest.trim_start().strip_prefix(':')?;
            let value = next_value(&mut rest)?;
            Some((key.strip_prefix('"')?.strip_suffix('"')?, Raw(Some(value))))
        })
    }

    /// The elements of the array it is.
    fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        let mut rest = self.json().strip_prefix('[').unwrap_or_default();
        std::iter::from_fn(move || next_value(&mut rest).map(|value| Raw(Some(value))))
    }
}

impl<'a> Read<'a> for Raw<'a> {
    fn read(value: Raw<'a>) -> Self {
        value
    }
}

/// Takes the next value of an object or array off `rest`, which has been checked to be JSON; `None` at
/// the closing bracket.
fn next_value<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => string_end(bytes, 0),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0usize, 0);
            loop {
                match bytes.get(at)? {
                    b'"' => at = string_end(bytes, at) - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth == 1 => break at + 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
        }
        b'}' | b']' => return None,
        _ => bytes.iter().position(|byte| b",]} \t\n\r".contains(byte)).unwrap_or(bytes.len()),
    };
    let (value, after) = text.split_at_checked(end)?;
    *rest = after;
    Some(value)
}

/// Where the string ends that begins at `start`, behind its closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// Whether the key between these quotes is `name`, however it is written.
pub(super) fn is_key(key: &str, name: &str) -> bool {
    key == name
        || (key.contains('\\') && {
            let mut plain = String::with_capacity(key.len());
            unescape(key, &mut plain);
            plain == name
        })
}

/// Calls `field` with each key and value of an object.
pub(super) fn each_entry<'a>(value: Raw<'a>, field: &mut dyn FnMut(&'a str, Raw<'a>)) {
    for (key, value) in value.entries() {
        field(key, value);
    }
}

/// Appends the text of a JSON string to `out`. `inner` has been checked by the JSON parser; of lone
/// surrogates, which it lets pass, each becomes U+FFFD.
pub(super) fn unescape(inner: &str, out: &mut String) {
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

/// The elements of an array that nearly always has none or one; only a second one allocates.
/// Whatever is no array counts as an empty one.
#[derive(Debug)]
pub(super) struct Few<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Few<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Few<T> {
    fn read(value: Raw<'a>) -> Self {
        let mut elements = value.elements().map(T::read);
        Self { first: elements.next(), rest: elements.collect() }
    }
}

/// Declares a struct and how it is read from a JSON object: fields are found by the given key,
/// unknown keys are skipped, of a key that is there twice the last one counts. Anything that is no
/// object reads as the default.
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<'a> { $($field:ident = $key:literal: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        struct $name<'a> {
            $($field: $ty,)*
        }

        impl<'a> $crate::provider::json::Read<'a> for $name<'a> {
            fn read(value: $crate::provider::json::Raw<'a>) -> Self {
                let mut object = Self::default();
                $crate::provider::json::each_entry(value, &mut |key, value| {
                    $(if $crate::provider::json::is_key(key, $key) {
                        object.$field = $crate::provider::json::Read::read(value);
                        return;
                    })*
                });
                object
            }
        }
    };
}
pub(super) use object;

#[cfg(test)]
mod tests {
    use super::*;

    object! {
        struct Sample<'a> {
            kind = "type": Raw<'a>,
            parts = "parts": Few<Raw<'a>>,
        }
    }

    fn text(json: &str) -> Option<String> {
        let raw: Raw = from_str(json).unwrap();
        let mut scratch = String::new();
        let text = raw.str(&mut scratch).map(str::to_owned);
        assert_eq!(raw.cow().map(Cow::into_owned), text);
        text
    }

    #[test]
    fn strings_are_read_as_serde_json_reads_them() {
        for json in [
            r#""""#,
            r#""plain""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0041\u00e9\ud83d\ude00z""#,
            r#""é\né""#,
            r#""\\u0041""#,
        ] {
            assert_eq!(text(json), Some(serde_json::from_str::<String>(json).unwrap()), "{json}");
        }
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (json, expected) in [
            (r#""a\ud83db""#, "a\u{FFFD}b"),
            (r#""\ude00""#, "\u{FFFD}"),
            (r#""\ud83d\u0041""#, "\u{FFFD}A"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}"),
        ] {
            assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_string_is_none() {
        for json in ["null", "1", "[\"a\"]", "{}"] {
            assert_eq!(text(json), None, "{json}");
        }
    }

    #[test]
    fn objects_tolerate_what_servers_write() {
        for (json, kind, parts) in [
            (r#"{"type":"a","parts":[1,2]}"#, "\"a\"", 2),
            (r#"{"type":"a","type":"b"}"#, "\"b\"", 0),
            (r#"{"parts":null,"other":{"type":"x"}}"#, "", 0),
            (r#"{"parts":{"a":[1]},"type":null}"#, "null", 0),
            (r#"{"parts":"x"}"#, "", 0),
            (r#"{"ty\u0070e":"a"}"#, "\"a\"", 0),
            ("null", "", 0),
            ("[1,{}]", "", 0),
            ("3.5", "", 0),
        ] {
            let sample: Sample = from_str(json).unwrap();
            assert_eq!((sample.kind.json(), sample.parts.iter().count()), (kind, parts), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for json in ["", "{", "{\"type\":}", "{\"type\":\"a\"} x", "[DONE]"] {
            assert!(from_str::<Sample>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn only_what_says_something_is_given() {
        let given = |json| from_str::<Raw>(json).unwrap().is_given();
        assert!(!["null", "false", "\"\"", "{}", "[]"].into_iter().any(given));
        assert!(["1", "\"x\"", "{\"a\":1}"].into_iter().all(given));
        assert!(!Raw::default().is_given());
    }
}
