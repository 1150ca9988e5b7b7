//! `volt context`: whether prompts have the definitions of what is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ai_completion::completion::postprocess::Extent;
use ai_completion::completion::prompt::{
    Budget, Definitions, RecentEdits, Search, SimilarIndex, Wish, prompt,
};
use ai_completion::completion::trigger::Gates;
use ai_completion::completion::{Buffer, Buffers};
use lexopt::{Arg, ValueExt};
use serde::Serialize;

use super::{Failure, print_json, unexpected};

const HELP: &str = "\
Show how often a prompt has the definition of what is called, where that stands in another file

Usage: cargo volt context [--root DIR] [--calls N] [--json]

      --root DIR  A folder with sources, by default this project's
      --calls N   Look at so many calls, spread evenly over all; by default 300
      --json      Print one JSON object and nothing else

The cursor stands behind the bracket of a call, in a file that does not define the name while one to three others do. Names
that standard libraries have are left out, and no other file is open. `known before`: the definition is in the prompt by a search for the place where the line begins; `by the
next key`: by one more for the call itself. The search runs beside the editor; `key` is what a key pays for it, on average.
With TRACE set, the calls without are told.
";

/// What standard libraries have as well, and a call of it mostly means.
const STANDARD: &[&str] = &[
    "bytes", "clone", "collect", "count", "find", "from", "get", "insert", "into", "iter", "len", "lines",
    "map", "next", "path", "print", "push", "read", "remove", "set", "split", "str", "unwrap", "write",
];

/// Words before a name that defines it.
const DEFINES: &[&str] = &[
    "fn",
    "def",
    "class",
    "struct",
    "enum",
    "trait",
    "type",
    "interface",
    "function",
    "func",
    "fun",
    "macro_rules!",
];
const EXTENSIONS: &[&str] = &["rs", "py", "ts", "js", "go", "java", "c", "h", "cpp", "kt", "rb"];

#[derive(Debug, Default, Serialize)]
struct Measures {
    files: usize,
    calls: usize,
    known_before: usize,
    by_the_next_key: usize,
    /// What looking for names took on average, in microseconds.
    key_us: u128,
}

/// A call of a name that another file defines.
struct Call {
    file: usize,
    /// Behind the bracket.
    offset: usize,
    name: String,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut root, mut most, mut json) = (super::setup::package(), 300usize, false);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("root") => root = PathBuf::from(args.value()?),
            Arg::Long("calls") => most = args.value()?.parse()?,
            Arg::Long("json") => json = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "context")),
        }
    }
    let mut files = Vec::new();
    read(&root, Path::new(""), &mut files)
        .map_err(|error| Failure::Usage(format!("{}: {error}", root.display())))?;
    let measures = measure(&root, &files, most)?;
    if json {
        return print_json(&measures, out);
    }
    let Measures { files, calls, known_before, by_the_next_key, key_us } = measures;
    let share = |part: usize| part as f64 * 100.0 / calls.max(1) as f64;
    writeln!(out, "{files} files, {calls} calls of names that another file defines")?;
    writeln!(out, "known before     {known_before:>5} {:>5.1} %", share(known_before))?;
    writeln!(out, "by the next key  {by_the_next_key:>5} {:>5.1} %", share(by_the_next_key))?;
    Ok(writeln!(out, "key              {key_us:>5} µs")?)
}

/// All sources below a folder, by their paths from `root` on.
fn read(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                read(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|it| EXTENSIONS.iter().any(|known| it == *known))
            && let Ok(text) = fs::read_to_string(root.join(&path))
        {
            files.push((path.to_string_lossy().into_owned(), text));
        }
    }
    Ok(())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names that a text defines.
fn defined(text: &str) -> BTreeSet<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| DEFINES.contains(&pair[0]));
    pairs.filter_map(|pair| pair[1].split(|c| !is_word(c)).next()).filter(|name| name.len() > 2).collect()
}

fn calls(files: &[(String, String)]) -> Vec<Call> {
    let mut where_defined: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (file, (_, text)) in files.iter().enumerate() {
        for name in defined(text) {
            where_defined.entry(name).or_default().insert(file);
        }
    }
    let mut calls = Vec::new();
    for (file, (path, text)) in files.iter().enumerate() {
        for (at, _) in text.match_indices('(') {
            let before = text.get(..at).unwrap_or_default();
            let start = before.rfind(|c| !is_word(c)).map_or(0, |at| at + 1);
            let start = before.ceil_char_boundary(start);
            let name = before.get(start..).unwrap_or_default();
            let head = before.get(..start).unwrap_or_default().trim_end();
            let line = head.rsplit('\n').next().unwrap_or_default().trim_start();
            let defines = DEFINES.iter().any(|word| head.ends_with(word));
            let is_comment = ["//", "#", "*", "\"\"\""].iter().any(|mark| line.starts_with(mark));
            let extension = |path: &str| path.rsplit('.').next().map(str::to_owned);
            let elsewhere = where_defined.get(name).is_some_and(|defining| {
                // What more files define is seldom what is meant: `new`, `get`.
                !defining.contains(&file)
                    && defining.len() <= 3
                    && defining.iter().any(|other| extension(&files[*other].0) == extension(path))
            });
            if elsewhere && !defines && !is_comment && !STANDARD.contains(&name) {
                calls.push(Call { file, offset: at + 1, name: name.to_owned() });
            }
        }
    }
    calls
}

/// The one document that is open.
struct Open<'a>(Buffer<'a>);

impl Buffers for Open<'_> {
    fn get(&self, uri: &str) -> Option<Buffer<'_>> {
        (uri == self.0.uri).then_some(self.0)
    }

    fn all(&self) -> Vec<Buffer<'_>> {
        vec![self.0]
    }
}

fn measure(root: &Path, files: &[(String, String)], most: usize) -> Result<Measures, Failure> {
    let all = calls(files);
    let step = all.len().div_ceil(most).max(1);
    let mut measures = Measures { files: files.len(), ..Measures::default() };
    let mut key = Duration::ZERO;
    for call in all.iter().step_by(step) {
        let Some((path, text)) = files.get(call.file) else { continue };
        let buffer = Buffer { uri: path, path, language: "", text };
        let line = text.get(..call.offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let mut definitions = Definitions::default();
        search(root, &mut definitions, &buffer, 0, line, &mut key)?;
        let known = has_definition(&definitions, &buffer, call);
        search(root, &mut definitions, &buffer, 10_000, call.offset, &mut key)?;
        measures.calls += 1;
        measures.known_before += usize::from(known);
        let is_there = known || has_definition(&definitions, &buffer, call);
        measures.by_the_next_key += usize::from(is_there);
        if !is_there && std::env::var_os("TRACE").is_some() {
            super::tell(format_args!("{path}:{} {}", call.offset, call.name));
        }
    }
    measures.key_us = key.as_micros() / (2 * measures.calls.max(1) as u128);
    Ok(measures)
}

/// Searches as the agent does where there is only `grep`.
fn search(
    root: &Path,
    definitions: &mut Definitions,
    buffer: &Buffer<'_>,
    now_ms: u64,
    offset: usize,
    key: &mut Duration,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let search = definitions.search(now_ms, buffer, offset);
    *key += begin.elapsed();
    let Some(Search { pattern, files }) = search else { return Ok(()) };
    let mut grep = Command::new("grep");
    grep.args(["-rnIsE", "-A", "5", "-m", "8", "--exclude-dir=.?*", "--exclude-dir=target", "-e"]);
    grep.arg(pattern).arg(format!("--include={files}")).arg(".").current_dir(root);
    let found = grep.output().map_err(|error| Failure::Failed(format!("cannot run grep: {error}")))?;
    definitions.found(now_ms, &String::from_utf8_lossy(&found.stdout), &Gates::default());
    Ok(())
}

/// Whether the prompt for the call has a line that defines what is called.
fn has_definition(definitions: &Definitions, buffer: &Buffer<'_>, call: &Call) -> bool {
    let edits = &RecentEdits::default();
    let (offset, extent) = (call.offset, Extent::Auto);
    let wish = Wish { offset, max_tokens: 256, extent, repository: "", edits, definitions };
    let budget = Budget { tokens: 2048, snippets: true, mask_secrets: false, gates: Gates::default() };
    let prompt = prompt(&mut SimilarIndex::default(), buffer, &Open(*buffer), &wish, &budget);
    prompt.snippets.iter().any(|snippet| defined(&snippet.text).contains(call.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_what_another_file_defines_are_found_and_their_definitions_quoted() {
        let root = std::env::temp_dir().join(format!("volt-context-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        for (name, text) in [
            (
                "a.py",
                "from b import total\n\ndef main():\n    local()\n    # total(2)\n    return total(1)\n\ndef local():\n    pass\n",
            ),
            ("b.py", "def total(x):\n    return x\n"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        let mut files = Vec::new();
        read(&root, Path::new(""), &mut files).unwrap();
        let measures = measure(&root, &files, 10).unwrap();
        fs::remove_dir_all(&root).unwrap();
        let Measures { files, calls, known_before, by_the_next_key, .. } = measures;
        assert_eq!((files, calls, known_before, by_the_next_key), (2, 1, 1, 1));
    }
}
