use proptest::prelude::*;

use super::*;
use crate::provider::dialect::chat_completions;
use crate::provider::find;
use crate::provider::testing::{DIALECTS, decoded};

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
        for provider in DIALECTS.iter().filter_map(|name| find(name)) {
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
        ("data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n", true),
        ("data: {\"error\":{\"message\":\"m\"}}\n\n", true),
    ] {
        let mut decoder = chat_completions::decoder();
        decoder.feed(body.as_bytes(), &mut |_: StreamToken<'_>| {});
        assert_eq!(decoder.is_over(), over, "{body}");
    }
}

#[test]
fn each_format_knows_its_end() {
    for (provider, body) in [
        ("anthropic", "data: {\"type\":\"message_stop\"}\n\n"),
        ("ollama", "{\"response\":\"a\",\"done\":true}\n"),
        ("llama-cpp", "data: {\"content\":\"a\",\"stop\":true}\n\n"),
    ] {
        let mut decoder = find(provider).unwrap().decoder();
        let half = body.len() / 2;
        decoder.feed(&body.as_bytes()[..half], &mut |_: StreamToken<'_>| {});
        assert!(!decoder.is_over(), "{provider}");
        decoder.feed(&body.as_bytes()[half..], &mut |_: StreamToken<'_>| {});
        assert!(decoder.is_over(), "{provider}");
    }
}

#[test]
fn frames_glued_on_one_line_are_decoded_one_by_one() {
    let text = |text: &str| format!("{{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}");
    let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let (a, b) = (text("a}{"), text("b"));
    for line in [
        format!("{a}{b}{stop}"),
        format!("{a}data: {b}data:{stop}"),
        format!("{a} {b}{stop}[DONE]"),
        format!("{a}{b}{stop}data: [DONE]"),
    ] {
        let body = format!("data: {line}\n\n");
        assert_eq!(
            decoded(chat_completions::decoder, body.as_bytes()),
            ["text a}{", "text b", "done#0 stop"],
            "{line}"
        );
    }
    let error = format!("data: {{\"error\":{{\"message\":\"m\"}}}}{b}\n\n");
    assert_eq!(decoded(chat_completions::decoder, error.as_bytes()), ["error transient - m"]);
    let many = format!("data: {}\n\ndata: [DONE]\n\n", "{}".repeat(10_000));
    assert_eq!(decoded(chat_completions::decoder, many.as_bytes()), ["done#0 stop"]);
}

#[test]
fn a_broken_part_behind_a_frame_of_the_format_is_a_cut_and_before_it_another_format() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n";
    let part = "the stream has a part that is not of its format: {\"choices\":[{\"del";
    for (body, expected) in [
        (format!("{text}data: {{\"choices\":[{{\"del\n\n{text}"), &["text a", "error truncated - "][..]),
        (format!("{role}data: {{\"choices\":[{{\"del\n\n{text}"), &["error truncated - "]),
        ("data: {\"choices\":[{\"del\n\n".to_owned(), &["error malformed - "]),
    ] {
        let mut expected: Vec<_> = expected.iter().map(|line| (*line).to_owned()).collect();
        expected.last_mut().unwrap().push_str(part);
        assert_eq!(decoded(chat_completions::decoder, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn bodies_of_another_format_are_no_empty_answer() {
    for body in [
        // Cohere's own API.
        "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"1\"}\n\nevent: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"a\"}}}}\n\ndata: [DONE]\n\n",
        // Cloudflare's own API.
        "data: {\"response\":\"a\",\"p\":\"xyz\"}\n\ndata: [DONE]\n\n",
        "data: {\"response\":\"a\"}\n\n",
    ] {
        let lines = decoded(chat_completions::decoder, body.as_bytes());
        let is_malformed = lines.len() == 1 && lines[0].starts_with("error malformed - ");
        assert!(is_malformed, "{body}: {lines:?}");
    }
}

#[test]
fn leniencies_hold_at_every_chunk_size() {
    let piece = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for (pieces, expected) in [
        (
            &["if x", "if x {", "if x { y", "if x { y }"][..],
            &["text if x", "text  { y", "text  }", "done#0 stop"][..],
        ),
        (
            &["a", r"b \ud83d", r"\ude00 ok", "c"],
            &["text a", "text b ", "text 😀 ok", "text c", "done#0 stop"],
        ),
        (&["a", r"\ud83d", "b"], &["text a", "text \u{FFFD}b", "done#0 stop"]),
        (&["a", r"b\ud83d"], &["text a", "text b", "text \u{FFFD}", "done#0 stop"]),
        (&[r"a\ud83d", r"\ud83d", r"\ude00"], &["text a", "text \u{FFFD}", "text 😀", "done#0 stop"]),
    ] {
        let body: String = pieces.iter().map(|text| piece(text)).collect();
        assert_eq!(
            decoded(chat_completions::decoder, format!("{body}{end}").as_bytes()),
            expected,
            "{pieces:?}"
        );
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
        assert_eq!(decoded(chat_completions::decoder, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn events_of_no_format_are_passed_over() {
    let text = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    let stop = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    for event in ["event: ping\ndata: 2026-01-01 00:00:00", "event: end\ndata: bye", "event: x\ndata: {}"] {
        let body = format!("{event}\n\n{text}\n\n{event}\n\n{stop}\n\n{event}\n\n");
        assert_eq!(decoded(chat_completions::decoder, body.as_bytes()), ["text a", "done#0 stop"], "{event}");
    }
}

#[test]
fn every_choice_that_began_is_ended() {
    let begin = r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":2,"delta":{"content":"c"}}]}"#;
    let stop = r#"{"choices":[{"index":2,"delta":{},"finish_reason":"length"}]}"#;
    let body = format!("data: {begin}\n\ndata: {stop}\n\ndata: [DONE]\n\n");
    assert_eq!(
        decoded(chat_completions::decoder, body.as_bytes()),
        ["text a", "text#2 c", "done#2 length", "done#0 stop"]
    );
}

#[test]
fn frames_without_text_show_that_the_server_speaks_the_format() {
    for (provider, first) in [
        (
            "anthropic",
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n",
        ),
        ("anthropic", "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        ("openai-responses", "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"),
        ("gemini", "data: {\"usageMetadata\":{\"promptTokenCount\":1}}\n\n"),
    ] {
        let body = format!("{first}data: {{\"type\":\n\n");
        let lines = decoded(|| find(provider).unwrap().decoder(), body.as_bytes());
        let last = lines.last().map(String::as_str).unwrap_or_default();
        assert!(last.starts_with("error truncated - "), "{first}: {lines:?}");
    }
}

#[test]
fn a_frame_that_is_glued_to_a_broken_one_shows_it_as_well() {
    let body = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}{\"choices\":[{\"del\n\n";
    let lines = decoded(chat_completions::decoder, body.as_bytes());
    assert!(lines.last().is_some_and(|line| line.starts_with("error truncated - ")), "{lines:?}");
}
