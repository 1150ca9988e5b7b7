//! The archive of a volt: packed as the registry's publisher packs it, and checked by the rules of the publisher, the
//! registry and Lapce.
//!
//! The publisher is `volts` (lapce/lapce-volts, `volts-cli/src/commands.rs`), the registry's checks are in
//! `volts-back/src/plugin.rs`. The publisher runs in a volt's folder and leaves out whatever `volt.toml` does not name.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::plugin_page::Page;

/// The name that the publisher gives the archive is `plugin.volt`; this is its extension.
pub const EXTENSION: &str = "volt";
/// The fastest level that the publisher's library takes for its default (`Encoder::new(_, 0)`).
const DEFAULT_LEVEL: i32 = 0;
const MANIFEST: &str = "volt.toml";
const README: &str = "README.md";
/// Icons whose type the registry knows; it serves others as `image/*`.
const ICONS: [&str; 4] = ["svg", "png", "jpg", "jpeg"];

/// `volt.toml` with everything that Lapce and the registry require of it (`VoltMetadata` in `lapce-rpc`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metadata {
    /// The name, also that of the settings table.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// The name shown to users.
    #[serde(rename = "display-name")]
    _display_name: String,
    /// The registry puts the account that publishes in its place.
    pub author: String,
    #[serde(rename = "description")]
    _description: String,
    /// Path of the icon in the volt's folder.
    pub icon: Option<String>,
    /// Path of the wasm in the volt's folder.
    pub wasm: Option<String>,
    #[serde(default, rename = "config")]
    _config: BTreeMap<String, Setting>,
}

#[derive(Debug, Clone, Deserialize)]
struct Setting {
    #[serde(rename = "default")]
    _default: toml::Value,
    #[serde(rename = "description")]
    _description: String,
}

impl Metadata {
    /// Reads a `volt.toml`.
    ///
    /// # Errors
    /// When a field is missing or of another type: Lapce does not load such a volt.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context(MANIFEST)
    }

    /// The name of the volt's folder in Lapce's plugins folder.
    pub fn folder_name(&self) -> String {
        format!("{}.{}", self.author, self.name)
    }

    /// The files of the archive, in the publisher's order.
    fn files(&self) -> impl Iterator<Item = &str> {
        [Some(MANIFEST), self.wasm.as_deref(), Some(README), self.icon.as_deref()].into_iter().flatten()
    }
}

/// Packs a volt's folder. The same files give the same bytes: times and owners are left out.
///
/// # Errors
/// What cannot be read, by its path.
pub fn pack(folder: &Path) -> Result<Vec<u8>> {
    let manifest = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
    let metadata = Metadata::parse(&text)?;
    let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), DEFAULT_LEVEL)?);
    tar.mode(tar::HeaderMode::Deterministic);
    for file in metadata.files() {
        let path = folder.join(file);
        tar.append_path_with_name(&path, file).with_context(|| path.display().to_string())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// What is wrong with an archive: one sentence a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// Checks an archive as the registry, and Lapce after it, would.
///
/// # Errors
/// Every reason to refuse it, and everything that its readers would miss.
pub fn check(archive: &[u8]) -> Result<Metadata, Faults> {
    let files = unpack(archive).map_err(|error| Faults(vec![format!("it cannot be unpacked: {error}")]))?;
    let Some(manifest) = files.get(Path::new(MANIFEST)) else {
        return Err(Faults(vec![format!("{MANIFEST} doesn't exist")]));
    };
    let metadata = Metadata::parse(&String::from_utf8_lossy(manifest));
    let metadata = metadata.map_err(|error| Faults(vec![format!("{error:#}")]))?;
    let faults = faults(&metadata, &files);
    if faults.is_empty() { Ok(metadata) } else { Err(Faults(faults)) }
}

fn faults(metadata: &Metadata, files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    if semver::Version::parse(&metadata.version).is_err() {
        faults.push(format!("the version {} is not a semantic version, as in 1.2.3", metadata.version));
    }
    if metadata.name.chars().any(char::is_uppercase) {
        faults.push(format!("the registry makes the name {} lower case", metadata.name));
    }
    match metadata.wasm.as_deref() {
        None => faults.push(format!("{MANIFEST} names no wasm")),
        Some(path) => match files.get(Path::new(path)) {
            None => faults.push(format!("wasm {path} not found")),
            Some(wasm) => faults.extend(fault_of_wasm(wasm).map(|fault| format!("{path}: {fault}"))),
        },
    }
    if let Some(icon) = metadata.icon.as_deref() {
        let extension = Path::new(icon).extension().and_then(|extension| extension.to_str());
        if !files.contains_key(Path::new(icon)) {
            faults.push(format!("icon {icon} not found"));
        } else if !extension.is_some_and(|extension| ICONS.contains(&extension)) {
            faults.push(format!("the icon {icon} is none of {}", ICONS.join(", ")));
        }
    }
    match files.get(Path::new(README)) {
        None => faults.push(format!("there is no {README}: the plugin page stays empty")),
        Some(text) => {
            let page = Page::draw(&String::from_utf8_lossy(text));
            faults
                .extend(page.faults.into_iter().map(|fault| format!("{README} on the plugin page: {fault}")));
        }
    }
    let named: Vec<&Path> = metadata.files().map(Path::new).collect();
    let strays = files.keys().filter(|file| !named.contains(&file.as_path()));
    faults.extend(strays.map(|file| format!("{} is not part of a published volt", file.display())));
    faults
}

/// Lapce starts no volt that it cannot compile or that has no `handle_rpc`.
fn fault_of_wasm(wasm: &[u8]) -> Option<String> {
    match wasmtime::Module::from_binary(&wasmtime::Engine::default(), wasm) {
        Err(error) => Some(format!("Lapce cannot compile it: {error:#}")),
        Ok(module) if module.get_export("handle_rpc").is_none() => {
            Some("it has no `handle_rpc`: Lapce never calls it".to_owned())
        }
        Ok(_) => None,
    }
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn unpack(archive: &[u8]) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in tar::Archive::new(zstd::Decoder::new(archive)?).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || !entry.header().entry_type().is_file() {
            return Err(io::Error::other(format!("{} is no plain file in the archive", path.display())));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(path, content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const VOLT: &str = "name = \"v\"\nversion = \"1.0.0\"\nauthor = \"a\"\ndisplay-name = \"V\"\n\
        description = \"d\"\nicon = \"v.svg\"\nwasm = \"bin/v.wasm\"\n[activation]\n";
    const WAT: &str = "(module (func (export \"handle_rpc\")))";

    /// A folder that is removed in the end.
    struct Volt(PathBuf);

    impl Volt {
        fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
            let path = std::env::temp_dir().join(format!("volt-archive-{name}-{}", std::process::id()));
            for (file, content) in files {
                let to = path.join(file);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::write(to, content).unwrap();
            }
            Self(path)
        }
    }

    impl Drop for Volt {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_archive_holds_what_the_manifest_names_in_the_publishers_order() {
        let wasm = wat::parse_str(WAT).unwrap();
        let files = [
            ("volt.toml", VOLT.as_bytes()),
            ("bin/v.wasm", &wasm),
            ("v.svg", b"<svg/>"),
            ("README.md", b"# V\n"),
            ("servers", b"a file that the plugin wrote"),
        ];
        let volt = Volt::new("order", &files);
        let archive = pack(&volt.0).unwrap();
        assert_eq!(archive, pack(&volt.0).unwrap());
        let mut tar = tar::Archive::new(zstd::Decoder::new(&archive[..]).unwrap());
        let names: Vec<String> = tar
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["volt.toml", "bin/v.wasm", "README.md", "v.svg"]);
        assert_eq!(check(&archive).unwrap().folder_name(), "a.v");
    }

    #[test]
    fn what_cannot_be_packed_is_named() {
        for (name, files, part) in [
            ("manifest", &[][..], "volt.toml"),
            ("field", &[("volt.toml", &b"name = \"v\"\n"[..])], "version"),
            ("wasm", &[("volt.toml", VOLT.as_bytes())], "v.wasm"),
        ] {
            let volt = Volt::new(name, files);
            let error = format!("{:#}", pack(&volt.0).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn each_fault_of_an_archive_is_named() {
        let good = wat::parse_str(WAT).unwrap();
        let mute = wat::parse_str("(module)").unwrap();
        let volt = |from: &str, to: &str| VOLT.replace(from, to);
        for (manifest, wasm, readme, icon, part) in [
            (volt("1.0.0", "1.0"), &good[..], "# V", "v.svg", "1.0 is not a semantic version"),
            (volt("\"v\"", "\"V\""), &good, "# V", "v.svg", "lower case"),
            (volt("wasm =", "themes ="), &good, "# V", "v.svg", "names no wasm"),
            (volt("", ""), &mute, "# V", "v.svg", "handle_rpc"),
            (volt("", ""), b"MZ", "# V", "v.svg", "cannot compile"),
            (volt("v.svg", "v.gif"), &good, "# V", "v.gif", "none of svg"),
            (volt("", ""), &good, "![x](x.png)", "v.svg", "x.png is not drawn"),
        ] {
            let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), DEFAULT_LEVEL).unwrap());
            for (name, content) in [
                (MANIFEST, manifest.as_bytes()),
                ("bin/v.wasm", wasm),
                (README, readme.as_bytes()),
                (icon, b"<svg/>"),
            ] {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                tar.append_data(&mut header, name, content).unwrap();
            }
            let archive = tar.into_inner().unwrap().finish().unwrap();
            let faults = check(&archive).unwrap_err().to_string();
            assert!(faults.contains(part), "{part}: {faults}");
        }
        assert!(check(b"PK").unwrap_err().to_string().contains("cannot be unpacked"));
    }
}
