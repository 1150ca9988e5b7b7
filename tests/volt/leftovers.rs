//! However a request ends, no process and no file stays behind, and the next one works.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use volt_host::server::shape::{self, Shape};
use volt_host::server::{End, Pace, Request, Script, Server};
use volt_host::{Lapce, Pace as Keys};

use crate::stage::{PATIENCE, Stage, Turn, before_cursor, setup, tokens};

const TYPED: &str = "let total";
/// Nothing in it repeats, so that a gap or a repetition shows.
const ANSWER: &str = " = first
let second = one + two
let third = three * four
let fourth = five - six
let fifth = seven / eight
let last = nine";
const KEYS: Keys = Keys::ms(60);

/// An answer that takes a second from its first word to its last.
fn slow(shape: Shape, text: &str) -> Script {
    Script::stream(shape, &tokens(text), Pace::over(Duration::from_secs(1)))
}

fn quick(shape: Shape, text: &str) -> Script {
    Script::stream(shape, &tokens(text), Pace::AT_ONCE)
}

fn stage(provider: &str, scripts: Vec<Script>) -> Stage {
    let server = Server::fifo(scripts).unwrap();
    let setup = setup(provider, &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.py", "python", "|");
    stage.lapce.type_keys(TYPED, KEYS);
    stage
}

/// Waits until the first answer has begun, so that curl runs.
fn wait_streaming(stage: &Stage) {
    let begun =
        stage.server.wait(PATIENCE, |exchanges| exchanges.first().is_some_and(|one| one.writes.len() > 2));
    assert!(begun, "{}", stage.trace());
}

/// Types on, against what the model has begun to write. Not while its first line is on the way to the screen: what
/// crosses it there is another matter.
fn type_on(stage: &mut Stage) {
    let drawn = stage.lapce.wait_until(PATIENCE, |screen| screen.ghost_text().starts_with(" = first"));
    drawn.unwrap_or_else(|error| panic!("{error:#}\n{}", stage.trace()));
    stage.lapce.type_keys("X", KEYS);
}

/// Types something else and waits for the ghost that the next request brings.
fn next_request_works(mut stage: Stage) {
    stage.wait_no_request();
    // At once: between two of these keys the model would have time to answer, and the second cross its ghost.
    stage.lapce.type_keys("\nnext", Keys::BURST);
    stage.wait_ghost(" = it");
    stage.finish();
}

#[test]
fn typing_on_stops_the_model() {
    let openai = shape::openai_chat;
    let mut stage = stage("openai", vec![slow(openai, &ANSWER.repeat(9)), quick(openai, " = it")]);
    type_on(&mut stage);
    let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges[0].finished.is_some());
    assert!(stopped && stage.server.exchanges()[0].hung_up, "the model wrote on\n{}", stage.trace());
    next_request_works(stage);
}

#[test]
fn a_stalled_answer_is_left_when_typing_goes_on() {
    let openai = shape::openai_chat;
    let stalled = quick(openai, ANSWER).cut(4, End::Stall);
    let mut stage = stage("openai", vec![stalled, quick(openai, " = it")]);
    type_on(&mut stage);
    let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges[0].finished.is_some());
    assert!(stopped, "the connection stays open\n{}", stage.trace());
    next_request_works(stage);
}

#[test]
fn unloading_the_plugin_ends_its_request() {
    let mut stage = stage("openai", vec![slow(shape::openai_chat, &ANSWER.repeat(9))]);
    wait_streaming(&stage);
    stage.lapce.unload().unwrap();
    let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges[0].finished.is_some());
    assert!(stopped && stage.server.exchanges()[0].hung_up, "the model wrote on\n{}", stage.trace());
    stage.wait_clean();
}

#[test]
fn a_broken_answer_is_resumed_without_a_gap_or_a_repetition() {
    for (provider, shape) in [("openai", shape::openai_chat as Shape), ("anthropic", shape::anthropic)] {
        for end in [End::Reset, End::Close] {
            let words = tokens(ANSWER);
            let (sent, missing) = words.split_at(words.len() / 2);
            // The opening goes out as a chunk of its own.
            let broken = slow(shape, ANSWER).cut(1 + sent.len(), end);
            let rest = missing.concat();
            let stage = stage(provider, vec![broken, quick(shape, &rest)]);
            stage.wait_ghost(ANSWER);
            let exchanges = stage.server.exchanges();
            assert_eq!(exchanges.len(), 2, "{provider} {end:?}\n{}", stage.trace());
            let told = exchanges[1].request.json().to_string();
            let received = serde_json::to_string(sent.concat().trim_end()).unwrap();
            assert!(told.contains(received.trim_matches('"')), "{provider} {end:?}: {told}");
            stage.finish();
        }
    }
}

/// A stage whose model is writing its first answer, slowly. All later answers are ` = it`.
fn streaming() -> Stage {
    let openai = shape::openai_chat as Shape;
    let script = move |request: &Request| match before_cursor(request).ends_with(TYPED) {
        true => slow(openai, &ANSWER.repeat(9)),
        false => quick(openai, " = it"),
    };
    let server = Server::start(script).unwrap();
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sums.py", "python", "|");
    stage.lapce.type_keys(TYPED, KEYS);
    wait_streaming(&stage);
    stage
}

/// Kills a process as nothing can be caught.
fn kill(id: u32) {
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
}

#[test]
fn however_the_editor_ends_nothing_is_left() {
    let ends: [fn(&mut Lapce); 2] = [Lapce::close, Lapce::crash];
    for end in ends {
        let mut stage = streaming();
        end(&mut stage.lapce);
        stage.wait_clean();
        let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges[0].finished.is_some());
        assert!(stopped && stage.server.exchanges()[0].hung_up, "the model wrote on\n{}", stage.trace());
    }
}

#[test]
fn a_killed_agent_takes_its_request_along_and_the_next_one_works() {
    let stage = streaming();
    let agents = stage.lapce.language_servers().unwrap();
    let [agent] = &agents[..] else { panic!("{agents:?}") };
    kill(agent.id);
    let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges[0].finished.is_some());
    assert!(stopped && stage.server.exchanges()[0].hung_up, "the model wrote on\n{}", stage.trace());
    next_request_works(stage);
}

#[test]
fn an_agent_whose_folder_is_removed_leaves_nothing_and_the_next_request_works() {
    let stage = streaming();
    let is_agents =
        |file: &&PathBuf| file.components().count() == 1 && file.to_string_lossy().starts_with("agent-");
    let files = stage.lapce.files_left();
    let folder = files.iter().find(is_agents).unwrap_or_else(|| panic!("{files:?}"));
    std::fs::remove_dir_all(stage.lapce.folder().join(folder)).unwrap();
    next_request_works(stage);
}

#[test]
fn a_killed_curl_is_replaced() {
    let openai = shape::openai_chat;
    let whole = Script::stream(openai, &tokens(ANSWER), Pace::AT_ONCE);
    let stalled = quick(openai, ANSWER).cut(4, End::Stall);
    let stage = stage("openai", vec![stalled, whole]);
    wait_streaming(&stage);
    stage.curls().iter().for_each(|curl| kill(curl.id));
    // The model, told to go on, says again what it has said: the seam is found.
    stage.wait_ghost(ANSWER);
    assert_eq!(stage.requests(), 2, "{}", stage.trace());
    stage.finish();
}
