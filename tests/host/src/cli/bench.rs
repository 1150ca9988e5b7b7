//! `volt bench`: the stream library against its peers, natively and inside the engine that Lapce uses.

use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use lexopt::{Arg, ValueExt};
use serde_json::{Map, Value, json};
use volt_host::{Setup, VoltToml, build, program, weight};

use super::{Failure, print_json, setup, unexpected, usage};

const HELP: &str = "\
Measure the stream library against its peers, natively and inside wasmtime 14 as Lapce uses it

Usage: cargo volt bench [--json] [--target native|wasm] [CASE]

      --json       Print one JSON object per row instead of a table
      --target T   Measure in one target only: native, native-cpu or wasm
  CASE             Only cases whose names begin so: parse/, json/, whole/, latency, memory, start

Rows of --json: {\"case\",\"target\",\"subject\",\"mb_s\" or \"ns\",\"ratio_to_best_peer\"}. Figures are medians of rounds
in which the subjects take turns; `mb_s_best_round` and `ns_best_round` say what an idle machine would show.
A ratio of 2 means twice as fast as the best peer of that case and target. `native-cpu` is compiled, peers as well,
for the processor of this machine. The floor is a plain copy of the same bytes. Rows of `latency` and `memory`
have no peers: `ns_p50`, `ns_p99.9`, `ns_p99.9_best_round`; `kib_at_100k`, `kib_at_end` of linear memory. Nor do those
of `start`: the bytes of the plugin's wasm, the milliseconds in which the engine compiles it and an empty volt, and
those from `initialize` to its answer.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut json, mut case, mut targets) = (false, None, vec!["native", "native-cpu", "wasm"]);
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
            other => return Err(unexpected(other, HELP, "bench")),
        }
    }
    let case = case.unwrap_or_default();
    let mut all = Vec::new();
    for target in targets {
        let words = [case.clone(), target.to_owned()];
        let mut rows = match target {
            "native" => rows(&native("stream-cases", &words, &[FOR_SPEED], None)?),
            "native-cpu" => {
                rows(&native("stream-cases", &words, &[FOR_SPEED], Some("-C target-cpu=native"))?)
            }
            _ => rows(&wasm(&words)?),
        };
        if target == "wasm" && "start".starts_with(&case) {
            rows.extend(start()?);
        }
        if json {
            rows.iter().try_for_each(|row| print_json(row, out))?;
        } else {
            out.write_all(table(target, &rows).as_bytes())?;
        }
        all.extend(rows);
    }
    if all.is_empty() {
        return Err(usage(format_args!("there is no case whose name begins with `{case}`"), "bench"));
    }
    if !json {
        out.write_all(wasm_by_native(&all).as_bytes())?;
    }
    Ok(())
}

/// Peers are built for speed, as their users build them, and so is what is compared with them. In the volt it is built
/// for size.
const FOR_SPEED: &str = "profile.release.package.ai-completion.opt-level=3";

/// One row of figures.
pub type Row = Map<String, Value>;

/// The rows among what a program has printed.
pub fn rows(printed: &[u8]) -> Vec<Row> {
    printed.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Builds and runs a binary of the cases natively, with these settings of cargo and flags for the compiler.
pub fn native(
    binary: &str,
    words: &[String],
    config: &[&str],
    flags: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    setup::say("building and running the cases natively");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut run = Command::new(cargo);
    run.current_dir(setup::package()).args(["run", "--release", "--quiet", "--package", "stream-cases"]);
    if let Some(flags) = flags {
        // Apart from what is built with the usual flags.
        run.env("RUSTFLAGS", flags).arg("--target-dir").arg(setup::package().join("target/native-cpu"));
    }
    config.iter().for_each(|config| _ = run.arg("--config").arg(config));
    run.args(["--bin", binary, "--"]);
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
    let cases = build::wasm_with(&package, "stream-cases".as_ref(), &[FOR_SPEED], &mut setup::say)?;
    Ok(program::run(&cases, words)?)
}

/// What the plugin costs before it does anything.
fn start() -> Result<Vec<Row>, Failure> {
    let folder = setup::volt_folder(None)?;
    let wasm = VoltToml::read(&folder)?.wasm.map(|wasm| folder.join(wasm));
    let wasm = wasm.ok_or_else(|| Failure::Failed("volt.toml names no wasm".to_owned()))?;
    let bytes = std::fs::metadata(&wasm).map_or(0, |data| data.len());
    let (compiled, empty) = weight::compile_times(&wasm, 5)?;
    let answered = weight::time_to_initialize(Setup::new(folder))?;
    let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
    let row = |case: &str, figures: Value| {
        let mut row =
            Row::from_iter([("case".to_owned(), case.into()), ("target".to_owned(), "wasm".into())]);
        row.insert("subject".to_owned(), "ours".into());
        row.extend(figures.as_object().cloned().unwrap_or_default());
        row
    };
    Ok(vec![
        row("start/size", json!({"bytes": bytes})),
        row("start/compile", json!({"ms": ms(compiled), "ms_empty_volt": ms(empty)})),
        row("start/initialize", json!({"ms": ms(answered)})),
    ])
}

/// How fast our cases are in wasm, with native as 1.
fn wasm_by_native(rows: &[Row]) -> String {
    let figure = |target: &str, case: &Value| {
        let ours = rows.iter().find(|row| {
            row.get("target").and_then(Value::as_str) == Some(target) && row.get("case") == Some(case)
        })?;
        Some((ours.get("mb_s").and_then(Value::as_f64), ours.get("ns").and_then(Value::as_f64)))
    };
    let mut lines = String::new();
    for row in rows.iter().filter(|row| row.get("target").and_then(Value::as_str) == Some("native")) {
        let Some(case) = row.get("case") else { continue };
        let ratio = match (figure("wasm", case), figure("native", case)) {
            (Some((Some(wasm), _)), Some((Some(native), _))) => wasm / native,
            (Some((_, Some(wasm))), Some((_, Some(native)))) => native / wasm,
            _ => continue,
        };
        let line = format!("  {:24} {ratio:.2}\n", case.as_str().unwrap_or_default());
        if !lines.contains(&line) {
            lines.push_str(&line);
        }
    }
    if lines.is_empty() { lines } else { format!("ours in wasm, with native as 1\n{lines}") }
}

/// One line per case: ours, how that compares, then the others.
fn table(target: &str, rows: &[Row]) -> String {
    let text = |row: &Row, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut table = format!("{target}\n");
    for case in rows.chunk_by(|a, b| a.get("case") == b.get("case")) {
        let Some((ours, peers)) = case.split_first() else { continue };
        let _ = write!(table, "  {:24} {}", text(ours, "case"), figures(ours));
        let others: Vec<_> =
            peers.iter().map(|peer| format!("{} {}", text(peer, "subject"), figures(peer))).collect();
        if let Some(ratio) = ours.get("ratio_to_best_peer") {
            let _ = write!(table, ", {ratio} times as fast as the best of: {}", others.join(", "));
        } else if !others.is_empty() {
            let _ = write!(table, " {}; {}", text(ours, "subject"), others.join("; "));
        }
        table.push('\n');
    }
    table
}

/// What a row says in numbers.
fn figures(row: &Row) -> String {
    let units = [
        ("bytes", "bytes"),
        ("ms", "ms"),
        ("ms_empty_volt", "ms for an empty volt"),
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
    fn wasm_is_compared_with_native() {
        let rows = [
            r#"{"case":"parse/x","target":"native","subject":"ours","mb_s":20}"#,
            r#"{"case":"parse/x","target":"native","subject":"peer","mb_s":99}"#,
            r#"{"case":"json/x","target":"native","subject":"ours","ns":50}"#,
            r#"{"case":"parse/x","target":"wasm","subject":"ours","mb_s":10}"#,
            r#"{"case":"json/x","target":"wasm","subject":"ours","ns":200}"#,
        ];
        let rows: Vec<Row> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let expected = "\
ours in wasm, with native as 1
  parse/x                  0.50
  json/x                   0.25
";
        assert_eq!(wasm_by_native(&rows), expected);
        assert_eq!(wasm_by_native(&rows[..3]), "");
    }

    #[test]
    fn the_table_has_a_line_per_case() {
        let rows = [
            r#"{"case":"parse/x","subject":"ours","mb_s":20,"mb_s_best_round":21,"ratio_to_best_peer":2.0}"#,
            r#"{"case":"parse/x","subject":"peer","mb_s":10,"ratio_to_best_peer":1.0}"#,
            r#"{"case":"memory","subject":"ours","kib_at_100k":1,"kib_at_end":2}"#,
            r#"{"case":"whole/y","subject":"ours, so","mb_s":3}"#,
            r#"{"case":"whole/y","subject":"ours","mb_s":4}"#,
        ];
        let rows: Vec<Row> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let expected = "wasm
  parse/x                  20 MB/s, 2.0 times as fast as the best of: peer 10 MB/s
  memory                   1 KiB after 100k tokens, 2 KiB at the end
  whole/y                  3 MB/s ours, so; ours 4 MB/s
";
        assert_eq!(table("wasm", &rows), expected);
    }
}
