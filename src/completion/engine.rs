//! The state machine: when to ask the model, and what to show through which request of the editor.
//!
//! The caller passes in every event with its time. The engine never waits: it takes what there is, decides,
//! paints, asks for a wake-up if it needs one, and returns.
//!
//! # One pause in typing
//!
//! ```text
//! key ── hand the request over, with the debounce as its delay ──▶ Debouncing
//!        (the next key replaces it)
//!     ── it leaves ──▶ Streaming ── wake-up: read, paint complete lines ── … ── it ends: paint all ──▶ Done
//! ```

mod another;
mod asking;
mod awaiting;
mod editing;
mod painting;
mod receiving;

use super::generation::{Generation, Limits};
use super::ghost::{Accept, OpenRequests, Screen, Wakeups};
use super::io::{Buffers, Input, Moment, Output, Status, Wake};
use super::postprocess::Extent;
use super::prompt::{self, Budget, Definitions, RecentEdits, SimilarIndex};
use super::reuse::{Alternatives, Cache, Continuation};
use super::suggestion::Suggestion;
use super::targets::{Role, Target, Targets};
use super::trigger::{Consent, Debounce, Eagerness, Gates};
use crate::stream::{ContentFilter, Snapshot};
use crate::transport::RequestNumber;
use awaiting::Awaited;

/// What the settings say.
pub struct Options {
    /// Whom to ask, and how.
    pub targets: Targets,
    /// Where and when not to ask.
    pub gates: Gates,
    /// Fixed debounce in milliseconds; `None` adapts.
    pub debounce_ms: Option<u64>,
    /// How readily to ask.
    pub eagerness: Eagerness,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
    /// What may go into a prompt.
    pub budget: Budget,
    /// How much to suggest: a line or a block.
    pub extent: Extent,
    /// How much of a suggestion Tab takes.
    pub accept: Accept,
    /// Name of the workspace's folder.
    pub repository: String,
    /// Most answers in the cache.
    pub cache_entries: usize,
    /// Longest events and answers.
    pub limits: Limits,
    /// Removes text from answers.
    pub content_filter: ContentFilter,
    /// Seed for the jitter of the back-off.
    pub seed: u64,
}

/// A generation and the suggestion that its answer becomes.
struct Work {
    generation: Generation,
    suggestion: Suggestion,
    /// The user asked for another suggestion: this one is shown until it has come.
    instead_of: Option<Box<Suggestion>>,
    /// Which target is asked.
    role: Role,
    /// The server may have to load the model before it answers.
    loads: bool,
}

impl Work {
    /// Whether the server may be loading the model for it. Stopping the request would stop the loading.
    fn is_loading(&self) -> bool {
        self.loads && !self.generation.has_answered()
    }

    /// Its progress, for the status bar.
    fn status(&self) -> Status {
        if self.is_loading() { Status::Loading } else { self.generation.status() }
    }
}

/// A request that was handed over and has not left yet.
struct Waiting {
    work: Work,
    due_ms: u64,
}

/// What the engine is doing for the caret's position.
enum Phase {
    /// Nothing.
    Idle,
    /// A request was handed over; it leaves unless a key replaces it.
    Debouncing(Waiting),
    /// A request has left, and its answer is being read.
    Streaming {
        work: Work,
        /// The user typed before the first text came, so this answer may not fit. This request replaces it, unless
        /// it does.
        follow_up: Option<Box<Waiting>>,
    },
    /// The request failed and was handed over again.
    Retrying(Waiting),
    /// The answer has ended.
    Done(Suggestion),
}

/// When the first text of an answer came.
struct FirstText {
    /// Time from the request to the reading of the text, in milliseconds.
    took_ms: u64,
    /// The same without the time that the text waited to be read, as far as that is known.
    latency_ms: u64,
}

/// Where the caret is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Caret {
    /// A document changed, and the editor has not reported the caret since.
    Unknown,
    /// Here.
    At(Place),
    /// The same, and an edit changed nothing since: a bracket was typed over one, which a request follows; or the file was
    /// saved, to which Lapce makes such an edit.
    Kept,
    /// It left the position that it had after the last edit. It may come back unseen.
    Left,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    uri: String,
    offset: usize,
    /// The user asked for a completion here.
    invoked: bool,
}

/// See the module's documentation.
pub struct Engine {
    options: Options,
    phase: Phase,
    /// A request for what follows the shown suggestion, sent before that is accepted.
    speculative: Option<Work>,
    caret: Caret,
    /// The document in front, as far as known.
    front: String,
    requests: OpenRequests,
    screen: Screen,
    wakeups: Wakeups,
    debounce: Debounce,
    /// The first text of the answer under way.
    first_text: Option<FirstText>,
    cache: Cache,
    alternatives: Alternatives,
    /// The place behind the last suggestion that was accepted.
    continuation: Option<Continuation>,
    edits: RecentEdits,
    similar: SimilarIndex,
    definitions: Definitions,
    /// Requests that others have replaced; they are stopped with the next input.
    replaced: Vec<RequestNumber>,
    /// What a target needs before it can be asked.
    awaited: Option<Awaited>,
    /// Which target was asked last.
    asked: Role,
    last_number: u64,
    status: Status,
    /// The status shows a message that the progress of an answer does not replace before the next key.
    has_news: bool,
    random: u64,
    /// The metrics of the last answer that ended.
    measured: Option<Snapshot>,
}

impl Engine {
    /// An idle engine.
    pub fn new(mut options: Options) -> Self {
        for target in options.targets.all_mut() {
            target.account.instructions = prompt::clean(&target.account.instructions);
        }
        Self {
            phase: Phase::Idle,
            speculative: None,
            caret: Caret::Unknown,
            front: String::new(),
            requests: OpenRequests::default(),
            screen: Screen::default(),
            wakeups: Wakeups::default(),
            debounce: Debounce::new(options.debounce_ms, options.eagerness),
            first_text: None,
            cache: Cache::new(options.cache_entries),
            alternatives: Alternatives::default(),
            continuation: None,
            edits: RecentEdits::default(),
            similar: SimilarIndex::default(),
            definitions: Definitions::default(),
            replaced: Vec::new(),
            awaited: None,
            asked: Role::Main,
            last_number: 0,
            status: Status::Quiet,
            has_news: false,
            random: options.seed | 1,
            measured: None,
            options,
        }
    }

    /// Sets the time of day, in seconds since 1970-01-01 UTC: some formats sign their requests with it.
    pub fn set_unix_time(&mut self, seconds: u64) {
        self.options.targets.all_mut().for_each(|target| target.account.unix_time = seconds);
    }

    /// The user has agreed to this target in another window.
    pub fn consent(&mut self, role: Role) {
        if let Some(target) = self.options.targets.get_mut(role) {
            target.consent = Consent::default();
        }
    }

    /// The title of the provider that was asked last.
    pub fn title(&self) -> &'static str {
        self.options.targets.get(self.asked).map_or("", |target| target.provider.title())
    }

    /// The model that was asked last.
    pub fn model(&self) -> &str {
        self.options.targets.get(self.asked).map_or("", Target::model)
    }

    /// Something other than a second alt+\ followed the question for consent.
    fn interrupt_consent(&mut self) {
        self.options.targets.all_mut().for_each(|target| target.consent.interrupted());
    }

    fn target_mut(&mut self, role: Role) -> Option<&mut Target> {
        self.options.targets.get_mut(role)
    }

    /// The last line of the text that the model is writing.
    pub fn tail(&self) -> &str {
        let Phase::Streaming { work, .. } = &self.phase else { return "" };
        work.suggestion.answer.text.trim_end().rsplit('\n').next().unwrap_or_default()
    }

    /// Whether answers cannot be streamed: then the model is asked only on alt+\.
    pub fn only_when_invoked(&mut self, only: bool) {
        self.options.gates.only_invoked = only;
    }

    /// The metrics of the last answer that ended: tokens per second, time to the first token, bytes.
    pub fn measured(&self) -> Option<Snapshot> {
        self.measured
    }

    /// The requests to read, and at most how many bytes of each.
    pub fn reading(&mut self, now_ms: u64) -> Vec<(RequestNumber, usize)> {
        self.depart(now_ms);
        let main = match &mut self.phase {
            Phase::Streaming { work, .. } => Some(work),
            _ => None,
        };
        let ahead = self.speculative.as_mut().filter(|work| !work.suggestion.answer.has_ended());
        let works = main.into_iter().chain(ahead);
        let works = works.map(|work| (work.generation.number, work.generation.room(now_ms)));
        works.chain(self.awaited.as_ref().map(Awaited::reading)).collect()
    }

    /// Handles an input and appends what the caller has to do.
    pub fn handle(&mut self, moment: Moment, input: Input<'_>, buffers: &dyn Buffers, out: &mut Vec<Output>) {
        let now = moment.now_ms;
        self.depart(now);
        out.extend(self.replaced.drain(..).map(Output::Stop));
        let mut wakeup_came = false;
        match input {
            Input::Response { number, event } => return self.receive(now, number, &event, buffers, out),
            Input::Edited { uri, edit } => {
                self.interrupt_consent();
                return self.edited(now, uri, &edit, buffers, out);
            }
            Input::Requested { id, uri, offset, invoked } => {
                if !invoked {
                    self.debounce.key(now);
                }
                self.wakeups.new_pause(now);
                self.has_news = false;
                if self.front != uri {
                    self.leave_document(out);
                    self.front = uri.to_owned();
                    self.interrupt_consent();
                }
                if let Some(id) = self.requests.push(id) {
                    self.reply_nothing(id, out);
                }
                self.caret = Caret::At(Place { uri: uri.to_owned(), offset, invoked });
                self.asked(now, buffers, out);
            }
            Input::CaretAt { uri, offset } => self.caret_at(now, uri, offset, buffers, out),
            Input::Found(output) => return self.definitions.found(now, output, &self.options.budget.gates),
            Input::Read => {}
            Input::LensesAsked { uri } => wakeup_came = self.wakeups.lenses_asked(uri),
        }
        // A request that was handed over without a delay has left.
        self.depart(now);
        self.show(moment, buffers, out);
        self.ask_for_wakeup(buffers, out);
        if wakeup_came {
            out.push(Output::Wake(Wake::Came));
        }
    }

    /// Notes that a request whose delay is over has left.
    fn depart(&mut self, now: u64) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Debouncing(Waiting { work, due_ms }) | Phase::Retrying(Waiting { work, due_ms })
                if now >= due_ms =>
            {
                Phase::Streaming { work, follow_up: None }
            }
            // The transport has stopped the request that it replaces.
            Phase::Streaming { follow_up: Some(next), work } if now >= next.due_ms => {
                self.replaced.push(work.generation.number);
                Phase::Streaming { work: next.work, follow_up: None }
            }
            phase => phase,
        };
    }

    /// The caret, if it is known.
    fn place(&self) -> Option<&Place> {
        match &self.caret {
            Caret::At(place) => Some(place),
            _ => None,
        }
    }

    /// A copy of it.
    #[inline(never)]
    fn here(&self) -> Option<Place> {
        self.place().cloned()
    }

    fn is_invoked(&self) -> bool {
        self.place().is_some_and(|place| place.invoked)
    }

    /// The suggestion for the place of the caret.
    fn suggestion(&mut self) -> Option<&mut Suggestion> {
        match &mut self.phase {
            Phase::Idle => None,
            Phase::Debouncing(Waiting { work, .. })
            | Phase::Retrying(Waiting { work, .. })
            | Phase::Streaming { work, .. } => Some(&mut work.suggestion),
            Phase::Done(suggestion) => Some(suggestion),
        }
    }

    /// Goes back to `Idle` and stops the requests.
    fn abandon(&mut self, out: &mut Vec<Output>) {
        self.stop_speculative(out);
        self.alternatives.clear();
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Debouncing(Waiting { work, .. }) | Phase::Retrying(Waiting { work, .. }) => {
                out.push(Output::Stop(work.generation.number));
            }
            Phase::Streaming { work, follow_up } => {
                out.extend(follow_up.map(|next| Output::Stop(next.work.generation.number)));
                if work.is_loading() {
                    self.wait_for(Awaited::Load { number: work.generation.number, role: work.role }, out);
                } else {
                    out.push(Output::Stop(work.generation.number));
                }
            }
            Phase::Idle | Phase::Done(_) => return,
        }
        self.wakeups.disarm();
    }

    fn stop_speculative(&mut self, out: &mut Vec<Output>) {
        if let Some(work) = self.speculative.take() {
            out.push(Output::Stop(work.generation.number));
        }
    }

    fn say(&mut self, status: Status, out: &mut Vec<Output>) {
        let is_hidden = self.has_news && !matches!(status, Status::Nothing(_));
        if self.status != status && !is_hidden {
            self.status = status.clone();
            out.push(Output::Status(status));
        }
    }
}
