use expect_test::expect;

use crate::provider::dialect::chat_completions::decoder;
use crate::provider::testing::{cases, decoded, recordings, sse, tokens};

#[test]
fn streams_become_tokens() {
    let table = expect![[r#"
        # a response is deltas and its end
        event: response.created
        {"type":"response.created","response":{"id":"r","status":"in_progress","error":null,"output":[]}}
        {"type":"response.in_progress","response":{"status":"in_progress","error":null}}
        {"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}
        {"type":"response.content_part.added","part":{"type":"output_text","text":""}}
        {"type":"response.output_text.delta","output_index":0,"delta":"po","logprobs":[],"obfuscation":"x"}
        {"type":"response.output_text.delta","output_index":0,"delta":"ng\n"}
        {"type":"response.output_text.done","text":"pong\n"}
        {"type":"response.content_part.done","part":{"type":"output_text","text":"pong\n"}}
        {"type":"response.output_item.done","item":{"type":"message","content":[{"text":"pong\n"}]}}
        {"type":"response.web_search_call.searching","output_index":1}
        {"type":"keepalive","sequence_number":3}
        event: response.completed
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        > text po | text ng\n | usage 9 3 4 1 | done#0 stop
        # OpenRouter appends the marker, which OpenAI does not know
        {"type":"response.output_text.delta","output_index":0,"delta":"po"}
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        [DONE]
        > text po | usage 9 3 4 1 | done#0 stop
        # thoughts and refusals are no text
        {"type":"response.reasoning_summary_text.delta","delta":"a"}
        {"type":"response.reasoning_summary_text.done","text":"a"}
        {"type":"response.reasoning_text.delta","delta":"b"}
        {"type":"response.refusal.delta","delta":"no"}
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        > reasoning a | reasoning b | refusal no | usage 9 3 4 1 | done#0 stop
        # calls are numbered among themselves
        {"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":""}}
        {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"a"}
        {"type":"response.function_call_arguments.done","output_index":1,"arguments":"{\"a"}
        {"type":"response.output_item.added","output_index":3,"item":{"type":"function_call","call_id":"c2","name":"g"}}
        {"type":"response.function_call_arguments.done","output_index":3,"arguments":"{}"}
        {"type":"response.function_call_arguments.delta","output_index":9,"delta":"of no call"}
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        > tool#0 c1 f  | tool#0 - - {"a | tool#1 c2 g  | tool#1 - - {} | usage 9 3 4 1 | done#0 tool_calls
        # a call may be told at its end only
        {"type":"response.output_item.added","output_index":0,"item":{"type":"custom_tool_call","call_id":"c1","name":"f","input":""}}
        {"type":"response.custom_tool_call_input.done","output_index":0,"input":"x"}
        {"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","call_id":"c1","name":"f","input":"x"}}
        {"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c2","name":"g"}}
        {"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}}
        {"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c3","name":"h","arguments":"[]"}}
        {"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","call_id":"c3","name":"h","arguments":"[]"}]}}
        > tool#0 c1 f  | tool#0 - - x | tool#1 c2 g  | tool#1 - - {} | tool#2 c3 h [] | done#0 tool_calls
        # a call without its place is the last one
        {"type":"response.output_item.added","item":{"type":"function_call","call_id":"c1","name":"f","arguments":""}}
        {"type":"response.function_call_arguments.delta","delta":"{}"}
        {"type":"response.function_call_arguments.done","arguments":"{}"}
        {"type":"response.output_item.done","item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}}
        {"type":"response.completed"}
        > tool#0 c1 f  | tool#0 - - {} | done#0 tool_calls
        # an answer without deltas is in the last event
        {"type":"response.created","response":{"status":"in_progress","output":[]}}
        {"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"a"}]}]}}
        > reasoning hm | text a | done#0 stop
        # only the first of two errors is told
        {"type":"error","error":{"code":"insufficient_quota","message":"m"}}
        {"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"n"}}}
        > error quota insufficient_quota m
        # names of events may be escaped
        {"type":"response.output_text.delt\u0061","delta":"x"}
        {"type":"response.output_item.added","output_index":1,"item":{"type":"function\u005fcall","call_id":"c","name":"f","arguments":"{}"}}
        {"type":"response.c\u006fmpleted","response":{"status":"completed"}}
        > text x | tool#0 c f {} | done#0 tool_calls
        # a name outside the data will do
        event: response.output_text.delta
        {"delta":"a"}
        event: response.completed
        {"response":{"status":"completed"}}
        > text a | done#0 stop
        # comments on the work are no text
        {"type":"response.output_item.added","output_index":0,"item":{"type":"message","phase":"commentary","content":[]}}
        {"type":"response.output_text.delta","output_index":0,"delta":"Let me see."}
        {"type":"response.output_text.delta","output_index":0,"delta":" Well."}
        {"type":"response.output_item.added","output_index":1,"item":{"type":"message","phase":"final_answer","content":[]}}
        {"type":"response.output_text.delta","output_index":1,"delta":"a"}
        {"type":"response.output_text.delta","output_index":1,"delta":"b"}
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        > reasoning Let me see. | reasoning  Well. | text a | text b | usage 9 3 4 1 | done#0 stop
        {"object":"response","status":"completed","output":[{"type":"message","phase":"commentary","content":[{"text":"Hm."}]},{"type":"message","content":[{"text":"a"}]}]}
        > reasoning Hm. | text a | done#0 stop
        # several responses in one body keep their calls apart
        {"type":"response.created","response":{"status":"in_progress"}}
        {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":""}}
        {"type":"response.function_call_arguments.delta","output_index":0,"delta":"1"}
        {"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}
        {"type":"response.created","response":{"status":"in_progress"}}
        {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"b","name":"f","arguments":""}}
        {"type":"response.function_call_arguments.delta","output_index":0,"delta":"2"}
        {"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}
        > tool#0 a f  | tool#0 - - 1 | usage 9 3 4 1 | tool#1 b f  | tool#1 - - 2 | done#0 length
    "#]];
    cases(&table, |frames| tokens(decoder, sse(frames)));
}

#[test]
fn the_last_event_says_why_it_ended() {
    let table = expect![[r#"
        {"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}
        > done#0 length
        {"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}
        > done#0 filter
        {"type":"response.done","response":{"status":"completed"}}
        > done#0 stop
        {"type":"response.completed"}
        > done#0 stop
        {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}
        > error transient server_error m
        {"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}}}
        > error rate_limited rate_limit_exceeded m
        {"type":"error","code":"server_error","message":"m","param":null}
        > error transient server_error m
        {"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m","param":null}}
        > error quota insufficient_quota m
        {"error":{"message":"m","type":"server_error"}}
        > error transient server_error m
        {"type":"response.output_text.done","text":"a"}
        > error truncated - the answer ended before its end marker
    "#]];
    cases(&table, |end| {
        let text = r#"{"type":"response.output_text.delta","delta":"a"}"#;
        tokens(decoder, sse(&[&[text], end].concat())).replace("text a | ", "")
    });
}

#[test]
fn a_response_that_was_not_streamed_is_understood() {
    let table = expect![[r#"
        {"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"input_tokens":1,"output_tokens":2}}
        > reasoning hm | text a | refusal no | tool#0 c f {} | usage 1 2 - - | done#0 length
    "#]];
    cases(&table, |body| tokens(decoder, body[0]));
}

#[test]
fn recordings_decode_as_their_index_says() {
    for folder in ["openai-responses/", "lmstudio/", "openrouter/responses", "xai/responses"] {
        for recording in recordings(folder) {
            // The index finds `tools` in every response object, so that it says nothing of calls.
            let lines = decoded(decoder, &recording.body);
            let any = |kind: &str| lines.iter().any(|line| line.starts_with(kind));
            let end = lines.last().map_or("", String::as_str);
            let file = &recording.file;
            assert_eq!(any("error "), recording.has("error"), "{file}: {end}");
            assert_eq!(any("usage "), recording.has("usage"), "{file}: {end}");
            assert_eq!(end.starts_with("done#0 "), !recording.has("error"), "{file}: {end}");
            assert_eq!(end == "done#0 length", file.contains("incomplete"), "{file}: {end}");
            assert_eq!(any("tool#"), file.contains("tool-call"), "{file}");
        }
    }
}
