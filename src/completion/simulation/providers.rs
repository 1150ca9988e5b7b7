//! Whom the plugin asks: a fallback while the provider is away, another model for alt+\, a key that a command prints, and
//! a server that has yet to load its model.

use serde_json::{Value, json};

use super::desk::{Act, Desk, Model, Serve, answer};
use crate::completion::ghost::MOST_REQUESTS;

const FILE: &str = "fn main() {\n    |\n}\n";

/// A refusal with this status and body.
fn refusal(status: u16, body: &str) -> Vec<(u64, Serve)> {
    vec![(100, Serve::Head(status)), (100, Serve::Body(body.to_owned())), (100, Serve::End)]
}

/// Servers of several models; each answers with its own name but for those that `serve` says something else of.
fn models(serve: impl Fn(&str, usize) -> Option<Vec<(u64, Serve)>> + 'static) -> Model {
    let mut count = 0;
    Box::new(move |request| {
        count += 1;
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap_or(b"{}")).unwrap();
        let name = body["model"].as_str().unwrap_or_default().to_owned();
        serve(&name, count).unwrap_or_else(|| answer(100, &[(10, &format!("by_{name}();\n"))]))
    })
}

const ROLES: &str =
    r#"{"model": "main", "speculative": "off", "cache-size": 0, "fallback": {"model": "spare"}}"#;

fn roles() -> Value {
    serde_json::from_str(ROLES).unwrap()
}

#[test]
fn the_fallback_is_asked_while_the_provider_is_away_and_then_the_provider_again() {
    for (status, body, says, back_ms) in [
        (429, "slow down", "Ollama asks to wait: asking Ollama", 10_000),
        (402, "no credit", "Ollama has no credit left: asking Ollama", 600_000),
        (503, "overloaded", "Ollama fails or is overloaded: asking Ollama", 30_000),
    ] {
        let serve = move |name: &str, count| (name == "main" && count < 5).then(|| refusal(status, body));
        let mut desk = Desk::with(FILE, models(serve), roles());
        desk.types("let ", 80, 3000);
        assert_eq!(desk.screen().ghost_text(), "by_spare();", "{status}");
        assert_eq!(desk.told(says), 1, "{status}: {:?}", desk.statuses());
        assert!(desk.screen().popups.is_empty(), "{:?}", desk.screen().popups);
        let asked = desk.asked().len();
        desk.types("x", 80, 3000);
        assert_eq!(desk.asked()[asked..], ["spare"], "{status}");
        desk.rest(back_ms);
        desk.types("y", 80, 3000);
        let asked = desk.asked();
        assert!(asked.iter().filter(|name| *name == "main").count() >= 2, "{status}: {asked:?}");
        assert_eq!(desk.told(says), 1, "said again: {:?}", desk.statuses());
    }
}

#[test]
fn a_server_that_is_gone_is_stood_in_for_too() {
    let serve = |name: &str, _| (name == "main").then(|| vec![(100, Serve::Unreachable)]);
    let mut desk = Desk::with(FILE, models(serve), roles());
    desk.types("let ", 80, 3000);
    assert_eq!(desk.screen().ghost_text(), "by_spare();");
    assert_eq!(desk.told("Ollama cannot be reached: asking Ollama"), 1, "{:?}", desk.statuses());
}

#[test]
fn no_fallback_is_asked_for_what_the_user_has_to_put_right() {
    for (status, body) in [(401, "bad key"), (404, "model 'main' not found"), (400, "bad request")] {
        let serve = move |name: &str, _| (name == "main").then(|| refusal(status, body));
        let mut desk = Desk::with(FILE, models(serve), roles());
        desk.types("let ", 80, 5000);
        assert!(desk.asked().iter().all(|name| name != "spare"), "{status}: {:?}", desk.asked());
        assert_eq!(desk.screen().popups.len(), 1, "{status}");
    }
}

#[test]
fn the_fallbacks_own_failure_is_told() {
    let serve = |name: &str, _| Some(refusal(if name == "main" { 429 } else { 401 }, "no"));
    let mut desk = Desk::with(FILE, models(serve), roles());
    desk.types("let ", 80, 5000);
    assert_eq!(desk.asked(), ["main", "spare"]);
    assert_eq!(desk.screen().popups.len(), 1);
    assert!(desk.unanswered() <= MOST_REQUESTS, "{}", desk.unanswered());
}

#[test]
fn another_model_is_asked_with_alt_and_backslash() {
    let settings = json!({"model": "fast", "speculative": "off", "invoked": {"model": "strong"}});
    let mut desk = Desk::with(FILE, models(|_, _| None), settings);
    desk.types("let ", 80, 3000);
    assert_eq!(desk.screen().ghost_text(), "by_fast();");
    // Lapce asks nothing while something is drawn.
    desk.act(Act::Esc);
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!(desk.screen().ghost_text(), "by_strong();", "{:?}", desk.asked());
    desk.types("by_strong();\nz", 80, 3000);
    assert_eq!(desk.asked()[..3], ["fast", "strong", "fast"]);
}

#[test]
fn another_model_is_asked_while_the_first_is_being_loaded() {
    let load = |_: &str, count| (count == 1).then(|| answer(120_000, &[(10, "by_slow();\n")]));
    let settings = json!({"model": "slow", "speculative": "off", "invoked": {"model": "strong"}});
    let mut desk = Desk::with(FILE, models(load), settings);
    desk.types("let ", 80, 2000);
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!(
        (desk.screen().ghost_text(), desk.asked()),
        ("by_strong();", vec!["slow".into(), "strong".into()])
    );
    // The first is still loaded, and asked when it is.
    desk.types("y", 80, 3000);
    assert_eq!((desk.asked().len(), desk.handed()), (2, 1));
    desk.rest(120_000);
    assert_eq!((desk.screen().ghost_text(), desk.asked().len()), ("by_slow();", 3));
}

#[test]
fn another_model_takes_over_from_one_that_still_writes() {
    let slow = |name: &str, _| (name == "fast").then(|| answer(100, &[(10, "by_fast(\n"), (5000, "1);\n")]));
    let settings = json!({"model": "fast", "speculative": "off", "invoked": {"model": "strong"}});
    let mut desk = Desk::with(FILE, models(slow), settings);
    desk.types("let ", 80, 1000);
    desk.act(Act::Esc);
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!((desk.screen().ghost_text(), desk.handed()), ("by_strong();", 0));
}

/// A desk whose key is printed by a command, with what becomes of the command each time.
fn with_command(model: Model, commands: &[(u64, &[Serve])]) -> Desk {
    let settings = json!({"base-url": "https://gate.example", "speculative": "off", "cache-size": 0});
    let mut desk = Desk::with_commands(FILE, model, settings, commands);
    // The gate is a new server, and it gets a key.
    desk.act(Act::Invoke);
    desk.act(Act::Invoke);
    desk
}

fn prints(key: &str) -> Vec<Serve> {
    vec![Serve::Body(key.to_owned()), Serve::End]
}

/// A server that takes one key.
fn takes(key: &'static str) -> Model {
    Box::new(move |request| {
        let sent = request.secret_headers.first().map_or("", |(_, value)| value.expose());
        if sent == key { answer(100, &[(10, "one();\n")]) } else { refusal(401, "the key is not accepted") }
    })
}

#[test]
fn a_command_prints_the_key_once_however_many_keys_are_typed_meanwhile() {
    let first = prints(" 'first'\n");
    let mut desk = with_command(takes("Bearer first"), &[(5000, &first)]);
    for key in ["a", "b", "c"] {
        desk.types(key, 80, 1000);
    }
    assert_eq!((desk.asked().len(), desk.commands_left()), (0, 0));
    assert!(desk.told("waiting for the key for Ollama") >= 1, "{:?}", desk.statuses());
    desk.rest(5000);
    assert_eq!((desk.screen().ghost_text(), desk.asked().len()), ("one();", 1));
    desk.types("d", 80, 3000);
    assert_eq!(desk.asked().len(), 2, "the key is known");
}

#[test]
fn a_key_that_comes_late_sends_nothing_where_only_the_user_asks() {
    let first = prints("first");
    let settings = json!({"base-url": "https://gate.example", "speculative": "off", "trigger": "invoked"});
    let mut desk = Desk::with_commands(FILE, takes("Bearer first"), settings, &[(5000, &first)]);
    desk.act(Act::Invoke);
    desk.act(Act::Invoke);
    desk.types("a", 80, 8000);
    assert_eq!((desk.asked().len(), desk.commands_left()), (0, 0));
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!((desk.screen().ghost_text(), desk.asked().len()), ("one();", 1));
}

#[test]
fn a_key_that_is_refused_is_asked_for_once_more_and_then_the_refusal_told() {
    let (first, second) = (prints("first"), prints("second"));
    let mut desk = with_command(takes("Bearer second"), &[(10, &first), (10, &second)]);
    desk.rest(3000);
    assert_eq!((desk.screen().ghost_text(), desk.asked().len(), desk.commands_left()), ("one();", 2, 0));
    assert!(desk.screen().popups.iter().all(|popup| !popup.message.contains("accept")));

    let third = prints("third");
    let mut desk = with_command(takes("Bearer second"), &[(10, &first), (10, &third), (10, &second)]);
    desk.rest(3000);
    assert_eq!((desk.asked().len(), desk.commands_left()), (2, 1));
    let told = desk.screen().popups.iter().filter(|popup| popup.message.contains("accept")).count();
    assert_eq!((told, desk.unanswered()), (1, 0));
    // Who asks again may have put it right.
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!((desk.screen().ghost_text(), desk.commands_left()), ("one();", 0));
}

#[test]
fn a_command_that_fails_is_told_and_not_run_for_each_key() {
    let (nothing, first) = (vec![Serve::End], prints("first"));
    let mut desk = with_command(takes("Bearer first"), &[(10, &nothing), (10, &first)]);
    desk.rest(1000);
    let popups = desk.screen().popups;
    assert!(popups.iter().any(|popup| popup.message.contains("printed nothing")), "{popups:?}");
    assert_eq!(desk.unanswered(), 0);
    desk.types("ab", 1000, 1000);
    assert_eq!((desk.asked().len(), desk.commands_left()), (0, 1));
    desk.rest(10_000);
    desk.types("c", 80, 3000);
    assert_eq!((desk.screen().ghost_text(), desk.commands_left()), ("one();", 0));
}

#[test]
fn typing_on_does_not_end_the_loading_of_a_model() {
    let serve = |_: &str, count| {
        let load = if count == 1 { 75_000 } else { 100 };
        Some(answer(load, &[(10, "x_and_more();\n")]))
    };
    // What is typed along fits the late answer, or does not.
    for (typed, ghost, requests) in [("x_", "and_more();", 1), ("qq", "x_and_more();", 2)] {
        let mut desk = Desk::with(FILE, models(serve), json!({"speculative": "off", "model": "m"}));
        desk.types("let ", 80, 2000);
        assert!(desk.told("waiting for Ollama (loading?)") >= 1, "{:?}", desk.statuses());
        for key in typed.split_inclusive(|_: char| true) {
            desk.types(key, 0, 3000);
        }
        assert_eq!((desk.asked().len(), desk.handed()), (1, 1), "{typed}");
        desk.rest(80_000);
        assert_eq!((desk.screen().ghost_text(), desk.asked().len()), (ghost, requests), "{typed}");
        desk.seen(|seen| assert!(seen.most_in_flight <= 1 && seen.stale.is_empty(), "{seen:#?}"));
    }
}

#[test]
fn what_comes_of_the_last_try_shows_without_a_key_whatever_the_wake_ups_allow() {
    let (loading, overloaded) = ("Loading model", "overloaded");
    // How many requests the pause has, if all of them fail, and how many wake-ups it may have.
    for (message, act, open_bytes, tries, wakeups) in [
        (loading, Act::Key('x'), 0, 6, 6),
        (loading, Act::Key('x'), 300_000, 3, 3),
        (overloaded, Act::Key('x'), 0, 2, 6),
        (overloaded, Act::Invoke, 0, 4, 6),
        (overloaded, Act::Invoke, 300_000, 3, 3),
    ] {
        for answers in [true, false] {
            let serve = move |_: &str, count| (!answers || count < tries).then(|| refusal(503, message));
            let mut desk = Desk::with(FILE, models(serve), json!({"speculative": "off", "model": "m"}));
            desk.open_large(open_bytes);
            desk.act(act);
            desk.rest(250_000);
            let told = format!("{message}, {act:?}, {open_bytes}, {answers}");
            assert_eq!(desk.asked().len(), tries, "{told}");
            assert_eq!(desk.screen().ghost_text(), if answers { "by_m();" } else { "" }, "{told}");
            let popups = desk.screen().popups;
            let says = if message == loading { "Ollama is still loading the model" } else { "overloaded" };
            assert_eq!(popups.len(), usize::from(!answers), "{told}");
            assert!(popups.iter().all(|popup| popup.message.contains(says)), "{told}: {popups:?}");
            desk.seen(|seen| assert!(seen.most_wakeups_in_pause <= wakeups, "{told}: {seen:#?}"));
        }
    }
}

#[test]
fn a_wake_up_is_kept_for_the_fallback_and_its_failure_is_told() {
    for (open_bytes, main, spare, wakeups) in [(0, 4, 2, 6), (300_000, 2, 1, 3)] {
        for answers in [true, false] {
            let serve = move |name: &str, _| (name == "main" || !answers).then(|| refusal(503, "overloaded"));
            let mut desk = Desk::with(FILE, models(serve), roles());
            desk.open_large(open_bytes);
            desk.act(Act::Invoke);
            desk.rest(60_000);
            let told = format!("{open_bytes}, {answers}");
            let spare = if answers { 1 } else { spare };
            assert_eq!(desk.asked(), [vec!["main"; main], vec!["spare"; spare]].concat(), "{told}");
            assert_eq!(desk.screen().ghost_text(), if answers { "by_spare();" } else { "" }, "{told}");
            assert_eq!(desk.screen().popups.len(), usize::from(!answers), "{told}");
            desk.seen(|seen| assert!(seen.most_wakeups_in_pause <= wakeups, "{told}: {seen:#?}"));
        }
    }
}

#[test]
fn an_answer_that_breaks_is_resumed_while_a_wake_up_is_left_and_what_came_of_it_shows() {
    for fallback in [json!({}), json!({"model": "spare"})] {
        for (open_bytes, requests, wakeups) in [(0, 3, 6), (300_000, 2, 3)] {
            let serve = |_: &str, count: usize| {
                let mut script = answer(100, &[(1000, &format!("line({count});\n"))]);
                script.truncate(2);
                script.push((2000, Serve::Cut));
                Some(script)
            };
            let settings = json!({"model": "m", "speculative": "off", "fallback": fallback});
            let mut desk = Desk::with(FILE, models(serve), settings);
            desk.open_large(open_bytes);
            desk.act(Act::Key('x'));
            desk.rest(60_000);
            let told = format!("{open_bytes}, {fallback}");
            assert_eq!(desk.asked().len(), requests, "{told}");
            assert_eq!(desk.screen().ghost_text().lines().count(), requests, "{told}");
            assert_eq!(desk.screen().popups.len(), 1, "{told}");
            desk.seen(|seen| assert!(seen.most_wakeups_in_pause <= wakeups, "{told}: {seen:#?}"));
        }
    }
}

#[test]
fn a_late_answer_shows_by_itself_and_nothing_where_the_caret_has_left() {
    let load = |_: &str, count| (count == 1).then(|| answer(120_000, &[(10, "late();\n")]));
    let mut desk = Desk::with(FILE, models(load), json!({"speculative": "off", "model": "m"}));
    desk.types("let ", 80, 130_000);
    assert_eq!(desk.screen().ghost_text(), "late();");

    let mut desk = Desk::with(FILE, models(load), json!({"speculative": "off", "model": "m"}));
    desk.types("let ", 80, 5000);
    desk.act(Act::Click(2, 1));
    desk.rest(5000);
    assert_eq!(desk.handed(), 1, "the model is loaded nevertheless");
    desk.rest(120_000);
    assert!(desk.screen().ghost.is_none());
    desk.types("y", 80, 3000);
    assert_eq!((desk.handed(), desk.asked().len()), (0, 2));
    assert_eq!(desk.screen().ghost_text(), "by_m();");
}

#[test]
fn a_model_that_is_loaded_is_not_waited_for() {
    let serve = |_: &str, count| (count == 2).then(|| answer(60_000, &[(10, "late();\n")]));
    let mut desk =
        Desk::with(FILE, models(serve), json!({"speculative": "off", "model": "m", "cache-size": 0}));
    desk.types("let ", 80, 3000);
    desk.types("y", 80, 3000);
    desk.types("z", 80, 3000);
    assert_eq!((desk.screen().ghost_text(), desk.asked().len()), ("by_m();", 3));
}
