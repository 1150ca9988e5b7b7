//! Holes in programs: what stands before and after the cursor, and what stood there.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// A hole, as one line of the JSON lines file has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Hole {
    pub id: String,
    /// Lapce's language id.
    pub language: String,
    pub prefix: String,
    pub suffix: String,
    pub truth: String,
    /// How the hole was made: `single-line`, `block`, `random-span`, …
    pub kind: String,
}

impl Hole {
    /// Whether a person's cursor may stand there. A random span begins and ends anywhere, even within indentation.
    pub fn is_natural(&self) -> bool {
        self.kind != "random-span"
    }

    /// What stands left of the cursor on its line.
    pub fn line_before(&self) -> &str {
        self.prefix.rsplit('\n').next().unwrap_or_default()
    }

    /// What stands right of the cursor on its line.
    pub fn line_after(&self) -> &str {
        self.suffix.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }
}

/// Reads holes from a file of JSON lines, gzipped if its name ends with `.gz`.
pub fn read(path: &Path) -> Result<Vec<Hole>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        parse(GzDecoder::new(file), path)
    } else {
        parse(file, path)
    }
}

/// Reads holes from JSON lines; errors name `path`.
pub fn parse(source: impl Read, path: &Path) -> Result<Vec<Hole>> {
    let mut holes = Vec::new();
    for (n, line) in BufReader::new(source).lines().enumerate() {
        let place = || format!("{}, line {}", path.display(), n + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            holes.push(serde_json::from_str(&line).with_context(place)?);
        }
    }
    Ok(holes)
}
