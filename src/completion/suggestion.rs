//! An answer and the place in the document it belongs to, while the document goes on changing.

use std::borrow::Cow;

use super::ghost::Accept;
use super::io::Edit;
use super::postprocess::{
    self, CursorContext, Extent, Hidden, Processed, Replacement, may_change, past_block, postprocess,
};
use super::reuse::Continuation;
use super::text::{first_line, has, is_among, is_word, joined, run, tail};
use crate::unseen;

/// Deleting more than this before the position of the request ends a suggestion, in bytes.
pub const DELETED: usize = 32;

/// What a model wrote, and how the answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The model's text as it came.
    pub text: String,
    /// `None` while more may come.
    pub ending: Option<Ending>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The model finished.
    Whole,
    /// A limit cut it: its last line is unfinished.
    Cut,
    /// The plugin stopped the model, because nothing more would have been shown.
    Stopped,
    /// The connection or the provider failed.
    Broken,
}

impl Answer {
    /// Whether no more will come.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether its last line is whole.
    pub fn is_whole(&self) -> bool {
        self.ending == Some(Ending::Whole)
    }

    /// Whether the answer may be cached: it did not break, and it was not cut before its first text.
    pub fn is_reusable(&self) -> bool {
        match self.ending {
            Some(Ending::Whole | Ending::Stopped) => true,
            Some(Ending::Cut) => !self.text.is_empty(),
            Some(Ending::Broken) | None => false,
        }
    }
}

/// Text known to follow an anchor.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// The document.
    pub uri: String,
    /// What the model wrote.
    pub answer: Answer,
    language: String,
    extent: Extent,
    /// Byte offset in the document where the suggestion begins.
    anchor: usize,
    /// Text between the anchor and the position of the request that was deleted since. It begins the suggestion;
    /// the model's text follows it.
    deleted: String,
    /// Bytes of the suggestion that are in the document: typed along or accepted.
    typed: usize,
    /// Bytes right of the caret that the editor has inserted to close brackets that were typed along. The suggestion closes
    /// them itself.
    closers: usize,
    /// Bytes of closing brackets and quotes that were inserted since the suggestion began.
    come: usize,
    /// It was drawn.
    was_shown: bool,
    memo: Option<Memo>,
}

/// The last result of the post-processing, kept because messages and pieces of text are far more frequent than line ends.
#[derive(Debug, Clone)]
struct Memo {
    bytes: usize,
    whole: bool,
    after: u64,
    processed: Processed,
}

/// What is left to show of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rest {
    /// The text at the caret.
    pub text: String,
    /// Bytes behind the caret, on its line, that it replaces.
    pub replaces: usize,
    /// Nothing the model may still write would be shown.
    pub complete: bool,
}

/// What an edit means for a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The document still fits it.
    Fits,
    /// The user took all that was shown.
    Accepted,
    /// The document no longer fits it.
    Gone,
}

impl Rest {
    /// The part that Tab inserts: everything, or the first line that is not blank, with the line breaks before it. Text that
    /// replaces code is one line already.
    pub fn taken_by(mut self, accept: Accept) -> Self {
        if accept == Accept::All {
            return self;
        }
        let start = self.text.len() - self.text.trim_start().len();
        let line = tail(&self.text, start);
        let end = start + run(line, |c| !matches!(c, '\r' | '\n')).len();
        self.text.truncate(end);
        self
    }

    /// Whether `edit`, which led to `document`, inserted this at `cursor`. Lapce sends the whole document for a change that
    /// replaces text. So the edit, which is the difference, may be shorter than what was inserted, or lie elsewhere in equal text.
    fn was_taken(&self, edit: &Edit<'_>, cursor: usize, document: &str) -> bool {
        let is_there = || document.get(cursor..).is_some_and(|rest| rest.starts_with(&self.text));
        if self.text.is_empty()
            || edit.inserted.len() + self.replaces != edit.removed.len() + self.text.len()
            || edit.start < cursor
            || !is_there()
        {
            return false;
        }
        let is_within = edit.start + edit.inserted.len() <= cursor + self.text.len();
        let is_moved = || document.get(cursor..edit.start).is_some_and(|kept| edit.inserted.ends_with(kept));
        is_within || edit.removed.is_empty() && is_moved()
    }
}

impl Suggestion {
    /// Notes that it is drawn. Returns whether that is the first time.
    pub fn is_shown_first(&mut self) -> bool {
        !std::mem::replace(&mut self.was_shown, true)
    }

    /// A suggestion for the caret at `offset` that has no text yet.
    pub fn new(uri: &str, language: &str, offset: usize, extent: Extent) -> Self {
        Self::with_answer(uri, language, offset, extent, Answer::default())
    }

    /// A suggestion with an answer.
    pub fn with_answer(uri: &str, language: &str, offset: usize, extent: Extent, answer: Answer) -> Self {
        Self {
            uri: uri.to_owned(),
            language: language.to_owned(),
            extent,
            answer,
            anchor: offset,
            deleted: String::new(),
            typed: 0,
            closers: 0,
            come: 0,
            was_shown: false,
            memo: None,
        }
    }

    /// Where the caret is if the user has only typed along.
    pub fn cursor(&self) -> usize {
        self.anchor + self.typed
    }

    /// Where it begins.
    pub fn anchor(&self) -> usize {
        self.anchor
    }

    /// The document as it was when the answer was asked for: the text before and after the caret.
    pub fn context<'d>(&self, document: &'d str) -> Option<(Cow<'d, str>, &'d str)> {
        let before = document.get(..self.anchor)?;
        let before = if self.deleted.is_empty() {
            Cow::Borrowed(before)
        } else {
            Cow::Owned(joined(before, &self.deleted))
        };
        Some((before, document.get(self.cursor() + self.closers..)?))
    }

    /// How much of an answer was asked for.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Follows an edit that led to the text `document`. `shown` is what is drawn at the caret now.
    pub fn edited(&mut self, edit: &Edit<'_>, shown: &Rest, document: &str) -> Effect {
        // A closing bracket typed over the editor's own: only the caret moves.
        if edit.removed.is_empty() && edit.inserted.is_empty() {
            return Effect::Fits;
        }
        let cursor = self.cursor();
        if shown.was_taken(edit, cursor, document) {
            self.typed += shown.text.len();
            self.closers = 0;
            return Effect::Accepted;
        }
        if edit.removed.is_empty() && edit.start == cursor {
            // The caret's position, which comes next, tells whether the user or the editor inserted it.
            if is_closer(edit.inserted) {
                self.come += edit.inserted.len();
            }
            if self.follows(edit.inserted) {
                self.typed += edit.inserted.len();
                return Effect::Fits;
            }
            // The editor inserts its closing bracket right of the caret.
            return if is_closer(edit.inserted) { Effect::Fits } else { Effect::Gone };
        }
        let Some(removed) = removed_before(cursor, edit, document) else { return Effect::Gone };
        if let Some(typed) = self.typed.checked_sub(removed.len()) {
            self.typed = typed;
            return Effect::Fits;
        }
        // Deleted beyond the anchor: the deleted text begins the suggestion from now on.
        let past = removed.len() - self.typed;
        let Some(lead) = removed.get(..past) else { return Effect::Gone };
        if self.deleted.len() + past > DELETED || lead.contains('\n') {
            return Effect::Gone;
        }
        self.deleted.insert_str(0, lead);
        self.anchor = cursor - removed.len();
        self.typed = 0;
        Effect::Fits
    }

    /// Whether the document at `cursor` fits: the text between the anchor and the cursor is the beginning of the
    /// suggestion.
    pub fn fits(&mut self, document: &str, cursor: usize) -> bool {
        let (Some(typed), Some(after)) = (document.get(self.anchor..cursor), document.get(cursor..)) else {
            return false;
        };
        self.closers = closed_by_editor(typed, after).min(self.come);
        let fits = typed.is_empty() || self.starts_with(document, cursor, typed);
        if fits {
            self.typed = typed.len();
        }
        fits
    }

    /// What to show at the caret now: the suggestion without the part that was typed.
    pub fn rest(&mut self, document: &str) -> Rest {
        let cursor = self.cursor();
        let typed = document.get(self.anchor..cursor).unwrap_or_default();
        let processed = self.processed(document, cursor);
        let mut replaces = 0;
        let mut shown = processed.text;
        if let Some(Replacement { replaced, text }) = processed.replacement {
            replaces = replaced;
            shown.push_str(&text);
        }
        let full = self.full(&shown);
        let text = full.strip_prefix(typed).unwrap_or_default();
        let replaces = match text {
            "" => 0,
            _ if replaces > 0 || closes(typed, text, self.closers) => self.closers + replaces,
            _ => 0,
        };
        Rest { text: text.to_owned(), replaces, complete: processed.complete }
    }

    /// Why nothing is shown, if a filter removed all of it.
    pub fn hidden(&mut self, document: &str) -> Option<Hidden> {
        let cursor = self.cursor();
        self.processed(document, cursor).hidden
    }

    /// What follows it, if all of it that is shown is in the document.
    pub fn taken(&self, document: &str) -> Option<Continuation> {
        (self.typed > 0).then(|| self.once_taken(document, self.cursor())).flatten()
    }

    /// What follows it in `document`, which contains all of it that is shown, up to `end`.
    pub fn once_taken(&self, document: &str, end: usize) -> Option<Continuation> {
        let (before, _) = self.context(document)?;
        let after = document.get(end..)?;
        let is_line_end = !has(first_line(after), is_word);
        let (before, after) = as_shown(&before, after);
        let context = CursorContext::new(&before, &after, &self.language, self.extent);
        let past = past_block(&context, &self.answer.text, self.answer.is_whole());
        let finished = is_line_end && postprocess::ends_statement(&self.language, document.get(..end)?);
        Some(Continuation::new(&self.uri, end, finished, &past))
    }

    /// Whether the user has typed more in `document` than the model has written, so that it is not known whether it
    /// fits. White space usually does.
    pub fn is_unsure(&self, document: &str) -> bool {
        let typed = document.get(self.anchor..self.cursor()).unwrap_or_default();
        let known = self.deleted.len() + self.answer.text.len();
        !self.answer.has_ended() && typed.len() > known && !typed.trim().is_empty()
    }

    /// The whole suggestion, of which `processed` is the model's part.
    fn full<'s>(&self, processed: &'s str) -> Cow<'s, str> {
        if processed.is_empty() || self.deleted.is_empty() {
            Cow::Borrowed(processed)
        } else {
            Cow::Owned(joined(&self.deleted, processed))
        }
    }

    /// Whether text typed at the caret agrees with what the model wrote. While the model has written nothing, any text
    /// does.
    fn follows(&self, typed: &str) -> bool {
        let goes_along = |text: &str, open: bool| {
            let rest = tail(text, self.typed);
            rest.starts_with(typed) || (open && typed.starts_with(rest))
        };
        let raw = self.full(&self.answer.text);
        let open = !self.answer.has_ended();
        match &self.memo {
            Some(memo) if !memo.processed.text.is_empty() => {
                goes_along(&self.full(&memo.processed.text), false) || (open && goes_along(&raw, true))
            }
            _ if self.answer.text.is_empty() => open,
            _ => goes_along(&raw, open),
        }
    }

    fn starts_with(&mut self, document: &str, cursor: usize, typed: &str) -> bool {
        let shown = self.processed(document, cursor).text;
        if self.full(&shown).starts_with(typed) {
            return true;
        }
        if self.answer.has_ended() {
            return false;
        }
        // The text of an unfinished line is not shown yet, but the user may type it.
        let all = self.process(document, cursor, true).text;
        let all = if all.is_empty() { Cow::Borrowed(self.deleted.as_str()) } else { self.full(&all) };
        all.starts_with(typed) || typed.starts_with(all.as_ref())
    }

    fn processed(&mut self, document: &str, cursor: usize) -> Processed {
        let after = document.get(cursor + self.closers..).map_or(0, fingerprint);
        let whole = self.answer.is_whole();
        if let Some(memo) = &self.memo
            && memo.whole == whole
            && memo.after == after
            && self
                .answer
                .text
                .get(memo.bytes..)
                .is_some_and(|fresh| fresh.is_empty() || (!whole && !may_change(fresh)))
        {
            return memo.processed.clone();
        }
        let processed = self.process(document, cursor, whole);
        self.memo = Some(Memo { bytes: self.answer.text.len(), whole, after, processed: processed.clone() });
        processed
    }

    fn process(&self, document: &str, cursor: usize, whole: bool) -> Processed {
        let (Some((before, _)), Some(after)) =
            (self.context(document), document.get(cursor + self.closers..))
        else {
            return Processed::default();
        };
        let (shown_before, shown_after) = as_shown(&before, after);
        let context = CursorContext::new(&shown_before, &shown_after, &self.language, self.extent);
        let mut processed = postprocess(&context, &self.answer.text, whole);
        if let Some(replacement) = &mut processed.replacement {
            // It extends to the end of the line, which may be longer than the model was shown.
            replacement.replaced = first_line(after).trim_end().len();
        }
        processed
    }
}

/// The text that `edit`, which led to `document`, removed right before `cursor`. Lapce sends the whole document for an undo:
/// in equal texts the difference may lie after the cursor.
fn removed_before<'e>(cursor: usize, edit: &Edit<'e>, document: &str) -> Option<Cow<'e, str>> {
    let start = cursor.checked_sub(edit.removed.len())?;
    let kept = document.get(start..edit.start)?;
    let (removed, behind) = edit.removed.split_at_checked(cursor.checked_sub(edit.start)?)?;
    if !edit.inserted.is_empty() || kept != behind {
        return None;
    }
    Some(if kept.is_empty() { Cow::Borrowed(removed) } else { Cow::Owned(joined(kept, removed)) })
}

/// The text around the cursor without invisible characters: the model was not shown them, and repeats the document
/// without them.
#[inline(never)]
fn as_shown<'d>(before: &'d str, after: &'d str) -> (Cow<'d, str>, Cow<'d, str>) {
    let (before, after) = CursorContext::window(before, after);
    (unseen::strip_lines(before), unseen::strip_lines(after))
}

/// Collects what would close the brackets and quotes that a text leaves open, the innermost last. Returns the smallest number
/// that was open.
#[inline(never)]
fn unclosed(text: &str, open: &mut Vec<char>) -> usize {
    let mut least = open.len();
    for c in text.chars() {
        if open.last() == Some(&c) {
            open.pop();
            least = least.min(open.len());
            continue;
        }
        let closer = match c {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '"' | '\'' | '`' => c,
            _ => continue,
        };
        open.push(closer);
    }
    least
}

/// Bytes at the beginning of `after` that close what `typed` leaves open.
fn closed_by_editor(typed: &str, after: &str) -> usize {
    let mut open = Vec::new();
    unclosed(typed, &mut open);
    open.iter().rev().zip(after.chars()).take_while(|(closer, c)| **closer == *c).count()
}

/// Whether `text` closes the innermost `count` of the brackets and quotes that `typed` leaves open.
fn closes(typed: &str, text: &str, count: usize) -> bool {
    let mut open = Vec::new();
    unclosed(typed, &mut open);
    let wanted = open.len().saturating_sub(count);
    count > 0 && unclosed(text, &mut open) <= wanted
}

fn is_closer(text: &str) -> bool {
    is_among(text, ") ] } \" ' `")
}

/// A cheap hash of the first bytes right of the caret, which decide about overlaps.
fn fingerprint(after: &str) -> u64 {
    let head = after.as_bytes().get(..after.len().min(256)).unwrap_or_default();
    head.iter().fold(after.len() as u64 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(offset: usize, text: &str, ending: Option<Ending>) -> Suggestion {
        let answer = Answer { text: text.to_owned(), ending };
        Suggestion::with_answer("file:///a.rs", "rust", offset, Extent::Auto, answer)
    }

    const STOP: Option<Ending> = Some(Ending::Whole);

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
            let mut suggestion = suggestion(4, "12;", STOP);
            let shown = suggestion.rest("let=");
            assert_eq!((shown.text.as_str(), shown.replaces), ("12;", 0));
            let mut document = "let=".to_owned();
            if start <= document.len() {
                document.replace_range(start..start + removed.len(), inserted);
            }
            let edit = Edit { start, removed, inserted };
            assert_eq!(suggestion.edited(&edit, &shown, &document), effect, "{edit:?}");
        }
    }

    /// Deletes the end of `document` byte by byte; what is shown after each.
    fn deleting(mut suggestion: Suggestion, document: &str, count: usize) -> Vec<String> {
        let mut document = document.to_owned();
        let mut shown = Vec::new();
        for _ in 0..count {
            let removed = document.pop().unwrap().to_string();
            let edit = Edit { start: document.len(), removed: &removed, inserted: "" };
            assert_eq!(suggestion.edited(&edit, &Rest::default(), &document), Effect::Fits);
            assert!(suggestion.fits(&document, document.len()));
            shown.push(suggestion.rest(&document).text);
        }
        shown
    }

    #[test]
    fn deleted_text_leads_what_is_shown_of_the_model_s_text() {
        for (document, answer, ending, shown) in [
            // The model repeats the line, which is cut off what is shown.
            ("let m", "let mut x = 1;", STOP, &["mut x = 1;", " mut x = 1;", "t mut x = 1;"][..]),
            ("let m", "ut x = 1;", STOP, &["mut x = 1;", " mut x = 1;"]),
            // Nothing of the model: nothing to show.
            ("let m", "", STOP, &["", ""]),
            ("let m", "", None, &["", ""]),
        ] {
            let suggestion = suggestion(document.len(), answer, ending);
            assert_eq!(deleting(suggestion, document, shown.len()), shown, "{document:?} {answer:?}");
        }
    }

    #[test]
    fn a_line_is_taken_with_the_breaks_before_it() {
        for (text, line) in [
            ("a();\n    b();\n", "a();"),
            ("\n    b();\n}", "\n    b();"),
            ("\r\n\r\n\tb();\r\n}", "\r\n\r\n\tb();"),
            ("a();", "a();"),
            ("\n", "\n"),
            ("", ""),
        ] {
            let rest = Rest { text: text.to_owned(), ..Rest::default() };
            assert_eq!(rest.taken_by(Accept::Line).text, line, "{text:?}");
        }
    }

    /// The difference between two texts as the documents tell it.
    fn difference<'t>(old: &'t str, new: &'t str) -> Edit<'t> {
        let start = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let (old, new) = (&old[start..], &new[start..]);
        let same = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
        Edit { start, removed: &old[..old.len() - same], inserted: &new[..new.len() - same] }
    }

    #[test]
    fn taking_and_undoing_are_known_in_equal_text() {
        for (before, after, answer, shown) in [
            ("f(", ")\n", "a).b()", "a).b()"),
            ("f(", ")\n", "a, b);", "a, b);"),
            ("    a();", "\n}\n", "\n    b();", "\n    b();"),
        ] {
            let old = [before, after].concat();
            let mut suggestion = suggestion(before.len(), answer, STOP);
            let rest = suggestion.rest(&old);
            assert_eq!(rest.text, shown, "{old:?}");
            let new = [before, &rest.text, &after[rest.replaces..]].concat();
            let cursor = before.len() + rest.text.len();
            assert_eq!(suggestion.edited(&difference(&old, &new), &rest, &new), Effect::Accepted, "{old:?}");
            assert_eq!(suggestion.cursor(), cursor);
            if rest.replaces == 0 {
                let effect = suggestion.edited(&difference(&new, &old), &Rest::default(), &old);
                assert_eq!((effect, suggestion.cursor()), (Effect::Fits, before.len()), "{old:?}");
            }
        }
    }

    #[test]
    fn brackets_that_the_editor_closes_while_they_are_typed_along_are_replaced() {
        for (before, answer, typed, closers, after, shown) in [
            ("let v = ", "a();\n    b();", "a(", ")", "\n", (");\n    b();", 1)),
            ("let v = ", "a(\"x\", [1]);", "a(\"", "\")", "\n", ("x\", [1]);", 2)),
            // A bracket of the document stays.
            ("f(", "g(x)", "g(", ")", ")\n", ("x)", 1)),
            // What is not closed yet is no reason to take a bracket away.
            ("let v = ", "a(\n        x,\n", "a(", ")", "\n", ("\n        x,", 0)),
            // The user closes it.
            ("let v = ", "a();", "a()", "", "\n", (";", 0)),
        ] {
            let mut suggestion = suggestion(before.len(), answer, None);
            let mut document = [before, after].concat();
            suggestion.answer.ending = STOP;
            let shown_first = suggestion.rest(&document);
            let mut cursor = before.len();
            for c in typed.chars() {
                document.insert(cursor, c);
                let edit = Edit { start: cursor, removed: "", inserted: &c.to_string() };
                assert_eq!(suggestion.edited(&edit, &shown_first, &document), Effect::Fits, "{answer:?}");
                cursor += 1;
                let pairs = [('(', ')'), ('"', '"')];
                let pair = pairs.iter().find(|(open, closer)| *open == c && closers.contains(*closer));
                if let Some((_, closer)) = pair {
                    document.insert(cursor, *closer);
                    let edit = Edit { start: cursor, removed: "", inserted: &closer.to_string() };
                    suggestion.edited(&edit, &shown_first, &document);
                }
                assert!(suggestion.fits(&document, cursor), "{answer:?} {document:?}");
            }
            let rest = suggestion.rest(&document);
            assert_eq!((rest.text.as_str(), rest.replaces), shown, "{answer:?}");
        }
    }

    #[test]
    fn what_nobody_sees_in_the_document_is_no_part_of_a_place() {
        for (before, after, answer, shown) in [
            // An echo of what the model was shown.
            ("let\u{200b} total = ", "\n", "let total = 1;", ("1;", 0)),
            ("let total = sum(", "\u{200b})\n", "a, b)", ("a, b", 0)),
            // The bracket is replaced to the end of its line, in the bytes of the document.
            ("let total = sum(", "\u{2066})\u{200b} \n", "a, b);", ("a, b);", 7)),
            ("let total = sum(", ")\u{200b}\r\n", "a, b);", ("a, b);", 4)),
        ] {
            let document = [before, after].concat();
            let rest = suggestion(before.len(), answer, STOP).rest(&document);
            assert_eq!((rest.text.as_str(), rest.replaces), shown, "{document:?}");
        }
    }

    #[test]
    fn the_half_line_of_an_answer_that_was_cut_is_not_shown() {
        for (ending, shown) in
            [(STOP, "a();\nb("), (Some(Ending::Cut), "a();"), (Some(Ending::Broken), "a();"), (None, "a();")]
        {
            assert_eq!(suggestion(0, "a();\nb(", ending).rest("").text, shown, "{ending:?}");
        }
    }
}
