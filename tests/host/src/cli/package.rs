//! `volt package`: the plugin's folder, as Lapce loads it.

use std::io::Write;
use std::path::PathBuf;

use lexopt::Arg;

use super::{Failure, setup};

const HELP: &str = "\
Build the plugin and lay out its folder as Lapce loads it, then print the folder's path

Usage: cargo volt package [--to DIR]

      --to DIR  The folder, made if there is none; by default `volt` in cargo's target folder

`lapce --plugin-path \"$(cargo volt package)\"` tries the plugin in one window.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut to = None;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("to") => to = Some(PathBuf::from(args.value()?)),
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(other.unexpected().into()),
        }
    }
    let folder = setup::volt_folder(to)?;
    Ok(writeln!(out, "{}", folder.display())?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use volt_host::VoltToml;
    use volt_host::editor::language_id;

    /// Without a folder open only a language starts a volt.
    #[test]
    fn a_lone_file_of_any_kind_that_code_is_written_in_starts_the_plugin() {
        let manifest = VoltToml::read(&super::setup::package()).unwrap();
        for name in ["a.rs", "a.C", "a.kts", "a.tsx", "Makefile", "a.mjs", "a.hs", "a.nix", "LICENSE"] {
            assert!(manifest.is_activated_by(language_id(Path::new(name)), false), "{name}");
        }
        assert!(!manifest.is_activated_by(language_id(Path::new("a.diff")), false));
    }
}
