//! `volt simulate`: working hours among faults, in made-up time.

use std::io::Write;
use std::time::Instant;

use ai_completion::completion::simulation::hours::{self, SESSION_MS, Tally};
use lexopt::{Arg, ValueExt};
use serde_json::json;

use super::{Failure, interrupt, print_json};

const HELP: &str = "\
Play working hours in made-up time: the plugin, the editor, a user, a model and an agent, of which each fails now and then

Usage: cargo volt simulate [--hours N] [--seed S] [--session S] [--json]

      --hours N    How many hours; by default 20
      --seed S     The seed of the first session, a number; by default 1. Each is a quarter of an hour, and the next has
                   the next number
      --session S  Play the session of this seed alone; TRACE=1 prints what happens in it
      --json       Print one JSON object and nothing else

After each session is checked: no request is answered twice, nothing is drawn where the caret is not, Tab takes what is
drawn, no request stays, wake-ups are few, and the next undisturbed completion works. Then once every call of the host and
of the transport fails in turn, in a session where all else works.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut hours, mut seed, mut only, mut json) = (20u64, 1u64, None, false);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("hours") => hours = args.value()?.parse()?,
            Arg::Long("seed") => seed = args.value()?.parse()?,
            Arg::Long("session") => only = Some(args.value()?.parse::<u64>()?),
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    let seeds = match only {
        Some(only) => only..only.saturating_add(1),
        None => seed..seed.saturating_add(hours.saturating_mul(3_600_000 / SESSION_MS)),
    };
    interrupt::catch();
    let begin = Instant::now();
    let mut all = Tally::default();
    for seed in seeds {
        interrupt::check()?;
        let tally = hours::session(seed, SESSION_MS).map_err(|wrong| {
            Failure::Failed(format!("{wrong}Play it again with `cargo volt simulate --session {seed}`"))
        })?;
        all.add(&tally);
    }
    let took = begin.elapsed().as_secs_f64();
    let calls = hours::failing(0).map_err(Failure::Failed)?;
    for call in 1..=calls {
        interrupt::check()?;
        let wrong = |wrong| Failure::Failed(format!("when call {call} of {calls} fails: {wrong}"));
        hours::failing(call).map_err(wrong)?;
    }
    let hours = all.milliseconds as f64 / 3_600_000.0;
    let times = hours * 3600.0 / took;
    if json {
        return print_json(
            &json!({
                "hours": hours, "seconds": took, "times_real_time": times.round(), "acts": all.acts,
                "asked": all.asked, "sent": all.sent, "drawn": all.drawn, "cleared": all.cleared,
                "wakeups": all.wakeups, "faults": all.faults, "failing_calls": calls,
            }),
            out,
        );
    }
    let Tally { acts, asked, sent, drawn, cleared, wakeups, faults, .. } = all;
    writeln!(out, "{hours} hours in {took:.1} s, {times:.0} times as fast as real time: all held")?;
    writeln!(out, "{acts} acts, {asked} requests of the editor, {sent} of the plugin, {faults} faults")?;
    writeln!(out, "{drawn} ghosts drawn, {cleared} cleared, {wakeups} wake-ups")?;
    Ok(writeln!(out, "{calls} calls of the host and the transport failed in turn, each at its place")?)
}
