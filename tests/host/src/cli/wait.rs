//! Waiting for a suggestion, and knowing when it is whole or will not come.

use std::path::Path;
use std::time::{Duration, Instant};

use lsp_types::MessageType;
use volt_host::editor::{Popup, Screen};
use volt_host::{Answers, Lapce, Process};

use super::{Failure, interrupt};

/// With nothing in the status bar and no process running, so long without a change is the end.
const SETTLED: Duration = Duration::from_millis(400);
/// With one of these, which a plugin may also leave there.
const SETTLED_ANYWAY: Duration = Duration::from_secs(4);
/// No suggestion and no process for so long, and nothing in the status bar or a pop-up: none will come.
const GIVEN_UP: Duration = Duration::from_secs(2);
/// The same with something in the status bar, no pop-up and a request of the editor without an answer: longer than a
/// provider has one wait for a second try.
const GIVEN_UP_ANYWAY: Duration = Duration::from_secs(20);
/// A real model's longest answer.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits until the plugin has read its settings.
///
/// # Errors
/// What it says is wrong with them: it would go on without those.
pub fn for_settings(lapce: &Lapce) -> Result<(), Failure> {
    let initialize = |told: &volt_host::Told| told.method == "initialize" && told.handled.is_some();
    lapce.wait_for(LIMIT, |evidence| evidence.told.iter().any(initialize))?;
    match complaints(&lapce.screen()) {
        Some(message) => Err(Failure::Failed(message)),
        None => Ok(()),
    }
}

/// Waits until the ghost at the cursor no longer changes, and shows each picture to `watch`.
pub fn for_ghost(lapce: &Lapce, mut watch: impl FnMut(&Screen)) -> Result<Screen, Failure> {
    let start = Instant::now();
    let mut shown = lapce.screen();
    let mut changed = start;
    watch(&shown);
    loop {
        interrupt::check()?;
        let old = shown.clone();
        if let Ok(screen) = lapce.wait_until(Duration::from_millis(50), |screen| *screen != old) {
            watch(&screen);
            shown = screen;
            changed = Instant::now();
        }
        let quiet = changed.elapsed();
        // Where processes cannot be listed, the status bar alone must do.
        let running = lapce.processes().is_ok_and(|processes| processes.iter().any(is_transfer))
            // With the editor's own HTTP client, no process runs and the plugin waits.
            || lapce.evidence().told.iter().any(|told| told.handled.is_none());
        let is_late = start.elapsed() >= LIMIT;
        if shown.ghost_at_cursor() && !shown.ghost_text().is_empty() {
            let settled = if running || !shown.status.is_empty() { SETTLED_ANYWAY } else { SETTLED };
            if quiet >= settled || is_late {
                return Ok(shown);
            }
            continue;
        }
        let patience = || patience(&shown, lapce.evidence().inline_answers());
        if is_late || (!running && quiet >= patience()) {
            if !is_late && lapce.screen() != shown {
                // It came just now.
                continue;
            }
            return Err(Failure::Failed(why_none(lapce, &shown)));
        }
    }
}

/// Whether a process fetches something. A plugin's language servers run as long as Lapce does.
fn is_transfer(process: &Process) -> bool {
    let program = process.argv.first().map(|program| Path::new(program).file_stem());
    program.flatten().is_some_and(|name| name == "curl")
}

/// How long to wait for a first ghost while nothing changes and nothing runs.
fn patience(screen: &Screen, answers: Answers) -> Duration {
    // A ghost is drawn by an answer to the editor's request: once all are answered, none can come.
    let answered = answers.requests > 0 && answers.min > 0;
    let waits = !screen.status.is_empty() && screen.popups.is_empty() && !answered;
    if waits { GIVEN_UP_ANYWAY } else { GIVEN_UP }
}

/// What the plugin complains of in pop-ups. That it falls back on something else is no complaint.
pub fn complaints(screen: &Screen) -> Option<String> {
    let grave = |popup: &&Popup| matches!(popup.kind, MessageType::ERROR | MessageType::WARNING);
    let messages: Vec<&str> =
        screen.popups.iter().filter(grave).map(|popup| popup.message.as_str()).collect();
    (!messages.is_empty()).then(|| messages.join("\n"))
}

/// What the status bar says: of a ghost, why it may not be all of the answer.
pub fn status(screen: &Screen) -> Option<String> {
    (!screen.status.is_empty()).then(|| format!("the status bar says: {}", screen.status.join(", ")))
}

/// What the plugin has to say about there being no suggestion.
fn why_none(lapce: &Lapce, screen: &Screen) -> String {
    if let Some(message) = complaints(screen) {
        return message;
    }
    if let Some(words) = status(screen) {
        return format!("no suggestion came; {words}");
    }
    let mut message =
        "no suggestion came, and the plugin did not say why (asked by `complete --invoke` it does)"
            .to_owned();
    if let Some(line) = lapce.log().last() {
        message += &format!("; the last line of its log: {}", line.message);
    }
    message
}

#[cfg(test)]
mod tests {
    use volt_host::editor::Editor;

    use super::*;

    #[test]
    fn what_the_status_bar_says_is_waited_out_only_while_a_ghost_can_come() {
        let says = |status: &[&str]| Screen {
            status: status.iter().map(|&text| text.to_owned()).collect(),
            ..Editor::new(Default::default()).screen()
        };
        for (status, requests, min, patience) in [
            (&[][..], 1, 0, GIVEN_UP),
            (&["AI: waiting for OpenAI"], 1, 0, GIVEN_UP_ANYWAY),
            // Nothing was asked yet.
            (&["AI: waiting for OpenAI"], 0, 1, GIVEN_UP_ANYWAY),
            (&["AI: off (`trigger`)"], 1, 1, GIVEN_UP),
        ] {
            let answers = Answers { requests, min, max: 1 };
            assert_eq!(super::patience(&says(status), answers), patience, "{status:?} {answers:?}");
        }
    }

    #[test]
    fn only_curl_is_waited_for() {
        for (argv, waited_for) in [
            (&["curl", "-q"][..], true),
            (&["/usr/bin/curl"], true),
            (&["sh", "-c", "curl"], false),
            (&[], false),
        ] {
            let argv = argv.iter().map(|&arg| arg.to_owned()).collect();
            let process = Process { id: 1, argv };
            assert_eq!(is_transfer(&process), waited_for, "{process:?}");
        }
    }

    #[test]
    fn the_status_bar_is_quoted_when_it_says_something() {
        let screen = |status| Screen { status, ..Editor::new(Default::default()).screen() };
        assert_eq!(status(&screen(vec![])), None);
        let words = status(&screen(vec!["AI: still writing".to_owned(), "Git".to_owned()]));
        assert_eq!(words.as_deref(), Some("the status bar says: AI: still writing, Git"));
    }

    #[test]
    fn errors_and_warnings_are_complaints_information_is_none() {
        let popup = |kind, message: &str| Popup { kind, title: String::new(), message: message.to_owned() };
        for (popups, complaint) in [
            (vec![], None),
            (vec![popup(MessageType::INFO, "no streaming")], None),
            (
                vec![
                    popup(MessageType::WARNING, "a setting"),
                    popup(MessageType::INFO, "no streaming"),
                    popup(MessageType::ERROR, "no key"),
                ],
                Some("a setting\nno key".to_owned()),
            ),
        ] {
            let screen = Screen { popups, ..Editor::new(Default::default()).screen() };
            assert_eq!(complaints(&screen), complaint);
        }
    }
}
