//! llama.cpp's own server API: `/infill`, `/completion`, and `/v1/chat/completions` for chat models.

use serde_json::Value;

use super::Dialect;
use super::chat_completions::ChatCompletions;
use crate::json::{Raw, object};
use crate::provider::error::stream_error;
use crate::provider::fim::{self, Way, Ways};
use crate::provider::finish::finish_reason_in;
use crate::provider::pieces::{self, text};
use crate::provider::profile::Target;
use crate::provider::request::{Draft, Result, object, texts};
use crate::provider::usage::counts;
use crate::provider::{Decoder, Ends, Frame, Framing, Prompt, Reasoning, Seam, Wire};
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

/// llama.cpp's own API.
pub(in crate::provider) struct LlamaCppApi;

impl Dialect for LlamaCppApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let to = |path| Draft::to(target, path);
        let draft = match Ways::ALL.choose(target)? {
            Way::Template(template) => to("/completion")?
                .set("prompt", template.render(prompt))
                .native(prompt, &template.stops(prompt, usize::MAX)),
            Way::Suffix => {
                let text = fim::PLAIN.render(prompt);
                let line = text.rfind('\n').map_or(0, |at| at + 1);
                let (before, typed) = text.split_at_checked(line).unwrap_or((&text, ""));
                let files = prompt.snippets.iter();
                let files = files.map(|file| {
                    object(&mut [
                        ("filename", file.path.as_str().into()),
                        ("text", file.text.as_str().into()),
                    ])
                });
                to("/infill")?
                    .set("input_extra", files.collect::<Vec<Value>>())
                    .set("input_prefix", before)
                    .set("prompt", typed)
                    .set("input_suffix", prompt.suffix.as_str())
                    .native(prompt, &prompt.stop)
            }
            Way::Chat => {
                let draft = to("/v1/chat/completions")?.chat(prompt, Seam::Instruction);
                // A server rarely says which model it has. Templates of models that can think know this switch, the others do
                // not look at it (tools/server/README.md, `chat_template_kwargs`).
                let quiet = target.account.reasoning <= Reasoning::Off && !target.plan().known;
                let draft = if quiet {
                    let switch = object(&mut [("enable_thinking", false.into())]);
                    draft.set("chat_template_kwargs", switch).set("max_tokens", prompt.max_tokens)
                } else {
                    draft.limits(prompt.max_tokens, "max_tokens")
                };
                draft.stream_options(&[("include_usage", true)])
            }
        };
        Ok(draft.temperature())
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Sse, Box::new(Native::default()))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        Ways::ALL.seam(target)
    }
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

    struct Timings<'a> { cached = "cache_n": Raw<'a>, }
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
    use crate::provider::testing::{account, cases, check_cuts, recordings, resumed, sent, sse, tokens};
    use crate::provider::{Account, FimSetting};

    #[test]
    fn streams_become_tokens() {
        let table = expect![[r#"
            # eos, with the whole echo
            {"index":0,"content":"a","tokens":[58935],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":14}
            {"index":0,"content":"","tokens":[1],"stop":false}
            {"index":0,"content":"","tokens":[],"stop":true,"prompt":"<PRE>","stop_type":"eos","stopping_word":"","tokens_predicted":7,"tokens_evaluated":14,"tokens_cached":20,"timings":{"cache_n":3}}
            > text a | usage 14 7 3 - | done#0 stop
            # limit, as `response_fields` leaves it
            {"index":0,"content":"a","tokens":[58935],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":14}
            {"content":"","stop":true,"stop_type":"limit","tokens_predicted":7,"tokens_evaluated":14,"timings/cache_n":3}
            > text a | usage 14 7 3 - | done#0 length
            # word, in the words of old servers
            {"content":"b","stop":true,"stopped_eos":false,"stopped_limit":false,"stopped_word":true}
            > text b | usage - - - - | done#0 stop
            # limit, in the words of old servers
            {"content":"b","stop":true,"stopped_limit":true}
            > text b | usage - - - - | done#0 length
            # two completions
            {"index":0,"content":"a","stop":false}
            {"index":1,"content":"b","stop":false}
            {"index":1,"content":"","stop":true,"stop_type":"word"}
            {"index":0,"content":"","stop":true,"stop_type":"limit"}
            > text a | text#1 b | usage - - - - | usage - - - - | done#1 stop | done#0 length
            # two completions, one of them cut
            {"index":0,"content":"a","stop":false}
            {"index":1,"content":"","stop":true,"stop_type":"word"}
            > text a | usage - - - - | error truncated - the answer ended before its end marker
            # progress of the prompt
            {"index":0,"content":"","tokens":[0],"stop":false,"prompt_progress":{"total":9}}
            {"index":0,"content":"a","tokens":[58935],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":14}
            > text a | error truncated - the answer ended before its end marker
            # chat
            {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}
            {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}
            {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
            {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1},"timings":{}}
            [DONE]
            > text a | usage 3 1 - - | done#0 stop
            # an error as data
            {"index":0,"content":"a","stop":false}
            {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}
            > text a | error transient unavailable_error Loading model
            # as a field
            {"index":0,"content":"a","stop":false}
            error: {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}
            > text a | error transient unavailable_error Loading model
            # as a field, without the wrapping
            {"index":0,"content":"a","stop":false}
            error: {"code":503,"message":"Loading model","type":"unavailable_error"}
            > text a | error transient unavailable_error Loading model
            # as the body
            "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"
            > error transient unavailable_error Loading model
            # a ping and the cut
            :
            {"index":0,"content":"a","stop":false}
            :
            > text a | error truncated - the answer ended before its end marker
        "#]];
        cases(&table, |lines| tokens(|| LlamaCppApi.decoder(), sse(lines)));
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("llamacpp/").iter().for_each(|recording| recording.check(|| LlamaCppApi.decoder()));
    }

    #[test]
    fn templates_and_chats_have_requests_of_their_own() {
        let fim = FimSetting::Template("codellama".to_owned());
        let base_url = "http://localhost:8012/v1".to_owned();
        let template = sent("llama-cpp", &Account { fim, base_url, ..account() }, &resumed());
        let chat = sent("llama-cpp", &Account { fim: FimSetting::Chat, ..account() }, &resumed());
        expect![[r#"
            POST http://localhost:8012/completion
            {"cache_prompt":true,"n_predict":64,"prompt":"<PRE> fn add(a: i32) {\n    a + <SUF>\n}\n <MID>","response_fields":["index","content","stop","stop_type","stopped_limit","tokens_evaluated","tokens_predicted","timings/cache_n"],"stop":["<EOT>","<PRE>","<SUF>","<MID>","\n\n"],"stream":true,"temperature":0.1}
            POST http://127.0.0.1:8080/v1/chat/completions
            {"chat_template_kwargs":{"enable_thinking":false},"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        "#]].assert_eq(&[template, chat].concat());
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        let body = sse(&[
            r#"{"index":0,"content":"a {\"é\n","stop":false}"#,
            r#"{"index":0,"content":"b","stop":false}"#,
            r#"{"content":"","stop":true,"stop_type":"eos"}"#,
        ]);
        check_cuts(|| LlamaCppApi.decoder(), body.as_bytes());
    }
}
