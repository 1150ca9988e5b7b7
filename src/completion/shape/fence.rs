//! What chat models put around code: markdown fences and words.

use super::Hidden;

/// How an answer in words begins, in lower case.
const WORDS: &[&str] = &[
    "here is",
    "here's",
    "here are",
    "sure",
    "certainly",
    "of course",
    "okay,",
    "ok,",
    "the code",
    "the completion",
    "the missing",
    "to complete",
    "i'll",
    "i will",
    "i would",
    "i can",
    "i'm sorry",
    "i cannot",
    "i can't",
    "based on",
    "you can",
    "this code",
    "it looks like",
    "it seems",
    "below is",
    "the following",
    "let me",
    "as an ai",
    "```",
];
/// Languages in which words are the text.
const PROSE_LANGUAGES: &[&str] = &["markdown", "plaintext", "asciidoc", "latex", "git-commit", ""];

/// The code inside a fence or words, or the text itself where there are none.
pub(super) struct Unwrapped<'r> {
    pub(super) text: &'r str,
    pub(super) over: bool,
    pub(super) hidden: Option<Hidden>,
}

/// Takes the fence and the words around it away. While words may yet lead to a fence, nothing shows.
pub(super) fn unwrap<'r>(text: &'r str, ended: bool, language: &str) -> Unwrapped<'r> {
    let plain = |text| Unwrapped { text, over: false, hidden: None };
    let start = text.trim_start();
    let words = !PROSE_LANGUAGES.contains(&language) && in_words(start);
    if !start.starts_with("```") && !words {
        // A fence that closes what the model began without opening it.
        return match closing(text) {
            Some(end) if language != "markdown" => {
                Unwrapped { text: text.get(..end).unwrap_or_default(), over: true, hidden: None }
            }
            _ => plain(text),
        };
    }
    let fence = if start.starts_with("```") { Some(0) } else { start.find("\n```").map(|at| at + 1) };
    let Some(fence) = fence else {
        let hidden = ended.then_some(Hidden::Prose);
        return Unwrapped { text: "", over: false, hidden };
    };
    let inside = start.get(fence..).unwrap_or_default();
    let Some((_, code)) = inside.split_once('\n') else { return plain("") };
    match closing(code) {
        Some(end) => Unwrapped { text: code.get(..end).unwrap_or_default(), over: true, hidden: None },
        None => plain(code),
    }
}

/// Where a line begins that is a closing fence.
fn closing(code: &str) -> Option<usize> {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        if line.trim() == "```" {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Whether the text begins with words about code.
fn in_words(start: &str) -> bool {
    let head: String = start.chars().take(24).collect::<String>().to_lowercase();
    // A sentence, not an identifier: `sure_thing()` is code.
    let sentence = start
        .lines()
        .next()
        .is_some_and(|line| line.split(' ').count() >= 3 || line.ends_with([':', '!', '.']));
    sentence && WORDS.iter().any(|words| head.starts_with(words))
}
