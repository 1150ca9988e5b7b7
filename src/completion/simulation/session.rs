//! A long stretch of editing: is the ghost there when it is wanted, and how often is the model asked?

use lapce_editor::Editor;
use serde_json::json;
use volt_host::typist::{self, Typist};

use super::desk::{Act, Desk, Seen, User, answer};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long the user writes, in milliseconds.
const LENGTH: u64 = 5 * 60 * 1000;
/// How long the model thinks, in milliseconds.
const LATENCY: u64 = 300;

struct AtWork {
    typist: Rc<RefCell<Typist>>,
    left_ms: u64,
}

impl User for AtWork {
    fn act(&mut self, editor: &mut Editor, seen: &Seen) -> Option<u64> {
        let (act, rest) = self.typist.borrow_mut().act(&editor.screen(), seen.requests)?;
        match act {
            typist::Act::Key(c) => Act::Key(c).perform(editor),
            typist::Act::Backspace => editor.backspace(),
            typist::Act::DeleteForward => editor.delete_forward(),
            typist::Act::Tab => editor.tab(),
            typist::Act::Think => {}
        }
        let rest = rest.as_millis() as u64;
        self.left_ms = self.left_ms.checked_sub(rest)?;
        Some(rest)
    }
}

#[test]
fn a_stretch_of_editing_is_helped_and_never_disturbed() {
    for seed in [0x5EED, 7, 99] {
        let plan = typist::plan();
        let model = {
            let plan = plan.clone();
            move |request: &crate::http::HttpRequest| {
                let body: serde_json::Value =
                    serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
                answer(LATENCY, &[(0, &typist::model(&plan, body["prompt"].as_str().unwrap()))])
            }
        };
        let settings = json!({"speculative": "off", "fim": "suffix"});
        let mut desk = Desk::with("|", Box::new(model), settings);
        let typist = Rc::new(RefCell::new(Typist::new(&plan, seed)));
        desk.play(AtWork { typist: typist.clone(), left_ms: LENGTH });
        let typist = typist.borrow();
        let measures = typist.measures();
        desk.seen(|seen| {
            let told = format!("seed {seed}: {measures:?}, {} requests", seen.requests);
            println!("{told}");
            assert!(
                measures.pauses >= 50 && measures.fitting_keys >= 100 && measures.accepted >= 15,
                "{told}"
            );
            assert!(measures.missed.len() * 10 <= measures.pauses, "{told}");
            assert!(measures.fitting_keys_without_request * 2 >= measures.fitting_keys, "{told}");
            assert!(seen.requests * 3 <= measures.keys, "{told}");
            assert_eq!((seen.stale.len(), seen.dishonest.len()), (0, 0), "{told}");
            assert!(seen.answers.values().all(|count| *count <= 1), "{told}");
            assert!(seen.wakeups <= 2 * measures.pauses, "{told}, {} wake-ups", seen.wakeups);
        });
    }
}

/// Types, looks at the ghost that comes while it grows, types along it, and takes the rest at once.
struct Eager {
    written: usize,
    look_ms: Option<u64>,
    along: usize,
    tab_after_ms: u64,
    /// Whether Tab took what was shown.
    honest: Rc<Cell<Option<bool>>>,
}

impl User for Eager {
    fn act(&mut self, editor: &mut Editor, _: &Seen) -> Option<u64> {
        if let Some(c) = "let these = ".chars().nth(self.written) {
            self.written += 1;
            editor.type_char(c);
            return Some(100);
        }
        if self.look_ms.is_some() && editor.screen().ghost.is_none() {
            return Some(10);
        }
        if let Some(look_ms) = self.look_ms.take() {
            return Some(look_ms);
        }
        if let Some(left) = self.along.checked_sub(1) {
            self.along = left;
            Act::Along.perform(editor);
            return Some(if left > 0 { 120 } else { self.tab_after_ms });
        }
        self.honest.set(Some(editor.tab_is_honest()));
        editor.tab();
        None
    }
}

/// How often Tab takes something else than what is shown, of a hundred times, if the model takes so long for each of
/// twelve lines.
fn wrong_tabs(line_ms: u64) -> usize {
    let lines = (1..12).map(|n| format!("\n    let value_{n} = compute_the_value_of({n});"));
    let text: String = std::iter::once("compute_the_value_of(0);".to_owned()).chain(lines).collect();
    let tokens: Vec<&str> = (0..text.len()).step_by(6).map(|at| &text[at..text.len().min(at + 6)]).collect();
    let pieces: Vec<(u64, &str)> =
        tokens.iter().map(|it| (line_ms * 12 / tokens.len() as u64, *it)).collect();
    let script = answer(LATENCY, &pieces);
    let (mut wrong, mut tries) = (0, 0);
    for look_ms in (100..1600).step_by(100) {
        for (along, tab_after_ms) in [(1, 150), (2, 150), (3, 150), (1, 350), (2, 350), (3, 350)] {
            let script = script.clone();
            let settings = json!({"speculative": "off"});
            let model = Box::new(move |_: &crate::http::HttpRequest| script.clone());
            let mut desk = Desk::with("fn main() {\n    |\n}\n", model, settings);
            let honest = Rc::new(Cell::new(None));
            let look_ms = Some(look_ms);
            desk.play(Eager { written: 0, look_ms, along, tab_after_ms, honest: honest.clone() });
            tries += 1;
            wrong += usize::from(honest.get() == Some(false));
        }
    }
    wrong * 100 / tries
}

/// Keys are seen as soon as they are typed, so Tab takes what is drawn, always.
#[test]
fn who_types_along_a_growing_ghost_and_takes_the_rest_at_once_gets_what_is_shown() {
    for line_ms in [10, 50, 100, 150, 200, 300, 500] {
        assert_eq!(wrong_tabs(line_ms), 0, "of a hundred, at {line_ms} ms a line");
    }
}
