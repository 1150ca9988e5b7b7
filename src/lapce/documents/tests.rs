use proptest::prelude::*;

use super::*;

fn document(text: &str) -> Document {
    Document::new("file:///w/a.rs".to_owned(), "a.rs".to_owned(), "rust".to_owned(), text.to_owned())
}

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

fn replace(start: Position, end: Position, text: &str) -> Change {
    Change { range: Some(lsp_types::Range { start, end }), text: text.to_owned() }
}

fn whole(text: &str) -> Change {
    Change { range: None, text: text.to_owned() }
}

#[test]
fn positions_are_utf16_and_clamped() {
    // text, position, byte offset
    let cases = [
        ("", at(0, 0), 0),
        ("", at(3, 7), 0),
        ("ab\ncd", at(0, 2), 2),
        ("ab\ncd", at(0, 9), 2),
        ("ab\ncd", at(1, 1), 4),
        ("ab\ncd", at(1, 9), 5),
        ("ab\ncd", at(2, 0), 5),
        ("ab\n", at(1, 0), 3),
        ("é=1", at(0, 1), 2),
        ("日本", at(0, 1), 3),
        ("a𝒳b", at(0, 1), 1),
        ("a𝒳b", at(0, 2), 1),
        ("a𝒳b", at(0, 3), 5),
        ("a𝒳b", at(0, 4), 6),
        ("ab\r\ncd", at(0, 2), 2),
        ("ab\r\ncd", at(0, 3), 3),
        ("ab\r\ncd", at(0, 4), 2),
        ("ab\r\ncd", at(1, 0), 4),
        ("a\rb\nc", at(1, 0), 4),
        ("ab", at(u32::MAX, u32::MAX), 2),
        ("ab", at(0, u32::MAX), 2),
    ];
    for (text, position, offset) in cases {
        assert_eq!(document(text).offset(position), offset, "{text:?} {position:?}");
    }
}

#[test]
fn offsets_inside_a_character_or_behind_the_end_are_clamped() {
    let document = document("é\n𝒳");
    assert_eq!(document.position(1), at(0, 0));
    assert_eq!(document.position(5), at(1, 0));
    assert_eq!(document.position(99), at(1, 2));
}

#[test]
fn changes_apply_and_say_what_they_did() {
    // text, change, new text, edit
    let cases = [
        ("", replace(at(0, 0), at(0, 0), "x"), "x", (0, "", "x")),
        ("ab\ncd", replace(at(1, 1), at(1, 1), "é"), "ab\ncéd", (4, "", "é")),
        ("ab\r\ncd", replace(at(0, 2), at(0, 2), "\r\n"), "ab\r\n\r\ncd", (2, "", "\r\n")),
        ("ab\r\ncd", replace(at(0, 2), at(1, 0), ""), "abcd", (2, "\r\n", "")),
        ("ab\ncd", replace(at(1, 2), at(0, 1), "x"), "ab\ncdx", (5, "", "x")),
        ("let x = 1;\n", whole("let xy = 1;\n"), "let xy = 1;\n", (5, "", "y")),
        ("aaa", whole("aa"), "aa", (2, "a", "")),
        ("aé", whole("aè"), "aè", (1, "é", "è")),
        ("日a", whole("旦a"), "旦a", (0, "日", "旦")),
        ("same", whole("same"), "same", (4, "", "")),
        ("old", whole(""), "", (0, "old", "")),
    ];
    for (text, change, new, (start, removed, inserted)) in cases {
        let mut document = document(text);
        let replaced = document.apply(&change);
        assert_eq!(document.text(), new, "{text:?} {change:?}");
        let edit = replaced.edit(document.text());
        assert_eq!(edit, Edit { start, removed, inserted }, "{text:?} {change:?}");
    }
}

#[test]
fn a_document_that_grows_too_big_is_dropped_and_comes_back_when_it_shrinks() {
    let mut document = document("");
    document.apply(&whole(&"x".repeat(MAX_BYTES)));
    assert!(!document.too_big());
    document.apply(&replace(at(0, 0), at(0, 0), "y"));
    assert!(document.too_big());
    assert_eq!(document.text(), "");
    document.apply(&replace(at(9, 9), at(9, 9), "y"));
    assert!(document.too_big());
    document.apply(&whole("small\n"));
    assert!(!document.too_big());
    assert_eq!(document.text(), "small\n");
    assert_eq!(document.offset(at(1, 0)), 6);
}

#[test]
fn uris_name_paths() {
    let cases = [
        ("file:///home/u/a%20b%C3%A9.rs", "/home/u/a bé.rs"),
        ("file:///c%3A/work/x.rs", "c:/work/x.rs"),
        ("file:///C:/work/x.rs", "C:/work/x.rs"),
        ("file:///a%2", "/a%2"),
        ("file:///a%zz%", "/a%zz%"),
        ("file:///a%FF", "/a\u{FFFD}"),
        ("untitled:1", "untitled:1"),
    ];
    for (uri, path) in cases {
        assert_eq!(path_of(uri), path, "{uri}");
    }
}

#[test]
fn opening_again_replaces() {
    let mut documents = Documents::default();
    for text in ["one", "two"] {
        documents.open(OpenedDocument {
            uri: "file:///a".to_owned(),
            language_id: String::new(),
            text: text.to_owned(),
        });
    }
    let texts: Vec<_> = documents.all().iter().map(|buffer| buffer.text).collect();
    assert_eq!(texts, ["two"]);
}

#[test]
fn paths_are_relative_to_the_workspace_and_the_document_used_last_comes_first() {
    let mut documents = Documents::new("/w/pro ject");
    for uri in ["file:///w/pro%20ject/src/a.rs", "file:///w/pro%20jector/b.rs", "file:///c.rs"] {
        documents.open(OpenedDocument {
            uri: uri.to_owned(),
            language_id: String::new(),
            text: String::new(),
        });
    }
    let paths = |documents: &Documents| -> Vec<String> {
        documents.all().iter().map(|buffer| buffer.path.to_owned()).collect()
    };
    assert_eq!(paths(&documents), ["/c.rs", "/w/pro jector/b.rs", "src/a.rs"]);
    assert!(documents.edited("file:///w/pro%20ject/src/a.rs").is_some());
    assert!(documents.edited("file:///none").is_none());
    assert_eq!(paths(&documents), ["src/a.rs", "/c.rs", "/w/pro jector/b.rs"]);
}

#[test]
fn the_documents_used_longest_ago_are_dropped_when_there_are_too_many_bytes_or_documents() {
    for (bytes, opened, kept) in [(MAX_BYTES, 12, MOST_BYTES / MAX_BYTES), (1, MOST + 3, MOST), (1, 3, 3)] {
        let mut documents = Documents::new("");
        for n in 0..opened {
            let uri = format!("file:///{n}.rs");
            let text = "x".repeat(bytes);
            documents.open(OpenedDocument { uri, language_id: String::new(), text });
            assert!(documents.edited("file:///0.rs").is_some(), "used all the time");
        }
        assert_eq!(documents.all().len(), kept);
        assert_eq!(documents.is_lost("file:///1.rs"), kept < opened);
        assert!(documents.document(&format!("file:///{}.rs", opened - 1)).is_some());
    }
}

/// The same, without an index: walks the text from its start.
fn naive_offset(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 0..position.line {
        match text[start..].find('\n') {
            Some(at) => start += at + 1,
            None => return text.len(),
        }
    }
    let line = text[start..].split('\n').next().unwrap_or_default();
    let mut column = 0;
    for (at, c) in line.char_indices() {
        column += c.len_utf16();
        if column > position.character as usize {
            return start + at;
        }
    }
    if column < position.character as usize && line.ends_with('\r') {
        return start + line.len() - 1;
    }
    start + line.len()
}

fn text() -> impl Strategy<Value = String> {
    // Lines around the block size of the column search, with every width of UTF-8.
    proptest::collection::vec(
        prop_oneof!["[a-z]{0,70}", "[aé日𝒳]{0,40}", Just("\n".to_owned()), Just("\r\n".to_owned())],
        0..8,
    )
    .prop_map(|pieces| pieces.concat())
}

fn change() -> impl Strategy<Value = Change> {
    let position = || (0..10u32, 0..90u32).prop_map(|(line, character)| at(line, character));
    let range = proptest::option::weighted(
        0.8,
        (position(), position()).prop_map(|(start, end)| lsp_types::Range { start, end }),
    );
    (range, text()).prop_map(|(range, text)| Change { range, text })
}

proptest! {
    #[test]
    fn agrees_with_the_naive_model(start in text(), changes in proptest::collection::vec(change(), 1..6)) {
        let mut document = document(&start);
        let mut model = start;
        for change in changes {
            let old = model.clone();
            match change.range {
                None => model = change.text.clone(),
                Some(range) => {
                    let from = naive_offset(&model, range.start);
                    let to = naive_offset(&model, range.end).max(from);
                    model.replace_range(from..to, &change.text);
                }
            }
            let replaced = document.apply(&change);
            prop_assert_eq!(document.text(), &model);
            let edit = replaced.edit(&model);
            prop_assert!(old[edit.start..].starts_with(edit.removed));
            let mut patched = old;
            patched.replace_range(edit.start..edit.start + edit.removed.len(), edit.inserted);
            prop_assert_eq!(&patched, &model);
            for (offset, _) in model.char_indices().chain([(model.len(), ' ')]) {
                let position = document.position(offset);
                prop_assert_eq!(naive_offset(&model, position), offset);
                prop_assert_eq!(document.offset(position), offset);
            }
            for line in 0..10 {
                for character in [0, 1, 2, 3, 63, 64, 65, 90, 200] {
                    let position = at(line, character);
                    prop_assert_eq!(document.offset(position), naive_offset(&model, position));
                }
            }
        }
    }
}
