//! JSON as a tree, for the few texts that are read without knowing what is in them: settings, error bodies, lists of
//! models. serde_json's reader takes 15 KB of wasm for the same; its [`Value`] and its writer are used.

use serde_json::{Map, Value};

use crate::sse::json::{is_json, number, unescape};

/// The tree of a JSON text (RFC 8259), at most 127 brackets deep; `None` when it is none. Of lone surrogates, each becomes
/// U+FFFD; of a key that is there twice the last one counts.
pub fn tree(text: &str) -> Option<Value> {
    is_json(text).then(|| value(&mut { text }))
}

/// The elements of a text that is an array, as they stand there.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut rest = text.trim_start().strip_prefix('[').filter(|_| is_json(text))?;
    let mut elements = Vec::new();
    while next(&mut rest) != ']' {
        let start = rest;
        value(&mut rest);
        elements.extend(start.get(..start.len() - rest.len()));
    }
    Some(elements)
}

/// The character before which `rest` stands, behind white space and commas.
fn next(rest: &mut &str) -> char {
    *rest = rest.trim_start_matches([' ', '\n', '\r', '\t', ',', ':']);
    // The text is JSON: it does not end here. If it did, all brackets would.
    rest.chars().next().unwrap_or(']')
}

/// Takes the value before which `rest` stands. The whole text has been found to be JSON.
fn value(rest: &mut &str) -> Value {
    match next(rest) {
        '{' => {
            let mut fields = Map::new();
            skip(rest, 1);
            while next(rest) == '"' {
                let name = string(rest);
                fields.insert(name, value(rest));
            }
            skip(rest, 1);
            Value::Object(fields)
        }
        '[' => {
            let mut elements = Vec::new();
            skip(rest, 1);
            while !matches!(next(rest), ']' | '}') {
                elements.push(value(rest));
            }
            skip(rest, 1);
            Value::Array(elements)
        }
        '"' => Value::String(string(rest)),
        _ => {
            let len = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
            // Not nothing: whoever calls again and again must come to an end.
            let word = skip(rest, len.max(1));
            match word {
                "null" => Value::Null,
                "true" | "false" => Value::Bool(word == "true"),
                _ => match (word.parse::<u64>(), word.parse::<i64>()) {
                    (Ok(number), _) => number.into(),
                    (_, Ok(number)) => number.into(),
                    _ => number(word).map_or(Value::Null, Into::into),
                },
            }
        }
    }
}

/// Takes the string before whose quote `rest` stands.
fn string(rest: &mut &str) -> String {
    skip(rest, 1);
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    let mut text = String::new();
    unescape(skip(rest, end.unwrap_or(rest.len())), &mut text);
    skip(rest, 1);
    text
}

/// Takes `len` bytes.
fn skip<'a>(rest: &mut &'a str, len: usize) -> &'a str {
    let (taken, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
    *rest = behind;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_serde_reads(text: &str) {
        let serde = serde_json::from_str::<Value>(text);
        assert_eq!(tree(text), serde.ok(), "{text}");
    }

    #[test]
    fn trees_are_those_of_serde_json() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-1",
            "-9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "0.7",
            "-1.5e3",
            "1E-2",
            r#""""#,
            r#""a\"b\\""#,
            r#""\u00e9\ud83d\ude00\n""#,
            "[]",
            "[ ]",
            "{}",
            "{ }",
            r#" { "a" : [ 1 , "," , [ ] , { } ] , "b" : { "a" : null } , "a\u0062" : "}" } "#,
            r#"{"a":1,"a":2}"#,
            r#"[[[[["]"]]],"["]]"#,
            // None.
            "",
            " ",
            "{",
            "[1,]",
            "[1 2]",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "01",
            "1.",
            "nul",
            "\"a\nb\"",
            "[1]x",
        ] {
            as_serde_reads(text);
        }
        assert_eq!(tree(r#""\ud83d""#), Some("\u{FFFD}".into()));
        let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(tree(&deep(127)).is_some() && tree(&deep(128)).is_none());
    }

    #[test]
    fn recorded_bodies_are_read_as_serde_json_reads_them() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/transcripts");
        let folders = std::fs::read_dir(root).into_iter().flatten().flatten();
        let files = folders.filter_map(|folder| std::fs::read_dir(folder.path()).ok()).flatten().flatten();
        for text in files.filter_map(|file| std::fs::read_to_string(file.path()).ok()) {
            text.lines()
                .chain([&*text])
                .for_each(|line| as_serde_reads(line.strip_prefix("data:").unwrap_or(line)));
        }
    }

    #[test]
    fn elements_stand_as_they_were_written() {
        for (text, expected) in [
            (r#" [ {"a": [1, "]"]} , 2,"x\"]" ] "#, Some(&[r#"{"a": [1, "]"]}"#, "2", r#""x\"]""#][..])),
            ("[]", Some(&[])),
            ("{}", None),
            ("[1", None),
        ] {
            assert_eq!(elements(text).as_deref(), expected, "{text}");
        }
    }
}
