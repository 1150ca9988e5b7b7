#![doc = include_str!("README.md")]
#![deny(missing_docs, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![forbid(unsafe_code)]

mod escape;
mod grammar;
#[cfg(feature = "template")]
mod members;
mod number;
mod raw;
mod scanner;
#[cfg(feature = "template")]
pub mod template;

use std::fmt;

pub use escape::unescape;
use grammar::{Extent, any_inside, blank};
pub use number::number;
pub use raw::{Element, Few, Object, Raw};
use scanner::Passed;
pub use scanner::{Keys, Scanner};

/// Something that can be read from any JSON value; what it cannot be reads as the default.
pub trait Read<'a>: Default {
    /// Whether it is the text of a value and no more: then objects hand it over by [`set`](Self::set).
    const RAW: bool = false;

    /// Becomes the default.
    fn clear(&mut self);

    /// Becomes the value that `json` stands before, and leaves `json` behind it. It is the default when this is
    /// called. In place, because moving more than a few bytes is a call in wasm.
    fn read(&mut self, json: &mut Scanner<'a>);

    /// Becomes the value that `raw` is.
    fn set(&mut self, raw: Raw<'a>) {
        let _ = raw;
    }
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
    let mut value = T::default();
    read(json, None, &mut value)?;
    Ok(value)
}

/// As [`from_str`], in place. If `unread` is given, what is passed over is noted there.
///
/// # Errors
/// [`NotJson`] when it is none.
pub fn read<'a>(
    json: &'a str,
    mut unread: Option<&mut Unread>,
    value: &mut impl Read<'a>,
) -> Result<(), NotJson> {
    let mut scanner = Scanner::new(json);
    scanner.unread = unread.as_mut().map(|unread| std::mem::take(&mut unread.spare));
    value.read(&mut scanner);
    end(scanner, unread)
}

/// The end of a reading, whatever was read.
#[cfg_attr(target_family = "wasm", inline(never))]
fn end(mut scanner: Scanner<'_>, unread: Option<&mut Unread>) -> Result<(), NotJson> {
    if !scanner.is_over() {
        return Err(NotJson);
    }
    if let (Some(unread), Some(passed)) = (unread, scanner.unread) {
        unread.note(passed);
    }
    Ok(())
}

/// Whether the text is one JSON value (RFC 8259) and nothing else. Allocates nothing.
pub fn is_json(text: &str) -> bool {
    from_str::<Raw<'_>>(text).is_ok()
}

/// The values of a text that nobody asked for: whatever stood in their places, the same would have been
/// read.
#[derive(Debug, Default)]
pub struct Unread {
    /// Outermost values only, in their order.
    values: Vec<Passed>,
    /// Kept for its room.
    spare: Vec<Passed>,
    is_read: bool,
}

impl Unread {
    /// Begins with another text.
    pub fn clear(&mut self) {
        self.values.clear();
        self.is_read = false;
    }

    /// What a reading has passed over. When a text is read again, as another type, what counts is what all
    /// readings pass over.
    fn note(&mut self, mut passed: Vec<Passed>) {
        if std::mem::replace(&mut self.is_read, true) {
            self.values.retain(|value| passed.contains(value));
        } else {
            std::mem::swap(&mut self.values, &mut passed);
        }
        passed.clear();
        self.spare = passed;
    }

    /// Whether there was a reading, and with it that the text is JSON.
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether what begins there is in one of them.
    pub fn has(&self, at: usize) -> bool {
        self.values.iter().any(|value| value.range().contains(&at))
    }

    #[cfg(any(test, feature = "template"))]
    fn values(&self) -> &[Passed] {
        &self.values
    }
}

/// Calls `string` with each string of a JSON text that is no key: where its inside begins, and the inside.
pub fn strings<'a>(json: &'a str, string: &mut dyn FnMut(usize, &'a str)) {
    let mut at = 0;
    while let Some(quote) = json.as_bytes().get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let start = at + quote + 1;
        let inside = json.as_bytes().get(start..).and_then(|rest| any_inside(rest, 0));
        let Some(Extent { len, .. }) = inside else { return };
        at = start + len + 1;
        let behind = json.as_bytes().get(at..).unwrap_or_default();
        if behind.get(blank(behind)) != Some(&b':')
            && let Some(inside) = json.get(start..start + len)
        {
            string(start, inside);
        }
    }
}

/// As many values that are not there. For [`object!`], in code of its own per number, not per struct.
#[doc(hidden)]
#[cfg_attr(target_family = "wasm", inline(never))]
pub fn absent<'a, const N: usize>() -> [Raw<'a>; N] {
    [Raw::default(); N]
}

/// Declares structs and how they are read from JSON objects: fields are found by the given key,
/// unknown keys are skipped, of a key that is there twice the last one counts. Anything that is no
/// object reads as the default.
#[macro_export]
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<'a> { $($field:ident = $key:literal: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug)]
        struct $name<'a> {
            $($field: $ty,)*
        }

        impl Default for $name<'_> {
            // Inlined, so that it is made in its place.
            #[inline(always)]
            fn default() -> Self {
                Self { $($field: Default::default(),)* }
            }
        }

        impl<'a> $name<'a> {
            const KEYS: $crate::Keys = {
                let mut fields = 0u32;
                let mut nested = 0u32;
                $(nested |= (!<$ty as $crate::Read<'a>>::RAW as u32) << fields;
                fields += 1;)*
                let _ = fields;
                $crate::Keys::new(&[$($key),*], nested)
            };
        }

        impl<'a> $crate::Read<'a> for $name<'a> {
            fn clear(&mut self) {
                $($crate::Read::clear(&mut self.$field);)*
            }

            fn read(&mut self, json: &mut $crate::Scanner<'a>) {
                #[allow(non_camel_case_types)]
                enum Field { $($field,)* Count }
                let mut raws = $crate::absent::<{ Field::Count as usize + 1 }>();
                if Self::KEYS.has_nested() {
                    let mut field = |number: usize, again: bool, json: &mut $crate::Scanner<'a>| {
                        $(if !<$ty as $crate::Read<'a>>::RAW && number == Field::$field as usize {
                            if again {
                                $crate::Read::clear(&mut self.$field);
                            }
                            return $crate::Read::read(&mut self.$field, json);
                        })*
                        let _ = (number, again, json);
                    };
                    json.object(&Self::KEYS, &mut raws, Some(&mut field));
                } else {
                    json.object(&Self::KEYS, &mut raws, None);
                }
                $($crate::Read::set(&mut self.$field, raws[Field::$field as usize]);)*
            }
        }
    };
    ($(#[$meta:meta])* struct $name:ident<'a> { $($fields:tt)* } $($more:tt)+) => {
        $crate::object! { $(#[$meta])* struct $name<'a> { $($fields)* } }
        $crate::object! { $($more)+ }
    };
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use proptest::prelude::*;

    object! {
        struct Sample<'a> {
            kind = "type": Raw<'a>,
            parts = "parts": Few<'a, Raw<'a>>,
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
    fn nesting_has_an_end_whoever_reads_it() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_json(&nested(127)));
        assert!(!is_json(&nested(128)) && !is_json(&nested(100_000)));
        for key in ["parts", "inner", "other"] {
            let nested = |depth: usize| format!("{{\"{key}\":{}}}", nested(depth));
            assert!(from_str::<Tree>(&nested(126)).is_ok(), "{key}");
            assert!(from_str::<Tree>(&nested(127)).is_err(), "{key}");
            assert!(from_str::<Tree>(&nested(100_000)).is_err(), "{key}");
        }
    }

    object! {
        /// Objects in objects, each with a value and an array.
        struct Tree<'a> {
            leaf = "leaf": Raw<'a>,
            parts = "parts": Few<'a, Sample<'a>>,
            inner = "inner": Sample<'a>,
        }
    }

    /// What [`Tree`] is to find in a text, by serde_json.
    fn expected(json: &str) -> String {
        let tree: serde_json::Value = serde_json::from_str(json).unwrap();
        let leaf =
            |tree: &serde_json::Value, key: &str| tree.get(key).map_or(String::new(), |v| v.to_string());
        let array = |tree: &serde_json::Value| tree["parts"].as_array().cloned().unwrap_or_default();
        let sample = |sample: &serde_json::Value| {
            let parts = array(sample).iter().map(|part| part.to_string()).collect::<Vec<_>>();
            format!("{} {}", leaf(sample, "type"), parts.join(";"))
        };
        let parts: Vec<_> = array(&tree).iter().map(sample).collect();
        format!("{}|{}|{}", leaf(&tree, "leaf"), parts.join("|"), sample(&tree["inner"]))
    }

    fn found(tree: &Tree<'_>) -> String {
        let plain = |raw: Raw<'_>| match raw.json() {
            "" => String::new(),
            json => serde_json::from_str::<serde_json::Value>(json).unwrap().to_string(),
        };
        let sample = |sample: &Sample<'_>| {
            let parts = sample.parts.iter().map(|part| plain(*part)).collect::<Vec<_>>();
            format!("{} {}", plain(sample.kind), parts.join(";"))
        };
        let parts: Vec<_> = tree.parts.iter().map(|part| sample(&part)).collect();
        format!("{}|{}|{}", plain(tree.leaf), parts.join("|"), sample(&tree.inner))
    }

    /// JSON texts in which the keys of [`Tree`] are likely: in any order, twice, in strings, with escapes,
    /// with any value.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-1.5e+3",
            "12",
            "\"\"",
            "\"leaf\"",
            "\"{\\\"type\\\":\"",
            "\"é\\n\\ud83d\\ude00\"",
            "\"sixteen bytes or more\"",
            "[]",
            "{}",
        ]);
        let key = prop::sample::select(vec![
            "leaf",
            "parts",
            "inner",
            "type",
            "other",
            "le\\u0061f",
            "\\u0074ype",
            "\\\"type",
            "",
            "sixteen bytes or more",
        ]);
        let blank = prop::sample::select(vec!["", "", "", " ", "\n\t ", "\r\n"]);
        leaf.prop_map(str::to_owned).prop_recursive(5, 40, 5, move |inner| {
            let member = (key.clone(), blank.clone(), blank.clone(), inner.clone())
                .prop_map(|(key, a, b, value)| format!("{a}\"{key}\"{b}:{a}{value}{b}"));
            let padded = (blank.clone(), inner).prop_map(|(blank, value)| format!("{blank}{value}{blank}"));
            prop_oneof![
                1 => prop::collection::vec(padded, 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
                3 => prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    object! {
        /// As deep as the answers of servers are.
        struct Chunk<'a> {
            choices = "choices": Few<'a, Choice<'a>>,
            usage = "usage": Raw<'a>,
        }
    }

    object! {
        struct Choice<'a> {
            delta = "delta": Object<Sample<'a>>,
        }
    }

    #[test]
    fn every_byte_is_read_once_however_deep_it_is_asked_for() {
        let json = r#"{"id":"chatcmpl-1234567890","choices":[{"index":0,"delta":{"type":"a text\n","parts":[]},"x":null}],"usage":{"n":12}}"#;
        grammar::count::take();
        let chunk: Chunk = from_str(json).unwrap();
        // All but quotes, brackets, colons and commas.
        let between = json.replace("\\\"", "").matches(['"', '{', '}', '[', ']', ':', ',']).count();
        assert_eq!(grammar::count::take(), json.len() - between);
        let delta = chunk.choices.iter().next().map(|choice| choice.delta.get().is_some());
        assert_eq!((delta, chunk.usage.json()), (Some(true), "{\"n\":12}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_is_what_serde_json_reads(json in any_json()) {
            prop_assert_eq!(found(&from_str::<Tree>(&json).unwrap()), expected(&json), "{}", json);
        }

        #[test]
        fn strings_end_where_they_do_wherever_they_stand(
            texts in prop::collection::vec(prop_oneof![
                4 => "[a-z é]{0,20}", 2 => "[a-z]{50,140}", 1 => "[a-z\\\\\"\n\u{1}]{0,70}",
            ], 0..12),
            pretty: bool,
            at: prop::sample::Index,
            byte in prop::sample::select(b"\"\\\n]x".to_vec()),
        ) {
            let json = if pretty { serde_json::to_string_pretty(&texts) } else { serde_json::to_string(&texts) };
            let json = json.unwrap();
            let mut scratch = String::new();
            let read: Few<'_, Raw<'_>> = from_str(&json).unwrap();
            let read: Vec<_> = read.iter().map(|raw| raw.str(&mut scratch).unwrap().to_owned()).collect();
            prop_assert_eq!(&read, &texts);
            prop_assert!(is_json(&json));

            let mut changed = json.into_bytes();
            *at.get_mut(&mut changed) = byte;
            let Ok(changed) = String::from_utf8(changed) else { return Ok(()) };
            let serde = serde_json::from_str::<&serde_json::value::RawValue>(&changed).is_ok();
            prop_assert_eq!(is_json(&changed), serde, "{}", &changed);
            prop_assert_eq!(from_str::<Few<'_, Raw<'_>>>(&changed).is_ok(), serde, "{}", changed);
        }

        #[test]
        fn a_text_with_another_byte_is_json_for_the_reader_if_for_serde_json(
            json in any_json(), at: prop::sample::Index, byte in prop::sample::select(b"\"\\{}[],: 0ax\n".to_vec()),
        ) {
            let mut json = json.into_bytes();
            *at.get_mut(&mut json) = byte;
            let Ok(json) = String::from_utf8(json) else { return Ok(()) };
            let serde = serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok();
            prop_assert_eq!(from_str::<Tree>(&json).is_ok(), serde, "{}", json);
        }

        #[test]
        fn what_is_unread_may_be_anything(json in any_json(), which: prop::sample::Index, other in any_json()) {
            let mut unread = Unread::default();
            let read = found(&noted::<Tree>(&mut unread, &json).unwrap());
            let Some(value) = (!unread.values().is_empty()).then(|| which.get(unread.values())) else { return Ok(()) };
            let other = [&json[..value.start], other.trim(), &json[value.start + value.len..]].concat();
            prop_assert_eq!(found(&from_str::<Tree>(&other).unwrap()), read, "{} and {}", json, other);
        }
    }

    fn noted<'a, T: Read<'a>>(unread: &mut Unread, json: &'a str) -> Result<T, NotJson> {
        let mut value = T::default();
        read(json, Some(unread), &mut value).map(|()| value)
    }

    #[test]
    fn unread_is_what_no_reading_has_asked_for() {
        let json = r#"{"leaf":1,"a":[{"b":2}],"inner":{"type":"x","c":3},"type":4,"parts":[{"d":"e"}]}"#;
        let mut unread = Unread::default();
        let texts =
            |unread: &Unread| -> Vec<&str> { unread.values().iter().map(|v| &json[v.range()]).collect() };
        noted::<Tree>(&mut unread, json).unwrap();
        assert_eq!(texts(&unread), ["[{\"b\":2}]", "3", "4", "\"e\""]);
        noted::<Sample>(&mut unread, json).unwrap();
        assert_eq!(texts(&unread), ["[{\"b\":2}]"]);
        noted::<Raw>(&mut unread, json).unwrap();
        assert!(unread.is_read() && unread.values().is_empty());

        unread.clear();
        assert!(noted::<Tree>(&mut unread, "{\"a\":1").is_err() && !unread.is_read());
    }

    #[test]
    fn strings_are_those_that_are_no_keys() {
        let mut seen = Vec::new();
        let json = r#"{"a":"b","c\"" : ["d\"e",{"f":""}],"g":1}"#;
        strings(json, &mut |at, inside| seen.push((json[at..].starts_with(inside), inside)));
        assert_eq!(seen, [(true, "b"), (true, "d\\\"e"), (true, "")]);
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
