//! From a frame to the sink: the wire decodes it, and characters that were cut between frames are joined.

use super::decoder::{Ends, Frame, Wire};
use super::leniency::{Echo, Halves};
#[cfg(feature = "memo")]
use super::memo::Memo;
use crate::stream::{Sink, StreamToken};

/// What is known of the frames before.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    halves: Halves,
    echo: Echo,
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
        self.memo.frame(&mut self.halves, &mut self.echo, wire, frame, ends, sink);
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
        let Self { halves, echo, .. } = self;
        let mut tap = Tap { sink, frame: frame.data, halves, echo };
        wire.frame(&mut frame, ends, &mut tap);
    }

    /// The answer is over.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        self.halves.finish(sink);
    }
}

/// Hands tokens on, joins the halves of characters, and leaves out an answer that is sent once more.
pub(super) struct Tap<'s> {
    pub(super) sink: &'s mut dyn Sink,
    /// The text of the frame that the tokens are of.
    pub(super) frame: &'s str,
    pub(super) halves: &'s mut Halves,
    pub(super) echo: &'s mut Echo,
}

impl Tap<'_> {
    /// Whether the text has half a character, or comes behind one.
    pub(super) fn joins(&self, text: &str) -> bool {
        self.halves.concern(text)
    }
}

impl Sink for Tap<'_> {
    fn token(&mut self, token: StreamToken<'_>) {
        match &token {
            StreamToken::Text(text) if self.joins(text) => {
                let text = self.halves.join(text, self.frame);
                if !text.is_empty() && self.echo.passes(&text, self.sink) {
                    self.sink.token(StreamToken::Text(text.into()));
                }
            }
            StreamToken::Text(text) if !self.echo.passes(text, self.sink) => {}
            _ => self.sink.token(token),
        }
    }
}
