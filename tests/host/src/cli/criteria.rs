//! `volt criteria`: what the stream library is held to, natively and inside the engine that Lapce uses.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use lexopt::Arg;
use serde_json::{Map, Value, json};
use volt_host::server::{End, Pace, Script, Server, shape};
use volt_host::{Lapce, Setup, build, program};

use super::{Failure, bench, print_json, setup, unexpected, wait};

const HELP: &str = "\
Measure what the stream library is held to: each criterion with its figure, its limit and how it was measured

Usage: cargo volt criteria [--json]

      --json       Print one JSON object per row instead of a table

The last row is of the whole plugin, in the headless Lapce with the agent, curl and a real connection. Ends with exit
code 1 when a figure does not keep to its limit.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut json = false;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "criteria")),
        }
    }
    let mut rows = bench::rows(&bench::native("criteria", &[], &[], None)?);
    setup::say("building and running the criteria in wasmtime");
    let package = setup::package().join("benches/cases");
    let wasm = build::wasm(&package, "criteria".as_ref(), &mut setup::say)?;
    rows.extend(bench::rows(&program::run(&wasm, &[])?));
    rows.push(resume()?);
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

/// How often a broken answer is resumed for the median.
const RESUMES: usize = 9;
/// Milliseconds that resuming may take.
const MOST_RESUME_MS: f64 = 50.0;

/// The time from the detection of a broken connection to the request that resumes the answer.
fn resume() -> Result<Map<String, Value>, Failure> {
    setup::need_curl()?;
    let folder = setup::volt_folder(None)?;
    setup::say("breaking and resuming answers");
    let times = (0..RESUMES).map(|_| resume_once(&folder)).collect::<Result<Vec<_>, _>>()?;
    let mut ms: Vec<f64> = times.iter().map(|time| (time.as_secs_f64() * 1e4).round() / 10.0).collect();
    ms.sort_by(f64::total_cmp);
    let (figure, worst) = (ms[ms.len() / 2], ms[ms.len() - 1]);
    let how = format!(
        "median of {RESUMES} (worst {worst}): from the first message to the plugin after the server has reset the \
         connection to the arrival of the next request, through agent and curl"
    );
    let row = json!({
        "criterion": "resuming a broken answer", "target": "wasm", "figure": figure, "limit": MOST_RESUME_MS,
        "unit": "ms", "holds": figure <= MOST_RESUME_MS, "how": how,
    });
    Ok(row.as_object().cloned().unwrap_or_default())
}

/// Breaks one answer in its middle.
fn resume_once(folder: &Path) -> Result<Duration, Failure> {
    let failed = |what: &str| Failure::Failed(what.to_owned());
    let pieces = ["first(1);\n", "    second(2);\n", "    third(3);\n", "    fourth(4);\n", "    fifth(5);"];
    let answer = Script::stream(shape::openai_chat, &pieces, Pace::every(Duration::from_millis(20)));
    let server = Server::fifo(vec![answer.clone().cut(4, End::Reset), answer])?;
    // A server on this machine that gets no key is not asked about.
    let setup = Setup::new(folder)
        .setting("provider", "openai-compatible")
        .setting("base-url", format!("{}/v1", server.url()))
        .setting("model", "model");
    let mut lapce = Lapce::start(setup)?;
    lapce.open("main.rs", "rust", "fn main() {\n    \n}\n");
    wait::for_settings(&lapce)?;
    lapce.cursor_at(1, 4);
    lapce.invoke();
    if !server.wait(Duration::from_secs(20), |exchanges| exchanges.len() > 1) {
        return Err(failed("the broken answer was not resumed"));
    }
    let exchanges = server.exchanges();
    let [broken, resumed, ..] = exchanges.as_slice() else { return Err(failed("a request is missing")) };
    let broken = broken.finished.ok_or_else(|| failed("the first answer has not ended"))?;
    let evidence = lapce.evidence();
    let taken = evidence.told.iter().filter_map(|told| told.taken).filter(|taken| *taken >= broken);
    let detected = taken.min().ok_or_else(|| failed("the plugin did not see the end of the stream"))?;
    Ok(resumed.arrived.saturating_duration_since(detected))
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
