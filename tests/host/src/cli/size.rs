//! `volt size`: what the wasm is made of.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lexopt::Arg;
use serde_json::json;
use volt_host::weight;

use super::{Failure, print_json, setup, unexpected};

const HELP: &str = "\
Print the size of the plugin's wasm by part: crates, and of the plugin's own crate the rooms

Usage: cargo volt size [--json]

      --json       Print one JSON object per part instead of a table

The wasm is built once more with the names of its functions left in.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut json = false;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "size")),
        }
    }
    let parts = weight::parts(&named_wasm()?)?;
    let total: usize = parts.iter().map(|(_, size)| size).sum();
    for (part, bytes) in &parts {
        if json {
            print_json(&json!({"part": part, "bytes": bytes}), out)?;
        } else {
            writeln!(out, "{bytes:>8} {:>5.1} % {part}", *bytes as f64 * 100.0 / total.max(1) as f64)?;
        }
    }
    if !json {
        writeln!(out, "{total:>8} bytes in all")?;
    }
    Ok(())
}

/// The plugin's wasm with the names of its functions.
fn named_wasm() -> Result<Vec<u8>, Failure> {
    setup::say("building the plugin with names");
    let target = setup::package().join("target/named");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(setup::package()).stderr(Stdio::inherit());
    build.args(["build", "--release", "--quiet", "--package", "ai-completion", "--target", "wasm32-wasip1"]);
    build.args(["--config", "profile.release.strip=false"]).arg("--target-dir").arg(&target);
    let status = build.status().map_err(|error| Failure::Failed(format!("cannot run cargo: {error}")))?;
    if !status.success() {
        return Err(Failure::Failed(format!("the plugin does not compile, see above ({status})")));
    }
    let wasm: PathBuf = target.join("wasm32-wasip1/release/ai-completion.wasm");
    std::fs::read(&wasm).map_err(|error| Failure::Failed(format!("{}: {error}", wasm.display())))
}
