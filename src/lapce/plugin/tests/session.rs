//! A long stretch of editing: is the ghost there when it is wanted, and how often is the model asked?

use serde_json::json;
use volt_host::editor::{Config, Editor};
use volt_host::typist::{self, Typist};

use super::desk::{Act, Desk, User, answer};
use std::cell::RefCell;
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
    fn act(&mut self, editor: &mut Editor, requests: usize) -> Option<u64> {
        let (act, rest) = self.typist.borrow_mut().act(&editor.screen(), requests)?;
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
            move |request: &crate::provider::HttpRequest| {
                let body: serde_json::Value =
                    serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
                answer(LATENCY, &[(0, &typist::model(&plan, body["prompt"].as_str().unwrap()))])
            }
        };
        let settings = json!({"speculative": "off", "fim": "suffix"});
        let mut desk = Desk::with("|", Box::new(model), Config::default(), settings);
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
            assert!(seen.answers.values().all(|count| *count == 1), "{told}");
        });
    }
}
