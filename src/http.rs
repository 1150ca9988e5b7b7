//! What the rooms that make requests and the rooms that send them share: [`Url`], [`Secret`], [`HttpRequest`].

mod url;

use std::fmt;

pub use url::Url;
pub(crate) use url::is_dot_segment;

/// Text that must not be shown: keys and tokens. `Debug` hides it; it has no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text without surrounding white space (a common slip when a key is pasted).
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text itself, for the request's header and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(none)" } else { "Secret(***)" })
    }
}

/// One HTTP request, ready to be sent by any transport. Always `POST` unless `body` is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// Where it goes; never holds a secret.
    pub url: Url,
    /// Headers with plain values.
    pub headers: Vec<(String, String)>,
    /// Headers whose values must not be shown (`authorization`, `x-api-key`, …).
    pub secret_headers: Vec<(String, Secret)>,
    /// The body (JSON), or `None` for a `GET`.
    pub body: Option<Vec<u8>>,
}

impl HttpRequest {
    /// Refuses a request that a server could misread, or that would show a key to the network.
    ///
    /// # Errors
    /// Words that name the setting to change. They never contain a header's value.
    pub fn check(&self) -> Result<(), String> {
        for (name, value) in &self.headers {
            check_header(name, value)?;
        }
        for (name, value) in &self.secret_headers {
            check_header(name, value.expose())?;
        }
        if self.url.is_plain_text() && self.carries_key() {
            return Err("`base-url` begins with http:, and the API key is not sent over the net without \
                        encryption: use https, or a tunnel to this machine"
                .to_owned());
        }
        Ok(())
    }

    /// Whether one of its headers may hold a key.
    pub fn carries_key(&self) -> bool {
        self.secret_headers.iter().any(|(_, value)| !value.is_empty())
            || self.headers.iter().any(|(name, _)| is_secret_header(name))
    }
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    if !is_header_name(name) || value.chars().any(char::is_control) {
        return Err("a header has a line break or the like in its name or value: check the API key \
                    (`api-key-env` or `api-key`) and `extra-headers`"
            .to_owned());
    }
    if is_framing_header(name) {
        return Err(format!("`extra-headers` must not set {name}: it decides how the request is read"));
    }
    Ok(())
}

/// Whether it is a token of RFC 9110 §5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether the value of a header of that name is kept secret.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "key", "token", "secret", "cookie"].iter().any(|part| name.contains(part))
}

/// Whether a header of that name decides where a request goes or where it ends. Those are the transport's: another
/// value could smuggle a second request past a proxy, or name another host behind it.
pub(crate) fn is_framing_header(name: &str) -> bool {
    const NAMES: &[&str] = &["host", "content-length", "transfer-encoding", "connection"];
    NAMES.iter().any(|framing| name.trim().eq_ignore_ascii_case(framing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, key: &str) -> HttpRequest {
        HttpRequest {
            url: Url::parse(url).unwrap(),
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
            ("http://[fe80::1]", false),
        ] {
            assert_eq!(request(url, "k").check().is_ok(), goes, "{url}");
            assert!(request(url, "").check().is_ok(), "without a key: {url}");
        }
    }

    #[test]
    fn a_key_among_the_plain_headers_is_a_key() {
        let mut bare = request("http://api.example.com", "");
        bare.headers.push(("X-Api-Key".to_owned(), "k".to_owned()));
        assert!(bare.check().unwrap_err().contains("`base-url`"));
    }

    #[test]
    fn headers_cannot_smuggle_others_or_another_length() {
        for (name, value) in [
            ("x", "hush\r\nb: c"),
            ("x", "hush\nb"),
            ("x", "hush\0b"),
            ("x\ny", "hush"),
            ("x: y", "hush"),
            ("@file", "hush"),
            ("", "hush"),
            ("ü", "hush"),
            ("Host", "hush.example"),
            ("content-LENGTH", "0"),
            ("Transfer-Encoding", "chunked"),
            ("connection", "close"),
        ] {
            let mut plain = request("https://example.com", "k");
            plain.headers.push((name.to_owned(), value.to_owned()));
            let mut secret = request("https://example.com", "k");
            secret.secret_headers.push((name.to_owned(), Secret::new(value)));
            for request in [plain, secret] {
                let words = request.check().unwrap_err();
                assert!(words.contains("`extra-headers`") && !words.contains("hush"), "{words}");
            }
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", request("https://a.example", "hush")).contains("hush"));
    }
}
