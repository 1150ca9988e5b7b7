//! Event streams of the providers, as their recordings show them: field order, white space, padding,
//! comments and end markers included.

mod anthropic;
mod bedrock;
mod gemini;
mod llamacpp;
mod ollama;
mod openai;

pub use anthropic::anthropic;
pub use bedrock::bedrock_converse;
pub use gemini::{gemini, gemini_array};
pub use llamacpp::{llamacpp_chat, llamacpp_infill};
pub use ollama::{ollama_chat, ollama_generate};
pub use openai::{
    azure, deepseek, deepseek_fim, groq, mercury_fim, mistral, mistral_fim, openai_chat, openai_completions,
    openai_responses, openrouter, vllm_chat, vllm_completions, xai,
};

/// Turns pieces of text into a streamed body.
pub type Shape = fn(&[&str]) -> Body;

/// A body, cut where a model's server would flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The value of the `content-type` header.
    pub content_type: &'static str,
    /// What comes before the first piece of text.
    pub opening: Vec<u8>,
    /// One for each piece of text.
    pub pieces: Vec<Vec<u8>>,
    /// What comes after the last: finish reason, usage, end marker.
    pub closing: Vec<u8>,
}

impl Body {
    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        [self.opening.as_slice(), &self.pieces.concat(), &self.closing].concat()
    }
}

const SSE: &str = "text/event-stream; charset=utf-8";
/// How many tokens the prompt is said to have had.
const INPUT: usize = 27;

/// `text` as a JSON string, quotes included.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A `data:`-only event.
fn data(payload: &str) -> String {
    format!("data: {payload}\n\n")
}

/// An event with a name.
fn event(name: &str, payload: &str) -> String {
    format!("event: {name}\ndata: {payload}\n\n")
}

/// A body of text parts, `piece` being said for each piece of text.
fn body(
    content_type: &'static str,
    opening: String,
    pieces: &[&str],
    piece: impl FnMut(&&str) -> String,
    closing: String,
) -> Body {
    Body {
        content_type,
        opening: opening.into_bytes(),
        pieces: pieces.iter().map(piece).map(String::into_bytes).collect(),
        closing: closing.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ALL: &[(&str, Shape)] = &[
        ("openai-chat", openai_chat),
        ("openai-completions", openai_completions),
        ("openai-responses", openai_responses),
        ("anthropic", anthropic),
        ("gemini", gemini),
        ("gemini-array", gemini_array),
        ("ollama-generate", ollama_generate),
        ("ollama-chat", ollama_chat),
        ("mistral", mistral),
        ("mistral-fim", mistral_fim),
        ("mercury-fim", mercury_fim),
        ("deepseek", deepseek),
        ("deepseek-fim", deepseek_fim),
        ("openrouter", openrouter),
        ("azure", azure),
        ("llamacpp-infill", llamacpp_infill),
        ("llamacpp-chat", llamacpp_chat),
        ("vllm-chat", vllm_chat),
        ("vllm-completions", vllm_completions),
        ("groq", groq),
        ("xai", xai),
        ("bedrock-converse", bedrock_converse),
    ];

    const PIECES: [&str; 3] = ["fn \"é\" {\n", "\t𝕏 \\", "}"];

    #[test]
    fn every_piece_stands_in_its_own_chunk() {
        for (name, shape) in ALL {
            let body = shape(&PIECES);
            assert_eq!(body.pieces.len(), PIECES.len(), "{name}");
            for (piece, text) in body.pieces.iter().zip(PIECES) {
                let piece = String::from_utf8_lossy(piece);
                assert!(piece.contains(&json(text)), "{name}: {piece}");
            }
        }
    }

    #[test]
    fn every_payload_is_json() {
        for (name, shape) in ALL {
            let body = shape(&PIECES);
            let text = match body.content_type {
                "application/vnd.amazon.eventstream" => continue,
                _ => String::from_utf8(body.bytes()).unwrap(),
            };
            let payloads: Vec<&str> = match body.content_type {
                SSE | "text/event-stream" => {
                    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
                }
                "application/x-ndjson" => text.lines().collect(),
                _ => vec![&text],
            };
            assert!(!payloads.is_empty(), "{name}");
            for payload in payloads.into_iter().filter(|payload| *payload != "[DONE]") {
                assert!(serde_json::from_str::<serde_json::Value>(payload).is_ok(), "{name}: {payload}");
            }
        }
    }

    #[test]
    fn an_answer_may_be_empty() {
        for (name, shape) in ALL {
            let body = shape(&[]);
            assert!(body.pieces.is_empty() && !body.closing.is_empty(), "{name}");
        }
    }
}
