//! What the user sees.

use std::path::PathBuf;

use lsp_types::{
    LogMessageParams, MessageType, ProgressParams, ProgressParamsValue, ProgressToken, ShowMessageParams,
    WorkDoneProgress,
};

use super::buffer::Position;

/// Ghost text as drawn in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ghost {
    /// Where it is drawn.
    pub at: Position,
    /// What is drawn, all lines of it.
    pub text: String,
}

/// A pop-up (`window/showMessage`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popup {
    /// Its weight.
    pub kind: MessageType,
    /// `Plugin: <display name>` for a message of the volt.
    pub title: String,
    /// Its text.
    pub message: String,
}

/// One line of Lapce's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Where it came from: `logMessage`, `stderr` or `host`.
    pub source: &'static str,
    /// Its text.
    pub message: String,
}

/// A picture of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The file in front; empty while none is open.
    pub path: PathBuf,
    /// Its text, without the ghost.
    pub text: String,
    /// The caret in it.
    pub cursor: Position,
    /// The ghost text drawn in it.
    pub ghost: Option<Ghost>,
    /// The progress texts in the status bar, in order.
    pub status: Vec<String>,
    /// Every pop-up so far.
    pub popups: Vec<Popup>,
}

impl Screen {
    /// The ghost text, empty when none is drawn.
    pub fn ghost_text(&self) -> &str {
        self.ghost.as_ref().map_or("", |ghost| ghost.text.as_str())
    }

    /// Whether a ghost is drawn, and at the caret.
    pub fn ghost_at_cursor(&self) -> bool {
        self.ghost.as_ref().is_some_and(|ghost| ghost.at == self.cursor)
    }

    /// The text with the ghost in its place, as the user reads it.
    pub fn rendered(&self) -> String {
        let mut text = self.text.clone();
        if let Some(ghost) = &self.ghost {
            let at = super::Buffer::new(&text).offset(ghost.at);
            text.insert_str(at, &ghost.text);
        }
        text
    }
}

#[derive(Debug, Clone)]
struct Progress {
    token: ProgressToken,
    title: String,
    message: Option<String>,
}

/// The parts of the window around the documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    progress: Vec<Progress>,
    pub popups: Vec<Popup>,
    pub log: Vec<LogLine>,
}

impl Frame {
    /// `$/progress`: a token is shown from its begin to its end; a report for an unknown token is nothing.
    pub fn progress(&mut self, params: ProgressParams) {
        let ProgressParamsValue::WorkDone(value) = params.value;
        let found = self.progress.iter().position(|progress| progress.token == params.token);
        match (value, found) {
            (WorkDoneProgress::Begin(begin), found) => {
                let progress = Progress { token: params.token, title: begin.title, message: begin.message };
                match found.and_then(|at| self.progress.get_mut(at)) {
                    Some(old) => *old = progress,
                    None => self.progress.push(progress),
                }
            }
            (WorkDoneProgress::Report(report), Some(at)) => {
                if let Some(progress) = self.progress.get_mut(at) {
                    progress.message = report.message;
                }
            }
            (WorkDoneProgress::End(_), Some(at)) => {
                self.progress.swap_remove(at);
            }
            (WorkDoneProgress::Report(_) | WorkDoneProgress::End(_), None) => {}
        }
    }

    /// The texts of the status bar.
    pub fn status(&self) -> Vec<String> {
        let text = |progress: &Progress| match progress.message.as_deref() {
            Some(message) if !message.is_empty() => format!("{}: {message}", progress.title),
            _ => progress.title.clone(),
        };
        self.progress.iter().map(text).collect()
    }

    pub fn show_message(&mut self, title: String, params: ShowMessageParams) {
        self.popups.push(Popup { kind: params.typ, title, message: params.message });
    }

    pub fn log_message(&mut self, params: LogMessageParams) {
        self.log("logMessage", params.message);
    }

    pub fn log(&mut self, source: &'static str, message: String) {
        self.log.push(LogLine { source, message });
    }
}
