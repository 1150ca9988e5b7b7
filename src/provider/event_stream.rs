//! The frames of AWS's `application/vnd.amazon.eventstream`, cut out of bytes that come in any pieces.
//!
//! A frame is `u32 total length, u32 headers length, u32 CRC of those eight bytes, headers, payload,
//! u32 CRC of everything before it`, all big-endian; a header is `u8 name length, name, u8 type, value`
//! (smithy-lang specification, "Amazon Event Stream").

use std::fmt;

/// Bytes of a frame that are neither headers nor payload: the prelude of 12 and the closing CRC of 4.
const OVERHEAD: usize = 16;

/// One frame, borrowed from the bytes it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Whether it is no event: a modelled failure (`exception`), or one of the service itself (`error`).
    pub is_failure: bool,
    /// The event's, exception's or error's name; empty if the frame does not say.
    pub name: &'a str,
    /// The payload: JSON, or the message of an error.
    pub payload: &'a [u8],
}

/// Why bytes are not an event stream. Nothing can be read after it: the framing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// A length in the prelude contradicts itself.
    Length,
    /// A CRC does not match.
    Crc,
    /// A header runs over its frame, has an unknown type, or a name that is not UTF-8.
    Header,
    /// A payload is not UTF-8.
    Text,
    /// A frame is longer than the limit.
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "an event stream frame whose lengths contradict each other",
            Self::Crc => "an event stream frame whose checksum does not match",
            Self::Header => "an event stream frame with a header that cannot be read",
            Self::Text => "an event stream frame whose text is not UTF-8",
            Self::TooLong => "an event stream frame longer than the limit",
        })
    }
}

/// Cuts frames out of chunks. A frame that lies whole in its chunk is handed out in place; only one that
/// crosses a chunk's edge is copied, once, into a buffer that is reused.
#[derive(Debug)]
pub struct EventStream {
    crc: Box<Crc>,
    partial: Vec<u8>,
    limit: usize,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Frames,
    /// JSON or HTML came in place of a frame.
    Text,
    /// The framing is lost.
    Nothing,
}

impl EventStream {
    /// A framer that refuses frames longer than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { crc: Box::new(Crc::new()), partial: Vec::new(), limit, reading: Reading::Frames }
    }

    /// Takes the next bytes and hands every frame they complete to `each`. The first frame that is wrong is an error;
    /// nothing after it can be read.
    pub fn feed(&mut self, mut chunk: &[u8], mut each: impl FnMut(Message<'_>)) -> Result<(), FrameError> {
        let result = match self.reading {
            Reading::Frames => self.cut(&mut chunk, &mut each),
            Reading::Text => Ok(()),
            Reading::Nothing => return Ok(()),
        };
        let room = self.limit.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
        let Err(error) = result else { return Ok(()) };
        // Told by no more than a prelude, so that it does not depend on the chunks.
        let head = self.partial.get(..PRELUDE).unwrap_or_default().trim_ascii_start();
        if matches!(head.first(), Some(b'{' | b'[' | b'<')) {
            self.reading = Reading::Text;
            return Ok(());
        }
        self.reading = Reading::Nothing;
        self.partial.clear();
        Err(error)
    }

    fn cut(&mut self, chunk: &mut &[u8], each: &mut impl FnMut(Message<'_>)) -> Result<(), FrameError> {
        while !self.partial.is_empty() {
            let length = self.crc.frame_length(&self.partial, self.limit)?;
            let missing = length.unwrap_or(PRELUDE).saturating_sub(self.partial.len());
            let (now, rest) = chunk.split_at_checked(missing).unwrap_or((chunk, &[]));
            self.partial.extend_from_slice(now);
            *chunk = rest;
            if now.len() < missing {
                return Ok(());
            }
            if length.is_some() {
                each(self.crc.message(&self.partial)?);
                self.partial.clear();
            }
        }
        while let Some(length) = self.crc.frame_length(chunk, self.limit)?
            && let Some((frame, rest)) = chunk.split_at_checked(length)
        {
            each(self.crc.message(frame)?);
            *chunk = rest;
        }
        Ok(())
    }

    /// The JSON or HTML that came in place of a frame, up to the limit.
    pub fn text(&self) -> Option<&[u8]> {
        (self.reading == Reading::Text).then_some(&self.partial)
    }
}

const PRELUDE: usize = 12;

/// CRC-32 as of IEEE 802.3, a byte at a time. Its table of 1 KiB is made with each stream: it would be as much of the wasm.
#[derive(Debug)]
struct Crc([u32; 256]);

impl Crc {
    fn new() -> Self {
        let mut table = [0; 256];
        for (byte, entry) in table.iter_mut().enumerate() {
            *entry = byte as u32;
            for _ in 0..8 {
                *entry = if *entry & 1 == 1 { 0xEDB8_8320 ^ (*entry >> 1) } else { *entry >> 1 };
            }
        }
        Self(table)
    }

    fn of(&self, bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| self.0[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
    }

    /// The length of the frame that begins `bytes`, `None` until its prelude is there.
    fn frame_length(&self, bytes: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
        let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE>() else {
            return Ok(None);
        };
        let [total, headers, crc] = [0, 4, 8].map(|at| be_u32(prelude, at));
        if crc != Some(self.of(&prelude[..8])) {
            return Err(FrameError::Crc);
        }
        let (Some(total), Some(headers)) = (total, headers) else {
            return Err(FrameError::Length);
        };
        let (total, headers) = (total as usize, headers as usize);
        if total < OVERHEAD || headers > total - OVERHEAD {
            return Err(FrameError::Length);
        }
        if total > limit {
            return Err(FrameError::TooLong);
        }
        Ok(Some(total))
    }

    /// Reads one whole frame, whose prelude [`frame_length`](Self::frame_length) has checked.
    fn message<'f>(&self, frame: &'f [u8]) -> Result<Message<'f>, FrameError> {
        let (checked, crc) = frame.split_last_chunk::<4>().ok_or(FrameError::Length)?;
        if u32::from_be_bytes(*crc) != self.of(checked) {
            return Err(FrameError::Crc);
        }
        let headers = be_u32(frame, 4).ok_or(FrameError::Length)? as usize;
        let body = checked.get(PRELUDE..).ok_or(FrameError::Length)?;
        let (mut headers, payload) = body.split_at_checked(headers).ok_or(FrameError::Length)?;

        const NAMES: [&str; 5] =
            [":message-type", ":event-type", ":exception-type", ":error-code", ":error-message"];
        let mut values = [""; NAMES.len()];
        while !headers.is_empty() {
            let (name, value, rest) = header(headers).ok_or(FrameError::Header)?;
            headers = rest;
            // Headers that are not text, or that we have no use for, are stepped over.
            let slot = NAMES.iter().zip(&mut values).find(|(known, _)| known.as_bytes() == name);
            if let (Some((_, slot)), Some(value)) = (slot, value) {
                *slot = value;
            }
        }
        let [kind, event, exception, code, text] = values;
        Ok(match kind {
            "exception" => Message { is_failure: true, name: exception, payload },
            "error" => Message { is_failure: true, name: code, payload: text.as_bytes() },
            _ => Message { is_failure: false, name: event, payload },
        })
    }
}

/// The name, the value if it is text, and what follows, of the header that begins `bytes`.
fn header(bytes: &[u8]) -> Option<(&[u8], Option<&str>, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    let (&kind, rest) = rest.split_first()?;
    let (length, rest) = match kind {
        0 | 1 => (0, rest),
        2 => (1, rest),
        3 => (2, rest),
        4 => (4, rest),
        5 | 8 => (8, rest),
        9 => (16, rest),
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (u16::from_be_bytes(*length).into(), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    let text = if kind == 7 { Some(std::str::from_utf8(value).ok()?) } else { None };
    Some((name, text, rest))
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn crc32(bytes: &[u8]) -> u32 {
        Crc::new().of(bytes)
    }

    /// Builds a frame with text headers.
    pub(crate) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in headers {
            head.push(name.len() as u8);
            head.extend_from_slice(name.as_bytes());
            head.push(7);
            head.extend_from_slice(&(value.len() as u16).to_be_bytes());
            head.extend_from_slice(value.as_bytes());
        }
        raw_frame(&head, payload)
    }

    /// Builds a frame around header bytes, right or wrong.
    fn raw_frame(head: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut frame = ((OVERHEAD + head.len() + payload.len()) as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(&(head.len() as u32).to_be_bytes());
        frame.extend_from_slice(&crc32(&frame).to_be_bytes());
        frame.extend_from_slice(head);
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32(&frame).to_be_bytes());
        frame
    }

    pub(crate) fn event(name: &str, payload: &str) -> Vec<u8> {
        frame(&[(":event-type", name), (":message-type", "event")], payload.as_bytes())
    }

    fn read(bytes: &[u8], size: usize, limit: usize) -> (Vec<String>, Result<(), FrameError>, bool) {
        let mut framer = EventStream::new(limit);
        let mut seen = Vec::new();
        let mut result = Ok(());
        for chunk in bytes.chunks(size) {
            result = framer.feed(chunk, |message| {
                let payload = String::from_utf8_lossy(message.payload);
                let kind = if message.is_failure { "failure" } else { "event" };
                seen.push(format!("{kind} {} {payload}", message.name));
            });
            if result.is_err() {
                break;
            }
        }
        (seen, result, !framer.partial.is_empty())
    }

    #[test]
    fn crc_has_the_standard_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn frames_are_the_same_at_every_chunk_size() {
        let mut bytes = event("messageStart", r#"{"role":"assistant"}"#);
        bytes.extend(event("contentBlockDelta", ""));
        bytes.extend(frame(
            &[(":exception-type", "throttlingException"), (":message-type", "exception")],
            br#"{"message":"slow down"}"#,
        ));
        bytes.extend(frame(
            &[(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "broken")],
            b"",
        ));
        let expected = [
            r#"event messageStart {"role":"assistant"}"#,
            "event contentBlockDelta ",
            r#"failure throttlingException {"message":"slow down"}"#,
            "failure InternalFailure broken",
        ];
        for size in 1..=bytes.len() {
            let (seen, result, partial) = read(&bytes, size, 1 << 20);
            assert_eq!(
                (seen.as_slice(), result, partial),
                (&expected.map(String::from)[..], Ok(()), false),
                "{size}"
            );
        }
    }

    #[test]
    fn every_header_type_is_stepped_over() {
        let head = [
            &b"\x01a\x00"[..],
            b"\x01b\x01",
            b"\x01c\x02\x07",
            b"\x01d\x03\x00\x07",
            b"\x01e\x04\x00\x00\x00\x07",
            b"\x01f\x05\x00\x00\x00\x00\x00\x00\x00\x07",
            b"\x01g\x06\x00\x02\xFF\xFE",
            b"\x01h\x08\x00\x00\x00\x00\x00\x00\x00\x07",
            b"\x01i\x090123456789abcdef",
            b"\x0B:event-type\x07\x00\x01x",
        ]
        .concat();
        let (seen, result, _) = read(&raw_frame(&head, b"y"), 7, 1 << 20);
        assert_eq!((seen, result), (vec!["event x y".to_owned()], Ok(())));
    }

    #[test]
    fn wrong_frames_are_refused_after_the_good_ones() {
        let good = event("e", "ok");
        let spoilt = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        let prelude = |total: u32, headers: u32| {
            let lengths = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            [&lengths[..], &crc32(&lengths).to_be_bytes()].concat()
        };
        let cases = [
            ("length flipped", spoilt(3), FrameError::Crc),
            ("header flipped", spoilt(14), FrameError::Crc),
            ("payload flipped", spoilt(good.len() - 6), FrameError::Crc),
            ("total below the overhead", prelude(3, 0), FrameError::Length),
            ("headers over the frame", prelude(16, 1), FrameError::Length),
            ("header over the headers", raw_frame(b"\x09a", b""), FrameError::Header),
            ("unknown header type", raw_frame(b"\x01a\x0A", b""), FrameError::Header),
            ("header not UTF-8", raw_frame(b"\x01a\x07\x00\x01\xFF", b""), FrameError::Header),
            ("too long", event("e", &"x".repeat(200)), FrameError::TooLong),
            ("plain text", b"HTTP/1.1 502 Bad Gateway".to_vec(), FrameError::Crc),
        ];
        for (name, bad, expected) in cases {
            for size in [1, 7, 4096] {
                let (seen, result, _) = read(&[good.clone(), bad.clone()].concat(), size, 200);
                assert_eq!(
                    (seen.as_slice(), result),
                    (&["event e ok".to_owned()][..], Err(expected)),
                    "{name}/{size}"
                );
            }
        }
    }

    #[test]
    fn text_in_place_of_frames_is_kept() {
        let good = event("e", "ok");
        for (body, text) in [
            (&br#"{"message":"not found"}"#[..], Some(&br#"{"message":"not found"}"#[..])),
            (b"\r\n<html>oh no</html>", Some(b"\r\n<html>oh no</html>")),
            (b"HTTP/1.1 502 Bad Gateway {", None),
            (b"            {", None),
            (b"{}", None),
        ] {
            for size in [1, 7, 4096] {
                let mut framer = EventStream::new(1 << 20);
                for chunk in [&good, body].concat().chunks(size) {
                    let _ = framer.feed(chunk, |_| {});
                }
                assert_eq!(framer.text(), text, "{size}");
            }
        }
    }

    #[test]
    fn a_cut_frame_is_seen_as_partial() {
        let bytes = event("e", "payload");
        for cut in 1..bytes.len() {
            assert_eq!(read(&bytes[..cut], 5, 1 << 20), (vec![], Ok(()), true), "{cut}");
        }
    }
}
