use super::{Body, INPUT, body, json};

/// Gemini with `alt=sse`: CRLF, running usage on every chunk, the end of the body as its end marker.
pub fn gemini(pieces: &[&str]) -> Body {
    let chunk = |text: &str, finish: &str, output: usize| {
        format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": {}}}],\"role\": \"model\"}},{finish}\
             \"index\": 0}}],\"usageMetadata\": {{\"promptTokenCount\": {INPUT},\"candidatesTokenCount\": {output},\
             \"totalTokenCount\": {}}},\"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"ru1garvBEoOiqts\"}}\r\n\r\n",
            json(text),
            INPUT + output
        )
    };
    let mut output = 0;
    body(
        "text/event-stream",
        String::new(),
        pieces,
        |text| {
            output += 1;
            chunk(text, "", output)
        },
        chunk("", "\"finishReason\": \"STOP\",", pieces.len()),
    )
}

/// Gemini without `alt=sse`: one pretty-printed JSON array, written element by element.
pub fn gemini_array(pieces: &[&str]) -> Body {
    let element = |text: &str, finish: &str, output: usize| {
        format!(
            r#"{{
  "candidates": [
    {{
      "content": {{
        "parts": [
          {{
            "text": {}
          }}
        ],
        "role": "model"
      }},{finish}
      "index": 0
    }}
  ],
  "usageMetadata": {{
    "promptTokenCount": {INPUT},
    "candidatesTokenCount": {output},
    "totalTokenCount": {}
  }},
  "modelVersion": "gemini-2.5-flash",
  "responseId": "ru1garvBEoOiqts"
}}
"#,
            json(text),
            INPUT + output
        )
    };
    let mut output = 0;
    body(
        "application/json; charset=UTF-8",
        "[".to_owned(),
        pieces,
        |text| {
            output += 1;
            element(text, "", output) + ",\r\n"
        },
        element("", "\n      \"finishReason\": \"STOP\",", pieces.len()) + "]",
    )
}
