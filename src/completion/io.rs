//! What goes into the engine and what comes out of it.

use super::postprocess::Hidden;
use super::prompt::Search;
use super::targets::Role;
use super::trigger::Gate;
use crate::http::{HttpRequest, Secret};
use crate::provider::Error;
use crate::provider::learned::Lesson;
use crate::stream::ErrorKind;
use crate::transport::{Failure, RequestNumber};

/// An inlineCompletion request of the editor, by a number the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// An open document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// Its path relative to the workspace, or absolute outside of it, with `/`.
    pub path: &'a str,
    /// Lapce's language id; empty when unknown.
    pub language: &'a str,
    /// Its text as the editor has it.
    pub text: &'a str,
}

/// The open documents, as they are after the last [`Input::Edited`].
pub trait Buffers {
    /// The document of that URI.
    fn get(&self, uri: &str) -> Option<Buffer<'_>>;
    /// All open documents, most recently used first.
    fn all(&self) -> Vec<Buffer<'_>>;
}

/// One replacement in a document; offsets in bytes of the text before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Where it begins.
    pub start: usize,
    /// What stood there.
    pub removed: &'a str,
    /// What stands there now.
    pub inserted: &'a str,
}

/// When an input comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds of a monotonic clock with any origin.
    pub now_ms: u64,
    /// No message is queued behind the one at hand: the document is what the user sees.
    pub caught_up: bool,
}

/// What happens to the engine.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A document changed; the buffers have it already.
    Edited {
        /// The document.
        uri: &'a str,
        /// The change.
        edit: Edit<'a>,
    },
    /// The editor asks for a completion.
    Requested {
        /// The request.
        id: RequestId,
        /// The document.
        uri: &'a str,
        /// The cursor, in bytes.
        offset: usize,
        /// Asked for by the user (alt+\), not by a key.
        invoked: bool,
    },
    /// The editor says where the caret is. It does so after each key and click, unless it has said the same place
    /// since the last edit of that document.
    CaretAt {
        /// The document.
        uri: &'a str,
        /// The caret, in bytes.
        offset: usize,
    },
    /// The editor asked for code lenses: it does so after each change of a document, and for each open document
    /// when the agent wakes it.
    LensesAsked {
        /// The document.
        uri: &'a str,
    },
    /// What a search has found, see [`Output::Search`].
    Found(&'a str),
    /// All that has arrived was read.
    Read,
    /// What came of a request to the model. Shown with the next input of another kind.
    Response {
        /// The request.
        number: RequestNumber,
        /// What came.
        event: ResponseEvent<'a>,
    },
}

/// What came of a request to the model.
#[derive(Debug, Clone)]
pub enum ResponseEvent<'a> {
    /// Status line and headers.
    Head {
        /// HTTP status.
        status: u16,
        /// Headers, names in lower case.
        headers: &'a [(String, String)],
    },
    /// Bytes of the body.
    Body(&'a [u8]),
    /// The body is complete.
    End,
    /// The request failed.
    Failed(&'a Failure),
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Answer a request of the editor.
    Reply {
        /// Which.
        id: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Hand a request over to the transport.
    Start {
        /// Its number, under which its response comes back.
        number: RequestNumber,
        /// The request.
        request: Box<HttpRequest>,
        /// It leaves that many milliseconds from now, unless it is stopped first.
        delay_ms: u64,
        /// The transport stops this one, if it still runs, at the moment the new one leaves.
        replaces: Option<RequestNumber>,
    },
    /// Run a command of the user's. What it prints comes back as the body of a response without a head.
    Run {
        /// The number under which that comes.
        number: RequestNumber,
        /// The command, for a shell.
        command: String,
    },
    /// A text that must never be shown.
    Secret(Secret),
    /// Drop a request, whether it has left or not.
    Stop(RequestNumber),
    /// Have files of the workspace searched in the background. What is found comes back as [`Input::Found`]; nobody waits
    /// for it.
    Search(Search),
    /// Ask for one wake-up. It replaces any other that was asked for.
    Wake(Wake),
    /// The state to show in the status bar.
    Status(Status),
    /// A failure to tell the user once.
    Notice(Box<Error>),
    /// A server has taught something about the model: to be remembered beyond the session.
    Learned {
        /// The server, see [`server_of`](crate::provider::learned::server_of).
        server: String,
        /// The model that was asked.
        model: String,
        /// The lesson.
        lesson: Lesson,
    },
    /// The user agreed to have this one asked.
    Agreed(Role),
    /// A suggestion is drawn for the first time.
    Shown,
    /// The user has taken a suggestion: this text stands in the document now.
    Taken {
        /// The document.
        uri: String,
        /// The text.
        text: String,
    },
    /// An answer has ended.
    Finished(Figures),
}

/// What one answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Milliseconds from the request to the first text.
    pub first_ms: u64,
    /// Milliseconds from the request to its end.
    pub total_ms: u64,
    /// Tokens of the prompt, if the provider says so.
    pub input: Option<u64>,
    /// Tokens of the answer: as the provider counts them, else pieces of text.
    pub output: u64,
}

/// When to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// When a further line of text has come of a request and `not_before_ms` have passed, counted from its first byte if
    /// it has none yet, else from now; at once when it has ended.
    More {
        /// The request.
        number: RequestNumber,
        /// Milliseconds; `u64::MAX`: only at its end.
        not_before_ms: u64,
    },
    /// As soon as may be: the next message will find nothing queued behind it.
    Soon,
    /// The last one has come: from now on another may be sent.
    Came,
}

/// An answer to an inlineCompletion request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Draw this text at this byte offset, which is the cursor's.
    Ghost {
        /// The document.
        uri: String,
        /// The offset.
        offset: usize,
        /// The text.
        text: String,
        /// Bytes behind the cursor, on its line, that it replaces.
        replaces: usize,
    },
    /// Take away what is drawn.
    Clear,
    /// Nothing to say; others may.
    Nothing,
}

/// What the plugin is doing, for the status bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing.
    Quiet,
    /// A request is out, nothing has come yet.
    Waiting,
    /// The same at a server of this machine that may have to load the model first.
    Loading,
    /// The command for the key runs.
    Key,
    /// Another provider is asked for now.
    StandIn {
        /// The title of the one that is away.
        away: &'static str,
        /// Why it is.
        why: ErrorKind,
        /// The title of the other.
        by: &'static str,
    },
    /// The model is thinking, nothing to show yet.
    Thinking,
    /// Text is coming.
    Streaming {
        /// Tokens so far.
        tokens: u64,
        /// Tokens per second.
        per_second: u32,
    },
    /// There is something to show that no request of the editor is open for: alt+\\ or the next key shows it.
    Ready,
    /// Nothing is shown, and why.
    Nothing(Why),
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No provider in the settings.
    NoProvider,
    /// The document's text is not known.
    NoText,
    /// The user has not agreed to where requests go; the question to ask.
    Unconfirmed(String),
    /// A rule about when and where to ask.
    Gate(Gate),
    /// The model's answer was empty.
    Empty,
    /// The user asked for another suggestion, and the model has none.
    NoOther,
    /// The answer was there, and a filter hid it.
    Hidden(Hidden),
    /// The request failed.
    Failed(Box<Error>),
    /// The provider asked to wait; that many milliseconds are left.
    RateLimited(u64),
}
