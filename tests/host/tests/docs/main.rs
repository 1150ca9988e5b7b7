//! The documents say what is so: links lead somewhere, settings and commands exist, what is made from the source is as
//! the source has it. `UPDATE_EXPECT=1` writes the last kind anew.

mod commands;
mod links;
mod markdown;
mod messages;
mod recipes;
mod rooms;
// Where Lapce's folder can be put elsewhere by a variable.
#[cfg(target_os = "linux")]
mod runs;
mod settings;
mod shown;

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A document: its path in the repository, and its text.
struct Document {
    path: PathBuf,
    text: String,
}

/// Every document of the project.
fn documents() -> Vec<Document> {
    let root = root();
    let mut documents = Vec::new();
    for folder in ["", "docs", ".github"] {
        for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                documents.push(Document { path: path.strip_prefix(&root).unwrap().to_owned(), text });
            }
        }
    }
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(documents.len() > 10, "{} documents", documents.len());
    documents
}

/// Holds the part of a document between two marks against what it should be.
fn hold(path: &str, begin: &str, end: &str, expected: &str) {
    let path = root().join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect(begin);
    let (_, after) = rest.split_once(end).expect(end);
    let expected = [before, begin, expected, end, after].concat();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let now = std::fs::read_to_string(&path).unwrap();
    assert_eq!(now, expected, "UPDATE_EXPECT=1 writes {} anew", path.display());
}
