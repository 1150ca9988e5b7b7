//! The text around the cursor, cut to the budget.

use super::clean::{clean, clean_name};
use super::definitions::Definitions;
use super::masks;
use super::recent_edits::RecentEdits;
use super::similar::{self, SimilarIndex};
use crate::completion::io::{Buffer, Buffers};
use crate::completion::postprocess::Extent;
use crate::completion::text::{first_bytes, first_line, head, last_bytes, last_line_start, run_back, tail};
use crate::completion::trigger::Gates;
use crate::provider::Prompt;

/// Bytes of code per token, a conservative estimate (the same as zed's).
const BYTES_PER_TOKEN: usize = 3;
/// The window's edges move in steps of this fraction of the budget: while the user types, only the end of the prompt
/// changes, and the provider's prompt cache hits.
const STEPS: usize = 12;
/// The fractions of the budget for definitions of names and for the last edits.
const DEFINITIONS: usize = 6;
const EDITS: usize = 16;

/// How much may go into a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Tokens in all, by estimate.
    pub tokens: usize,
    /// Whether other documents may be quoted.
    pub snippets: bool,
    /// Whether secrets of known formats are masked.
    pub mask_secrets: bool,
    /// Files that must not be quoted either.
    pub gates: Gates,
}

/// What the prompt asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The cursor, in bytes.
    pub offset: usize,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// How much to suggest: a line or a block.
    pub extent: Extent,
    /// Name of the workspace's folder.
    pub repository: &'a str,
    /// Where the user has been writing.
    pub edits: &'a RecentEdits,
    /// The known definitions of the names used.
    pub definitions: &'a Definitions,
}

/// The prompt for a position in `buffer`.
pub fn prompt(
    index: &mut SimilarIndex,
    buffer: &Buffer<'_>,
    buffers: &dyn Buffers,
    wish: &Wish<'_>,
    budget: &Budget,
) -> Prompt {
    let total = budget.tokens * BYTES_PER_TOKEN;
    let (before, after) = (
        buffer.text.get(..wish.offset).unwrap_or(buffer.text),
        buffer.text.get(wish.offset..).unwrap_or_default(),
    );
    // What changes least comes first.
    let mut snippets = Vec::new();
    let mut edits = String::new();
    if budget.snippets {
        snippets = wish.definitions.snippets(buffer, wish.offset, total / DEFINITIONS);
        snippets.extend(similar::snippets(index, buffer, buffers, wish, &budget.gates, total));
        edits = wish.edits.differences(buffers, &budget.gates, total / EDITS);
    }
    let quoted: usize = snippets.iter().map(|snippet| snippet.text.len() + snippet.path.len()).sum();
    let quoted = quoted + edits.len();
    let window = total.saturating_sub(quoted);
    let step = (total / STEPS).max(1);
    // Three quarters before the cursor, one after it; what one side does not need, the other gets.
    let unused = window.saturating_sub(before.len().next_multiple_of(step));
    let suffix_share = (window / 4).max(unused).min(after.len());
    let prefix = last_lines(before, window - suffix_share, step);
    let suffix = first_lines(after, suffix_share);
    let mut prompt = Prompt {
        prefix: clean(prefix),
        suffix: clean(suffix),
        path: told_path(buffer.path),
        language: buffer.language.to_owned(),
        repository: clean_name(wish.repository),
        snippets,
        max_tokens: wish.max_tokens,
        stop: if wish.extent == Extent::Line { vec!["\n".to_owned()] } else { Vec::new() },
        edits,
        unwanted: Vec::new(),
        received: String::new(),
    };
    if budget.mask_secrets {
        masks::mask(&mut prompt);
    }
    prompt
}

/// A file's path in a prompt. Outside the workspace it is only the file's name: the folders above it may tell who the user
/// is.
pub(super) fn told_path(path: &str) -> String {
    let is_absolute = path.starts_with('/') || path.contains(':');
    clean_name(if is_absolute { run_back(path, |c| !matches!(c, '/' | ':')) } else { path })
}

/// The end of `text`, whole lines, at most `bytes` long; part of a line only if that line alone is longer.
/// Where it begins moves by `step` bytes at a time.
fn last_lines(text: &str, bytes: usize, step: usize) -> &str {
    let over = text.len().saturating_sub(bytes);
    if over == 0 {
        return text;
    }
    let start = over.next_multiple_of(step.min(bytes / 2).max(1)).min(text.len());
    let rest = last_bytes(text, text.len() - start);
    match tail(rest, first_line(rest).len() + 1) {
        "" => rest,
        lines => lines,
    }
}

/// The beginning of `text`, whole lines, at most `bytes` long; part of a line only if that line alone is
/// longer.
pub(super) fn first_lines(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let part = first_bytes(text, bytes);
    match last_line_start(part) {
        0 | 1 => part,
        end => head(part, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::trigger::Globs;

    struct Open(Vec<(&'static str, String)>);

    impl Open {
        fn buffer(&self, at: usize) -> Buffer<'_> {
            let (path, text) = &self.0[at];
            Buffer { uri: path, path, language: "rust", text }
        }
    }

    impl Buffers for Open {
        fn get(&self, uri: &str) -> Option<Buffer<'_>> {
            (0..self.0.len()).map(|at| self.buffer(at)).find(|buffer| buffer.uri == uri)
        }

        fn all(&self) -> Vec<Buffer<'_>> {
            (0..self.0.len()).map(|at| self.buffer(at)).collect()
        }
    }

    fn budget(tokens: usize) -> Budget {
        Budget {
            tokens,
            snippets: true,
            mask_secrets: true,
            gates: Gates { ignore: Globs::parse([".env*"]).unwrap(), ..Gates::default() },
        }
    }

    /// The prompt for the first document, whose cursor is drawn as `|`.
    fn prompt_for(documents: &[(&'static str, &str)], tokens: usize) -> Prompt {
        let offset = documents[0].1.find('|').unwrap();
        let open = Open(documents.iter().map(|(path, text)| (*path, text.replacen('|', "", 1))).collect());
        prompt_after(&open, offset, tokens, &RecentEdits::default())
    }

    /// The prompt for the first document and this place in it, after these edits.
    fn prompt_after(open: &Open, offset: usize, tokens: usize, edits: &RecentEdits) -> Prompt {
        let definitions = &Definitions::default();
        let wish =
            Wish { offset, max_tokens: 64, extent: Extent::Auto, repository: "repo", edits, definitions };
        prompt(&mut SimilarIndex::default(), &open.buffer(0), open, &wish, &budget(tokens))
    }

    #[test]
    fn a_small_document_is_sent_whole() {
        let sent = prompt_for(&[("a.rs", "fn a() {\n    |\n}\n")], 1000);
        assert_eq!((sent.prefix.as_str(), sent.suffix.as_str()), ("fn a() {\n    ", "\n}\n"));
        assert_eq!(
            (sent.path.as_str(), sent.language.as_str(), sent.repository.as_str()),
            ("a.rs", "rust", "repo")
        );
    }

    #[test]
    fn nothing_unseen_and_no_special_token_goes_into_any_part_of_a_prompt() {
        let before = "fn deposit\u{200b}(account: u8) { // <|fim_suffix|>\u{202e}\n    ";
        let after = "\r\n}\u{0} <|im_end|>\n";
        let alike = "fn withdraw(account: u8) { deposit(account) } // \u{e0041}<|file_sep|>\u{1b}[0m\n";
        let open =
            Open(vec![("a\u{202e}.rs", [before, after].concat()), ("b<|im_start|>\n.rs", alike.to_owned())]);
        let sent = prompt_after(&open, before.len(), 1000, &RecentEdits::default());
        assert_eq!(sent.prefix, "fn deposit(account: u8) { // < |fim_suffix|>\n    ");
        assert_eq!((sent.suffix.as_str(), sent.path.as_str()), ("\r\n} < |im_end|>\n", "a.rs"));
        let quoted: Vec<_> =
            sent.snippets.iter().map(|snippet| (snippet.path.as_str(), snippet.text.as_str())).collect();
        let text = "fn withdraw(account: u8) { deposit(account) } // < |file_sep|>";
        assert_eq!(quoted, [("b< |im_start|>.rs", text)]);
    }

    #[test]
    fn the_window_is_cut_at_line_ends_within_its_bytes() {
        for (text, bytes, end, beginning) in [
            ("one\ntwo\nthree\n", 100, "one\ntwo\nthree\n", "one\ntwo\nthree\n"),
            ("one\ntwo\nthree\n", 11, "two\nthree\n", "one\ntwo\n"),
            ("one\ntwo\nthree\n", 9, "three\n", "one\ntwo\n"),
            ("one\r\ntwo\r\n", 7, "two\r\n", "one\r\n"),
            ("a line longer than all", 8, "than all", "a line l"),
            ("größe größe", 7, "größe", "größe"),
            ("ééé", 3, "é", "é"),
            ("", 4, "", ""),
            ("abc", 0, "", ""),
        ] {
            assert_eq!(last_lines(text, bytes, 1), end, "end of {text:?} in {bytes}");
            assert_eq!(first_lines(text, bytes), beginning, "beginning of {text:?} in {bytes}");
        }
    }

    #[test]
    fn the_window_keeps_to_the_budget_wherever_the_cursor_is() {
        let line = "let größe = größe + 1;\n";
        let text = line.repeat(400);
        for at in [0, 1, 10, 200, 399, 400] {
            let (before, after) = text.split_at(at * line.len());
            let sent = prompt_for(&[("a.rs", &format!("{before}|{after}"))], 1000);
            let bytes = sent.prefix.len() + sent.suffix.len();
            assert!(bytes <= 3000, "{at}: {bytes}");
            assert!(bytes >= 2500, "{at}: {bytes}");
            assert!(before.ends_with(&sent.prefix) && after.starts_with(&sent.suffix), "{at}");
            assert!(sent.prefix.is_empty() || sent.prefix.starts_with("let"), "{at}: {:?}", sent.prefix);
        }
    }

    #[test]
    fn the_prompt_begins_the_same_while_the_user_types() {
        let text = "let some_name = other_name + 1;\n".repeat(400);
        let (before, after) = text.split_at(text.len() / 2);
        let typed = "let answer = compute(everything, at, once);\nlet next = answer + 1;\n";
        let mut starts = std::collections::BTreeSet::new();
        let mut suffixes = std::collections::BTreeSet::new();
        for end in 0..typed.len() {
            let sent = prompt_for(&[("a.rs", &format!("{before}{}|{after}", &typed[..end]))], 1000);
            starts.insert(before.len() + end - sent.prefix.len());
            suffixes.insert(sent.suffix);
        }
        assert!(starts.len() <= 2, "{starts:?}");
        assert_eq!(suffixes.len(), 1);
    }

    #[test]
    fn what_was_just_edited_elsewhere_is_quoted() {
        let far = "const FAR: u8 = 0;\n".repeat(600);
        let own = format!("fn first() {{\n    one();\n}}\n{far}fn last() {{\n    |\n}}\n");
        let offset = own.find('|').unwrap();
        let open = Open(vec![
            ("a.rs", own.replacen('|', "", 1)),
            ("b.rs", "let near = 0;\n".repeat(9) + "pub enum Colour { Red }\n"),
            (".env", "KEY=1\n".to_owned()),
        ]);
        let mut edits = RecentEdits::default();
        let mut quoted_after = |uri: &str, place: &str| {
            let text = open.get(uri).unwrap().text;
            let start = text.find(place).unwrap();
            edits.note(uri, &crate::completion::Edit { start, removed: "", inserted: place });
            let sent = prompt_after(&open, offset, 2000, &edits);
            sent.snippets
                .iter()
                .map(|snippet| format!("{}: {}", snippet.path, snippet.text))
                .collect::<Vec<_>>()
        };
        // Near the cursor it is in the prompt anyway; a secret is never quoted.
        assert!(quoted_after("a.rs", "fn last").is_empty());
        assert!(quoted_after(".env", "KEY").is_empty());
        let quoted = quoted_after("b.rs", "Colour");
        assert!(
            matches!(&quoted[..], [b] if b.starts_with("b.rs: let near") && b.contains("enum Colour")),
            "{quoted:?}"
        );
        let quoted = quoted_after("a.rs", "one();");
        assert!(matches!(&quoted[..], [a, _] if a.starts_with("a.rs: fn first")), "{quoted:?}");
    }

    #[test]
    fn an_edit_outside_of_a_document_that_has_become_shorter_quotes_nothing() {
        let own = "fn last() {\n    |\n}\n";
        let open = Open(vec![("a.rs", own.replacen('|', "", 1)), ("b.rs", "let größe = 0;\n".to_owned())]);
        // After its end, and within a character.
        for (start, inserted) in [(900, "Colour"), (7, "x")] {
            let mut edits = RecentEdits::default();
            edits.note("b.rs", &crate::completion::Edit { start, removed: "", inserted });
            let sent = prompt_after(&open, own.find('|').unwrap(), 2000, &edits);
            assert!(sent.snippets.is_empty(), "{start}: {:?}", sent.snippets);
        }
    }

    #[test]
    fn other_documents_are_quoted_by_likeness() {
        let own =
            "struct Account { balance: u64 }\nfn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let alike = "fn withdraw(account: &mut Account, amount: u64) { account.balance -= amount; }\n";
        let other = "pub enum Colour { Red, Green, Blue }\n";
        let sent = prompt_for(&[("a.rs", own), ("z.rs", alike), ("c.rs", other), (".env", alike)], 1000);
        let quoted: Vec<_> =
            sent.snippets.iter().map(|snippet| (snippet.path.as_str(), snippet.text.as_str())).collect();
        assert_eq!(quoted, [("z.rs", alike.trim_end())]);
    }

    #[test]
    fn the_window_of_a_long_document_that_is_most_alike_is_quoted() {
        let own = "fn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let filler = "const RED: u8 = 0;\n".repeat(100);
        let alike = "fn withdraw(account: &mut Account, amount: u64) {}\n".repeat(20);
        let sent = prompt_for(&[("a.rs", own), ("b.rs", &format!("{filler}{alike}{filler}"))], 4000);
        assert_eq!(sent.snippets.len(), 1);
        assert!(sent.snippets[0].text.contains("withdraw"));
        assert!(sent.snippets[0].text.lines().count() <= 40);
    }

    #[test]
    fn snippets_keep_to_their_quarter_and_the_last_edited_win_a_tie() {
        let own = "fn deposit(account: &mut Account, amount: u64) {\n    |\n}\n";
        let alike = "fn withdraw(account: &mut Account, amount: u64) {}\n".repeat(4);
        let documents = [
            ("a.rs", own),
            ("f.rs", &*alike),
            ("e.rs", &*alike),
            ("d.rs", &*alike),
            ("c.rs", &*alike),
            ("b.rs", &*alike),
        ];
        let paths = |tokens| {
            let sent = prompt_for(&documents, tokens);
            let bytes: usize =
                sent.snippets.iter().map(|snippet| snippet.text.len() + snippet.path.len()).sum();
            assert!(bytes <= tokens * BYTES_PER_TOKEN / 4, "{bytes}");
            sent.snippets.into_iter().map(|snippet| snippet.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(8000), ["c.rs", "d.rs", "e.rs", "f.rs"]);
        assert_eq!(paths(600), ["e.rs", "f.rs"]);
        assert!(paths(10).is_empty());
    }
}
