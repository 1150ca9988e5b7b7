//! OpenAI's Responses API. Errors and what is no event of it are decoded as in chat completions, whose wire hands events
//! of this API on.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::Dialect;
use crate::json::{Few, Raw, Scanner, object};
use crate::provider::decoder::says;
use crate::provider::error::stream_error;
use crate::provider::finish::finish_reason_in;
use crate::provider::infill_prompt::{conversation, turn};
use crate::provider::pieces::{tool_arguments, tool_call};
use crate::provider::profile::Target;
use crate::provider::request::{Draft, Result};
use crate::provider::usage::usage;
use crate::provider::{Ends, Frame, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};

/// The API refuses a lower limit.
const LEAST_TOKENS: u32 = 16;

/// The Responses API.
pub(in crate::provider) struct ResponsesApi;

impl Dialect for ResponsesApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let conversation = conversation(prompt, target.account, Seam::Instruction);
        let mut input = vec![turn("user", conversation.user)];
        input.extend(conversation.assistant.map(|received| turn("assistant", received)));
        input.extend(conversation.go_on.map(|go_on| turn("user", go_on)));
        Ok(Draft::to(target, "/responses")?
            .chat_only()?
            .model()
            .set("instructions", &*conversation.system)
            .set("input", Value::Array(input))
            .set("stream", true)
            .stream_options(&[("include_obfuscation", false)])
            .set("store", false)
            .limits(prompt.max_tokens.max(LEAST_TOKENS), "max_output_tokens"))
    }
}

object! {
    struct Event<'a> {
        kind = "type": Raw<'a>,
        delta = "delta": Raw<'a>,
        output_index = "output_index": Raw<'a>,
        item = "item": Raw<'a>,
        arguments = "arguments": Raw<'a>,
        input = "input": Raw<'a>,
        response = "response": Raw<'a>,
        error = "error": Raw<'a>,
    }

    struct Response<'a> {
        status = "status": Raw<'a>,
        error = "error": Raw<'a>,
        incomplete = "incomplete_details": Incomplete<'a>,
        usage = "usage": Raw<'a>,
        output = "output": Raw<'a>,
    }

    struct Incomplete<'a> { reason = "reason": Raw<'a>, }

    struct Item<'a> {
        kind = "type": Raw<'a>,
        phase = "phase": Raw<'a>,
        call_id = "call_id": Raw<'a>,
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
        // Of a custom tool, in place of arguments.
        input = "input": Raw<'a>,
        content = "content": Few<'a, Part<'a>>,
        // Of reasoning.
        summary = "summary": Few<'a, Part<'a>>,
    }

    struct Part<'a> {
        text = "text": Raw<'a>,
        refusal = "refusal": Raw<'a>,
    }
}

/// Decodes events of the Responses API. What built-in tools do is passed over.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// Tool calls of all responses in the body, in their order.
    calls: Vec<OpenCall>,
    /// How many of them belong to responses that are over.
    earlier: usize,
    /// Places in the output of messages that only comment on the work: their text is none of the answer's.
    commentary: Vec<u64>,
    /// Whether anything of the answer came.
    begun: bool,
    scratch: String,
}

#[derive(Debug)]
struct OpenCall {
    output_index: u64,
    /// Whether any arguments came: xAI sends them only with the call's end.
    has_arguments: bool,
}

impl Wire for Responses {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut event = Event::default();
        if frame.read(&mut event).is_err() {
            return ends.malformed();
        }
        // Each event has its name in the data as well; gateways drop the one or the other.
        let kind = event.kind.cow().filter(|kind| !kind.is_empty());
        match kind.as_deref().unwrap_or(frame.event) {
            "response.output_text.delta" => {
                let comment =
                    event.output_index.number().is_some_and(|index| self.commentary.contains(&index));
                self.text(event.delta, comment, sink);
            }
            // Gateways put several responses into one body; places in the output begin anew.
            "response.created" => {
                self.earlier = self.calls.len();
                self.commentary.clear();
                self.begun = false;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.text(event.delta, true, sink);
            }
            "response.refusal.delta" => self.refusal(event.delta, sink),
            "response.output_item.added" => {
                let item: Item = event.item.read();
                if item.is_call() {
                    self.open_call(event.output_index, &item, sink);
                } else if item.is_comment() {
                    self.commentary.extend(event.output_index.number());
                }
            }
            "response.output_item.done" => {
                let item: Item = event.item.read();
                if item.is_call() {
                    self.close_call(event.output_index, &item, sink);
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.arguments(event.output_index, event.delta, sink);
            }
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done"
                if !self.has_arguments(event.output_index) =>
            {
                let whole = if event.input.is_given() { event.input } else { event.arguments };
                self.arguments(event.output_index, whole, sink);
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
                self.end(event.response, frame.data, ends, sink);
            }
            _ if event.error.is_given() => ends.fail(stream_error(frame.data), sink),
            // A response that was not streamed.
            "" | "message" => {
                let mut whole = Raw::default();
                // The text has been read before.
                let _ = frame.read(&mut whole);
                self.end(whole, frame.data, ends, sink);
            }
            _ => {}
        }
    }
}

impl Responses {
    fn piece<'s>(&'s mut self, raw: Raw<'s>) -> Option<&'s str> {
        let piece = raw.str(&mut self.scratch).filter(|text| !text.is_empty());
        self.begun |= piece.is_some();
        piece
    }

    fn text(&mut self, raw: Raw<'_>, is_thought: bool, sink: &mut dyn Sink) {
        if let Some(text) = self.piece(raw) {
            let text = text.into();
            sink.token(if is_thought { StreamToken::Reasoning(text) } else { StreamToken::Text(text) });
        }
    }

    fn refusal(&mut self, raw: Raw<'_>, sink: &mut dyn Sink) {
        if let Some(refusal) = self.piece(raw) {
            sink.token(StreamToken::Refusal(refusal.into()));
        }
    }

    fn open_call(&mut self, output_index: Raw<'_>, item: &Item<'_>, sink: &mut dyn Sink) {
        let arguments = item.whole_arguments().str(&mut self.scratch).unwrap_or_default();
        self.begun = true;
        tool_call(self.calls.len() as u32, item.call_id, item.name, arguments, sink);
        let output_index = output_index.number().unwrap_or(self.calls.len() as u64);
        self.calls.push(OpenCall { output_index, has_arguments: !arguments.is_empty() });
    }

    /// A call is over: some servers say only now what it is, or with what arguments.
    fn close_call(&mut self, output_index: Raw<'_>, item: &Item<'_>, sink: &mut dyn Sink) {
        if self.position(output_index).is_none() {
            self.open_call(output_index, item, sink);
        } else if !self.has_arguments(output_index) {
            self.arguments(output_index, item.whole_arguments(), sink);
        }
    }

    /// Which call stands at that place in the output; the last one where the server does not say.
    fn position(&self, output_index: Raw<'_>) -> Option<usize> {
        match output_index.number() {
            Some(index) => {
                let current = self.calls.iter().enumerate().skip(self.earlier);
                current.rev().find(|(_, call)| call.output_index == index).map(|(at, _)| at)
            }
            None => self.calls.len().checked_sub(1),
        }
    }

    fn has_arguments(&self, output_index: Raw<'_>) -> bool {
        let call = self.position(output_index).and_then(|at| self.calls.get(at));
        call.is_some_and(|call| call.has_arguments)
    }

    fn arguments(&mut self, output_index: Raw<'_>, piece: Raw<'_>, sink: &mut dyn Sink) {
        let Some(index) = self.position(output_index) else { return };
        let piece = piece.str(&mut self.scratch).filter(|piece| !piece.is_empty());
        if let (Some(call), Some(piece)) = (self.calls.get_mut(index), piece) {
            call.has_arguments = true;
            tool_arguments(index as u32, piece, sink);
        }
    }

    /// The response object that comes last: usage, why it ended, and the whole answer, if nothing of it
    /// came before.
    fn end(&mut self, response: Raw<'_>, frame: &str, ends: &mut Ends, sink: &mut dyn Sink) {
        let response: Response = response.read();
        if !self.begun {
            self.output(&response, sink);
        }
        if response.usage.is_given() {
            sink.token(StreamToken::Usage(usage(&mut Scanner::new(response.usage.json()))));
        }
        let status = finish_reason_in(response.status);
        if response.error.is_given() || status == Some(FinishReason::Error) {
            return ends.fail(stream_error(frame), sink);
        }
        let reason = match finish_reason_in(response.incomplete.reason) {
            Some(reason) => reason,
            None if self.calls.len() > self.earlier => FinishReason::ToolCalls,
            None => status.unwrap_or(FinishReason::Stop),
        };
        ends.finished_for_now(0, reason);
        ends.over();
    }

    fn output(&mut self, response: &Response<'_>, sink: &mut dyn Sink) {
        for item in response.output.read::<Few<'_, Item<'_>>>().iter() {
            if item.is_call() {
                self.open_call(Raw::default(), &item, sink);
            }
            let thinking = says(item.kind, "reasoning") || item.is_comment();
            for parts in [&item.summary, &item.content] {
                for part in parts.iter() {
                    self.text(part.text, thinking, sink);
                    self.refusal(part.refusal, sink);
                }
            }
        }
    }
}

impl Item<'_> {
    fn is_call(&self) -> bool {
        matches!(self.kind.cow().as_deref(), Some("function_call" | "custom_tool_call"))
    }

    /// A message of this phase is not the answer (the field `phase` of output messages, since GPT-5.4).
    fn is_comment(&self) -> bool {
        says(self.phase, "commentary")
    }

    fn whole_arguments(&self) -> Raw<'_> {
        if self.input.is_given() { self.input } else { self.arguments }
    }
}
