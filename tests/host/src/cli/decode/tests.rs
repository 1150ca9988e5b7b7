use std::path::Path;

use ai_completion::stream::{
    Done, ErrorKind, FinishReason, FunctionCall, StreamError, TextDelta, ToolCall, Usage,
};
use volt_host::server::shape::{self, Shape};

use super::super::output;
use super::*;

#[test]
fn tokens_become_lines() {
    let text = |content: &'static str, index, logprob| {
        StreamToken::Delta(TextDelta { content: content.into(), index, logprob })
    };
    let call = |id: Option<&'static str>| ToolCall {
        choice: 0,
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

fn lines(provider: &str, body: &[u8], chunk: usize) -> String {
    let mut out = Vec::new();
    print(find_provider(provider).unwrap(), body, chunk, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Text by text, whatever chunks they come in.
#[test]
fn every_format_is_decoded_token_by_token() {
    let pieces = ["fn main() {\n", "    ", "println!(\"é𝕏\\n\");", "\n}"];
    let texts: Vec<String> = pieces
        .iter()
        .map(|text| serde_json::to_string(&Line::Text { text, index: 0, logprob: None }).unwrap())
        .collect();
    for (provider, shape) in [
        ("openai", shape::openai_chat as Shape),
        ("openai-compatible", shape::openai_chat),
        ("openai-responses", shape::openai_responses),
        ("openai-completions", shape::openai_completions),
        ("anthropic", shape::anthropic),
        ("gemini", shape::gemini),
        ("gemini", shape::gemini_array),
        ("vertex-gemini", shape::gemini),
        ("vertex-anthropic", shape::anthropic),
        ("ollama", shape::ollama_generate),
        ("ollama", shape::ollama_chat),
        ("mistral", shape::mistral),
        ("codestral", shape::mistral_fim),
        ("mercury", shape::mercury_fim),
        ("deepseek", shape::deepseek),
        ("deepseek-fim", shape::deepseek_fim),
        ("openrouter", shape::openrouter),
        ("azure", shape::azure),
        ("llama-cpp", shape::llamacpp_infill),
        ("llama-cpp", shape::llamacpp_chat),
        ("vllm", shape::vllm_chat),
        ("vllm", shape::vllm_completions),
        ("lm-studio", shape::openai_chat),
        ("groq", shape::groq),
        ("xai", shape::xai),
        ("bedrock", shape::bedrock_converse),
    ] {
        let body = shape(&pieces);
        let whole = lines(provider, &body.bytes(), usize::MAX);
        let (text, rest): (Vec<&str>, Vec<&str>) = whole.lines().partition(|line| line.contains("\"text\""));
        assert_eq!(text, texts, "{provider}");
        assert_eq!(rest.last(), Some(&r#"{"type":"done","reason":"stop"}"#), "{provider}: {rest:?}");
        assert!(rest.iter().all(|line| !line.contains("error")), "{provider}: {rest:?}");
        for chunk in [1, 7] {
            assert_eq!(lines(provider, &body.bytes(), chunk), whole, "{provider} by {chunk}");
        }
    }
}

#[test]
fn an_error_in_the_stream_is_a_line_like_any_other() {
    let body = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let line = lines("anthropic", body, usize::MAX);
    assert!(line.starts_with(r#"{"type":"error","kind":"transient","code":"overloaded_error","#), "{line}");
}

#[test]
fn recordings_decode_the_same_at_any_chunking() {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/transcripts");
    if !recordings.is_dir() {
        println!("skipped: there are no recordings beside the repository");
        return;
    }
    for (folder, provider) in [
        ("anthropic", "anthropic"),
        ("azure", "azure"),
        ("bedrock", "bedrock"),
        ("copilot-chat", "openai-compatible"),
        ("deepseek", "deepseek"),
        ("gemini", "gemini"),
        ("groq", "groq"),
        ("llamacpp", "llama-cpp"),
        ("lmstudio", "openai-responses"),
        ("mistral", "mistral"),
        ("ollama", "ollama"),
        ("openai-chat", "openai"),
        ("openai-compat-misc", "openai-compatible"),
        ("openai-completions", "openai-completions"),
        ("openai-responses", "openai-responses"),
        ("openrouter", "openrouter"),
        ("vertex", "vertex-gemini"),
        ("vllm", "vllm"),
        ("xai", "xai"),
    ] {
        for file in std::fs::read_dir(recordings.join(folder)).unwrap() {
            let file = file.unwrap().path();
            let decode = |chunk: &str| {
                output(&["decode", "--provider", provider, "--chunk", chunk, file.to_str().unwrap()]).unwrap()
            };
            let whole = decode("1000000000");
            assert!(!whole.is_empty(), "{}", file.display());
            for chunk in ["1", "7", "1460"] {
                assert!(decode(chunk) == whole, "{} by {chunk}", file.display());
            }
        }
    }
}
