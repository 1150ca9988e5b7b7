//! Nothing is set: a model that runs on this machine is found by itself, and nobody else hears of anything.

use volt_host::server::shape::{self, Shape};
use volt_host::server::{Exchange, Pace, Request, Script, Server};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{PATIENCE, Stage, Turn, untouched};

const KEYS: Keys = Keys::ms(60);

/// An Ollama with these models, one of which writes ` = 1`.
fn ollama(tags: &'static str) -> Server {
    let play = move |request: &Request| match request.path.as_str() {
        "/api/tags" => Script::whole(200, "application/json", tags),
        "/api/generate" => Script::stream(shape::ollama_generate as Shape, &[" = 1"], Pace::AT_ONCE),
        _ => Script::html(404),
    };
    Server::start(play).unwrap()
}

/// A user who has set nothing but where their Ollama listens, which Ollama's own tools need to be told too.
fn beside(server: &Server) -> Setup {
    untouched()
        .env("OLLAMA_HOST", server.url().trim_start_matches("http://"))
        .env("OLLAMA_API_KEY", crate::stage::KEY)
}

fn paths(stage: &Stage) -> Vec<String> {
    stage.server.exchanges().iter().map(|exchange: &Exchange| exchange.request.path.clone()).collect()
}

#[test]
fn from_a_running_ollama_to_ghost_text_with_no_setting_at_all() {
    let server = ollama(r#"{"models":[{"name":"llama3.2:3b"},{"name":"qwen2.5-coder:1.5b-base"}]}"#);
    let setup = beside(&server);
    let mut stage = Stage::unconfirmed(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    stage.wait_ghost(" = 1");
    let evidence = stage.lapce.evidence();
    assert!(evidence.mentions("found Ollama · qwen2.5-coder:1.5b-base on this machine"), "{}", stage.trace());
    assert_eq!(stage.lapce.screen().popups.len(), 0);
    stage.lapce.tab();
    stage.settle();
    let asked = paths(&stage);
    assert_eq!(asked.iter().filter(|path| *path == "/api/tags").count(), 1, "{asked:?}");
    let completion =
        stage.server.exchanges().into_iter().find(|one| one.request.path == "/api/generate").unwrap();
    assert_eq!(completion.request.json()["model"], "qwen2.5-coder:1.5b-base");
    assert_eq!(completion.request.header("authorization"), None, "a key went to a server that was found");
    stage.finish();
}

#[test]
fn what_has_no_model_for_code_is_asked_for_its_list_and_nothing_else() {
    let server = ollama(r#"{"models":[{"name":"llama3.2:3b"}]}"#);
    let setup = beside(&server);
    let mut stage = Stage::unconfirmed(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let first", KEYS);
    let told = |screen: &volt_host::editor::Screen| !screen.popups.is_empty();
    let screen = stage.lapce.wait_until(PATIENCE, told).unwrap();
    let message = &screen.popups[0].message;
    assert!(
        message.starts_with("Get a model for code: `ollama pull ") && message.lines().count() == 2,
        "{message}"
    );
    stage.lapce.type_keys(" = second", KEYS);
    stage.settle();
    assert_eq!(paths(&stage), ["/api/tags"]);
    // Who asks is told again, and the list is looked at again.
    stage.lapce.invoke();
    let told = |screen: &volt_host::editor::Screen| {
        screen.popups.len() == 2 && screen.status.concat().contains("ollama pull")
    };
    stage.lapce.wait_until(PATIENCE, told).unwrap();
    stage.settle();
    assert_eq!(paths(&stage), ["/api/tags", "/api/tags"]);
    stage.finish();
}
