//! Working hours out of a seed: a user, a model, a server and an agent, of which each does what it should not now and
//! then. What must hold is checked after each session, and that the next undisturbed completion works.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Write;
use std::rc::Rc;

use lapce_editor::{Arrow, Editor};
use serde_json::json;

use super::desk::{Act, Desk, FILE, Faults, Seen, Serve, User, answer};
use super::dice::Dice;

/// How long a session is, in milliseconds: a window is closed and opened again several times an hour.
pub const SESSION_MS: u64 = 15 * 60 * 1000;
/// A server that says nothing for so long is given up, in milliseconds (`timeout.idle-ms`).
const IDLE_MS: u64 = 30_000;
/// After so long no server is waited for and no pause after a refusal goes on, in milliseconds.
const CALM_MS: u64 = 20 * 60 * 1000;
/// What the model writes once nothing goes wrong any more.
const CALM: &str = "undisturbed();";

/// What sessions came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub milliseconds: u64,
    pub acts: usize,
    /// Requests of the editor, and those that left for the model.
    pub asked: usize,
    pub sent: usize,
    /// Ghosts drawn, and how often one was cleared.
    pub drawn: usize,
    pub cleared: usize,
    pub wakeups: usize,
    /// What went wrong with requests and with the agent.
    pub faults: usize,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.milliseconds += other.milliseconds;
        self.acts += other.acts;
        self.asked += other.asked;
        self.sent += other.sent;
        self.drawn += other.drawn;
        self.cleared += other.cleared;
        self.wakeups += other.wakeups;
        self.faults += other.faults;
    }
}

/// Plays a session. The same seed plays the same.
///
/// # Errors
/// What did not hold.
pub fn session(seed: u64, length_ms: u64) -> Result<Tally, String> {
    let mut dice = Dice::new(seed);
    let speculative = if dice.one_in(2) { "on" } else { "off" };
    let (calm, faults, acts) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let model = {
        let (calm, faults, mut dice) = (calm.clone(), faults.clone(), dice.split());
        move |_: &_| match calm.get() {
            true => answer(200, &[(0, CALM)]),
            false => served(&mut dice, &faults),
        }
    };
    let mut desk =
        Desk::with("fn main() {\n    |\n}\n", Box::new(model), json!({"speculative": speculative}));
    let machine = machine_faults(&mut dice, length_ms);
    let leaps = machine.leaps_ms.iter().filter(|leap| **leap > 0).count();
    faults.set(machine.deaths_ms.len() + machine.lost_wakeups.iter().filter(|lost| **lost).count() + leaps);
    desk.suffer(machine);
    desk.cross((0..length_ms / 10_000).map(|_| dice.one_in(6)).collect::<Vec<_>>());
    desk.play(Somebody { dice: dice.split(), left_ms: length_ms, acts: acts.clone() });
    calm.set(true);
    desk.suffer(Faults::default());
    desk.cross([]);
    desk.rest(CALM_MS);
    undisturbed(&mut desk)?;
    let most_in_flight = if speculative == "on" { 2 } else { 1 };
    holds(&desk, most_in_flight)?;
    Ok(desk.seen(|seen| Tally {
        milliseconds: length_ms,
        acts: acts.get(),
        asked: seen.answers.len(),
        sent: seen.requests,
        drawn: seen.drawn.iter().filter(|ghost| !ghost.is_empty()).count(),
        cleared: seen.drawn.iter().filter(|ghost| ghost.is_empty()).count(),
        wakeups: seen.wakeups,
        faults: faults.get(),
    }))
}

/// Plays a short session in which everything works but the call of the host or of the transport with this number, from 1,
/// which fails. Gives how many calls there were.
///
/// # Errors
/// What did not hold.
pub fn failing(call: u64) -> Result<u64, String> {
    let calm = Rc::new(Cell::new(false));
    let model = {
        let calm = calm.clone();
        move |_: &_| match calm.get() {
            true => answer(200, &[(0, CALM)]),
            false => answer(200, &[(0, "one("), (90, "two);\n    "), (90, "three();\n"), (300, "four();")]),
        }
    };
    let settings = json!({"speculative": "on"});
    let mut desk = Desk::with("fn main() {\n    |\n}\n", Box::new(model), settings);
    desk.fail_call(call);
    let keys = "let a = ".chars().map(|c| (80, Act::Key(c)));
    let acts = [
        (900, Act::Along),
        (80, Act::Along),
        (400, Act::Tab),
        (80, Act::Key('\n')),
        (900, Act::Key('x')),
        (80, Act::Backspace),
        (600, Act::Invoke),
        (600, Act::Switch),
        (80, Act::Key('\n')),
        (900, Act::Tab),
        (50, Act::Undo),
        (50, Act::Save),
        (500, Act::Switch),
    ];
    desk.play(keys.chain(acts).collect::<VecDeque<_>>());
    calm.set(true);
    desk.rest(CALM_MS);
    let calls = desk.calls();
    undisturbed(&mut desk)?;
    holds(&desk, 2)?;
    Ok(calls)
}

/// The next completion works although everything went wrong before.
fn undisturbed(desk: &mut Desk) -> Result<(), String> {
    desk.open("calm.rs", "fn calm() {\n    \n}\n", (1, 4));
    desk.types("let done = ", 100, 5000);
    if desk.screen().ghost.is_none() {
        // Nobody is asked unasked for a while after refusals.
        desk.act(Act::Invoke);
        desk.rest(5000);
    }
    let screen = desk.screen();
    let is_there = screen.ghost_text() == CALM && desk.tab_is_honest();
    desk.open(FILE, "", (0, 0));
    desk.rest(CALM_MS);
    if is_there { Ok(()) } else { Err(format!("the next undisturbed completion does not work: {screen:?}")) }
}

/// What must hold whatever happened.
fn holds(desk: &Desk, most_in_flight: usize) -> Result<(), String> {
    let mut wrong = String::new();
    let mut check = |holds: bool, what: &dyn Fn() -> String| {
        if !holds {
            let _ = writeln!(wrong, "{}", what());
        }
    };
    desk.seen(|seen| {
        check(seen.answers.values().all(|count| *count <= 1), &|| "a request was answered twice".to_owned());
        check(seen.faults.is_empty(), &|| format!("the editor could not read: {:?}", seen.faults));
        check(seen.stale.is_empty(), &|| format!("drawn where the caret was not: {:?}", seen.stale));
        check(seen.dishonest.is_empty(), &|| format!("Tab takes what is not drawn: {:#?}", seen.dishonest));
        let in_flight = seen.most_in_flight;
        check(in_flight <= most_in_flight, &|| format!("{in_flight} requests in flight"));
        let wakeups = seen.most_wakeups_in_pause;
        check(wakeups <= 6, &|| format!("{wakeups} wake-ups in a pause"));
        let at_once = seen.most_wakeups_at_once;
        check(at_once <= 1, &|| format!("{at_once} wake-ups before the first was handled"));
    });
    check(desk.unanswered() <= 8, &|| format!("{} requests unanswered", desk.unanswered()));
    check(desk.handed() <= most_in_flight, &|| format!("{} requests never ended", desk.handed()));
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// What the server does with one request: mostly what it should.
fn served(dice: &mut Dice, faults: &Cell<usize>) -> Vec<(u64, Serve)> {
    const PIECES: [&str; 12] =
        ["a", "foo(", "bar)\n", "    x = 1;\n", "\n", "}\n", "é", " ", ";", "fn g() {\n", "\"", "𝄞"];
    let pieces: Vec<(u64, &str)> =
        (0..dice.below(14)).map(|_| (dice.below(400), *dice.pick(&PIECES))).collect();
    let latency = if dice.one_in(10) { dice.below(9000) } else { 1 + dice.below(900) };
    let mut script = answer(latency, &pieces);
    if !dice.one_in(4) {
        return script;
    }
    faults.set(faults.get() + 1);
    let body = |text: &str| (latency, Serve::Body(text.to_owned()));
    match dice.below(8) {
        // The connection breaks, or goes silent, somewhere.
        kind @ 0..2 => {
            let kept = dice.below(script.len() as u64) as usize;
            script.truncate(kept);
            let last = script.last().map_or(latency, |(at, _)| *at) + if kind == 0 { 1 } else { IDLE_MS };
            script.push((last, Serve::Cut));
        }
        2 => {
            let status = *dice.pick(&[400, 401, 403, 404, 429, 500, 502, 503, 529]);
            let words =
                *dice.pick(&["", "{\"error\":\"no\"}", "{\"error\":{\"message\":\"overloaded\"}}", "<html>"]);
            script = vec![(latency, Serve::Head(status)), body(words), (latency, Serve::End)];
        }
        // A page, half a line, a line that is none, an error within the stream.
        3 => {
            script = vec![
                (latency, Serve::Head(200)),
                body("<!DOCTYPE html>\n<p>Sign in\n"),
                (latency, Serve::End),
            ]
        }
        4 => script = vec![(latency, Serve::Head(200)), body("{\"response\":\"a"), (latency, Serve::End)],
        5 => script = vec![(latency, Serve::Head(200)), body("\u{0}\n[[[\n{}\n"), (latency, Serve::End)],
        6 => script.insert(1, body("{\"error\":\"the model runner has stopped\"}\n")),
        // More than anybody wants, and no end of it.
        _ => {
            script.truncate(1);
            let line =
                json!({"response": *dice.pick(&["x", "f(g(", "a b ", "y\n", "    z();\n"]), "done": false});
            script.push(body(&format!("{line}\n").repeat(4000)));
            script.push((latency + IDLE_MS, Serve::Cut));
        }
    }
    script
}

/// What goes wrong with the agent and the machine: seldom anything.
fn machine_faults(dice: &mut Dice, length_ms: u64) -> Faults {
    let mut deaths_ms: Vec<u64> = (0..dice.below(4)).map(|_| dice.below(length_ms)).collect();
    deaths_ms.sort_unstable();
    let some = |dice: &mut Dice| if dice.one_in(10) { 6 + dice.below(60) } else { 0 };
    // From a second to nearly three hours.
    let leap = |dice: &mut Dice| if dice.one_in(40) { 1000 * 10u64.pow(dice.below(5) as u32) } else { 0 };
    Faults {
        lost_wakeups: (0..length_ms / 5000).map(|_| dice.one_in(25)).collect(),
        deaths_ms: deaths_ms.into(),
        busy_ms: (0..length_ms / 2000).map(|_| some(dice)).collect(),
        leaps_ms: (0..length_ms / 1000).map(|_| leap(dice)).collect(),
    }
}

/// Somebody who does anything at all.
struct Somebody {
    dice: Dice,
    left_ms: u64,
    acts: Rc<Cell<usize>>,
}

impl User for Somebody {
    fn act(&mut self, editor: &mut Editor, _: &Seen) -> Option<u64> {
        const TEXTS: [&str; 3] = ["pasted text", "x", "two\nlines"];
        const KEYS: [char; 10] = ['a', ' ', '(', ')', '{', '"', ';', '\n', 'é', '𝄞'];
        let dice = &mut self.dice;
        let act = match dice.below(44) {
            0..14 => Act::Key(*dice.pick(&KEYS)),
            14..25 => Act::Along,
            25..29 => Act::Backspace,
            29 => Act::DeleteForward,
            30..34 => Act::Tab,
            34 => Act::Esc,
            35..37 => Act::Invoke,
            37 => {
                let text: &&str = dice.pick(&TEXTS);
                Act::Paste(text)
            }
            38 => Act::Save,
            39 => Act::Undo,
            40 => Act::Redo,
            41 => Act::Arrow(*dice.pick(&[Arrow::Up, Arrow::Down, Arrow::Left, Arrow::Right])),
            42 => Act::Click(dice.below(20) as u32, dice.below(9) as u32),
            _ => Act::Switch,
        };
        act.perform(editor);
        self.acts.set(self.acts.get() + 1);
        let gap = match dice.below(100) {
            0..5 => 1 + dice.below(40),
            5..60 => 60 + dice.below(140),
            60..85 => 200 + dice.below(1300),
            85..98 => 1500 + dice.below(7500),
            _ => 9000 + dice.below(60_000),
        };
        self.left_ms = self.left_ms.checked_sub(gap)?;
        Some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty hours.
    const SESSIONS: u64 = 80;

    #[test]
    fn hours_of_work_among_faults_break_nothing() {
        let mut all = Tally::default();
        for seed in 0..SESSIONS {
            match session(seed, SESSION_MS) {
                Ok(tally) => all.add(&tally),
                Err(wrong) => panic!("the session of seed {seed}: {wrong}"),
            }
        }
        println!("{all:?}");
        // That little happened would prove little.
        assert_eq!(all.milliseconds, SESSIONS * SESSION_MS);
        assert!(all.acts > 20_000 && all.sent > 2000 && all.drawn > 2000 && all.faults > 500, "{all:?}");
    }

    #[test]
    fn the_same_seed_plays_the_same() {
        assert_eq!(session(7, SESSION_MS / 5), session(7, SESSION_MS / 5));
    }

    /// As curl's torture tests do.
    #[test]
    fn every_call_may_fail_once_at_every_place() {
        let calls = failing(0).unwrap();
        assert!(calls > 50, "{calls}");
        for call in 1..=calls {
            if let Err(wrong) = failing(call) {
                panic!("when call {call} fails: {wrong}");
            }
        }
    }
}
