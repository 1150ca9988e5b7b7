//! Machines and editors that lack something: suggestions come on alt+\ only, and one message says why.

use std::path::{Path, PathBuf};

use volt_host::server::Pace;
use volt_host::server::shape::{self, Shape};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{Stage, Turn, model, setup};

const KEYS: Keys = Keys::ms(60);

/// A stage whose model says which line it is on.
fn stage(bent: impl FnOnce(Setup) -> Setup) -> Stage {
    let server =
        model(shape::openai_chat as Shape, Pace::AT_ONCE, |before| format!(" = {}", before.lines().count()));
    let setup =
        bent(setup("openai-compatible", &server.url()).setting("api-key-env", "").setting("model", "m"));
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.py", "python", "|");
    stage
}

/// A folder of programs in which there is no curl.
fn path_without_curl() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-curl");
    std::fs::create_dir_all(&folder).unwrap();
    for program in ["sh", "mkdir", "mkfifo", "rm", "dd", "sleep", "tee"] {
        let link = folder.join(program);
        if !link.exists() {
            // Another test's process may have been quicker.
            let _ = std::os::unix::fs::symlink(Path::new("/bin").join(program), link);
        }
    }
    folder
}

pub fn without_curl(setup: Setup) -> Setup {
    setup.env("PATH", path_without_curl().to_str().unwrap())
}

/// Typing asks nobody, alt+\ brings a whole ghost, and one pop-up has all these parts, or there is none.
fn completes_when_invoked(mut stage: Stage, parts: &[&str]) {
    for (line, typed) in ["let first", "\nlet second"].iter().enumerate() {
        stage.lapce.type_keys(typed, KEYS);
        stage.settle();
        assert_eq!(stage.requests(), line, "asked without being told to\n{}", stage.trace());
        stage.lapce.invoke();
        stage.wait_ghost(&format!(" = {}", line + 1));
        stage.lapce.tab();
    }
    let screen = stage.settle();
    assert_eq!(screen.text, "let first = 1\nlet second = 2");
    let messages: Vec<&str> = screen.popups.iter().map(|popup| popup.message.as_str()).collect();
    assert_eq!(messages.len(), usize::from(!parts.is_empty()), "{messages:?}");
    let message = messages.concat();
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    stage.finish();
}

#[test]
fn without_curl_the_user_is_told_to_install_it() {
    let parts = ["curl is not installed: install it", "alt+\\", "`transport`"];
    completes_when_invoked(stage(without_curl), &parts);
}

#[test]
fn without_a_shell_the_user_is_told() {
    let stage = stage(|setup| setup.env("PATH", "/nowhere"));
    completes_when_invoked(stage, &["sh cannot be started", "alt+\\"]);
}

#[test]
fn without_a_writable_folder_the_user_is_told() {
    completes_when_invoked(
        stage(Setup::unwritable_folder),
        &["Make the plugin's folder writable", "is not writable", "alt+\\"],
    );
}

#[test]
fn in_an_editor_that_sends_no_wake_ups_the_user_is_told() {
    completes_when_invoked(stage(Setup::without_wakes), &["Lapce 0.4.1", "alt+\\"]);
}

#[test]
fn who_has_chosen_http_is_told_nothing() {
    let stage = stage(|setup| setup.setting("transport", "http"));
    assert!(stage.lapce.evidence().executed.is_empty());
    completes_when_invoked(stage, &[]);
}

#[test]
fn what_streams_nothing_sends_no_key_and_leaves_no_proxy_out_unasked() {
    for (key, value, word) in [
        ("api-key-env", "E2E_KEY", "redirects"),
        ("proxy", "http://127.0.0.1:9", "`proxy`"),
        ("ca-file", "/ca.pem", "`ca-file`"),
    ] {
        let mut stage = stage(|setup| without_curl(setup).setting(key, value));
        stage.lapce.type_keys("let first", KEYS);
        stage.settle();
        stage.lapce.invoke();
        let screen = stage.settle();
        let told = screen.popups.iter().any(|popup| popup.message.contains(word));
        assert!(told, "{key}: {:?}", screen.popups);
        assert_eq!(stage.requests(), 0, "{key}");
        stage.finish();
    }
}
