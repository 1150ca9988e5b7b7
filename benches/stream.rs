//! `cargo bench`: runs the cases of `benches/cases`, which is a package of its own so that neither the
//! plugin nor each of its test runs has to compile the peers.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // For speed, as the peers.
    let config = "profile.release.package.ai-completion.opt-level=3";
    let own = ["bench", "--config", config, "--package", "stream-cases", "--bench", "criterion", "--"];
    // cargo itself adds `--bench`, which criterion would take from the other cargo as well.
    let passed = std::env::args_os().skip(1).filter(|arg| arg != "--bench");
    match Command::new(env!("CARGO")).args(own).args(passed).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
