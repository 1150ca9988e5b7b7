//! The scripted volt: what the tests with it share.
// Not every test binary needs all of it.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use volt_host::{Lapce, Setup};

/// Only a protection against hanging: nothing here takes noticeable time.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The folder of the scripted volt, built once per test run.
pub fn volt() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("scripted-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("v.wasm"), wat::parse_str(include_str!("../scripted.wat")).unwrap())
            .unwrap();
        let manifest = "name = 'scripted'\ndisplay-name = 'Scripted'\nwasm = 'v.wasm'\n[activation]\n\
                        language = ['rust']\n";
        std::fs::write(folder.join("volt.toml"), manifest).unwrap();
        folder
    });
    folder.clone()
}

/// A volt that says these messages on its 1st, 2nd, … message.
pub fn scripted(script: &[&[Value]]) -> Setup {
    let lines = |values: &[Value]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
    (1..)
        .zip(script)
        .fold(Setup::new(volt()), |setup, (number, values)| setup.file(format!("{number}"), lines(values)))
}

/// Message 1 is `initialize` (id 0), 2 `initialized`, 3 `didOpen`; typing a character sends `didChange` and a request.
pub fn completing(mut rest: Vec<Vec<Value>>) -> Setup {
    let mut script = vec![
        vec![json!({ "jsonrpc": "2.0", "id": 0, "result": { "capabilities": {
            "textDocumentSync": 2, "inlineCompletionProvider": {} } } })],
        vec![],
        vec![],
    ];
    script.append(&mut rest);
    scripted(&script.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

pub fn answer(id: u64, items: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": items })
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

pub fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

/// What the volt got as replies to its requests.
pub fn replies(lapce: &Lapce) -> Vec<Value> {
    let lines = lapce.log().into_iter().filter(|line| line.source == "stderr");
    lines.map(|line| serde_json::from_str(&line.message).unwrap()).collect()
}
