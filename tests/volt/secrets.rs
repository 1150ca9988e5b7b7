//! The key is in the request, and nowhere else.

use std::time::Duration;

use volt_host::Pace as Keys;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Script, Server};

use crate::stage::{KEY, PATIENCE, Stage, Turn, tokens, untouched};

const KEYS: Keys = Keys::ms(60);

#[test]
fn while_a_request_runs_no_command_line_no_environment_and_no_file_holds_the_key() {
    for (provider, shape, header) in [
        ("openai", shape::openai_chat as Shape, ("authorization", format!("Bearer {KEY}"))),
        ("anthropic", shape::anthropic, ("x-api-key", KEY.to_owned())),
    ] {
        let answer = " = first\nlet second = third\nlet fourth = fifth";
        let script = Script::stream(shape, &tokens(answer), Pace::over(Duration::from_secs(1)));
        let server = Server::fifo(vec![script]).unwrap();
        // The user's own environment does not hold it, so that no process may.
        let version = if provider == "openai" { "/v1" } else { "" };
        let setup = untouched()
            .setting("provider", provider)
            .setting("base-url", format!("{}{version}", server.url()))
            .setting("api-key", KEY);
        let mut stage = Stage::new(Turn::shared(), server, setup);
        stage.open("src/sums.py", "python", "|");
        stage.lapce.type_keys("let total", KEYS);
        let arrived =
            stage.server.wait(PATIENCE, |exchanges| exchanges.iter().any(|one| !one.writes.is_empty()));
        assert!(arrived, "{}", stage.trace());

        assert!(!stage.curls().is_empty(), "curl should be running");
        for process in stage.lapce.processes().unwrap() {
            // One that has just ended has none.
            let environment = std::fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&environment).contains(KEY), "{process:?}");
            assert!(!format!("{process:?}").contains(KEY), "{process:?}");
        }
        let files = stage.lapce.files_left();
        assert!(!files.is_empty(), "the pipes should be there");
        for file in files.iter().map(|file| stage.lapce.folder().join(file)) {
            // A pipe would make us wait.
            if file.metadata().is_ok_and(|data| data.is_file()) {
                let content = std::fs::read(&file).unwrap_or_default();
                assert!(!String::from_utf8_lossy(&content).contains(KEY), "{}", file.display());
            }
        }
        stage.wait_ghost(answer);
        assert_eq!(stage.server.exchanges()[0].request.header(header.0), Some(header.1.as_str()));
        stage.finish();
    }
}

#[test]
fn a_key_that_the_provider_repeats_is_not_told() {
    let words = format!("Incorrect API key provided: {KEY}. See https://example.com/keys.");
    let body = format!(
        r#"{{"error":{{"message":"{words}","type":"invalid_request_error","code":"invalid_api_key"}}}}"#
    );
    let server = Server::fifo(vec![Script::whole(401, "application/json", body)]).unwrap();
    let address = format!("{}/v1", server.url());
    let setup =
        untouched().setting("provider", "openai").setting("base-url", address).setting("api-key", KEY);
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.py", "python", "let total|");
    stage.lapce.invoke();
    let screen = stage.settle();
    assert_eq!(screen.popups.len(), 1);
    assert!(!format!("{screen:?}").contains(KEY), "{screen:?}");
    // And nothing of it in messages and logs.
    stage.finish();
}
