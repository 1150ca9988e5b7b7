//! The tool `volt` as a process: exit codes, and what becomes of its words.

use std::process::Command;

/// In `volt … |& head -1` nobody reads the words of the failure any more.
#[cfg(target_os = "linux")]
#[test]
fn a_failure_that_nobody_can_read_keeps_its_exit_code() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_volt")).args(["sse", "no-such-file"]).stderr(full).status();
    assert_eq!(status.unwrap().code(), Some(2));
}
