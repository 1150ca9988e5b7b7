//! The SSE parsers that are compared, each used as its documentation says and each at its best:
//! the same borrowed chunks, no executor, every event looked at.

use std::cell::RefCell;
use std::convert::Infallible;
use std::num::NonZeroUsize;

use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures::{FutureExt, Stream, StreamExt, stream};

use crate::inputs::{self, Input, SEGMENT};
use crate::{Case, Seen, Subject, Unit};

const SUBJECTS: [Subject; 7] = [
    ("ours", ours),
    ("sse-core", sse_core),
    ("sse-stream", sse_stream),
    ("sse-parse", sse_parse),
    ("sseer", sseer),
    ("eventsource-stream", eventsource_stream),
    ("floor: copy", copy),
];

/// The streams and how they are cut.
pub fn cases() -> Vec<Case> {
    let case = |name, input| Case { name, input, unit: Unit::Throughput, subjects: SUBJECTS.to_vec() };
    let mut cases = vec![
        case("parse/openai/1460", Input::cut(inputs::openai(2000), SEGMENT)),
        case("parse/openai/event", Input::cut_at_events(inputs::openai(2000))),
        case("parse/anthropic/1460", Input::cut(inputs::anthropic(3000), SEGMENT)),
        case("parse/small/1460", Input::cut(inputs::small(20_000), SEGMENT)),
        case("parse/line-1MiB/1460", Input::cut(inputs::long_line(1 << 20), SEGMENT)),
        case("parse/line-1MiB/16K", Input::cut(inputs::long_line(1 << 20), 16 << 10)),
        case("parse/keep-alive/1460", Input::cut(inputs::keep_alives(20_000), SEGMENT)),
    ];
    // It is quadratic in the length of a line: minutes for one figure.
    cases[4].subjects.retain(|(name, _)| *name != "eventsource-stream");
    cases
}

fn saw(seen: &mut Seen, event: &str, data: &str) {
    seen.add(data);
    seen.last_bytes += usize::from(event.as_bytes().last().copied().unwrap_or_default());
}

fn ours(chunks: &[&[u8]]) -> Seen {
    let mut parser = ai_completion::sse::Parser::new();
    let mut seen = Seen::default();
    for chunk in chunks {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            if let Ok(frame) = frame {
                saw(&mut seen, frame.event, frame.data);
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
                saw(&mut seen, &message.event, &message.data);
            }
        }
    }
    seen
}

fn sse_parse(chunks: &[&[u8]]) -> Seen {
    let mut parser = sse_parse::SseParser::new();
    let mut seen = Seen::default();
    for chunk in chunks {
        parser.feed(chunk);
        while let Some(event) = parser.next_event() {
            saw(&mut seen, &event.event, &event.data);
        }
    }
    seen
}

thread_local! {
    /// The chunks as [`sseer`] takes them, made once.
    static OWNED: RefCell<Owned> = RefCell::default();
}

#[derive(Default)]
struct Owned {
    /// Where the borrowed chunks are, and how many.
    of: (usize, usize),
    chunks: Vec<Bytes>,
}

/// It slices events out of chunks that it owns: for it, they are reference-counted beforehand.
fn sseer(chunks: &[&[u8]]) -> Seen {
    let of = (chunks.as_ptr().addr(), chunks.len());
    let owned = OWNED.with_borrow_mut(|owned| {
        if owned.of != of {
            *owned = Owned { of, chunks: chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk)).collect() };
        }
        owned.chunks.clone()
    });
    let mut seen = Seen::default();
    let mut events =
        sseer::event_stream::EventStream::new(stream::iter(owned.into_iter().map(Ok::<_, Infallible>)));
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Ok(event) = event {
            saw(&mut seen, &event.event, &event.data);
        }
    }
    seen
}

/// What moving the bytes once takes: no parser that copies can be faster.
fn copy(chunks: &[&[u8]]) -> Seen {
    let mut to = vec![0; chunks.iter().map(|chunk| chunk.len()).max().unwrap_or_default()];
    for chunk in chunks {
        to[..chunk.len()].copy_from_slice(chunk);
        std::hint::black_box(&to);
    }
    Seen::default()
}

fn results<'c>(chunks: &'c [&'c [u8]]) -> impl Stream<Item = Result<&'c [u8], Infallible>> + 'c {
    stream::iter(chunks.iter().map(|chunk| Ok(*chunk)))
}

fn sse_stream(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut events = sse_stream::SseByteStream::new(results(chunks));
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Ok(sse_stream::Sse { event, data: Some(data), .. }) = event {
            saw(&mut seen, event.as_deref().unwrap_or("message"), &data);
        }
    }
    seen
}

fn eventsource_stream(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut events = results(chunks).eventsource();
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Ok(event) = event {
            saw(&mut seen, &event.event, &event.data);
        }
    }
    seen
}
