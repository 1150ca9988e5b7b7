//! Holes in programs: what stands before and after the cursor, and what stood there.

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
