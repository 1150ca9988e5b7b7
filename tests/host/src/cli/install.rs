//! `volt install` and `volt uninstall`: the plugin in Lapce's plugins folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lexopt::{Arg, ValueExt};
use volt_host::archive::Metadata;

use super::plugins_folder::{Channel, Choice, of_channel};
use super::{Failure, setup, tell, unexpected};

const INSTALL: &str = "\
Build the plugin and install it into Lapce

Usage: cargo volt install [--channel C] [--dir DIR] [--key-command COMMAND]

      --channel C            The Lapce to install it into: stable (the default), nightly or debug
      --dir DIR              Another plugins folder, such as that of a portable Lapce
      --key-command COMMAND  A shell command that prints the API key, as in \"pass show anthropic\"; it is kept in the
                             plugin's folder, and an empty one is taken out again

The plugins folder of Lapce stable is
  Linux    $XDG_DATA_HOME/lapce-stable/plugins, by default ~/.local/share/lapce-stable/plugins
  macOS    ~/Library/Application Support/dev.lapce.Lapce-Stable/plugins
  Windows  %LOCALAPPDATA%\\lapce\\Lapce-Stable\\data\\plugins

Installing again puts the new version in place of the old one. `cargo volt uninstall` removes it.
";

const UNINSTALL: &str = "\
Remove the plugin from Lapce, with what it has noted there (the servers you have allowed)

Usage: cargo volt uninstall [--channel C] [--dir DIR]

      --channel C  The Lapce to remove it from: stable (the default), nightly or debug
      --dir DIR    Another plugins folder

Its settings stay in Lapce's settings file.
";

/// Runs `volt install`.
pub fn install(args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(Options { choice, key_command }) = read(args, "install")? else {
        return Ok(out.write_all(INSTALL.as_bytes())?);
    };
    let folder = setup::volt_folder(None)?;
    let plugins = choice.path()?;
    if choice.folder.is_none() && !plugins.is_dir() {
        tell(missing(choice.channel, |channel| of_channel(channel).is_ok_and(|path| path.is_dir())));
    }
    let to = plugins.join(metadata(&folder)?.folder_name());
    copy(&folder, &to)?;
    if let Some(command) = key_command {
        note_key_command(&to, &command)?;
    }
    Ok(out.write_all(next_steps(&to).as_bytes())?)
}

/// Runs `volt uninstall`.
pub fn uninstall(args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(Options { choice, .. }) = read(args, "uninstall")? else {
        return Ok(out.write_all(UNINSTALL.as_bytes())?);
    };
    let ours = metadata(&setup::package())?;
    let folder = choice.path()?.join(ours.folder_name());
    remove(&folder, &ours.name)?;
    Ok(writeln!(out, "Removed {}.\nRestart Lapce if it is running.", folder.display())?)
}

#[derive(Default)]
struct Options {
    choice: Choice,
    key_command: Option<String>,
}

/// The arguments; `None` when help is wanted.
fn read(mut args: lexopt::Parser, command: &str) -> Result<Option<Options>, Failure> {
    let Options { mut choice, mut key_command } = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("channel") => choice.take_channel(&mut args, command)?,
            Arg::Long("dir") => choice.take_folder(&mut args)?,
            Arg::Long("key-command") if command == "install" => key_command = Some(args.value()?.string()?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            other => return Err(unexpected(other, INSTALL, command)),
        }
    }
    Ok(Some(Options { choice, key_command }))
}

fn metadata(folder: &Path) -> Result<Metadata, Failure> {
    let path = folder.join("volt.toml");
    let text = fs::read_to_string(&path);
    let text = text.map_err(|error| Failure::Failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(Metadata::parse(&text)?)
}

/// That Lapce has not run yet, and which other one has.
fn missing(channel: Channel, has_run: impl Fn(Channel) -> bool) -> String {
    let others: Vec<&str> =
        Channel::ALL.into_iter().filter(|other| has_run(*other)).map(Channel::word).collect();
    let hint = match others.as_slice() {
        [] => String::new(),
        others => format!("; for another Lapce on this machine add --channel {}", others.join(" or ")),
    };
    format!("Lapce {} has not run on this machine yet{hint}", channel.word())
}

/// Copies the files of one folder into another.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |what: &Path, error| Failure::Failed(format!("cannot install {}: {error}", what.display()));
    fs::create_dir_all(to).map_err(|error| failed(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let file = entry.map_err(|error| failed(from, error))?.path();
        let Some(name) = file.file_name().filter(|_| file.is_file()) else { continue };
        // A Lapce that reads the old file goes on doing so.
        let halfway = to.join(format!(".{}.new", name.display()));
        let copied = fs::copy(&file, &halfway).and_then(|_| fs::rename(&halfway, to.join(name)));
        copied.map_err(|error| failed(&to.join(name), error))?;
    }
    Ok(())
}

/// The file that `ai_completion::provider::key` has the command from. A setting would not do: the folder that is open
/// can have settings, and this file only its user can write.
fn note_key_command(folder: &Path, command: &str) -> Result<(), Failure> {
    let file = folder.join("key-command");
    let noted = match command.trim() {
        "" if file.exists() => fs::remove_file(&file),
        "" => Ok(()),
        command => fs::write(&file, format!("{command}\n")),
    };
    noted.map_err(|error| Failure::Failed(format!("cannot change {}: {error}", file.display())))
}

/// Removes the plugin's folder, or the link to it, and nothing that is not the plugin's.
fn remove(folder: &PathBuf, name: &str) -> Result<(), Failure> {
    let failed = |error| Failure::Failed(format!("cannot remove {}: {error}", folder.display()));
    let Ok(kind) = folder.symlink_metadata() else {
        return Err(Failure::Failed(format!("nothing to remove: there is no {}", folder.display())));
    };
    if kind.is_symlink() {
        return fs::remove_file(folder).map_err(failed);
    }
    match metadata(folder) {
        Ok(found) if found.name == name => fs::remove_dir_all(folder).map_err(failed),
        _ => Err(Failure::Failed(format!("{} is not this plugin, so it stays", folder.display()))),
    }
}

fn next_steps(folder: &Path) -> String {
    format!(
        "Installed in {}

Next:
  1. Restart Lapce, or reload the plugin: Plugins panel › gear › Reload Plugin.
  2. With Ollama, llama.cpp or LM Studio running there is nothing to set. Otherwise choose a provider (command
     palette › Open Settings File), with its key in the environment, here in ANTHROPIC_API_KEY:
       [ai-completion]
       provider = \"anthropic\"
  3. Open a file, type in Insert mode and pause. Tab takes the suggestion, alt+\\ asks at once.

Every provider has a recipe in docs/providers.md; `cargo volt check` tries yours.
",
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use super::super::output;
    use super::*;

    const VOLT: &str =
        "name = \"v\"\nversion = \"1.0.0\"\nauthor = \"a\"\ndisplay-name = \"V\"\ndescription = \"d\"\n";

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("volt-install-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_newer_version_replaces_the_files_and_keeps_what_the_plugin_noted() {
        let root = folder("twice");
        let (from, to) = (root.join("from"), root.join("plugins/a.v"));
        fs::create_dir_all(&from).unwrap();
        for version in ["1.0.0", "1.0.1"] {
            fs::write(from.join("volt.toml"), VOLT.replace("1.0.0", version)).unwrap();
            copy(&from, &to).unwrap();
            fs::write(to.join("servers"), "a hash").unwrap();
            assert_eq!(metadata(&to).unwrap().version, version);
        }
        let mut names: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["servers", "volt.toml"]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_command_for_the_key_is_noted_and_taken_out_again() {
        let root = folder("key");
        for (command, noted) in
            [("pass show key ", Some("pass show key\n")), ("other", Some("other\n")), ("", None), (" ", None)]
        {
            note_key_command(&root, command).unwrap();
            assert_eq!(fs::read_to_string(root.join("key-command")).ok().as_deref(), noted);
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn only_the_plugins_own_folder_is_removed() {
        let root = folder("remove");
        let ours = root.join("a.v");
        fs::create_dir_all(&ours).unwrap();
        let refused = |part: &str| {
            let Err(Failure::Failed(message)) = remove(&ours, "v") else { panic!("{part}") };
            assert!(message.contains(part), "{message}");
        };
        refused("is not this plugin");
        fs::write(ours.join("volt.toml"), VOLT.replace("\"v\"", "\"w\"")).unwrap();
        refused("is not this plugin");
        fs::write(ours.join("volt.toml"), VOLT).unwrap();
        remove(&ours, "v").unwrap();
        refused("there is no");
        fs::remove_dir_all(root).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn of_a_linked_folder_only_the_link_is_removed() {
        let root = folder("link");
        let (real, link) = (root.join("real"), root.join("a.v"));
        fs::create_dir_all(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        remove(&link, "v").unwrap();
        assert!(real.is_dir() && link.symlink_metadata().is_err());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_lapce_that_never_ran_is_told_with_the_ones_that_did() {
        assert_eq!(missing(Channel::Stable, |_| false), "Lapce stable has not run on this machine yet");
        let text = missing(Channel::Stable, |channel| channel != Channel::Stable);
        assert!(text.ends_with("add --channel nightly or debug"), "{text}");
    }

    #[test]
    fn wrong_arguments_are_named_before_anything_is_built() {
        for (words, part) in [
            (&["install", "--channel", "beta"][..], "give stable, nightly or debug"),
            (&["install", "--dir"], "'--dir'"),
            (&["install", "here"], "\"here\""),
            (&["uninstall", "--key-command", "x"], "'--key-command'"),
            (&["uninstall", "--channel", "Stable"], "cargo volt uninstall --help"),
        ] {
            let Err(Failure::Usage(message)) = output(words) else { panic!("{words:?} should fail") };
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }

    #[test]
    fn what_is_not_installed_cannot_be_removed() {
        let root = folder("none");
        let dir = root.to_str().unwrap();
        let Err(Failure::Failed(message)) = output(&["uninstall", "--dir", dir]) else { panic!() };
        assert!(message.contains("nothing to remove"), "{message}");
        fs::remove_dir_all(root).unwrap();
    }
}
