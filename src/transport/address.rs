//! What must hold of a request before it leaves, whichever way it goes.

use super::{Failure, FailureKind};
use crate::provider::{HttpRequest, is_loopback_host};

/// Headers that carry a key even if the user wrote them among the plain ones.
const KEY_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

/// Refuses a request that would be misread on its way or would show a key to the network.
///
/// # Errors
/// [`FailureKind::Request`], in words that name the setting to change.
pub(super) fn check(request: &HttpRequest) -> Result<(), Failure> {
    let address = Address::parse(&request.url).map_err(refuse)?;
    let plain = request.headers.iter().map(|(name, value)| (name, value.as_str()));
    let secret = request.secret_headers.iter().map(|(name, value)| (name, value.expose()));
    for (name, value) in plain.chain(secret) {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(refuse(format!("the header name {name:?} is not one: see extra-headers")));
        }
        if value.chars().any(char::is_control) {
            return Err(refuse(format!(
                "the value of the header {name} has a control character in it: see api-key and extra-headers"
            )));
        }
    }
    if !address.tls && !address.loopback && carries_key(request) {
        return Err(refuse(format!(
            "base-url is plain http to {}, where the key could be read on its way: use https",
            address.host
        )));
    }
    Ok(())
}

/// Whether `url` leads to this machine.
pub(super) fn is_loopback(url: &str) -> bool {
    Address::parse(url).is_ok_and(|address| address.loopback)
}

/// Whether a key goes along.
pub(super) fn carries_key(request: &HttpRequest) -> bool {
    request.secret_headers.iter().any(|(_, value)| !value.is_empty())
        || request
            .headers
            .iter()
            .any(|(name, _)| KEY_HEADERS.iter().any(|key| name.eq_ignore_ascii_case(key)))
}

fn refuse(detail: String) -> Failure {
    Failure { kind: FailureKind::Request, detail }
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

struct Address<'a> {
    tls: bool,
    host: &'a str,
    loopback: bool,
}

impl<'a> Address<'a> {
    /// Takes only URLs that every reader (curl, Lapce's client, we) takes apart in the same way.
    fn parse(url: &'a str) -> Result<Self, String> {
        if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err("base-url has a space, a backslash or a control character in it".to_owned());
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(format!("base-url must begin with https:// or http://: {url}")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("base-url has a user name or password in it: put the key into api-key".to_owned());
        }
        let host = match authority.strip_prefix('[') {
            Some(literal) => literal.split(']').next(),
            None => authority.split(':').next(),
        };
        let host = host.unwrap_or_default();
        if host.is_empty() {
            return Err(format!("base-url has no host in it: {url}"));
        }
        let loopback = is_loopback_host(host);
        Ok(Self { tls, host, loopback })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Secret;

    fn request(url: &str, key: &str) -> HttpRequest {
        HttpRequest {
            url: url.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            secret_headers: vec![("authorization".to_owned(), Secret::new(key))],
            body: Some(b"{}".to_vec()),
        }
    }

    #[test]
    fn a_key_travels_by_tls_or_stays_on_the_machine() {
        for (url, goes) in [
            ("https://api.example.com/v1", true),
            ("HTTPS://api.example.com", true),
            ("http://localhost:11434/api", true),
            ("http://LOCALHOST/", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:8080/v1", true),
            ("http://api.example.com", false),
            ("http://192.168.1.2:11434", false),
            ("http://0.0.0.0:11434", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://0x7f.1", false),
            ("http://[::1%25eth0]", false),
            ("http://[fe80::1]", false),
        ] {
            assert_eq!(check(&request(url, "k")).is_ok(), goes, "{url}");
            assert!(check(&request(url, "")).is_ok(), "without a key: {url}");
        }
    }

    #[test]
    fn a_key_among_the_plain_headers_is_a_key() {
        let mut bare = request("http://api.example.com", "");
        bare.headers.push(("X-Api-Key".to_owned(), "k".to_owned()));
        let failure = check(&bare).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Request);
        assert!(failure.detail.contains("base-url"), "{}", failure.detail);
    }

    #[test]
    fn urls_that_could_be_read_in_two_ways_are_refused() {
        for url in [
            "",
            "api.example.com",
            "file:///etc/passwd",
            "ftp://localhost",
            "http://",
            "http:///v1",
            "http://localhost@example.com/",
            "http://user:pass@localhost/",
            "http://localhost\\@example.com/",
            "http://localhost/ v1",
            "http://localhost/\nheader = x",
        ] {
            assert_eq!(check(&request(url, "")).unwrap_err().kind, FailureKind::Request, "{url:?}");
        }
    }

    #[test]
    fn headers_cannot_smuggle_others() {
        for (name, value) in [
            ("x", "a\r\nb: c"),
            ("x", "a\nb"),
            ("x", "a\0b"),
            ("x\ny", "a"),
            ("x: y", "a"),
            ("@file", "a"),
            ("", "a"),
            ("ü", "a"),
        ] {
            let mut plain = request("https://example.com", "k");
            plain.headers.push((name.to_owned(), value.to_owned()));
            assert!(check(&plain).is_err(), "{name:?}: {value:?}");
            let mut secret = request("https://example.com", "k");
            secret.secret_headers.push((name.to_owned(), Secret::new(value)));
            let failure = check(&secret).unwrap_err();
            assert!(value == "a" || !failure.detail.contains(value), "{}", failure.detail);
        }
    }
}
