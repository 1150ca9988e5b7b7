//! Settings as parts of a URL.

use std::fmt::Write as _;

/// The text as one segment of a URL's path: what is not unreserved (RFC 3986 §2.3) is percent-encoded.
pub(super) fn segment(text: &str) -> String {
    encoded(text, b"-._~")
}

/// The text as segments with slashes between them, each as [`segment`] has it.
pub(super) fn segments(text: &str) -> String {
    encoded(text, b"-._~/")
}

fn encoded(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Whether the text may stand in a host name as one label. A setting that is part of the host decides
/// where the key goes, so nothing else may get in by it.
pub(super) fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

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
