//! What is shown, and through which request.

use super::super::events::{Answer, Buffers, Effect, RequestId, Status, Why};
use super::{Engine, Shown};

/// Growing text is painted again after this time at the earliest, in milliseconds.
const REPAINT_MS: u64 = 400;
/// So long after a key a ghost grows, in milliseconds. That Esc dismissed it, or that the caret was moved, the
/// editor does not tell: the later, the likelier.
const GROWING_MS: u64 = 2000;

/// A model that takes longer than this for a byte and for a line, on average, will not be done within a slice: then
/// its growth is worth a shorter one. Told after so many bytes. In milliseconds, milliseconds, bytes, milliseconds.
const SLOW_BYTE_MS: u64 = 5;
const SLOW_LINE_MS: u64 = 160;
const SLOW_FROM: u64 = 100;
const SLOW_SLICE_MS: u64 = 300;

impl Engine {
    pub(super) fn rest(&mut self, buffers: &dyn Buffers) -> String {
        let Some(suggestion) = &mut self.suggestion else { return String::new() };
        let Some(buffer) = buffers.get(&suggestion.uri) else { return String::new() };
        suggestion.rest(buffer.text).0
    }

    /// Whether the screen should change now.
    pub(super) fn wants_paint(&mut self, buffers: &dyn Buffers, now: u64) -> bool {
        let Some(suggestion) = &mut self.suggestion else { return false };
        let Some(buffer) = buffers.get(&suggestion.uri) else { return false };
        let (rest, _) = suggestion.rest(buffer.text);
        if self.slots.is_empty() {
            return false;
        }
        if self.session.is_none() || self.refresh {
            return true;
        }
        let too_few = self.fences.left() < 2 && !self.fences.caught_up();
        if rest.is_empty() || self.slots.len() < 2 || too_few {
            return false;
        }
        match &self.shown {
            None => true,
            Some(shown) => {
                // Growth by a line is not worth a fence; one that is back already shows what there is.
                let (lines, before) = (rest.lines().count(), shown.text.lines().count());
                let grown = if self.fences.caught_up() { lines > before } else { lines >= 2 * before };
                let may_grow = self.fences.pause(now) <= GROWING_MS;
                grown && may_grow && now.saturating_sub(shown.painted_ms) >= REPAINT_MS
            }
        }
    }

    /// How long a key may have to wait for a ghost to grow, in milliseconds; `None`: none is drawn.
    pub(super) fn growth_ms(&self, now: u64) -> Option<u64> {
        self.shown.as_ref()?;
        let writing_ms = self.session.as_ref()?.writing_ms(now);
        let written = self.suggestion.as_ref()?.received();
        let (bytes, lines) = (written.len() as u64, written.split('\n').count() as u64);
        let is_slow = bytes >= SLOW_FROM && writing_ms > (bytes * SLOW_BYTE_MS).max(lines * SLOW_LINE_MS);
        Some(if is_slow { SLOW_SLICE_MS } else { u64::MAX })
    }

    /// Shows what there is: the whole through the newest request, growing text through older ones.
    pub(super) fn paint(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let text = self.rest(buffers);
        let whole = self.session.is_none();
        let refresh = std::mem::take(&mut self.refresh);
        let slot = if whole {
            self.slots.spend_newest()
        } else {
            self.slots.spend_old().or_else(|| if refresh { self.slots.spend_newest() } else { None })
        };
        let Some(id) = slot else { return };
        if !text.is_empty() {
            self.draw(id, text, now, out);
        } else if self.shown.take().is_some() {
            out.push(Effect::Reply { id, answer: Answer::Clear });
        } else {
            self.reply_nothing(id, out);
        }
        if whole {
            self.release(out);
            self.finish(now, buffers, out);
        }
    }

    pub(super) fn draw(&mut self, id: RequestId, text: String, now: u64, out: &mut Vec<Effect>) {
        let Some(newest) = &self.newest else { return };
        let again = self.shown.as_ref().is_some_and(|shown| shown.text == text);
        self.shown = Some(Shown { text: text.clone(), painted_ms: now, again });
        self.drawn_in.retain(|uri| *uri != newest.uri);
        if let Some(session) = &mut self.session {
            session.shown();
        }
        let answer = Answer::Ghost { uri: newest.uri.clone(), offset: newest.offset, text };
        out.push(Effect::Reply { id, answer });
    }

    /// The whole answer was dealt with: say why nothing shows, or ask ahead for what follows.
    fn finish(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if self.shown.is_some() {
            self.say(Status::Quiet, out);
            return self.ask_ahead(now, buffers, out);
        }
        let Some(suggestion) = &mut self.suggestion else { return };
        let hidden = buffers.get(&suggestion.uri).and_then(|buffer| suggestion.hidden(buffer.text));
        let why = hidden.map_or(Why::Empty, Why::Hidden);
        self.say(if self.is_invoked() { Status::Nothing(why) } else { Status::Quiet }, out);
    }

    /// Answers everything with nothing; says why if the user asked.
    pub(super) fn answer_nothing(&mut self, why: Why, out: &mut Vec<Effect>) {
        self.due_ms = None;
        self.release(out);
        self.say(if self.is_invoked() { Status::Nothing(why) } else { Status::Quiet }, out);
    }

    /// Answers everything that is still open with nothing.
    pub(super) fn release(&mut self, out: &mut Vec<Effect>) {
        while let Some(id) = self.slots.spend_oldest() {
            self.reply_nothing(id, out);
        }
    }

    /// Answers a request with nothing; an old ghost that may still be drawn there is wiped.
    pub(super) fn reply_nothing(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let newest = self.newest.as_ref().map_or("", |newest| newest.uri.as_str());
        let drawn = self.drawn_in.iter().position(|uri| uri == newest);
        let answer = match drawn.map(|at| self.drawn_in.swap_remove(at)) {
            Some(_) => Answer::Clear,
            None => Answer::Nothing,
        };
        out.push(Effect::Reply { id, answer });
    }

    pub(super) fn say(&mut self, status: Status, out: &mut Vec<Effect>) {
        if self.status != status {
            self.status = status.clone();
            out.push(Effect::Status(status));
        }
    }
}
