//! The wire of OpenAI's Responses API.

#[cfg(test)]
mod tests;

use super::decoder::{Decoder, Ends, Frame, Framing, Wire};
use super::error::stream_error;
use super::finish::finish_reason;
use super::usage::usage;
use crate::sse::json::{Few, Raw, object};
use crate::stream::{FinishReason, Sink, StreamToken, ToolCall};

object! {
    struct Event<'a> {
        kind = "type": Raw<'a>,
        delta = "delta": Raw<'a>,
        output_index = "output_index": Raw<'a>,
        item = "item": Raw<'a>,
        arguments = "arguments": Raw<'a>,
        response = "response": Raw<'a>,
        object = "object": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Response<'a> {
        status = "status": Raw<'a>,
        error = "error": Raw<'a>,
        incomplete = "incomplete_details": Incomplete<'a>,
        usage = "usage": Raw<'a>,
        output = "output": Raw<'a>,
    }
}

object! {
    struct Incomplete<'a> {
        reason = "reason": Raw<'a>,
    }
}

object! {
    struct Item<'a> {
        kind = "type": Raw<'a>,
        call_id = "call_id": Raw<'a>,
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
        content = "content": Few<Part<'a>>,
    }
}

object! {
    struct Part<'a> {
        text = "text": Raw<'a>,
        refusal = "refusal": Raw<'a>,
    }
}

/// Decodes events of the Responses API. What built-in tools do is passed over.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// Tool calls by their place in the output.
    calls: Vec<OpenCall>,
    scratch: String,
}

#[derive(Debug)]
struct OpenCall {
    output_index: u64,
    /// Whether any arguments came: xAI sends them only with the call's end.
    has_arguments: bool,
}

/// A decoder of a body in this format.
pub(super) fn decoder() -> Decoder {
    Decoder::new(Framing::Sse, Box::new(Responses::default()))
}

impl Wire for Responses {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut event = Event::default();
        if frame.read(&mut event).is_err() {
            return ends.malformed(frame.data, sink);
        }
        match event.kind.json().trim_matches('"') {
            "response.output_text.delta" => {
                if let Some(text) = self.string(event.delta) {
                    sink.token(StreamToken::Text(text.into()));
                }
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                if let Some(thought) = self.string(event.delta) {
                    sink.token(StreamToken::Reasoning(thought.into()));
                }
            }
            "response.refusal.delta" => {
                if let Some(refusal) = self.string(event.delta) {
                    sink.token(StreamToken::Refusal(refusal.into()));
                }
            }
            "response.output_item.added" => {
                let item: Item = event.item.read();
                if item.is_call() {
                    self.open_call(event.output_index, &item, sink);
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.arguments(event.output_index, event.delta, sink);
            }
            "response.function_call_arguments.done" if !self.has_arguments(event.output_index) => {
                self.arguments(event.output_index, event.arguments, sink);
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
                self.end(event.response, frame.data, ends, sink);
            }
            "error" => ends.fail(stream_error(frame.data), sink),
            _ if event.error.is_given() || frame.event == "error" => {
                ends.fail(stream_error(frame.data), sink)
            }
            "" if event.object.json() == "\"response\"" => self.whole(frame, ends, sink),
            _ => {}
        }
    }
}

impl Responses {
    fn string<'s>(&'s mut self, raw: Raw<'s>) -> Option<&'s str> {
        raw.str(&mut self.scratch).filter(|text| !text.is_empty())
    }

    fn open_call(&mut self, output_index: Raw<'_>, item: &Item<'_>, sink: &mut dyn Sink) {
        let arguments = item.arguments.str(&mut self.scratch).unwrap_or_default();
        sink.token(StreamToken::ToolCall(ToolCall {
            index: self.calls.len() as u32,
            id: item.call_id.cow(),
            name: item.name.cow(),
            arguments: arguments.into(),
        }));
        let output_index = output_index.number().unwrap_or(self.calls.len() as u64);
        self.calls.push(OpenCall { output_index, has_arguments: !arguments.is_empty() });
    }

    fn has_arguments(&self, output_index: Raw<'_>) -> bool {
        let output_index = output_index.number();
        self.calls.iter().any(|call| Some(call.output_index) == output_index && call.has_arguments)
    }

    fn arguments(&mut self, output_index: Raw<'_>, piece: Raw<'_>, sink: &mut dyn Sink) {
        let output_index = output_index.number();
        let call =
            self.calls.iter_mut().enumerate().find(|(_, call)| Some(call.output_index) == output_index);
        let piece = piece.str(&mut self.scratch).filter(|piece| !piece.is_empty());
        if let (Some((index, call)), Some(piece)) = (call, piece) {
            call.has_arguments = true;
            let call = ToolCall { index: index as u32, arguments: piece.into(), ..ToolCall::default() };
            sink.token(StreamToken::ToolCall(call));
        }
    }

    /// The response object that comes last: usage, and why it ended.
    fn end(&mut self, response: Raw<'_>, frame: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let response: Response = response.read();
        if response.usage.is_given() {
            sink.token(StreamToken::Usage(usage(response.usage)));
        }
        let status = response.status.str(&mut self.scratch).and_then(finish_reason);
        if response.error.is_given() || status == Some(FinishReason::Error) {
            return ends.fail(stream_error(frame), sink);
        }
        let reason = match response.incomplete.reason.str(&mut self.scratch).and_then(finish_reason) {
            Some(reason) => reason,
            None if !self.calls.is_empty() => FinishReason::ToolCalls,
            None => status.unwrap_or(FinishReason::Stop),
        };
        ends.finished(0, reason);
        ends.marker();
    }

    /// A response that was not streamed.
    fn whole(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut raw = Raw::default();
        // The text has been read before.
        let _ = frame.read(&mut raw);
        let response: Response = raw.read();
        for item in response.output.read::<Few<Item>>().iter() {
            if item.is_call() {
                self.open_call(Raw::default(), item, sink);
            }
            let thinking = item.kind.json() == "\"reasoning\"";
            for part in item.content.iter() {
                if let Some(text) = self.string(part.text) {
                    let text = text.into();
                    sink.token(if thinking { StreamToken::Reasoning(text) } else { StreamToken::Text(text) });
                }
                if let Some(refusal) = self.string(part.refusal) {
                    sink.token(StreamToken::Refusal(refusal.into()));
                }
            }
        }
        self.end(raw, frame.data, ends, sink);
    }
}

impl Item<'_> {
    fn is_call(&self) -> bool {
        matches!(self.kind.json(), "\"function_call\"" | "\"custom_tool_call\"")
    }
}
