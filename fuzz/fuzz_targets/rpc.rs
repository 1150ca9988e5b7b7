//! Any line from the host: no panic, and a request or notification is one for serde_json as well.

#![no_main]

use ai_completion::lapce::rpc::{Message, parse};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|line: &[u8]| {
    let Ok(message) = parse(line) else { return };
    // Numbers that fit into no type, and lone surrogates, are JSON by its grammar but not for serde_json.
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
    let (method, params) = match &message {
        Message::Request { method, params, .. } | Message::Notification { method, params } => (method, params),
    };
    assert_eq!(value["method"].as_str(), Some(&**method));
    assert_eq!(matches!(message, Message::Request { .. }), !value["id"].is_null());
    let params = if params.json().is_empty() { "null" } else { params.json() };
    assert_eq!(serde_json::from_str::<Value>(params).expect("it is part of JSON"), value["params"]);
});
