use super::{Body, INPUT, body, data, json};

/// llama.cpp's `/infill` and `/completion`: the last object says so with `"stop":true`; no end marker.
pub fn llamacpp_infill(pieces: &[&str]) -> Body {
    let mut predicted = 0;
    let output = pieces.len();
    let last = format!(
        r#"{{"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"qwen2.5-coder-1.5b-q8_0.gguf","tokens_predicted":{output},"tokens_evaluated":{INPUT},"generation_settings":{{"n_predict":128,"temperature":0.0,"stream":true}},"prompt":"<|fim_prefix|>fn main() {{<|fim_suffix|>}}<|fim_middle|>","has_new_line":true,"truncated":false,"stop_type":"eos","stopping_word":"","tokens_cached":{},"timings":{{"cache_n":0,"prompt_n":{INPUT},"prompt_ms":18.406,"predicted_n":{output},"predicted_ms":675.512,"predicted_per_second":34.048}}}}"#,
        INPUT + output
    );
    body(
        "text/event-stream",
        String::new(),
        pieces,
        |text| {
            predicted += 1;
            data(&format!(
                r#"{{"index":0,"content":{},"tokens":[58935],"stop":false,"id_slot":0,"tokens_predicted":{predicted},"tokens_evaluated":{INPUT}}}"#,
                json(text)
            ))
        },
        data(&last),
    )
}

/// llama.cpp's `/v1/chat/completions`: content null in the first chunk, timings beside the usage, a
/// bare `:` as a ping.
pub fn llamacpp_chat(pieces: &[&str]) -> Body {
    let chunk = |choices: &str, more: &str| {
        data(&format!(
            r#"{{"choices":[{choices}],"created":1780944343,"id":"chatcmpl-Yc2o4C5Mf7pDzPqT","model":"/models/Qwen3-8B-Q4_K_M.gguf","object":"chat.completion.chunk","system_fingerprint":"b10499-6d05498"{more}}}"#
        ))
    };
    let choice = |delta: &str, finish: &str| {
        chunk(&format!(r#"{{"delta":{delta},"finish_reason":{finish},"index":0}}"#), "")
    };
    let output = pieces.len();
    let usage = format!(
        r#","timings":{{"cache_n":0,"predicted_ms":675.512,"predicted_n":{output},"predicted_per_second":34.048,"prompt_ms":18.406,"prompt_n":{INPUT}}},"usage":{{"completion_tokens":{output},"prompt_tokens":{INPUT},"prompt_tokens_details":{{"cached_tokens":0}},"total_tokens":{}}}"#,
        INPUT + output
    );
    body(
        "text/event-stream",
        ":\n\n".to_owned() + &choice(r#"{"content":null,"role":"assistant"}"#, "null"),
        pieces,
        |text| choice(&format!(r#"{{"content":{}}}"#, json(text)), "null"),
        choice("{}", "\"stop\"") + &chunk("", &usage) + "data: [DONE]\n\n",
    )
}
