//! The interface of the transport: requests are started, read and stopped, and nothing waits for them.

use super::Failure;
use crate::http::HttpRequest;

/// Numbers a request. Never reused within one plugin instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

/// The earliest time of a wake-up before the end of an answer. In milliseconds from now; if no byte of the body has come
/// yet, from the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBefore {
    /// `u64::MAX`: only when the answer has ended.
    pub ms: u64,
    /// How much later if the model writes fast, because then it may be done soon: if three lines come within 150 ms of the first
    /// byte.
    pub extra_ms: u64,
}

/// However fast the model writes.
impl From<u64> for NotBefore {
    fn from(ms: u64) -> Self {
        Self { ms, extra_ms: 0 }
    }
}

/// Sends requests and returns their answers as they arrive. No method waits.
///
/// The one exception is Lapce's own HTTP client (see [`Transport::obstacle`]): the first `read` then takes as long
/// as the whole answer.
pub trait Transport {
    /// Hands over `request`. It leaves `delay_ms` from now unless it is stopped first. At that moment `replaces`, if it
    /// still runs, is stopped: reading it returns nothing more, and a wake-up that was asked for it then applies to
    /// `number`. A problem is reported by the next `read`.
    fn start(
        &mut self,
        number: RequestNumber,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    );

    /// Runs a command of the user in a shell, for at most [`COMMAND_SECONDS`](super::COMMAND_SECONDS). Its output
    /// is read like the body of an answer without a head.
    fn run(&mut self, number: RequestNumber, command: &str);

    /// The next event, with at most `buffer.len()` bytes of body. Call it until it returns
    /// [`TransportEvent::Pending`]. After `End` or `Failed` the number is forgotten.
    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent;

    /// Drops the request: if it has not left, it is not sent; otherwise its connection is closed. No process and no
    /// file remains. Unknown numbers are ignored.
    fn stop(&mut self, number: RequestNumber);

    /// Asks for one wake-up: when a further line of text of `number` has come, but not before `not_before`; or at once when
    /// the request has ended or failed. Replaces what `wake` or `timer` asked for before.
    ///
    /// A line ends with `\n`, as JSON writes it, in body that was not read yet: all formats send text in JSON strings.
    fn wake(&mut self, number: RequestNumber, not_before: impl Into<NotBefore>);

    /// Asks for one wake-up `ms` from now. Replaces what `wake` or `timer` asked for before.
    fn timer(&mut self, ms: u64);

    /// Confirms that the last wake-up has come. Before that, the next one is sent half a second late, because the editor may
    /// have lost one. Call it after `wake` or `timer`.
    fn woken(&mut self);

    /// Searches the files below `root` whose names match the glob `files` for lines that match `pattern` (see
    /// [`Search`](crate::completion::prompt::Search)), in the background and for a few seconds at most. Only the result of the
    /// newest search is returned.
    fn search(&mut self, root: &str, pattern: &str, files: &str);

    /// The result of the newest search, once.
    fn found(&mut self) -> Option<String>;

    /// Starts the agent on the first call, and notices if it has died or hangs. Call it at the beginning of every message.
    fn tick(&mut self);

    /// Why answers cannot be streamed, once that is known. Then send only requests that the user invoked, and read them
    /// right after `start`: no wake-up comes.
    fn obstacle(&self) -> Option<&str>;
}

/// The result of [`Transport::read`].
#[derive(Debug, Clone, PartialEq)]
pub enum TransportEvent {
    /// Nothing new.
    Pending,
    /// The status line and headers, before any body.
    Head {
        /// HTTP status.
        status: u16,
        /// Response headers in order, names in lower case.
        headers: Vec<(String, String)>,
    },
    /// This many bytes of body are in the buffer.
    Body(usize),
    /// The body is complete.
    End,
    /// The request failed: before an answer, or in its middle.
    Failed(Failure),
}
