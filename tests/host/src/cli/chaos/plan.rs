//! What a user does in one session, and what goes wrong meanwhile: made of a seed, and written as JSON so that a short
//! plan plays again.

use ai_completion::completion::simulation::dice::Dice;
use serde::{Deserialize, Serialize};

/// A whole session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub curl: Curl,
    /// What the server does with its requests, one after the other; with those beyond, what it should.
    pub server: Vec<Serve>,
    /// The steps, each with the milliseconds since the one before it.
    pub steps: Vec<(u64, Step)>,
}

/// What `curl` is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curl {
    Works,
    Missing,
    /// Says that it is 7.68.0.
    Old,
    /// Starts only after a while.
    Slow,
    /// Never does anything.
    Hangs,
    /// Is killed in the middle.
    Killed,
    /// Cannot resolve the name, connect, or agree on TLS (exit codes 6, 7, 35).
    Fails(u8),
}

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Serve {
    /// An answer, in pieces of this size in bytes.
    Pieces(usize),
    /// Accepts, and is silent for this time in milliseconds.
    Late(u64),
    /// Stalls, closes or resets after this number of chunks.
    Stall(usize),
    Close(usize),
    Reset(usize),
    /// Reads the request and closes, resets or is silent for ever.
    Nothing(usize),
    /// The body ends after this number of bytes, in the middle of JSON or of a character.
    Half(usize),
    /// Says that this is something else.
    Type(usize),
    /// Packed, though nobody asked for that.
    Gzip,
    Redirect,
    /// A line of ten megabytes.
    Huge,
    /// Goes on and on.
    Endless,
    /// A byte now and then.
    Drip,
    /// This status, with or without a `retry-after` header.
    Status(u16, bool),
    /// A page of HTML with this status.
    Page(u16),
}

/// What the user or the machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    Key(char),
    Backspace,
    Delete,
    Tab,
    Escape,
    Invoke,
    Paste,
    Undo,
    Redo,
    Click(u32, u32),
    Switch,
    Save,
    /// The agent is killed, stopped, or let go on.
    KillAgent,
    StopAgent,
    ContinueAgent,
    /// curl is killed.
    KillCurl,
    /// The agent's folder is removed, or everything in the plugin's folder.
    RemovePipes,
    RemoveFolder,
    /// The disk of the plugin's folder is full, or has room again. Only where the command has a small disk of its own.
    FillDisk,
    FreeDisk,
}

impl Plan {
    /// The plan of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let curl = match dice.below(20) {
            0 => Curl::Missing,
            1 => Curl::Old,
            2 => Curl::Slow,
            3 => Curl::Hangs,
            4 => Curl::Killed,
            5 => Curl::Fails(*dice.pick(&[6, 7, 35])),
            _ => Curl::Works,
        };
        let server = (0..1 + dice.below(6)).map(|_| Serve::new(&mut dice)).collect();
        let steps = (0..10 + dice.below(30)).map(|_| (gap(&mut dice), Step::new(&mut dice))).collect();
        Self { curl, server, steps }
    }

    /// Shorter plans, the shortest first, each of which may fail in the same way.
    pub fn shorter(&self) -> Vec<Self> {
        let mut shorter = Vec::new();
        let mut size = self.steps.len();
        while size > 0 {
            for start in (0..self.steps.len()).step_by(size) {
                let mut plan = self.clone();
                plan.steps.drain(start..self.steps.len().min(start + size));
                shorter.push(plan);
            }
            size /= 2;
        }
        if self.curl != Curl::Works {
            shorter.push(Self { curl: Curl::Works, ..self.clone() });
        }
        for (at, serve) in self.server.iter().enumerate() {
            if *serve != Serve::Pieces(usize::MAX) {
                let mut plan = self.clone();
                plan.server[at] = Serve::Pieces(usize::MAX);
                shorter.push(plan);
            }
        }
        shorter
    }
}

fn gap(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0..3 => 0,
        3..15 => 20 + dice.below(80),
        15..19 => 150 + dice.below(400),
        _ => 1000,
    }
}

impl Serve {
    fn new(dice: &mut Dice) -> Self {
        let few = |dice: &mut Dice| dice.below(5) as usize;
        match dice.below(30) {
            0..10 => Self::Pieces(*dice.pick(&[1, 2, 3, 7, 64, usize::MAX])),
            10 => Self::Late(dice.below(2500)),
            11 | 12 => Self::Stall(few(dice)),
            13 | 14 => Self::Close(few(dice)),
            15 | 16 => Self::Reset(few(dice)),
            17 => Self::Nothing(few(dice)),
            18 | 19 => Self::Half(1 + dice.below(300) as usize),
            20 => Self::Type(few(dice)),
            21 => Self::Gzip,
            22 => Self::Redirect,
            23 => Self::Huge,
            24 => Self::Endless,
            25 => Self::Drip,
            26 => Self::Page(*dice.pick(&[200, 403, 502])),
            _ => Self::Status(*dice.pick(&[400, 401, 404, 429, 500, 503, 529]), dice.one_in(2)),
        }
    }
}

impl Step {
    fn new(dice: &mut Dice) -> Self {
        match dice.below(60) {
            0..28 => Self::Key(*dice.pick(&['a', 'b', ' ', '(', '{', '"', ';', '\n', 'é', '=', '.'])),
            28..31 => Self::Backspace,
            31 => Self::Delete,
            32..37 => Self::Tab,
            37 => Self::Escape,
            38..42 => Self::Invoke,
            42 => Self::Paste,
            43 => Self::Undo,
            44 => Self::Redo,
            45..47 => Self::Click(dice.below(4) as u32, dice.below(9) as u32),
            47..49 => Self::Switch,
            49 => Self::Save,
            50 => Self::KillAgent,
            51 => Self::StopAgent,
            52..54 => Self::ContinueAgent,
            54 => Self::KillCurl,
            55 => Self::RemovePipes,
            56 if dice.one_in(3) => Self::RemoveFolder,
            57 => Self::FillDisk,
            58 => Self::FreeDisk,
            _ => Self::Key('x'),
        }
    }
}
