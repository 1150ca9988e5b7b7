use super::{Body, INPUT, json};

/// Bedrock's Converse stream: binary frames with checksums, usage in `metadata` after the stop.
pub fn bedrock_converse(pieces: &[&str]) -> Body {
    let stop = [
        frame("contentBlockStop", r#"{"contentBlockIndex":0,"p":"abcdefghij"}"#),
        frame("messageStop", r#"{"p":"abc","stopReason":"end_turn"}"#),
        frame(
            "metadata",
            &format!(
                r#"{{"metrics":{{"latencyMs":588}},"p":"abcdefg","usage":{{"inputTokens":{INPUT},"outputTokens":{},"serverToolUsage":{{}},"totalTokens":{}}}}}"#,
                pieces.len(),
                INPUT + pieces.len()
            ),
        ),
    ];
    let delta = |text: &&str| {
        let payload =
            format!(r#"{{"contentBlockIndex":0,"delta":{{"text":{}}},"p":"abcdefghijklmnop"}}"#, json(text));
        frame("contentBlockDelta", &payload)
    };
    Body {
        content_type: "application/vnd.amazon.eventstream",
        opening: frame("messageStart", r#"{"p":"abcdefghijklmnopqrstuvwxyz","role":"assistant"}"#),
        pieces: pieces.iter().map(delta).collect(),
        closing: stop.concat(),
    }
}

/// One event: length of all, length of the headers, CRC of these two; headers, payload; CRC of all before it.
fn frame(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in
        [(":event-type", event), (":content-type", "application/json"), (":message-type", "event")]
    {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        // 7: a string.
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = 12 + headers.len() + payload.len() + 4;
    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&(total as u32).to_be_bytes());
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_recorded() {
        // The first frame of a recorded Converse stream.
        let start = frame("messageStart", r#"{"p":"abcdefghijklmnopqrstuvwxyzABCDEFG","role":"assistant"}"#);
        assert_eq!(start[..12], *b"\x00\x00\x00\x9e\x00\x00\x00R\x8eqv\xc0");
        assert_eq!(start[start.len() - 4..], *b"}\x01N\x9b");
    }
}
