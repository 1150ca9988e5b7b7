//! JSON's grammar (RFC 8259) as lengths: how many bytes each of its parts takes, if it is there.

use byte_lanes::Lanes;

/// Deepest nesting that counts as JSON, as in serde_json.
pub(crate) const DEEPEST: u32 = 127;

/// The value that `bytes` begin with and that stands in `depth` brackets.
#[inline]
pub(crate) fn value(bytes: &[u8], depth: u32) -> Option<usize> {
    match bytes.first()? {
        b'"' => string(bytes),
        b'{' | b'[' => nested(bytes, depth),
        _ => number_or_word(bytes),
    }
}

/// An object or array, with all that is in it.
fn nested(bytes: &[u8], around: u32) -> Option<usize> {
    // One bit for each open bracket, the innermost last: 1 for an object.
    let (mut open, mut depth) = (0u128, around);
    let mut at = 0;
    loop {
        at += blank(bytes.get(at..)?);
        match bytes.get(at..)? {
            [bracket @ (b'{' | b'['), inside @ ..] => {
                let object = *bracket == b'{';
                (open, depth) = (open << 1 | u128::from(object), depth + 1);
                if depth > DEEPEST {
                    return None;
                }
                at += 1 + blank(inside);
                let end = if object { b'}' } else { b']' };
                if *bytes.get(at)? != end {
                    at += if object { key(bytes.get(at..)?)? } else { 0 };
                    continue;
                }
            }
            [b'"', ..] => at += string(bytes.get(at..)?)?,
            other => at += number_or_word(other)?,
        }
        // Behind a value, or before the end of an empty bracket.
        loop {
            at += blank(bytes.get(at..)?);
            match (bytes.get(at)?, open & 1) {
                (b',', object) => {
                    at += 1;
                    if object == 1 {
                        at += blank(bytes.get(at..)?);
                        at += key(bytes.get(at..)?)?;
                    }
                    break;
                }
                (b'}', 1) | (b']', 0) => (open, depth, at) = (open >> 1, depth - 1, at + 1),
                _ => return None,
            }
            if depth == around {
                return Some(at);
            }
        }
    }
}

/// White space; there may be none.
#[inline]
pub(crate) fn blank(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b' ' | b'\n' | b'\r' | b'\t') => {
            bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
        }
        _ => 0,
    }
}

/// A key, with its colon.
#[inline]
fn key(bytes: &[u8]) -> Option<usize> {
    let len = string(bytes)?;
    let len = len + blank(bytes.get(len..)?);
    (bytes.get(len) == Some(&b':')).then_some(len + 1)
}

/// A string, with its quotes.
#[inline]
fn string(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\"")?;
    Some(inside(inner)?.len + 2)
}

/// How much stands between the quotes of a string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Bytes.
    pub(crate) len: usize,
    /// Whether there are escapes among them.
    pub(crate) escaped: bool,
}

/// The inside of the string whose opening quote is just before `bytes`; `None` when it has no end or
/// has what JSON does not allow.
#[inline(always)]
pub(crate) fn inside(bytes: &[u8]) -> Option<Extent> {
    // Most strings are short and without escapes: those need no call, and whether they have more than 16 bytes
    // is no branch, which would be mispredicted.
    if let Some(vectors) = bytes.first_chunk::<32>()
        && let ([first, second], _) = vectors.as_chunks::<16>()
    {
        let special = special(Lanes::load(first)) | special(Lanes::load(second)) << 16;
        let len = special.trailing_zeros() as usize;
        if vectors.get(len) == Some(&b'"') {
            return Some(Extent { len, escaped: false });
        }
    }
    any_inside(bytes)
}

fn any_inside(bytes: &[u8]) -> Option<Extent> {
    let mut len = plain(bytes);
    let mut escaped = false;
    loop {
        match bytes.get(len..)? {
            [b'"', ..] => return Some(Extent { len, escaped }),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => len += 2,
            [b'\\', b'u', unit @ ..] if unit.get(..4)?.iter().all(u8::is_ascii_hexdigit) => len += 6,
            _ => return None,
        }
        escaped = true;
        len += plain(bytes.get(len..)?);
    }
}

/// How many bytes there are before a quote, a backslash or a control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let (vectors, tail) = bytes.as_chunks();
    for (number, vector) in vectors.iter().enumerate() {
        let special = special(Lanes::load(vector));
        if special != 0 {
            return number * 16 + special.trailing_zeros() as usize;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    bytes.len() - tail.len() + tail.iter().position(special).unwrap_or(tail.len())
}

/// One bit for each quote, backslash or control character.
#[inline]
fn special(lanes: Lanes) -> u32 {
    lanes.equal(b'"').or(lanes.equal(b'\\')).or(lanes.below(b' ')).high_bits()
}

/// A number, `true`, `false` or `null`.
#[inline]
fn number_or_word(bytes: &[u8]) -> Option<usize> {
    // Most numbers are whole and short. What ends one is checked by who reads on.
    if let Some(vector) = bytes.first_chunk() {
        let lanes = Lanes::load(vector);
        let digits = !lanes.below(b'0').high_bits() & lanes.below(b'9' + 1).high_bits();
        let len = digits.trailing_ones() as usize;
        let goes_on = matches!(vector.get(len), None | Some(b'.' | b'e' | b'E'));
        if len > 0 && !goes_on && (len == 1 || vector[0] != b'0') {
            return Some(len);
        }
    }
    match bytes {
        [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => return Some(4),
        [b'f', b'a', b'l', b's', b'e', ..] => return Some(5),
        _ => {}
    }
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let mut len = sign + digits(bytes.get(sign..)?)?;
    if len > sign + 1 && bytes.get(sign) == Some(&b'0') {
        return None;
    }
    if bytes.get(len) == Some(&b'.') {
        len += 1;
        len += digits(bytes.get(len..)?)?;
    }
    if let Some(b'e' | b'E') = bytes.get(len) {
        len += 1 + usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        len += digits(bytes.get(len..)?)?;
    }
    Some(len)
}

/// Digits, at least one.
#[inline]
fn digits(bytes: &[u8]) -> Option<usize> {
    Some(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()).filter(|count| *count > 0)
}
