//! Whatever the user, the model and the editor do, in whatever order: what must hold holds.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::json;
use volt_host::editor::{Arrow, Config};

use super::desk::{Act, Desk, Seen, Serve, answer};

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
    let end = prop::sample::select(vec!["end", "end", "end", "end", "cut", "429"]);
    (prop::collection::vec((0..400u64, pieces), 0..12), 1..900u64, end).prop_map(|(pieces, latency, end)| {
        let mut script = answer(latency, &pieces);
        match end {
            "cut" => {
                script.truncate(script.len() - 2);
                let last = script.last().map_or(latency, |(at, _)| *at);
                script.push((last + 1, Serve::Cut));
            }
            "429" => script = vec![(latency, Serve::Head(429)), (latency, Serve::End)],
            _ => {}
        }
        script
    })
}

/// Has the user do all that, with a model that answers request after request with these, over and over.
fn play(
    config: Config,
    acts: VecDeque<(u64, Act)>,
    scripts: Vec<Vec<(u64, Serve)>>,
    speculative: &str,
    crossings: Vec<bool>,
) -> Desk {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        scripts[asked % scripts.len()].clone()
    };
    let settings = json!({ "speculative": speculative });
    let wakes = config.wakes;
    let mut desk = Desk::with("fn main() {\n    |\n}\n", Box::new(model), config, settings);
    if !wakes {
        // So many keys it takes to find out.
        desk.types("abc", 1000, 1000);
    }
    desk.cross(crossings);
    desk.play(acts);
    desk
}

/// What holds with wake-ups and without.
fn holds_always(seen: &Seen, speculative: &str) -> Result<(), TestCaseError> {
    prop_assert!(seen.answers.values().all(|count| *count == 1), "{:?}", seen.answers);
    prop_assert!(seen.faults.is_empty(), "{:?}", seen.faults);
    let most = if speculative == "on" { 2 } else { 1 };
    prop_assert!(seen.most_in_flight <= most, "{} requests in flight", seen.most_in_flight);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_paints_stale_or_answers_twice(
        acts in acts(),
        scripts in prop::collection::vec(script(), 1..4),
        speculative in prop::sample::select(vec!["on", "off"]),
        crossings in prop_oneof![Just(Vec::new()), prop::collection::vec(any::<bool>(), 1..12)],
    ) {
        let desk = play(Config::default(), acts, scripts, speculative, crossings);
        desk.seen(|seen| {
            holds_always(seen, speculative)?;
            prop_assert!(seen.stale.is_empty(), "{:?}", seen.stale);
            prop_assert!(seen.dishonest.is_empty(), "Tab inserts what is not drawn: {:#?}", seen.dishonest);
            prop_assert!(seen.most_fences_in_pause <= 4, "{} fences in a pause", seen.most_fences_in_pause);
            prop_assert!(seen.most_fences_at_once <= 1, "a fence before the last one was back");
            Ok(())
        })?;
    }

    #[test]
    fn without_wake_ups_every_request_is_answered_within_the_bound(
        acts in acts(),
        scripts in prop::collection::vec(script(), 1..4),
    ) {
        let config = Config { wakes: false, ..Config::default() };
        let desk = play(config, acts, scripts, "off", Vec::new());
        desk.seen(|seen| {
            holds_always(seen, "off")?;
            prop_assert!(seen.longest_block <= 300, "blocked for {} ms", seen.longest_block);
            Ok(())
        })?;
    }
}
