//! llama.cpp's own server API: `/infill`, `/completion`, and `/v1/chat/completions` for chat models.

use serde_json::Value;

use super::chat_completions::ChatCompletions;
use crate::json::{Raw, object};
use crate::provider::error::stream_error;
use crate::provider::fim::{self, Way, Ways};
use crate::provider::finish::finish_reason_in;
use crate::provider::pieces::{self, text};
use crate::provider::profile::Profile;
use crate::provider::request::{Draft, object, texts};
use crate::provider::usage::counts;
use crate::provider::{Account, Decoder, Ends, Error, Frame, Framing, Prompt, Reasoning, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};

/// What the last object of a stream is cut to. Whole, it echoes the prompt and all settings.
const RESPONSE_FIELDS: &[&str] = &[
    "index",
    "content",
    "stop",
    "stop_type",
    "stopped_limit",
    "tokens_evaluated",
    "tokens_predicted",
    "timings/cache_n",
];

impl Draft<'_> {
    /// What `/infill` and `/completion` have in common.
    fn native(self, prompt: &Prompt, stops: &[String]) -> Self {
        self.model()
            .set("n_predict", prompt.max_tokens)
            .set("stop", texts(stops))
            .set("cache_prompt", true)
            .set("response_fields", RESPONSE_FIELDS)
            .set("stream", true)
    }
}

/// The request that asks for `prompt`.
///
/// # Errors
/// When a setting is missing or wrong.
pub(in crate::provider) fn request<'a>(
    profile: &'a Profile,
    account: &'a Account,
    prompt: &Prompt,
) -> Result<Draft<'a>, Box<Error>> {
    let to = |path| Draft::to(profile, account, path);
    let way = Ways::ALL.choose(profile, account)?;
    let draft = match (way, way.raw(prompt, usize::MAX)) {
        (_, Some((text, stops))) => to("/completion")?.set("prompt", text).native(prompt, &stops),
        (Way::Suffix | Way::Template(_) | Way::Custom(_), None) => {
            let text = fim::render("{prefix}", prompt, "");
            let line = text.rfind('\n').map_or(0, |at| at + 1);
            let (before, typed) = text.split_at_checked(line).unwrap_or((&text, ""));
            let files = prompt.snippets.iter();
            let files = files.map(|file| {
                object(&mut [("filename", file.path.as_str().into()), ("text", file.text.as_str().into())])
            });
            to("/infill")?
                .set("input_extra", files.collect::<Vec<Value>>())
                .set("input_prefix", before)
                .set("prompt", typed)
                .set("input_suffix", prompt.suffix.as_str())
                .native(prompt, &prompt.stop)
        }
        (Way::Chat, None) => {
            let draft = to("/v1/chat/completions")?.chat(account, prompt, Seam::Instruction);
            // A server rarely says which model it has. Templates of models that can think know this switch, the others do
            // not look at it (tools/server/README.md, `chat_template_kwargs`).
            let quiet = account.reasoning <= Reasoning::Off && !profile.plan(account).known;
            let draft = if quiet {
                let switch = object(&mut [("enable_thinking", false.into())]);
                draft.set("chat_template_kwargs", switch).set("max_tokens", prompt.max_tokens)
            } else {
                draft.limits(profile, account, prompt, "max_tokens")
            };
            draft.stream_options(&[("include_usage", true)])
        }
    };
    Ok(draft.temperature())
}

/// How an answer that broke off is continued.
pub(in crate::provider) fn seam(profile: &Profile, account: &Account) -> Seam {
    if Ways::ALL.is_chat(profile, account) { Seam::Instruction } else { Seam::Prefix }
}

/// A decoder of a body in this format.
pub(in crate::provider) fn decoder() -> Decoder {
    Decoder::new(Framing::Sse, Box::new(Native::default()))
}

/// Decodes the chunks of `/infill` and `/completion`, and hands those of `/v1/chat/completions` on.
#[derive(Default)]
struct Native {
    scratch: String,
    chat: ChatCompletions,
}

object! {
    struct Chunk<'a> {
        index = "index": Raw<'a>,
        content = "content": Raw<'a>,
        stop = "stop": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    /// What is to be known of the last chunk only. The others count as well; there it is left unread, so that
    /// the memo of the envelope need not care.
    struct End<'a> {
        stop_type = "stop_type": Raw<'a>,
        // What servers before December 2024 say instead of `stop_type`.
        stopped_limit = "stopped_limit": Raw<'a>,
        input = "tokens_evaluated": Raw<'a>,
        output = "tokens_predicted": Raw<'a>,
        timings = "timings": Timings<'a>,
        // What `response_fields` takes out of `timings` has this key.
        cached = "timings/cache_n": Raw<'a>,
    }
}

object! {
    struct Timings<'a> {
        cached = "cache_n": Raw<'a>,
    }
}

impl Wire for Native {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut chunk = Chunk::default();
        if frame.read(&mut chunk).is_err() {
            return ends.malformed();
        }
        if chunk.error.is_given() || frame.event == "error" {
            return ends.fail(stream_error(frame.data), sink);
        }
        // Every chunk of its own format has these, and no other's has.
        if chunk.content.json().is_empty() && chunk.stop.json().is_empty() {
            return self.chat.frame(frame, ends, sink);
        }
        let index = pieces::index(chunk.index).unwrap_or(0);
        ends.begun(index);
        text(chunk.content, index, None, &mut self.scratch, sink);
        if !chunk.stop.is_given() {
            return;
        }
        let mut end = End::default();
        // The text has been read before.
        let _ = frame.read(&mut end);
        let cached = if end.timings.cached.is_given() { end.timings.cached } else { end.cached };
        sink.token(StreamToken::Usage(counts(end.input, end.output, cached, Raw::default())));
        let reason = match finish_reason_in(end.stop_type) {
            Some(reason) => reason,
            None if end.stopped_limit.is_given() => FinishReason::Length,
            None => FinishReason::Stop,
        };
        ends.finished(index, reason);
        // Nothing follows the last choice's (no `[DONE]`), and one is all that is asked for.
        ends.over_if_complete();
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::FimSetting;
    use crate::provider::testing::{account, check_cuts, decoded, recordings, resumed, sent};

    fn sse(chunks: &[&str]) -> String {
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
    }

    const TRUNCATED: &str = "error truncated - the answer ended before its end marker";

    #[test]
    fn the_object_that_says_stop_is_the_end() {
        let text = r#"{"index":0,"content":"a","tokens":[58935],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":14}"#;
        let held_back = r#"{"index":0,"content":"","tokens":[1],"stop":false}"#;
        for (name, chunks, expected) in [
            (
                "eos, with the whole echo",
                &[
                    text,
                    held_back,
                    r#"{"index":0,"content":"","tokens":[],"stop":true,"prompt":"<PRE>","stop_type":"eos","stopping_word":"","tokens_predicted":7,"tokens_evaluated":14,"tokens_cached":20,"timings":{"cache_n":3}}"#,
                ][..],
                &["text a", "usage 14 7 3 -", "done#0 stop"][..],
            ),
            (
                "limit, as `response_fields` leaves it",
                &[
                    text,
                    r#"{"content":"","stop":true,"stop_type":"limit","tokens_predicted":7,"tokens_evaluated":14,"timings/cache_n":3}"#,
                ],
                &["text a", "usage 14 7 3 -", "done#0 length"],
            ),
            (
                "word, in the words of old servers",
                &[
                    r#"{"content":"b","stop":true,"stopped_eos":false,"stopped_limit":false,"stopped_word":true}"#,
                ],
                &["text b", "usage - - - -", "done#0 stop"],
            ),
            (
                "limit, in the words of old servers",
                &[r#"{"content":"b","stop":true,"stopped_limit":true}"#],
                &["text b", "usage - - - -", "done#0 length"],
            ),
            (
                "two completions",
                &[
                    r#"{"index":0,"content":"a","stop":false}"#,
                    r#"{"index":1,"content":"b","stop":false}"#,
                    r#"{"index":1,"content":"","stop":true,"stop_type":"word"}"#,
                    r#"{"index":0,"content":"","stop":true,"stop_type":"limit"}"#,
                ],
                &["text a", "text#1 b", "usage - - - -", "usage - - - -", "done#1 stop", "done#0 length"],
            ),
            (
                "two completions, one of them cut",
                &[
                    r#"{"index":0,"content":"a","stop":false}"#,
                    r#"{"index":1,"content":"","stop":true,"stop_type":"word"}"#,
                ],
                &["text a", "usage - - - -", TRUNCATED],
            ),
            (
                "progress of the prompt",
                &[
                    r#"{"index":0,"content":"","tokens":[0],"stop":false,"prompt_progress":{"total":9}}"#,
                    text,
                ],
                &["text a", TRUNCATED],
            ),
        ] {
            assert_eq!(decoded(decoder, sse(chunks).as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn an_error_is_understood_in_all_its_shapes() {
        let text = "data: {\"index\":0,\"content\":\"a\",\"stop\":false}\n\n";
        let error = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
        let bare = r#"{"code":503,"message":"Loading model","type":"unavailable_error"}"#;
        let told = "error transient unavailable_error Loading model";
        for (name, body, expected) in [
            ("as data", format!("{text}data: {error}\n\n"), &["text a", told][..]),
            ("as a field", format!("{text}error: {error}\n\n"), &["text a", told]),
            ("as a field, without the wrapping", format!("{text}error: {bare}\n\n"), &["text a", told]),
            ("as the body", error.to_owned(), &[told]),
            ("a ping and the cut", format!(":\n\n{text}:\n\n"), &["text a", TRUNCATED]),
        ] {
            assert_eq!(decoded(decoder, body.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn chat_is_understood_as_well() {
        let body = sse(&[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1},"timings":{}}"#,
            "[DONE]",
        ]);
        assert_eq!(decoded(decoder, body.as_bytes()), ["text a", "usage 3 1 - -", "done#0 stop"]);
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("llamacpp/").iter().for_each(|recording| recording.check(decoder));
    }

    #[test]
    fn infill_gets_the_line_being_typed_apart() {
        expect![[r#"
            POST http://127.0.0.1:8080/infill
            authorization: Bearer KEY (secret)
            {"cache_prompt":true,"input_extra":[{"filename":"src/lib.rs","text":"mod math;\n"}],"input_prefix":"fn add(a: i32) {\n","input_suffix":"\n}\n","n_predict":64,"prompt":"    a +","response_fields":["index","content","stop","stop_type","stopped_limit","tokens_evaluated","tokens_predicted","timings/cache_n"],"stop":["\n\n"],"stream":true,"temperature":0.1}
        "#]]
        .assert_eq(&sent("llama-cpp", &account(), &resumed()));
    }

    #[test]
    fn a_template_is_sent_as_a_plain_completion() {
        let fim = FimSetting::Template("codellama".to_owned());
        let base_url = "http://localhost:8012/v1".to_owned();
        expect![[r#"
            POST http://localhost:8012/completion
            authorization: Bearer KEY (secret)
            {"cache_prompt":true,"n_predict":64,"prompt":"<PRE> fn add(a: i32) {\n    a + <SUF>\n}\n <MID>","response_fields":["index","content","stop","stop_type","stopped_limit","tokens_evaluated","tokens_predicted","timings/cache_n"],"stop":["<EOT>","<PRE>","<SUF>","<MID>","\n\n"],"stream":true,"temperature":0.1}
        "#]]
        .assert_eq(&sent("llama-cpp", &Account { fim, base_url, ..account() }, &resumed()));
    }

    #[test]
    fn a_chat_is_asked_to_fill_the_hole() {
        expect![[r#"
            POST http://127.0.0.1:8080/v1/chat/completions
            authorization: Bearer KEY (secret)
            {"chat_template_kwargs":{"enable_thinking":false},"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        "#]].assert_eq(&sent(
            "llama-cpp",
            &Account { fim: FimSetting::Chat, ..account() },
            &resumed(),
        ));
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        let body = sse(&[
            r#"{"index":0,"content":"a {\"é\n","stop":false}"#,
            r#"{"index":0,"content":"b","stop":false}"#,
            r#"{"content":"","stop":true,"stop_type":"eos"}"#,
        ]);
        check_cuts(decoder, body.as_bytes());
    }
}
