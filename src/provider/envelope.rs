//! From a frame to the sink: the wire decodes it, and characters that were cut between frames are joined.

use super::decoder::{Ends, Frame, Wire};
use super::leniency::Halves;
#[cfg(feature = "memo")]
use super::memo::Memo;
use crate::stream::{Sink, StreamToken};

/// What is known of the frames before.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    halves: Halves,
    #[cfg(feature = "memo")]
    memo: Memo,
}

impl Envelope {
    /// One whose memo never learns.
    #[cfg(feature = "memo")]
    pub(super) fn without_memo() -> Self {
        Self { memo: Memo::off(), ..Self::default() }
    }

    /// Decodes one frame.
    #[cfg(feature = "memo")]
    pub(super) fn frame(
        &mut self,
        wire: &mut dyn Wire,
        frame: Frame<'_>,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        self.memo.frame(&mut self.halves, wire, frame, ends, sink);
    }

    /// Decodes one frame.
    #[cfg(not(feature = "memo"))]
    pub(super) fn frame(
        &mut self,
        wire: &mut dyn Wire,
        mut frame: Frame<'_>,
        ends: &mut Ends,
        sink: &mut dyn Sink,
    ) {
        let mut tap = Tap::new(sink, frame.data, &mut self.halves);
        wire.frame(&mut frame, ends, &mut tap);
    }

    /// The answer is over.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        self.halves.finish(sink);
    }
}

/// Hands tokens on, and joins the halves of characters.
pub(super) struct Tap<'s> {
    sink: &'s mut dyn Sink,
    frame: &'s str,
    halves: &'s mut Halves,
}

impl<'s> Tap<'s> {
    /// For what the wire makes of the frame of that text.
    pub(super) fn new(sink: &'s mut dyn Sink, frame: &'s str, halves: &'s mut Halves) -> Self {
        Self { sink, frame, halves }
    }

    /// Whether the text has half a character, or comes behind one.
    pub(super) fn joins(&self, text: &str) -> bool {
        self.halves.concern(text)
    }
}

impl Sink for Tap<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        if let StreamToken::Text(text) = &token
            && self.joins(text)
        {
            let text = self.halves.join(text, self.frame);
            if !text.is_empty() {
                self.sink.token(StreamToken::Text(text.into()));
            }
            return;
        }
        self.sink.token(token);
    }
}
