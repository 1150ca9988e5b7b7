//! `volt session`: a long stretch of editing with a scripted model, and what it comes to.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use lexopt::{Arg, ValueExt};
use serde::Serialize;
use volt_host::server::Server;
use volt_host::typist::{self, Typist};
use volt_host::{Evidence, Lapce, Quantiles, Setup, Told};

use super::{Failure, interrupt, print_json, setup, unexpected};

/// How long the scripted model thinks.
const LATENCY: Duration = Duration::from_millis(300);
/// A pause: the typist's keys follow each other faster.
const PAUSE: Duration = Duration::from_millis(500);
/// After the session nothing happens for so long: all that it led to is over.
const QUIET: Duration = Duration::from_secs(2);
/// The longest that this is waited for.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

const HELP: &str = "\
Have a made-up user write a file for some minutes, with slips and pauses, beside a scripted model of 300 ms latency

Usage: cargo volt session [--json] [--seconds N] [--line-ms N] [--idle-seconds N]

      --json            Print one JSON object with the figures and nothing else
      --seconds N       How long the user writes; by default 300
      --line-ms N       How long the model takes for each line but the first; by default 200
      --idle-seconds N  How long nobody touches the keyboard afterwards; by default 5

Figures of --json:
  keys, accepted                     Keys pressed, and ghosts taken with Tab
  pauses, pauses_with_ghost          Pauses of more than 500 ms, and those at whose end a ghost was there
  fitting_keys, without_request      Keys that went along with the ghost, and those that sent no request
  requests                           HTTP requests sent
  stale_paints                       Ghosts drawn where the cursor was not: must be none
  tabs, tab_took_what_shows          Tabs pressed with a ghost to take, and those that took what was drawn
  typed_along_growing                Keys along a ghost that the model was still writing
  typed_along_growing_ms_max         The longest from such a key to when Tab would take what is drawn again
  wakeups                            Times the editor asked the plugin again without a key (each is dear)
  wakeups_per_pause, _max            On average: all by the pauses of 500 ms; at most: between two acts of the user
  wakeups_outstanding_max            The most at one time: must be at most one
  wakeups_idle                       Those in the idle time afterwards: must be none
  guest_ms_median, _p99, _max        How long the plugin had each message, from the first key on
  guest_start_ms_max                 The same for the messages before it, at most
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
    tabs: usize,
    tab_took_what_shows: usize,
    typed_along_growing: usize,
    typed_along_growing_ms_max: f64,
    wakeups: usize,
    wakeups_per_pause: f64,
    wakeups_per_pause_max: usize,
    wakeups_outstanding_max: usize,
    wakeups_idle: usize,
    guest_ms_median: f64,
    guest_ms_p99: f64,
    guest_ms_max: f64,
    guest_start_ms_max: f64,
    key_us_median: u128,
    key_us_p99: u128,
    key_us_max: u128,
    linear_memory_bytes: usize,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut json = false;
    let (mut seconds, mut line_ms, mut idle_seconds) = (300, 200, 5);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("json") => json = true,
            Arg::Long("seconds") => seconds = args.value()?.parse()?,
            Arg::Long("line-ms") => line_ms = args.value()?.parse()?,
            Arg::Long("idle-seconds") => idle_seconds = args.value()?.parse()?,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "session")),
        }
    }
    setup::need_curl()?;
    let folder = setup::volt_folder(None)?;
    interrupt::catch();
    let server = typist::server_writing(LATENCY, Duration::from_millis(line_ms))
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
    lapce.wait_quiet(QUIET, SETTLE_LIMIT)?;
    let written = lapce.evidence();
    let settled = Instant::now();
    while settled.elapsed() < Duration::from_secs(idle_seconds) {
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(100));
    }

    let figures = Figures {
        wakeups_idle: lapce.evidence().wakeups_since(settled),
        linear_memory_bytes: lapce.linear_memory_bytes(),
        ..Figures::new(&written, &typist, &server)
    };
    if json {
        return print_json(&figures, out);
    }
    Ok(write!(out, "{figures}")?)
}

impl Figures {
    fn new(evidence: &Evidence, typist: &Typist, server: &Server) -> Figures {
        let measures = typist.measures();
        let exchanges = server.exchanges();
        let keys = Quantiles::of(evidence.cost_of_keys(|told: &Told| told.worked));
        let started = evidence.acts.get(1).copied();
        let after_start = |told: &Told| started.is_some_and(|start| told.queued >= start);
        let guest = evidence.guest_time(after_start);
        let growing: Vec<Duration> = evidence
            .typed_along
            .iter()
            .filter(|along| {
                let under_way = |finished: Option<Instant>| finished.is_none_or(|end| end > along.at);
                exchanges.iter().any(|one| under_way(one.finished) && one.sent_by(along.at) > 0)
            })
            .map(|along| evidence.settling(along))
            .collect();
        let wakeups = evidence.wakeups.len();
        Figures {
            keys: measures.keys,
            accepted: measures.accepted,
            pauses: measures.pauses,
            pauses_with_ghost: measures.pauses - measures.missed.len(),
            fitting_keys: measures.fitting_keys,
            without_request: measures.fitting_keys_without_request,
            requests: exchanges.len(),
            stale_paints: evidence.stale_paints().len(),
            tabs: evidence.tabs.len(),
            tab_took_what_shows: evidence.tabs.iter().filter(|tab| tab.as_shown).count(),
            typed_along_growing: growing.len(),
            typed_along_growing_ms_max: milliseconds(growing.into_iter().max().unwrap_or_default()),
            wakeups,
            wakeups_per_pause: hundredths(wakeups as f64 / evidence.pauses(PAUSE).max(1) as f64),
            wakeups_per_pause_max: evidence.wakeups_between_acts().into_iter().skip(1).max().unwrap_or(0),
            wakeups_outstanding_max: evidence.most_wakeups_outstanding(),
            wakeups_idle: 0,
            guest_ms_median: milliseconds(guest.median),
            guest_ms_p99: milliseconds(guest.p99),
            guest_ms_max: milliseconds(guest.max),
            guest_start_ms_max: milliseconds(evidence.guest_time(|told| !after_start(told)).max),
            key_us_median: keys.median.as_micros(),
            key_us_p99: keys.p99.as_micros(),
            key_us_max: keys.max.as_micros(),
            linear_memory_bytes: 0,
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    hundredths(time.as_secs_f64() * 1000.0)
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} keys, {} suggestions taken, {} requests", self.keys, self.accepted, self.requests)?;
        writeln!(f, "a ghost at the end of {} of {} pauses", self.pauses_with_ghost, self.pauses)?;
        let (without, fitting) = (self.without_request, self.fitting_keys);
        writeln!(f, "{without} of {fitting} keys along a ghost without a request")?;
        writeln!(f, "{} ghosts where the cursor was not", self.stale_paints)?;
        writeln!(f, "Tab took what was drawn {} of {} times", self.tab_took_what_shows, self.tabs)?;
        let (along, slowest) = (self.typed_along_growing, self.typed_along_growing_ms_max);
        writeln!(f, "{along} keys along a growing ghost, the slowest answered after {slowest} ms")?;
        let Figures { wakeups, wakeups_per_pause, wakeups_per_pause_max, wakeups_idle, .. } = self;
        writeln!(
            f,
            "{wakeups} wake-ups: {wakeups_per_pause} per pause, {wakeups_per_pause_max} in one at most, {} at a time at most, {wakeups_idle} while idle",
            self.wakeups_outstanding_max
        )?;
        let (median, p99, max) = (self.guest_ms_median, self.guest_ms_p99, self.guest_ms_max);
        writeln!(f, "a message takes {median} ms, one in a hundred {p99} ms, at most {max} ms")?;
        let Figures { key_us_median, key_us_p99, key_us_max, .. } = self;
        writeln!(
            f,
            "a key costs {key_us_median} us, one in a hundred {key_us_p99} us, at most {key_us_max} us"
        )?;
        writeln!(f, "{} KiB of linear memory", self.linear_memory_bytes / 1024)
    }
}
