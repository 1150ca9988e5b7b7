//! Patterns in answer text that is still coming.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Done, FinishReason, Sink, StreamToken, StreamTransformer, TextDelta, TransformResult};

mod automaton;
mod pattern;
#[cfg(feature = "regex")]
mod regex;
mod search;
mod wildcard;

pub use pattern::{Pattern, PatternError};
use search::{Match, Patterns, Search};

/// Deletes, replaces or ends answer text where a pattern matches, wherever the text is cut into
/// tokens.
///
/// The outcome is that of a search in the whole text: the leftmost match counts, of two that begin at the same
/// place the one whose pattern was added first. Text is held back only while a match that has begun in it may
/// still come true, decided by the pattern's automaton and not by a guess of length.
///
/// A choice's text is one text: tokens of another kind in between do not end it, and overtake what
/// is held. Text that a match has changed or held back has no log-probability. The text that is put in the place of
/// a match is not searched.
///
/// A clone shares the compiled patterns, so one filter can be built once and cloned for each stream.
///
/// ```
/// use ai_completion::stream::{ContentFilter, Pattern, StreamToken, StreamTransformer, TransformResult};
///
/// let mut filter = ContentFilter::new()
///     .replace(Pattern::text("colour")?, "hue")
///     .cut(Pattern::text("<|end|>")?);
/// let mut answer = String::new();
/// let mut out = |token: StreamToken<'_>| answer.push_str(token.text().unwrap_or(" (done)"));
/// for text in ["a col", "our <", "|en", "d|> and more"] {
///     match filter.transform(&mut StreamToken::Text(text.into()), &mut out) {
///         TransformResult::Pass => out(StreamToken::Text(text.into())),
///         TransformResult::Replace(token) => out(token),
///         TransformResult::Skip => {}
///         TransformResult::Error(error) => panic!("{error:?}"),
///     }
/// }
/// assert_eq!(answer, "a hue  (done)");
/// # Ok::<(), ai_completion::stream::PatternError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ContentFilter {
    rules: Arc<Rules>,
    channels: Vec<Channel>,
    out: String,
}

/// What is looked for, and what happens to it.
#[derive(Debug, Clone, Default)]
struct Rules {
    patterns: Patterns,
    /// By the number of the pattern.
    actions: Vec<Action>,
}

#[derive(Debug, Clone)]
enum Action {
    Replace(String),
    Cut,
}

/// The text of one choice.
#[derive(Debug, Clone)]
struct Channel {
    choice: u32,
    /// Its text comes as `Delta`, not as `Text`.
    delta: bool,
    search: Search,
    /// The end of the text seen so far, from where it is not decided.
    held: String,
    /// Text before this position was given out, be it decided or not.
    given: u64,
    cut: bool,
}

impl ContentFilter {
    /// A filter that lets everything pass.
    pub fn new() -> Self {
        Self::default()
    }

    /// A filter with the same patterns, which are shared, for a stream of its own: it has read nothing yet.
    pub(crate) fn afresh(&self) -> Self {
        Self { rules: Arc::clone(&self.rules), ..Self::default() }
    }

    /// Deletes what matches `pattern`.
    pub fn delete(self, pattern: Pattern) -> Self {
        self.replace(pattern, "")
    }

    /// Puts `text`, as it is, in the place of what matches `pattern`.
    pub fn replace(self, pattern: Pattern, text: &str) -> Self {
        self.add(pattern, Action::Replace(text.to_owned()))
    }

    /// Ends the choice where `pattern` begins to match: what comes before goes out at once and
    /// `Done` with [`FinishReason::Stop`] after it, so that the reader need not wait for the server;
    /// everything the choice brings later, its own end included, is dropped.
    pub fn cut(self, pattern: Pattern) -> Self {
        self.add(pattern, Action::Cut)
    }

    /// Whether it has no pattern, so that everything passes.
    pub fn is_empty(&self) -> bool {
        self.rules.actions.is_empty()
    }

    /// Whether a pattern matches in `text`.
    pub fn matches(&self, text: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut search = Search::default();
        let mut found = false;
        search.read(&self.rules.patterns, text, &mut |_| found = true);
        search.end(&self.rules.patterns, &mut |_| found = true);
        found
    }

    /// Goes on behind `text` of the first choice, which was given out before: by the stream that this one resumes.
    /// A match that begins in it and ends in the new text is found; only the new part of it can be changed.
    pub fn resume(mut self, text: &str) -> Self {
        let Self { rules, channels, out } = &mut self;
        let channel = channel(channels, 0);
        channel.read(text, rules, out);
        channel.given = channel.search.at();
        self
    }

    fn add(mut self, pattern: Pattern, action: Action) -> Self {
        let rules = Arc::make_mut(&mut self.rules);
        rules.patterns.add(pattern.into_automaton(), matches!(action, Action::Cut));
        rules.actions.push(action);
        self
    }

    fn is_cut(&self, choice: u32) -> bool {
        self.channels.iter().any(|channel| channel.choice == choice && channel.cut)
    }
}

fn channel(channels: &mut Vec<Channel>, choice: u32) -> &mut Channel {
    let at = channels.iter().position(|channel| channel.choice == choice).unwrap_or_else(|| {
        channels.push(Channel {
            choice,
            delta: false,
            search: Search::default(),
            held: String::new(),
            given: 0,
            cut: false,
        });
        channels.len() - 1
    });
    &mut channels[at]
}

impl Channel {
    /// Reads `text`; what is decided goes into `out`, the rest stays. Whether anything else than
    /// `text` itself came of it.
    fn read(&mut self, text: &str, rules: &Rules, out: &mut String) -> bool {
        let from = self.search.at() - self.held.len() as u64;
        let at = from.max(self.given);
        let actions = &rules.actions;
        let mut edit = Edit { held: &self.held, text, from, at, actions, out, cut: false };
        self.search.read(&rules.patterns, text, &mut |found| edit.apply(found));
        if edit.at == from && self.held.is_empty() && self.search.decided() == self.search.at() {
            return false;
        }
        edit.copy_to(self.search.decided());
        self.cut = edit.cut;
        let kept = (self.search.at() - self.search.decided()) as usize;
        self.keep(text, kept);
        true
    }

    /// Holds the last `kept` bytes of what was held and `text`.
    fn keep(&mut self, text: &str, kept: usize) {
        match text.len().checked_sub(kept) {
            Some(before) => {
                self.held.clear();
                self.held.push_str(text.get(before..).unwrap_or_default());
            }
            None => {
                let gone = (self.held.len() + text.len()).saturating_sub(kept);
                self.held.drain(..gone);
                self.held.push_str(text);
            }
        }
    }

    /// The text has ended: all of it is decided.
    fn end(&mut self, rules: &Rules, out: &mut String) {
        let end = self.search.at();
        let from = end - self.held.len() as u64;
        let at = from.max(self.given);
        let actions = &rules.actions;
        let mut edit = Edit { held: &self.held, text: "", from, at, actions, out, cut: false };
        self.search.end(&rules.patterns, &mut |found| edit.apply(found));
        edit.copy_to(end);
        self.cut = edit.cut;
        self.held.clear();
        // The search begins anew, at 0.
        self.given = 0;
    }

    fn token<'t>(&self, text: &'t str) -> StreamToken<'t> {
        let content = Cow::Borrowed(text);
        if self.delta {
            StreamToken::Delta(TextDelta { content, index: self.choice, logprob: None })
        } else {
            StreamToken::Text(content)
        }
    }

    fn done(&self) -> StreamToken<'static> {
        StreamToken::Done(Done { reason: FinishReason::Stop, index: self.choice })
    }
}

/// Copies text into `out` up to each match and does there what the pattern's action says.
struct Edit<'x> {
    held: &'x str,
    text: &'x str,
    /// Where `held` begins, in bytes from the beginning of the choice's text.
    from: u64,
    /// How far it was copied or left out.
    at: u64,
    actions: &'x [Action],
    out: &'x mut String,
    cut: bool,
}

impl Edit<'_> {
    fn apply(&mut self, found: Match) {
        if self.cut {
            return;
        }
        self.copy_to(found.start);
        self.at = self.at.max(found.end);
        match &self.actions[found.pattern] {
            Action::Replace(text) => self.out.push_str(text),
            Action::Cut => self.cut = true,
        }
    }

    fn copy_to(&mut self, end: u64) {
        if self.cut || end <= self.at {
            return;
        }
        let border = self.held.len();
        let (first, last) = ((self.at - self.from) as usize, (end - self.from) as usize);
        let held = self.held.get(first.min(border)..last.min(border));
        let text = self.text.get(first.saturating_sub(border)..last.saturating_sub(border));
        // Matches begin and end between characters; were that wrong, text would be missing here
        // rather than the plugin gone.
        self.out.push_str(held.unwrap_or_default());
        self.out.push_str(text.unwrap_or_default());
        self.at = end;
    }
}

impl StreamTransformer for ContentFilter {
    fn transform<'a>(
        &'a mut self,
        token: &mut StreamToken<'a>,
        before: &mut dyn Sink,
    ) -> TransformResult<'a> {
        let Some(text) = token.text() else {
            let over = match token {
                StreamToken::Usage(_) => false,
                StreamToken::Error(_) => !self.channels.is_empty() && self.channels.iter().all(|it| it.cut),
                _ => self.is_cut(token.choice()),
            };
            return if over { TransformResult::Skip } else { TransformResult::Pass };
        };
        let channel = channel(&mut self.channels, token.choice());
        if channel.cut {
            return TransformResult::Skip;
        }
        channel.delta = matches!(token, StreamToken::Delta(_));
        self.out.clear();
        if !channel.read(text, &self.rules, &mut self.out) {
            return TransformResult::Pass;
        }
        let text = channel.token(&self.out);
        match (channel.cut, self.out.is_empty()) {
            (false, true) => TransformResult::Skip,
            (false, false) => TransformResult::Replace(text),
            (true, nothing) => {
                if !nothing {
                    before.token(text);
                }
                TransformResult::Replace(channel.done())
            }
        }
    }

    fn flush(&mut self, choice: Option<u32>, out: &mut dyn Sink) {
        for channel in &mut self.channels {
            if channel.cut || choice.is_some_and(|choice| choice != channel.choice) {
                continue;
            }
            self.out.clear();
            channel.end(&self.rules, &mut self.out);
            if !self.out.is_empty() {
                out.token(channel.token(&self.out));
            }
            if channel.cut {
                out.token(channel.done());
            }
        }
    }
}

#[cfg(test)]
mod tests;
