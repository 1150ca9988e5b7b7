//! Ollama's own API: `/api/generate` with its FIM `suffix`, and `/api/chat`; both stream lines of JSON.

use super::error::stream_error;
use super::finish::finish_reason;
use super::json::{Few, Raw, object};
use super::{Decoder, Ends, Framing, Wire};
use crate::stream::{FinishReason, Sink, StreamToken, ToolCall, Usage};

/// Decodes the lines of `/api/generate` and `/api/chat`.
#[derive(Debug, Default)]
struct Lines {
    tools: u32,
    scratch: String,
}

object! {
    struct Line<'a> {
        response = "response": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        message = "message": Message<'a>,
        done = "done": Raw<'a>,
        done_reason = "done_reason": Raw<'a>,
        input = "prompt_eval_count": Raw<'a>,
        output = "eval_count": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Message<'a> {
        content = "content": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        tool_calls = "tool_calls": Few<Call<'a>>,
    }
}

object! {
    struct Call<'a> {
        id = "id": Raw<'a>,
        function = "function": Function<'a>,
    }
}

object! {
    struct Function<'a> {
        name = "name": Raw<'a>,
        // An object here, where OpenAI has a string.
        arguments = "arguments": Raw<'a>,
    }
}

impl Wire for Lines {
    fn frame(&mut self, _event: &str, data: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let Ok(line) = serde_json::from_str::<Line<'_>>(data) else {
            return ends.malformed(data, sink);
        };
        if line.error.is_given() {
            return ends.fail(stream_error(data), sink);
        }
        for thinking in [line.thinking, line.message.thinking] {
            if let Some(text) = thinking.piece(&mut self.scratch) {
                sink.token(StreamToken::Reasoning(text));
            }
        }
        for content in [line.response, line.message.content] {
            if let Some(text) = content.piece(&mut self.scratch) {
                sink.token(StreamToken::Text(text));
            }
        }
        for call in line.message.tool_calls.iter() {
            sink.token(StreamToken::ToolCall(ToolCall {
                index: self.tools,
                id: call.id.cow(),
                name: call.function.name.cow(),
                arguments: call.function.arguments.json().into(),
            }));
            self.tools += 1;
        }
        if !line.done.is_given() {
            return;
        }
        let (input, output) = (line.input.number(), line.output.number());
        if input.is_some() || output.is_some() {
            sink.token(StreamToken::Usage(Usage { input, output, ..Usage::default() }));
        }
        // Servers before 0.1.34 give no reason, and newer ones may give an empty one.
        let reason = line.done_reason.cow().and_then(|name| finish_reason(&name));
        ends.finished(0, reason.unwrap_or(FinishReason::Stop));
        ends.marker();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, recordings};
    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(Framing::Ndjson, Box::new(Lines::default()))
    }

    #[test]
    fn lines_of_both_apis_are_understood() {
        let generate =
            r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"let \"é\"","done":false}"#;
        let chat = r#"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"#;
        let end = r#"{"model":"m","response":"","done":true,"done_reason":"length","context":[1,2],"total_duration":5,"prompt_eval_count":16,"eval_count":51}"#;
        let told = "error transient - an error was encountered while running the model";
        for (name, lines, expected) in [
            ("generate", &[generate, end][..], &["text let \"é\"", "usage 16 51 - -", "done#0 length"][..]),
            (
                "text in the last line",
                &[r#"{"response":"!","done":true,"done_reason":"stop","eval_count":1}"#],
                &["text !", "usage - 1 - -", "done#0 stop"],
            ),
            ("no reason, as old servers", &[r#"{"response":"a","done":true}"#], &["text a", "done#0 stop"]),
            ("an empty reason", &[r#"{"response":"","done":true,"done_reason":""}"#], &["done#0 stop"]),
            ("only loaded", &[r#"{"response":"","done":true,"done_reason":"load"}"#], &["done#0 other"]),
            (
                "thinking",
                &[
                    r#"{"response":"","thinking":"hm","done":false}"#,
                    r#"{"message":{"content":"","thinking":"hm"},"done":false}"#,
                    end,
                ],
                &["reasoning hm", "reasoning hm", "usage 16 51 - -", "done#0 length"],
            ),
            (
                "chat with tools",
                &[
                    chat,
                    r#"{"message":{"content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"x":2}}},{"function":{"name":"g"}}]},"done":false}"#,
                    r#"{"message":{"content":""},"done":true,"done_reason":"stop"}"#,
                ],
                &["text a", "tool#0 c f {\"x\":2}", "tool#1 - g ", "done#0 stop"],
            ),
            (
                "an error in the middle",
                &[generate, r#"{"error":"an error was encountered while running the model"}"#],
                &["text let \"é\"", told],
            ),
            ("an error alone", &[r#"{"error":"an error was encountered while running the model"}"#], &[told]),
            (
                "cut off",
                &[generate],
                &["text let \"é\"", "error truncated - the answer ended before its end marker"],
            ),
        ] {
            for ending in ["\n", "\r\n"] {
                assert_eq!(decoded(decoder, lines.join(ending).as_bytes()), expected, "{name}");
            }
        }
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        for recording in recordings("ollama/").iter().filter(|recording| recording.file.ends_with(".ndjson"))
        {
            recording.check(decoder);
        }
    }
}
