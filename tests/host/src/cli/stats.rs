//! `volt stats`: what the plugin has counted.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use ai_completion::config::STATISTICS;
use ai_completion::statistics::{Row, rows};
use lexopt::Arg;
use serde_json::json;

use super::{Failure, plugins_folder, print_json, unexpected};

const HELP: &str = "\
Show how often suggestions were shown, taken and kept, how fast they came, and tokens, by provider

Usage: cargo volt stats [--channel stable|nightly|debug] [--dir D] [--json]

      --channel C  The Lapce that the plugin is installed in; by default stable
      --dir D      The plugin's folder, or the plugins folder it is in
      --json       Print one JSON object per provider

The plugin counts in the file `statistics` of its own folder: no text, and it never leaves this machine.
The setting `statistics = false` switches that off; deleting the file begins anew.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut choice = plugins_folder::Choice::default();
    let mut is_json = false;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("channel") => choice.take_channel(&mut args, "stats")?,
            Arg::Long("dir") => choice.take_folder(&mut args)?,
            Arg::Long("json") => is_json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "stats")),
        }
    }
    let file = files(&choice)?.into_iter().find_map(|file| fs::read_to_string(file).ok());
    let counted = file.map(|file| rows(&file)).unwrap_or_default();
    if is_json {
        return counted.iter().try_for_each(|row| print_json(&line(row), out));
    }
    if counted.is_empty() {
        let words = "nothing is counted yet: use the plugin in Lapce, or name its folder by --dir";
        return Err(Failure::Failed(words.to_owned()));
    }
    Ok(out.write_all(table(&counted).as_bytes())?)
}

/// Where the file may be.
fn files(choice: &plugins_folder::Choice) -> Result<Vec<PathBuf>, Failure> {
    let given = choice.folder.iter().map(|folder| folder.join(STATISTICS)).collect::<Vec<_>>();
    let installed = choice.path()?.join("ai-completion.ai-completion").join(STATISTICS);
    Ok(given.into_iter().chain([installed]).collect())
}

fn line(row: &Row) -> serde_json::Value {
    let Row { provider, shown, taken, kept, answers, first_ms, input, output } = row;
    json!({
        "provider": provider, "shown": shown, "taken": taken, "kept": kept, "answers": answers,
        "first_ms": average(*first_ms, *answers), "input": input, "output": output,
    })
}

fn average(sum: u64, of: u64) -> u64 {
    sum.checked_div(of).unwrap_or(0)
}

fn percent(part: u64, of: u64) -> String {
    (part * 100).checked_div(of).map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"))
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<20} {:>7} {:>7} {:>7} {:>7} {:>7} {:>12} {:>10} {:>10}\n",
        "provider", "shown", "taken", "", "kept", "", "first text", "tokens in", "out"
    );
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<20} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9} ms {:>10} {:>10}",
            row.provider,
            row.shown,
            row.taken,
            percent(row.taken, row.shown),
            row.kept,
            percent(row.kept, row.taken),
            average(row.first_ms, row.answers),
            row.input,
            row.output
        );
    }
    text + "\nTaken is a share of shown; kept (still there after 30 s) is a share of taken.\n"
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, output};

    #[test]
    fn counts_are_shown_as_a_table_and_as_json() {
        let folder = std::env::temp_dir().join(format!("volt-stats-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let dir = folder.to_str().unwrap();
        let Err(Failure::Failed(words)) = output(&["stats", "--dir", dir]) else { panic!() };
        assert!(words.contains("nothing is counted yet"), "{words}");
        std::fs::write(folder.join("statistics"), "# head\nollama 20 10 8 30 6000 900 300\n").unwrap();
        let table = output(&["stats", "--dir", dir]).unwrap();
        assert!(table.contains("ollama") && table.contains("50 %") && table.contains("200 ms"), "{table}");
        let json = output(&["stats", "--json", "--dir", dir]).unwrap();
        assert_eq!(
            json,
            "{\"answers\":30,\"first_ms\":200,\"input\":900,\"kept\":8,\"output\":300,\"provider\":\"ollama\",\"shown\":20,\"taken\":10}\n"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
