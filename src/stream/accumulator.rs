//! Fewer, larger pieces of text.

use std::borrow::Cow;

use super::{Sink, StreamToken, StreamTransformer, TextDelta, TransformResult};

/// Gathers answer text into pieces of at least `min` and at most `max` bytes.
///
/// Bytes of UTF-8, not characters: they are what buffers and messages are sized in. A piece never
/// ends inside a character; a piece shorter than `min` comes only where the text itself ends, where
/// another kind of token follows, where the next character would bring it over `max`, or, when it is made
/// [`per_chunk`](Self::per_chunk), where the chunk ends. Only [`Usage`](StreamToken::Usage), which has no place in the
/// text and comes with every chunk at some providers, overtakes what is held. Choices are gathered
/// apart from each other. Log-probabilities add up in a piece made of whole tokens, and are dropped
/// where a token is cut.
///
/// ```
/// use ai_completion::stream::{StreamToken, StreamTransformer, TokenAccumulator};
///
/// let mut pieces = Vec::new();
/// let mut out = |token: StreamToken<'_>| pieces.push(token.into_owned());
/// let mut accumulator = TokenAccumulator::new(4, 6);
/// for text in ["a", "b", "cdefghijkl"] {
///     accumulator.transform(&mut StreamToken::Text(text.into()), &mut out);
/// }
/// accumulator.flush(None, &mut out);
/// assert_eq!(pieces, ["abcdef", "ghijkl"].map(|text| StreamToken::Text(text.into())));
/// ```
#[derive(Debug, Clone)]
pub struct TokenAccumulator {
    min: usize,
    max: usize,
    per_chunk: bool,
    held: Vec<Held>,
}

/// What is gathered of one choice.
#[derive(Debug, Clone)]
struct Held {
    kind: Kind,
    text: String,
    /// Of the tokens since the last piece; `None` when one of them has none, or was cut.
    logprob: Option<f64>,
}

/// Which token the gathered text goes out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Delta { index: u32, logprob: bool },
}

impl Kind {
    fn of(token: &StreamToken<'_>) -> Option<Self> {
        match token {
            StreamToken::Text(_) => Some(Self::Text),
            StreamToken::Delta(delta) => {
                Some(Self::Delta { index: delta.index, logprob: delta.logprob.is_some() })
            }
            _ => None,
        }
    }

    fn choice(self) -> u32 {
        match self {
            Self::Text => 0,
            Self::Delta { index, .. } => index,
        }
    }

    fn token(self, text: &str, logprob: Option<f64>) -> StreamToken<'_> {
        let content = Cow::Borrowed(text);
        match self {
            Self::Text => StreamToken::Text(content),
            Self::Delta { index, .. } => StreamToken::Delta(TextDelta { content, index, logprob }),
        }
    }
}

impl TokenAccumulator {
    /// Pieces of `min..=max` bytes. `max` is at least 4, the longest character, and `min` at most
    /// `max`; what is beyond is set to that.
    pub fn new(min: usize, max: usize) -> Self {
        let max = max.max(4);
        Self { min: min.min(max), max, per_chunk: false, held: Vec::new() }
    }

    /// Pieces of up to `max` bytes, made of the tokens of one chunk: what comes behind is called less often, and no
    /// text ever waits for the next chunk.
    pub fn per_chunk(max: usize) -> Self {
        Self { per_chunk: true, ..Self::new(max, max) }
    }

    /// The place where `kind`'s choice is gathered, free of text of another kind.
    fn place(&mut self, kind: Kind, out: &mut dyn Sink) -> &mut Held {
        let at = match self.held.iter().position(|held| held.kind.choice() == kind.choice()) {
            Some(at) => at,
            None => {
                self.held.push(Held { kind, text: String::new(), logprob: Some(0.0) });
                self.held.len() - 1
            }
        };
        let held = &mut self.held[at];
        if held.kind != kind {
            held.give_all(out);
            held.kind = kind;
        }
        held
    }
}

impl Held {
    fn give_all(&mut self, out: &mut dyn Sink) {
        if !self.text.is_empty() {
            out.token(self.kind.token(&self.text, self.logprob));
            self.text.clear();
        }
        self.logprob = Some(0.0);
    }

    /// Whether no token is gathered, not even one without text, whose log-probability counts all the same.
    fn is_new(&self) -> bool {
        self.text.is_empty() && self.logprob == Some(0.0)
    }

    /// Gives pieces as long as `min` bytes are there.
    fn give(&mut self, min: usize, max: usize, out: &mut dyn Sink) {
        let mut rest = self.text.as_str();
        while rest.len() > max {
            // What is cut off no longer is whole tokens.
            self.logprob = None;
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(max));
            out.token(self.kind.token(piece, None));
            rest = behind;
        }
        let given = self.text.len() - rest.len();
        self.text.drain(..given);
        if self.text.len() >= min {
            self.give_all(out);
        }
    }
}

impl StreamTransformer for TokenAccumulator {
    fn transform<'a>(
        &'a mut self,
        token: &mut StreamToken<'a>,
        before: &mut dyn Sink,
    ) -> TransformResult<'a> {
        let (Some(kind), Some(text)) = (Kind::of(token), token.text()) else {
            if !matches!(token, StreamToken::Usage(_) | StreamToken::Done(_)) {
                self.flush(None, before);
            }
            return TransformResult::Pass;
        };
        let (min, max) = (self.min, self.max);
        let held = self.place(kind, before);
        if held.is_new() && (min..=max).contains(&text.len()) {
            return TransformResult::Pass;
        }
        let logprob = match &*token {
            StreamToken::Delta(delta) => delta.logprob,
            _ => None,
        };
        held.logprob = held.logprob.zip(logprob).map(|(sum, more)| sum + more);
        held.text.push_str(text);
        held.give(min, max, before);
        TransformResult::Skip
    }

    fn pause(&mut self, out: &mut dyn Sink) {
        if self.per_chunk {
            self.flush(None, out);
        }
    }

    fn flush(&mut self, choice: Option<u32>, out: &mut dyn Sink) {
        for held in &mut self.held {
            if choice.is_none_or(|choice| choice == held.kind.choice()) {
                held.give_all(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Done, FinishReason, Usage};
    use super::*;

    fn text(text: &str) -> StreamToken<'_> {
        StreamToken::Text(text.into())
    }

    fn delta(content: &str, index: u32, logprob: Option<f64>) -> StreamToken<'_> {
        StreamToken::Delta(TextDelta { content: content.into(), index, logprob })
    }

    fn done(index: u32) -> StreamToken<'static> {
        StreamToken::Done(Done { reason: FinishReason::Stop, index })
    }

    /// What comes out of an accumulator within a pipeline's rules.
    fn gathered(min: usize, max: usize, tokens: &[StreamToken<'_>]) -> Vec<StreamToken<'static>> {
        let mut accumulator = TokenAccumulator::new(min, max);
        let mut given = Vec::new();
        let mut out = |token: StreamToken<'_>| given.push(token.into_owned());
        for token in tokens {
            let mut token = token.clone();
            if let StreamToken::Done(done) = token {
                accumulator.flush(Some(done.index), &mut out);
            }
            match accumulator.transform(&mut token, &mut out) {
                TransformResult::Pass => out(token),
                other => assert_eq!(other, TransformResult::Skip),
            }
        }
        accumulator.flush(None, &mut out);
        given
    }

    #[test]
    fn pieces_keep_to_min_and_max() {
        let table: &[(usize, usize, &[&str], &[&str])] = &[
            (3, 8, &["a", "b", "c", "d"], &["abc", "d"]),
            (3, 8, &["abc"], &["abc"]),
            (3, 8, &["abcdefgh"], &["abcdefgh"]),
            (3, 8, &["abcdefghi"], &["abcdefgh", "i"]),
            (3, 8, &["ab", "cdefghijkl"], &["abcdefgh", "ijkl"]),
            (0, 8, &["a", "", "b"], &["a", "", "b"]),
            (1, 4, &["😀😀"], &["😀", "😀"]),
            (1, 5, &["aa😀a😀"], &["aa", "😀a", "😀"]),
            // No piece of exactly five bytes can be made of this.
            (5, 5, &["aa😀", "a😀a"], &["aa", "😀a", "😀a"]),
            // Out of range: max becomes 4, min becomes max.
            (9, 0, &["abc", "def"], &["abcd", "ef"]),
        ];
        for (min, max, tokens, expected) in table {
            let tokens: Vec<_> = tokens.iter().map(|piece| text(piece)).collect();
            let expected: Vec<_> = expected.iter().map(|piece| text(piece)).collect();
            assert_eq!(gathered(*min, *max, &tokens), expected, "{min}..={max} {tokens:?}");
        }
    }

    #[test]
    fn the_end_of_a_chunk_ends_a_piece_if_wished() {
        for (mut accumulator, after_pause) in
            [(TokenAccumulator::per_chunk(64), &["ab"][..]), (TokenAccumulator::new(64, 64), &[])]
        {
            let mut given = Vec::new();
            let mut out = |token: StreamToken<'_>| given.push(token.text().unwrap_or_default().to_owned());
            for piece in ["a", "b"] {
                assert_eq!(accumulator.transform(&mut text(piece), &mut out), TransformResult::Skip);
            }
            accumulator.pause(&mut out);
            accumulator.pause(&mut out);
            assert_eq!(given, after_pause);
        }
    }

    #[test]
    fn other_kinds_come_after_the_text_before_them() {
        let thought = || StreamToken::Reasoning("hm".into());
        let usage = || StreamToken::Usage(Usage::default());
        assert_eq!(
            gathered(9, 9, &[text("a"), thought(), text("b"), usage(), text("c"), done(0)]),
            [text("a"), thought(), usage(), text("bc"), done(0)],
        );
    }

    #[test]
    fn choices_are_gathered_apart() {
        assert_eq!(
            gathered(
                2,
                9,
                &[
                    text("a"),
                    delta("x", 1, None),
                    text("b"),
                    delta("y", 1, None),
                    text("c"),
                    delta("z", 1, None),
                    done(1),
                    done(0),
                ]
            ),
            [text("ab"), delta("xy", 1, None), delta("z", 1, None), done(1), text("c"), done(0)],
        );
    }

    #[test]
    fn log_probabilities_add_up_over_whole_tokens_only() {
        assert_eq!(
            gathered(4, 4, &[delta("ab", 0, Some(-1.0)), delta("cd", 0, Some(-0.5))]),
            [delta("abcd", 0, Some(-1.5))],
        );
        assert_eq!(
            gathered(4, 4, &[delta("ab", 0, Some(-1.0)), delta("cde", 0, Some(-0.5))]),
            [delta("abcd", 0, None), delta("e", 0, None)],
        );
        assert_eq!(
            gathered(4, 4, &[delta("ab", 0, Some(-1.0)), delta("cd", 0, None)]),
            [delta("ab", 0, Some(-1.0)), delta("cd", 0, None)],
        );
        // A token without text: the first bytes of a character that the next one completes.
        assert_eq!(
            gathered(1, 4, &[delta("", 0, Some(-1.0)), delta("é", 0, Some(-0.5)), delta("b", 0, Some(-2.0))]),
            [delta("é", 0, Some(-1.5)), delta("b", 0, Some(-2.0))],
        );
    }
}
