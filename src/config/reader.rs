//! Reads values from a table by dotted name, and collects the invalid ones.

mod checks;
mod names;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::settings::table::{Choice, Flag, GlobList, MaybeNumber, Number, Table, Text};
use crate::completion::trigger::Glob;
use crate::http::{Secret, is_framing_header};
use crate::json_tree;
use crate::provider::key::{NO_SETTING as NO_KEY_COMMAND, clean as clean_key};
pub use checks::*;
pub use names::nearest;

/// One problem in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting that is meant, if that is known.
    pub setting: Option<&'static str>,
    /// Dotted name of the invalid setting, or of the invalid part of it.
    pub key: String,
    /// What is allowed, what was given, and what is used instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.message)
    }
}

/// Checks a text; the error says what is allowed. A trait object, so that the readers are compiled once.
pub type Check<'c> = &'c dyn Fn(&str) -> Result<(), String>;

/// Reads settings one by one. It collects the names that were read, so that unknown names can be reported at the end.
pub struct Reader<'a> {
    root: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(options: &'a Value) -> Self {
        let mut reader = Self { root: options.as_object(), known: Vec::new(), problems: Vec::new() };
        if reader.root.is_none() && !options.is_null() {
            reader.problem("ai-completion", format!("must be a table of settings; it is {}", kind(options)));
        }
        reader
    }

    /// A reader of a table in the settings.
    pub fn of(table: &'a Map<String, Value>) -> Self {
        Self { root: Some(table), known: Vec::new(), problems: Vec::new() }
    }

    /// Adds the problems that another reader has found in the table `key`.
    pub fn take_in(&mut self, key: &str, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().map(|problem| Problem {
            setting: None,
            key: [key, ".", &problem.key].concat(),
            ..problem
        }));
    }

    /// Whether a setting is set. Counts as reading it.
    pub fn is_set(&mut self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// All problems; unknown names come last.
    pub fn finish(mut self) -> Vec<Problem> {
        let mut unknown = Vec::new();
        if let Some(root) = self.root {
            self.find_unknown(root, "", &mut unknown);
        }
        for key in unknown {
            let tables = names::below(&key, &self.known);
            let setting = if tables.is_empty() { names::nearest(&key, &self.known) } else { None };
            let message = match key.rsplit('.').next() {
                Some("key-command") => NO_KEY_COMMAND.to_owned(),
                _ if !tables.is_empty() => {
                    format!("is not a setting by itself: there are `{}`", tables.join("`, `"))
                }
                _ => format!("is not a setting{}", hint(setting)),
            };
            self.problems.push(Problem { setting, key: shown_name(&key), message });
        }
        self.problems
    }

    /// A text that passes `check`. An empty text is always allowed and means the default.
    pub fn text(&mut self, key: &'static str, into: &mut String, check: Check<'_>) {
        let Some(value) = self.value(key) else { return };
        let allowed = match value.as_str().map(str::trim) {
            None => format!("a text in quotes; it is {}", kind(value)),
            Some("") => return,
            Some(text) => match check(text) {
                Ok(()) => return text.clone_into(into),
                Err(allowed) => allowed,
            },
        };
        let mark = if allowed.ends_with('?') { " The" } else { "; the" };
        self.problem(key, format!("must be {allowed}{mark} value given is ignored"));
    }

    /// A text or a number, as a text.
    pub fn word(&mut self, setting: Text, into: &mut String) {
        match self.value(setting.0) {
            Some(Value::Number(number)) => *into = number.to_string(),
            _ => self.text(setting.0, into, &printable),
        }
    }

    /// A text that must never be shown.
    pub fn secret(&mut self, setting: Text, into: &mut Secret) {
        let Some(value) = self.value(setting.0) else { return };
        match value.as_str().map(clean_key) {
            Some(text) if text.chars().all(|c| c.is_ascii_graphic()) => *into = Secret::new(text),
            _ => self.problem(
                setting.0,
                "must be a text of printable ASCII characters without spaces; the value given is ignored"
                    .to_owned(),
            ),
        }
    }

    /// A switch.
    pub fn flag(&mut self, setting: &Flag) -> bool {
        let Some(value) = self.value(setting.name) else { return setting.default };
        value.as_bool().unwrap_or_else(|| {
            let used = if setting.otherwise { "true" } else { "false" };
            self.wrong(setting.name, "true or false", value, used);
            setting.otherwise
        })
    }

    /// A whole number. `300.0` counts as one: Lapce's settings window writes it so.
    pub fn number(&mut self, setting: &Number) -> u32 {
        let Number { name, default, min, max } = *setting;
        let Some(value) = self.value(name) else { return default };
        whole(value).filter(|number| (min..=max).contains(number)).unwrap_or_else(|| {
            self.wrong(name, &format!("a whole number from {min} to {max}"), value, &default.to_string());
            default
        })
    }

    /// A time.
    pub fn milliseconds(&mut self, setting: &Number) -> Duration {
        Duration::from_millis(u64::from(self.number(setting)))
    }

    /// A number, or an empty text for none. Lapce's settings window writes texts where the default
    /// is one, so a number in a text counts too.
    pub fn maybe_number(&mut self, setting: &MaybeNumber) -> Option<f64> {
        let MaybeNumber { name, min, max, is_whole } = *setting;
        let value = self.value(name)?;
        let number = match value {
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => json::number(text.trim()),
            other => other.as_f64(),
        };
        let number = number.filter(|number| (f64::from(min)..=f64::from(max)).contains(number));
        let number = number.filter(|number| !is_whole || number.fract() == 0.0);
        if number.is_none() {
            let whole = if is_whole { "whole " } else { "" };
            self.wrong(name, &format!("a {whole}number from {min} to {max}, or \"\""), value, "\"\"");
        }
        number
    }

    /// One of a few words.
    pub fn choice<T: Copy + PartialEq>(&mut self, setting: &Choice<T>) -> T {
        let otherwise = setting.words.iter().position(|(_, choice)| *choice == setting.otherwise);
        match self.one_of(setting.name, &words_of(&|at| Some(setting.words.get(at)?.0)), otherwise) {
            None => setting.default,
            Some(at) => setting.words.get(at).map_or(setting.otherwise, |(_, choice)| *choice),
        }
    }

    /// The index of the word that is set, if the setting is set. Anything else counts as the word at `otherwise`.
    #[inline(never)]
    fn one_of(&mut self, key: &'static str, words: &[&str], otherwise: Option<usize>) -> Option<usize> {
        let value = self.value(key)?;
        chosen(words, value).or_else(|| {
            let used = otherwise.and_then(|at| words.get(at)).copied().unwrap_or_default();
            self.wrong(key, &one_of(words), value, &["\"", used, "\""].concat());
            otherwise.or(Some(words.len()))
        })
    }

    /// A table whose names pass `check` and whose values are one of a few words; other values count as `otherwise`. It may
    /// be given as one text.
    pub fn choices<T: Copy>(
        &mut self,
        setting: &Table,
        words: &[(&str, T)],
        otherwise: T,
        check: Check<'_>,
        into: &mut Vec<(String, T)>,
    ) {
        let names = words_of(&|at| Some(words.get(at)?.0));
        for (name, value) in self.pairs(setting, &split_at_commas, &[':', '=']) {
            let place = [".", &name].concat();
            let at = chosen(&names, &value);
            if at.is_none() {
                let message = format!("must be {}; it is {}", one_of(&names), kind(&value));
                self.problem_at(setting.name, &place, message);
            }
            let choice = at.and_then(|at| words.get(at)).map_or(otherwise, |(_, choice)| *choice);
            match check(&name) {
                Ok(()) => into.push((name, choice)),
                Err(allowed) => self.problem_at(setting.name, &place, ["must be ", &allowed].concat()),
            }
        }
    }

    /// A list of globs, or one text with commas. Invalid ones are left out.
    pub fn globs(&mut self, setting: &GlobList) -> Vec<Glob> {
        let key = setting.name;
        let mut items = Vec::new();
        let text = match self.value(key) {
            None => setting.default,
            Some(Value::String(text)) => text,
            Some(Value::Array(list)) => {
                items.extend(list.iter().map(Value::as_str));
                ""
            }
            Some(other) => {
                self.problem(
                    key,
                    format!("must be a list of globs, such as \"*.min.js, vendor/\"; it is {}", kind(other)),
                );
                setting.default
            }
        };
        items.extend(split_at_commas(text).into_iter().map(Some));
        let mut found = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            match item.ok_or_else(|| "a text".to_owned()).and_then(Glob::parse) {
                Ok(glob) => found.push(glob),
                Err(allowed) => self.problem_at(key, &format!("[{at}]"), format!("must be {allowed}")),
            }
        }
        found
    }

    /// A list of at most `most` texts, or one text. Those that do not pass `check` are left out.
    pub fn texts(&mut self, key: &'static str, most: usize, check: Check<'_>, into: &mut Vec<String>) {
        let items = match self.value(key) {
            None => return,
            Some(Value::Array(items)) => items.as_slice(),
            Some(Value::String(text)) if text.is_empty() => return,
            Some(one) => std::slice::from_ref(one),
        };
        if items.len() > most {
            self.problem(key, format!("must be a list of at most {most} texts"));
        }
        for (at, item) in items.iter().take(most).enumerate() {
            let text = item.as_str().ok_or_else(|| "a text, or a list of texts".to_owned());
            match text.and_then(|text| check(text).map(|()| text)) {
                Ok(text) => into.push(text.to_owned()),
                Err(allowed) => self.problem_at(key, &format!("[{at}]"), format!("must be {allowed}")),
            }
        }
    }

    /// A table of HTTP headers, or one text. Messages do not contain their values, which may be secrets.
    pub fn headers(&mut self, setting: &Table, into: &mut Vec<(String, String)>) {
        for (name, value) in self.pairs(setting, &split_headers, &[':']) {
            let name_ok =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let message = match value.as_str().filter(|text| name_ok && !text.chars().any(char::is_control)) {
                Some(_) if is_framing_header(&name) => {
                    "decides how requests are read and cannot be set; left out"
                }
                Some(text) => {
                    into.push((name, text.to_owned()));
                    continue;
                }
                None => "must be a header's name and a text on one line; left out",
            };
            self.problem_at(setting.name, &format!(".{name}"), message.to_owned());
        }
    }

    /// A table of JSON values, or one text of JSON.
    pub fn fields(&mut self, setting: &Table) -> Map<String, Value> {
        let Some(value) = self.value(setting.name) else { return Map::new() };
        let parsed = value.as_str().and_then(json_tree::parse);
        match parsed.as_ref().unwrap_or(value) {
            Value::Object(fields) => return fields.clone(),
            Value::String(text) if text.trim().is_empty() => {}
            _ => self.no_table(setting, value),
        }
        Map::new()
    }

    /// The names and values of a table, or of one text: `split` finds the pairs, one of `marks` separates name and value.
    fn pairs(
        &mut self,
        setting: &Table,
        split: &dyn Fn(&str) -> Vec<&str>,
        marks: &[char],
    ) -> Vec<(String, Value)> {
        let mut pairs = Vec::new();
        match self.value(setting.name) {
            None => {}
            Some(Value::Object(table)) => {
                pairs.extend(table.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            Some(value @ Value::String(text)) => {
                for pair in split(text) {
                    match pair.split_once(marks) {
                        Some((name, value)) => {
                            pairs.push((name.trim().to_owned(), value.trim().to_owned().into()));
                        }
                        None => self.no_table(setting, value),
                    }
                }
            }
            Some(other) => self.no_table(setting, other),
        }
        pairs
    }

    fn no_table(&mut self, setting: &Table, given: &Value) {
        let message =
            format!("must be a table or a text like `{}`; it is {}, ignored", setting.example, kind(given));
        self.problem(setting.name, message);
    }

    /// The names of all settings asked for so far.
    #[cfg(test)]
    pub fn known(&self) -> &[&'static str] {
        &self.known
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        let (tables, name) = key.rsplit_once('.').map_or((None, key), |(tables, name)| (Some(tables), name));
        let mut table = self.root?;
        for part in tables.into_iter().flat_map(|tables| tables.split('.')) {
            table = table.get(part)?.as_object()?;
        }
        table.get(name).filter(|value| !value.is_null())
    }

    fn find_unknown(&self, table: &Map<String, Value>, above: &str, unknown: &mut Vec<String>) {
        for (name, value) in table {
            let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            if self.known.contains(&key.as_str()) {
                continue;
            }
            let inside = format!("{key}.");
            match value.as_object() {
                Some(table) if self.known.iter().any(|known| known.starts_with(&inside)) => {
                    self.find_unknown(table, &key, unknown);
                }
                _ => unknown.push(key),
            }
        }
    }

    fn wrong(&mut self, key: &'static str, allowed: &str, given: &Value, kept: &str) {
        self.problem(key, format!("must be {allowed}; it is {}, using {kept}", kind(given)));
    }

    fn problem(&mut self, key: &'static str, message: String) {
        self.problem_at(key, "", message);
    }

    /// Adds a problem at a place in the setting.
    fn problem_at(&mut self, key: &'static str, place: &str, message: String) {
        let (setting, key) = (Some(key), shown_name(&[key, place].concat()));
        self.problems.push(Problem { setting, key, message });
    }
}

/// The words that `word` returns by index. One function for lists of all types, so that it is compiled once.
#[inline(never)]
fn words_of<'w>(word: &dyn Fn(usize) -> Option<&'w str>) -> Vec<&'w str> {
    (0..).map_while(word).collect()
}

/// The index of the word that a value is.
fn chosen(words: &[&str], value: &Value) -> Option<usize> {
    let given = value.as_str()?.trim();
    words.iter().position(|word| *word == given)
}

fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            ["\"", &rest.join("\", \""), "\" or \"", last, "\""].concat()
        }
        _ => ["\"", &words.concat(), "\""].concat(),
    }
}

/// A description of a value. Texts are not quoted: one may be a key in the wrong place.
fn kind(value: &Value) -> String {
    match value {
        // `Display` would add a second, indenting writer to the wasm.
        Value::Number(_) | Value::Bool(_) => serde_json::to_string(value).unwrap_or_default(),
        Value::Null => "nothing".to_owned(),
        Value::String(_) => "another text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// A name from the settings, made safe to show: the open folder can use any text as a name.
fn shown_name(name: &str) -> String {
    const MOST: usize = 60;
    let shown = |c: char| if c.is_ascii_graphic() && c != '`' { c } else { '?' };
    let mut text: String = name.chars().take(MOST).map(shown).collect();
    if name.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

/// The whole number in a value.
fn whole(value: &Value) -> Option<u32> {
    let whole = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n));
    whole.map(|n| n as u32)
}

/// Splits a text at commas outside of brackets, and at line breaks.
fn split_at_commas(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    let parts = text.split(|c| {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0 || c == '\n'
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Splits a text of headers at commas and line breaks. They are part of a value unless a name and a colon follow.
fn split_headers(text: &str) -> Vec<&str> {
    let is_start = |rest: &str| {
        let name = rest.trim_start();
        let end =
            name.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(name.len());
        let after = name.get(end..).unwrap_or_default();
        end > 0 && after.starts_with(':') && !after.starts_with("://")
    };
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, mark) in text.match_indices([',', '\n']) {
        let next = at + mark.len();
        if text.get(next..).is_some_and(is_start) {
            parts.push(text.get(start..at).unwrap_or_default());
            start = next;
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The message that `given` is not among `names`: with the most similar one, or with all.
pub fn one_word(what: &str, given: &str, names: &[&str]) -> String {
    match names::nearest(given, names) {
        Some(name) => format!("{what}: did you mean `{name}`?"),
        None => format!("{what}: one of {}", names.join(", ")),
    }
}

fn hint(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_one_text_are_cut_at_commas_outside_of_brackets() {
        for (text, parts) in [
            ("*.min.js, vendor/", &["*.min.js", "vendor/"][..]),
            ("*.{js,ts},a[,]b ,", &["*.{js,ts}", "a[,]b"]),
            ("a\nb", &["a", "b"]),
            (" ", &[]),
        ] {
            assert_eq!(split_at_commas(text), parts, "{text}");
        }
    }

    #[test]
    fn headers_in_one_text_keep_the_commas_of_their_values() {
        for (text, parts) in [
            ("X-Title: a, b, X-Team: c", &["X-Title: a, b", "X-Team: c"][..]),
            ("Referer: a, https://b.example", &["Referer: a, https://b.example"]),
            ("A: 1, : 2", &["A: 1, : 2"]),
            ("A: 1\nB: 2", &["A: 1", "B: 2"]),
            ("", &[]),
        ] {
            assert_eq!(split_headers(text), parts, "{text}");
        }
    }
}
