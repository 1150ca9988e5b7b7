//! The window of one Lapce, shared by the user's thread and the volt's: the editor, and the record of what happens.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::editor::{Editor, Message};
use crate::evidence::{Evidence, Painted, Tab, Told, TypedAlong, WakeUp};
use crate::lsp::{Lifeline, Server};

/// Work for the volt's thread.
pub(crate) enum Job {
    /// A message: its line, and its index in [`Evidence::told`].
    Message { line: String, index: usize },
    /// The end.
    Shutdown,
}

/// What both threads change.
pub(crate) struct State {
    pub editor: Editor,
    pub evidence: Evidence,
    pub queue: Option<Sender<Job>>,
    pub last_activity: Instant,
    /// Lapce is being closed: who waits for nothing but that may go.
    pub closed: bool,
    /// The language servers that have answered `initialize`: Lapce's plugin catalog.
    pub servers: HashMap<u64, Server>,
    /// Those of every language server there was.
    pub lifelines: Vec<Lifeline>,
    /// The newest language server's number.
    pub next_server: u64,
}

/// See the module.
pub(crate) struct Window {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Serialize)]
struct Line<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

impl Window {
    pub fn new(editor: Editor) -> Window {
        let state = State {
            editor,
            evidence: Evidence::default(),
            queue: None,
            last_activity: Instant::now(),
            closed: false,
            servers: HashMap::new(),
            lifelines: Vec::new(),
            next_server: 0,
        };
        Window { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Does something to the state; the messages that follow from it are queued before anything else happens.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        state.settle();
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Reads the state.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock())
    }

    /// Waits until `found` finds something, `None` after `limit`. Asked at every change, and once more after each
    /// `poll` without one.
    pub fn wait<T>(
        &self,
        limit: Duration,
        poll: Duration,
        mut found: impl FnMut(&State) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(result) = found(&state) {
                return Some(result);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self
                .changed
                .wait_timeout(state, left.min(poll))
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }

    /// Waits until Lapce is closed.
    pub fn wait_for_the_end(&self) {
        let waited = self.changed.wait_while(self.lock(), |state| !state.closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The user does something.
    pub fn act(&mut self, act: impl FnOnce(&mut Editor)) {
        self.evidence.acts.push(Instant::now());
        self.evidence.along_is_open = false;
        act(&mut self.editor);
    }

    /// The user presses the key of a character.
    pub fn type_key(&mut self, c: char) {
        let screen = self.editor.screen();
        let fits = c != '\n' && screen.ghost_at_cursor() && screen.ghost_text().starts_with(c);
        self.act(|editor| if c == '\n' { editor.enter() } else { editor.type_char(c) });
        if fits {
            self.evidence.typed_along.push(TypedAlong { at: Instant::now(), settled: None });
            self.evidence.along_is_open = true;
        }
    }

    /// The user presses Tab.
    pub fn tab(&mut self) {
        let screen = self.editor.screen();
        if screen.ghost.is_some() || self.editor.text_after_tab().is_some() {
            let as_shown = self.editor.tab_is_honest();
            self.evidence.tabs.push(Tab {
                path: screen.path.clone(),
                at: Instant::now(),
                shown: screen.ghost_text().to_owned(),
                as_shown,
            });
        }
        self.act(Editor::tab);
    }

    /// A notification of the volt; nothing comes of it when it is not connected any more.
    pub fn notified(&mut self, method: &str, params: Value, is_connected: bool) {
        if method == "experimental/serverStatus" {
            self.evidence.server_statuses.push(Instant::now());
        }
        if is_connected {
            let taken = self.editor.notified(method, params);
            self.note(method, None, taken);
        }
    }

    /// A notification of the volt's language server of that number.
    pub fn notified_by_server(&mut self, server: u64, method: &str, params: Value) {
        let taken = self.editor.notified_by_server(method, params);
        self.note(method, Some(server), taken);
    }

    fn note(&mut self, method: &str, server: Option<u64>, taken: serde_json::Result<()>) {
        if let Err(error) = taken {
            self.evidence.faults.push(format!("{method}: {error}"));
        }
        let new = self.editor.wakeups().saturating_sub(self.evidence.wakeups.len());
        self.evidence.wakeups.extend((0..new).map(|_| WakeUp {
            at: Instant::now(),
            server,
            told: Vec::new(),
        }));
    }

    /// An answer of the volt.
    pub fn answered(&mut self, id: u64, result: Result<Value, Value>) {
        *self.evidence.answers.entry(id).or_default() += 1;
        self.editor.answer(id, result);
    }

    /// Sends what the editor wants to tell and records what it drew.
    fn settle(&mut self) {
        let now = Instant::now();
        self.last_activity = now;
        for Message { id, method, params, wakeup } in self.editor.outgoing() {
            let Some(queue) = &self.queue else { continue };
            let line = Line { jsonrpc: "2.0", method, params: &params, id };
            // A map with string keys always serialises.
            let Ok(line) = serde_json::to_string(&line) else { continue };
            let index = self.evidence.told.len();
            let told = Told {
                id,
                method,
                line: line.clone(),
                queued: now,
                taken: None,
                handled: None,
                worked: None,
            };
            self.evidence.told.push(told);
            let wakeup = wakeup.and_then(|number| self.evidence.wakeups.get_mut(number.checked_sub(1)?));
            if let Some(wakeup) = wakeup {
                wakeup.told.push(index);
            }
            // The receiver is gone only when the volt's thread has died; the message then stays untaken.
            let _ = queue.send(Job::Message { line, index });
        }
        for (id, Message { method, params, .. }) in self.editor.outgoing_to_servers() {
            if let Some(server) = self.servers.get(&id) {
                server.notify(method, &params);
            }
        }
        let paints = self.editor.paints();
        self.evidence.paints.extend(paints.into_iter().map(|paint| Painted { paint, at: now }));
        if self.evidence.along_is_open && self.editor.tab_is_honest() {
            self.evidence.along_is_open = false;
            if let Some(along) = self.evidence.typed_along.last_mut() {
                along.settled = Some(now);
            }
        }
    }
}
