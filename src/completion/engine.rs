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

mod answer;
mod asking;
mod editing;
mod screen;
#[cfg(test)]
mod tests;

use super::cache::Cache;
use super::consent::Consent;
use super::context::Budget;
use super::edits::RecentEdits;
use super::events::{Answer, Buffers, Effect, Input, Status, Why};
use super::fences::{Asked, Fences};
use super::gates::Gates;
use super::pace::Pace;
use super::session::{Limits, Session};
use super::shape::Extent;
use super::slots::Slots;
use super::suggestion::Suggestion;
use super::taken::Taken;
use crate::provider::{Account, Provider};

/// How often what has arrived behind a complete block is read, at most, each time for so many milliseconds.
const READS_BEHIND: u8 = 4;
const READ_BEHIND_MS: u64 = 1;
/// Before a key is answered, what has arrived already is read in so many pieces at most.
const READS_AT_ONCE: u8 = 8;

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
    /// Whether the user has agreed to where requests go.
    pub consent: Consent,
}

/// What is drawn, as far as the engine knows.
#[derive(Debug, Clone, Default)]
struct Shown {
    text: String,
    painted_ms: u64,
    /// It was before, too.
    again: bool,
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
    /// The editor may not have cleared the ghost with the change: it was on its way, or in another document.
    lingers: bool,
    /// The newest change deleted something: undoing it brings that back.
    deleted: bool,
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
            lingers: false,
            deleted: false,
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
        let is_message =
            matches!(input, Input::Edited { .. } | Input::Requested { .. } | Input::Woken { .. });
        self.fences.step(now_ms, is_message);
        match input {
            Input::Edited { uri, edit } => {
                self.options.consent.interrupted();
                self.edited(now_ms, uri, &edit, buffers, out);
            }
            Input::Requested { id, uri, offset, invoked, fresh } => {
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
                    self.options.consent.interrupted();
                }
                if let Some(id) = self.slots.push(id) {
                    out.push(Effect::Reply { id, answer: Answer::Nothing });
                }
                self.newest = Some(Newest { uri: uri.to_owned(), offset, invoked });
                self.requested(now_ms, buffers, out);
                self.advance(now_ms, buffers, out);
            }
            Input::Woken { uri } => {
                let here = self.newest.as_ref().is_none_or(|newest| newest.uri == uri);
                self.unasked |= here && (self.dirty || self.must_clear) && !self.lingers;
                if here && self.fences.came_back() {
                    let (latency, patient) = (self.pace.latency_ms(), self.is_invoked());
                    self.fences.confirm(now_ms, latency, patient);
                    // What came while it was out is left for later: a key must not slip in before the paint.
                    self.reads_at_once = 0;
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
        let growth_ms = self.growth_ms(now);
        let mut left = self.fences.slice_left(now, growth_ms);
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

    fn is_invoked(&self) -> bool {
        self.newest.as_ref().is_some_and(|newest| newest.invoked)
    }
}
