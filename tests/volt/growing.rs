//! A ghost that grows: what shows of a slow answer, and typing along it.

use std::time::{Duration, Instant};

use volt_host::server::shape::{self, Shape};
use volt_host::server::{End, Pace, Script, Server};
use volt_host::{Evidence, Pace as Keys, Setup};

use crate::stage::{PATIENCE, Stage, Turn, setup, tokens};

const TYPED: &str = "let these = ";
const KEYS: Keys = Keys::ms(83);

/// Twelve lines, no two alike.
fn twelve_lines() -> String {
    let lines = (1..12).map(|n| format!("\n    let value_{n} = compute_the_value_of({n});"));
    std::iter::once("compute_the_value_of(0);".to_owned()).chain(lines).collect()
}

/// A stage whose model writes [`twelve_lines`] over `writing` after `latency`.
fn stage(turn: Turn, latency: Duration, writing: Duration) -> Stage {
    stage_with(turn, latency, writing, |setup| setup)
}

/// The same with further settings.
fn stage_with(
    turn: Turn,
    latency: Duration,
    writing: Duration,
    settings: impl FnOnce(Setup) -> Setup,
) -> Stage {
    let script = Script::stream(
        shape::openai_chat as Shape,
        &tokens(&twelve_lines()),
        Pace::over(writing).after(latency),
    );
    let server = Server::start(move |_| script.clone()).unwrap();
    let setup = settings(setup("openai", &server.url()));
    let mut stage = Stage::new(turn, server, setup);
    stage.open("src/main.rs", "rust", "fn main() {\n    |\n}\n");
    stage
}

/// The ghosts drawn since the last key, one after the other.
fn updates(stage: &Stage) -> Vec<String> {
    let evidence = stage.lapce.evidence();
    let last_key = evidence.acts.last().copied().unwrap();
    let mut ghosts: Vec<String> =
        evidence.ghosts().filter(|(at, _)| *at >= last_key).map(|(_, text)| text.to_owned()).collect();
    ghosts.dedup();
    ghosts
}

#[test]
fn twelve_lines_grow_at_least_three_times_and_end_whole_without_a_further_key() {
    for writing in [1200, 4000].map(Duration::from_millis) {
        let mut stage = stage(Turn::alone(), Duration::from_millis(400), writing);
        stage.lapce.type_keys(TYPED, KEYS);
        stage.wait_ghost(&twelve_lines());
        let updates = updates(&stage);
        assert!(updates.len() >= 3, "{writing:?}: {updates:?}\n{}", stage.trace());
        assert!(updates.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "{updates:?}");
        let wakeups = stage.lapce.evidence().wakeups_between_acts().last().copied().unwrap();
        assert!(wakeups <= 6, "{wakeups} wake-ups\n{}", stage.trace());
        assert_eq!(stage.requests(), 1);
        stage.finish();
    }
}

#[test]
fn who_types_along_and_takes_the_rest_at_once_gets_what_is_shown() {
    for line_ms in [50, 150, 300] {
        for along in 1..=3 {
            let writing = 12 * Duration::from_millis(line_ms);
            // Longer than any pause between the keys, also where the machine is busy: so there is one request.
            let fixed = |setup: Setup| setup.setting("debounce-ms", 1000);
            let mut stage = stage_with(Turn::shared(), Duration::from_millis(200), writing, fixed);
            stage.lapce.type_keys(TYPED, KEYS);
            let drawn = stage.lapce.wait_until(PATIENCE, |screen| screen.ghost_at_cursor());
            let ghost = drawn.unwrap_or_else(|error| panic!("{error:#}\n{}", stage.trace()));
            let keys: String = ghost.ghost_text().chars().take(along).collect();
            stage.lapce.type_keys(&keys, Keys::ms(120));
            // Lapce moves a whole ghost along by itself; its Tab is right once the plugin has handled the key.
            let is_handled = |evidence: &Evidence| evidence.told.iter().all(|told| told.handled.is_some());
            stage.lapce.wait_for(PATIENCE, is_handled).unwrap();
            // Tab comes as soon as the ghost is seen again.
            let before = stage
                .lapce
                .wait_until(PATIENCE, |screen| screen.ghost_at_cursor())
                .unwrap_or_else(|error| panic!("{error:#}\n{}", stage.trace()));
            let is_honest = stage.lapce.tab_is_honest();
            stage.lapce.tab();
            let context = format!("{line_ms} ms a line, {along} keys along");
            assert!(is_honest, "{context}\n{}", stage.trace());
            assert!(before.ghost_at_cursor(), "{context}: no ghost\n{}", stage.trace());
            let evidence = stage.lapce.evidence();
            assert!(evidence.tabs.iter().all(|tab| tab.as_shown), "{context}\n{}", stage.trace());
            assert_eq!(stage.requests(), 1, "{context}\n{}", stage.trace());
            stage.finish();
        }
    }
}

#[test]
fn invoking_a_slow_model_while_keys_go_on_shows_what_fits_the_last_of_them() {
    let server =
        crate::stage::model(shape::openai_chat, Pace::AT_ONCE.after(Duration::from_millis(1500)), |before| {
            format!(" = {}", before.trim_start_matches("let "))
        });
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.py", "python", "|");
    stage.lapce.type_keys("let o", KEYS);
    stage.lapce.invoke();
    assert!(stage.server.wait(PATIENCE, |exchanges| exchanges.len() == 1), "{}", stage.trace());
    stage.lapce.type_keys("ne", Keys::ms(200));
    stage.wait_ghost(" = one");
    let evidence = stage.lapce.evidence();
    let before_keys = evidence
        .told
        .iter()
        .filter(|told| told.method == "initialized")
        .filter_map(|told| told.handled)
        .max();
    let waits =
        evidence.told.iter().filter(|told| Some(told.queued) > before_keys).map(volt_host::Told::wait);
    assert!(waits.max() < Some(Duration::from_millis(500)), "a key waited\n{}", stage.trace());
    stage.finish();
}

#[test]
fn an_answer_that_has_ended_shows_although_the_server_keeps_the_connection() {
    for (provider, shape) in [
        ("openai", shape::openai_chat as Shape),
        ("openai-responses", shape::openai_responses),
        ("anthropic", shape::anthropic),
        ("ollama", shape::ollama_generate),
        ("llama-cpp", shape::llamacpp_infill),
    ] {
        // One line: no further line of text tells the plugin to read.
        let answer = tokens("compute_the_value();");
        let script = Script::stream(shape, &answer, Pace::AT_ONCE).cut(usize::MAX, End::Stall);
        let server = Server::start(move |_| script.clone()).unwrap();
        // What is asked ahead is not read before it is needed, so it would be kept as long.
        let setup =
            setup(provider, &server.url()).setting("timeout.idle-ms", 120_000).setting("speculative", "off");
        let mut stage = Stage::new(Turn::shared(), server, setup);
        stage.open("src/main.rs", "rust", "fn main() {\n    |\n}\n");
        stage.lapce.type_keys(TYPED, KEYS);
        stage.wait_ghost("compute_the_value();");
        let is_idle = stage.lapce.wait_until(PATIENCE, |screen| screen.status.is_empty());
        assert!(is_idle.is_ok(), "{provider} still waits\n{}", stage.trace());
        stage.finish();
    }
}

#[test]
fn when_nothing_is_going_on_nothing_wakes_the_editor() {
    let mut stage = stage(Turn::shared(), Duration::from_millis(50), Duration::from_millis(200));
    stage.lapce.type_keys(TYPED, KEYS);
    stage.wait_ghost(&twelve_lines());
    stage.settle();
    let settled = Instant::now();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(stage.lapce.evidence().wakeups_since(settled), 0, "{}", stage.trace());
    stage.finish();
}
