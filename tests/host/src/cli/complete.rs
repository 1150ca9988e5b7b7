//! `volt complete`: one completion at a place in a file, through the real wasm.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lexopt::{Arg, ValueExt};
use volt_host::editor::language_id;
use volt_host::{Lapce, Pace, Setup};

use super::wishes::{self, Wishes};
use super::{Failure, interrupt, setup, tell, unexpected, usage, wait};

const HELP: &str = "\
Ask for one completion at a place in a file, as Lapce would, and print the ghost text

Usage: cargo volt complete --file F --at LINE:COL [SETTINGS] [--invoke]

  -f, --file F             The file; it is not changed
      --at LINE:COL        Where the cursor stands, counted from 1 as editors show it: 1:1 is before the
                           first character, COL counts characters
      --invoke             Ask as alt+\\ does. Otherwise the character before the cursor is typed; where
                           typing it does not lead to this text (a bracket closes itself), alt+\\ it is
{wishes}
Without a provider it is as for a user who has set nothing: a model on this machine is used if there is one.
What the status bar says beside the ghost, say that the model is still writing, goes to standard error.
Exit code 1 with the plugin's messages when no ghost comes or a setting is wrong.
";

#[derive(Default)]
struct Options {
    file: Option<PathBuf>,
    at: Option<(usize, usize)>,
    invoke: bool,
    wishes: Wishes,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let help = HELP.replace("{wishes}", wishes::HELP);
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        if let Some(wanted) = options.wishes.take(&arg) {
            options.wishes.read(wanted, &mut args)?;
            continue;
        }
        match arg {
            Arg::Short('f') | Arg::Long("file") => options.file = Some(args.value()?.into()),
            Arg::Long("at") => options.at = Some(place(&args.value()?.string()?)?),
            Arg::Long("invoke") => options.invoke = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(help.as_bytes())?),
            other => return Err(unexpected(other, &help, "complete")),
        }
    }
    let file = options.file.take().ok_or_else(|| usage("in which file? Give --file", "complete"))?;
    let at = options.at.ok_or_else(|| usage("at which place? Give --at LINE:COL", "complete"))?;
    let unreadable = |error| Failure::Usage(format!("cannot read {}: {error}", file.display()));
    let text = fs::read_to_string(&file).map_err(unreadable)?;
    let path = file.canonicalize().map_err(unreadable)?;
    let offset = offset(&text, at)?;

    let folder = setup::volt_folder(None)?;
    interrupt::catch();
    let mut setup = Setup::new(folder).workspace(Some(workspace(&path)));
    for (key, value) in options.wishes.settings {
        setup = setup.setting(&key, value);
    }
    let mut lapce = Lapce::start(setup::confirmed(setup))?;
    ask(&mut lapce, &path, &text, offset, options.invoke)?;
    let screen = wait::for_ghost(&lapce, |_| ())?;
    if let Some(words) = wait::status(&screen) {
        tell(format_args!("volt: {words}"));
    }
    Ok(writeln!(out, "{}", screen.ghost_text())?)
}

/// Opens the file and does what makes Lapce ask at this offset.
fn ask(lapce: &mut Lapce, path: &Path, text: &str, offset: usize, invoke: bool) -> Result<(), Failure> {
    let (before, after) = text.split_at(offset);
    let typed = before.chars().last().filter(|last| !invoke && is_typed_plainly(*last));
    let before = &before[..before.len() - typed.map_or(0, char::len_utf8)];
    lapce.open(path, language_id(path), &format!("{before}{after}"));
    wait::for_settings(lapce)?;
    let (line, character) = position(before);
    lapce.cursor_at(line, character);
    match typed {
        Some(key) => lapce.type_keys(key.encode_utf8(&mut [0; 4]), Pace::BURST),
        None => lapce.invoke(),
    }
    Ok(())
}

/// Whether the key only inserts its character: brackets and quotes close themselves, Enter indents.
fn is_typed_plainly(c: char) -> bool {
    !c.is_control() && !"()[]{}\"'`".contains(c)
}

/// Line and UTF-16 column at the end of `before`, from 0.
fn position(before: &str) -> (u32, u32) {
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Parses `LINE:COL`.
fn place(text: &str) -> Result<(usize, usize), Failure> {
    let wrong = || Failure::Usage(format!("--at {text}: give LINE:COL, both counted from 1, as in 12:5"));
    let (line, column) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0).ok_or_else(wrong);
    Ok((number(line)?, number(column)?))
}

/// The byte offset of a line and a column of characters, both from 1.
fn offset(text: &str, (line, column): (usize, usize)) -> Result<usize, Failure> {
    let Some(content) = text.split('\n').nth(line - 1) else {
        let lines = text.split('\n').count();
        return Err(Failure::Usage(format!("--at {line}:{column}: the file has {lines} lines")));
    };
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let content = content.strip_suffix('\r').unwrap_or(content);
    let ends = content.char_indices().map(|(offset, _)| offset).chain([content.len()]);
    match ends.clone().nth(column - 1) {
        Some(offset) => Ok(start + offset),
        None => Err(Failure::Usage(format!(
            "--at {line}:{column}: the last column of line {line} is {}",
            ends.count()
        ))),
    }
}

/// The folder Lapce would have open: the current one if the file is in it, else the file's own.
fn workspace(file: &Path) -> PathBuf {
    let current = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let own = file.parent().unwrap_or(file).to_owned();
    current.ok().filter(|folder| file.starts_with(folder)).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::super::output;
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let text = "é𝕏b\r\n\nlast";
        for (at, expected) in [
            ((1, 1), Ok(0)),
            ((1, 2), Ok(2)),
            ((1, 3), Ok(6)),
            ((1, 4), Ok(7)),
            ((1, 5), Err("the last column of line 1 is 4")),
            ((2, 1), Ok(9)),
            ((3, 5), Ok(14)),
            ((4, 1), Err("the file has 3 lines")),
        ] {
            match (offset(text, at), expected) {
                (Ok(offset), Ok(expected)) => assert_eq!(offset, expected, "{at:?}"),
                (Err(Failure::Usage(message)), Err(part)) => assert!(message.ends_with(part), "{message}"),
                (got, expected) => panic!("{at:?}: {got:?} is not {expected:?}"),
            }
        }
        assert_eq!(position("é𝕏b\r\nx𝕏"), (1, 3));
    }

    #[test]
    fn wrong_arguments_are_named_before_anything_is_built() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (words, part) in [
            (&["complete"][..], "--file"),
            (&["complete", "-f", "x"], "--at"),
            (&["complete", "--at", "0:1"], "LINE:COL"),
            (&["complete", "--at", "7"], "LINE:COL"),
            (&["complete", "--setting", "=1"], "KEY=VALUE"),
            (&["complete", "-f", file, "--at", "1:1", "-p", "nobody"], "`nobody`"),
        ] {
            let Err(Failure::Usage(message)) = output(words) else { panic!("{words:?} should fail") };
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }
}
