//! What the wires of all formats make of values in frames.

use crate::json::Raw;
use crate::stream::{Sink, StreamToken, TextDelta, ToolCall};

/// Gives the text of choice `index`, if there is any. `logprob` is the sum of the log-probabilities of its tokens.
pub(super) fn text(
    raw: Raw<'_>,
    index: u32,
    logprob: Option<f64>,
    scratch: &mut String,
    sink: &mut dyn Sink,
) {
    let Some(content) = raw.piece(scratch) else { return };
    sink.token(match (index, logprob) {
        (0, None) => StreamToken::Text(content),
        _ => StreamToken::Delta(TextDelta { content, index, logprob }),
    });
}

/// Gives the thought, if there is one.
pub(super) fn reasoning(raw: Raw<'_>, scratch: &mut String, sink: &mut dyn Sink) {
    if let Some(thought) = raw.piece(scratch) {
        sink.token(StreamToken::Reasoning(thought));
    }
}

/// Gives a call of a tool, or a further piece of its arguments.
pub(super) fn tool_call(index: u32, id: Raw<'_>, name: Raw<'_>, arguments: &str, sink: &mut dyn Sink) {
    sink.token(StreamToken::ToolCall(ToolCall {
        choice: 0,
        index,
        id: id.cow(),
        name: name.cow(),
        arguments: arguments.into(),
    }));
}

/// Gives a further piece of the arguments of a call.
pub(super) fn tool_arguments(index: u32, arguments: &str, sink: &mut dyn Sink) {
    tool_call(index, Raw::default(), Raw::default(), arguments, sink);
}

/// The number of a choice or a call.
pub(super) fn index(raw: Raw<'_>) -> Option<u32> {
    raw.number().and_then(|index| u32::try_from(index).ok())
}
