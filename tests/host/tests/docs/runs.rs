//! Every command line of the tool in the documents is run: in a folder of its own that has the files it names, and with a
//! server on this machine in place of those that it would ask.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use ai_completion::provider;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Request, Script, Server};

use super::commands::commands;
use super::documents;
use super::markdown::Parts;

/// What is not run, and why not. That it exists, with these options, is held by `commands`.
const NOT_RUN: &[(&str, &str)] = &[
    ("bench", "builds its peers, and measures for minutes"),
    ("bench start", "the same"),
    ("complete", "only its name: docs/troubleshooting.md has a whole line"),
    ("criteria", "builds its peers, and measures for minutes"),
    ("replay", "only its name: docs/performance.md has a whole line"),
    ("size", "builds the plugin and all it depends on with other options, which takes minutes"),
];

/// Options that have a command end after seconds instead of minutes. The last of a kind counts.
const SHORTER: &[(&str, &[&str])] = &[
    ("chaos", &["--runs", "1"]),
    ("context", &["--calls", "3"]),
    ("session", &["--seconds", "2", "--idle-seconds", "0"]),
    ("simulate", &["--hours", "1"]),
    ("soak", &["--simulated", "20", "--real", "10"]),
];

/// How many at a time: most of them wait for something.
const AT_A_TIME: usize = 3;

/// The command lines, each once: what stands behind `cargo volt`.
fn lines() -> BTreeSet<Vec<String>> {
    let mut lines = BTreeSet::new();
    for document in documents().iter().filter(|document| document.path != Path::new("CHANGELOG.md")) {
        let parts = Parts::of(&document.text);
        let scripts = parts.blocks.iter().filter(|(language, _)| language == "sh").map(|(_, script)| script);
        let code = parts.code.iter().filter(|code| code.starts_with("cargo volt "));
        for line in scripts.chain(code).flat_map(|script| script.lines()) {
            take(line.trim(), &mut lines);
        }
    }
    lines
}

fn take(line: &str, into: &mut BTreeSet<Vec<String>>) {
    for command in commands(line) {
        for inner in command.iter().filter_map(|word| word.strip_prefix("$(")?.strip_suffix(')')) {
            take(inner, into);
        }
        if let [cargo, volt, rest @ ..] = &command[..]
            && (cargo.as_str(), volt.as_str()) == ("cargo", "volt")
            && !rest.is_empty()
            && !rest.iter().any(|word| word == "COMMAND")
        {
            let any_number = |word: &String| if word == "N" { "1".to_owned() } else { word.clone() };
            into.insert(rest.iter().map(any_number).collect());
        }
    }
}

/// Plays Anthropic and Ollama, which have a model for code.
fn server() -> Server {
    const PIECES: &[&str] = &[" +", " sec", "ond", ";", " //", " and"];
    let claude = provider::find("anthropic").unwrap().defaults().model;
    let play = move |request: &Request| {
        let stream = |shape: Shape| Script::stream(shape, PIECES, Pace::every(Duration::from_millis(20)));
        let json = |body: &str| Script::whole(200, "application/json", body);
        match request.path.as_str() {
            "/v1/models" => json(&format!(r#"{{"data":[{{"id":"{claude}"}}]}}"#)),
            "/v1/messages" => stream(shape::anthropic),
            "/api/tags" => json(r#"{"models":[{"name":"qwen2.5-coder:1.5b-base"}]}"#),
            _ => stream(shape::ollama_generate),
        }
    };
    Server::start(play).unwrap()
}

/// The files that command lines name.
fn fill(folder: &Path) {
    let lines = "    let one = 1;\n".repeat(20);
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), format!("fn main() {{\n{lines}}}\n")).unwrap();
    fs::write(folder.join("body.sse"), shape::anthropic(&["let", " x"]).bytes()).unwrap();
    let opened = r#"{"t_ms":0,"doc":1,"kind":"open","path":"a.py","language":"python","text":"a = 1\n"}"#;
    let mut session = vec![opened.to_owned()];
    session.push(r#"{"t_ms":10,"doc":1,"kind":"focus"}"#.to_owned());
    session.extend("b = 2".char_indices().map(|(at, c)| {
        let (t_ms, offset) = (1000 + 200 * at, 6 + at);
        format!(
            r#"{{"t_ms":{t_ms},"doc":1,"kind":"insert","offset":{offset},"removed":0,"text":"{c}","by":"char"}}"#
        )
    }));
    fs::write(folder.join("session.jsonl"), session.join("\n")).unwrap();
    fs::write(folder.join("fetches.jsonl"), "{\"ms\":300,\"cancelled\":false}\n".repeat(9)).unwrap();
}

/// The tool in this folder: nothing of the user's is read or written, but for what builds the plugin.
fn tool(folder: &Path, server: &Server) -> Command {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_volt"));
    let home = std::env::var_os("HOME").unwrap_or_default();
    for (variable, own) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let kept = std::env::var_os(variable).map_or(Path::new(&home).join(own), PathBuf::from);
        tool.env(variable, kept);
    }
    for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
        tool.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    tool.current_dir(folder).env("HOME", folder).env("XDG_DATA_HOME", folder.join("data"));
    tool.env("ANTHROPIC_API_KEY", "sk-of-a-test");
    tool.env("OLLAMA_HOST", server.url().trim_start_matches("http://"));
    tool
}

/// Runs one; its complaint.
fn run(words: &[String], folder: &Path, server: &Server) -> Option<String> {
    fill(folder);
    let name = words.first().map(String::as_str).unwrap_or_default();
    if matches!(name, "stats" | "uninstall") {
        // These are about a plugin that is installed and has been used.
        assert!(tool(folder, server).arg("install").output().unwrap().status.success());
        let plugin = folder.join("data/lapce-stable/plugins/ai-completion.ai-completion");
        fs::write(plugin.join("statistics"), "# head\nollama 20 10 8 30 6000 900 300\n").unwrap();
    }
    let mut tool = tool(folder, server);
    // Lapce's folder on somebody's machine.
    tool.args(words.iter().map(|word| word.replace("/opt/lapce", &folder.to_string_lossy())));
    if matches!(name, "check" | "complete") && words.iter().any(|word| word == "anthropic") {
        tool.args(["--base-url", &server.url()]);
    }
    let shorter = SHORTER.iter().find(|(command, _)| *command == name);
    let output = tool.args(shorter.into_iter().flat_map(|(_, options)| *options)).output().unwrap();
    let is_well = output.status.success() && !output.stdout.is_empty();
    (!is_well).then(|| {
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        format!("cargo volt {}: {}\n{out}{err}", words.join(" "), output.status)
    })
}

#[test]
fn every_command_line_of_the_tool_works() {
    let all = lines();
    for (words, why) in NOT_RUN {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        assert!(all.contains(&words), "{words:?} stands nowhere: it needs no excuse ({why})");
    }
    for (name, _) in SHORTER {
        assert!(all.iter().any(|words| words.first().is_some_and(|first| first == name)), "{name}");
    }
    let is_run = |words: &&Vec<String>| !NOT_RUN.iter().any(|(not, _)| *not == words.join(" "));
    let runs: Vec<&Vec<String>> = all.iter().filter(is_run).collect();
    assert!(runs.len() > 20, "{runs:?}");
    let server = server();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-{}", std::process::id()));
    let left = Mutex::new(runs.iter().enumerate());
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((number, words)) = next else { break };
                    let complaint = run(words, &folder.join(number.to_string()), &server);
                    complaints.lock().unwrap().extend(complaint);
                }
            });
        }
    });
    fs::remove_dir_all(&folder).unwrap();
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}
