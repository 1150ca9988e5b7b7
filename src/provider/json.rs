//! Reading JSON as the answers of many servers need it: borrowed from the frame, tolerant of what is
//! missing, null, of another type, unknown or there twice (the last one counts, as in JavaScript).

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Visitor methods by which `null`, booleans, numbers and strings count as the default.
macro_rules! scalars_are_default {
    () => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}
pub(super) use scalars_are_default;

/// A JSON value as it stands in the frame; the default is one that is not there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Raw<'a>(Option<&'a RawValue>);

impl<'a> Raw<'a> {
    /// Its JSON text; empty when it is not there.
    pub(super) fn json(self) -> &'a str {
        self.0.map_or("", RawValue::get)
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
    pub(super) fn read<T: Deserialize<'a> + Default>(self) -> T {
        serde_json::from_str(self.json()).unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

/// Appends the text of a JSON string to `out`. `inner` has been checked by the JSON parser; of lone
/// surrogates, which it lets pass, each becomes U+FFFD.
fn unescape(inner: &str, out: &mut String) {
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FewVisitor(std::marker::PhantomData))
    }
}

struct FewVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Few<T>, A::Error> {
        let first = seq.next_element()?;
        let mut rest = Vec::new();
        if first.is_some() {
            while let Some(element) = seq.next_element()? {
                rest.push(element);
            }
        }
        Ok(Few { first, rest })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Few<T>, A::Error> {
        skip_map(map)
    }

    scalars_are_default!();
}

pub(super) fn skip_map<'de, A: MapAccess<'de>, T: Default>(mut map: A) -> Result<T, A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(T::default())
}

pub(super) fn skip_seq<'de, A: SeqAccess<'de>, T: Default>(mut seq: A) -> Result<T, A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(T::default())
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

        const _: () = {
            use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
            use std::fmt;

            #[expect(non_camel_case_types)]
            enum Key { $($field,)* Unknown }

            impl<'de> Deserialize<'de> for Key {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct KeyVisitor;
                    impl Visitor<'_> for KeyVisitor {
                        type Value = Key;

                        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                            f.write_str("a key")
                        }

                        fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
                            Ok(match key {
                                $($key => Key::$field,)*
                                _ => Key::Unknown,
                            })
                        }
                    }
                    deserializer.deserialize_identifier(KeyVisitor)
                }
            }

            impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct ObjectVisitor<'a>(std::marker::PhantomData<&'a ()>);
                    impl<'de: 'a, 'a> Visitor<'de> for ObjectVisitor<'a> {
                        type Value = $name<'a>;

                        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name<'a>, A::Error> {
                            let mut object = $name::default();
                            while let Some(key) = map.next_key()? {
                                match key {
                                    $(Key::$field => object.$field = map.next_value()?,)*
                                    Key::Unknown => {
                                        map.next_value::<IgnoredAny>()?;
                                    }
                                }
                            }
                            Ok(object)
                        }

                        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<$name<'a>, A::Error> {
                            $crate::provider::json::skip_seq(seq)
                        }

                        $crate::provider::json::scalars_are_default!();
                    }
                    deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
                }
            }
        };
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
        let raw: Raw = serde_json::from_str(json).unwrap();
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
            let sample: Sample = serde_json::from_str(json).unwrap();
            assert_eq!((sample.kind.json(), sample.parts.iter().count()), (kind, parts), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for json in ["", "{", "{\"type\":}", "{\"type\":\"a\"} x", "[DONE]"] {
            assert!(serde_json::from_str::<Sample>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn only_what_says_something_is_given() {
        let given = |json| serde_json::from_str::<Raw>(json).unwrap().is_given();
        assert!(!["null", "false", "\"\"", "{}", "[]"].into_iter().any(given));
        assert!(["1", "\"x\"", "{\"a\":1}"].into_iter().all(given));
        assert!(!Raw::default().is_given());
    }
}
