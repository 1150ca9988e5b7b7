//! The state machine: when to ask, when to show, through which request, and when to be quiet.
//!
//! Whatever the engine paints while a key is queued lands at a place that no longer is. So it paints only when it is
//! *caught up*: right after a message that found the guest idle ([`Input::Requested::fresh`]), or right after a
//! [fence](super::fences) came back.
//!
//! # One pause in typing
//!
//! ```text
//! key ── wait (debounce) ── fence 1 ── start ── read … first line ── fence 2 ── paint
//!        ── read … more lines ── fence 3 ── paint ── read … end ── fence 4 ── paint, quiet
//! ```

use super::cache::Cache;
use super::context::{self, Budget};
use super::edits::RecentEdits;
use super::events::{Answer, Buffer, Buffers, Edit, Effect, Input, Lane, RequestId, Status, Why};
use super::fences::{Asked, Fences};
use super::gates::{Gate, Gates};
use super::pace::Pace;
use super::session::{Limits, Session, Verdict};
use super::shape::Extent;
use super::slots::Slots;
use super::suggestion::{self, Suggestion};
use super::taken::Taken;
use crate::provider::{Account, Prompt, Provider, retry};

/// How often what has arrived behind a complete block is read, at most, each time for so many milliseconds.
const READS_BEHIND: u8 = 4;
const READ_BEHIND_MS: u64 = 1;
/// Before a paint, what has arrived already is read in so many pieces at most.
const READS_AT_ONCE: u8 = 8;
/// Growing text is painted again after this time at the earliest, in milliseconds.
const REPAINT_MS: u64 = 400;
/// So long after a key a ghost grows, in milliseconds. That Esc dismissed it, or that the caret was moved, the
/// editor does not tell: the later, the likelier.
const GROWING_MS: u64 = 2000;

/// The user's wishes.
pub struct Options {
    /// Whom to ask; `None`: nobody was named.
    pub provider: Option<&'static dyn Provider>,
    /// How to ask.
    pub account: Account,
    /// Where not to ask.
    pub gates: Gates,
    /// Fixed debounce in milliseconds; `None` adapts.
    pub debounce_ms: Option<u64>,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// What may go into a prompt.
    pub budget: Budget,
    /// How much of an answer is wanted.
    pub extent: Extent,
    /// Name of the workspace's folder.
    pub repository: String,
    /// Answers kept.
    pub cache_entries: usize,
    /// Ask ahead while a suggestion is on screen.
    pub speculative: bool,
    /// How long events and answers may be.
    pub limits: Limits,
    /// Randomness for back-off jitter.
    pub seed: u64,
}

/// What is drawn, as far as the engine knows.
#[derive(Debug, Clone, Default)]
struct Shown {
    text: String,
    painted_ms: u64,
}

/// The newest place a completion was asked for.
#[derive(Debug, Clone)]
struct Newest {
    uri: String,
    offset: usize,
    invoked: bool,
}

/// See the module's documentation.
pub struct Engine {
    options: Options,
    pace: Pace,
    fences: Fences,
    slots: Slots,
    cache: Cache,
    edits: RecentEdits,
    newest: Option<Newest>,
    /// A document changed and no request has told the cursor since.
    dirty: bool,
    /// Nor will one: what else follows a change has come. The editor itself clears the ghost then.
    unasked: bool,
    suggestion: Option<Suggestion>,
    session: Option<Session>,
    /// A speculative generation and the suggestion it will be.
    ahead: Option<(Session, Suggestion)>,
    /// The place behind the last suggestion that was accepted.
    taken: Option<Taken>,
    shown: Option<Shown>,
    /// Tab is bound to a ghost that contradicts the document, and no request was open to clear it.
    must_clear: bool,
    /// Documents in which such a ghost may be drawn. Lapce forgets what Tab is bound to with the next answer in
    /// any document, but what is drawn only with one in the same.
    drawn_in: Vec<String>,
    /// The newest request goes along with what is drawn: answer it as soon as may be.
    refresh: bool,
    /// So often what has arrived behind the complete block was read.
    reads_behind: u8,
    /// So often what has arrived may still be read before a paint.
    reads_at_once: u8,
    /// When the pause in typing is long enough to ask.
    due_ms: Option<u64>,
    /// A retry waits until then.
    retry_ms: Option<u64>,
    /// Until when the provider asked not to be asked.
    limited_until_ms: u64,
    status: Status,
    random: u64,
}

impl Engine {
    /// An engine with these wishes.
    pub fn new(options: Options) -> Self {
        Self {
            pace: Pace::new(options.debounce_ms),
            fences: Fences::default(),
            slots: Slots::default(),
            cache: Cache::new(options.cache_entries),
            edits: RecentEdits::default(),
            newest: None,
            dirty: false,
            unasked: false,
            suggestion: None,
            session: None,
            ahead: None,
            taken: None,
            shown: None,
            must_clear: false,
            drawn_in: Vec::new(),
            refresh: false,
            reads_behind: 0,
            reads_at_once: 0,
            due_ms: None,
            retry_ms: None,
            limited_until_ms: 0,
            status: Status::Quiet,
            random: options.seed | 1,
            options,
        }
    }

    /// Tells the time of day, in seconds since 1970-01-01 UTC: some formats sign their requests with it.
    pub fn set_unix_time(&mut self, seconds: u64) {
        self.options.account.unix_time = seconds;
    }

    /// Takes what happened at `now_ms` (any monotonic clock) and appends what is to be done.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        self.fences.step();
        match input {
            Input::Edited { uri, edit } => {
                self.fences.entered(now_ms);
                self.edited(now_ms, uri, &edit, buffers, out);
            }
            Input::Requested { id, uri, offset, invoked, fresh } => {
                self.fences.entered(now_ms);
                self.fences.requested(now_ms, fresh, self.pace.interval_ms());
                match (invoked, self.fences.is_bounded() && !fresh) {
                    (true, _) => {}
                    (false, true) => self.pace.lose_track(),
                    (false, false) => self.pace.key(now_ms),
                }
                if self.newest.as_ref().is_some_and(|newest| newest.uri != uri) {
                    // The answer of an open request would be drawn in its document, not in this one.
                    self.drop_suggestion(out);
                    self.release(out);
                }
                if let Some(id) = self.slots.push(id) {
                    out.push(Effect::Reply { id, answer: Answer::Nothing });
                }
                self.newest = Some(Newest { uri: uri.to_owned(), offset, invoked });
                self.requested(now_ms, buffers, out);
                self.advance(now_ms, buffers, out);
            }
            Input::Woken { uri } => {
                self.fences.entered(now_ms);
                let here = self.newest.as_ref().is_none_or(|newest| newest.uri == uri);
                self.unasked |= here && (self.dirty || self.must_clear);
                if here && self.fences.came_back() {
                    let (latency, patient) = (self.pace.latency_ms(), self.is_invoked());
                    self.fences.confirm(now_ms, latency, patient);
                    self.reads_at_once = READS_AT_ONCE;
                    if self.dirty {
                        // No request followed the change: the cursor is unknown, nothing can be shown.
                        self.release(out);
                    } else {
                        self.advance(now_ms, buffers, out);
                    }
                }
            }
            Input::Elapsed => {
                if self.reads_behind > 0 {
                    self.reads_behind = READS_BEHIND;
                }
                self.reads_at_once = 0;
                self.advance(now_ms, buffers, out);
            }
            Input::Head { status, headers } => {
                if let Some(session) = &mut self.session {
                    session.head(status, headers);
                }
                self.advance(now_ms, buffers, out);
            }
            Input::Body(bytes) => {
                self.body(now_ms, bytes, buffers, out);
                self.advance(now_ms, buffers, out);
            }
            Input::End => {
                if let (Some(session), Some(suggestion)) = (&mut self.session, &mut self.suggestion) {
                    let verdict = session.end(&mut suggestion.raw, &mut self.random);
                    self.judge(now_ms, verdict, buffers, out);
                }
                self.advance(now_ms, buffers, out);
            }
            Input::Failed(failure) => {
                if let (Some(session), Some(suggestion)) = (&mut self.session, &mut self.suggestion) {
                    let verdict = session.failed(failure, &mut suggestion.raw, &mut self.random);
                    self.judge(now_ms, verdict, buffers, out);
                }
                self.advance(now_ms, buffers, out);
            }
        }
    }

    // --- the document changes -----------------------------------------------------------------

    fn edited(&mut self, now: u64, uri: &str, edit: &Edit<'_>, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        self.edits.note(uri, edit);
        let Some(newest) = &self.newest else { return };
        if self.taken.as_mut().is_some_and(|taken| !taken.edited(uri, edit)) {
            self.taken = None;
        }
        if std::mem::take(&mut self.unasked) {
            self.drawn_in.retain(|drawn| *drawn != newest.uri);
            self.must_clear = false;
        }
        self.dirty = true;
        if newest.uri != uri {
            // The user is in another document: where they come back to is not known.
            self.drop_suggestion(out);
            return self.await_request(now, out);
        }
        self.fences.changed();
        let shown = self.shown.as_ref().map_or("", |shown| shown.text.as_str());
        let effect = match &mut self.suggestion {
            Some(suggestion) if suggestion.uri == uri => suggestion.edited(edit, shown),
            _ => suggestion::Effect::Gone,
        };
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
    fn drop_suggestion(&mut self, out: &mut Vec<Effect>) {
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
                    self.drawn_in.extend(uri);
                }
            }
        }
    }

    // --- the editor asks ----------------------------------------------------------------------

    fn requested(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let Some(newest) = self.newest.clone() else { return };
        self.dirty = false;
        self.unasked = false;
        self.due_ms = None;
        self.refresh = false;
        self.reads_at_once = READS_AT_ONCE;
        let Some(buffer) = buffers.get(&newest.uri) else {
            self.drop_suggestion(out);
            return self.release(out);
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
        if let Some(why) = self.refused(now, &buffer, &newest) {
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

    /// Why this place is not asked about, if so.
    fn refused(&self, now: u64, buffer: &Buffer<'_>, newest: &Newest) -> Option<Why> {
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

    /// Answers everything with nothing; says why if the user asked.
    fn answer_nothing(&mut self, why: Why, out: &mut Vec<Effect>) {
        self.due_ms = None;
        self.release(out);
        self.say(if self.is_invoked() { Status::Nothing(why) } else { Status::Quiet }, out);
    }

    /// Answers everything that is still open with nothing.
    fn release(&mut self, out: &mut Vec<Effect>) {
        while let Some(id) = self.slots.spend_oldest() {
            self.reply_nothing(id, out);
        }
    }

    /// Answers a request with nothing; an old ghost that may still be drawn there is wiped.
    fn reply_nothing(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let newest = self.newest.as_ref().map_or("", |newest| newest.uri.as_str());
        let drawn = self.drawn_in.iter().position(|uri| uri == newest);
        let answer = match drawn.map(|at| self.drawn_in.swap_remove(at)) {
            Some(_) => Answer::Clear,
            None => Answer::Nothing,
        };
        out.push(Effect::Reply { id, answer });
    }

    // --- the answer arrives -------------------------------------------------------------------

    fn body(&mut self, now: u64, bytes: &[u8], buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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

    fn judge(&mut self, now: u64, verdict: Verdict, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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
    fn ended(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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

    // --- time passes --------------------------------------------------------------------------

    /// Does what is due and possible now, and waits or fences for the rest.
    fn advance(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if self.dirty {
            return;
        }
        // Never blocks over a fence: one that was sent before a block says nothing of the keys that came
        // during it.
        if let Some(due) = self.due_ms {
            if now < due {
                return self.pause(now, due, out);
            }
            // Starting shows nothing: the little that may have happened since the last fence costs at most a
            // request, while another fence would be missed when there is something to show.
            if !self.fences.all_but_caught_up(now) {
                return self.fence_or_settle(now, buffers, out);
            }
            self.due_ms = None;
            self.drop_suggestion(out);
            self.start(now, buffers, out);
        }
        if let Some(at) = self.retry_ms
            && now >= at
        {
            self.retry_ms = None;
            self.send(now, out);
        }
        if self.stops(now, buffers, out) {
            return;
        }
        if self.wants_paint(buffers, now) {
            if !self.fences.caught_up() {
                return self.fence_or_settle(now, buffers, out);
            }
            if self.reads_at_once(now, out) {
                return;
            }
            self.paint(now, buffers, out);
        }
        if self.session.is_some() {
            self.read_on(now, buffers, out);
        }
    }

    /// Stops the model once nothing more of its answer would be shown. What has arrived behind that already costs
    /// nothing any more and is taken first, for when the block is accepted: `true` while it is being read.
    fn stops(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) -> bool {
        let (Some(session), Some(suggestion)) = (&mut self.session, &mut self.suggestion) else {
            return false;
        };
        let Some(buffer) = buffers.get(&suggestion.uri) else { return false };
        if !suggestion.rest(buffer.text).1 {
            return false;
        }
        let bytes = session.room(now);
        if self.reads_behind < READS_BEHIND && bytes > 0 && self.retry_ms.is_none() && !self.fences.is_out() {
            self.reads_behind += 1;
            out.push(Effect::Wait { ms: READ_BEHIND_MS, bytes });
            return true;
        }
        suggestion.cut = true;
        self.ended(now, buffers, out);
        false
    }

    /// Reads what has arrived already, so that it is painted along: `true` while there may be more. That takes no
    /// time in which anything could be typed.
    fn reads_at_once(&mut self, now: u64, out: &mut Vec<Effect>) -> bool {
        let bytes = self.session.as_mut().map_or(0, |session| session.room(now));
        if bytes == 0 || self.reads_at_once == 0 || self.retry_ms.is_some() {
            return false;
        }
        self.reads_at_once -= 1;
        self.fences.hold();
        out.push(Effect::Wait { ms: 0, bytes });
        true
    }

    /// Waits for the pause in typing to be long enough.
    fn pause(&mut self, now: u64, due: u64, out: &mut Vec<Effect>) {
        let left = self.fences.pause_left(now);
        if left == 0 {
            if !self.fence(now, out) {
                self.release(out);
            }
        } else {
            // A transport told to read nothing could not tell that from the end.
            let bytes = self.session.as_mut().map_or(0, |session| session.room(now).max(1));
            out.push(Effect::Wait { ms: left.min(due - now), bytes });
        }
    }

    /// Reads the stream until the slice is over.
    fn read_on(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let mut left = self.fences.slice_left(now);
        if let Some(at) = self.retry_ms {
            left = left.min(at.saturating_sub(now));
        }
        // No room: the editor has not shown what was read. Reading on would only fill the memory.
        let bytes = self.session.as_mut().map_or(0, |session| session.room(now));
        if left > 0 && bytes > 0 {
            out.push(Effect::Wait { ms: left, bytes });
        } else {
            self.fence_or_settle(now, buffers, out);
        }
    }

    /// Goes on when the fence is back, or ends the pause if there is none to be had.
    fn fence_or_settle(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if self.fence(now, out) {
            return;
        }
        self.due_ms = None;
        let text = self.rest(buffers);
        let is_silent = text.is_empty();
        match self.slots.spend_newest() {
            Some(id) if !is_silent && self.fences.caught_up() => self.draw(id, text, now, out),
            Some(id) => self.reply_nothing(id, out),
            None => {}
        }
        self.release(out);
        // The stream stays open; the next key finds it.
        if self.session.is_some() {
            let waiting = Status::Nothing(Why::StillWaiting);
            self.say(if is_silent { waiting } else { Status::StillWriting }, out);
        }
    }

    /// Sees to it that a fence is on its way. `false`: no more in this pause, or none ever.
    fn fence(&mut self, now: u64, out: &mut Vec<Effect>) -> bool {
        let asked = self.fences.ask(now);
        if asked == Asked::Now {
            out.push(Effect::Fence);
        }
        asked != Asked::Never
    }

    fn start(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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
    fn send(&mut self, now: u64, out: &mut Vec<Effect>) {
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

    // --- the screen ---------------------------------------------------------------------------

    fn rest(&mut self, buffers: &dyn Buffers) -> String {
        let Some(suggestion) = &mut self.suggestion else { return String::new() };
        let Some(buffer) = buffers.get(&suggestion.uri) else { return String::new() };
        suggestion.rest(buffer.text).0
    }

    /// Whether the screen should change now.
    fn wants_paint(&mut self, buffers: &dyn Buffers, now: u64) -> bool {
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
                let grown = rest.lines().count() >= 2 * shown.text.lines().count();
                let may_grow = self.fences.pause(now) <= GROWING_MS;
                grown && may_grow && now.saturating_sub(shown.painted_ms) >= REPAINT_MS
            }
        }
    }

    /// Shows what there is: the whole through the newest request, growing text through older ones.
    fn paint(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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

    fn draw(&mut self, id: RequestId, text: String, now: u64, out: &mut Vec<Effect>) {
        let Some(newest) = &self.newest else { return };
        self.shown = Some(Shown { text: text.clone(), painted_ms: now });
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

    /// Starts the speculative request for the state after accepting what is shown, unless the model has written on
    /// already.
    fn ask_ahead(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
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

    fn is_invoked(&self) -> bool {
        self.newest.as_ref().is_some_and(|newest| newest.invoked)
    }

    fn say(&mut self, status: Status, out: &mut Vec<Effect>) {
        if self.status != status {
            self.status = status.clone();
            out.push(Effect::Status(status));
        }
    }
}

/// Whether the editor inserts this on one key: a character, a pair, a line break with its indentation.
fn is_typed(inserted: &str) -> bool {
    inserted.chars().count() <= 2 || inserted.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}
