//! AWS Bedrock: the Converse API of every model there, in AWS's binary framing, signed or with a bearer key.

use super::Dialect;
use super::messages::{self, Messages};
use crate::http::Secret;
use crate::json::{Few, Raw, object};
use crate::provider::address::{bedrock_host, region, url};
use crate::provider::error::stream_error;
use crate::provider::finish::finished;
use crate::provider::infill_prompt::{conversation, stops, turn};
use crate::provider::pieces::{reasoning, text, tool_arguments, tool_call};
use crate::provider::profile::Target;
use crate::provider::request::{Draft, Result, object, text_part, texts};
use crate::provider::sigv4::Signer;
use crate::provider::url::segment;
use crate::provider::usage::counts;
use crate::provider::{Account, Decoder, Ends, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{ErrorKind, Sink, StreamToken};

/// Models that know no system prompt (the Converse API's table of features).
const WITHOUT_SYSTEM: &[&str] =
    &["amazon.titan", "mistral.mistral-7b", "mistral.mixtral", "ai21.j2", "cohere.command-text"];

/// Models that know no stop sequences.
const WITHOUT_STOPS: &[&str] = &["meta.llama"];

/// Stop sequences a request may have: Nova takes four.
const MOST_STOPS: usize = 4;

/// The Converse API.
pub(in crate::provider) struct ConverseApi;

impl Dialect for ConverseApi {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let model = target.model();
        let is_one_of = |models: &[&str]| models.iter().any(|name| model.contains(name));
        let is_claude = model.contains("claude");
        let plan = target.plan();
        let conversation = conversation(prompt, target.account, messages::seam(plan));
        let has_system = !is_one_of(WITHOUT_SYSTEM);
        let conversation = if has_system { conversation } else { conversation.without_system() };
        let messages = conversation.turns(&|role, text| turn(role, text_part(text)));
        let temperature = match is_claude {
            true => messages::temperature(plan, target.account),
            false => Some(target.account.temperature().clamp(0.0, 1.0)),
        };
        let most_stops = if is_one_of(WITHOUT_STOPS) { 0 } else { MOST_STOPS };
        let config = object(&mut [
            ("maxTokens", prompt.max_tokens.saturating_add(plan.room).into()),
            ("temperature", temperature.into()),
            ("stopSequences", texts(&stops(prompt, most_stops))),
        ]);
        let mut more = plan.claude();
        let has_more = is_claude && more.iter().any(|(_, value)| !value.is_null());
        let url = url(target, &format!("/model/{}/converse-stream", segment(model)))?;
        Ok(authorized(target, &url)?
            .chat_only()?
            .set("messages", messages)
            .set("system", has_system.then(|| text_part(&conversation.system)))
            .set("inferenceConfig", config)
            .set("additionalModelRequestFields", has_more.then(|| object(&mut more))))
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::EventStream, Box::new(Converse::default()))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        messages::seam(target.plan())
    }

    fn list_models<'a>(&self, target: Target<'a>) -> Result<Option<Draft<'a>>> {
        // Only the control plane's own host knows them, not whatever stands in for the runtime's.
        if !target.account.base_url.trim().is_empty() {
            return Ok(None);
        }
        let url = bedrock_host("bedrock", region(target)?) + "/foundation-models";
        authorized(target, &url).map(Some)
    }
}

/// A request to `url` with a bearer key, or one that is to be signed.
fn authorized<'a>(target: Target<'a>, url: &str) -> Result<Draft<'a>> {
    let account = target.account;
    let draft = Draft::to_url(target, url)?;
    match credentials(account) {
        Some((access_key_id, secret_access_key)) => Ok(draft.signed(Signer {
            access_key_id,
            secret_access_key: secret_access_key.expose(),
            session_token: account.secret("aws-session-token").map_or("", Secret::expose),
            region: region(target)?,
            // Both of Bedrock's hosts are signed for under this name.
            service: "bedrock",
            unix_time: account.unix_time,
        })),
        None if is_key_id(account.api_key.expose()) => {
            let message = "An AWS access key has two parts: set `AWS_SECRET_ACCESS_KEY` as well.";
            Err(target.refusal(ErrorKind::Auth, message))
        }
        None => draft.authorized(),
    }
}

/// The access key, if there is a whole one: its id is in the settings, or where an API key would be.
fn credentials(account: &Account) -> Option<(&str, &Secret)> {
    let secret = account.secret("aws-secret-access-key")?;
    let key = Some(account.api_key.expose()).filter(|key| is_key_id(key));
    Some((account.option("aws.access-key-id").or(key)?, secret))
}

/// Whether this is the id of an access key, long-lived or temporary (IAM user guide, "Unique identifiers"), and not a
/// bearer key.
fn is_key_id(key: &str) -> bool {
    key.starts_with("AKIA") || key.starts_with("ASIA")
}

/// Decodes ConverseStream events, and the `chunk` events of `invoke-with-response-stream` for Claude.
#[derive(Debug, Default)]
struct Converse {
    /// The blocks that are tool calls, in their order in the answer.
    tools: Vec<u64>,
    /// What `chunk` events hold, decoded.
    invoke: Messages,
    chunk: Vec<u8>,
    scratch: String,
}

object! {
    struct Event<'a> {
        index = "contentBlockIndex": Raw<'a>,
        start = "start": Start<'a>,
        delta = "delta": Delta<'a>,
        stop_reason = "stopReason": Raw<'a>,
        usage = "usage": Raw<'a>,
        bytes = "bytes": Raw<'a>,
        // Of a whole answer: Converse's own, Claude's, one in OpenAI's dialect.
        output = "output": Output<'a>,
        kind = "type": Raw<'a>,
        choices = "choices": Raw<'a>,
    }

    struct Output<'a> { message = "message": Message<'a>, }

    struct Message<'a> { content = "content": Few<'a, Block<'a>>, }

    struct Block<'a> {
        text = "text": Raw<'a>,
        tool = "toolUse": Tool<'a>,
        reasoning = "reasoningContent": WholeReasoning<'a>,
    }

    struct WholeReasoning<'a> { text = "reasoningText": Reasoning<'a>, }

    struct Start<'a> { tool = "toolUse": Tool<'a>, }

    struct Tool<'a> {
        id = "toolUseId": Raw<'a>,
        name = "name": Raw<'a>,
        // Whole in a whole answer; in pieces in a stream.
        input = "input": Raw<'a>,
    }

    struct Delta<'a> {
        text = "text": Raw<'a>,
        tool = "toolUse": ToolInput<'a>,
        reasoning = "reasoningContent": Reasoning<'a>,
    }

    struct ToolInput<'a> { input = "input": Raw<'a>, }

    struct Reasoning<'a> { text = "text": Raw<'a>, }

    struct Counts<'a> {
        input = "inputTokens": Raw<'a>,
        output = "outputTokens": Raw<'a>,
        cached = "cacheReadInputTokens": Raw<'a>,
    }
}

impl Wire for Converse {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let mut event = Event::default();
        if frame.read(&mut event).is_err() {
            return ends.malformed();
        }
        match frame.event {
            "contentBlockDelta" => self.delta(event.index.number().unwrap_or(0), &event.delta, sink),
            "contentBlockStart" if event.start.tool.name.is_given() => {
                self.tool(event.index.number().unwrap_or(0), &event.start.tool, sink);
            }
            // `metadata` with the usage still follows.
            "messageStop" => stopped(event.stop_reason, ends),
            "metadata" => {
                count(event.usage, sink);
                ends.over();
            }
            // No event, but JSON in place of the stream: a whole answer, or an error.
            "" if event.stop_reason.is_given() => {
                for (index, block) in (0..).zip(event.output.message.content.iter()) {
                    self.block(index, &block, sink);
                }
                count(event.usage, sink);
                stopped(event.stop_reason, ends);
            }
            "" if event.kind.is_given() || event.choices.is_given() => {
                self.invoke.frame(frame, ends, sink);
            }
            "" => ends.fail(stream_error(frame.data), sink),
            "chunk" => self.chunk(event.bytes, ends, sink),
            _ => {}
        }
    }
}

impl Converse {
    fn block(&mut self, index: u64, block: &Block<'_>, sink: &mut dyn Sink) {
        reasoning(block.reasoning.text.text, &mut self.scratch, sink);
        text(block.text, 0, None, &mut self.scratch, sink);
        if block.tool.name.is_given() {
            self.tool(index, &block.tool, sink);
        }
    }

    fn tool(&mut self, block: u64, tool: &Tool<'_>, sink: &mut dyn Sink) {
        let index = self.tools.len().try_into().unwrap_or(u32::MAX);
        self.tools.push(block);
        tool_call(index, tool.id, tool.name, tool.input.json(), sink);
    }

    fn delta(&mut self, block: u64, delta: &Delta<'_>, sink: &mut dyn Sink) {
        reasoning(delta.reasoning.text, &mut self.scratch, sink);
        text(delta.text, 0, None, &mut self.scratch, sink);
        if let Some((index, _)) = (0..).zip(&self.tools).find(|(_, tool)| **tool == block)
            && let Some(arguments) = delta.tool.input.piece(&mut self.scratch)
        {
            tool_arguments(index, &arguments, sink);
        }
    }

    fn chunk(&mut self, bytes: Raw<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let encoded = bytes.str(&mut self.scratch).unwrap_or_default();
        self.chunk.clear();
        match base64(encoded, &mut self.chunk).and_then(|()| std::str::from_utf8(&self.chunk).ok()) {
            Some(data) => self.invoke.frame(&mut Frame::new("", data), ends, sink),
            None => ends.malformed(),
        }
    }
}

fn count(usage: Raw<'_>, sink: &mut dyn Sink) {
    if usage.is_given() {
        let Counts { input, output, cached } = usage.read();
        sink.token(StreamToken::Usage(counts(input, output, cached, Raw::default())));
    }
}

fn stopped(reason: Raw<'_>, ends: &mut Ends) {
    finished(0, reason, ends);
    ends.marker();
}

/// Appends what `text` encodes in RFC 4648's base64, padded or not; `None` if it is none.
fn base64(text: &str, to: &mut Vec<u8>) -> Option<()> {
    let mut group = 0u32;
    let mut bits = 0;
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        group = group << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            to.push((group >> bits) as u8);
        }
    }
    // A lone sextet encodes nothing.
    (bits < 6).then_some(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::Provider;
    use crate::provider::event_stream::tests::{event, frame};
    use crate::provider::registry::profile;
    use crate::provider::testing::{
        account, cases, check_cuts, decoded, prompt, recordings, sent, tokens, with_model,
    };

    fn stream(events: &[(&str, &str)]) -> Vec<u8> {
        events.iter().flat_map(|(name, payload)| event(name, payload)).collect()
    }

    const TEXT: (&str, &str) =
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"a\n"},"p":"abcdef"}"#);
    const STOP: (&str, &str) = ("messageStop", r#"{"p":"abc","stopReason":"end_turn"}"#);

    #[test]
    fn events_become_tokens() {
        let table = expect![[r#"
            messageStart {"p":"abcd","role":"assistant"}
            contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}
            contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"x"}}}
            contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a\n"},"p":"abcdef"}
            contentBlockDelta {"contentBlockIndex":1,"delta":{"text":""}}
            contentBlockStop {"contentBlockIndex":1}
            contentBlockStart {"contentBlockIndex":3,"start":{"toolUse":{"name":"f","toolUseId":"tooluse_1"}}}
            contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"a\":1}"}}}
            contentBlockStart {"contentBlockIndex":4,"start":{"toolUse":{"name":"g"}}}
            novelEvent {"delta":{"text":"no"}}
            messageStop {"stopReason":"tool_use"}
            metadata {"metrics":{"latencyMs":588},"usage":{"inputTokens":53,"outputTokens":21,"cacheReadInputTokens":5}}
            > reasoning hm | text a\n | tool#0 tooluse_1 f  | tool#0 - - {"a":1} | tool#1 - g  | usage 53 21 5 - | done#0 tool_calls
            # Claude's own events, in base64: {"type":"content_block_delta",…,"text":"ab"}} and {"type":"message_stop"}
            chunk {"bytes":"eyJ0eXBlIjoiY29udGVudF9ibG9ja19kZWx0YSIsImluZGV4IjowLCJkZWx0YSI6eyJ0eXBlIjoidGV4dF9kZWx0YSIsInRleHQiOiJhYiJ9fQ==","p":"ab"}
            chunk {"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0=","p":"ab"}
            > text ab | done#0 stop
            # {"completion":" a","stop_reason":"stop_sequence","stop":"x"}
            chunk {"bytes":"eyJjb21wbGV0aW9uIjoiIGEiLCJzdG9wX3JlYXNvbiI6InN0b3Bfc2VxdWVuY2UiLCJzdG9wIjoieCJ9","p":"ab"}
            > text  a | done#0 stop
            # no base64
            chunk {"bytes":"e*","p":"ab"}
            > error malformed - the stream has a part that is not of its format: {"bytes":"e*","p":"ab"}
        "#]];
        cases(&table, |lines| {
            let events = lines.iter().map(|line| line.split_once(' ').unwrap());
            tokens(|| ConverseApi.decoder(), stream(&events.collect::<Vec<_>>()))
        });
    }

    #[test]
    fn an_answer_that_was_not_streamed_is_understood() {
        let table = expect![[r#"
            {"metrics":{"latencyMs":9},"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"x"}}},{"text":"a"},{"toolUse":{"toolUseId":"t","name":"f","input":{"b":1}}}]}},"stopReason":"tool_use","usage":{"inputTokens":3,"outputTokens":2}}
            > reasoning hm | text a | tool#0 t f {"b":1} | usage 3 2 - - | done#0 tool_calls
            {"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}
            > text a | done#0 stop
        "#]];
        cases(&table, |body| tokens(|| ConverseApi.decoder(), body[0]));
    }

    #[test]
    fn what_breaks_a_stream_is_told_and_what_came_is_kept() {
        let text = stream(&[TEXT]);
        let exception = |name| {
            frame(&[(":exception-type", name), (":message-type", "exception")], br#"{"message":"Slow down"}"#)
        };
        let mut spoilt = stream(&[STOP]);
        *spoilt.last_mut().unwrap() ^= 1;
        let mut cut = stream(&[TEXT, STOP]);
        cut.truncate(cut.len() - 3);
        let failure = frame(
            &[(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "Oh")],
            b"",
        );
        for (name, body, expected) in [
            (
                "throttled",
                [text.clone(), exception("throttlingException"), text.clone()].concat(),
                &["text a\n", "error rate_limited throttlingException Slow down"][..],
            ),
            (
                "the model",
                [text.clone(), exception("modelStreamErrorException")].concat(),
                &["text a\n", "error transient modelStreamErrorException Slow down"],
            ),
            (
                "unavailable, at once",
                exception("serviceUnavailableException"),
                &["error transient serviceUnavailableException Slow down"],
            ),
            (
                "the service itself",
                [text.clone(), failure].concat(),
                &["text a\n", "error transient InternalFailure Oh"],
            ),
            (
                "a wrong checksum",
                [text.clone(), spoilt].concat(),
                &["text a\n", "error truncated - an event stream frame whose checksum does not match"],
            ),
            ("cut off", cut, &["text a\n", "error truncated - the answer ended before its end marker"]),
            ("JSON under a 200", br#"{"message":"Slow down"}"#.to_vec(), &["error transient - Slow down"]),
            (
                "a page under a 200",
                b"<html><title>Log in</title></html>".to_vec(),
                &[
                    "error malformed - the stream has a part that is not of its format: a web page titled \u{201c}Log in\u{201d}",
                ],
            ),
        ] {
            assert_eq!(decoded(|| ConverseApi.decoder(), &body), expected, "{name}");
        }
    }

    #[test]
    fn base64_is_decoded_padded_or_not() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYmE", Some(b"fooba")),
            ("+/+/", Some(b"\xFB\xFF\xBF")),
            ("Z", None),
            ("Zm9 v", None),
            ("Zm9\u{e9}", None),
        ] {
            let mut to = Vec::new();
            assert_eq!(base64(text, &mut to).map(|()| &*to), bytes, "{text}");
        }
    }

    #[test]
    fn recordings_decode_as_their_index_says() {
        recordings("bedrock/").iter().for_each(|recording| recording.check(|| ConverseApi.decoder()));
    }

    fn in_us(account: Account) -> Account {
        Account { options: vec![("aws.region".to_owned(), "us-east-1".to_owned())], ..account }
    }

    #[test]
    fn models_without_system_prompt_or_stops_get_none() {
        expect![[r#"
            POST https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-text-express-v1/converse-stream
            {"inferenceConfig":{"maxTokens":64,"temperature":0.1},"messages":[{"content":[{"text":"You are the completion engine of a code editor. You are shown the text after the cursor and the text before the cursor. Reply with exactly the text to insert at the cursor, so that before, insertion and after make good code together. Keep to the style and indentation around. Begin right at the cursor, in the middle of a line or word if it stands there. Stop when the statement or block at hand is complete. Never repeat what is already before or after the cursor. No explanation, no Markdown, no code fence. If nothing is missing, reply with nothing.\n\n<file path=\"src/lib.rs\">\nmod math;\n</file>\n<current_file path=\"src/math.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n<before_cursor>\nfn add(a: i32) {\n    </before_cursor>\n</current_file>"}],"role":"user"}]}
        "#]].assert_eq(&sent("bedrock", &in_us(with_model("amazon.titan-text-express-v1")), &prompt()));
        let prompt = Prompt { stop: vec!["}".to_owned()], ..prompt() };
        let sent = sent("bedrock", &in_us(with_model("us.meta.llama3-3-70b-instruct-v1:0")), &prompt);
        assert!(!sent.contains("stopSequences"), "{sent}");
    }

    #[test]
    fn requests_are_signed_with_an_access_key() {
        let secrets = [("aws-secret-access-key", "SECRET"), ("aws-session-token", "TOKEN")];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), Secret::new(value))).to_vec();
        let signed = Account {
            secrets,
            api_key: Secret::new("AKIAEXAMPLE"),
            options: vec![("aws.region".to_owned(), "eu-west-1".to_owned())],
            unix_time: 1_440_938_160,
            ..in_us(account())
        };
        expect![[r#"
            POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/global.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream
            x-amz-date: 20150830T123600Z
            x-amz-security-token: TOKEN (secret)
            authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=8da22434c18a6555e4299d0cba4819b6ef3e92c88e17e42073af458eb286cb9c (secret)
            {"inferenceConfig":{"maxTokens":64,"temperature":0.1},"messages":[{"content":[{"text":(code)}],"role":"user"}],"system":[{"text":(system)}]}
        "#]].assert_eq(&sent("bedrock", &signed, &prompt()));
        let request = profile("bedrock").unwrap().models_request(&signed).unwrap();
        assert_eq!(request.url.as_str(), "https://bedrock.eu-west-1.amazonaws.com/foundation-models");
        assert!(
            request
                .secret_headers
                .iter()
                .any(|(_, value)| value.expose().contains("AKIAEXAMPLE/20150830/eu-west-1/bedrock"))
        );
    }

    #[test]
    fn credentials_that_are_missing_or_wrong_are_named() {
        let key = |key| Account { api_key: Secret::new(key), ..in_us(account()) };
        let region =
            Account { options: vec![("aws.region".to_owned(), "evil.example/".to_owned())], ..account() };
        for (account, expected) in [
            (key(""), "error auth: Bedrock needs an API key"),
            (key("AKIAEXAMPLE"), "error auth: An AWS access key has two parts"),
            (region, "error request: `aws.region`"),
        ] {
            let sent = sent("bedrock", &account, &prompt());
            assert!(sent.starts_with(expected), "{sent}");
        }
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        check_cuts(
            || ConverseApi.decoder(),
            &stream(&[TEXT, TEXT, STOP, ("metadata", r#"{"usage":{"inputTokens":1}}"#)]),
        );
    }
}
