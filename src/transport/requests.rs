//! The interface of this room: requests that are started, read and stopped, and never waited for.

use super::Failure;
use crate::http::HttpRequest;

/// Numbers a request. Never reused within one plugin instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

/// Sends requests and hands over their answers as they arrive. No method waits.
///
/// The one exception is Lapce's own HTTP client (see [`Transport::obstacle`]): the first `read` then takes as long
/// as the whole answer.
pub trait Transport {
    /// Hands `request` over. It leaves `delay_ms` from now unless it is stopped first. At that moment `replaces`, if it
    /// still runs, is stopped: a wake-up that was asked for it then counts for `number`, and reading it gives nothing
    /// more. A problem is reported by the next `read`.
    fn start(
        &mut self,
        number: RequestNumber,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    );

    /// Runs a command of the user's in a shell, for at most [`COMMAND_SECONDS`](super::COMMAND_SECONDS). What it prints
    /// is read like the body of an answer without a head; if it fails, the failure says how.
    fn run(&mut self, number: RequestNumber, command: &str);

    /// What has arrived since the last call, at most `buffer.len()` bytes of body. To be called until
    /// [`TransportEvent::Pending`]. After `End` or `Failed` the number is forgotten.
    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent;

    /// Drops the request: it is not sent if it has not left; otherwise its connection closes. No process and no
    /// file stays. Unknown numbers are ignored.
    fn stop(&mut self, number: RequestNumber);

    /// Asks for one wake-up: once a further line of text has come of `number` and `not_before_ms` have passed (from now;
    /// if no byte of body has come yet, from the first one), or at once when it has ended or failed. `u64::MAX`: only
    /// when it has. Replaces what `wake` or `timer` asked for before.
    ///
    /// The end of a line is `\n`, as JSON writes it, in body that was not read yet: all formats send text in JSON strings.
    fn wake(&mut self, number: RequestNumber, not_before_ms: u64);

    /// Asks for one wake-up `ms` from now. Replaces what `wake` or `timer` asked for before.
    fn timer(&mut self, ms: u64);

    /// The last wake-up has come. Until then no other is sent, or half a second later than it could be: the editor may
    /// have lost one. To be called after `wake` or `timer` where both are.
    fn woken(&mut self);

    /// Has the files below `root` whose names match the glob `files` searched for lines that match `pattern` (see
    /// [`Search`](crate::completion::prompt::Search)), in the background and for some seconds at most. Replaces a search
    /// that was begun before.
    fn search(&mut self, root: &str, pattern: &str, files: &str);

    /// What the last search has found, once.
    fn found(&mut self) -> Option<String>;

    /// To be called at the beginning of every message: starts the agent on the first call, and notices one that has
    /// died or hangs.
    fn tick(&mut self);

    /// Why answers are not streamed, once known. Then only requests the user invoked are to be sent, and to be read
    /// right after `start`: no wake-up comes.
    fn obstacle(&self) -> Option<&str>;
}

/// What a call of [`Transport::read`] found.
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
