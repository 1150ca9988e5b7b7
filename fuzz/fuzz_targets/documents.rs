//! Any edits of a document: it stays in step with the same edits on UTF-16 text, as LSP defines them.
//! First line: the text, with `\n` written as `|`. Then one edit per line: four bytes (start line and column, end
//! line and column, each modulo 16) and the new text.

#![no_main]

use ai_completion::lapce::documents::{Change, Documents, OpenedDocument};
use libfuzzer_sys::fuzz_target;
use lsp_types::{Position, Range};

const URI: &str = "file:///a.rs";

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('|', "\n");
    let mut naive = text(lines.next().unwrap_or_default());
    let mut documents = Documents::new("");
    let opened = OpenedDocument { uri: URI.into(), language_id: "rust".into(), text: naive.clone() };
    documents.open(opened);
    let document = documents.edited(URI).expect("it was opened");
    for line in lines.take(32) {
        let [a, b, c, d, new @ ..] = line else { return };
        let position = |line: &u8, column: &u8| Position::new(u32::from(line % 16), u32::from(column % 16));
        let range = Range { start: position(a, b), end: position(c, d) };
        let new = text(new);
        let (start, end) = (offset(&naive, range.start), offset(&naive, range.end));
        let end = end.max(start);
        document.apply(&Change { range: Some(range), text: new.clone() });
        naive.replace_range(start..end, &new);
        assert_eq!(document.text(), naive);
        let position = document.position(start);
        assert_eq!(document.offset(position), start);
    }
});

/// The byte offset of a position, by counting UTF-16 units from the text's beginning.
fn offset(text: &str, position: Position) -> usize {
    let Some(line) = text.split('\n').nth(position.line as usize) else { return text.len() };
    let start = line.as_ptr().addr() - text.as_ptr().addr();
    let mut units = 0;
    for (at, character) in line.char_indices() {
        units += character.len_utf16() as u32;
        if units > position.character {
            return start + at;
        }
    }
    // A column behind the line's end is in front of the `\r` that ends it.
    let is_behind = units < position.character && line.ends_with('\r');
    start + line.len() - usize::from(is_behind)
}
