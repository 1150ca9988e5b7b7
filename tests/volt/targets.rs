//! Whom the plugin asks: a key that a command prints, a fallback, another model on alt+\, and a model that is being loaded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Script, Server, error};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{KEY, PATIENCE, Stage, Turn, setup, tokens, untouched};

const KEYS: Keys = Keys::ms(60);
/// What the command prints at first.
const OLD_KEY: &str = "sk-e2e-old-51c07d";
const COMMAND: &str = "AI_COMPLETION_KEY_COMMAND";

fn says(shape: Shape, text: &str) -> Script {
    Script::stream(shape, &tokens(text), Pace::AT_ONCE)
}

/// A Lapce whose user has a command for the key, and no key.
fn with_command(server: &Server, command: &str) -> Setup {
    untouched()
        .env_remove("OPENAI_API_KEY")
        .env(COMMAND, command)
        .setting("provider", "openai")
        .setting("base-url", format!("{}/v1", server.url()))
}

/// A file that is not there yet.
fn absent(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&file);
    file
}

/// A server of OpenAI's that takes [`KEY`] and no other.
fn strict() -> Server {
    let right = format!("Bearer {KEY}");
    Server::start(move |request| match request.header("authorization") {
        Some(key) if key == right => says(shape::openai_chat, " = one"),
        _ => error::openai(401),
    })
    .unwrap()
}

#[test]
fn a_command_prints_the_key_and_is_run_again_when_that_is_refused() {
    let file = absent("printed");
    let server = strict();
    // Keys that are nowhere but in the output.
    let spelt = |key: &str| key.replacen("sk", "$(echo sk)", 1);
    let command = format!(
        "if [ -e '{0}' ]; then echo \" 'Bearer {1}'\"; else touch '{0}'; echo \"{2}\"; fi",
        file.display(),
        spelt(KEY),
        spelt(OLD_KEY)
    );
    let setup = with_command(&server, &command);
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.wait_ghost(" = one");
    let exchanges = stage.server.exchanges();
    let keys: Vec<_> = exchanges.iter().filter_map(|one| one.request.header("authorization")).collect();
    let old = format!("Bearer {OLD_KEY}");
    assert!(keys[0] == old && keys.iter().filter(|key| **key == old).count() == 1, "{keys:?}");
    assert_eq!(stage.lapce.screen().popups.len(), 0);
    for process in stage.lapce.processes().unwrap() {
        let environment = std::fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        let told = format!("{process:?} {}", String::from_utf8_lossy(&environment));
        assert!(!told.contains(KEY) && !told.contains(OLD_KEY), "{told}");
    }
    assert!(!stage.lapce.evidence().mentions(OLD_KEY));
    stage.finish();
}

#[test]
fn a_command_that_fails_is_told_in_words() {
    for (command, words) in [
        ("exit 3", "exit status 3"),
        ("no-such-program-anywhere", "was not found"),
        ("true", "printed nothing"),
        ("echo hush-1; echo hush-2", "something else than a key"),
    ] {
        let server = Server::fifo(Vec::new()).unwrap();
        let setup = with_command(&server, command);
        let mut stage = Stage::new(Turn::shared(), server, setup);
        stage.open("src/sum.rs", "rust", "let first|");
        stage.lapce.invoke();
        let screen = stage.lapce.wait_until(PATIENCE, |screen| !screen.popups.is_empty()).unwrap();
        let told = format!("{:?} {:?}", screen.popups, stage.lapce.log());
        assert!(told.contains(words) && !told.contains("hush-"), "{command}: {told}");
        assert_eq!(stage.requests(), 0);
        stage.finish();
    }
}

#[test]
fn the_key_of_a_command_goes_to_no_other_server_unasked() {
    let file = absent("run");
    let server = Server::fifo(Vec::new()).unwrap();
    let setup = with_command(&server, &format!("touch '{}'; echo {KEY}", file.display()));
    let mut stage = Stage::unconfirmed(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.settle();
    stage.lapce.invoke();
    let screen = stage.settle();
    let told = format!("{:?} {:?}", screen.popups, screen.status);
    assert!(told.contains("key-command"), "{told}");
    assert_eq!((stage.requests(), file.exists()), (0, false));
    stage.finish();
}

/// Whether the status bar has ever said this.
fn has_said(stage: &Stage, words: &str) -> bool {
    stage.lapce.evidence().mentions(words)
}

#[test]
fn a_fallback_stands_in_while_the_provider_asks_to_wait() {
    let spare = Server::start(|_| says(shape::ollama_generate, " = two")).unwrap();
    let server = Server::fifo(vec![error::openai(429)]).unwrap();
    let setup = setup("openai", &server.url())
        .setting("fallback", json!({"provider": "ollama", "base-url": spare.url()}));
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.wait_ghost(" = two");
    assert!(has_said(&stage, "OpenAI asks to wait: asking Ollama"), "{}", stage.trace());
    assert_eq!((stage.requests(), stage.lapce.screen().popups.len()), (1, 0));
    let keys: Vec<_> = spare.exchanges().iter().map(|one| format!("{:?}", one.request)).collect();
    assert!(!keys.is_empty() && !keys.iter().any(|request| request.contains(KEY)), "{keys:?}");
    stage.finish();
}

#[test]
fn another_model_answers_alt_and_backslash() {
    let strong = Server::start(|_| says(shape::anthropic, " = strong")).unwrap();
    let server = Server::start(|_| says(shape::openai_chat, " = fast")).unwrap();
    let setup = setup("openai", &server.url()).setting(
        "invoked",
        json!({"provider": "anthropic", "base-url": strong.url(), "api-key-env": "E2E_KEY"}),
    );
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.wait_ghost(" = fast");
    assert_eq!(strong.exchanges().len(), 0);
    stage.lapce.escape();
    stage.lapce.invoke();
    stage.wait_ghost(" = strong");
    assert_eq!((stage.requests(), strong.exchanges().len()), (1, 1), "{}", stage.trace());
    stage.finish();
}

#[test]
fn typing_on_lets_a_local_server_load_its_model() {
    let slow = says(shape::ollama_generate, "s = late").after(Duration::from_secs(3));
    let server = Server::fifo(vec![slow, says(shape::ollama_generate, " = two")]).unwrap();
    let setup = untouched().setting("provider", "ollama").setting("base-url", server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    assert!(stage.server.wait(PATIENCE, |exchanges| !exchanges.is_empty()), "{}", stage.trace());
    stage.lapce.type_keys("x", KEYS);
    stage.wait_ghost(" = two");
    assert!(has_said(&stage, "(loading?)"), "{}", stage.trace());
    let exchanges = stage.server.exchanges();
    assert!(exchanges.len() == 2 && exchanges[0].first_byte().is_some(), "{}", stage.trace());
    stage.finish();
}
