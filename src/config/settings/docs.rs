//! Checks what is generated from the [`table`](super::table): `volt.toml`, `docs/settings.md`, the README's table.
//! `UPDATE_EXPECT=1` generates them.

use std::fmt::Write;
use std::path::Path;

use super::table::{self, Choice, Flag, GlobList, MaybeNumber, Number, Table, Text, TextOr};

/// A setting as users read of it.
pub struct Entry {
    pub group: &'static str,
    pub name: &'static str,
    /// As TOML.
    pub default: String,
    /// What it is for, what is allowed, the default.
    pub about: String,
}

impl Entry {
    pub fn new(group: &'static str, setting: &dyn Described, about: &str) -> Self {
        let about = [about.trim(), &setting.facts()].join(" ");
        Self { group, name: setting.name(), default: setting.default(), about: about.trim().to_owned() }
    }
}

/// What a kind of setting says of itself.
pub trait Described {
    fn name(&self) -> &'static str;
    /// As TOML.
    fn default(&self) -> String;
    /// What is allowed, and the default in words; empty where the description says it.
    fn facts(&self) -> String;
}

impl Described for Text {
    fn name(&self) -> &'static str {
        self.0
    }

    fn default(&self) -> String {
        "\"\"".to_owned()
    }

    fn facts(&self) -> String {
        String::new()
    }
}

impl Described for TextOr {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        format!("{:?}", self.default)
    }

    fn facts(&self) -> String {
        format!("Default: {}.", self.default)
    }
}

impl Described for Number {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        self.default.to_string()
    }

    fn facts(&self) -> String {
        format!("A whole number from {} to {}; default {}.", self.min, self.max, self.default)
    }
}

impl Described for MaybeNumber {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        "\"\"".to_owned()
    }

    fn facts(&self) -> String {
        let whole = if self.is_whole { "whole " } else { "" };
        format!("A {whole}number from {} to {}.", self.min, self.max)
    }
}

impl<T: PartialEq> Described for Choice<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        let (word, _) = self.words.iter().find(|(_, choice)| *choice == self.default).unwrap();
        format!("{word:?}")
    }

    fn facts(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
        format!("One of {}; default {}.", words.join(", "), self.default().trim_matches('"'))
    }
}

impl Described for Flag {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        self.default.to_string()
    }

    fn facts(&self) -> String {
        format!("true or false; default {}.", self.default)
    }
}

impl Described for GlobList {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        format!("{:?}", self.default)
    }

    fn facts(&self) -> String {
        let default = if self.default.is_empty() { "none" } else { self.default };
        format!("One text with commas, or a list; default: {default}.")
    }
}

impl Described for Table {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> String {
        "\"\"".to_owned()
    }

    fn facts(&self) -> String {
        format!("One text like {}, or a table; default: none.", self.example)
    }
}

/// The settings that the README lists.
const MOST_WANTED: &[&str] = &[
    "provider",
    "model",
    "base-url",
    "api-key-env",
    "trigger",
    "languages",
    "files",
    "ignore",
    "secret-files",
    "multiline",
    "instructions",
    "status",
];

/// The text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn volt_toml() -> String {
    table::all().iter().fold(String::new(), |mut text, Entry { name, default, about, .. }| {
        let _ = write!(text, "\n[config.{name:?}]\ndefault = {default}\ndescription = {about:?}\n");
        text
    })
}

fn reference() -> String {
    let mut text = "# Settings\n\n\
        All settings of the plugin, in `[ai-completion]` of Lapce's `settings.toml` (palette: *Open Settings File*), or on the plugin's page\n\
        (Plugins panel, gear). A change takes effect when the plugin is reloaded (gear, *Reload Plugin*). When it starts, the\n\
        plugin shows which settings are invalid. While a setting that restricts what is sent is invalid, nothing is sent.\n\n\
        <!-- Written from src/config/settings/table.rs by `UPDATE_EXPECT=1 cargo test --lib config::settings`. -->\n"
        .to_owned();
    let mut group = "";
    for entry in table::all() {
        if entry.group != group {
            group = entry.group;
            let _ = write!(text, "\n## {group}\n\n| Setting | Default | What it does |\n|---|---|---|\n");
        }
        let _ = writeln!(text, "| `{}` | `{}` | {} |", entry.name, cell(&entry.default), cell(&entry.about));
    }
    text
}

fn most_wanted() -> String {
    let all = table::all();
    let rows = MOST_WANTED.iter().map(|name| all.iter().find(|entry| entry.name == *name).unwrap());
    let row = |entry: &Entry| format!("| `{}` | {} |\n", entry.name, cell(&entry.about));
    ["| Setting | What it does |\n|---|---|\n".to_owned(), rows.map(row).collect()].concat()
}

/// Holds that `expected` stands in the file between two lines; without an end, up to the end of the file.
fn check(file: &str, begin: &str, end: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{file} has no line {begin:?}"));
    let after = if end.is_empty() { "" } else { rest.split_once(end).unwrap().1 };
    let expected = [before, begin, expected, end, after].concat();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == expected, "UPDATE_EXPECT=1 writes {file} anew");
}

#[test]
fn what_users_read_of_settings_is_what_the_table_says() {
    check(
        "volt.toml",
        "# Written from src/config/settings/table.rs by `UPDATE_EXPECT=1 cargo test --lib config::settings`.\n",
        "",
        &volt_toml(),
    );
    check("docs/settings.md", "", "", &reference());
    check(
        "README.md",
        "<!-- settings: from src/config/settings/table.rs -->\n",
        "<!-- end of settings -->\n",
        &most_wanted(),
    );
}

#[test]
fn descriptions_stand_alone() {
    for Entry { name, about, .. } in table::all() {
        assert!(about.ends_with('.') && !about.contains('\n') && !about.contains("  "), "{name}: {about}");
        assert!(!about.contains("The same"), "{name}: {about}");
        let says_default = about.contains("default") || about.contains("Default") || about.contains("Empty:");
        assert!(says_default, "{name}: {about}");
    }
}
