//! Recordings: where they come from, and what stands in for a body.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

use super::Failure;

/// Reads `file`, `-` being standard input.
pub fn read(file: &OsStr) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if file == "-" { io::stdin().read_to_end(&mut body).map(|_| body) } else { fs::read(file) };
    read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))
}

/// Reads a file of JSON lines, gzipped if its name ends with `.gz`.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        parse_json_lines(GzDecoder::new(file), path)
    } else {
        parse_json_lines(file, path)
    }
}

/// Reads JSON lines; errors name `path` and the line.
pub fn parse_json_lines<T: DeserializeOwned>(source: impl Read, path: &Path) -> anyhow::Result<Vec<T>> {
    let mut values = Vec::new();
    for (n, line) in BufReader::new(source).lines().enumerate() {
        let place = || format!("{}, line {}", path.display(), n + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            values.push(serde_json::from_str(&line).with_context(place)?);
        }
    }
    Ok(values)
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
