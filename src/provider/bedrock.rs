//! AWS Bedrock: the Converse API of every model there, in AWS's binary framing, signed or with a bearer key.

use super::error::stream_error;
use super::finish::finish_reason;
use super::json::{Raw, object};
use super::messages::Messages;
use super::{Decoder, Ends, Framing, Wire};
use crate::stream::{Sink, StreamToken, ToolCall, Usage};

/// Decodes ConverseStream events, and the `chunk` events of `invoke-with-response-stream` for Claude.
#[derive(Debug, Default)]
struct Converse {
    /// The blocks that are tool calls, in their order in the answer.
    tools: Vec<u64>,
    /// What `chunk` events hold, decoded.
    invoke: Messages,
    chunk: Vec<u8>,
    scratch: String,
}

object! {
    struct Event<'a> {
        index = "contentBlockIndex": Raw<'a>,
        start = "start": Start<'a>,
        delta = "delta": Delta<'a>,
        stop_reason = "stopReason": Raw<'a>,
        usage = "usage": Raw<'a>,
        bytes = "bytes": Raw<'a>,
    }
}

object! {
    struct Start<'a> {
        tool = "toolUse": Raw<'a>,
    }
}

object! {
    struct Tool<'a> {
        id = "toolUseId": Raw<'a>,
        name = "name": Raw<'a>,
    }
}

object! {
    struct Delta<'a> {
        text = "text": Raw<'a>,
        tool = "toolUse": ToolInput<'a>,
        reasoning = "reasoningContent": Reasoning<'a>,
    }
}

object! {
    struct ToolInput<'a> {
        input = "input": Raw<'a>,
    }
}

object! {
    struct Reasoning<'a> {
        text = "text": Raw<'a>,
    }
}

object! {
    struct Counts<'a> {
        input = "inputTokens": Raw<'a>,
        output = "outputTokens": Raw<'a>,
        cached = "cacheReadInputTokens": Raw<'a>,
    }
}

impl Wire for Converse {
    fn frame(&mut self, name: &str, data: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let Ok(event) = serde_json::from_str::<Event<'_>>(data) else {
            return ends.malformed(data, sink);
        };
        match name {
            "contentBlockDelta" => self.delta(event.index.number().unwrap_or(0), &event.delta, sink),
            "contentBlockStart" if event.start.tool.is_given() => {
                let tool = event.start.tool.read::<Tool<'_>>();
                let index = self.tools.len().try_into().unwrap_or(u32::MAX);
                self.tools.push(event.index.number().unwrap_or(0));
                sink.token(StreamToken::ToolCall(ToolCall {
                    index,
                    id: tool.id.cow(),
                    name: tool.name.cow(),
                    arguments: "".into(),
                }));
            }
            // `metadata` with the usage still follows.
            "messageStop" => {
                if let Some(reason) = event.stop_reason.cow().and_then(|name| finish_reason(&name)) {
                    ends.finished(0, reason);
                }
                ends.marker();
            }
            "metadata" if event.usage.is_given() => {
                let counts = event.usage.read::<Counts<'_>>();
                sink.token(StreamToken::Usage(Usage {
                    input: counts.input.number(),
                    output: counts.output.number(),
                    cached: counts.cached.number(),
                    reasoning: None,
                }));
            }
            // No event, but JSON in place of the stream.
            "" => ends.fail(stream_error(data), sink),
            "chunk" => self.chunk(event.bytes, ends, sink),
            _ => {}
        }
    }
}

impl Converse {
    fn delta(&mut self, block: u64, delta: &Delta<'_>, sink: &mut dyn Sink) {
        if let Some(text) = delta.reasoning.text.piece(&mut self.scratch) {
            sink.token(StreamToken::Reasoning(text));
        }
        if let Some(text) = delta.text.piece(&mut self.scratch) {
            sink.token(StreamToken::Text(text));
        }
        if let Some((index, _)) = (0..).zip(&self.tools).find(|(_, tool)| **tool == block)
            && let Some(arguments) = delta.tool.input.piece(&mut self.scratch)
        {
            sink.token(StreamToken::ToolCall(ToolCall { index, arguments, ..ToolCall::default() }));
        }
    }

    fn chunk(&mut self, bytes: Raw<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let encoded = bytes.str(&mut self.scratch).unwrap_or_default();
        self.chunk.clear();
        match base64(encoded, &mut self.chunk).and_then(|()| std::str::from_utf8(&self.chunk).ok()) {
            Some(data) => self.invoke.frame("", data, ends, sink),
            None => ends.malformed(encoded, sink),
        }
    }
}

/// Appends what `text` encodes in RFC 4648's base64, padded or not; `None` if it is none.
fn base64(text: &str, to: &mut Vec<u8>) -> Option<()> {
    let mut group = 0u32;
    let mut bits = 0;
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        group = group << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            to.push((group >> bits) as u8);
        }
    }
    // A lone sextet encodes nothing.
    (bits < 6).then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::event_stream::tests::{event, frame};
    use super::super::testing::{decoded, recordings};
    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(Framing::EventStream, Box::new(Converse::default()))
    }

    fn stream(events: &[(&str, &str)]) -> Vec<u8> {
        events.iter().flat_map(|(name, payload)| event(name, payload)).collect()
    }

    const TEXT: (&str, &str) =
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"a\n"},"p":"abcdef"}"#);
    const STOP: (&str, &str) = ("messageStop", r#"{"p":"abc","stopReason":"end_turn"}"#);

    #[test]
    fn converse_events_are_understood() {
        let body = stream(&[
            ("messageStart", r#"{"p":"abcd","role":"assistant"}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}"#),
            (
                "contentBlockDelta",
                r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"x"}}}"#,
            ),
            TEXT,
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":""}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
            (
                "contentBlockStart",
                r#"{"contentBlockIndex":3,"start":{"toolUse":{"name":"f","toolUseId":"tooluse_1"}}}"#,
            ),
            ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"a\":1}"}}}"#),
            ("contentBlockStart", r#"{"contentBlockIndex":4,"start":{"toolUse":{"name":"g"}}}"#),
            ("novelEvent", r#"{"delta":{"text":"no"}}"#),
            ("messageStop", r#"{"stopReason":"tool_use"}"#),
            (
                "metadata",
                r#"{"metrics":{"latencyMs":588},"usage":{"inputTokens":53,"outputTokens":21,"cacheReadInputTokens":5}}"#,
            ),
        ]);
        let expected = [
            "reasoning hm",
            "text a\n",
            "tool#0 tooluse_1 f ",
            "tool#0 - - {\"a\":1}",
            "tool#1 - g ",
            "usage 53 21 5 -",
            "done#0 tool_calls",
        ];
        assert_eq!(decoded(decoder, &body), expected);
    }

    #[test]
    fn invoke_chunks_hold_claude_s_own_events() {
        // {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ab"}}
        let text = "eyJ0eXBlIjoiY29udGVudF9ibG9ja19kZWx0YSIsImluZGV4IjowLCJkZWx0YSI6eyJ0eXBlIjoidGV4dF9kZWx0YSIsInRleHQiOiJhYiJ9fQ==";
        // {"type":"message_stop"}
        let stop = "eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0=";
        // {"completion":" a","stop_reason":"stop_sequence","stop":"x"}
        let claude2 = "eyJjb21wbGV0aW9uIjoiIGEiLCJzdG9wX3JlYXNvbiI6InN0b3Bfc2VxdWVuY2UiLCJzdG9wIjoieCJ9";
        let chunk = |bytes: &str| event("chunk", &format!(r#"{{"bytes":"{bytes}","p":"ab"}}"#));
        for (name, body, expected) in [
            ("messages", [chunk(text), chunk(stop)].concat(), &["text ab", "done#0 stop"][..]),
            ("completion", chunk(claude2), &["text  a", "done#0 stop"]),
            (
                "not base64",
                chunk("e*"),
                &["error malformed - the stream has a part that is not of its format: e*"],
            ),
        ] {
            assert_eq!(decoded(decoder, &body), expected, "{name}");
        }
    }

    #[test]
    fn what_breaks_a_stream_is_told_and_what_came_is_kept() {
        let text = stream(&[TEXT]);
        let exception = |name| {
            frame(&[(":exception-type", name), (":message-type", "exception")], br#"{"message":"Slow down"}"#)
        };
        let mut spoilt = stream(&[STOP]);
        *spoilt.last_mut().unwrap() ^= 1;
        let mut cut = stream(&[TEXT, STOP]);
        cut.truncate(cut.len() - 3);
        let failure = frame(
            &[(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "Oh")],
            b"",
        );
        for (name, body, expected) in [
            (
                "throttled",
                [text.clone(), exception("throttlingException"), text.clone()].concat(),
                &["text a\n", "error rate_limited throttlingException Slow down"][..],
            ),
            (
                "unavailable, at once",
                exception("serviceUnavailableException"),
                &["error transient serviceUnavailableException Slow down"],
            ),
            (
                "the service itself",
                [text.clone(), failure].concat(),
                &["text a\n", "error transient InternalFailure Oh"],
            ),
            (
                "a wrong checksum",
                [text.clone(), spoilt].concat(),
                &["text a\n", "error malformed - an event stream frame whose checksum does not match"],
            ),
            ("cut off", cut, &["text a\n", "error truncated - the answer ended before its end marker"]),
            ("JSON under a 200", br#"{"message":"Slow down"}"#.to_vec(), &["error transient - Slow down"]),
            (
                "a page under a 200",
                b"<html><title>Log in</title></html>".to_vec(),
                &[
                    "error malformed - the stream has a part that is not of its format: a web page titled \u{201c}Log in\u{201d}",
                ],
            ),
        ] {
            assert_eq!(decoded(decoder, &body), expected, "{name}");
        }
    }

    #[test]
    fn base64_is_decoded_padded_or_not() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYmE", Some(b"fooba")),
            ("+/+/", Some(b"\xFB\xFF\xBF")),
            ("Z", None),
            ("Zm9 v", None),
            ("Zm9\u{e9}", None),
        ] {
            let mut to = Vec::new();
            assert_eq!(base64(text, &mut to).map(|()| &*to), bytes, "{text}");
        }
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("bedrock/").iter().for_each(|recording| recording.check(decoder));
    }
}
