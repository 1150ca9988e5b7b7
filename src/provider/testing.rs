//! What the formats' tests share.

use expect_test::Expect;

use super::{Account, Decoder, Prompt, Snippet, find, infill_prompt};
use crate::http::Secret;
use crate::stream::{Decode, StreamToken};

/// One provider of each wire format.
pub(super) const DIALECTS: &[&str] = &["openai", "anthropic", "gemini", "bedrock", "ollama", "llama-cpp"];

/// Runs the cases of a table. A case is the lines that go in, then the lines that come out of `run`, behind `> `. Lines with
/// `# ` are comments. `UPDATE_EXPECT=1` writes anew what comes out.
pub(super) fn cases(table: &Expect, run: impl Fn(&[&str]) -> String) {
    let (mut seen, mut input) = (String::new(), Vec::new());
    for line in table.data().trim().lines().map(str::trim) {
        if !line.starts_with("> ") {
            seen += &format!("{line}\n");
            input.extend(Some(line).filter(|line| !line.is_empty() && !line.starts_with("# ")));
        } else if !input.is_empty() {
            seen.extend(run(&input).split('\n').map(|line| format!("> {line}\n")));
            input.clear();
        }
    }
    assert!(input.is_empty(), "no `> ` behind {input:?}");
    table.assert_eq(&seen);
}

/// A stream of server-sent events. A line that is JSON or `[DONE]` becomes one, `event: NAME` names the next, a line in quotes
/// is a JSON string with bytes as they are.
pub(super) fn sse(lines: &[&str]) -> String {
    let event = |line: &&str| match line.as_bytes().first() {
        Some(b'"') => serde_json::from_str(line).unwrap(),
        Some(b'{' | b'[') => format!("data: {line}\n\n"),
        _ if line.starts_with("event: ") => format!("{line}\n"),
        _ => format!("{line}\n\n"),
    };
    lines.iter().map(event).collect()
}

/// The tokens of a body on one line.
pub(super) fn tokens(decoder: impl Fn() -> Decoder, body: impl AsRef<[u8]>) -> String {
    decoded(decoder, body.as_ref()).join(" | ").replace('\\', r"\\").replace('\n', r"\n")
}

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

/// Cuts a body at every byte. Whatever came before the cut must be handed on, and the end be told apart
/// from a proper one, unless all that was missing is what follows the last text.
pub(super) fn check_cuts(decoder: impl Fn() -> Decoder, body: &[u8]) {
    let text =
        |lines: &[String]| lines.iter().filter_map(|line| line.strip_prefix("text ")).collect::<String>();
    let whole = text(&decoded_by(decoder(), body, body.len()));
    for cut in 0..body.len() {
        let lines = decoded_by(decoder(), &body[..cut], body.len());
        let so_far = text(&lines);
        let end = lines.last().map_or("", String::as_str);
        let right = match end.strip_prefix("done#0 ") {
            Some(_) => so_far == whole,
            None => end.starts_with("error truncated ") && whole.starts_with(&so_far),
        };
        assert!(right, "cut at {cut}, after {:?}: {lines:#?}", String::from_utf8_lossy(&body[..cut]));
    }
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
            let choice = if call.choice == 0 { String::new() } else { format!("{}/", call.choice) };
            format!(
                "tool#{choice}{} {} {} {}",
                call.index,
                option(&call.id),
                option(&call.name),
                call.arguments
            )
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

/// A prompt with something in each field but `received`.
pub(super) fn prompt() -> Prompt {
    Prompt {
        edits: String::new(),
        unwanted: Vec::new(),
        prefix: "fn add(a: i32) {\n    ".to_owned(),
        suffix: "\n}\n".to_owned(),
        path: "src/math.rs".to_owned(),
        language: "rust".to_owned(),
        repository: "demo".to_owned(),
        snippets: vec![Snippet { path: "src/lib.rs".to_owned(), text: "mod math;\n".to_owned() }],
        max_tokens: 64,
        stop: vec!["\n\n".to_owned()],
        received: String::new(),
    }
}

/// [`prompt`], to be continued.
pub(super) fn resumed() -> Prompt {
    Prompt { received: "a +".to_owned(), ..prompt() }
}

/// An account with a key and all else by default.
pub(super) fn account() -> Account {
    Account { api_key: Secret::new("KEY"), ..Account::default() }
}

/// [`account`] with a model.
pub(super) fn with_model(model: &str) -> Account {
    Account { model: model.to_owned(), ..account() }
}

/// The chat's turn with the code of [`prompt`].
const CODE: &str = "<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n\
    <after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>";

/// The provider's request as it would go out, the standing texts of the chat shortened and the key left out where it is the
/// usual bearer; or the error's message.
pub(super) fn sent(provider: &str, account: &Account, prompt: &Prompt) -> String {
    let request = match find(provider).unwrap().request(account, prompt) {
        Ok(request) => request,
        Err(error) => return format!("error {}: {}\n", error.kind.as_str(), error.message),
    };
    let mut lines = format!("POST {}\n", request.url);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "content-type") {
        lines.push_str(&format!("{name}: {value}\n"));
    }
    let secrets: Vec<_> =
        request.secret_headers.iter().map(|(name, value)| (&**name, value.expose())).collect();
    assert!(!secrets.is_empty(), "no key: {lines}");
    for (name, value) in secrets.into_iter().filter(|header| *header != ("authorization", "Bearer KEY")) {
        lines.push_str(&format!("{name}: {value} (secret)\n"));
    }
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let mut body = String::from_utf8(request.body.unwrap()).unwrap();
    for (text, short) in
        [(infill_prompt::SYSTEM, "(system)"), (infill_prompt::GO_ON, "(go on)"), (CODE, "(code)")]
    {
        body = body.replace(&json(text), short);
    }
    format!("{lines}{body}\n")
}

/// A recorded response, and what its row in the recordings' index says of it.
pub(super) struct Recording {
    /// Its path within the recordings.
    pub(super) file: String,
    /// The body, framed again where the recording is without its framing.
    pub(super) body: Vec<u8>,
    features: Vec<String>,
}

/// The recordings whose path begins so. They are not part of this repository: where they are missing
/// there are none, and the test says that it saw nothing.
pub(super) fn recordings(folder: &str) -> Vec<Recording> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/transcripts");
    let Ok(index) = std::fs::read_to_string(root.join("INDEX.md")) else {
        println!("skipped: no recordings of {folder} beside this repository");
        return Vec::new();
    };
    let rows = index.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = rows.filter(|cells| cells.len() > 4 && cells[2].starts_with(folder));
    let read = |cells: Vec<&str>| {
        let body = std::fs::read(root.join(cells[2])).ok()?;
        let body = if cells[2].ends_with(".chunks.jsonl") { framed(&body) } else { body };
        let features = cells[4].split(", ").map(str::to_owned).collect();
        Some(Recording { file: cells[2].to_owned(), body, features })
    };
    rows.filter_map(read).collect()
}

/// The recorded error body of that path; `None` where recordings are missing.
pub(super) fn recorded_error(file: &str) -> Option<Vec<u8>> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/transcripts").join(file))
        .ok()
}

/// One JSON text per line, as server-sent events.
fn framed(lines: &[u8]) -> Vec<u8> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.flat_map(|line| [b"data: ", line, b"\n\n"].concat()).collect()
}

impl Recording {
    /// Whether its row names that feature.
    pub(super) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|other| other == feature)
    }

    /// The text of its first choice, put together in the plainest way; `None` where it is not made of lines.
    fn reference(&self) -> Option<String> {
        const TEXTS: &[&str] = &[
            "/choices/0/delta/content",
            "/choices/0/text",
            "/delta/text",
            "/message/content",
            "/response",
            "/content",
        ];
        let body = std::str::from_utf8(&self.body).ok().filter(|body| !body.starts_with('['))?;
        let mut text = String::new();
        for line in body.lines() {
            let line = line.strip_prefix("data:").unwrap_or(line);
            let Ok(frame) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            if ["/choices/0/index", "/candidates/0/index"]
                .iter()
                .any(|at| frame.pointer(at).is_some_and(|at| at != 0))
            {
                continue;
            }
            let found = TEXTS.iter().find_map(|path| frame.pointer(path)?.as_str());
            text.push_str(found.unwrap_or_default());
            // Google's, and Mistral's.
            let parts = ["/candidates/0/content/parts", "/choices/0/delta/content"];
            let parts = parts.iter().find_map(|path| frame.pointer(path)?.as_array());
            for part in parts.into_iter().flatten().filter(|part| part["thought"] != true) {
                text.push_str(part["text"].as_str().unwrap_or_default());
            }
            let is_delta = frame["type"] == "response.output_text.delta";
            text.push_str(frame["delta"].as_str().filter(|_| is_delta).unwrap_or_default());
        }
        Some(text)
    }

    /// Decodes it and compares what comes out with its row, and the text with the reference.
    pub(super) fn check(&self, decoder: impl Fn() -> Decoder) {
        let lines = decoded(decoder, &self.body);
        let any = |kind: &str| lines.iter().any(|line| line.starts_with(kind));
        let text = |line| match str::strip_prefix(line, "text#0 ") {
            Some(delta) => delta.rsplit_once(" (").map(|(text, _)| text),
            None => line.strip_prefix("text "),
        };
        let text: String = lines.iter().filter_map(|line| text(line)).collect();
        if let Some(reference) = self.reference() {
            assert_eq!(text, reference, "text of {}", self.file);
        }
        let stop = self.features.iter().find_map(|feature| feature.strip_prefix("stop="));
        for (feature, kind) in [("usage", "usage "), ("tools", "tool#")] {
            assert_eq!(any(kind), self.has(feature), "{feature} of {}: {lines:#?}", self.file);
        }
        if self.has("reasoning") {
            assert!(any("reasoning "), "reasoning of {}: {lines:#?}", self.file);
        }
        match stop {
            _ if self.has("error") => assert!(any("error "), "error of {}: {lines:#?}", self.file),
            Some(stop) => {
                let mut reasons = stop.split('/').filter_map(super::finish::finish_reason);
                let one = reasons.any(|reason| any(&format!("done#0 {}", reason.as_str())));
                assert!(one && !any("error "), "{stop} of {}: {lines:#?}", self.file);
            }
            None => assert!(any("done#") || any("error "), "end of {}: {lines:#?}", self.file),
        }
    }
}
