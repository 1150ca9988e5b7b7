//! Just enough of HTTP/1.1 to read what clients of model APIs send.

use std::io::{self, BufRead, Read};

/// Bigger requests are answered by closing the connection; far above any prompt.
const MAX_BODY: usize = 64 << 20;
const MAX_LINE: u64 = 64 << 10;

/// A request as it came in.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// How many came before it on this server.
    pub number: usize,
    /// `POST`, `GET`, …
    pub method: String,
    /// The request target: path and query.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads the request line and the headers. `None`: the client closed the connection between requests.
///
/// # Errors
/// Whatever the connection says, and `InvalidData` for bytes that are not HTTP/1.
pub fn read_head(input: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(line) = read_line(input)? else { return Ok(None) };
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(invalid("request line"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(invalid("HTTP version"));
    }
    let mut request = Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() };
    loop {
        let line = read_line(input)?.ok_or_else(|| invalid("end of headers"))?;
        if line.is_empty() {
            return Ok(Some(request));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("header"))?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// Reads the body that `head` announces.
///
/// # Errors
/// Whatever the connection says, and `InvalidData` for a body that is not as announced or too big.
pub fn read_body(head: &Request, input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    if head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return read_chunks(input);
    }
    let length = match head.header("content-length") {
        Some(text) => text.parse().map_err(|_| invalid("content-length"))?,
        None => 0,
    };
    read_exactly(input, length)
}

fn read_chunks(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(input)?.ok_or_else(|| invalid("chunk size"))?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
        if size > MAX_BODY - body.len() {
            return Err(invalid("body size"));
        }
        body.extend(read_exactly(input, size)?);
        // After a chunk its CRLF, after the last one the trailers and an empty line.
        while !read_line(input)?.ok_or_else(|| invalid("end of chunk"))?.is_empty() {}
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(input: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    if length > MAX_BODY {
        return Err(invalid("body size"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if input.take(MAX_LINE).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let text = line.strip_suffix('\n').ok_or_else(|| invalid("line"))?;
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("bad HTTP: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> io::Result<Option<Request>> {
        let Some(mut request) = read_head(&mut bytes)? else { return Ok(None) };
        request.body = read_body(&request, &mut bytes)?;
        Ok(Some(request))
    }

    #[test]
    fn reads_bodies_of_both_codings() {
        for (bytes, body) in [
            ("POST /v1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "hi"),
            ("POST /v1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1;x\r\ni\r\n0\r\n\r\n", "hi"),
            ("GET /v1 HTTP/1.0\n\n", ""),
        ] {
            let request = read(bytes.as_bytes()).unwrap().unwrap();
            assert_eq!(
                (request.path.as_str(), request.body.as_slice()),
                ("/v1", body.as_bytes()),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn bad_requests_are_errors() {
        for bytes in [
            "nonsense\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nhi",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\nhi",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        ] {
            assert!(read(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_closed_connection_is_no_request() {
        assert!(read(b"").unwrap().is_none());
    }
}
