//! What a [`ContentFilter`](super::ContentFilter) looks for, and why a pattern may be refused.

use std::fmt;

use super::automaton::Automaton;
#[cfg(feature = "regex")]
use super::regex::SIZE_LIMIT;
use super::wildcard;

/// A compiled pattern of a [`ContentFilter`](super::ContentFilter).
///
/// However it is written, it becomes one table that knows in every state whether a match can still follow.
/// That table is all the filter needs, so each syntax is independent of the others; the regex engine is
/// linked only with the feature `regex`.
///
/// ```
/// use ai_completion::stream::{ContentFilter, Pattern};
///
/// let filter = ContentFilter::new()
///     .delete(Pattern::wildcard("<think>**</think>")?)
///     .replace(Pattern::wildcard("api_key = \"*\"")?, "api_key = \"…\"")
///     .cut(Pattern::text("<|end|>")?);
/// # Ok::<(), ai_completion::stream::PatternError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pattern(Automaton);

impl Pattern {
    /// Exactly this text.
    ///
    /// # Errors
    /// [`PatternError`] if the text is empty or has more than 512 bytes.
    pub fn text(text: &str) -> Result<Self, PatternError> {
        Self::compiled(text, wildcard::compile(&wildcard::literal(text)))
    }

    /// Text in which `*` stands for any characters of one line and `**` for any characters, as few as
    /// possible; at the end of the pattern, for the rest of the line or of the text. `\*` is an asterisk and
    /// `\\` a backslash; a backslash before another character stands for itself.
    ///
    /// # Errors
    /// [`PatternError`] if the pattern has nothing but asterisks, more than 512 bytes, or too many asterisks.
    pub fn wildcard(pattern: &str) -> Result<Self, PatternError> {
        Self::compiled(pattern, wildcard::compile(&wildcard::parse(pattern)))
    }

    /// A regular expression in the syntax of the `regex` crate, with the Unicode classes `\w \d \s` and case
    /// folding, without other Unicode properties and without the Unicode word boundary.
    ///
    /// # Errors
    /// [`PatternError`] if it is no regular expression, needs too large an automaton, uses a Unicode word
    /// boundary, or matches the empty text.
    #[cfg(feature = "regex")]
    pub fn regex(pattern: &str) -> Result<Self, PatternError> {
        Self::compiled(pattern, super::regex::compile(pattern))
    }

    fn compiled(pattern: &str, automaton: Result<Automaton, Reason>) -> Result<Self, PatternError> {
        match automaton {
            Ok(automaton) => Ok(Self(automaton)),
            Err(reason) => Err(PatternError { pattern: pattern.to_owned(), reason }),
        }
    }

    pub(super) fn into_automaton(self) -> Automaton {
        self.0
    }
}

/// A pattern that a [`ContentFilter`](super::ContentFilter) does not take. Says which and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    #[cfg(feature = "regex")]
    Syntax(String),
    Empty,
    TooLong,
    #[cfg(feature = "regex")]
    UnicodeWordBoundary,
    #[cfg(feature = "regex")]
    TooLarge,
    #[cfg(feature = "regex")]
    Unsupported(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern `{}`: ", self.pattern)?;
        match &self.reason {
            Reason::Empty => f.write_str("matches the empty text, so it would match everywhere"),
            Reason::TooLong => f.write_str("has more than 512 bytes or too many asterisks"),
            #[cfg(feature = "regex")]
            Reason::TooLarge => write!(f, "needs an automaton of more than {} KiB", SIZE_LIMIT / 1024),
            #[cfg(feature = "regex")]
            Reason::UnicodeWordBoundary => f.write_str("write (?-u:\\b) instead of \\b, likewise (?-u:\\B)"),
            #[cfg(feature = "regex")]
            Reason::Syntax(message) | Reason::Unsupported(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for PatternError {}
