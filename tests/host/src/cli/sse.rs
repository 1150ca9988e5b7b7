//! `volt sse`: what the parser makes of a recorded event stream.

use std::io::Write;
use std::path::Path;

use ai_completion::sse::{Error, Frame, Parser};
use lexopt::Arg;
use serde::Serialize;

use super::{Failure, chunk_size, recording, unexpected, usage};

const HELP: &str = "\
Print the events of a recorded event stream, one JSON object per line

Usage: cargo volt sse [--chunk N] FILE

  FILE         The body as it came from the server; `-` reads standard input.
               A file *.chunks.jsonl holds one payload per line, `data: ` and blank lines removed.
  --chunk N    Feed the parser N bytes at a time instead of all at once. The output must be the same.

Each line is {\"event\":…,\"data\":…,\"id\":…,\"retry\":…}, `id` and `retry` as the stream last gave them,
empty and null before. An event that is too long for the parser is {\"error\":…}.
The parser does what WHATWG HTML says: an event without a blank line after it is not one.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut file = None;
    let mut chunk = usize::MAX;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Value(value) if file.is_none() => file = Some(value),
            Arg::Long("chunk") => chunk = chunk_size(&mut args)?,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "sse")),
        }
    }
    let file = file.ok_or_else(|| usage("which FILE?", "sse"))?;
    let mut body = recording::read(&file)?;
    if recording::is_unframed(&file) {
        body = recording::frame(&body);
    }
    if !is_event_stream(&body) {
        let words = "is no event stream: no line begins with `data:`, `event:`, `id:`, `retry:` or `:`";
        return Err(Failure::Failed(format!("{} {words}", Path::new(&file).display())));
    }
    print(&body, chunk, out)
}

/// Whether some line is a field of the format, or there is nothing at all.
fn is_event_stream(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let fields = [&b"data"[..], b"event", b"id", b"retry"];
    let is_field = |line: &[u8]| {
        let end = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        end == 0 || line.get(..end).is_some_and(|name| fields.contains(&name))
    };
    let mut lines =
        body.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_none() || lines.any(is_field)
}

fn print(body: &[u8], chunk: usize, out: &mut dyn Write) -> Result<(), Failure> {
    let mut parser = Parser::new();
    for chunk in body.chunks(chunk) {
        let mut frames = parser.feed(chunk);
        while let Some(frame) = frames.next() {
            print_frame(frame, out)?;
        }
    }
    match parser.finish() {
        Some(frame) => print_frame(frame, out),
        None => Ok(()),
    }
}

fn print_frame(frame: Result<Frame<'_>, Error>, out: &mut dyn Write) -> Result<(), Failure> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Line<'a> {
        Frame { event: &'a str, data: &'a str, id: &'a str, retry: Option<u64> },
        Error { error: String },
    }
    let line = match frame {
        Ok(Frame { event, data, id, retry }) => Line::Frame { event, data, id, retry },
        Err(error) => Line::Error { error: error.to_string() },
    };
    super::print_json(&line, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str, chunk: usize) -> String {
        let mut out = Vec::new();
        print(body.as_bytes(), chunk, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn events_become_lines() {
        for (body, expected) in [
            ("", ""),
            (": comment\n\n", ""),
            ("data: x", ""),
            (
                "data: \"é\"\n\n",
                "{\"event\":\"message\",\"data\":\"\\\"é\\\"\",\"id\":\"\",\"retry\":null}\n",
            ),
            (
                "retry: 7\nevent: ping\nid: 3\ndata: a\ndata: b\r\n\r\n",
                "{\"event\":\"ping\",\"data\":\"a\\nb\",\"id\":\"3\",\"retry\":7}\n",
            ),
        ] {
            for chunk in [1, 7, usize::MAX] {
                assert_eq!(lines(body, chunk), expected, "{body:?} by {chunk}");
            }
        }
    }

    #[test]
    fn an_event_over_the_limit_is_an_error_line() {
        let mut out = Vec::new();
        print_frame(Err(Error::TooLong { limit: 64 }), &mut out).unwrap();
        assert_eq!(out, b"{\"error\":\"one event of the stream has more than 64 bytes\"}\n");
    }
}
