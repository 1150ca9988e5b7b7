//! The status line and headers, as curl writes them in front of the body.

use std::str::Lines;

/// Longest head taken, all interim heads together, in bytes. Newer versions of curl give up at 300 KB.
const LIMIT: usize = 256 * 1024;

/// Collects bytes until the final head is complete.
#[derive(Debug, Default)]
pub struct HeadReader {
    bytes: Vec<u8>,
    /// Bytes of the interim heads that were skipped.
    interim: usize,
}

/// A parsed head.
#[derive(Debug, PartialEq)]
pub struct Head {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl HeadReader {
    /// Takes the next bytes. When the head is complete, returns it and the bytes of body that came with it.
    ///
    /// Interim heads (1xx: `100 Continue`, `103 Early Hints`) are skipped.
    ///
    /// # Errors
    /// What is wrong, if the bytes are not an HTTP head.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<(Head, Vec<u8>)>, &'static str> {
        // The end of the head may be split: three bytes of "\r\n\r\n" may be old.
        let mut from = self.bytes.len().saturating_sub(3);
        self.bytes.extend_from_slice(bytes);
        while let Some(end) = end_of_head(self.bytes.get(from..).unwrap_or_default()) {
            let rest = self.bytes.split_off(from + end);
            let head = std::mem::replace(&mut self.bytes, rest);
            self.interim += head.len();
            let head = parse(&head)?;
            if !(100..200).contains(&head.status) || head.status == 101 {
                return Ok(Some((head, std::mem::take(&mut self.bytes))));
            }
            from = 0;
        }
        let shown = self.bytes.get(..5).unwrap_or(&self.bytes);
        if !b"HTTP/".starts_with(shown) {
            return Err("the answer does not begin like HTTP");
        }
        if self.interim + self.bytes.len() > LIMIT {
            return Err("the head of the answer does not end");
        }
        Ok(None)
    }
}

/// The length up to and including the first empty line. Some servers end lines with a bare LF.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn parse(bytes: &[u8]) -> Result<Head, &'static str> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let status = lines
        .next()
        .filter(|line| line.starts_with("HTTP/"))
        .and_then(|line| line.split_ascii_whitespace().nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or("the answer does not begin like HTTP")?;
    Ok(Head { status, headers: fields(lines) })
}

/// The headers in lines of `name: value`.
#[inline(never)]
pub(super) fn fields(lines: Lines<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for line in lines {
        if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(&str, &str)]) -> Head {
        Head { status, headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect() }
    }

    #[test]
    fn heads_parse_at_every_split() {
        for (bytes, expected, body) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", head(200, &[("a", "b")]), "body"),
            ("HTTP/2 204 \r\n\r\n", head(204, &[]), ""),
            // The last head there is, as for 2xx and on.
            ("HTTP/1.1 101 Switching Protocols\r\n\r\nx", head(101, &[]), "x"),
            ("HTTP/1.1 199 x\r\n\r\nHTTP/1.1 99 x\r\n\r\n", head(99, &[]), ""),
            ("HTTP/1.1 500\nX-Y:  z \n\n\nb", head(500, &[("x-y", "z")]), "\nb"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nA:\r\n\r\n{}", head(401, &[("a", "")]), "{}"),
            (
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n:",
                head(200, &[]),
                ":",
            ),
            (
                "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nnonsense\r\nset-cookie: b:c\r\n\r\n\r\n\r\n",
                head(200, &[("set-cookie", "a"), ("set-cookie", "b:c")]),
                "\r\n\r\n",
            ),
        ] {
            for split in 0..=bytes.len() {
                let (left, right) = bytes.as_bytes().split_at(split);
                let mut reader = HeadReader::default();
                let mut got = reader.push(left).unwrap();
                match &mut got {
                    Some((_, rest)) => rest.extend_from_slice(right),
                    None => got = reader.push(right).unwrap(),
                }
                let (parsed, rest) = got.unwrap();
                assert_eq!(parsed, expected, "split at {split}");
                assert_eq!(rest, body.as_bytes(), "split at {split}");
            }
        }
    }

    #[test]
    fn what_is_not_http_is_said_at_once() {
        for bytes in ["<html>", "HTTX", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1\r\n\r\n"] {
            assert!(HeadReader::default().push(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        for begun in ["", "HT", "HTTP/", "HTTP/1.1 abc"] {
            assert_eq!(HeadReader::default().push(begun.as_bytes()), Ok(None), "{begun:?}");
        }
    }

    #[test]
    fn interim_heads_without_end_are_given_up() {
        let mut reader = HeadReader::default();
        let interim = b"HTTP/1.1 103 Early Hints\r\n\r\n";
        for _ in 0..LIMIT / interim.len() {
            assert_eq!(reader.push(interim), Ok(None));
        }
        assert!(reader.push(interim).is_err());
    }

    #[test]
    fn a_head_without_end_is_given_up() {
        let mut reader = HeadReader::default();
        let line = b"HTTP/1.1 200 OK\r\n";
        assert_eq!(reader.push(line), Ok(None));
        assert_eq!(reader.push(&vec![b'a'; LIMIT - line.len()]), Ok(None));
        assert!(reader.push(b"a").is_err());
    }
}
