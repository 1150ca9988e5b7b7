//! The window of one Lapce, shared by the user's thread and the volt's: the editor, and the record of what happens.

use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::editor::{Editor, Message};
use crate::evidence::{Evidence, Painted, Told};

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
    /// Queues what the editor wants to tell and records what it drew.
    fn settle(&mut self) {
        let now = Instant::now();
        self.last_activity = now;
        for Message { id, method, params, .. } in self.editor.outgoing() {
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
            // The receiver is gone only when the volt's thread has died; the message then stays untaken.
            let _ = queue.send(Job::Message { line, index });
        }
        let paints = self.editor.paints();
        self.evidence.paints.extend(paints.into_iter().map(|paint| Painted { paint, at: now }));
    }
}
