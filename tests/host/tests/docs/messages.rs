//! What the troubleshooting page quotes is what the plugin says.

use std::path::Path;

use super::root;

/// All texts of the plugin's source, as they are read: without the escapes of string literals.
fn source(path: &Path, into: &mut String) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source(&path, into);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            into.push_str(&text.replace("\\\\", "\\"));
        }
    }
}

#[test]
fn quoted_messages_are_said() {
    let page = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let mut said = String::new();
    source(&root().join("src"), &mut said);
    // The first column of a table, up to what differs each time.
    let quoted = page.lines().filter_map(|line| line.strip_prefix("| \"")?.split(['"', '…']).next());
    let quoted: Vec<String> = quoted.map(|text| text.trim().replace("\\\\", "\\")).collect();
    assert!(quoted.len() > 10, "{quoted:?}");
    let unsaid: Vec<_> = quoted.iter().filter(|text| !said.contains(text.as_str())).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}
