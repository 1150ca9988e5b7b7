//! Places and documents that are easily got wrong.

use volt_host::editor::Screen;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Server};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{PATIENCE, Stage, Turn, before_cursor, model, setup, untouched};

const KEYS: Keys = Keys::ms(60);

/// A stage whose model answers with what `answer` makes of the text before the cursor.
fn stage(
    bent: impl FnOnce(Setup) -> Setup,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Stage {
    let server = model(shape::openai_chat as Shape, Pace::AT_ONCE, answer);
    let setup = bent(setup("openai", &server.url()));
    Stage::new(Turn::shared(), server, setup)
}

/// What the model was shown last.
fn shown_last(stage: &Stage) -> String {
    stage.server.exchanges().last().map(|one| before_cursor(&one.request)).unwrap_or_default()
}

#[test]
fn the_ghost_follows_the_user_from_document_to_document() {
    let mut stage = stage(|setup| setup, |before| format!(" = {}", before.trim_start_matches("let ")));
    stage.open("src/one.py", "python", "|");
    stage.lapce.type_keys("let one", KEYS);
    stage.wait_ghost(" = one");
    stage.open("src/two.py", "python", "|");
    stage.lapce.type_keys("let two", KEYS);
    stage.wait_ghost(" = two");
    stage.lapce.tab();
    stage.lapce.switch_to("src/one.py");
    stage.lapce.type_keys("s", KEYS);
    stage.wait_ghost(" = ones");
    stage.lapce.tab();
    assert_eq!(stage.lapce.text_of("src/one.py").as_deref(), Some("let ones = ones"));
    assert_eq!(stage.lapce.text_of("src/two.py").as_deref(), Some("let two = two"));
    stage.finish();
}

#[test]
fn a_file_that_was_open_before_the_plugin_is_known_from_the_disk() {
    let folder = std::env::temp_dir().join(format!("volt-old-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("old file.py"), "# größe\n").unwrap();
    let workspace = folder.clone();
    let mut stage = stage(
        |setup| setup.losing_early_open().workspace(Some(workspace)),
        |before| if before == "# größe\nlet one" { " = 1".to_owned() } else { format!("{before:?}?") },
    );
    stage.open("old file.py", "python", "# größe\n|");
    stage.settle();
    stage.lapce.type_keys("let one", KEYS);
    stage.wait_ghost(" = 1");
    stage.finish();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_document_with_carriage_returns_keeps_them() {
    let mut stage = stage(
        |setup| setup,
        |before| {
            if before.ends_with("first") { " = 1\nlet second = 2".to_owned() } else { " = 3".to_owned() }
        },
    );
    stage.open("src/crlf.py", "python", "# sums\r\n\r\n|\r\n# end\r\n");
    stage.lapce.type_keys("let first", KEYS);
    stage
        .lapce
        .wait_until(PATIENCE, |screen| {
            screen.ghost_at_cursor() && screen.ghost_text().ends_with("second = 2")
        })
        .unwrap();
    stage.lapce.tab();
    let text = "# sums\r\n\r\nlet first = 1\r\nlet second = 2\r\n# end\r\n";
    assert_eq!(stage.lapce.screen().text, text);
    stage.lapce.type_keys("\n", KEYS);
    // The next key would come just when this is drawn.
    stage.wait_ghost(" = 3");
    stage.lapce.type_keys("let third", KEYS);
    stage.wait_ghost(" = 3");
    assert!(
        shown_last(&stage).replace('\r', "").ends_with("second = 2\nlet third"),
        "{:?}",
        shown_last(&stage)
    );
    stage.lapce.tab();
    assert_eq!(stage.lapce.screen().text, text.replace("# end", "let third = 3\r\n# end"));
    stage.finish();
}

#[test]
fn columns_count_as_the_editor_counts_them() {
    let mut stage = stage(|setup| setup, |_| " = \"𝕏→é\"; // größe".to_owned());
    stage.open("src/wide.py", "python", "# 🦀🦀 größe\nlet s = \"👩🚀\"; |");
    stage.lapce.type_keys("let é𝕏", KEYS);
    stage.wait_ghost(" = \"𝕏→é\"; // größe");
    assert!(shown_last(&stage).ends_with("let s = \"👩🚀\"; let é𝕏"), "{}", shown_last(&stage));
    for key in [" ", "="] {
        stage.lapce.type_keys(key, KEYS);
        stage.wait_answer();
    }
    stage.wait_ghost(" \"𝕏→é\"; // größe");
    assert_eq!(stage.requests(), 1);
    stage.lapce.tab();
    assert!(
        stage.lapce.screen().text.ends_with("; let é𝕏 = \"𝕏→é\"; // größe"),
        "{:?}",
        stage.lapce.screen()
    );
    stage.finish();
}

#[test]
fn brackets_that_the_editor_closed_are_not_closed_again() {
    let mut stage = stage(|setup| setup, |_| "first, second)".to_owned());
    stage.open("src/call.py", "python", "|");
    stage.lapce.type_keys("total(", KEYS);
    stage.wait_ghost("first, second");
    stage.lapce.tab();
    assert_eq!(stage.lapce.screen().text, "total(first, second)");
    stage.finish();
}

#[test]
fn how_much_code_may_stand_behind_the_cursor_is_the_users_choice() {
    for (most, asks) in [(Some(0), false), (Some(10), false), (None, true)] {
        let with =
            |setup: Setup| most.iter().fold(setup, |setup, most| setup.setting("max-line-suffix", *most));
        let mut stage = stage(with, |_| "_of(order)".to_owned());
        stage.open("src/one.py", "python", "total = | + price_of(item) + tax;");
        stage.lapce.type_keys("x", KEYS);
        if asks {
            assert!(stage.server.wait(PATIENCE, |exchanges| !exchanges.is_empty()), "{most:?}");
        } else {
            stage.settle();
            assert_eq!(stage.server.exchanges().len(), 0, "{most:?}");
            // Who asks for it has it.
            stage.lapce.invoke();
            assert!(stage.server.wait(PATIENCE, |exchanges| !exchanges.is_empty()), "{most:?}");
        }
        stage.settle();
        stage.finish();
    }
}

#[test]
fn a_file_of_secrets_stays_on_the_machine_and_the_user_hears_why() {
    let mut stage = stage(|setup| setup, |_| " = 1".to_owned());
    stage.open(".env", "", "DATABASE_TOKEN=hush-hush\n|");
    stage.lapce.type_keys("DATABASE", KEYS);
    stage.settle();
    stage.lapce.invoke();
    stage.wait_answer();
    let status = stage.settle().status.concat();
    assert!(status.contains("`secret-files`") && status.contains(".env"), "{status:?}");
    assert_eq!(stage.requests(), 0);

    // Nor does it go out beside another file that looks like it.
    stage.open("src/env.py", "python", "DATABASE_TOKEN=read(\"DATABASE_TOKEN\")\n|");
    stage.lapce.type_keys("DATABASE", KEYS);
    stage.wait_ghost(" = 1");
    let told = String::from_utf8_lossy(&stage.server.exchanges()[0].request.body).into_owned();
    assert!(told.contains("DATABASE_TOKEN") && !told.contains("hush-hush"), "{told}");
    stage.finish();
}

#[test]
fn before_a_provider_is_named_nothing_is_sent_and_asking_tells_how() {
    // An Ollama on the machine that runs the tests is none of theirs.
    let setup = untouched().env("OPENAI_API_KEY", crate::stage::KEY).env("OLLAMA_HOST", "127.0.0.1:9");
    let mut stage = Stage::new(Turn::shared(), Server::fifo(Vec::new()).unwrap(), setup);
    stage.open("src/sum.py", "python", "|");
    stage.lapce.type_keys("let total", KEYS);
    // Once, and again for whoever asks.
    let told = |screen: &Screen, times: usize| {
        screen.popups.len() == times && screen.popups.iter().all(|one| one.message.contains("`provider`"))
    };
    stage.lapce.wait_until(PATIENCE, |screen| told(screen, 1)).unwrap();
    stage.lapce.type_keys(" = 1", KEYS);
    assert!(told(&stage.settle(), 1), "{}", stage.trace());
    stage.lapce.invoke();
    stage.lapce.wait_until(PATIENCE, |screen| told(screen, 2)).unwrap();
    assert_eq!(stage.lapce.screen().ghost, None);
    stage.finish();
}
