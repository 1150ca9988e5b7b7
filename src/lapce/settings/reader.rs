//! Reading values out of a table by dotted name, collecting what is wrong with them.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::provider::Secret;

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as far as one can tell which is meant.
    pub setting: Option<&'static str>,
    /// Dotted name of what is wrong: the setting, or a part of it.
    pub key: String,
    /// What was given, what is allowed, what is used instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.message)
    }
}

/// Reads settings one by one. Each read names its key, so that what nobody asked for is known in
/// the end.
pub struct Reader<'a> {
    root: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(options: &'a Value) -> Self {
        let mut reader = Self { root: options.as_object(), known: Vec::new(), problems: Vec::new() };
        if reader.root.is_none() && !options.is_null() {
            reader.problem("ai-completion", format!("must be a table of settings; it is {}", shown(options)));
        }
        reader
    }

    /// All problems, those of unknown names last.
    pub fn finish(mut self) -> Vec<Problem> {
        let mut unknown = Vec::new();
        if let Some(root) = self.root {
            self.find_unknown(root, "", &mut unknown);
        }
        for key in unknown {
            let setting = nearest(&key, self.known.iter().copied());
            let message = format!("is not a setting{}", hint(setting));
            self.problems.push(Problem { setting, key, message });
        }
        self.problems
    }

    /// A text that passes `check`, whose error says what is allowed. Empty is always allowed and
    /// means the default.
    pub fn text(&mut self, key: &'static str, into: &mut String, check: impl Fn(&str) -> Result<(), String>) {
        if let Some((value, allowed)) = self.try_text(key, into, check) {
            self.wrong(key, &allowed, value, &shown(&Value::from(into.as_str())));
        }
    }

    /// The same for a text that may hold a secret, if only by a slip: what was given is not shown.
    pub fn private_text(
        &mut self,
        key: &'static str,
        into: &mut String,
        check: impl Fn(&str) -> Result<(), String>,
    ) {
        if let Some((_, allowed)) = self.try_text(key, into, check) {
            self.problem(key, format!("must be {allowed}; what it is does not fit and is not used"));
        }
    }

    /// Gives what was found and what is allowed when they differ.
    fn try_text(
        &mut self,
        key: &'static str,
        into: &mut String,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Option<(&'a Value, String)> {
        let value = self.value(key)?;
        let allowed = match value.as_str().map(str::trim) {
            None => "a text".to_owned(),
            Some("") => return None,
            Some(text) => match check(text) {
                Ok(()) => {
                    text.clone_into(into);
                    return None;
                }
                Err(allowed) => allowed,
            },
        };
        Some((value, allowed))
    }

    /// A text or a number, as a text.
    pub fn word(&mut self, key: &'static str, into: &mut String) {
        match self.value(key) {
            Some(Value::Number(number)) => *into = number.to_string(),
            _ => self.text(key, into, printable),
        }
    }

    /// A text that is never shown.
    pub fn secret(&mut self, key: &'static str, into: &mut Secret) {
        let Some(value) = self.value(key) else { return };
        match value.as_str() {
            Some(text) if text.trim().chars().all(|c| c.is_ascii_graphic()) => *into = Secret::new(text),
            _ => self.problem(
                key,
                "must be a text of printable ASCII characters without spaces; ignored".to_owned(),
            ),
        }
    }

    pub fn flag(&mut self, key: &'static str, into: &mut bool) {
        let Some(value) = self.value(key) else { return };
        match value.as_bool() {
            Some(flag) => *into = flag,
            None => self.wrong(key, "true or false", value, &into.to_string()),
        }
    }

    /// A whole number. `300.0` is one: Lapce's settings window writes such.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<u32>, into: &mut u32) {
        let Some(value) = self.value(key) else { return };
        let whole = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n));
        match whole.map(|n| n as u32).filter(|n| range.contains(n)) {
            Some(number) => *into = number,
            None => {
                let allowed = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, &allowed, value, &into.to_string());
            }
        }
    }

    /// A time, up to an hour.
    pub fn milliseconds(&mut self, key: &'static str, into: &mut Duration) {
        let mut milliseconds = u32::try_from(into.as_millis()).unwrap_or(u32::MAX);
        self.number(key, 100..=3_600_000, &mut milliseconds);
        *into = Duration::from_millis(u64::from(milliseconds));
    }

    /// A number, or an empty text for none. Lapce's settings window writes texts where the default
    /// is one, so a number in a text counts too.
    /// `range` in words is `from_to`: to write a fraction takes 14 KB of wasm.
    pub fn optional_number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        from_to: &str,
        into: &mut Option<f64>,
    ) {
        let Some(value) = self.value(key) else { return };
        let number = match value {
            Value::String(text) if text.trim().is_empty() => return,
            Value::String(text) => sse::json::number(text),
            other => other.as_f64(),
        };
        match number.filter(|n| range.contains(n)) {
            Some(number) => *into = Some(number),
            None => {
                let allowed = format!("a number from {from_to}, or \"\"");
                self.wrong(key, &allowed, value, "\"\"");
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy + PartialEq>(&mut self, key: &'static str, words: &[(&str, T)], into: &mut T) {
        let Some(value) = self.value(key) else { return };
        match chosen(words, value) {
            Some(choice) => *into = choice,
            None => {
                let kept = words.iter().find(|(_, choice)| choice == into).map_or("", |(word, _)| word);
                self.wrong(key, &one_of(words), value, &format!("\"{kept}\""));
            }
        }
    }

    /// A table whose values are one of a few words.
    pub fn choices<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        check: impl Fn(&str) -> Result<(), String>,
        into: &mut Vec<(String, T)>,
    ) {
        for (name, value) in self.table(key).into_iter().flatten() {
            if let Err(allowed) = check(name) {
                self.problem_at(key, &format!(".{name}"), format!("must be {allowed}; ignored"));
                continue;
            }
            match chosen(words, value) {
                Some(choice) => into.push((name.clone(), choice)),
                None => {
                    let message = format!("must be {}; it is {}, ignored", one_of(words), shown(value));
                    self.problem_at(key, &format!(".{name}"), message);
                }
            }
        }
    }

    /// A list of texts that each pass `check`; those that do not are left out.
    pub fn texts(
        &mut self,
        key: &'static str,
        into: &mut Vec<String>,
        check: impl Fn(&str) -> Result<(), String>,
    ) {
        let Some(value) = self.value(key) else { return };
        let Some(items) = value.as_array() else {
            return self.wrong(key, "a list of texts", value, "the default");
        };
        into.clear();
        for (at, item) in items.iter().enumerate() {
            match item.as_str().ok_or_else(|| "a text".to_owned()).and_then(|text| {
                check(text)?;
                Ok(text.to_owned())
            }) {
                Ok(text) => into.push(text),
                Err(allowed) => {
                    let message = format!("must be {allowed}; it is {}, left out", shown(item));
                    self.problem_at(key, &format!("[{at}]"), message);
                }
            }
        }
    }

    /// A table of HTTP headers. Values are not shown: they may be secrets.
    pub fn headers(&mut self, key: &'static str, into: &mut Vec<(String, String)>) {
        for (name, value) in self.table(key).into_iter().flatten() {
            let name_ok =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            match value.as_str().filter(|text| name_ok && !text.chars().any(char::is_control)) {
                Some(text) => into.push((name.clone(), text.to_owned())),
                None => {
                    let message = "must be a header's name and a text on one line; left out".to_owned();
                    self.problem_at(key, &format!(".{name}"), message);
                }
            }
        }
    }

    pub fn table(&mut self, key: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.value(key)?;
        let table = value.as_object();
        if table.is_none() {
            self.problem(key, format!("must be a table; it is {}, ignored", shown(value)));
        }
        table
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
        self.problem(key, format!("must be {allowed}; it is {}, using {kept}", shown(given)));
    }

    fn problem(&mut self, key: &'static str, message: String) {
        self.problem_at(key, "", message);
    }

    /// Something is wrong at a place in the setting.
    fn problem_at(&mut self, key: &'static str, place: &str, message: String) {
        let (setting, key) = (Some(key), [key, place].concat());
        self.problems.push(Problem { setting, key, message });
    }
}

fn chosen<T: Copy>(words: &[(&str, T)], value: &Value) -> Option<T> {
    let given = value.as_str()?.trim();
    words.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice)
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// A value as the user wrote it, cut to size.
fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = serde_json::to_string(value).unwrap_or_default();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// ` (did you mean …?)` when one of the names is close.
pub fn did_you_mean<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> String {
    hint(nearest(given, names))
}

fn hint(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

/// The name that is close to what was given.
fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let given = given.to_ascii_lowercase().replace('_', "-");
    let nearest = names.map(|name| (distance(&given, name), name)).min();
    let (_, name) = nearest.filter(|(distance, name)| *distance <= 2.min(name.len() / 3))?;
    Some(name)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (diagonal + usize::from(ca != cb)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Allows any text on one line.
pub fn printable(text: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a text on one line".to_owned());
    }
    Ok(())
}

/// Allows globs.
pub fn glob(text: &str) -> Result<(), String> {
    if text.is_empty() || text.starts_with('!') {
        return Err("a glob (one cannot take files back in with `!`)".to_owned());
    }
    fast_glob::validate(text).map_err(|error| format!("a glob ({error})"))
}

/// Allows what can name an environment variable.
pub fn variable_name(text: &str) -> Result<(), String> {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err("the name of an environment variable".to_owned())
}

/// Allows the base URLs of servers: without user and password, which would end up in logs.
pub fn server_url(text: &str) -> Result<(), String> {
    url(text, &["http", "https"])?;
    if text.contains('@') {
        return Err("a URL without user and password (a key belongs into the environment)".to_owned());
    }
    Ok(())
}

/// Allows URLs of those schemes that name a host.
pub fn url(text: &str, schemes: &[&str]) -> Result<(), String> {
    let rest = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)).map(|(_, rest)| rest);
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if !host.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\') {
        return Ok(());
    }
    Err(format!("a URL that starts with {}://", schemes.join(":// or ")))
}
