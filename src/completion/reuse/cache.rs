//! Answers, kept for the positions they were asked for, so that the same position does not need another request.

use crate::completion::io::Buffer;
use crate::completion::postprocess::Extent;
use crate::completion::suggestion::{Answer, Suggestion};
use crate::completion::text::{first_bytes, last_bytes};

/// Text before and after the position that must be the same, in bytes.
const BEFORE: usize = 512;
const AFTER: usize = 256;
/// How long an answer is kept, in milliseconds (five minutes, like tabby).
const TTL_MS: u64 = 5 * 60 * 1000;

/// The most recently used answers, at most `most`.
#[derive(Debug)]
pub struct Cache {
    most: usize,
    /// Most recently used last.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    uri: String,
    before: String,
    after: String,
    answer: Answer,
    extent: Extent,
    at_ms: u64,
}

impl Cache {
    /// A cache of at most `most` answers; 0 keeps none.
    pub fn new(most: usize) -> Self {
        Self { most, entries: Vec::new() }
    }

    /// Keeps an answer, also an empty one. One that broke is not kept.
    pub fn insert(&mut self, buffer: &Buffer<'_>, suggestion: &Suggestion, now_ms: u64) {
        if self.most == 0 || !suggestion.answer.is_reusable() {
            return;
        }
        let Some((before, after)) = suggestion.context(buffer.text) else { return };
        let (before, after) = (last_bytes(&before, BEFORE), first_bytes(after, AFTER));
        self.entries.retain(|entry| {
            now_ms.saturating_sub(entry.at_ms) < TTL_MS
                && !(entry.uri == buffer.uri && entry.before == before && entry.after == after)
        });
        if self.entries.len() >= self.most {
            self.entries.remove(0);
        }
        self.entries.push(Entry {
            uri: buffer.uri.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
            answer: suggestion.answer.clone(),
            extent: suggestion.extent(),
            at_ms: now_ms,
        });
    }

    /// The answer for the cursor at `offset`. The user may have typed some of it already.
    pub fn find(
        &mut self,
        buffer: &Buffer<'_>,
        offset: usize,
        extent: Extent,
        now_ms: u64,
    ) -> Option<Suggestion> {
        let (before, after) = (buffer.text.get(..offset)?, buffer.text.get(offset..)?);
        let (index, typed) = self.entries.iter().enumerate().rev().find_map(|(index, entry)| {
            let alive = now_ms.saturating_sub(entry.at_ms) < TTL_MS;
            let here =
                alive && entry.uri == buffer.uri && entry.extent == extent && after.starts_with(&entry.after);
            let whole = entry.after.len() == AFTER.min(after.len()) || entry.after.len() >= AFTER - 3;
            (here && whole).then(|| entry.typed(before)).flatten().map(|typed| (index, typed))
        })?;
        let entry = self.entries.remove(index);
        let answer = entry.answer.clone();
        let mut suggestion =
            Suggestion::with_answer(buffer.uri, buffer.language, offset - typed, extent, answer);
        self.entries.push(entry);
        suggestion.fits(buffer.text, offset).then_some(suggestion)
    }
}

impl Entry {
    /// How many bytes of the answer are before the cursor, if this entry is for that position.
    fn typed(&self, before: &str) -> Option<usize> {
        // The longest first: an answer that repeats itself belongs to its earliest position.
        let most = self.answer.text.len().min(before.len());
        (0..=most).rev().find(|&typed| {
            let (Some(text), Some(rest)) =
                (self.answer.text.get(..typed), before.get(..before.len() - typed))
            else {
                return false;
            };
            before.ends_with(text)
                && rest.ends_with(&self.before)
                && (self.before.len() + 3 >= BEFORE || self.before.len() == rest.len())
        })
    }
}
