//! Answers whose text is decoded from the token ids that the server sends.

use super::{Decode, Done, ErrorKind, FinishReason, Sink, StreamError, StreamToken, TextDelta, TokenDecoder};
use crate::json::{self, Few, Raw, object};
use crate::sse::{self, Frame, Parser, Policy};

object! {
    struct Event<'a> {
        // llama.cpp's own format.
        tokens = "tokens": Raw<'a>,
        stop = "stop": Raw<'a>,
        stop_type = "stop_type": Raw<'a>,
        // OpenAI's, with what vLLM adds to it.
        choices = "choices": Few<'a, Choice<'a>>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Choice<'a> {
        index = "index": Raw<'a>,
        token_ids = "token_ids": Raw<'a>,
        finish_reason = "finish_reason": Raw<'a>,
    }
}

/// Decodes event streams by their token ids and not by their text: llama.cpp's `/completion` with
/// `"return_tokens": true` and vLLM's completions with `"return_token_ids": true`.
///
/// Ids are exact where text is not: special tokens that the server strips, and characters whose bytes are
/// split between tokens.
///
/// ```
/// use ai_completion::stream::{StreamPipelineBuilder, StreamToken, TokenDecoder, TokenIdDecoder};
///
/// let body = concat!(
///     "data: {\"choices\":[{\"index\":0,\"token_ids\":[9468],\"finish_reason\":null}]}\n\n",
///     "data: {\"choices\":[{\"index\":0,\"token_ids\":[99,222],\"finish_reason\":\"stop\"}]}\n\n",
///     "data: [DONE]\n\n",
/// );
/// let mut pipeline = StreamPipelineBuilder::new(TokenIdDecoder::new(TokenDecoder::new("gpt-4")?)).build();
/// let mut answer = String::new();
/// let mut sink = |token: StreamToken<'_>| answer.push_str(token.text().unwrap_or_default());
/// pipeline.push(body.as_bytes(), &mut sink);
/// pipeline.finish(&mut sink);
/// assert_eq!(answer, "🦀");
/// # Ok::<(), ai_completion::stream::TokenDecoderError>(())
/// ```
#[derive(Debug)]
pub struct TokenIdDecoder {
    parser: Parser,
    answer: Answer,
}

#[derive(Debug)]
struct Answer {
    /// What each choice begins with.
    fresh: TokenDecoder,
    choices: Vec<(u32, TokenDecoder)>,
    ends: Vec<Done>,
    marker: bool,
    failed: bool,
}

impl TokenIdDecoder {
    /// Reads ids of this vocabulary.
    pub fn new(vocabulary: TokenDecoder) -> Self {
        let answer =
            Answer { fresh: vocabulary, choices: Vec::new(), ends: Vec::new(), marker: false, failed: false };
        Self { parser: Parser::with_policy(Policy::LENIENT), answer }
    }

    /// The decoder of choice `index`, for its counts; `None` before its first id.
    pub fn choice(&self, index: u32) -> Option<&TokenDecoder> {
        self.answer.choices.iter().find(|(choice, _)| *choice == index).map(|(_, ids)| ids)
    }
}

impl Decode for TokenIdDecoder {
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        let mut frames = self.parser.feed(chunk);
        while let Some(frame) = frames.next() {
            self.answer.frame(frame, sink);
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        if let Some(frame) = self.parser.finish() {
            self.answer.frame(frame, sink);
        }
        self.answer.finish(sink);
    }
}

impl Answer {
    fn frame(&mut self, frame: Result<Frame<'_>, sse::Error>, sink: &mut dyn Sink) {
        if self.failed || self.marker {
            return;
        }
        let data = match frame {
            Ok(frame) => frame.data,
            Err(error) => return self.fail(ErrorKind::Limit, &error.to_string(), sink),
        };
        if data.trim_ascii() == "[DONE]" {
            self.marker = true;
            return;
        }
        let Ok(event) = json::from_str::<Event<'_>>(data) else {
            return self.fail(ErrorKind::Malformed, "an event of the stream is not JSON", sink);
        };
        if event.error.is_given() {
            return self.fail(ErrorKind::Transient, event.error.json(), sink);
        }
        self.ids(0, event.tokens, sink);
        if event.stop.json() == "true" {
            self.end(0, event.stop_type, sink);
            self.marker = true;
        }
        for (position, choice) in event.choices.iter().enumerate() {
            let index = choice.index.number().and_then(|index| u32::try_from(index).ok());
            let index = index.unwrap_or(position as u32);
            self.ids(index, choice.token_ids, sink);
            if choice.finish_reason.is_given() {
                self.end(index, choice.finish_reason, sink);
            }
        }
    }

    fn ids(&mut self, index: u32, ids: Raw<'_>, sink: &mut dyn Sink) {
        let mut wrong = None;
        let decoder = self.decoder(index);
        ids.each(|id: Raw<'_>| match id.number().and_then(|id| u32::try_from(id).ok()) {
            Some(id) if wrong.is_none() => match decoder.decode(id) {
                Ok(text) => give(index, text, sink),
                Err(error) => wrong = Some(error.to_string()),
            },
            Some(_) => {}
            None => wrong = Some(format!("`{}` is not a token id", id.json())),
        });
        if let Some(message) = wrong {
            self.fail(ErrorKind::Malformed, &message, sink);
        }
    }

    fn decoder(&mut self, index: u32) -> &mut TokenDecoder {
        let at = self.choices.iter().position(|(choice, _)| *choice == index).unwrap_or_else(|| {
            self.choices.push((index, self.fresh.clone()));
            self.choices.len() - 1
        });
        &mut self.choices[at].1
    }

    fn end(&mut self, index: u32, reason: Raw<'_>, sink: &mut dyn Sink) {
        let reason = match reason.json() {
            "\"stop\"" | "\"eos\"" | "\"word\"" | "" => FinishReason::Stop,
            "\"length\"" | "\"limit\"" => FinishReason::Length,
            _ => FinishReason::Other,
        };
        give(index, self.decoder(index).flush(), sink);
        if self.ends.iter().all(|end| end.index != index) {
            self.ends.push(Done { reason, index });
        }
    }

    fn fail(&mut self, kind: ErrorKind, message: &str, sink: &mut dyn Sink) {
        if !std::mem::replace(&mut self.failed, true) {
            let message = message.to_owned().into();
            sink.token(StreamToken::Error(StreamError { kind, code: None, message, retry_after_ms: None }));
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        let all_ended = self.choices.iter().all(|(index, _)| self.ends.iter().any(|end| end.index == *index));
        if self.ends.is_empty() || !(all_ended || self.marker) {
            self.fail(ErrorKind::Truncated, "the answer ended before its end marker", sink);
        }
        if !std::mem::replace(&mut self.failed, true) {
            self.ends.drain(..).for_each(|end| sink.token(StreamToken::Done(end)));
        }
    }
}

fn give(index: u32, text: &str, sink: &mut dyn Sink) {
    if text.is_empty() {
        return;
    }
    let content = text.into();
    sink.token(match index {
        0 => StreamToken::Text(content),
        _ => StreamToken::Delta(TextDelta { content, index, logprob: None }),
    });
}

#[cfg(test)]
mod tests {
    use super::super::StreamPipelineBuilder;
    use super::*;

    /// What a body decodes to in chunks of `size` bytes: text by choice, `.` and the reason, `!` and the
    /// error.
    fn decoded(body: &str, size: usize) -> Vec<String> {
        let vocabulary = TokenDecoder::new("cl100k_base").unwrap();
        let mut pipeline = StreamPipelineBuilder::new(TokenIdDecoder::new(vocabulary)).build();
        let mut seen: Vec<String> = Vec::new();
        let mut sink = |token: StreamToken<'_>| {
            seen.push(match &token {
                StreamToken::Done(done) => format!("{}.{}", done.index, done.reason.as_str()),
                StreamToken::Error(error) => format!("!{}", error.message),
                _ => format!("{}:{}", token.choice(), token.text().unwrap()),
            });
        };
        for chunk in body.as_bytes().chunks(size) {
            pipeline.push(chunk, &mut sink);
        }
        pipeline.finish(&mut sink);
        seen
    }

    #[test]
    fn ids_of_every_server_become_text_at_any_chunking() {
        let table: &[(&str, &[&str])] = &[
            // llama.cpp, `/completion` with `return_tokens`: a character in three tokens.
            (
                "data: {\"index\":0,\"content\":\"\",\"tokens\":[9468],\"stop\":false}\n\n\
                 data: {\"index\":0,\"content\":\"\",\"tokens\":[99,222],\"stop\":false}\n\n\
                 data: {\"content\":\"\",\"tokens\":[],\"stop\":true,\"stop_type\":\"limit\"}\n\n",
                &["0:🦀", "0.length"],
            ),
            // vLLM, two choices and a prompt's ids, which are not the answer's.
            (
                "data: {\"choices\":[{\"index\":1,\"token_ids\":[9906],\"prompt_token_ids\":[1,2]},{\"index\":0,\"token_ids\":[1917]}]}\n\n\
                 data: {\"choices\":[{\"index\":0,\"token_ids\":[],\"finish_reason\":\"stop\"}]}\n\n\
                 data: {\"choices\":[{\"index\":1,\"token_ids\":[0],\"finish_reason\":\"length\"}]}\n\n\
                 data: [DONE]\n\n",
                &["1:Hello", "0: world", "1:!", "0.stop", "1.length"],
            ),
            // The end comes in the middle of a character.
            (
                "data: {\"choices\":[{\"token_ids\":[9468],\"finish_reason\":\"stop\"}]}\n\n",
                &["0:\u{FFFD}", "0.stop"],
            ),
            ("data: {\"tokens\":[9906]}\n\n", &["0:Hello", "!the answer ended before its end marker"]),
            ("data: {\"tokens\":[-1]}\n\n", &["!`-1` is not a token id"]),
            ("data: {\"tokens\":[4000000000]}\n\n", &["!no token has the id 4000000000 in this vocabulary"]),
            ("data: {\"error\":\"out of memory\"}\n\n", &["!\"out of memory\""]),
            ("data: hello\n\n", &["!an event of the stream is not JSON"]),
        ];
        for (body, expected) in table {
            for size in [1, 7, body.len()] {
                assert_eq!(decoded(body, size), *expected, "{body} by {size}");
            }
        }
    }
}
