//! `volt chaos`: whole editing sessions through the real wasm, agent and curl, while all around them fails.

mod plan;
mod play;
mod read_only;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use lexopt::{Arg, ValueExt};
use serde_json::json;

use self::plan::Plan;
use self::play::{Tally, play};
use super::{Failure, interrupt, print_json, setup};

const HELP: &str = "\
Play editing sessions through the real plugin, agent and curl while server, agent, curl, disk and clock fail, and check what must hold

Usage: cargo volt chaos [--runs N] [--seed S] [--jobs N] [--plan JSON] [--json]

      --runs N     How many sessions; by default 200
      --seed S     The seed of the first, a number; by default 1. The next has the next number
      --jobs N     How many at a time; by default 4
      --plan JSON  Play this plan instead, as a failed run prints it
      --json       Print one JSON object and nothing else

After each session is checked: each request is answered once at most and nearly all are; what is drawn is what the server
sent, at the caret; Tab takes what is drawn; no trap; 2 MB of memory at most, 4 MB with a line of 10 MB; the key is in no
output; no pop-up comes twice; the next undisturbed completion works, or the user was told why it cannot; and when Lapce is
closed no process, pipe or file is left. The seed of a run that fails is printed with the shortest plan that fails as well.

With --jobs 1 the plugin's folder is on a small disk that can be filled and made read-only, where a user namespace may
mount one. Elsewhere its permissions make it read-only, which do not bind root: `unshare --user --map-user=1000` runs the
command as somebody else.
";

/// Set for the process that has a small disk of its own.
const DISK: &str = "VOLT_CHAOS_DISK";
/// How large that disk is: a copy of the plugin and little else fit.
const DISK_SIZE: &str = "4m";
/// A plan that fails is made shorter by so many runs at most.
const SHRINKING: usize = 60;

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut runs, mut seed, mut jobs, mut plan, mut json) = (200u64, 1u64, 4usize, None, false);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("runs") => runs = args.value()?.parse()?,
            Arg::Long("seed") => seed = args.value()?.parse()?,
            Arg::Long("jobs") => jobs = args.value()?.parse()?,
            Arg::Long("plan") => plan = Some(args.value()?.string()?),
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    setup::need_curl()?;
    let volt = setup::volt_folder(None)?;
    let disk = std::env::var_os(DISK).map(|_| std::env::temp_dir());
    let disk = disk.as_deref();
    if jobs == 1 && disk.is_none() {
        move_to_a_small_disk();
    }
    interrupt::catch();
    if let Some(plan) = plan {
        let plan: Plan = serde_json::from_str(&plan)
            .map_err(|error| Failure::Usage(format!("--plan is no plan: {error}")))?;
        let tally = play(&volt, &plan, disk).map_err(Failure::Failed)?;
        return Ok(writeln!(out, "all held\n{}", read_only(&tally))?);
    }
    let begin = Instant::now();
    let all = Mutex::new(Tally::default());
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let (next, done) = (AtomicU64::new(seed), AtomicUsize::new(0));
    let last = seed.saturating_add(runs);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = failed.lock().is_ok_and(|failed| failed.is_some());
                    if seed >= last || is_over || interrupt::check().is_err() {
                        return;
                    }
                    match play(&volt, &Plan::new(seed), disk) {
                        Ok(tally) => {
                            done.fetch_add(1, Ordering::Relaxed);
                            if let Ok(mut all) = all.lock() {
                                all.requests += tally.requests;
                                all.ghosts += tally.ghosts;
                                all.memory = all.memory.max(tally.memory);
                                all.protected += tally.protected;
                                all.unprotected += tally.unprotected;
                            }
                        }
                        Err(wrong) => {
                            if let Ok(mut failed) = failed.lock() {
                                failed.get_or_insert((seed, wrong));
                            }
                        }
                    }
                }
            });
        }
    });
    interrupt::check()?;
    if let Ok(Some((seed, wrong))) = failed.into_inner() {
        return Err(Failure::Failed(told(&volt, seed, &wrong, disk)?));
    }
    let all = all.into_inner().unwrap_or_default();
    let Tally { requests, ghosts, memory, protected, unprotected } = all;
    let (runs, seconds) = (done.into_inner(), begin.elapsed().as_secs_f64().round());
    if json {
        let figures = json!({
            "runs": runs, "seed": seed, "seconds": seconds, "requests": requests, "ghosts": ghosts,
            "linear_memory_bytes_max": memory, "small_disk": disk.is_some(),
            "read_only": protected, "read_only_skipped": unprotected,
        });
        return print_json(&figures, out);
    }
    writeln!(out, "{runs} runs from seed {seed} in {seconds} s: all held")?;
    writeln!(out, "{requests} requests reached the server, {ghosts} ghosts were drawn")?;
    let disk = if disk.is_some() { "was filled, too" } else { "was not filled (--jobs 1 tries to have one)" };
    writeln!(out, "{} KiB of linear memory at most; a small disk {disk}", memory / 1024)?;
    Ok(writeln!(out, "{}", read_only(&all))?)
}

fn read_only(tally: &Tally) -> String {
    let Tally { protected, unprotected, .. } = tally;
    format!("the folder was read-only {protected} times; {unprotected} times it could not be made so")
}

/// What to say of a run that failed, with the shortest plan that fails as well.
fn told(volt: &Path, seed: u64, wrong: &str, disk: Option<&Path>) -> Result<String, Failure> {
    setup::say(&format!("seed {seed} failed, looking for a shorter plan ({})", wrong.trim_end()));
    let (mut plan, mut wrong) = (Plan::new(seed), wrong.to_owned());
    let mut left = SHRINKING;
    'shrinking: loop {
        for shorter in plan.shorter() {
            interrupt::check()?;
            if left == 0 {
                break 'shrinking;
            }
            left -= 1;
            if let Err(why) = play(volt, &shorter, disk) {
                (plan, wrong) = (shorter, why);
                continue 'shrinking;
            }
        }
        break;
    }
    let plan = serde_json::to_string(&plan).unwrap_or_default();
    Ok(format!(
        "{wrong}Seed {seed}. Play it again with `cargo volt chaos --runs 1 --seed {seed}`, or\n\
         cargo volt chaos --plan '{plan}'"
    ))
}

/// Starts this command again with a small disk of its own for temporary files, in namespaces of its own. Where that is
/// not possible, nothing happens.
fn move_to_a_small_disk() {
    let Ok(program) = std::env::current_exe() else { return };
    let disk = std::env::temp_dir().join(format!("volt-chaos-disk-{}", std::process::id()));
    if std::fs::create_dir(&disk).is_err() {
        return;
    }
    let mount = format!("mount -t tmpfs -o size={DISK_SIZE} none \"$0\"");
    let unshared = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let works = Command::new("unshare").args(unshared).arg(&mount).arg(&disk).output();
    if works.is_ok_and(|output| output.status.success()) {
        let script = format!("{mount} && shift 0 && exec \"$@\"");
        // Only returns where it fails.
        let _ = Command::new("unshare")
            .args(unshared)
            .arg(script)
            .arg(&disk)
            .arg(program)
            .args(std::env::args_os().skip(1))
            .env(DISK, "1")
            .env("TMPDIR", &disk)
            .exec();
    } else {
        setup::say("no small disk can be mounted here: it is not filled");
    }
    let _ = std::fs::remove_dir(&disk);
}
