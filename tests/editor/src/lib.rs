//! The editor as a model: documents, cursor, ghost text, status bar, and the messages it exchanges with one volt.
//!
//! Nothing here knows threads, clocks or wasm: a key goes in as a method call, the messages it causes come out of
//! [`Editor::outgoing`], an answer goes in through [`Editor::answer`]. So a test can drive a volt's own state
//! machine against it in any order of events. The rules are those of Lapce 0.4.6's sources; what is left out: the
//! completion pop-up, several carets, visual mode, snippets (drawn raw, not accepted), other plugins.

mod buffer;
mod capabilities;
mod document;
mod inline;
mod language;
mod motion;
mod screen;
#[cfg(test)]
mod tests;
mod typing;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use lsp_types::{
    CancelParams, InitializeResult, InlineCompletionResponse, InlineCompletionTriggerKind,
    PublishDiagnosticsParams, ServerCapabilities, TextDocumentContentChangeEvent, TextDocumentSyncKind, Url,
};
use serde_json::{Value, json};

pub use buffer::{Buffer, Position};
pub use capabilities::Selector;
use document::{Cursor, Document, Drawn, EditKind};
use inline::{Inline, Item};
pub use language::language_id;
pub use motion::Arrow;
use screen::Frame;
pub use screen::{Ghost, LogLine, Popup, Screen};
use typing::Changes;

/// How this Lapce is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The documents the volt hears of.
    pub selector: Selector,
    /// The volt's name, which stands in the title of a server status' pop-up after `volt `.
    pub name: String,
    /// What stands in the title of the volt's pop-ups after `Plugin: `.
    pub display_name: String,
    /// The folder that is open; relative paths of files are in it.
    pub workspace: Option<PathBuf>,
    /// `editor.enable-inline-completion`.
    pub inline_completion: bool,
    /// Vim-like modes; files open in normal mode then.
    pub modal: bool,
    /// Whether `experimental/serverStatus` brings `codeLens` and its like again (Lapce 0.4.1 and later).
    pub wakes: bool,
    /// Whether the volt loses the race at its start: Lapce sends `didOpen` for the open files without waiting for
    /// the answer to `initialize`, and drops it when that has not come.
    pub loses_early_open: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            selector: Selector::all(),
            name: "volt".to_owned(),
            display_name: "Volt".to_owned(),
            workspace: Some(PathBuf::from("/home/user/project")),
            inline_completion: true,
            modal: false,
            wakes: true,
            loses_early_open: false,
        }
    }
}

/// A message from the editor to the volt.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Present in a request.
    pub id: Option<u64>,
    /// The LSP method.
    pub method: &'static str,
    /// The LSP parameters.
    pub params: Value,
    /// The wake-up it belongs to, counted from 1: requests that follow an `experimental/serverStatus`. `None`: it
    /// follows what the user did.
    pub wakeup: Option<usize>,
}

/// A language server that a volt has started.
#[derive(Debug)]
struct Server {
    id: u64,
    capabilities: ServerCapabilities,
    selector: Selector,
}

/// Why the drawing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The user did something.
    User,
    /// The answer to this request came.
    Answer(u64),
}

/// One change of the ghost text drawn in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paint {
    /// The document.
    pub path: PathBuf,
    /// What is drawn now, `None` when it was wiped.
    pub ghost: Option<Ghost>,
    /// What made it change.
    pub cause: Cause,
    /// Whether the ghost stood at the document's caret at that time.
    pub at_cursor: bool,
    /// Whether the document was in front.
    pub in_front: bool,
}

impl Paint {
    /// Whether the volt put a ghost where the caret was not.
    pub fn is_stale(&self) -> bool {
        self.is_misplaced()
            || self.ghost.is_some() && !self.in_front && matches!(self.cause, Cause::Answer(_))
    }

    /// Whether it put a ghost elsewhere than at the caret of its document. Lapce does not tell which file is in front.
    pub fn is_misplaced(&self) -> bool {
        self.ghost.is_some() && !self.at_cursor && matches!(self.cause, Cause::Answer(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Insert,
    Normal,
}

#[derive(Debug, Clone)]
enum Pending {
    Initialize,
    Inline {
        document: usize,
        offset: usize,
    },
    /// A request whose answer is not shown here.
    Unshown,
}

/// The window of one Lapce with one volt.
#[derive(Debug)]
pub struct Editor {
    config: Config,
    capabilities: ServerCapabilities,
    initialized: bool,
    documents: Vec<Document>,
    active: Option<usize>,
    mode: Mode,
    inline: Inline,
    frame: Frame,
    next_id: u64,
    pending: HashMap<u64, Pending>,
    outgoing: Vec<Message>,
    paints: Vec<Paint>,
    wakeups: usize,
    servers: Vec<Server>,
    to_servers: Vec<(u64, Message)>,
}

impl Editor {
    /// A window without files, and a volt that has registered nothing yet.
    pub fn new(config: Config) -> Editor {
        Editor {
            mode: if config.modal { Mode::Normal } else { Mode::Insert },
            config,
            capabilities: ServerCapabilities::default(),
            initialized: false,
            documents: Vec::new(),
            active: None,
            inline: Inline::new(),
            frame: Frame::default(),
            next_id: 0,
            pending: HashMap::new(),
            outgoing: Vec::new(),
            paints: Vec::new(),
            wakeups: 0,
            servers: Vec::new(),
            to_servers: Vec::new(),
        }
    }

    /// Takes the messages for the volt that the calls so far have caused, in order.
    pub fn outgoing(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outgoing)
    }

    /// Takes the messages for the volt's language servers, each with the server's id.
    pub fn outgoing_to_servers(&mut self) -> Vec<(u64, Message)> {
        std::mem::take(&mut self.to_servers)
    }

    /// Takes the changes of drawn ghost text since the last call.
    pub fn paints(&mut self) -> Vec<Paint> {
        std::mem::take(&mut self.paints)
    }

    // The volt's side.

    /// Sends `initialize`.
    pub fn initialize(&mut self, params: Value) {
        self.request("initialize", params, Pending::Initialize);
    }

    /// Whether a request of this id has gone out and is still unanswered.
    pub fn awaits(&self, id: u64) -> bool {
        self.pending.contains_key(&id)
    }

    /// Whether the volt has answered `initialize` with a result.
    pub fn is_initialized(&self) -> bool {
        self.initialized
    }

    /// The volt's answer to a request, a result or an error. One that answers nothing (again) is nothing.
    pub fn answer(&mut self, id: u64, result: Result<Value, Value>) {
        match (self.pending.remove(&id), result) {
            (Some(Pending::Initialize), Ok(result)) => {
                if let Ok(result) = serde_json::from_value::<InitializeResult>(result) {
                    self.initialized(result.capabilities);
                } else {
                    self.frame.log("host", "the result of initialize cannot be read".to_owned());
                }
            }
            (Some(Pending::Initialize), Err(error)) => self.frame.log("host", error.to_string()),
            (Some(Pending::Inline { document, offset }), Ok(result)) => {
                if let Ok(response) = serde_json::from_value(result) {
                    self.inline_answer(id, document, offset, response);
                }
            }
            (Some(Pending::Inline { .. }), Err(_)) | (Some(Pending::Unshown) | None, _) => {}
        }
    }

    /// A notification of the volt. One Lapce does not know goes to the log.
    ///
    /// # Errors
    /// When Lapce cannot read its parameters, and drops it.
    pub fn notified(&mut self, method: &str, params: Value) -> serde_json::Result<()> {
        let from = format!("volt {}", self.config.name);
        self.notified_by(from, method, params)
    }

    /// A notification of a language server that the volt has started. It is treated like one of the volt's own.
    ///
    /// # Errors
    /// When Lapce cannot read its parameters, and drops it.
    pub fn notified_by_server(&mut self, method: &str, params: Value) -> serde_json::Result<()> {
        let from = self.config.display_name.clone();
        self.notified_by(from, method, params)
    }

    /// A wake-up: an `experimental/serverStatus` that is `ok`, from the volt or one of its language servers. The volt
    /// is asked again for what it has registered of `codeLens` and its like, for every open document it receives.
    pub fn wake_up(&mut self) {
        if self.config.wakes {
            self.wakeups += 1;
            for index in 0..self.documents.len() {
                self.refresh(index, &capabilities::ASKED_AGAIN, Some(self.wakeups));
            }
        }
    }

    /// How many wake-ups there were.
    pub fn wakeups(&self) -> usize {
        self.wakeups
    }

    /// A language server of the volt has answered `initialize`. It receives the open documents that match its
    /// selector, and from then on, as Lapce does it, of changes in all documents.
    pub fn server_loaded(&mut self, id: u64, capabilities: ServerCapabilities, selector: Selector) {
        self.servers.push(Server { id, capabilities, selector });
        for index in 0..self.documents.len() {
            self.did_open_at(index, |server| server.id == id);
        }
    }

    fn notified_by(&mut self, from: String, method: &str, params: Value) -> serde_json::Result<()> {
        match method {
            "$/progress" => self.frame.progress(serde_json::from_value(params)?),
            "window/showMessage" => {
                let title = format!("Plugin: {}", self.config.display_name);
                self.frame.show_message(title, serde_json::from_value(params)?);
            }
            "window/logMessage" => self.frame.log_message(serde_json::from_value(params)?),
            "experimental/serverStatus" if self.config.wakes => {
                let status: ServerStatus = serde_json::from_value(params)?;
                if status.health == "ok" {
                    self.wake_up();
                } else if let Some(message) = status.message {
                    let params = lsp_types::ShowMessageParams { typ: lsp_types::MessageType::ERROR, message };
                    self.frame.show_message(from, params);
                }
            }
            // What is drawn of diagnostics is not modelled, but they make Lapce ask for code actions again
            // (`init_diagnostics` in its `doc.rs`).
            "textDocument/publishDiagnostics" => {
                let params: PublishDiagnosticsParams = serde_json::from_value(params)?;
                let of =
                    self.documents.iter_mut().filter(|document| document.url.as_ref() == Some(&params.uri));
                of.for_each(Document::forget_code_actions);
            }
            "$/cancelRequest" => {
                serde_json::from_value::<CancelParams>(params)?;
            }
            _ => self.frame.log("host", format!("host notification {method} not handled")),
        }
        Ok(())
    }

    /// A line for the log that did not come as a message (standard error, the host's own words).
    pub fn log(&mut self, source: &'static str, message: String) {
        self.frame.log(source, message);
    }

    /// The volt is gone (removed, reloaded), and its language servers with it: nothing is sent to it any more, but its late answers to
    /// `inlineCompletion` are drawn. Request ids go on counting for the next one, so that every request of a session
    /// has its own.
    pub fn volt_removed(&mut self) {
        self.capabilities = ServerCapabilities::default();
        self.initialized = false;
        self.servers.clear();
        self.pending.retain(|_, pending| matches!(pending, Pending::Inline { .. }));
    }

    /// As if the volt had answered `initialize` with these capabilities.
    pub fn initialized(&mut self, capabilities: ServerCapabilities) {
        self.notify("initialized", json!({}));
        self.capabilities = capabilities;
        self.initialized = true;
        if !self.config.loses_early_open {
            for index in 0..self.documents.len() {
                self.did_open(index);
            }
        }
    }

    fn inline_answer(&mut self, id: u64, index: usize, offset: usize, response: InlineCompletionResponse) {
        let items = match response {
            InlineCompletionResponse::Array(items) => items,
            InlineCompletionResponse::List(list) => list.items,
        };
        self.painting(Cause::Answer(id), index, |inline, document| {
            let items = items.into_iter().map(|item| Item::new(&document.buffer, item)).collect();
            inline.answer(document, items, offset);
        });
    }

    // The user's side.

    /// Opens a file, or brings it to the front when it is open. The window of a new file drops the items, and the
    /// way to it (file explorer, palette) the ghost.
    pub fn open(&mut self, path: impl AsRef<Path>, language: &str, text: &str) {
        let path = self.absolute(path.as_ref());
        if let Some(index) = self.documents.iter().position(|document| document.path == path) {
            self.active = Some(index);
            return;
        }
        self.cancel();
        self.documents.push(Document::new(&path, language, text));
        let index = self.documents.len() - 1;
        self.active = Some(index);
        self.did_open(index);
        self.did_open_at(index, |_| true);
        self.refresh(index, &capabilities::ASKED_ON_CHANGE, None);
    }

    /// Brings an open file to the front. The ghost and its items stay as they are.
    ///
    /// # Panics
    /// When the file is not open: a mistake of the test.
    pub fn switch_to(&mut self, path: impl AsRef<Path>) {
        let path = self.absolute(path.as_ref());
        let index = self.documents.iter().position(|document| document.path == path);
        assert!(index.is_some(), "{} is not open", path.display());
        self.active = index;
    }

    /// Types one character.
    pub fn type_char(&mut self, c: char) {
        if self.mode == Mode::Insert {
            self.edit_with(EditKind::InsertChars, |buffer, cursor| typing::character(buffer, cursor, c));
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
        self.ask_for_code_actions();
    }

    /// Enter. The ghost is wiped before the new request.
    pub fn enter(&mut self) {
        if self.mode == Mode::Insert {
            self.edit_with(EditKind::Other, typing::newline);
            self.cancel();
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
        self.ask_for_code_actions();
    }

    /// Backspace.
    pub fn backspace(&mut self) {
        self.delete_with(typing::backspace);
    }

    /// The Delete key.
    pub fn delete_forward(&mut self) {
        self.delete_with(typing::delete_forward);
    }

    /// Pastes. No request for a completion follows, and the ghost goes.
    pub fn paste(&mut self, text: &str) {
        self.edit_with(EditKind::Other, |buffer, cursor| typing::paste(buffer, cursor, text));
        self.cancel();
        self.ask_for_code_actions();
    }

    /// Makes a change that was recorded elsewhere, as it was: without Lapce's own brackets and indentation. It replaces
    /// `range` by `text` and leaves the caret at `caret`; what comes behind the caret is a second change, as with a
    /// bracket that closes itself. A key asks for a completion, anything else does as paste.
    pub fn replay(&mut self, range: Range<usize>, text: &str, caret: usize, is_key: bool) {
        let kind = match (is_key, text.is_empty()) {
            (true, true) => EditKind::Delete,
            (true, false) => EditKind::InsertChars,
            (false, _) => EditKind::Other,
        };
        self.edit_with(kind, |buffer, _| typing::recorded(buffer, range, text, caret));
        if !is_key || text.contains('\n') {
            self.cancel();
        }
        if is_key {
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
        self.ask_for_code_actions();
    }

    /// Undoes one step. No request for a completion follows, and the ghost goes.
    pub fn undo(&mut self) {
        self.step(Document::undo);
    }

    /// Redoes one step. No request for a completion follows, and the ghost goes.
    pub fn redo(&mut self) {
        self.step(Document::redo);
    }

    /// Tab: takes the item when there is one (drawn or not), indents otherwise.
    pub fn tab(&mut self) {
        if self.mode == Mode::Insert && self.inline.has_items() {
            let accepted = self.inline.acceptance().map(|(range, text)| (range, text.to_owned()));
            self.cancel();
            if let Some((range, text)) = accepted {
                self.edit_with(EditKind::Other, |buffer, _| accept(buffer, range, &text));
            }
        } else if self.mode == Mode::Insert {
            self.edit_with(EditKind::InsertChars, typing::tab);
            self.cancel();
        }
        self.ask_for_code_actions();
    }

    /// Escape: wipes the ghost; without one, it leaves insert mode where there are modes.
    pub fn escape(&mut self) {
        if !self.inline.has_items() {
            self.collapse_selection();
            if self.config.modal {
                self.enter_normal_mode();
            }
        }
        self.cancel();
        self.ask_for_code_actions();
    }

    /// `alt+\`: asks for a completion, unless there is one already.
    pub fn invoke(&mut self) {
        if self.mode == Mode::Insert && !self.inline.has_items() {
            self.ask(InlineCompletionTriggerKind::Invoked);
        }
        self.ask_for_code_actions();
    }

    /// `alt+]` and `alt+[`: chooses another item for Tab; the drawing stays.
    pub fn cycle(&mut self, forward: bool) {
        self.inline.cycle(forward);
        self.ask_for_code_actions();
    }

    /// `i` in normal mode. This alone asks for a completion.
    pub fn enter_insert_mode(&mut self) {
        self.mode = Mode::Insert;
        self.ask(InlineCompletionTriggerKind::Automatic);
        self.ask_for_code_actions();
    }

    /// Clicks: the caret moves and the ghost goes.
    pub fn click(&mut self, line: u32, character: u32) {
        self.cancel();
        self.move_to(line, character);
    }

    /// Moves the caret as keys do: the ghost stays.
    pub fn move_to(&mut self, line: u32, character: u32) {
        if let Some(document) = self.front() {
            let offset = document.buffer.offset(Position::new(line, character));
            document.place(Cursor::caret(offset));
        }
        self.ask_for_code_actions();
    }

    /// A key that moves the caret: the ghost stays.
    pub fn arrow(&mut self, arrow: Arrow) {
        if let Some(document) = self.front() {
            document.step(arrow);
        }
        self.ask_for_code_actions();
    }

    /// Selects from one position to another; the caret is at the second. The ghost stays.
    pub fn select(&mut self, from: (u32, u32), to: (u32, u32)) {
        if let Some(document) = self.front() {
            let offset = |(line, character)| document.buffer.offset(Position::new(line, character));
            let cursor = Cursor { anchor: offset(from), head: offset(to) };
            document.place(cursor);
        }
        self.ask_for_code_actions();
    }

    /// Saves the file in front, which has changes. The ghost goes.
    pub fn save(&mut self) {
        self.step(Document::normalize);
        self.did_save();
    }

    // What is to be seen.

    /// A picture of the window now.
    pub fn screen(&self) -> Screen {
        let front = self.active.and_then(|index| self.documents.get(index));
        Screen {
            path: front.map(|document| document.path.clone()).unwrap_or_default(),
            text: front.map(|document| document.buffer.text().to_owned()).unwrap_or_default(),
            cursor: front.map(Document::cursor_position).unwrap_or_default(),
            ghost: front.and_then(|document| self.ghost(document)),
            status: self.frame.status(),
            popups: self.frame.popups.clone(),
        }
    }

    /// The log so far.
    pub fn log_lines(&self) -> &[LogLine] {
        &self.frame.log
    }

    /// The text of an open file.
    pub fn text_of(&self, path: impl AsRef<Path>) -> Option<&str> {
        let path = self.absolute(path.as_ref());
        self.documents.iter().find(|document| document.path == path).map(|document| document.buffer.text())
    }

    /// The text in front after Tab would have taken an item; `None` when Tab would only indent.
    pub fn text_after_tab(&self) -> Option<String> {
        let (range, text) = self.inline.acceptance()?;
        let mut buffer = self.documents.get(self.active?)?.buffer.clone();
        let changes = accept(&buffer, range, text);
        for edit in changes.steps.iter().flatten() {
            buffer.replace(edit.range.clone(), &edit.text);
        }
        Some(buffer.text().to_owned())
    }

    /// Whether Tab would insert exactly what is drawn, where it is drawn; with nothing drawn, nothing. What an item
    /// replaces is not drawn and does not count, unless it is all that the item does.
    pub fn tab_is_honest(&self) -> bool {
        let front = self.active.and_then(|index| self.documents.get(index));
        let drawn = front.and_then(|document| Some((document, self.drawn(document)?)));
        match (self.inline.acceptance(), drawn) {
            (None, drawn) => drawn.is_none(),
            (Some((range, text)), None) => range.is_empty() && text.is_empty(),
            (Some((range, text)), Some((document, drawn))) => {
                let shown = |text: &str, at: usize| {
                    let mut all = document.buffer.text().to_owned();
                    all.insert_str(at, &document.buffer.normalize(text));
                    all
                };
                let taken_at = document.buffer.clamp(range).start;
                shown(&drawn.text, document.drawn_offset(drawn)) == shown(text, taken_at)
            }
        }
    }

    // Within.

    fn absolute(&self, path: &Path) -> PathBuf {
        self.config.workspace.as_deref().unwrap_or(Path::new("/")).join(path)
    }

    fn front(&mut self) -> Option<&mut Document> {
        self.active.and_then(|index| self.documents.get_mut(index))
    }

    /// A document the volt is told about.
    fn supported(&self, index: usize) -> Option<(&Document, &Url)> {
        let document = self.documents.get(index)?;
        let url = document.url.as_ref()?;
        self.config.selector.matches(&document.language, &document.path).then_some((document, url))
    }

    /// What the user sees of the ghost: nothing where inline completion is off, or where there is no text.
    fn drawn<'d>(&self, document: &'d Document) -> Option<&'d Drawn> {
        document.drawn.as_ref().filter(|drawn| self.config.inline_completion && !drawn.text.is_empty())
    }

    fn ghost(&self, document: &Document) -> Option<Ghost> {
        let drawn = self.drawn(document)?;
        let at = document.buffer.position(document.drawn_offset(drawn));
        Some(Ghost { at, text: drawn.text.clone() })
    }

    fn notify(&mut self, method: &'static str, params: Value) {
        self.outgoing.push(Message { id: None, method, params, wakeup: None });
    }

    fn request(&mut self, method: &'static str, params: Value, pending: Pending) {
        self.request_for(None, method, params, pending);
    }

    fn request_for(&mut self, wakeup: Option<usize>, method: &'static str, params: Value, pending: Pending) {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, pending);
        self.outgoing.push(Message { id: Some(id), method, params, wakeup });
    }

    fn did_open(&mut self, index: usize) {
        if !capabilities::registered(&self.capabilities, "textDocument/didOpen") {
            return;
        }
        if let Some((document, uri)) = self.supported(index) {
            let params = opened(document, uri);
            self.notify("textDocument/didOpen", params);
        }
    }

    /// Tells these language servers of a document.
    fn did_open_at(&mut self, index: usize, which: impl Fn(&Server) -> bool) {
        let Some(document) = self.documents.get(index) else { return };
        let Some(uri) = &document.url else { return };
        let told = self.servers.iter().filter(|server| {
            which(server)
                && capabilities::registered(&server.capabilities, "textDocument/didOpen")
                && server.selector.matches(&document.language, &document.path)
        });
        self.to_servers.extend(told.map(|server| {
            let params = opened(document, uri);
            (server.id, Message { id: None, method: "textDocument/didOpen", params, wakeup: None })
        }));
    }

    /// Lapce does not ask the document filter here: plugins hear of changes in documents they were never shown.
    fn did_change(&mut self, index: usize, event: &TextDocumentContentChangeEvent) {
        let Some(document) = self.documents.get(index) else { return };
        let Some(uri) = &document.url else { return };
        let message = |capabilities: &ServerCapabilities| {
            let change = match capabilities::sync_kind(capabilities) {
                TextDocumentSyncKind::INCREMENTAL => event.clone(),
                TextDocumentSyncKind::FULL => document.full(),
                _ => return None,
            };
            let params = json!({
                "textDocument": { "uri": uri, "version": document.version },
                "contentChanges": [change],
            });
            Some(Message { id: None, method: "textDocument/didChange", params, wakeup: None })
        };
        self.outgoing.extend(message(&self.capabilities));
        let told = self.servers.iter().filter_map(|server| Some((server.id, message(&server.capabilities)?)));
        self.to_servers.extend(told);
    }

    fn did_save(&mut self) {
        let Some(index) = self.active else { return };
        let Some((document, url)) = self.supported(index) else { return };
        if let Some(with_text) = capabilities::save(&self.capabilities) {
            let mut params = json!({ "textDocument": { "uri": url } });
            if with_text {
                params["text"] = document.buffer.text().into();
            }
            self.notify("textDocument/didSave", params);
        }
    }

    /// Asks anew for what the volt has registered of these methods.
    fn refresh(&mut self, index: usize, methods: &[&'static str], wakeup: Option<usize>) {
        for &method in methods {
            if !capabilities::registered(&self.capabilities, method) {
                continue;
            }
            let Some((document, uri)) = self.supported(index) else { return };
            let mut params = json!({ "textDocument": { "uri": uri } });
            if method == "textDocument/inlayHint" {
                let end = document.buffer.position(document.buffer.len());
                params["range"] = json!(lsp_types::Range::new(Position::new(0, 0), end));
            }
            self.request_for(wakeup, method, params, Pending::Unshown);
        }
    }

    /// What Lapce does last at every key press and click: it asks for the code actions at the caret, unless it has
    /// asked for those at this offset since the last edit of the document (`get_code_actions` in its `editor.rs`).
    fn ask_for_code_actions(&mut self) {
        let Some(index) = self.active else { return };
        let wanted = self.documents.get_mut(index).is_some_and(Document::wants_code_actions);
        if !wanted || !capabilities::registered(&self.capabilities, "textDocument/codeAction") {
            return;
        }
        if let Some((document, uri)) = self.supported(index) {
            let caret = document.cursor_position();
            let params = json!({
                "textDocument": { "uri": uri },
                "range": lsp_types::Range::new(caret, caret),
                "context": { "diagnostics": [] },
            });
            self.request("textDocument/codeAction", params, Pending::Unshown);
        }
    }

    fn edit_with(&mut self, kind: EditKind, changes: impl FnOnce(&Buffer, Cursor) -> Changes) {
        let Some(index) = self.active else { return };
        let Some(document) = self.documents.get(index) else { return };
        let Changes { steps, cursor } = changes(&document.buffer, document.cursor);
        for edits in steps {
            let Some(document) = self.documents.get_mut(index) else { return };
            let event = document.apply(&edits, kind, cursor);
            self.did_change(index, &event);
        }
        if let Some(document) = self.documents.get_mut(index) {
            document.place(cursor);
        }
        self.refresh(index, &capabilities::ASKED_ON_CHANGE, None);
    }

    fn delete_with(&mut self, changes: impl FnOnce(&Buffer, Cursor) -> Changes) {
        if self.mode == Mode::Insert {
            let one = self.front().is_some_and(|document| document.cursor.is_caret());
            self.edit_with(if one { EditKind::Delete } else { EditKind::Other }, changes);
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
        self.ask_for_code_actions();
    }

    fn step(&mut self, take: impl FnOnce(&mut Document) -> Option<TextDocumentContentChangeEvent>) {
        let Some(index) = self.active else { return };
        if let Some(event) = self.documents.get_mut(index).and_then(take) {
            self.did_change(index, &event);
            self.refresh(index, &capabilities::ASKED_ON_CHANGE, None);
        }
        self.cancel();
        self.ask_for_code_actions();
    }

    fn cancel(&mut self) {
        if let Some(index) = self.active {
            self.painting(Cause::User, index, Inline::cancel);
        }
    }

    fn ask(&mut self, trigger: InlineCompletionTriggerKind) {
        if self.mode != Mode::Insert {
            self.cancel();
            return;
        }
        let Some(index) = self.active else { return };
        let enabled = self.config.inline_completion;
        self.painting(Cause::User, index, |inline, document| inline.request(document, enabled));
        if !capabilities::registered(&self.capabilities, "textDocument/inlineCompletion") {
            return;
        }
        if let Some((document, uri)) = self.supported(index) {
            let offset = document.cursor.head;
            let params = json!({
                "textDocument": { "uri": uri },
                "position": document.cursor_position(),
                "context": { "triggerKind": trigger },
            });
            self.request(
                "textDocument/inlineCompletion",
                params,
                Pending::Inline { document: index, offset },
            );
        }
    }

    fn collapse_selection(&mut self) {
        if let Some(document) = self.front() {
            document.place(Cursor::caret(document.cursor.head));
        }
    }

    fn enter_normal_mode(&mut self) {
        self.mode = Mode::Normal;
        if let Some(document) = self.front() {
            let line_start =
                document.buffer.offset_of_line(document.buffer.line_of_offset(document.cursor.head));
            let left = document.buffer.prev_grapheme(document.cursor.head).max(line_start);
            document.place(Cursor::caret(left));
            document.break_undo();
        }
    }

    /// Runs `change` and records what it did to the drawing of this document.
    fn painting(&mut self, cause: Cause, index: usize, change: impl FnOnce(&mut Inline, &mut Document)) {
        let Some(document) = self.documents.get_mut(index) else { return };
        let before = document.drawn.clone();
        change(&mut self.inline, document);
        let Some(document) = self.documents.get(index).filter(|document| document.drawn != before) else {
            return;
        };
        let ghost = self.ghost(document);
        let at_cursor = ghost.as_ref().is_some_and(|ghost| ghost.at == document.cursor_position());
        let in_front = self.active == Some(index);
        self.paints.push(Paint { path: document.path.clone(), ghost, cause, at_cursor, in_front });
    }
}

#[derive(serde::Deserialize)]
struct ServerStatus {
    health: String,
    #[serde(rename = "quiescent")]
    _quiescent: bool,
    message: Option<String>,
}

/// The parameters of `didOpen`.
fn opened(document: &Document, uri: &Url) -> Value {
    json!({ "textDocument": {
        "uri": uri,
        "languageId": document.language,
        "version": document.version,
        "text": document.buffer.text(),
    }})
}

/// What taking an item does: the text at the range, the caret behind it.
fn accept(buffer: &Buffer, range: std::ops::Range<usize>, text: &str) -> Changes {
    let range = buffer.clamp(range);
    let text = buffer.normalize(text);
    let cursor = Cursor::caret(range.start + text.len());
    Changes { steps: vec![vec![document::Edit { range, text }]], cursor }
}
