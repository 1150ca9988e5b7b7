//! What commands need before they can begin: the plugin, curl.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ai_completion::config::{Destination, TRUSTED_SERVERS};
use volt_host::Setup;
use volt_host::build::Volt;

use super::{Failure, tell, terminal};

/// The plugin's folder, which is the workspace's.
pub fn package() -> PathBuf {
    // By cargo when it runs us; else where we were built.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest).ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

/// Builds the plugin and lays it out in the folder `to`, by default one in cargo's target folder, ready for
/// `lapce --plugin-path`.
pub fn volt_folder(to: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let built = build()?;
    let folder = to.unwrap_or_else(|| built.target.join("volt"));
    built.volt.install(&folder)?;
    Ok(folder)
}

/// The plugin, built, and cargo's target folder.
pub struct Built {
    pub volt: Volt,
    pub target: PathBuf,
}

/// Builds the plugin.
pub fn build() -> Result<Built, Failure> {
    let package = package();
    let volt = Volt::build(&package, &mut say)?;
    // target/wasm32-wasip1/release/the.wasm
    let target = volt.wasm().ancestors().nth(3).unwrap_or(&package).to_owned();
    Ok(Built { volt, target })
}

/// A Lapce whose user has agreed to where its settings send text: they gave the settings to this command.
pub fn confirmed(setup: Setup) -> Setup {
    let destinations = Destination::all_of(&setup.settings(), &|name| setup.variable(name));
    let lines: String = destinations.iter().map(|destination| format!("{}\n", destination.line())).collect();
    setup.file(TRUSTED_SERVERS, lines)
}

/// Sees to it that there is a curl: without it answers do not stream.
pub fn need_curl() -> Result<(), Failure> {
    let curl = Command::new("curl").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match curl {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed(format!("`curl --version` fails ({status}): repair curl"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::Failed("there is no curl, which the plugin streams with: install curl".to_owned()))
        }
        Err(error) => Err(Failure::Failed(format!("cannot run curl: {error}"))),
    }
}

/// Tells of the set-up, apart from the output proper.
pub fn say(what: &str) {
    if terminal::takes_escapes(&io::stderr()) {
        tell(format_args!("\x1b[2m{what} …\x1b[m"));
    } else {
        tell(format_args!("{what} …"));
    }
}
