//! What a user sees of one pause in typing, and of going on after it.

use std::collections::VecDeque;

use serde_json::json;

use crate::completion::ghost::MOST_REQUESTS;

use super::desk::{Act, Desk, Faults, Serve, answer, answer_ending};

/// A model that always says the same.
fn saying(latency: u64, pieces: &[(u64, &str)]) -> super::desk::Model {
    let script = answer(latency, pieces);
    Box::new(move |_| script.clone())
}

fn is_clean(desk: &Desk) {
    desk.seen(|seen| {
        assert_eq!((seen.stale.len(), seen.dishonest.len(), seen.faults.len()), (0, 0, 0), "{seen:#?}");
        assert!(seen.answers.values().all(|count| *count <= 1), "{:?}", seen.answers);
        assert!(seen.most_wakeups_at_once <= 1 && seen.most_wakeups_in_pause <= 6, "{seen:#?}");
    });
    // Some requests stay open, to clear a ghost and to show what follows.
    assert!(desk.unanswered() <= MOST_REQUESTS, "{} unanswered: {:#?}", desk.unanswered(), desk.screen());
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
            assert!(seen.most_wakeups_in_pause <= 3, "{}", seen.most_wakeups_in_pause);
        });
        is_clean(&desk);
    }
}

/// A model that takes so many milliseconds for each of so many lines.
fn slow(line_ms: u64, lines: usize) -> super::desk::Model {
    let script = slowly(line_ms, lines);
    Box::new(move |_| script.clone())
}

/// The same once.
fn slowly(line_ms: u64, lines: usize) -> Vec<(u64, Serve)> {
    let lines: Vec<String> =
        (0..lines).map(|n| format!("let value_{n} = compute_the_value_of({n});\n")).collect();
    let pieces: Vec<(u64, &str)> = lines.iter().map(|line| (line_ms, line.as_str())).collect();
    answer(200, &pieces)
}

#[test]
fn the_whole_text_of_a_slow_model_shows_without_a_further_key() {
    for (keys, line_ms) in [("let these be ", 2500), ("l", 2500), ("let these be ", 9000)] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(line_ms, 12));
        desk.types(keys, 80, 15 * line_ms);
        assert_eq!(desk.screen().ghost_text().lines().count(), 12, "{keys:?} {line_ms}");
        desk.seen(|seen| assert_eq!(seen.requests, 1));
        is_clean(&desk);
    }
}

#[test]
fn wake_ups_are_few_and_fewer_where_large_documents_are_open() {
    for (line_ms, large, most) in
        [(0, false, 1), (30, false, 1), (100, false, 3), (500, false, 6), (3000, false, 6), (3000, true, 3)]
    {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(line_ms, 12));
        if large {
            desk.open_large(250_000);
        }
        desk.types("let these be ", 80, 60_000);
        desk.seen(|seen| {
            assert!(
                seen.most_wakeups_in_pause <= most,
                "{} at {line_ms} ms a line",
                seen.most_wakeups_in_pause
            );
        });
        let idle = desk.seen(|seen| seen.wakeups);
        desk.rest(600_000);
        desk.seen(|seen| assert_eq!(seen.wakeups, idle, "none when idle"));
        assert_eq!(desk.screen().ghost_text().lines().count(), 12);
        is_clean(&desk);
    }
}

#[test]
fn an_answer_that_is_written_fast_and_ends_soon_takes_one_wake_up() {
    for (lines, line_ms, wakeups) in [(12, 30, 1), (7, 50, 1), (5, 45, 1), (12, 60, 2), (40, 30, 3)] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(line_ms, lines));
        desk.types("let these be ", 80, 10_000);
        assert_eq!(desk.screen().ghost_text().lines().count(), lines, "{lines} in {line_ms} ms each");
        desk.seen(|seen| assert!(seen.wakeups <= wakeups, "{lines} in {line_ms} ms each: {}", seen.wakeups));
        is_clean(&desk);
    }
}

#[test]
fn a_key_along_a_ghost_that_grows_is_answered_at_once() {
    for line_ms in [40, 100, 200, 300, 500, 1000] {
        for gap in (700..4000).step_by(200) {
            let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(line_ms, 30));
            desk.types("let these be ", 80, gap);
            let before = desk.screen().ghost_text().to_owned();
            desk.act(Act::Along);
            if before.is_empty() {
                continue;
            }
            let ghost = desk.screen().ghost_text().to_owned();
            assert!(ghost.starts_with(&before[1..]), "{line_ms} {gap}: {before:?} {ghost:?}");
            assert!(desk.tab_is_honest(), "{line_ms} {gap}");
            desk.rest(60_000);
            is_clean(&desk);
        }
    }
}

#[test]
fn a_click_an_arrow_or_another_file_while_waiting_leaves_no_ghost_and_no_request() {
    for act in [Act::Click(0, 3), Act::Arrow(lapce_editor::Arrow::Up), Act::Esc] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(800, &[(0, "x();")]));
        desk.types("let y = ", 80, 300);
        desk.act(act);
        desk.rest(60_000);
        // Of Esc nothing is told.
        let shows = act == Act::Esc;
        assert_eq!(desk.screen().ghost.is_some(), shows, "{act:?}");
        assert_eq!((desk.handed(), desk.screen().status.len()), (0, 0), "{act:?}");
        is_clean(&desk);
    }
}

#[test]
fn saving_asks_and_draws_nothing_before_the_next_key() {
    // What is done before, and how long before saving: nothing came, the ghost grows, it is whole.
    for before in [None, Some(Act::Esc), Some(Act::Arrow(lapce_editor::Arrow::Left)), Some(Act::Tab)] {
        for rest_ms in [20, 600, 4000] {
            let settings = json!({"speculative": "off", "debounce-ms": 100});
            let mut desk = Desk::with("fn main() {\n    |\n}\n", slow(100, 12), settings);
            desk.types("let these be ", 80, rest_ms);
            if let Some(act) = before {
                desk.act(act);
            }
            let told = format!("{before:?}, {rest_ms}");
            let requests = desk.seen(|seen| seen.requests);
            desk.act(Act::Save);
            assert!(desk.screen().ghost.is_none(), "{told}");
            desk.rest(10_000);
            assert!(desk.screen().ghost.is_none(), "{told}: {:?}", desk.screen().ghost_text());
            assert_eq!((desk.handed(), desk.screen().status.len()), (0, 0), "{told}");
            desk.seen(|seen| assert_eq!(seen.requests, requests, "{told}"));
            desk.types("l", 80, 10_000);
            assert!(desk.screen().ghost.is_some() || before.is_some(), "{told}");
            is_clean(&desk);
        }
    }
}

#[test]
fn paste_and_undo_while_waiting_end_what_was_waited_for() {
    for act in [Act::Paste("pasted();"), Act::Undo] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(800, &[(0, "x();")]));
        desk.types("let y = ", 80, 100);
        desk.act(Act::Invoke);
        assert!(!desk.screen().status.is_empty());
        desk.act(act);
        desk.rest(60_000);
        assert_eq!((desk.screen().status.len(), desk.handed()), (0, 0), "{act:?}");
        is_clean(&desk);
    }
}

#[test]
fn an_accepted_ghost_that_still_grew_goes_on_behind_it() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(600, 12));
    desk.types("let these be ", 80, 1500);
    let shown = desk.screen().ghost_text().lines().count();
    assert!((1..12).contains(&shown), "{shown}");
    desk.act(Act::Tab);
    desk.rest(60_000);
    let screen = desk.screen();
    assert_eq!(screen.text.matches("compute").count() + screen.ghost_text().matches("compute").count(), 12);
    is_clean(&desk);
}

#[test]
fn backspace_past_the_place_of_the_request_offers_the_deleted_text_again() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(100, &[(0, "let mut x = 1;")]));
    desk.types("let m", 80, 2000);
    assert_eq!(desk.screen().ghost_text(), "ut x = 1;");
    for left in ["mut x = 1;", " mut x = 1;", "t mut x = 1;", "et mut x = 1;"] {
        desk.act(Act::Backspace);
        assert_eq!(desk.screen().ghost_text(), left);
        assert!(desk.tab_is_honest());
    }
    is_clean(&desk);
}

#[test]
fn nothing_of_the_model_shows_nothing_whatever_was_deleted() {
    let refused = |_: &_| vec![(50u64, Serve::Cut)];
    for model in [Box::new(refused) as super::desk::Model, saying(400, &[])] {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", model);
        desk.types("foo", 80, 200);
        desk.types("\u{8}", 80, 30_000);
        assert_eq!(desk.screen().ghost, None);
        is_clean(&desk);
    }
}

#[test]
fn every_fixed_debounce_is_kept_and_shows_what_comes() {
    for debounce in [1, 100, 660, 1200, 1300, 5000] {
        let settings = json!({"speculative": "off", "debounce-ms": debounce});
        let mut desk = Desk::with("fn main() {\n    |\n}\n", saying(100, &[(0, "x();")]), settings);
        desk.types("let y = ", 60, debounce - 1);
        desk.seen(|seen| assert!(debounce <= 60 || seen.requests == 0, "{debounce}"));
        desk.rest(3000);
        assert_eq!(desk.screen().ghost_text(), "x();", "{debounce}");
        is_clean(&desk);
    }
}

#[test]
fn how_an_answer_ended_is_told_and_not_kept() {
    for (reason, pieces, ghost, words) in [
        ("length", &[(0, "a();\nb(")][..], "a();", ""),
        ("length", &[], "", "max-tokens"),
        ("stop", &[], "", "nothing to add"),
    ] {
        let script = answer_ending(100, pieces, reason);
        let mut desk = Desk::new("fn main() {\n    |\n}\n", Box::new(move |_| script.clone()));
        desk.act(Act::Invoke);
        desk.rest(3000);
        assert_eq!(desk.screen().ghost_text(), ghost, "{reason}");
        let status = desk.screen().status.concat();
        assert_eq!(status.contains(words) && !words.is_empty(), !words.is_empty(), "{reason}: {status}");
        is_clean(&desk);
    }
}

#[test]
fn asking_again_asks_again_unless_there_is_something_to_show() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(100, &[]));
    for n in 1..4 {
        desk.act(Act::Invoke);
        desk.rest(3000);
        desk.seen(|seen| assert_eq!(seen.requests, n));
    }
    is_clean(&desk);
}

#[test]
fn a_lost_wake_up_costs_one_pause() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(500, &[(0, "x();")]));
    desk.suffer(Faults { lost_wakeups: [true].into(), ..Faults::default() });
    desk.types("let y = ", 80, 5000);
    desk.types("z", 80, 5000);
    assert_eq!(desk.screen().ghost_text(), "x();");
    is_clean(&desk);
}

#[test]
fn what_an_agent_was_given_just_before_it_was_killed_is_asked_for_again_without_a_key() {
    // From the last key on: while the request waits to leave, while the model thinks, while it writes.
    for death in (560..2500).step_by(20) {
        let mut desk = Desk::new("fn main() {\n    |\n}\n", slow(200, 8));
        desk.suffer(Faults { deaths_ms: [death].into(), ..Faults::default() });
        desk.types("let y = ", 80, 10_000);
        assert_eq!(desk.screen().ghost_text().lines().count(), 8, "killed after {death} ms");
        is_clean(&desk);
    }
}

#[test]
fn an_answer_of_one_line_takes_one_wake_up_however_slowly_it_is_written() {
    for word_ms in [10, 100, 1000] {
        let words: Vec<(u64, &str)> =
            ["compute", "(first", ", second", ", third", ");"].map(|word| (word_ms, word)).into();
        let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(300, &words));
        desk.types("let y = ", 80, 10_000);
        assert_eq!(desk.screen().ghost_text(), "compute(first, second, third);");
        desk.seen(|seen| assert_eq!(seen.wakeups, 1, "{word_ms} ms a word"));
        is_clean(&desk);
    }
}

#[test]
fn the_first_line_shows_when_it_is_whole_however_slowly_it_is_written() {
    // `before`: what the model writes first and nothing shows of.
    for (before, word_ms) in
        [("", 50), ("", 150), ("", 400), ("\n", 50), ("```rust\n", 60), ("```rust\n", 150)]
    {
        let words =
            ["let a", " = f(", "1);\n", "let b", " = g(", "2);\n", "let c", " = h(", "3);\n", "done();"];
        let pieces: Vec<(u64, &str)> =
            [before].into_iter().chain(words).map(|word| (word_ms, word)).collect();
        let settings = json!({"speculative": "off", "debounce-ms": 100});
        let mut desk = Desk::with("fn main() {\n    |\n}\n", saying(300, &pieces), settings);
        desk.types("let these be ", 80, 10_000);
        let first = desk.seen(|seen| seen.drawn_after[0]);
        // The first wake-up comes 200 ms after the first byte, and one that shows nothing is followed by another 200 ms later.
        let is_whole = 4 * word_ms;
        let soonest = if before.is_empty() || is_whole <= 200 { 200 } else { 400 };
        assert_eq!(first, 100 + 300 + is_whole.max(soonest), "{before:?}, {word_ms} ms");
        is_clean(&desk);
    }
}

#[test]
fn an_end_is_waited_for_where_answers_of_several_lines_are_short() {
    // The answer before, and how long after the beginning of a slow one its first line shows.
    for (lines, line_ms, waits_ms) in [(1, 100, 200), (3, 120, 400), (3, 150, 200), (5, 150, 200)] {
        let mut asked = 0;
        let model = move |_: &_| {
            asked += 1;
            if asked == 1 { slowly(line_ms, lines) } else { slowly(100, 12) }
        };
        let settings = json!({"speculative": "off", "debounce-ms": 100, "cache-size": 0});
        let mut desk = Desk::with("fn main() {\n    |\n}\n", Box::new(model), settings);
        // The second time the first key clears the ghost, and the others leave requests to show lines through.
        for keys in ["x", "yzabc"] {
            desk.types(keys, 80, 5000);
        }
        let told = format!("{lines} lines of {line_ms} ms");
        desk.seen(|seen| {
            assert_eq!(seen.requests, 2, "{told}");
            let first = seen.drawn_after.iter().position(|after| *after == 300 + waits_ms);
            assert!(first.is_some_and(|first| first > 0), "{told}: {:?}", seen.drawn_after);
        });
        is_clean(&desk);
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
        desk.rest(3000);
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
    desk.rest(3000);
    is_clean(&desk);
}

#[test]
fn a_ghost_that_is_contradicted_is_cleared_and_the_next_one_shows() {
    let mut desk = Desk::new("|\n", saying(200, &[(0, "x")]));
    desk.types("let", 80, 2000);
    assert_eq!(desk.screen().ghost_text(), "x");
    desk.types("z", 80, 5);
    assert!(desk.screen().ghost.is_none() && desk.tab_is_honest());
    desk.rest(2000);
    assert_eq!(desk.screen().ghost_text(), "x");
    is_clean(&desk);
}

#[test]
fn what_no_request_was_left_for_is_ready_when_asked_for() {
    let mut desk = Desk::new("|\n", saying(200, &[(0, "x")]));
    desk.types("l", 80, 2000);
    assert_eq!(desk.screen().ghost_text(), "x");
    // The only open request goes for clearing the ghost.
    desk.types("z", 80, 2000);
    let screen = desk.screen();
    assert!(screen.ghost.is_none() && desk.tab_is_honest());
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
    desk.rest(1000);
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
    desk.rest(3000);
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
    let mut desk = Desk::with("|\n", Box::new(model), json!({"speculative": "on"}));
    desk.types("x = ", 80, 3000);
    desk.seen(|seen| assert_eq!((seen.requests, seen.most_in_flight), (2, 1)));
    desk.act(Act::Tab);
    desk.types("\n", 80, 50);
    assert_eq!(desk.screen().ghost_text(), "two();");
    desk.rest(3000);
    is_clean(&desk);
}

#[test]
fn nothing_is_asked_ahead_where_only_the_user_asks() {
    let settings = json!({"speculative": "on", "trigger": "invoked"});
    let mut desk = Desk::with("|\n", saying(300, &[(0, "one();")]), settings);
    desk.act(Act::Invoke);
    desk.rest(3000);
    assert_eq!(desk.screen().ghost_text(), "one();");
    desk.seen(|seen| assert_eq!(seen.requests, 1));
}

#[test]
fn what_fails_when_it_is_asked_ahead_is_not_asked_again_with_each_key() {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        match asked {
            2 => vec![(100, Serve::Head(429)), (100, Serve::End)],
            _ => answer(300, &[(0, "one();")]),
        }
    };
    let mut desk = Desk::with("|\n", Box::new(model), json!({"speculative": "on", "cache-size": 0}));
    desk.types("x = ", 80, 3000);
    for _ in 0..4 {
        desk.act(Act::Along);
        desk.rest(1000);
    }
    desk.seen(|seen| assert_eq!(seen.requests, 2));
    assert_eq!(desk.screen().ghost_text(), ");");
    // What is taken ends that.
    desk.act(Act::Tab);
    desk.types("\ny", 80, 3000);
    assert_eq!(desk.screen().ghost_text(), "one();");
    is_clean(&desk);
}

#[test]
fn what_was_asked_for_ahead_may_begin_on_the_next_line() {
    for latency in [200, 600] {
        let mut asked = 0;
        let model = move |_: &_| {
            asked += 1;
            match asked {
                1 => answer(200, &[(0, "one();")]),
                2 => answer(latency, &[(0, "\n    two();")]),
                _ => answer(200, &[(0, "three();")]),
            }
        };
        let mut desk = Desk::with("fn steps() {\n    |\n}\n", Box::new(model), json!({"speculative": "on"}));
        desk.types("// go\n", 60, 900);
        assert_eq!(desk.screen().ghost_text(), "one();");
        desk.act(Act::Tab);
        desk.types("\n", 60, 1000);
        assert_eq!(desk.screen().ghost_text(), "two();", "{latency} ms");
        is_clean(&desk);
    }
}

#[test]
fn a_change_of_file_leaves_no_ghost_of_the_other() {
    let mut desk = Desk::new("fn main() {\n    |\n}\n", saying(400, &[(0, "x")]));
    // Still unanswered when the user is elsewhere: an answer would be drawn in the file it was asked for.
    let acts = [Act::Key('a'), Act::Key('b'), Act::Switch, Act::Click(1, 4), Act::Key('c'), Act::Key('d')];
    desk.play(VecDeque::from(acts.map(|act| (30, act))));
    desk.rest(3000);
    assert_eq!(desk.screen().ghost_text(), "x");
    is_clean(&desk);
    desk.act(Act::Switch);
    assert!(desk.screen().ghost.is_none(), "{:?}", desk.screen());
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
    desk.rest(1000);
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
    desk.rest(1000);
    assert_eq!(desk.screen().ghost_text(), "= compute(first, second);");
    desk.seen(|seen| assert_eq!(seen.requests, 2));
    is_clean(&desk);
}
