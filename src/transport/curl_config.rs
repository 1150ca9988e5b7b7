//! curl's config. It reaches curl through a pipe, because command lines are visible to every user of the machine.

use std::fmt::Write;

use super::Options;
use crate::http::HttpRequest;

/// Largest config that includes the body, in bytes. Larger bodies go into a file. A pipe holds 64 KB on Linux and macOS
/// (macOS may start with 16 KB), and curl accepts lines of up to 100 KB (since 7.71; 7.68 has no limit).
const INLINE: usize = 32 * 1024;

/// The config, without the body, for a request that has passed [`HttpRequest::check`]. curl writes the response heads to
/// the file `head`.
///
/// Format: curl's manual, `-K, --config`. In a quoted value a backslash escapes the next character.
pub fn config(request: &HttpRequest, options: &Options, head: &str) -> String {
    let mut text = String::with_capacity(1024);
    // Without globbing, braces and brackets in a URL are literal. Redirects are not followed: curl would send headers
    // like x-api-key to their target.
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
    // The reader enforces these limits to the millisecond; these apply while nothing reads.
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
        // A proxy has its own loopback, and must not see the keys for this machine.
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

/// `config` with `body`, if that is text and both are small. A curl config cannot contain NUL.
pub fn with_body(config: &str, body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    if config.len() + body.len() > INLINE || body.contains('\0') {
        return None;
    }
    let mut text = String::with_capacity(INLINE);
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
            // A value must stay on one line.
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push_str("\"\n");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Limits;
    use super::*;
    use crate::http::{Secret, Url};

    fn lines(url: &str) -> Vec<String> {
        let (headers, secret_headers, body) = (Vec::new(), Vec::new(), None);
        let request = HttpRequest { url: Url::parse(url).unwrap(), headers, secret_headers, body };
        config(&request, &Options::default(), "h").lines().map(str::to_owned).collect()
    }

    /// The lines for a request that are not the same for all.
    fn varying(request: &HttpRequest, options: &Options) -> Vec<String> {
        const SAME: &[&str] = &["dump-header", "proto", "speed-limit", "user-agent"];
        let config = config(request, options, "h");
        let lines = config.lines().filter(|line| line.contains(" = "));
        lines.filter(|line| !SAME.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
    }

    #[test]
    fn each_part_of_a_request_is_a_line() {
        let url = || Url::parse("https://api.example/v1").unwrap();
        let plain =
            || HttpRequest { url: url(), headers: Vec::new(), secret_headers: Vec::new(), body: None };
        let with_limits = |limits| Options { limits, ..Options::default() };
        let ms = Duration::from_millis;
        let usual = [
            r#"connect-timeout = "10""#,
            r#"max-time = "300""#,
            r#"speed-time = "61""#,
            r#"url = "https://api.example/v1""#,
        ];
        for (request, options, at, more) in [
            (plain(), Options::default(), 3, &[][..]),
            (
                HttpRequest {
                    headers: vec![("a".into(), "b\\\"c".into()), ("d".into(), String::new())],
                    ..plain()
                },
                Options::default(),
                3,
                &[r#"header = "a: b\\\"c""#, r#"header = "d;""#],
            ),
            (
                HttpRequest { secret_headers: vec![("key".into(), Secret::new("k"))], ..plain() },
                Options::default(),
                3,
                &[r#"header = "key: k""#],
            ),
            (
                HttpRequest { body: Some(b"x".to_vec()), ..plain() },
                Options::default(),
                3,
                &[r#"header = "Expect:""#],
            ),
            (
                HttpRequest { body: Some(Vec::new()), ..plain() },
                Options::default(),
                3,
                &[r#"header = "Expect:""#, r#"data-raw = """#],
            ),
            (
                plain(),
                Options { ca_file: "/ca.pem".into(), proxy: "http://p".into(), ..Options::default() },
                3,
                &[r#"cacert = "/ca.pem""#, r#"proxy = "http://p""#],
            ),
        ] {
            let mut expected: Vec<_> = usual.into();
            expected.splice(at..at, more.iter().copied());
            assert_eq!(varying(&request, &options), expected);
        }
        // curl takes whole seconds, and 0 for no limit.
        for (limits, expected) in [
            (
                Limits { connect: ms(1), total: ms(1), first_byte: Some(ms(1)), idle: ms(1) },
                ["connect-timeout = \"1\"", "max-time = \"1\"", "speed-time = \"1\""],
            ),
            (
                Limits { connect: ms(2000), total: ms(5000), first_byte: Some(ms(2000)), idle: ms(4000) },
                ["connect-timeout = \"2\"", "max-time = \"5\"", "speed-time = \"5\""],
            ),
        ] {
            assert_eq!(varying(&plain(), &with_limits(limits))[..3], expected);
        }
        let named = HttpRequest { url: Url::parse("http://localhost:1/v1").unwrap(), ..plain() };
        let named = varying(&named, &Options { proxy: "http://p".into(), ..Options::default() });
        for line in [r#"resolve = "localhost:1:127.0.0.1,[::1]""#, r#"noproxy = "*""#] {
            assert!(named.iter().any(|other| other == line), "{line} {named:?}");
        }
    }

    #[test]
    fn a_small_body_of_text_is_in_the_config() {
        let frame = "data-raw = \"\"\n".len();
        let config = "url = \"x\"\n";
        let room = INLINE - frame - config.len();
        assert_eq!(
            with_body(config, b"a\"\\\r\n\t").as_deref(),
            Some("data-raw = \"a\\\"\\\\\\r\\n\t\"\nurl = \"x\"\n")
        );
        for (body, fits) in [
            (vec![b'x'; room], true),
            (vec![b'x'; room + 1], false),
            (vec![b'x'; INLINE], false),
            // Each of them takes two bytes.
            (vec![b'"'; room / 2], true),
            (vec![b'"'; room / 2 + 1], false),
            (b"a\0".to_vec(), false),
            (b"\xff".to_vec(), false),
        ] {
            let config = with_body(config, &body);
            assert_eq!(config.is_some(), fits, "{} bytes", body.len());
            assert!(config.is_none_or(|config| config.len() <= INLINE));
        }
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
