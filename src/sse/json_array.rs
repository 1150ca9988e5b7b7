//! One long JSON array, element by element, as Gemini streams it without `alt=sse`.
//!
//! Only what tells elements apart is looked at: strings, brackets and commas. Whether an element is
//! JSON is the caller's to judge.

use super::text::{Carry, utf8};
use super::undrawn::Undrawn;
use super::{DEFAULT_LIMIT, Error};

/// Cuts a body into the elements of its array. A body that is one object, as errors are, is one
/// element; one that begins with neither bracket is no JSON worth cutting and comes whole at the end.
///
/// ```
/// let mut framer = sse::json_array::Framer::new();
/// let mut elements = framer.feed(b"[{\"a\":[1]},\r\n{\"b\"");
/// assert_eq!(elements.next(), Some(Ok("{\"a\":[1]}")));
/// assert_eq!(elements.next(), None);
/// ```
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    place: Place,
    /// Whether the array's own bracket is open.
    opened: bool,
    element: Carry,
    /// The running element is over the limit: drop it up to its end.
    dropped: bool,
    /// Borrowed by the last frame; cleared on the next call.
    ended: bool,
    undrawn: Undrawn,
}

/// Where in the body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything but white space.
    Start,
    /// Between elements.
    Between,
    /// In a number or a word that stands as an element.
    Scalar,
    /// In a string, array or object so many brackets deep; `string` within quotes, `escaped` after a
    /// backslash there.
    Inside { depth: usize, string: bool, escaped: bool },
    /// In a body that is no array and no object.
    Whole,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// A framer with [`DEFAULT_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// A framer whose elements may have `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            place: Place::Start,
            opened: false,
            element: Carry::default(),
            dropped: false,
            ended: false,
            undrawn: Undrawn::default(),
        }
    }

    /// Takes the next bytes of the body. Elements that are not drawn before [`Frames`] is dropped come out
    /// first at the next call.
    pub fn feed<'f>(&'f mut self, chunk: &'f [u8]) -> Frames<'f> {
        Frames { framer: self, chunk }
    }

    /// The body is over: hands on elements that were not drawn, then a body that was no array; drops an element
    /// that was cut off. With `None` the framer is ready for a new body.
    pub fn finish(&mut self) -> Option<Result<&str, Error>> {
        if !self.undrawn.is_empty() {
            match self.next_undrawn() {
                Ok(true) => return Some(Ok(self.element.text())),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        self.clear_ended();
        let whole = self.place == Place::Whole && !self.dropped;
        *self =
            Self { element: std::mem::take(&mut self.element), ended: true, ..Self::with_limit(self.limit) };
        whole.then(|| Ok(self.element.text()))
    }

    fn clear_ended(&mut self) {
        if std::mem::take(&mut self.ended) {
            self.element.clear();
        }
    }

    /// Reads on in the bytes that were left undrawn; whether an element is ready, in `self.element`.
    #[cold]
    fn next_undrawn(&mut self) -> Result<bool, Error> {
        let (bytes, read) = self.undrawn.take();
        let mut rest = bytes.get(read..).unwrap_or_default();
        let found = self.advance(&mut rest).map(|found| match found {
            Some(Found::Lent(element)) => {
                self.element.push(element.as_bytes(), false);
                self.ended = true;
                true
            }
            found => found.is_some(),
        });
        let read = bytes.len() - rest.len();
        self.undrawn.put_back(bytes, read);
        found
    }

    // Called in two places.
    #[inline(never)]
    fn advance<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<Found<'c>>, Error> {
        self.clear_ended();
        while !chunk.is_empty() {
            if matches!(self.place, Place::Start | Place::Between) {
                let skipped = self.skip(chunk);
                *chunk = chunk.get(skipped..).unwrap_or_default();
                continue;
            }
            let (len, ended) = self.read(chunk);
            let (piece, after) = chunk.split_at(len);
            *chunk = after;
            if !ended {
                return self.carry(piece).map(|()| None);
            }
            self.place = Place::Between;
            // An element in one piece is not copied, if it is UTF-8.
            if self.element.is_empty()
                && !self.dropped
                && piece.len() <= self.limit
                && let Some(element) = utf8(piece, false)
            {
                return Ok(Some(Found::Lent(element)));
            }
            let carried = self.carry(piece);
            if std::mem::take(&mut self.dropped) {
                carried?;
                continue;
            }
            self.ended = true;
            return Ok(Some(Found::Carried));
        }
        Ok(None)
    }

    fn carry(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.dropped {
            return Ok(());
        }
        if self.element.len() + piece.len() > self.limit {
            self.element.clear();
            self.dropped = true;
            return Err(Error::TooLong { limit: self.limit });
        }
        self.element.push(piece, false);
        Ok(())
    }

    /// Skips what is between elements; returns how much.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        for (pos, byte) in bytes.iter().enumerate() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                b'[' if !self.opened => {
                    self.opened = true;
                    self.place = Place::Between;
                }
                // One too many is skipped as well: were it an element, it would be one without bytes.
                b']' if self.place == Place::Between => self.opened = false,
                b',' if self.place == Place::Between => {}
                b'{' | b'[' => {
                    self.place = Place::Inside { depth: 0, string: false, escaped: false };
                    return pos;
                }
                _ if self.place == Place::Start => {
                    self.place = Place::Whole;
                    return pos;
                }
                b'"' => {
                    self.place = Place::Inside { depth: 0, string: false, escaped: false };
                    return pos;
                }
                _ => {
                    self.place = Place::Scalar;
                    return pos;
                }
            }
        }
        bytes.len()
    }

    /// Reads on in the running element; returns how many bytes belong to it and whether it ended.
    fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let (mut depth, mut string, mut escaped) = match self.place {
            Place::Inside { depth, string, escaped } => (depth, string, escaped),
            Place::Scalar => {
                let end =
                    bytes.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b']'));
                return (end.unwrap_or(bytes.len()), end.is_some());
            }
            Place::Start | Place::Between | Place::Whole => return (bytes.len(), false),
        };
        let mut pos = 0;
        while let Some(byte) = bytes.get(pos) {
            pos += 1;
            if escaped {
                escaped = false;
                continue;
            }
            match byte {
                b'\\' if string => escaped = true,
                b'"' => string = !string,
                _ if string => {
                    let rest = bytes.get(pos..).unwrap_or_default();
                    pos += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 && !string {
                return (pos, true);
            }
        }
        self.place = Place::Inside { depth, string, escaped };
        (pos, false)
    }
}

/// Where an element is.
enum Found<'c> {
    /// In the caller's chunk.
    Lent(&'c str),
    /// In [`Framer::element`].
    Carried,
}

/// The elements of one chunk, lent one after the other. Dropping it early loses nothing.
#[derive(Debug)]
pub struct Frames<'f> {
    framer: &'f mut Framer,
    chunk: &'f [u8],
}

impl Frames<'_> {
    /// The next element, valid until the one after it is asked for. `None`: feed the next chunk.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<&str, Error>> {
        if !self.framer.undrawn.is_empty() {
            match self.framer.next_undrawn() {
                Ok(true) => return Some(Ok(self.framer.element.text())),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        match self.framer.advance(&mut self.chunk) {
            Ok(Some(Found::Lent(element))) => Some(Ok(element)),
            Ok(Some(Found::Carried)) => Some(Ok(self.framer.element.text())),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        if !self.chunk.is_empty() {
            self.framer.undrawn.add(self.chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Error, Framer};

    fn elements(framer: &mut Framer, chunks: &[&[u8]]) -> Vec<Result<String, Error>> {
        let mut elements = Vec::new();
        for chunk in chunks {
            let mut frames = framer.feed(chunk);
            while let Some(element) = frames.next() {
                elements.push(element.map(str::to_owned));
            }
        }
        elements.extend(framer.finish().map(|element| element.map(str::to_owned)));
        elements
    }

    #[track_caller]
    fn check(limit: usize, body: &[u8], expected: &[Result<&str, Error>]) {
        let expected: Vec<_> = expected.iter().map(|element| element.map(str::to_owned)).collect();
        // One framer for all: it must begin anew after each body.
        let mut framer = Framer::with_limit(limit);
        for at in 0..=body.len() {
            assert_eq!(elements(&mut framer, &[&body[..at], &body[at..]]), expected, "cut at {at}");
        }
        assert_eq!(elements(&mut framer, &body.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn elements_of_the_array_are_frames() {
        check(99, b"[]", &[]);
        check(99, b"[{\"a\":[1,{}]}\r\n,\r\n{}\n]\n", &[Ok("{\"a\":[1,{}]}"), Ok("{}")]);
        check(99, b"[1, \"a,]\\\"\" ,null,[2,3]]", &[Ok("1"), Ok("\"a,]\\\"\""), Ok("null"), Ok("[2,3]")]);
        check(99, b"[{\"a\":\"}\\\\\"}]", &[Ok("{\"a\":\"}\\\\\"}")]);
    }

    #[test]
    fn a_body_that_is_no_array_is_one_frame() {
        // Gemini's errors are objects; gateways answer with HTML.
        check(99, b"\n{\"error\": {\"code\": 503}}\n", &[Ok("{\"error\": {\"code\": 503}}")]);
        check(99, b"<html>[1]</html>\n", &[Ok("<html>[1]</html>\n")]);
    }

    #[test]
    fn a_cut_off_element_is_dropped() {
        check(99, b"[{\"a\":1},{\"a\":", &[Ok("{\"a\":1}")]);
        check(99, b"[1,2", &[Ok("1")]);
    }

    #[test]
    fn malformed_utf8_becomes_replacement_characters() {
        check(99, b"[\"\xFF\",\"\xC3\xA9\"]", &[Ok("\"\u{FFFD}\""), Ok("\"é\"")]);
    }

    #[test]
    fn an_element_over_the_limit_is_one_error_and_the_next_is_intact() {
        let error = Err(Error::TooLong { limit: 4 });
        check(4, b"[1234,\"12,5\",{\"a\":[1,2]},{ }]", &[Ok("1234"), error, error, Ok("{ }")]);
        check(4, b"<html>", &[error]);
    }

    #[test]
    fn brackets_and_commas_too_many_are_skipped() {
        check(99, b"[1]]],2],[,,3", &[Ok("1"), Ok("2")]);
        check(99, b"{}]}", &[Ok("{}")]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            prop_oneof![any::<String>(), "[\"\\\\\\[\\]{},]{0,6}"].prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing_of_what_is_no_json(body in "[\\[\\]{}\",\\\\ 1a\u{e9}]{0,40}", size in 1usize..8) {
            let whole = elements(&mut Framer::with_limit(8), &[body.as_bytes()]);
            let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
            prop_assert_eq!(elements(&mut Framer::with_limit(8), &chunks), whole);
        }

        #[test]
        fn elements_come_back_at_every_chunking(
            values in prop::collection::vec(value(), 0..6),
            pretty: bool,
            size in 1usize..40,
        ) {
            let body = if pretty { serde_json::to_string_pretty(&values) } else { serde_json::to_string(&values) };
            let body = body.unwrap();
            let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
            let seen: Vec<Value> = elements(&mut Framer::new(), &chunks)
                .iter()
                .map(|element| serde_json::from_str(element.as_ref().unwrap()).unwrap())
                .collect();
            prop_assert_eq!(seen, values);
        }
    }
}
