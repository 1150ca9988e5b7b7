//! `volt wasi`: a WASI program in the engine that Lapce uses. `fuzz/wasm` runs the crates' own tests by it.

use std::io::Write;

use lexopt::{Arg, ValueExt};
use volt_host::program;

use super::{Failure, unexpected, usage};

const HELP: &str = "\
Run a WASI program in wasmtime 14 as Lapce uses it

Usage: cargo volt wasi FILE [ARGUMENT ...]

The program sees its arguments, the clocks and randomness, and no file.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let wasm = match args.next()? {
        Some(Arg::Value(wasm)) => wasm,
        Some(Arg::Short('h') | Arg::Long("help")) => return Ok(out.write_all(HELP.as_bytes())?),
        Some(other) => return Err(unexpected(other, HELP, "wasi")),
        None => return Err(usage("which FILE?", "wasi")),
    };
    let words = args.raw_args()?.map(|word| word.string()).collect::<Result<Vec<_>, _>>()?;
    Ok(out.write_all(&program::run(wasm.as_ref(), &words)?)?)
}
