//! After Tab: what the model wrote on, and what was asked ahead.

use std::time::Duration;

use volt_host::Pace as Keys;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Request, Script, Server};

use crate::stage::{PATIENCE, Stage, Turn, model, setup};

const KEYS: Keys = Keys::ms(60);

#[test]
fn what_the_model_wrote_past_the_block_is_offered_on_the_next_line_without_a_request() {
    const FIRST: &str = "(x: u8) -> u8 {\n    x + 1\n}";
    const SECOND: &str = "fn two(x: u8) -> u8 {\n    x + 2\n}";
    let server = model(shape::openai_chat, Pace::AT_ONCE, |before| match before.contains("fn two") {
        true => String::new(),
        false => format!("{FIRST}\n\n{SECOND}\n\nfn three"),
    });
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.rs", "rust", "//! Sums.\n\n|\n");
    stage.lapce.type_keys("fn one", KEYS);
    stage.wait_ghost(FIRST);
    stage.lapce.tab();
    stage.lapce.type_keys("\n", KEYS);
    stage.wait_ghost(SECOND);
    assert_eq!(stage.requests(), 1, "asked again\n{}", stage.trace());
    stage.lapce.tab();
    assert!(stage.lapce.screen().text.ends_with(&format!("fn one{FIRST}\n{SECOND}\n")));
    stage.finish();
}

#[test]
fn what_follows_a_suggestion_is_asked_for_while_it_is_shown_where_that_costs_nothing() {
    let play = |request: &Request| {
        let prompt = request.json()["prompt"].as_str().unwrap_or_default().to_owned();
        let text = match prompt {
            prompt if prompt.ends_with("one();") => "\n    two();",
            prompt if prompt.contains("two();") => "three();",
            _ => "one();",
        };
        let pace = Pace::AT_ONCE.after(Duration::from_millis(200));
        Script::stream(shape::ollama_generate as Shape, &[text], pace)
    };
    let server = Server::start(play).unwrap();
    let setup = setup("ollama", &server.url()).setting("fim", "suffix");
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/steps.rs", "rust", "fn steps() {\n    |\n}\n");
    stage.lapce.type_keys("// go\n", KEYS);
    stage.wait_ghost("one();");
    // The state after taking it is asked about before it is taken.
    let ahead = |prompts: &[String]| prompts.iter().any(|prompt| prompt.ends_with("one();"));
    let prompts = |stage: &Stage| -> Vec<String> {
        let exchanges = stage.server.exchanges();
        let prompt = |exchange: &volt_host::server::Exchange| exchange.request.json()["prompt"].to_string();
        exchanges.iter().map(prompt).map(|prompt| prompt.trim_matches('"').to_owned()).collect()
    };
    assert!(
        stage.server.wait(PATIENCE, |exchanges| exchanges.len() == 2) && ahead(&prompts(&stage)),
        "{:?}",
        prompts(&stage)
    );
    // Its answer waits for the next key; nothing else does.
    stage.wait_no_request();
    stage.lapce.tab();
    stage.wait_ghost("\n    two();");
    stage.lapce.type_keys("\n", KEYS);
    stage.wait_ghost("two();");
    stage.lapce.tab();
    assert_eq!(stage.lapce.screen().text, "fn steps() {\n    // go\n    one();\n    two();\n}\n");
    // A key that contradicts what is shown ends what was asked ahead, too.
    stage.lapce.type_keys("\n", KEYS);
    stage.wait_ghost("three();");
    stage.lapce.type_keys("z", KEYS);
    stage.wait_ghost("three();");
    stage.finish();
}
