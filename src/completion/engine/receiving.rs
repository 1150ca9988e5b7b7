//! Events of requests to the model.

use super::super::generation::Verdict;
use super::super::io::{Buffers, Output, ResponseEvent, Status, Why};
use super::super::suggestion::Ending;
use super::super::targets::Role;
use super::painting::open_bytes;
use super::{Engine, FirstText, Phase, Waiting, Work};
use crate::provider::{Error, retry};
use crate::stream::ErrorKind;
use crate::transport::RequestNumber;

/// If a model took this much longer than usual for its first text, the text was there but not read. In milliseconds.
const UNREAD_MS: u64 = 10_000;

/// If there is a fallback, it is asked rather than waiting longer than this for a retry, in milliseconds.
const LONG_MS: u64 = 2_000;

impl Engine {
    pub(super) fn receive(
        &mut self,
        now: u64,
        number: RequestNumber,
        event: &ResponseEvent<'_>,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        if self.speculative.as_ref().is_some_and(|work| work.generation.number == number) {
            return self.receive_ahead(now, event, out);
        }
        if self.awaited.as_ref().is_some_and(|awaited| awaited.number() == number) {
            return self.receive_awaited(now, event, buffers, out);
        }
        let Phase::Streaming { work, .. } = &mut self.phase else { return };
        if work.generation.number != number {
            return;
        }
        let role = work.role;
        let Work { generation, suggestion, .. } = work;
        let had_text = generation.first_text_ms().is_some();
        let verdict = generation.receive(now, event, &mut suggestion.answer, &mut self.random);
        let begins = !had_text && generation.first_text_ms().is_some();
        let took = now.saturating_sub(generation.sent_ms());
        let status = generation.status();
        let (server, lessons) = generation.confirmed_lessons();
        let has_answered = generation.has_answered();
        if let Some(target) = self.options.targets.get_mut(role) {
            if has_answered {
                target.heard(now);
            }
            for lesson in lessons {
                // The next requests apply it from the start.
                target.account.lessons.push(lesson.clone());
                let model = target.model().to_owned();
                out.push(Output::Learned { server: server.clone(), model, lesson });
            }
        }
        if begins {
            let text = FirstText { took_ms: took, latency_ms: self.wakeups.latency_ms(took) };
            self.first_text = (took < self.debounce.latency_ms() + UNREAD_MS).then_some(text);
        }
        let is_body = matches!(event, ResponseEvent::Body(_));
        if verdict == Verdict::Going && is_body {
            self.say(status, out);
        }
        self.judge(now, role, verdict, buffers, out);
        self.choose(now, buffers, out);
    }

    /// Decides between the answer and the request that would replace it: once text has come, it is clear whether the
    /// answer fits what was typed since.
    fn choose(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Some(place) = self.here() else { return };
        let Some(buffer) = buffers.get(&place.uri) else { return };
        if let Phase::Done(suggestion) = &mut self.phase {
            let fits = suggestion.uri == place.uri && suggestion.fits(buffer.text, place.offset);
            // The answer was empty, but the user has typed since it was asked for.
            let is_older = suggestion.answer.text.is_empty() && suggestion.cursor() > suggestion.anchor();
            if !fits || is_older {
                self.ask_anew(now, buffers, out);
            }
            return;
        }
        let Phase::Streaming { work, follow_up } = &mut self.phase else { return };
        let suggestion = &mut work.suggestion;
        let fits = suggestion.fits(buffer.text, place.offset);
        if fits && suggestion.is_unsure(buffer.text) {
            return;
        }
        let old = work.generation.number;
        match (follow_up.take(), fits) {
            (Some(next), true) => out.push(Output::Stop(next.work.generation.number)),
            (Some(next), false) => {
                out.push(Output::Stop(old));
                self.phase = Phase::Debouncing(*next);
                self.wakeups.disarm();
            }
            (None, true) => {}
            (None, false) => self.ask_anew(now, buffers, out),
        }
    }

    /// The answer does not fit what was typed since: asks for one that does, without a further debounce.
    fn ask_anew(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        self.abandon(out);
        self.say(Status::Quiet, out);
        if !self.requests.is_empty() {
            self.hand_over(now, 0, buffers, out);
        }
    }

    /// An event of the speculative request.
    fn receive_ahead(&mut self, now: u64, event: &ResponseEvent<'_>, out: &mut Vec<Output>) {
        let Some(Work { generation, suggestion, .. }) = &mut self.speculative else { return };
        let verdict = generation.receive(now, event, &mut suggestion.answer, &mut self.random);
        // It is not shown yet, so its tokens do not wait for that.
        generation.shown();
        suggestion.answer.ending = Some(match verdict {
            Verdict::Going => return,
            Verdict::Ended(ending) => ending,
            // It was a guess: not worth a second request. It stays, so that the next key does not send one either.
            Verdict::Again { .. } | Verdict::Failed(_) => Ending::Broken,
        });
        out.push(Output::Stop(generation.number));
        out.extend(generation.figures(now).map(Output::Finished));
    }

    fn judge(
        &mut self,
        now: u64,
        role: Role,
        verdict: Verdict,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        let verdict = match verdict {
            // Nothing would wake the plugin to read the answer to another request. So the failure is shown now.
            Verdict::Again { after: Some(error), .. } if !self.can_read_another(buffers) => {
                Verdict::Failed(error)
            }
            verdict => verdict,
        };
        match verdict {
            Verdict::Going => {}
            Verdict::Ended(ending) => {
                if let Some(target) = self.target_mut(role) {
                    target.answered();
                }
                self.ended(now, ending, buffers, out);
            }
            Verdict::Again { delay_ms, after: Some(error) }
                if (error.kind == ErrorKind::RateLimited || delay_ms > LONG_MS)
                    && self.stand_in(now, &error, buffers, out) => {}
            Verdict::Again { delay_ms, after } => {
                let status = after.and_then(|error| match error.kind {
                    ErrorKind::RateLimited => Some(Status::Nothing(Why::RateLimited(delay_ms))),
                    _ => retry::is_loading(error.status, &error.message).then_some(Status::Loading),
                });
                self.again(now, delay_ms, status, out);
            }
            Verdict::Failed(error) if self.renew_key(now, &error, buffers, out) => {}
            Verdict::Failed(error) if self.stand_in(now, &error, buffers, out) => {}
            Verdict::Failed(error) => {
                if let Some(target) = self.target_mut(role) {
                    target.failed(now, &error);
                }
                out.push(Output::Notice(error.clone()));
                let was_another = self.waits_for_another();
                self.ended(now, Ending::Broken, buffers, out);
                if was_another {
                    self.say(Status::Nothing(Why::Failed(error)), out);
                } else if matches!(&self.phase, Phase::Done(suggestion) if suggestion.answer.text.is_empty())
                {
                    self.phase = Phase::Idle;
                    self.answer_nothing(Why::Failed(error), out);
                }
            }
        }
    }

    /// Whether a wake-up is left in this pause for another request to the same target. The last one is kept for the fallback,
    /// unless a part of the answer has come.
    fn can_read_another(&self, buffers: &dyn Buffers) -> bool {
        let invoked = self.is_invoked();
        let has_stand_in = |role| self.options.targets.has_stand_in(role, invoked);
        self.wakeups.left(open_bytes(buffers)) > usize::from(self.failed_role().is_some_and(has_stand_in))
    }

    /// Asks the fallback instead of the target that has failed with `error`, if that can help.
    fn stand_in(&mut self, now: u64, error: &Error, buffers: &dyn Buffers, out: &mut Vec<Output>) -> bool {
        let Some(role) = self.failed_role() else { return false };
        let invoked = self.is_invoked();
        let away = self.options.targets.get(role).map_or("", |target| target.provider.title());
        let Some(is_news) = self.options.targets.stand_in(role, invoked, now, error) else { return false };
        self.drop_failed(out);
        if let (true, Some((_, target))) = (is_news, self.options.targets.choose(now, invoked)) {
            let by = target.provider.title();
            self.say(Status::StandIn { away, why: error.kind, by }, out);
            self.has_news = true;
        }
        self.ask_once_more(now, buffers, out);
        true
    }

    /// The target of the running request, if nothing of its answer has come.
    pub(super) fn failed_role(&self) -> Option<Role> {
        match &self.phase {
            Phase::Streaming { work, .. } if work.suggestion.answer.text.is_empty() => Some(work.role),
            _ => None,
        }
    }

    /// Drops the failed request.
    pub(super) fn drop_failed(&mut self, out: &mut Vec<Output>) {
        if let Phase::Streaming { work, follow_up } = std::mem::replace(&mut self.phase, Phase::Idle) {
            let next = follow_up.map(|next| next.work.generation.number);
            out.extend(next.into_iter().chain([work.generation.number]).map(Output::Stop));
            self.wakeups.disarm();
        }
    }

    /// Asks for the caret's position again, if a request of the editor is open, without a further debounce.
    pub(super) fn ask_once_more(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        if self.requests.is_empty() {
            return;
        }
        let Some(place) = self.here() else { return };
        let Some(buffer) = buffers.get(&place.uri) else { return };
        match self.refused(now, &buffer, &place, out) {
            Some(why) => self.answer_nothing(why, out),
            None => self.hand_over(now, 0, buffers, out),
        }
    }

    /// Sends the request again, possibly in another form.
    fn again(&mut self, now: u64, delay_ms: u64, status: Option<Status>, out: &mut Vec<Output>) {
        let number = self.next_number();
        let Phase::Streaming { mut work, follow_up } = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        out.push(Output::Stop(work.generation.number));
        self.wakeups.disarm();
        if let Some(next) = follow_up {
            // The next request was handed over already.
            self.phase = Phase::Debouncing(*next);
            return;
        }
        let due_ms = now.saturating_add(delay_ms);
        match work.generation.request(number, due_ms, &work.suggestion.answer.text) {
            Ok(request) => {
                let request = Box::new(request);
                out.push(Output::Start { number, request, delay_ms, replaces: None });
                if let Some(status) = status.filter(|status| *status == Status::Loading || self.is_invoked())
                {
                    self.say(status, out);
                }
                self.phase = if delay_ms == 0 {
                    Phase::Streaming { work, follow_up: None }
                } else {
                    Phase::Retrying(Waiting { work, due_ms })
                };
            }
            Err(error) => {
                out.push(Output::Notice(Box::new(error.clone())));
                self.answer_nothing(Why::Failed(Box::new(error)), out);
            }
        }
    }

    /// The answer has ended: nothing more of it will come or be shown.
    pub(super) fn ended(&mut self, now: u64, ending: Ending, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Phase::Streaming { work, follow_up } = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let Work { generation, mut suggestion, instead_of, .. } = work;
        self.measured = Some(generation.measured());
        out.push(Output::Stop(generation.number));
        out.extend(generation.figures(now).map(Output::Finished));
        if let Some(next) = follow_up {
            // Nothing came.
            if suggestion.answer.text.is_empty() {
                self.phase = Phase::Debouncing(*next);
                self.wakeups.disarm();
                return;
            }
            out.push(Output::Stop(next.work.generation.number));
        }
        suggestion.answer.ending = Some(ending);
        let buffer = buffers.get(&suggestion.uri);
        if let Some(first) = generation.first_text_ms() {
            let mut writing_ms = now.saturating_sub(first);
            match self.first_text.take() {
                // All of it was read at once: the end of the answer was what woke the plugin.
                Some(text) if writing_ms == 0 => self.debounce.answered(text.took_ms),
                Some(FirstText { took_ms, latency_ms }) => {
                    self.debounce.answered(latency_ms);
                    // The text had waited that long when it was read.
                    writing_ms += took_ms.saturating_sub(latency_ms);
                }
                None => {}
            }
            // One line takes one wake-up, however long it was written.
            if buffer.as_ref().is_some_and(|buffer| suggestion.rest(buffer.text).text.contains('\n')) {
                self.wakeups.wrote(writing_ms);
            }
        }
        self.wakeups.disarm();
        if let Some(buffer) = &buffer {
            self.cache.insert(buffer, &suggestion, now);
        }
        self.phase = Phase::Done(match instead_of {
            Some(shown) => self.decide(suggestion, *shown, buffer, out),
            None => suggestion,
        });
    }
}
