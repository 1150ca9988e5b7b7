//! Whatever the user, the model and the editor do, in whatever order: what must hold holds.

use std::collections::VecDeque;

use lapce_editor::Arrow;
use proptest::prelude::*;
use serde_json::json;

use crate::completion::ghost::MOST_REQUESTS;

use super::desk::{Act, Desk, Faults, Serve, answer};

/// What a user may do, and how long after the last thing.
fn acts() -> impl Strategy<Value = VecDeque<(u64, Act)>> {
    let act = prop_oneof![
        12 => prop::sample::select(vec!['a', ' ', '(', ')', '{', '"', ';', '\n', 'é', '𝄞']).prop_map(Act::Key),
        10 => Just(Act::Along),
        4 => Just(Act::Backspace),
        1 => Just(Act::DeleteForward),
        4 => Just(Act::Tab),
        1 => Just(Act::Esc),
        2 => Just(Act::Invoke),
        2 => prop::sample::select(vec!["pasted text", "x", "two\nlines"]).prop_map(Act::Paste),
        1 => Just(Act::Undo),
        1 => Just(Act::Save),
        1 => Just(Act::Redo),
        1 => prop::sample::select(vec![Arrow::Up, Arrow::Down, Arrow::Left, Arrow::Right]).prop_map(Act::Arrow),
        1 => (0..4u32, 0..9u32).prop_map(|(line, character)| Act::Click(line, character)),
        1 => Just(Act::Switch),
    ];
    let gap = prop_oneof![5 => 1..40u64, 5 => 40..200u64, 3 => 200..1500u64, 1 => 1500..9000u64];
    prop::collection::vec((gap, act), 1..40).prop_map(VecDeque::from)
}

/// What the server does with one request.
fn script() -> impl Strategy<Value = Vec<(u64, Serve)>> {
    let pieces = prop::sample::select(vec![
        "a",
        "foo(",
        "bar)\n",
        "    x = 1;\n",
        "\n",
        "}\n",
        "é",
        " ",
        ";",
        "fn g() {\n",
    ]);
    let end = prop::sample::select(vec![
        "end",
        "end",
        "end",
        "end",
        "end",
        "cut",
        "cut",
        "429",
        "503",
        "loading model",
    ]);
    (prop::collection::vec((0..400u64, pieces), 0..12), 1..900u64, end).prop_map(|(pieces, latency, end)| {
        let mut script = answer(latency, &pieces);
        match end {
            "cut" => {
                script.truncate(script.len() - 2);
                let last = script.last().map_or(latency, |(at, _)| *at);
                script.push((last + 1, Serve::Cut));
            }
            "429" => script = vec![(latency, Serve::Head(429)), (latency, Serve::End)],
            "503" | "loading model" => {
                let body = (latency, Serve::Body(end.to_owned()));
                script = vec![(latency, Serve::Head(503)), body, (latency, Serve::End)];
            }
            _ => {}
        }
        script
    })
}

/// What goes wrong with the agent: seldom anything.
fn faults() -> impl Strategy<Value = Faults> {
    // Less than the 5 ms of one key's messages is what crosses a ghost on its way.
    let seldom = prop_oneof![9 => Just(0u64), 1 => 6..60u64];
    (
        prop::collection::vec(prop_oneof![9 => Just(false), 1 => Just(true)], 0..20),
        prop::collection::vec(1..20_000u64, 0..2),
        prop::collection::vec(seldom, 0..20),
    )
        .prop_map(|(lost_wakeups, mut deaths_ms, busy_ms)| {
            deaths_ms.sort_unstable();
            Faults {
                lost_wakeups: lost_wakeups.into(),
                deaths_ms: deaths_ms.into(),
                busy_ms: busy_ms.into(),
                ..Faults::default()
            }
        })
}

/// How many random sessions are played: `SESSIONS=40000` for a long run.
pub fn sessions() -> u32 {
    std::env::var("SESSIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sessions(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_paints_stale_or_answers_twice(
        acts in acts(),
        scripts in prop::collection::vec(script(), 1..4),
        speculative in prop::sample::select(vec!["on", "off"]),
        accept in prop::sample::select(vec!["all", "line"]),
        crossings in prop_oneof![Just(Vec::new()), prop::collection::vec(any::<bool>(), 1..12)],
        faults in prop_oneof![2 => Just(Faults::default()), 1 => faults()],
        (large_bytes, most_wakeups) in prop_oneof![9 => Just((0, 6)), 1 => Just((210_000, 3))],
    ) {
        let mut asked = 0;
        let model = move |_: &_| {
            asked += 1;
            scripts[asked % scripts.len()].clone()
        };
        let mut desk =
            Desk::with("fn main() {\n    |\n}\n", Box::new(model), json!({ "speculative": speculative, "accept": accept }));
        desk.open_large(large_bytes);
        desk.cross(crossings);
        desk.suffer(faults);
        desk.play(acts);
        desk.rest(60_000);
        desk.seen(|seen| {
            prop_assert!(seen.answers.values().all(|count| *count <= 1), "{:?}", seen.answers);
            prop_assert!(seen.faults.is_empty(), "{:?}", seen.faults);
            prop_assert!(seen.stale.is_empty(), "{:?}", seen.stale);
            prop_assert!(seen.dishonest.is_empty(), "Tab inserts what is not drawn: {:#?}", seen.dishonest);
            let most = if speculative == "on" { 2 } else { 1 };
            prop_assert!(seen.most_in_flight <= most, "{} requests in flight", seen.most_in_flight);
            let wakeups = seen.most_wakeups_in_pause;
            prop_assert!(wakeups <= most_wakeups, "{} wake-ups in a pause, {} bytes", wakeups, large_bytes);
            prop_assert!(seen.most_wakeups_at_once <= 1, "a wake-up before the last one was handled");
            Ok(())
        })?;
        prop_assert!(desk.unanswered() <= MOST_REQUESTS, "{} unanswered", desk.unanswered());
    }
}

/// The same where what follows the ghost was asked for ahead.
#[test]
fn a_ghost_on_its_way_when_tab_is_pressed_is_not_left_to_tab_by_what_follows() {
    let acts = [
        (1, Act::Key('a')),
        (635, Act::Key('a')),
        (1, Act::Click(3, 0)),
        (1, Act::Key(';')),
        (1, Act::Key(';')),
        (635, Act::DeleteForward),
        (1, Act::Tab),
        (1, Act::Key('a')),
    ];
    let model = |_: &_| answer(239, &[(0, "a")]);
    let mut desk = Desk::with("fn main() {\n    |\n}\n", Box::new(model), json!({ "speculative": "on" }));
    desk.cross([false, false, true]);
    desk.play(VecDeque::from(acts));
    desk.rest(60_000);
    desk.seen(|seen| assert!(seen.dishonest.is_empty(), "{:#?}", seen.dishonest));
}

/// Found by a random session: Delete at the end of the document has the ghost drawn anew, and Tab is pressed while that is
/// on its way.
#[test]
fn a_ghost_on_its_way_when_tab_is_pressed_is_not_left_to_tab() {
    let acts = [
        (1, Act::Click(3, 0)),
        (1, Act::Key('a')),
        (1, Act::Along),
        (861, Act::DeleteForward),
        (1, Act::Tab),
        (1, Act::Key('a')),
    ];
    let model = |_: &_| answer(1, &[(1, "bar)\n")]);
    let mut desk = Desk::with("fn main() {\n    |\n}\n", Box::new(model), json!({ "speculative": "off" }));
    desk.cross([false, true]);
    desk.play(VecDeque::from(acts));
    desk.rest(60_000);
    desk.seen(|seen| assert!(seen.dishonest.is_empty(), "{:#?}", seen.dishonest));
}
