//! Every parsing case of the Web Platform Tests' `eventsource/`, and what chunking must not change.

use super::{Error, Parser, Policy};

/// Type, data, event id, reconnection time.
type Event = (String, String, String, Option<u64>);

fn parse(policy: Policy, chunks: &[&[u8]]) -> Vec<Result<Event, Error>> {
    let mut parser = Parser::with_policy(policy);
    let mut events = Vec::new();
    let owned = |frame: super::Frame<'_>| {
        (frame.event.to_owned(), frame.data.to_owned(), frame.id.to_owned(), frame.retry)
    };
    for chunk in chunks {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            events.push(frame.map(owned));
        }
    }
    events.extend(parser.finish().map(|frame| frame.map(owned)));
    events
}

/// `message` events with that data.
#[track_caller]
fn check_data(body: &[u8], expected: &[&str]) {
    for chunks in chunkings(body) {
        let events = parse(Policy::STRICT, &chunks);
        let data: Vec<_> = events.iter().map(|event| event.as_ref().unwrap().1.as_str()).collect();
        assert_eq!(data, expected, "{:?} cut into {chunks:?}", String::from_utf8_lossy(body));
    }
}

/// The whole, every way to cut it in two, and byte by byte.
fn chunkings(body: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all: Vec<Vec<&[u8]>> = (0..=body.len()).map(|at| [&body[..at], &body[at..]].to_vec()).collect();
    all.push(body.chunks(1).collect());
    all
}

#[test]
fn wpt_format_bom() {
    check_data("\u{FEFF}data:1\n\n\u{FEFF}data:2\n\ndata:3\n\n".as_bytes(), &["1", "3"]);
}

#[test]
fn wpt_format_field_parsing() {
    check_data(
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        &["\0\n 2\n1\n3\n\n4"],
    );
}
