//! Changes of a document, and movements of the caret.

use super::super::ghost::Change;
use super::super::io::{Answer, Buffers, Edit, Output, Status};
use super::super::suggestion::{Effect, Ending};
use super::{Caret, Engine, Phase, Place};

impl Engine {
    pub(super) fn edited(
        &mut self,
        now: u64,
        uri: &str,
        edit: &Edit<'_>,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        self.keep_shown(out);
        self.alternatives.clear();
        if let Status::Nothing(_) = self.status {
            self.say(Status::Quiet, out);
        }
        self.edits.note(uri, edit);
        self.debounce.edited(edit);
        self.similar.forget(uri);
        if self.continuation.as_mut().is_some_and(|continuation| !continuation.edited(uri, edit)) {
            self.continuation = None;
        }
        self.wakeups.changed(uri);
        let shown = self.screen.shown();
        let text = buffers.get(uri).map_or("", |buffer| buffer.text);
        let effect = match self.suggestion() {
            Some(suggestion) if suggestion.uri == uri => suggestion.edited(edit, &shown, text),
            _ => Effect::Gone,
        };
        let is_along = self.suggestion().is_some_and(|suggestion| suggestion.cursor() > suggestion.anchor());
        let change = match effect {
            Effect::Accepted => Change::Accepted,
            _ if edit.inserted.contains('\n') => Change::Lines,
            _ => Change::Other,
        };
        match effect {
            Effect::Accepted => self.debounce.accepted(now),
            Effect::Gone if self.screen.was_read(now, uri) && !is_along => self.debounce.rejected(now),
            _ => {}
        }
        self.screen.edited(now, uri, change, !edit.removed.is_empty());
        if edit.removed != edit.inserted {
            self.caret = Caret::Unknown;
        } else if let Caret::At(_) = self.caret {
            self.caret = Caret::Kept;
        }
        match effect {
            Effect::Fits => {}
            Effect::Accepted => {
                out.push(Output::Taken { uri: uri.to_owned(), text: edit.inserted.to_owned() });
                self.accepted(buffers, out);
            }
            Effect::Gone => self.abandon(out),
        }
    }

    /// Everything that was shown is in the document now: continues with what follows it.
    fn accepted(&mut self, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        if self.is_partly_taken(buffers) {
            return;
        }
        if let Phase::Done(suggestion) = &self.phase {
            self.continuation = buffers.get(&suggestion.uri).and_then(|buffer| suggestion.taken(buffer.text));
        }
        let ahead = self.speculative.take();
        if let Some(work) = ahead.filter(|work| work.suggestion.answer.ending != Some(Ending::Broken)) {
            self.abandon(out);
            self.phase = if work.suggestion.answer.has_ended() {
                Phase::Done(work.suggestion)
            } else {
                Phase::Streaming { work, follow_up: None }
            };
        }
    }

    /// The editor reports the caret.
    pub(super) fn caret_at(
        &mut self,
        now: u64,
        uri: &str,
        offset: usize,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        match &self.caret {
            Caret::Left => {}
            Caret::At(place) if place.uri == uri && place.offset == offset => {}
            Caret::At(_) => self.leave_place(out),
            Caret::Kept => {
                // The file was saved, which cleared the ghost. Another is not drawn before the next key: Lapce 0.4.6 crashes
                // when a file is closed while one shows.
                self.screen.settled();
                self.leave_place(out);
            }
            Caret::Unknown if uri != self.front => {
                self.leave_document(out);
                self.front = uri.to_owned();
                self.caret = Caret::Left;
            }
            Caret::Unknown => {
                // No request followed the change: paste, undo, redo, or Tab.
                self.screen.settled();
                self.caret = Caret::At(Place { uri: uri.to_owned(), offset, invoked: false });
                if self.is_used_up(buffers) {
                    // The whole suggestion was accepted with Tab: what follows is offered with the next key.
                    self.finish_taken(buffers);
                    // A ghost that was on its way when Tab was pressed is not drawn, but the next Tab would insert it.
                    if let Some(id) = self.requests.take_oldest() {
                        self.screen.cleared(uri);
                        out.push(Output::Reply { id, answer: Answer::Clear });
                    }
                    self.release(out);
                } else if !self.requests.is_empty() {
                    self.asked(now, buffers, out);
                } else if !self.still_fits(buffers) {
                    self.abandon(out);
                    self.say(Status::Quiet, out);
                }
            }
        }
    }

    /// The caret moved away: nothing more is painted at its old position.
    fn leave_place(&mut self, out: &mut Vec<Output>) {
        self.caret = Caret::Left;
        self.keep_shown(out);
        self.stop_model(out);
        self.screen.left();
        self.clear(out);
        self.release(out);
        self.say(Status::Quiet, out);
    }

    /// Another document comes to the front. An answer to an open request would be drawn in the one it was asked for.
    pub(super) fn leave_document(&mut self, out: &mut Vec<Output>) {
        self.abandon(out);
        self.screen.left();
        self.clear(out);
        self.release_all(out);
        self.say(Status::Quiet, out);
    }

    /// Stops the model. What it has written is kept, for when the user comes back.
    fn stop_model(&mut self, out: &mut Vec<Output>) {
        let kept = match &self.phase {
            Phase::Streaming { work, .. } if !work.suggestion.answer.text.is_empty() => {
                let mut suggestion = work.suggestion.clone();
                suggestion.answer.ending = Some(Ending::Stopped);
                Some(suggestion)
            }
            Phase::Done(suggestion) => Some(suggestion.clone()),
            _ => None,
        };
        self.abandon(out);
        if let Some(suggestion) = kept {
            self.phase = Phase::Done(suggestion);
        }
    }
}
