//! Reading values out of a table by dotted name, collecting what is wrong with them.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::completion::trigger::Glob;
use crate::http::{Secret, Url, is_dot_segment, is_framing_header};
use crate::provider::key::{NO_SETTING as NO_KEY_COMMAND, clean as clean_key};

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
            reader.problem("ai-completion", format!("must be a table of settings; it is {}", kind(options)));
        }
        reader
    }

    /// A reader of a table in the settings.
    pub fn of(table: &'a Map<String, Value>) -> Self {
        Self { root: Some(table), known: Vec::new(), problems: Vec::new() }
    }

    /// Takes in the problems of the table `key`, which were found by a reader of its own.
    pub fn take_in(&mut self, key: &str, problems: Vec<Problem>) {
        self.problems.extend(problems.into_iter().map(|problem| Problem {
            setting: None,
            key: [key, ".", &problem.key].concat(),
            ..problem
        }));
    }

    /// All problems, those of unknown names last.
    pub fn finish(mut self) -> Vec<Problem> {
        let mut unknown = Vec::new();
        if let Some(root) = self.root {
            self.find_unknown(root, "", &mut unknown);
        }
        for key in unknown {
            let setting = nearest(&key, self.known.iter().copied());
            let message = match key.rsplit('.').next() {
                Some("key-command") => NO_KEY_COMMAND.to_owned(),
                _ => format!("is not a setting{}", hint(setting)),
            };
            self.problems.push(Problem { setting, key: shown_name(&key), message });
        }
        self.problems
    }

    /// A text that passes `check`, whose error says what is allowed. Empty is always allowed and
    /// means the default.
    pub fn text(&mut self, key: &'static str, into: &mut String, check: impl Fn(&str) -> Result<(), String>) {
        let Some(value) = self.value(key) else { return };
        let allowed = match value.as_str().map(str::trim) {
            None => "a text".to_owned(),
            Some("") => return,
            Some(text) => match check(text) {
                Ok(()) => return text.clone_into(into),
                Err(allowed) => allowed,
            },
        };
        self.problem(key, format!("must be {allowed}; the value given is ignored"));
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
        match value.as_str().map(clean_key) {
            Some(text) if text.chars().all(|c| c.is_ascii_graphic()) => *into = Secret::new(text),
            _ => self.problem(
                key,
                "must be a text of printable ASCII characters without spaces; the value given is ignored"
                    .to_owned(),
            ),
        }
    }

    /// A switch. A value that is neither on nor off means off.
    pub fn flag(&mut self, key: &'static str, into: &mut bool) {
        self.flag_or(key, into, false);
    }

    /// The same; `otherwise` counts if it is neither.
    pub fn flag_or(&mut self, key: &'static str, into: &mut bool, otherwise: bool) {
        let Some(value) = self.value(key) else { return };
        *into = value.as_bool().unwrap_or_else(|| {
            self.wrong(key, "true or false", value, if otherwise { "true" } else { "false" });
            otherwise
        });
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
            Value::String(text) => json::number(text),
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

    /// One of a few words; anything else leaves it as it is.
    pub fn choice<T: Copy + PartialEq>(&mut self, key: &'static str, words: &[(&str, T)], into: &mut T) {
        let kept = *into;
        self.choice_or(key, words, into, kept);
    }

    /// One of a few words; anything else means `otherwise`.
    pub fn choice_or<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        into: &mut T,
        otherwise: T,
    ) {
        let Some(value) = self.value(key) else { return };
        *into = chosen(words, value).unwrap_or_else(|| {
            let used = words.iter().find(|(_, choice)| *choice == otherwise).map_or("", |(word, _)| word);
            self.wrong(key, &one_of(words), value, &format!("\"{used}\""));
            otherwise
        });
    }

    /// A table whose names pass `check` and whose values are one of a few words; other values mean `otherwise`.
    pub fn choices<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        otherwise: T,
        check: &dyn Fn(&str) -> Result<(), String>,
        into: &mut Vec<(String, T)>,
    ) {
        for (name, value) in self.table(key).into_iter().flatten() {
            let place = [".", name].concat();
            let choice = chosen(words, value).unwrap_or_else(|| {
                self.problem_at(key, &place, format!("must be {}; it is {}", one_of(words), kind(value)));
                otherwise
            });
            match check(name) {
                Ok(()) => into.push((name.clone(), choice)),
                Err(allowed) => self.problem_at(key, &place, ["must be ", &allowed].concat()),
            }
        }
    }

    /// A list of globs; those that are none are left out.
    pub fn globs(&mut self, key: &'static str, into: &mut Vec<Glob>) {
        let Some(value) = self.value(key) else { return };
        let Some(items) = value.as_array() else {
            return self.problem(key, format!("must be a list of texts; it is {}", kind(value)));
        };
        into.clear();
        for (at, item) in items.iter().enumerate() {
            match item.as_str().ok_or_else(|| "a text".to_owned()).and_then(Glob::parse) {
                Ok(glob) => into.push(glob),
                Err(allowed) => self.problem_at(key, &format!("[{at}]"), format!("must be {allowed}")),
            }
        }
    }

    /// At most `most` texts, or one; those that do not pass `check` are left out.
    pub fn texts(
        &mut self,
        key: &'static str,
        most: usize,
        check: &dyn Fn(&str) -> Result<(), String>,
        into: &mut Vec<String>,
    ) {
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

    /// A table of HTTP headers. Values are not shown: they may be secrets.
    pub fn headers(&mut self, key: &'static str, into: &mut Vec<(String, String)>) {
        for (name, value) in self.table(key).into_iter().flatten() {
            let name_ok =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let message = match value.as_str().filter(|text| name_ok && !text.chars().any(char::is_control)) {
                Some(_) if is_framing_header(name) => {
                    "decides how requests are read and cannot be set; left out"
                }
                Some(text) => {
                    into.push((name.clone(), text.to_owned()));
                    continue;
                }
                None => "must be a header's name and a text on one line; left out",
            };
            self.problem_at(key, &format!(".{name}"), message.to_owned());
        }
    }

    pub fn table(&mut self, key: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.value(key)?;
        let table = value.as_object();
        if table.is_none() {
            self.problem(key, format!("must be a table; it is {}, ignored", kind(value)));
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
        self.problem(key, format!("must be {allowed}; it is {}, using {kept}", kind(given)));
    }

    fn problem(&mut self, key: &'static str, message: String) {
        self.problem_at(key, "", message);
    }

    /// Something is wrong at a place in the setting.
    fn problem_at(&mut self, key: &'static str, place: &str, message: String) {
        let (setting, key) = (Some(key), shown_name(&[key, place].concat()));
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

/// What a value is. Texts are not quoted: any of them may be a key that was put in the wrong place.
fn kind(value: &Value) -> String {
    match value {
        // Not by `Display`, which would bring a second, indenting writer into the wasm.
        Value::Number(_) | Value::Bool(_) => serde_json::to_string(value).unwrap_or_default(),
        Value::Null => "nothing".to_owned(),
        Value::String(_) => "another text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// A name from the settings, fit to be shown: the folder that is open can give any text as the name of a setting.
fn shown_name(name: &str) -> String {
    const MOST: usize = 60;
    let shown = |c: char| if c.is_ascii_graphic() && c != '`' { c } else { '?' };
    let mut text: String = name.chars().take(MOST).map(shown).collect();
    if name.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
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

/// Allows names of models. One is a part of the URL at some providers, and must stay one.
pub fn model_name(text: &str) -> Result<(), String> {
    printable(text)?;
    if text.split(['/', '\\']).any(is_dot_segment) {
        return Err("the name of a model, without `..`".to_owned());
    }
    Ok(())
}

/// Allows globs that take nothing back.
pub fn plain_glob(text: &str) -> Result<(), String> {
    if Glob::parse(text)?.is_negated() { Err("a glob without `!`".to_owned()) } else { Ok(()) }
}

/// Allows what can name an environment variable.
pub fn variable_name(text: &str) -> Result<(), String> {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err("the name of an environment variable".to_owned())
}

/// Allows base URLs of servers.
pub fn server_url(text: &str) -> Result<(), String> {
    Url::parse(text).map(drop).map_err(|wrong| format!("a URL like https://host/path: this one {wrong}"))
}

const PROXY_SCHEMES: &[&str] = &["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The URL of a proxy without its scheme, user and password, which it may have.
pub fn proxy_url(text: &str) -> Result<Url, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.rsplit('@').next().unwrap_or_default();
    let url = Url::parse(&["http://", authority].concat()).ok();
    url.filter(|_| {
        PROXY_SCHEMES.contains(&scheme) && rest.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
    })
    .ok_or_else(|| format!("a URL that starts with {}://", PROXY_SCHEMES.join(":// or ")))
}
