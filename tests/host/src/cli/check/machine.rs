//! What the plugin needs of the machine.

use std::io;
use std::process::{Command, Stdio};

use volt_host::{Lapce, Setup};

use super::super::{plugins_folder, setup};
use super::Check;
use std::time::Duration;

/// Older versions lack options that the plugin uses.
const OLDEST_CURL: (u32, u32) = (7, 68);
/// What the agent runs.
const PROGRAMS: &[&str] = &["sh", "mkdir", "mkfifo", "rm", "dd", "sleep", "tee"];
/// The agent is there after 32 ms where the machine is not busy.
const AGENT_LIMIT: Duration = Duration::from_secs(20);

/// All of them.
pub fn checks() -> Vec<Check> {
    vec![curl(), programs(), folder(), agent()]
}

fn curl() -> Check {
    let output = Command::new("curl").arg("--version").stdin(Stdio::null()).output();
    let install = "install curl 7.68 or newer; suggestions stream with it";
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Check::failed("curl", "not found", install),
        Err(error) => Check::failed("curl", format!("cannot be run: {error}"), install),
        Ok(output) if !output.status.success() => {
            Check::failed("curl", format!("`curl --version` fails ({})", output.status), install)
        }
        Ok(output) => version(&String::from_utf8_lossy(&output.stdout), install),
    }
}

/// Judges the first line of `curl --version`: `curl 8.5.0 (x86_64-pc-linux-gnu) …`.
fn version(printed: &str, install: &str) -> Check {
    let version = printed.split(' ').nth(1).unwrap_or_default();
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST_CURL => Check::passed("curl", version),
        (Some(_), Some(_)) => Check::failed("curl", format!("{version} is too old"), install),
        _ => Check::doubtful("curl", "says no version", install),
    }
}

fn programs() -> Check {
    if cfg!(windows) {
        return Check::skipped("sh", "Windows PowerShell is used instead");
    }
    let has = |program: &&&str| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
    };
    let missing: Vec<&str> = PROGRAMS.iter().filter(|program| !has(program)).copied().collect();
    match missing.is_empty() {
        true => Check::passed("sh", "and what it runs is there"),
        false => Check::failed("sh", format!("not found: {}", missing.join(", ")), "install the POSIX tools"),
    }
}

/// Whether the installed plugin can write into its own folder.
fn folder() -> Check {
    let Ok(plugins) = plugins_folder::of_channel(plugins_folder::Channel::Stable) else {
        return Check::skipped("folder", "Lapce's folder is unknown");
    };
    let folder = plugins.join("ai-completion.ai-completion");
    if !folder.is_dir() {
        return Check::doubtful("folder", "the plugin is not installed in Lapce", "`cargo volt install`");
    }
    let probe = folder.join(format!("check-{}", std::process::id()));
    match std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Check::passed("folder", format!("{} is writable", folder.display())),
        Err(error) => Check::failed(
            "folder",
            format!("{} is not writable: {error}", folder.display()),
            "make it yours: suggestions do not stream otherwise",
        ),
    }
}

/// Starts the real plugin in a headless Lapce and waits for its agent.
fn agent() -> Check {
    match started() {
        Ok(took) => {
            Check::passed("agent", format!("runs {} ms after the plugin was loaded", took.as_millis()))
        }
        Err(words) => Check::failed("agent", words, "the plugin's pop-up in Lapce says what is missing"),
    }
}

fn started() -> Result<Duration, String> {
    let folder = setup::volt_folder(None).map_err(|failure| format!("{failure:?}"))?;
    // Any provider that needs no key: nothing is asked.
    let lapce = Setup::new(folder).setting("provider", "ollama").setting("trigger", "invoked");
    let mut lapce = Lapce::start(lapce).map_err(|error| format!("{error:#}"))?;
    let start = std::time::Instant::now();
    lapce.open("check.rs", "rust", "\n");
    let runs = |evidence: &volt_host::Evidence| !evidence.language_servers.is_empty();
    let waited = lapce.wait_for(AGENT_LIMIT, runs);
    let words = lapce.screen().popups.iter().map(|popup| popup.message.clone()).collect::<Vec<_>>().join(" ");
    lapce.close();
    match waited {
        Ok(_) => Ok(start.elapsed()),
        Err(_) if !words.is_empty() => Err(words),
        Err(_) => Err("does not start".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn old_versions_of_curl_are_named() {
        for (printed, result) in [
            ("curl 8.5.0 (x86_64-pc-linux-gnu) libcurl/8.5.0", Outcome::Passed),
            ("curl 7.68.0 (x86_64)", Outcome::Passed),
            ("curl 7.58.0 (x86_64)", Outcome::Failed),
            ("something", Outcome::Doubtful),
        ] {
            assert_eq!(version(printed, "").result, result, "{printed}");
        }
    }
}
