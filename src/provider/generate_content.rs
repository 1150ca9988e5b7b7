//! Google's `generateContent` format: what Gemini's own API and Vertex stream, as SSE or as one JSON array.

use serde_json::{Map, Value, json};

use super::chat_completions::ChatCompletions;
use super::error::stream_error;
use super::finish::finish_reason;
use super::hole::{conversation, stops};
use super::request::Draft;
use super::url::segment;
use super::{Account, Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::sse::json::{Few, Raw, Scanner, object};
use crate::stream::{ErrorKind, Sink, StreamError, StreamToken, TextDelta, ToolCall, Usage};

/// Decodes `GenerateContentResponse` chunks.
#[derive(Debug, Default)]
pub(super) struct GenerateContent {
    tools: u32,
    scratch: String,
    /// A gateway in OpenAI's dialect, or a proxy's complaint.
    other: ChatCompletions,
}

object! {
    struct Chunk<'a> {
        candidates = "candidates": Few<'a, Candidate<'a>>,
        feedback = "promptFeedback": Feedback<'a>,
        usage = "usageMetadata": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Candidate<'a> {
        index = "index": Raw<'a>,
        content = "content": Content<'a>,
        finish_reason = "finishReason": Raw<'a>,
    }
}

object! {
    struct Content<'a> {
        parts = "parts": Few<'a, Part<'a>>,
    }
}

object! {
    struct Part<'a> {
        text = "text": Raw<'a>,
        thought = "thought": Raw<'a>,
        call = "functionCall": Raw<'a>,
    }
}

object! {
    struct Call<'a> {
        id = "id": Raw<'a>,
        name = "name": Raw<'a>,
        args = "args": Raw<'a>,
    }
}

object! {
    struct Feedback<'a> {
        reason = "blockReason": Raw<'a>,
        message = "blockReasonMessage": Raw<'a>,
    }
}

object! {
    struct Counts<'a> {
        input = "promptTokenCount": Raw<'a>,
        output = "candidatesTokenCount": Raw<'a>,
        cached = "cachedContentTokenCount": Raw<'a>,
        thoughts = "thoughtsTokenCount": Raw<'a>,
    }
}

impl Wire for GenerateContent {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut chunk = Chunk::default();
        if frame.read(&mut chunk).is_err() {
            return ends.malformed(frame.data, sink);
        }
        if chunk.error.is_given() {
            return ends.fail(stream_error(frame.data), sink);
        }
        for candidate in chunk.candidates.iter() {
            // Some servers leave the index of the first, or only, candidate out.
            let index = candidate.index.number().and_then(|index| index.try_into().ok()).unwrap_or(0);
            ends.begun(index);
            for part in candidate.content.parts.iter() {
                self.part(index, &part, sink);
            }
            // Some servers say `STOP` on every chunk, before they say how it really ended.
            if let Some(reason) = candidate.finish_reason.cow().and_then(|name| finish_reason(&name)) {
                ends.finished_for_now(index, reason);
            }
        }
        if chunk.usage.is_given() {
            frame.usage(chunk.usage, usage, sink);
        }
        if let Some(reason) = chunk.feedback.reason.cow() {
            let message = chunk.feedback.message.cow().unwrap_or("The prompt was blocked.".into());
            let error =
                StreamError { kind: ErrorKind::Filtered, code: Some(reason), message, retry_after_ms: None };
            return ends.fail(error, sink);
        }
        if chunk.candidates.is_empty() && !chunk.usage.is_given() {
            self.other.frame(frame, ends, sink);
        }
    }
}

fn usage(json: &mut Scanner<'_>) -> Usage {
    let counts: Counts<'_> = json.read();
    Usage {
        input: counts.input.number(),
        output: counts.output.number(),
        cached: counts.cached.number(),
        reasoning: counts.thoughts.number(),
    }
}

impl GenerateContent {
    fn part(&mut self, index: u32, part: &Part<'_>, sink: &mut dyn Sink) {
        if part.call.is_given() {
            let call = part.call.read::<Call<'_>>();
            sink.token(StreamToken::ToolCall(ToolCall {
                index: self.tools,
                id: call.id.cow(),
                name: call.name.cow(),
                arguments: call.args.json().into(),
            }));
            self.tools += 1;
        }
        let Some(content) = part.text.piece(&mut self.scratch) else { return };
        sink.token(match index {
            _ if part.thought.is_given() => StreamToken::Reasoning(content),
            0 => StreamToken::Text(content),
            index => StreamToken::Delta(TextDelta { content, index, logprob: None }),
        });
    }
}

/// Stop strings a request may have.
const MOST_STOPS: usize = 5;

/// Tokens of thinking that count towards the limit where a model cannot be kept from thinking.
const THINKING_ROOM: u32 = 1024;

/// What asks for a stream of SSE, below the URL of a model.
pub(super) const METHOD: &str = ":streamGenerateContent?alt=sse";

/// The path of a model below the API's base: `models/NAME`, or what the user wrote if it is a path.
pub(super) fn model_path(model: &str) -> String {
    let path = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

impl Draft<'_> {
    /// Asks a Gemini or Gemma model for `prompt`: the whole body.
    pub(super) fn generate_content(self, model: &str, account: &Account, prompt: &Prompt) -> Self {
        // From 3.5 on a conversation must not end with the model's turn, so it is always told to go on.
        let conversation = conversation(prompt, Seam::Instruction);
        // Gemma knows no system instruction: "Developer instruction is not enabled".
        let is_gemma = model.contains("gemma");
        let conversation = if is_gemma { conversation.without_system() } else { conversation };
        let contents = conversation.turns(|is_user, text| {
            json!({ "role": if is_user { "user" } else { "model" }, "parts": [{ "text": text }] })
        });
        let instruction = (!is_gemma).then(|| json!({ "parts": [{ "text": conversation.system }] }));
        self.set("contents", contents)
            .set_some("systemInstruction", instruction)
            .set("generationConfig", generation_config(model, account, prompt))
    }
}

fn generation_config(model: &str, account: &Account, prompt: &Prompt) -> Map<String, Value> {
    let mut config = Map::new();
    let mut room = 0;
    let version = version(model);
    match thinking(model, version) {
        None => {}
        Some(Thinking::Budget(tokens)) => {
            room = tokens;
            config.insert("thinkingConfig".to_owned(), json!({ "thinkingBudget": tokens }));
        }
        Some(Thinking::Level(level)) => {
            room = THINKING_ROOM;
            config.insert("thinkingConfig".to_owned(), json!({ "thinkingLevel": level }));
        }
    }
    config.insert("maxOutputTokens".to_owned(), prompt.max_tokens.saturating_add(room).into());
    // Gemini 3 is meant to run at its default temperature; later ones ignore or refuse another.
    if version.is_none_or(|version| version < (3, 0)) || account.temperature.is_some() {
        config.insert("temperature".to_owned(), account.temperature().into());
    }
    let stops: Vec<_> = stops(prompt).into_iter().take(MOST_STOPS).collect();
    if !stops.is_empty() {
        config.insert("stopSequences".to_owned(), stops.into());
    }
    config
}

/// How a model is told to think as little as it can.
enum Thinking {
    /// In tokens, as 2.5 takes it; 0 is none at all.
    Budget(u32),
    /// By name, as 3 and later take it.
    Level(&'static str),
}

/// Gemini's thinking guide, and vendors' refusals: a level is an error before 3, `minimal` is for Flash
/// only and not for 3.7 and 4, 2.5 Pro thinks at least 128 tokens.
fn thinking(model: &str, version: Option<(u32, u32)>) -> Option<Thinking> {
    let flash = model.contains("flash");
    match version? {
        (..2, _) | (2, ..5) => None,
        (2, _) => Some(Thinking::Budget(if flash { 0 } else { 128 })),
        (3, ..7) if flash => Some(Thinking::Level("minimal")),
        _ => Some(Thinking::Level("low")),
    }
}

/// The version in a model's name: `gemini-2.5-flash`, `gemini-3-pro-preview`. Names that move with time, as
/// `gemini-flash-latest`, are newer than all others; Gemma has none.
fn version(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.rsplit_once("gemini-")?;
    let number = name.split('-').next()?;
    if name.ends_with("-latest") && !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((u32::MAX, 0));
    }
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A decoder of a body in this format, framed as the URL asked.
pub(super) fn decoder(framing: Framing) -> Decoder {
    Decoder::new(framing, Box::new(GenerateContent::default()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_cuts, decoded, recordings};
    use super::*;

    fn sse(chunks: &[&str]) -> String {
        chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
    }

    fn array(chunks: &[&str]) -> String {
        format!("[{}\n]\n", chunks.join("\n,\r\n"))
    }

    const TRUNCATED: &str = "error truncated - the answer ended before its end marker";

    #[test]
    fn chunks_are_the_same_by_sse_and_as_an_array() {
        for (name, chunks, expected) in [
            (
                "text with cumulative usage, ended by a finish reason and nothing else",
                &[
                    r#"{"candidates": [{"content": {"parts": [{"text": "let x"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 8,"totalTokenCount": 8}}"#,
                    r#"{"candidates": [{"content": {"parts": [{"text": " = \"é]}\";\n"}]},"finishReason": "MAX_TOKENS","index": 0}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 6,"cachedContentTokenCount": 2,"thoughtsTokenCount": 3,"totalTokenCount": 17}}"#,
                ][..],
                &["text let x", "usage 8 - - -", "text  = \"é]}\";\n", "usage 8 6 2 3", "done#0 length"][..],
            ),
            (
                "a finish reason on every chunk: the last one counts",
                &[
                    r#"{"candidates": [{"content": {"parts": [{"text": "a"}]},"finishReason": "STOP"}]}"#,
                    r#"{"candidates": [{"content": {"parts": [{"text": "b"}]},"finishReason": "STOP"}]}"#,
                    r#"{"candidates": [{"finishReason": "RECITATION"}]}"#,
                ],
                &["text a", "text b", "done#0 filter"],
            ),
            (
                "thoughts, empty parts, missing parts, signatures",
                &[
                    r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a","thought":false}]}}]}"#,
                    r#"{"candidates":[{"content":{"parts":[]}}]}"#,
                    r#"{"candidates":[{"content":{"role":"model"}}]}"#,
                    r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#,
                    r#"{"candidates":[{"content":{"parts":[{"thoughtSignature":"x"},{"executableCode":{"code":"1"}}]},"finishReason":"STOP"}]}"#,
                ],
                &["reasoning hm", "text a", "done#0 stop"],
            ),
            (
                "function calls",
                &[
                    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":[1]}},"thoughtSignature":"x"},{"functionCall":{"id":"i","name":"g"}}]},"finishReason":"STOP"}]}"#,
                ],
                &["tool#0 - f {\"a\":[1]}", "tool#1 i g ", "done#0 stop"],
            ),
            (
                "two candidates",
                &[
                    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"index":1}]}"#,
                    r#"{"candidates":[{"content":{"parts":[{"text":"c"}]},"index":1,"finishReason":"MAX_TOKENS"}]}"#,
                ],
                &["text a", "text#1 b", "text#1 c", "done#0 stop", "done#1 length"],
            ),
            (
                "a candidate without its end",
                &[
                    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"index":1}]}"#,
                ],
                &["text a", "text#1 b", TRUNCATED],
            ),
            (
                "a finish reason of tomorrow",
                &[r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"FAKE_ENUM"}]}"#],
                &["text a", "done#0 other"],
            ),
            (
                "a blocked prompt",
                &[
                    r#"{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"Reasons","safetyRatings":[]}}"#,
                ],
                &["error filtered SAFETY Reasons"],
            ),
            (
                "feedback that blocks nothing",
                &[
                    r#"{"promptFeedback":{"safetyRatings":[]},"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
                ],
                &["text a", "done#0 stop"],
            ),
            (
                "cut off",
                &[r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#],
                &["text a", TRUNCATED],
            ),
            ("JSON of another kind", &[r#"{"this":[{"is":{"not":"it"}}]}"#], &[TRUNCATED]),
        ] {
            let by_sse = decoded(|| decoder(Framing::Sse), sse(chunks).as_bytes());
            assert_eq!(by_sse, expected, "{name}, SSE");
            let by_array = decoded(|| decoder(Framing::JsonArray), array(chunks).as_bytes());
            assert_eq!(by_array, expected, "{name}, array");
        }
    }

    #[test]
    fn an_error_is_understood_wherever_it_stands() {
        let chunk = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
        let error = "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"High demand\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n";
        let told = "error transient UNAVAILABLE High demand";
        for (name, framing, body, expected) in [
            ("after SSE chunks", Framing::Sse, format!("{}{error}", sse(&[chunk])), &["text a", told][..]),
            (
                "in SSE",
                Framing::Sse,
                sse(&[chunk, r#"{"error":{"code":503,"message":"High demand","status":"UNAVAILABLE"}}"#]),
                &["text a", told],
            ),
            ("alone under an SSE label", Framing::Sse, error.to_owned(), &[told]),
            ("alone under a JSON label", Framing::JsonArray, error.to_owned(), &[told]),
            ("in an array", Framing::JsonArray, array(&[chunk, error]), &["text a", told]),
        ] {
            assert_eq!(decoded(|| decoder(framing), body.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        for recording in recordings("gemini/").iter().chain(&recordings("vertex/")) {
            recording.check(|| decoder(Framing::Sse));
            if recording.file.contains("json-array") {
                recording.check(|| decoder(Framing::JsonArray));
            }
        }
    }

    #[test]
    fn each_model_is_told_to_think_as_little_as_it_can() {
        let prompt = Prompt { max_tokens: 10, ..Prompt::default() };
        for (model, expected) in [
            ("gemini-2.0-flash", r#"{"maxOutputTokens":10,"temperature":0.1}"#),
            (
                "gemini-2.5-flash-lite",
                r#"{"maxOutputTokens":10,"temperature":0.1,"thinkingConfig":{"thinkingBudget":0}}"#,
            ),
            (
                "gemini-2.5-pro",
                r#"{"maxOutputTokens":138,"temperature":0.1,"thinkingConfig":{"thinkingBudget":128}}"#,
            ),
            (
                "gemini-3-flash-preview",
                r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"minimal"}}"#,
            ),
            (
                "gemini-3.5-flash-lite",
                r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"minimal"}}"#,
            ),
            (
                "gemini-3.1-pro-preview",
                r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"low"}}"#,
            ),
            ("gemini-3.7-flash", r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"low"}}"#),
            ("gemini-4-argon", r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"low"}}"#),
            ("gemini-flash-latest", r#"{"maxOutputTokens":1034,"thinkingConfig":{"thinkingLevel":"low"}}"#),
            ("gemini-1.5-flash-latest", r#"{"maxOutputTokens":10,"temperature":0.1}"#),
            ("gemma-3-27b-it", r#"{"maxOutputTokens":10,"temperature":0.1}"#),
        ] {
            let config = generation_config(model, &Account::default(), &prompt);
            assert_eq!(Value::Object(config).to_string(), expected, "{model}");
        }
        let warm = Account { temperature: Some(0.5), ..Account::default() };
        assert_eq!(generation_config("gemini-3.5-flash", &warm, &prompt)["temperature"], 0.5);
    }

    #[test]
    fn a_model_is_a_name_or_a_path() {
        for (model, path) in [
            ("gemini-2.5-flash", "models/gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
            ("tunedModels/my model?", "tunedModels/my%20model%3F"),
        ] {
            assert_eq!(model_path(model), path);
        }
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        let chunks = [
            r#"{"candidates":[{"content":{"parts":[{"text":"a {\"é\n"}]}}]}"#,
            "{\n  \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"b\"}]},\n  \"finishReason\": \"STOP\"}]}",
        ];
        check_cuts(|| decoder(Framing::JsonArray), array(&chunks).as_bytes());
        let chunks = chunks.map(|chunk| chunk.replace('\n', ""));
        check_cuts(|| decoder(Framing::Sse), sse(&[&chunks[0], &chunks[1]]).as_bytes());
    }
}
