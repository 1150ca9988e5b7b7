//! One request by curl, with the config that the plugin gives it, and the moments at which its answer arrives.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ai_completion::http::HttpRequest;
use ai_completion::transport::{Failure, FailureKind, Options, curl_config, curl_failure, with_body};

/// Requests sent so far: each has a file of its own for its head.
static SENT: AtomicU32 = AtomicU32::new(0);

/// What came back.
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Each piece with the time since the request.
    pub pieces: Vec<(Duration, Vec<u8>)>,
}

impl Reply {
    pub fn body(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|(_, piece)| piece.iter().copied()).collect()
    }
}

/// Sends it.
pub fn send(request: &HttpRequest, options: &Options) -> Result<Reply, Failure> {
    let failure = |kind, detail: String| Failure { kind, detail };
    request.check().map_err(|detail| failure(FailureKind::Request, detail))?;
    let unavailable = |error: std::io::Error| failure(FailureKind::Unavailable, error.to_string());
    let number = SENT.fetch_add(1, Ordering::Relaxed);
    let head = std::env::temp_dir().join(format!("volt-check-{}-{number}", std::process::id()));
    let mut curl = Command::new("curl");
    curl.args(["-q", "-K", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = curl.spawn().map_err(unavailable)?;
    let start = Instant::now();
    if let Some(mut stdin) = child.stdin.take() {
        let config = curl_config(request, options, &head.to_string_lossy());
        let body = request.body.as_deref();
        // The bodies of this command are small. Should curl end early, its exit code says why.
        let config = body.and_then(|body| with_body(&config, body)).unwrap_or(config);
        let _ = stdin.write_all(config.as_bytes());
    }
    let mut pieces = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = stdout.read(&mut buffer) {
            pieces.push((start.elapsed(), buffer.get(..read).unwrap_or_default().to_vec()));
        }
    }
    let output = child.wait_with_output().map_err(unavailable)?;
    let text = fs::read_to_string(&head).unwrap_or_default();
    let _ = fs::remove_file(&head);
    match output.status.code() {
        Some(0) => {}
        code => {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(curl_failure(
                code.and_then(|code| u32::try_from(code).ok()).unwrap_or(1),
                words.trim(),
            ));
        }
    }
    let (status, headers) = read_head(&text);
    Ok(Reply { status, headers, pieces })
}

/// The last head in what curl has dumped: before it there may be those of interim responses.
fn read_head(text: &str) -> (u16, Vec<(String, String)>) {
    let mut status = 0;
    let mut headers = Vec::new();
    for line in text.lines() {
        if line.starts_with("HTTP/") {
            status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            headers.clear();
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    (status, headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_head_counts() {
        let (status, headers) = read_head(
            "HTTP/1.1 100 Continue\r\nA: 1\r\n\r\nHTTP/1.1 401 Unauthorized\r\nX-Request-Id: r\r\n\r\n",
        );
        assert_eq!((status, headers), (401, vec![("x-request-id".to_owned(), "r".to_owned())]));
    }
}
