//! The manifest of a volt, as far as Lapce reads it to run one.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::editor::Selector;

/// `volt.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VoltToml {
    /// The name, which is also that of the user's settings table.
    pub name: String,
    /// The name shown to users.
    pub display_name: String,
    /// Path of the wasm in the volt's folder.
    pub wasm: Option<PathBuf>,
    icon: Option<PathBuf>,
    activation: Option<Activation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Activation {
    language: Option<Vec<String>>,
    workspace_contains: Option<Vec<String>>,
}

impl VoltToml {
    /// Reads the manifest in a volt's folder.
    ///
    /// # Errors
    /// When it is not there, does not parse, or has no `[activation]`: Lapce never starts such a volt.
    pub fn read(folder: &Path) -> anyhow::Result<VoltToml> {
        let path = folder.join("volt.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let manifest: VoltToml = toml::from_str(&text).with_context(|| path.display().to_string())?;
        ensure!(
            manifest.activation.is_some(),
            "{} has no [activation]: Lapce never starts it",
            path.display()
        );
        Ok(manifest)
    }

    /// The documents the volt hears of.
    pub fn selector(&self) -> Selector {
        let of = |list: fn(&Activation) -> &Option<Vec<String>>| {
            self.activation.as_ref().and_then(|activation| list(activation).as_deref()).unwrap_or_default()
        };
        Selector::new(of(|activation| &activation.language), of(|activation| &activation.workspace_contains))
    }

    /// Whether opening a file of this language starts the volt; with a folder open, any file of the folder may.
    pub fn is_activated_by(&self, language: &str, in_workspace: bool) -> bool {
        let Some(activation) = &self.activation else { return false };
        let listed = activation.language.iter().flatten().any(|wanted| wanted == language);
        listed
            || (in_workspace && activation.workspace_contains.as_ref().is_some_and(|globs| !globs.is_empty()))
    }

    /// The files a published volt consists of, besides the wasm.
    pub(crate) fn companions(&self) -> impl Iterator<Item = &Path> {
        [Path::new("volt.toml"), Path::new("README.md")].into_iter().chain(self.icon.as_deref())
    }
}
