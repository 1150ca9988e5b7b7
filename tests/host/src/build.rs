//! From a cargo package to a volt's folder, with nothing but rustup and cargo to start from.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::VoltToml;

const TARGET: &str = "wasm32-wasip1";
/// What the wasm is made of, and what cargo asks for of a workspace.
const SOURCES: [&str; 9] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "benches",
    "examples",
    "rust-toolchain.toml",
    "src",
    "tests",
    "volt.toml",
];

/// A volt whose wasm is built.
#[derive(Debug, Clone)]
pub struct Volt {
    package: PathBuf,
    wasm: PathBuf,
}

impl Volt {
    /// Builds the package in this folder as Lapce needs it: the binary that `volt.toml` names its wasm after, release
    /// profile, WASI target. The target is
    /// added to the toolchain when it is missing. What takes time is told to `say`; cargo writes to
    /// standard error.
    ///
    /// # Errors
    /// A sentence that says what to install or what does not compile.
    pub fn build(package: &Path, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let manifest = VoltToml::read(package)?;
        let binary = manifest.wasm.as_deref().and_then(Path::file_stem).context("volt.toml names no wasm")?;
        say("building the plugin");
        let wasm = wasm(package, binary, say)?;
        Ok(Self { package: package.to_owned(), wasm })
    }

    /// Builds the same once more: from a copy of the sources in another folder, into an empty
    /// target folder. Returns the wasm.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_again(package: &Path, folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
        let copy = folder.join("another place").join("sources");
        for entry in SOURCES {
            copy_all(&package.join(entry), &copy.join(entry))?;
        }
        say("building the plugin once more, elsewhere");
        let manifest = VoltToml::read(&copy)?;
        let binary = manifest.wasm.as_deref().and_then(Path::file_stem).context("volt.toml names no wasm")?;
        let mut build = Command::new(tool("CARGO", "cargo"));
        build.args(["build", "--release", "--quiet", "--locked", "--target", TARGET, "--bin"]).arg(binary);
        build.arg("--config").arg(without_paths(&copy)?);
        build.current_dir(&copy).env_remove("CARGO_TARGET_DIR").stderr(Stdio::inherit());
        let status = build.status().map_err(|error| missing(error, "cargo"))?;
        if !status.success() {
            bail!("the copy in {} does not compile, see above ({status})", copy.display());
        }
        let wasm = copy.join("target").join(TARGET).join("release").join(binary).with_extension("wasm");
        fs::read(&wasm).with_context(|| wasm.display().to_string())
    }

    /// The wasm as cargo left it.
    pub fn wasm(&self) -> &Path {
        &self.wasm
    }

    /// Fills `folder` (made if need be) with what a published volt has: manifest, wasm, icon, README. The README is the
    /// package's PLUGIN.md if there is one: Lapce's plugin page draws less than others do.
    ///
    /// # Errors
    /// What cannot be read, written or understood, by its path.
    pub fn install(&self, folder: &Path) -> Result<()> {
        let manifest = VoltToml::read(&self.package)?;
        let wasm = manifest.wasm.as_ref().context("volt.toml names no wasm")?;
        copy(&self.wasm, &folder.join(wasm))?;
        for file in manifest.companions().filter(|file| self.package.join(file).is_file()) {
            copy(&self.package.join(file), &folder.join(file))?;
        }
        let page = self.package.join("PLUGIN.md");
        if page.is_file() {
            copy(&page, &folder.join("README.md"))?;
        }
        Ok(())
    }
}

/// Builds a binary of the package in this folder as Lapce needs it, see [`Volt::build`]; returns its wasm.
///
/// # Errors
/// A sentence that says what to install or what does not compile.
pub fn wasm(package: &Path, binary: &OsStr, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    wasm_with(package, binary, &[], say)
}

/// The same with further settings of cargo.
///
/// # Errors
/// As [`wasm`].
pub fn wasm_with(
    package: &Path,
    binary: &OsStr,
    config: &[&str],
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf> {
    let cargo = tool("CARGO", "cargo");
    add_target(package, say)?;
    let mut build = Command::new(&cargo);
    build.current_dir(package).args(["build", "--release", "--target", TARGET]);
    if !io::stderr().is_terminal() {
        build.arg("--quiet");
    }
    build.arg("--config").arg(without_paths(package)?);
    config.iter().for_each(|config| _ = build.arg("--config").arg(config));
    build.args(["--message-format", "json-render-diagnostics", "--bin"]).arg(binary).stderr(Stdio::inherit());
    let output = build.output().map_err(|error| missing(error, "cargo"))?;
    if !output.status.success() {
        bail!("{} does not compile, see above ({})", binary.display(), output.status);
    }
    artifact(&output.stdout).context("cargo said of no wasm that it built it")
}

/// A setting of cargo that keeps this machine's paths out of the wasm: panics name the file that they come from. Paths
/// in the workspace are relative already. So the same source gives the same bytes everywhere, and no user's name is in
/// them.
fn without_paths(package: &Path) -> Result<String> {
    let mut rustc = Command::new(tool("RUSTC", "rustc"));
    rustc.current_dir(package).args(["--print", "sysroot", "--version", "--verbose"]);
    let output = rustc.output().map_err(|error| missing(error, "rustc"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let sysroot = said.lines().find(|line| Path::new(line).is_absolute()).unwrap_or_default();
    let commit = said.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let user = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let home = home.or_else(|| Some(Path::new(&std::env::var_os(user)?).join(".cargo"))).unwrap_or_default();
    Ok(remapping(&home.to_string_lossy(), sysroot, commit))
}

/// See [`without_paths`].
fn remapping(cargo_home: &str, sysroot: &str, commit: &str) -> String {
    let flags = [
        format!("'--remap-path-prefix={cargo_home}/registry/src=/cargo'"),
        // With the component rust-src the compiler names the files of the standard library by their place here.
        format!("'--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rustc/{commit}'"),
    ];
    format!("target.{TARGET}.rustflags=[{}]", flags.join(","))
}

/// Makes sure that the toolchain has a standard library for [`TARGET`], however it was installed.
fn add_target(package: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let mut rustc = Command::new(tool("RUSTC", "rustc"));
    rustc.current_dir(package).args(["--print", "target-libdir", "--target", TARGET]);
    let output = rustc.output().map_err(|error| missing(error, "rustc"))?;
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    say(&format!("adding the Rust target {TARGET} (rustup target add {TARGET})"));
    let mut rustup = Command::new("rustup");
    rustup.current_dir(package).args(["target", "add", TARGET]).stdout(Stdio::null());
    let status = rustup.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!(
            "the Rust target {TARGET} is missing and there is no rustup to add it: install rustup from https://rustup.rs, \
             or the target by the package manager that Rust came with"
        ),
        _ => error.into(),
    })?;
    if !status.success() {
        bail!("`rustup target add {TARGET}` failed, see above ({status})");
    }
    Ok(())
}

/// A tool of the toolchain that runs us, else the one in the path.
fn tool(variable: &str, name: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}

fn missing(error: io::Error, name: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("there is no {name}: install Rust from https://rustup.rs"),
        _ => anyhow::Error::new(error).context(format!("cannot run {name}")),
    }
}

/// The `.wasm` among the files that cargo says (in JSON lines) it has made.
fn artifact(messages: &[u8]) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// Copies a file, or a folder with all that is in it.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return copy(from, to);
    }
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let name = entry.with_context(|| from.display().to_string())?.file_name();
        copy_all(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Copies so that whoever reads `to` meanwhile finds the old file or the new one, whole.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let halfway = to.with_extension(format!("{}.part", std::process::id()));
    let copied = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(from, &halfway))
        .and_then(|_| fs::rename(&halfway, to));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "name = \"v\"\ndisplay-name = \"V\"\nwasm = \"bin/v.wasm\"\nicon = \"v.svg\"\n[activation]\n";

    #[test]
    fn the_wasm_is_found_among_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","filenames":["/t/liba.rlib","/t/liba.rmeta"]}
not json
{"reason":"compiler-artifact","filenames":["/t/a.wasm"],"executable":"/t/a.wasm"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(artifact(messages), Some(PathBuf::from("/t/a.wasm")));
        assert_eq!(artifact(b"{\"reason\":\"build-finished\",\"success\":true}"), None);
    }

    #[test]
    fn the_machines_paths_are_replaced_whatever_stands_in_them() {
        let setting = remapping("C:\\Users\\a b\\.cargo", "/opt/rust", "abc");
        let table: toml::Table = setting.parse().unwrap();
        assert_eq!(
            table["target"][TARGET]["rustflags"].as_array().unwrap(),
            &[
                toml::Value::from("--remap-path-prefix=C:\\Users\\a b\\.cargo/registry/src=/cargo"),
                toml::Value::from("--remap-path-prefix=/opt/rust/lib/rustlib/src/rust=/rustc/abc"),
            ]
        );
    }

    #[test]
    fn a_volts_folder_is_as_its_manifest_says() {
        let folder = std::env::temp_dir().join(format!("volt-build-{}", std::process::id()));
        let (package, installed) = (folder.join("package"), folder.join("installed"));
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("volt.toml"), MANIFEST).unwrap();
        fs::write(package.join("v.svg"), "<svg/>").unwrap();
        fs::write(package.join("built.wasm"), "wasm").unwrap();
        let volt = Volt { package: package.clone(), wasm: package.join("built.wasm") };
        volt.install(&installed).unwrap();
        assert_eq!(fs::read_to_string(installed.join("bin/v.wasm")).unwrap(), "wasm");
        assert!(installed.join("volt.toml").exists() && installed.join("v.svg").exists());
        assert!(!installed.join("README.md").exists());

        for (file, expected) in [("README.md", "of the repository"), ("PLUGIN.md", "of the plugin page")] {
            fs::write(package.join(file), expected).unwrap();
            volt.install(&installed).unwrap();
            assert_eq!(fs::read_to_string(installed.join("README.md")).unwrap(), expected);
        }

        fs::write(package.join("volt.toml"), MANIFEST.replace("wasm =", "was =")).unwrap();
        assert!(volt.install(&installed).unwrap_err().to_string().ends_with("names no wasm"));
        fs::remove_dir_all(folder).unwrap();
    }
}
