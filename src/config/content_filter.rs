//! Text that never becomes ghost text: `content-filter`.
//!
//! The open folder may replace the user's list with its own (`.lapce/settings.toml`), and a volt sees only the result.
//! So the list is saved in the volt's folder when it is certainly the user's: when no folder is open, or one without
//! settings. In any other folder, both the saved list and the current one apply. So a folder can add patterns in its
//! own window, but not remove the user's.

use serde_json::{Map, Value};

use super::reader::Reader;
use super::settings::table;
use crate::json_tree;
use crate::stream::{ContentFilter, Pattern};

/// The file in the volt's folder that holds the user's patterns.
pub const FILE: &str = "content-filter";

/// Most patterns, and longest pattern in bytes: all of them are compiled when the plugin starts.
const MOST_PATTERNS: usize = 64;
const LONGEST_PATTERN: usize = 128;
/// Longest replacement for a match, in characters.
const LONGEST_REPLACEMENT: usize = 64;

const LIST: &str = table::CONTENT_FILTER.0;
const REPLACEMENT: &str = table::CONTENT_FILTER_REPLACEMENT.0;

/// The settings about text that is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterSettings {
    /// Patterns of [`Pattern::wildcard`].
    patterns: Vec<String>,
    /// The replacement for text that matches.
    replacement: String,
}

impl FilterSettings {
    /// Reads both settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut settings = Self::default();
        reader.texts(LIST, MOST_PATTERNS, &check_pattern, &mut settings.patterns);
        let filter = settings.filter(&Self::default());
        reader.text(REPLACEMENT, &mut settings.replacement, &|text| {
            let fits = text.chars().count() <= LONGEST_REPLACEMENT && !text.chars().any(char::is_control);
            // Else the replacement would be filtered again.
            match fits && !filter.matches(text) {
                true => Ok(()),
                false => Err(format!(
                    "a text on one line, of at most {LONGEST_REPLACEMENT} characters, that `{LIST}` does not match"
                )),
            }
        });
        settings
    }

    /// Reads what was [saved](Self::save); nothing if the text is invalid.
    pub fn load(text: &str) -> Self {
        let saved = json_tree::parse(text).unwrap_or_default();
        Self::read(&mut Reader::new(&saved))
    }

    /// The text to save.
    pub fn save(&self) -> String {
        let Self { patterns, replacement } = self;
        let patterns: Vec<Value> = patterns.iter().map(|pattern| pattern.as_str().into()).collect();
        // `json!` can panic, and would add its messages to the wasm.
        let mut saved = Map::new();
        saved.insert(LIST.to_owned(), Value::Array(patterns));
        saved.insert(REPLACEMENT.to_owned(), Value::String(replacement.clone()));
        serde_json::to_string(&Value::Object(saved)).unwrap_or_default()
    }

    /// The filter for these patterns and for those of `kept`, each with its own replacement.
    pub fn filter(&self, kept: &Self) -> ContentFilter {
        let added = self.patterns.iter().filter(|pattern| !kept.patterns.contains(pattern));
        let all = kept.patterns.iter().map(|pattern| (pattern, &kept.replacement));
        let mut filter = ContentFilter::new();
        for (pattern, replacement) in all.chain(added.map(|pattern| (pattern, &self.replacement))) {
            // It is valid: it was checked when it was read.
            if let Ok(pattern) = Pattern::wildcard(pattern) {
                filter = filter.replace(pattern, replacement);
            }
        }
        filter
    }
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.len() <= LONGEST_PATTERN && Pattern::wildcard(pattern).is_ok() {
        return Ok(());
    }
    Err(format!("a text of at most {LONGEST_PATTERN} bytes with more in it than asterisks"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{StreamToken, StreamTransformer, TransformResult};

    fn settings(patterns: &[&str], replacement: &str) -> FilterSettings {
        let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        FilterSettings { patterns, replacement: replacement.to_owned() }
    }

    /// What the filter makes of a text.
    fn filtered(mut filter: ContentFilter, text: &str) -> String {
        let mut out = String::new();
        let mut sink = |token: StreamToken<'_>| out.push_str(token.text().unwrap_or_default());
        match filter.transform(&mut StreamToken::Text(text.into()), &mut |_: StreamToken<'_>| {}) {
            TransformResult::Pass => sink(StreamToken::Text(text.into())),
            TransformResult::Replace(token) => sink(token),
            _ => {}
        }
        filter.flush(None, &mut sink);
        out
    }

    #[test]
    fn what_is_saved_is_loaded() {
        for saved in [settings(&[], ""), settings(&["a\"b\n", "\\**", "é"], "…")] {
            assert_eq!(FilterSettings::load(&saved.save()), saved);
        }
        for text in ["", "x", "[]", "{\"content-filter\":7}", "{\"content-filter\":[\"*\"]}"] {
            assert_eq!(FilterSettings::load(text), FilterSettings::default(), "{text}");
        }
    }

    #[test]
    fn kept_patterns_count_whatever_is_set() {
        let kept = settings(&["red", "blue"], "-");
        for (set, expected) in [
            (settings(&[], ""), "- - green"),
            (settings(&["green"], "+"), "- - +"),
            (settings(&["red", "green"], "+"), "- - +"),
        ] {
            assert_eq!(filtered(set.filter(&kept), "red blue green"), expected, "{set:?}");
        }
        assert!(FilterSettings::default().filter(&FilterSettings::default()).is_empty());
    }
}
