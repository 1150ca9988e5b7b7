//! Commands in the documents exist, with the options that they are given.

use std::collections::HashMap;
use std::process::Command;

use super::markdown::Parts;
use super::{documents, root};

/// Programs that are not of this project.
const FOREIGN: &[&str] = &[
    "cat",
    "cd",
    "chmod",
    "cp",
    "curl",
    "export",
    "gcloud",
    "gh",
    "git",
    "lapce",
    "llama-server",
    "lms",
    "ls",
    "mkdir",
    "mv",
    "ollama",
    "pip",
    "python3",
    "rustup",
    "sha256sum",
    "sudo",
    "tar",
    "tee",
    "unzip",
    "vllm",
    "volts",
];
/// Subcommands of cargo.
const OF_CARGO: &[&str] = &[
    "+nightly", "bench", "build", "check", "clippy", "deny", "doc", "fmt", "install", "mutants", "run",
    "test",
];

/// What `cargo volt COMMAND --help` says, asked once.
#[derive(Default)]
struct Tool(HashMap<String, String>);

impl Tool {
    fn help(&mut self, command: &str) -> &str {
        self.0.entry(command.to_owned()).or_insert_with(|| {
            let output = Command::new(env!("CARGO_BIN_EXE_volt")).args([command, "--help"]).output().unwrap();
            let help = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && help.contains("Usage:"), "there is no `cargo volt {command}`");
            help
        })
    }

    /// Fails unless the tool has this command with these options.
    fn check(&mut self, words: &[String], place: &str) {
        let Some(command) = words.first() else { panic!("{place}: which command of `cargo volt`?") };
        if command.starts_with('-') {
            return;
        }
        let help = self.help(command);
        for option in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
            let name = option.split('=').next().unwrap_or(option);
            // Each command has it, or its help would not have come.
            if name == "--help" {
                continue;
            }
            let known = help.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name);
            assert!(known, "{place}: `cargo volt {command}` has no {name}");
        }
    }
}

/// The words of a command line, as a shell would cut them; quotes and comments are taken out.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The commands of one line of a script: split where one ends.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let words = words(line);
    let parts = words.split(|word| matches!(word.as_str(), "&&" | "||" | "|" | ";"));
    // NAME=value before a command.
    let is_variable = |word: &&String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
        })
    };
    parts
        .map(|part| part.iter().skip_while(is_variable).cloned().collect::<Vec<_>>())
        .filter(|part| !part.is_empty())
        .collect()
}

fn check(tool: &mut Tool, line: &str, place: &str) {
    for command in commands(line) {
        let Some((program, rest)) = command.split_first() else { continue };
        match (program.as_str(), rest.first().map(String::as_str)) {
            ("cargo", Some("volt")) => tool.check(&rest[1..], place),
            ("cargo", Some(sub)) => assert!(OF_CARGO.contains(&sub), "{place}: cargo {sub}"),
            (program, _) if program.contains('/') => {
                let script = root().join(program);
                assert!(script.exists(), "{place}: {program} is not there");
            }
            (program, _) => assert!(FOREIGN.contains(&program), "{place}: what is `{program}`?"),
        }
        // `"$(cargo volt package)"`
        for inner in rest.iter().filter_map(|word| word.strip_prefix("$(")?.strip_suffix(')')) {
            check(tool, inner, place);
        }
    }
}

#[test]
fn commands_and_their_options_exist() {
    let mut tool = Tool::default();
    let mut seen = 0;
    for document in documents() {
        let parts = Parts::of(&document.text);
        for (_, script) in parts.blocks.iter().filter(|(language, _)| language == "sh") {
            for line in script.replace("\\\n", " ").lines() {
                check(&mut tool, line.trim(), &format!("{}: {line}", document.path.display()));
                seen += 1;
            }
        }
        for code in parts.code.iter().filter(|code| code.starts_with("cargo ")) {
            // `cargo volt COMMAND --help` speaks of all of them.
            let line = code.replace("COMMAND", "demo");
            if line.trim() != "cargo volt" {
                check(&mut tool, &line, &format!("{}: {code}", document.path.display()));
            }
        }
    }
    assert!(seen > 20, "{seen} commands");
}

#[test]
fn the_workflows_and_the_whole_check_run_what_there_is() {
    let mut tool = Tool::default();
    let mut seen = 0;
    for path in [".ci/run", ".github/workflows/ci.yml", ".github/workflows/release.yml"] {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        for line in text.lines() {
            let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            let line = line.strip_prefix("bash ").unwrap_or(line);
            // Of the rest only a shell knows what it is.
            if ["cargo ", ".ci/", "fuzz/"].iter().any(|begin| line.starts_with(begin)) {
                check(&mut tool, line, &format!("{path}: {line}"));
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen} commands");
}

#[test]
fn a_line_is_cut_into_commands_as_a_shell_does() {
    assert_eq!(words("a \"b c\" 'd' # e"), ["a", "b c", "d"]);
    assert_eq!(commands("X=1 a b && c | d"), [vec!["a", "b"], vec!["c"], vec!["d"]]);
}
