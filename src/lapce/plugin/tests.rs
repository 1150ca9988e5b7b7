use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::json;

use super::super::rpc::tests::Fake;
use super::*;
use crate::provider::HttpRequest;
use crate::transport::Failure;

/// A clock that tests set, and no model anywhere.
#[derive(Clone, Default)]
struct Nowhere {
    now: Rc<Cell<Duration>>,
    requests: Rc<RefCell<Vec<HttpRequest>>>,
}

impl Surroundings for Nowhere {
    type Transport = Self;

    fn transport(&self, _: &transport::Options) -> Self {
        self.clone()
    }

    fn now(&self) -> Duration {
        self.now.get()
    }

    fn unix_time(&self) -> u64 {
        0
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "HUSH").then(|| "hush-hush".to_owned())
    }
}

impl Transport for Nowhere {
    fn start(&mut self, request: &HttpRequest) -> Result<(), Failure> {
        self.requests.borrow_mut().push(request.clone());
        Ok(())
    }

    fn wait(&mut self, timeout_ms: u64, _: &mut [u8]) -> Happening {
        self.now.set(self.now.get() + Duration::from_millis(timeout_ms));
        Happening::Elapsed
    }

    fn cancel(&mut self) {}
}

const URI: &str = "file:///w/a.rs";

/// The editor's side of a conversation.
struct Editor {
    plugin: Plugin<Fake, Nowhere>,
    ids: u64,
}

impl Editor {
    fn new(options: Value) -> Self {
        let mut editor = Self { plugin: Plugin::new(Fake::default(), Nowhere::default()), ids: 0 };
        editor.request("initialize", json!({"initializationOptions": options, "rootUri": "file:///w"}));
        editor.notify("initialized", json!({}));
        editor
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.plugin
            .handle(json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string().as_bytes());
    }

    fn request(&mut self, method: &str, params: Value) -> u64 {
        self.ids += 1;
        let line = json!({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params});
        self.plugin.handle(line.to_string().as_bytes());
        self.ids
    }

    fn open(&mut self, text: &str) {
        let document = json!({"uri": URI, "languageId": "rust", "version": 0, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    fn complete(&mut self, trigger_kind: u8) -> u64 {
        let params = json!({
            "textDocument": {"uri": URI},
            "position": {"line": 0, "character": 3},
            "context": {"triggerKind": trigger_kind},
        });
        self.request("textDocument/inlineCompletion", params)
    }

    /// All that was said, oldest first.
    fn said(&self) -> Vec<Value> {
        self.plugin.rpc.host().sent.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn answers(&self, id: u64) -> Vec<Value> {
        self.said().into_iter().filter(|message| message["id"] == id).collect()
    }

    fn notified(&self, method: &str) -> Vec<String> {
        let said = self.said().into_iter().filter(|message| message["method"] == method);
        said.map(|message| message["params"].to_string()).collect()
    }
}

#[test]
fn initialize_is_answered_with_what_the_plugin_can_do() {
    let editor = Editor::new(Value::Null);
    let answers = editor.answers(1);
    assert_eq!(answers.len(), 1);
    assert_eq!(
        answers[0]["result"]["capabilities"],
        json!({
            "textDocumentSync": {"openClose": true, "change": 2},
            "inlineCompletionProvider": true,
            "codeLensProvider": {},
        })
    );
    assert_eq!(editor.said().len(), 1);
}

#[test]
fn every_request_is_answered_once_whatever_it_is() {
    let mut editor = Editor::new(Value::Null);
    editor.open("let");
    let cases = [
        ("textDocument/codeLens", json!({"textDocument": {"uri": URI}}), rpc::REQUEST_FAILED),
        ("textDocument/codeLens", Value::Null, rpc::REQUEST_FAILED),
        ("textDocument/hover", json!({}), rpc::METHOD_NOT_FOUND),
        ("textDocument/inlineCompletion", json!({}), rpc::INVALID_PARAMS),
        (
            "textDocument/inlineCompletion",
            json!({"textDocument": {"uri": "file:///unknown"}, "position": {"line": 0, "character": 0}}),
            rpc::REQUEST_FAILED,
        ),
        (
            "textDocument/inlineCompletion",
            json!({"textDocument": {"uri": URI}, "position": {"line": 9, "character": 9}}),
            rpc::REQUEST_FAILED,
        ),
    ];
    for (method, params, code) in cases {
        let id = editor.request(method, params);
        let answers = editor.answers(id);
        assert_eq!(answers.len(), 1, "{method}");
        assert_eq!(answers[0]["error"]["code"], code, "{method}");
    }
}

#[test]
fn requests_before_initialize_are_refused() {
    let mut editor = Editor { plugin: Plugin::new(Fake::default(), Nowhere::default()), ids: 0 };
    editor.open("let");
    let id = editor.complete(2);
    assert_eq!(editor.answers(id)[0]["error"]["code"], rpc::REQUEST_FAILED);
}

#[test]
fn without_a_provider_only_an_invoked_request_is_told_what_to_set() {
    let mut editor = Editor::new(json!({}));
    editor.open("let");
    editor.complete(2);
    assert_eq!(editor.notified("window/showMessage").len(), 0);
    assert_eq!(editor.notified("$/progress").len(), 0);
    for _ in 0..2 {
        editor.complete(1);
        let told = editor.notified("window/showMessage");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("`provider`"), "{told:?}");
        assert_eq!(editor.notified("$/progress").len(), 1);
    }
    assert!(editor.plugin.surroundings.requests.borrow().is_empty());
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let editor = Editor::new(json!({"trigger": "sometimes", "provider": "nobody"}));
    let told = editor.notified("window/showMessage");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("`trigger`") && told[0].contains("`provider`"), "{told:?}");
}

#[test]
fn a_document_out_of_step_is_forgotten() {
    let mut editor = Editor::new(Value::Null);
    editor.open("let");
    let change =
        |changes: Value| json!({"textDocument": {"uri": URI, "version": 1}, "contentChanges": changes});
    let insert = json!([{
        "range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}},
        "text": " é",
    }]);
    editor.notify("textDocument/didChange", change(insert));
    assert_eq!(editor.plugin.documents.document(URI).map(|document| document.text()), Some("let é"));
    editor.notify("textDocument/didChange", change(json!([{"range": 5, "text": 7}])));
    assert!(editor.plugin.documents.document(URI).is_none());
}

#[test]
fn lines_that_are_not_messages_are_logged_and_change_nothing() {
    let mut editor = Editor::new(Value::Null);
    for line in
        ["", "nonsense", "[]", r#"{"id":1,"result":{}}"#, r#"{"method":"textDocument/didOpen","params":[]}"#]
    {
        editor.plugin.handle(line.as_bytes());
    }
    assert_eq!(editor.plugin.rpc.host().logged.len(), 5);
    assert_eq!(editor.said().len(), 1);
}
