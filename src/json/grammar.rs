//! JSON's grammar (RFC 8259) as places: where each of its parts ends, if it is there.

use byte_lanes::Lanes;

/// Deepest nesting that counts as JSON, as in serde_json.
pub(crate) const DEEPEST: u32 = 127;

/// A JSON text, and where the next quotes are in it.
///
/// The ends of strings are looked up in a window of 64 bytes, of which one bit each says whether a quote is there.
/// So most strings cost a shift, and none waits for the vector of the one before it.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    /// Where the window begins.
    window: usize,
    /// The quotes in the window, the first byte's bit lowest. Without any if the window has a backslash or a control
    /// character, of which a string must be asked itself.
    quotes: u64,
}

const WINDOW: usize = 64;

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, window: 0, quotes: 0 }
    }

    /// The byte there.
    #[inline(always)]
    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The bytes from there on.
    #[cfg(feature = "template")]
    #[inline(always)]
    pub(crate) fn ahead(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Where the next byte is that is no white space.
    #[inline(always)]
    pub(crate) fn blank(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            Some(..=b' ') => at + self.bytes.get(at..).map_or(0, blank),
            _ => at,
        }
    }

    /// Where the value ends that begins at `at` and stands in `depth` brackets.
    #[inline(always)]
    pub(crate) fn value(&mut self, at: usize, depth: u32) -> Option<usize> {
        match self.byte(at)? {
            b'"' => self.string(at + 1),
            b'{' | b'[' => self.nested(at, depth),
            _ => Some(at + number_or_word(self.bytes.get(at..)?)?),
        }
    }

    /// Where the object or array ends, with all that is in it.
    #[inline(never)]
    fn nested(&mut self, start: usize, around: u32) -> Option<usize> {
        // One bit for each open bracket, the innermost last: 1 for an object.
        let (mut open, mut depth) = (0u128, around);
        let mut at = start;
        loop {
            at = self.blank(at);
            match self.byte(at)? {
                bracket @ (b'{' | b'[') => {
                    let object = bracket == b'{';
                    (open, depth) = (open << 1 | u128::from(object), depth + 1);
                    if depth > DEEPEST {
                        return None;
                    }
                    at = self.blank(at + 1);
                    let end = if object { b'}' } else { b']' };
                    if self.byte(at)? != end {
                        if object {
                            at = self.key(at)?;
                        }
                        continue;
                    }
                }
                b'"' => at = self.string(at + 1)?,
                _ => at += number_or_word(self.bytes.get(at..)?)?,
            }
            // Behind a value, or before the end of an empty bracket.
            loop {
                at = self.blank(at);
                match (self.byte(at)?, open & 1) {
                    (b',', object) => {
                        at += 1;
                        if object == 1 {
                            at = self.blank(at);
                            at = self.key(at)?;
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

    /// Where the key ends that begins at `at`, with its colon.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Option<usize> {
        if self.byte(at)? != b'"' {
            return None;
        }
        let end = self.string(at + 1)?;
        let colon = self.blank(end);
        (self.byte(colon)? == b':').then_some(colon + 1)
    }

    /// Where the string ends whose inside begins at `start`, with its closing quote.
    #[inline(always)]
    fn string(&mut self, start: usize) -> Option<usize> {
        Some(start + self.inside(start)?.len + 1)
    }

    /// The inside of the string, which begins at `start`.
    #[inline(always)]
    pub(crate) fn inside(&mut self, start: usize) -> Option<Extent> {
        let inside = self.find_inside(start);
        #[cfg(test)]
        count::add(inside.map_or(0, |inside| inside.len));
        inside
    }

    #[inline(always)]
    fn find_inside(&mut self, start: usize) -> Option<Extent> {
        let offset = start.wrapping_sub(self.window);
        if offset < WINDOW {
            let ahead = self.quotes >> offset;
            if ahead != 0 {
                return Some(Extent { len: ahead.trailing_zeros() as usize, escaped: false });
            }
        }
        self.inside_beyond(start)
    }

    /// The same, when it does not end in the window, or has to be asked itself.
    #[inline(never)]
    fn inside_beyond(&mut self, start: usize) -> Option<Extent> {
        let mut at = start;
        while self.look(at) {
            let ahead = self.quotes >> (at - self.window);
            if ahead != 0 {
                return Some(Extent { len: at - start + ahead.trailing_zeros() as usize, escaped: false });
            }
            at = self.window + WINDOW;
            // A string that goes beyond one window goes beyond many.
            while self.bytes.get(at..).and_then(|rest| rest.first_chunk()).is_some_and(is_plain) {
                at += WINDOW;
            }
        }
        self.quotes = 0;
        any_inside(self.bytes.get(start..)?, 0)
    }

    /// Moves the window to `at`, or as near as the text's end allows. Whether it tells the ends of strings.
    #[inline(always)]
    fn look(&mut self, at: usize) -> bool {
        let Some(last) = self.bytes.len().checked_sub(WINDOW).filter(|_| at < self.bytes.len()) else {
            return false;
        };
        self.window = at.min(last);
        let Some(window) = self.bytes.get(self.window..).and_then(|rest| rest.first_chunk::<WINDOW>()) else {
            return false;
        };
        let lanes = window.as_chunks::<16>().0;
        let [a, b, c, d] = [0, 1, 2, 3].map(|n| Lanes::load(&lanes[n]));
        let other = |lanes: Lanes| lanes.equal(b'\\').or(lanes.below(b' '));
        if other(a).or(other(b)).or(other(c).or(other(d))).high_bits() != 0 {
            return false;
        }
        let quotes = |lanes: Lanes| u64::from(lanes.equal(b'"').high_bits());
        self.quotes = quotes(a) | quotes(b) << 16 | quotes(c) << 32 | quotes(d) << 48;
        true
    }
}

/// The length of the value that `bytes` begin with and that stands in `depth` brackets.
#[cfg(feature = "template")]
pub(crate) fn value(bytes: &[u8], depth: u32) -> Option<usize> {
    // Most values are short strings.
    if let [b'"', rest @ ..] = bytes {
        return Some(inside(rest)?.len + 2);
    }
    Text::new(bytes).value(0, depth)
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
#[cfg(feature = "template")]
#[inline(always)]
pub(crate) fn inside(bytes: &[u8]) -> Option<Extent> {
    let Some(window) = bytes.first_chunk::<WINDOW>() else { return any_inside(bytes, 0) };
    // Most strings end in it and have no escapes: those need no call, and how long they are is no branch, which would be
    // mispredicted.
    let lanes = window.as_chunks::<16>().0;
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| u64::from(special(Lanes::load(&lanes[n]))));
    let len = (a | b << 16 | c << 32 | d << 48).trailing_zeros() as usize;
    match window.get(len) {
        Some(b'"') => Some(Extent { len, escaped: false }),
        Some(_) => any_inside(bytes, len),
        None => {
            let Extent { len, escaped } = Text::new(bytes).inside_beyond(WINDOW)?;
            Some(Extent { len: WINDOW + len, escaped })
        }
    }
}

/// The inside of a string whose first `len` bytes are no quote, backslash or control character, vector by vector.
pub(crate) fn any_inside(bytes: &[u8], mut len: usize) -> Option<Extent> {
    len += plain(bytes.get(len..)?);
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

/// Whether none of the bytes is a quote, a backslash or a control character.
#[inline(always)]
fn is_plain(window: &[u8; WINDOW]) -> bool {
    let lanes = window.as_chunks::<16>().0;
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| Lanes::load(&lanes[n]));
    // A difference of 0 says that one is there: differences can be joined, so that there are two comparisons and not twelve.
    let [quote, backslash] = [b'"', b'\\'].map(|byte| Lanes::load(&[byte; 16]));
    let difference = |lanes: Lanes| lanes.xor(quote).min(lanes.xor(backslash));
    let marks = difference(a).min(difference(b)).min(difference(c).min(difference(d))).equal(0);
    let controls = a.min(b).min(c.min(d)).below(b' ');
    marks.or(controls).high_bits() == 0
}

/// One bit for each quote, backslash or control character.
#[inline]
fn special(lanes: Lanes) -> u32 {
    lanes.equal(b'"').or(lanes.equal(b'\\')).or(lanes.below(b' ')).high_bits()
}

/// A number, `true`, `false` or `null`.
#[inline(always)]
fn number_or_word(bytes: &[u8]) -> Option<usize> {
    let len = find_scalar_end(bytes);
    #[cfg(test)]
    count::add(len.unwrap_or_default());
    len
}

#[inline]
fn find_scalar_end(bytes: &[u8]) -> Option<usize> {
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
    number(bytes)
}

/// A number.
pub(crate) fn number(bytes: &[u8]) -> Option<usize> {
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

/// How many bytes of strings, numbers and words were read in this thread. What is between them is looked at one by one.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;

    thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn add(bytes: usize) {
        READ.set(READ.get() + bytes);
    }

    /// The count since the last call.
    pub(crate) fn take() -> usize {
        READ.take()
    }
}
