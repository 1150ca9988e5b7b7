use proptest::prelude::*;

use super::*;
use crate::provider::PROVIDERS;
use crate::provider::testing::decoded;

/// What streams are made of, well-formed and broken, for any format.
const PIECES: &[&[u8]] = &[
    b"data: ",
    b"event: error\n",
    b"error: ",
    b": comment\n",
    b"\n",
    b"\r\n\r\n",
    b"\n\n",
    b"[DONE]",
    b"data: [DONE]\n\n",
    b"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\n\xC3\xA4\"}}]}",
    b"{\"choices\":[{\"index\":1,\"text\":\"b\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}",
    b"{\"choices\":[{\"finish_reason\":\"length\"}]}",
    b"{\"error\":{\"message\":\"m\",\"code\":429}}",
    b"{\"type\":\"response.output_text.delta\",\"delta\":\"c\"}",
    b"{\"type\":\"response.completed\"}",
    b"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"d\"}}",
    b"{\"type\":\"message_stop\"}",
    b"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"e\"}]},\"finishReason\":\"STOP\"}]}",
    b"{\"response\":\"f\",\"done\":true}",
    b"{\"content\":\"g\",\"stop\":false}",
    b"[",
    b"]",
    b",",
    b"{",
    b"\"",
    b"\\",
    b"null",
    b"<html><title>t</title>",
    b"\xFF\x00",
    b"\x00\x00\x00\x10\x00\x00\x00\x00",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..9),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// [`decoded`] itself compares the chunkings.
    #[test]
    fn any_body_ends_in_done_or_in_one_error_at_any_provider(body in body()) {
        for provider in PROVIDERS {
            let lines = decoded(|| provider.decoder(), &body);
            let ends = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
            let last = lines.last().map_or("", String::as_str);
            match ends("error ") {
                0 => prop_assert!(last.starts_with("done#"), "{}: {lines:?}", provider.name()),
                errors => {
                    prop_assert!(errors == 1 && ends("done#") == 0 && last.starts_with("error "),
                        "{}: {lines:?}", provider.name());
                }
            }
        }
    }
}

#[test]
fn a_reader_need_not_wait_once_nothing_can_come() {
    for (body, over) in [
        ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", false),
        ("data: [DONE]\n\n", true),
        ("data: {\"error\":{\"message\":\"m\"}}\n\n", true),
    ] {
        let mut decoder = super::super::chat_completions::decoder();
        decoder.feed(body.as_bytes(), &mut |_: StreamToken<'_>| {});
        assert_eq!(decoder.is_over(), over, "{body}");
    }
}

#[test]
fn json_in_place_of_a_stream_is_decoded_as_far_as_it_came() {
    let cut = "error truncated - the answer ended before its end marker";
    let (a, b) = (r#"{"choices":[{"delta":{"content":"a"}}]}"#, r#"{"choices":[{"delta":{"content":"b"}}]}"#);
    let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    for (body, expected) in [
        (format!("[{a}\n,\n{b}\n,\n{stop}\n]"), &["text a", "text b", "done#0 stop"][..]),
        (format!("[{a}\n,\n{b}\n,\n{{\"choices\":[{{\"del"), &["text a", "text b", cut]),
        (format!("{a}\n{b}\n{stop}\n"), &["text a", "text b", "done#0 stop"]),
        (format!("{a}\n{b}\n"), &["text a", "text b", cut]),
    ] {
        assert_eq!(decoded(super::super::chat_completions::decoder, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn events_of_no_format_are_passed_over() {
    let text = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    let stop = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    for event in ["event: ping\ndata: 2026-01-01 00:00:00", "event: end\ndata: bye", "event: x\ndata: {}"] {
        let body = format!("{event}\n\n{text}\n\n{event}\n\n{stop}\n\n{event}\n\n");
        assert_eq!(
            decoded(super::super::chat_completions::decoder, body.as_bytes()),
            ["text a", "done#0 stop"],
            "{event}"
        );
    }
}

#[test]
fn every_choice_that_began_is_ended() {
    let begin = r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":2,"delta":{"content":"c"}}]}"#;
    let stop = r#"{"choices":[{"index":2,"delta":{},"finish_reason":"length"}]}"#;
    let body = format!("data: {begin}\n\ndata: {stop}\n\ndata: [DONE]\n\n");
    assert_eq!(
        decoded(super::super::chat_completions::decoder, body.as_bytes()),
        ["text a", "text#2 c", "done#2 length", "done#0 stop"]
    );
}
