//! The caret goes elsewhere while the model is asked: nothing is drawn at the place it left, and the model is stopped.

use std::time::Duration;

use volt_host::editor::Arrow;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Exchange, Pace, Request, Script, Server};
use volt_host::{Lapce, Pace as Keys};

use crate::stage::{PATIENCE, Stage, Turn, before_cursor, model, setup};

const KEYS: Keys = Keys::ms(60);
/// How long the model thinks: longer than anything here takes.
const LATENCY: Duration = Duration::from_secs(3);

/// A stage whose request for what follows `let one` is under way, at a server that has answered before: one that has not may be
/// loading its model, which goes on when the user leaves.
fn asked() -> Stage {
    let play = |request: &Request| {
        let is_first = before_cursor(request).contains("let zero");
        let latency = if is_first { Duration::ZERO } else { LATENCY };
        Script::stream(shape::openai_chat as Shape, &[" = first"], Pace::AT_ONCE.after(latency))
    };
    let server = Server::start(play).unwrap();
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/zero.py", "python", "|");
    stage.lapce.type_keys("let zero", KEYS);
    stage.wait_ghost(" = first");
    stage.open("src/other.py", "python", "# nothing here|\n");
    stage.open("src/sums.py", "python", "# sums\n|\n# end\n");
    stage.lapce.type_keys("let one", KEYS);
    let is_under_way = |exchanges: &[Exchange]| exchanges.iter().any(is_slow);
    assert!(stage.server.wait(PATIENCE, is_under_way), "{}", stage.trace());
    stage
}

/// Whether this is the request for what follows `let one`.
fn is_slow(exchange: &Exchange) -> bool {
    before_cursor(&exchange.request).contains("let one")
}

/// What the user does.
type Act = fn(&mut Lapce);

#[test]
fn who_leaves_the_place_is_shown_nothing_there_and_the_model_is_stopped() {
    let moves: [(&str, Act); 3] = [
        ("arrow", |lapce| lapce.arrow(Arrow::Up)),
        ("click", |lapce| lapce.cursor_at(2, 1)),
        ("another file", |lapce| {
            lapce.switch_to("src/other.py");
            // A mere look at it tells nothing.
            lapce.type_keys("x", KEYS);
        }),
    ];
    for (what, act) in moves {
        let mut stage = asked();
        let ghosts = stage.lapce.evidence().ghosts().count();
        act(&mut stage.lapce);
        let is_over = |exchange: &Exchange| !is_slow(exchange) || exchange.finished.is_some();
        let stopped = stage.server.wait(PATIENCE, |exchanges| exchanges.iter().all(is_over));
        let hung_up = stage.server.exchanges().iter().filter(|one| is_slow(one)).all(|one| one.hung_up);
        assert!(stopped && hung_up, "{what}: it writes on\n{}", stage.trace());
        assert_eq!(stage.lapce.evidence().ghosts().count(), ghosts, "{what}\n{}", stage.trace());
        stage.lapce.cursor_at(0, 0);
        stage.finish();
    }
}

#[test]
fn who_pastes_or_undoes_while_waiting_is_shown_what_fits_the_text_as_it_is() {
    let changes: [(&str, Act, &str); 2] = [
        ("paste", |lapce| lapce.paste("_more"), " = second"),
        // What undo has taken away leads what the model writes.
        ("undo", Lapce::undo, "let one = first"),
    ];
    for (what, act, ghost) in changes {
        let pace = Pace::AT_ONCE.after(Duration::from_millis(600));
        let server = model(shape::openai_chat as Shape, pace, |before| {
            if before.ends_with("one_more") { " = second" } else { " = first" }.to_owned()
        });
        let setup = setup("openai", &server.url());
        let mut stage = Stage::new(Turn::shared(), server, setup);
        stage.open("src/sums.py", "python", "# sums\n|\n# end\n");
        stage.lapce.type_keys("let one", KEYS);
        assert!(stage.server.wait(PATIENCE, |exchanges| exchanges.len() == 1), "{}", stage.trace());
        act(&mut stage.lapce);
        stage.wait_ghost(ghost);
        let shown: Vec<String> = stage.lapce.evidence().ghosts().map(|(_, text)| text.to_owned()).collect();
        assert!(shown.iter().all(|text| text == ghost), "{what}: {shown:?}\n{}", stage.trace());
        stage.finish();
    }
}

#[test]
fn the_caret_stays_and_the_first_line_of_a_slow_model_shows_when_it_comes() {
    let stage = asked();
    stage.wait_ghost(" = first");
    stage.finish();
}
