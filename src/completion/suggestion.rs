//! An answer and the place in the document it belongs to, while the document goes on changing.

use super::events::Edit;
use super::postprocess::{self, CursorContext, Extent, Hidden, Processed, may_change, postprocess};
use super::taken::Taken;

/// Text known to follow an anchor.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// The document.
    pub uri: String,
    /// Byte offset in the document at which the text begins.
    pub anchor: usize,
    /// What the model wrote, from the anchor on.
    pub raw: String,
    /// Whether no more will come.
    pub ended: bool,
    /// Whether the model would have gone on.
    pub cut: bool,
    language: String,
    /// Bytes of `raw` that were deleted from the document rather than written by the model.
    lead: usize,
    /// Bytes of the text that stand in the document already: typed along or accepted.
    typed: usize,
    extent: Extent,
    memo: Option<Memo>,
}

/// The last result, kept because keys, fences and pieces of text come far more often than a line ends.
#[derive(Debug, Clone)]
struct Memo {
    raw: usize,
    ended: bool,
    after: u64,
    processed: Processed,
}

/// What an edit means for a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The document still fits it.
    Fits,
    /// The user took all that was shown.
    Accepted,
    /// It belongs to a document that no longer is.
    Gone,
}

impl Suggestion {
    /// A suggestion at `anchor` that has no text yet.
    pub fn new(uri: &str, language: &str, anchor: usize, extent: Extent) -> Self {
        Self {
            uri: uri.to_owned(),
            language: language.to_owned(),
            anchor,
            raw: String::with_capacity(1024),
            ended: false,
            cut: false,
            lead: 0,
            typed: 0,
            extent,
            memo: None,
        }
    }

    /// Where the cursor is if the user has only typed along.
    pub fn cursor(&self) -> usize {
        self.anchor + self.typed
    }

    /// What the model wrote itself.
    pub fn received(&self) -> &str {
        self.raw.get(self.lead..).unwrap_or_default()
    }

    /// How much of an answer was asked for.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Follows an edit of its document. `shown` is the text drawn at the cursor at the moment.
    pub fn edited(&mut self, edit: &Edit<'_>, shown: &str) -> Effect {
        // A closing bracket typed over the editor's own: only the cursor moves.
        if edit.removed.is_empty() && edit.inserted.is_empty() {
            return Effect::Fits;
        }
        let end = edit.start + edit.removed.len();
        let cursor = self.cursor();
        if edit.removed.is_empty() && edit.start == cursor {
            if !shown.is_empty() && edit.inserted == shown {
                self.typed += edit.inserted.len();
                return Effect::Accepted;
            }
            // An editor's own closing bracket lands right of the cursor.
            if is_closer(edit.inserted) && !self.follows(edit.inserted) {
                return Effect::Fits;
            }
            if self.follows(edit.inserted) {
                self.typed += edit.inserted.len();
                return Effect::Fits;
            }
            return Effect::Gone;
        }
        if edit.inserted.is_empty() && end == cursor {
            if let Some(typed) = self.typed.checked_sub(edit.removed.len()) {
                self.typed = typed;
                return Effect::Fits;
            }
            // Deleted back past the anchor: what is gone leads the text from now on.
            let past = edit.removed.len() - self.typed;
            let Some(lead) = edit.removed.get(..past) else { return Effect::Gone };
            if past > 32 || lead.contains('\n') {
                return Effect::Gone;
            }
            self.raw.insert_str(0, lead);
            self.lead += lead.len();
            self.anchor = edit.start;
            self.typed = 0;
            self.memo = None;
            return Effect::Fits;
        }
        Effect::Gone
    }

    /// Whether the document at `cursor` fits: what stands between the anchor and the cursor is the
    /// beginning of the text.
    pub fn fits(&mut self, document: &str, cursor: usize) -> bool {
        let Some(typed) = document.get(self.anchor..cursor) else { return false };
        let fits = typed.is_empty() || self.text_starts_with(document, cursor, typed);
        if fits {
            self.typed = typed.len();
        }
        fits
    }

    /// What to show at the cursor now: the processed text less what was typed of it.
    pub fn rest(&mut self, document: &str) -> (String, bool) {
        let cursor = self.cursor();
        let typed = document.get(self.anchor..cursor).unwrap_or_default().to_owned();
        let processed = self.processed(document, cursor, self.ended);
        (processed.text.strip_prefix(typed.as_str()).unwrap_or_default().to_owned(), processed.complete)
    }

    /// Why nothing is shown, if a filter took it all.
    pub fn hidden(&mut self, document: &str) -> Option<Hidden> {
        let cursor = self.cursor();
        self.processed(document, cursor, self.ended).hidden
    }

    /// The place behind it, if all that is shown of it stands in the document.
    pub fn taken(&self, document: &str) -> Option<Taken> {
        (self.typed > 0).then(|| self.once_taken(document, self.cursor())).flatten()
    }

    /// The place behind it in `document`, in which all that is shown of it stands before `end`.
    pub fn once_taken(&self, document: &str, end: usize) -> Option<Taken> {
        let (before, after) = (document.get(..self.anchor)?, document.get(end..)?);
        let context = CursorContext::new(before, after, &self.language, self.extent);
        let past = postprocess::past_block(&context, &self.raw, !self.cut);
        let finished = postprocess::ends_statement(&self.language, document.get(..end)?);
        Some(Taken::new(&self.uri, end, finished, &past))
    }

    /// Whether the user typed on in `document` before the model said anything: it may or may not fit. A line break
    /// mostly does.
    pub fn is_unsure(&self, document: &str) -> bool {
        let typed = document.get(self.anchor..self.cursor()).unwrap_or_default();
        !self.ended && typed.len() > self.raw.len() && !typed.trim().is_empty()
    }

    /// Whether text typed right at the cursor goes along with what the model wrote. While it has
    /// written nothing, nothing contradicts it but nothing follows it either.
    fn follows(&self, typed: &str) -> bool {
        match &self.memo {
            Some(memo) if !memo.processed.text.is_empty() => {
                let rest = memo.processed.text.get(self.typed..).unwrap_or_default();
                rest.starts_with(typed) || (!memo.ended && typed.starts_with(rest) && self.raw_follows(typed))
            }
            _ => self.raw_follows(typed),
        }
    }

    fn raw_follows(&self, typed: &str) -> bool {
        if self.typed >= self.raw.len() {
            return !self.ended;
        }
        let rest = self.raw.get(self.typed..).unwrap_or_default();
        !rest.is_empty() && (rest.starts_with(typed) || (!self.ended && typed.starts_with(rest)))
    }

    fn text_starts_with(&mut self, document: &str, cursor: usize, typed: &str) -> bool {
        if self.processed(document, cursor, self.ended).text.starts_with(typed) {
            return true;
        }
        if self.ended {
            return false;
        }
        // Text of an unfinished line is not shown yet but may be typed.
        let context = self.context(document, cursor);
        let all = context.map(|context| postprocess(&context, &self.raw, true).text).unwrap_or_default();
        all.starts_with(typed) || typed.starts_with(all.as_str())
    }

    fn processed(&mut self, document: &str, cursor: usize, ended: bool) -> Processed {
        let after = document.get(cursor..).map_or(0, fingerprint);
        if let Some(memo) = &self.memo
            && memo.ended == ended
            && memo.after == after
            && self
                .raw
                .get(memo.raw..)
                .is_some_and(|fresh| fresh.is_empty() || (!ended && !may_change(fresh)))
        {
            return memo.processed.clone();
        }
        let Some(context) = self.context(document, cursor) else { return Processed::default() };
        let processed = postprocess(&context, &self.raw, ended);
        self.memo = Some(Memo { raw: self.raw.len(), ended, after, processed: processed.clone() });
        processed
    }

    fn context<'p>(&'p self, document: &'p str, cursor: usize) -> Option<CursorContext<'p>> {
        let (before, after) = (document.get(..self.anchor)?, document.get(cursor..)?);
        Some(CursorContext::new(before, after, &self.language, self.extent))
    }
}

fn is_closer(text: &str) -> bool {
    matches!(text, ")" | "]" | "}" | "\"" | "'" | "`")
}

/// The first few lines right of the cursor decide about overlaps; a cheap mark of them.
fn fingerprint(after: &str) -> u64 {
    let head = after.as_bytes().get(..after.len().min(256)).unwrap_or_default();
    head.iter().fold(after.len() as u64 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_goes_along_or_ends_it() {
        for (start, removed, inserted, effect) in [
            (5, "", "", Effect::Fits),
            (0, "", "", Effect::Fits),
            (4, "", "1", Effect::Fits),
            (4, "", "12;", Effect::Accepted),
            (4, "", "2", Effect::Gone),
            (4, "", ")", Effect::Fits),
            (3, "=", "", Effect::Fits),
            (1, "", "1", Effect::Gone),
        ] {
            let mut suggestion = Suggestion::new("file:///a.rs", "rust", 4, Extent::Auto);
            suggestion.raw.push_str("12;");
            suggestion.ended = true;
            assert_eq!(suggestion.rest("let="), ("12;".to_owned(), false));
            let edit = Edit { start, removed, inserted };
            assert_eq!(suggestion.edited(&edit, "12;"), effect, "{edit:?}");
        }
    }
}
