//! alt+\\ on a suggestion asks for another one.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::desk::{Act, Desk, Serve, answer};

/// A desk with a suggestion, and the bodies of the requests. Each answer takes 300 ms.
fn desk(answers: &'static [&'static str], mut settings: Value) -> (Desk, Rc<RefCell<Vec<Value>>>) {
    settings["speculative"] = "off".into();
    let bodies = Rc::new(RefCell::new(Vec::new()));
    let sent = bodies.clone();
    let model = move |request: &crate::http::HttpRequest| {
        let body = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        sent.borrow_mut().push(body);
        let said = answers.get(sent.borrow().len() - 1).copied().unwrap_or_default();
        if said == "fails" {
            vec![(300, Serve::Head(400)), (300, Serve::End)]
        } else {
            answer(300, &[(0, said)])
        }
    };
    let mut desk = Desk::with("fn main() {\n    |\n    b();\n}\n", Box::new(model), settings);
    desk.types("let v = ", 60, 3000);
    (desk, bodies)
}

/// Lapce's alt+\\ does nothing while a ghost is drawn.
fn another(desk: &mut Desk) {
    desk.act(Act::Esc);
    desk.act(Act::Invoke);
    desk.rest(1000);
}

fn is_clean(desk: &Desk) {
    desk.seen(|seen| {
        assert_eq!((seen.stale.len(), seen.dishonest.len(), seen.faults.len()), (0, 0, 0), "{seen:#?}");
        assert!(seen.answers.values().all(|count| *count <= 1), "{:?}", seen.answers);
    });
}

#[test]
fn others_are_asked_for_and_then_shown_in_turn() {
    for accept in ["all", "line"] {
        let answers = &["one;", "two;\n    2;", "three;", "four;"];
        let (mut desk, bodies) = desk(answers, json!({"accept": accept}));
        let mut shown = vec![desk.screen().ghost_text().to_owned()];
        for _ in 0..5 {
            another(&mut desk);
            shown.push(desk.screen().ghost_text().to_owned());
        }
        let two = if accept == "all" { "two;\n    2;" } else { "two;" };
        assert_eq!(shown, ["one;", two, "three;", "one;", two, "three;"]);
        let warmth: Vec<_> =
            bodies.borrow().iter().map(|body| body["options"]["temperature"].as_f64().unwrap()).collect();
        assert!(
            matches!(warmth[..], [first, second, third] if first < second && second < third),
            "{warmth:?}"
        );
        is_clean(&desk);
    }
}

#[test]
fn a_chat_is_told_what_is_not_wanted() {
    let (mut desk, bodies) = desk(&["one;", "two;", "three;"], json!({"fim": "chat"}));
    another(&mut desk);
    another(&mut desk);
    let unwanted = |body: &Value| {
        let user = body["messages"][1]["content"].as_str().unwrap();
        user.split("<unwanted>\n").skip(1).map(|text| text.split("\n<").next().unwrap().to_owned()).collect()
    };
    let told: Vec<Vec<String>> = bodies.borrow().iter().map(unwanted).collect();
    assert_eq!(told, [vec![], vec!["one;"], vec!["one;", "two;"]]);
}

#[test]
fn what_is_shown_stays_where_there_is_no_other() {
    for (answers, status) in [
        (&["one;", "one;"][..], "no other suggestion"),
        (&["one;", ""], "no other suggestion"),
        // Hidden by a filter.
        (&["one;", "one;\n    b();"], "no other suggestion"),
        (&["one;", "fails"], ""),
    ] {
        let (mut desk, _) = desk(answers, json!({}));
        another(&mut desk);
        assert_eq!(desk.screen().ghost_text(), "one;", "{answers:?}");
        assert!(desk.screen().status.concat().contains(status), "{answers:?}: {:?}", desk.screen().status);
        desk.act(Act::Tab);
        assert!(desk.screen().text.contains("let v = one;\n"), "{answers:?}");
        is_clean(&desk);
    }
}

#[test]
fn who_types_along_what_was_shown_before_another_has_come_keeps_it() {
    for (acts, text) in
        [(&[Act::Key('o'), Act::Key('n'), Act::Tab][..], "let v = one;\n"), (&[Act::Key('x')], "let v = x\n")]
    {
        let (mut desk, _) = desk(&["one;", "two;"], json!({}));
        desk.act(Act::Esc);
        desk.act(Act::Invoke);
        desk.rest(100);
        for act in acts {
            desk.act(*act);
        }
        assert!(desk.screen().text.contains(text), "{acts:?}: {}", desk.screen().text);
        desk.rest(3000);
        is_clean(&desk);
    }
}

#[test]
fn another_is_asked_for_where_a_filter_hides_the_answer() {
    // The line below, then another.
    let (mut desk, bodies) = desk(&["", "b();", "c();"], json!({"trigger": "invoked"}));
    desk.types("1;\n", 60, 1000);
    let mut shown = Vec::new();
    for _ in 0..3 {
        desk.act(Act::Invoke);
        desk.rest(1000);
        shown.push(desk.screen().ghost_text().to_owned());
    }
    assert_eq!(shown, ["", "", "c();"]);
    let warmth = |body: &Value| body["options"]["temperature"].as_f64().unwrap() > 0.5;
    assert_eq!(bodies.borrow().iter().map(warmth).collect::<Vec<_>>(), [false, false, true]);
    is_clean(&desk);
}
