//! Events that own their text, and the parser for a body that is there as a whole.

use super::{Frame, Parser, Policy};

/// One event, owned. [`Frame`] is the same, borrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The event's type, see [`Frame::event`].
    pub event: String,
    /// The values of the `data` lines, joined by `\n`.
    pub data: String,
    /// The last event id the stream gave; empty when none.
    pub id: String,
    /// The last reconnection time the stream gave, in milliseconds.
    pub retry: Option<u64>,
}

impl From<Frame<'_>> for SseEvent {
    fn from(frame: Frame<'_>) -> Self {
        let Frame { event, data, id, retry } = frame;
        Self { event: event.to_owned(), data: data.to_owned(), id: id.to_owned(), retry }
    }
}

/// The events of a stream that is there as a whole, or of its beginning.
///
/// As the standard says, an event without a blank line after it is not one. There is no limit to the size of an
/// event, as the bytes are in memory already. For bytes that are still coming, use [`Parser`].
///
/// ```
/// let events = sse::parse_sse_chunk(b"event: delta\ndata: {\"text\":\"a\"}\n\ndata: [DONE]\n\n");
/// assert_eq!(events.len(), 2);
/// assert_eq!((events[0].event.as_str(), events[0].data.as_str()), ("delta", "{\"text\":\"a\"}"));
/// assert_eq!((events[1].event.as_str(), events[1].data.as_str()), ("message", "[DONE]"));
/// ```
pub fn parse_sse_chunk(bytes: &[u8]) -> Vec<SseEvent> {
    let mut parser = Parser::with_policy(Policy { limit: usize::MAX, ..Policy::STRICT });
    let mut frames = parser.feed(bytes);
    let mut events = Vec::new();
    while let Some(frame) = frames.next() {
        events.extend(frame.map(SseEvent::from));
    }
    events
}
