//! What goes into the engine and what comes out of it.

use super::gates::Gate;
use super::shape::Hidden;
use crate::http::HttpRequest;
use crate::provider::Error;
use crate::transport::Failure;

/// An inlineCompletion request, by a number the caller gives it.
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
    /// All open documents, most recently edited first.
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
        /// The guest was idle when the key came: nothing is queued behind it.
        fresh: bool,
    },
    /// The editor asked for something it asks for after every change and after every fence.
    Woken {
        /// The document it asked about.
        uri: &'a str,
    },
    /// A [`Effect::Wait`] is over and nothing came.
    Elapsed,
    /// Status line and headers of the answer.
    Head {
        /// HTTP status.
        status: u16,
        /// Headers, names in lower case.
        headers: &'a [(String, String)],
    },
    /// Bytes of the answer.
    Body(&'a [u8]),
    /// The answer is whole.
    End,
    /// The request failed.
    Failed(&'a Failure),
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Answer a request of the editor.
    Reply {
        /// Which.
        id: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Send a request; what comes of it is fed back.
    Start {
        /// On which lane.
        lane: Lane,
        /// The request.
        request: Box<HttpRequest>,
    },
    /// Drop the lane's request.
    Cancel(Lane),
    /// The lane [`Lane::Ahead`] becomes [`Lane::Main`].
    Promote,
    /// Ask the editor for a wake-up.
    Fence,
    /// Wait for the main lane and feed back what came. Always last.
    Wait {
        /// At most so many milliseconds; 0: only for what is there already.
        ms: u64,
        /// At most so many bytes; what is not read slows the sender down.
        bytes: usize,
    },
    /// The state to show in the status bar.
    Status(Status),
    /// A failure to tell the user once.
    Notice(Box<Error>),
    /// The user agreed to have the server asked.
    Agreed,
}

/// Requests that may run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The one whose answer is shown.
    Main,
    /// The speculative one, for the state after accepting what is shown.
    Ahead,
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
    /// The model is thinking, nothing to show yet.
    Thinking,
    /// Text is coming.
    Streaming {
        /// Tokens so far.
        tokens: u64,
        /// Tokens per second.
        per_second: u32,
    },
    /// A part of the answer was received, and nobody waits for the rest: the next key shows more.
    StillWriting,
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
    /// The answer was there, and a filter hid it.
    Hidden(Hidden),
    /// The request failed.
    Failed(Box<Error>),
    /// The provider asked to wait; so many milliseconds are left.
    RateLimited(u64),
    /// The model has not answered yet.
    StillWaiting,
}
