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
use super::{Failure, print_json, unexpected};

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
            other => return Err(unexpected(other, HELP, "replay")),
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
    writeln!(
        out,
        "{:.0} pauses of more than 500 ms; means of {SEEDS} seeds\n\n{HEADING}",
        play.pauses(&table)
    )?;
    for figures in &table {
        writeln!(out, "{figures}")?;
    }
    writeln!(out, "\nwhere the pauses went")?;
    for figures in &table {
        let fates: Vec<String> =
            figures.fates.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(out, "  {}: {}", figures.latencies, fates.join(", "))?;
    }
    for pause in missed.iter().take(show) {
        let Pause { at_ms, length_ms, still_ms, fate, line, .. } = pause;
        writeln!(
            out,
            "{:>8.1} s, {still_ms} of {length_ms} ms, {}: {line}",
            *at_ms as f64 / 1000.0,
            fate.name()
        )?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::output;
    use super::super::recording::parse_json_lines;
    use super::person::Fate;
    use super::record::{Act, By, to_come};
    use super::*;

    fn events(lines: &str) -> Vec<Event> {
        let lines: Vec<record::Line> = parse_json_lines(lines.as_bytes(), Path::new("own")).unwrap();
        record::events(&lines).unwrap()
    }

    /// Somebody opens a file of this text and types at its end, `!` being a pause of a second.
    fn typing(text: &str, keys: &str) -> Vec<Event> {
        let open =
            json!({"t_ms": 0, "doc": 7, "kind": "open", "path": "a.py", "language": "python", "text": text});
        let focus = json!({"t_ms": 0, "doc": 7, "kind": "focus"});
        let select = json!({"t_ms": 100, "doc": 7, "kind": "select", "offset": text.len()});
        let mut lines = format!("{open}\n{focus}\n{select}\n");
        let (mut at_ms, mut offset) = (2000, text.len());
        for key in keys.chars() {
            if key == '!' {
                at_ms += 1000;
                continue;
            }
            let by = if key == '\n' { "enter" } else { "char" };
            let insert =
                json!({"t_ms": at_ms, "doc": 7, "kind": "insert", "by": by, "offset": offset, "text": key});
            lines += &format!("{insert}\n");
            (at_ms, offset) = (at_ms + 150, offset + 1);
        }
        events(&lines)
    }

    fn played(events: Vec<Event>, empty: f64, ms: u64) -> (Figures, Vec<Pause>) {
        let fetches = format!("{{\"ms\": {ms}, \"cancelled\": false}}\n");
        let fetches = parse_json_lines(fetches.as_bytes(), Path::new("own")).unwrap();
        let play = Play { events, fetches, empty, settings: json!({"speculative": "off"}) };
        play.once(Reading::Finished, 1).unwrap()
    }

    #[test]
    fn a_pause_is_served_or_it_is_told_why_not() {
        for (text, keys, empty, ms, fates) in [
            ("", "total = !first + second", 0.0, 50, &[Fate::Served][..]),
            ("", "total = !first!", 100.0, 50, &[Fate::Empty]),
            // A local server that has not answered yet may be loading its model: its first request is kept.
            ("", "total = !first", 0.0, 5000, &[Fate::AskedBefore]),
        ] {
            let (figures, pauses) = played(typing(text, keys), empty, ms);
            let found: Vec<Fate> = pauses.iter().map(|pause| pause.fate).collect();
            assert_eq!(found, fates, "{keys:?}");
            assert_eq!((figures.stale_paints, figures.wrong_tabs), (0.0, 0.0), "{keys:?}");
            assert!(pauses.iter().all(|pause| pause.length_ms == 1150 && pause.is_still()), "{pauses:?}");
        }
    }

    #[test]
    fn what_is_typed_along_a_ghost_is_offered_and_costs_no_request() {
        let (figures, _) = played(typing("", "x = !first + second"), 0.0, 50);
        assert!(figures.offered > 50.0 && figures.requests_per_typed_character < 0.3, "{figures}");
    }

    #[test]
    fn what_is_to_come_is_what_was_written_at_the_place() {
        let insert = |offset: usize, text: &str| json!({"t_ms": 9000, "doc": 7, "kind": "insert", "by": "char", "offset": offset, "text": text});
        let delete = |offset: usize, removed: usize| json!({"t_ms": 9000, "doc": 7, "kind": "delete", "by": "backspace", "offset": offset, "removed": removed});
        for (edits, written) in [
            (vec![insert(4, "ab"), insert(6, "c")], Some("abc")),
            // A slip that was taken back.
            (vec![insert(4, "ax"), delete(5, 1), insert(5, "b")], Some("ab")),
            (vec![insert(4, "1\n2\n3\n4\n")], Some("1\n2\n3\n")),
            // The caret went elsewhere.
            (vec![insert(4, "a"), insert(0, "b"), insert(6, "c")], Some("a")),
            (vec![insert(0, "b"), insert(5, "c")], None),
            (vec![delete(3, 1)], None),
            (vec![insert(4, "  ")], None),
        ] {
            let open =
                json!({"t_ms": 0, "doc": 7, "kind": "open", "path": "a", "language": "", "text": "0123"});
            let lines: Vec<String> = std::iter::once(&open).chain(&edits).map(ToString::to_string).collect();
            let events = events(&lines.join("\n"));
            let found = to_come(&events[1..], 7, "0123", 4);
            assert_eq!(found.as_deref(), written, "{edits:?}");
        }
    }

    #[test]
    fn changes_are_as_small_as_they_are_and_know_their_caret() {
        let open = r#"{"t_ms": 5, "doc": 0, "kind": "open", "path": "a", "language": "", "text": "foo(é)"}"#;
        for (line, next, range, text, caret) in [
            (
                r#""kind": "replace", "by": "x", "offset": 0, "removed": 4, "text": "foo_(""#,
                None,
                3..3,
                "_",
                5,
            ),
            (r#""kind": "replace", "by": "char", "offset": 6, "removed": 1, "text": ")""#, None, 7..7, "", 7),
            (r#""kind": "insert", "by": "char", "offset": 7, "text": "[]""#, Some(8), 7..7, "[]", 8),
            (r#""kind": "insert", "by": "char", "offset": 7, "text": "[]""#, None, 7..7, "[]", 9),
        ] {
            let told = |offset| format!(r#"{{"t_ms": 3, "doc": 0, "kind": "select", "offset": {offset}}}"#);
            let lines = format!(
                "{open}\n{{\"t_ms\": 1, \"doc\": 0, {line}}}\n{}",
                next.map(told).unwrap_or_default()
            );
            let events = events(&lines);
            let Act::Edit(edit) = &events[1].act else { panic!("{events:?}") };
            assert_eq!((edit.range.clone(), edit.text.as_str(), edit.caret), (range, text, caret), "{line}");
            assert_eq!(edit.by == By::Char, line.contains("char"));
            assert!(events.iter().all(|event| event.at_ms == 5), "time never goes back");
        }
    }

    #[test]
    fn cancelled_fetches_count_as_longer_ones() {
        let fetches: String = [(10, false), (20, true), (30, false), (40, true), (400, false)]
            .map(|(ms, cancelled)| format!("{{\"ms\": {ms}, \"cancelled\": {cancelled}}}\n"))
            .concat();
        let fetches: Vec<Fetch> = parse_json_lines(fetches.as_bytes(), Path::new("own")).unwrap();
        for (reading, median, longest) in
            [(Reading::Finished, 30, 400), (Reading::Uncached, 400, 400), (Reading::Censored, 400, 400)]
        {
            let latencies = Latencies::new(&fetches, reading);
            assert_eq!((latencies.at(0.5), latencies.at(1.0)), (median, longest), "{reading:?}");
        }
        assert_eq!(Latencies::new(&fetches, Reading::Censored).at(0.19), 10);
    }

    #[test]
    fn a_missing_or_broken_file_is_named_with_the_option_for_another() {
        let folder = std::env::temp_dir().join(format!("volt-replay-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let fetches = folder.join("fetches.jsonl");
        std::fs::write(&fetches, "{\"ms\": 1, \"cancelled\": false}\n").unwrap();
        let fetches = fetches.to_str().unwrap();
        for (name, text, part) in [
            ("none.jsonl", None, "--session FILE"),
            ("no-json.jsonl", Some("{"), "no-json.jsonl, line 1"),
            ("no-document.jsonl", Some(r#"{"t_ms": 1, "doc": 3, "kind": "delete"}"#), "document 3"),
        ] {
            let path = folder.join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let words = ["replay", "--session", path.to_str().unwrap(), "--latencies", fetches];
            let Err(Failure::Usage(message)) = output(&words) else { panic!("{name} was read") };
            assert!(message.contains(part), "{message}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_table_is_printed_for_people_and_for_programs() {
        let folder = std::env::temp_dir().join(format!("volt-replay-table-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [session, fetches] = ["session.jsonl", "fetches.jsonl"].map(|name| folder.join(name));
        let lines = [
            r#"{"t_ms": 0, "doc": 0, "kind": "open", "path": "a.py", "language": "python", "text": ""}"#,
            r#"{"t_ms": 0, "doc": 0, "kind": "focus"}"#,
            r#"{"t_ms": 900, "doc": 0, "kind": "insert", "by": "char", "offset": 0, "text": "x"}"#,
            r#"{"t_ms": 1900, "doc": 0, "kind": "insert", "by": "char", "offset": 1, "text": "y"}"#,
        ];
        std::fs::write(&session, lines.join("\n")).unwrap();
        std::fs::write(&fetches, "{\"ms\": 100, \"cancelled\": false}\n").unwrap();
        let words =
            ["replay", "--session", session.to_str().unwrap(), "--latencies", fetches.to_str().unwrap()];
        let text = output(&[&words[..], &["--empty", "0"]].concat()).unwrap();
        assert!(text.contains("1 pauses of more than 500 ms") && text.contains("Kaplan-Meier"), "{text}");
        let json = output(&[&words[..], &["--empty", "0", "--json"]].concat()).unwrap();
        let table: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(table[0]["with_ghost"], 100.0, "{json}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
