//! OpenAI's chat completions, and the compatible dialects (DeepSeek, Mistral, …): text, thinking, refusals, tool calls,
//! several choices; also the legacy text completions, which differ in one field, and whole answers where a stream was
//! asked for.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::Dialect;
use super::responses::Responses;
use crate::json::{Few, Object, Raw, number, object};
use crate::provider::decoder::says;
use crate::provider::error::stream_error;
use crate::provider::finish::finished;
use crate::provider::infill_prompt::{conversation, turn};
use crate::provider::pieces::{self, reasoning, text};
use crate::provider::profile::Target;
use crate::provider::reasoning::Spelling;
use crate::provider::request::{Draft, Result, object};
use crate::provider::usage::usage;
use crate::provider::{Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{ErrorKind, FunctionCall, Sink, StreamError, StreamToken, ToolCall};

/// Quirks of chat completions.
#[derive(Clone, Copy)]
pub(in crate::provider) struct Chat {
    /// The field that limits the tokens of an answer.
    pub(in crate::provider) limit: &'static str,
    /// What `stream_options` says; empty: it is left out.
    pub(in crate::provider) stream_options: &'static [(&'static str, bool)],
    /// How an answer that broke off is continued.
    pub(in crate::provider) resume: Resume,
}

/// How a chat continues an answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Resume {
    /// The model is told to.
    Instruction,
    /// The answer's beginning is marked by `prefix`, and comes back before what follows.
    EchoedPrefix,
    /// The same without the echo, only below `/beta` of the vendor's own server.
    BetaPrefix,
}

impl Dialect for Chat {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let seam = self.seam(target);
        // An answer's beginning is only continued below `/beta`.
        let beta = self.resume == Resume::BetaPrefix && seam == Seam::Prefill && !prompt.received.is_empty();
        let path = if beta { "/beta/chat/completions" } else { "/chat/completions" };
        let draft = Draft::to(target, path)?.chat_only()?;
        if target.model().is_empty() {
            let message = format!("Set `model` to a model of {}.", target.profile.title);
            return Err(target.refusal(ErrorKind::Model, &message));
        }
        Ok(draft.chat(prompt, seam).limits(prompt.max_tokens, self.limit).stream_options(self.stream_options))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        match self.resume {
            Resume::EchoedPrefix => Seam::EchoedPrefill,
            Resume::BetaPrefix if target.account.base_url.trim().is_empty() => Seam::Prefill,
            Resume::Instruction | Resume::BetaPrefix => Seam::Instruction,
        }
    }
}

impl Draft<'_> {
    /// Asks for `prompt` in a streamed chat. Stop strings are not sent, because an answer may begin with a code fence that
    /// they would cut.
    pub(super) fn chat(self, prompt: &Prompt, seam: Seam) -> Self {
        let conversation = conversation(prompt, self.target().account, seam);
        let mut messages = vec![turn("system", &*conversation.system), turn("user", &*conversation.user)];
        if let Some(received) = &conversation.assistant {
            // The turn itself is continued when it is marked so.
            let prefix = conversation.go_on.is_none().then_some(true);
            messages.push(object(&mut [
                ("role", "assistant".into()),
                ("content", received.as_str().into()),
                ("prefix", prefix.into()),
            ]));
            messages.extend(conversation.go_on.map(|go_on| turn("user", go_on)));
        }
        self.model().set("messages", messages).set("stream", true)
    }

    /// The limits and dials of a chat, as its model takes them. `limit` is the server's field for the number of tokens.
    pub(super) fn limits(self, tokens: u32, limit: &str) -> Self {
        let plan = self.target().plan();
        let spelling = self.target().profile.thinking.spelling;
        let limit = if plan.fixed && spelling == Spelling::Effort { "max_completion_tokens" } else { limit };
        let draft = self.set(limit, tokens.saturating_add(plan.room));
        let draft = draft.think(spelling, plan);
        if plan.fixed { draft } else { draft.temperature() }
    }

    /// What to send besides text.
    pub(super) fn stream_options(self, options: &[(&str, bool)]) -> Self {
        let mut fields: Vec<_> = options.iter().map(|(name, value)| (*name, Value::Bool(*value))).collect();
        if fields.is_empty() { self } else { self.set("stream_options", object(&mut fields)) }
    }
}

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

    struct Call<'a> {
        index = "index": Raw<'a>,
        id = "id": Raw<'a>,
        function = "function": Function<'a>,
        custom = "custom": Custom<'a>,
    }

    struct Function<'a> {
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
    }

    /// A call of a tool whose input is any text.
    struct Custom<'a> {
        name = "name": Raw<'a>,
        input = "input": Raw<'a>,
    }

    /// A part of a content that is an array, and of `reasoning_details`.
    struct Part<'a> {
        kind = "type": Raw<'a>,
        text = "text": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        summary = "summary": Raw<'a>,
    }

    /// `content` in chat completions, the other two in the legacy ones.
    struct Logprobs<'a> {
        content = "content": Raw<'a>,
        token_logprobs = "token_logprobs": Raw<'a>,
    }

    struct Logprob<'a> { logprob = "logprob": Raw<'a>, }

    struct Groq<'a> {
        usage = "usage": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

/// Decodes chunks of chat completions, legacy completions and, when a server answers with these, events of the
/// Responses API.
#[derive(Debug, Default)]
pub(super) struct ChatCompletions {
    responses: Responses,
    /// Choices of which pieces came, a bit each: a whole message behind them is no new text.
    streamed: u64,
    /// For strings with escapes; kept so that only the longest one allocates.
    scratch: String,
}

/// A decoder of a body in this format.
pub(in crate::provider) fn decoder() -> Decoder {
    Decoder::new(Framing::Sse, Box::new(ChatCompletions::default()))
}

impl Wire for ChatCompletions {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut chunk = Chunk::default();
        if frame.read(&mut chunk).is_err() {
            return ends.malformed();
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
        let kind = chunk.kind.cow().unwrap_or_default();
        if frame.event.starts_with("response.")
            || kind.starts_with("response.")
            || says(chunk.object, "response")
        {
            return self.responses.frame(frame, ends, sink);
        }
        let mut counts = [chunk.usage, chunk.x_groq.usage].into_iter().find(|counts| counts.is_given());
        let mut error = None;
        for (position, choice) in chunk.choices.iter().enumerate() {
            let index = pieces::index(choice.index).unwrap_or(position as u32);
            self.choice(&choice, index, ends, sink);
            counts = counts.or_else(|| Some(choice.usage).filter(|counts| counts.is_given()));
            error = error.or_else(|| Some(choice.error).filter(|error| error.is_given()));
        }
        if let Some(counts) = counts {
            frame.usage(counts, usage, sink);
        }
        if let Some(error) = chunk.failure(error, frame.event, frame.data) {
            ends.fail(error, sink);
        } else if chunk.choices.is_empty() && chunk.message.json().starts_with('{') {
            // Another format by a wrong address: Ollama's or Anthropic's.
            ends.malformed();
        } else if chunk.choices.is_empty() && counts.is_none() && is_foreign(&kind, frame.data) {
            ends.foreign(frame.data);
        }
    }
}

/// Whether a frame without a choice is of another format, rather than one that says nothing.
fn is_foreign(kind: &str, frame: &str) -> bool {
    !matches!(kind, "keepalive" | "ping") && frame.trim_ascii() != "{}" && !frame.contains("\"choices\"")
}

impl Chunk<'_> {
    /// The error the frame is, or has in it; `inner` is that of a choice.
    fn failure(&self, inner: Option<Raw<'_>>, event: &str, frame: &str) -> Option<StreamError<'static>> {
        let has_message = self.message.json().starts_with('"') && self.message.is_given();
        let refused = self.choices.is_empty() && (has_message || self.detail.is_given());
        if self.error.is_given() || event == "error" || says(self.object, "error") || refused {
            return Some(stream_error(frame));
        }
        let inner = inner.or_else(|| Some(self.x_groq.error).filter(|error| error.is_given()))?;
        Some(stream_error(&format!("{{\"error\":{}}}", inner.json())))
    }
}

impl ChatCompletions {
    fn choice(&mut self, choice: &Choice<'_>, index: u32, ends: &mut Ends, sink: &mut dyn Sink) {
        ends.begun(index);
        let scratch = &mut self.scratch;
        let logprob = choice.logprob();
        let bit = 1u64 << index.min(63);
        let gave = if let Some(delta) = choice.delta.get() {
            // A `message` beside it is the answer so far once more (Perplexity).
            let gave = delta.decode(index, logprob, scratch, sink);
            self.streamed |= if gave { bit } else { 0 };
            gave
        } else if choice.message.json().starts_with('{') {
            // A whole answer: from a proxy that ignores `stream`, where vLLM cannot stream, or once more behind its pieces.
            ends.marker();
            self.streamed & bit != 0 || choice.message.read::<Delta>().decode(index, logprob, scratch, sink)
        } else {
            false
        };
        // Together and the Hugging Face router mirror each piece here (BerriAI/litellm#8675).
        if !gave {
            text(choice.text, index, logprob, scratch, sink);
        }
        finished(index, choice.finish_reason, ends);
    }
}

impl Choice<'_> {
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
    /// Hands on what the piece has; whether it has anything.
    fn decode(&self, index: u32, logprob: Option<f64>, scratch: &mut String, sink: &mut dyn Sink) -> bool {
        // Some gateways send the same thought under two names.
        let names = [self.reasoning_content, self.reasoning, self.reasoning_text, self.thinking];
        let named = names.into_iter().find(|raw| raw.is_given());
        match named {
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
            call.decode(index, position as u32, scratch, sink);
        }
        if self.function_call.is_given() {
            let call: Function = self.function_call.read();
            let name = call.name.cow().filter(|name| !name.is_empty());
            let arguments = arguments(call.arguments, scratch);
            if name.is_some() || !arguments.is_empty() {
                sink.token(StreamToken::FunctionCall(FunctionCall { name, arguments: arguments.into() }));
            }
        }
        let others = [self.content, self.refusal, self.reasoning_details, self.function_call];
        named.is_some() || others.into_iter().any(Raw::is_given) || !self.tool_calls.is_empty()
    }
}

impl Call<'_> {
    fn decode(&self, choice: u32, position: u32, scratch: &mut String, sink: &mut dyn Sink) {
        let index = pieces::index(self.index).unwrap_or(position);
        let id = self.id.cow().filter(|id| !id.is_empty());
        // Third-party models at Mistral repeat an empty name.
        let names = [self.function.name, self.custom.name];
        let name = names.into_iter().find(|name| name.is_given()).and_then(Raw::cow);
        let input = if self.custom.input.is_given() { self.custom.input } else { self.function.arguments };
        let arguments = arguments(input, scratch);
        if id.is_some() || name.is_some() || !arguments.is_empty() {
            sink.token(StreamToken::ToolCall(ToolCall {
                choice,
                index,
                id,
                name,
                arguments: arguments.into(),
            }));
        }
    }
}

/// The arguments of a call: JSON in a string, or that JSON itself, as Ollama has it.
pub(super) fn arguments<'s>(raw: Raw<'s>, scratch: &'s mut String) -> &'s str {
    match raw.str(scratch) {
        Some(arguments) => arguments,
        None if raw.is_given() || raw.json() == "{}" => raw.json(),
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
        let kind = part.kind.cow().unwrap_or_default();
        if ["thinking", "reasoning"].iter().any(|thought| kind.starts_with(thought)) {
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
