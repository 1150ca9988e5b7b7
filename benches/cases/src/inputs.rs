//! Streams as servers send them, made from a fixed seed: the same bytes in every run.

use std::fmt::Write;

/// A body and where it is cut into chunks.
#[derive(Debug, Clone)]
pub struct Input {
    /// The bytes.
    pub body: Vec<u8>,
    /// Where each chunk ends.
    pub ends: Vec<usize>,
}

/// Payload of a TCP segment on Ethernet.
pub const SEGMENT: usize = 1460;

impl Input {
    /// The body cut every `size` bytes.
    pub fn cut(body: String, size: usize) -> Self {
        let body = body.into_bytes();
        let ends = (1..=body.len().div_ceil(size)).map(|chunk| (chunk * size).min(body.len())).collect();
        Self { body, ends }
    }

    /// The body cut after each event.
    pub fn cut_at_events(body: String) -> Self {
        let ends = body.match_indices("\n\n").map(|(at, end)| at + end.len()).collect();
        Self { body: body.into_bytes(), ends }
    }

    /// The chunks in order.
    pub fn chunks(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.body[*start..*end]).collect()
    }
}

/// xorshift64: no quality asked, only the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// JSON fields without their first quotes, in another order.
    fn shuffled<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> String {
        let mut fields: Vec<_> = fields.map(|field| field.trim_start_matches('"')).collect();
        for last in (1..fields.len()).rev() {
            fields.swap(last, self.below(last + 1));
        }
        fields.join(",\"")
    }

    fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..count).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }
}

/// Tokens of a code answer as they stand in JSON: every sixth has an escape, every thirtieth is not ASCII.
const TOKENS: [&str; 30] = [
    " let", " self", ".len", "()", " fn", " parse", "(", "input", ":", " &", "str", ")", " ->", " Option",
    "<", "u32", ">", " the", " value", " of", " match", " return", " if", " buffer", " {\\n", "\\n\\n",
    "    \\\"", "\\t\\t", ";\\n", " …",
];

/// One token of an answer, as it stands between the quotes.
pub fn token(number: usize) -> &'static str {
    let mut numbers = Numbers((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    numbers.below(97);
    TOKENS[numbers.below(TOKENS.len())]
}

/// The JSON of one chat completion chunk of OpenAI with that content.
pub fn openai_chunk(content: &str, obfuscation: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-CfQnLkvtvFzT0Z3aVu3Qb3NnVfKxW","object":"chat.completion.chunk","created":1763856000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{{"index":0,"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}],"usage":null,"obfuscation":"{obfuscation}"}}"#
    )
}

/// A chat completion stream of OpenAI, `[DONE]` and all. Its padding makes the chunks about equally
/// long, as the server's does.
pub fn openai(tokens: usize) -> String {
    let mut numbers = Numbers(7);
    let mut body = String::new();
    for number in 0..tokens {
        let content = token(number);
        let padding = numbers.letters(12usize.saturating_sub(content.len()));
        let _ = write!(body, "data: {}\n\n", openai_chunk(content, &padding));
    }
    let end = openai_chunk("", "")
        .replace(r#"{"content":""}"#, "{}")
        .replace(r#""finish_reason":null"#, r#""finish_reason":"stop""#);
    let _ = write!(body, "data: {end}\n\ndata: [DONE]\n\n");
    body
}

/// The stream of [`openai`] from a gateway that gives each chunk an id of its own.
pub fn openai_with_fresh_ids(tokens: usize) -> String {
    let mut numbers = Numbers(11);
    let parts: Vec<_> = openai(tokens).split("chatcmpl-CfQn").map(str::to_owned).collect();
    parts[1..].iter().fold(parts[0].clone(), |body, part| body + "chatcmpl-" + &numbers.letters(4) + part)
}

/// The stream of [`openai`] from a server that counts on as it goes, as vLLM does when asked: no two chunks have
/// the same `usage`, which is read from each.
pub fn openai_with_usage(tokens: usize) -> String {
    let mut counts = 1..;
    let body = openai(tokens);
    let mut parts = body.split("\"usage\":null");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(&mut counts).fold(first, |mut body, (part, count)| {
        let total = 120 + count;
        let _ = write!(
            body,
            "\"usage\":{{\"prompt_tokens\":120,\"completion_tokens\":{count},\"total_tokens\":{total}}}{part}"
        );
        body
    })
}

/// The stream of [`openai`] as nobody sends it: each chunk has its fields in another order, so that no
/// chunk is like the one before.
pub fn openai_without_envelope(tokens: usize) -> String {
    let mut numbers = Numbers(13);
    let events = openai_with_fresh_ids(tokens);
    events.split_terminator("\n\n").fold(String::new(), |mut body, event| {
        let chunk = event.strip_prefix("data: {").and_then(|chunk| chunk.split_once("\"choices\":[{"));
        let _ = match chunk.and_then(|(before, rest)| Some((before, rest.split_once("}],")?))) {
            Some((before, (choice, after))) => {
                let choice = numbers.shuffled(choice.split(",\""));
                let choices = format!("choices\":[{{\"{}}}]", choice.trim_start_matches('"'));
                let before = before.trim_start_matches('"').trim_end_matches(',').split(",\"");
                let after = after.trim_start_matches('"').trim_end_matches('}').split(",\"");
                let fields = numbers.shuffled(before.chain([choices.as_str()]).chain(after));
                write!(body, "data: {{\"{fields}}}\n\n")
            }
            None => write!(body, "{event}\n\n"),
        };
        body
    })
}

/// Chat completion chunks, each one event, whose contents `content` makes from a number.
pub fn chunks(count: usize, content: impl Fn(usize) -> String) -> String {
    let mut numbers = Numbers(7);
    (0..count).fold(String::new(), |mut body, number| {
        let padding = numbers.letters(1 + number % 8);
        let _ = write!(body, "data: {}\n\n", openai_chunk(&content(number), &padding));
        body
    })
}

/// A messages stream of Anthropic: named events, padded with spaces.
pub fn anthropic(tokens: usize) -> String {
    let mut numbers = Numbers(7);
    let mut body = String::from(concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"id":"msg_01PgicqXb8hKdXEPHm3LLTGF","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":27,"output_tokens":1}}  }"#,
        "\n\nevent: content_block_start\n",
        r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}     }"#,
        "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
    ));
    for number in 0..tokens {
        let (content, padding) = (token(number), " ".repeat(numbers.below(16)));
        let _ = write!(
            body,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{content}\"}}{padding}}}\n\n"
        );
    }
    body.push_str(concat!(
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0 }\n\n",
        "event: message_delta\n",
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":17}      }"#,
        "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"  }\n\n",
    ));
    body
}

/// Events of 16 bytes, blank line included.
pub fn small(events: usize) -> String {
    let mut numbers = Numbers(7);
    (0..events).fold(String::new(), |body, _| body + "data: " + &numbers.letters(8) + "\n\n")
}

/// One event whose only line has that many bytes, like an image in base64.
pub fn long_line(bytes: usize) -> String {
    format!("data: {}\n\n", Numbers(7).letters(bytes - 6))
}

/// Comments that keep a connection alive, with one event after them.
pub fn keep_alives(comments: usize) -> String {
    ": keep-alive\n\n".repeat(comments) + "data: x\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_what_they_claim() {
        let openai = openai(200);
        let chunks: Vec<&str> =
            openai.split_terminator("\n\n").map(|event| &event["data: ".len()..]).collect();
        assert_eq!((chunks.len(), chunks[201]), (202, "[DONE]"));
        let text: String = chunks[..200]
            .iter()
            .map(|chunk| {
                let chunk: serde_json::Value = serde_json::from_str(chunk).unwrap();
                chunk["choices"][0]["delta"]["content"].as_str().unwrap().to_owned()
            })
            .collect();
        let expected: String =
            (0..200).map(|n| serde_json::from_str::<String>(&format!("\"{}\"", token(n))).unwrap()).collect();
        assert_eq!(text, expected);
        let different: std::collections::HashSet<_> = chunks.iter().collect();
        assert!(different.len() > 150, "frames differ in content and padding");
        let ids = |body: &str| {
            let ids = body.match_indices("chatcmpl-").map(|(at, _)| body[at..at + 20].to_owned());
            ids.collect::<std::collections::HashSet<_>>().len()
        };
        assert_eq!(ids(&openai), 1);
        assert!(ids(&openai_with_fresh_ids(200)) > 195);
        let usage = openai_with_usage(200);
        assert_eq!(usage.matches("\"usage\":{").count(), 201);
        let same = |n: usize| usage.matches(&format!("\"completion_tokens\":{n},")).count();
        assert!((1..=201).all(|n| same(n) == 1));
        let last = usage.split_terminator("\n\n").nth(200).unwrap().strip_prefix("data: ").unwrap();
        let last: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["usage"]["total_tokens"], 321);
        let shuffled = openai_without_envelope(200);
        let shuffled: Vec<&str> =
            shuffled.split_terminator("\n\n").map(|event| &event["data: ".len()..]).collect();
        let orders = shuffled.iter().map(|chunk| {
            let chunk = chunk.replace("\"content\"", "");
            chunk.split("\":").filter_map(|part| part.rsplit('"').next()).collect::<Vec<_>>().concat()
        });
        assert!(orders.collect::<std::collections::HashSet<_>>().len() > 195);
        for (chunk, shuffled) in chunks.iter().zip(&shuffled).take(201) {
            let [chunk, shuffled] = [chunk, shuffled].map(|chunk| {
                let mut chunk: serde_json::Value = serde_json::from_str(chunk).unwrap();
                assert!(chunk["id"].take().is_string());
                chunk
            });
            assert_eq!(chunk, shuffled);
        }

        let anthropic = anthropic(200);
        let events: Vec<&str> = anthropic.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 206);
        for event in events {
            let (name, data) = event.split_once("\ndata: ").unwrap();
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        }

        assert!(small(50).split_inclusive("\n\n").all(|event| event.len() == 16));
        assert_eq!(long_line(1 << 20).len(), (1 << 20) + 2);
        assert_eq!(keep_alives(3), ": keep-alive\n\n: keep-alive\n\n: keep-alive\n\ndata: x\n\n");
    }

    #[test]
    fn chunks_are_the_body() {
        for input in
            [Input::cut(openai(50), SEGMENT), Input::cut(small(3), 16), Input::cut_at_events(openai(50))]
        {
            assert_eq!(input.chunks().concat(), input.body);
        }
        assert_eq!(Input::cut(small(100), 1460).chunks()[0].len(), 1460);
        assert!(Input::cut_at_events(openai(50)).chunks().iter().all(|chunk| chunk.ends_with(b"\n\n")));
    }
}
