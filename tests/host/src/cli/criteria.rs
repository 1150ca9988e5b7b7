//! `volt criteria`: what the stream library is held to, natively and inside the engine that Lapce uses.

use std::fmt::Write as _;
use std::io::Write;

use lexopt::Arg;
use serde_json::{Map, Value};
use volt_host::{build, program};

use super::{Failure, bench, print_json, setup};

const HELP: &str = "\
Measure what the stream library is held to: each criterion with its figure, its limit and how it was measured

Usage: cargo volt criteria [--json]

      --json       Print one JSON object per row instead of a table

Ends with exit code 1 when a figure does not keep to its limit. The time from a broken connection to the request
that resumes the answer is not among them: it needs the whole plugin and a real connection.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut json = false;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut rows = bench::rows(&bench::native("criteria", &[], None)?);
    setup::say("building and running the criteria in wasmtime");
    let package = setup::package().join("benches/cases");
    let wasm = build::wasm(&package, "criteria".as_ref(), &mut setup::say)?;
    rows.extend(bench::rows(&program::run(&wasm, &[])?));
    if json {
        rows.iter().try_for_each(|row| print_json(row, out))?;
    } else {
        out.write_all(table(&rows).as_bytes())?;
    }
    match rows.iter().all(|row| row.get("holds") == Some(&Value::Bool(true))) {
        true => Ok(()),
        false => Err(Failure::Failed("a criterion is not met, see above".to_owned())),
    }
}

fn table(rows: &[Map<String, Value>]) -> String {
    let text = |row: &Map<String, Value>, key: &str| match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    rows.iter().fold(String::new(), |mut table, row| {
        let holds = if row.get("holds") == Some(&Value::Bool(true)) { "ok" } else { "NO" };
        let cells = ["target", "criterion", "figure", "limit", "unit", "how"].map(|key| text(row, key));
        let [target, criterion, figure, limit, unit, how] = cells;
        let _ =
            writeln!(table, "{holds} {target:6} {criterion:34} {figure:>10} (limit {limit}) {unit}; {how}");
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_holds() {
        let rows = [
            r#"{"criterion":"throughput","target":"wasm","figure":2100.0,"limit":100.0,"unit":"MB/s","holds":true,"how":"so"}"#,
            r#"{"criterion":"memory","target":"native","figure":8,"limit":0,"unit":"bytes","holds":false,"how":"so"}"#,
        ];
        let rows: Vec<_> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let expected = "\
ok wasm   throughput                             2100.0 (limit 100.0) MB/s; so
NO native memory                                      8 (limit 0) bytes; so
";
        assert_eq!(table(&rows), expected);
    }
}
