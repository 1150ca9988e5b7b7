//! The user asks for another suggestion than the one that is shown or that a filter hides.
//!
//! In Lapce's key bindings alt+\\ does nothing while a ghost is drawn. So the user presses Esc first, which the plugin does not see.
//! The suggestion is then usually no longer on the screen; it is drawn again if there is no other.

use super::super::io::{Buffer, Buffers, Output, Status, Why};
use super::super::suggestion::{Ending, Suggestion};
use super::{Engine, Phase, Waiting, Work};

/// Longest part of an unwanted suggestion in the prompt, in bytes.
const TOLD: usize = 1000;
/// The temperature of the first request for another suggestion, and what is added for each further one.
const WARM: f64 = 0.7;
const WARMER: f64 = 0.2;

impl Engine {
    /// Shows the next suggestion for this position, or asks for one. `false`: there is none that it would replace.
    pub(super) fn another(
        &mut self,
        now: u64,
        buffer: &Buffer<'_>,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) -> bool {
        let shown = self.screen.shown();
        let accept = self.options.accept;
        let Phase::Done(current) = &mut self.phase else { return false };
        let rest = current.rest(buffer.text).taken_by(accept);
        let is_shown = !rest.text.is_empty() && (&rest.text, rest.replaces) == (&shown.text, shown.replaces);
        let is_hidden = rest.text.is_empty()
            && current.cursor() == current.anchor()
            && !current.answer.text.trim().is_empty();
        if !(is_shown || is_hidden) {
            return false;
        }
        let target = self.options.targets.choose(now, true);
        let wait = target.map_or(0, |(_, target)| target.wait_ms(now, true));
        if self.alternatives.wants_more() && wait > 0 {
            self.say(Status::Nothing(Why::RateLimited(wait)), out);
            return true;
        }
        let Phase::Done(mut current) = std::mem::replace(&mut self.phase, Phase::Idle) else { return false };
        self.screen.left();
        self.stop_speculative(out);
        if !self.alternatives.wants_more() {
            self.phase = Phase::Done(self.alternatives.next(current));
            return true;
        }
        if let Some(why) = self.unconfirmed(now, true, out) {
            self.phase = Phase::Done(current);
            self.say(Status::Nothing(why), out);
            return true;
        }
        if self.awaits(now, out) {
            self.phase = Phase::Done(current);
            return true;
        }
        let unwanted = self.unwanted(&mut current, buffer);
        match self.compose(now, 0, unwanted, buffers) {
            Ok(Some((mut work, request))) => {
                let number = work.generation.number;
                out.push(Output::Start { number, request: Box::new(request), delay_ms: 0, replaces: None });
                work.instead_of = Some(Box::new(current));
                self.phase = Phase::Streaming { work, follow_up: None };
                self.say(Status::Waiting, out);
            }
            Ok(None) => self.phase = Phase::Done(current),
            Err(error) => {
                self.phase = Phase::Done(current);
                out.push(Output::Notice(Box::new(error)));
            }
        }
        true
    }

    /// The beginnings of the known suggestions for this position.
    fn unwanted(&mut self, current: &mut Suggestion, buffer: &Buffer<'_>) -> Vec<String> {
        let all = self.alternatives.others().chain([current]);
        let texts = all.map(|suggestion| {
            let mut text = suggestion.rest(buffer.text).text;
            if text.is_empty() {
                text.clone_from(&suggestion.answer.text);
            }
            text.truncate(text.floor_char_boundary(TOLD));
            text
        });
        texts.collect()
    }

    /// The answer to a request for another suggestion has ended: chooses which one to show.
    pub(super) fn decide(
        &mut self,
        mut new: Suggestion,
        mut shown: Suggestion,
        buffer: Option<Buffer<'_>>,
        out: &mut Vec<Output>,
    ) -> Suggestion {
        let Some(buffer) = buffer else { return new };
        let accept = self.options.accept;
        let text = |suggestion: &mut Suggestion| suggestion.rest(buffer.text).taken_by(accept).text;
        let fresh = text(&mut new);
        let known = text(&mut shown);
        let is_known = fresh == known || self.alternatives.others().any(|other| text(other) == fresh);
        if fresh.is_empty() || is_known {
            if new.answer.ending != Some(Ending::Broken) {
                self.alternatives.exhaust();
            }
            self.say(Status::Nothing(Why::NoOther), out);
            return shown;
        }
        if !known.is_empty() {
            self.alternatives.keep(shown);
        }
        new
    }

    /// Keeps the shown suggestion and stops waiting for another.
    pub(super) fn keep_shown(&mut self, out: &mut Vec<Output>) {
        let (Phase::Debouncing(Waiting { work, .. })
        | Phase::Retrying(Waiting { work, .. })
        | Phase::Streaming { work, .. }) = &mut self.phase
        else {
            return;
        };
        let Work { instead_of: Some(shown), .. } = work else { return };
        let shown = shown.as_ref().clone();
        self.abandon(out);
        self.phase = Phase::Done(shown);
    }

    /// Whether the shown suggestion stays until another has come.
    pub(super) fn waits_for_another(&self) -> bool {
        match &self.phase {
            Phase::Debouncing(Waiting { work, .. })
            | Phase::Retrying(Waiting { work, .. })
            | Phase::Streaming { work, .. } => work.instead_of.is_some(),
            Phase::Idle | Phase::Done(_) => false,
        }
    }
}

/// The temperature of a request for another suggestion when `known` are known; `own` is the usual one.
pub(super) fn warmth(own: Option<f64>, known: usize) -> Option<f64> {
    let warm = |known: usize| (WARM + WARMER * (known - 1) as f64).min(1.0).max(own.unwrap_or(0.0));
    if known == 0 { own } else { Some(warm(known)) }
}
