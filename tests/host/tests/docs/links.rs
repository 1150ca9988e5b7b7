//! Links within the repository lead somewhere, and every document is reached from the README.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::markdown::Parts;
use super::{documents, root};

/// Whether a link leads out of the repository.
fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn relative_links_lead_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for document in documents() {
        for link in Parts::of(&document.text).links {
            if is_elsewhere(&link) {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = document.path.parent().unwrap_or(Path::new(""));
            let target = if file.is_empty() { document.path.clone() } else { plain(&folder.join(file)) };
            let path = root().join(&target);
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let has_anchor =
                anchor.is_empty() || Parts::of(&text).anchors.iter().any(|found| found == anchor);
            if !path.exists() || !has_anchor {
                broken.push(format!("{}: {link}", document.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_document_is_reached_from_the_readme() {
    let documents = documents();
    let mut reached = BTreeSet::from([PathBuf::from("README.md")]);
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(path) = next.pop() {
        let Some(document) = documents.iter().find(|document| document.path == path) else { continue };
        for link in Parts::of(&document.text).links {
            let file = link.split('#').next().unwrap_or_default();
            let target = plain(&path.parent().unwrap_or(Path::new("")).join(file));
            if !is_elsewhere(&link) && reached.insert(target.clone()) {
                next.push(target);
            }
        }
    }
    // PLUGIN.md is shown by Lapce, and GitHub shows its own form for pull requests.
    let shown_elsewhere = [Path::new("PLUGIN.md"), Path::new(".github/pull_request_template.md")];
    let lost: Vec<_> = documents
        .iter()
        .map(|document| &document.path)
        .filter(|path| !reached.contains(*path) && !shown_elsewhere.contains(&path.as_path()))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Code such as `src/provider/registry.rs` names a file or folder that is there.
#[test]
fn paths_in_the_text_are_there() {
    let rooms = ["src/", "tests/", "benches/", "fuzz/", "docs/", "examples/", ".github/", ".ci/", ".cargo/"];
    let mut missing = Vec::new();
    for document in documents() {
        // What a past version had may be gone.
        if document.path == Path::new("CHANGELOG.md") {
            continue;
        }
        for code in Parts::of(&document.text).code {
            let path = code.split([' ', ':']).next().unwrap_or_default();
            let is_path = rooms.iter().any(|room| path.starts_with(room));
            let is_example = path.contains(['*', '<']) || path == "src/main.rs";
            if is_path
                && !is_example
                && path.chars().all(|c| !c.is_uppercase())
                && !root().join(path).exists()
            {
                missing.push(format!("{}: {code}", document.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
