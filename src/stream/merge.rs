//! Joining neighbouring tokens into one.

use std::borrow::Cow;

use super::{StreamToken, TextDelta};

impl<'a> StreamToken<'a> {
    /// Appends `next`, the token that follows this one in the stream.
    ///
    /// Pieces of the same text or of the same call join; of two usage counts the later stays.
    /// Log-probabilities add up. Joining copies the text.
    ///
    /// # Errors
    /// Gives `next` back, and leaves `self` as it is, when the two are not pieces of one thing:
    /// different kinds, choices or calls, a call that begins anew, text with a log-probability and
    /// text without, or anything with `Done` or `Error`.
    ///
    /// ```
    /// use ai_completion::stream::StreamToken;
    ///
    /// let mut token = StreamToken::Text("let ".into());
    /// assert_eq!(token.merge(StreamToken::Text("x".into())), Ok(()));
    /// assert_eq!(token.text(), Some("let x"));
    ///
    /// let thought = StreamToken::Reasoning("hm".into());
    /// assert_eq!(token.merge(thought.clone()), Err(thought));
    /// ```
    pub fn merge<'b>(&mut self, next: StreamToken<'b>) -> Result<(), StreamToken<'b>> {
        match (self, next) {
            (Self::Text(text), StreamToken::Text(more))
            | (Self::Reasoning(text), StreamToken::Reasoning(more))
            | (Self::Refusal(text), StreamToken::Refusal(more)) => append(text, &more),
            (Self::Delta(delta), StreamToken::Delta(more)) if joinable(delta, &more) => {
                append(&mut delta.content, &more.content);
                delta.logprob = delta.logprob.zip(more.logprob).map(|(a, b)| a + b);
            }
            (Self::FunctionCall(call), StreamToken::FunctionCall(more)) if more.name.is_none() => {
                append(&mut call.arguments, &more.arguments);
            }
            (Self::ToolCall(call), StreamToken::ToolCall(more))
                if (more.choice, more.index) == (call.choice, call.index)
                    && more.id.is_none()
                    && more.name.is_none() =>
            {
                append(&mut call.arguments, &more.arguments);
            }
            (Self::Usage(usage), StreamToken::Usage(more)) => *usage = more,
            (_, next) => return Err(next),
        }
        Ok(())
    }
}

fn joinable(delta: &TextDelta<'_>, more: &TextDelta<'_>) -> bool {
    delta.index == more.index && delta.logprob.is_some() == more.logprob.is_some()
}

fn append(text: &mut Cow<'_, str>, more: &str) {
    // Not even the copy out of a borrow, which `to_mut` makes, for nothing.
    if !more.is_empty() {
        text.to_mut().push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Done, ErrorKind, FinishReason, FunctionCall, StreamError, ToolCall, Usage};
    use super::*;

    fn delta(content: &str, index: u32, logprob: Option<f64>) -> StreamToken<'_> {
        StreamToken::Delta(TextDelta { content: content.into(), index, logprob })
    }

    fn call<'a>(index: u32, id: Option<&'a str>, arguments: &'a str) -> StreamToken<'a> {
        StreamToken::ToolCall(ToolCall {
            choice: 0,
            index,
            id: id.map(Cow::Borrowed),
            name: None,
            arguments: arguments.into(),
        })
    }

    fn function<'a>(name: Option<&'a str>, arguments: &'a str) -> StreamToken<'a> {
        StreamToken::FunctionCall(FunctionCall { name: name.map(Cow::Borrowed), arguments: arguments.into() })
    }

    fn usage(output: u64) -> StreamToken<'static> {
        StreamToken::Usage(Usage { output: Some(output), ..Usage::default() })
    }

    fn done() -> StreamToken<'static> {
        StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 })
    }

    fn error() -> StreamToken<'static> {
        StreamToken::Error(StreamError {
            kind: ErrorKind::Transient,
            code: None,
            message: "busy".into(),
            retry_after_ms: None,
        })
    }

    #[test]
    fn pieces_of_one_thing_join() {
        use StreamToken::{Reasoning, Refusal, Text};
        let table = [
            (Text("a".into()), Text("b".into()), Text("ab".into())),
            (Text("a".into()), Text("".into()), Text("a".into())),
            (Reasoning("a".into()), Reasoning("b".into()), Reasoning("ab".into())),
            (Refusal("a".into()), Refusal("b".into()), Refusal("ab".into())),
            (delta("a", 1, None), delta("b", 1, None), delta("ab", 1, None)),
            (delta("a", 0, Some(-1.5)), delta("b", 0, Some(-0.5)), delta("ab", 0, Some(-2.0))),
            (function(Some("f"), "{"), function(None, "}"), function(Some("f"), "{}")),
            (call(1, Some("x"), "{"), call(1, None, "}"), call(1, Some("x"), "{}")),
            (usage(1), usage(7), usage(7)),
        ];
        for (first, next, expected) in table {
            let mut joined = first.clone();
            assert_eq!(joined.merge(next.clone()), Ok(()), "{first:?} + {next:?}");
            assert_eq!(joined, expected);
        }
    }

    #[test]
    fn what_does_not_join_comes_back_and_changes_nothing() {
        use StreamToken::{Reasoning, Refusal, Text};
        let table = [
            (Text("a".into()), Reasoning("b".into())),
            (Reasoning("a".into()), Refusal("b".into())),
            (Text("a".into()), delta("b", 0, None)),
            (delta("a", 0, None), delta("b", 1, None)),
            (delta("a", 0, Some(-1.0)), delta("b", 0, None)),
            (function(Some("f"), "{}"), function(Some("g"), "{}")),
            (call(0, Some("x"), "{}"), call(1, None, "}")),
            (call(0, Some("x"), "{}"), call(0, Some("y"), "{")),
            (done(), done()),
            (error(), error()),
            (Text("a".into()), done()),
        ];
        for (first, next) in table {
            let mut kept = first.clone();
            assert_eq!(kept.merge(next.clone()), Err(next));
            assert_eq!(kept, first);
        }
    }
}
