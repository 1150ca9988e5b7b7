//! The standard's algorithm written down line by line, slow and plain: what tests and fuzz targets hold the
//! parser against.

use super::{Error, Policy, SseEvent};

#[derive(Default)]
struct Block {
    event: Vec<u8>,
    data: Vec<Vec<u8>>,
    raw: bool,
    dropped: bool,
}

impl Block {
    fn size(&self) -> usize {
        self.event.len() + self.data.join(&b'\n').len()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of `body`, and what comes after the last one's end.
fn lines(body: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < body.len() {
        let width = match &body[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if width > 0 {
            lines.push(&body[start..at]);
            start = at + width;
        }
        at += width.max(1);
    }
    (lines, &body[start..])
}

/// The events of a whole stream, and one error for each that is over the limit.
pub fn parse(policy: Policy, body: &[u8]) -> Vec<Result<SseEvent, Error>> {
    // As the parser does.
    let policy = Policy { limit: policy.limit.max(64), ..policy };
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (mut lines, rest) = lines(body);
    let too_long = Err(Error::TooLong { limit: policy.limit });
    let (mut out, mut block) = (Vec::new(), Block::default());
    let (mut id, mut id_buffer, mut retry) = (Vec::new(), Vec::new(), None);

    // The blank line that the standard does not add when the stream is over.
    let whole = lines.len();
    lines.extend([rest, b""]);
    for (number, line) in lines.into_iter().enumerate() {
        let opens_raw = policy.raw_blocks
            && matches!(line.first(), Some(b'{' | b'[' | b'<'))
            && block.event.is_empty()
            && block.data.is_empty();
        let over = number >= whole;
        if over && number == whole {
            if line.is_empty() {
                continue;
            }
            if !(policy.dispatch_at_eof || policy.raw_blocks) && line.len() < 6 {
                break;
            }
        }
        if over && number > whole && !(policy.dispatch_at_eof || block.raw) {
            break;
        }
        if line.is_empty() {
            let Block { event, data, raw, dropped } = std::mem::take(&mut block);
            if dropped {
                id_buffer = id.clone();
                continue;
            }
            id = id_buffer.clone();
            let joined = data.join(&b'\n');
            let keep_alive = policy.drop_keep_alives && matches!(joined.first(), None | Some(b':'));
            if data.is_empty() || keep_alive {
                continue;
            }
            let event = match text(&event) {
                _ if raw => String::new(),
                event if event.is_empty() => "message".to_owned(),
                event => event,
            };
            out.push(Ok(SseEvent { event, data: text(&joined), id: text(&id), retry }));
            continue;
        }
        if block.dropped {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &b""[..]),
        };
        let is_data = name == b"data" || opens_raw || block.raw;
        if !is_data && !name.is_empty() && block.size() + line.len() > policy.limit {
            block = Block { dropped: true, ..Block::default() };
            out.push(too_long.clone());
            continue;
        }
        match name {
            _ if opens_raw || block.raw => {
                block.raw = true;
                block.data.push(line.to_vec());
            }
            b"data" => block.data.push(value.to_vec()),
            b"event" => block.event = value.to_vec(),
            b"error" if policy.error_field => {
                block.event = b"error".to_vec();
                block.data.push(value.to_vec());
            }
            b"id" if !value.contains(&0) => id_buffer = value.to_vec(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                retry = text(value).parse().ok().or(retry);
            }
            _ => {}
        }
        if block.size() > policy.limit {
            block = Block { dropped: true, ..Block::default() };
            out.push(too_long.clone());
        }
    }
    out
}
