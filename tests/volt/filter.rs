//! `content-filter`: text that never shows, whatever the model writes and whatever folder is open.

use std::path::PathBuf;
use std::time::Duration;

use ai_completion::config::CONTENT_FILTER;
use serde_json::json;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Script, Server};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{Stage, Turn, setup};

/// A stage whose model writes these tokens, in chunks of `size` bytes of the body if that is not 0.
fn stage(tokens: &'static [&'static str], size: usize, settings: impl FnOnce(Setup) -> Setup) -> Stage {
    let pace = Pace::over(Duration::from_millis(if size == 0 { 600 } else { 0 }));
    let server = Server::start(move |_| {
        let script = Script::stream(shape::openai_chat as Shape, tokens, pace);
        if size == 0 { script } else { script.rechunk(size) }
    })
    .unwrap();
    let setup = settings(setup("openai", &server.url()));
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/main.rs", "rust", "fn main() {\n    |\n}\n");
    stage
}

/// Types and waits for this ghost; no ghost ever had one of these texts in it.
fn shows(stage: &mut Stage, ghost: &str, never: &[&str]) {
    stage.lapce.type_keys("let a = ", Keys::ms(83));
    stage.wait_ghost(ghost);
    let evidence = stage.lapce.evidence();
    for (_, drawn) in evidence.ghosts() {
        assert!(!never.iter().any(|text| drawn.contains(text)), "{drawn:?}\n{}", stage.trace());
    }
}

#[test]
fn what_matches_never_shows_however_the_answer_is_cut() {
    let tokens =
        &["open(", "\"htt", "p://int", "ernal/x", "\");", "\n    ", "let b = s", "ecr", "et + secre;"];
    for size in [0, 1, 97] {
        let mut stage = stage(tokens, size, |setup| {
            setup
                .setting("content-filter", json!(["http://internal*\"", "secret"]))
                .setting("content-filter-replacement", "#")
        });
        shows(&mut stage, "open(\"#);\n    let b = # + secre;", &["internal", "secret"]);
        stage.finish();
    }
}

#[test]
fn one_text_is_a_list_of_one_and_is_left_out() {
    let filter = |setup: Setup| setup.setting("content-filter", " // NOTE*");
    let mut stage = stage(&["f(1); // ", "NO", "TE b"], 0, filter);
    shows(&mut stage, "f(1);", &["NOTE"]);
    stage.finish();
}

/// A folder to open in Lapce, with settings of its own or without.
fn workspace(name: &str, has_settings: bool) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join(".lapce")).unwrap();
    if has_settings {
        std::fs::write(folder.join(".lapce/settings.toml"), "[ai-completion]\ncontent-filter = [\"blue\"]\n")
            .unwrap();
    }
    folder
}

#[test]
fn a_folder_with_settings_adds_patterns_and_takes_none_away() {
    let tokens = &["re", "d + bl", "ue + green;"];
    let kept = r##"{"content-filter":["red"],"content-filter-replacement":"#"}"##;
    for (has_settings, ghost, kept_then) in [
        // What arrives is the folder's: Lapce has put it in the place of the user's.
        (true, "# +  + green;", kept),
        // What arrives is the user's, who has changed it.
        (false, "red +  + green;", r#"{"content-filter":["blue"],"content-filter-replacement":""}"#),
    ] {
        let folder = workspace(&format!("filter-{has_settings}"), has_settings);
        let mut stage = stage(tokens, 0, |setup| {
            let setup = setup.workspace(Some(folder.clone())).file(CONTENT_FILTER, kept);
            setup.setting("content-filter", json!(["blue"]))
        });
        shows(&mut stage, ghost, &["blue"]);
        let file = stage.lapce.folder().join(CONTENT_FILTER);
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), kept_then, "{has_settings}");
        stage.finish();
    }
}
