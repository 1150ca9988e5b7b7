//! Parts of open documents that may help: where the user has just been writing, and what resembles the text around
//! the cursor.

use std::ops::Range;

use super::clean::clean;
use super::window::{Wish, first_lines, told_path};
use crate::completion::io::{Buffer, Buffers};
use crate::completion::text::{begins, head, is_blank, is_word, tail};
use crate::completion::trigger::Gates;
use crate::provider::Snippet;

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
/// Bytes searched in all, the documents used last first.
const SEARCHED_IN_ALL: usize = 384 * 1024;
/// Bytes that are indexed at a time: a prompt is made for each key, and must take less than a millisecond. The rest is
/// indexed with the next keys.
const INDEXED_AT_ONCE: usize = 64 * 1024;

/// The identifiers of the windows of open documents, so that their texts are not read again for each key.
#[derive(Debug, Default)]
pub struct SimilarIndex {
    documents: Vec<Indexed>,
}

/// A document in the index.
#[derive(Debug)]
struct Indexed {
    uri: String,
    mark: u32,
    windows: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    range: Range<usize>,
    words: Words,
}

impl SimilarIndex {
    /// A document changed: its index is no longer valid.
    pub fn forget(&mut self, uri: &str) {
        if let Some(at) = self.documents.iter().position(|indexed| indexed.uri == uri) {
            self.documents.swap_remove(at);
        }
    }

    /// The index of a document, if it exists or may be made: `left` is how many bytes may still be indexed.
    fn windows(&mut self, buffer: &Buffer<'_>, left: &mut usize) -> &[Window] {
        let mark = mark(buffer.text);
        let is_known = |indexed: &Indexed| indexed.uri == buffer.uri && indexed.mark == mark;
        if !self.documents.iter().any(is_known) && *left > 0 {
            *left = left.saturating_sub(buffer.text.len());
            self.forget(buffer.uri);
            let windows = windows(buffer.text);
            self.documents.push(Indexed { uri: buffer.uri.to_owned(), mark, windows });
        }
        self.documents.iter().find(|indexed| is_known(indexed)).map_or(&[], |indexed| &indexed.windows)
    }
}

/// Hashes of the identifiers of a text, each once, in order.
#[derive(Debug, Default)]
struct Words(Vec<u32>);

impl Words {
    fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.add(text);
        words
    }

    #[inline(never)]
    fn add(&mut self, text: &str) {
        for word in identifiers(text) {
            let hash = fnv(word.bytes());
            if let Err(at) = self.0.binary_search(&hash) {
                self.0.insert(at, hash);
            }
        }
    }

    /// How many words it shares with another set.
    fn shared(&self, other: &Self) -> usize {
        other.0.iter().filter(|hash| self.0.binary_search(hash).is_ok()).count()
    }
}

/// A piece of a document that may be quoted.
struct Candidate<'b> {
    score: f32,
    buffer: Buffer<'b>,
    range: Range<usize>,
}

/// The best parts to quote: where the user has just been writing, and the windows of other open documents that are most
/// similar to the text around the cursor. In the order of their paths, so that the prompt changes little while the user types.
pub(super) fn snippets(
    index: &mut SimilarIndex,
    buffer: &Buffer<'_>,
    buffers: &dyn Buffers,
    wish: &Wish<'_>,
    gates: &Gates,
    total: usize,
) -> Vec<Snippet> {
    let bytes = total / 4;
    let mut found = edited(buffer, buffers, wish, total);
    found.extend(alike(index, buffer, buffers, wish.offset, bytes));
    // Check the globs once for consecutive candidates of one document.
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
    let mut snippets = Vec::new();
    for Candidate { buffer, range, .. } in chosen {
        let text = clean(tail(head(buffer.text, range.end), range.start));
        snippets.push(Snippet { path: told_path(buffer.path), text });
    }
    snippets
}

/// The candidates in order (stable). There are few, and `sort_by` would add 7 KB to the wasm.
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
    text.get(range.clone())?;
    let (start, end) = (start_above(text, range.start, EDIT_LINES), end_below(text, range.end, EDIT_LINES));
    let lines = first_lines(text.get(start..end)?, bytes).trim_end();
    (!is_blank(lines)).then(|| start..start + lines.len())
}

/// The start of the line that is `lines` lines above this byte, or of the text.
#[inline(never)]
fn start_above(text: &str, at: usize, lines: usize) -> usize {
    head(text, at).rmatch_indices('\n').nth(lines).map_or(0, |(at, _)| at + 1)
}

/// The end of the line that is `lines` lines below this byte, or of the text.
#[inline(never)]
fn end_below(text: &str, at: usize, lines: usize) -> usize {
    tail(text, at).match_indices('\n').nth(lines).map_or(text.len(), |(behind, _)| at + behind)
}

/// The best window of each other document, if it is similar enough.
fn alike<'b>(
    index: &mut SimilarIndex,
    buffer: &Buffer<'_>,
    buffers: &'b dyn Buffers,
    offset: usize,
    bytes: usize,
) -> Vec<Candidate<'b>> {
    let end = end_below(buffer.text, offset, QUERY_LINES / 3);
    let start = start_above(buffer.text, offset, QUERY_LINES);
    let mut query = Words::of(tail(head(buffer.text, offset), start));
    query.add(tail(head(buffer.text, end), offset));
    let mut found = Vec::new();
    let (mut searched, mut left) = (0, INDEXED_AT_ONCE);
    for (age, other) in buffers.all().into_iter().enumerate() {
        if other.uri == buffer.uri || other.text.len() > SEARCHED {
            continue;
        }
        searched += other.text.len();
        if searched > SEARCHED_IN_ALL {
            break;
        }
        let mut best: Option<(f32, &Range<usize>)> = None;
        for window in index.windows(&other, &mut left) {
            let score = likeness(&query, &window.words);
            if score >= SIMILAR && best.is_none_or(|(known, _)| score > known) {
                best = Some((score, &window.range));
            }
        }
        let Some((_, range)) = best else { continue };
        let text = first_lines(tail(head(other.text, range.end), range.start), bytes / 2);
        let score = likeness(&query, &Words::of(text));
        if score >= SIMILAR {
            // Recently used documents are more likely to be relevant.
            let recency = 0.02 / (age + 1) as f32;
            let range = range.start..range.start + text.len();
            found.push(Candidate { score: score + recency, buffer: other, range });
        }
    }
    found
}

/// Jaccard index of two sets of identifiers.
fn likeness(query: &Words, words: &Words) -> f32 {
    let shared = query.shared(words);
    let all = query.0.len() + words.0.len() - shared;
    if all == 0 { 0.0 } else { shared as f32 / all as f32 }
}

/// Windows of [`WINDOW_LINES`] lines; each begins in the middle of the one before.
fn windows(text: &str) -> Vec<Window> {
    let mut starts = vec![0];
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' {
            starts.push(at + 1);
        }
    }
    let mut windows = Vec::new();
    for (first, start) in starts.iter().enumerate().step_by(WINDOW_LINES / 2) {
        let end = starts.get(first + WINDOW_LINES).copied().unwrap_or(text.len());
        let text = tail(head(text, end), *start).trim_end();
        windows.push(Window { range: *start..start + text.len(), words: Words::of(text) });
    }
    windows
}

/// Words of at least three characters that start like an identifier.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| word.len() > 2 && !begins(word, "0123456789"))
}

/// A mark that changes with the text: made from its length and a sample of its bytes.
fn mark(text: &str) -> u32 {
    let step = (text.len() / 64).max(1);
    fnv(text.bytes().step_by(step)) ^ text.len() as u32
}

/// The hash FNV-1a. A collision only makes a snippet worse.
fn fnv(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
