//! What is shown, and through which request of the editor.

use super::super::ghost::{Leftover, Read};
use super::super::io::{Answer, Buffers, Moment, Output, RequestId, Status, Wake, Why};
use super::super::suggestion::{Ending, Rest, Suggestion};
use super::{Awaited, Engine, Phase, Work};

impl Engine {
    /// Brings the screen up to date, as far as that can be done now.
    pub(super) fn show(&mut self, moment: Moment, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let now = moment.now_ms;
        let Some(place) = self.here() else { return };
        let Some(buffer) = buffers.get(&place.uri) else { return };
        let mut rest = self.rest(buffer.text);
        if moment.caught_up
            && let Phase::Streaming { work, .. } = &mut self.phase
        {
            // Everything that can be drawn is drawn now. While keys are queued, tokens wait.
            work.generation.shown();
        }
        if rest.complete && matches!(self.phase, Phase::Streaming { .. }) {
            // Nothing more of the answer would be shown: the model can stop.
            self.ended(now, Ending::Stopped, buffers, out);
            rest = self.rest(buffer.text);
        }
        if self.waits_for_another() {
            return;
        }
        let whole = matches!(self.phase, Phase::Done(_));
        if rest.text.is_empty() {
            self.clear(out);
            if whole {
                self.explain(buffers, out);
            }
            return;
        }
        if !self.wants(&rest, whole) {
            if whole {
                self.finish(now, buffers, out);
            }
            return;
        }
        if self.is_spared(&rest) {
            self.clear(out);
            return self.say(Status::Quiet, out);
        }
        if !moment.caught_up {
            // A key may be queued: a ghost painted now would be at a position that the caret has left.
            self.clear(out);
            if !self.requests.is_empty() && self.wakeups.ask_soon(now) {
                out.push(Output::Wake(Wake::Soon));
            }
            return;
        }
        let request = if whole {
            self.requests.take_newest()
        } else {
            let spare = self.requests.take_spare();
            // A key typed along with the ghost is answered at once, even with the last request.
            spare.or_else(|| self.screen.is_outdated().then(|| self.requests.take_newest()).flatten())
        };
        match request {
            Some(id) => self.draw(id, rest, now, out),
            None if whole => self.say(Status::Ready, out),
            None => {}
        }
        if whole {
            self.finish(now, buffers, out);
        }
    }

    /// What Tab would insert at the caret.
    fn rest(&mut self, document: &str) -> Rest {
        let accept = self.options.accept;
        let suggestion = self.suggestion();
        let rest =
            suggestion.map_or_else(Rest::default, |suggestion| suggestion.rest(document).taken_by(accept));
        // The pipeline has filtered the answer, but the post-processing may have joined parts of it.
        if self.options.content_filter.matches(&rest.text) {
            return Rest { complete: rest.complete, ..Rest::default() };
        }
        rest
    }

    /// Whether this should replace what is drawn.
    fn wants(&self, rest: &Rest, whole: bool) -> bool {
        let shown = self.screen.shown();
        if self.screen.is_outdated() || whole {
            return shown.text != rest.text || shown.replaces != rest.replaces;
        }
        rest.text.lines().count() > shown.text.lines().count()
    }

    /// Whether the last open request is better kept: the user types along and one character is left, which they will
    /// type before they could accept it. If it were drawn, clearing it would cost the next key's request.
    fn is_spared(&mut self, rest: &Rest) -> bool {
        let is_last = rest.text.chars().nth(1).is_none();
        let is_along = self.suggestion().is_some_and(|suggestion| suggestion.cursor() > suggestion.anchor());
        let most = usize::from(self.screen.is_outdated());
        is_last && is_along && self.requests.len() <= most
    }

    fn draw(&mut self, id: RequestId, rest: Rest, now: u64, out: &mut Vec<Output>) {
        let Some(place) = self.here() else { return };
        if self.suggestion().is_some_and(Suggestion::is_shown_first) {
            out.push(Output::Shown);
        }
        let Rest { text, replaces, .. } = rest.clone();
        self.screen.drawn(now, &place.uri, rest);
        let answer = Answer::Ghost { uri: place.uri, offset: place.offset, text, replaces };
        out.push(Output::Reply { id, answer });
    }

    /// The whole answer is drawn: ask ahead for what follows.
    fn finish(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        if !self.screen.has_ghost() {
            return;
        }
        // The reason why there is no other suggestion stays.
        if !matches!(self.status, Status::Nothing(Why::NoOther | Why::Failed(_))) {
            self.say(Status::Quiet, out);
        }
        self.ask_ahead(now, buffers, out);
    }

    /// The answer has ended and nothing of it shows: says why, if the user pressed alt+\.
    fn explain(&mut self, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let Phase::Done(suggestion) = &mut self.phase else { return };
        let hidden = buffers.get(&suggestion.uri).and_then(|buffer| suggestion.hidden(buffer.text));
        let why = hidden.map_or(Why::Empty, Why::Hidden);
        self.answer_nothing(why, out);
    }

    /// Clears an outdated ghost and answers the newest request with nothing; says why, if the user pressed alt+\.
    pub(super) fn answer_nothing(&mut self, why: Why, out: &mut Vec<Output>) {
        let status = if self.is_invoked() { Status::Nothing(why) } else { Status::Quiet };
        self.clear(out);
        self.release(out);
        self.say(status, out);
    }

    /// Clears an item that Tab is bound to and that does not fit, and what may still be drawn in this document. Uses the oldest
    /// request, and the newest only if there is no other.
    pub(super) fn clear(&mut self, out: &mut Vec<Output>) {
        let is_orphaned = self.screen.has_ghost() && matches!(self.phase, Phase::Idle);
        let leftover = self.screen.leftover(&self.front);
        let request = if self.screen.is_outdated() || is_orphaned || leftover == Some(Leftover::Likely) {
            self.requests.take_oldest()
        } else if leftover.is_some() {
            // The newest is for the next ghost.
            self.requests.take_spare()
        } else {
            None
        };
        if let Some(id) = request {
            self.screen.cleared(&self.front);
            out.push(Output::Reply { id, answer: Answer::Clear });
        }
    }

    /// Answers the newest request with nothing. Older ones stay in reserve.
    pub(super) fn release(&mut self, out: &mut Vec<Output>) {
        if let Some(id) = self.requests.take_due() {
            self.reply_nothing(id, out);
        }
    }

    /// Answers all open requests with nothing.
    pub(super) fn release_all(&mut self, out: &mut Vec<Output>) {
        while let Some(id) = self.requests.take_oldest() {
            self.reply_nothing(id, out);
        }
    }

    /// Answers a request with nothing, which also clears an old ghost that may still be drawn in the document.
    pub(super) fn reply_nothing(&mut self, id: RequestId, out: &mut Vec<Output>) {
        let answer = if self.screen.leftover(&self.front).is_some() {
            self.screen.wiped(&self.front);
            Answer::Clear
        } else {
            Answer::Nothing
        };
        out.push(Output::Reply { id, answer });
    }

    /// Asks to be woken for more of the answer, if a request is open to paint through.
    pub(super) fn ask_for_wakeup(&mut self, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        if self.requests.is_empty() || self.place().is_none() {
            return;
        }
        let (number, read) = match &self.phase {
            Phase::Idle => match &self.awaited {
                Some(awaited) => (awaited.number(), Read::Nothing),
                None => return,
            },
            Phase::Done(_) => return,
            Phase::Debouncing(waiting) | Phase::Retrying(waiting) => {
                (waiting.work.generation.number, Read::Nothing)
            }
            Phase::Streaming { work: Work { generation, .. }, .. } => {
                let read = match generation.status() {
                    _ if self.screen.has_ghost() => Read::Lines,
                    Status::Streaming { .. } => Read::Text,
                    Status::Thinking => Read::Thoughts,
                    _ => Read::Nothing,
                };
                (generation.number, read)
            }
        };
        if let Some(mut not_before) = self.wakeups.ask(read, open_bytes(buffers)) {
            if let (Phase::Idle, Some(Awaited::Key { .. })) = (&self.phase, &self.awaited) {
                // A part of a key is useless.
                not_before = u64::MAX.into();
            }
            out.push(Output::Wake(Wake::More { number, not_before }));
        }
    }
}

/// The size of all open documents, in bytes.
pub(super) fn open_bytes(buffers: &dyn Buffers) -> usize {
    buffers.all().iter().map(|buffer| buffer.text.len()).sum()
}
