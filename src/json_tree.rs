//! JSON texts as trees of serde_json's [`Value`], for what is not read often: settings, error bodies, lists of models.
//! serde_json's own reader takes 25 KB of wasm.

use serde_json::{Map, Number, Value};

use crate::json::{is_json, number, unescape};

/// The value of a whole JSON text (RFC 8259), nested at most 127 deep; `None` when it is none. Of a key that is there
/// twice the last value counts. Integers are exact from -2^63 to 2^64-1, other numbers are doubles.
pub fn parse(text: &str) -> Option<Value> {
    // From here on the text is known to be right.
    is_json(text).then(|| Reader { rest: text }.value()).flatten()
}

/// What stands at a path of names and places with dots between them, as `detail.0.msg`.
pub fn at<'v>(tree: &'v Value, path: &str) -> Option<&'v Value> {
    let mut value = tree;
    for name in path.split('.') {
        value = match value {
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?)?,
            _ => value.get(name)?,
        };
    }
    Some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Value> {
        self.skip_blanks();
        match self.rest.as_bytes().first()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string().map(Value::String),
            _ => self.number_or_word(),
        }
    }

    fn object(&mut self) -> Option<Value> {
        let mut fields = Map::new();
        self.take(1);
        while !self.takes('}') {
            let key = self.string()?;
            self.takes(':');
            let value = self.value()?;
            fields.insert(key, value);
            self.takes(',');
        }
        Some(Value::Object(fields))
    }

    fn array(&mut self) -> Option<Value> {
        let mut elements = Vec::new();
        self.take(1);
        while !self.takes(']') {
            elements.push(self.value()?);
            self.takes(',');
        }
        Some(Value::Array(elements))
    }

    fn string(&mut self) -> Option<String> {
        self.skip_blanks();
        let inside = self.rest.strip_prefix('"')?;
        let mut len = 0;
        loop {
            let rest = inside.as_bytes().get(len..)?;
            len += memchr::memchr2(b'"', b'\\', rest)?;
            match inside.as_bytes().get(len)? {
                b'"' => break,
                _ => len += 2,
            }
        }
        let mut text = String::new();
        unescape(inside.get(..len)?, &mut text);
        self.rest = inside.get(len + 1..)?;
        Some(text)
    }

    fn number_or_word(&mut self) -> Option<Value> {
        let end = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
        let word = self.take(self.rest.find(end).unwrap_or(self.rest.len()));
        Some(match word {
            "null" => Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            _ => {
                let digits = word.strip_prefix('-').unwrap_or(word);
                let whole = digits.parse::<u64>().ok();
                let whole = match whole {
                    Some(whole) if digits.len() == word.len() => Some(whole.into()),
                    Some(whole) => 0i64.checked_sub_unsigned(whole).map(Number::from),
                    None => None,
                };
                Value::Number(whole.or_else(|| Number::from_f64(number(word)?))?)
            }
        })
    }

    /// Whether this character comes next; then it is passed.
    fn takes(&mut self, c: char) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn trees_are_those_of_serde_json() {
        for text in [
            "null",
            " true ",
            "-7",
            "18446744073709551615",
            "-9223372036854775808",
            "18446744073709551616",
            "0.25",
            "1e3",
            r#""""#,
            r#""a\"b\\\u00e9\ud83d\ude00""#,
            "[]",
            "[1, [2, []], {}]",
            r#"{"a": {"b": [null, false]}, "a\n": "x", "a": 1}"#,
            "\t{ \"k\" : [ 1 , 2 ] }\n",
        ] {
            assert_eq!(parse(text), serde_json::from_str(text).ok(), "{text}");
        }
        for text in ["", "{", "[1,]", "{\"a\":}", "nul", "1 2", "\"", "{1:2}", &"[".repeat(1000)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn values_are_found_by_names_and_places() {
        let tree = parse(r#"{"a": [{"b": 1}, 2], "": 3}"#).unwrap();
        for (path, expected) in [
            ("a.0.b", Some("1")),
            ("a.1", Some("2")),
            ("", Some("3")),
            ("a.2", None),
            ("a.b", None),
            ("a.1.b", None),
            ("b", None),
        ] {
            assert_eq!(at(&tree, path).map(Value::to_string).as_deref(), expected, "{path}");
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-100_000..100_000i32).prop_map(|n| json!(f64::from(n) / 64.0)),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_as_it_was(tree in tree(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) };
            prop_assert_eq!(parse(&text.unwrap()), Some(tree));
        }
    }
}
