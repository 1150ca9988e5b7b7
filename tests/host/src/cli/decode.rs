//! `volt decode`: what a provider's decoder makes of a recorded answer.

use std::io::Write;

use ai_completion::provider::{self, Framing, Provider};
use ai_completion::stream::{Decode, StreamToken};
use lexopt::{Arg, ValueExt};
use serde::Serialize;

use super::{Failure, chunk_size, find_provider, print_json, recording, unexpected, usage};

/// One line of output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "is_first")]
        index: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        logprob: Option<f64>,
    },
    Reasoning {
        text: &'a str,
    },
    Refusal {
        text: &'a str,
    },
    FunctionCall {
        name: Option<&'a str>,
        arguments: &'a str,
    },
    ToolCall {
        #[serde(skip_serializing_if = "is_first")]
        choice: u32,
        index: u32,
        id: Option<&'a str>,
        name: Option<&'a str>,
        arguments: &'a str,
    },
    Usage {
        input: Option<u64>,
        output: Option<u64>,
        cached: Option<u64>,
        reasoning: Option<u64>,
    },
    Done {
        reason: &'static str,
        #[serde(skip_serializing_if = "is_first")]
        index: u32,
    },
    Error {
        kind: &'static str,
        code: Option<&'a str>,
        message: &'a str,
        retry_after_ms: Option<u64>,
    },
    /// A kind of token that this tool is too old to know.
    Unknown {
        token: String,
    },
}

fn is_first(index: &u32) -> bool {
    *index == 0
}

impl<'a> From<&'a StreamToken<'_>> for Line<'a> {
    fn from(token: &'a StreamToken<'_>) -> Self {
        match token {
            StreamToken::Text(text) => Self::Text { text, index: 0, logprob: None },
            StreamToken::Delta(delta) => {
                Self::Text { text: &delta.content, index: delta.index, logprob: delta.logprob }
            }
            StreamToken::Reasoning(text) => Self::Reasoning { text },
            StreamToken::Refusal(text) => Self::Refusal { text },
            StreamToken::FunctionCall(call) => {
                Self::FunctionCall { name: call.name.as_deref(), arguments: &call.arguments }
            }
            StreamToken::ToolCall(call) => Self::ToolCall {
                choice: call.choice,
                index: call.index,
                id: call.id.as_deref(),
                name: call.name.as_deref(),
                arguments: &call.arguments,
            },
            StreamToken::Usage(usage) => Self::Usage {
                input: usage.input,
                output: usage.output,
                cached: usage.cached,
                reasoning: usage.reasoning,
            },
            StreamToken::Done(done) => Self::Done { reason: done.reason.as_str(), index: done.index },
            StreamToken::Error(error) => Self::Error {
                kind: error.kind.as_str(),
                code: error.code.as_deref(),
                message: &error.message,
                retry_after_ms: error.retry_after_ms,
            },
            other => Self::Unknown { token: format!("{other:?}") },
        }
    }
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut file = None;
    let mut chunk = usize::MAX;
    let mut name = None;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Value(value) if file.is_none() => file = Some(value),
            Arg::Long("chunk") => chunk = chunk_size(&mut args)?,
            Arg::Short('p') | Arg::Long("provider") => name = Some(args.value()?.string()?),
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(help().as_bytes())?),
            other => return Err(unexpected(other, &help(), "decode")),
        }
    }
    let name = name.ok_or_else(|| usage("whose answer is it? Give --provider", "decode"))?;
    let provider = find_provider(&name)?;
    let file = file.ok_or_else(|| usage("which FILE?", "decode"))?;
    let mut body = recording::read(&file)?;
    if recording::is_unframed(&file) && provider.decoder().framing() == Framing::Sse {
        body = recording::frame(&body);
    }
    print(provider, &body, chunk, out)
}

fn print(provider: &dyn Provider, body: &[u8], chunk: usize, out: &mut dyn Write) -> Result<(), Failure> {
    let mut decoder = provider.decoder();
    let mut result = Ok(());
    let mut sink = |token: StreamToken<'_>| {
        if result.is_ok() {
            result = print_json(&Line::from(&token), out);
        }
    };
    for chunk in body.chunks(chunk) {
        decoder.feed(chunk, &mut sink);
    }
    decoder.finish(&mut sink);
    result
}

fn help() -> String {
    format!(
        "\
Print the tokens of a recorded answer of a model, one JSON object per line

Usage: cargo volt decode --provider P [--chunk N] FILE

  FILE              The response's body as it came from the server; `-` reads standard input.
                    A file *.chunks.jsonl holds one payload per line of an event stream whose
                    `data: ` and blank lines were removed.
  -p, --provider P  Whose format it is, by the name in the settings, one of those below
  --chunk N         Feed the decoder N bytes at a time instead of all at once. The output must be the same.

Lines, by `type`:
  text           text, and where given: index (of a choice other than the first), logprob
  reasoning      text
  refusal        text
  tool_call      index, id, name, arguments (pieces with the same index belong together)
  function_call  name, arguments
  usage          input, output, cached, reasoning (tokens)
  done           reason, and index of a choice other than the first
  error          kind, code, message, retry_after_ms

An answer that ends in an error is printed like any other, with exit code 0.

Providers:
  {}
",
        provider::names().collect::<Vec<_>>().join("\n  ")
    )
}

#[cfg(test)]
mod tests;
