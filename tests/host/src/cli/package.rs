//! `volt package`: the plugin's folder as Lapce loads it, and the archive that the registry gets.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use lexopt::Arg;
use volt_host::archive;
use volt_host::build::Volt;

use super::setup::Built;
use super::{Failure, setup, tell, unexpected};

const HELP: &str = "\
Build the plugin, lay out its folder as Lapce loads it, pack and check the registry's archive; print the folder's path

Usage: cargo volt package [--to DIR] [--archive FILE] [--reproduce]

      --to DIR        The folder, made if there is none; by default `volt` in cargo's target folder
      --archive FILE  The archive; by default NAME-VERSION.volt in cargo's target folder
      --reproduce     Build the plugin once more, in another folder and from nothing, and compare: fails when a byte differs

`lapce --plugin-path \"$(cargo volt package)\"` tries the plugin in one window.

The archive is a tar in zstd with volt.toml, the wasm, README.md (from PLUGIN.md) and the icon, as `volts publish`
packs it. It is checked by the rules of that publisher, of the registry and of Lapce's plugin page; its path, size and
SHA-256 go to standard error. `volts publish` itself runs in the folder.
";

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut to, mut file, mut reproduce) = (None, None, false);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("to") => to = Some(PathBuf::from(args.value()?)),
            Arg::Long("archive") => file = Some(PathBuf::from(args.value()?)),
            Arg::Long("reproduce") => reproduce = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "package")),
        }
    }
    let built = setup::build()?;
    let folder = to.unwrap_or_else(|| built.target.join("volt"));
    built.volt.install(&folder)?;
    let archive = archive::pack(&folder)?;
    let metadata = archive::check(&archive)
        .map_err(|faults| Failure::Failed(format!("the archive would not do for the registry:\n{faults}")))?;
    let file = file.unwrap_or_else(|| {
        let name = format!("{}-{}.{}", metadata.name, metadata.version, archive::EXTENSION);
        built.target.join(name)
    });
    fs::write(&file, &archive)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", file.display())))?;
    let hash: String = hmac_sha256::Hash::hash(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
    tell(format_args!("packed {}: {} bytes, SHA-256 {hash}", file.display(), archive.len()));
    if reproduce {
        compare(&built)?;
    }
    Ok(writeln!(out, "{}", folder.display())?)
}

/// Builds the wasm once more, and fails when it is another.
fn compare(built: &Built) -> Result<(), Failure> {
    let read = fs::read(built.volt.wasm());
    let first = read.map_err(|error| Failure::Failed(format!("{}: {error}", built.volt.wasm().display())))?;
    // Not below the repository, whose settings of cargo would count there, too.
    let place = std::env::temp_dir().join(format!("volt-again-{}", std::process::id()));
    let second = Volt::build_again(&setup::package(), &place, &mut setup::say);
    // One that cannot be removed is the system's to clean.
    let _ = fs::remove_dir_all(&place);
    let second = second?;
    let [first, second] = [first, second].map(|wasm| sha256(&wasm));
    if first != second {
        return Err(Failure::Failed(format!("the second build differs: SHA-256 {first}, then {second}")));
    }
    tell(format_args!("built twice, the same wasm: SHA-256 {first}"));
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    hmac_sha256::Hash::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use volt_host::VoltToml;
    use volt_host::archive::Metadata;
    use volt_host::editor::language_id;

    #[test]
    fn the_manifest_has_all_that_the_registry_asks_for_and_the_version_of_the_package() {
        let text = std::fs::read_to_string(super::setup::package().join("volt.toml")).unwrap();
        let cargo = std::fs::read_to_string(super::setup::package().join("Cargo.toml")).unwrap();
        let metadata = Metadata::parse(&text).unwrap();
        assert!(cargo.contains(&format!("\nversion = \"{}\"\n", metadata.version)));
        assert_eq!(metadata.folder_name(), "ai-completion.ai-completion");
    }

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
