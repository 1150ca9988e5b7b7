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
mod screen;
#[cfg(test)]
mod tests;
mod typing;

use std::collections::HashMap;
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
    /// Whether the document was in front and the ghost stood at the caret at that time.
    pub at_cursor: bool,
}

impl Paint {
    /// Whether the volt put a ghost where the caret was not.
    pub fn is_stale(&self) -> bool {
        self.ghost.is_some() && !self.at_cursor && matches!(self.cause, Cause::Answer(_))
    }
}

/// A direction of the arrow keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrow {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One grapheme left.
    Left,
    /// One grapheme right.
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Insert,
    Normal,
}

#[derive(Debug, Clone)]
enum Pending {
    Initialize,
    Inline { document: usize, offset: usize },
    Refresh,
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
        }
    }

    /// Takes the messages for the volt that the calls so far have caused, in order.
    pub fn outgoing(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outgoing)
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
            (Some(Pending::Inline { .. }), Err(_)) | (Some(Pending::Refresh) | None, _) => {}
        }
    }

    /// A notification of the volt. One Lapce does not know goes to the log.
    pub fn notified(&mut self, method: &str, params: Value) -> serde_json::Result<()> {
        match method {
            "$/progress" => self.frame.progress(serde_json::from_value(params)?),
            "window/showMessage" => {
                let title = format!("Plugin: {}", self.config.display_name);
                self.frame.show_message(title, serde_json::from_value(params)?);
            }
            "window/logMessage" => self.frame.log_message(serde_json::from_value(params)?),
            "experimental/serverStatus" if self.config.wakes => {
                self.server_status(serde_json::from_value(params)?)
            }
            // Diagnostics and cancellations change nothing that is modelled here.
            "textDocument/publishDiagnostics" => {
                serde_json::from_value::<PublishDiagnosticsParams>(params)?;
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

    /// The volt is gone (removed, reloaded): nothing is sent to it any more, but its late answers to
    /// `inlineCompletion` are drawn. Request ids go on counting for the next one, so that every request of a session
    /// has its own.
    pub fn volt_removed(&mut self) {
        self.capabilities = ServerCapabilities::default();
        self.initialized = false;
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

    fn server_status(&mut self, status: ServerStatus) {
        if status.health == "ok" {
            for index in 0..self.documents.len() {
                self.refresh(index, &capabilities::ASKED_AGAIN);
            }
        } else if let Some(message) = status.message {
            let title = format!("volt {}", self.config.name);
            let params = lsp_types::ShowMessageParams { typ: lsp_types::MessageType::ERROR, message };
            self.frame.show_message(title, params);
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
        self.refresh(index, &capabilities::ASKED_ON_CHANGE);
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
    }

    /// Enter. The ghost is wiped before the new request.
    pub fn enter(&mut self) {
        if self.mode == Mode::Insert {
            self.edit_with(EditKind::Other, typing::newline);
            self.cancel();
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
    }

    /// Backspace.
    pub fn backspace(&mut self) {
        self.delete_with(typing::backspace);
    }

    /// The Delete key.
    pub fn delete_forward(&mut self) {
        self.delete_with(typing::delete_forward);
    }

    /// Pastes. No request follows, and the ghost goes.
    pub fn paste(&mut self, text: &str) {
        self.edit_with(EditKind::Other, |buffer, cursor| typing::paste(buffer, cursor, text));
        self.cancel();
    }

    /// Undoes one step. No request follows, and the ghost goes.
    pub fn undo(&mut self) {
        self.step(Document::undo);
    }

    /// Redoes one step. No request follows, and the ghost goes.
    pub fn redo(&mut self) {
        self.step(Document::redo);
    }

    /// Tab: takes the item when there is one (drawn or not), indents otherwise.
    pub fn tab(&mut self) {
        if self.mode != Mode::Insert {
            return;
        }
        if !self.inline.has_items() {
            self.edit_with(EditKind::InsertChars, typing::tab);
            self.cancel();
            return;
        }
        let accepted = self.inline.acceptance().map(|(range, text)| (range, text.to_owned()));
        self.cancel();
        if let Some((range, text)) = accepted {
            self.edit_with(EditKind::Other, |buffer, _| accept(buffer, range, &text));
        }
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
    }

    /// `alt+\`: asks for a completion, unless there is one already.
    pub fn invoke(&mut self) {
        if self.mode == Mode::Insert && !self.inline.has_items() {
            self.ask(InlineCompletionTriggerKind::Invoked);
        }
    }

    /// `alt+]` and `alt+[`: chooses another item for Tab; the drawing stays.
    pub fn cycle(&mut self, forward: bool) {
        self.inline.cycle(forward);
    }

    /// `i` in normal mode. This alone asks for a completion.
    pub fn enter_insert_mode(&mut self) {
        self.mode = Mode::Insert;
        self.ask(InlineCompletionTriggerKind::Automatic);
    }

    /// Clicks: the caret moves and the ghost goes.
    pub fn click(&mut self, line: u32, character: u32) {
        self.cancel();
        self.move_to(line, character);
    }

    /// Moves the caret as keys do: the ghost stays.
    pub fn move_to(&mut self, line: u32, character: u32) {
        if let Some(document) = self.front() {
            document.cursor = Cursor::caret(document.buffer.offset(Position::new(line, character)));
        }
    }

    /// An arrow key: the ghost stays.
    pub fn arrow(&mut self, arrow: Arrow) {
        let Some(document) = self.front() else { return };
        let (buffer, at) = (&document.buffer, document.cursor.head);
        let Position { line, character } = buffer.position(at);
        document.cursor = Cursor::caret(match arrow {
            Arrow::Left => buffer.prev_grapheme(at),
            Arrow::Right => buffer.next_grapheme(at),
            Arrow::Up => line.checked_sub(1).map_or(0, |line| buffer.offset(Position::new(line, character))),
            Arrow::Down => buffer.offset(Position::new(line + 1, character)),
        });
    }

    /// Selects from one position to another; the caret is at the second. The ghost stays.
    pub fn select(&mut self, from: (u32, u32), to: (u32, u32)) {
        if let Some(document) = self.front() {
            let offset = |(line, character)| document.buffer.offset(Position::new(line, character));
            document.cursor = Cursor { anchor: offset(from), head: offset(to) };
        }
    }

    /// Saves the file in front.
    pub fn save(&mut self) {
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

    /// Whether Tab would insert exactly what is drawn, where it is drawn; with nothing drawn, nothing.
    pub fn tab_is_honest(&self) -> bool {
        let front = self.active.and_then(|index| self.documents.get(index));
        let drawn = front.and_then(|document| Some((document, self.drawn(document)?)));
        match (self.text_after_tab(), drawn) {
            (None, drawn) => drawn.is_none(),
            (Some(_), None) => false,
            (Some(after), Some((document, drawn))) => {
                let mut shown = document.buffer.text().to_owned();
                shown.insert_str(document.drawn_offset(drawn), &document.buffer.normalize(&drawn.text));
                shown == after
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

    /// What the user sees of the ghost: nothing where inline completion is off.
    fn drawn<'d>(&self, document: &'d Document) -> Option<&'d Drawn> {
        document.drawn.as_ref().filter(|_| self.config.inline_completion)
    }

    fn ghost(&self, document: &Document) -> Option<Ghost> {
        let drawn = self.drawn(document)?;
        let at = document.buffer.position(document.drawn_offset(drawn));
        Some(Ghost { at, text: drawn.text.clone() })
    }

    fn notify(&mut self, method: &'static str, params: Value) {
        self.outgoing.push(Message { id: None, method, params });
    }

    fn request(&mut self, method: &'static str, params: Value, pending: Pending) {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, pending);
        self.outgoing.push(Message { id: Some(id), method, params });
    }

    fn did_open(&mut self, index: usize) {
        if !capabilities::registered(&self.capabilities, "textDocument/didOpen") {
            return;
        }
        if let Some((document, uri)) = self.supported(index) {
            let params = json!({ "textDocument": {
                "uri": uri,
                "languageId": document.language,
                "version": document.version,
                "text": document.buffer.text(),
            }});
            self.notify("textDocument/didOpen", params);
        }
    }

    /// Lapce does not ask the document filter here: a volt hears of changes in documents it was never shown.
    fn did_change(&mut self, index: usize, event: TextDocumentContentChangeEvent) {
        let kind = capabilities::sync_kind(&self.capabilities);
        let Some(document) = self.documents.get(index) else { return };
        let Some(uri) = &document.url else { return };
        let event = match kind {
            TextDocumentSyncKind::INCREMENTAL => event,
            TextDocumentSyncKind::FULL => TextDocumentContentChangeEvent {
                range: None,
                range_length: None,
                text: document.buffer.text().to_owned(),
            },
            _ => return,
        };
        let params = json!({
            "textDocument": { "uri": uri, "version": document.version },
            "contentChanges": [event],
        });
        self.notify("textDocument/didChange", params);
    }

    /// Asks anew for what the volt has registered of these methods.
    fn refresh(&mut self, index: usize, methods: &[&'static str]) {
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
            self.request(method, params, Pending::Refresh);
        }
    }

    fn edit_with(&mut self, kind: EditKind, changes: impl FnOnce(&Buffer, Cursor) -> Changes) {
        let Some(index) = self.active else { return };
        let Some(document) = self.documents.get(index) else { return };
        let Changes { steps, cursor } = changes(&document.buffer, document.cursor);
        for edits in steps {
            let Some(document) = self.documents.get_mut(index) else { return };
            let event = document.apply(&edits, kind, cursor);
            self.did_change(index, event);
        }
        if let Some(document) = self.documents.get_mut(index) {
            document.cursor = cursor;
        }
        self.refresh(index, &capabilities::ASKED_ON_CHANGE);
    }

    fn delete_with(&mut self, changes: impl FnOnce(&Buffer, Cursor) -> Changes) {
        if self.mode == Mode::Insert {
            let one = self.front().is_some_and(|document| document.cursor.is_caret());
            self.edit_with(if one { EditKind::Delete } else { EditKind::Other }, changes);
            self.ask(InlineCompletionTriggerKind::Automatic);
        }
    }

    fn step(&mut self, take: impl FnOnce(&mut Document) -> Option<TextDocumentContentChangeEvent>) {
        let Some(index) = self.active else { return };
        if let Some(event) = self.documents.get_mut(index).and_then(take) {
            self.did_change(index, event);
            self.refresh(index, &capabilities::ASKED_ON_CHANGE);
        }
        self.cancel();
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
            document.cursor = Cursor::caret(document.cursor.head);
        }
    }

    fn enter_normal_mode(&mut self) {
        self.mode = Mode::Normal;
        if let Some(document) = self.front() {
            let line_start =
                document.buffer.offset_of_line(document.buffer.line_of_offset(document.cursor.head));
            let left = document.buffer.prev_grapheme(document.cursor.head).max(line_start);
            document.cursor = Cursor::caret(left);
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
        let at_cursor = self.active == Some(index)
            && ghost.as_ref().is_some_and(|ghost| ghost.at == document.cursor_position());
        self.paints.push(Paint { path: document.path.clone(), ghost, cause, at_cursor });
    }
}

#[derive(serde::Deserialize)]
struct ServerStatus {
    health: String,
    #[serde(rename = "quiescent")]
    _quiescent: bool,
    message: Option<String>,
}

/// What taking an item does: the text at the range, the caret behind it.
fn accept(buffer: &Buffer, range: std::ops::Range<usize>, text: &str) -> Changes {
    let range = buffer.clamp(range);
    let text = buffer.normalize(text);
    let cursor = Cursor::caret(range.start + text.len());
    Changes { steps: vec![vec![document::Edit { range, text }]], cursor }
}
