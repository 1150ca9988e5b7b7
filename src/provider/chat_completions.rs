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
use crate::sse::json::{Few, Raw, number, object};
use crate::stream::{FunctionCall, Sink, StreamError, StreamToken, TextDelta, ToolCall};

object! {
    struct Chunk<'a> {
        error = "error": Raw<'a>,
        choices = "choices": Few<Choice<'a>>,
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
        delta = "delta": Delta<'a>,
        message = "message": Raw<'a>,
        text = "text": Raw<'a>,
        logprobs = "logprobs": Raw<'a>,
        finish_reason = "finish_reason": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Delta<'a> {
        content = "content": Raw<'a>,
        reasoning_content = "reasoning_content": Raw<'a>,
        reasoning = "reasoning": Raw<'a>,
        reasoning_details = "reasoning_details": Raw<'a>,
        refusal = "refusal": Raw<'a>,
        tool_calls = "tool_calls": Few<Call<'a>>,
        function_call = "function_call": Raw<'a>,
    }
}

object! {
    struct Call<'a> {
        index = "index": Raw<'a>,
        id = "id": Raw<'a>,
        function = "function": Function<'a>,
    }
}

object! {
    struct Function<'a> {
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
    }
}

object! {
    /// A part of a content that is an array, and of `reasoning_details`.
    struct Part<'a> {
        text = "text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
    }
}

object! {
    /// `content` in chat completions, the other two in the legacy ones.
    struct Logprobs<'a> {
        content = "content": Few<Logprob<'a>>,
        token_logprobs = "token_logprobs": Few<Raw<'a>>,
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
        let scratch = &mut self.scratch;
        if chunk.kind.json().starts_with("\"response.") || chunk.object.json() == "\"response\"" {
            return self.responses.frame(frame, ends, sink);
        }
        for (position, choice) in chunk.choices.iter().enumerate() {
            let index = choice.index.number().and_then(|index| u32::try_from(index).ok());
            choice.decode(index.unwrap_or(position as u32), scratch, ends, sink);
        }
        let counts = if chunk.usage.is_given() { chunk.usage } else { chunk.x_groq.usage };
        if counts.is_given() {
            sink.token(StreamToken::Usage(usage(counts)));
        }
        if let Some(error) = chunk.failure(frame.event, frame.data) {
            ends.fail(error, sink);
        }
    }
}

impl Chunk<'_> {
    /// The error the frame is, or has in it.
    fn failure(&self, event: &str, frame: &str) -> Option<StreamError<'static>> {
        let refused = self.choices.is_empty() && (self.message.is_given() || self.detail.is_given());
        if self.error.is_given() || event == "error" || self.object.json() == "\"error\"" || refused {
            return Some(stream_error(frame));
        }
        let choices = self.choices.iter().map(|choice| choice.error);
        let inner = choices.chain([self.x_groq.error]).find(|error| error.is_given())?;
        Some(stream_error(&format!("{{\"error\":{}}}", inner.json())))
    }
}

impl Choice<'_> {
    fn decode(&self, index: u32, scratch: &mut String, ends: &mut Ends, sink: &mut dyn Sink) {
        ends.begun(index);
        let logprob = self.logprob();
        self.delta.decode(index, logprob, scratch, sink);
        text(self.text, index, logprob, scratch, sink);
        if self.message.is_given() {
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
        logprobs
            .content
            .iter()
            .map(|token| token.logprob)
            .chain(logprobs.token_logprobs.iter().copied())
            .filter_map(|raw| number(raw.json()))
            .reduce(|sum, logprob| sum + logprob)
    }
}

impl Delta<'_> {
    fn decode(&self, index: u32, logprob: Option<f64>, scratch: &mut String, sink: &mut dyn Sink) {
        // Some gateways send the same thought under two names.
        let thought = [self.reasoning_content, self.reasoning].into_iter().find(|raw| raw.is_given());
        match thought {
            Some(thought) => reasoning(thought, scratch, sink),
            None if self.reasoning_details.is_given() => {
                for part in self.reasoning_details.read::<Few<Part>>().iter() {
                    reasoning(part.text, scratch, sink);
                }
            }
            None => {}
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
            let name = call.name.cow();
            let arguments = call.arguments.str(scratch).unwrap_or_default().into();
            sink.token(StreamToken::FunctionCall(FunctionCall { name, arguments }));
        }
    }
}

impl Call<'_> {
    fn decode(&self, position: u32, scratch: &mut String, sink: &mut dyn Sink) {
        let index = self.index.number().and_then(|index| u32::try_from(index).ok()).unwrap_or(position);
        let id = self.id.cow().filter(|id| !id.is_empty());
        // Third-party models at Mistral repeat an empty name.
        let name = self.function.name.cow().filter(|name| !name.is_empty());
        let arguments = match self.function.arguments.str(scratch) {
            Some(arguments) => arguments,
            // Ollama's object instead of a string that holds one.
            None if self.function.arguments.is_given() => self.function.arguments.json(),
            None => "",
        };
        sink.token(StreamToken::ToolCall(ToolCall { index, id, name, arguments: arguments.into() }));
    }
}

/// Mistral's array-valued content: text parts, and thinking parts that are arrays of text parts.
fn content_parts(
    content: Raw<'_>,
    index: u32,
    logprob: Option<f64>,
    scratch: &mut String,
    sink: &mut dyn Sink,
) {
    for part in content.read::<Few<Part>>().iter() {
        text(part.text, index, logprob, scratch, sink);
        if part.thinking.json().starts_with('[') {
            for thought in part.thinking.read::<Few<Part>>().iter() {
                reasoning(thought.text, scratch, sink);
            }
        } else {
            reasoning(part.thinking, scratch, sink);
        }
    }
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
