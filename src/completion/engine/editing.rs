//! The document changes.

use super::super::events::{Answer, Buffers, Edit, Effect, Lane};
use super::super::suggestion;
use super::Engine;

impl Engine {
    pub(super) fn edited(
        &mut self,
        now: u64,
        uri: &str,
        edit: &Edit<'_>,
        buffers: &dyn Buffers,
        out: &mut Vec<Effect>,
    ) {
        self.edits.note(uri, edit);
        let Some(newest) = &self.newest else { return };
        if self.taken.as_mut().is_some_and(|taken| !taken.edited(uri, edit)) {
            self.taken = None;
        }
        if std::mem::take(&mut self.unasked) {
            self.must_clear = false;
        }
        self.dirty = true;
        if newest.uri != uri {
            // The user is in another document: where they come back to is not known.
            self.lingers |= self.shown.is_some();
            self.drop_suggestion(out);
            return self.await_request(now, out);
        }
        self.fences.changed();
        let shown = self.shown.as_ref().map_or("", |shown| shown.text.as_str());
        // A ghost that may still have been on its way, and whether the same was drawn before it.
        let crossed = self.shown.as_ref().filter(|shown| self.fences.may_cross(shown.painted_ms));
        let crossed = crossed.map(|shown| shown.again);
        let effect = match &mut self.suggestion {
            Some(suggestion) if suggestion.uri == uri => suggestion.edited(edit, shown),
            _ => suggestion::Effect::Gone,
        };
        // What was taken whole was seen, unless it was brought back.
        let seen = effect == suggestion::Effect::Accepted && !self.deleted;
        self.lingers |= crossed.is_some_and(|again| again || !seen);
        self.deleted = !edit.removed.is_empty();
        match effect {
            suggestion::Effect::Fits => {}
            suggestion::Effect::Accepted => {
                // If its last character was typed rather than Tab, Tab is still bound to it.
                self.must_clear = true;
                self.accepted(buffers, out);
            }
            suggestion::Effect::Gone => self.drop_suggestion(out),
        }
        // Paste, undo and the like are followed by no request.
        if edit.removed.len() > 4 || !is_typed(edit.inserted) {
            self.await_request(now, out);
        }
    }

    /// Whether a request follows the change is told by a fence, which frees those that still wait for an answer.
    fn await_request(&mut self, now: u64, out: &mut Vec<Effect>) {
        if !self.slots.is_empty() {
            self.fence(now, out);
        }
    }

    fn accepted(&mut self, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        self.shown = None;
        let Some(suggestion) = &mut self.suggestion else { return };
        if let Some(newest) = &mut self.newest {
            newest.offset = suggestion.cursor();
        }
        self.dirty = false;
        if self.session.is_none() {
            self.taken = buffers.get(&suggestion.uri).and_then(|buffer| suggestion.taken(buffer.text));
        }
        if let Some((session, suggestion)) = self.ahead.take() {
            self.session = Some(session);
            self.suggestion = Some(suggestion);
            out.push(Effect::Promote);
        }
        if self.session.is_none() {
            self.release(out);
        }
    }

    /// The suggestion belongs to a document that no longer is: stop its request, clear its ghost.
    pub(super) fn drop_suggestion(&mut self, out: &mut Vec<Effect>) {
        let uri = self.suggestion.take().map(|suggestion| suggestion.uri);
        self.retry_ms = None;
        if self.session.take().is_some() {
            out.push(Effect::Cancel(Lane::Main));
        }
        if self.ahead.take().is_some() {
            out.push(Effect::Cancel(Lane::Ahead));
        }
        if self.shown.take().is_some() {
            match self.slots.spend_oldest() {
                Some(id) => out.push(Effect::Reply { id, answer: Answer::Clear }),
                None => {
                    self.must_clear = true;
                    self.drawn_in.extend(uri.filter(|uri| !self.drawn_in.contains(uri)));
                }
            }
        }
    }
}

/// Whether the editor inserts this on one key: a character, a pair, a line break with its indentation.
fn is_typed(inserted: &str) -> bool {
    inserted.chars().count() <= 2 || inserted.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}
