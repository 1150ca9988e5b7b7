use ai_completion::stream::{
    Done, ErrorKind, FinishReason, FunctionCall, StreamError, TextDelta, ToolCall, Usage,
};

use super::*;

#[test]
fn tokens_become_lines() {
    let text = |content: &'static str, index, logprob| {
        StreamToken::Delta(TextDelta { content: content.into(), index, logprob })
    };
    let call = |id: Option<&'static str>| ToolCall {
        index: 1,
        id: id.map(Into::into),
        name: id.map(|_| "look".into()),
        arguments: "{".into(),
    };
    let error = |code: Option<&'static str>, retry_after_ms| StreamError {
        kind: ErrorKind::RateLimited,
        code: code.map(Into::into),
        message: "slow down".into(),
        retry_after_ms,
    };
    for (token, line) in [
        (StreamToken::Text("é\n\"".into()), r#"{"type":"text","text":"é\n\""}"#),
        (text("a", 0, None), r#"{"type":"text","text":"a"}"#),
        (text("a", 2, Some(-0.5)), r#"{"type":"text","text":"a","index":2,"logprob":-0.5}"#),
        (StreamToken::Reasoning("hm".into()), r#"{"type":"reasoning","text":"hm"}"#),
        (StreamToken::Refusal("no".into()), r#"{"type":"refusal","text":"no"}"#),
        (
            StreamToken::FunctionCall(FunctionCall { name: None, arguments: "1}".into() }),
            r#"{"type":"function_call","name":null,"arguments":"1}"}"#,
        ),
        (
            StreamToken::ToolCall(call(Some("c1"))),
            r#"{"type":"tool_call","index":1,"id":"c1","name":"look","arguments":"{"}"#,
        ),
        (
            StreamToken::ToolCall(call(None)),
            r#"{"type":"tool_call","index":1,"id":null,"name":null,"arguments":"{"}"#,
        ),
        (
            StreamToken::Usage(Usage { input: Some(3), output: Some(0), ..Usage::default() }),
            r#"{"type":"usage","input":3,"output":0,"cached":null,"reasoning":null}"#,
        ),
        (
            StreamToken::Done(Done { reason: FinishReason::ToolCalls, index: 0 }),
            r#"{"type":"done","reason":"tool_calls"}"#,
        ),
        (
            StreamToken::Done(Done { reason: FinishReason::Stop, index: 1 }),
            r#"{"type":"done","reason":"stop","index":1}"#,
        ),
        (
            StreamToken::Error(error(Some("1300"), Some(2000))),
            r#"{"type":"error","kind":"rate_limited","code":"1300","message":"slow down","retry_after_ms":2000}"#,
        ),
        (
            StreamToken::Error(error(None, None)),
            r#"{"type":"error","kind":"rate_limited","code":null,"message":"slow down","retry_after_ms":null}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&Line::from(&token)).unwrap(), line);
    }
}
