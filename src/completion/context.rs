//! What goes into a prompt: the window around the cursor and pieces of other documents.

use std::collections::HashSet;

use super::engine::{Buffer, Buffers};
use super::gates::Gates;
use super::shape::Extent;
use crate::provider::{Prompt, Snippet};

/// Bytes of code a token stands for, a guess on the safe side (zed guesses 3 as well).
const BYTES_PER_TOKEN: usize = 3;
/// Lines of a candidate snippet (cody compares windows of 50 lines).
const WINDOW_LINES: usize = 40;
/// Lines around the cursor that snippets are compared with.
const QUERY_LINES: usize = 30;
/// Most snippets in one prompt.
const SNIPPETS: usize = 4;
/// Identifiers that two texts must share before one is worth the other's budget, by Jaccard index.
const SIMILAR: f32 = 0.06;
/// Documents larger than this are not searched for snippets, in bytes.
const SEARCHED: usize = 256 * 1024;

/// How much may go into a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Tokens in all, by estimate.
    pub tokens: usize,
    /// Whether other documents may be quoted.
    pub snippets: bool,
    /// Files that must not be quoted either.
    pub gates: Gates,
}

/// What is wanted at which place.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The cursor, in bytes.
    pub offset: usize,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// How much of an answer is wanted.
    pub extent: Extent,
    /// Name of the workspace's folder.
    pub repository: &'a str,
}

/// The prompt for a place in `buffer`.
pub fn prompt(buffer: &Buffer<'_>, buffers: &dyn Buffers, wish: &Wish<'_>, budget: &Budget) -> Prompt {
    let total = budget.tokens * BYTES_PER_TOKEN;
    let (before, after) = (
        buffer.text.get(..wish.offset).unwrap_or(buffer.text),
        buffer.text.get(wish.offset..).unwrap_or_default(),
    );
    let snippets = if budget.snippets {
        snippets(buffer, before, after, buffers, &budget.gates, total / 4)
    } else {
        Vec::new()
    };
    let quoted: usize = snippets.iter().map(|snippet| snippet.text.len() + snippet.path.len()).sum();
    let window = total.saturating_sub(quoted);
    // Three parts before the cursor, one after; what one does not need the other gets.
    let suffix_share = (window / 4).max(window.saturating_sub(before.len())).min(after.len());
    let prefix = last_lines(before, window - suffix_share.min(window));
    let suffix = first_lines(after, window.saturating_sub(prefix.len()).min(suffix_share.max(window / 4)));
    Prompt {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
        path: buffer.path.to_owned(),
        language: buffer.language.to_owned(),
        repository: wish.repository.to_owned(),
        snippets,
        max_tokens: wish.max_tokens,
        stop: if wish.extent == Extent::Line { vec!["\n".to_owned()] } else { Vec::new() },
        received: String::new(),
    }
}

/// The windows of other open documents most like the text around the cursor, the best last.
fn snippets(
    buffer: &Buffer<'_>,
    before: &str,
    after: &str,
    buffers: &dyn Buffers,
    gates: &Gates,
    bytes: usize,
) -> Vec<Snippet> {
    let start = before.rmatch_indices('\n').nth(QUERY_LINES).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(QUERY_LINES / 3).map_or(after.len(), |(at, _)| at);
    let mut query = identifiers(before.get(start..).unwrap_or_default());
    query.extend(identifiers(after.get(..end).unwrap_or_default()));
    let mut found: Vec<(f32, Snippet)> = Vec::new();
    for (age, other) in buffers.all().into_iter().enumerate() {
        let own = other.uri == buffer.uri;
        if own || other.text.len() > SEARCHED || gates.ignored(other.path).is_some() {
            continue;
        }
        if let Some((score, text)) = best_window(&query, other.text, bytes) {
            // What was edited a moment ago is likelier to matter than what lies open.
            let recency = 0.02 / (age + 1) as f32;
            found.push((score + recency, Snippet { path: other.path.to_owned(), text: text.to_owned() }));
        }
    }
    let mut left = bytes;
    let mut chosen = Vec::new();
    while chosen.len() < SNIPPETS {
        let best = found.iter().enumerate().max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0)).map(|(at, _)| at);
        let Some((_, snippet)) = best.map(|at| found.swap_remove(at)) else { break };
        let size = snippet.text.len() + snippet.path.len();
        if size > left {
            break;
        }
        left -= size;
        chosen.push(snippet);
    }
    chosen.reverse();
    chosen
}

/// The window of `text` with the highest Jaccard index over identifiers, if it is high enough.
fn best_window<'t>(query: &HashSet<&str>, text: &'t str, bytes: usize) -> Option<(f32, &'t str)> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut best: Option<(f32, &str)> = None;
    for first in (0..starts.len()).step_by(WINDOW_LINES / 2) {
        let start = *starts.get(first)?;
        let end = starts.get(first + WINDOW_LINES).copied().unwrap_or(text.len());
        let window = text.get(start..end)?.trim_end();
        let window = first_lines(window, bytes / 2);
        let words = identifiers(window);
        let shared = query.intersection(&words).count();
        let all = query.len() + words.len() - shared;
        let score = if all == 0 { 0.0 } else { shared as f32 / all as f32 };
        if score >= SIMILAR && best.is_none_or(|(known, _)| score > known) {
            best = Some((score, window));
        }
    }
    best
}

/// Words of at least three characters that start like an identifier.
fn identifiers(text: &str) -> HashSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 2 && !word.starts_with(|c: char| c.is_ascii_digit()))
        .collect()
}

/// The end of `text`, whole lines, at most `bytes` long; part of a line only if that line alone is longer.
///
/// The cut moves in steps of a quarter of the window: while the user types, the prompt begins with the
/// same bytes, and the provider's prompt cache hits.
fn last_lines(text: &str, bytes: usize) -> &str {
    let over = text.len().saturating_sub(bytes);
    if over == 0 {
        return text;
    }
    let mut start = over.next_multiple_of((bytes / 4).max(1)).min(text.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let rest = text.get(start..).unwrap_or_default();
    match rest.find('\n') {
        Some(end) if end + 1 < rest.len() => rest.get(end + 1..).unwrap_or_default(),
        _ => rest,
    }
}

/// The beginning of `text`, whole lines, at most `bytes` long; part of a line only if that line alone is
/// longer.
fn first_lines(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or_default();
    match head.rfind('\n') {
        Some(at) if at > 0 => head.get(..=at).unwrap_or_default(),
        _ => head,
    }
}
