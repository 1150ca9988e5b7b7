use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::provider::dialect::chat_completions;
use crate::provider::find;
use crate::provider::testing::{DIALECTS, cases, decoded, sse, tokens};

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
    for (provider, body, over) in [
        ("openai", r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#, false),
        ("openai", "data: [DONE]", true),
        ("openai", r#"data: {"type":"response.completed","response":{"status":"completed"}}"#, true),
        ("openai", r#"data: {"error":{"message":"m"}}"#, true),
        ("anthropic", r#"data: {"type":"message_stop"}"#, true),
        ("ollama", r#"{"response":"a","done":true}"#, true),
        ("llama-cpp", r#"data: {"content":"a","stop":true}"#, true),
    ] {
        let mut decoder = find(provider).unwrap().decoder();
        for (part, over) in [(body, false), ("\n\n", over)] {
            decoder.feed(part.as_bytes(), &mut |_: StreamToken<'_>| {});
            assert_eq!(decoder.is_over(), over, "{body}");
        }
    }
}

#[test]
fn what_servers_get_wrong_is_understood_at_every_chunk_size() {
    let table = expect![[r#"
        # frames glued on one line are decoded one by one
        {"choices":[{"delta":{"content":"a}{"}}]}{"choices":[{"delta":{"content":"b"}}]}{"choices":[{"delta":{},"finish_reason":"stop"}]}
        > text a}{ | text b | done#0 stop
        {"choices":[{"delta":{"content":"a}{"}}]}data: {"choices":[{"delta":{"content":"b"}}]}data:{"choices":[{"delta":{},"finish_reason":"stop"}]}
        > text a}{ | text b | done#0 stop
        {"choices":[{"delta":{"content":"a}{"}}]} {"choices":[{"delta":{"content":"b"}}]}{"choices":[{"delta":{},"finish_reason":"stop"}]}[DONE]
        > text a}{ | text b | done#0 stop
        {"choices":[{"delta":{"content":"a}{"}}]}{"choices":[{"delta":{"content":"b"}}]}{"choices":[{"delta":{},"finish_reason":"stop"}]}data: [DONE]
        > text a}{ | text b | done#0 stop
        {"error":{"message":"m"}}{"choices":[{"delta":{"content":"b"}}]}
        > error transient - m
        # a broken part behind a frame of the format is a cut, and before it another format
        {"choices":[{"delta":{"content":"a"}}]}
        {"choices":[{"del
        {"choices":[{"delta":{"content":"a"}}]}
        > text a | error truncated - the stream has a part that is not of its format: {"choices":[{"del
        {"choices":[{"delta":{"role":"assistant"}}]}
        {"choices":[{"del
        {"choices":[{"delta":{"content":"a"}}]}
        > error truncated - the stream has a part that is not of its format: {"choices":[{"del
        {"choices":[{"del
        > error malformed - the stream has a part that is not of its format: {"choices":[{"del
        {"choices":[{"delta":{"role":"assistant"}}]}{"choices":[{"del
        > error truncated - the stream has a part that is not of its format: {"choices":[{"del
        # another format is no empty answer: Cohere's own API
        event: message-start
        {"type":"message-start","id":"1"}
        event: content-delta
        {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}
        [DONE]
        > error malformed - the stream has a part that is not of its format: {"type":"message-start","id":"1"}
        # Cloudflare's own API
        {"response":"a","p":"xyz"}
        [DONE]
        > error malformed - the stream has a part that is not of its format: {"response":"a","p":"xyz"}
        {"response":"a"}
        > error malformed - the stream has a part that is not of its format: {"response":"a"}
        # each piece is all text so far
        {"choices":[{"index":0,"delta":{"content":"if x"}}]}
        {"choices":[{"index":0,"delta":{"content":"if x {"}}]}
        {"choices":[{"index":0,"delta":{"content":"if x { y"}}]}
        {"choices":[{"index":0,"delta":{"content":"if x { y }"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > text if x | text  { y | text  } | done#0 stop
        # all of it once more in the last piece, or in the one before
        {"choices":[{"delta":{"content":"let x"}}]}
        {"choices":[{"delta":{"content":" = 1;\n"}}]}
        {"choices":[{"delta":{"content":"let x = 1;\n"},"finish_reason":"stop"}]}
        > text let x | text  = 1;\n | done#0 stop
        {"choices":[{"delta":{"content":"let x"}}]}
        {"choices":[{"delta":{"content":" = 1;\n"}}]}
        {"choices":[{"delta":{"content":"let x = 1;\n"}}]}
        {"choices":[{"delta":{},"finish_reason":"stop"}]}
        > text let x | text  = 1;\n | done#0 stop
        # more follows, it is too short, another text, or one piece alone repeats itself: it is meant
        {"choices":[{"delta":{"content":"let x"}}]}
        {"choices":[{"delta":{"content":" = 1;\n"}}]}
        {"choices":[{"delta":{"content":"let x = 1;\n"}}]}
        {"choices":[{"delta":{"content":"y"},"finish_reason":"stop"}]}
        > text let x | text  = 1;\n | text let x = 1;\n | text y | done#0 stop
        {"choices":[{"delta":{"content":"f("}}]}
        {"choices":[{"delta":{"content":");"}}]}
        {"choices":[{"delta":{"content":"f();"},"finish_reason":"stop"}]}
        > text f( | text ); | text f(); | done#0 stop
        {"choices":[{"delta":{"content":"let x"}}]}
        {"choices":[{"delta":{"content":" = 1;\n"}}]}
        {"choices":[{"delta":{"content":"let y = 1;\n"},"finish_reason":"stop"}]}
        > text let x | text  = 1;\n | text let y = 1;\n | done#0 stop
        {"choices":[{"delta":{"content":"let x = 1;\n"}}]}
        {"choices":[{"delta":{"content":"let x = 1;\n"}}]}
        {"choices":[{"delta":{},"finish_reason":"stop"}]}
        > text let x = 1;\n | text let x = 1;\n | done#0 stop
        # halves of characters
        {"choices":[{"index":0,"delta":{"content":"a"}}]}
        {"choices":[{"index":0,"delta":{"content":"b \ud83d"}}]}
        {"choices":[{"index":0,"delta":{"content":"\ude00 ok"}}]}
        {"choices":[{"index":0,"delta":{"content":"c"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > text a | text b  | text 😀 ok | text c | done#0 stop
        {"choices":[{"index":0,"delta":{"content":"a"}}]}
        {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}
        {"choices":[{"index":0,"delta":{"content":"b"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > text a | text �b | done#0 stop
        {"choices":[{"index":0,"delta":{"content":"a"}}]}
        {"choices":[{"index":0,"delta":{"content":"b\ud83d"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > text a | text b | text � | done#0 stop
        {"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}
        {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}
        {"choices":[{"index":0,"delta":{"content":"\ude00"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > text a | text � | text 😀 | done#0 stop
        # JSON in place of a stream is decoded as far as it came
        "[{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n,\n{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n,\n{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n]"
        > text a | text b | done#0 stop
        "[{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n,\n{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n,\n{\"choices\":[{\"del"
        > text a | text b | error truncated - the answer ended before its end marker
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n"
        > text a | text b | done#0 stop
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n"
        > text a | text b | error truncated - the answer ended before its end marker
        # events of no format are passed over
        event: ping
        data: 2026-01-01 00:00:00
        {"choices":[{"delta":{"content":"a"}}]}
        event: ping
        data: 2026-01-01 00:00:00
        {"choices":[{"delta":{},"finish_reason":"stop"}]}
        event: ping
        data: 2026-01-01 00:00:00
        > text a | done#0 stop
        event: end
        data: bye
        {"choices":[{"delta":{"content":"a"}}]}
        event: end
        data: bye
        {"choices":[{"delta":{},"finish_reason":"stop"}]}
        event: end
        data: bye
        > text a | done#0 stop
        event: x
        {}
        {"choices":[{"delta":{"content":"a"}}]}
        event: x
        {}
        {"choices":[{"delta":{},"finish_reason":"stop"}]}
        event: x
        {}
        > text a | done#0 stop
        # every choice that began is ended
        {"choices":[{"index":0,"delta":{"content":"a"}},{"index":2,"delta":{"content":"c"}}]}
        {"choices":[{"index":2,"delta":{},"finish_reason":"length"}]}
        [DONE]
        > text a | text#2 c | done#2 length | done#0 stop
    "#]];
    cases(&table, |lines| tokens(chat_completions::decoder, sse(lines)));
    let many = format!("data: {}\n\ndata: [DONE]\n\n", "{}".repeat(10_000));
    assert_eq!(tokens(chat_completions::decoder, many), "done#0 stop");
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
