//! What may be done to tokens between the decoder and the sink.

use super::{Sink, StreamError, StreamToken};

/// One stage of a [`StreamingPipeline`](super::StreamingPipeline): looks at every token and lets it
/// pass, drops it, changes it, or makes several of it.
///
/// The shape is what keeps stages free of allocation: a stage that gathers text lends it out of its
/// own buffer (hence `'a` on `self`), and a stage that has more than one token to give hands all
/// but the last to `before`, which takes them down the rest of the pipeline at once.
///
/// ```
/// use ai_completion::stream::{Sink, StreamToken, StreamTransformer, TransformResult};
///
/// /// Drops the model's thinking.
/// struct NoReasoning;
///
/// impl StreamTransformer for NoReasoning {
///     fn transform<'a>(
///         &'a mut self,
///         token: &mut StreamToken<'a>,
///         _before: &mut dyn Sink,
///     ) -> TransformResult<'a> {
///         match token {
///             StreamToken::Reasoning(_) => TransformResult::Skip,
///             _ => TransformResult::Pass,
///         }
///     }
/// }
/// ```
pub trait StreamTransformer: Send + Sync {
    /// Takes the next token. What is given to `before` goes on ahead of what the result says.
    fn transform<'a>(&'a mut self, token: &mut StreamToken<'a>, before: &mut dyn Sink)
    -> TransformResult<'a>;

    /// The bytes that have come are used up; more may come later, or none for a while. A stage that holds text only to
    /// make larger pieces of it gives it out now, one that cannot know yet what it is goes on holding it.
    fn pause(&mut self, out: &mut dyn Sink) {
        let _ = out;
    }

    /// Gives out what is still held, in order, because the text ends: of `choice`, whose `Done` is
    /// the next token, or of all choices when it is `None` (an `Error` is next, or nothing is).
    fn flush(&mut self, choice: Option<u32>, out: &mut dyn Sink) {
        let _ = (choice, out);
    }
}

/// What becomes of the token a [`StreamTransformer`] was shown.
#[derive(Debug, Clone, PartialEq)]
pub enum TransformResult<'a> {
    /// It goes on, with whatever was changed in place.
    Pass,
    /// It goes no further.
    Skip,
    /// Another goes on in its place.
    Replace(StreamToken<'a>),
    /// The stage cannot go on: the stream ends here with this error, and what the stage held is lost.
    Error(StreamError<'a>),
}
