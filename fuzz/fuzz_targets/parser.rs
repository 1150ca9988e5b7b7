//! Any bytes, any policy, any chunking: the three framers do not panic, and chunking changes nothing.
//! First byte: the framer and its policy. Second: the size of the chunks.

#![no_main]

use ai_completion::sse::{Error, Frame, Parser, Policy, json_array, ndjson};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [how, size, body @ ..] = input else { return };
    let size = usize::from(*size).max(1);
    match how % 4 {
        0 => assert_eq!(lines(body, size), lines(body, usize::MAX)),
        1 => assert_eq!(elements(body, size), elements(body, usize::MAX)),
        _ => {
            let bit = |at: u8| how >> at & 1 == 1;
            let policy = Policy {
                limit: if bit(2) { 64 } else { Policy::STRICT.limit },
                dispatch_at_eof: bit(3),
                error_field: bit(4),
                raw_blocks: bit(5),
                drop_keep_alives: bit(6),
            };
            assert_eq!(events(policy, body, size), events(policy, body, usize::MAX));
        }
    }
});

type Event = (String, String, String, Option<u64>);

fn events(policy: Policy, body: &[u8], size: usize) -> Vec<Result<Event, Error>> {
    let owned =
        |frame: Frame<'_>| (frame.event.to_owned(), frame.data.to_owned(), frame.id.to_owned(), frame.retry);
    let mut parser = Parser::with_policy(policy);
    let mut events = Vec::new();
    for chunk in body.chunks(size) {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            events.push(frame.map(owned));
        }
    }
    events.extend(parser.finish().map(|frame| frame.map(owned)));
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
