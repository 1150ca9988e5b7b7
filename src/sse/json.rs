//! Reading JSON as the answers of many servers need it: borrowed from the frame, tolerant of what is
//! missing, null, of another type, unknown or there twice (the last one counts, as in JavaScript).
//!
//! A text is checked once, whole; after that one pass takes out what is asked for. serde's visitors for each
//! type would save the check, and take 100 KB of wasm for it; serde_json's own check allocates.

use std::borrow::Cow;

use std::fmt;

use crate::template::{digits, inside, plain};

/// Something that can be read from any JSON value; what it cannot be reads as the default.
pub trait Read<'a>: Default {
    /// Reads the value `json` stands before, and leaves it behind that value.
    fn read(json: &mut Scanner<'a>) -> Self;
}

/// A text that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotJson;

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no JSON")
    }
}

impl std::error::Error for NotJson {}

/// Reads a whole JSON text.
///
/// # Errors
/// [`NotJson`] when it is none.
pub fn from_str<'a, T: Read<'a>>(json: &'a str) -> Result<T, NotJson> {
    if is_json(json) { Ok(T::read(&mut Scanner { rest: json })) } else { Err(NotJson) }
}

/// Deepest nesting that counts as JSON, as in serde_json.
const DEEPEST: u32 = 127;

/// Whether the text is one JSON value (RFC 8259) and nothing else. Allocates nothing.
pub fn is_json(text: &str) -> bool {
    check(text.as_bytes()).is_some()
}

fn check(bytes: &[u8]) -> Option<()> {
    // One bit for each open bracket, the innermost last: 1 for an object.
    let (mut open, mut depth) = (0u128, 0u32);
    let mut at = 0;
    loop {
        at += blank(bytes.get(at..)?);
        let rest = bytes.get(at..)?;
        let bracket = matches!(rest.first()?, b'{' | b'[');
        if bracket {
            let object = rest.first() == Some(&b'{');
            (open, depth) = (open << 1 | u128::from(object), depth + 1);
            at += 1;
            at += blank(bytes.get(at..)?);
            let empty = bytes.get(at)? == if object { &b'}' } else { &b']' };
            if depth > DEEPEST {
                return None;
            }
            if !empty {
                at += if object { key(bytes.get(at..)?)? } else { 0 };
                continue;
            }
        } else {
            at += scalar(rest)?;
        }
        // Behind a value, or before the end of an empty bracket.
        loop {
            at += blank(bytes.get(at..)?);
            if depth == 0 {
                return (at == bytes.len()).then_some(());
            }
            match (bytes.get(at)?, open & 1) {
                (b',', object) => {
                    at += 1;
                    if object == 1 {
                        at += blank(bytes.get(at..)?);
                        at += key(bytes.get(at..)?)?;
                    }
                    break;
                }
                (b'}', 1) | (b']', 0) => (open, depth, at) = (open >> 1, depth - 1, at + 1),
                _ => return None,
            }
        }
    }
}

/// How many bytes of white space there are.
fn blank(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// How long a key is, with its colon.
fn key(bytes: &[u8]) -> Option<usize> {
    let len = string(bytes)?;
    let len = len + blank(bytes.get(len..)?);
    (bytes.get(len) == Some(&b':')).then_some(len + 1)
}

/// How long a string is, with its quotes.
fn string(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\"")?;
    Some(inside(inner)?.len + 2)
}

/// How long a string, a number or a word is.
fn scalar(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string(bytes),
        b't' => bytes.starts_with(b"true").then_some(4),
        b'f' => bytes.starts_with(b"false").then_some(5),
        b'n' => bytes.starts_with(b"null").then_some(4),
        _ => {
            let mut len = usize::from(bytes.first() == Some(&b'-'));
            len += digits(bytes.get(len..)?)?;
            if bytes.get(len) == Some(&b'.') {
                len += 1 + fraction(bytes.get(len + 1..)?)?;
            }
            if let Some(b'e' | b'E') = bytes.get(len) {
                len += 1 + usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
                len += fraction(bytes.get(len..)?)?;
            }
            Some(len)
        }
    }
}

/// How many digits there are, at least one.
fn fraction(bytes: &[u8]) -> Option<usize> {
    Some(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()).filter(|digits| *digits > 0)
}

/// A place in a text that has been checked to be JSON. In a text that is not, it finds less, but never
/// panics.
#[derive(Debug)]
pub struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Calls `field` with each key, as it stands between its quotes, of the object here; it may read the
    /// value. What is no object is passed over.
    pub fn object(&mut self, field: &mut dyn FnMut(&'a str, &mut Self)) {
        if !self.enter(b'{') {
            return self.skip();
        }
        while self.next() == Some(b'"') {
            let Some(key) = self.value().get(1..).and_then(|key| key.strip_suffix('"')) else { return };
            if self.next() != Some(b':') {
                return;
            }
            self.advance(1);
            let left = self.rest.len();
            field(key, self);
            if self.rest.len() == left {
                self.skip();
            }
        }
        self.leave();
    }

    /// The elements of the array here; none of what is no array.
    fn array<T: Read<'a>>(&mut self) -> Few<T> {
        let mut few = Few::default();
        if !self.enter(b'[') {
            self.skip();
            return few;
        }
        while !matches!(self.next(), None | Some(b']' | b'}')) {
            let left = self.rest.len();
            let element = T::read(self);
            if self.rest.len() == left {
                break;
            }
            if few.first.is_none() {
                few.first = Some(element);
            } else {
                few.rest.push(element);
            }
        }
        self.leave();
        few
    }

    fn skip(&mut self) {
        self.value();
    }

    /// Takes the value here, whatever it is.
    fn value(&mut self) -> &'a str {
        self.next();
        let bytes = self.rest.as_bytes();
        let end = match bytes.first() {
            Some(b'"') => string_end(bytes, 0),
            Some(b'{' | b'[') => nested_end(bytes),
            _ => bytes.iter().position(|byte| b",]}: \t\n\r".contains(byte)).unwrap_or(bytes.len()),
        };
        let (value, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        value
    }

    /// Steps over white space and commas; the byte that is next.
    fn next(&mut self) -> Option<u8> {
        let bytes = self.rest.as_bytes();
        let blank =
            bytes.iter().take_while(|byte| matches!(byte, b' ' | b',' | b'\n' | b'\r' | b'\t')).count();
        self.advance(blank);
        self.rest.as_bytes().first().copied()
    }

    fn enter(&mut self, bracket: u8) -> bool {
        let is_there = self.next() == Some(bracket);
        self.advance(usize::from(is_there));
        is_there
    }

    fn leave(&mut self) {
        let is_there = matches!(self.next(), Some(b'}' | b']'));
        self.advance(usize::from(is_there));
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

/// Where the object or array ends that `bytes` begin with.
fn nested_end(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the string ends that begins at `start`, behind its closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// Whether the key between these quotes is `name`, however it is written.
pub fn is_key(key: &str, name: &str) -> bool {
    key == name
        || (key.contains('\\') && {
            let mut plain = String::with_capacity(key.len());
            unescape(key, &mut plain);
            plain == name
        })
}

/// A JSON value as it stands in the frame; the default is one that is not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a>(Option<&'a str>);

impl<'a> Raw<'a> {
    /// Its JSON text; empty when it is not there.
    pub fn json(self) -> &'a str {
        self.0.unwrap_or_default()
    }

    /// Whether it is there and says something: not `null`, `false`, `""`, `{}` or `[]`. Servers write
    /// all of these for "no error".
    pub fn is_given(self) -> bool {
        !matches!(self.json(), "" | "null" | "false" | "\"\"" | "{}" | "[]")
    }

    /// The whole number it is.
    pub fn number(self) -> Option<u64> {
        self.json().parse().ok()
    }

    /// The string it is, borrowed from the frame, or from `scratch` when it has escapes.
    pub fn str<'s>(self, scratch: &'s mut String) -> Option<&'s str>
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
    pub fn piece<'s>(self, scratch: &'s mut String) -> Option<Cow<'s, str>>
    where
        'a: 's,
    {
        self.str(scratch).filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }

    /// The string it is; allocates when it has escapes.
    pub fn cow(self) -> Option<Cow<'a, str>> {
        let inner = self.json().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let mut text = String::with_capacity(inner.len());
        unescape(inner, &mut text);
        Some(Cow::Owned(text))
    }

    /// Reads it as `T`; the default when it is not one.
    pub fn read<T: Read<'a>>(self) -> T {
        T::read(&mut Scanner { rest: self.json() })
    }
}

impl<'a> Read<'a> for Raw<'a> {
    fn read(json: &mut Scanner<'a>) -> Self {
        Raw(Some(json.value()))
    }
}

/// Appends the text of a JSON string to `out`. `inner` has been checked by the JSON parser; of lone
/// surrogates, which it lets pass, each becomes U+FFFD.
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

/// The number a text is, as JSON writes numbers. The parser is serde_json's: the standard library's
/// brings 17 KB of tables and code into the wasm.
pub fn number(text: &str) -> Option<f64> {
    serde_json::from_str(text.trim()).ok()
}

/// The elements of an array that nearly always has none or one; only a second one allocates.
/// Whatever is no array counts as an empty one.
#[derive(Debug)]
pub struct Few<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Few<T> {
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Few<T> {
    fn read(json: &mut Scanner<'a>) -> Self {
        json.array()
    }
}

/// Declares a struct and how it is read from a JSON object: fields are found by the given key,
/// unknown keys are skipped, of a key that is there twice the last one counts. Anything that is no
/// object reads as the default.
#[macro_export]
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<'a> { $($field:ident = $key:literal: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        struct $name<'a> {
            $($field: $ty,)*
        }

        impl<'a> $crate::json::Read<'a> for $name<'a> {
            fn read(json: &mut $crate::json::Scanner<'a>) -> Self {
                let mut object = Self::default();
                json.object(&mut |key, json| {
                    $(if $crate::json::is_key(key, $key) {
                        object.$field = $crate::json::Read::read(json);
                        return;
                    })*
                });
                object
            }
        }
    };
}
pub use object;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn json_is_what_serde_json_takes_for_it(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "\"\\u00e9\"", "\"\\x\"", "\"\t\"", "\"", " ", "\n", "0", "-1",
                "01", "1.5", "1.", "2e3", "2e", "-", "true", "fals", "null", "\"k\":", "{\"k\":", "[1,",
            ]), 0..9),
        ) {
            let text = pieces.concat();
            let serde = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(is_json(&text), serde, "{}", text);
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_json(&nested(127)));
        assert!(!is_json(&nested(128)) && !is_json(&nested(100_000)));
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
