//! What a user sees of one pause in typing, and of going on after it.

use std::collections::VecDeque;

use serde_json::json;
use volt_host::editor::Config;

use super::desk::{Act, Desk, Serve, answer};

/// A model that always says the same.
fn saying(latency: u64, pieces: &[(u64, &str)]) -> super::desk::Model {
    let script = answer(latency, pieces);
    Box::new(move |_| script.clone())
}

fn is_clean(desk: &Desk) {
    desk.seen(|seen| {
        assert_eq!((seen.stale.len(), seen.dishonest.len(), seen.faults.len()), (0, 0, 0), "{seen:#?}");
        assert!(seen.answers.values().all(|count| *count == 1), "{:?}", seen.answers);
    });
}

#[test]
fn a_pause_is_answered_line_by_line() {
    // However much there is in a line.
    for name in ["a", "alpha_", "the_second_letter_", "what_stands_at_the_beginning_of_it_all_"] {
        let lines: Vec<String> = (0..12).map(|n| format!("{name}{n} = {n};\n")).collect();
        let pieces: Vec<(u64, &str)> = lines.iter().map(|line| (100, line.as_str())).collect();
        let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(200, &pieces));
        desk.types("let ", 80, 4000);
        desk.seen(|seen| {
            assert_eq!(seen.requests, 1);
            assert!(seen.drawn.len() >= 3, "{:#?}", seen.drawn);
            assert!(seen.drawn.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "{:#?}", seen.drawn);
            assert_eq!(seen.drawn.last().unwrap().lines().count(), 12, "{:#?}", seen.drawn);
            assert!(seen.most_fences_in_pause <= 4, "{}", seen.most_fences_in_pause);
        });
        is_clean(&desk);
    }
}

/// A model that takes so many milliseconds for each of so many lines.
fn slow(line_ms: u64, lines: usize) -> super::desk::Model {
    let lines: Vec<String> =
        (0..lines).map(|n| format!("let value_{n} = compute_the_value_of({n});\n")).collect();
    let pieces: Vec<(u64, &str)> = lines.iter().map(|line| (line_ms, line.as_str())).collect();
    saying(200, &pieces)
}

#[test]
fn a_ghost_that_may_have_been_dismissed_grows_no_more() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(250, 12));
    desk.types("let these be ", 80, 6000);
    desk.seen(|seen| {
        let late = seen.drawn_after.iter().filter(|after| **after > 2000).count();
        assert!(seen.drawn.len() > 2 && late <= 1, "{:#?}", seen.drawn_after);
    });
    is_clean(&desk);
}

#[test]
fn a_key_typed_into_a_ghost_that_grows_is_not_kept_waiting_for_long() {
    for (line_ms, most) in [(40, 1500), (100, 1500), (200, 1500), (300, 700), (500, 1000), (1000, 1500)] {
        for gap in (700..4000).step_by(200) {
            let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(line_ms, 30));
            let keys = "let these be ".chars().map(|c| (80, Act::Key(c)));
            desk.play(keys.chain([(gap, Act::Along)]).collect::<VecDeque<_>>());
            let wait = desk.seen(|seen| seen.longest_wait);
            assert!(wait <= most, "{wait} ms, typed after {gap}, with a line each {line_ms} ms");
            assert!(desk.tab_is_honest() && !desk.screen().ghost_text().is_empty(), "{line_ms} {gap}");
            is_clean(&desk);
        }
    }
}

#[test]
fn what_crosses_a_ghost_on_its_way_is_put_right_by_the_next_message() {
    let cases = [
        (&[Act::Key('p')][..], "rintln!(\"hi\");"),
        (&[Act::Key('z')], ""),
        // Nothing is drawn yet: this Tab indents, and asks nothing.
        (&[Act::Tab, Act::Key('z')], ""),
        (&[Act::Paste("pasted"), Act::Key('z')], ""),
    ];
    for (acts, left) in cases {
        let mut asked = 0;
        let model = move |_: &_| {
            asked += 1;
            answer(200, if asked == 1 { &[(0, "println!(\"hi\");")] } else { &[] })
        };
        let mut desk = Desk::new("|\n", Box::new(model));
        desk.cross([true]);
        let keys = "let x = ".chars().map(|c| (80, Act::Key(c)));
        desk.play(keys.chain(acts.iter().map(|act| (3000, *act))).collect::<VecDeque<_>>());
        desk.seen(|seen| assert_eq!((seen.crossed, &*seen.drawn[0]), (1, "println!(\"hi\");"), "{acts:?}"));
        assert_eq!(desk.screen().ghost_text(), left, "{acts:?}");
        assert!(desk.tab_is_honest(), "{acts:?}");
        is_clean(&desk);
    }
}

#[test]
fn what_came_after_a_pause_shows_with_the_next_key_or_when_asked_for() {
    for acts in [&[Act::Along][..], &[Act::Esc, Act::Invoke]] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(250, 30));
        desk.types("let these be ", 80, 100);
        assert_eq!(desk.screen().status, ["AI: Ollama is still writing: type on to see more"]);
        let before = desk.screen().ghost_text().to_owned();
        assert!((2..30).contains(&before.lines().count()), "{before}");
        desk.rest(8000);
        let (drawn, requests) = desk.seen(|seen| (seen.drawn.len(), seen.requests));
        acts.iter().for_each(|act| desk.act(*act));
        let ghost = desk.screen().ghost_text().to_owned();
        assert_eq!(ghost.lines().count(), 30, "{ghost}");
        desk.seen(|seen| assert_eq!((seen.drawn.len(), seen.requests), (drawn + 1, requests)));
        assert!(desk.tab_is_honest() && desk.screen().status.is_empty());
        is_clean(&desk);
    }
}

#[test]
fn steady_typing_asks_once_at_its_end() {
    let mut desk = Desk::new("|\n", saying(400, &[(0, "x")]));
    desk.types(&"abcdef ".repeat(9), 1000 / 15, 3000);
    desk.seen(|seen| {
        assert!(seen.requests <= 3, "{}", seen.requests);
        assert!(seen.most_in_flight <= 1, "{}", seen.most_in_flight);
        assert!(seen.longest_wait <= 150, "a key waited {} ms", seen.longest_wait);
        assert_eq!(seen.drawn.last().unwrap(), "x");
    });
    is_clean(&desk);
}

#[test]
fn typing_along_and_back_is_answered_without_asking() {
    let mut desk = Desk::new("|\n", saying(200, &[(0, "println!(\"hi\");")]));
    desk.types("let x = ", 80, 2000);
    let requests = desk.seen(|seen| seen.requests);
    assert_eq!(desk.screen().ghost_text(), "println!(\"hi\");");
    for left in ["rintln!(\"hi\");", "intln!(\"hi\");", "ntln!(\"hi\");", "tln!(\"hi\");"] {
        desk.act(Act::Along);
        assert_eq!(desk.screen().ghost_text(), left);
        assert!(desk.tab_is_honest(), "{left}");
        desk.rest(100);
    }
    desk.types("\u{8}\u{8}", 100, 1000);
    assert_eq!(desk.screen().ghost_text(), "intln!(\"hi\");");
    desk.seen(|seen| assert_eq!(seen.requests, requests));
    desk.types("z", 100, 5);
    assert!(desk.screen().ghost.is_none() && desk.tab_is_honest(), "a contradiction clears at once");
    is_clean(&desk);
}

#[test]
fn without_wake_ups_a_pause_is_answered_within_the_bound() {
    let config = Config { wakes: false, ..Config::default() };
    let settings = json!({"speculative": "off"});
    let mut desk = Desk::with("|\n", saying(100, &[(0, "x")]), config, settings);
    // So many keys it takes to find out.
    desk.types("so ", 500, 3000);
    desk.types("x", 70, 3000);
    desk.types("y", 70, 3000);
    assert_eq!(desk.screen().ghost_text(), "x");
    desk.seen(|seen| assert!(seen.longest_block <= 300, "{} ms", seen.longest_block));
    assert_eq!(desk.unanswered(), 0);
}

#[test]
fn what_no_request_was_left_for_is_ready_when_asked_for() {
    let mut desk = Desk::new("|\n", saying(200, &[(0, "x")]));
    desk.types("let", 80, 2000);
    assert_eq!(desk.screen().ghost_text(), "x");
    // The only open request goes for clearing the ghost.
    desk.types("z", 80, 2000);
    let screen = desk.screen();
    assert!(screen.ghost.is_none() && desk.tab_is_honest());
    assert_eq!(screen.status, ["AI: a suggestion is ready: alt+\\ shows it"]);
    let requests = desk.seen(|seen| seen.requests);
    desk.act(Act::Invoke);
    assert_eq!(desk.screen().ghost_text(), "x");
    assert_eq!(desk.screen().status, Vec::<String>::new());
    desk.seen(|seen| assert_eq!(seen.requests, requests));
    is_clean(&desk);
}

#[test]
fn what_the_model_wrote_past_the_block_is_offered_on_the_next_line() {
    let written = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n}\n\nfn c() {\n    th";
    let mut desk = Desk::new("use x;\n\n|\n", saying(200, &[(0, written)]));
    desk.act(Act::Invoke);
    assert_eq!(desk.screen().ghost_text(), "fn a() {\n    one();\n}");
    let requests = desk.seen(|seen| seen.requests);
    desk.act(Act::Tab);
    desk.rest(2000);
    desk.types("\n", 80, 2000);
    assert_eq!(desk.screen().ghost_text(), "fn b() {\n    two();\n}");
    desk.act(Act::Tab);
    desk.rest(2000);
    desk.seen(|seen| assert_eq!(seen.requests, requests));
    is_clean(&desk);
}

#[test]
fn right_behind_an_accepted_statement_nothing_is_asked() {
    let mut desk = Desk::new("|\n", saying(200, &[(0, "foo();")]));
    desk.types("let x = ", 80, 2000);
    let requests = desk.seen(|seen| seen.requests);
    desk.types("foo();", 80, 2000);
    assert!(desk.screen().ghost.is_none());
    desk.seen(|seen| assert_eq!(seen.requests, requests));
    desk.act(Act::Invoke);
    desk.seen(|seen| assert_eq!(seen.requests, requests + 1));
    is_clean(&desk);
}

#[test]
fn what_follows_an_accepted_suggestion_was_asked_for_ahead() {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        match asked {
            1 => answer(300, &[(0, "one();")]),
            _ => answer(600, &[(0, "\ntwo();")]),
        }
    };
    let mut desk = Desk::with("|\n", Box::new(model), Config::default(), json!({"speculative": "on"}));
    desk.types("x = ", 80, 3000);
    desk.seen(|seen| assert_eq!((seen.requests, seen.most_in_flight), (2, 1)));
    desk.act(Act::Tab);
    desk.types("\n", 80, 50);
    assert_eq!(desk.screen().ghost_text(), "two();");
    desk.rest(3000);
    is_clean(&desk);
}

#[test]
fn a_change_of_file_leaves_no_ghost_of_the_other() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(400, &[(0, "x")]));
    // Still unanswered when the user is elsewhere: an answer would be drawn in the file it was asked for.
    let acts = [Act::Key('a'), Act::Key('b'), Act::Switch, Act::Click(1, 4), Act::Key('c'), Act::Key('d')];
    desk.play(VecDeque::from(acts.map(|act| (30, act))));
    assert_eq!(desk.screen().ghost_text(), "x");
    desk.act(Act::Switch);
    assert!(desk.screen().ghost.is_none(), "{:?}", desk.screen());
    is_clean(&desk);
}

#[test]
fn a_ghost_left_in_another_file_is_cleared_with_the_first_key_there() {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        answer(200, if asked == 1 { &[(0, "ghost")] } else { &[] })
    };
    let mut desk = Desk::new("fn main() {\n    |\n}\n", Box::new(model));
    desk.act(Act::Invoke);
    assert_eq!(desk.screen().ghost_text(), "ghost");
    // Lapce takes the ghost of the one file into the other, and from then on leaves its drawing where it is.
    let acts = [Act::Switch, Act::Tab, Act::Switch, Act::Tab, Act::Key('z')];
    desk.play(VecDeque::from(acts.map(|act| (900, act))));
    assert!(desk.screen().ghost.is_none() && desk.tab_is_honest(), "{:?}", desk.screen());
    is_clean(&desk);
}

#[test]
fn a_stream_that_breaks_goes_on_where_it_broke() {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        match asked {
            1 => {
                let mut script = answer(50, &[(0, "= compute(first")]);
                script.truncate(2);
                script.push((60, Serve::Cut));
                script
            }
            _ => answer(50, &[(0, ", second);")]),
        }
    };
    let mut desk = Desk::new("let x |\n", Box::new(model));
    desk.act(Act::Invoke);
    assert_eq!(desk.screen().ghost_text(), "= compute(first, second);");
    desk.seen(|seen| assert_eq!(seen.requests, 2));
    is_clean(&desk);
}
