//! The picture of the rooms in ARCHITECTURE.md, drawn from the paths that the source uses.

use std::collections::BTreeSet;
use std::path::Path;

use super::{hold, root};

const BEGIN: &str = "<!-- rooms: drawn by the test `rooms` of volt-host -->\n";
const END: &str = "<!-- end of rooms -->\n";

/// The rooms from the editor inwards: name, and the file or folder below `src`.
const ROOMS: &[(&str, &str)] = &[
    ("lapce", "lapce"),
    ("completion", "completion"),
    ("config", "config"),
    ("local_model", "local_model"),
    ("statistics", "statistics"),
    ("transport", "transport"),
    ("provider", "provider"),
    ("stream", "stream"),
    ("http", "http"),
    ("sse", "sse"),
    ("json_tree", "json_tree"),
    ("unseen", "unseen"),
    ("json", "json"),
    ("lanes", "lanes"),
];

/// The paths by which others name a room.
fn names(room: &str) -> Vec<String> {
    match room {
        "sse" | "json" => vec![format!("{room}::"), format!("crate::{room}::")],
        "lanes" => vec!["byte_lanes::".to_owned()],
        room => vec![format!("crate::{room}::"), format!("crate::{room};")],
    }
}

/// The source of a room without its tests and its comments.
fn source(path: &Path, into: &mut String) {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // `testing`, `naive` and `simulation` are compiled for tests alone.
    if matches!(name, "tests" | "tests.rs" | "testing.rs" | "naive.rs" | "simulation" | "simulation.rs") {
        return;
    }
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| source(entry, into));
    } else if let Some(text) = name.ends_with(".rs").then(|| std::fs::read_to_string(path).ok()).flatten() {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            into.push_str(line);
            into.push('\n');
        }
    }
}

/// Whether a path with this beginning is in the source, and not as the end of a longer one.
fn uses(source: &str, path: &str) -> bool {
    source.match_indices(path).any(|(at, _)| {
        let before = source[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_' && before != ':'
    })
}

/// A module that is left out of the list would be left out of the picture.
#[test]
fn every_module_of_the_plugin_is_a_room() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = text
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let missing: Vec<&str> = modules.filter(|module| ROOMS.iter().all(|(room, _)| room != module)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_picture_shows_who_uses_whom() {
    let src = root().join("src");
    let mut edges = BTreeSet::new();
    for (from, (room, folder)) in ROOMS.iter().enumerate() {
        let mut text = String::new();
        source(&src.join(folder), &mut text);
        source(&src.join(format!("{folder}.rs")), &mut text);
        assert!(!text.is_empty(), "{room}");
        for (to, (other, _)) in ROOMS.iter().enumerate().filter(|(to, _)| *to != from) {
            if names(other).iter().any(|name| uses(&text, name)) {
                edges.insert((from, to));
            }
        }
    }
    let mut picture = "```mermaid\nflowchart TD\n".to_owned();
    for (from, to) in &edges {
        picture += &format!("    {} --> {}\n", ROOMS[*from].0, ROOMS[*to].0);
    }
    picture += "```\n";
    hold("ARCHITECTURE.md", BEGIN, END, &picture);
}
