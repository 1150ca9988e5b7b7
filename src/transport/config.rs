//! The config file that tells curl what to do. Nothing of a request is said on its command line,
//! which everybody on the machine can read.

use std::fmt::Write;

use super::Options;
use crate::http::HttpRequest;

/// The config for a request that [`HttpRequest::check`] has let pass. The body is not in it.
///
/// Format: curl's manual, `-K, --config`. In a quoted value a backslash escapes; control characters
/// were refused, so nothing else can end a value or a line.
pub(super) fn config(request: &HttpRequest, options: &Options) -> String {
    let mut text = String::with_capacity(1024);
    // Globbing off: braces and brackets in a URL mean themselves. No redirect is followed: headers
    // like x-api-key would be sent along to wherever it leads.
    for flag in ["no-buffer", "silent", "show-error", "globoff", "suppress-connect-headers"] {
        let _ = writeln!(text, "{flag}");
    }
    let limits = &options.limits;
    let mut value = |name: &str, value: &str| {
        let _ = writeln!(text, "{name} = \"{}\"", escaped(value));
    };
    value("url", request.url.as_str());
    // The head goes in front of the body, into the same pipe, so that their order is certain. `include`
    // would do that too, but holds the head back until the first byte of the body.
    value("dump-header", "-");
    value("proto", "=http,https");
    value("connect-timeout", &limits.connect.as_secs().max(1).to_string());
    value("max-time", &limits.total.as_secs().max(1).to_string());
    // The reader minds these limits to the millisecond; this holds when nobody reads for a while.
    value("speed-limit", "1");
    value("speed-time", &limits.first_byte.max(limits.idle).as_secs().saturating_add(1).to_string());
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
        // A proxy does not know this machine's loopback, and must not see its keys.
        value("noproxy", "*");
    }
    let plain = request.headers.iter().map(|(name, value)| (name, value.as_str()));
    let secret = request.secret_headers.iter().map(|(name, value)| (name, value.expose()));
    for (name, content) in plain.chain(secret) {
        // `name:` alone would take the header away.
        let line = if content.is_empty() { format!("{name};") } else { format!("{name}: {content}") };
        value("header", &line);
    }
    if let Some(body) = &request.body {
        // curl would wait up to a second for `100 Continue` before it sends a large body.
        value("header", "Expect:");
        if body.is_empty() {
            value("data", "");
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Secret, Url};

    fn request(url: &str) -> HttpRequest {
        HttpRequest {
            url: Url::parse(url).unwrap(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: None,
        }
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_their_value() {
        let mut request = request("https://example.com/a\"b");
        request.secret_headers.push(("x-api-key".to_owned(), Secret::new("a\\\" \\n\"")));
        let text = config(&request, &Options::default());
        assert!(text.contains("url = \"https://example.com/a\\\"b\"\n"), "{text}");
        assert!(text.contains("header = \"x-api-key: a\\\\\\\" \\\\n\\\"\"\n"), "{text}");
    }

    #[test]
    fn an_empty_header_is_sent_empty() {
        let mut request = request("https://example.com");
        request.headers.push(("x-empty".to_owned(), String::new()));
        assert!(config(&request, &Options::default()).contains("header = \"x-empty;\"\n"));
    }

    #[test]
    fn loopback_goes_past_any_proxy_and_resolver() {
        for (url, past, pinned) in [
            ("http://localhost:1/v1", true, true),
            ("http://127.0.0.1:1/v1", true, false),
            ("https://example.com", false, false),
        ] {
            let text = config(&request(url), &Options::default());
            assert_eq!(text.contains("noproxy = \"*\"\n"), past, "{url}");
            assert_eq!(text.contains("resolve = \"localhost:1:127.0.0.1,[::1]\"\n"), pinned, "{url}");
        }
    }

    #[test]
    fn a_ca_file_is_named_only_when_given() {
        let mut options = Options::default();
        assert!(!config(&request("https://example.com"), &options).contains("cacert"));
        options.ca_file = "C:\\my \"ca\".pem".to_owned();
        assert!(
            config(&request("https://example.com"), &options)
                .contains("cacert = \"C:\\\\my \\\"ca\\\".pem\"\n")
        );
    }
}
