use super::{Body, INPUT, SSE, body, event, json};

/// Anthropic's Messages: named events, a ping, white space before the last brace as its servers pad it.
pub fn anthropic(pieces: &[&str]) -> Body {
    let start = event(
        "message_start",
        &format!(
            r#"{{"type":"message_start","message":{{"model":"claude-haiku-4-5-20251001","id":"msg_01T8kTq7cYyYJeQ5DxcVUc6D","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{INPUT},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}}   }}"#
        ),
    );
    let block = event(
        "content_block_start",
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}        }"#,
    );
    let ping = event("ping", r#"{"type": "ping"}"#);
    let end = format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"input_tokens":{INPUT},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":{}}}             }}"#,
        pieces.len()
    );
    let mut padding = 0;
    body(
        SSE,
        start + &block + &ping,
        pieces,
        |text| {
            padding = (padding + 7) % 16;
            let payload = format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{}}}{:padding$}}}"#,
                json(text),
                ""
            );
            event("content_block_delta", &payload)
        },
        event("content_block_stop", r#"{"type":"content_block_stop","index":0          }"#)
            + &event("message_delta", &end)
            + &event("message_stop", r#"{"type":"message_stop"   }"#),
    )
}
