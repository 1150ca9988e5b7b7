//! Foreign text made fit to be shown: no secrets, no control characters, no tricks with the writing
//! direction, not longer than a line or two.

use crate::provider::hex;
use crate::unseen::is_unseen;

/// The text on one line, without secrets, cut to `limit` characters.
pub(super) fn clean(text: &str, limit: usize, secrets: &[&str]) -> String {
    // Redacted before it is cut, lest the cut leaves the beginning of a key.
    let mut text = head(text, 4096).to_owned();
    for secret in secrets {
        text = redact(&text, secret);
    }
    for secret in secrets.iter().filter(|secret| secret.len() >= TELLING) {
        for disguise in disguises(secret) {
            text = redact(&text, &disguise);
        }
        if is_spaced_out(&text, secret) {
            text = "***".to_owned();
        }
    }
    let mut out = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !is_unseen(*c)).collect();
        if word.is_empty() {
            continue;
        }
        if length > 0 {
            out.push(' ');
            length += 1;
        }
        // OpenAI shows the ends of a wrong key: `sk-ab***yz`.
        let word = if word.contains("****") { "***" } else { &word };
        out.push_str(word);
        length += word.chars().count();
        if length > limit {
            out.truncate(head(&out, limit.saturating_sub(1)).len());
            out.push('…');
            break;
        }
    }
    out
}

/// Consecutive bytes of a secret that are too many to be chance.
const TELLING: usize = 8;

/// Replaces the secret, and each longer piece of it, with `***`.
fn redact(text: &str, secret: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let telling = TELLING.min(secret.len());
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = shared_run(rest.as_bytes(), secret.as_bytes());
        let run = (0..=run).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
        if run >= telling {
            out.push_str("***");
            rest = rest.get(run..).unwrap_or_default();
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// How many bytes at the beginning of `text` stand in this order somewhere in `secret`.
fn shared_run(text: &[u8], secret: &[u8]) -> usize {
    let run = |from| secret.iter().skip(from).zip(text).take_while(|(one, other)| one == other).count();
    (0..secret.len()).map(run).max().unwrap_or(0)
}

/// A secret as a server may repeat it for debugging: backwards, in hexadecimal, in base64 at each alignment.
fn disguises(secret: &str) -> Vec<String> {
    let hexadecimal = hex(secret.as_bytes());
    let mut all = vec![secret.chars().rev().collect(), hexadecimal.to_ascii_uppercase(), hexadecimal];
    all.extend((0..3).map(|skipped| base64(secret.as_bytes().get(skipped..).unwrap_or_default())));
    all
}

/// The whole groups of the bytes in base64 (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks_exact(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for shift in [18, 12, 6, 0] {
            text.extend(DIGITS.get(bits >> shift & 63).copied().map(char::from));
        }
    }
    text
}

/// Whether the text holds a telling piece of the secret with other characters strewn in.
fn is_spaced_out(text: &str, secret: &str) -> bool {
    let (text, secret) = (squeezed(text), squeezed(secret));
    let telling = (TELLING + TELLING / 2).min(secret.len()).max(1);
    (0..text.len()).any(|from| shared_run(text.get(from..).unwrap_or_default(), &secret) >= telling)
}

fn squeezed(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.retain(u8::is_ascii_alphanumeric);
    bytes
}

/// The first `limit` characters of the text.
pub(in crate::provider) fn head(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// What a web page is called in a message.
pub(super) const PAGE: &str = "a web page";

/// Whether a body is a web page.
pub(super) fn is_page(body: &str) -> bool {
    let start = body.trim_start().trim_start_matches('\u{FEFF}');
    let start = start.get(..15).unwrap_or(start).to_ascii_lowercase();
    ["<!doctype", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag))
}

/// What a body that is not JSON is, in a few words: the title of a page, or its first words.
pub(in crate::provider) fn summary(body: &str) -> String {
    if !body.trim_start().starts_with('<') {
        return clean(body, 120, &[]);
    }
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let from = open + lower.get(open..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        body.get(from..to)
    });
    match title.map(|title| clean(title, 100, &[])) {
        Some(title) if !title.is_empty() => format!("{PAGE} titled “{title}”"),
        _ => PAGE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_in_disguise() {
        let secret = "sk-Qx7vT2mN9pLr4wZk";
        for disguise in [
            secret.to_owned(),
            secret.chars().rev().collect(),
            "736b2d51783776 54326d4e39".replace(' ', ""),
            "736B2D5178377654326D4E39".to_owned(),
            // base64 of `sk-…`, of `Bearer sk-…` and of `:sk-…`.
            "c2stUXg3dlQybU45cExyNHdaaw==".to_owned(),
            "QmVhcmVyIHNrLVF4N3ZUMm1OOXBMcjR3Wms=".to_owned(),
            "OnNrLVF4N3ZUMm1OOXBMcjR3Wms=".to_owned(),
            secret.chars().flat_map(|c| [c, ' ']).collect(),
            secret.chars().flat_map(|c| [c, '\u{200b}', '-']).collect(),
        ] {
            let shown = clean(&format!("wrong key {disguise} given"), 200, &[secret]);
            assert!(shown.contains("***") && !shown.contains(&disguise), "{disguise}: {shown}");
        }
        let words = "The model does not exist, or you have no access to it.";
        assert_eq!(clean(words, 200, &[secret]), words);
    }

    #[test]
    fn what_is_shown_has_no_control_and_no_direction_characters() {
        for (text, expected) in [
            ("a\u{1b}[31mred\u{7}\r\n\tb", "a [31mred b"),
            ("user\u{202E}txt.exe\u{2066}!\u{200B}", "usertxt.exe!"),
            ("\u{FEFF}x\u{2028}y", "x y"),
            ("  spaced   out ", "spaced out"),
            ("日本 é", "日本 é"),
        ] {
            assert_eq!(clean(text, 100, &[]), expected);
        }
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clean("äöüäöü", 4, &[]), "äöü…");
        assert_eq!(clean("ab cd ef", 5, &[]), "ab c…");
        assert_eq!(clean("abcd", 4, &[]), "abcd");
    }

    #[test]
    fn secrets_are_redacted_whole_and_in_pieces() {
        let key = "sk-proj-0123456789abcdef";
        for (text, expected) in [
            ("key sk-proj-0123456789abcdef is wrong", "key *** is wrong"),
            ("key sk-proj-0123456... is wrong", "key ***... is wrong"),
            ("key ...9abcdef is wrong", "key ...9abcdef is wrong"),
            ("ends with 456789abcdef.", "ends with ***."),
            ("key sk-pr**********cdef. See", "key *** See"),
            ("twice sk-proj-0123456789abcdefsk-proj-0123456789abcdef", "twice ***"),
        ] {
            assert_eq!(clean(text, 100, &[key]), expected);
        }
        assert_eq!(clean("the key é1 and ab", 100, &["é1", "ab"]), "the key *** and ***");
    }

    #[test]
    fn a_cut_leaves_nothing_of_a_secret() {
        let shown = clean("0123456789 sk-proj-secret-key-text", 18, &["sk-proj-secret-key-text"]);
        assert_eq!(shown, "0123456789 ***");
    }

    #[test]
    fn pages_are_known_by_their_title() {
        for (body, expected) in [
            ("<html><head><TITLE lang=en>502 Bad\nGateway</TITLE>", "a web page titled “502 Bad Gateway”"),
            (" <!DOCTYPE html><body>no title", "a web page"),
            ("<title></title>", "a web page"),
            ("<title>cut", "a web page"),
            ("upstream connect error\n", "upstream connect error"),
        ] {
            assert_eq!(summary(body), expected);
        }
    }
}
