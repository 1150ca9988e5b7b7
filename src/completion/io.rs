//! What goes into the engine and what comes out of it.

use super::postprocess::Hidden;
use super::prompt::Search;
use super::targets::Role;
use super::trigger::Gate;
use crate::http::{HttpRequest, Secret};
use crate::provider::Error;
use crate::provider::learned::Lesson;
use crate::stream::ErrorKind;
use crate::transport::{Failure, NotBefore, RequestNumber};

/// An inlineCompletion request of the editor, by a number that the caller assigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// An open document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// Its path with `/`: relative to the workspace, or absolute outside of it.
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
    /// The old text.
    pub removed: &'a str,
    /// The new text.
    pub inserted: &'a str,
}

/// When an input arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds of a monotonic clock with any origin.
    pub now_ms: u64,
    /// No message is queued behind the current one: the document is what the user sees.
    pub caught_up: bool,
}

/// What happens to the engine.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A document changed; the buffers contain the change.
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
    /// The editor reports the caret. It does so after each key and click, unless it has reported the same position
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
    /// The result of a search, see [`Output::Search`].
    Found(&'a str),
    /// Everything that has arrived was read.
    Read,
    /// An event of a request to the model. It is shown with the next input of another kind.
    Response {
        /// The request.
        number: RequestNumber,
        /// The event.
        event: ResponseEvent<'a>,
    },
}

/// An event of a request to the model.
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
        /// Its number, which its response carries.
        number: RequestNumber,
        /// The request.
        request: Box<HttpRequest>,
        /// It leaves this many milliseconds from now, unless it is stopped first.
        delay_ms: u64,
        /// The transport stops this request, if it still runs, when the new one leaves.
        replaces: Option<RequestNumber>,
    },
    /// Run a command of the user. Its output comes back as the body of a response without a head.
    Run {
        /// The number of that response.
        number: RequestNumber,
        /// The command, for a shell.
        command: String,
    },
    /// Never show or log this text.
    Secret(Secret),
    /// Drop a request, whether it has left or not.
    Stop(RequestNumber),
    /// Search the files of the workspace in the background. The result comes back as [`Input::Found`]; nothing waits
    /// for it.
    Search(Search),
    /// Ask for one wake-up. It replaces one that was asked for before.
    Wake(Wake),
    /// Show this state in the status bar.
    Status(Status),
    /// Show this failure to the user once.
    Notice(Box<Error>),
    /// A refusal has taught something about the model: remember it beyond the session.
    Learned {
        /// The server, see [`server_of`](crate::provider::learned::server_of).
        server: String,
        /// The model that was asked.
        model: String,
        /// The lesson.
        lesson: Lesson,
    },
    /// The user has agreed to this target.
    Agreed(Role),
    /// A suggestion is drawn for the first time.
    Shown,
    /// The user has accepted a suggestion: this text is in the document now.
    Taken {
        /// The document.
        uri: String,
        /// The text.
        text: String,
    },
    /// An answer has ended.
    Finished(Figures),
}

/// The figures of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Milliseconds from the request to the first text.
    pub first_ms: u64,
    /// Milliseconds from the request to the end of the answer.
    pub total_ms: u64,
    /// Tokens of the prompt, if the provider says so.
    pub input: Option<u64>,
    /// Tokens of the answer: as the provider counts them, else pieces of text.
    pub output: u64,
}

/// When to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// When the answer has a further line of text, but not before `not_before`; at once when the answer has ended.
    More {
        /// The request.
        number: RequestNumber,
        /// The earliest time.
        not_before: NotBefore,
    },
    /// As soon as the queued messages are handled.
    Soon,
    /// Confirm the last one: from now on another may be sent.
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
    /// Clear what is drawn.
    Clear,
    /// No suggestion; other plugins may answer.
    Nothing,
}

/// What the plugin is doing, for the status bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing.
    Quiet,
    /// A request is out, nothing has come yet.
    Waiting,
    /// The same, at a server on this machine that may have to load the model first.
    Loading,
    /// The command that prints the key runs.
    Key,
    /// The fallback is asked instead of a provider that is unavailable.
    StandIn {
        /// The title of the unavailable provider.
        away: &'static str,
        /// Why it is unavailable.
        why: ErrorKind,
        /// The title of the fallback.
        by: &'static str,
    },
    /// The model is reasoning; there is no text yet.
    Thinking,
    /// Text is coming.
    Streaming {
        /// Tokens so far.
        tokens: u64,
        /// Tokens per second.
        per_second: u32,
    },
    /// A suggestion is ready, but no request of the editor is open: alt+\\ or the next key shows it.
    Ready,
    /// Why nothing is shown.
    Nothing(Why),
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No provider in the settings.
    NoProvider,
    /// The document's text is not known.
    NoText,
    /// The user has not agreed to the destination yet; the question to ask.
    Unconfirmed(String),
    /// A rule about when and where to ask.
    Gate(Gate),
    /// The model's answer was empty.
    Empty,
    /// The user asked for another suggestion, and the model has none.
    NoOther,
    /// A filter hid the answer.
    Hidden(Hidden),
    /// The request failed.
    Failed(Box<Error>),
    /// The provider asked to wait; this many milliseconds are left.
    RateLimited(u64),
}
