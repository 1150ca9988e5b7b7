//! The person of a recorded session, before the plugin instead of the editor they had.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ai_completion::completion::io::Buffer;
use ai_completion::completion::simulation::desk::{Model, Seen, User, answer};
use ai_completion::completion::trigger::{Gate, Gates};
use volt_host::editor::Editor;

use super::latencies::Latencies;
use super::record::{Act, By, Edit, Event, Opened, to_come};

/// A longer time after a typed character is a pause, in milliseconds.
const PAUSE_MS: u64 = 500;
/// What the model writes where it is not known what the person would have.
const UNKNOWN: &str = "update();";

/// Where a pause went that had no ghost, or [`Served`](Self::Served).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Served,
    CodeBehind,
    MidWord,
    Empty,
    Late,
    NotDrawn,
    AskedBefore,
    NotAsked,
}

impl Fate {
    pub const ALL: [Self; 8] = [
        Self::Served,
        Self::CodeBehind,
        Self::MidWord,
        Self::Empty,
        Self::Late,
        Self::NotDrawn,
        Self::AskedBefore,
        Self::NotAsked,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "with a ghost",
            Self::CodeBehind => "code behind the cursor",
            Self::MidWord => "mid-word",
            Self::Empty => "empty answer",
            Self::Late => "answer too late",
            Self::NotDrawn => "answered, not drawn",
            Self::AskedBefore => "asked before the key only",
            Self::NotAsked => "not asked",
        }
    }
}

/// A pause after a typed character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Milliseconds to the next change.
    pub length_ms: u64,
    /// Milliseconds to the next change or movement of the caret.
    pub still_ms: u64,
    /// Milliseconds to the ghost, if one came before the caret moved.
    pub ghost_ms: Option<u64>,
    pub fate: Fate,
    /// The cursor's line.
    pub line: String,
    /// When it began, in milliseconds since the beginning of the session.
    pub at_ms: u64,
}

impl Pause {
    /// Whether it is one although it ends when the caret moves.
    pub fn is_still(&self) -> bool {
        self.still_ms > PAUSE_MS
    }
}

/// A request that left.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// How many events had been played.
    at: usize,
    latency_ms: u64,
    is_empty: bool,
}

/// What the person and the model have in common: the session, and how far it is.
pub struct Session {
    events: Vec<Event>,
    /// How many were played.
    at: usize,
    documents: HashMap<usize, Document>,
    front: usize,
    caret: usize,
    now_ms: u64,
    asked: Vec<Asked>,
    pub typed: usize,
    /// Typed characters with which a ghost at the caret began.
    pub offered: usize,
    pub pauses: Vec<Pause>,
    open: Option<Open>,
}

struct Document {
    opened: Opened,
    text: String,
    is_in_editor: bool,
}

/// A pause that has not ended.
struct Open {
    key: usize,
    key_ms: u64,
    /// When the caret moved, and since when a ghost was there then.
    moved: Option<(u64, Option<u64>)>,
    gate: Option<Gate>,
    line: String,
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Session {
    pub fn new(events: Vec<Event>) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            events,
            at: 0,
            documents: HashMap::new(),
            front: usize::MAX,
            caret: 0,
            now_ms: 0,
            asked: Vec::new(),
            typed: 0,
            offered: 0,
            pauses: Vec::new(),
            open: None,
        }))
    }

    /// What the model writes now.
    fn continuation(&self) -> String {
        let document = self.documents.get(&self.front);
        let rest = self.events.get(self.at..).unwrap_or_default();
        let known = document.and_then(|document| to_come(rest, self.front, &document.text, self.caret));
        known.unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn play(&mut self, editor: &mut Editor, seen: &Seen) -> Option<u64> {
        self.now_ms = seen.now_ms;
        let event = self.events.get(self.at)?.clone();
        self.at += 1;
        match &event.act {
            Act::Open(opened) => {
                let text = opened.text.clone();
                let document = Document { opened: opened.clone(), text, is_in_editor: false };
                self.documents.insert(event.doc, document);
            }
            Act::Focus => {
                self.moves(seen);
                self.bring_to_front(editor, event.doc);
                self.front = event.doc;
            }
            Act::Select { anchor, head } if event.doc == self.front => {
                let is_move = anchor != head || *head != self.caret;
                if is_move {
                    self.moves(seen);
                    self.caret = *head;
                    self.select(editor, *anchor, *head);
                }
            }
            Act::Select { .. } => {}
            Act::Edit(edit) => self.edit(editor, seen, event.doc, edit),
        }
        let next = self.events.get(self.at)?;
        Some(next.at_ms.saturating_sub(event.at_ms))
    }

    fn bring_to_front(&mut self, editor: &mut Editor, doc: usize) {
        let Some(document) = self.documents.get_mut(&doc) else { return };
        let Opened { path, language, .. } = &document.opened;
        if document.is_in_editor {
            editor.switch_to(path);
        } else {
            editor.open(path, language, &document.text);
            document.is_in_editor = true;
        }
    }

    fn select(&self, editor: &mut Editor, anchor: usize, head: usize) {
        let Some(document) = self.documents.get(&self.front) else { return };
        let buffer = volt_host::editor::Buffer::new(&document.text);
        let at = |offset| {
            let position = buffer.position(offset);
            (position.line, position.character)
        };
        if anchor == head {
            let (line, character) = at(head);
            editor.move_to(line, character);
        } else {
            editor.select(at(anchor), at(head));
        }
    }

    fn edit(&mut self, editor: &mut Editor, seen: &Seen, doc: usize, edit: &Edit) {
        let Some(document) = self.documents.get_mut(&doc) else { return };
        let is_here = doc == self.front;
        let is_typed = is_here && edit.by == By::Char;
        document.text.replace_range(edit.range.clone(), &edit.text);
        if !is_here && document.is_in_editor {
            let path = document.opened.path.clone();
            editor.switch_to(&path);
            editor.replay(edit.range.clone(), &edit.text, edit.caret, false);
            self.bring_to_front(editor, self.front);
        }
        if !is_here {
            return;
        }
        self.ends(seen);
        if is_typed {
            self.typed += 1;
            let screen = editor.screen();
            let ghost = screen.ghost.filter(|ghost| ghost.at == screen.cursor);
            let first = edit.text.chars().next();
            self.offered +=
                usize::from(ghost.is_some_and(|ghost| first.is_some() && ghost.text.chars().next() == first));
        }
        editor.replay(edit.range.clone(), &edit.text, edit.caret, edit.by != By::Command);
        self.caret = edit.caret;
        self.open = is_typed.then(|| self.begin());
    }

    /// A character was typed: a pause may begin.
    fn begin(&self) -> Open {
        let document = self.documents.get(&self.front);
        let text = document.map_or("", |document| document.text.as_str());
        let language = document.map_or("", |document| document.opened.language.as_str());
        let buffer = Buffer { uri: "", path: "", language, text };
        let gate = Gates::default().check(&buffer, self.caret, false);
        let (before, after) = text.split_at_checked(self.caret).unwrap_or_default();
        let before = before.rsplit('\n').next().unwrap_or_default();
        let after = after.split('\n').next().unwrap_or_default();
        Open { key: self.at, key_ms: self.now_ms, moved: None, gate, line: format!("{before}‸{after}") }
    }

    /// The caret moves.
    fn moves(&mut self, seen: &Seen) {
        if let Some(open) = &mut self.open {
            open.moved.get_or_insert((seen.now_ms, seen.ghost_since_ms));
        }
    }

    /// The text changes: the pause ends, if it was one.
    fn ends(&mut self, seen: &Seen) {
        self.moves(seen);
        let Some(open) = self.open.take() else { return };
        let length_ms = seen.now_ms - open.key_ms;
        let (moved_ms, ghost_since) = open.moved.unwrap_or((seen.now_ms, None));
        if length_ms <= PAUSE_MS {
            return;
        }
        let ghost_ms = ghost_since.map(|since| since.saturating_sub(open.key_ms));
        self.pauses.push(Pause {
            length_ms,
            still_ms: moved_ms - open.key_ms,
            ghost_ms,
            fate: self.fate(&open, ghost_ms, moved_ms, &seen.sent_ms),
            line: open.line,
            at_ms: self.events.get(open.key.saturating_sub(1)).map_or(0, |event| event.at_ms),
        });
    }

    fn fate(&self, open: &Open, ghost_ms: Option<u64>, moved_ms: u64, sent_ms: &[u64]) -> Fate {
        let last = self.asked.iter().zip(sent_ms).rfind(|(_, sent_ms)| **sent_ms <= moved_ms);
        let arrives_ms = last.map_or(0, |(asked, sent_ms)| sent_ms + asked.latency_ms);
        match (ghost_ms, &open.gate, last) {
            (Some(_), ..) => Fate::Served,
            (_, Some(Gate::CodeAfter), _) => Fate::CodeBehind,
            (_, Some(Gate::MidWord), _) => Fate::MidWord,
            (.., Some((asked, _))) if asked.at >= open.key => match asked.is_empty {
                _ if arrives_ms >= moved_ms => Fate::Late,
                true => Fate::Empty,
                false => Fate::NotDrawn,
            },
            _ if arrives_ms > open.key_ms => Fate::AskedBefore,
            _ if moved_ms - open.key_ms < PAUSE_MS => Fate::Late,
            _ => Fate::NotAsked,
        }
    }
}

/// The person, who does what they did.
pub struct Person(pub Rc<RefCell<Session>>);

impl User for Person {
    fn act(&mut self, editor: &mut Editor, seen: &Seen) -> Option<u64> {
        self.0.borrow_mut().play(editor, seen)
    }
}

/// A model that writes what the person wrote next, and nothing in `empty` of a hundred cases.
pub fn model(session: &Rc<RefCell<Session>>, latencies: Latencies, empty: f64, seed: u64) -> Model {
    let session = session.clone();
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..10).for_each(|_| _ = dice.roll());
    Box::new(move |_| {
        let mut session = session.borrow_mut();
        let latency_ms = latencies.at(dice.roll());
        let is_empty = dice.roll() * 100.0 < empty;
        let at = session.at;
        session.asked.push(Asked { at, latency_ms, is_empty });
        if is_empty {
            return answer(latency_ms, &[]);
        }
        let text = session.continuation();
        answer(latency_ms, &[(0, &text)])
    })
}
