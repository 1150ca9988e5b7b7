//! Lapce's rules of ghost text, each as a small scene on the screen.

use serde_json::{Value, json};

use super::*;

/// One thing that happens.
#[derive(Clone)]
enum Do {
    Type(&'static str),
    Enter,
    Backspace,
    Tab,
    Escape,
    Invoke,
    Press(Arrow),
    Click(u32, u32),
    Paste(&'static str),
    Undo,
    Redo,
    Next,
    Save,
    Open(&'static str),
    Front(&'static str),
    Diagnostics,
    /// The nth `inlineCompletion` request (from 0) is answered with these items, or with an error.
    Answer(usize, Vec<Value>),
    Refuse(usize),
}
use Do::*;

/// An item without a range.
fn plain(text: &str) -> Vec<Value> {
    vec![json!({ "insertText": text })]
}

/// An item with an empty range.
fn at(line: u32, character: u32, text: &str) -> Vec<Value> {
    let position = json!({ "line": line, "character": character });
    vec![json!({ "insertText": text, "range": { "start": position, "end": position } })]
}

/// An item that replaces this range.
fn over(start: (u32, u32), end: (u32, u32), text: &str) -> Vec<Value> {
    let position = |(line, character)| json!({ "line": line, "character": character });
    vec![json!({ "insertText": text, "range": { "start": position(start), "end": position(end) } })]
}

fn capabilities() -> ServerCapabilities {
    serde_json::from_value(json!({
        "textDocumentSync": 2,
        "codeLensProvider": {},
        "inlineCompletionProvider": {},
    }))
    .unwrap()
}

/// An editor with one file; `|` marks the caret.
fn editor(config: Config, text: &str) -> Editor {
    editor_for(config, capabilities(), text)
}

/// The same for a volt that has registered these capabilities.
fn editor_for(config: Config, capabilities: ServerCapabilities, text: &str) -> Editor {
    let mut editor = Editor::new(config);
    editor.initialized(capabilities);
    let caret = text.find('|').unwrap();
    let text = text.replace('|', "");
    editor.open("a.rs", "rust", &text);
    let position = Buffer::new(&text).position(caret);
    editor.click(position.line, position.character);
    editor.outgoing();
    editor
}

fn act(editor: &mut Editor, requests: &mut Vec<u64>, step: Do) {
    perform(editor, requests, step);
    let asked = editor.outgoing().into_iter().filter(|m| m.method == "textDocument/inlineCompletion");
    requests.extend(asked.filter_map(|message| message.id));
}

fn perform(editor: &mut Editor, requests: &[u64], step: Do) {
    match step {
        Type(text) => text.chars().for_each(|c| editor.type_char(c)),
        Enter => editor.enter(),
        Backspace => editor.backspace(),
        Tab => editor.tab(),
        Escape => editor.escape(),
        Invoke => editor.invoke(),
        Press(arrow) => editor.arrow(arrow),
        Click(line, character) => editor.click(line, character),
        Paste(text) => editor.paste(text),
        Undo => editor.undo(),
        Redo => editor.redo(),
        Next => editor.cycle(true),
        Save => editor.save(),
        Open(path) => editor.open(path, "rust", ""),
        Front(path) => editor.switch_to(path),
        Diagnostics => {
            let params = json!({ "uri": "file:///home/user/project/a.rs", "diagnostics": [] });
            editor.notified("textDocument/publishDiagnostics", params).unwrap();
        }
        Answer(nth, items) => editor.answer(requests[nth], Ok(items.into())),
        Refuse(nth) => editor.answer(requests[nth], Err(json!({ "code": 0, "message": "none" }))),
    }
}

fn run(config: Config, text: &str, steps: Vec<Do>) -> Editor {
    let mut editor = editor(config, text);
    let mut requests = Vec::new();
    for step in steps {
        act(&mut editor, &mut requests, step);
    }
    editor
}

/// The text with the ghost in «» and the caret as |.
fn picture(screen: &Screen) -> String {
    let buffer = Buffer::new(&screen.text);
    let mut marks = vec![(buffer.offset(screen.cursor), "|".to_owned())];
    marks.extend(screen.ghost.iter().map(|ghost| (buffer.offset(ghost.at), format!("«{}»", ghost.text))));
    marks.sort_by_key(|(offset, _)| std::cmp::Reverse(*offset));
    marks.into_iter().fold(screen.text.clone(), |mut text, (offset, mark)| {
        text.insert_str(offset, &mark);
        text
    })
}

#[test]
fn ghost_text_follows_the_rules_of_lapce() {
    let two = || [plain("one"), plain("two")].concat();
    let scenes: Vec<(&str, &str, Vec<Do>, &str)> = vec![
        ("an answer is drawn at its request", "|", vec![Type("p"), Answer(0, plain("rint"))], "p«rint»|"),
        (
            "a late answer without range is drawn inside the word",
            "|",
            vec![Type("let ab"), Answer(2, plain("GHOST"))],
            "let«GHOST» ab|",
        ),
        (
            "an old request answered with a range draws there",
            "|",
            vec![Type("let ab"), Answer(2, at(0, 6, "c"))],
            "let ab«c»|",
        ),
        (
            "growing by old requests, then Tab takes the last",
            "|",
            vec![Type("abc"), Answer(0, at(0, 3, "1")), Answer(1, at(0, 3, "1\n2")), Tab],
            "abc1\n2|",
        ),
        ("saving wipes the ghost", "|", vec![Type("a"), Answer(0, plain("b")), Save], "a|"),
        (
            "an answer after Escape is drawn all the same",
            "|",
            vec![Type("a"), Escape, Answer(0, plain("b"))],
            "a«b»|",
        ),
        ("no items wipe at once", "|", vec![Type("ab"), Answer(0, at(0, 2, "c")), Answer(1, vec![])], "ab|"),
        ("an error changes nothing", "|", vec![Type("ab"), Answer(0, at(0, 2, "c")), Refuse(1)], "ab«c»|"),
        (
            "a contradicting key hides the ghost, Tab still takes it",
            "|",
            vec![Type("p"), Answer(0, plain("rintln!(\"hi\");")), Type("z"), Tab],
            "println!(\"hi\");|z",
        ),
        (
            "typing along strips the drawing",
            "|",
            vec![Type("p"), Answer(0, plain("rint")), Type("r")],
            "pr«int»|",
        ),
        (
            "typing along, Tab inserts the whole text at the old place",
            "|",
            vec![Type("p"), Answer(0, plain("rintln!(\"hi\");")), Type("r"), Tab],
            "println!(\"hi\");|r",
        ),
        (
            "until a fresh answer comes",
            "|",
            vec![Type("p"), Answer(0, plain("rint")), Type("r"), Answer(1, plain("int")), Tab],
            "print|",
        ),
        (
            "text right of the caret hides the ghost on the next key",
            "|x",
            vec![Type("a"), Answer(0, plain("bc")), Type("b")],
            "ab|x",
        ),
        (
            "a range that is neither caret nor request hides on the next key",
            "ab |",
            vec![Type("c"), Answer(0, at(0, 1, "d")), Type("d")],
            "ab cd|",
        ),
        ("Up leaves the ghost", "1\n|", vec![Type("a"), Answer(0, plain("b")), Press(Arrow::Up)], "1|\na«b»"),
        (
            "an answer after Up is drawn at the old place",
            "1\n|",
            vec![Type("a"), Press(Arrow::Up), Answer(0, plain("b"))],
            "1|\na«b»",
        ),
        ("a click wipes the ghost", "1\n|", vec![Type("a"), Answer(0, plain("b")), Click(0, 0)], "|1\na"),
        (
            "Escape wipes, and Tab indents then",
            "|",
            vec![Type("a"), Answer(0, plain("b")), Escape, Tab],
            "a   |",
        ),
        ("pasting wipes", "|", vec![Type("a"), Answer(0, plain("b")), Paste("x")], "ax|"),
        ("undo wipes", "|", vec![Type("a"), Answer(0, plain("b")), Undo], "|"),
        ("Enter wipes", "|", vec![Type("a"), Answer(0, plain("b")), Enter], "a\n|"),
        (
            "backspace into the ghost's beginning draws more of it",
            "|",
            vec![Type("p"), Answer(0, plain("rint")), Type("r"), Backspace],
            "p«rint»|",
        ),
        ("the second item is taken unseen", "|", vec![Type("a"), Answer(0, two()), Next], "a«one»|"),
        ("as Tab shows", "|", vec![Type("a"), Answer(0, two()), Next, Tab], "atwo|"),
        (
            "a range replaces, as full text",
            "let |",
            vec![Type("a"), Answer(0, over((0, 0), (0, 5), "let b")), Tab],
            "let b|",
        ),
        (
            "what a range replaces is not marked",
            "|old();",
            vec![Type("x"), Answer(0, over((0, 1), (0, 7), "new();"))],
            "x«new();»|old();",
        ),
        (
            "and Tab replaces it",
            "|old();",
            vec![Type("x"), Answer(0, over((0, 1), (0, 7), "new();")), Tab],
            "xnew();|",
        ),
        (
            "a range elsewhere in the file is drawn there",
            "|\nb\nmain()",
            vec![Type("a"), Answer(0, over((2, 0), (2, 4), "start"))],
            "a|\nb\n«start»main()",
        ),
        (
            "and Tab takes the caret there",
            "|\nb\nmain()",
            vec![Type("a"), Answer(0, over((2, 0), (2, 4), "start")), Tab],
            "a\nb\nstart|()",
        ),
        (
            "on the next key such a ghost goes",
            "|\nb\nmain()",
            vec![Type("a"), Answer(0, over((2, 0), (2, 4), "start")), Type("a")],
            "aa|\nb\nmain()",
        ),
        (
            "while Tab still takes it, at offsets that no longer hold",
            "|\nb\nmain()",
            vec![Type("a"), Answer(0, over((2, 0), (2, 4), "start")), Type("a"), Tab],
            "aa\nbstart|n()",
        ),
        (
            "unless that key is answered with nothing",
            "|\nb\nmain()",
            vec![Type("a"), Answer(0, over((2, 0), (2, 4), "start")), Type("a"), Answer(1, vec![]), Tab],
            "aa  |\nb\nmain()",
        ),
        (
            "an empty text over a range draws nothing",
            "|bc",
            vec![Type("a"), Answer(0, over((0, 1), (0, 3), ""))],
            "a|bc",
        ),
        ("yet Tab deletes", "|bc", vec![Type("a"), Answer(0, over((0, 1), (0, 3), "")), Tab], "a|"),
        (
            "Down, Left, Home and End leave the ghost",
            "|\n1",
            vec![
                Type("a"),
                Answer(0, plain("b")),
                Press(Arrow::Down),
                Press(Arrow::Left),
                Press(Arrow::End),
                Press(Arrow::Home),
            ],
            "a«b»\n|1",
        ),
        (
            "a key typed elsewhere leaves it, too",
            "1\n|",
            vec![Type("a"), Answer(0, plain("b")), Press(Arrow::Up), Type("x")],
            "1x|\na«b»",
        ),
        ("redo wipes", "|", vec![Type("a"), Undo, Answer(0, plain("b")), Redo], "a|"),
        ("invoke asks in the middle of nothing", "ab|", vec![Invoke, Answer(0, plain("c"))], "ab«c»|"),
        ("columns are UTF-16", "😀|", vec![Type("a"), Answer(0, at(0, 3, "b"))], "😀a«b»|"),
        ("CRLF is kept on Tab", "1\r\n|", vec![Type("a"), Answer(0, plain("b\nc")), Tab], "1\r\nab\r\nc|"),
    ];
    for (name, text, steps, expected) in scenes {
        let editor = run(Config::default(), text, steps);
        assert_eq!(picture(&editor.screen()), expected, "{name}");
    }
}

#[test]
fn tab_is_honest_only_while_it_inserts_what_is_drawn() {
    let scenes = [
        (vec![Type("a"), Answer(0, plain("b"))], true),
        (vec![Type("a")], true),
        (vec![Type("a"), Answer(0, plain("bc")), Type("b")], false),
        (vec![Type("a"), Answer(0, plain("bc")), Type("b"), Answer(1, plain("c"))], true),
        (vec![Type("a"), Answer(0, plain("bc")), Type("z")], false),
        (vec![Type("a"), Answer(0, plain("bc")), Type("z"), Answer(1, vec![])], true),
        // What is replaced is not drawn.
        (vec![Type("ab"), Answer(1, over((0, 1), (0, 2), "c"))], true),
        (vec![Type("ab"), Answer(1, over((0, 1), (0, 2), ""))], false),
        (vec![Type("ab"), Answer(1, over((0, 1), (0, 1), ""))], true),
    ];
    for (number, (steps, honest)) in scenes.into_iter().enumerate() {
        assert_eq!(run(Config::default(), "|", steps).tab_is_honest(), honest, "scene {number}");
    }
}

#[test]
fn a_ghost_away_from_the_caret_is_a_stale_paint() {
    for (steps, stale) in [
        (vec![Type("ab"), Answer(1, plain("c"))], 0),
        (vec![Type("ab"), Answer(0, plain("c"))], 1),
        (vec![Type("ab"), Answer(0, at(0, 2, "c"))], 0),
        (vec![Type("ab"), Answer(0, vec![])], 0),
    ] {
        let paints = run(Config::default(), "|", steps).paints();
        assert_eq!(paints.iter().filter(|paint| paint.is_stale()).count(), stale, "{paints:?}");
    }
}

/// What goes out, briefly.
fn told(editor: &mut Editor) -> Vec<String> {
    let brief = |message: Message| {
        let change = message.params.pointer("/contentChanges/0");
        match (message.method, change) {
            ("textDocument/didChange", Some(change)) => {
                let kind = if change.get("range").is_some() { "range" } else { "full" };
                format!("didChange {kind} {}", change["text"])
            }
            ("textDocument/inlineCompletion", _) => {
                let params = &message.params;
                format!("ask {} at {}", params["context"]["triggerKind"], params["position"]["character"])
            }
            ("textDocument/codeAction", _) => {
                let range = &message.params["range"];
                assert_eq!(range["start"], range["end"]);
                format!("actions at {}:{}", range["start"]["line"], range["start"]["character"])
            }
            (method, _) => method.trim_start_matches("textDocument/").to_owned(),
        }
    };
    editor.outgoing().into_iter().map(brief).collect()
}

#[test]
fn every_act_sends_its_messages_in_the_order_of_lapce() {
    let scenes: Vec<(&str, &str, Do, &[&str])> = vec![
        ("a key", "|", Type("a"), &["didChange range \"a\"", "codeLens", "ask 2 at 1"]),
        (
            "a bracket",
            "|",
            Type("("),
            &["didChange range \"(\"", "didChange range \")\"", "codeLens", "ask 2 at 1"],
        ),
        ("typing over", "(|)", Type(")"), &["didChange full \"()\"", "codeLens", "ask 2 at 2"]),
        ("Enter", "a|", Enter, &["didChange range \"\\n\"", "codeLens", "ask 2 at 0"]),
        ("backspace", "a|", Backspace, &["didChange range \"\"", "codeLens", "ask 2 at 0"]),
        ("paste", "|", Paste("ab"), &["didChange range \"ab\"", "codeLens"]),
        ("indent", "|", Tab, &["didChange range \"    \"", "codeLens"]),
        ("invoke", "a|", Invoke, &["ask 1 at 1"]),
        ("Escape", "a|", Escape, &[]),
        ("a click", "a|", Click(0, 0), &[]),
        ("Up", "a\n|", Press(Arrow::Up), &[]),
        ("saving", "a|\n", Save, &["didChange full \"a\\n\"", "codeLens"]),
        ("saving what has one line", "a|", Save, &[]),
    ];
    for (name, text, step, expected) in scenes {
        let mut editor = editor(Config::default(), text);
        perform(&mut editor, &[], step);
        assert_eq!(told(&mut editor), expected, "{name}");
    }
}

#[test]
fn code_actions_are_asked_for_last_at_every_key_and_click_once_at_each_place_since_the_last_edit() {
    let key = |last: &'static str| vec!["didChange range \"a\"", "codeLens", "ask 2 at 1", last];
    let scenes: Vec<(&str, &str, Vec<Do>, Vec<&str>)> = vec![
        ("a key", "|", vec![Type("a")], key("actions at 0:1")),
        (
            "Enter",
            "a|",
            vec![Enter],
            vec!["didChange range \"\\n\"", "codeLens", "ask 2 at 0", "actions at 1:0"],
        ),
        (
            "backspace",
            "a|",
            vec![Backspace],
            vec!["didChange range \"\"", "codeLens", "ask 2 at 0", "actions at 0:0"],
        ),
        (
            "undo and redo",
            "|",
            vec![Type("a"), Undo, Redo],
            [
                key("actions at 0:1"),
                vec!["didChange range \"\"", "codeLens", "actions at 0:0"],
                vec!["didChange range \"a\"", "codeLens", "actions at 0:1"],
            ]
            .concat(),
        ),
        ("undo of nothing", "a|", vec![Undo], vec![]),
        ("paste", "|", vec![Paste("ab")], vec!["didChange range \"ab\"", "codeLens", "actions at 0:2"]),
        ("Tab that indents", "|", vec![Tab], vec!["didChange range \"    \"", "codeLens", "actions at 0:4"]),
        (
            "Tab that takes",
            "|",
            vec![Type("a"), Answer(0, plain("b\nc")), Tab],
            [key("actions at 0:1"), vec!["didChange range \"b\\nc\"", "codeLens", "actions at 1:1"]].concat(),
        ),
        (
            "arrows",
            "ab\ncd|",
            vec![Press(Arrow::Left), Press(Arrow::Up)],
            vec!["actions at 1:1", "actions at 0:1"],
        ),
        (
            "Home and End",
            "a|b",
            vec![Press(Arrow::Home), Press(Arrow::End)],
            vec!["actions at 0:0", "actions at 0:2"],
        ),
        ("a click", "ab|", vec![Click(0, 1)], vec!["actions at 0:1"]),
        (
            "back to where it was",
            "ab|",
            vec![Press(Arrow::Left), Press(Arrow::Right)],
            vec!["actions at 0:1"],
        ),
        ("a click on where it was", "ab|", vec![Click(0, 2)], vec![]),
        (
            "back after an edit",
            "|",
            vec![Press(Arrow::Left), Type("a"), Press(Arrow::Left)],
            [key("actions at 0:1"), vec!["actions at 0:0"]].concat(),
        ),
        ("Escape", "a|", vec![Escape], vec![]),
        ("alt+\\", "a|", vec![Invoke], vec!["ask 1 at 1"]),
        ("other keys", "a|", vec![Next, Save], vec![]),
        ("saving", "a|\n", vec![Save], vec!["didChange full \"a\\n\"", "codeLens", "actions at 0:1"]),
        (
            "Escape after diagnostics, which are no edit but drop what was asked for",
            "a|",
            vec![Diagnostics, Escape],
            vec!["actions at 0:1"],
        ),
        (
            "each document has its own",
            "a|",
            vec![Open("b.rs"), Escape, Front("a.rs"), Escape],
            vec!["didOpen", "codeLens", "actions at 0:0"],
        ),
    ];
    let mut actions = capabilities();
    actions.code_action_provider = Some(true.into());
    for (name, text, steps, expected) in scenes {
        for (registered, capabilities) in [(true, actions.clone()), (false, capabilities())] {
            let mut editor = editor_for(Config::default(), capabilities, text);
            // The click that put the caret where it is has been asked for.
            let mut messages = Vec::new();
            let mut requests = Vec::new();
            for step in &steps {
                perform(&mut editor, &requests, step.clone());
                let asked = editor.outgoing.iter().filter(|m| m.method == "textDocument/inlineCompletion");
                requests.extend(asked.filter_map(|message| message.id));
                messages.extend(told(&mut editor));
            }
            let expected = expected.iter().filter(|one| registered || !one.starts_with("actions"));
            assert_eq!(messages, expected.copied().collect::<Vec<_>>(), "{name}, registered: {registered}");
        }
    }
}

#[test]
fn code_actions_are_not_asked_for_in_documents_outside_the_filter() {
    let selector = Selector::new(&["rust".to_owned()], &[]);
    let mut editor = Editor::new(Config { selector, ..Config::default() });
    let mut capabilities = capabilities();
    capabilities.code_action_provider = Some(true.into());
    editor.initialized(capabilities);
    editor.open("a.txt", "plaintext", "");
    editor.outgoing();
    editor.click(0, 0);
    assert_eq!(told(&mut editor), [""; 0]);
}

#[test]
fn a_wakeup_is_asked_for_behind_the_keys_for_every_open_file_and_marked() {
    let mut editor = editor(Config::default(), "|");
    for (path, language) in [("b.rs", "rust"), ("c.rs", "rust")] {
        editor.open(path, language, "");
    }
    editor.outgoing();
    editor.type_char('a');
    editor.wake_up();
    editor.type_char('b');
    editor.wake_up();
    let lenses = editor.outgoing().into_iter().filter(|message| message.method == "textDocument/codeLens");
    let wakeups: Vec<Option<usize>> = lenses.map(|message| message.wakeup).collect();
    let (first, second) = (Some(1), Some(2));
    assert_eq!(wakeups, [None, first, first, first, None, second, second, second]);
    assert_eq!(editor.wakeups(), 2);
}

#[test]
fn a_language_server_wakes_the_volt_like_the_volt_itself() {
    for (wakes, health, wakeups, popups) in
        [(true, "ok", 1, vec![]), (true, "error", 0, vec!["Volt"]), (false, "ok", 0, vec![])]
    {
        let mut editor = editor(Config { wakes, ..Config::default() }, "|");
        let status = json!({ "health": health, "quiescent": true, "message": "m" });
        editor.notified_by_server("experimental/serverStatus", status).unwrap();
        assert_eq!((editor.wakeups(), told(&mut editor).len()), (wakeups, wakeups), "{wakes} {health}");
        let screen = editor.screen();
        assert_eq!(screen.popups.iter().map(|popup| popup.title.as_str()).collect::<Vec<_>>(), popups);
    }
}

#[test]
fn a_language_server_is_told_of_the_documents_of_its_selector() {
    let both = ["didOpen", "didChange"];
    for (selector, sync, expected) in [
        (json!([{ "language": "rust" }]), json!(2), &both[..]),
        (json!([{ "language": "c" }, { "pattern": "**/*.rs" }]), json!(1), &both),
        (json!([{ "language": "rust", "pattern": "**/*.c" }]), json!(2), &["didChange"]),
        // Changes are sent whatever the selector says, as in Lapce.
        (json!([]), json!(2), &["didChange"]),
        (json!([]), Value::Null, &[]),
        (json!([{ "language": "rust" }]), Value::Null, &[]),
    ] {
        let mut editor = editor(Config::default(), "|");
        let capabilities = serde_json::from_value(json!({ "textDocumentSync": sync })).unwrap();
        let filters = serde_json::from_value(selector.clone()).unwrap();
        editor.server_loaded(7, capabilities, Selector::of_server(&filters));
        editor.type_char('a');
        let told = editor.outgoing_to_servers();
        let methods: Vec<&str> =
            told.iter().map(|(_, message)| message.method.trim_start_matches("textDocument/")).collect();
        assert_eq!(methods, expected, "{selector} {sync}");
        assert!(told.iter().all(|(id, _)| *id == 7));
    }
}

#[test]
fn taking_the_ghost_tells_only_the_change() {
    let mut editor = editor(Config::default(), "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.answer(id, Ok(plain("b").into()));
    editor.tab();
    assert_eq!(told(&mut editor), ["didChange range \"b\"", "codeLens"]);
}

#[test]
fn a_request_is_answered_once() {
    let mut editor = editor(Config::default(), "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.answer(id, Ok(Value::Null));
    editor.answer(id, Ok(plain("late").into()));
    assert_eq!(editor.screen().ghost, None);
}

#[test]
fn an_ok_server_status_asks_for_code_lenses_of_every_open_file() {
    for (wakes, health, requests) in [(true, "ok", 2), (true, "error", 0), (false, "ok", 0)] {
        let mut editor = editor(Config { wakes, ..Config::default() }, "|");
        editor.open("b.rs", "rust", "");
        editor.outgoing();
        editor.notified("experimental/serverStatus", json!({ "health": health, "quiescent": true })).unwrap();
        assert_eq!(told(&mut editor), vec!["codeLens"; requests], "{wakes} {health}");
    }
}

#[test]
fn what_a_document_shows_is_asked_for_after_changes_and_at_a_server_status_each_in_its_order() {
    let mut editor = Editor::new(Config::default());
    let capabilities = json!({
        "textDocumentSync": 2,
        "codeLensProvider": {},
        "documentSymbolProvider": true,
        "foldingRangeProvider": true,
        "inlayHintProvider": true,
        "semanticTokensProvider": { "legend": { "tokenTypes": [], "tokenModifiers": [] } },
    });
    editor.initialized(serde_json::from_value(capabilities).unwrap());
    editor.open("a.rs", "rust", "");
    editor.outgoing();
    editor.type_char('a');
    let after_a_change = ["inlayHint", "semanticTokens/full", "codeLens", "documentSymbol"];
    assert_eq!(told(&mut editor)[1..], after_a_change);
    editor.notified("experimental/serverStatus", json!({ "health": "ok", "quiescent": true })).unwrap();
    let again = ["codeLens", "documentSymbol", "semanticTokens/full", "inlayHint"];
    assert_eq!(told(&mut editor), again);
}

#[test]
fn a_server_status_that_is_not_ok_pops_up_under_the_volts_name() {
    let mut editor = Editor::new(Config { name: "ai".to_owned(), ..Config::default() });
    let status = json!({ "health": "error", "quiescent": true, "message": "no key" });
    editor.notified("experimental/serverStatus", status).unwrap();
    let popup = editor.screen().popups.remove(0);
    assert_eq!((popup.title.as_str(), popup.message.as_str()), ("volt ai", "no key"));
}

#[test]
fn opening_a_file_drops_the_items_and_the_ghost() {
    let mut editor = editor(Config::default(), "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.answer(id, Ok(plain("b").into()));
    editor.open("b.rs", "rust", "x");
    editor.tab();
    assert_eq!(editor.screen().text, "    x", "there is nothing to take");
    editor.switch_to("a.rs");
    assert_eq!(editor.screen().ghost, None);
}

#[test]
fn a_file_without_indentation_is_indented_as_its_language_is() {
    for (path, language, text) in [("a.rs", "rust", "    "), ("a.toml", "toml", "  "), ("a.go", "go", "\t")] {
        let mut editor = Editor::new(Config::default());
        editor.open(path, language, "");
        editor.tab();
        assert_eq!(editor.screen().text, text, "{language}");
    }
}

#[test]
fn deleting_a_selection_is_an_undo_step_of_its_own() {
    let mut editor = editor(Config::default(), "abcd|");
    editor.select((0, 2), (0, 4));
    editor.backspace();
    editor.backspace();
    editor.undo();
    assert_eq!(picture(&editor.screen()), "ab|");
}

#[test]
fn undoing_the_parting_of_a_pair_leads_back_to_where_enter_was_pressed() {
    let editor = run(Config::default(), "{|}", vec![Enter, Undo]);
    assert_eq!(picture(&editor.screen()), "{|\n    }");
}

#[test]
fn documents_outside_the_filter_are_not_opened_but_their_changes_are_told() {
    let selector = Selector::new(&["rust".to_owned()], &[]);
    let mut editor = Editor::new(Config { selector, ..Config::default() });
    editor.initialized(capabilities());
    editor.outgoing();
    editor.open("a.txt", "plaintext", "");
    editor.type_char('a');
    assert_eq!(told(&mut editor), ["didChange range \"a\""]);
}

#[test]
fn files_opened_before_initialize_is_answered_are_told_then_or_never() {
    for (loses_early_open, expected) in [(false, vec!["initialized", "didOpen"]), (true, vec!["initialized"])]
    {
        let mut editor = Editor::new(Config { loses_early_open, ..Config::default() });
        editor.initialize(json!({}));
        editor.open("a.rs", "rust", "");
        editor.type_char('a');
        editor.outgoing();
        editor.answer(0, Ok(json!({ "capabilities": capabilities() })));
        assert_eq!(told(&mut editor), expected);
        assert!(editor.is_initialized());
    }
}

#[test]
fn one_set_of_items_serves_all_files_of_the_window() {
    let mut editor = editor(Config::default(), "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.open("b.rs", "rust", "x");
    editor.answer(id, Ok(plain("b").into()));
    assert_eq!(editor.screen().ghost, None, "drawn in the file that asked");
    editor.tab();
    assert_eq!(editor.screen().text, "xb", "taken in the file in front");
    editor.switch_to("a.rs");
    assert_eq!(editor.screen().ghost_text(), "b", "and still drawn where it was");
}

#[test]
fn a_list_is_as_good_as_an_array() {
    let mut editor = editor(Config::default(), "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.answer(id, Ok(json!({ "items": plain("b") })));
    assert_eq!(editor.screen().ghost_text(), "b");
}

#[test]
fn in_normal_mode_nothing_is_asked() {
    let mut editor = editor(Config { modal: true, ..Config::default() }, "|");
    editor.type_char('a');
    editor.invoke();
    assert_eq!(told(&mut editor), [""; 0]);
    editor.enter_insert_mode();
    assert_eq!(told(&mut editor), ["ask 2 at 0"]);
}

#[test]
fn with_inline_completion_off_requests_still_go_out() {
    let mut editor = editor(Config { inline_completion: false, ..Config::default() }, "|");
    editor.type_char('a');
    let id = editor.outgoing().last().and_then(|message| message.id).unwrap();
    editor.answer(id, Ok(plain("b").into()));
    assert_eq!(editor.screen().ghost, None);
}

#[test]
fn the_status_bar_shows_each_token_from_begin_to_end() {
    let mut editor = Editor::new(Config::default());
    let steps = [
        (json!({ "kind": "report", "message": "lost" }), vec![]),
        (json!({ "kind": "begin", "title": "AI" }), vec!["AI"]),
        (json!({ "kind": "report", "message": "writing" }), vec!["AI: writing"]),
        (json!({ "kind": "report" }), vec!["AI"]),
        (json!({ "kind": "end" }), vec![]),
    ];
    for (value, status) in steps {
        editor.notified("$/progress", json!({ "token": "t", "value": value })).unwrap();
        assert_eq!(editor.screen().status, status);
    }
}
