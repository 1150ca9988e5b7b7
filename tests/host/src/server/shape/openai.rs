//! OpenAI's formats and the many that were made after them.

use super::{Body, INPUT, SSE, body, data, event, json};

const DONE: &str = "data: [DONE]\n\n";

/// OpenAI chat completions with `stream_options.include_usage`: role chunk, `usage` null until the
/// chunk without choices, obfuscation padding.
pub fn openai_chat(pieces: &[&str]) -> Body {
    let chunk = |choices: &str, usage: &str| {
        data(&format!(
            r#"{{"id":"chatcmpl-C47LmxSjtIzWTuBMVVQdhfz6","object":"chat.completion.chunk","created":1755097602,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_07871e2ad8","choices":[{choices}],"usage":{usage},"obfuscation":"l0v8g80W0qV"}}"#
        ))
    };
    let choice = |delta: &str, finish: &str| {
        chunk(&format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#), "null")
    };
    let output = pieces.len();
    let usage = format!(
        r#"{{"prompt_tokens":{INPUT},"completion_tokens":{output},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        INPUT + output
    );
    body(
        SSE,
        choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        pieces,
        |text| choice(&format!(r#"{{"content":{}}}"#, json(text)), "null"),
        choice("{}", "\"stop\"") + &chunk("", &usage) + DONE,
    )
}

/// OpenAI's legacy `/v1/completions` with usage.
pub fn openai_completions(pieces: &[&str]) -> Body {
    completions(pieces, "cmpl-D8ZFN477TMm6AoQohx2jSTOJMh60M", "gpt-3.5-turbo-instruct:20230824-v2", "")
}

/// vLLM's `/v1/completions`: `stop_reason` beside `finish_reason`.
pub fn vllm_completions(pieces: &[&str]) -> Body {
    completions(
        pieces,
        "cmpl-22c24755532348e6b6ff75297b1a71b3",
        "Qwen/Qwen2.5-Coder-7B",
        r#","stop_reason":null"#,
    )
}

/// DeepSeek's beta FIM endpoint, after a keep-alive comment as under load.
pub fn deepseek_fim(pieces: &[&str]) -> Body {
    let mut body = completions(pieces, "e626f326-1f18-4dca-aad2-0f60d3d57075", "deepseek-chat", "");
    body.opening = b": keep-alive\n\n".to_vec();
    body
}

fn completions(pieces: &[&str], id: &str, model: &str, more: &str) -> Body {
    let envelope = |choices: &str, usage: &str| {
        data(&format!(
            r#"{{"id":"{id}","object":"text_completion","created":1770934485,"choices":[{choices}],"model":"{model}","usage":{usage}}}"#
        ))
    };
    let choice = |text: &str, finish: &str| {
        envelope(
            &format!(r#"{{"text":{},"index":0,"logprobs":null,"finish_reason":{finish}{more}}}"#, json(text)),
            "null",
        )
    };
    let closing = choice("", "\"stop\"") + &envelope("", &usage(pieces)) + DONE;
    body(SSE, String::new(), pieces, |text| choice(text, "null"), closing)
}

/// OpenAI's Responses API: named events with sequence numbers, no end marker.
pub fn openai_responses(pieces: &[&str]) -> Body {
    const ITEM: &str = "msg_0f4c5a783ebc79bc00699336f1f5dc81";
    let response = |status: &str, output: &str, usage: &str| {
        format!(
            r#"{{"id":"resp_0f4c5a783ebc79bc00699336f0df4881","object":"response","created_at":1771255536,"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-4o-2024-08-06","output":[{output}],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#
        )
    };
    let mut number = 0;
    let mut say = |kind: &str, fields: &str| {
        let payload = format!(r#"{{"type":"{kind}",{fields},"sequence_number":{number}}}"#);
        number += 1;
        event(kind, &payload)
    };
    let place = format!(r#""content_index":0,"item_id":"{ITEM}","output_index":0"#);
    let part = |text: &str| {
        format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#, json(text))
    };
    let item = |status: &str, content: &str| {
        format!(
            r#"{{"id":"{ITEM}","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#
        )
    };
    let running = response("in_progress", "", "null");
    let opening = [
        say("response.created", &format!(r#""response":{running}"#)),
        say("response.in_progress", &format!(r#""response":{running}"#)),
        say("response.output_item.added", &format!(r#""item":{},"output_index":0"#, item("in_progress", ""))),
        say("response.content_part.added", &format!(r#"{place},"part":{}"#, part(""))),
    ]
    .concat();
    let deltas: Vec<Vec<u8>> = pieces
        .iter()
        .map(|text| {
            let fields =
                format!(r#"{place},"delta":{},"logprobs":[],"obfuscation":"NpkIlP0ed"#, json(text)) + "\"";
            say("response.output_text.delta", &fields).into_bytes()
        })
        .collect();
    let text = pieces.concat();
    let whole = item("completed", &part(&text));
    let usage = format!(
        r#"{{"input_tokens":{INPUT},"input_tokens_details":{{"cached_tokens":0}},"output_tokens":{},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}}"#,
        pieces.len(),
        INPUT + pieces.len()
    );
    let completed = response("completed", &whole, &usage);
    let closing = [
        say("response.output_text.done", &format!(r#"{place},"logprobs":[],"text":{}"#, json(&text))),
        say("response.content_part.done", &format!(r#"{place},"part":{}"#, part(&text))),
        say("response.output_item.done", &format!(r#""item":{whole},"output_index":0"#)),
        say("response.completed", &format!(r#""response":{completed}"#)),
    ]
    .concat();
    Body { content_type: SSE, opening: opening.into_bytes(), pieces: deltas, closing: closing.into_bytes() }
}

/// Mistral's chat: padding in `p`, usage on the chunk with the finish reason.
pub fn mistral(pieces: &[&str]) -> Body {
    mistral_like(pieces, "mistral-small-latest")
}

/// Mistral's FIM endpoint, which streams chat chunks.
pub fn mistral_fim(pieces: &[&str]) -> Body {
    mistral_like(pieces, "codestral-2508")
}

/// Inception's FIM endpoint, which mirrors Mistral's.
pub fn mercury_fim(pieces: &[&str]) -> Body {
    mistral_like(pieces, "mercury-coder")
}

fn mistral_like(pieces: &[&str], model: &str) -> Body {
    let chunk = |delta: &str, finish: &str, more: &str| {
        data(&format!(
            r#"{{"id":"548ed34ecc7f4a6aa69187e16761bf0c","object":"chat.completion.chunk","created":1787150060,"model":"{model}","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{more}}}"#
        ))
    };
    body(
        SSE,
        chunk(r#"{"role":"assistant","content":""}"#, "null", ""),
        pieces,
        |text| {
            chunk(
                &format!(r#"{{"content":{}}}"#, json(text)),
                "null",
                r#","p":"abcdefghijklmnopqrstuvwxyz01234567""#,
            )
        },
        chunk(r#"{"content":""}"#, "\"stop\"", &format!(r#","usage":{},"p":"abcde""#, usage(pieces))) + DONE,
    )
}

/// DeepSeek's chat: keep-alive comments, usage on the chunk with the finish reason.
pub fn deepseek(pieces: &[&str]) -> Body {
    let chunk = |delta: &str, finish: &str, usage: &str| {
        data(&format!(
            r#"{{"id":"e626f326-1f18-4dca-aad2-0f60d3d57075","object":"chat.completion.chunk","created":1780944343,"model":"deepseek-v4-flash","system_fingerprint":"fp_8b330d02d0","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage}}}"#
        ))
    };
    let output = pieces.len();
    let usage = format!(
        r#"{{"prompt_tokens":{INPUT},"completion_tokens":{output},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}},"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":{INPUT}}}"#,
        INPUT + output
    );
    body(
        SSE,
        format!(
            ": keep-alive\n\n: keep-alive\n\n{}",
            chunk(r#"{"role":"assistant","content":""}"#, "null", "null")
        ),
        pieces,
        |text| chunk(&format!(r#"{{"content":{}}}"#, json(text)), "null", "null"),
        chunk(r#"{"content":""}"#, "\"stop\"", &usage) + DONE,
    )
}

/// OpenRouter: comments while it looks for a backend, the finish reason twice, usage with choices.
pub fn openrouter(pieces: &[&str]) -> Body {
    let chunk = |text: &str, finish: &str, native: &str, more: &str| {
        data(&format!(
            r#"{{"id":"gen-1780944361-X5HAtL0Z2NQp8nHAiT6F","object":"chat.completion.chunk","created":1780944361,"model":"anthropic/claude-4.5-haiku-20251001","provider":"Amazon Bedrock","choices":[{{"index":0,"delta":{{"content":{},"role":"assistant"}},"finish_reason":{finish},"native_finish_reason":{native}}}]{more}}}"#,
            json(text)
        ))
    };
    let output = pieces.len();
    let usage = format!(
        r#","usage":{{"prompt_tokens":{INPUT},"completion_tokens":{output},"total_tokens":{},"cost":0.00006,"is_byok":false,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"cost_details":{{"upstream_inference_cost":0.00006}},"completion_tokens_details":{{"reasoning_tokens":0}}}}"#,
        INPUT + output
    );
    body(
        SSE,
        ": OPENROUTER PROCESSING\n\n".repeat(5),
        pieces,
        |text| chunk(text, "null", "null", ""),
        chunk("", "\"stop\"", "\"end_turn\"", "") + &chunk("", "\"stop\"", "\"end_turn\"", &usage) + DONE,
    )
}

/// Azure OpenAI: prompt filter results in a first chunk without choices, a choice without delta after
/// it, filter results in each choice.
pub fn azure(pieces: &[&str]) -> Body {
    const SAFE: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;
    let chunk = |filter: &str, delta: &str, finish: &str| {
        data(&format!(
            r#"{{"choices":[{{"content_filter_results":{filter},{delta}"finish_reason":{finish},"index":0,"logprobs":null}}],"created":1714036975,"id":"chatcmpl-9HpbbsSaH8U6amSDAwdA2WzM","model":"gpt-4o-mini","object":"chat.completion.chunk","system_fingerprint":null}}"#
        ))
    };
    let first = data(&format!(
        r#"{{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{SAFE}}}]}}"#
    ));
    body(
        "text/event-stream",
        first
            + &chunk("{}", "", "null")
            + &chunk("{}", r#""delta":{"content":"","role":"assistant"},"#, "null"),
        pieces,
        |text| chunk(SAFE, &format!(r#""delta":{{"content":{}}},"#, json(text)), "null"),
        chunk("{}", r#""delta":{},"#, "\"stop\"") + DONE,
    )
}

/// vLLM's chat: only the role in the first chunk, `stop_reason` beside the finish reason.
pub fn vllm_chat(pieces: &[&str]) -> Body {
    let chunk = |delta: &str, finish: &str| {
        data(&format!(
            r#"{{"id":"chat-22c24755532348e6b6ff75297b1a71b3","object":"chat.completion.chunk","created":1729072360,"model":"Qwen/Qwen2.5-Coder-7B-Instruct","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]}}"#
        ))
    };
    body(
        SSE,
        chunk(r#"{"role":"assistant"}"#, "null"),
        pieces,
        |text| chunk(&format!(r#"{{"content":{}}}"#, json(text)), "null"),
        chunk(r#"{"content":""}"#, r#""stop","stop_reason":null"#) + DONE,
    )
}

/// Groq: `x_groq` on the first and the last chunk, usage inside the latter.
pub fn groq(pieces: &[&str]) -> Body {
    let chunk = |delta: &str, finish: &str, more: &str| {
        data(&format!(
            r#"{{"id":"chatcmpl-532a6640-2e18-4a4c-8406-8437a857ce48","object":"chat.completion.chunk","created":1739948145,"model":"llama-3.3-70b-versatile","system_fingerprint":"fp_179b0f92c9","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]{more}}}"#
        ))
    };
    let output = pieces.len();
    let last = format!(
        r#","x_groq":{{"id":"req_01jmefve36eajb6c1x6k8ppv5m","usage":{{"queue_time":0.28245049,"prompt_tokens":{INPUT},"prompt_time":0.002698174,"completion_tokens":{output},"completion_time":0.060833333,"total_tokens":{},"total_time":0.063531507}}}}"#,
        INPUT + output
    );
    body(
        "text/event-stream",
        chunk(
            r#"{"role":"assistant","content":""}"#,
            "null",
            r#","x_groq":{"id":"req_01jmefve36eajb6c1x6k8ppv5m"}"#,
        ),
        pieces,
        |text| chunk(&format!(r#"{{"content":{}}}"#, json(text)), "null", ""),
        chunk("{}", "\"stop\"", &last) + DONE,
    )
}

/// xAI: absent instead of null fields, the role only with the first text, a keep-alive comment.
pub fn xai(pieces: &[&str]) -> Body {
    let chunk = |choices: &str, more: &str| {
        data(&format!(
            r#"{{"id":"f0f0f217-c24d-1fee-5fe3-28fa1d3c8c94","object":"chat.completion.chunk","created":1770772291,"model":"grok-code-fast-1","choices":[{choices}]{more},"system_fingerprint":"fp_2a885414fb"}}"#
        ))
    };
    let mut role = r#","role":"assistant""#;
    body(
        SSE,
        ": keepalive\n\n".to_owned(),
        pieces,
        |text| {
            let role = std::mem::take(&mut role);
            chunk(&format!(r#"{{"index":0,"delta":{{"content":{}{role}}}}}"#, json(text)), "")
        },
        chunk(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#, "")
            + &chunk("", &format!(r#","usage":{}"#, usage(pieces)))
            + DONE,
    )
}

fn usage(pieces: &[&str]) -> String {
    let output = pieces.len();
    format!(
        r#"{{"prompt_tokens":{INPUT},"completion_tokens":{output},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}}}}"#,
        INPUT + output
    )
}
