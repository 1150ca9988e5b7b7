//! Machines and editors that lack something: the plugin does with what there is, and says so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use volt_host::server::Pace;
use volt_host::server::shape::{self, Shape};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{Stage, Turn, model, setup};

const KEYS: Keys = Keys::ms(60);
/// Where no wake-up comes, the plugin may wait in a message, but no longer than this.
const BOUNDED: Duration = Duration::from_millis(300);
/// A stage whose model says which line it is on.
fn stage(turn: Turn, pace: Pace, bent: impl FnOnce(Setup) -> Setup) -> Stage {
    let server = model(shape::openai_chat as Shape, pace, |before| format!(" = {}", before.lines().count()));
    let setup =
        bent(setup("openai-compatible", &server.url()).setting("api-key-env", "").setting("model", "m"));
    let mut stage = Stage::new(turn, server, setup);
    stage.open("src/sums.py", "python", "|");
    stage
}

/// A folder of programs in which there is no curl.
fn path_without_curl() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-curl");
    std::fs::create_dir_all(&folder).unwrap();
    let sh = folder.join("sh");
    if !sh.exists() {
        // Another test's process may have been quicker.
        let _ = std::os::unix::fs::symlink("/bin/sh", sh);
    }
    folder
}

/// Types two lines, finds a whole ghost on each, and one pop-up with all these parts.
fn works_whole_and_says_why(mut stage: Stage, parts: &[&str]) {
    for (line, typed) in ["let first", "\nlet second"].iter().enumerate() {
        stage.lapce.type_keys(typed, KEYS);
        stage.wait_ghost(&format!(" = {}", line + 1));
    }
    let screen = stage.settle();
    let [popup] = &screen.popups[..] else { panic!("{:#?}", screen.popups) };
    assert!(parts.iter().all(|part| popup.message.contains(part)), "{popup:?}");
    stage.finish();
}

#[test]
fn without_curl_answers_come_whole() {
    let path = path_without_curl();
    let stage = stage(Turn::shared(), Pace::AT_ONCE, |setup| setup.env("PATH", path.to_str().unwrap()));
    works_whole_and_says_why(stage, &["curl is not installed", "`transport`", "redirects"]);
}

#[test]
fn without_curl_no_key_is_sent_unless_that_is_asked_for() {
    let path = path_without_curl();
    for (key, value, word) in [
        ("api-key-env", "E2E_KEY", "redirects"),
        ("proxy", "http://127.0.0.1:9", "`proxy`"),
        ("ca-file", "/ca.pem", "`ca-file`"),
    ] {
        let mut stage = stage(Turn::shared(), Pace::AT_ONCE, |setup| {
            setup.env("PATH", path.to_str().unwrap()).setting(key, value)
        });
        stage.lapce.type_keys("let first", KEYS);
        let screen = stage.settle();
        let told = screen.popups.iter().any(|popup| popup.message.contains(word));
        assert!(told, "{key}: {:?}", screen.popups);
        assert_eq!(stage.requests(), 0, "{key}");
        stage.finish();
    }
}

#[test]
fn without_a_shell_answers_come_whole() {
    let stage = stage(Turn::shared(), Pace::AT_ONCE, |setup| setup.env("PATH", "/nowhere"));
    works_whole_and_says_why(stage, &["sh cannot be started", "`transport`"]);
}

#[test]
fn without_a_writable_folder_answers_come_whole() {
    let stage = stage(Turn::shared(), Pace::AT_ONCE, Setup::unwritable_folder);
    works_whole_and_says_why(stage, &["is not writable", "`transport`"]);
}

#[test]
fn who_wants_whole_answers_is_told_nothing() {
    let mut stage = stage(Turn::shared(), Pace::AT_ONCE, |setup| setup.setting("transport", "http"));
    stage.lapce.type_keys("let first", KEYS);
    stage.wait_ghost(" = 1");
    let evidence = stage.lapce.evidence();
    assert!(evidence.executed.is_empty(), "{:?}", evidence.executed);
    assert!(stage.lapce.screen().popups.is_empty());
    stage.finish();
}

#[test]
fn without_wake_ups_ghosts_come_and_no_message_is_held_long() {
    let mut stage =
        stage(Turn::alone(), Pace::AT_ONCE.after(Duration::from_millis(100)), Setup::without_wakes);
    // Two pauses in which no wake-up came tell the plugin what Lapce this is.
    for typed in ["let first", "\nlet second"] {
        stage.lapce.type_keys(typed, KEYS);
        stage.lapce.wait_quiet(Duration::from_millis(400), crate::stage::PATIENCE).unwrap();
    }
    for line in 3..6 {
        stage.lapce.type_keys("\nlet more", KEYS);
        stage.wait_ghost(&format!(" = {line}"));
    }
    let longest = stage.lapce.evidence().longest_handling();
    assert!(longest <= BOUNDED, "{longest:?}\n{}", stage.trace());
    stage.finish_without_wakes();
}
