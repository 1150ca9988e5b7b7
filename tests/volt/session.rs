//! A stretch of real editing: is the ghost there when it is wanted, and what does it cost?

use std::time::{Duration, Instant};

use volt_host::Pace as Keys;
use volt_host::server::Pace;
use volt_host::server::shape::{self, Shape};

use crate::stage::{Stage, Turn, cost_of_keys, model, setup};

/// How long the user writes. The measures are shares and do not depend on it.
const LENGTH: Duration = Duration::from_secs(60);
/// How long the model thinks.
const LATENCY: Duration = Duration::from_millis(300);
/// What a key may cost the machine: usually, and at worst.
const USUAL: Duration = Duration::from_millis(2);
const WORST: Duration = Duration::from_millis(10);

/// Part `n` of what the user has in mind.
fn part(n: usize) -> String {
    format!(
        "def area_{n}(width, height):
    # rooms are never round
    size = width * height
    if size > limit_{n}:
        size = limit_{n} - rest
    return size

"
    )
}

/// All of it.
fn plan() -> String {
    (1..100).map(part).collect()
}

/// A model that knows the plan, sees no further than three lines, and is wrong one time in five.
fn answer(plan: &str, before: &str) -> String {
    let Some(rest) = plan.strip_prefix(before) else { return "  # what is this?".to_owned() };
    match before.len() % 5 {
        0 => "yield None  # surely".to_owned(),
        n => rest.split_inclusive('\n').take(n.min(3)).collect(),
    }
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
}

#[derive(Debug, Default)]
struct Measures {
    keys: usize,
    pauses: usize,
    /// What stood before the caret at the end of pauses without a ghost.
    missed: Vec<String>,
    fitting_keys: usize,
    fitting_keys_without_request: usize,
    accepted: usize,
}

/// A user who writes the plan: in spurts, with slips that are noticed some keys later, taking what fits.
struct Typist<'a> {
    stage: &'a mut Stage,
    plan: &'a str,
    dice: Dice,
    measures: Measures,
    /// Keys until a slip is noticed.
    blind: u64,
}

impl Typist<'_> {
    /// The text left and right of the caret on its line, and all before it.
    fn look(&self) -> (String, String) {
        let screen = self.stage.lapce.screen();
        let start: usize =
            screen.text.split_inclusive('\n').take(screen.cursor.line as usize).map(str::len).sum();
        // What is typed here is ASCII.
        let at = start + screen.cursor.character as usize;
        let after = screen.text[at..].lines().next().unwrap_or_default();
        (screen.text[..at].to_owned(), after.to_owned())
    }

    fn press(&mut self, key: char) {
        let screen = self.stage.lapce.screen();
        let fits = screen.ghost_at_cursor() && screen.ghost_text().starts_with(key) && key != '\n';
        let requests = self.stage.requests();
        self.stage.lapce.type_keys(key.encode_utf8(&mut [0; 4]), Keys::BURST);
        self.measures.keys += 1;
        self.rest(70, 90);
        if fits {
            self.measures.fitting_keys += 1;
            self.measures.fitting_keys_without_request += usize::from(self.stage.requests() == requests);
        }
    }

    /// Does nothing for so many milliseconds and up to so many more.
    fn rest(&mut self, least: u64, more: u64) {
        // Time is what this is about: a user's rhythm cannot be waited for.
        std::thread::sleep(Duration::from_millis(least + self.dice.roll(more)));
    }

    fn step(&mut self) {
        let (before, after) = self.look();
        let Some(rest) = self.plan.strip_prefix(before.as_str()).filter(|_| self.blind == 0) else {
            return self.go_wrong(&before);
        };
        let next = rest.chars().next().expect("the plan is longer than the session");
        if next == '\n' && !after.is_empty() {
            self.stage.lapce.delete_forward();
            self.measures.keys += 1;
            return self.rest(90, 60);
        }
        match self.dice.roll(100) {
            // A slip of the finger, and some keys until it is seen.
            0..3 if next.is_alphabetic() => {
                self.blind = 1 + self.dice.roll(3);
                self.press(if next == 'q' { 'w' } else { 'q' });
            }
            3..40 if !next.is_alphabetic() => {
                self.press(next);
                self.think();
            }
            _ => self.press(next),
        }
    }

    /// Types on without looking, or takes back what is wrong.
    fn go_wrong(&mut self, before: &str) {
        if self.blind > 0 {
            self.blind -= 1;
            let known = before.bytes().zip(self.plan.bytes()).take_while(|(a, b)| a == b).count();
            let next = self.plan[known + 1..].chars().find(|c| c.is_alphabetic()).unwrap_or('e');
            return self.press(next);
        }
        self.stage.lapce.backspace();
        self.measures.keys += 1;
        self.rest(90, 60);
    }

    /// A pause, and at its end a look at what is offered.
    fn think(&mut self) {
        self.rest(600, 600);
        let screen = self.stage.lapce.screen();
        self.measures.pauses += 1;
        let (before, _) = self.look();
        if !screen.ghost_at_cursor() {
            self.measures.missed.push(before.lines().last().unwrap_or_default().to_owned());
        }
        let fits =
            self.plan.strip_prefix(before.as_str()).is_some_and(|rest| rest.starts_with(screen.ghost_text()));
        if screen.ghost_at_cursor() && fits && self.dice.roll(2) == 0 {
            self.stage.lapce.tab();
            self.measures.accepted += 1;
            assert_eq!(self.stage.lapce.screen().text, screen.rendered());
            self.rest(150, 100);
        }
    }
}

#[test]
fn a_stretch_of_editing_is_helped_and_never_disturbed() {
    let plan = plan();
    let server = model(shape::openai_chat as Shape, Pace::AT_ONCE.after(LATENCY), {
        let plan = plan.clone();
        move |before| answer(&plan, before)
    });
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::alone(), server, setup);
    stage.open("src/rooms.py", "python", "|");
    let start = Instant::now();
    let mut typist = Typist {
        stage: &mut stage,
        plan: &plan,
        dice: Dice(0x5EED),
        measures: Measures::default(),
        blind: 0,
    };
    while start.elapsed() < LENGTH {
        typist.step();
    }
    let measures = typist.measures;
    stage.settle();

    let evidence = stage.lapce.evidence();
    let mut costs = cost_of_keys(&evidence, |told| told.worked);
    costs.sort();
    let (usual, worst) = (costs[costs.len() / 2], costs[costs.len() * 99 / 100]);
    let requests = stage.requests();
    let told = format!("{measures:?}, {requests} requests, a key costs {usual:?}, at worst {worst:?}");
    println!("{told}");
    assert!(measures.pauses >= 10 && measures.fitting_keys >= 20 && measures.accepted >= 3, "{told}");
    assert!(measures.missed.len() * 10 <= measures.pauses, "{told}");
    assert!(measures.fitting_keys_without_request * 2 >= measures.fitting_keys, "{told}");
    assert!(requests * 3 <= measures.keys, "{told}");
    assert!(usual <= USUAL && worst <= WORST, "{told}");
    stage.finish();
}
