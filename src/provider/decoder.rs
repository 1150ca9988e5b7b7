//! The way from body bytes to tokens that all formats share.

#[cfg(feature = "memo")]
use std::ops::Range;

use super::envelope::Envelope;
use super::error::{exception, stream_error, summary};
use super::event_stream::{EventStream, FrameError, Message};
use super::leniency::{Cumulative, New};
use crate::json::{self, NotJson, Raw, Read, Scanner, is_json};
use crate::sse::{self, json_array, ndjson};
use crate::stream::{Decode, Done, ErrorKind, FinishReason, Sink, StreamError, StreamToken, Usage};

/// How a body is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`.
    Sse,
    /// One JSON object per line.
    Ndjson,
    /// One JSON array, element by element (Gemini without `alt=sse`).
    JsonArray,
    /// AWS's binary `application/vnd.amazon.eventstream`.
    EventStream,
}

/// One frame, as it is given to a [`Wire`].
#[derive(Debug)]
pub struct Frame<'f> {
    /// Its name; empty where the framing has none.
    pub event: &'f str,
    /// Its text.
    pub data: &'f str,
    #[cfg(feature = "memo")]
    notes: Option<&'f mut Notes>,
}

/// What a wire made of a frame, besides the tokens it gave.
#[cfg(feature = "memo")]
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What its readings passed over.
    pub(super) unread: json::Unread,
    /// The object that counts tokens: where it stands, and how it is read.
    pub(super) counts: Option<(Range<usize>, ReadCounts)>,
}

#[cfg(feature = "memo")]
impl Notes {
    /// Begins with another frame.
    pub(super) fn clear(&mut self) {
        self.unread.clear();
        self.counts = None;
    }
}

/// Reads an object that counts tokens: each count is a number of the object as it stands there, chosen by keys alone.
pub(super) type ReadCounts = fn(&mut Scanner<'_>) -> Usage;

impl<'f> Frame<'f> {
    /// A frame with that text.
    pub fn new(event: &'f str, data: &'f str) -> Self {
        Self {
            event,
            data,
            #[cfg(feature = "memo")]
            notes: None,
        }
    }

    /// The same frame; what is made of it is noted in `notes`.
    #[cfg(feature = "memo")]
    pub(super) fn noting(self, notes: &'f mut Notes) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// Reads its text into `value`.
    ///
    /// # Errors
    /// [`NotJson`] when it is none.
    pub fn read(&mut self, value: &mut impl Read<'f>) -> Result<(), NotJson> {
        #[cfg(feature = "memo")]
        let unread = self.notes.as_deref_mut().map(|notes| &mut notes.unread);
        #[cfg(not(feature = "memo"))]
        let unread = None;
        json::read(self.data, unread, value)
    }

    /// Gives the token of the frame's `counts`, which has nothing but what `read` finds there.
    pub(super) fn usage(&mut self, counts: Raw<'_>, read: ReadCounts, sink: &mut dyn Sink) {
        #[cfg(feature = "memo")]
        if let Some(notes) = &mut self.notes {
            let object = Some(counts.json()).filter(|json| json.starts_with('{'));
            notes.counts = object.and_then(|object| Some((place(self.data, object)?, read)));
        }
        sink.token(StreamToken::Usage(read(&mut Scanner::new(counts.json()))));
    }
}

/// Where `part` stands in `data`, if it is a part of it.
#[cfg(feature = "memo")]
fn place(data: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= data.len()).then_some(start..end)
}

/// What one wire format does with a frame. One value per response.
///
/// Contract for the memo (feature `memo`): when a frame yields exactly one text or reasoning token, or behind it one of
/// [`Frame::usage`], and nothing else,
/// - all that the wire knows of the frame it has from [`Frame::read`], and from its name;
/// - the first token is one string of the frame, borrowed from it unless it has escapes;
/// - a second frame right after it with another text, other values that `read` passed over, another order of members, or
///   other counts of tokens yields the same tokens with its own text and counts, unless the text or the object is empty,
///   and changes nothing in `self` or `ends` that the first has not.
pub trait Wire: Send {
    /// Decodes one frame. Finish reasons, end markers and failures are said to `ends`, everything else goes
    /// to `sink`. A frame that is a whole answer of its own, or an error object, is to be understood as well.
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink);
}

/// What a response has said so far about its end. [`Decoder`] turns it into `Done` tokens when the
/// body is over, so that usage that comes after the finish reason stays before them.
#[derive(Debug, Default)]
pub struct Ends {
    reasons: Vec<(u32, FinishReason)>,
    /// One bit for each choice that began, the last bit for all from 63 on.
    begun: u64,
    marker: bool,
    /// Nothing follows the end marker.
    over: bool,
    failed: bool,
    /// The last frame is not what the format says.
    malformed: bool,
    /// The beginning of a frame of another format.
    foreign: Option<String>,
}

impl Ends {
    /// Choice `index` has begun: without a finish reason of its own the answer is not whole.
    pub fn begun(&mut self, index: u32) {
        self.begun |= 1 << index.min(63);
    }

    /// Choice `index` gave a finish reason; the first one wins.
    pub fn finished(&mut self, index: u32, reason: FinishReason) {
        if !self.reasons.iter().any(|(i, _)| *i == index) {
            self.reasons.push((index, reason));
        }
    }

    /// Choice `index` gave a finish reason that a later one replaces.
    pub fn finished_for_now(&mut self, index: u32, reason: FinishReason) {
        self.reasons.retain(|(i, _)| *i != index);
        self.reasons.push((index, reason));
    }

    /// The format's end marker was seen (`[DONE]`, `message_stop`, `"done":true`).
    pub fn marker(&mut self) {
        self.marker = true;
    }

    /// The format's end marker was seen, and nothing follows it: a reader need not wait for the server to close.
    pub fn over(&mut self) {
        self.marker = true;
        self.over = true;
    }

    /// The same, if each choice has said why it ended.
    pub fn over_if_complete(&mut self) {
        self.over = self.complete();
    }

    /// The stream broke: hands on the error. Nothing the body still says is decoded.
    pub fn fail(&mut self, error: StreamError<'_>, sink: &mut dyn Sink) {
        if !std::mem::replace(&mut self.failed, true) {
            sink.token(StreamToken::Error(error));
        }
    }

    /// The frame is not what the format says.
    pub fn malformed(&mut self) {
        self.malformed = true;
    }

    /// The frame says nothing in this format, but something in another.
    pub fn foreign(&mut self, data: &str) {
        self.foreign.get_or_insert_with(|| summary(data));
    }

    /// Whether nothing is missing: the end marker came, or each choice said why it ended. The latter
    /// stands for the former: Gemini has no marker, and Perplexity and many gateways forget theirs.
    fn complete(&self) -> bool {
        let finished = self.reasons.iter().fold(0u64, |bits, (index, _)| bits | 1 << index.min(&63));
        self.marker || (finished != 0 && self.begun & !finished == 0)
    }
}

/// Decodes the body of one response.
///
/// A body may also be one JSON text (of a proxy that ignores `stream`, an error under status 200) or a page of HTML, and
/// a stream may end in a bare JSON error. All of these are understood, and what was received before survives.
pub struct Decoder {
    framing: Framing,
    framer: Framer,
    reading: Reading,
}

enum Framer {
    Sse(Box<sse::Parser>),
    Ndjson(ndjson::Framer),
    JsonArray(json_array::Framer),
    EventStream(EventStream),
}

impl Framer {
    fn new(framing: Framing, limit: usize) -> Self {
        match framing {
            Framing::Sse => {
                let policy = sse::Policy { limit, ..sse::Policy::LENIENT };
                Self::Sse(Box::new(sse::Parser::with_policy(policy)))
            }
            Framing::Ndjson => Self::Ndjson(ndjson::Framer::with_limit(limit)),
            Framing::JsonArray => Self::JsonArray(json_array::Framer::with_limit(limit)),
            Framing::EventStream => Self::EventStream(EventStream::new(limit)),
        }
    }
}

/// What is known of the body besides its framing.
struct Reading {
    wire: Box<dyn Wire>,
    envelope: Envelope,
    ends: Ends,
    /// `[DONE]` was seen: what follows is no part of the answer.
    closed: bool,
    /// A frame of the format has come: the server speaks it, so that what is broken later was broken on the way.
    is_known: bool,
    /// Text where a frame should be: a page of HTML, a JSON text cut in pieces.
    stray: String,
    cumulative: Cumulative,
}

/// Of text that is no frame, this much is kept to say what it is.
const STRAY_LIMIT: usize = 64 << 10;

impl Decoder {
    /// A decoder of that framing and format.
    pub fn new(framing: Framing, wire: Box<dyn Wire>) -> Self {
        let framer = Framer::new(framing, sse::DEFAULT_LIMIT);
        let reading = Reading {
            wire,
            envelope: Envelope::default(),
            ends: Ends::default(),
            closed: false,
            is_known: false,
            stray: String::new(),
            cumulative: Cumulative::default(),
        };
        Self { framing, framer, reading }
    }

    /// The same decoder, for frames of at most `limit` bytes. To be called before the first bytes.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.framer = Framer::new(self.framing, limit);
        self
    }

    /// The same decoder, which decodes each frame in full: for measuring what the memo of the envelope gives.
    #[cfg(feature = "memo")]
    pub fn without_memo(mut self) -> Self {
        self.reading.envelope = Envelope::without_memo();
        self
    }

    /// How it cuts bodies into frames.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether nothing more can come, although the body may not be over: the end marker was seen (`[DONE]`,
    /// `message_stop`, `response.completed`, …), or the stream broke. A reader need not wait for a server that is slow to
    /// close; [`finish`](Decode::finish) then says how it ended.
    pub fn is_over(&self) -> bool {
        self.reading.closed || self.reading.ends.failed || self.reading.ends.over
    }
}

impl Decode for Decoder {
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        let reading = &mut self.reading;
        match &mut self.framer {
            Framer::Sse(parser) => {
                let mut frames = parser.feed(chunk);
                while let Some(frame) = frames.next() {
                    reading.event(frame, sink);
                }
            }
            Framer::Ndjson(framer) => {
                let mut lines = framer.feed(chunk);
                while let Some(line) = lines.next() {
                    reading.line(line, sink);
                }
            }
            Framer::JsonArray(framer) => {
                let mut elements = framer.feed(chunk);
                while let Some(element) = elements.next() {
                    reading.line(element, sink);
                }
            }
            Framer::EventStream(framer) => {
                if let Err(error) = framer.feed(chunk, |message| reading.message(message, sink)) {
                    reading.unframed(error, sink);
                }
            }
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        let reading = &mut self.reading;
        match &mut self.framer {
            Framer::Sse(parser) => match parser.finish() {
                // The stream broke off within its last event: the incomplete rest is dropped.
                Some(Ok(last)) if !last.event.is_empty() && is_cut(last.data) => {}
                Some(frame) => reading.event(frame, sink),
                None => {}
            },
            Framer::Ndjson(framer) => match framer.finish() {
                // It may be cut, even right after a brace.
                Some(Ok(last)) => reading.bare(last, sink),
                Some(Err(error)) => reading.too_long(error, sink),
                None => {}
            },
            Framer::JsonArray(framer) => {
                if let Some(element) = framer.finish() {
                    reading.line(element, sink);
                }
            }
            Framer::EventStream(framer) => {
                if let Some(text) = framer.text() {
                    reading.bare(&String::from_utf8_lossy(text), sink);
                }
            }
        }
        reading.finish(sink);
    }
}

impl Reading {
    fn event(&mut self, frame: Result<sse::Frame<'_>, sse::Error>, sink: &mut dyn Sink) {
        match frame {
            Ok(frame) if frame.event.is_empty() => self.bare(frame.data, sink),
            Ok(frame) => self.frame(frame.event, frame.data, sink),
            Err(error) => self.too_long(error, sink),
        }
    }

    fn line(&mut self, line: Result<&str, sse::Error>, sink: &mut dyn Sink) {
        match line {
            Ok(line) if self.stray.is_empty() && is_object_shaped(line) => self.frame("", line, sink),
            Ok(line) => self.bare(line, sink),
            Err(error) => self.too_long(error, sink),
        }
    }

    fn frame(&mut self, event: &str, data: &str, sink: &mut dyn Sink) {
        if self.closed || self.ends.failed {
            return;
        }
        // As nearly all do.
        let is_object_like = data.starts_with('{');
        // Every provider may be behind a gateway that speaks OpenAI's dialect; some pad the marker.
        if !is_object_like && data.trim_ascii() == "[DONE]" {
            self.closed = true;
            return self.ends.marker();
        }
        // A proxy's heartbeat or farewell: an event by a name of its own, and no JSON.
        let is_json_like = is_object_like || data.trim_ascii_start().starts_with(['{', '[']);
        if !is_json_like && !matches!(event, "" | "message" | "error") {
            return;
        }
        if event == "error" && !is_json(data) {
            return self.fail(stream_error(data), sink);
        }
        self.decode(event, data, sink);
        if !std::mem::take(&mut self.ends.malformed) {
            return;
        }
        // Frames glued together on one line (GLM): each is decoded by itself.
        let mut rest = data;
        while let Some((first, behind)) = glued(rest) {
            self.decode(event, first, sink);
            if self.ends.failed {
                return;
            }
            rest = behind;
        }
        if rest.trim_ascii() == "[DONE]" {
            self.closed = true;
            return self.ends.marker();
        }
        if rest.len() < data.len() && !std::mem::take(&mut self.ends.malformed) {
            self.decode(event, rest, sink);
        } else {
            self.ends.malformed = true;
        }
        if std::mem::take(&mut self.ends.malformed) {
            self.malformed(&summary(rest), sink);
        }
    }

    fn decode(&mut self, event: &str, data: &str, sink: &mut dyn Sink) {
        let Self { wire, envelope, ends, cumulative, .. } = self;
        let frame = Frame::new(event, data);
        if cumulative.is_settled() {
            envelope.frame(&mut **wire, frame, ends, sink);
        } else {
            envelope.frame(&mut **wire, frame, ends, &mut New { filter: cumulative, sink });
        }
        self.is_known |= !self.ends.malformed && self.ends.foreign.is_none();
    }

    /// A part is not of the format.
    fn malformed(&mut self, what: &str, sink: &mut dyn Sink) {
        let message = format!("the stream has a part that is not of its format: {what}");
        self.fail(error(self.broken(), message), sink);
    }

    /// What a broken part is. In the middle of a stream it is as good as a cut: the rest may be had by asking again.
    fn broken(&self) -> ErrorKind {
        if self.is_known { ErrorKind::Truncated } else { ErrorKind::Malformed }
    }

    fn fail(&mut self, error: StreamError<'_>, sink: &mut dyn Sink) {
        self.envelope.finish(sink);
        self.cumulative.finish(sink);
        self.ends.fail(error, sink);
    }

    fn message(&mut self, message: Message<'_>, sink: &mut dyn Sink) {
        let Ok(payload) = std::str::from_utf8(message.payload) else {
            return self.unframed(FrameError::Text, sink);
        };
        if message.is_failure {
            self.fail(exception(message.name, payload), sink);
        } else {
            self.frame(message.name, payload, sink);
        }
    }

    fn unframed(&mut self, wrong: FrameError, sink: &mut dyn Sink) {
        let kind = if wrong == FrameError::TooLong { ErrorKind::Limit } else { self.broken() };
        self.fail(error(kind, wrong.to_string()), sink);
    }

    /// Text outside of any event: a frame without a name if it is JSON.
    fn bare(&mut self, text: &str, sink: &mut dyn Sink) {
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'{') if self.stray.is_empty() && is_json(text) => self.frame("", text, sink),
            // Google's OpenAI dialect answers errors as `[{"error":…}]`.
            Some(b'[') if self.stray.is_empty() => match is_json(text) {
                true => self.whole_elements(text, sink),
                false if text.trim_ascii() == "[DONE]" => self.frame("", text, sink),
                false => self.keep_stray(text),
            },
            _ => self.keep_stray(text),
        }
    }

    /// What came whole of an array that was cut off, or of JSON texts in a row, in place of a stream.
    fn whole_elements(&mut self, text: &str, sink: &mut dyn Sink) {
        let mut framer = json_array::Framer::with_limit(STRAY_LIMIT);
        let mut elements = framer.feed(text.as_bytes());
        while let Some(Ok(element)) = elements.next() {
            if is_json(element) {
                self.frame("", element, sink);
            }
        }
    }

    fn keep_stray(&mut self, text: &str) {
        if self.stray.len() + text.len() <= STRAY_LIMIT {
            self.stray.push_str(text);
            self.stray.push('\n');
        }
    }

    fn too_long(&mut self, wrong: sse::Error, sink: &mut dyn Sink) {
        self.fail(error(ErrorKind::Limit, wrong.to_string()), sink);
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        let stray = std::mem::take(&mut self.stray);
        if is_json(&stray) {
            self.frame("", &stray, sink);
        } else if is_cut(&stray) {
            self.whole_elements(&stray, sink);
        }
        let foreign =
            self.ends.foreign.take().filter(|_| self.ends.begun == 0 && self.ends.reasons.is_empty());
        if let Some(what) = foreign {
            self.malformed(&what, sink);
        }
        if !self.ends.complete() {
            if !stray.is_empty() && !is_cut(&stray) && !is_json(&stray) {
                self.malformed(&summary(&stray), sink);
            }
            self.fail(error(ErrorKind::Truncated, "the answer ended before its end marker".to_owned()), sink);
        }
        if self.ends.failed {
            return;
        }
        self.envelope.finish(sink);
        self.cumulative.finish(sink);
        // Who gave no reason was ended by the marker.
        let begun = self.ends.begun;
        for index in (0..63).filter(|index| begun >> index & 1 == 1) {
            self.ends.finished(index, FinishReason::Stop);
        }
        if self.ends.reasons.is_empty() {
            self.ends.finished(0, FinishReason::Stop);
        }
        for (index, reason) in self.ends.reasons.drain(..) {
            sink.token(StreamToken::Done(Done { reason, index }));
        }
        self.ends = Ends { failed: true, ..Ends::default() };
    }
}

/// Tells a line of NDJSON from a line of a pretty-printed JSON text, without reading it all.
fn is_object_shaped(line: &str) -> bool {
    let line = line.trim_ascii();
    line.starts_with('{') && line.ends_with('}')
}

/// The first of several JSON objects on one line, and what follows it: another, with or without its field name, or the
/// end marker.
fn glued(data: &str) -> Option<(&str, &str)> {
    let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
    let end = data.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && byte == b'}' && !in_string
    })?;
    let (first, rest) = data.split_at_checked(end + 1)?;
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix("data:").unwrap_or(rest).trim_ascii();
    (rest.starts_with('{') || rest == "[DONE]").then_some((first, rest))
}

/// Whether the value is this string, however it is escaped.
pub(super) fn says(raw: Raw<'_>, text: &str) -> bool {
    raw.cow().is_some_and(|said| said == text)
}

/// Tells the beginning of a JSON text from a whole one and from anything else.
fn is_cut(text: &str) -> bool {
    text.trim_ascii_start().starts_with(['{', '[']) && text.trim_ascii() != "[DONE]" && !is_json(text)
}

fn error(kind: ErrorKind, message: String) -> StreamError<'static> {
    StreamError { kind, code: None, message: message.into(), retry_after_ms: None }
}

#[cfg(test)]
mod tests;
