//! The config that tells curl what to do. It reaches curl through a pipe: what stands on a command line is visible to
//! every user of the machine.

use std::fmt::Write;

use super::Options;
use crate::http::HttpRequest;

/// Largest config with the body in it, in bytes. Larger bodies go in a file. Linux and macOS hold 64 KB in a pipe
/// (macOS may start with 16 KB), and curl takes lines of up to 100 KB (from 7.71 on; 7.68 has no limit).
const INLINE: usize = 32 * 1024;

/// The config for a request that [`HttpRequest::check`] has passed. curl writes the response heads to `head`. The body is
/// not in it.
///
/// Format: curl's manual, `-K, --config`. In a quoted value a backslash escapes the next character.
pub fn config(request: &HttpRequest, options: &Options, head: &str) -> String {
    let mut text = String::with_capacity(1024);
    // Globbing is off so that braces and brackets in a URL mean themselves. Redirects are not followed: headers like
    // x-api-key would be sent to wherever they lead.
    for flag in ["no-buffer", "silent", "show-error", "globoff", "suppress-connect-headers"] {
        text.push_str(flag);
        text.push('\n');
    }
    let limits = &options.limits;
    let mut value = |name: &str, value: &str| set(&mut text, name, value);
    value("dump-header", head);
    value("proto", "=http,https");
    value("connect-timeout", &limits.connect.as_secs().max(1).to_string());
    value("max-time", &limits.total(&request.url).as_secs().max(1).to_string());
    // The reader enforces these limits to the millisecond; this one holds while nobody reads.
    value("speed-limit", "1");
    let patience = limits.patience(&request.url);
    value("speed-time", &patience.first_byte.max(patience.idle).as_secs().saturating_add(1).to_string());
    value("user-agent", &options.user_agent);
    if !options.ca_file.is_empty() {
        value("cacert", &options.ca_file);
    }
    if !options.proxy.is_empty() {
        value("proxy", &options.proxy);
    }
    if let Some(pinned) = request.url.pinned() {
        value("resolve", &pinned);
    }
    if request.url.is_loopback() {
        // A proxy has another loopback, and must not see the keys for this one.
        value("noproxy", "*");
    }
    let plain = request.headers.iter().map(|(name, value)| (name, value.as_str()));
    let secret = request.secret_headers.iter().map(|(name, value)| (name, value.expose()));
    for (name, content) in plain.chain(secret) {
        // `name:` alone would remove the header.
        let line = if content.is_empty() { format!("{name};") } else { format!("{name}: {content}") };
        value("header", &line);
    }
    if let Some(body) = &request.body {
        // curl would wait up to a second for `100 Continue` before it sends a large body.
        value("header", "Expect:");
        if body.is_empty() {
            value("data-raw", "");
        }
    }
    if let Some(socket) = request.url.socket() {
        value("unix-socket", socket);
    }
    // Last, so that a config that is cut off sends nothing.
    value("url", &request.url.requested());
    text
}

/// `config` with `body` in it, if it is small and text. curl cannot be given a NUL in its config.
pub fn with_body(config: &str, body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    if config.len() + body.len() > INLINE || body.contains('\0') {
        return None;
    }
    let mut text = String::with_capacity(config.len() + body.len() + body.len() / 8 + 16);
    set(&mut text, "data-raw", body);
    text.push_str(config);
    (text.len() <= INLINE).then_some(text)
}

fn set(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "{name} = \"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            // The format is line by line.
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push_str("\"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Url;

    fn lines(url: &str) -> Vec<String> {
        let (headers, secret_headers, body) = (Vec::new(), Vec::new(), None);
        let request = HttpRequest { url: Url::parse(url).unwrap(), headers, secret_headers, body };
        config(&request, &Options::default(), "h").lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_socket_is_named_beside_the_url() {
        let socket = lines("unix:///run/a.sock:/v1/chat");
        for line in [r#"unix-socket = "/run/a.sock""#, r#"noproxy = "*""#] {
            assert!(socket.iter().any(|other| other == line), "{line} {socket:?}");
        }
        assert_eq!(socket.last().map(String::as_str), Some(r#"url = "http://localhost/v1/chat""#));
        let port = lines("http://127.0.0.1:1/v1/chat");
        assert_eq!(port.last().map(String::as_str), Some(r#"url = "http://127.0.0.1:1/v1/chat""#));
        assert!(!port.iter().any(|line| line.contains("socket")), "{port:?}");
    }
}
