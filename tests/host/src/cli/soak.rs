//! `volt soak`: very many completions in one window, and what is left of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ai_completion::completion::simulation::desk::{Act, Desk, answer};
use lexopt::{Arg, ValueExt};
use serde::Serialize;
use volt_host::server::{Pace, Script, Server, shape};
use volt_host::{Lapce, Setup};

use super::{Failure, interrupt, print_json, setup, unexpected, wait};

const HELP: &str = "\
Ask for very many completions in one window, and measure what is left of them

Usage: cargo volt soak [--simulated N] [--real N] [--json]

      --simulated N  How many in made-up time; by default 100000
      --real N       How many through the real plugin, agent and curl; by default 2000
      --json         Print one JSON object and nothing else

Each is asked for, shown and taken with Tab. They are spread over eight files, each of which is written anew after 50. The
figures of the first tenth stand beside those of the last: of memory, files and processes the most at any time. Ends with
exit code 1 when a completion did not show, or when through the real plugin one of these has grown. (In made-up time the
memory is that of the whole process: plugin, editor and what it keeps to undo. One answer of a million and of ten million
tokens is a row of `cargo volt criteria`.)
";

/// So many completions are taken in a file before it is written anew.
const IN_ONE_FILE: usize = 50;
/// How many files there are.
const FILES: usize = 8;
/// What a file holds at first. The caret is in its second line, behind the indentation.
const FRESH: &str = "fn main() {\n    \n}\n";
/// How often there is a measurement within a tenth of the run.
const MEASURED: usize = 10;
/// A wait that ends only when something is broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing happened for so long: nothing will. The agent sleeps for a second at most at a time.
const QUIET: Duration = Duration::from_millis(1500);

/// A tenth of the run.
#[derive(Debug, Clone, Serialize)]
struct Part {
    /// The median time of one completion, in milliseconds.
    completion_ms: f64,
    /// The most there was at any time.
    most: Held,
}

/// What is held at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Held {
    /// Bytes: the plugin's linear memory, or in made-up time all of this process.
    memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<Outside>,
}

/// What is held besides memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Outside {
    /// Open files of this process: the plugin's, Lapce's and the server's.
    descriptors: u64,
    processes: u64,
    /// Files in the plugin's folder, and their size in bytes.
    files: u64,
    file_bytes: u64,
}

impl Held {
    fn max(self, other: Self) -> Self {
        let outside = match (self.outside, other.outside) {
            (Some(one), Some(other)) => Some(Outside {
                descriptors: one.descriptors.max(other.descriptors),
                processes: one.processes.max(other.processes),
                files: one.files.max(other.files),
                file_bytes: one.file_bytes.max(other.file_bytes),
            }),
            (one, other) => one.or(other),
        };
        Self { memory_bytes: self.memory_bytes.max(other.memory_bytes), outside }
    }
}

/// The first tenth of a run and the last.
#[derive(Debug, Clone, Serialize)]
struct Run {
    completions: usize,
    first: Part,
    last: Part,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut in_made_up_time, mut for_real, mut json) = (100_000usize, 2000usize, false);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("simulated") => in_made_up_time = args.value()?.parse()?,
            Arg::Long("real") => for_real = args.value()?.parse()?,
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "soak")),
        }
    }
    setup::need_curl()?;
    interrupt::catch();
    let folder = setup::volt_folder(None)?;
    let runs = [("simulated", simulated(in_made_up_time)?), ("real", real(&folder, for_real)?)];
    if json {
        print_json(&runs.iter().cloned().collect::<BTreeMap<_, _>>(), out)?;
    } else {
        for (name, run) in &runs {
            write!(out, "{}", run.report(name))?;
        }
    }
    match runs[1].1.growth() {
        None => Ok(()),
        Some(what) => Err(Failure::Failed(what)),
    }
}

impl Run {
    /// Runs `completion` so often, with its number; `measure` says what is held.
    fn of(
        completions: usize,
        mut completion: impl FnMut(usize) -> Result<Duration, Failure>,
        mut measure: impl FnMut() -> Held,
    ) -> Result<Self, Failure> {
        let tenth = (completions / 10).max(1);
        let step = (tenth / MEASURED).max(1);
        let mut part = |numbers: Range<usize>| {
            let (mut times, mut most) = (Vec::new(), Held::default());
            for number in numbers {
                interrupt::check()?;
                times.push(completion(number)?);
                if number.is_multiple_of(step) {
                    most = most.max(measure());
                }
            }
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            Ok::<_, Failure>(Part { completion_ms: (median.as_secs_f64() * 1e6).round() / 1e3, most })
        };
        let first = part(0..tenth)?;
        part(tenth..completions.saturating_sub(tenth))?;
        let last = part(completions.saturating_sub(tenth)..completions)?;
        Ok(Self { completions, first, last })
    }

    /// What has grown by more than it comes and goes.
    fn growth(&self) -> Option<String> {
        let (first, last) = (self.first.most, self.last.most);
        let (before, after) = (first.outside?, last.outside?);
        [
            // The caches of answers and of excerpts fill.
            ("memory", first.memory_bytes, last.memory_bytes, 128 << 10),
            // A request that was replaced before it left keeps its four pipes for the next: seldom more than two do.
            ("the number of open files", before.descriptors, after.descriptors, 8),
            ("the number of processes", before.processes, after.processes, 0),
            // The agent makes the pipes of eight requests at a time: nine files each.
            ("the number of files in the plugin's folder", before.files, after.files, 72),
            ("the size of the plugin's folder", before.file_bytes, after.file_bytes, 4096),
        ]
        .into_iter()
        .find(|(_, before, after, slack)| *after > before + slack)
        .map(|(what, before, after, _)| format!("{what} grew from {before} to {after}"))
    }

    fn report(&self, name: &str) -> String {
        let Self { completions, first, last } = self;
        let mut text = format!("{completions} completions, {name}: in the first tenth, and in the last\n");
        let mut line = |what: &str, before: &dyn ToString, after: &dyn ToString, unit: &str| {
            let (before, after) = (before.to_string(), after.to_string());
            text.push_str(&format!("  {what:24} {before:>10} {after:>10} {unit}\n"));
        };
        line("median of a completion", &first.completion_ms, &last.completion_ms, "ms");
        line("memory", &(first.most.memory_bytes / 1024), &(last.most.memory_bytes / 1024), "KiB");
        if let (Some(before), Some(after)) = (first.most.outside, last.most.outside) {
            line("open files", &before.descriptors, &after.descriptors, "");
            line("processes", &before.processes, &after.processes, "");
            line("files in the folder", &before.files, &after.files, "");
            line("their size", &before.file_bytes, &after.file_bytes, "bytes");
        }
        text
    }
}

/// In made-up time: the plugin without wasm, agent and curl.
fn simulated(completions: usize) -> Result<Run, Failure> {
    let mut asked = 0;
    let model = move |_: &_| {
        asked += 1;
        answer(200, &[(0, &format!("call_{asked}(")), (90, "a,"), (90, &format!(" b{asked});"))])
    };
    let mut desk = Desk::new("fn main() {\n    |\n}\n", Box::new(model));
    for number in 0..FILES {
        desk.write_anew(&format!("{number}.rs"), FRESH);
    }
    let completion = |number: usize| {
        if number.is_multiple_of(IN_ONE_FILE) {
            desk.write_anew(&format!("{}.rs", number / IN_ONE_FILE % FILES), FRESH);
            desk.act(Act::Click(1, 4));
        }
        let begin = Instant::now();
        desk.types("x", 100, 3000);
        if desk.screen().ghost.is_none() {
            return Err(Failure::Failed(format!("completion {number} did not show: {:?}", desk.screen())));
        }
        desk.act(Act::Tab);
        desk.act(Act::Key('\n'));
        let took = begin.elapsed();
        // What was seen is no part of the plugin.
        desk.forget();
        Ok(took)
    };
    Run::of(completions, completion, || Held { memory_bytes: resident_bytes(), outside: None })
}

/// Through the wasm, the agent, curl and a server on this machine.
fn real(folder: &Path, completions: usize) -> Result<Run, Failure> {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let text = format!("call_{number}(a, b);");
        Script::stream(shape::openai_chat, &[text.as_str()], Pace::every(Duration::ZERO))
    })?;
    let setup = Setup::new(folder)
        .setting("provider", "openai-compatible")
        .setting("base-url", format!("{}/v1", server.url()))
        .setting("model", "model")
        .setting("speculative", "off");
    let mut lapce = Lapce::start(setup)?;
    // All from the start: Lapce tells the plugin of a wake-up once for each open document.
    for number in 0..FILES {
        lapce.open(format!("{number}.rs"), "rust", FRESH);
    }
    wait::for_settings(&lapce)?;
    let lapce = RefCell::new(lapce);
    let completion = |number: usize| {
        let mut lapce = lapce.borrow_mut();
        if number.is_multiple_of(IN_ONE_FILE) {
            lapce.open(format!("{}.rs", number / IN_ONE_FILE % FILES), "rust", "");
            lapce.select((0, 0), (u32::MAX, 0));
            lapce.paste(FRESH);
            lapce.cursor_at(1, 4);
        }
        let begin = Instant::now();
        lapce.invoke();
        lapce.wait_until(PATIENCE, |screen| screen.ghost_at_cursor())?;
        let took = begin.elapsed();
        lapce.tab();
        lapce.type_keys("\n", volt_host::Pace::BURST);
        lapce.wait_until(PATIENCE, |screen| screen.ghost.is_none())?;
        Ok(took)
    };
    let measure = || {
        let lapce = lapce.borrow();
        // Meanwhile the last request is cleared away, and the pauses of the agent end that nobody waits for.
        let _ = lapce.wait_quiet(QUIET, PATIENCE);
        let files = lapce.files_left();
        let bytes = files.iter().filter_map(|file| fs::metadata(lapce.folder().join(file)).ok());
        let outside = Outside {
            descriptors: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64,
            processes: lapce.processes().map_or(0, |processes| processes.len()) as u64,
            files: files.len() as u64,
            file_bytes: bytes.map(|metadata| metadata.len()).sum(),
        };
        Held { memory_bytes: lapce.linear_memory_bytes() as u64, outside: Some(outside) }
    };
    Run::of(completions, completion, measure)
}

/// What this process holds in memory, where that can be told.
fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_completion_in_made_up_time_shows() {
        let run = simulated(120).unwrap();
        assert_eq!(run.completions, 120);
        assert!(run.report("simulated").starts_with("120 completions, simulated: in the first tenth"));
    }

    #[test]
    fn what_has_grown_is_named() {
        let part = |memory_bytes, descriptors, files| {
            let outside = Outside { descriptors, processes: 3, files, file_bytes: 0 };
            Part { completion_ms: 1.0, most: Held { memory_bytes, outside: Some(outside) } }
        };
        for (last, expected) in [
            (part(132_072, 28, 132), None),
            (part(500, 19, 0), None),
            (part(132_073, 20, 60), Some("memory grew from 1000 to 132073")),
            (part(1000, 29, 60), Some("the number of open files grew from 20 to 29")),
            (part(1000, 20, 133), Some("the number of files in the plugin's folder grew from 60 to 133")),
        ] {
            let run = Run { completions: 10, first: part(1000, 20, 60), last };
            assert_eq!(run.growth().as_deref(), expected, "{run:?}");
        }
    }

    #[test]
    fn the_most_of_a_tenth_counts() {
        let mut held = [5, 9, 7, 1, 2, 3, 4, 3, 2, 8]
            .into_iter()
            .map(|bytes| Held { memory_bytes: bytes, outside: None });
        let run = Run::of(10, |_| Ok(Duration::ZERO), || held.next().unwrap()).unwrap();
        assert_eq!((run.first.most.memory_bytes, run.last.most.memory_bytes), (5, 8));
    }
}
