//! Google's `generateContent` format: what Gemini's own API and Vertex stream, as SSE or as one JSON array.

use serde_json::Value;

use super::Dialect;
use super::chat_completions::ChatCompletions;
use crate::json::{Few, Raw, Scanner, object};
use crate::provider::error::stream_error;
use crate::provider::finish::finish_reason_in;
use crate::provider::infill_prompt::{conversation, stops};
use crate::provider::pieces::{self, reasoning, text};
use crate::provider::profile::{Address, Target};
use crate::provider::request::{Draft, Result, object, text_part, texts};
use crate::provider::url::segments;
use crate::provider::usage::counts;
use crate::provider::{Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{ErrorKind, Sink, StreamError, StreamToken, ToolCall, Usage};

/// Stop strings a request may have.
const MOST_STOPS: usize = 5;

/// Asks for a stream of SSE, below the URL of a model.
const METHOD: &str = ":streamGenerateContent?alt=sse";

/// `generateContent`, at Google's two clouds.
pub(in crate::provider) struct GenerateContentApi;

impl Dialect for GenerateContentApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let model = target.model();
        let path = match target.profile.address {
            Address::Vertex(_) => METHOD.to_owned(),
            _ => format!("/{}{METHOD}", model_path(model)),
        };
        // From 3.5 on a conversation must not end with the model's turn, so it is always told to go on.
        let conversation = conversation(prompt, target.account, Seam::Instruction);
        // Gemma knows no system instruction: "Developer instruction is not enabled".
        let is_gemma = model.contains("gemma");
        let conversation = if is_gemma { conversation.without_system() } else { conversation };
        let contents = conversation.turns(&|role, text| {
            let role = if role == "assistant" { "model" } else { role };
            object(&mut [("role", role.into()), ("parts", text_part(text))])
        });
        let instruction = (!is_gemma).then(|| object(&mut [("parts", text_part(&conversation.system))]));
        Ok(Draft::to(target, &path)?
            .chat_only()?
            .set("contents", contents)
            .set("systemInstruction", instruction)
            .set("generationConfig", generation_config(target, prompt)))
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Sse, Box::new(GenerateContent::default()))
    }
}

/// The path of a model below the API's base: `models/NAME`, or what the user wrote if it is a path.
fn model_path(model: &str) -> String {
    let folder = if model.contains('/') { "" } else { "models/" };
    [folder, &segments(model)].concat()
}

fn generation_config(target: Target<'_>, prompt: &Prompt) -> Value {
    let Target { account, .. } = target;
    let plan = target.plan();
    let thinking = plan.word.map(|word| {
        let budget = word.parse::<u32>().ok();
        let level = if budget.is_none() { Some(word) } else { None };
        object(&mut [("thinkingBudget", budget.into()), ("thinkingLevel", level.into())])
    });
    // Gemini 3 is meant to run at its default temperature; later models ignore or refuse another.
    let is_gemini = target.model().contains("gemini");
    let is_dialled = !plan.fixed && (plan.known || !is_gemini) || account.temperature.is_some();
    object(&mut [
        ("thinkingConfig", thinking.into()),
        ("maxOutputTokens", prompt.max_tokens.saturating_add(plan.room).into()),
        ("temperature", is_dialled.then(|| account.temperature()).into()),
        ("stopSequences", texts(&stops(prompt, MOST_STOPS))),
    ])
}

/// Decodes `GenerateContentResponse` chunks.
#[derive(Debug, Default)]
pub(super) struct GenerateContent {
    tools: u32,
    /// A call whose arguments come in parts.
    open_call: Option<OpenCall>,
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

    struct Candidate<'a> {
        index = "index": Raw<'a>,
        content = "content": Content<'a>,
        finish_reason = "finishReason": Raw<'a>,
    }

    struct Content<'a> { parts = "parts": Few<'a, Part<'a>>, }

    struct Part<'a> {
        text = "text": Raw<'a>,
        thought = "thought": Raw<'a>,
        call = "functionCall": Raw<'a>,
    }

    struct Call<'a> {
        id = "id": Raw<'a>,
        name = "name": Raw<'a>,
        args = "args": Raw<'a>,
        // Vertex's `streamFunctionCallArguments`: a call in several parts.
        partial = "partialArgs": Few<'a, PartialArgument<'a>>,
        will_continue = "willContinue": Raw<'a>,
    }

    /// A piece of one argument: of the string, or a whole other value.
    struct PartialArgument<'a> {
        path = "jsonPath": Raw<'a>,
        string = "stringValue": Raw<'a>,
        number = "numberValue": Raw<'a>,
        bool = "boolValue": Raw<'a>,
    }
}

/// A call whose arguments come in parts, in the order in which they stand in the JSON text of all arguments.
#[derive(Debug, Default)]
struct OpenCall {
    choice: u32,
    index: u32,
    /// Where the last value stands: `name` and `0]`, one for each object or array around it.
    path: Vec<String>,
    /// The last value is a string of which more may come.
    in_string: bool,
}

object! {
    struct Feedback<'a> {
        reason = "blockReason": Raw<'a>,
        message = "blockReasonMessage": Raw<'a>,
    }

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
            return ends.malformed();
        }
        if chunk.error.is_given() {
            return ends.fail(stream_error(frame.data), sink);
        }
        for candidate in chunk.candidates.iter() {
            // Some servers leave the index of the first, or only, candidate out.
            let index = pieces::index(candidate.index).unwrap_or(0);
            ends.begun(index);
            for part in candidate.content.parts.iter() {
                self.part(index, &part, sink);
            }
            // Some servers say `STOP` on every chunk, before they say how it really ended.
            if let Some(reason) = finish_reason_in(candidate.finish_reason) {
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
    let Counts { input, output, cached, thoughts } = json.read();
    counts(input, output, cached, thoughts)
}

impl GenerateContent {
    fn part(&mut self, choice: u32, part: &Part<'_>, sink: &mut dyn Sink) {
        // A part that ends an open call may be empty.
        if part.call.is_given() || self.open_call.is_some() && part.call.json() == "{}" {
            self.call(choice, &part.call.read(), sink);
        }
        if part.thought.is_given() {
            reasoning(part.text, &mut self.scratch, sink);
        } else {
            text(part.text, choice, None, &mut self.scratch, sink);
        }
    }

    fn call(&mut self, choice: u32, call: &Call<'_>, sink: &mut dyn Sink) {
        let goes_on = call.will_continue.is_given();
        let open = self.open_call.take().filter(|open| open.choice == choice && !call.name.is_given());
        let is_new = open.is_none();
        let mut open = open.unwrap_or_else(|| OpenCall { choice, index: self.tools, ..OpenCall::default() });
        self.tools += u32::from(is_new);
        let mut arguments = String::new();
        if is_new && !goes_on {
            arguments.push_str(call.args.json());
        } else {
            for argument in call.partial.iter() {
                open.add(&argument, &mut arguments);
            }
        }
        if !is_new && !goes_on {
            open.close(0, &mut arguments);
        }
        let index = open.index;
        self.open_call = goes_on.then_some(open);
        if is_new || !arguments.is_empty() {
            let (id, name, arguments) = (call.id.cow(), call.name.cow(), arguments.into());
            sink.token(StreamToken::ToolCall(ToolCall { choice, index, id, name, arguments }));
        }
    }
}

impl OpenCall {
    /// Writes the next piece of the arguments' JSON text.
    fn add(&mut self, argument: &PartialArgument<'_>, json: &mut String) {
        // `$.name`, `$.list[0].name`
        let place = argument.path.cow().unwrap_or_default();
        let mut path = Vec::new();
        for name in place.split(['.', '[']).skip(1) {
            path.push(name.to_owned());
        }
        let piece = argument.string.json().strip_prefix('"').and_then(|piece| piece.strip_suffix('"'));
        if let Some(piece) = piece
            && self.in_string
            && path == self.path
        {
            return json.push_str(piece);
        }
        // The last name is that of the value itself.
        let outer = path.iter().take(path.len().saturating_sub(1));
        let shared = outer.zip(&self.path).take_while(|(one, other)| one == other).count();
        let mut goes_on = !self.path.is_empty();
        self.close(shared + 1, json);
        for name in path.get(shared..).unwrap_or_default() {
            let is_index = name.ends_with(']');
            json.push(match (std::mem::take(&mut goes_on), is_index) {
                (true, _) => ',',
                (false, true) => '[',
                (false, false) => '{',
            });
            if !is_index {
                json.push_str(&serde_json::to_string(name).unwrap_or_default());
                json.push(':');
            }
        }
        self.path = path;
        self.in_string = piece.is_some();
        if let Some(piece) = piece {
            json.push('"');
            json.push_str(piece);
        } else {
            json.push_str(match (argument.number.json(), argument.bool.json()) {
                ("", "") => "null",
                ("", bool) => bool,
                (number, _) => number,
            });
        }
    }

    /// Ends the last value, and the objects and arrays around it but for the outer `depth`.
    fn close(&mut self, depth: usize, json: &mut String) {
        if std::mem::take(&mut self.in_string) {
            json.push('"');
        }
        if depth == 0 && self.path.is_empty() {
            json.push_str("{}");
        }
        let inner = self.path.drain(depth.min(self.path.len())..).rev();
        inner.for_each(|name| json.push(if name.ends_with(']') { ']' } else { '}' }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::Account;
    use crate::provider::registry::profile;
    use crate::provider::testing::{cases, check_cuts, decoded, recordings, sse, tokens};

    fn array_decoder() -> Decoder {
        Decoder::new(Framing::JsonArray, Box::new(GenerateContent::default()))
    }

    fn array(chunks: &[&str]) -> String {
        format!("[{}\n]\n", chunks.join("\n,\r\n"))
    }

    #[test]
    fn chunks_are_the_same_by_sse_and_as_an_array() {
        let table = expect![[r#"
            # text with cumulative usage, ended by a finish reason and nothing else
            {"candidates": [{"content": {"parts": [{"text": "let x"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 8,"totalTokenCount": 8}}
            {"candidates": [{"content": {"parts": [{"text": " = \"é]}\";\n"}]},"finishReason": "MAX_TOKENS","index": 0}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 6,"cachedContentTokenCount": 2,"thoughtsTokenCount": 3,"totalTokenCount": 17}}
            > text let x | usage 8 - - - | text  = "é]}";\n | usage 8 6 2 3 | done#0 length
            # a finish reason on every chunk: the last one counts
            {"candidates": [{"content": {"parts": [{"text": "a"}]},"finishReason": "STOP"}]}
            {"candidates": [{"content": {"parts": [{"text": "b"}]},"finishReason": "STOP"}]}
            {"candidates": [{"finishReason": "RECITATION"}]}
            > text a | text b | done#0 filter
            # thoughts, empty parts, missing parts, signatures
            {"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a","thought":false}]}}]}
            {"candidates":[{"content":{"parts":[]}}]}
            {"candidates":[{"content":{"role":"model"}}]}
            {"candidates":[{"content":{"parts":[{"text":""}]}}]}
            {"candidates":[{"content":{"parts":[{"thoughtSignature":"x"},{"executableCode":{"code":"1"}}]},"finishReason":"STOP"}]}
            > reasoning hm | text a | done#0 stop
            # function calls
            {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":[1]}},"thoughtSignature":"x"},{"functionCall":{"id":"i","name":"g"}}]},"finishReason":"STOP"}]}
            > tool#0 - f {"a":[1]} | tool#1 i g  | done#0 stop
            # two candidates
            {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"index":1}]}
            {"candidates":[{"content":{"parts":[{"text":"c"}]},"index":1,"finishReason":"MAX_TOKENS"}]}
            > text a | text#1 b | text#1 c | done#0 stop | done#1 length
            # a candidate without its end
            {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"index":1}]}
            > text a | text#1 b | error truncated - the answer ended before its end marker
            # a finish reason of tomorrow
            {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"FAKE_ENUM"}]}
            > text a | done#0 other
            # a blocked prompt
            {"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"Reasons","safetyRatings":[]}}
            > error filtered SAFETY Reasons
            # feedback that blocks nothing
            {"promptFeedback":{"safetyRatings":[]},"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}
            > text a | done#0 stop
            # cut off
            {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}
            > text a | error truncated - the answer ended before its end marker
            # JSON of another kind
            {"this":[{"is":{"not":"it"}}]}
            > error malformed - the stream has a part that is not of its format: {"this":[{"is":{"not":"it"}}]}
            # a call in parts
            {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}
            {"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"Pa","willContinue":true}],"willContinue":true}}]}}]}
            {"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"ris"},{"jsonPath":"$.days[0].n","numberValue":3},{"jsonPath":"$.days[1]","boolValue":true}],"willContinue":true}}]}}]}
            {"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}
            {"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","args":{}}}]},"finishReason":"STOP"}]}
            > tool#0 - f  | tool#0 - - {"city":"Pa | tool#0 - - ris","days":[{"n":3},true | tool#0 - - ]} | tool#1 - g {} | done#0 stop
        "#]];
        cases(&table, |chunks| {
            let told = tokens(|| GenerateContentApi.decoder(), sse(chunks).replace('\n', "\r\n"));
            assert_eq!(tokens(array_decoder, array(chunks)), told);
            told
        });
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
            assert_eq!(
                decoded(|| Decoder::new(framing, Box::new(GenerateContent::default())), body.as_bytes()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        for recording in recordings("gemini/").iter().chain(&recordings("vertex/")) {
            recording.check(|| GenerateContentApi.decoder());
            if recording.file.contains("json-array") {
                recording.check(array_decoder);
            }
        }
    }

    #[test]
    fn each_model_is_told_to_think_as_little_as_it_can() {
        let prompt = Prompt { max_tokens: 10, ..Prompt::default() };
        let config = |model: &str, temperature| {
            let account = Account { model: model.to_owned(), temperature, ..Account::default() };
            let target = Target { profile: profile("gemini").unwrap(), account: &account };
            generation_config(target, &prompt).to_string()
        };
        for (model, expected) in [
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
                r#"{"maxOutputTokens":522,"thinkingConfig":{"thinkingLevel":"minimal"}}"#,
            ),
            (
                "gemini-3.1-pro-preview",
                r#"{"maxOutputTokens":2058,"thinkingConfig":{"thinkingLevel":"low"}}"#,
            ),
            // Of models that are not documented here nothing is assumed.
            ("gemini-4-argon", r#"{"maxOutputTokens":10}"#),
            ("gemini-flash-latest", r#"{"maxOutputTokens":10}"#),
            ("gemma-3-27b-it", r#"{"maxOutputTokens":10,"temperature":0.1}"#),
        ] {
            assert_eq!(config(model, None), expected, "{model}");
        }
        assert!(config("gemini-3.5-flash", Some(0.5)).contains(r#""temperature":0.5"#));
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
        check_cuts(array_decoder, array(&chunks).as_bytes());
        let chunks = chunks.map(|chunk| chunk.replace('\n', ""));
        check_cuts(|| GenerateContentApi.decoder(), sse(&[&chunks[0], &chunks[1]]).as_bytes());
    }
}
