//! The content filter with any wildcard pattern on any text, at any cut into tokens: the outcome is that of a
//! search in the whole text. First line: the pattern. Second: the lengths of the tokens. Then the text.

#![no_main]

use ai_completion::stream::{ContentFilter, Pattern, StreamToken, StreamTransformer, TransformResult};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let Some((pattern, rest)) = input.split_once('\n') else { return };
    let Some((sizes, text)) = rest.split_once('\n') else { return };
    // The naive search is exponential in the asterisks.
    if pattern.len() > 24 || text.len() > 256 || pattern.matches('*').count() > 4 {
        return;
    }
    let Ok(compiled) = Pattern::wildcard(pattern) else { return };
    assert_eq!(filtered(compiled, sizes.as_bytes(), text), replaced(&parse(pattern), text.as_bytes()));
});

fn filtered(pattern: Pattern, sizes: &[u8], text: &str) -> Vec<u8> {
    let mut filter = ContentFilter::new().replace(pattern, "#");
    let mut seen = Vec::new();
    let mut out = |token: StreamToken<'_>| seen.extend_from_slice(token.text().unwrap_or_default().as_bytes());
    let (mut rest, mut sizes) = (text, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| usize::from(size % 16) + 1);
        let (piece, behind) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        rest = behind;
        let mut token = StreamToken::Text(piece.into());
        match filter.transform(&mut token, &mut out) {
            TransformResult::Pass => out(token),
            TransformResult::Replace(other) => out(other),
            TransformResult::Skip => {}
            TransformResult::Error(error) => panic!("{error}"),
        }
    }
    filter.flush(None, &mut out);
    seen
}

#[derive(Clone, Copy)]
enum Part {
    Byte(u8),
    Asterisk { lines: bool },
}

fn parse(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = pattern.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (*first, behind) {
            (b'\\', [next @ (b'*' | b'\\'), behind @ ..]) => {
                parts.push(Part::Byte(*next));
                rest = behind;
            }
            (b'*', _) => {
                let count = behind.iter().take_while(|byte| **byte == b'*').count();
                parts.push(Part::Asterisk { lines: count > 0 });
                rest = &behind[count..];
            }
            (byte, _) => parts.push(Part::Byte(byte)),
        }
    }
    parts
}

fn replaced(parts: &[Part], text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        // A match begins where a character does.
        match matched(parts, &text[at..]).filter(|_| !(0x80..0xC0).contains(&text[at])) {
            Some(len) => {
                out.push(b'#');
                at += len.max(1);
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// How long the match is that `text` begins with: each asterisk takes as little as it can, one at the end as much.
fn matched(parts: &[Part], text: &[u8]) -> Option<usize> {
    match parts {
        [] => Some(0),
        [Part::Byte(byte), rest @ ..] => Some(1 + matched(rest, text.strip_prefix(&[*byte])?)?),
        [Part::Asterisk { lines }, rest @ ..] => {
            let line = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
            let most = if *lines { text.len() } else { line };
            if rest.is_empty() {
                return Some(most);
            }
            (0..=most).filter_map(|taken| Some(taken + matched(rest, &text[taken..])?)).min()
        }
    }
}
