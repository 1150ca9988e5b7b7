//! What servers teach by refusing: fields that a model does not take, ways of asking that it lacks.
//!
//! Pure: the caller keeps one [`Learned`] per session, its text in a file, and gives each request the
//! [lessons](Learned::lessons) of its server and model. After a response that is no success [`lesson`] says what to change:
//! send the request once more with it, and remember it by [`Learned::learn`] once the answer comes.

use serde_json::{Map, Value};

use super::error::{classify_response, refused_field};
use super::{Account, Response};
use crate::http::Url;
use crate::json_tree;
use crate::stream::ErrorKind;

/// One thing that a server has taught about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// The request must not have the field at this dotted path.
    Drop(String),
    /// The field has another name.
    Rename(String, String),
    /// The model or server does not know `suffix`, or cannot insert by it.
    NoSuffix,
    /// It cannot fill in the middle by a template either: chat is left.
    NoFim,
}

/// Fields without which a request asks for nothing, or for something else, with spaces between.
const ESSENTIAL: &str = "model messages prompt suffix input instructions system systemInstruction contents stream \
    raw input_prefix input_suffix anthropic_version";

/// Names of the limit for the answer's tokens in OpenAI's dialects: one of them is right.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What a response that is no success teaches about the request whose body was `sent`; `None`: nothing that a second
/// request could do better, or nothing that the account does not know already.
pub fn lesson(account: &Account, response: &Response<'_>, sent: &[u8]) -> Option<Lesson> {
    let known = |lesson: &Lesson| account.lessons.contains(lesson);
    match classify_response(response) {
        ErrorKind::NoFim => [Lesson::NoSuffix, Lesson::NoFim].into_iter().find(|lesson| !known(lesson)),
        ErrorKind::Request if matches!(response.status, 400 | 422) => {
            let Some(Value::Object(body)) = json_tree::parse(std::str::from_utf8(sent).ok()?) else {
                return None;
            };
            let path = refused_field(response.body, &paths(&body))?;
            let lesson = match LIMITS.iter().position(|limit| *limit == path) {
                Some(at) => {
                    let other = LIMITS[1 - at].to_owned();
                    let back = Lesson::Rename(other.clone(), path.clone());
                    if known(&back) { Lesson::Drop(path) } else { Lesson::Rename(path, other) }
                }
                None if path == "suffix" => Lesson::NoSuffix,
                None => Lesson::Drop(path),
            };
            Some(lesson).filter(|lesson| !known(lesson))
        }
        _ => None,
    }
}

/// The dotted paths of the fields that can be left out, inner ones first, and `suffix`.
fn paths(body: &Map<String, Value>) -> Vec<String> {
    let mut paths = Vec::new();
    let is_optional = |name: &str| name == "suffix" || ESSENTIAL.split(' ').all(|field| field != name);
    for (name, value) in body.iter().filter(|(name, _)| is_optional(name)) {
        if let Value::Object(fields) = value {
            for (inner, value) in fields {
                if let Value::Object(fields) = value {
                    paths.extend(fields.keys().map(|field| format!("{name}.{inner}.{field}")));
                }
                paths.push(format!("{name}.{inner}"));
            }
        }
        paths.push(name.clone());
    }
    paths
}

/// The lessons of all servers and models, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    server: String,
    model: String,
    lesson: Lesson,
}

/// The first line of the text. Another version is not read.
const HEADER: &str = "ai-completion learned 1";
/// Lessons that are kept; the oldest go first.
const MOST_ENTRIES: usize = 200;
/// Bytes that a line may have.
const LONGEST_LINE: usize = 500;

impl Learned {
    /// Reads what [`save`](Self::save) wrote. Lines that are wrong, and texts of another version, are passed over: the
    /// file may be deleted or damaged at any time.
    pub fn load(text: &str) -> Self {
        let mut lines = text.lines();
        let mut learned = Self::default();
        if lines.next() == Some(HEADER) {
            let entries = lines.filter(|line| line.len() <= LONGEST_LINE).filter_map(Entry::read);
            for Entry { server, model, lesson } in entries.take(MOST_ENTRIES) {
                learned.learn(&server, &model, lesson);
            }
        }
        learned
    }

    /// The text to keep, at most about 100 KB.
    pub fn save(&self) -> String {
        let mut text = [HEADER, "\n"].concat();
        for entry in &self.entries {
            let line = entry.line();
            if line.len() <= LONGEST_LINE {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    /// What `server` has taught about `model`, for [`Account::lessons`]. The server is that of [`server_of`].
    pub fn lessons(&self, server: &str, model: &str) -> Vec<Lesson> {
        let of = |entry: &&Entry| entry.server == server && entry.model == model;
        self.entries.iter().filter(of).map(|entry| entry.lesson.clone()).collect()
    }

    /// Remembers a lesson; whether it was new, so that the text has to be saved.
    pub fn learn(&mut self, server: &str, model: &str, lesson: Lesson) -> bool {
        let entry = Entry { server: server.to_owned(), model: model.to_owned(), lesson };
        if self.entries.contains(&entry) {
            return false;
        }
        self.entries.push(entry);
        let excess = self.entries.len().saturating_sub(MOST_ENTRIES);
        self.entries.drain(..excess);
        true
    }
}

impl Lesson {
    /// As a line of the file has it.
    fn words(&self) -> String {
        match self {
            Self::Drop(path) => format!("drop {path}"),
            Self::Rename(from, to) => format!("rename {from} {to}"),
            Self::NoSuffix => "no-suffix".to_owned(),
            Self::NoFim => "no-fim".to_owned(),
        }
    }
}

impl Entry {
    fn line(&self) -> String {
        // Neither a URL nor a model's name has tabs or line breaks; from foreign text they are taken out.
        let plain = |text: &str| text.replace(|c: char| c.is_control(), "");
        [plain(&self.server), plain(&self.model), self.lesson.words()].join("\t")
    }

    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (server, model, lesson) = (fields.next()?, fields.next()?, fields.next()?);
        let mut words = lesson.split(' ');
        let mut word = || {
            let is_path =
                |word: &&str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            words.next().filter(|word| !word.is_empty()).filter(is_path).map(str::to_owned)
        };
        let lesson = match word()?.as_str() {
            "drop" => Lesson::Drop(word()?),
            "rename" => Lesson::Rename(word()?, word()?),
            "no-suffix" => Lesson::NoSuffix,
            "no-fim" => Lesson::NoFim,
            _ => return None,
        };
        Some(Self { server: server.to_owned(), model: model.to_owned(), lesson })
    }
}

/// The server of a request's URL, as lessons are kept under: scheme, host and port.
pub fn server_of(url: &Url) -> &str {
    url.as_str().strip_suffix(url.target()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::cases;

    fn drop(path: &str) -> Lesson {
        Lesson::Drop(path.to_owned())
    }

    fn rename(from: &str, to: &str) -> Lesson {
        Lesson::Rename(from.to_owned(), to.to_owned())
    }

    #[test]
    fn a_refusal_teaches_which_field_to_change() {
        let sent = r#"{"model":"m","messages":[{"role":"user","content":"temperature"}],"max_tokens":9,"temperature":0.1,
            "reasoning_effort":"low","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
            "generationConfig":{"thinkingConfig":{"thinkingLevel":"low"}},"thinking":{"type":"disabled"},"stop":["x"]}"#;
        let table = expect![[r#"
            400 {"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}
            > rename max_tokens max_completion_tokens
            400 {"error":{"message":"Unknown parameter: 'stream_options.include_obfuscation'.","param":"stream_options.include_obfuscation","code":"unknown_parameter"}}
            > drop stream_options.include_obfuscation
            400 {"error":{"message":"Unsupported value: 'temperature' does not support 0.1 with this model.","param":"temperature","code":"unsupported_value"}}
            > drop temperature
            # FastAPI and pydantic
            422 {"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted"}]}
            > drop stream_options.include_usage
            # Words only
            400 {"type":"error","error":{"type":"invalid_request_error","message":"thinking: Extra inputs are not permitted"}}
            > drop thinking
            400 {"message":"`reasoning_effort` is not supported with this model"}
            > drop reasoning_effort
            # xAI names fields as its own code does
            400 {"code":"Client specified an invalid argument","error":"Model m does not support parameter reasoningEffort."}
            > drop reasoning_effort
            400 {"error":"Model m does not support parameter reasoningEffortLevel."}
            > nothing
            400 {"error":{"message":"Unrecognized request argument supplied: stop"}}
            > drop stop
            400 {"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"thinkingLevel\" at 'generation_config.thinking_config': Cannot find field.","status":"INVALID_ARGUMENT"}}
            > drop generationConfig.thinkingConfig.thinkingLevel
            400 {"error":{"code":400,"message":"Thinking_level is not supported for this model.","status":"INVALID_ARGUMENT"}}
            > drop generationConfig.thinkingConfig.thinkingLevel
            # A value that is out of range is the user's to change
            400 {"error":{"message":"max_tokens must be at most 4096","param":"max_tokens"}}
            > nothing
            400 {"error":{"message":"Invalid 'temperature': decimal above maximum value.","param":"temperature","code":"decimal_above_max_value"}}
            > nothing
            # What the request cannot do without, and what it does not have
            400 {"error":{"message":"Unsupported parameter: 'messages'","param":"messages"}}
            > nothing
            400 {"error":{"message":"Unknown parameter: 'top_k'","param":"top_k"}}
            > nothing
            400 {"error":{"message":"This model's maximum context length is 9 tokens; max_tokens is not supported","param":"max_tokens"}}
            > nothing
            401 {"error":{"message":"Unknown parameter: 'temperature'","param":"temperature"}}
            > nothing
            400 {"error":"registry.ollama.ai/library/phi4:latest does not support insert"}
            > no-suffix
            400 {"error":{"message":"suffix is not currently supported","type":"BadRequestError","code":400}}
            > no-suffix
            400
            > nothing
        "#]];
        cases(&table, |refusal| {
            let (status, body) = refusal[0].split_once(' ').unwrap_or((refusal[0], ""));
            let response = Response { status: status.parse().unwrap(), headers: &[], body: body.as_bytes() };
            lesson(&Account::default(), &response, sent.as_bytes())
                .map_or("nothing".to_owned(), |lesson| lesson.words())
        });
    }

    #[test]
    fn nothing_is_learned_twice() {
        let refuse =
            |path: &str| format!(r#"{{"error":{{"message":"Unsupported parameter","param":"{path}"}}}}"#);
        let taught = |lessons: &[Lesson], body: &str, sent: &str| {
            let account = Account { lessons: lessons.to_vec(), ..Account::default() };
            lesson(&account, &Response { status: 400, headers: &[], body: body.as_bytes() }, sent.as_bytes())
        };
        assert_eq!(taught(&[drop("top_p")], &refuse("top_p"), r#"{"top_p":1}"#), None);
        // Neither name of the limit is taken.
        let renamed = rename("max_tokens", "max_completion_tokens");
        let sent = r#"{"max_completion_tokens":1}"#;
        assert_eq!(
            taught(&[renamed], &refuse("max_completion_tokens"), sent),
            Some(drop("max_completion_tokens"))
        );
        let insert = r#"{"error":"x does not support insert"}"#;
        assert_eq!(taught(&[Lesson::NoSuffix], insert, "{}"), Some(Lesson::NoFim));
        assert_eq!(taught(&[Lesson::NoSuffix, Lesson::NoFim], insert, "{}"), None);
    }

    #[test]
    fn lessons_are_kept_by_server_and_model() {
        let mut learned = Learned::default();
        for (server, model, lesson, is_new) in [
            ("https://a.example", "m", drop("temperature"), true),
            ("https://a.example", "m", drop("temperature"), false),
            ("https://a.example", "m", rename("max_tokens", "max_completion_tokens"), true),
            ("https://a.example", "n", Lesson::NoSuffix, true),
            ("http://localhost:1", "", Lesson::NoFim, true),
        ] {
            assert_eq!(learned.learn(server, model, lesson), is_new, "{server} {model}");
        }
        assert_eq!(Learned::load(&learned.save()), learned);
        assert_eq!(learned.lessons("https://a.example", "n"), [Lesson::NoSuffix]);
        assert_eq!(learned.lessons("https://b.example", "m"), []);
    }

    #[test]
    fn a_damaged_or_foreign_text_does_no_harm() {
        let line = "https://a\tm\tdrop top_p\n";
        for (text, expected) in [
            (format!("{HEADER}\n{line}"), 1),
            (format!("{HEADER}\n{line}half of a li"), 1),
            (
                format!(
                    "{HEADER}\nx\n\t\t\nhttps://a\tm\tdrop\nhttps://a\tm\tdrop a b\"\nhttps://a\tm\tfly\n{line}"
                ),
                2,
            ),
            (format!("ai-completion learned 2\n{line}"), 0),
            (String::new(), 0),
            (format!("{HEADER}\n{}", "x".repeat(1 << 20)), 0),
        ] {
            assert_eq!(Learned::load(&text).entries.len(), expected, "{:?}", text.get(..80));
        }
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut learned = Learned::default();
        for n in 0..1000 {
            learned.learn("https://a.example", &format!("m{n}"), drop("top_p"));
        }
        assert!(learned.save().len() < 100_000 && learned.entries.len() == MOST_ENTRIES);
        assert_eq!(learned.lessons("https://a.example", "m0"), []);
        assert_eq!(learned.lessons("https://a.example", "m999"), [drop("top_p")]);
        learned.learn("https://a.example/\n\t", &"m".repeat(900), drop("top_p"));
        assert_eq!(learned.save().lines().count(), MOST_ENTRIES);
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        for (url, server) in [
            ("https://a.example/v1/chat/completions?x=1", "https://a.example"),
            ("http://[::1]:8080?x", "http://[::1]:8080"),
            ("https://a.example", "https://a.example"),
        ] {
            assert_eq!(server_of(&Url::parse(url).unwrap()), server);
        }
    }
}
