//! Taking a suggestion line by line: `accept = "line"`.

use proptest::prelude::*;
use serde_json::json;

use super::desk::{Act, Desk, answer};
use super::interleavings::sessions;

const DOCUMENT: &str = "fn main() {\n    |\n}\n";

fn line_by_line() -> serde_json::Value {
    json!({"accept": "line", "speculative": "off"})
}

/// A desk where `typed` stands in the document and the model has written `text` behind it.
fn offered(typed: &str, text: &'static str, settings: serde_json::Value) -> Desk {
    let model = Box::new(move |_: &_| answer(100, &[(0, text)]));
    let mut desk = Desk::with(DOCUMENT, model, settings);
    desk.types(typed, 60, 3000);
    desk
}

/// The document once all of the text is taken.
fn taken_whole(typed: &str, text: &str) -> String {
    DOCUMENT.replace('|', &[typed, text].concat())
}

#[test]
fn each_line_is_drawn_when_the_one_before_is_taken_and_nobody_is_asked() {
    let text = "first();\n    second();\n\n    third();";
    for settings in
        [json!({"accept": "line", "speculative": "off"}), json!({"accept": "line", "speculative": "on"})]
    {
        let mut desk = offered("let v = ", text, settings);
        let mut shown = Vec::new();
        while desk.screen().ghost.is_some() {
            shown.push(desk.screen().ghost_text().to_owned());
            if shown.len() > 3 {
                break;
            }
            assert!(desk.screen().ghost_at_cursor() && desk.tab_is_honest(), "{:?}", desk.screen());
            // The last line leads to what may be asked for ahead.
            if shown.len() < 3 {
                desk.seen(|seen| assert_eq!(seen.requests, 1));
            }
            desk.act(Act::Tab);
        }
        assert_eq!(shown, ["first();", "\n    second();", "\n\n    third();"]);
        assert_eq!(desk.screen().text, taken_whole("let v = ", text));
    }
}

#[test]
fn lines_are_taken_while_the_model_still_writes() {
    let model = Box::new(|_: &_| answer(100, &[(0, "a();\n"), (900, "    b();\n"), (900, "    c();\n")]));
    let mut desk = Desk::with(DOCUMENT, model, line_by_line());
    desk.types("let v = ", 60, 700);
    for line in ["a();", "\n    b();", "\n    c();"] {
        assert_eq!(desk.screen().ghost_text(), line);
        desk.act(Act::Tab);
        desk.rest(1500);
    }
    assert_eq!(desk.screen().text, taken_whole("let v = ", "a();\n    b();\n    c();"));
    desk.seen(|seen| assert_eq!((seen.requests, seen.stale.len(), seen.dishonest.len()), (1, 0, 0)));
}

#[test]
fn a_line_without_an_open_request_is_drawn_with_the_next_key_or_when_asked_for() {
    let text = "v = 1;\n    w = 2;\n    x = 3;";
    for act in [Act::Invoke, Act::Key('\n')] {
        // One key, one request, which drew the first line.
        let mut desk = offered("l", text, line_by_line());
        assert_eq!(desk.screen().ghost_text(), "v = 1;");
        desk.act(Act::Tab);
        assert_eq!(desk.screen().ghost, None);
        desk.act(act);
        let shown = if act == Act::Invoke { "\n    w = 2;" } else { "w = 2;" };
        assert_eq!(desk.screen().ghost_text(), shown, "{act:?}");
        desk.seen(|seen| assert_eq!(seen.requests, 1));
    }
}

#[test]
fn a_line_that_replaces_brackets_is_taken_with_them() {
    let model = Box::new(|_: &_| answer(100, &[(0, "a).b(c);")]));
    let mut desk = Desk::with(DOCUMENT, model, line_by_line());
    desk.types("f(", 60, 3000);
    desk.act(Act::Tab);
    assert_eq!(desk.screen().text, "fn main() {\n    f(a).b(c);\n}\n");
}

#[test]
fn a_rest_of_line_that_is_said_again_is_taken_once_however_much_was_typed_along() {
    for (accept, along) in [("all", 0), ("line", 0), ("all", 3), ("line", 5)] {
        let document = "fn main() {\n    let n =|items.len();\n}\n";
        let model = Box::new(|_: &_| answer(100, &[(0, "usize::from(items.len());\n    b();")]));
        let mut desk = Desk::with(document, model, json!({"accept": accept, "speculative": "off"}));
        desk.types(" ", 60, 3000);
        assert_eq!(desk.screen().ghost_text(), "usize::from(items.len());");
        for _ in 0..along {
            desk.act(Act::Along);
            desk.rest(60);
        }
        assert!(desk.tab_is_honest(), "{:?}", desk.screen());
        desk.act(Act::Tab);
        let wanted = "fn main() {\n    let n = usize::from(items.len());\n}\n";
        assert_eq!(desk.screen().text, wanted, "{accept} {along}");
        desk.seen(|seen| assert_eq!((seen.stale.len(), seen.dishonest.len()), (0, 0)));
    }
}

#[test]
fn a_bracket_that_the_editor_closes_while_it_is_typed_along_is_not_left_behind() {
    for accept in ["all", "line"] {
        let text = "a(x, \"y\");\n    b();";
        let mut desk = offered("let v = ", text, json!({"accept": accept, "speculative": "off"}));
        for _ in 0..2 {
            desk.act(Act::Along);
            desk.rest(60);
        }
        assert!(desk.screen().text.contains("let v = a()\n"), "{}", desk.screen().text);
        while desk.screen().ghost.is_some() {
            desk.act(Act::Tab);
        }
        assert_eq!(desk.screen().text, taken_whole("let v = ", text), "{accept}");
        desk.seen(|seen| assert_eq!((seen.requests, seen.stale.len(), seen.dishonest.len()), (1, 0, 0)));
    }
}

/// What the user does with a ghost of some lines.
#[derive(Debug, Clone, Copy)]
enum Step {
    Tab,
    /// Types the next characters of it, as far as they are on its line.
    Along(usize),
    TabAndUndo,
    TabUndoRedo,
    Rest(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Tab),
        2 => (1..6usize).prop_map(Step::Along),
        2 => Just(Step::TabAndUndo),
        1 => Just(Step::TabUndoRedo),
        1 => (0..3000u64).prop_map(Step::Rest),
    ];
    prop::collection::vec(step, 0..8)
}

fn perform(desk: &mut Desk, step: Step) {
    match step {
        Step::Tab => desk.act(Act::Tab),
        Step::Along(count) => {
            for _ in 0..count {
                let next = desk.screen().ghost_text().chars().next();
                // To undo a Tab that replaced a bracket of the editor's leads to another place.
                if next.is_some_and(|next| !matches!(next, '\n' | '(' | '{')) {
                    desk.act(Act::Along);
                    desk.rest(60);
                }
            }
        }
        Step::TabAndUndo => {
            desk.act(Act::Tab);
            desk.rest(60);
            desk.act(Act::Undo);
        }
        Step::TabUndoRedo => {
            perform(desk, Step::TabAndUndo);
            desk.rest(60);
            desk.act(Act::Redo);
        }
        Step::Rest(ms) => desk.rest(ms),
    }
    desk.rest(60);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sessions(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn line_by_line_comes_to_the_same_as_the_whole(
        steps in steps(),
        typed in prop::sample::select(vec!["let v = ", "l", "ab", "let the_value = "]),
        text in prop::sample::select(vec![
            "first();",
            "first();\n    second();\n    third();",
            "a();\n    a();\n    b();\n    a();",
            "a(x);\n\n    if b {\n        c();\n    }\n    d();",
            "größe();\n    // 𝄞\n    é();",
        ]),
    ) {
        let mut desk = offered(typed, text, line_by_line());
        let whole = taken_whole(typed, text);
        for step in &steps {
            // Tab without a ghost indents.
            if desk.screen().ghost.is_some() || matches!(step, Step::Rest(_)) {
                perform(&mut desk, *step);
            }
        }
        for _ in 0..20 {
            if desk.screen().text == whole {
                break;
            }
            let act = if desk.screen().ghost.is_some() { Act::Tab } else { Act::Invoke };
            desk.act(act);
            desk.rest(60);
        }
        prop_assert_eq!(desk.screen().text, whole);
        desk.seen(|seen| {
            prop_assert_eq!((seen.stale.len(), seen.dishonest.len(), seen.faults.len()), (0, 0, 0));
            Ok(())
        })?;
    }
}
