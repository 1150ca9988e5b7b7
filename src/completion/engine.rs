//! The state machine: when to ask, when to show, through which request, and when to be quiet.
//!
//! The caller gives it everything that happens, with the time. It never waits: it reads what there is, decides,
//! paints, asks for a wake-up where one is needed, and returns.
//!
//! # One pause in typing
//!
//! ```text
//! key ── hand the request over, with the debounce as its delay ──▶ Debouncing
//!        (the next key replaces it)
//!     ── it leaves ──▶ Streaming ── wake-up: read, paint the lines there are ── … ── it ends: paint all ──▶ Done
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

/// The user's wishes.
pub struct Options {
    /// Whom to ask, and how.
    pub targets: Targets,
    /// Where not to ask.
    pub gates: Gates,
    /// Fixed debounce in milliseconds; `None` adapts.
    pub debounce_ms: Option<u64>,
    /// How readily to ask.
    pub eagerness: Eagerness,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// What may go into a prompt.
    pub budget: Budget,
    /// How much of an answer is wanted.
    pub extent: Extent,
    /// How much of a suggestion Tab takes.
    pub accept: Accept,
    /// Name of the workspace's folder.
    pub repository: String,
    /// Answers kept.
    pub cache_entries: usize,
    /// How long events and answers may be.
    pub limits: Limits,
    /// What is taken out of answers.
    pub content_filter: ContentFilter,
    /// Randomness for back-off jitter.
    pub seed: u64,
}

/// A generation and the suggestion that its answer becomes.
struct Work {
    generation: Generation,
    suggestion: Suggestion,
    /// What is shown until another suggestion for the place has come, which the user has asked for.
    instead_of: Option<Box<Suggestion>>,
    /// Who is asked.
    role: Role,
    /// The server may have to load the model before it answers.
    loads: bool,
}

impl Work {
    /// Whether the server may be loading the model for it. To stop it would end that.
    fn is_loading(&self) -> bool {
        self.loads && !self.generation.has_answered()
    }

    /// What is going on, before any of its text has come.
    fn status(&self) -> Status {
        if self.is_loading() { Status::Loading } else { self.generation.status() }
    }
}

/// A request that is handed over and has not left.
struct Waiting {
    work: Work,
    due_ms: u64,
}

/// What is being done about the place of the caret.
enum Phase {
    /// Nothing.
    Idle,
    /// A request is handed over; it leaves unless a key replaces it.
    Debouncing(Waiting),
    /// A request is under way.
    Streaming {
        work: Work,
        /// The user typed on before the first text came, so that this answer may not fit: the request that replaces it
        /// unless it does.
        follow_up: Option<Box<Waiting>>,
    },
    /// The request failed and is handed over again.
    Retrying(Waiting),
    /// The answer is there.
    Done(Suggestion),
}

/// When the first text of an answer came.
struct FirstText {
    /// How long after the request had left it was read, in milliseconds.
    took_ms: u64,
    /// The same without the time that it waited to be read, as far as that is known.
    latency_ms: u64,
}

/// Where the caret is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Caret {
    /// A document changed, and the editor has not told the caret since.
    Unknown,
    /// Here.
    At(Place),
    /// It left the place where it was after the last edit. It may come back unseen.
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
    /// A request for the place behind what is shown, and the suggestion it will be.
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
    /// Requests that others have replaced, to be let go of.
    replaced: Vec<RequestNumber>,
    /// What must be over before anything is asked.
    awaited: Option<Awaited>,
    /// Who was asked last.
    asked: Role,
    last_number: u64,
    status: Status,
    /// The status has news that the progress of an answer does not replace before the next key.
    has_news: bool,
    random: u64,
    /// What was counted of the last answer that ended.
    measured: Option<Snapshot>,
}

impl Engine {
    /// An engine with these wishes.
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

    /// Tells the time of day, in seconds since 1970-01-01 UTC: some formats sign their requests with it.
    pub fn set_unix_time(&mut self, seconds: u64) {
        self.options.targets.all_mut().for_each(|target| target.account.unix_time = seconds);
    }

    /// The user has agreed to this one in another window.
    pub fn consent(&mut self, role: Role) {
        if let Some(target) = self.options.targets.get_mut(role) {
            target.consent = Consent::default();
        }
    }

    /// The title of who was asked last.
    pub fn title(&self) -> &'static str {
        self.options.targets.get(self.asked).map_or("", |target| target.provider.title())
    }

    /// The model that was asked last.
    pub fn model(&self) -> &str {
        self.options.targets.get(self.asked).map_or("", Target::model)
    }

    /// Anything but a second alt+\ lies between a question and its answer.
    fn interrupt_consent(&mut self) {
        self.options.targets.all_mut().for_each(|target| target.consent.interrupted());
    }

    fn target_mut(&mut self, role: Role) -> Option<&mut Target> {
        self.options.targets.get_mut(role)
    }

    /// The end of the text that the model is writing.
    pub fn tail(&self) -> &str {
        let Phase::Streaming { work, .. } = &self.phase else { return "" };
        work.suggestion.answer.text.trim_end().rsplit('\n').next().unwrap_or_default()
    }

    /// Whether answers cannot be streamed here: then the model is asked only when the user says so.
    pub fn only_when_invoked(&mut self, only: bool) {
        self.options.gates.only_invoked = only;
    }

    /// What was counted of the last answer that ended: tokens per second, the time to the first of them, bytes.
    pub fn measured(&self) -> Option<Snapshot> {
        self.measured
    }

    /// The requests that something may have come of, and how many bytes to read of each.
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

    /// Takes what happened and appends what is to be done.
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
        // What was handed over without a delay has left.
        self.depart(now);
        self.show(moment, buffers, out);
        self.ask_for_wakeup(buffers, out);
        if wakeup_came {
            out.push(Output::Wake(Wake::Came));
        }
    }

    /// What was handed over leaves when its time has come.
    fn depart(&mut self, now: u64) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Debouncing(Waiting { work, due_ms }) | Phase::Retrying(Waiting { work, due_ms })
                if now >= due_ms =>
            {
                Phase::Streaming { work, follow_up: None }
            }
            // The transport has stopped the one it replaces.
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

    /// The same, to be kept.
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

    /// Drops what is being done: the requests are stopped.
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
