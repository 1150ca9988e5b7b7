//! The way from body bytes to tokens that all formats share.

use crate::stream::{Decode, FinishReason, Sink};

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

/// What one wire format does with a frame. One value per response.
///
/// Contract that the envelope memo rests on: when a frame yields exactly one text or reasoning token
/// and nothing else, a second frame that differs only in that text changes nothing in `self` that
/// the first has not.
pub trait Wire {
    /// Decodes one frame: `event` is its name (empty where the framing has none), `data` its text.
    /// Finish reasons and end markers are said to `ends`, everything else goes to `sink`.
    fn frame(&mut self, event: &str, data: &str, ends: &mut Ends, sink: &mut dyn Sink);
}

/// What a response has said so far about its end. [`Decoder`] turns it into `Done` or `Error`
/// tokens when the body is over, so that usage that comes after the finish reason stays before it.
#[derive(Debug, Default)]
pub struct Ends {
    reasons: Vec<(u32, FinishReason)>,
    marker: bool,
    failed: bool,
}

impl Ends {
    /// Choice `index` gave a finish reason; the first one wins.
    pub fn finished(&mut self, index: u32, reason: FinishReason) {
        if !self.reasons.iter().any(|(i, _)| *i == index) {
            self.reasons.push((index, reason));
        }
    }

    /// The format's end marker was seen (`[DONE]`, `message_stop`, `"done":true`).
    pub fn marker(&mut self) {
        self.marker = true;
    }

    /// An error token went out; no `Done` follows.
    pub fn failed(&mut self) {
        self.failed = true;
    }
}

/// Decodes the body of one response.
pub struct Decoder {
    #[expect(dead_code)]
    framing: Framing,
    #[expect(dead_code)]
    wire: Box<dyn Wire>,
    #[expect(dead_code)]
    ends: Ends,
}

impl Decoder {
    /// A decoder of that framing and format.
    pub fn new(framing: Framing, wire: Box<dyn Wire>) -> Self {
        Self { framing, wire, ends: Ends::default() }
    }
}

impl Decode for Decoder {
    fn feed(&mut self, _chunk: &[u8], _sink: &mut impl Sink) {}

    fn finish(&mut self, _sink: &mut impl Sink) {}
}
