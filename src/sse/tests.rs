//! The parser against every parsing case of the Web Platform Tests' `eventsource/`, against servers
//! that are not as the standard says, and against a parser that is written to be read.

use proptest::prelude::*;

use super::naive;
use super::scan::count;
use super::{Error, Parser, Policy, SseEvent, json_array, ndjson, parse_sse_chunk};

fn parse(policy: Policy, chunks: &[&[u8]]) -> Vec<Result<SseEvent, Error>> {
    let mut parser = Parser::with_policy(policy);
    let mut events = Vec::new();
    for chunk in chunks {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            events.push(frame.map(SseEvent::from));
        }
    }
    events.extend(parser.finish().map(|frame| frame.map(SseEvent::from)));
    events
}

/// The whole, every way to cut it in two, byte by byte, and byte by byte with empty chunks between.
fn chunkings(body: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all: Vec<Vec<&[u8]>> = (0..=body.len()).map(|at| [&body[..at], &body[at..]].to_vec()).collect();
    all.push(body.chunks(1).collect());
    all.push(body.chunks(1).flat_map(|byte| [byte, &[]]).collect());
    all
}

/// Checks type, data and id of the events at every chunking.
#[track_caller]
fn check_as(policy: Policy, body: &[u8], expected: &[(&str, &str, &str)]) {
    for chunks in chunkings(body) {
        let events = parse(policy, &chunks);
        let events: Vec<_> = events.iter().map(|event| event.as_ref().unwrap()).collect();
        let seen: Vec<_> =
            events.iter().map(|e| (e.event.as_str(), e.data.as_str(), e.id.as_str())).collect();
        assert_eq!(seen, expected, "{:?} in {} chunks", String::from_utf8_lossy(body), chunks.len());
    }
}

#[track_caller]
fn check(body: &[u8], expected: &[(&str, &str, &str)]) {
    check_as(Policy::STRICT, body, expected);
}

/// Checks the data of events that are plain messages.
#[track_caller]
fn check_data(body: impl AsRef<[u8]>, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|data| ("message", *data, "")).collect();
    check(body.as_ref(), &expected);
}

/// [`check_data`] with the lines of `body` ended in each of the three ways.
#[track_caller]
fn check_data_at_all_line_ends(body: &str, expected: &[&str]) {
    for end in ["\n", "\r", "\r\n"] {
        check_data(body.replace('\n', end), expected);
    }
}

#[test]
fn only_one_byte_order_mark_is_skipped_and_only_at_the_start() {
    // WPT format-bom, format-bom-2.
    check_data("\u{FEFF}data:1\n\n\u{FEFF}data:2\n\ndata:3\n\n", &["1", "3"]);
    check_data("\u{FEFF}\u{FEFF}data:1\n\ndata:2\n\ndata:3\n\n", &["2", "3"]);
    check_data("data:1\n\n\u{FEFF}data:2\n\n", &["1"]);
    check_data(b"\xEF\xBBdata:1\ndata:2\n\n", &["2"]);
    check_data(b"\xEF\xBB", &[]);
}

#[test]
fn comments_are_ignored() {
    // WPT format-comments.
    let long = "x".repeat(2048);
    let body = format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    let expected = [("message", "1\n2\n3\n4", "")];
    for chunks in
        [vec![body.as_bytes()], body.as_bytes().chunks(1).collect(), body.as_bytes().chunks(7).collect()]
    {
        let events = parse(Policy::STRICT, &chunks);
        let event = events[0].as_ref().unwrap();
        assert_eq!(
            (events.len(), event.event.as_str(), event.data.as_str()),
            (1, expected[0].0, expected[0].1)
        );
    }
    check_data_at_all_line_ends(": OPENROUTER PROCESSING\n\n:\n\ndata: x\n: ping\n\n: \n\n", &["x"]);
}

#[test]
fn an_event_without_its_blank_line_is_dropped_with_its_id() {
    // WPT format-data-before-final-empty-line.
    let body = b"retry:1000\ndata:test1\n\nid:test\ndata:test2\n";
    check(body, &[("message", "test1", "")]);
    let mut parser = Parser::new();
    let mut frames = parser.feed(body);
    assert_eq!(frames.next().unwrap().unwrap().retry, Some(1000));
    assert_eq!(frames.next(), None);
    drop(frames);
    assert_eq!(parser.finish(), None);
    assert_eq!((parser.last_event_id(), parser.retry()), ("", Some(1000)));
}

#[test]
fn fields_are_compared_literally_and_lose_one_space() {
    // WPT format-field-data, format-field-parsing, format-field-unknown, format-leading-space,
    // format-newlines, format-null-character, format-utf-8, event-data.
    check_data_at_all_line_ends("data:\n\ndata\ndata\n\ndata:test\n\n", &["", "\n", "test"]);
    check_data(
        "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        &["\0\n 2\n1\n3\n\n4"],
    );
    check_data_at_all_line_ends(
        "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
        &["test\n\ntest"],
    );
    check_data("data:\ttest\rdata: \ndata:test\n\n", &["\ttest\n\ntest"]);
    check_data("data:test\r\ndata\ndata:test\r\n\r\n", &["test\n\ntest"]);
    check_data_at_all_line_ends("data:\0\n\n", &["\0"]);
    check_data_at_all_line_ends("data:ok…\n\n", &["ok…"]);
    check_data_at_all_line_ends(
        "data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
        &["msg\nmsg", "", "end"],
    );
}

#[test]
fn types_last_for_one_event() {
    // WPT format-field-event, format-field-event-empty; the third: a ping without data must not leak its type.
    check(b"event:test\ndata:x\n\ndata:x\n\n", &[("test", "x", ""), ("message", "x", "")]);
    check(b"event: \ndata:data\n\n", &[("message", "data", "")]);
    check(b"event: ping\n\ndata:x\n\n", &[("message", "x", "")]);
    check(b"event: a\nevent\ndata:x\n\n", &[("message", "x", "")]);
    check(b"data:x\nevent: a\nevent: b\n\n", &[("b", "x", "")]);
}

#[test]
fn ids_stay_until_replaced() {
    // WPT format-field-id, format-field-id-3, format-field-id-null.
    check(
        "id: …\nretry: 200\ndata: hello\n\ndata\n\n".as_bytes(),
        &[("message", "hello", "…"), ("message", "", "…")],
    );
    check(
        b"id: 1\ndata: 1\n\ndata: 2\n\nid: 2\ndata:3\n\ndata:4\n\n",
        &[("message", "1", "1"), ("message", "2", "1"), ("message", "3", "2"), ("message", "4", "2")],
    );
    for reset in ["id:", "id"] {
        let body = format!("id: 1\ndata: 1\n\n{reset}\ndata:3\n\ndata:4\n\n");
        check(body.as_bytes(), &[("message", "1", "1"), ("message", "3", ""), ("message", "4", "")]);
    }
    check(b"id: \0\0\ndata: hello\n\n", &[("message", "hello", "")]);
    check(b"id: 1\nid: 2\0\ndata: hello\n\n", &[("message", "hello", "1")]);
    // A block with an id and no data commits the id.
    check(b"id: 1\n\ndata: x\n\n", &[("message", "x", "1")]);
}

#[test]
fn reconnection_times_are_digits_only() {
    // WPT format-field-retry, -bogus, -bogus-2, -empty; the rest from the defects of other parsers.
    for (body, expected) in [
        ("retry:03000\n\n", Some(3000)),
        ("retry: 1000\n\n", Some(1000)),
        ("retry:3000\nretry:1000x\n\n", Some(3000)),
        ("retry:1000\nretry:5000x\n\n", Some(1000)),
        ("retry\ndata:test\n\n", None),
        ("retry:\n\n", None),
        ("retry:+5\n\n", None),
        ("retry:99999999999999999999\n\n", None),
    ] {
        for chunks in chunkings(body.as_bytes()) {
            let mut parser = Parser::new();
            for chunk in chunks {
                let mut frames = parser.feed(chunk);
                while frames.next().is_some() {}
            }
            assert_eq!(parser.retry(), expected, "{body:?}");
        }
    }
}

#[test]
fn every_mix_of_line_ends_is_read() {
    // eventsource-parser#17, WPT eventsource-from-readable-stream.
    check_data(
        "data: cr\r\rdata: lf\n\ndata: crlf\r\n\r\ndata: mix\n\r\n\rdata: a\rdata: b\r\n\n",
        &["cr", "lf", "crlf", "mix", "a\nb"],
    );
}

#[test]
fn a_carriage_return_at_the_end_of_a_chunk_ends_its_line_at_once() {
    let mut parser = Parser::new();
    let mut frames = parser.feed(b"data: cr\r\r");
    assert_eq!(frames.next().unwrap().unwrap().data, "cr");
    assert_eq!(frames.next(), None);
    drop(frames);
    let mut frames = parser.feed(b"\ndata: next\r\n\r");
    assert_eq!(frames.next().unwrap().unwrap().data, "next");
    assert_eq!(frames.next(), None);
}

#[test]
fn malformed_utf8_becomes_replacement_characters() {
    for (bytes, expected) in [
        (&b"\xFF"[..], "\u{FFFD}"),
        (b"\xE2\x82", "\u{FFFD}"),
        (b"a\xF0\x9F\x98b", "a\u{FFFD}b"),
        (b"\xC0\xAF", "\u{FFFD}\u{FFFD}"),
        (b"\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
    ] {
        let body = [
            b"data: ",
            bytes,
            b"\n\ndata:\xC3\xA9\ndata: ",
            bytes,
            b"\nid: ",
            bytes,
            b"\nevent: ",
            bytes,
            b"\n\n",
        ];
        let second = format!("é\n{expected}");
        check(&body.concat(), &[("message", expected, ""), (expected, &second, expected)]);
    }
}

#[test]
fn frames_in_one_chunk_are_borrowed_from_it() {
    let chunk = "event: delta\ndata: {\"text\":\"é\"}\n\n".as_bytes();
    let mut parser = Parser::new();
    let mut frames = parser.feed(chunk);
    let frame = frames.next().unwrap().unwrap();
    assert!(chunk.as_ptr_range().contains(&frame.data.as_ptr()));
    assert!(chunk.as_ptr_range().contains(&frame.event.as_ptr()));
}

#[test]
fn a_parser_serves_the_next_connection() {
    let mut parser = Parser::new();
    let mut frames = parser.feed("\u{FEFF}id: 7\ndata: x\n\nid: 8\ndata: lo".as_bytes());
    assert!(frames.next().is_some() && frames.next().is_none());
    drop(frames);
    assert_eq!(parser.finish(), None);
    assert_eq!(parser.last_event_id(), "7");
    let mut frames = parser.feed("\u{FEFF}data: y\n\n".as_bytes());
    let frame = frames.next().unwrap().unwrap();
    assert_eq!((frame.data, frame.id), ("y", "7"));
}

#[test]
fn policy_dispatch_at_eof() {
    // openai-node#2725: the last event came without its blank line.
    let policy = Policy { dispatch_at_eof: true, ..Policy::STRICT };
    for end in ["", "\n", "\r", "\r\n"] {
        check_as(policy, format!("event: e\nid: 1\ndata: x{end}").as_bytes(), &[("e", "x", "1")]);
    }
    check_as(policy, b"data: x\n\n", &[("message", "x", "")]);
    check_as(policy, b"data", &[("message", "", "")]);
    check_as(policy, b"event: e\n", &[]);
    check(b"data: x\n", &[]);
}

#[test]
fn policy_error_field() {
    // llama-box / GPUStack, when a running generation fails.
    let body = b"error: {\"message\":\"failed to decode\"}\n\n";
    let policy = Policy { error_field: true, ..Policy::STRICT };
    check_as(policy, body, &[("error", "{\"message\":\"failed to decode\"}", "")]);
    check(body, &[]);
}

#[test]
fn policy_raw_blocks() {
    // Gemini breaks a stream off with a bare JSON object.
    let policy = Policy { raw_blocks: true, ..Policy::STRICT };
    let body = b"data: {\"a\":1}\r\n\r\n{\n  \"error\": {\n    \"code\": 499\n  }\n}\n";
    check_as(
        policy,
        body,
        &[("message", "{\"a\":1}", ""), ("", "{\n  \"error\": {\n    \"code\": 499\n  }\n}", "")],
    );
    check(body, &[("message", "{\"a\":1}", "")]);
    // A whole body that is no event stream, and what comes after a blank line.
    check_as(policy, b"{\"error\":\"x\"}", &[("", "{\"error\":\"x\"}", "")]);
    check_as(policy, b"{}", &[("", "{}", "")]);
    check_as(
        policy,
        b"\n\n[{\"error\":1}]\n\ndata: [DONE]\n\n",
        &[("", "[{\"error\":1}]", ""), ("message", "[DONE]", "")],
    );
    check_as(policy, b"<!DOCTYPE html>\n<p>Bad gateway", &[("", "<!DOCTYPE html>\n<p>Bad gateway", "")]);
    // Within an event such a line stays an unknown field.
    check_as(policy, b"data: 1\n{\"a\":1}\n\n", &[("message", "1", "")]);
}

#[test]
fn policy_drop_keep_alives() {
    // opencode#50871 (Vertex, xAI), omnigent#1474.
    let policy = Policy { drop_keep_alives: true, ..Policy::STRICT };
    let body = b"data: : keepalive\n\nevent: keepalive\ndata:\n\ndata\n\ndata: x\n\n";
    check_as(policy, body, &[("message", "x", "")]);
    check(
        body,
        &[("message", ": keepalive", ""), ("keepalive", "", ""), ("message", "", ""), ("message", "x", "")],
    );
}

#[test]
fn an_event_over_the_limit_is_one_error_and_the_next_is_intact() {
    let policy = Policy { limit: 64, ..Policy::STRICT };
    let error = Err(Error::TooLong { limit: 64 });
    let next = "id: 2\ndata: next\n\n";
    for (start, over) in [
        // Exactly at the limit: fine, so there is no error before `next`.
        (format!("data: {}\n\n", "x".repeat(64)), false),
        (format!("data: {}\n\n", "x".repeat(65)), true),
        (format!("id: 1\ndata: {}\ndata: {}\n\n", "x".repeat(31), "y".repeat(32)), false),
        (format!("id: 1\ndata: {}\ndata: {}\n\n", "x".repeat(32), "y".repeat(32)), true),
        (format!("event: {}\ndata: {}\n\n", "x".repeat(32), "y".repeat(32)), false),
        (format!("event: {}\ndata: {}\n\n", "x".repeat(32), "y".repeat(33)), true),
        (format!("id: 1\nnonsense{}\ndata: x\n\n", "x".repeat(65)), true),
        // Comments are not kept, so they do not count.
        (format!(":{}\ndata: x\n\n", "x".repeat(100)), false),
    ] {
        let body = format!("{start}{next}");
        for body in ["\n", "\r", "\r\n"].map(|end| body.replace('\n', end)) {
            for chunks in chunkings(body.as_bytes()) {
                let events = parse(policy, &chunks);
                assert_eq!(events.len(), 2, "{body:?}");
                assert_eq!(events[0] == error, over, "{body:?}");
                let last = events[1].as_ref().unwrap();
                assert_eq!((last.data.as_str(), last.id.as_str()), ("next", "2"));
            }
        }
    }
}

#[test]
fn frames_that_were_not_drawn_come_out_later() {
    let body =
        "\u{FEFF}data: 1\n\nevent: e\r\ndata: 2\ndata: é\n\n{\n\n: x\n\ndata: 3\n\ndata: 4\n\nid: 5\ndata: 5";
    let expected = parse(Policy::LENIENT, &[body.as_bytes()]);
    for size in [1, 7, body.len()] {
        for drawn in 0..4 {
            let mut parser = Parser::with_policy(Policy::LENIENT);
            let mut events = Vec::new();
            for chunk in body.as_bytes().chunks(size) {
                let mut frames = parser.feed(chunk);
                for _ in 0..drawn {
                    events.extend(frames.next().map(|frame| frame.map(SseEvent::from)));
                }
            }
            while let Some(frame) = parser.finish() {
                events.push(frame.map(SseEvent::from));
            }
            assert_eq!(events, expected, "{drawn} drawn of chunks of {size}");
        }
    }
}

#[test]
fn lines_and_elements_that_were_not_drawn_come_out_later() {
    let mut lines = ndjson::Framer::new();
    assert_eq!(lines.feed(b"1\n2\n3").next(), Some(Ok("1")));
    assert_eq!(lines.feed(b"4\n5").next(), Some(Ok("2")));
    let rest: Vec<_> = std::iter::from_fn(|| lines.finish().map(|line| line.unwrap().to_owned())).collect();
    assert_eq!(rest, ["34", "5"]);

    let mut elements = json_array::Framer::new();
    assert_eq!(elements.feed(b"[1,2,[3").next(), Some(Ok("1")));
    assert_eq!(elements.feed(b"],4]").next(), Some(Ok("2")));
    let rest: Vec<_> = std::iter::from_fn(|| elements.finish().map(|it| it.unwrap().to_owned())).collect();
    assert_eq!(rest, ["[3]", "4"]);
}

#[test]
fn a_whole_body_is_parsed_in_one_call() {
    assert_eq!(parse_sse_chunk(b""), []);
    let data = |body: &[u8]| parse_sse_chunk(body).into_iter().map(|event| event.data).collect::<Vec<_>>();
    assert_eq!(data(b"data: a\ndata: b\n\ndata: c\n\ndata: cut"), ["a\nb", "c"]);
    let long = format!("data: {}\n\n", "x".repeat(super::DEFAULT_LIMIT + 1));
    assert_eq!(data(long.as_bytes()), [&long[6..long.len() - 2]]);
}

#[test]
fn memory_of_a_big_event_is_given_back() {
    let mut parser = Parser::new();
    let big = format!("data: {}\n", "x".repeat(1 << 20));
    for chunk in [&big.as_bytes()[..999_999], &big.as_bytes()[999_999..], b"\n"] {
        let mut frames = parser.feed(chunk);
        while frames.next().is_some() {}
    }
    assert_eq!(parser.feed(b"data: small\n\n").next().unwrap().unwrap().data, "small");
    assert!(parser.retained() <= 2 * super::RETAINED, "{}", parser.retained());
}

#[test]
fn every_byte_is_scanned_once_at_any_chunking() {
    let mixed =
        "\u{FEFF}event: delta\r\nid: 7\ndata: {\"text\":\"é\"}\r\r: ping\n\ndata: a\ndata: b\n\nnonsense\n\n"
            .repeat(400);
    let token = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n".repeat(1000);
    let line = |len| format!("data: {}\n\n", "x".repeat(len));
    let wide_line = format!("data: {}\n\n", "é".repeat(100_000));
    for (body, sizes) in [
        (mixed, &[1, 2, 3, 7, 16, 64, 1460, 1 << 20][..]),
        (token, &[1, 5, 60, 1460, 1 << 20]),
        (wide_line, &[1, 1460, 1 << 20]),
        (line(256 << 10), &[1, 4096]),
        (line(8 << 20), &[1460, 16 << 10, 16 << 20]),
    ] {
        for size in sizes {
            count::take();
            let mut parser = Parser::new();
            for chunk in body.as_bytes().chunks(*size) {
                let mut frames = parser.feed(chunk);
                while frames.next().is_some() {}
            }
            let (scanned, checked) = count::take();
            let n = body.len();
            assert!(scanned <= n + n / 10 + 64, "{scanned} of {n} bytes scanned in chunks of {size}");
            assert!(checked <= n, "{checked} of {n} bytes checked in chunks of {size}");
        }
    }
}

/// Bytes that look like an event stream: its words and ends far more often than others.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n"]).prop_map(|s| s.as_bytes().to_vec()),
        8 => prop::sample::select(vec![
            "data", "data:", "data: ", "event:", "event: ", "id: ", "id", "retry: ", "error: ", ":", " ", "{", "[", "<",
            "data: x\n\n", "event: a\ndata: b\n\n", ": ping\n\n", "data: [DONE]\n\n", "0", "12", "é", "\u{1F600}", "\u{FEFF}", "\0",
        ])
        .prop_map(|s| s.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 1..4),
        1 => (0usize..40).prop_map(|n| vec![b'x'; n]),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn policy() -> impl Strategy<Value = Policy> {
    let limit = prop_oneof![Just(64usize), Just(super::DEFAULT_LIMIT)];
    (limit, any::<[bool; 4]>()).prop_map(
        |(limit, [dispatch_at_eof, error_field, raw_blocks, drop_keep_alives])| Policy {
            limit,
            dispatch_at_eof,
            error_field,
            raw_blocks,
            drop_keep_alives,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Miri takes a second for each.
        cases: if cfg!(miri) { 16 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_parser_agrees_with_the_naive_one_at_every_chunking(
        body in stream(),
        policy in policy(),
        cuts in prop::collection::vec(0usize..200, 0..6),
    ) {
        let expected = naive::parse(policy, &body);
        prop_assert_eq!(&parse(policy, &[&body]), &expected);
        prop_assert_eq!(&parse(policy, &body.chunks(1).collect::<Vec<_>>()), &expected);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
        prop_assert_eq!(&parse(policy, &chunks), &expected);
    }
}
