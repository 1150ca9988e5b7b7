//! `volt check`: what stands between the settings and a suggestion, one thing after the other, in words.

mod curl;
mod machine;
mod server;

use std::io::Write;

use ai_completion::config::Settings;
use ai_completion::provider;
use lexopt::Arg;
use serde::Serialize;

use super::wishes::{self, Wishes};
use super::{Failure, interrupt, print_json, unexpected};

const HELP: &str = "\
Check what stands between these settings and a suggestion, and say how to fix what fails

Usage: cargo volt check [SETTINGS] [--json]

      --json               Print one JSON object
{wishes}
The settings are those of `cargo volt complete`. Without a provider a model on this machine is looked for, as the
plugin does. One small completion is asked for, of code that is part of this command: nothing of yours is sent.
Exit code 1 when something fails.
";

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    name: &'static str,
    result: Outcome,
    /// What was seen.
    words: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    /// It works, but not as well as it could.
    Doubtful,
    Failed,
    /// Something before it has failed, or it does not apply.
    Skipped,
}

impl Check {
    fn passed(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, result: Outcome::Passed, words: words.into(), fix: String::new() }
    }

    fn doubtful(name: &'static str, words: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, result: Outcome::Doubtful, words: words.into(), fix: fix.into() }
    }

    fn failed(name: &'static str, words: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, result: Outcome::Failed, words: words.into(), fix: fix.into() }
    }

    fn skipped(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, result: Outcome::Skipped, words: words.into(), fix: String::new() }
    }

    fn has_failed(&self) -> bool {
        self.result == Outcome::Failed
    }

    fn line(&self) -> String {
        let mark = match self.result {
            Outcome::Passed => "ok",
            Outcome::Doubtful => "hm",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "-",
        };
        let fix = if self.fix.is_empty() { String::new() } else { format!("\n{:>25}{}", "", self.fix) };
        format!("{mark:<7} {:<16} {}{fix}\n", self.name, self.words)
    }
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let help = HELP.replace("{wishes}", wishes::HELP);
    let mut wishes = Wishes::default();
    let mut is_json = false;
    while let Some(arg) = args.next()? {
        if let Some(wanted) = wishes.take(&arg) {
            wishes.read(wanted, &mut args)?;
            continue;
        }
        match arg {
            Arg::Long("json") => is_json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(help.as_bytes())?),
            other => return Err(unexpected(other, &help, "check")),
        }
    }
    interrupt::catch();
    let mut checks = Vec::new();
    let mut say = |check: Check, out: &mut dyn Write| -> Result<(), Failure> {
        interrupt::check()?;
        if !is_json {
            out.write_all(check.line().as_bytes())?;
            out.flush()?;
        }
        checks.push(check);
        Ok(())
    };
    for check in machine::checks() {
        say(check, out)?;
    }
    let (mut settings, check) = settings(&wishes);
    say(check, out)?;
    if settings.provider.is_empty() && settings.base_url.is_empty() {
        let (found, check) = server::local(&settings);
        if let Some(found) = found {
            settings = found;
        }
        say(check, out)?;
    }
    if let Some(provider) = provider::find(&settings.provider) {
        server::checks(&settings, provider, &mut |check| say(check, out))?;
    }
    let failed = checks.iter().filter(|check| check.has_failed()).count();
    if is_json {
        #[derive(Serialize)]
        struct Report<'a> {
            passed: bool,
            checks: &'a [Check],
        }
        print_json(&Report { passed: failed == 0, checks: &checks }, out)?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Failed("one check failed".to_owned())),
        many => Err(Failure::Failed(format!("{many} checks failed"))),
    }
}

/// Whether the settings are understood.
fn settings(wishes: &Wishes) -> (Settings, Check) {
    let (settings, problems) = Settings::read(&wishes.table());
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let check = match (words.is_empty(), wishes.settings.len()) {
        (true, 0) => Check::passed("settings", "none given"),
        (true, given) => Check::passed("settings", format!("{given} given, all understood")),
        (false, _) => Check::failed("settings", words.join("; "), "docs/settings.md lists them all"),
    };
    (settings, check)
}

#[cfg(test)]
mod tests;
