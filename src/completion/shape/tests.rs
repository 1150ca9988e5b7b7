//! The corpus: drawn cases in `cases/*.txt`, one file per rule.
//!
//! A case is a title (`=== language: what it shows`, with `single` or `block` in brackets behind the
//! language when the user wants that), the document with `§` for the cursor, the model's raw answer after
//! `--- model`, and the ghost after `--- ghost`; `--- nothing: Why` instead says that nothing shows.
//! A line break at a part's end belongs to the file, not to the part; `␍` stands for a carriage return,
//! `␉` for a tab, `␛` for an escape, `␣` for a blank at a line's end, and `␂` for U+202E.

use super::*;

const CORPUS: &[(&str, &str)] = &[
    ("bracket", include_str!("cases/bracket.txt")),
    ("control", include_str!("cases/control.txt")),
    ("echo", include_str!("cases/echo.txt")),
    ("extent", include_str!("cases/extent.txt")),
    ("fence", include_str!("cases/fence.txt")),
    ("indent", include_str!("cases/indent.txt")),
    ("overlap", include_str!("cases/overlap.txt")),
    ("repeat", include_str!("cases/repeat.txt")),
    ("think", include_str!("cases/think.txt")),
    ("tokens", include_str!("cases/tokens.txt")),
];

struct Case {
    title: String,
    language: String,
    extent: Extent,
    before: String,
    after: String,
    model: String,
    ghost: Result<String, String>,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, text) in CORPUS {
        for case in text.split("=== ").skip(1) {
            let (title, rest) = case.split_once('\n').unwrap();
            let (language, what) = title.split_once(": ").unwrap();
            let (language, extent) = match language.split_once(" [") {
                Some((language, "single]")) => (language, Extent::Line),
                Some((language, "block]")) => (language, Extent::Block),
                Some(_) => panic!("{file}: {title}"),
                None => (language, Extent::Auto),
            };
            let (document, rest) =
                rest.split_once("\n--- model\n").unwrap_or_else(|| panic!("{file}: {title}"));
            let (model, ghost) = match rest.split_once("\n--- ghost\n") {
                Some((model, ghost)) => (model, Ok(drawn(ghost.trim_end_matches('\n')))),
                None => {
                    let (model, why) =
                        rest.split_once("\n--- nothing: ").unwrap_or_else(|| panic!("{file}: {title}"));
                    (model, Err(why.trim().to_owned()))
                }
            };
            let (before, after) =
                document.split_once('§').unwrap_or_else(|| panic!("{file}: {title}: no cursor"));
            cases.push(Case {
                title: format!("{file}: {language}: {what}"),
                language: language.to_owned(),
                extent,
                before: drawn(before),
                after: drawn(after),
                model: drawn(model),
                ghost,
            });
        }
    }
    cases
}

fn drawn(text: &str) -> String {
    text.replace('␍', "\r")
        .replace('␉', "\t")
        .replace('␛', "\u{1b}")
        .replace('␣', " ")
        .replace('␂', "\u{202e}")
}

impl Case {
    fn place(&self) -> Place<'_> {
        Place { before: &self.before, after: &self.after, language: &self.language, extent: self.extent }
    }
}

#[test]
fn every_drawn_case_shows_what_it_says() {
    let mut wrong = String::new();
    for case in cases() {
        let shaped = shape(&case.place(), &case.model, true);
        let shown = match shaped.hidden {
            Some(why) => Err(format!("{why:?}")),
            None => Ok(shaped.text),
        };
        if shown != case.ghost {
            wrong += &format!("{}\n  wanted {:?}\n  shown  {:?}\n", case.title, case.ghost, shown);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn what_was_shown_only_grows_at_every_length() {
    for case in cases() {
        let mut shown = String::new();
        let ends = case.model.char_indices().map(|(at, _)| at).chain([case.model.len()]);
        for end in ends {
            let shaped = shape(&case.place(), &case.model[..end], false);
            assert!(shaped.text.starts_with(&shown), "{}\n  {shown:?}\n  {:?}", case.title, shaped.text);
            shown = shaped.text;
        }
        let shaped = shape(&case.place(), &case.model, true);
        assert!(shaped.text.starts_with(&shown), "{}\n  {shown:?}\n  {:?}", case.title, shaped.text);
    }
}

#[test]
fn the_corpus_covers_its_ground() {
    let cases = cases();
    let languages: std::collections::HashSet<_> = cases.iter().map(|case| case.language.as_str()).collect();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    assert!(languages.len() >= 10, "{languages:?}");
}
