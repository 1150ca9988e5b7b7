use expect_test::expect;

use super::{ChatCompletions, decoder};
use crate::provider::testing::{cases, decoded, recordings, sse, tokens};
use crate::provider::{Ends, Frame, Wire};
use crate::stream::{Decode, StreamToken};

#[track_caller]
fn check(frames: &[&str], expected: &[&str]) {
    check_body(&sse(frames), expected);
}

#[track_caller]
fn check_body(body: &str, expected: &[&str]) {
    assert_eq!(decoded(decoder, body.as_bytes()), expected, "{body}");
}

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn streams_become_tokens() {
    let table = expect![[r#"
        # a chat is text usage and its end
        {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aX9"}
        {"choices":[{"index":0,"delta":{"content":"let x"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"Q"}
        {"choices":[{"index":0,"delta":{"content":" = \"ä\\\n\";"},"finish_reason":null}],"usage":null}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}
        {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}}
        [DONE]
        > text let x | text  = "ä\\\n"; | usage 9 4 2 1 | done#0 stop
        # legacy completions have their text elsewhere
        {"object":"text_completion","choices":[{"text":"The","index":0,"logprobs":null,"finish_reason":null}],"usage":null}
        {"choices":[{"text":" end","index":0,"logprobs":{"tokens":[" e","nd"],"token_logprobs":[-0.5,-0.25],"top_logprobs":null},"finish_reason":"length"}]}
        {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}
        [DONE]
        > text The | text#0  end (-0.75) | usage 1 2 - - | done#0 length
        # choices are told apart by index
        {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}
        {"choices":[{"index":1,"delta":{"content":"b"}}]}
        {"choices":[{"index":1,"delta":{},"finish_reason":"length"},{"index":0,"delta":{"content":"c"},"finish_reason":"stop"}]}
        [DONE]
        > text a | text#1 b | text c | done#1 length | done#0 stop
        # log probabilities are summed
        {"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":[],"refusal":null}}]}
        {"choices":[{"index":0,"delta":{"content":"ab"},"logprobs":{"content":[{"token":"a","logprob":-1.5,"bytes":[97],"top_logprobs":[]},{"token":"b","logprob":-2}]}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > text#0 ab (-3.5) | done#0 stop
        # content may come in parts
        {"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"b"}]}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > text a | text b | done#0 stop
        # an answer so far beside its news is passed over: Perplexity
        {"object":"chat.completion","choices":[{"index":0,"finish_reason":null,"message":{"role":"assistant","content":"a"},"delta":{"role":"assistant","content":"a"}}]}
        {"object":"chat.completion","choices":[{"index":0,"finish_reason":null,"message":{"role":"assistant","content":"ab"},"delta":{"role":"assistant","content":"b"}}]}
        {"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ab"},"delta":{"role":"assistant","content":""}}]}
        > text a | text b | done#0 stop
        # the first of several finish reasons counts
        {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"length"}]}
        {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","native_finish_reason":"stop"}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":null}],"usage":{"prompt_tokens":1}}
        [DONE]
        > text a | usage 1 - - - | done#0 length
        # every choice must have ended
        {"choices":[{"index":1,"delta":{"content":"b"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > text#1 b | error truncated - the answer ended before its end marker
        # the marker within an answer is text
        {"choices":[{"delta":{"content":"[DONE]"}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > text [DONE] | done#0 stop
        # refusals and legacy function calls are no text
        {"choices":[{"index":0,"delta":{"role":"assistant","content":null,"refusal":"I'm"}}]}
        {"choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":""}}}]}
        {"choices":[{"index":0,"delta":{"function_call":{"arguments":"{\"a\""}},"finish_reason":"function_call"}]}
        > refusal I'm | function f  | function - {"a" | done#0 tool_calls
        {"choices":[{"delta":{"function_call":{"name":"f","arguments":{"a":1}}}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > function f {"a":1} | done#0 stop
        # tool calls come in pieces or whole
        {"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_x","type":"function","function":{"name":"f","arguments":""}}]}}]}
        {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"lo"}}]}}]}
        {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_y","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        [DONE]
        > tool#0 call_x f  | tool#0 - - {"lo | tool#1 call_y g {} | done#0 tool_calls
        # calls say their choice and have arguments
        {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]}}]}
        {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"y","function":{"name":"f","arguments":{}}}]}}]}
        {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1"}}]}}]}
        [DONE]
        > tool#0 x f  | tool#1/0 y f {} | tool#1/0 - - 1 | done#0 stop | done#1 stop
        # a call that says nothing is none
        {"choices":[{"delta":{"tool_calls":[{"index":0,"id":null,"function":{"name":"","arguments":""}}]}}]}
        {"choices":[{"delta":{"function_call":{"name":"","arguments":null}}}]}
        {"choices":[{"delta":{"tool_calls":{},"function_call":{}}}]}
        {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
        > done#0 stop
        # usage: DeepSeek, on the finish chunk
        {"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_cache_hit_tokens":3,"prompt_cache_miss_tokens":2}}
        [DONE]
        > usage 5 2 3 - | done#0 stop
        # usage: Groq, without being asked
        {"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"queue_time":0.1,"prompt_tokens":5,"completion_tokens":2}}}
        [DONE]
        > usage 5 2 - - | done#0 stop
        # usage: Moonshot
        {"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":2}}]}
        [DONE]
        > usage 5 2 - - | done#0 stop
        # usage: beside another that counts less
        {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"cost":0.1},"x_groq":{"usage":{"prompt_tokens":5}}}
        [DONE]
        > usage 5 2 - - | done#0 stop
    "#]];
    cases(&table, |frames| tokens(decoder, sse(frames)));
}

#[test]
fn missing_empty_and_null_are_no_text() {
    for choice in [
        r#"{"index":0,"delta":{"role":"assistant","content":null}}"#,
        r#"{"index":0,"delta":{"content":""}}"#,
        r#"{"index":0,"delta":null}"#,
        r#"{"index":0,"delta":{}}"#,
        r#"{"index":0,"finish_reason":null,"content_filter_results":{"hate":{"filtered":false}}}"#,
        r#"{"index":0,"text":null}"#,
        r#"{"text":""}"#,
        r#"{"delta":{"content":7,"tool_calls":null,"refusal":null,"reasoning_content":null}}"#,
        "null",
    ] {
        check(&[&format!("{{\"choices\":[{choice}]}}"), STOP, "[DONE]"], &["done#0 stop"]);
    }
}

#[test]
fn frames_without_a_choice_say_nothing() {
    for frame in [
        // Azure begins with what its filter found in the prompt.
        r#"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
        // Azure's asynchronous filter.
        r#"{"choices":[{"index":0,"delta":{},"content_filter_offsets":{"check_offset":1,"start_offset":1,"end_offset":9},"content_filter_results":{"error":{"code":"content_filter_error","message":"not run"}}}]}"#,
        r#"{"type":"keepalive"}"#,
        r#"{"choices":null}"#,
        "{}",
    ] {
        check(&[frame, STOP, "[DONE]"], &["done#0 stop"]);
    }
}

#[test]
fn keep_alives_are_passed_over() {
    for line in
        [": OPENROUTER PROCESSING", ": ", ":", ": keep-alive", "data:", "data: : keepalive", "event: ping"]
    {
        let body = format!(
            "{line}\n\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}}}}]}}\n\n{line}\n\ndata: {STOP}\n\n"
        );
        check_body(&body, &["text a", "done#0 stop"]);
    }
}

#[test]
fn thoughts_are_kept_apart() {
    for delta in [
        r#"{"content":null,"reasoning_content":"hm"}"#,
        r#"{"content":"","reasoning":"hm","channel":"analysis"}"#,
        r#"{"reasoning":"hm","reasoning_content":"hm"}"#,
        r#"{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","index":0}]}"#,
        r#"{"reasoning":null,"reasoning_details":[{"type":"reasoning.text","text":"hm"}]}"#,
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
        r#"{"content":[{"type":"thinking","thinking":"hm"}]}"#,
        r#"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}]}"#,
        r#"{"content":[{"type":"reasoning_text","text":"hm"}]}"#,
        r#"{"reasoning":"","reasoning_details":[{"type":"reasoning.summary","summary":"hm"},{"type":"reasoning.encrypted","data":"x"}]}"#,
        r#"{"content":null,"reasoning_text":"hm","reasoning_opaque":null}"#,
        r#"{"content":"","thinking":"hm"}"#,
        r#"{"reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"x"}]}"#,
    ] {
        let frame = format!("{{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}");
        check(&[&frame, STOP], &["reasoning hm", "done#0 stop"]);
    }
}

#[test]
fn tool_calls_have_accents() {
    let table = expect![[r#"
        {"id":"a","function":{"name":"f","arguments":"null"}}
        > tool#0 a f null | done#0 stop
        {"index":0,"id":"","function":{"name":"","arguments":"x"}}
        > tool#0 - - x | done#0 stop
        {"index":2,"function":{"name":"f","arguments":{"a":1}}}
        > tool#2 - f {"a":1} | done#0 stop
        {"index":0,"id":"a"}
        > tool#0 a -  | done#0 stop
        {"index":0,"id":"a","type":"custom","custom":{"name":"f","input":"any \"text\""}}
        > tool#0 a f any "text" | done#0 stop
    "#]];
    cases(&table, |call| {
        let frame = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{}]}}}}]}}"#, call[0]);
        tokens(decoder, sse(&[&frame, STOP]))
    });
}

#[test]
fn the_end_is_a_marker_or_a_reason_and_nothing_else() {
    let text = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let cut = "error truncated - the answer ended before its end marker";
    for (rest, end) in [
        ("data: [DONE]\n\n", "done#0 stop"),
        ("data:[DONE]\n\n", "done#0 stop"),
        ("data: [DONE] \r\n\r\n", "done#0 stop"),
        ("data: [DONE]", "done#0 stop"),
        ("[DONE]\n\n", "done#0 stop"),
        ("data: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n", "done#0 stop"),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "done#0 stop"),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}", "done#0 stop"),
        ("", cut),
        ("data: {\"choices\":[{\"index\":0,\"del", cut),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"\"}]}\n\n", cut),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"null\"}]}\n\n", cut),
        ("data: {\"choices\":[],\"usage\":null}\n\n", cut),
    ] {
        check_body(&format!("data: {text}\n\n{rest}"), &["text a", end]);
    }
    check_body("", &[cut]);
}

#[test]
fn a_stream_cut_anywhere_keeps_what_came_and_is_whole_only_after_its_reason() {
    let head = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        ": keep-alive\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u00e4\"}}]}\r\n\r\n",
    );
    let body = format!("{head}data: {STOP}\n\ndata: [DONE]\n\n");
    let whole = head.len() + "data: ".len() + STOP.len();
    for cut in 0..=body.len() {
        let mut text = String::new();
        let mut end = String::new();
        let mut sink = |token: StreamToken<'_>| match token {
            StreamToken::Text(piece) => text.push_str(&piece),
            StreamToken::Error(error) => end.push_str(error.kind.as_str()),
            StreamToken::Done(done) => end.push_str(done.reason.as_str()),
            other => panic!("{other:?}"),
        };
        let mut decoder = decoder();
        decoder.feed(&body.as_bytes()[..cut], &mut sink);
        decoder.finish(&mut sink);
        assert!("aä".starts_with(&text) && (cut < head.len() || text == "aä"), "{text} at {cut}");
        assert_eq!(end, if cut < whole { "truncated" } else { "stop" }, "at {cut}");
    }
}

#[test]
fn errors_come_in_many_shapes_and_what_was_received_survives() {
    let table = expect![[r#"
        {"error":{"message":"The server had an error","type":"server_error"}}
        > error transient server_error The server had an error
        # vLLM goes on with the marker
        {"error":{"message":"m","type":"BadRequestError","code":400}}
        [DONE]
        > error request BadRequestError m
        {"object":"error","message":"m","type":"internal_server_error","code":500}
        > error transient internal_server_error m
        # OpenRouter, beside a choice that seems to be fine
        {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"m"}}
        [DONE]
        > error transient 502 m
        {"choices":[{"error":{"code":429,"message":"m"}}]}
        > error rate_limited 429 m
        # Groq
        event: error
        {"error":{"message":"m","type":"invalid_request_error","code":"tool_use_failed","status_code":400}}
        > error request tool_use_failed m
        {"x_groq":{"error":"over capacity"},"choices":[]}
        > error transient - over capacity
        # Older llama.cpp, llama-box, GPUStack
        error: {"code":500,"message":"m","type":"server_error"}
        > error transient server_error m
        # xAI
        {"code":"unavailable","error":"m"}
        > error transient unavailable m
        # Google's dialect of it, as a bare tail
        "[{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"m\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n]"
        > error transient UNAVAILABLE m
        "{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"m\"\n  }\n}\n"
        > error rate_limited 429 m
        [{"error":{"code":429,"message":"m"}}]
        > error rate_limited 429 m
        {"detail":"m"}
        > error transient - m
        "{\"message\":{\"content\":\"b\"},\"done\":false}\n"
        > error malformed - the stream has a part that is not of its format: {"message":{"content":"b"},"done":false}
        {"choices":nonsense}
        > error malformed - the stream has a part that is not of its format: {"choices":nonsense}
    "#]];
    cases(&table, |frames| {
        let body = sse(frames);
        let error = tokens(decoder, &body);
        // In the middle of an answer what is no part of it is as good as a cut.
        let later = error.replace("error malformed", "error truncated");
        let text = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
        check_body(&(sse(&[text]) + &body), &["text a", &later]);
        error
    });
}

#[test]
fn no_error_has_many_shapes_too() {
    for none in ["null", "\"\"", "{}", "false"] {
        let frame = format!("{{\"error\":{none},\"choices\":[{{\"delta\":{{\"content\":\"a\"}}}}]}}");
        check(&[&frame, STOP], &["text a", "done#0 stop"]);
    }
}

#[test]
fn bodies_that_are_no_stream_are_understood() {
    let table = expect![[r##"
        # whole answers
        "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\nb\",\"reasoning_content\":\"hm\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"
        > reasoning hm | text a\nb | tool#0 c f {} | usage 1 2 - - | done#0 stop
        {"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a\nb","reasoning_content":"hm","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}
        [DONE]
        > reasoning hm | text a\nb | tool#0 c f {} | usage 1 2 - - | done#0 stop
        # DeepSeek keeps a connection alive with blank lines before the JSON
        "\n\n\n{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\nb\",\"reasoning_content\":\"hm\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n"
        > reasoning hm | text a\nb | tool#0 c f {} | usage 1 2 - - | done#0 stop
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}]}"
        > text a | done#0 length
        # Some servers write out what they have not
        "{\"choices\":[{\"delta\":null,\"message\":{\"content\":\"a\",\"function_call\":null},\"finish_reason\":\"stop\"}]}"
        > text a | done#0 stop
        "{\"id\":\"r\",\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\"}]}]}"
        > text a | done#0 stop
        # pages
        "<!DOCTYPE html>\n<html>\n<head><title>502 Bad Gateway</title></head>\n</html>\n"
        > error malformed - the stream has a part that is not of its format: a web page titled “502 Bad Gateway”
        "<html>\n\n<head><title>502 Bad Gateway</title>"
        > error malformed - the stream has a part that is not of its format: a web page titled “502 Bad Gateway”
        # JSON that is cut
        "{\"choices\":[{\"mess"
        > error truncated - the answer ended before its end marker
    "##]];
    cases(&table, |lines| tokens(decoder, sse(lines)));
}

#[test]
fn text_without_escapes_is_borrowed_from_its_frame() {
    for (frame, borrowed) in [
        (r#"{"choices":[{"index":0,"delta":{"content":"plain ä"}}]}"#, true),
        (r#"{"choices":[{"index":0,"delta":{"reasoning_content":"plain"}}]}"#, true),
        (r#"{"choices":[{"index":0,"text":"plain"}]}"#, true),
        (r#"{"type":"response.output_text.delta","delta":"plain"}"#, true),
        (r#"{"choices":[{"index":0,"delta":{"content":"a\n"}}]}"#, false),
    ] {
        let mut sink = |token: StreamToken<'_>| {
            let (StreamToken::Text(text) | StreamToken::Reasoning(text)) = token else { panic!("{token:?}") };
            assert_eq!(frame.as_bytes().as_ptr_range().contains(&text.as_ptr()), borrowed, "{frame}");
        };
        ChatCompletions::default().frame(&mut Frame::new("message", frame), &mut Ends::default(), &mut sink);
    }
}

#[test]
fn recordings_decode_as_their_index_says() {
    for folder in [
        "openai-chat/",
        "openai-completions/",
        "azure/",
        "groq/",
        "deepseek/",
        "mistral/",
        "openrouter/",
        "xai/chat",
        "vllm/",
        "llamacpp/chat",
        "openai-compat-misc/",
        "copilot-chat/",
        "ollama/openai-compat",
    ] {
        for recording in recordings(folder) {
            if recording.file != "openrouter/responses-api.sse" {
                recording.check(decoder);
            }
        }
    }
}

#[test]
fn mirrored_and_repeated_text_counts_once() {
    let table = expect![[r#"
        # The same piece in the field of the legacy completions
        {"choices":[{"index":0,"text":" Hello","delta":{"content":" Hello"}}]}
        {"choices":[{"index":0,"text":" you","delta":{"content":" you"}}]}
        > text  Hello | text  you
        {"choices":[{"index":0,"text":"hm","delta":{"reasoning":"hm"}}]}
        > reasoning hm
        # Only there
        {"choices":[{"index":0,"text":"a","delta":{"role":"assistant","content":""}}]}
        > text a
        {"choices":[{"index":0,"text":"a","delta":{}}]}
        > text a
        # All of it again behind its pieces; of another choice it is new
        {"choices":[{"index":0,"delta":{"content":"a"}}]}
        {"choices":[{"index":0,"message":{"role":"assistant","content":"a"}}]}
        {"choices":[{"index":1,"message":{"role":"assistant","content":"b"},"finish_reason":"stop"}]}
        > text a | text#1 b
    "#]];
    cases(&table, |frames| {
        let mut lines = decoded(decoder, sse(&[frames, &[STOP]].concat()).as_bytes());
        lines.retain(|line| !line.starts_with("done#"));
        lines.join(" | ")
    });
}
