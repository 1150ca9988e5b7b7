//! The state machine: when to ask, when to show, through which request, and when to be quiet.
//!
//! # Why fences
//!
//! The host calls the guest once per message and keeps the next ones queued meanwhile. Whatever the
//! engine paints while a key is queued lands at a place that no longer is. So it paints only when it is
//! *caught up*: right after a message that found the guest idle ([`Input::Requested::fresh`]), or right
//! after a fence came back (lapce-host: a notification that makes the editor send a request through the
//! same queue as the keys). A fence costs every language server a refresh, hence [`FENCES`] per pause.
//!
//! # One pause in typing
//!
//! ```text
//! key ── wait (debounce) ── fence 1 ── start ── read … first line ── fence 2 ── paint
//!        ── read … more lines ── fence 3 ── paint ── read … end ── fence 4 ── paint, quiet
//! ```

use super::cache::Cache;
use super::context::{self, Budget};
use super::gates::{self, Gates};
use super::pace::Pace;
use super::session::{Limits, Session, Verdict};
use super::shape::{Extent, Hidden};
use super::slots::Slots;
use super::suggestion::{self, Suggestion};
use crate::provider::{Account, Error, HttpRequest, Prompt, Provider, retry};
use crate::transport::Failure;

/// Fences per pause in typing, at most.
const FENCES: u8 = 4;
/// The longest wait while keys are likely, in milliseconds.
const STEP_MS: u64 = 140;
/// So long after a fence it is still unlikely that a key was typed since, in milliseconds.
const UNSEEN_MS: u64 = 30;
/// All that one message may block where no fence comes back (Lapce before 0.4.1), in milliseconds.
const BOUNDED_MS: u64 = 280;
/// There, keys are let pass when the guest has come to be so far behind them, in milliseconds.
const BEHIND_MS: u64 = 600;
/// A fence that takes longer than this, while the guest was idle, was lost.
const LOST_MS: u64 = 150;
/// So many lost fences mean a host without wake-ups.
const LOST_FENCES: u8 = 2;
/// Growing text is painted again after this time at the earliest, in milliseconds.
const REPAINT_MS: u64 = 200;

/// An inlineCompletion request, by a number the caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// An open document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// Its path relative to the workspace, or absolute outside of it, with `/`.
    pub path: &'a str,
    /// Lapce's language id; empty when unknown.
    pub language: &'a str,
    /// Its text as the editor has it.
    pub text: &'a str,
}

/// The open documents, as they are after the last [`Input::Edited`].
pub trait Buffers {
    /// The document of that URI.
    fn get(&self, uri: &str) -> Option<Buffer<'_>>;
    /// All open documents, most recently edited first.
    fn all(&self) -> Vec<Buffer<'_>>;
}

/// One replacement in a document; offsets in bytes of the text before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Where it begins.
    pub start: usize,
    /// What stood there.
    pub removed: &'a str,
    /// What stands there now.
    pub inserted: &'a str,
}

/// What happens to the engine.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A document changed; the buffers have it already.
    Edited {
        /// The document.
        uri: &'a str,
        /// The change.
        edit: Edit<'a>,
    },
    /// The editor asks for a completion.
    Requested {
        /// The request.
        id: RequestId,
        /// The document.
        uri: &'a str,
        /// The cursor, in bytes.
        offset: usize,
        /// Asked for by the user (alt+\), not by a key.
        invoked: bool,
        /// The guest was idle when the key came: nothing is queued behind it.
        fresh: bool,
    },
    /// The editor asked for something it asks for after every change and after every fence.
    Woken {
        /// The document it asked about.
        uri: &'a str,
    },
    /// A [`Effect::Wait`] is over and nothing came.
    Elapsed,
    /// Status line and headers of the answer.
    Head {
        /// HTTP status.
        status: u16,
        /// Headers, names in lower case.
        headers: &'a [(String, String)],
    },
    /// Bytes of the answer.
    Body(&'a [u8]),
    /// The answer is whole.
    End,
    /// The request failed.
    Failed(&'a Failure),
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Answer a request of the editor.
    Reply {
        /// Which.
        id: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Send a request; what comes of it is fed back.
    Start {
        /// On which lane.
        lane: Lane,
        /// The request.
        request: Box<HttpRequest>,
    },
    /// Drop the lane's request.
    Cancel(Lane),
    /// The lane [`Lane::Ahead`] becomes [`Lane::Main`].
    Promote,
    /// Ask the editor for a wake-up.
    Fence,
    /// Wait for the main lane and feed back what came. Always last.
    Wait {
        /// At most so many milliseconds.
        ms: u64,
        /// At most so many bytes; what is not read slows the sender down.
        bytes: usize,
    },
    /// The state to show in the status bar.
    Status(Status),
    /// A failure to tell the user once.
    Notice(Box<Error>),
}

/// Requests that may run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The one whose answer is shown.
    Main,
    /// The speculative one, for the state after accepting what is shown.
    Ahead,
}

/// An answer to an inlineCompletion request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Draw this text at this byte offset, which is the cursor's.
    Ghost {
        /// The document.
        uri: String,
        /// The offset.
        offset: usize,
        /// The text.
        text: String,
    },
    /// Take away what is drawn.
    Clear,
    /// Nothing to say; others may.
    Nothing,
}

/// What the plugin is doing, for the status bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing.
    Quiet,
    /// A request is out, nothing has come yet.
    Waiting,
    /// The model is thinking, nothing to show yet.
    Thinking,
    /// Text is coming.
    Streaming {
        /// Tokens so far.
        tokens: u64,
        /// Tokens per second.
        per_second: u32,
    },
    /// Nothing is shown, and why.
    Nothing(Why),
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No provider in the settings.
    NoProvider,
    /// A rule about when and where to ask.
    Gate(gates::Gate),
    /// The model's answer was empty.
    Empty,
    /// The answer was there, and a filter hid it.
    Hidden(Hidden),
    /// The request failed.
    Failed(Box<Error>),
    /// The provider asked to wait; so many milliseconds are left.
    RateLimited(u64),
    /// The model has not answered yet.
    StillWaiting,
}

/// When completions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// After a pause in typing, and when invoked.
    #[default]
    Automatic,
    /// Only when invoked.
    Invoked,
    /// Never.
    Off,
}

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
    slots: Slots,
    cache: Cache,
    newest: Option<Newest>,
    /// The document changed and no request has told the cursor since.
    dirty: bool,
    /// Wake-ups owed to changes rather than to the fence.
    changes: u8,
    suggestion: Option<Suggestion>,
    session: Option<Session>,
    /// A speculative generation and the suggestion it will be.
    ahead: Option<(Session, Suggestion)>,
    shown: Option<Shown>,
    /// A ghost that contradicts the document is drawn and no request was open to clear it.
    must_clear: bool,
    /// The newest request goes along with what is drawn: answer it as soon as may be.
    refresh: bool,
    /// When the pause in typing is long enough to ask.
    due_ms: Option<u64>,
    /// A retry waits until then.
    retry_ms: Option<u64>,
    /// Until when the provider asked not to be asked.
    limited_until_ms: u64,
    fence: Option<u64>,
    fences: u8,
    lost: u8,
    /// No key can be queued behind what is being handled right now.
    confirmed: bool,
    /// When that was last so.
    confirmed_ms: u64,
    /// More keys may be queued: do not block before the fence is back.
    backlog: bool,
    /// The current stretch of reading ends then.
    slice_ms: u64,
    /// When the message at hand came.
    entered_ms: u64,
    /// When the newest request came.
    asked_ms: u64,
    /// When its key was typed, as near as that can be told.
    typed_ms: u64,
    status: Status,
    random: u64,
}

impl Engine {
    /// An engine with these wishes.
    pub fn new(options: Options) -> Self {
        Self {
            pace: Pace::new(options.debounce_ms),
            slots: Slots::default(),
            cache: Cache::new(options.cache_entries),
            newest: None,
            dirty: false,
            changes: 0,
            suggestion: None,
            session: None,
            ahead: None,
            shown: None,
            must_clear: false,
            refresh: false,
            due_ms: None,
            retry_ms: None,
            limited_until_ms: 0,
            fence: None,
            fences: 0,
            lost: 0,
            confirmed: false,
            confirmed_ms: 0,
            backlog: false,
            slice_ms: 0,
            entered_ms: 0,
            asked_ms: 0,
            typed_ms: 0,
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
        self.confirmed = false;
        match input {
            Input::Edited { uri, edit } => {
                self.entered_ms = now_ms;
                self.edited(now_ms, uri, &edit, out);
            }
            Input::Requested { id, uri, offset, invoked, fresh } => {
                self.entered_ms = now_ms;
                self.asked_ms = now_ms;
                self.follow_fences(now_ms, fresh);
                match (invoked, self.is_bounded() && !fresh) {
                    (true, _) => {}
                    (false, true) => self.pace.lose_track(),
                    (false, false) => self.pace.key(now_ms),
                }
                if let Some(id) = self.slots.push(id) {
                    out.push(Effect::Reply { id, answer: Answer::Nothing });
                }
                self.newest = Some(Newest { uri: uri.to_owned(), offset, invoked });
                self.requested(now_ms, buffers, out);
                self.advance(now_ms, buffers, out);
            }
            Input::Woken { uri } => {
                self.entered_ms = now_ms;
                if self.is_fence(uri) {
                    self.confirmed(now_ms);
                    if self.dirty {
                        // No request followed the change: the cursor is unknown, nothing can be shown.
                        self.release(out);
                    } else {
                        self.advance(now_ms, buffers, out);
                    }
                }
            }
            Input::Elapsed => self.advance(now_ms, buffers, out),
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

    fn edited(&mut self, now: u64, uri: &str, edit: &Edit<'_>, out: &mut Vec<Effect>) {
        if self.newest.as_ref().is_none_or(|newest| newest.uri != uri) {
            return;
        }
        if self.shown.is_none() && !self.dirty {
            self.must_clear = false;
        }
        self.dirty = true;
        self.changes = self.changes.saturating_add(1);
        let shown = self.shown.as_ref().map_or("", |shown| shown.text.as_str());
        let effect = match &mut self.suggestion {
            Some(suggestion) if suggestion.uri == uri => suggestion.edited(edit, shown),
            _ => suggestion::Effect::Gone,
        };
        match effect {
            suggestion::Effect::Fits => {}
            suggestion::Effect::Accepted => {
                // Or its last character was typed: then a request follows, and Tab is still bound to it.
                self.must_clear = is_typed(edit.inserted);
                self.accepted(out);
            }
            suggestion::Effect::Gone => self.drop_suggestion(out),
        }
        // Paste, undo and the like are followed by no request: a fence tells, and frees the requests
        // that still wait for an answer.
        let typed = edit.removed.len() <= 4 && is_typed(edit.inserted);
        if !typed && !self.slots.is_empty() {
            self.fence(now, out);
        }
    }

    fn accepted(&mut self, out: &mut Vec<Effect>) {
        self.shown = None;
        let Some(suggestion) = &self.suggestion else { return };
        if let Some(newest) = &mut self.newest {
            newest.offset = suggestion.cursor();
        }
        self.dirty = false;
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
        self.suggestion = None;
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
                None => self.must_clear = true,
            }
        }
    }

    // --- the editor asks ----------------------------------------------------------------------

    fn requested(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let Some(newest) = self.newest.clone() else { return };
        self.dirty = false;
        self.changes = 0;
        self.due_ms = None;
        self.refresh = false;
        let Some(buffer) = buffers.get(&newest.uri) else {
            self.drop_suggestion(out);
            return self.release(out);
        };
        let fits = match &mut self.suggestion {
            Some(suggestion) => suggestion.uri == newest.uri && suggestion.fits(buffer.text, newest.offset),
            None => false,
        };
        let used_up = fits && self.session.is_none() && self.rest(buffers).is_empty();
        if self.suggestion.is_some() && (!fits || used_up) {
            self.drop_suggestion(out);
        }
        if std::mem::take(&mut self.must_clear)
            && let Some(id) = self.slots.spend_oldest()
        {
            out.push(Effect::Reply { id, answer: Answer::Clear });
        }
        if let Some(why) = self.refused(now, &buffer, &newest) {
            self.drop_suggestion(out);
            return self.answer_nothing(why, out);
        }
        if let Some(suggestion) = &mut self.suggestion {
            self.refresh = self.shown.is_some() || !suggestion.rest(buffer.text).0.is_empty();
            if suggestion.is_unsure() {
                self.due_ms = Some(now + self.debounce_ms());
            }
            return;
        }
        if let Some(found) = self.cache.find(&buffer, newest.offset, self.options.extent, now) {
            self.suggestion = Some(found);
            return;
        }
        if !self.slots.is_empty() {
            self.due_ms = Some(if newest.invoked { now } else { now + self.debounce_ms() });
        }
    }

    /// How long to wait for a pause. Without fences waiting tells nothing of keys, and takes from the time
    /// in which an answer can be waited for.
    fn debounce_ms(&self) -> u64 {
        if self.is_bounded() && !self.pace.is_fixed() { 0 } else { self.pace.debounce_ms() }
    }

    /// Why this place is not asked about, if so.
    fn refused(&self, now: u64, buffer: &Buffer<'_>, newest: &Newest) -> Option<Why> {
        if self.options.provider.is_none() {
            return Some(Why::NoProvider);
        }
        if let Some(gate) = self.options.gates.check(buffer, newest.offset, newest.invoked) {
            return Some(Why::Gate(gate));
        }
        let wait = self.limited_until_ms.saturating_sub(now);
        (wait > 0 && !newest.invoked && self.suggestion.is_none()).then_some(Why::RateLimited(wait))
    }

    /// Answers everything with nothing; says why if the user asked.
    fn answer_nothing(&mut self, why: Why, out: &mut Vec<Effect>) {
        self.due_ms = None;
        self.release(out);
        let invoked = self.newest.as_ref().is_some_and(|newest| newest.invoked);
        self.say(if invoked { Status::Nothing(why) } else { Status::Quiet }, out);
    }

    /// Answers everything that is still open with nothing; clears what is drawn of ours first.
    fn release(&mut self, out: &mut Vec<Effect>) {
        for id in self.slots.drain() {
            out.push(Effect::Reply { id, answer: Answer::Nothing });
        }
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
        } else if !suggestion.is_unsure() {
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
        if let Some(buffer) = buffers.get(&suggestion.uri) {
            self.cache.insert(&buffer, suggestion, now);
        }
        self.say(Status::Quiet, out);
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
            if !self.caught_up() && now.saturating_sub(self.confirmed_ms) > UNSEEN_MS {
                if !self.fence(now, out) {
                    self.settle(now, buffers, out);
                }
                return;
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
        if self.wants_paint(now, buffers, out) {
            if !self.caught_up() {
                if !self.fence(now, out) {
                    self.settle(now, buffers, out);
                }
                return;
            }
            self.paint(now, buffers, out);
        }
        if self.session.is_some() {
            self.read_on(now, buffers, out);
        }
    }

    /// Waits for the pause in typing to be long enough.
    fn pause(&mut self, now: u64, due: u64, out: &mut Vec<Effect>) {
        // A key may come and have to wait: no longer than the pause before it was, or one short step.
        let step = match self.is_bounded() {
            true => self.bounded_left(now),
            false => {
                let step = STEP_MS.max(self.entered_ms.saturating_sub(self.asked_ms));
                (self.entered_ms + step).saturating_sub(now)
            }
        };
        if self.backlog || step == 0 || self.fence.is_some() {
            if !self.fence(now, out) {
                self.release(out);
            }
        } else {
            // A transport told to read nothing could not tell that from the end.
            let bytes = self.session.as_mut().map_or(0, |session| session.room(now).max(1));
            out.push(Effect::Wait { ms: step.min(due - now), bytes });
        }
    }

    /// Reads the stream until the slice is over.
    fn read_on(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        let mut left = self.slice_ms.saturating_sub(now).min(self.bounded_left(now));
        if let Some(at) = self.retry_ms {
            left = left.min(at.saturating_sub(now));
        }
        // No room: the editor has not shown what was read. Reading on would only fill the memory.
        let bytes = self.session.as_mut().map_or(0, |session| session.room(now));
        if !self.backlog && left > 0 && bytes > 0 && self.fence.is_none() {
            out.push(Effect::Wait { ms: left, bytes });
        } else if self.slots.is_empty() || !self.fence(now, out) {
            self.settle(now, buffers, out);
        }
    }

    /// No more wake-ups to be had in this pause: answers every request with what there is. The stream
    /// stays open; the next key finds it.
    fn settle(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if self.fence.is_some() {
            return;
        }
        self.due_ms = None;
        let text = self.rest(buffers);
        match self.slots.spend_newest() {
            Some(id) if !text.is_empty() && self.caught_up() => self.draw(id, text, now, out),
            Some(id) => out.push(Effect::Reply { id, answer: Answer::Nothing }),
            None => {}
        }
        self.release(out);
        if self.session.is_some() {
            self.say(Status::Nothing(Why::StillWaiting), out);
        }
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
        context::prompt(buffer, buffers, &context::Wish { offset, max_tokens, extent, repository }, budget)
    }

    /// Sends the session's request, the first or a further one.
    fn send(&mut self, now: u64, out: &mut Vec<Effect>) {
        let (Some(session), Some(suggestion)) = (&mut self.session, &self.suggestion) else { return };
        match session.request(now, suggestion.received()) {
            Ok(request) => {
                out.push(Effect::Start { lane: Lane::Main, request: Box::new(request) });
                self.slice_ms = now + self.slice();
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

    /// Whether the screen should change now. Stops the model once nothing more of it would be shown.
    fn wants_paint(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) -> bool {
        let Some(suggestion) = &mut self.suggestion else { return false };
        let Some(buffer) = buffers.get(&suggestion.uri) else { return false };
        let (rest, complete) = suggestion.rest(buffer.text);
        if complete && self.session.is_some() {
            self.ended(now, buffers, out);
        }
        if self.slots.is_empty() {
            return false;
        }
        if self.session.is_none() || self.refresh {
            return true;
        }
        let fences_left = FENCES - self.fences.min(FENCES);
        if rest.is_empty() || self.slots.len() < 2 || (fences_left < 2 && !self.caught_up()) {
            return false;
        }
        match &self.shown {
            None => true,
            Some(shown) => {
                let grown = rest.lines().count() >= 2 * shown.text.lines().count();
                grown && now.saturating_sub(shown.painted_ms) >= REPAINT_MS
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
            out.push(Effect::Reply { id, answer: Answer::Nothing });
        }
        if whole {
            self.release(out);
            self.finish(now, buffers, out);
        }
    }

    fn draw(&mut self, id: RequestId, text: String, now: u64, out: &mut Vec<Effect>) {
        let Some(newest) = &self.newest else { return };
        self.shown = Some(Shown { text: text.clone(), painted_ms: now });
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
        let invoked = self.newest.as_ref().is_some_and(|newest| newest.invoked);
        self.say(if invoked { Status::Nothing(why) } else { Status::Quiet }, out);
    }

    /// Starts the speculative request for the state after accepting what is shown.
    fn ask_ahead(&mut self, now: u64, buffers: &dyn Buffers, out: &mut Vec<Effect>) {
        if !self.options.speculative || self.ahead.is_some() {
            return;
        }
        let (Some(newest), Some(shown), Some(provider)) = (&self.newest, &self.shown, self.options.provider)
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

    fn say(&mut self, status: Status, out: &mut Vec<Effect>) {
        if self.status != status {
            self.status = status.clone();
            out.push(Effect::Status(status));
        }
    }

    // --- fences -------------------------------------------------------------------------------

    /// Takes note of a request of the editor; finds out whether fences come back at all.
    fn follow_fences(&mut self, now: u64, fresh: bool) {
        if fresh
            && let Some(sent) = self.fence
            && now.saturating_sub(sent) > LOST_MS
        {
            self.fence = None;
            self.lost = self.lost.saturating_add(1);
        }
        self.fences = 0;
        // A queued key came about one usual gap after the one before it.
        self.typed_ms = if fresh { now } else { (self.typed_ms + self.pace.interval_ms()).min(now) };
        let behind = now - self.typed_ms;
        self.backlog = !fresh && (!self.is_bounded() || behind > BEHIND_MS);
        self.confirmed = fresh;
        if fresh {
            self.confirmed_ms = now;
        }
        if self.is_bounded() {
            self.slice_ms = now + BOUNDED_MS;
        } else if fresh {
            self.slice_ms = now + STEP_MS;
        }
    }

    /// Whether a wake-up for `uri` is the fence come back, not what the editor asks after a change.
    fn is_fence(&mut self, uri: &str) -> bool {
        if self.fence.is_none() || self.newest.as_ref().is_some_and(|newest| newest.uri != uri) {
            return false;
        }
        if self.changes > 0 {
            self.changes -= 1;
            return false;
        }
        true
    }

    fn confirmed(&mut self, now: u64) {
        self.fence = None;
        self.lost = 0;
        self.backlog = false;
        self.confirmed = true;
        self.confirmed_ms = now;
        self.slice_ms = now + self.slice();
    }

    /// Asks for a wake-up unless one is on its way. `false`: no more in this pause, or none ever.
    fn fence(&mut self, now: u64, out: &mut Vec<Effect>) -> bool {
        if self.fence.is_some() {
            return true;
        }
        if self.fences >= FENCES || self.is_bounded() {
            return false;
        }
        self.fences += 1;
        self.fence = Some(now);
        out.push(Effect::Fence);
        true
    }

    /// How long to read before looking for keys, in milliseconds. The longer a pause has lasted, the
    /// longer it is likely to go on, and the fewer fences are left.
    fn slice(&self) -> u64 {
        let slice = match self.fences {
            0 | 1 => (self.pace.latency_ms() * 3 / 2).clamp(250, 800),
            2 => 800,
            3 => 3000,
            _ => 0,
        };
        let patience = if self.newest.as_ref().is_some_and(|newest| newest.invoked) { 3 } else { 1 };
        slice * patience
    }

    /// Whether no key can be queued behind what is being handled.
    fn caught_up(&self) -> bool {
        self.is_bounded() || self.confirmed
    }

    /// Whether the host gives no wake-ups.
    fn is_bounded(&self) -> bool {
        self.lost >= LOST_FENCES
    }

    fn bounded_left(&self, now: u64) -> u64 {
        if self.is_bounded() { (self.entered_ms + BOUNDED_MS).saturating_sub(now) } else { u64::MAX }
    }
}

/// Whether the editor inserts this on one key: a character, a pair, a line break with its indentation.
fn is_typed(inserted: &str) -> bool {
    inserted.chars().count() <= 2 || inserted.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}

#[cfg(test)]
mod tests;
