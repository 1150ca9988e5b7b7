//! The editor asks, and the model is asked.

use super::super::consent::Asked;
use super::super::context;
use super::super::events::{Answer, Buffer, Buffers, Effect, Lane, Status, Why};
use super::super::gates::Gate;
use super::super::session::Session;
use super::super::suggestion::Suggestion;
use super::{Engine, Newest, Options, READS_AT_ONCE};
use crate::provider::Prompt;

impl Engine {
    pub(super) fn requested(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let Some(newest) = self.newest.clone() else { return };
        self.dirty = false;
        self.unasked = false;
        self.lingers = false;
        self.due_ms = None;
        self.refresh = false;
        self.reads_at_once = READS_AT_ONCE;
        let Some(buffer) = buffers.get(&newest.uri) else {
            self.options.consent.interrupted();
            self.drop_suggestion(out);
            return self.answer_nothing(Why::NoText, out);
        };
        let fits = match &mut self.suggestion {
            Some(suggestion) => suggestion.uri == newest.uri && suggestion.fits(buffer.text, newest.offset),
            None => false,
        };
        if fits && self.session.is_none() && self.rest(buffers).is_empty() {
            // Typed along to its end, or taken.
            let taken = self.suggestion.as_mut().and_then(|suggestion| suggestion.taken(buffer.text));
            self.taken = taken.or(self.taken.take());
            self.drop_suggestion(out);
        } else if self.suggestion.is_some() && !fits {
            self.drop_suggestion(out);
        }
        if std::mem::take(&mut self.must_clear)
            && let Some(id) = self.slots.spend_oldest()
        {
            self.drawn_in.retain(|uri| *uri != newest.uri);
            out.push(Effect::Reply { id, answer: Answer::Clear });
        }
        if let Some(why) =
            self.refused(now, &buffer, &newest).or_else(|| self.unconfirmed(newest.invoked, out))
        {
            self.drop_suggestion(out);
            return self.answer_nothing(why, out);
        }
        if self.suggestion.is_none() {
            self.suggestion = self.at_hand(now, &buffer, newest.offset);
        }
        if let Some(suggestion) = &mut self.suggestion {
            self.refresh = self.shown.is_some() || !suggestion.rest(buffer.text).0.is_empty();
            if suggestion.is_unsure(buffer.text) {
                self.due_ms = Some(now + self.debounce_ms());
            }
            return;
        }
        // Without a request that is open nothing can be shown: what comes is kept for the next. Without fences
        // the keys would wait for it.
        if !(self.slots.is_empty() && self.fences.is_bounded()) {
            self.due_ms = Some(if newest.invoked { now } else { now + self.debounce_ms() });
        }
    }

    /// What can be offered at `offset` without asking anybody.
    fn at_hand(&mut self, now: u64, buffer: &Buffer<'_>, offset: usize) -> Option<Suggestion> {
        let extent = self.options.extent;
        if let Some(rest) = self.taken.as_ref().and_then(|taken| taken.offer(buffer.uri, offset)) {
            let mut suggestion = Suggestion::new(buffer.uri, buffer.language, offset, extent);
            suggestion.raw.push_str(rest);
            suggestion.ended = true;
            if !suggestion.rest(buffer.text).0.is_empty() {
                return Some(suggestion);
            }
        }
        let mut found = self.cache.find(buffer, offset, extent, now)?;
        // One that is used up says what stands here, not what is to come.
        let used_up = found.anchor < offset && found.rest(buffer.text).0.is_empty();
        (!used_up).then_some(found)
    }

    /// How long to wait for a pause. Without fences waiting tells nothing of keys, and takes from the time
    /// in which an answer can be waited for.
    fn debounce_ms(&self) -> u64 {
        if self.fences.is_bounded() && !self.pace.is_fixed() { 0 } else { self.pace.debounce_ms() }
    }

    /// Why this place is not asked about, if so. Whoever asked is then not asking for consent.
    fn refused(&mut self, now: u64, buffer: &Buffer<'_>, newest: &Newest) -> Option<Why> {
        let why = self.refusal(now, buffer, newest);
        if why.is_some() {
            self.options.consent.interrupted();
        }
        why
    }

    fn refusal(&self, now: u64, buffer: &Buffer<'_>, newest: &Newest) -> Option<Why> {
        if self.options.provider.is_none() {
            return Some(Why::NoProvider);
        }
        if let Some(gate) = self.options.gates.check(buffer, newest.offset, newest.invoked) {
            return Some(Why::Gate(gate));
        }
        if newest.invoked || self.suggestion.is_some() {
            return None;
        }
        if self.taken.as_ref().is_some_and(|taken| taken.is_end(&newest.uri, newest.offset)) {
            return Some(Why::Gate(Gate::JustAccepted));
        }
        let wait = self.limited_until_ms.saturating_sub(now);
        (wait > 0).then_some(Why::RateLimited(wait))
    }

    /// Keeps from asking a server that the user has not agreed to.
    fn unconfirmed(&mut self, invoked: bool, out: &mut Vec<Effect>) -> Option<Why> {
        match self.options.consent.request(invoked) {
            Asked::Allowed => None,
            Asked::Agreed => {
                out.push(Effect::Agreed);
                None
            }
            Asked::Question(question) => Some(Why::Unconfirmed(question)),
        }
    }

    pub(super) fn start(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let Some(newest) = self.newest.clone() else { return };
        let (Some(buffer), Some(provider)) = (buffers.get(&newest.uri), self.options.provider) else {
            return;
        };
        let prompt = self.prompt(&buffer, newest.offset, buffers);
        self.suggestion =
            Some(Suggestion::new(buffer.uri, buffer.language, newest.offset, self.options.extent));
        self.session = Some(Session::new(
            provider,
            self.options.account.clone(),
            prompt,
            newest.invoked,
            self.options.limits,
        ));
        self.send(now, out);
    }

    fn prompt(&self, buffer: &Buffer<'_>, offset: usize, buffers: &dyn Buffers) -> Prompt {
        let Options { max_tokens, extent, ref repository, ref budget, .. } = self.options;
        let wish = context::Wish { offset, max_tokens, extent, repository, edits: &self.edits };
        context::prompt(buffer, buffers, &wish, budget)
    }

    /// Sends the session's request, the first or a further one.
    pub(super) fn send(&mut self, now: u64, out: &mut Vec<Effect>) {
        let (Some(session), Some(suggestion)) = (&mut self.session, &self.suggestion) else { return };
        match session.request(now, suggestion.received()) {
            Ok(request) => {
                out.push(Effect::Start { lane: Lane::Main, request: Box::new(request) });
                let (latency, patient) = (self.pace.latency_ms(), self.is_invoked());
                self.fences.begin_slice(now, latency, patient);
                self.reads_behind = 0;
                self.say(Status::Waiting, out);
            }
            Err(error) => {
                self.session = None;
                self.suggestion = None;
                out.push(Effect::Notice(Box::new(error.clone())));
                self.answer_nothing(Why::Failed(Box::new(error)), out);
            }
        }
    }

    /// Starts the speculative request for the state after accepting what is shown, unless the model has written on
    /// already.
    pub(super) fn ask_ahead(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if !self.options.speculative || self.ahead.is_some() {
            return;
        }
        let (Some(newest), Some(shown), Some(provider), Some(current)) =
            (&self.newest, &self.shown, self.options.provider, &self.suggestion)
        else {
            return;
        };
        let Some(buffer) = buffers.get(&newest.uri) else { return };
        let (Some(before), Some(after)) =
            (buffer.text.get(..newest.offset), buffer.text.get(newest.offset..))
        else {
            return;
        };
        let text = [before, &shown.text, after].concat();
        let offset = newest.offset + shown.text.len();
        if current.once_taken(&text, offset).is_some_and(|taken| taken.has_more()) {
            return;
        }
        let accepted = Buffer { text: &text, ..buffer };
        let prompt = self.prompt(&accepted, offset, buffers);
        let mut session =
            Session::new(provider, self.options.account.clone(), prompt, false, self.options.limits);
        if let Ok(request) = session.request(now, "") {
            out.push(Effect::Start { lane: Lane::Ahead, request: Box::new(request) });
            let suggestion = Suggestion::new(buffer.uri, buffer.language, offset, self.options.extent);
            self.ahead = Some((session, suggestion));
        }
    }
}
