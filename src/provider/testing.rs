//! What the formats' tests share.

use super::Decoder;
use crate::stream::{Decode, StreamToken};

/// The tokens of a body, one line each; the same at every chunk size, or it panics.
pub(super) fn decoded(decoder: impl Fn() -> Decoder, body: &[u8]) -> Vec<String> {
    let whole = decoded_by(decoder(), body, body.len().max(1));
    for size in [1, 7, 1460] {
        assert_eq!(decoded_by(decoder(), body, size), whole, "at chunk size {size}");
    }
    whole
}

fn decoded_by(mut decoder: Decoder, body: &[u8], size: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut sink = |token: StreamToken<'_>| lines.push(line(&token));
    for chunk in body.chunks(size) {
        decoder.feed(chunk, &mut sink);
    }
    decoder.finish(&mut sink);
    lines
}

/// A token on one line.
fn line(token: &StreamToken<'_>) -> String {
    let option = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
    let count = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    match token {
        StreamToken::Text(text) => format!("text {text}"),
        StreamToken::Delta(delta) => match delta.logprob {
            Some(logprob) => format!("text#{} {} ({logprob})", delta.index, delta.content),
            None => format!("text#{} {}", delta.index, delta.content),
        },
        StreamToken::Reasoning(text) => format!("reasoning {text}"),
        StreamToken::Refusal(text) => format!("refusal {text}"),
        StreamToken::FunctionCall(call) => format!("function {} {}", option(&call.name), call.arguments),
        StreamToken::ToolCall(call) => {
            format!("tool#{} {} {} {}", call.index, option(&call.id), option(&call.name), call.arguments)
        }
        StreamToken::Usage(usage) => format!(
            "usage {} {} {} {}",
            count(usage.input),
            count(usage.output),
            count(usage.cached),
            count(usage.reasoning)
        ),
        StreamToken::Done(done) => format!("done#{} {}", done.index, done.reason.as_str()),
        StreamToken::Error(error) => {
            format!("error {} {} {}", error.kind.as_str(), option(&error.code), error.message)
        }
    }
}
