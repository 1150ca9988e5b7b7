use crate::provider::dialect::chat_completions::decoder;
use crate::provider::testing::{decoded, recordings};

#[track_caller]
fn check(frames: &[&str], expected: &[&str]) {
    let body: String = frames.iter().map(|data| format!("data: {data}\n\n")).collect();
    assert_eq!(decoded(decoder, body.as_bytes()), expected);
}

const COMPLETED: &str = r#"{"type":"response.completed","response":{"status":"completed","error":null,"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}"#;

#[test]
fn a_response_is_deltas_and_its_end() {
    let body = format!(
        "event: response.created\ndata: {}\n\n{}event: response.completed\ndata: {COMPLETED}\n\n",
        r#"{"type":"response.created","response":{"id":"r","status":"in_progress","error":null,"output":[]}}"#,
        [
            r#"{"type":"response.in_progress","response":{"status":"in_progress","error":null}}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#,
            r#"{"type":"response.content_part.added","part":{"type":"output_text","text":""}}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"delta":"po","logprobs":[],"obfuscation":"x"}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"delta":"ng\n"}"#,
            r#"{"type":"response.output_text.done","text":"pong\n"}"#,
            r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"pong\n"}}"#,
            r#"{"type":"response.output_item.done","item":{"type":"message","content":[{"text":"pong\n"}]}}"#,
            r#"{"type":"response.web_search_call.searching","output_index":1}"#,
            r#"{"type":"keepalive","sequence_number":3}"#,
        ]
        .map(|data| format!("data: {data}\n\n"))
        .concat(),
    );
    let expected = ["text po", "text ng\n", "usage 9 3 4 1", "done#0 stop"];
    assert_eq!(decoded(decoder, body.as_bytes()), expected);
    // OpenRouter appends the marker, which OpenAI does not know.
    assert_eq!(decoded(decoder, format!("{body}data: [DONE]\n\n").as_bytes()), expected);
}

#[test]
fn thoughts_and_refusals_are_no_text() {
    check(
        &[
            r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#,
            r#"{"type":"response.reasoning_summary_text.done","text":"a"}"#,
            r#"{"type":"response.reasoning_text.delta","delta":"b"}"#,
            r#"{"type":"response.refusal.delta","delta":"no"}"#,
            COMPLETED,
        ],
        &["reasoning a", "reasoning b", "refusal no", "usage 9 3 4 1", "done#0 stop"],
    );
}

#[test]
fn calls_are_numbered_among_themselves() {
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"a"}"#,
            r#"{"type":"response.function_call_arguments.done","output_index":1,"arguments":"{\"a"}"#,
            // Whole at its end.
            r#"{"type":"response.output_item.added","output_index":3,"item":{"type":"function_call","call_id":"c2","name":"g"}}"#,
            r#"{"type":"response.function_call_arguments.done","output_index":3,"arguments":"{}"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":9,"delta":"of no call"}"#,
            COMPLETED,
        ],
        &[
            "tool#0 c1 f ",
            "tool#0 - - {\"a",
            "tool#1 c2 g ",
            "tool#1 - - {}",
            "usage 9 3 4 1",
            "done#0 tool_calls",
        ],
    );
}

#[test]
fn a_call_may_be_told_at_its_end_only() {
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"custom_tool_call","call_id":"c1","name":"f","input":""}}"#,
            r#"{"type":"response.custom_tool_call_input.done","output_index":0,"input":"x"}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","call_id":"c1","name":"f","input":"x"}}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c2","name":"g"}}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}}"#,
            r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c3","name":"h","arguments":"[]"}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","call_id":"c3","name":"h","arguments":"[]"}]}}"#,
        ],
        &[
            "tool#0 c1 f ",
            "tool#0 - - x",
            "tool#1 c2 g ",
            "tool#1 - - {}",
            "tool#2 c3 h []",
            "done#0 tool_calls",
        ],
    );
}

#[test]
fn a_call_without_its_place_is_the_last_one() {
    check(
        &[
            r#"{"type":"response.output_item.added","item":{"type":"function_call","call_id":"c1","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
            r#"{"type":"response.function_call_arguments.done","arguments":"{}"}"#,
            r#"{"type":"response.output_item.done","item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}}"#,
            r#"{"type":"response.completed"}"#,
        ],
        &["tool#0 c1 f ", "tool#0 - - {}", "done#0 tool_calls"],
    );
}

#[test]
fn an_answer_without_deltas_is_in_the_last_event() {
    check(
        &[
            r#"{"type":"response.created","response":{"status":"in_progress","output":[]}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"a"}]}]}}"#,
        ],
        &["reasoning hm", "text a", "done#0 stop"],
    );
}

#[test]
fn a_name_outside_the_data_will_do() {
    let body = "event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n\
                event: response.completed\ndata: {\"response\":{\"status\":\"completed\"}}\n\n";
    assert_eq!(decoded(decoder, body.as_bytes()), ["text a", "done#0 stop"]);
}

#[test]
fn the_last_event_says_why_it_ended() {
    for (end, expected) in [
        (
            r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
            "done#0 length",
        ),
        (
            r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}"#,
            "done#0 filter",
        ),
        (r#"{"type":"response.done","response":{"status":"completed"}}"#, "done#0 stop"),
        (r#"{"type":"response.completed"}"#, "done#0 stop"),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}"#,
            "error transient server_error m",
        ),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}}}"#,
            "error rate_limited rate_limit_exceeded m",
        ),
        (
            r#"{"type":"error","code":"server_error","message":"m","param":null}"#,
            "error transient server_error m",
        ),
        (
            r#"{"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m","param":null}}"#,
            "error quota insufficient_quota m",
        ),
        (r#"{"error":{"message":"m","type":"server_error"}}"#, "error transient server_error m"),
        (
            r#"{"type":"response.output_text.done","text":"a"}"#,
            "error truncated - the answer ended before its end marker",
        ),
    ] {
        check(&[r#"{"type":"response.output_text.delta","delta":"a"}"#, end], &["text a", expected]);
    }
}

#[test]
fn only_the_first_of_two_errors_is_told() {
    check(
        &[
            r#"{"type":"error","error":{"code":"insufficient_quota","message":"m"}}"#,
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"n"}}}"#,
        ],
        &["error quota insufficient_quota m"],
    );
}

#[test]
fn a_response_that_was_not_streamed_is_understood() {
    let body = r#"{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"input_tokens":1,"output_tokens":2}}"#;
    let expected =
        ["reasoning hm", "text a", "refusal no", "tool#0 c f {}", "usage 1 2 - -", "done#0 length"];
    assert_eq!(decoded(decoder, body.as_bytes()), expected);
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

#[test]
fn comments_on_the_work_are_no_text() {
    let added = |index: u32, phase: &str| {
        format!(
            r#"{{"type":"response.output_item.added","output_index":{index},"item":{{"type":"message","phase":"{phase}","content":[]}}}}"#
        )
    };
    let delta = |index: u32, text: &str| {
        format!(r#"{{"type":"response.output_text.delta","output_index":{index},"delta":"{text}"}}"#)
    };
    let frames = [
        added(0, "commentary"),
        delta(0, "Let me see."),
        delta(0, " Well."),
        added(1, "final_answer"),
        delta(1, "a"),
        delta(1, "b"),
        COMPLETED.to_owned(),
    ];
    let frames: Vec<_> = frames.iter().map(String::as_str).collect();
    check(
        &frames,
        &["reasoning Let me see.", "reasoning  Well.", "text a", "text b", "usage 9 3 4 1", "done#0 stop"],
    );
    check(
        &[
            r#"{"object":"response","status":"completed","output":[{"type":"message","phase":"commentary","content":[{"text":"Hm."}]},{"type":"message","content":[{"text":"a"}]}]}"#,
        ],
        &["reasoning Hm.", "text a", "done#0 stop"],
    );
}

#[test]
fn names_of_events_may_be_escaped() {
    check(
        &[
            r#"{"type":"response.output_text.delt\u0061","delta":"x"}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function\u005fcall","call_id":"c","name":"f","arguments":"{}"}}"#,
            r#"{"type":"response.c\u006fmpleted","response":{"status":"completed"}}"#,
        ],
        &["text x", "tool#0 c f {}", "done#0 tool_calls"],
    );
}

#[test]
fn several_responses_in_one_body_keep_their_calls_apart() {
    let created = r#"{"type":"response.created","response":{"status":"in_progress"}}"#;
    let call = |index: u32, id: &str| {
        format!(
            r#"{{"type":"response.output_item.added","output_index":{index},"item":{{"type":"function_call","call_id":"{id}","name":"f","arguments":""}}}}"#
        )
    };
    let arguments = |index: u32, piece: &str| {
        format!(
            r#"{{"type":"response.function_call_arguments.delta","output_index":{index},"delta":"{piece}"}}"#
        )
    };
    let frames = [
        created.to_owned(),
        call(0, "a"),
        arguments(0, "1"),
        COMPLETED.to_owned(),
        created.to_owned(),
        call(0, "b"),
        arguments(0, "2"),
        r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#.to_owned(),
    ];
    let frames: Vec<_> = frames.iter().map(String::as_str).collect();
    check(
        &frames,
        &["tool#0 a f ", "tool#0 - - 1", "usage 9 3 4 1", "tool#1 b f ", "tool#1 - - 2", "done#0 length"],
    );
}
