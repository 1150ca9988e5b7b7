//! What the user hears when the provider refuses: the cause and the setting, once, while typing goes on.

use std::time::Duration;

use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Script, Server, error};
use volt_host::{Lapce, Pace as Keys, Setup};

use crate::stage::{PATIENCE, Stage, Turn, setup, tokens};
use crate::without::without_curl;

/// Keys in groups, with a pause to ask in after each.
const GROUPS: [&str; 3] = ["let first", " = second", " + third"];
const KEYS: Keys = Keys::ms(60);

/// Types all groups, each once the plugin is done with the one before.
fn type_groups(stage: &mut Stage) {
    for group in GROUPS {
        stage.lapce.type_keys(group, KEYS);
        stage.settle();
    }
}

/// The one pop-up there must be. A passing failure is told once it is tried again in vain.
fn told(lapce: &Lapce) -> String {
    let screen = lapce.wait_until(PATIENCE, |screen| !screen.popups.is_empty());
    let popups = screen.unwrap().popups;
    let [popup] = &popups[..] else { panic!("{popups:#?}") };
    popup.message.clone()
}

#[test]
fn a_refusal_is_told_once_with_its_cause_and_the_setting() {
    let html = |status| Script::html(status);
    let cases: [(&str, Script, &[&str]); 10] = [
        ("openai", error::openai(401), &["OpenAI", "API key", "`api-key-env`"]),
        ("openai", error::openai(404), &["OpenAI", "`model`", "`base-url`"]),
        ("openai", error::openai(429), &["OpenAI", "wait for 2 s"]),
        ("openai", error::openai(500), &["OpenAI", "failed or is overloaded"]),
        ("openai", html(404), &["Nothing answers at http:", "`base-url`", "`provider`"]),
        ("openai", html(200), &["OpenAI", "`base-url`", "`provider`"]),
        ("anthropic", error::anthropic(401), &["Anthropic", "API key", "`api-key-env`"]),
        ("anthropic", error::anthropic(404), &["Anthropic", "`model`"]),
        ("anthropic", error::anthropic(429), &["Anthropic", "wait for 2 s"]),
        ("anthropic", error::anthropic(529), &["Anthropic", "failed or is overloaded"]),
    ];
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || is_told_once(case));
        }
    });
}

fn is_told_once((provider, script, parts): (&str, Script, &[&str])) {
    let server = Server::fifo(vec![script]).unwrap();
    // Longer than between two keys of a group, so that a pause is what lies between groups.
    let setup = setup(provider, &server.url()).setting("debounce-ms", 300);
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    type_groups(&mut stage);
    let message = told(&stage.lapce);
    assert!(parts.iter().all(|part| message.contains(part)), "{provider}: {message}");
    // Each pause asks at most twice: a passing failure is tried once more.
    assert!(stage.requests() <= 2 * GROUPS.len(), "{message}: {} requests", stage.requests());
    assert_eq!(stage.lapce.screen().text, GROUPS.concat(), "{message}");
    stage.finish();
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let nobody = Server::nobody().unwrap();
    let setup = setup("openai", &nobody);
    let mut stage = Stage::new(Turn::shared(), Server::fifo(Vec::new()).unwrap(), setup);
    stage.open("src/sum.rs", "rust", "|");
    type_groups(&mut stage);
    let message = told(&stage.lapce);
    assert!(message.contains(&nobody) && message.contains("`base-url`"), "{message}");
    stage.finish();
}

#[test]
fn a_rate_limit_pauses_the_asking_and_then_ends() {
    let answer = Script::stream(shape::openai_chat as Shape, &tokens(" = one"), Pace::AT_ONCE);
    let refusal = error::openai(429);
    let server = Server::fifo(vec![refusal, answer]).unwrap();
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.settle();
    stage.lapce.type_keys("s", KEYS);
    stage.settle();
    assert_eq!(stage.requests(), 1, "asked although told to wait\n{}", stage.trace());
    // The server's two seconds are real ones.
    std::thread::sleep(Duration::from_secs(2));
    stage.lapce.type_keys("x", KEYS);
    stage.wait_ghost(" = one");
    stage.finish();
}

#[test]
fn an_answer_that_works_ends_the_silence_about_a_failure() {
    let answer = Script::stream(shape::openai_chat as Shape, &tokens(" = one"), Pace::AT_ONCE);
    let server = Server::fifo(vec![error::openai(401), answer, error::openai(401)]).unwrap();
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    type_groups(&mut stage);
    assert_eq!(stage.lapce.screen().popups.len(), 2, "{}", stage.trace());
    stage.finish();
}

/// What the status bar shows of it.
const BAR: usize = 80;

/// What is wrong, and what alt+\ has the status bar say first.
type Wrong = (&'static str, fn(Setup) -> Setup, &'static str);

#[test]
fn alt_backslash_names_the_first_thing_that_failed_with_its_fix() {
    let keeps: fn(Setup) -> Setup = |setup| setup;
    let cases: [Wrong; 6] = [
        ("ollama", keeps, "Set `model`: there is `qwen2.5-coder:1.5b-base`, `llama3:8b`."),
        ("ollama", |setup| setup.setting("model", "../x"), "`model` must be the name of a model"),
        (
            "openai",
            |setup| setup.setting("api-key-env", "sk-not-a-name"),
            "`api-key-env` must be the name of",
        ),
        ("openai", |setup| setup.setting("proxy", "proxy:3128"), "`proxy` must be a URL"),
        ("openai", without_curl, "curl is not installed: install it and reload the plugin"),
        ("openai", Setup::unwritable_folder, "Make the plugin's folder writable: it is not writable"),
    ];
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || is_named(case));
        }
    });
}

fn is_named((provider, wrong, expected): Wrong) {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/tags" => Script::whole(
            200,
            "application/json",
            r#"{"models":[{"name":"llama3:8b"},{"name":"qwen2.5-coder:1.5b-base"}]}"#,
        ),
        _ => Script::whole(404, "application/json", r#"{"error":"model 'qwen-coder' not found"}"#),
    });
    let server = server.unwrap();
    let setup = setup(provider, &server.url()).setting("model", "qwen-coder").setting("trigger", "invoked");
    let mut stage = Stage::new(Turn::shared(), server, wrong(setup));
    stage.open("src/sum.rs", "rust", "let a|");
    // Where nothing can be written the user has agreed to nothing yet: the second alt+\ does.
    let mut bar = String::new();
    for _ in 0..2 {
        stage.lapce.invoke();
        stage.wait_answer();
        bar = stage.settle().status.join("\n");
        if !bar.contains("alt+\\ again") {
            break;
        }
    }
    let shown: String = bar.trim_start_matches("AI: ").chars().take(BAR).collect();
    assert!(shown.starts_with(expected), "{expected}: {shown}\n{}", stage.trace());
    stage.finish();
}
