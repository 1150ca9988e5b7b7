//! Anthropic's Messages format: what Anthropic, Vertex and Bedrock's invoke API stream for Claude.

use super::Dialect;
use super::chat_completions::ChatCompletions;
use crate::json::{Few, Raw, object};
use crate::provider::decoder::says;
use crate::provider::error::stream_error;
use crate::provider::finish::finished;
use crate::provider::infill_prompt::{conversation, stops, turn};
use crate::provider::pieces::{reasoning, text, tool_arguments, tool_call};
use crate::provider::profile::{Address, Target};
use crate::provider::reasoning::Plan;
use crate::provider::request::{Draft, Result, texts};
use crate::provider::usage::counts;
use crate::provider::{Account, Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{Sink, StreamToken, Usage};

/// The Messages API, and the same at Vertex.
pub(in crate::provider) struct MessagesApi;

impl Dialect for MessagesApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let plan = target.plan();
        let conversation = conversation(prompt, target.account, seam(plan));
        let messages = conversation.turns(&|role, text| turn(role, text));
        // On Vertex the model is in the URL, and the version of the API in the body.
        let draft = match target.profile.address {
            Address::Vertex(_) => {
                Draft::to(target, ":streamRawPredict")?.set("anthropic_version", "vertex-2023-10-16")
            }
            _ => Draft::to(target, "/messages")?.model(),
        };
        Ok(draft
            .chat_only()?
            .set_all(&mut plan.claude())
            .set("system", &*conversation.system)
            .set("messages", messages)
            .set("max_tokens", prompt.max_tokens.saturating_add(plan.room))
            .set("temperature", temperature(plan, target.account))
            .set("stop_sequences", texts(&stops(prompt, usize::MAX)))
            .set("stream", true))
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Sse, Box::new(Messages::default()))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        seam(target.plan())
    }
}

/// The temperature a Claude model takes: none when it thinks by a budget, and none from 4.7 on.
pub(super) fn temperature(plan: Plan, account: &Account) -> Option<f64> {
    let takes = plan.known && !plan.fixed && plan.word.is_none();
    takes.then(|| account.temperature().clamp(0.0, 1.0))
}

/// How a Claude model continues an answer: prefill went with 4.6, and never goes with thinking.
pub(super) fn seam(plan: Plan) -> Seam {
    if plan.prefill && plan.word.is_none() { Seam::TrimmedPrefill } else { Seam::Instruction }
}

/// Decodes Messages events.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Blocks, by their index, that are not plain text or thinking.
    blocks: Vec<(u64, Block)>,
    tools: u32,
    usage: Usage,
    scratch: String,
    /// A gateway in OpenAI's dialect, or a proxy's complaint.
    other: ChatCompletions,
}

/// What a block's deltas are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Tool call number so and so of the answer.
    Tool(u32),
    /// A type that is none of the answer's: a tool run by the server and its results, compaction, and
    /// whatever Anthropic adds ("new event types may be added", streaming docs).
    Foreign,
}

object! {
    /// Every event in one: each has its own few fields, and none contradicts another's.
    struct Event<'a> {
        kind = "type": Raw<'a>,
        index = "index": Raw<'a>,
        message = "message": Raw<'a>,
        content_block = "content_block": Raw<'a>,
        delta = "delta": Delta<'a>,
        usage = "usage": Raw<'a>,
        error = "error": Raw<'a>,
        completion = "completion": Raw<'a>,
        stop_reason = "stop_reason": Raw<'a>,
    }

    struct Delta<'a> {
        kind = "type": Raw<'a>,
        text = "text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        partial_json = "partial_json": Raw<'a>,
        stop_reason = "stop_reason": Raw<'a>,
        stop_details = "stop_details": Raw<'a>,
    }

    struct StopDetails<'a> { explanation = "explanation": Raw<'a>, }

    /// The empty message of `message_start`, or the whole answer of a server that does not stream.
    struct Message<'a> {
        content = "content": Few<'a, Content<'a>>,
        stop_reason = "stop_reason": Raw<'a>,
        usage = "usage": Raw<'a>,
    }

    struct Content<'a> {
        kind = "type": Raw<'a>,
        text = "text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        id = "id": Raw<'a>,
        name = "name": Raw<'a>,
        input = "input": Raw<'a>,
    }

    struct Counts<'a> {
        input = "input_tokens": Raw<'a>,
        output = "output_tokens": Raw<'a>,
        cached = "cache_read_input_tokens": Raw<'a>,
        details = "output_tokens_details": Details<'a>,
    }

    struct Details<'a> { thinking = "thinking_tokens": Raw<'a>, }
}

impl Wire for Messages {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut event = Event::default();
        if frame.read(&mut event).is_err() {
            return ends.malformed();
        }
        if event.error.is_given() || frame.event == "error" {
            return ends.fail(stream_error(frame.data), sink);
        }
        // Each event carries its name in the data as well; gateways drop the one or the other.
        // `message` is what SSE calls an event without a name.
        let kind = event.kind.cow().unwrap_or(if frame.event == "message" { "" } else { frame.event }.into());
        match &*kind {
            "content_block_delta" => self.delta(event.index.number().unwrap_or(0), &event.delta, sink),
            "content_block_start" => {
                self.block(event.index.number().unwrap_or(0), &event.content_block.read(), sink);
            }
            "message_start" => {
                // Gateways were seen to send it twice; block indices then begin anew.
                self.blocks.clear();
                self.count(event.message.read::<Message<'_>>().usage, sink);
            }
            "message_delta" => {
                self.count(event.usage, sink);
                if let Some(explanation) =
                    event.delta.stop_details.read::<StopDetails<'_>>().explanation.cow()
                {
                    sink.token(StreamToken::Refusal(explanation));
                }
                finished(0, event.delta.stop_reason, ends);
            }
            "message_stop" => ends.over(),
            "message" => self.whole(frame, ends, sink),
            "error" => ends.fail(stream_error(frame.data), sink),
            // Claude 2's completion format, which Bedrock's `chunk` events may still hold.
            _ if event.completion.is_given() || event.stop_reason.is_given() => {
                text(event.completion, 0, None, &mut self.scratch, sink);
                finished(0, event.stop_reason, ends);
            }
            "" => self.other.frame(frame, ends, sink),
            _ => {}
        }
    }
}

impl Messages {
    /// The whole answer in one piece, as a server or proxy that ignores `stream` gives it.
    fn whole(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut message = Message::default();
        // The text has been read before.
        let _ = frame.read(&mut message);
        for (index, content) in (0..).zip(message.content.iter()) {
            self.block(index, &content, sink);
            if says(content.kind, "tool_use") && content.input.json() == "{}" {
                tool_arguments(self.tools.saturating_sub(1), content.input.json(), sink);
            }
        }
        self.count(message.usage, sink);
        finished(0, message.stop_reason, ends);
        ends.marker();
    }

    fn block(&mut self, index: u64, content: &Content<'_>, sink: &mut dyn Sink) {
        self.blocks.retain(|(other, _)| *other != index);
        match content.kind.cow().as_deref() {
            Some("text") => text(content.text, 0, None, &mut self.scratch, sink),
            Some("thinking") => reasoning(content.thinking, &mut self.scratch, sink),
            Some("tool_use") => {
                let tool = self.tools;
                self.tools += 1;
                self.blocks.push((index, Block::Tool(tool)));
                // The input of a streamed call is `{}` here and comes in deltas.
                let input = if content.input.is_given() { content.input.json() } else { "" };
                tool_call(tool, content.id, content.name, input, sink);
            }
            _ => self.blocks.push((index, Block::Foreign)),
        }
    }

    fn delta(&mut self, index: u64, delta: &Delta<'_>, sink: &mut dyn Sink) {
        let block = self.blocks.iter().find(|(other, _)| *other == index).map(|(_, block)| *block);
        match (delta.kind.cow().as_deref(), block) {
            (_, Some(Block::Foreign)) => {}
            (Some("text_delta"), _) => text(delta.text, 0, None, &mut self.scratch, sink),
            (Some("thinking_delta"), _) => reasoning(delta.thinking, &mut self.scratch, sink),
            (Some("input_json_delta"), Some(Block::Tool(index))) => {
                if let Some(arguments) = delta.partial_json.piece(&mut self.scratch) {
                    tool_arguments(index, &arguments, sink);
                }
            }
            // Signatures and citations are none of the answer's text.
            _ => {}
        }
    }

    /// Counts are cumulative: those of `message_delta` replace those of `message_start`, where given.
    fn count(&mut self, usage: Raw<'_>, sink: &mut dyn Sink) {
        if !usage.is_given() {
            return;
        }
        let Counts { input, output, cached, details } = usage.read();
        let new = counts(input, output, cached, details.thinking);
        self.usage = Usage {
            input: new.input.or(self.usage.input),
            output: new.output.or(self.usage.output),
            cached: new.cached.or(self.usage.cached),
            reasoning: new.reasoning.or(self.usage.reasoning),
        };
        sink.token(StreamToken::Usage(self.usage));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::{cases, check_cuts, recordings, sse, tokens};

    /// Events as the API sends them: named, and each name once more in the data.
    fn named(events: &[&str]) -> String {
        let name = |data: &str| data.split('"').nth(3).unwrap_or_default().to_owned();
        events.iter().map(|data| format!("event: {}\ndata: {data}\n\n", name(data))).collect()
    }

    #[test]
    fn streams_become_tokens() {
        let table = expect![[r#"
            # text comes with cumulative usage and its stop reason
            {"type":"message_start","message":{"id":"msg_1","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}   }
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}      }
            {"type": "ping"}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"let x = \"ü\"\n"}}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}
            {"type":"content_block_stop","index":0}
            {"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":15,"output_tokens_details":{"thinking_tokens":3}}}
            {"type":"message_stop"  }
            > usage 9 1 4 - | text let x = "ü"\n | usage 9 15 4 3 | done#0 length
            # message_start twice
            {"type":"message_start","message":{"id":"msg_1","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}   }
            {"type":"message_start","message":{"id":"msg_1","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}   }
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}      }
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":2}}
            {"type":"message_stop"  }
            > usage 9 1 4 - | usage 9 1 4 - | text a | usage 12 2 4 - | done#0 stop
            # no blocks at all
            {"type":"message_start","message":{"id":"msg_1","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}   }
            {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":2}}
            {"type":"message_stop"  }
            > usage 9 1 4 - | usage 12 2 4 - | done#0 stop
            # no block start
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":2}}
            {"type":"message_stop"  }
            > text a | usage 12 2 - - | done#0 stop
            # no message_stop
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":2}}
            > text a | usage 12 2 - - | done#0 stop
            # blocks of unknown types, skipped by index
            {"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":null}}
            {"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"x"}}
            {"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}
            {"type":"content_block_start","index":2,"content_block":{"type":"novelty"}}
            {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"no"}}
            {"type":"novel_event","text":"no"}
            {"type":"content_block_start","index":3,"content_block":{"type":"text","text":"b"}}
            {"type":"content_block_delta","index":3,"delta":{"type":"citations_delta","citation":{}}}
            {"type":"content_block_delta","index":3,"delta":{"type":"novel_delta","text":"no"}}
            {"type":"message_stop"  }
            > text b | done#0 stop
            # thinking with its signature, redacted thinking
            {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
            {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}
            {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}
            {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}
            {"type":"message_stop"  }
            > reasoning hm | done#0 stop
            # a stop that is a refusal
            {"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":null,"explanation":"I will not."}}}
            {"type":"message_stop"  }
            > refusal I will not. | done#0 refusal
            # a stop reason of tomorrow
            {"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_details":null}}
            {"type":"message_stop"  }
            > done#0 other
            # tool calls are numbered and their arguments are pieces
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}      }
            {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}
            {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_2","name":"g","input":{"b":2}}}
            {"type":"message_delta","delta":{"stop_reason":"tool_use"}}
            {"type":"message_stop"  }
            > tool#0 toolu_1 f  | tool#0 - - {"a": | tool#0 - - 1} | tool#1 toolu_2 g {"b":2} | done#0 tool_calls
        "#]];
        cases(&table, |events| tokens(|| MessagesApi.decoder(), named(events)));
    }

    #[test]
    fn errors_end_the_stream_and_keep_what_came_before() {
        let table = expect![[r#"
            # first event
            event: error
            {"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null}}
            > error transient overloaded_error Overloaded
            # in the middle
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            event: error
            {"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null}}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            > text a | error transient overloaded_error Overloaded
            # named outside only
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            event: error
            {"type":"overloaded_error","message":"Overloaded"}
            > text a | error transient overloaded_error Overloaded
            # without an event name
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            {"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null}}
            > text a | error transient overloaded_error Overloaded
            # a bare JSON tail
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\",\"details\":null}}"
            > text a | error transient overloaded_error Overloaded
            # not JSON
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            event: content_block_delta
            {oops
            > text a | error truncated - the stream has a part that is not of its format: {oops
            # cut off
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}
            > text a | error truncated - the answer ended before its end marker
        "#]];
        cases(&table, |lines| tokens(|| MessagesApi.decoder(), sse(lines)));
    }

    #[test]
    fn a_server_that_does_not_stream_is_understood() {
        let table = expect![[r#"
            {"id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"x"},{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":5}}
            > reasoning hm | text a | tool#0 t f  | tool#0 - - {} | usage 3 5 - - | done#0 stop
        "#]];
        cases(&table, |body| tokens(|| MessagesApi.decoder(), body[0]));
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("anthropic/").iter().for_each(|recording| recording.check(|| MessagesApi.decoder()));
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        let body = named(&[
            r#"{"type":"message_start","message":{"id":"msg_1","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}   }"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}      }"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a {\"é\n"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
            r#"{"type":"message_stop"  }"#,
        ]);
        check_cuts(|| MessagesApi.decoder(), body.as_bytes());
    }
}
