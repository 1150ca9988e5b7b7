//! The command line: which sub-command, what failed, with which exit code.

mod bench;
#[cfg(unix)]
mod chaos;
mod check;
mod complete;
mod context;
mod criteria;
mod cuts;
mod decode;
mod demo;
mod install;
mod interrupt;
mod package;
mod plugins_folder;
mod recording;
mod replay;
mod session;
mod setup;
mod simulate;
mod size;
mod soak;
mod sse;
mod stats;
mod terminal;
mod wait;
mod wasi;
mod wishes;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use ai_completion::config::nearest;
use ai_completion::provider::{self, Provider};
use lexopt::{Arg, Parser, ValueExt};

const HELP: &str = "\
volt: the tool of ai-completion

Usage: cargo volt COMMAND [OPTIONS]

See it work:
  demo       Show the plugin at work: a file is typed, the ghost text grows, Tab takes it
  complete   Ask for one completion at a place in a file, through the real plugin

Set it up:
  install    Build the plugin and install it into Lapce
  uninstall  Remove it from Lapce
  check      Check what stands between your settings and a suggestion, and say how to put it right
  stats      Show how often suggestions were shown, taken and kept

Look into a recorded answer:
  sse        Print the events of an event stream as JSON lines
  decode     Print the tokens of an answer of a model as JSON lines

Work on the plugin:
  package    Lay out the plugin's folder as Lapce loads it, and pack the archive for the registry
  bench      Measure the stream library against its peers
  criteria   Measure what the stream library is held to, against its limits
  replay     Play a recorded session in made-up time, and measure which pauses had a ghost
  cuts       Measure how exactly answers are cut that run over the text that is missing
  context    Measure how often prompts have the definition of what is called
  session    Have a made-up user write for some minutes, and measure what it comes to
  chaos      Play sessions through the real plugin while server, agent, curl, disk and clock fail
  simulate   Play working hours among faults, in made-up time
  soak       Ask for very many completions in one window, and measure what is left of them
  size       Print the size of the plugin's wasm by part
  wasi       Run a WASI program in the engine that Lapce uses

`cargo volt COMMAND --help` says more of each.

Exit codes: 0 done, 1 it did not work out, 2 wrong arguments or unreadable input.
";

/// The names of all commands.
const COMMANDS: &[&str] = &[
    "bench",
    #[cfg(unix)]
    "chaos",
    "check",
    "complete",
    "context",
    "criteria",
    "cuts",
    "decode",
    "demo",
    "help",
    "install",
    "package",
    "replay",
    "session",
    "simulate",
    "size",
    "soak",
    "sse",
    "stats",
    "uninstall",
    "wasi",
];

/// Why a command ends without success.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Wrong arguments or input that cannot be read: exit code 2.
    Usage(String),
    /// It did not work out: exit code 1.
    Failed(String),
    /// Nobody reads what is written any more (`| head`): no failure of ours.
    Unread,
    /// This signal ended it: exit code 128 and the signal, as shells say it.
    Interrupted(i32),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        usage(error, "")
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Failed(format!("cannot write the output: {error}")),
        }
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = run(std::env::args_os().skip(1), &mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Ok(()) | Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => {
            tell(format_args!("volt: {message}"));
            ExitCode::FAILURE
        }
        Err(Failure::Interrupted(signal)) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        Err(Failure::Usage(message)) => {
            tell(format_args!("volt: {message}"));
            ExitCode::from(2)
        }
    }
}

fn run(args: impl Iterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Failure> {
    let mut args = Parser::from_args(args);
    match args.next()? {
        Some(Arg::Value(name)) => match name.to_str() {
            Some("demo") => demo::run(args, out),
            Some("check") => check::run(args, out),
            Some("complete") => complete::run(args, out),
            Some("stats") => stats::run(args, out),
            Some("install") => install::install(args, out),
            Some("uninstall") => install::uninstall(args, out),
            Some("package") => package::run(args, out),
            Some("sse") => sse::run(args, out),
            Some("bench") => bench::run(args, out),
            Some("context") => context::run(args, out),
            Some("cuts") => cuts::run(args, out),
            Some("replay") => replay::run(args, out),
            Some("criteria") => criteria::run(args, out),
            Some("size") => size::run(args, out),
            Some("soak") => soak::run(args, out),
            Some("wasi") => wasi::run(args, out),
            #[cfg(unix)]
            Some("chaos") => chaos::run(args, out),
            Some("simulate") => simulate::run(args, out),
            Some("session") => session::run(args, out),
            Some("decode") => decode::run(args, out),
            Some("help") => Ok(out.write_all(HELP.as_bytes())?),
            other => {
                let hint = did_you_mean(other.unwrap_or_default(), COMMANDS.iter().copied(), "");
                Err(usage(format_args!("there is no command `{}`{hint}", name.display()), ""))
            }
        },
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(out.write_all(HELP.as_bytes())?),
        Some(other) => Err(unexpected(other, HELP, "")),
        None => Err(usage("which command?", "")),
    }
}

/// Says something on standard error. That nobody can read it there is no reason to end otherwise.
fn tell(what: impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// A failure that points to the help of `command`.
fn usage(what: impl Display, command: &str) -> Failure {
    let space = if command.is_empty() { "" } else { " " };
    Failure::Usage(format!("{what} (see `cargo volt{space}{command} --help`)"))
}

/// ` (did you mean …?)` when one of the names is meant; `mark` stands before it.
fn did_you_mean<'n>(given: &str, names: impl Iterator<Item = &'n str>, mark: &str) -> String {
    let names: Vec<&str> = names.collect();
    nearest(given, &names).map_or(String::new(), |name| format!(" (did you mean `{mark}{name}`?)"))
}

/// A failure about an argument that `command` does not take; its help names those that it does.
fn unexpected(arg: Arg<'_>, help: &str, command: &str) -> Failure {
    let hint = match &arg {
        Arg::Long(given) => {
            let options = help.split(|c: char| c.is_whitespace() || "[]|`,".contains(c));
            did_you_mean(given, options.filter_map(|word| word.strip_prefix("--")), "--")
        }
        _ => String::new(),
    };
    usage(format_args!("{}{hint}", arg.unexpected()), command)
}

/// The provider of that name.
fn find_provider(name: &str) -> Result<&'static dyn Provider, Failure> {
    provider::find(name).ok_or_else(|| {
        let names = provider::names();
        let hint = did_you_mean(name, names.clone(), "");
        let names = names.collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("there is no provider `{name}`{hint}; there are {names}"))
    })
}

/// The value of `--chunk`.
fn chunk_size(args: &mut Parser) -> Result<usize, Failure> {
    let text = args.value()?.string()?;
    let size = text.parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| Failure::Usage(format!("--chunk {text}: give a number of bytes from 1, as in 7")))
}

/// Prints `value` as one line of JSON.
fn print_json(value: &impl serde::Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    // Of what is printed here nothing but the writing can fail.
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Runs `volt` with these words and returns what it printed.
#[cfg(test)]
fn output(words: &[&str]) -> Result<String, Failure> {
    let mut out = Vec::new();
    run(words.iter().map(OsString::from), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help() {
        for words in [
            &["--help"][..],
            &["-h"],
            &["help"],
            &["demo", "--help"],
            &["check", "--help"],
            &["stats", "--help"],
            &["complete", "--help"],
            &["package", "--help"],
            &["install", "--help"],
            &["uninstall", "--help"],
            &["sse", "--help"],
            &["decode", "--help"],
            &["context", "--help"],
            &["cuts", "--help"],
            &["replay", "--help"],
            &["bench", "--help"],
            &["criteria", "--help"],
            &["session", "--help"],
            &["simulate", "--help"],
            &["size", "--help"],
            &["wasi", "--help"],
        ] {
            assert!(output(words).unwrap().contains("Usage: cargo volt "), "{words:?}");
        }
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (words, part) in [
            (&[][..], "which command?"),
            (&["slay"], "`slay`"),
            (&["complet"], "did you mean `complete`?"),
            (&["simulat"], "did you mean `simulate`?"),
            (&["demo", "--providr", "x"], "did you mean `--provider`?"),
            (&["check", "--providr"], "(see `cargo volt check --help`)"),
            (&["complete", "--provider", "olama"], "did you mean `ollama`?"),
            (&["bench", "--jsn"], "did you mean `--json`?"),
            (&["--json"], "'--json'"),
            (&["package", "DIR"], "\"DIR\""),
            (&["package", "--to"], "'--to'"),
            (&["sse"], "which FILE?"),
            (&["sse", "a", "b"], "\"b\""),
            (&["sse", "no-such-file"], "no-such-file"),
            (&["sse", "--chunk", "0", "-"], "--chunk 0"),
            (&["sse", "--chunk", "-7", "-"], "--chunk -7"),
            (&["decode", "-"], "--provider"),
            (&["cuts", "--cases", "no-such-file"], "no-such-file"),
            (&["decode", "--provider", "nobody", "-"], "`nobody`"),
        ] {
            let Err(Failure::Usage(message)) = output(words) else { panic!("{words:?} should fail") };
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }
}
