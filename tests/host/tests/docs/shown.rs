//! What is shown elsewhere is fit for it: the README of Lapce's plugin page, and the picture of the demo.

use std::process::Command;

use volt_host::plugin_page::Page;

use super::root;

#[test]
fn lapces_plugin_page_draws_all_of_its_readme() {
    let text = std::fs::read_to_string(root().join("PLUGIN.md")).unwrap();
    let page = Page::draw(&text);
    assert_eq!(page.faults, Vec::<String>::new());
    // On many lines: paragraphs and items stand apart.
    assert!(page.text.lines().count() > 20, "{}", page.text);
}

/// Runs the released wasm. `UPDATE_EXPECT=1` writes the picture anew.
#[test]
fn the_picture_of_the_demo_is_what_a_run_gives() {
    let output = Command::new(env!("CARGO_BIN_EXE_volt")).args(["demo", "--svg", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = root().join("docs/demo.svg");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &output.stdout).unwrap();
    }
    let picture = std::fs::read(&path).unwrap();
    assert!(picture == output.stdout, "UPDATE_EXPECT=1 writes docs/demo.svg anew");
}
