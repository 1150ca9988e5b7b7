//! `volt demo`: a file is typed, a model answers, the ghost grows, Tab takes it.

mod figures;
mod story;
mod svg;
mod view;

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lexopt::{Arg, ValueExt};
use volt_host::server::{Pace, Script, Server, shape};
use volt_host::{Lapce, Setup};

use super::{Failure, find_provider, interrupt, print_json, setup, terminal, unexpected, usage, wait};
use figures::Figures;
use view::View;

/// From key to key: twelve keys a second.
const KEY: Duration = Duration::from_millis(83);
/// How long the scripted model thinks, and how long it writes.
const LATENCY: Duration = Duration::from_millis(300);
const WRITING: Duration = Duration::from_millis(1200);
/// How long what runs when Lapce is closed has to end.
const CLEAN_UP: Duration = Duration::from_secs(3);

const HELP: &str = "\
Show the plugin at work in a headless Lapce: a small Rust file is typed, the ghost text grows, Tab takes it

Usage: cargo volt demo [--json | --svg FILE] [--provider P [--model M] [--base-url U] [--api-key-env VAR]]

Without --provider a server on this machine plays the model: 300 ms to its first byte, then 12 lines in 1.2 s.

      --json             Print one JSON object with the figures and nothing else on standard output
      --svg FILE         Write an animated picture of it, the same for each run, and print nothing; - for standard output
  -p, --provider P       Ask this provider instead, by its name in the settings (see `cargo volt decode --help`)
  -m, --model M          Its model; by default the provider's usual one
      --base-url U       Its server; by default the provider's own
      --api-key-env VAR  The environment variable that holds its key; by default its usual one

Figures of --json:
  first_ghost_ms, last_update_ms        From the last key to the first ghost and to its last change
  updates                               Different ghosts drawn after the last key
  ghost, document                       The ghost at its end, and the file after Tab
  streamed                              Whether the first ghost came before the server's last byte
  tokens_per_s                          How fast the ghost grew, four bytes taken as a token
  requests                              HTTP requests the scripted server got; null with --provider
  answers_per_request_min, -_max        How often the editor's requests were answered: must be once
  stale_paints                          Ghosts drawn where the cursor was not: must be none
  children_left, files_left             Processes and files left behind once Lapce is closed: must be none
  linear_memory_bytes, wasm_bytes       Memory of the plugin at its end, and size of its wasm
";

#[derive(Default)]
struct Options {
    json: bool,
    svg: Option<PathBuf>,
    settings: Vec<(&'static str, String)>,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        let setting = match arg {
            Arg::Long("json") => {
                options.json = true;
                continue;
            }
            Arg::Long("svg") => {
                options.svg = Some(args.value()?.into());
                continue;
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            Arg::Short('p') | Arg::Long("provider") => "provider",
            Arg::Short('m') | Arg::Long("model") => "model",
            Arg::Long("base-url") => "base-url",
            Arg::Long("api-key-env") => "api-key-env",
            other => return Err(unexpected(other, HELP, "demo")),
        };
        options.settings.push((setting, args.value()?.string()?));
    }
    if options.svg.is_some() && (options.json || !options.settings.is_empty()) {
        return Err(usage("--svg draws the scripted model and prints nothing: give it alone", "demo"));
    }
    match options.settings.iter().find(|(setting, _)| *setting == "provider") {
        Some((_, name)) => drop(find_provider(name)?),
        None if options.settings.is_empty() => {}
        None => return Err(usage("whose model, server or key is it? Give --provider", "demo")),
    }
    setup::need_curl()?;
    let folder = setup::volt_folder(None)?;
    interrupt::catch();
    let server = if options.settings.is_empty() { Some(scripted_model()?) } else { None };
    // What it counts would be left behind.
    let mut setup = Setup::new(folder).setting("statistics", false);
    for (setting, value) in &options.settings {
        setup = setup.setting(setting, value.as_str());
    }
    if let Some(server) = &server {
        setup = setup
            .setting("provider", "openai-compatible")
            .setting("base-url", format!("{}/v1", server.url()))
            .setting("model", "a scripted model")
            .setting("api-key", "sk-of-the-scripted-server");
    }
    let lapce = Lapce::start(setup::confirmed(setup))?;
    if let Some(file) = &options.svg {
        let mut recording = svg::Recording::default();
        perform(lapce, View::Picture(&mut recording), server.as_ref())?;
        let picture = recording.draw().map_err(|fault| Failure::Failed(format!("no picture: {fault}")))?;
        return match file.as_os_str() == "-" {
            true => Ok(out.write_all(picture.as_bytes())?),
            false => std::fs::write(file, picture)
                .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", file.display()))),
        };
    }
    let view = match (options.json, terminal::can_draw()) {
        (true, _) => View::Hidden,
        (false, true) => View::terminal(out)?,
        (false, false) => View::lines(out),
    };
    let figures = perform(lapce, view, server.as_ref())?;
    if options.json {
        return print_json(&figures, out);
    }
    Ok(write!(out, "\n{figures}")?)
}

/// A model in OpenAI's format that knows how the story goes on.
fn scripted_model() -> Result<Server, Failure> {
    let server = Server::start(|request| {
        let answer = story::continuation(request);
        let pace = Pace::over(WRITING).after(LATENCY);
        Script::stream(shape::openai_chat, &story::tokens(&answer), pace)
    });
    server.map_err(|error| Failure::Failed(format!("cannot start the scripted server: {error}")))
}

fn perform(mut lapce: Lapce, mut view: View<'_>, server: Option<&Server>) -> Result<Figures, Failure> {
    lapce.open(story::PATH, "rust", story::BEFORE);
    wait::for_settings(&lapce)?;
    lapce.cursor_at(story::BEFORE.lines().count() as u32, 0);
    let mut due = Instant::now();
    for key in story::TYPED.chars() {
        interrupt::check()?;
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            let shown = lapce.screen();
            view.show(&shown)?;
            // Not reached in time: the next key is due.
            let _ = lapce.wait_until(left, |screen| *screen != shown);
        }
        lapce.type_keys(key.encode_utf8(&mut [0; 4]), volt_host::Pace::BURST);
        view.typed(&lapce.screen());
        due += KEY;
    }
    let mut unshown = Ok(());
    let screen = wait::for_ghost(&lapce, |screen| {
        if unshown.is_ok() {
            unshown = view.show(screen);
        }
    })?;
    unshown?;
    let before_tab = lapce.evidence();
    view.key("Tab")?;
    lapce.tab();
    view.finish(&lapce.screen())?;
    let memory = lapce.linear_memory_bytes();
    lapce.close();
    // What is left after this time is reported.
    let _ = lapce.wait_until(CLEAN_UP, |_| {
        lapce.files_left().is_empty() && lapce.processes().is_ok_and(|processes| processes.is_empty())
    });
    Ok(Figures::new(&lapce, memory, &before_tab, screen.ghost_text(), server))
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, output};

    #[test]
    fn wrong_options_are_named_before_anything_is_built() {
        for (words, part) in [
            (&["demo", "--provider", "nobody"][..], "`nobody`"),
            (&["demo", "--model", "m"], "--provider"),
            (&["demo", "--base-url"], "'--base-url'"),
            (&["demo", "x"], "\"x\""),
            (&["demo", "--svg", "a.svg", "--json"], "--svg"),
            (&["demo", "--svg", "a.svg", "--provider", "openai"], "--svg"),
        ] {
            let Err(Failure::Usage(message)) = output(words) else { panic!("{words:?} should fail") };
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }
}
