//! A user who writes a text they have in mind: in spurts, with slips that are noticed some keys later, with pauses
//! to think, taking what fits of what is offered. Knows no clock and no window: given what is on the screen, it says
//! what it does next and how long it then rests, so the same session can be played in real and in made-up time.

use std::time::Duration;
#[cfg(feature = "wasm")]
use std::time::Instant;

use crate::editor::{Buffer, Screen};
#[cfg(feature = "wasm")]
use crate::server::{self, Request, Script, Server, shape};
#[cfg(feature = "wasm")]
use crate::{Lapce, Pace};

/// Keys are so far apart, in milliseconds: at least, and up to so many more.
const KEY: (u64, u64) = (70, 90);
/// The same for keys that take something back.
const CORRECTION: (u64, u64) = (90, 60);
/// The same for a look at what was taken.
const AFTER_TAB: (u64, u64) = (150, 100);
/// Pauses to think, in milliseconds. What is offered by their end counts.
const THOUGHT: (u64, u64) = (600, 600);

/// What the user does with the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Types a character, or Enter for a line feed.
    Key(char),
    /// Backspace.
    Backspace,
    /// The Delete key.
    DeleteForward,
    /// Tab.
    Tab,
    /// Nothing: a pause to think.
    Think,
}

/// What the session came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Keys pressed, those that take something back included, Tab not.
    pub keys: usize,
    /// Pauses of more than 500 ms.
    pub pauses: usize,
    /// The line before the caret at the end of each pause without a ghost at the caret.
    pub missed: Vec<String>,
    /// Keys that went along with a ghost at the caret.
    pub fitting_keys: usize,
    /// Those of them after which no request was sent before the next act.
    pub fitting_keys_without_request: usize,
    /// Ghosts taken.
    pub accepted: usize,
}

/// A plan to write: a file of Python, long enough for half an hour.
pub fn plan() -> String {
    let part = |n: usize| {
        format!(
            "def area_{n}(width, height):
    # rooms are never round
    size = width * height
    if size > limit_{n}:
        size = limit_{n} - rest
    return size

"
        )
    };
    (1..100).map(part).collect()
}

/// What a model writes that knows the plan, sees no further than three lines, and is wrong one time in five.
pub fn model(plan: &str, before: &str) -> String {
    let Some(rest) = plan.strip_prefix(before) else { return "  # what is this?".to_owned() };
    match before.len() % 5 {
        0 => "yield None  # surely".to_owned(),
        n => rest.split_inclusive('\n').take(1 + n.min(2)).collect(),
    }
}

/// A server of Ollama's `/api/generate` that plays that [`model`] for that [`plan`]; the prompt is taken for the text
/// before the caret.
///
/// # Errors
/// When no socket can be opened.
#[cfg(feature = "wasm")]
pub fn server(latency: Duration) -> std::io::Result<Server> {
    server_writing(latency, Duration::ZERO)
}

/// The same, of a model that takes so long for each line but the first.
///
/// # Errors
/// When no socket can be opened.
#[cfg(feature = "wasm")]
pub fn server_writing(latency: Duration, line: Duration) -> std::io::Result<Server> {
    let plan = plan();
    Server::start(move |request: &Request| {
        let prompt = request.json()["prompt"].as_str().unwrap_or_default().to_owned();
        let answer = model(&plan, &prompt);
        let lines: Vec<&str> = answer.split_inclusive('\n').collect();
        Script::stream(shape::ollama_generate, &lines, server::Pace::every(line).after(latency))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Writing,
    /// A pause to think comes next.
    Pensive,
    /// The pause is over: what is offered is looked at.
    Deciding,
}

/// See the module.
pub struct Typist {
    plan: String,
    dice: Dice,
    measures: Measures,
    /// Keys until a slip is noticed.
    blind: u64,
    mood: Mood,
    /// The last key went along with the ghost; so many requests had been sent before it.
    fitted_at: Option<usize>,
}

impl Typist {
    /// A user who will write `plan`, which should be longer than the session, into an empty file. The same seed
    /// makes the same slips and pauses.
    pub fn new(plan: &str, seed: u64) -> Self {
        Self {
            plan: plan.to_owned(),
            dice: Dice(seed | 1),
            measures: Measures::default(),
            blind: 0,
            mood: Mood::Writing,
            fitted_at: None,
        }
    }

    /// What the session came to so far.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Writes in a real window and in real time for that long, or until it is `enough`; `requests` says how many the
    /// plugin has sent.
    #[cfg(feature = "wasm")]
    pub fn write(
        &mut self,
        lapce: &mut Lapce,
        length: Duration,
        enough: impl Fn() -> bool,
        requests: impl Fn() -> usize,
    ) {
        let start = Instant::now();
        while start.elapsed() < length && !enough() {
            let Some((act, rest)) = self.act(&lapce.screen(), requests()) else { return };
            match act {
                Act::Key(key) => lapce.type_keys(key.encode_utf8(&mut [0; 4]), Pace::BURST),
                Act::Backspace => lapce.backspace(),
                Act::DeleteForward => lapce.delete_forward(),
                Act::Tab => lapce.tab(),
                Act::Think => {}
            }
            // Time is what this is about: a user's rhythm cannot be waited for.
            std::thread::sleep(rest);
        }
    }

    /// What the user does now, seeing this, and how long they rest then. `requests`: how many requests the plugin
    /// has sent so far. `None` once the plan is written.
    pub fn act(&mut self, screen: &Screen, requests: usize) -> Option<(Act, Duration)> {
        if let Some(before) = self.fitted_at.take() {
            self.measures.fitting_keys += 1;
            self.measures.fitting_keys_without_request += usize::from(before == requests);
        }
        let (before, after) = around_caret(screen);
        let (act, rest) = match std::mem::replace(&mut self.mood, Mood::Writing) {
            Mood::Pensive => {
                self.mood = Mood::Deciding;
                (Act::Think, THOUGHT)
            }
            mood => {
                if mood == Mood::Deciding && self.takes(screen, before) {
                    (Act::Tab, AFTER_TAB)
                } else {
                    self.measures.keys += 1;
                    let act = self.key(before, after)?;
                    (act, if matches!(act, Act::Key(_)) { KEY } else { CORRECTION })
                }
            }
        };
        if let Act::Key(key) = act {
            let fits = screen.ghost_at_cursor() && screen.ghost_text().starts_with(key) && key != '\n';
            self.fitted_at = fits.then_some(requests);
        }
        Some((act, self.dice.rest(rest)))
    }

    /// A look at the end of a pause: whether what is offered is taken.
    fn takes(&mut self, screen: &Screen, before: &str) -> bool {
        self.measures.pauses += 1;
        if !screen.ghost_at_cursor() {
            self.measures.missed.push(before.lines().last().unwrap_or_default().to_owned());
            return false;
        }
        let rest = self.plan.strip_prefix(before);
        let taken = rest.is_some_and(|rest| rest.starts_with(screen.ghost_text())) && self.dice.roll(2) == 0;
        self.measures.accepted += usize::from(taken);
        taken
    }

    /// The next key; `None` when the plan is written.
    fn key(&mut self, before: &str, after: &str) -> Option<Act> {
        let Some(rest) = self.plan.strip_prefix(before).filter(|_| self.blind == 0) else {
            return Some(self.go_wrong(before));
        };
        let next = rest.chars().next()?;
        // The editor has closed a bracket that the plan closes elsewhere.
        if next == '\n' && !after.is_empty() {
            return Some(Act::DeleteForward);
        }
        Some(Act::Key(match self.dice.roll(100) {
            0..3 if next.is_alphabetic() => {
                self.blind = 1 + self.dice.roll(3);
                if next == 'q' { 'w' } else { 'q' }
            }
            3..40 if !next.is_alphabetic() => {
                self.mood = Mood::Pensive;
                next
            }
            _ => next,
        }))
    }

    /// Types on without looking, or takes back what is wrong.
    fn go_wrong(&mut self, before: &str) -> Act {
        if self.blind == 0 {
            return Act::Backspace;
        }
        self.blind -= 1;
        let known = before.bytes().zip(self.plan.bytes()).take_while(|(a, b)| a == b).count();
        let meant = self.plan.get(known + 1..).unwrap_or_default();
        Act::Key(meant.chars().find(|c| c.is_alphabetic()).unwrap_or('e'))
    }
}

/// The text before the caret, and what stands behind it on its line.
fn around_caret(screen: &Screen) -> (&str, &str) {
    let at = Buffer::new(&screen.text).offset(screen.cursor);
    let (before, after) = screen.text.split_at_checked(at).unwrap_or((&screen.text, ""));
    (before, after.lines().next().unwrap_or_default())
}

/// Dice that fall the same way in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// At least so many milliseconds, and up to so many more.
    fn rest(&mut self, (least, more): (u64, u64)) -> Duration {
        Duration::from_millis(least + self.roll(more))
    }
}
