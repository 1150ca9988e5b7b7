use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::{Value, json};

use super::super::rpc::tests::Fake;
use super::*;
use crate::http::{HttpRequest, Url};
use crate::provider::{Account, Decoder, Defaults, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};
use crate::transport::{Failure, FailureKind, NotBefore, RequestNumber};

/// A clock that tests set, and a model that plays what it is given.
#[derive(Clone, Default)]
struct World {
    now: Rc<Cell<Duration>>,
    requests: Rc<RefCell<Vec<HttpRequest>>>,
    /// What comes of reading; nothing when it is used up.
    script: Rc<RefCell<VecDeque<Step>>>,
    refuse: Rc<Cell<bool>>,
    /// When the newest request leaves.
    due: Rc<Cell<Duration>>,
    /// How many wake-ups were asked for.
    wakes: Rc<Cell<usize>>,
    trusted: Rc<RefCell<String>>,
    is_unwritable: Rc<Cell<bool>>,
    kept_filter: Rc<RefCell<String>>,
    is_greeted: Rc<Cell<bool>>,
    /// The environment, besides `PLAIN_KEY`.
    variables: Rc<RefCell<Vec<(&'static str, &'static str)>>>,
    /// What becomes of every request, instead of the script.
    failure: Rc<RefCell<Option<Failure>>>,
    /// Why there is no agent, as soon as the transport has looked.
    obstacle: &'static str,
    next_obstacle: Rc<Cell<&'static str>>,
}

#[derive(Clone)]
enum Step {
    Head(u16),
    Body(&'static str),
    End,
}

impl Environment for World {
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
        let variables = self.variables.borrow();
        let set = variables.iter().chain(&[("PLAIN_KEY", "hush-hush")]).find(|(set, _)| *set == name);
        set.map(|(_, value)| (*value).to_owned())
    }

    fn trusted_servers(&self) -> String {
        self.trusted.borrow().clone()
    }

    fn trust(&self, line: &str) -> bool {
        if !self.is_unwritable.get() {
            self.trusted.borrow_mut().push_str(&format!("{line}\n"));
        }
        !self.is_unwritable.get()
    }

    fn learned(&self) -> String {
        String::new()
    }

    fn keep_learned(&self, _: &str) {}

    fn kept_filter(&self) -> String {
        self.kept_filter.borrow().clone()
    }

    fn keep_filter(&self, text: &str) {
        *self.kept_filter.borrow_mut() = text.to_owned();
    }

    fn statistics(&self) -> String {
        String::new()
    }

    fn keep_statistics(&self, _: &str) {}

    fn greet(&self) -> bool {
        !self.is_greeted.replace(true)
    }
}

impl Transport for World {
    fn start(&mut self, _: RequestNumber, request: &HttpRequest, delay_ms: u64, _: Option<RequestNumber>) {
        self.due.set(self.now.get() + Duration::from_millis(delay_ms));
        self.requests.borrow_mut().push(request.clone());
    }

    fn run(&mut self, _: RequestNumber, _: &str) {}

    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent {
        // Of the servers that are looked for only the first is there.
        if (u64::MAX / 2..u64::MAX).contains(&number.0) {
            return TransportEvent::Pending;
        }
        if let Some(failure) = self.failure.borrow().clone() {
            return TransportEvent::Failed(failure);
        }
        if self.refuse.get() {
            let detail = "no way to hush-hush.example".to_owned();
            return TransportEvent::Failed(Failure { kind: FailureKind::Resolve, detail });
        }
        if self.now.get() < self.due.get() {
            return TransportEvent::Pending;
        }
        match self.script.borrow_mut().pop_front() {
            None => TransportEvent::Pending,
            Some(Step::Head(status)) => TransportEvent::Head { status, headers: Vec::new() },
            Some(Step::Body(text)) => {
                buffer[..text.len()].copy_from_slice(text.as_bytes());
                TransportEvent::Body(text.len())
            }
            Some(Step::End) => TransportEvent::End,
        }
    }

    fn stop(&mut self, _: RequestNumber) {}

    fn wake(&mut self, _: RequestNumber, _: impl Into<NotBefore>) {
        self.wakes.set(self.wakes.get() + 1);
    }

    fn timer(&mut self, _: u64) {
        self.wakes.set(self.wakes.get() + 1);
    }

    fn woken(&mut self) {}

    fn search(&mut self, _: &str, _: &str, _: &str) {}

    fn found(&mut self) -> Option<String> {
        None
    }

    fn tick(&mut self) {
        self.obstacle = self.next_obstacle.get();
    }

    fn obstacle(&self) -> Option<&str> {
        Some(self.obstacle).filter(|obstacle| !obstacle.is_empty())
    }
}

/// A provider whose body is one `{"text":…}` per line, the last one empty.
struct Plain;

struct PlainWire;

impl Provider for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn title(&self) -> &'static str {
        "Plain"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "http://localhost",
            model: "",
            key_env: &["PLAIN_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, _: &Prompt) -> Result<HttpRequest, Error> {
        let secret_headers = vec![("authorization".to_owned(), account.api_key.clone())];
        Ok(HttpRequest {
            url: Url::parse("http://localhost").unwrap(),
            headers: vec![],
            secret_headers,
            body: None,
        })
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Ndjson, Box::new(PlainWire))
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }
}

impl Wire for PlainWire {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let line: Value = serde_json::from_str(frame.data).unwrap();
        match line["text"].as_str() {
            Some(text) => sink.token(StreamToken::Text(text.into())),
            None => {
                ends.finished(0, FinishReason::Stop);
                ends.marker();
            }
        }
    }
}

mod misconfigured;

const URI: &str = "file:///w/a.rs";

/// Where these settings have [`Plain`]'s requests go.
fn destination(settings: &Settings) -> Destination {
    let env = |name: &str| World::default().variable(name);
    let credentials = settings.credentials(&Plain, &env, 0).unwrap();
    Destination::new(settings, &Plain, &credentials).unwrap()
}

/// The editor's side of a conversation.
struct Editor {
    driver: Driver<Fake, World>,
    ids: u64,
}

impl Editor {
    fn new(options: Value) -> Self {
        let mut editor = Self { driver: Driver::new(Fake::default(), World::default()), ids: 0 };
        editor.request("initialize", json!({"initializationOptions": options, "rootUri": "file:///w"}));
        editor.notify("initialized", json!({}));
        editor
    }

    /// One whose model is [`Plain`] and will say `script`.
    fn with_model(script: &[Step]) -> Self {
        let mut editor = Self::new(Value::Null);
        let (settings, _) = Settings::read(&Value::Null);
        *editor.driver.environment.trusted.borrow_mut() = destination(&settings).line().to_owned();
        editor.driver.begin(&settings, &|_| Some(&Plain), "/w");
        *editor.driver.environment.script.borrow_mut() = script.iter().cloned().collect();
        editor.open("let\n");
        editor.pass(1000);
        editor
    }

    fn pass(&mut self, milliseconds: u64) {
        let now = &self.driver.environment.now;
        now.set(now.get() + Duration::from_millis(milliseconds));
    }

    /// Sends the wake-ups that are asked for, until no more are.
    fn wake(&mut self) {
        let mut seen = 0;
        while self.driver.environment.wakes.get() > seen {
            seen = self.driver.environment.wakes.get();
            self.pass(1000);
            self.request("textDocument/codeLens", json!({"textDocument": {"uri": URI}}));
        }
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.driver
            .handle(json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string().as_bytes());
    }

    fn request(&mut self, method: &str, params: Value) -> u64 {
        self.ids += 1;
        let line = json!({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params});
        self.driver.handle(line.to_string().as_bytes());
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
        self.driver.rpc.host().sent.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
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
            "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": true}},
            "inlineCompletionProvider": true,
            "codeLensProvider": {},
            "codeActionProvider": true,
        })
    );
    assert_eq!(editor.said().len(), 1);
}

#[test]
fn every_request_is_answered_once_whatever_it_is() {
    let mut editor = Editor::new(json!({"trigger": "off"}));
    editor.open("let");
    let cases = [
        ("textDocument/codeLens", json!({"textDocument": {"uri": URI}}), rpc::REQUEST_FAILED),
        ("textDocument/codeLens", Value::Null, rpc::REQUEST_FAILED),
        ("textDocument/codeAction", json!({"textDocument": {"uri": URI}}), rpc::REQUEST_FAILED),
        ("textDocument/codeAction", Value::Null, rpc::REQUEST_FAILED),
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
    let mut editor = Editor { driver: Driver::new(Fake::default(), World::default()), ids: 0 };
    editor.open("let");
    let id = editor.complete(2);
    assert_eq!(editor.answers(id)[0]["error"]["code"], rpc::REQUEST_FAILED);
}

/// An editor whose user has set nothing and types, where the servers of this machine say `script` when they are asked.
fn untouched(options: Value, script: &[Step]) -> Editor {
    let mut editor = Editor::new(options);
    *editor.driver.environment.script.borrow_mut() = script.iter().cloned().collect();
    editor.open("let\n");
    editor.pass(1000);
    editor
}

const TAGS: &str = r#"{"models":[{"name":"qwen2.5-coder:1.5b-base"}]}"#;

#[test]
fn with_nothing_set_a_model_on_this_machine_is_found_and_asked_about_the_same_pause() {
    let script = [
        Step::Head(200),
        Step::Body(TAGS),
        Step::End,
        Step::Head(200),
        Step::Body("{\"response\":\" x = 1;\",\"done\":false}\n"),
        Step::Body("{\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"}\n"),
        Step::End,
    ];
    let mut editor = untouched(json!({}), &script);
    let id = editor.complete(2);
    assert!(editor.answers(id).is_empty() && editor.driver.environment.requests.borrow().is_empty());
    editor.wake();
    let said = editor.notified("$/progress");
    assert!(said[0].contains("found Ollama · qwen2.5-coder:1.5b-base"), "{said:?}");
    assert_eq!(editor.notified("window/showMessage"), Vec::<String>::new());
    let requests = editor.driver.environment.requests.borrow().clone();
    let urls: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert_eq!(urls[..4], ["/api/tags", "/v1/models", "/v1/models", "/api/generate"]);
    assert_eq!(editor.answers(id)[0]["result"][0]["insertText"], " x = 1;");
}

#[test]
fn a_server_without_a_list_of_models_is_not_read_to_its_end() {
    let mut editor = untouched(json!({}), &[Step::Head(404), Step::Body("<html>"), Step::End]);
    editor.complete(2);
    editor.wake();
    assert_eq!(editor.driver.environment.script.borrow().len(), 2);
}

#[test]
fn with_nothing_set_and_nothing_running_the_user_is_told_once_and_at_each_alt_backslash() {
    let mut editor = untouched(json!({}), &[]);
    for pause in 0..3 {
        let id = editor.complete(2);
        editor.wake();
        assert_eq!(editor.answers(id).len(), 1);
        let told = editor.notified("window/showMessage");
        assert_eq!(told.len(), 1, "in pause {pause}");
        assert!(told[0].contains("`provider`") && told[0].contains("ollama pull"), "{told:?}");
        assert_eq!(editor.notified("$/progress").len(), 0);
    }
    for told in 2..4 {
        let id = editor.complete(1);
        editor.wake();
        assert_eq!(editor.answers(id).len(), 1);
        assert_eq!(editor.notified("window/showMessage").len(), told);
    }
    // In another window, or the next day.
    let greeted = editor.driver.environment.is_greeted;
    let mut editor = untouched(json!({}), &[]);
    editor.driver.environment.is_greeted = greeted;
    editor.complete(2);
    editor.wake();
    assert_eq!(editor.notified("window/showMessage").len(), 0);
}

#[test]
fn nothing_is_looked_for_where_the_user_has_decided() {
    for (options, invoked, part) in [
        (json!({"trigger": "off"}), 1, "`trigger`"),
        (json!({"trigger": "invoked"}), 2, ""),
        (json!({"base-url": "http://127.0.0.1:1"}), 1, "`base-url`"),
        (json!({"provider": "olama"}), 1, "`ollama`"),
        (json!({"ignore": 5}), 1, "`ignore`"),
        (json!({"provider": "openai"}), 1, "OPENAI_API_KEY"),
    ] {
        let mut editor = untouched(options.clone(), &[Step::Head(200), Step::Body(TAGS), Step::End]);
        let id = editor.complete(invoked);
        assert_eq!(editor.answers(id).len(), 1, "{options}");
        editor.wake();
        assert!(editor.driver.environment.requests.borrow().is_empty(), "{options}");
        let told = editor.notified("window/showMessage").concat();
        assert!(told.contains(part), "{options} {told}");
    }
}

#[test]
fn what_was_asked_for_before_the_caret_moved_is_answered_with_nothing() {
    let mut editor = untouched(json!({}), &[Step::Head(200), Step::Body(TAGS), Step::End]);
    let id = editor.complete(2);
    let moved = json!({"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}});
    editor.request("textDocument/codeAction", json!({"textDocument": {"uri": URI}, "range": moved}));
    assert_eq!(editor.answers(id).len(), 1);
    editor.wake();
    assert_eq!(editor.answers(id).len(), 1);
    assert_eq!(editor.notified("$/progress").len(), 1);
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let editor = Editor::new(json!({"trigger": "sometimes", "provider": "nobody"}));
    let told = editor.notified("window/showMessage");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("`trigger`") && told[0].contains("`provider`"), "{told:?}");
}

#[test]
fn a_document_out_of_step_is_forgotten_until_its_whole_text_comes() {
    let mut editor = Editor::new(Value::Null);
    editor.open("let");
    let change =
        |changes: Value| json!({"textDocument": {"uri": URI, "version": 1}, "contentChanges": changes});
    let insert = json!([{
        "range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}},
        "text": " é",
    }]);
    editor.notify("textDocument/didChange", change(insert));
    assert_eq!(editor.driver.documents.document(URI).map(|document| document.text()), Some("let é"));
    editor.notify("textDocument/didChange", change(json!([{"range": 5, "text": 7}])));
    assert!(editor.driver.documents.document(URI).is_none());
    editor.notify("textDocument/didChange", change(json!([{"text": "let mut"}])));
    assert_eq!(editor.driver.documents.document(URI).map(|document| document.text()), Some("let mut"));
}

/// What the host answers when a file with that text is read, by its first call.
fn read(text: &str, success: bool) -> &'static str {
    let result = json!({"success": success, "stdout": text.as_bytes(), "stderr": []});
    json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string().leak()
}

#[test]
fn a_document_that_was_not_told_of_is_what_stands_on_the_disk_before_its_first_change() {
    let insert = json!([{
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        "text": "x",
    }]);
    let changed =
        |version: u32| json!({"textDocument": {"uri": URI, "version": version}, "contentChanges": insert});
    let text =
        |editor: &Editor| editor.driver.documents.document(URI).map(|document| document.text().to_owned());
    for (answer, version, known) in [
        (read("ab", true), 2, true),
        (read("", true), 1, true),
        // A change before this one was missed.
        (read("ab", true), 3, false),
        (read("", true), 2, false),
        // There is no such file, or it is too large, or no program that reads it.
        (read("", false), 1, false),
        (read(&"a".repeat(RECOVERED_BYTES + 1), true), 2, false),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"no such file"}}"#, 2, false),
    ] {
        let mut editor = Editor::new(json!({"trigger": "off"}));
        editor.driver.rpc.host_mut().answer = answer;
        for version in [version, version + 1] {
            editor.notify("textDocument/didChange", changed(version));
        }
        assert_eq!(text(&editor).is_some_and(|text| text.starts_with("xx")), known, "{answer} {version}");
        assert_eq!(editor.notified("host/executeProcess").len(), 1, "it is tried once");
        let id = editor.complete(1);
        assert_eq!(editor.answers(id).len(), 1);

        // Saved, it is known in any case.
        let saved = json!({"textDocument": {"uri": URI}, "text": "saved"});
        editor.notify("textDocument/didSave", saved);
        assert_eq!(text(&editor).as_deref(), Some("saved"));
        assert_eq!(editor.driver.documents.document(URI).unwrap().language(), "rust");
    }
}

/// An editor whose settings name [`Plain`] at `base_url`, and who has agreed to `trusted`.
fn set_up(base_url: &str, trusted: &str) -> Editor {
    let mut editor = Editor::new(Value::Null);
    trusted.clone_into(&mut editor.driver.environment.trusted.borrow_mut());
    let (settings, problems) = Settings::read(&json!({"base-url": base_url}));
    assert_eq!(problems, []);
    editor.driver.begin(&settings, &|_| Some(&Plain), "/w");
    let script = [Step::Head(200), Step::Body("{\"text\":\" x\"}\n"), Step::Body("{}\n"), Step::End];
    *editor.driver.environment.script.borrow_mut() = script.into();
    editor.open("let\n");
    editor.pass(1000);
    editor
}

fn requests(editor: &Editor) -> usize {
    editor.driver.environment.requests.borrow().len()
}

#[test]
fn a_new_destination_is_asked_about_and_then_remembered() {
    for base_url in ["", "http://localhost:1", "https://first.example"] {
        let mut editor = set_up(base_url, "");
        let told = editor.notified("window/showMessage");
        assert!(told[0].contains("PLAIN_KEY") && told[0].contains(".lapce/settings.toml"), "{told:?}");
        for trigger in [2, 1, 2, 1] {
            editor.complete(trigger);
            editor.pass(1000);
            editor.wake();
            assert_eq!(requests(&editor), 0, "{base_url}");
        }
        let asked = editor.notified("$/progress");
        assert!(asked.last().unwrap().contains("PLAIN_KEY"), "{asked:?}");
        editor.complete(1);
        let trusted = editor.driver.environment.trusted.borrow().clone();
        assert_eq!((requests(&editor), trusted.lines().count()), (1, 1), "{base_url}");

        let mut again = set_up(base_url, &trusted);
        again.complete(2);
        again.wake();
        again.pass(1000);
        again.wake();
        assert_eq!((requests(&again), again.notified("window/showMessage").len()), (1, 0), "{base_url}");
        let mut other = set_up("https://other.example", &trusted);
        other.complete(1);
        assert_eq!(requests(&other), 0, "{base_url}");
    }
}

#[test]
fn what_comes_between_two_presses_makes_the_second_the_first_again() {
    let change = json!({
        "textDocument": {"uri": URI, "version": 1},
        "contentChanges": [{"range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}}, "text": "x"}],
    });
    let unknown = json!({
        "textDocument": {"uri": "file:///w/.env"}, "position": {"line": 0, "character": 0}, "context": {"triggerKind": 1},
    });
    let secret = json!({"uri": "file:///w/.env", "languageId": "", "version": 0, "text": "A=1\n"});
    for between in
        ["nothing", "an edit", "a press where a rule forbids to ask", "a press in an unknown document"]
    {
        let mut editor = set_up("", "");
        if between.contains("rule") {
            editor.notify("textDocument/didOpen", json!({"textDocument": secret}));
        }
        editor.complete(1);
        match between {
            "nothing" => {}
            "an edit" => editor.notify("textDocument/didChange", change.clone()),
            _ => drop(editor.request("textDocument/inlineCompletion", unknown.clone())),
        }
        editor.complete(1);
        assert_eq!(requests(&editor), usize::from(between == "nothing"), "{between}");
        editor.complete(1);
        assert!(requests(&editor) > 0, "{between}");
    }
}

#[test]
fn where_consent_cannot_be_written_down_it_holds_for_the_session() {
    let mut editor = set_up("", "");
    editor.driver.environment.is_unwritable.set(true);
    for _ in 0..2 {
        editor.complete(1);
    }
    assert_eq!(requests(&editor), 1);
    let told = editor.notified("window/showMessage");
    assert!(told.len() == 2 && told[1].contains("not writable"), "{told:?}");
}

#[test]
fn lines_that_are_not_messages_are_logged_and_change_nothing() {
    let mut editor = Editor::new(Value::Null);
    for line in
        ["", "nonsense", "[]", r#"{"id":1,"result":{}}"#, r#"{"method":"textDocument/didOpen","params":[]}"#]
    {
        editor.driver.handle(line.as_bytes());
    }
    assert_eq!(editor.driver.rpc.host().logged.len(), 5);
    assert_eq!(editor.said().len(), 1);
}

#[test]
fn an_answer_becomes_ghost_text_at_the_cursor() {
    let mut editor = Editor::with_model(&[
        Step::Head(200),
        Step::Body("{\"text\":\" x = 1;\"}"),
        Step::Body("\n{}\n"),
        Step::End,
    ]);
    let id = editor.complete(1);
    editor.wake();
    let answers = editor.answers(id);
    let at = json!({"line": 0, "character": 3});
    assert_eq!(answers.len(), 1, "{:?}", editor.said());
    assert_eq!(answers[0]["result"], json!([{"insertText": " x = 1;", "range": {"start": at, "end": at}}]));
    let requests = editor.driver.environment.requests.borrow();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].secret_headers[0].1.expose(), "hush-hush");
    assert!(editor.driver.open.is_empty());
    let told = editor.notified("$/progress");
    assert!(told.first().is_some_and(|text| text.contains("waiting for Plain")), "{told:?}");
    assert!(told.last().is_some_and(|text| text.contains("end")), "{told:?}");
}

#[test]
fn while_nothing_streams_only_the_user_asks() {
    let script = [Step::Head(200), Step::Body("{\"text\":\" x\"}\n"), Step::Body("{}\n"), Step::End];
    let mut editor = Editor::with_model(&script);
    let typed = |editor: &mut Editor| {
        editor.complete(2);
        editor.pass(1000);
        editor.wake();
        requests(editor)
    };
    editor.driver.environment.next_obstacle.set("Make the plugin's folder writable");
    for _ in 0..2 {
        assert_eq!(typed(&mut editor), 0);
    }
    editor.driver.environment.next_obstacle.set("");
    assert_eq!(typed(&mut editor), 1, "{:?}", editor.said());
    let told = editor.notified("window/showMessage");
    assert_eq!(told.iter().filter(|told| told.contains("Until then")).count(), 1, "{told:?}");
}

#[test]
fn a_request_that_cannot_be_sent_is_told_once_and_without_secrets() {
    let mut editor = Editor::with_model(&[]);
    editor.driver.environment.refuse.set(true);
    for _ in 0..3 {
        let id = editor.complete(1);
        editor.wake();
        let answers = editor.answers(id);
        assert_eq!(answers.len(), 1);
        assert!(answers[0]["error"].is_object(), "{answers:?}");
        editor.pass(60_000);
    }
    let told = editor.notified("window/showMessage");
    assert_eq!(told.len(), 1, "{told:?}");
    let all = [editor.driver.rpc.host().sent.concat(), editor.driver.rpc.host().logged.concat()].concat();
    assert!(!all.contains("hush-hush"), "{all}");
}

/// Nothing a host may say wrongly: each line, and how many lines it adds to the log.
const BAD_INPUT: &[(&str, usize)] = &[
    // No JSON-RPC.
    ("\u{feff}{}", 1),
    (r#"{"jsonrpc":"2.0"}"#, 1),
    (r#"[{"jsonrpc":"2.0","method":"initialized"}]"#, 1),
    (r#"{"method":{"a":1}}"#, 1),
    (r#"{"id":7,"error":{"code":1}}"#, 1),
    // Unknown methods, and ids of every kind.
    (r#"{"id":"a","method":"no/such"}"#, 0),
    (r#"{"id":1.5,"method":"no/such"}"#, 0),
    (r#"{"id":{"x":[1]},"method":"no/such","params":7}"#, 0),
    (r#"{"method":"no/such","params":[[]]}"#, 0),
    (r#"{"id":"again","method":"initialize","params":{"initializationOptions":{"provider":"openai"}}}"#, 0),
    // Requests that lack what they need.
    (r#"{"id":"b","method":"textDocument/inlineCompletion"}"#, 0),
    (r#"{"id":"c","method":"textDocument/inlineCompletion","params":{"textDocument":7,"position":"x"}}"#, 0),
    (r#"{"id":"d","method":"textDocument/codeLens","params":"x"}"#, 0),
    (
        r#"{"id":"e","method":"textDocument/codeAction","params":{"textDocument":{"uri":"file:///w/a.rs"},"range":[]}}"#,
        0,
    ),
    // Documents that nobody opened, and messages about none.
    (r#"{"method":"textDocument/didOpen","params":{"textDocument":{"uri":5,"text":"x"}}}"#, 1),
    (r#"{"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///w/b.rs"}}}"#, 1),
    (r#"{"method":"textDocument/didChange","params":{}}"#, 1),
    (
        r#"{"method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///w/b.rs","version":9},"contentChanges":[{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"text":"x"}]}}"#,
        1,
    ),
    (
        r#"{"method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///w/b.rs","version":9},"contentChanges":"x"}}"#,
        1,
    ),
    (r#"{"method":"textDocument/didSave","params":{"textDocument":null}}"#, 1),
    (r#"{"method":"textDocument/didClose","params":{}}"#, 1),
    // Places that are not there.
    (
        r#"{"id":"f","method":"textDocument/inlineCompletion","params":{"textDocument":{"uri":"file:///w/a.rs"},"position":{"line":4294967295,"character":4294967295}}}"#,
        0,
    ),
    (
        r#"{"id":"g","method":"textDocument/inlineCompletion","params":{"textDocument":{"uri":"file:///w/a.rs"},"position":{"line":-1,"character":1e9}}}"#,
        0,
    ),
    (
        r#"{"id":"h","method":"textDocument/inlineCompletion","params":{"textDocument":{"uri":"file:///w/a.rs"},"position":{"line":99999999999,"character":0.5}}}"#,
        0,
    ),
    // A column in the middle of a surrogate pair, ranges the wrong way round: clamped, as LSP says.
    (
        r#"{"method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///w/a.rs","version":1},"contentChanges":[{"range":{"start":{"line":0,"character":5},"end":{"line":0,"character":5}},"text":""}]}}"#,
        0,
    ),
    (
        r#"{"method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///w/a.rs","version":2},"contentChanges":[{"range":{"start":{"line":9,"character":9},"end":{"line":0,"character":0}},"text":""}]}}"#,
        0,
    ),
];

#[test]
fn bad_input_is_refused_or_logged_and_the_state_kept() {
    const TEXT: &str = "let \u{1d11e}\n";
    let mut editor = Editor::with_model(&[]);
    editor.open(TEXT);
    for (line, logged) in BAD_INPUT {
        let line = line.replace("file:///w/a.rs", URI);
        let (said, log) = (editor.said().len(), editor.driver.rpc.host().logged.len());
        editor.driver.handle(line.as_bytes());
        let log = editor.driver.rpc.host().logged.get(log..).unwrap_or_default();
        assert_eq!(log.len(), *logged, "{line}: {log:?}");
        assert!(log.iter().all(|words| words.len() < 200 && !words.contains("w/b.rs")), "{log:?}");
        let id = serde_json::from_str::<Value>(&line).ok().map(|line| line["id"].clone()).unwrap_or_default();
        let said = editor.said().split_off(said);
        let answers = said.iter().filter(|message| !id.is_null() && message["id"] == id).count();
        // Automatic requests wait for the model: the next one has them answered.
        let waits = line.contains("4294967295");
        let is_request = !id.is_null() && line.contains("method");
        assert_eq!(answers, usize::from(is_request && !waits), "{line}: {said:?}");
        assert_eq!(
            editor.driver.documents.document(URI).map(|document| document.text()),
            Some(TEXT),
            "{line}"
        );
    }
    *editor.driver.environment.script.borrow_mut() =
        [Step::Head(200), Step::Body("{\"text\":\" x = 1;\"}"), Step::Body("\n{}\n"), Step::End].into();
    let id = editor.complete(1);
    editor.wake();
    let answers = editor.answers(id);
    assert_eq!(answers.len(), 1);
    assert!(answers[0]["result"][0]["insertText"].is_string(), "{answers:?}");
}

/// As after a trap, which takes everything but that line.
#[test]
fn a_plugin_that_starts_again_has_the_settings_it_had() {
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"initializationOptions": {"provider": "ollama", "model": "of-mine"}, "rootUri": "file:///w"},
    });
    let mut editor = Editor { driver: Driver::new(Fake::default(), World::default()), ids: 1 };
    editor.driver.resume(initialize.to_string().as_bytes());
    assert_eq!(editor.said(), Vec::<Value>::new(), "that request was answered before");
    editor.open("let\n");
    editor.complete(1);
    let requests = editor.driver.environment.requests.borrow();
    let body = String::from_utf8_lossy(requests[0].body.as_deref().unwrap()).into_owned();
    assert!(body.contains("of-mine"), "{body}");
    // What was no such line changes nothing.
    for line in ["", "{}", r#"{"method":"initialize"}"#, r#"{"id":1,"method":"shutdown"}"#] {
        let mut driver = Driver::new(Fake::default(), World::default());
        driver.resume(line.as_bytes());
        assert!(driver.is_new(), "{line}");
    }
}
