//! Recorded bodies: where they come from and what stands in for a body.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::Failure;

/// Reads `file`, `-` being standard input.
pub fn read(file: &OsStr) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if file == "-" { io::stdin().read_to_end(&mut body).map(|_| body) } else { fs::read(file) };
    read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))
}

/// Whether the file's name says that it holds one payload per line, the framing of the event stream removed.
pub fn is_unframed(file: &OsStr) -> bool {
    Path::new(file).to_string_lossy().ends_with(".chunks.jsonl")
}

/// Gives payloads, one per line, the framing back that they were recorded without. Formats that name
/// their events name them as the payload's `type`.
pub fn frame(payloads: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(payloads.len() * 2);
    for line in payloads.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    {
        let payload: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        if let Some(name) = payload.get("type").and_then(serde_json::Value::as_str) {
            body.extend_from_slice(format!("event: {name}\n").as_bytes());
        }
        body.extend_from_slice(b"data: ");
        body.extend_from_slice(line);
        body.extend_from_slice(b"\n\n");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_get_their_framing_back() {
        for (lines, body) in [
            ("", ""),
            ("{\"a\":1}\n\n[DONE]", "data: {\"a\":1}\n\ndata: [DONE]\n\n"),
            ("{\"type\":\"ping\"}\r\n", "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        ] {
            assert_eq!(String::from_utf8(frame(lines.as_bytes())).unwrap(), body);
        }
    }

    #[test]
    fn the_ending_of_the_name_says_what_is_in_a_file() {
        for (name, unframed) in [("a.chunks.jsonl", true), ("a.jsonl", false), ("a.sse", false), ("-", false)]
        {
            assert_eq!(is_unframed(OsStr::new(name)), unframed, "{name}");
        }
    }
}
