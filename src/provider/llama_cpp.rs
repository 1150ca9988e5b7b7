//! llama.cpp's own server API: `/infill`, `/completion`, and `/v1/chat/completions` for chat models.

use super::chat_completions::ChatCompletions;
use super::error::stream_error;
use super::finish::finish_reason;
use super::json::{Raw, object};
use super::{Decoder, Ends, Framing, Wire};
use crate::stream::{FinishReason, Sink, StreamToken, TextDelta, Usage};

/// Decodes the chunks of `/infill` and `/completion`, and hands those of `/v1/chat/completions` on.
#[derive(Default)]
struct Native {
    scratch: String,
    chat: ChatCompletions,
}

object! {
    struct Chunk<'a> {
        index = "index": Raw<'a>,
        content = "content": Raw<'a>,
        stop = "stop": Raw<'a>,
        stop_type = "stop_type": Raw<'a>,
        // What servers before December 2024 say instead of `stop_type`.
        stopped_limit = "stopped_limit": Raw<'a>,
        input = "tokens_evaluated": Raw<'a>,
        output = "tokens_predicted": Raw<'a>,
        timings = "timings": Timings<'a>,
        // What `response_fields` takes out of `timings` has this key.
        cached = "timings/cache_n": Raw<'a>,
        error = "error": Raw<'a>,
        // Only OpenAI's format has it.
        choices = "choices": Raw<'a>,
    }
}

object! {
    struct Timings<'a> {
        cached = "cache_n": Raw<'a>,
    }
}

impl Wire for Native {
    fn frame(&mut self, event: &str, data: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(data) else {
            return ends.malformed(data, sink);
        };
        if chunk.error.is_given() || event == "error" {
            return ends.fail(stream_error(data), sink);
        }
        if !chunk.choices.json().is_empty() {
            return self.chat.frame(event, data, ends, sink);
        }
        let index = chunk.index.number().and_then(|index| index.try_into().ok()).unwrap_or(0);
        ends.begun(index);
        if let Some(content) = chunk.content.piece(&mut self.scratch) {
            sink.token(match index {
                0 => StreamToken::Text(content),
                index => StreamToken::Delta(TextDelta { content, index, logprob: None }),
            });
        }
        if !chunk.stop.is_given() {
            return;
        }
        sink.token(StreamToken::Usage(Usage {
            input: chunk.input.number(),
            output: chunk.output.number(),
            cached: chunk.timings.cached.number().or(chunk.cached.number()),
            reasoning: None,
        }));
        let reason = match chunk.stop_type.cow().and_then(|name| finish_reason(&name)) {
            Some(reason) => reason,
            None if chunk.stopped_limit.is_given() => FinishReason::Length,
            None => FinishReason::Stop,
        };
        ends.finished(index, reason);
        ends.marker();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, recordings};
    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(Framing::Sse, Box::new(Native::default()))
    }

    fn sse(chunks: &[&str]) -> String {
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
    }

    const TRUNCATED: &str = "error truncated - the answer ended before its end marker";

    #[test]
    fn the_object_that_says_stop_is_the_end() {
        let text = r#"{"index":0,"content":"a","tokens":[58935],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":14}"#;
        let held_back = r#"{"index":0,"content":"","tokens":[1],"stop":false}"#;
        for (name, chunks, expected) in [
            (
                "eos, with the whole echo",
                &[
                    text,
                    held_back,
                    r#"{"index":0,"content":"","tokens":[],"stop":true,"prompt":"<PRE>","stop_type":"eos","stopping_word":"","tokens_predicted":7,"tokens_evaluated":14,"tokens_cached":20,"timings":{"cache_n":3}}"#,
                ][..],
                &["text a", "usage 14 7 3 -", "done#0 stop"][..],
            ),
            (
                "limit, as `response_fields` leaves it",
                &[
                    text,
                    r#"{"content":"","stop":true,"stop_type":"limit","tokens_predicted":7,"tokens_evaluated":14,"timings/cache_n":3}"#,
                ],
                &["text a", "usage 14 7 3 -", "done#0 length"],
            ),
            (
                "word, in the words of old servers",
                &[
                    r#"{"content":"b","stop":true,"stopped_eos":false,"stopped_limit":false,"stopped_word":true}"#,
                ],
                &["text b", "usage - - - -", "done#0 stop"],
            ),
            (
                "limit, in the words of old servers",
                &[r#"{"content":"b","stop":true,"stopped_limit":true}"#],
                &["text b", "usage - - - -", "done#0 length"],
            ),
            (
                "two completions",
                &[
                    r#"{"index":0,"content":"a","stop":false}"#,
                    r#"{"index":1,"content":"b","stop":false}"#,
                    r#"{"index":1,"content":"","stop":true,"stop_type":"word"}"#,
                    r#"{"index":0,"content":"","stop":true,"stop_type":"limit"}"#,
                ],
                &["text a", "text#1 b", "usage - - - -", "usage - - - -", "done#1 stop", "done#0 length"],
            ),
            (
                "progress of the prompt",
                &[
                    r#"{"index":0,"content":"","tokens":[0],"stop":false,"prompt_progress":{"total":9}}"#,
                    text,
                ],
                &["text a", TRUNCATED],
            ),
        ] {
            assert_eq!(decoded(decoder, sse(chunks).as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn an_error_is_understood_in_all_its_shapes() {
        let text = "data: {\"index\":0,\"content\":\"a\",\"stop\":false}\n\n";
        let error = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
        let bare = r#"{"code":503,"message":"Loading model","type":"unavailable_error"}"#;
        let told = "error transient unavailable_error Loading model";
        for (name, body, expected) in [
            ("as data", format!("{text}data: {error}\n\n"), &["text a", told][..]),
            ("as a field", format!("{text}error: {error}\n\n"), &["text a", told]),
            ("as a field, without the wrapping", format!("{text}error: {bare}\n\n"), &["text a", told]),
            ("as the body", error.to_owned(), &[told]),
            ("a ping and the cut", format!(":\n\n{text}:\n\n"), &["text a", TRUNCATED]),
        ] {
            assert_eq!(decoded(decoder, body.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn chat_is_understood_as_well() {
        let body = sse(&[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1},"timings":{}}"#,
            "[DONE]",
        ]);
        assert_eq!(decoded(decoder, body.as_bytes()), ["text a", "usage 3 1 - -", "done#0 stop"]);
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("llamacpp/").iter().for_each(|recording| recording.check(decoder));
    }
}
