//! Ollama's own API: `/api/generate` with its FIM `suffix`, and `/api/chat`; both stream lines of JSON.

use serde_json::Value;

use super::Dialect;
use super::chat_completions::{ChatCompletions, arguments};
use crate::json::{Few, Raw, object};
use crate::provider::error::stream_error;
use crate::provider::fim::{self, Auto, Way, Ways};
use crate::provider::finish::finish_reason_in;
use crate::provider::pieces::{reasoning, text, tool_call};
use crate::provider::profile::Target;
use crate::provider::reasoning::Plan;
use crate::provider::request::{Draft, Result, object, texts};
use crate::provider::usage::counts;
use crate::provider::{Account, Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken, Usage};

/// Tokens the model is loaded with room for. Said in every request: Ollama's own 4096 would cut a longer
/// prompt at its beginning, special tokens and all, and another number loads the model anew.
const CONTEXT: u64 = 8192;

/// How long the model stays loaded after a request: longer than a thought, unlike Ollama's five minutes.
const KEEP_ALIVE: &str = "30m";

/// Stop strings a request may have: Ollama has no limit, this is ours.
const MOST_STOPS: usize = 16;

/// Ollama's own API.
pub(in crate::provider) struct OllamaApi;

impl Dialect for OllamaApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let generate = || Draft::to(target, "/api/generate");
        // By `suffix`, unless there are other files to show and a template that can show them: what stands before the prefix
        // token is out of reach of `prompt`.
        let auto = if prompt.snippets.is_empty() { Auto::Suffix } else { Auto::TemplateOrSuffix };
        let way = Ways { auto, ..Ways::ALL }.choose(target)?;
        let (draft, stops) = match way {
            Way::Template(template) => {
                let draft = generate()?.set("prompt", template.render(prompt)).set("raw", true);
                (draft, template.stops(prompt, MOST_STOPS))
            }
            Way::Chat => (Draft::to(target, "/api/chat")?.chat(prompt, Seam::Instruction), Vec::new()),
            Way::Suffix => {
                let draft = generate()?.set("prompt", fim::PLAIN.render(prompt));
                // A `stop` replaces the model's own, so the family's come along.
                let family = fim::of_model(target.model()).unwrap_or(&fim::PLAIN);
                (draft.set("suffix", prompt.suffix.as_str()), family.stops(prompt, MOST_STOPS))
            }
        };
        let plan = target.plan();
        Ok(draft
            .model()
            .set("stream", true)
            .set("think", think(plan))
            .set("keep_alive", KEEP_ALIVE)
            .set("options", options(plan, target.account, prompt, &stops)))
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Ndjson, Box::new(Lines::default()))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        Ways::ALL.seam(target)
    }
}

/// Models that can think do so unless told otherwise; the others take the switch as well.
fn think(plan: Plan) -> Value {
    match plan.word {
        None | Some("none") => false.into(),
        Some(level) if plan.known => level.into(),
        Some(_) => true.into(),
    }
}

fn options(plan: Plan, account: &Account, prompt: &Prompt, stops: &[String]) -> Value {
    let context = account.option("ollama.num-ctx").and_then(|tokens| tokens.parse().ok()).unwrap_or(CONTEXT);
    object(&mut [
        ("num_predict", prompt.max_tokens.saturating_add(plan.room).into()),
        ("num_ctx", context.into()),
        ("temperature", account.temperature().into()),
        ("stop", texts(stops)),
    ])
}

/// Decodes the lines of `/api/generate` and `/api/chat`.
#[derive(Debug, Default)]
struct Lines {
    tools: u32,
    scratch: String,
    /// A gateway in OpenAI's dialect, or a proxy's complaint.
    other: ChatCompletions,
}

object! {
    struct Line<'a> {
        response = "response": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        message = "message": Raw<'a>,
        done = "done": Raw<'a>,
        done_reason = "done_reason": Raw<'a>,
        input = "prompt_eval_count": Raw<'a>,
        output = "eval_count": Raw<'a>,
        error = "error": Raw<'a>,
    }

    struct Message<'a> {
        content = "content": Raw<'a>,
        thinking = "thinking": Raw<'a>,
        tool_calls = "tool_calls": Few<'a, Call<'a>>,
    }

    struct Call<'a> {
        id = "id": Raw<'a>,
        function = "function": Function<'a>,
    }

    struct Function<'a> {
        name = "name": Raw<'a>,
        arguments = "arguments": Raw<'a>,
    }
}

impl Wire for Lines {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut line = Line::default();
        if frame.read(&mut line).is_err() {
            return ends.malformed();
        }
        if line.error.is_given() {
            return ends.fail(stream_error(frame.data), sink);
        }
        let is_chat = line.message.json().starts_with('{');
        if !is_chat && line.response.json().is_empty() && line.done.json().is_empty() {
            return self.other.frame(frame, ends, sink);
        }
        let message: Message<'_> = line.message.read();
        reasoning(line.thinking, &mut self.scratch, sink);
        reasoning(message.thinking, &mut self.scratch, sink);
        text(line.response, 0, None, &mut self.scratch, sink);
        text(message.content, 0, None, &mut self.scratch, sink);
        for call in message.tool_calls.iter() {
            let arguments = arguments(call.function.arguments, &mut self.scratch);
            tool_call(self.tools, call.id, call.function.name, arguments, sink);
            self.tools += 1;
        }
        if !line.done.is_given() {
            return;
        }
        let usage = counts(line.input, line.output, Raw::default(), Raw::default());
        if usage != Usage::default() {
            sink.token(StreamToken::Usage(usage));
        }
        // Servers before 0.1.34 give no reason, and newer ones may give an empty one.
        ends.finished(0, finish_reason_in(line.done_reason).unwrap_or(FinishReason::Stop));
        ends.over();
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::FimSetting;
    use crate::provider::testing::{
        account, cases, check_cuts, prompt, recordings, resumed, sent, tokens, with_model,
    };

    #[test]
    fn lines_of_both_apis_are_understood() {
        let table = expect![[r#"
            # generate
            {"model":"m","created_at":"2026-01-01T00:00:00Z","response":"let \"é\"","done":false}
            {"model":"m","response":"","done":true,"done_reason":"length","context":[1,2],"total_duration":5,"prompt_eval_count":16,"eval_count":51}
            > text let "é" | usage 16 51 - - | done#0 length
            # text in the last line
            {"response":"!","done":true,"done_reason":"stop","eval_count":1}
            > text ! | usage - 1 - - | done#0 stop
            # no reason, as old servers
            {"response":"a","done":true}
            > text a | done#0 stop
            # an empty reason
            {"response":"","done":true,"done_reason":""}
            > done#0 stop
            # only loaded
            {"response":"","done":true,"done_reason":"load"}
            > done#0 other
            # thinking
            {"response":"","thinking":"hm","done":false}
            {"message":{"content":"","thinking":"hm"},"done":false}
            {"model":"m","response":"","done":true,"done_reason":"length","context":[1,2],"total_duration":5,"prompt_eval_count":16,"eval_count":51}
            > reasoning hm | reasoning hm | usage 16 51 - - | done#0 length
            # chat with tools
            {"model":"m","message":{"role":"assistant","content":"a"},"done":false}
            {"message":{"content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"x":2}}},{"function":{"name":"g"}}]},"done":false}
            {"message":{"content":""},"done":true,"done_reason":"stop"}
            > text a | tool#0 c f {"x":2} | tool#1 - g  | done#0 stop
            # arguments in a string
            {"message":{"tool_calls":[{"function":{"name":"f","arguments":"{\"x\":2}"}}]},"done":false}
            {"model":"m","response":"","done":true,"done_reason":"length","context":[1,2],"total_duration":5,"prompt_eval_count":16,"eval_count":51}
            > tool#0 - f {"x":2} | usage 16 51 - - | done#0 length
            # an error in the middle
            {"model":"m","created_at":"2026-01-01T00:00:00Z","response":"let \"é\"","done":false}
            {"error":"an error was encountered while running the model"}
            > text let "é" | error transient - an error was encountered while running the model
            # an error alone
            {"error":"an error was encountered while running the model"}
            > error transient - an error was encountered while running the model
            # cut off
            {"model":"m","created_at":"2026-01-01T00:00:00Z","response":"let \"é\"","done":false}
            > text let "é" | error truncated - the answer ended before its end marker
        "#]];
        cases(&table, |lines| {
            let told = tokens(|| OllamaApi.decoder(), lines.join("\n"));
            assert_eq!(tokens(|| OllamaApi.decoder(), lines.join("\r\n")), told);
            told
        });
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        for recording in recordings("ollama/").iter().filter(|recording| recording.file.ends_with(".ndjson"))
        {
            recording.check(|| OllamaApi.decoder());
        }
    }

    #[test]
    fn each_way_to_ask_has_its_request() {
        let by_suffix = sent("ollama", &account(), &Prompt { snippets: Vec::new(), ..resumed() });
        let template = FimSetting::Template("<P>{prefix}<S>{suffix}<M>".to_owned());
        let raw = sent("ollama", &Account { fim: template, ..with_model("m") }, &resumed());
        let base_url = "https://ollama.com/v1".to_owned();
        let chat = sent("ollama", &Account { fim: FimSetting::Chat, base_url, ..account() }, &resumed());
        expect![[r#"
            POST http://localhost:11434/api/generate
            {"keep_alive":"30m","model":"qwen2.5-coder:1.5b-base","options":{"num_ctx":8192,"num_predict":64,"stop":["<|endoftext|>","<|file_sep|>","<|fim_pad|>","<|im_end|>","\n\n"],"temperature":0.1},"prompt":"fn add(a: i32) {\n    a +","stream":true,"suffix":"\n}\n","think":false}
            POST http://localhost:11434/api/generate
            {"keep_alive":"30m","model":"m","options":{"num_ctx":8192,"num_predict":64,"stop":["\n\n"],"temperature":0.1},"prompt":"<P>fn add(a: i32) {\n    a +<S>\n}\n<M>","raw":true,"stream":true,"think":false}
            POST https://ollama.com/api/chat
            {"keep_alive":"30m","messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"model":"qwen2.5-coder:1.5b-base","options":{"num_ctx":8192,"num_predict":64,"temperature":0.1},"stream":true,"think":false}
        "#]].assert_eq(&[by_suffix, raw, chat].concat());
    }

    #[test]
    fn a_model_that_cannot_but_think_gets_room_for_it() {
        let account = Account { fim: FimSetting::Chat, ..with_model("gpt-oss:20b") };
        let sent = sent("ollama", &account, &prompt());
        assert!(sent.contains("\"think\":\"low\"") && sent.contains("\"num_predict\":2112"), "{sent}");
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        let lines = [
            r#"{"response":"a {\"é\n","done":false}"#,
            r#"{"message":{"content":"b"},"done":false}"#,
            r#"{"response":"","done":true,"done_reason":"stop"}"#,
        ];
        check_cuts(|| OllamaApi.decoder(), lines.join("\n").as_bytes());
    }
}
