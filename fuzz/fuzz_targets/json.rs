//! Any text: the reader takes for JSON what serde_json takes for it, and finds the same in it.

#![no_main]

use json::{Few, Raw, is_json, object};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

object! {
    struct Outer<'a> {
        text = "text": Raw<'a>,
        parts = "parts": Few<'a, Inner<'a>>,
        inner = "inner": Inner<'a>,
        long = "a_key_of_more_than_sixteen_bytes": Raw<'a>,
    }
}

object! {
    struct Inner<'a> {
        text = "text": Raw<'a>,
        n = "n": Raw<'a>,
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let serde = serde_json::from_str::<&RawValue>(text);
    assert_eq!(is_json(text), serde.is_ok());
    let read = json::from_str::<Outer<'_>>(text);
    assert_eq!(read.is_ok(), serde.is_ok());
    // Numbers that fit into no type, and lone surrogates, are errors of serde_json's and not of JSON's grammar.
    let (Ok(read), Ok(value)) = (read, serde_json::from_str::<Value>(text)) else { return };
    check(read.text, &value["text"]);
    check(read.long, &value["a_key_of_more_than_sixteen_bytes"]);
    check(read.inner.text, &value["inner"]["text"]);
    check(read.inner.n, &value["inner"]["n"]);
    let parts = value["parts"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(read.parts.iter().count(), parts.len());
    for (part, expected) in read.parts.iter().zip(parts) {
        check(part.text, &expected["text"]);
        check(part.n, &expected["n"]);
    }
});

fn check(raw: Raw<'_>, expected: &Value) {
    let found = if raw.json().is_empty() { Value::Null } else { serde_json::from_str(raw.json()).unwrap() };
    assert_eq!(found, *expected);
    let mut scratch = String::new();
    assert_eq!(raw.str(&mut scratch), expected.as_str());
}
