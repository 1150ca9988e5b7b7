//! `volt replay`: a person's session in made-up time, and in which pauses a ghost was there.

mod figures;
mod latencies;
mod person;
mod record;

use std::io::Write;
use std::path::{Path, PathBuf};

use ai_completion::completion::simulation::desk::Desk;
use lexopt::{Arg, ValueExt};
use serde_json::json;

use self::figures::{Counted, Figures, HEADING};
use self::latencies::{Fetch, Latencies, Reading};
use self::person::{Pause, Person, Session};
use self::record::Event;
use super::recording::json_lines;
use super::{Failure, print_json};

const HELP: &str = "\
Play a recorded session of a person before the plugin, in made-up time, and measure in which pauses a ghost was there

Usage: cargo volt replay [--session FILE] [--latencies FILE] [--empty N] [--seed N] [--eagerness LEVEL] [--debounce-ms N]
                         [--show N] [--json]

      --session FILE    The session, one JSON object per line, gzipped if the name ends with .gz: {\"t_ms\", \"doc\" (a
                        number), \"kind\": open | focus | select | insert | delete | replace}, and open: \"path\",
                        \"language\", \"text\"; select: \"offset\", \"anchor\" if something is selected; changes: \"offset\",
                        \"removed\", \"text\", \"by\": char | enter | backspace | delete | another command. Offsets are
                        bytes. By default ../shared/quality/session.jsonl.gz
      --latencies FILE  How long fetches took, the same way: {\"ms\", \"cancelled\"}. By default
                        ../shared/quality/copilot-fetches.jsonl.gz
      --empty N         Of a hundred answers so many are empty; by default 12
      --seed N          The first of three seeds; by default 1
      --eagerness LEVEL, --debounce-ms N
                        The settings of these names
      --show N          Draw the first N pauses without a ghost of the first seed; by default 0
      --json            Print one JSON object and nothing else

The model writes what the person wrote next, up to three lines, where that is known. A pause is more than 500 ms from a
typed character to the next change, and counts as served if a ghost was at the caret before that moved. `offered` are the
typed characters with which a ghost at the caret began. Nobody asks ahead.
";

/// The files that are taken by default.
const SESSION: &str = "../shared/quality/session.jsonl.gz";
const LATENCIES: &str = "../shared/quality/copilot-fetches.jsonl.gz";
/// How many seeds are played.
const SEEDS: u64 = 3;

/// What is played.
struct Play {
    events: Vec<Event>,
    fetches: Vec<Fetch>,
    empty: f64,
    settings: serde_json::Value,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut session, mut latencies) = (PathBuf::from(SESSION), PathBuf::from(LATENCIES));
    let (mut empty, mut seed, mut show, mut json) = (12.0, 1, 0, false);
    let mut settings = json!({"speculative": "off"});
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("session") => session = args.value()?.into(),
            Arg::Long("latencies") => latencies = args.value()?.into(),
            Arg::Long("empty") => empty = args.value()?.parse()?,
            Arg::Long("seed") => seed = args.value()?.parse()?,
            Arg::Long("eagerness") => settings["eagerness"] = args.value()?.string()?.into(),
            Arg::Long("debounce-ms") => settings["debounce-ms"] = args.value()?.parse::<u64>()?.into(),
            Arg::Long("show") => show = args.value()?.parse()?,
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    let lines: Vec<record::Line> = read(&session, "session", "--session")?;
    let fetches: Vec<Fetch> = read(&latencies, "list of latencies", "--latencies")?;
    let events = record::events(&lines)
        .map_err(|error| Failure::Usage(format!("{}: {error:#}", session.display())))?;
    let play = Play { events, fetches, empty, settings };

    let mut table = Vec::new();
    let mut missed = Vec::new();
    for reading in Reading::ALL {
        let mut figures = Vec::new();
        for seed in seed..seed + SEEDS {
            let (one, pauses) = play.once(reading, seed)?;
            if figures.is_empty() && table.is_empty() {
                missed = pauses.into_iter().filter(|pause| pause.ghost_ms.is_none()).collect();
            }
            figures.push(one);
        }
        table.push(Figures::mean(&figures));
    }
    if json {
        return print_json(&table, out);
    }
    writeln!(out, "{:.0} pauses of more than 500 ms; means of {SEEDS} seeds\n\n{HEADING}", play.pauses(&table))?;
    for figures in &table {
        writeln!(out, "{figures}")?;
    }
    writeln!(out, "\nwhere the pauses went")?;
    for figures in &table {
        let fates: Vec<String> = figures.fates.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(out, "  {}: {}", figures.latencies, fates.join(", "))?;
    }
    for pause in missed.iter().take(show) {
        let Pause { at_ms, length_ms, still_ms, fate, line, .. } = pause;
        writeln!(out, "{:>8.1} s, {still_ms} of {length_ms} ms, {}: {line}", *at_ms as f64 / 1000.0, fate.name())?;
    }
    Ok(())
}

/// Reads the file that `option` names. `what` it is.
fn read<T: serde::de::DeserializeOwned>(path: &Path, what: &str, option: &str) -> Result<Vec<T>, Failure> {
    if !path.exists() {
        let path = path.display();
        return Err(Failure::Usage(format!("there is no {what} at {path}: give one with {option} FILE")));
    }
    json_lines(path).map_err(|error| Failure::Usage(format!("{error:#}")))
}

impl Play {
    /// The session once, from its beginning to its end.
    fn once(&self, reading: Reading, seed: u64) -> Result<(Figures, Vec<Pause>), Failure> {
        let latencies = Latencies::new(&self.fetches, reading);
        if latencies.is_empty() {
            return Err(Failure::Usage(format!("no fetch to take latencies from: {}", reading.name())));
        }
        let session = Session::new(self.events.clone());
        let model = person::model(&session, latencies, self.empty, seed);
        let mut desk = Desk::without_files(model, self.settings.clone(), &[]);
        desk.play(Person(session.clone()));
        let session = session.borrow();
        let figures = desk.seen(|seen| {
            let counted = Counted {
                pauses: &session.pauses,
                typed: session.typed,
                offered: session.offered,
                requests: seen.requests,
                stale_paints: seen.stale.len(),
                wrong_tabs: seen.dishonest.len(),
                wakeups: seen.wakeups,
            };
            Figures::new(reading.name(), &counted)
        });
        Ok((figures, session.pauses.clone()))
    }

    fn pauses(&self, table: &[Figures]) -> f64 {
        table.first().map_or(0.0, |figures| figures.pauses)
    }
}
