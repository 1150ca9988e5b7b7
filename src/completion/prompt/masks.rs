//! Secrets in ordinary files: keys of known formats, passwords in connection strings and private keys are sent as a
//! placeholder of the same length.
//!
//! No regular expressions: their engine would double the size of the plugin. Each search reads the text once, and a format
//! that does not match costs at most its own length.

mod formats;

use std::ops::Range;

use memchr::{memchr, memchr2};

use crate::completion::text::tail;
use crate::provider::Prompt;
use formats::{Bytes, NAMED, PREFIXED};

/// Stands for each byte of a secret.
const MASK: u8 = b'x';
/// No prefixed secret is shorter, in bytes and with its prefix.
const SHORTEST: usize = 18;
/// On both sides of a key's label: `-----BEGIN PRIVATE KEY-----` (RFC 7468).
const MARK: &[u8] = b"-----";
/// A label of a private key is shorter, in bytes: `BEGIN ENCRYPTED PRIVATE KEY`.
const LABEL: usize = 40;
/// A line of a private key is longer, its last aside, in bytes: 64 in PEM, 70 in OpenSSH's keys.
const KEY_LINE: usize = 60;
/// A line of a private key is not longer (RFC 1421's limit is 64, MIME's 76).
const LONGEST_LINE: usize = 76;

/// Masks what is secret in a prompt.
pub fn mask(prompt: &mut Prompt) {
    // All fields are listed, so that adding one requires a decision whether it may contain a secret. `unwanted` and
    // `received` are the model's own text.
    let Prompt {
        prefix,
        suffix,
        snippets,
        edits,
        path: _,
        language: _,
        repository: _,
        max_tokens: _,
        stop: _,
        unwanted: _,
        received: _,
    } = prompt;
    // Together: the caret may be in the middle of one.
    let caret = prefix.len();
    prefix.push_str(suffix);
    mask_text(prefix);
    *suffix = tail(prefix, caret).to_owned();
    prefix.truncate(caret);
    mask_text(edits);
    for snippet in snippets {
        mask_text(&mut snippet.text);
    }
}

/// Masks what is secret in a text. Its length and its lines stay.
fn mask_text(text: &mut String) {
    let mut bytes = std::mem::take(text).into_bytes();
    for find in [private_keys, assigned, prefixed] {
        for secret in find(&bytes) {
            for byte in bytes.get_mut(secret).unwrap_or_default() {
                if !byte.is_ascii_whitespace() {
                    *byte = MASK;
                }
            }
        }
    }
    // No secret begins or ends within a character.
    *text = String::from_utf8(bytes).unwrap_or_default();
}

/// How many bytes `text` has of these, from `at`, at most `most`.
#[inline(never)]
fn run(text: &[u8], at: usize, most: usize, of: Bytes) -> usize {
    let run = text.iter().skip(at).take(most).take_while(|byte| of.has(**byte)).count();
    #[cfg(test)]
    tests::READ.set(tests::READ.get() + run + 1);
    run
}

/// The same backwards: how many there are before `at`.
#[inline(never)]
fn run_before(text: &[u8], at: usize, most: usize, of: Bytes) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let run = before.iter().rev().take(most).take_while(|byte| of.has(**byte)).count();
    #[cfg(test)]
    tests::READ.set(tests::READ.get() + run + 1);
    run
}

/// The byte before `at`; 0 at the beginning.
fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or_default()
}

/// Secrets with a prefix of their own, JSON Web Tokens, and the few that have a shape instead.
fn prefixed(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + run(text, at, usize::MAX, Bytes::Word);
        let mut start = at;
        while start + SHORTEST <= end {
            let word = text.get(start..end).unwrap_or_default();
            let secret = if begins_word(text, at, start) { secret(text, start, word) } else { None };
            match secret {
                Some((skip, len)) => {
                    found.push(start + skip..start + skip + len);
                    start += skip + len;
                }
                None => start += 1,
            }
        }
        at = end + 1;
    }
    found
}

/// Whether no word goes on at `start`. In a text `\n` is a line feed, not the letter.
fn begins_word(text: &[u8], run: usize, start: usize) -> bool {
    match before(text, start) {
        _ if start == run => true,
        b'n' | b'r' | b't' => start == run + 1 && before(text, run) == b'\\',
        other => !other.is_ascii_alphanumeric() && other != b'_',
    }
}

/// Where the secret is in the word at `start`, if it is one, and how long. What its prefix says stays.
fn secret(text: &[u8], start: usize, word: &[u8]) -> Option<(usize, usize)> {
    for format in PREFIXED {
        for prefix in format.prefixes.split(' ').filter(|prefix| word.starts_with(prefix.as_bytes())) {
            // A word that does not match is read up to `least` only: a text may consist of prefixes.
            let len = run(word, prefix.len(), format.least, format.of);
            if len < format.least || !is_mixed(word.get(prefix.len()..prefix.len() + len)) {
                continue;
            }
            let most = if format.of.is_exact() { len + 1 } else { usize::MAX };
            let len = run(word, prefix.len(), most, format.of);
            if !format.of.is_exact() || len == format.least {
                return Some((prefix.len(), len));
            }
        }
    }
    shaped(text, start, word)
}

/// Whether there are two kinds of letters and digits: names and placeholders have one.
fn is_mixed(secret: Option<&[u8]>) -> bool {
    let kind = |byte: &u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 4,
        _ => 0,
    };
    let kinds = secret.unwrap_or_default().iter().fold(0u8, |kinds, byte| kinds | kind(byte));
    kinds.count_ones() >= 2
}

/// Secrets without a prefix that have a shape nothing else has.
fn shaped(text: &[u8], start: usize, word: &[u8]) -> Option<(usize, usize)> {
    let byte = |at: usize| word.get(at).copied().unwrap_or_default();
    match word {
        // JSON Web Tokens: three parts of base64, of which two are JSON objects. Inside of a header none begins: each
        // would be read to the same end.
        [b'e', b'y', b'J', ..] if before(text, start) != b'-' => {
            let header = run(word, 0, usize::MAX, Bytes::Url);
            let payload = word.get(header..).unwrap_or_default();
            payload.starts_with(b".eyJ").then(|| (3, run(word, 3, usize::MAX, Bytes::Dotted)))
        }
        // Telegram's bots: a number, a colon, and this.
        [b'A', b'A', ..] if before(text, start) == b':' => {
            let is_bot = run_before(text, start - 1, 10, Bytes::Digits) >= 8;
            (is_bot && run(word, 0, 36, Bytes::Url) == 35).then_some((2, 33))
        }
        // Discord's bots: a number in base64, a time, a digest.
        [b'M' | b'N' | b'O', ..] => {
            let number = run(word, 0, 29, Bytes::Url);
            let digest = number + 8;
            let is_bot = (24..=28).contains(&number)
                && byte(number) == b'.'
                && run(word, number + 1, 7, Bytes::Url) == 6
                && byte(digest - 1) == b'.';
            let len = if is_bot { run(word, digest, 40, Bytes::Url) } else { 0 };
            (len >= 27).then_some((1, digest + len - 1))
        }
        // Microsoft Entra: three characters, a digit, `Q~`, and 31 to 34 more.
        [_, _, _, b'0'..=b'9', b'Q', b'~', ..] => {
            let len = run(word, 6, 35, Bytes::Dotted);
            (31..=34).contains(&len).then_some((6, len))
        }
        _ => None,
    }
}

/// Passwords in URLs, and what is assigned to names that only secrets have.
fn assigned(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = memchr2(b'=', b':', text.get(at..).unwrap_or_default()) {
        let sign = at + next;
        at = sign + 1;
        if let Some(secret) = password(text, sign).or_else(|| named(text, sign)) {
            at = secret.end;
            found.push(secret);
        }
    }
    found
}

/// The password of the URL whose scheme ends at `colon`: `scheme://user:password@host`.
fn password(text: &[u8], colon: usize) -> Option<Range<usize>> {
    let start = colon + 3;
    let rest = text.get(colon..)?.strip_prefix(b"://")?;
    let authority = rest.get(..run(rest, 0, usize::MAX, Bytes::Authority))?;
    let from = memchr(b':', authority)? + 1;
    let to = authority.iter().rposition(|byte| *byte == b'@')?;
    is_literal(authority.get(from..to)?).then_some(start + from..start + to)
}

/// The secret that is assigned by the `=` or `:` at `sign`.
fn named(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let end = sign - run_before(text, sign, 3, Bytes::Assignment);
    let value = sign + run(text, sign, 8, Bytes::Assignment);
    let format = NAMED.iter().find(|format| {
        let start = end.checked_sub(format.name.len());
        let name = start.and_then(|start| text.get(start..end)).unwrap_or_default();
        name.eq_ignore_ascii_case(format.name.as_bytes())
    })?;
    if format.is_field {
        let start = end - format.name.len();
        let start = if before(text, start) == b' ' { start - 1 } else { start };
        if !matches!(before(text, start), b';' | b'?' | b'&') {
            return None;
        }
    }
    let len = run(text, value, usize::MAX, format.of);
    let is_secret = len >= format.least && is_literal(text.get(value..value + len)?);
    is_secret.then_some(value..value + len)
}

/// Whether this is a literal value and not a placeholder.
fn is_literal(secret: &[u8]) -> bool {
    let is_escape =
        |at: usize| secret.get(at + 1..at + 3).is_some_and(|escape| escape.iter().all(u8::is_ascii_hexdigit));
    let stands_for_another =
        |(at, byte): (usize, &u8)| b"{}$(*".contains(byte) || *byte == b'%' && !is_escape(at);
    !secret.is_empty() && !secret.iter().enumerate().any(stands_for_another)
}

/// The insides of private keys, also of those that were cut at either end.
fn private_keys(text: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut take = |range: Range<usize>| {
        let start = found.last().map_or(0, |last| last.end).max(range.start);
        let mut lines =
            text.get(start..range.end).unwrap_or_default().split(|byte| !Bytes::Base64.has(*byte));
        if lines.any(|line| line.len() >= KEY_LINE) {
            found.push(start..range.end);
        }
    };
    // Cut at both ends, there is no marker: whole lines of a key from the first on.
    let mut whole = 0;
    loop {
        let line = run(text, whole, LONGEST_LINE + 1, Bytes::Base64);
        let end = text.get(whole + line..).unwrap_or_default();
        let is_whole = (KEY_LINE..=LONGEST_LINE).contains(&line);
        match end {
            [b'\n', ..] if is_whole => whole += line + 1,
            [b'\r', b'\n', ..] if is_whole => whole += line + 2,
            _ if whole > 2 * KEY_LINE => break take(0..whole + line),
            _ => break,
        }
    }
    // Where the key begins whose end has not come, and the end of the marker before.
    let (mut open, mut last) = (None, 0);
    let mut at = 0;
    while let Some(next) = memchr(b'-', text.get(at..).unwrap_or_default()) {
        at += next;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(MARK)) {
            at += 1;
            continue;
        }
        if let Some(start) = open.take() {
            take(start..start + run(text, start, at - start, Bytes::Key));
        }
        let label = at + MARK.len();
        let end = label + run(text, label, LABEL, Bytes::Label);
        let label = text.get(label..end).unwrap_or_default();
        if label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK") {
            match label.first() {
                Some(b'B') => open = Some(end + MARK.len()),
                _ => take(at - run_before(text, at, at - last, Bytes::Key)..at),
            }
        }
        // The marks after the label, if there are any.
        at = end + if text.get(end..).is_some_and(|rest| rest.starts_with(MARK)) { MARK.len() } else { 0 };
        last = at;
    }
    if let Some(start) = open {
        take(start..start + run(text, start, usize::MAX, Bytes::Key));
    }
    found
}

#[cfg(test)]
mod tests;
