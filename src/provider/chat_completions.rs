//! The wire of OpenAI's chat completions, and of the many who speak it with an accent: text, thinking,
//! refusals, tool calls, several choices; also of the legacy text completions, which differ in one
//! field, and of whole answers where a stream was asked for.

mod body;
#[cfg(test)]
mod tests;

use super::decoder::{Decoder, Ends, Frame, Framing, Wire};
use super::error::stream_error;
use super::finish::finish_reason;
use super::responses::Responses;
use super::usage::usage;
use crate::sse::json::{Few, Object, Raw, number, object};
use crate::stream::{FunctionCall, Sink, StreamError, StreamToken, TextDelta, ToolCall};

object! {
    struct Chunk<'a> {
        error = "error": Raw<'a>,
        choices = "choices": Few<'a, Choice<'a>>,
        usage = "usage": Raw<'a>,
        x_groq = "x_groq": Groq<'a>,
        kind = "type": Raw<'a>,
        object = "object": Raw<'a>,
        message = "message": Raw<'a>,
        detail = "detail": Raw<'a>,
    }
}

object! {
    struct Choice<'a> {
        index = "index": Raw<'a>,
        delta = "delta": Object<Delta<'a>>,
        message = "message": Raw<'a>,
        text = "text": Raw<'a>,
        logprobs = "logprobs": Raw<'a>,
        finish_reason = "finish_reason": Raw<'a>,
        error = "error": Raw<'a>,
        // Where Moonshot has it.
        usage = "usage": Raw<'a>,
    }
}

object! {
    struct Delta<'a> {
        content = "content": Raw<'a>,
        reasoning_content = "reasoning_content": Raw<'a>,
        reasoning = "reasoning": Raw<'a>,
        // GitHub Copilot's name for it, and that of gateways to Claude.
        reasoning_text = "reasoning_text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        reasoning_details = "reasoning_details": Raw<'a>,
        refusal = "refusal": Raw<'a>,
        tool_calls = "tool_calls": Few<'a, Call<'a>>,
        function_call = "function_call": Raw<'a>,
    }
}

object! {
    struct Call<'a> {
        index = "index": Raw<'a>,
        id = "id": Raw<'a>,
        function = "function": Function<'a>,
        custom = "custom": Custom<'a>,
    }
}

object! {
    struct Function<'a> {
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
    }
}

object! {
    /// A call of a tool whose input is any text.
    struct Custom<'a> {
        name = "name": Raw<'a>,
        input = "input": Raw<'a>,
    }
}

object! {
    /// A part of a content that is an array, and of `reasoning_details`.
    struct Part<'a> {
        kind = "type": Raw<'a>,
        text = "text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        summary = "summary": Raw<'a>,
    }
}

object! {
    /// `content` in chat completions, the other two in the legacy ones.
    struct Logprobs<'a> {
        content = "content": Raw<'a>,
        token_logprobs = "token_logprobs": Raw<'a>,
    }
}

object! {
    struct Logprob<'a> {
        logprob = "logprob": Raw<'a>,
    }
}

object! {
    struct Groq<'a> {
        usage = "usage": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

/// Decodes chunks of chat completions, legacy completions and, when a server answers with these,
/// events of the Responses API.
#[derive(Debug, Default)]
pub(super) struct ChatCompletions {
    responses: Responses,
    /// For strings with escapes; kept so that only the longest one allocates.
    scratch: String,
}

/// A decoder of a body in this format.
pub(super) fn decoder() -> Decoder {
    Decoder::new(Framing::Sse, Box::new(ChatCompletions::default()))
}

impl Wire for ChatCompletions {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut chunk = Chunk::default();
        if frame.read(&mut chunk).is_err() {
            return ends.malformed(frame.data, sink);
        }
        if frame.data.trim_ascii_start().starts_with('[') {
            // Google's dialect wraps errors.
            let mut elements = Few::<'_, Raw<'_>>::default();
            // The text has been read before.
            let _ = frame.read(&mut elements);
            return elements
                .iter()
                .for_each(|element| self.frame(&mut Frame::new(frame.event, element.json()), ends, sink));
        }
        let scratch = &mut self.scratch;
        let is_response =
            frame.event.starts_with("response.") || chunk.kind.json().starts_with("\"response.");
        if is_response || chunk.object.json() == "\"response\"" {
            return self.responses.frame(frame, ends, sink);
        }
        let mut counts = [chunk.usage, chunk.x_groq.usage].into_iter().find(|counts| counts.is_given());
        let mut error = None;
        for (position, choice) in chunk.choices.iter().enumerate() {
            let index = choice.index.number().and_then(|index| u32::try_from(index).ok());
            choice.decode(index.unwrap_or(position as u32), scratch, ends, sink);
            counts = counts.or_else(|| Some(choice.usage).filter(|counts| counts.is_given()));
            error = error.or_else(|| Some(choice.error).filter(|error| error.is_given()));
        }
        if let Some(counts) = counts {
            frame.usage(counts, usage, sink);
        }
        if let Some(error) = chunk.failure(error, frame.event, frame.data) {
            ends.fail(error, sink);
        } else if chunk.choices.is_empty() && chunk.message.json().starts_with('{') {
            // Another format: Ollama's or Anthropic's, by a wrong address.
            ends.malformed(frame.data, sink);
        }
    }
}

impl Chunk<'_> {
    /// The error the frame is, or has in it; `inner` is that of a choice.
    fn failure(&self, inner: Option<Raw<'_>>, event: &str, frame: &str) -> Option<StreamError<'static>> {
        let says = self.message.json().starts_with('"') && self.message.is_given();
        let refused = self.choices.is_empty() && (says || self.detail.is_given());
        if self.error.is_given() || event == "error" || self.object.json() == "\"error\"" || refused {
            return Some(stream_error(frame));
        }
        let inner = inner.or_else(|| Some(self.x_groq.error).filter(|error| error.is_given()))?;
        Some(stream_error(&format!("{{\"error\":{}}}", inner.json())))
    }
}

impl Choice<'_> {
    fn decode(&self, index: u32, scratch: &mut String, ends: &mut Ends, sink: &mut dyn Sink) {
        ends.begun(index);
        let logprob = self.logprob();
        text(self.text, index, logprob, scratch, sink);
        if let Some(delta) = self.delta.get() {
            // A `message` beside it is the answer so far once more (Perplexity).
            delta.decode(index, logprob, scratch, sink);
        } else if self.message.json().starts_with('{') {
            // A whole answer: from a proxy that ignores `stream`, or where vLLM cannot.
            self.message.read::<Delta>().decode(index, logprob, scratch, sink);
            ends.marker();
        }
        if let Some(reason) = self.finish_reason.str(scratch).and_then(finish_reason) {
            ends.finished(index, reason);
        }
    }

    /// The sum of the log-probabilities of this piece's tokens.
    fn logprob(&self) -> Option<f64> {
        if !self.logprobs.is_given() {
            return None;
        }
        let logprobs: Logprobs = self.logprobs.read();
        let mut sum = None;
        let mut add = |raw: Raw<'_>| {
            if let Some(logprob) = number(raw.json()) {
                sum = Some(sum.unwrap_or(0.0) + logprob);
            }
        };
        logprobs.content.each(|token: Logprob<'_>| add(token.logprob));
        logprobs.token_logprobs.each(add);
        sum
    }
}

impl Delta<'_> {
    fn decode(&self, index: u32, logprob: Option<f64>, scratch: &mut String, sink: &mut dyn Sink) {
        // Some gateways send the same thought under two names.
        let names = [self.reasoning_content, self.reasoning, self.reasoning_text, self.thinking];
        match names.into_iter().find(|raw| raw.is_given()) {
            Some(named) => thought(named, scratch, sink),
            None => self.reasoning_details.each(|part: Part<'_>| {
                reasoning(part.text, scratch, sink);
                thought(part.summary, scratch, sink);
            }),
        }
        if self.content.json().starts_with('[') {
            content_parts(self.content, index, logprob, scratch, sink);
        } else {
            text(self.content, index, logprob, scratch, sink);
        }
        if let Some(refusal) = self.refusal.str(scratch).filter(|refusal| !refusal.is_empty()) {
            sink.token(StreamToken::Refusal(refusal.into()));
        }
        for (position, call) in self.tool_calls.iter().enumerate() {
            call.decode(position as u32, scratch, sink);
        }
        if self.function_call.is_given() {
            let call: Function = self.function_call.read();
            let name = call.name.cow().filter(|name| !name.is_empty());
            let arguments = arguments(call.arguments, scratch);
            if name.is_some() || !arguments.is_empty() {
                sink.token(StreamToken::FunctionCall(FunctionCall { name, arguments: arguments.into() }));
            }
        }
    }
}

impl Call<'_> {
    fn decode(&self, position: u32, scratch: &mut String, sink: &mut dyn Sink) {
        let index = self.index.number().and_then(|index| u32::try_from(index).ok()).unwrap_or(position);
        let id = self.id.cow().filter(|id| !id.is_empty());
        // Third-party models at Mistral repeat an empty name.
        let names = [self.function.name, self.custom.name];
        let name = names.into_iter().find(|name| name.is_given()).and_then(Raw::cow);
        let input = if self.custom.input.is_given() { self.custom.input } else { self.function.arguments };
        let arguments = arguments(input, scratch);
        if id.is_some() || name.is_some() || !arguments.is_empty() {
            sink.token(StreamToken::ToolCall(ToolCall { index, id, name, arguments: arguments.into() }));
        }
    }
}

/// The arguments of a call: JSON in a string, or that JSON itself, as Ollama has it.
pub(super) fn arguments<'s>(raw: Raw<'s>, scratch: &'s mut String) -> &'s str {
    match raw.str(scratch) {
        Some(arguments) => arguments,
        None if raw.is_given() => raw.json(),
        None => "",
    }
}

/// Content that is an array: parts of text, and parts of thinking.
fn content_parts(
    content: Raw<'_>,
    index: u32,
    logprob: Option<f64>,
    scratch: &mut String,
    sink: &mut dyn Sink,
) {
    content.each(|part: Part<'_>| {
        if ["\"thinking", "\"reasoning"].iter().any(|kind| part.kind.json().starts_with(kind)) {
            reasoning(part.text, scratch, sink);
        } else {
            text(part.text, index, logprob, scratch, sink);
        }
        thought(part.thinking, scratch, sink);
        thought(part.summary, scratch, sink);
    });
}

/// A thought that is a string, or an array of parts of text (Mistral's `thinking`, Databricks' `summary`).
fn thought(raw: Raw<'_>, scratch: &mut String, sink: &mut dyn Sink) {
    reasoning(raw, scratch, sink);
    raw.each(|part: Part<'_>| reasoning(part.text, scratch, sink));
}

fn text(raw: Raw<'_>, index: u32, logprob: Option<f64>, scratch: &mut String, sink: &mut dyn Sink) {
    let Some(content) = raw.str(scratch).filter(|text| !text.is_empty()) else { return };
    let content = content.into();
    sink.token(match (index, logprob) {
        (0, None) => StreamToken::Text(content),
        _ => StreamToken::Delta(TextDelta { content, index, logprob }),
    });
}

fn reasoning(raw: Raw<'_>, scratch: &mut String, sink: &mut dyn Sink) {
    if let Some(thought) = raw.str(scratch).filter(|thought| !thought.is_empty()) {
        sink.token(StreamToken::Reasoning(thought.into()));
    }
}
