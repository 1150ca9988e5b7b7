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
    /// Asks to be left alone until a date, and says what time it is or does not.
    Until(bool),
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
    /// The plugin's folder is read-only, or writable again.
    Protect,
    Unprotect,
    /// The machine's clock is set forth by these seconds, or back.
    Leap(i64),
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
        match dice.below(31) {
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
            27 => Self::Until(dice.one_in(2)),
            _ => Self::Status(*dice.pick(&[400, 401, 404, 429, 500, 503, 529]), dice.one_in(2)),
        }
    }
}

impl Step {
    fn new(dice: &mut Dice) -> Self {
        match dice.below(64) {
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
            59 => Self::Protect,
            60 => Self::Unprotect,
            61 | 62 => Self::Leap(leap(dice)),
            _ => Self::Key('x'),
        }
    }
}

/// From a second to nearly three hours, forth or back.
fn leap(dice: &mut Dice) -> i64 {
    let seconds = 10i64.pow(dice.below(5) as u32);
    if dice.one_in(2) { seconds } else { -seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> impl Iterator<Item = Plan> {
        (1..=200).map(Plan::new)
    }

    #[test]
    fn a_seed_is_always_the_same_plan() {
        assert!(plans().eq(plans()));
        assert_ne!(Plan::new(1), Plan::new(2));
    }

    #[test]
    fn the_clock_leaps_at_one_step_in_forty_or_so_by_seconds_to_hours_both_ways() {
        let steps: Vec<Step> = plans().flat_map(|plan| plan.steps).map(|(_, step)| step).collect();
        let leaps: Vec<i64> = steps
            .iter()
            .filter_map(|step| if let Step::Leap(by) = step { Some(*by) } else { None })
            .collect();
        assert!((20..60).contains(&(steps.len() / leaps.len())), "{} of {}", leaps.len(), steps.len());
        for seconds in [1, 10, 100, 1000, 10_000] {
            assert!(leaps.contains(&seconds) && leaps.contains(&-seconds), "{seconds}: {leaps:?}");
        }
        assert!(leaps.iter().all(|by| (1..=10_000).contains(&by.abs())), "{leaps:?}");
    }

    #[test]
    fn the_folder_is_made_read_only_and_writable_again_under_way() {
        let has = |plan: &Plan, wanted: &[Step]| {
            let mut steps = plan.steps.iter().map(|(_, step)| step);
            wanted.iter().all(|step| steps.any(|it| it == step))
        };
        let both = plans().filter(|plan| has(plan, &[Step::Protect, Step::Unprotect])).count();
        let for_good = plans().filter(|plan| has(plan, &[Step::Protect])).count() - both;
        assert!(both > 5 && for_good > 5, "{both} {for_good}");
    }

    #[test]
    fn a_server_names_a_date_with_and_without_the_time_of_its_clock() {
        let served: Vec<Serve> = plans().flat_map(|plan| plan.server).collect();
        assert!([true, false].iter().all(|says| served.contains(&Serve::Until(*says))));
    }

    #[test]
    fn a_plan_that_is_printed_is_read_as_the_same() {
        for plan in plans() {
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{text}");
        }
        let text = r#"{"curl":"Works","server":[{"Until":false}],"steps":[[0,{"Leap":-10000}],[20,"Protect"],[1000,"Unprotect"]]}"#;
        let plan = Plan {
            curl: Curl::Works,
            server: vec![Serve::Until(false)],
            steps: vec![(0, Step::Leap(-10_000)), (20, Step::Protect), (1000, Step::Unprotect)],
        };
        assert_eq!(serde_json::to_string(&plan).unwrap(), text);
        assert_eq!(serde_json::from_str::<Plan>(text).unwrap(), plan);
    }

    #[test]
    fn every_fault_can_be_left_out_of_a_shorter_plan() {
        let plan = Plan {
            curl: Curl::Old,
            server: vec![Serve::Until(true), Serve::Huge],
            steps: vec![(0, Step::Leap(1)), (0, Step::Protect), (0, Step::Key('a'))],
        };
        let shorter = plan.shorter();
        for (at, gone) in plan.steps.iter().enumerate() {
            let mut rest = plan.steps.clone();
            rest.remove(at);
            assert!(shorter.iter().any(|shorter| shorter.steps == rest), "{gone:?}");
        }
        for (at, gone) in plan.server.iter().enumerate() {
            assert!(shorter.iter().any(|shorter| shorter.server[at] != *gone), "{gone:?}");
        }
        assert!(shorter.iter().any(|shorter| shorter.curl == Curl::Works));
    }
}
