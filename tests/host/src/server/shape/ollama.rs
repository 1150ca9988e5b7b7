use super::{Body, INPUT, body, json};

/// Ollama's `/api/generate`: one JSON object per line.
pub fn ollama_generate(pieces: &[&str]) -> Body {
    ndjson(pieces, |text| format!(r#""response":{text}"#))
}

/// Ollama's `/api/chat`.
pub fn ollama_chat(pieces: &[&str]) -> Body {
    ndjson(pieces, |text| format!(r#""message":{{"role":"assistant","content":{text}}}"#))
}

fn ndjson(pieces: &[&str], field: impl Fn(&str) -> String) -> Body {
    let line = |text: &str, rest: &str| {
        let field = field(&json(text));
        format!(
            r#"{{"model":"qwen2.5-coder:1.5b","created_at":"2025-05-19T09:26:59.678947Z",{field},"done":{rest}}}"#
        ) + "\n"
    };
    let done = format!(
        r#"true,"done_reason":"stop","total_duration":482007750,"load_duration":52719542,"prompt_eval_count":{INPUT},"prompt_eval_duration":44457208,"eval_count":{},"eval_duration":384438167"#,
        pieces.len()
    );
    body("application/x-ndjson", String::new(), pieces, |text| line(text, "false"), line("", &done))
}
