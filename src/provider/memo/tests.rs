//! With and without the memo every stream gives the same tokens; with it, most frames are only compared.

use std::cell::Cell;

use proptest::prelude::*;

use crate::provider::{Decoder, find};
use crate::stream::{Decode, StreamToken, Usage};

thread_local!(pub(super) static HITS: Cell<usize> = const { Cell::new(0) });

/// A stream's kind of frame: `@` stands for the text, `^` for a count of tokens, `#` for a number and `~` for a
/// string that nobody reads.
#[derive(Clone, Copy)]
struct Format {
    provider: &'static str,
    frame: &'static str,
}

/// The provider, and its frame. One that begins with its `type` is an event of that name.
const FORMATS: [&str; 16] = [
    r#"openai {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"@"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"~"}"#,
    r#"openai {"choices":[{"delta":{"reasoning_content":"@","content":null},"index":0}],"created":#,"id":"c"}"#,
    r#"openai {"type":"response.output_text.delta","sequence_number":#,"item_id":"msg","delta":"@","logprobs":[],"obfuscation":"~"}"#,
    r#"openai-responses {"type":"response.reasoning_text.delta","delta":"@","sequence_number":#}"#,
    r#"anthropic {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}   }"#,
    r#"anthropic {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"@"} }"#,
    r#"gemini {"candidates": [{"content": {"role": "model","parts": [{"text": "@"}]}}],"modelVersion": "g","createTime": "~"}"#,
    r#"ollama {"model":"q","created_at":"~","response":"@","done":false}"#,
    r#"ollama {"model":"q","created_at":"~","message":{"role":"assistant","content":"@"},"done":false}"#,
    r#"llama-cpp {"index":0,"content":"@","tokens":[#],"stop":false,"id_slot":-1,"tokens_predicted":#,"tokens_evaluated":14}"#,
    r#"mistral {"id":"5","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}],"p":"~"}"#,
    r#"openai-completions {"choices":[{"text":"@","index":0,"finish_reason":"length"}],"text":"decoy"}"#,
    r#"openai {"id":"~","usage":{"prompt_tokens":9,"completion_tokens":^},"choices":[{"delta":{"content":"@"}}]}"#,
    r#"openai {"choices":[{"delta":{"reasoning":"@"},"usage":{"completion_tokens":^}}],"n":#}"#,
    r#"gemini {"candidates": [{"content": {"parts": [{"text": "@"}]}}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": ^}}"#,
    r#"groq {"choices":[{"delta":{"content":"@"}}],"x_groq":{"id":"r","usage":{"prompt_tokens":^}},"usage":null}"#,
];

impl Format {
    fn number(number: usize) -> Self {
        let (provider, frame) = FORMATS[number].split_once(' ').unwrap();
        Self { provider, frame }
    }

    fn all() -> impl Iterator<Item = Self> {
        (0..FORMATS.len()).map(Self::number)
    }

    fn with(&self, text: &str, number: &str, string: &str) -> String {
        self.frame.replace('@', text).replace(['#', '^'], number).replace('~', string)
    }

    /// The body of a stream of these frames.
    fn body(&self, frames: &[Vec<u8>]) -> Vec<u8> {
        let event = self.frame.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split('"').next());
        let (before, after) = match event {
            _ if self.provider == "ollama" => (String::new(), "\n"),
            None => ("data: ".to_owned(), "\n\n"),
            Some(event) => (format!("event: {event}\ndata: "), "\n\n"),
        };
        frames.iter().flat_map(|frame| [before.as_bytes(), frame, after.as_bytes()].concat()).collect()
    }

    fn decoder(&self) -> Decoder {
        find(self.provider).unwrap().decoder()
    }

    fn tokens(&self, frames: &[Vec<u8>], mut decoder: Decoder) -> Vec<StreamToken<'static>> {
        let mut tokens = Vec::new();
        let mut sink = |token: StreamToken<'_>| tokens.push(token.into_owned());
        decoder.feed(&self.body(frames), &mut sink);
        decoder.finish(&mut sink);
        tokens
    }

    /// Tokens of the frames, after checking that the memo changes nothing; and how often it served.
    #[track_caller]
    fn decoded(&self, frames: &[Vec<u8>]) -> (Vec<StreamToken<'static>>, usize) {
        let plain = self.tokens(frames, self.decoder().without_memo());
        HITS.take();
        let tokens = self.tokens(frames, self.decoder());
        assert_eq!(tokens, plain);
        (tokens, HITS.take())
    }
}

fn frames(texts: &[String]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.clone().into_bytes()).collect()
}

#[test]
fn every_format_is_only_compared_when_it_is_known_what_changes() {
    for format in Format::all() {
        let texts = ["let", " x", " = ", "\\\"é\\n\\u00e9\\ud83d\\ude00", "1;"];
        let sent = (1..).zip(texts).map(|(n, text)| format.with(text, &n.to_string(), &"x".repeat(n)));
        let (tokens, hits) = format.decoded(&frames(&sent.collect::<Vec<_>>()));
        let text: String = tokens
            .iter()
            .filter_map(|token| match token {
                StreamToken::Text(text) | StreamToken::Reasoning(text) => Some(&**text),
                _ => None,
            })
            .collect();
        // What changes is known by the second frame, if anything does but the text.
        let changes = format.frame.contains(['#', '~']);
        let expected = ("let x = \"é\né😀1;", if changes { 3 } else { 4 });
        assert_eq!((text.as_str(), hits), expected, "{}", format.frame);
    }
}

#[test]
fn a_text_with_escapes_is_learned_when_no_other_string_that_is_read_says_the_same() {
    let format = Format::number(0);
    let frame = |text: &str, key: &str, value: &str| {
        format
            .with(text, "", "")
            .replace("\"object\":\"chat.completion.chunk\"", &format!("\"{key}\":\"{value}\""))
    };
    for (key, value, learned) in [
        ("object", "c", true),
        ("object", "\\n", true),
        ("object", "\\u000ab", true),
        ("object", "\\na", false),
        ("object", "\\u000a\\u0061", false),
        ("unread", "\\na", true),
    ] {
        let sent = ["\\na", "b", "\\u000a"].map(|text| frame(text, key, value));
        let (_, hits) = format.decoded(&frames(&sent));
        // Else the second is the first that is learned.
        assert_eq!(hits, 1 + usize::from(learned), "{key} {value}");
    }
}

#[test]
fn padding_may_have_any_width() {
    let format = Format::number(4);
    let padded = |width: usize| format.with("a", "", "").replace("   }", &format!("{}}}", " ".repeat(width)));
    let (tokens, hits) = format.decoded(&frames(&[3, 0, 17, 1].map(padded)));
    assert_eq!((tokens.len(), hits), (5, 3));
    let (_, hits) = format.decoded(&frames(&[0, 3, 0, 2].map(padded)));
    assert_eq!(hits, 3);
}

#[test]
fn what_is_not_the_same_frame_with_another_text_is_decoded_in_full() {
    let format = Format::number(0);
    let before = format.with("a", "", "");
    let learned = format.with("a", "", "x");
    for (other, same) in [
        (format.with("b", "", "y"), true),
        (format.with("b", "", ""), true),
        (format.with("\\u0000\\/", "", "\\\""), true),
        // Lone surrogates.
        (format.with("\\ud83d", "", "\\ude00"), true),
        // Nothing, which is no token.
        (format.with("", "", "x"), false),
        // Control characters and escapes that JSON does not have.
        (format.with("\t", "", "x"), false),
        (format.with("b", "", "\u{1}"), false),
        (format.with("\\x41", "", "x"), false),
        (format.with("\\u12G4", "", "x"), false),
        (format.with("\\u12", "", "x"), false),
        (format.with("b", "", "\\"), false),
        // The text ends early or late, a key stands in a string, a key is there twice.
        (format.with("b\"", "", "x"), false),
        (format.with("b\\", "", "x"), false),
        (format.with("b\",\"content\":\"c", "", "x"), false),
        (format.with("b\\\",\\\"content\\\":\\\"c", "", "x"), true),
        (format.with("b", "", "x\",\"p\":\"y"), false),
        // Another value, another key, more or less of the frame.
        (learned.replace("\"index\":0", "\"index\":1"), false),
        (learned.replace("null}]", "\"stop\"}]"), false),
        (learned.replace("\"id\"", "\"iD\""), false),
        (learned.replace("\"usage\":null", "\"usage\":{\"prompt_tokens\":1}"), false),
        (format!("{learned} "), true),
        (learned[..learned.len() - 1].to_owned(), false),
        (format!("{learned}}}"), false),
    ] {
        let (_, hits) = format.decoded(&frames(&[before.clone(), learned.clone(), other.clone()]));
        assert_eq!(hits, usize::from(same), "{other}");
    }
}

#[test]
fn any_value_stands_for_one_that_nobody_reads() {
    let format = Format::number(9);
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for (value, same) in [
        ("8", true),
        ("-7.5e1", true),
        ("null", true),
        ("\"7\"", true),
        ("{\"content\":[\"b\"]}", true),
        (&deep(125), true),
        (&deep(126), false),
        ("07", false),
        ("", false),
        ("7,7", false),
        ("7,\"content\":\"c\"", false),
        ("{", false),
    ] {
        let (_, hits) = format.decoded(&frames(&["6", "7", value].map(|value| format.with("a", value, ""))));
        assert_eq!(hits, usize::from(same), "{value}");
    }
}

#[test]
fn counts_of_tokens_are_read_from_each_frame() {
    let frame = |text: &str, counts: &str| {
        format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}],"usage":{counts}}}"#)
    };
    let usage = |input, output| Usage { input, output, ..Usage::default() };
    for (counts, same, expected) in [
        (r#"{"prompt_tokens":4,"completion_tokens":50,"x":"1"}"#, true, Some(usage(Some(4), Some(50)))),
        (r#"{"completion_tokens":0,"x":"1","prompt_tokens":700}"#, true, Some(usage(Some(700), Some(0)))),
        (r#"{"prompt_tokens":4,"completion_tokens":50,"x":"2"}"#, false, Some(usage(Some(4), Some(50)))),
        (r#"{"prompt_tokens":4,"completion_tokens":"5","x":"1"}"#, false, Some(usage(Some(4), None))),
        (r#"{"prompt_tokens":4,"completion_tokens":-5,"x":"1"}"#, false, Some(usage(Some(4), None))),
        (r#"{"prompt_tokens":4}"#, false, Some(usage(Some(4), None))),
        ("{}", false, None),
        ("null", false, None),
        ("[1]", false, Some(usage(None, None))),
        (r#"{"prompt_tokens":4,"completion_tokens":07,"x":"1"}"#, false, None),
        (r#"{"prompt_tokens":4,"completion_tokens":7,"x":"1""#, false, None),
    ] {
        let sent = [frame("a", r#"{"prompt_tokens":1,"completion_tokens":1,"x":"1"}"#), frame("b", counts)];
        let (tokens, hits) = Format::number(0).decoded(&frames(&sent));
        let counted = tokens.iter().skip(2).find_map(|token| match token {
            StreamToken::Usage(usage) => Some(*usage),
            _ => None,
        });
        assert_eq!((counted, hits), (expected, usize::from(same)), "{counts}");
    }
}

#[test]
fn what_is_read_has_to_stay_the_same() {
    for (number, frame, change) in [
        (0, r#"{"choices":[{"delta":{"content":"@"}}],"error":null,"id":1}"#, ("null", "false")),
        (0, r#"{"choices":[{"delta":{"content":"@"},"finish_reason":null}]}"#, ("null", "\"stop\"")),
        // As another type than the one that is asked for, it is read all the same.
        (0, r#"{"choices":[{"delta":{"content":"@"}}],"x_groq":1}"#, ("1", "{\"error\":\"b\"}")),
        (0, r#"{"choices":[{"message":{"content":"@","x":1}}]}"#, ("1", "2")),
        // Two readings: by llama.cpp's own names, and by OpenAI's.
        (9, r#"{"choices":[{"delta":{"content":"@"}}],"usage":null}"#, ("null", "{\"prompt_tokens\":1}")),
        (4, r#"{"type":"message","content":[{"type":"text","text":"@"}],"role":1}"#, ("text\",", "texts\",")),
    ] {
        let learned = frame.replace('@', "a");
        let other = frame.replace('@', "b").replace(change.0, change.1);
        let (_, hits) =
            Format::number(number).decoded(&frames(&[learned.clone(), learned, other.clone(), other]));
        assert!(hits <= 2, "{frame}");
        let kept = frame.replace('@', "c");
        assert!(Format::number(number).decoded(&frames(&[kept.clone(), kept])).1 <= 1, "{frame}");
    }
}

#[test]
fn a_stream_whose_frames_all_differ_in_what_nobody_reads_is_only_compared() {
    let frame = |n: usize| {
        format!(
            r#"{{"id":"c{n}","created":{n},"choices":[{{"index":0,"delta":{{"content":"a"}},"latency":{n}.5}}],"fingerprint":{}}}"#,
            ["null", "\"fp\"", "{\"a\":[1]}"][n % 3],
        )
    };
    let (_, hits) = Format::number(0).decoded(&frames(&(0..20).map(frame).collect::<Vec<_>>()));
    assert_eq!(hits, 18);
}

#[test]
fn a_frame_in_between_makes_the_memo_forget() {
    // The block that text went to becomes one that is none of the answer's.
    let format = Format::number(4);
    let delta = format.with("a", "", "");
    let foreign = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use"}}"#;
    let (tokens, hits) = format.decoded(&frames(&[delta.clone(), foreign.to_owned(), delta]));
    assert_eq!((tokens.iter().filter(|token| matches!(token, StreamToken::Text(_))).count(), hits), (1, 0));
}

#[test]
fn another_event_name_is_another_frame() {
    let format = Format::number(4);
    let delta = format.with("a", "", "");
    let body = format!("event: content_block_delta\ndata: {delta}\n\nevent: error\ndata: {delta}\n\n");
    HITS.take();
    format.decoder().feed(body.as_bytes(), &mut |_: StreamToken<'_>| ());
    assert_eq!(HITS.take(), 0);
}

#[test]
fn one_changed_byte_changes_no_token() {
    for format in Format::all() {
        let before = format.with("ab", "6", "x").into_bytes();
        let learned = format.with("ab", "7", "xy").into_bytes();
        for at in 0..learned.len() {
            for byte in *b"\"\\{}x0 \x80" {
                let mut other = learned.clone();
                other[at] = byte;
                format.decoded(&[before.clone(), learned.clone(), other]);
            }
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-z ]{1,5}",
        1 => any::<char>().prop_map(|c| serde_json::to_string(&c).unwrap().trim_matches('"').to_owned()),
        1 => prop::sample::select(vec![
            "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u0000", "\\", "\"", "\\x", "\u{1}", "\t",
            "\",\"content\":\"", "{", "}", "é", "\u{1F600}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..3).prop_map(|words| words.concat())
}

/// Another byte in the place of one of a frame's, or another field at one of its commas.
#[derive(Debug, Clone)]
enum Change {
    Byte(prop::sample::Index, u8),
    Field(prop::sample::Index, &'static str),
}

impl Change {
    fn apply(&self, frame: &mut Vec<u8>) {
        match self {
            Self::Byte(at, byte) => *at.get_mut(frame) = *byte,
            Self::Field(at, field) => {
                let commas: Vec<usize> = (0..frame.len()).filter(|at| frame[*at] == b',').collect();
                if !commas.is_empty() {
                    let at = *at.get(&commas);
                    frame.splice(at..at, format!(",{field}").into_bytes());
                }
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\"\\{}[]:,0 ".to_vec())];
    let field = prop::sample::select(vec![
        r#""id":"d""#,
        r#""x":{"delta":{"content":"z"}}"#,
        r#""\u0078":[]"#,
        r#""content":"z""#,
        r#""text":"z""#,
        r#""index":1"#,
        r#""usage":{"prompt_tokens":3}"#,
        r#""finish_reason":"stop""#,
        r#""logprobs":{"content":[{"logprob":-1}]}"#,
        r#""error":{"message":"z"}"#,
        r#""message":{"content":"z"}"#,
        r#""type":"message_stop""#,
        r#""thought":true"#,
        r#""done":true"#,
        r#""stop":true"#,
        r#""choices":[]"#,
    ]);
    prop_oneof![
        (any::<prop::sample::Index>(), byte).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (any::<prop::sample::Index>(), field).prop_map(|(at, field)| Change::Field(at, field)),
    ]
}

/// What a frame is made with, and how it is changed.
fn frame() -> impl Strategy<Value = (String, String, String, Option<Change>)> {
    let number = prop_oneof![
        4 => "[1-9][0-9]{0,3}",
        1 => prop::sample::select(vec!["00", "1.5", "null", "{\"content\":\"y\"}", "[[]]", "\"\""]).prop_map(str::to_owned),
    ];
    (text(), number, text(), prop::option::weighted(0.3, change()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_memo_changes_no_token(
        format in 0..FORMATS.len(),
        all in prop::option::weighted(0.5, change()),
        sent in prop::collection::vec(frame(), 1..8),
    ) {
        let format = Format::number(format);
        let sent: Vec<Vec<u8>> = sent
            .into_iter()
            .map(|(text, number, string, change)| {
                let mut frame = format.with(&text, &number, &string).into_bytes();
                all.iter().chain(&change).for_each(|change| change.apply(&mut frame));
                frame
            })
            .collect();
        format.decoded(&sent);
    }
}
