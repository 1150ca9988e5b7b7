//! `volt bench`: the stream library against its peers, natively and inside the engine that Lapce uses.

use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Stdio};

use lexopt::{Arg, ValueExt};
use serde_json::{Map, Value};
use volt_host::{build, program};

use super::{Failure, print_json, setup, usage};

const HELP: &str = "\
Measure the stream library against its peers, natively and inside wasmtime 14 as Lapce uses it

Usage: cargo volt bench [--json] [--target native|wasm] [CASE]

      --json       Print one JSON object per row instead of a table
      --target T   Measure in one of the two only
  CASE             Only cases whose names begin so: parse/, json/, whole/, latency, memory

Rows of --json: {\"case\",\"target\",\"subject\",\"mb_s\" or \"ns\",\"ratio_to_best_peer\"}. Figures are medians of rounds
in which the subjects take turns; `mb_s_best_round` and `ns_best_round` say what an idle machine would show.
A ratio of 2 means twice as fast as the best peer of that case and target. Rows of `latency` and `memory`
have no peers: `ns_p50`, `ns_p99.9`, `ns_p99.9_best_round`; `kib_at_100k`, `kib_at_end` of linear memory.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut json, mut case, mut targets) = (false, None, vec!["native", "wasm"]);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("target") => {
                let only = args.value()?.string()?;
                targets.retain(|target| *target == only);
                if targets.is_empty() {
                    return Err(usage(format_args!("there is no target `{only}`"), "bench"));
                }
            }
            Arg::Value(name) if case.is_none() => case = Some(name.string()?),
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    let words: Vec<String> = case.into_iter().collect();
    for target in targets {
        let rows = match target {
            "native" => native(&words)?,
            _ => wasm(&words)?,
        };
        let rows =
            rows.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Row>(line).ok());
        let rows: Vec<Row> = rows.collect();
        if json {
            rows.iter().try_for_each(|row| print_json(row, out))?;
        } else {
            out.write_all(table(target, &rows).as_bytes())?;
        }
    }
    Ok(())
}

type Row = Map<String, Value>;

fn native(words: &[String]) -> Result<Vec<u8>, Failure> {
    setup::say("building and running the cases natively");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut run = Command::new(cargo);
    run.current_dir(setup::package()).args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "stream-cases",
        "--",
    ]);
    let output = run.args(words).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure::Failed(format!("cannot run cargo: {error}")))?;
    if !output.status.success() {
        return Err(Failure::Failed(format!("the native cases failed, see above ({})", output.status)));
    }
    Ok(output.stdout)
}

fn wasm(words: &[String]) -> Result<Vec<u8>, Failure> {
    setup::say("building and running the cases in wasmtime");
    let package = setup::package().join("benches/cases");
    let cases = build::wasm(&package, "stream-cases".as_ref(), &mut setup::say)?;
    Ok(program::run(&cases, words)?)
}

/// One line per case: ours, how that compares, then the others.
fn table(target: &str, rows: &[Row]) -> String {
    let text = |row: &Row, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut table = format!("{target}\n");
    for case in rows.chunk_by(|a, b| a.get("case") == b.get("case")) {
        let Some((ours, peers)) = case.split_first() else { continue };
        let _ = write!(table, "  {:24} {}", text(ours, "case"), figures(ours));
        if let Some(ratio) = ours.get("ratio_to_best_peer") {
            let peers: Vec<_> =
                peers.iter().map(|peer| format!("{} {}", text(peer, "subject"), figures(peer))).collect();
            let _ = write!(table, ", {ratio} times as fast as the best of: {}", peers.join(", "));
        }
        table.push('\n');
    }
    table
}

/// What a row says in numbers.
fn figures(row: &Row) -> String {
    let units = [
        ("mb_s", "MB/s"),
        ("ns", "ns"),
        ("ns_p50", "ns p50"),
        ("ns_p99.9", "ns p99.9"),
        ("ns_p99.9_best_round", "ns p99.9 in the best rounds"),
        ("kib_at_100k", "KiB after 100k tokens"),
        ("kib_at_end", "KiB at the end"),
    ];
    let figures =
        units.iter().filter_map(|(key, unit)| row.get(*key).map(|figure| format!("{figure} {unit}")));
    figures.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, output};
    use super::*;

    #[test]
    fn wrong_options_are_named_before_anything_is_built() {
        for (words, part) in [
            (&["bench", "--target", "gpu"][..], "`gpu`"),
            (&["bench", "a", "b"], "\"b\""),
            (&["bench", "--fast"], "'--fast'"),
        ] {
            let Err(Failure::Usage(message)) = output(words) else { panic!("{words:?} should fail") };
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }

    #[test]
    fn the_table_has_a_line_per_case() {
        let rows = [
            r#"{"case":"parse/x","subject":"ours","mb_s":20,"mb_s_best_round":21,"ratio_to_best_peer":2.0}"#,
            r#"{"case":"parse/x","subject":"peer","mb_s":10,"ratio_to_best_peer":1.0}"#,
            r#"{"case":"memory","subject":"ours","kib_at_100k":1,"kib_at_end":2}"#,
        ];
        let rows: Vec<Row> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let expected = "wasm
  parse/x                  20 MB/s, 2.0 times as fast as the best of: peer 10 MB/s
  memory                   1 KiB after 100k tokens, 2 KiB at the end
";
        assert_eq!(table("wasm", &rows), expected);
    }
}
