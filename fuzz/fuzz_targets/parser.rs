//! The three framers on any bytes, at any chunking: no panic, and chunking changes nothing. The parser of event
//! streams gives what the naive one does, also when frames are dropped before all are drawn.
//! First byte: the framer and its policy. Second: the size of the chunks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse::{Error, Parser, Policy, SseEvent, json_array, naive, ndjson};

fuzz_target!(|input: &[u8]| {
    let [how, size, body @ ..] = input else { return };
    let bit = |at: u8| how >> at & 1 == 1;
    let drawn = if bit(7) { 1 } else { usize::MAX };
    let size = usize::from(*size).max(1);
    match how % 4 {
        0 => assert_eq!(lines(body, size), lines(body, usize::MAX)),
        1 => assert_eq!(elements(body, size), elements(body, usize::MAX)),
        _ => {
            let policy = Policy {
                limit: if bit(2) { 64 } else { Policy::STRICT.limit },
                dispatch_at_eof: bit(3),
                error_field: bit(4),
                raw_blocks: bit(5),
                drop_keep_alives: bit(6),
            };
            assert_eq!(events(policy, body, size, drawn), naive::parse(policy, body));
        }
    }
});

/// The events, of which at most `drawn` are drawn before the next chunk comes.
fn events(policy: Policy, body: &[u8], size: usize, drawn: usize) -> Vec<Result<SseEvent, Error>> {
    let mut parser = Parser::with_policy(policy);
    let mut events = Vec::new();
    for chunk in body.chunks(size) {
        let mut frames = parser.feed(chunk);
        let before = events.len();
        while events.len() - before < drawn
            && let Some(frame) = frames.next()
        {
            events.push(frame.map(SseEvent::from));
        }
    }
    while let Some(frame) = parser.finish() {
        events.push(frame.map(SseEvent::from));
    }
    events
}

fn lines(body: &[u8], size: usize) -> Vec<Result<String, Error>> {
    let mut framer = ndjson::Framer::with_limit(64);
    let mut lines = Vec::new();
    for chunk in body.chunks(size) {
        let mut frames = framer.feed(chunk);
        while let Some(line) = frames.next() {
            lines.push(line.map(str::to_owned));
        }
    }
    lines.extend(framer.finish().map(|line| line.map(str::to_owned)));
    lines
}

fn elements(body: &[u8], size: usize) -> Vec<Result<String, Error>> {
    let mut framer = json_array::Framer::with_limit(64);
    let mut elements = Vec::new();
    for chunk in body.chunks(size) {
        let mut frames = framer.feed(chunk);
        while let Some(element) = frames.next() {
            elements.push(element.map(str::to_owned));
        }
    }
    elements.extend(framer.finish().map(|element| element.map(str::to_owned)));
    elements
}
