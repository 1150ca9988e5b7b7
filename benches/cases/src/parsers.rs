//! The SSE parsers that are compared, each used as its documentation says and each at its best:
//! the same borrowed chunks, no executor, every event looked at.

use std::convert::Infallible;
use std::num::NonZeroUsize;

use eventsource_stream::Eventsource;
use futures::{FutureExt, Stream, StreamExt, stream};

use crate::inputs::{self, Input, SEGMENT};

/// What a subject has seen of a stream, so that nobody can skip anything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many events.
    pub events: usize,
    /// How many bytes of data.
    pub bytes: usize,
    /// The last bytes of the events' data and types, added up.
    pub last_bytes: usize,
}

impl Seen {
    fn event(&mut self, event: &str, data: &str) {
        self.events += 1;
        self.bytes += data.len();
        let last = |text: &str| usize::from(text.as_bytes().last().copied().unwrap_or_default());
        self.last_bytes += last(data) + last(event);
    }
}

/// Parses the chunks of one stream.
pub type Subject = fn(&[&[u8]]) -> Seen;

/// Ours first.
pub const SUBJECTS: [(&str, Subject); 4] = [
    ("ours", ours),
    ("sse-core", sse_core),
    ("sse-stream", sse_stream),
    ("eventsource-stream", eventsource_stream),
];

/// The streams and how they are cut.
pub fn cases() -> Vec<(&'static str, Input)> {
    vec![
        ("openai/1460", Input::cut(inputs::openai(2000), SEGMENT)),
        ("openai/event", Input::cut_at_events(inputs::openai(2000))),
        ("anthropic/1460", Input::cut(inputs::anthropic(3000), SEGMENT)),
        ("small/1460", Input::cut(inputs::small(20_000), SEGMENT)),
        ("line-1MiB/1460", Input::cut(inputs::long_line(1 << 20), SEGMENT)),
        ("line-1MiB/16K", Input::cut(inputs::long_line(1 << 20), 16 << 10)),
        ("keep-alive/1460", Input::cut(inputs::keep_alives(20_000), SEGMENT)),
    ]
}

fn ours(chunks: &[&[u8]]) -> Seen {
    let mut parser = ai_completion::sse::Parser::new();
    let mut seen = Seen::default();
    for chunk in chunks {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            if let Ok(frame) = frame {
                seen.event(frame.event, frame.data);
            }
        }
    }
    seen
}

fn sse_core(chunks: &[&[u8]]) -> Seen {
    // Its default limit is below the longest line here.
    let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut seen = Seen::default();
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = decoder.next(&mut chunk) {
            if let Ok(sse_core::SseEvent::Message(message)) = event {
                seen.event(&message.event, &message.data);
            }
        }
    }
    seen
}

fn results<'c>(chunks: &'c [&'c [u8]]) -> impl Stream<Item = Result<&'c [u8], Infallible>> + 'c {
    stream::iter(chunks.iter().map(|chunk| Ok(*chunk)))
}

fn sse_stream(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut events = sse_stream::SseByteStream::new(results(chunks));
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Ok(sse_stream::Sse { event, data: Some(data), .. }) = event {
            seen.event(event.as_deref().unwrap_or("message"), &data);
        }
    }
    seen
}

fn eventsource_stream(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut events = results(chunks).eventsource();
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Ok(event) = event {
            seen.event(&event.event, &event.data);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_subjects_see_the_same_events() {
        for (case, input) in cases() {
            if case == "line-1MiB/1460" {
                // The same bytes as the next one; eventsource-stream takes half a minute for it unoptimised.
                continue;
            }
            let seen = ours(&input.chunks());
            assert!(seen.events > 0);
            for (name, subject) in SUBJECTS {
                assert_eq!(subject(&input.chunks()), seen, "{name} on {case}");
            }
        }
    }
}
