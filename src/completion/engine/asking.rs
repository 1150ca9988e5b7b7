//! Requests of the editor, and requests to the model.

use super::super::generation::Generation;
use super::super::ghost::Accept;
use super::super::io::{Buffer, Buffers, Output, Status, Why};
use super::super::prompt::{self, Wish};
use super::super::suggestion::{Answer, Ending, Suggestion};
use super::super::targets::Role;
use super::super::trigger::{Asked, Gate};
use super::another::warmth;
use super::{Engine, Options, Phase, Place, Waiting, Work};
use crate::http::HttpRequest;
use crate::provider::{Account, Error, Prompt};
use crate::transport::RequestNumber;

impl Engine {
    /// The caret is known: continues the suggestion that fits there, offers a known one, or asks the model.
    pub(super) fn asked(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Some(place) = self.here() else { return };
        let Some(buffer) = buffers.get(&place.uri) else {
            self.interrupt_consent();
            self.abandon(out);
            return self.answer_nothing(Why::NoText, out);
        };
        if !self.still_fits(buffers) {
            self.abandon(out);
        }
        let is_for_another = self.is_for_another(now, &place);
        if place.invoked && !is_for_another && self.another(now, &buffer, buffers, out) {
            return;
        }
        if self.is_used_up(buffers) {
            self.stop_speculative(out);
            self.finish_taken(buffers);
        }
        // The rest of a suggestion that the user has begun to accept or to type along is offered wherever that leads.
        if (is_for_another || !self.is_under_way(buffers))
            && let Some(why) = self.refused(now, &buffer, &place, out)
        {
            self.abandon(out);
            return self.answer_nothing(why, out);
        }
        if is_for_another {
            self.abandon(out);
        }
        if let Phase::Idle = self.phase
            && !is_for_another
            && let Some(suggestion) = self.at_hand(now, &buffer, &place)
        {
            self.phase = Phase::Done(suggestion);
        }
        let delay = match place.invoked {
            true => 0,
            false => self.debounce.wait_ms(now, buffer.text.get(..place.offset).unwrap_or_default()),
        };
        match &mut self.phase {
            Phase::Idle | Phase::Debouncing(_) | Phase::Retrying(_) => {
                self.hand_over(now, delay, buffers, out);
            }
            Phase::Streaming { work, .. } => {
                // If nothing of its answer has come, it goes on until the next request leaves. If its server may be
                // loading the model, it goes on until that is loaded: stopping the request would stop the loading.
                let unsure = work.suggestion.is_unsure(buffer.text) && !work.is_loading();
                let sent_ms = work.generation.sent_ms();
                if place.invoked || work.is_loading() {
                    let status = work.status();
                    self.say(status, out);
                }
                let patience = if place.invoked { 0 } else { self.debounce.patience_ms(now, sent_ms) };
                self.follow_up(now, unsure.then_some(delay.max(patience)), buffers, out);
            }
            Phase::Done(_) => {}
        }
    }

    /// Whether the user asks the target for alt+\ after another target was asked.
    fn is_for_another(&self, now: u64, place: &Place) -> bool {
        let chosen = self.options.targets.choose(now, place.invoked).map(|(role, _)| role);
        place.invoked && chosen == Some(Role::Invoked) && self.asked != Role::Invoked
    }

    /// Whether the suggestion fits the document and the caret.
    pub(super) fn still_fits(&mut self, buffers: &dyn Buffers) -> bool {
        let Some(place) = self.here() else { return false };
        let Some(buffer) = buffers.get(&place.uri) else { return false };
        match self.suggestion() {
            Some(suggestion) => suggestion.uri == place.uri && suggestion.fits(buffer.text, place.offset),
            None => true,
        }
    }

    /// Whether the whole suggestion is in the document.
    pub(super) fn is_used_up(&mut self, buffers: &dyn Buffers) -> bool {
        let Some(place) = self.here() else { return false };
        let Some(buffer) = buffers.get(&place.uri) else { return false };
        let Phase::Done(suggestion) = &mut self.phase else { return false };
        suggestion.uri == place.uri
            && suggestion.fits(buffer.text, place.offset)
            && suggestion.rest(buffer.text).text.is_empty()
            // A suggestion that was requested ahead may begin on the next line.
            && (suggestion.cursor() > suggestion.anchor() || place.invoked || suggestion.answer.text.trim().is_empty())
    }

    /// Whether lines of a suggestion were accepted, and more are left.
    pub(super) fn is_partly_taken(&mut self, buffers: &dyn Buffers) -> bool {
        self.options.accept == Accept::Line && self.is_under_way(buffers)
    }

    /// Whether the document contains a part of the suggestion, and more is left.
    fn is_under_way(&mut self, buffers: &dyn Buffers) -> bool {
        let Some(suggestion) = self.suggestion().filter(|it| it.cursor() > it.anchor()) else { return false };
        buffers.get(&suggestion.uri).is_some_and(|buffer| !suggestion.rest(buffer.text).text.is_empty())
    }

    /// Drops a suggestion that is used up; what the model wrote beyond it is kept.
    pub(super) fn finish_taken(&mut self, buffers: &dyn Buffers) {
        let Phase::Done(suggestion) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let taken = buffers.get(&suggestion.uri).and_then(|buffer| suggestion.taken(buffer.text));
        self.continuation = taken.or(self.continuation.take());
    }

    /// A suggestion for this position that needs no request.
    fn at_hand(&mut self, now: u64, buffer: &Buffer<'_>, place: &Place) -> Option<Suggestion> {
        let extent = self.options.extent;
        let offset = place.offset;
        if let Some(rest) = self.continuation.as_ref().and_then(|it| it.offer(buffer.uri, offset)) {
            let ending = Some(Ending::Whole);
            let answer = Answer { text: rest.to_owned(), ending };
            let mut suggestion = Suggestion::with_answer(buffer.uri, buffer.language, offset, extent, answer);
            if !suggestion.rest(buffer.text).text.is_empty() {
                return Some(suggestion);
            }
        }
        let mut found = self.cache.find(buffer, offset, extent, now)?;
        let has_text = !found.rest(buffer.text).text.is_empty();
        // One that is used up does not say what follows. And an old empty answer is no answer to alt+\.
        let is_of_use = has_text || (found.cursor() == found.anchor() && !place.invoked);
        is_of_use.then_some(found)
    }

    /// Why the model is not asked about this place, if so: a rule forbids it, or the user has yet to agree to the server.
    pub(super) fn refused(
        &mut self,
        now: u64,
        buffer: &Buffer<'_>,
        place: &Place,
        out: &mut Vec<Output>,
    ) -> Option<Why> {
        let why = self.refusal(now, buffer, place);
        if why.is_some() {
            // A key that a rule refuses is no step of giving consent.
            self.interrupt_consent();
            return why;
        }
        self.unconfirmed(now, place.invoked, out)
    }

    fn refusal(&self, now: u64, buffer: &Buffer<'_>, place: &Place) -> Option<Why> {
        let Some((_, target)) = self.options.targets.choose(now, place.invoked) else {
            return Some(Why::NoProvider);
        };
        if let Some(gate) = self.options.gates.check(buffer, place.offset, place.invoked) {
            return Some(Why::Gate(gate));
        }
        if !matches!(self.phase, Phase::Idle) {
            return None;
        }
        let is_end = |it: &super::Continuation| it.is_end(&place.uri, place.offset);
        if !place.invoked && self.continuation.as_ref().is_some_and(is_end) {
            return Some(Why::Gate(Gate::JustAccepted));
        }
        let wait = target.wait_ms(now, place.invoked);
        (wait > 0).then_some(Why::RateLimited(wait))
    }

    /// The question for consent, if the user has not agreed to the target yet.
    pub(super) fn unconfirmed(&mut self, now: u64, invoked: bool, out: &mut Vec<Output>) -> Option<Why> {
        let (role, _) = self.options.targets.choose(now, invoked)?;
        match self.target_mut(role)?.consent.request(invoked) {
            Asked::Allowed => None,
            Asked::Agreed => {
                out.push(Output::Agreed(role));
                None
            }
            Asked::Question(question) => Some(Why::Unconfirmed(question)),
        }
    }

    /// Hands over a request for the caret's position, in place of the current one.
    pub(super) fn hand_over(
        &mut self,
        now: u64,
        delay_ms: u64,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        self.abandon(out);
        if self.awaits(now, out) {
            return;
        }
        self.look_for_definitions(now, buffers, out);
        match self.compose(now, delay_ms, Vec::new(), buffers) {
            Ok(Some((work, request))) => {
                let number = work.generation.number;
                let status = if work.loads { Status::Loading } else { Status::Waiting };
                let is_told = work.loads || self.is_invoked();
                out.push(Output::Start { number, request: Box::new(request), delay_ms, replaces: None });
                let due_ms = now + delay_ms;
                self.phase = if delay_ms == 0 {
                    Phase::Streaming { work, follow_up: None }
                } else {
                    Phase::Debouncing(Waiting { work, due_ms })
                };
                if is_told {
                    self.say(status, out);
                }
            }
            Ok(None) => {}
            Err(error) => self.fail(error, out),
        }
    }

    /// Searches for definitions that a later prompt may use.
    fn look_for_definitions(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Some(place) = self.here().filter(|_| self.options.budget.snippets) else { return };
        let search =
            buffers.get(&place.uri).and_then(|buffer| self.definitions.search(now, &buffer, place.offset));
        out.extend(search.map(Output::Search));
    }

    /// Hands over the request that replaces the running one after `delay_ms`; `None`: the running one fits.
    fn follow_up(&mut self, now: u64, delay_ms: Option<u64>, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Phase::Streaming { work, follow_up } = &mut self.phase else { return };
        let replaces = work.generation.number;
        if let Some(before) = follow_up.take() {
            out.push(Output::Stop(before.work.generation.number));
        }
        let Some(delay_ms) = delay_ms else { return };
        // If it cannot be composed, the user learns why when the running one has ended.
        let Ok(Some((next, request))) = self.compose(now, delay_ms, Vec::new(), buffers) else { return };
        let number = next.generation.number;
        let replaces = Some(replaces);
        out.push(Output::Start { number, request: Box::new(request), delay_ms, replaces });
        if let Phase::Streaming { follow_up, .. } = &mut self.phase {
            *follow_up = Some(Box::new(Waiting { work: next, due_ms: now + delay_ms }));
        }
    }

    /// A request for the caret's position that leaves `delay_ms` from now. Suggestions like the `unwanted` ones are excluded.
    pub(super) fn compose(
        &mut self,
        now: u64,
        delay_ms: u64,
        unwanted: Vec<String>,
        buffers: &dyn Buffers,
    ) -> Result<Option<(Work, HttpRequest)>, Error> {
        let Some(place) = self.here() else { return Ok(None) };
        let Some(buffer) = buffers.get(&place.uri) else { return Ok(None) };
        let chosen = self.options.targets.choose(now, place.invoked);
        let Some((role, target)) =
            chosen.filter(|(role, target)| target.may_be_asked() && !self.awaits_for(*role))
        else {
            return Ok(None);
        };
        let loads = target.is_cold(now);
        self.asked = role;
        let asked = Asking { role, loads, invoked: place.invoked, sent_ms: now + delay_ms, unwanted };
        self.work(asked, &buffer, place.offset, buffers)
    }

    /// The request for a position, with the suggestion that its answer becomes.
    fn work(
        &mut self,
        asking: Asking,
        buffer: &Buffer<'_>,
        offset: usize,
        buffers: &dyn Buffers,
    ) -> Result<Option<(Work, HttpRequest)>, Error> {
        let Asking { role, loads, invoked, sent_ms, unwanted } = asking;
        let mut prompt = self.prompt(buffer, offset, buffers);
        let number = self.next_number();
        let Options { targets, limits, content_filter, extent, .. } = &self.options;
        let Some(target) = targets.get(role) else { return Ok(None) };
        let temperature = warmth(target.account.temperature, unwanted.len());
        let account = Account { temperature, ..target.account.clone() };
        prompt.unwanted = unwanted;
        let mut generation =
            Generation::new(target.provider, account, prompt, invoked, *limits, content_filter.afresh());
        let suggestion = Suggestion::new(buffer.uri, buffer.language, offset, *extent);
        let request = generation.request(number, sent_ms, "")?;
        Ok(Some((Work { generation, suggestion, instead_of: None, role, loads }, request)))
    }

    fn prompt(&mut self, buffer: &Buffer<'_>, offset: usize, buffers: &dyn Buffers) -> Prompt {
        let Options { max_tokens, extent, ref repository, ref budget, .. } = self.options;
        let wish = Wish {
            offset,
            max_tokens,
            extent,
            repository,
            edits: &self.edits,
            definitions: &self.definitions,
        };
        prompt::prompt(&mut self.similar, buffer, buffers, &wish, budget)
    }

    pub(super) fn next_number(&mut self) -> RequestNumber {
        self.last_number += 1;
        RequestNumber(self.last_number)
    }

    /// The request cannot be made.
    fn fail(&mut self, error: Error, out: &mut Vec<Output>) {
        out.push(Output::Notice(Box::new(error.clone())));
        self.answer_nothing(Why::Failed(Box::new(error)), out);
    }

    /// Starts the speculative request for the document as it is after the shown suggestion is accepted, unless the
    /// model has already written what follows, or an automatic request would not be allowed there.
    pub(super) fn ask_ahead(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Some((role, target)) = self.options.targets.choose(now, false) else { return };
        if !target.speculative
            || !target.may_be_asked()
            || self.awaits_for(role)
            || target.wait_ms(now, false) > 0
            || self.speculative.is_some()
            || !self.screen.has_ghost()
        {
            return;
        }
        let shown = self.screen.shown();
        let Some(place) = self.here() else { return };
        let Phase::Done(current) = &mut self.phase else { return };
        let Some(buffer) = buffers.get(&place.uri) else { return };
        if current.rest(buffer.text).text != shown.text {
            return;
        }
        let (Some(before), Some(after)) =
            (buffer.text.get(..place.offset), buffer.text.get(place.offset + shown.replaces..))
        else {
            return;
        };
        let text = [before, &shown.text, after].concat();
        let offset = place.offset + shown.text.len();
        if current.once_taken(&text, offset).is_some_and(|continuation| continuation.has_more()) {
            return;
        }
        let accepted = Buffer { text: &text, ..buffer };
        if self.options.gates.check(&accepted, offset, false).is_some() {
            return;
        }
        let asking = Asking { role, loads: false, invoked: false, sent_ms: now, unwanted: Vec::new() };
        // If it cannot be composed, the user learns why when it is needed.
        if let Ok(Some((work, request))) = self.work(asking, &accepted, offset, buffers) {
            let number = work.generation.number;
            out.push(Output::Start { number, request: Box::new(request), delay_ms: 0, replaces: None });
            self.speculative = Some(work);
        }
    }
}

/// The circumstances of a request.
struct Asking {
    role: Role,
    /// See [`Work`].
    loads: bool,
    /// The user asks for it with alt+\.
    invoked: bool,
    /// When the request leaves, in milliseconds.
    sent_ms: u64,
    /// Known suggestions that the user does not want.
    unwanted: Vec<String>,
}
