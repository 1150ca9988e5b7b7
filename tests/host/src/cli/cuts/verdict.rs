//! What became of an answer.

use ai_completion::completion::postprocess::{CursorContext, Extent, postprocess};

use super::hole::Hole;

/// How the shown text compares with the text that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same, blanks at line ends aside.
    Exact,
    /// Its first lines: only so much is wanted at such a place. Not an error.
    Policy,
    TooLong,
    TooShort,
    Nothing,
    /// It differs within.
    Changed,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::Policy => "policy",
            Verdict::TooLong => "too long",
            Verdict::TooShort => "too short",
            Verdict::Nothing => "nothing",
            Verdict::Changed => "changed",
        }
    }

    pub fn of(shown: &str, truth: &str) -> Self {
        let (shown_text, truth_text) = (normal(shown), normal(truth));
        if shown_text == truth_text {
            return Verdict::Exact;
        }
        if shown_text.is_empty() {
            return Verdict::Nothing;
        }
        if let Some(rest) = truth_text.strip_prefix(&shown_text) {
            return if rest.starts_with('\n') { Verdict::Policy } else { Verdict::TooShort };
        }
        if shown_text.starts_with(&truth_text) { Verdict::TooLong } else { Verdict::Changed }
    }
}

/// The text without blanks at line ends, and without blank lines at its own.
fn normal(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// What is shown of an answer that comes byte by byte.
pub struct Stream {
    pub shown: String,
    /// A text that was shown is not the beginning of a later one.
    pub taken_back: bool,
}

/// Gives the answer byte by byte, until nothing more would be shown.
pub fn stream(hole: &Hole, answer: &str) -> Stream {
    let context = CursorContext::new(&hole.prefix, &hole.suffix, &hole.language, Extent::Auto);
    let mut stream = Stream { shown: String::new(), taken_back: false };
    for end in (1..answer.len()).filter(|end| answer.is_char_boundary(*end)) {
        let processed = postprocess(&context, answer.get(..end).unwrap_or_default(), false);
        stream.show(processed.text);
        if processed.complete {
            break;
        }
    }
    stream.show(postprocess(&context, answer, true).text);
    stream
}

impl Stream {
    fn show(&mut self, text: String) {
        self.taken_back |= !text.starts_with(&self.shown);
        self.shown = text;
    }
}
