//! What a URL is put together from when settings are parts of it.

use std::fmt::Write as _;

/// The text as one segment of a URL's path: what is not unreserved (RFC 3986 §2.3) is percent-encoded.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Whether the text may stand in a host name as one label. A setting that is part of the host decides
/// where the key goes, so nothing else may get in by it.
pub(super) fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a host, without brackets, is this machine by its very name or address. The standard library's
/// parser of addresses would take 5 KB of wasm for the two of them.
pub(crate) fn is_loopback(host: &str) -> bool {
    let mut parts = 0;
    let v4 = host.split('.').all(|part| {
        parts += 1;
        part.parse::<u8>().is_ok_and(|byte| parts > 1 || byte == 127) && !part.starts_with('+')
    });
    host.eq_ignore_ascii_case("localhost")
        || host.len() > ".localhost".len() && host.to_ascii_lowercase().ends_with(".localhost")
        || (v4 && parts == 4)
        || matches!(host, "::1" | "0:0:0:0:0:0:0:1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for host in ["localhost", "LOCALHOST", "api.localhost", "127.0.0.1", "127.9.8.7", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "128.0.0.1",
            "127.1",
            "10.0.0.1",
            "::2",
            "127.0.0.+1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn segments_are_encoded() {
        for (text, expected) in [
            ("claude-haiku-4-5@20251001", "claude-haiku-4-5%4020251001"),
            ("a.b_c~d-1", "a.b_c~d-1"),
            ("arn:aws:x/é?#", "arn%3Aaws%3Ax%2F%C3%A9%3F%23"),
        ] {
            assert_eq!(segment(text), expected);
        }
    }

    #[test]
    fn only_labels_are_labels() {
        assert!(["us-east-1", "global", "a"].into_iter().all(is_label));
        assert!(!["", "a.b", "a/b", "a@b", "a b", "é"].into_iter().any(is_label));
    }
}
