//! `volt`, the developer's tool: see `cargo volt --help`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
