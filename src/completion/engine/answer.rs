//! The answer arrives.

use super::super::events::{Buffers, Effect, Lane, Status, Why};
use super::super::session::Verdict;
use super::Engine;
use crate::provider::retry;

impl Engine {
    pub(super) fn body(&mut self, now: u64, bytes: &[u8], buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let (Some(session), Some(suggestion)) = (&mut self.session, &mut self.suggestion) else { return };
        let verdict = session.body(now, bytes, &mut suggestion.raw, &mut self.random);
        if let Some(latency) = session.take_latency() {
            self.pace.answered(latency);
        }
        let status = session.status();
        self.judge(now, verdict, buffers, out);
        if self.session.is_some() {
            self.say(status, out);
        }
        // What was typed before the first text came may contradict it.
        let Some(newest) = self.newest.as_ref().filter(|_| !self.dirty) else { return };
        let (Some(suggestion), Some(buffer)) = (&mut self.suggestion, buffers.get(&newest.uri)) else {
            return;
        };
        if !suggestion.fits(buffer.text, newest.offset) {
            self.drop_suggestion(out);
            self.due_ms.get_or_insert(now);
        } else if !suggestion.is_unsure(buffer.text) {
            self.due_ms = None;
        }
    }

    pub(super) fn judge(&mut self, now: u64, verdict: Verdict, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        match verdict {
            Verdict::Going => {}
            Verdict::Ended(_) => self.ended(now, buffers, out),
            Verdict::Again { delay_ms } => {
                out.push(Effect::Cancel(Lane::Main));
                self.retry_ms = Some(now + delay_ms);
            }
            Verdict::Failed(error) => {
                if let Some(pause) = retry::pause_ms(&error) {
                    self.limited_until_ms = now + pause;
                }
                out.push(Effect::Cancel(Lane::Main));
                self.session = None;
                match &mut self.suggestion {
                    Some(suggestion) if !suggestion.raw.is_empty() => suggestion.ended = true,
                    _ => self.suggestion = None,
                }
                out.push(Effect::Notice(error.clone()));
                if self.suggestion.is_none() {
                    self.answer_nothing(Why::Failed(error), out);
                }
            }
        }
    }

    /// The answer is whole, or all of it that will be shown.
    pub(super) fn ended(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if self.session.take().is_some() {
            out.push(Effect::Cancel(Lane::Main));
        }
        let Some(suggestion) = &mut self.suggestion else { return };
        suggestion.ended = true;
        let Some(buffer) = buffers.get(&suggestion.uri) else { return };
        self.cache.insert(&buffer, suggestion, now);
        let unseen = self.slots.is_empty() && self.shown.is_none();
        let ready = unseen && !self.dirty && !suggestion.rest(buffer.text).0.is_empty();
        self.say(if ready { Status::Ready } else { Status::Quiet }, out);
    }
}
