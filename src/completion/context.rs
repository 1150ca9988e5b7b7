//! What goes into a prompt: the window around the cursor and pieces of other documents.

use std::collections::HashSet;
use std::ops::Range;

use super::edits::RecentEdits;
use super::events::{Buffer, Buffers};
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
/// Most of them from places of recent edits (tabby sends three changed pieces of code).
const EDITS: usize = 2;
/// Lines above and below an edit that are quoted with it.
const EDIT_LINES: usize = 4;
/// Identifiers that two texts must share before one is worth the other's budget, by Jaccard index.
const SIMILAR: f32 = 0.06;
/// Documents larger than this are not searched for snippets, in bytes.
const SEARCHED: usize = 256 * 1024;
/// Bytes searched in all, the documents edited last first.
const SEARCHED_IN_ALL: usize = 384 * 1024;
/// The window's edges move in steps of this part of the budget: while the user types, the prompt stays the
/// same but for its end, and the provider's prompt cache hits.
const STEPS: usize = 12;

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
    /// Where the user has been writing.
    pub edits: &'a RecentEdits,
}

/// The prompt for a place in `buffer`.
pub fn prompt(buffer: &Buffer<'_>, buffers: &dyn Buffers, wish: &Wish<'_>, budget: &Budget) -> Prompt {
    let total = budget.tokens * BYTES_PER_TOKEN;
    let (before, after) = (
        buffer.text.get(..wish.offset).unwrap_or(buffer.text),
        buffer.text.get(wish.offset..).unwrap_or_default(),
    );
    let snippets =
        if budget.snippets { snippets(buffer, buffers, wish, &budget.gates, total) } else { Vec::new() };
    let quoted: usize = snippets.iter().map(|snippet| snippet.text.len() + snippet.path.len()).sum();
    let window = total.saturating_sub(quoted);
    let step = (total / STEPS).max(1);
    // Three parts before the cursor, one after; what one does not need the other gets.
    let unused = window.saturating_sub(before.len().next_multiple_of(step));
    let suffix_share = (window / 4).max(unused).min(after.len());
    let prefix = last_lines(before, window - suffix_share, step);
    let suffix = first_lines(after, suffix_share);
    Prompt {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
        path: told_path(buffer.path).to_owned(),
        language: buffer.language.to_owned(),
        repository: wish.repository.to_owned(),
        snippets,
        max_tokens: wish.max_tokens,
        stop: if wish.extent == Extent::Line { vec!["\n".to_owned()] } else { Vec::new() },
        received: String::new(),
    }
}

/// What a prompt says of a file's path. Outside the workspace it is the file's name: the folders above it may tell who
/// the user is.
fn told_path(path: &str) -> &str {
    let is_absolute = path.starts_with('/') || path.contains(':');
    if is_absolute { path.rsplit(['/', ':']).next().unwrap_or_default() } else { path }
}

/// A piece of a document that may be quoted.
struct Candidate<'b> {
    score: f32,
    buffer: Buffer<'b>,
    range: Range<usize>,
}

/// What is worth quoting: where the user has just been writing, and the windows of other open documents most like
/// the text around the cursor. In the order of their paths: which one is the best changes from word to word, and
/// what is quoted should stay the same.
fn snippets(
    buffer: &Buffer<'_>,
    buffers: &dyn Buffers,
    wish: &Wish<'_>,
    gates: &Gates,
    total: usize,
) -> Vec<Snippet> {
    let bytes = total / 4;
    let mut found = edited(buffer, buffers, wish, total);
    found.extend(alike(buffer, buffers, wish.offset, bytes));
    // There are many of one document in a row, and dozens of globs.
    let mut document = ("", false);
    found.retain(|candidate| {
        if document.0 != candidate.buffer.uri {
            document = (candidate.buffer.uri, gates.ignored(candidate.buffer.path).is_none());
        }
        document.1
    });
    let found = sorted(found, |a, b| a.score >= b.score);
    let mut left = bytes;
    let mut chosen: Vec<Candidate<'_>> = Vec::new();
    for candidate in found {
        let there = |other: &Candidate<'_>| {
            let (a, b) = (&other.range, &candidate.range);
            other.buffer.uri == candidate.buffer.uri && a.start < b.end && b.start < a.end
        };
        let size = candidate.range.len() + candidate.buffer.path.len();
        if chosen.len() < SNIPPETS && size <= left && !chosen.iter().any(there) {
            left -= size;
            chosen.push(candidate);
        }
    }
    let chosen = sorted(chosen, |a, b| (a.buffer.path, a.range.start) <= (b.buffer.path, b.range.start));
    let quote = |Candidate { buffer, range, .. }: Candidate<'_>| Snippet {
        path: told_path(buffer.path).to_owned(),
        text: buffer.text.get(range).unwrap_or_default().to_owned(),
    };
    chosen.into_iter().map(quote).collect()
}

/// The candidates in order, those that are equal as they were. There are few: `sort_by` would add 7 KB to the wasm.
fn sorted<'b>(
    candidates: Vec<Candidate<'b>>,
    in_order: fn(&Candidate<'_>, &Candidate<'_>) -> bool,
) -> Vec<Candidate<'b>> {
    let mut sorted: Vec<Candidate<'b>> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let at = sorted.partition_point(|other| in_order(other, &candidate));
        sorted.insert(at, candidate);
    }
    sorted
}

/// The places of recent edits that the window around the cursor does not show.
fn edited<'b>(
    buffer: &Buffer<'_>,
    buffers: &'b dyn Buffers,
    wish: &Wish<'_>,
    total: usize,
) -> Vec<Candidate<'b>> {
    let mut found = Vec::new();
    for place in wish.edits.latest() {
        let shown = place.uri == buffer.uri
            && place.range.end + total > wish.offset
            && place.range.start < wish.offset + total;
        if shown || found.len() == EDITS {
            continue;
        }
        let Some(other) = buffers.get(&place.uri) else { continue };
        if let Some(range) = lines_around(other.text, &place.range, total / 8) {
            found.push(Candidate { score: 2.0 - found.len() as f32 * 0.1, buffer: other, range });
        }
    }
    found
}

/// Whole lines: those of `range` and [`EDIT_LINES`] on each side, as far as they fit into `bytes`.
fn lines_around(text: &str, range: &Range<usize>, bytes: usize) -> Option<Range<usize>> {
    let (before, after) = (text.get(..range.start)?, text.get(range.end..)?);
    let start = before.rmatch_indices('\n').nth(EDIT_LINES).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(EDIT_LINES).map_or(text.len(), |(at, _)| range.end + at);
    let lines = first_lines(text.get(start..end)?, bytes).trim_end();
    (!lines.trim().is_empty()).then(|| start..start + lines.len())
}

/// The best window of each other document, if it is like enough.
fn alike<'b>(
    buffer: &Buffer<'_>,
    buffers: &'b dyn Buffers,
    offset: usize,
    bytes: usize,
) -> Vec<Candidate<'b>> {
    let (before, after) =
        (buffer.text.get(..offset).unwrap_or_default(), buffer.text.get(offset..).unwrap_or_default());
    let start = before.rmatch_indices('\n').nth(QUERY_LINES).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(QUERY_LINES / 3).map_or(after.len(), |(at, _)| at);
    let mut query = identifiers(before.get(start..).unwrap_or_default());
    query.extend(identifiers(after.get(..end).unwrap_or_default()));
    let mut found = Vec::new();
    let mut searched = 0;
    for (age, other) in buffers.all().into_iter().enumerate() {
        if other.uri == buffer.uri || other.text.len() > SEARCHED {
            continue;
        }
        searched += other.text.len();
        if searched > SEARCHED_IN_ALL {
            break;
        }
        if let Some((score, range)) = best_window(&query, other.text, bytes) {
            // What was edited a moment ago is likelier to matter than what lies open.
            let recency = 0.02 / (age + 1) as f32;
            found.push(Candidate { score: score + recency, buffer: other, range });
        }
    }
    found
}

/// The window of `text` with the highest Jaccard index over identifiers, if it is high enough.
fn best_window(query: &HashSet<&str>, text: &str, bytes: usize) -> Option<(f32, Range<usize>)> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut best: Option<(f32, Range<usize>)> = None;
    for first in (0..starts.len()).step_by(WINDOW_LINES / 2) {
        let start = *starts.get(first)?;
        let end = starts.get(first + WINDOW_LINES).copied().unwrap_or(text.len());
        let window = text.get(start..end)?.trim_end();
        let window = first_lines(window, bytes / 2);
        let words = identifiers(window);
        let shared = query.intersection(&words).count();
        let all = query.len() + words.len() - shared;
        let score = if all == 0 { 0.0 } else { shared as f32 / all as f32 };
        if score >= SIMILAR && best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, start..start + window.len()));
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
/// Where it begins moves by `step` bytes at a time.
fn last_lines(text: &str, bytes: usize, step: usize) -> &str {
    let over = text.len().saturating_sub(bytes);
    if over == 0 {
        return text;
    }
    let mut start = over.next_multiple_of(step.min(bytes / 2).max(1)).min(text.len());
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

#[cfg(test)]
mod tests {
    use super::super::globs::Globs;
    use super::*;

    struct Open(Vec<(&'static str, String)>);

    impl Open {
        fn buffer(&self, at: usize) -> Buffer<'_> {
            let (path, text) = &self.0[at];
            Buffer { uri: path, path, language: "rust", text }
        }
    }

    impl Buffers for Open {
        fn get(&self, uri: &str) -> Option<Buffer<'_>> {
            (0..self.0.len()).map(|at| self.buffer(at)).find(|buffer| buffer.uri == uri)
        }

        fn all(&self) -> Vec<Buffer<'_>> {
            (0..self.0.len()).map(|at| self.buffer(at)).collect()
        }
    }

    fn budget(tokens: usize) -> Budget {
        Budget {
            tokens,
            snippets: true,
            gates: Gates { ignore: Globs::parse([".env*"]).unwrap(), ..Gates::default() },
        }
    }

    /// The prompt for the first document, whose cursor is drawn as `|`.
    fn prompt_for(documents: &[(&'static str, &str)], tokens: usize) -> Prompt {
        let offset = documents[0].1.find('|').unwrap();
        let open = Open(documents.iter().map(|(path, text)| (*path, text.replacen('|', "", 1))).collect());
        prompt_after(&open, offset, tokens, &RecentEdits::default())
    }

    /// The prompt for the first document and this place in it, after these edits.
    fn prompt_after(open: &Open, offset: usize, tokens: usize, edits: &RecentEdits) -> Prompt {
        let wish = Wish { offset, max_tokens: 64, extent: Extent::Auto, repository: "repo", edits };
        prompt(&open.buffer(0), open, &wish, &budget(tokens))
    }

    #[test]
    fn a_small_document_is_sent_whole() {
        let sent = prompt_for(&[("a.rs", "fn a() {\n    |\n}\n")], 1000);
        assert_eq!((sent.prefix.as_str(), sent.suffix.as_str()), ("fn a() {\n    ", "\n}\n"));
        assert_eq!(
            (sent.path.as_str(), sent.language.as_str(), sent.repository.as_str()),
            ("a.rs", "rust", "repo")
        );
    }

    #[test]
    fn the_window_is_cut_at_line_ends_within_its_bytes() {
        for (text, bytes, end, beginning) in [
            ("one\ntwo\nthree\n", 100, "one\ntwo\nthree\n", "one\ntwo\nthree\n"),
            ("one\ntwo\nthree\n", 11, "two\nthree\n", "one\ntwo\n"),
            ("one\ntwo\nthree\n", 9, "three\n", "one\ntwo\n"),
            ("one\r\ntwo\r\n", 7, "two\r\n", "one\r\n"),
            ("a line longer than all", 8, "than all", "a line l"),
            ("größe größe", 7, "größe", "größe"),
            ("ééé", 3, "é", "é"),
            ("", 4, "", ""),
            ("abc", 0, "", ""),
        ] {
            assert_eq!(last_lines(text, bytes, 1), end, "end of {text:?} in {bytes}");
            assert_eq!(first_lines(text, bytes), beginning, "beginning of {text:?} in {bytes}");
        }
    }

    #[test]
    fn the_window_keeps_to_the_budget_wherever_the_cursor_is() {
        let line = "let größe = größe + 1;\n";
        let text = line.repeat(400);
        for at in [0, 1, 10, 200, 399, 400] {
            let (before, after) = text.split_at(at * line.len());
            let sent = prompt_for(&[("a.rs", &format!("{before}|{after}"))], 1000);
            let bytes = sent.prefix.len() + sent.suffix.len();
            assert!(bytes <= 3000, "{at}: {bytes}");
            assert!(bytes >= 2500, "{at}: {bytes}");
            assert!(before.ends_with(&sent.prefix) && after.starts_with(&sent.suffix), "{at}");
            assert!(sent.prefix.is_empty() || sent.prefix.starts_with("let"), "{at}: {:?}", sent.prefix);
        }
    }

    #[test]
    fn the_prompt_begins_the_same_while_the_user_types() {
        let text = "let some_name = other_name + 1;\n".repeat(400);
        let (before, after) = text.split_at(text.len() / 2);
        let typed = "let answer = compute(everything, at, once);\nlet next = answer + 1;\n";
        let mut starts = std::collections::BTreeSet::new();
        let mut suffixes = std::collections::BTreeSet::new();
        for end in 0..typed.len() {
            let sent = prompt_for(&[("a.rs", &format!("{before}{}|{after}", &typed[..end]))], 1000);
            starts.insert(before.len() + end - sent.prefix.len());
            suffixes.insert(sent.suffix);
        }
        assert!(starts.len() <= 2, "{starts:?}");
        assert_eq!(suffixes.len(), 1);
    }

    #[test]
    fn what_was_just_edited_elsewhere_is_quoted() {
        let far = "const FAR: u8 = 0;\n".repeat(600);
        let own = format!("fn first() {{\n    one();\n}}\n{far}fn last() {{\n    |\n}}\n");
        let offset = own.find('|').unwrap();
        let open = Open(vec![
            ("a.rs", own.replacen('|', "", 1)),
            ("b.rs", "let near = 0;\n".repeat(9) + "pub enum Colour { Red }\n"),
            (".env", "KEY=1\n".to_owned()),
        ]);
        let mut edits = RecentEdits::default();
        let mut quoted_after = |uri: &str, place: &str| {
            let text = open.get(uri).unwrap().text;
            let start = text.find(place).unwrap();
            edits.note(uri, &crate::completion::Edit { start, removed: "", inserted: place });
            let sent = prompt_after(&open, offset, 2000, &edits);
            sent.snippets
                .iter()
                .map(|snippet| format!("{}: {}", snippet.path, snippet.text))
                .collect::<Vec<_>>()
        };
        // Near the cursor it is in the prompt anyway; a secret is never quoted.
        assert!(quoted_after("a.rs", "fn last").is_empty());
        assert!(quoted_after(".env", "KEY").is_empty());
        let quoted = quoted_after("b.rs", "Colour");
        assert!(
            matches!(&quoted[..], [b] if b.starts_with("b.rs: let near") && b.contains("enum Colour")),
            "{quoted:?}"
        );
        let quoted = quoted_after("a.rs", "one();");
        assert!(matches!(&quoted[..], [a, _] if a.starts_with("a.rs: fn first")), "{quoted:?}");
    }

    #[test]
    fn other_documents_are_quoted_by_likeness() {
        let own =
            "struct Account { balance: u64 }\nfn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let alike = "fn withdraw(account: &mut Account, amount: u64) { account.balance -= amount; }\n";
        let other = "pub enum Colour { Red, Green, Blue }\n";
        let sent = prompt_for(&[("a.rs", own), ("z.rs", alike), ("c.rs", other), (".env", alike)], 1000);
        let quoted: Vec<_> =
            sent.snippets.iter().map(|snippet| (snippet.path.as_str(), snippet.text.as_str())).collect();
        assert_eq!(quoted, [("z.rs", alike.trim_end())]);
    }

    #[test]
    fn the_window_of_a_long_document_that_is_most_alike_is_quoted() {
        let own = "fn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let filler = "const RED: u8 = 0;\n".repeat(100);
        let alike = "fn withdraw(account: &mut Account, amount: u64) {}\n".repeat(WINDOW_LINES / 2);
        let sent = prompt_for(&[("a.rs", own), ("b.rs", &format!("{filler}{alike}{filler}"))], 4000);
        assert_eq!(sent.snippets.len(), 1);
        assert!(sent.snippets[0].text.contains("withdraw"));
        assert!(sent.snippets[0].text.lines().count() <= WINDOW_LINES);
    }

    #[test]
    fn snippets_keep_to_their_quarter_and_the_last_edited_win_a_tie() {
        let own = "fn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let alike = "fn withdraw(account: &mut Account, amount: u64) {}\n".repeat(4);
        let documents = [
            ("a.rs", own),
            ("f.rs", &*alike),
            ("e.rs", &*alike),
            ("d.rs", &*alike),
            ("c.rs", &*alike),
            ("b.rs", &*alike),
        ];
        let paths = |tokens| {
            let sent = prompt_for(&documents, tokens);
            let bytes: usize =
                sent.snippets.iter().map(|snippet| snippet.text.len() + snippet.path.len()).sum();
            assert!(bytes <= tokens * BYTES_PER_TOKEN / 4, "{bytes}");
            sent.snippets.into_iter().map(|snippet| snippet.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(8000), ["c.rs", "d.rs", "e.rs", "f.rs"]);
        assert_eq!(paths(600), ["e.rs", "f.rs"]);
        assert!(paths(10).is_empty());
    }
}
