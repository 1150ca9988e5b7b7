//! The memo of the envelope changes no token. First byte: the provider. Then the event's name up to the
//! end of the line, then one frame per line. In the second run a frame that says nothing stands before
//! each, so that the memo never serves.

#![no_main]

use ai_completion::provider::{find, names};
use json::is_json;
use ai_completion::stream::{Decode, ErrorKind, StreamToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((provider, lines)) = input.split_first() else { return };
    let mut lines = lines.split(|byte| *byte == b'\n');
    // Bedrock's frames are binary.
    let providers: Vec<_> = names().filter(|name| *name != "bedrock").collect();
    let provider = providers[usize::from(*provider) % providers.len()];
    let event = lines.next().unwrap_or_default();
    // A stray carriage return would cut a frame in two; what stands apart may not stand in a frame.
    let mut frames: Vec<_> = lines.filter(|line| !line.contains(&b'\r')).collect();
    if provider == "ollama" {
        // Lines that are no JSON by themselves are pieces of one text, and what stands apart would be one more.
        frames.retain(|line| std::str::from_utf8(line).is_ok_and(is_json));
    }
    assert_eq!(tokens(provider, event, &frames, false), tokens(provider, event, &frames, true));
});

fn tokens(provider: &str, event: &[u8], frames: &[&[u8]], apart: bool) -> Vec<StreamToken<'static>> {
    let mut body = Vec::new();
    for frame in frames {
        let silent = if apart { &b"{}"[..] } else { b"" };
        match provider {
            "ollama" => body.extend([silent, b"\n", frame, b"\n"].concat()),
            _ => {
                body.extend([b"data:", silent, b"\n\n"].concat());
                body.extend([b"event:", event, b"\ndata:", frame, b"\n\n"].concat());
            }
        }
    }
    let mut tokens = Vec::new();
    let mut sink = |mut token: StreamToken<'_>| {
        if let StreamToken::Error(error) = &mut token {
            // Of text that is no frame, what stands apart becomes a part: it is quoted, and changes
            // whether the whole looks cut off.
            error.message = "".into();
            if error.kind == ErrorKind::Malformed {
                error.kind = ErrorKind::Truncated;
            }
        }
        tokens.push(token.into_owned());
    };
    let mut decoder = find(provider).expect("a name from the list").decoder();
    decoder.feed(&body, &mut sink);
    decoder.finish(&mut sink);
    tokens
}
