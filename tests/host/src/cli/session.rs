//! `volt session`: a long stretch of editing with a scripted model, and what it comes to.

use std::io::Write;
use std::time::Duration;

use lexopt::{Arg, ValueExt};
use serde::Serialize;
use volt_host::typist::{self, Typist};
use volt_host::{Lapce, Setup, Told};

use super::{Failure, interrupt, print_json, setup};

/// How long the scripted model thinks.
const LATENCY: Duration = Duration::from_millis(300);

const HELP: &str = "\
Have a made-up user write a file for some minutes, with slips and pauses, beside a scripted model of 300 ms latency

Usage: cargo volt session [--json] [--seconds N]

      --json       Print one JSON object with the figures and nothing else
      --seconds N  How long the user writes; by default 300

Figures of --json:
  keys, accepted                     Keys pressed, and ghosts taken with Tab
  pauses, pauses_with_ghost          Pauses of more than 500 ms, and those at whose end a ghost was there
  fitting_keys, without_request      Keys that went along with the ghost, and those that sent no request
  requests                           HTTP requests sent
  stale_paints                       Ghosts drawn where the cursor was not: must be none
  key_us_median, _p99, _max          What a key costs the machine: processor time of the plugin's thread, with
                                     what the host does for it, in microseconds
  linear_memory_bytes                Memory of the plugin at its end
";

#[derive(Serialize)]
struct Figures {
    keys: usize,
    accepted: usize,
    pauses: usize,
    pauses_with_ghost: usize,
    fitting_keys: usize,
    without_request: usize,
    requests: usize,
    stale_paints: usize,
    key_us_median: u128,
    key_us_p99: u128,
    key_us_max: u128,
    linear_memory_bytes: usize,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut json = false;
    let mut seconds = 300;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("seconds") => seconds = args.value()?.parse()?,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    setup::need_curl()?;
    let folder = setup::volt_folder(None)?;
    interrupt::catch();
    let server = typist::server(LATENCY)
        .map_err(|error| Failure::Failed(format!("cannot start the scripted server: {error}")))?;
    let setup = Setup::new(folder)
        .setting("provider", "ollama")
        .setting("base-url", server.url())
        .setting("fim", "suffix")
        .setting("speculative", "off");
    let mut lapce = Lapce::start(setup::confirmed(setup))?;
    lapce.open("src/rooms.py", "python", "");
    let mut typist = Typist::new(&typist::plan(), 0x5EED);
    let length = Duration::from_secs(seconds);
    typist.write(&mut lapce, length, || interrupt::check().is_err(), || server.exchanges().len());
    interrupt::check()?;

    let evidence = lapce.evidence();
    let mut costs = evidence.cost_of_keys(|told: &Told| told.worked);
    costs.sort();
    let cost = |percent: usize| costs.get(costs.len() * percent / 100).or(costs.last());
    let micros = |cost: Option<&Duration>| cost.map_or(0, Duration::as_micros);
    let measures = typist.measures();
    let figures = Figures {
        keys: measures.keys,
        accepted: measures.accepted,
        pauses: measures.pauses,
        pauses_with_ghost: measures.pauses - measures.missed.len(),
        fitting_keys: measures.fitting_keys,
        without_request: measures.fitting_keys_without_request,
        requests: server.exchanges().len(),
        stale_paints: evidence.stale_paints().len(),
        key_us_median: micros(cost(50)),
        key_us_p99: micros(cost(99)),
        key_us_max: micros(costs.last()),
        linear_memory_bytes: lapce.linear_memory_bytes(),
    };
    if json {
        return print_json(&figures, out);
    }
    let Figures { keys, accepted, pauses, pauses_with_ghost, fitting_keys, without_request, .. } = figures;
    let Figures { requests, stale_paints, key_us_median, key_us_p99, key_us_max, .. } = figures;
    writeln!(out, "{keys} keys, {accepted} suggestions taken, {requests} requests")?;
    writeln!(out, "a ghost at the end of {pauses_with_ghost} of {pauses} pauses")?;
    writeln!(out, "{without_request} of {fitting_keys} keys along a ghost without a request")?;
    writeln!(out, "{stale_paints} ghosts where the cursor was not")?;
    writeln!(
        out,
        "a key costs {key_us_median} us, one in a hundred {key_us_p99} us, at most {key_us_max} us"
    )?;
    Ok(writeln!(out, "{} KiB of linear memory", figures.linear_memory_bytes / 1024)?)
}
