//! The corpus: drawn cases in `cases/*.txt`, one file per rule.
//!
//! A case is a title (`=== language: what it shows`, with `single` or `block` in brackets after the
//! language when the user wants that), the document with `§` for the cursor, the model's raw answer after
//! `--- model`, and the ghost after `--- ghost`; `--- nothing: Why` instead says that nothing shows.
//! A line break at a part's end belongs to the file, not to the part, `␤` to the part; `␍` means a carriage return,
//! `␉` for a tab, `␛` for an escape, `␇` for a bell, `␣` for a blank at a line's end, `␂` for U+202E, and
//! `␄` for U+FEFF.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

thread_local! {
    /// Bytes that the lexer was given, and lines that were measured.
    pub(super) static READ: Cell<usize> = const { Cell::new(0) };
}

const CORPUS: &[(&str, &str)] = &[
    ("brackets", include_str!("cases/brackets.txt")),
    ("control_chars", include_str!("cases/control_chars.txt")),
    ("prefix_echo", include_str!("cases/prefix_echo.txt")),
    ("scope", include_str!("cases/scope.txt")),
    ("code_fence", include_str!("cases/code_fence.txt")),
    ("enclosing_pair", include_str!("cases/enclosing_pair.txt")),
    ("indentation", include_str!("cases/indentation.txt")),
    ("suffix_overlap", include_str!("cases/suffix_overlap.txt")),
    ("refusal", include_str!("cases/refusal.txt")),
    ("repetition", include_str!("cases/repetition.txt")),
    ("reasoning", include_str!("cases/reasoning.txt")),
    ("special_tokens", include_str!("cases/special_tokens.txt")),
    ("wrapper", include_str!("cases/wrapper.txt")),
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
        for case in format!("\n{text}").split("\n=== ").skip(1) {
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
        .replace('␄', "\u{feff}")
        .replace('␤', "\n")
        .replace('␇', "\u{7}")
}

impl Case {
    fn context(&self) -> CursorContext<'_> {
        CursorContext::new(&self.before, &self.after, &self.language, self.extent)
    }
}

#[test]
fn every_drawn_case_shows_what_it_says() {
    let mut wrong = String::new();
    for case in cases() {
        let processed = postprocess(&case.context(), &case.model, true);
        let shown = match processed.hidden {
            Some(why) => Err(format!("{why:?}")),
            None => Ok(processed.text),
        };
        if shown != case.ghost {
            wrong += &format!("{}\n  wanted {:?}\n  shown  {:?}\n", case.title, case.ghost, shown);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Gives the text to `postprocess` at every length: what it shows must only grow, and once it is complete, what
/// follows must change nothing.
fn grow(context: &CursorContext<'_>, model: &str) -> Result<(), String> {
    let mut last = Processed::default();
    let mut whole: Option<String> = None;
    let ends =
        model.char_indices().map(|(at, _)| (at, false)).chain([(model.len(), false), (model.len(), true)]);
    for (end, ended) in ends {
        let processed = postprocess(context, &model[..end], ended);
        let wrong = |what| Err(format!("{what} at {:?}\n  {last:?}\n  {processed:?}", &model[..end]));
        if !processed.text.starts_with(&last.text) {
            return wrong("jumps");
        }
        if last.complete && !processed.complete
            || whole.as_ref().is_some_and(|whole| !whole.starts_with(&processed.text))
        {
            return wrong("goes on");
        }
        if processed.complete && whole.is_none() {
            whole = Some(postprocess(context, &model[..end], true).text);
        }
        last = processed;
    }
    if whole.is_some_and(|whole| whole != last.text) {
        Err(format!("stopped too early\n  {last:?}"))
    } else {
        Ok(())
    }
}

#[test]
fn what_was_shown_only_grows_at_every_length() {
    for case in cases() {
        if let Err(why) = grow(&case.context(), &case.model) {
            panic!("{}\n  {why}", case.title);
        }
    }
}

#[test]
fn the_corpus_covers_its_ground() {
    let cases = cases();
    let languages: std::collections::HashSet<_> = cases.iter().map(|case| case.language.as_str()).collect();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    assert!(languages.len() >= 10, "{languages:?}");
}

/// Processes an answer that comes in pieces of seven characters when `may_change` says so: the last outcome before
/// the answer's end, and how often it was processed.
fn in_pieces(context: &CursorContext<'_>, model: &str) -> (Processed, usize) {
    let (mut last, mut seen, mut count) = (Processed::default(), 0, 0);
    for (end, _) in model.char_indices().step_by(7) {
        if may_change(&model[seen..end]) {
            (last, seen, count) = (postprocess(context, &model[..end], false), end, count + 1);
        }
    }
    (last, count)
}

#[test]
fn an_answer_in_pieces_is_gone_through_once_a_line() {
    let context = CursorContext::new("fn f() {\n    ", "\n}\n", "rust", Extent::Auto);
    let lines: Vec<_> = (0..40).map(|n| format!("    let value{n} = compute(index, {n});\n")).collect();
    let (processed, count) = in_pieces(&context, &(lines.concat() + "    the_rest"));
    assert_eq!((processed.text.trim(), count), (lines.concat().trim(), lines.len()));
}

#[test]
fn what_ends_no_line_is_noticed_all_the_same() {
    let context = CursorContext::new("int x = ", "\n", "c", Extent::Auto);
    for endless in [format!("a{}", " + b".repeat(100)), format!("1;<|endoftext|>{}", "1;".repeat(20))] {
        assert!(in_pieces(&context, &endless).0.complete, "{endless}");
    }
}

#[test]
fn closers_right_of_the_cursor_may_be_replaced() {
    for (language, document, answer, shown, replaced, text) in [
        ("c", "int x = f(§)\n", "a, b);", "a, b", 1, ");"),
        ("rust", "    let n = load(§)\n", "path).await?;\n", "path", 1, ").await?;"),
        ("javascript", "send([§])\n", "1, 2]).then(done);\n", "1, 2", 2, "]).then(done);"),
        ("java", "String s = \"§\"\r\n", "done\";", "done", 1, "\";"),
        ("python", "names = [§]\n", "a, b] + rest\n", "a, b", 1, "] + rest"),
        ("javascript", "const s = '§'\n", "left';", "left", 1, "';"),
        // What ends the statement stays where it is, whatever comes before it.
        ("c", "int x = f(§);\n", "a, b) + 1;", "a, b", 2, ") + 1;"),
        ("python", "if len(§):\n", "xs) > 3:\n    return xs", "xs", 2, ") > 3:"),
        ("c", "while (§) {\n", "a) && (b) {\n    c();", "a", 3, ") && (b) {"),
    ] {
        let (before, after) = document.split_once('§').unwrap();
        let context = CursorContext::new(before, after, language, Extent::Auto);
        let processed = postprocess(&context, answer, true);
        let replacement = Some(Replacement { replaced, text: text.to_owned() });
        assert_eq!((processed.text.as_str(), processed.replacement), (shown, replacement), "{document:?}");
    }
}

#[test]
fn nothing_but_closers_is_replaced() {
    for (language, document, answer) in [
        ("c", "int x = f(§);\n", "a, b);"),
        ("python", "if x §:\n", "> 3:\n    return x"),
        ("c", "int x = f(§);\n", "a, b) + 1,"),
        ("c", "int x = f(§ + y)\n", "a) + y);"),
        ("c", "int x = f(§)\n", "a, b)"),
        ("c", "if (§)\n", "a) {\n    b();\n}"),
        ("c", "int x = f(§\n", "a, b);"),
    ] {
        let (before, after) = document.split_once('§').unwrap();
        let context = CursorContext::new(before, after, language, Extent::Auto);
        assert_eq!(postprocess(&context, answer, true).replacement, None, "{document:?} {answer:?}");
    }
}

/// The document once Tab has taken what the answer shows.
fn taken(language: &str, document: &str, answer: &str) -> (String, bool) {
    let (before, after) = document.split_once('§').unwrap();
    let context = CursorContext::new(before, after, language, Extent::Auto);
    let processed = postprocess(&context, answer, true);
    let is_replaced = processed.replacement.is_some();
    let Replacement { replaced, text } =
        processed.replacement.unwrap_or(Replacement { replaced: 0, text: String::new() });
    ([before, &processed.text, &text, &after[replaced..]].concat(), is_replaced)
}

#[test]
fn a_rest_of_line_that_the_answer_says_again_with_more_in_between_is_replaced() {
    for (language, document, answer, wanted) in [
        (
            "rust",
            "    let n = §items.len();\n",
            "usize::from(items.len());",
            "    let n = usize::from(items.len());\n",
        ),
        ("c", "int x = f(§x);\n", "g(x));", "int x = f(g(x));\n"),
        ("python", "if §ready:\n", "not is_closed(ready):\n    return", "if not is_closed(ready):\n"),
        ("python", "n = §a + b\n", "a * 2 + b", "n = a * 2 + b\n"),
        ("go", "\tif §err {\n", "wrapped(err) {\n\t\treturn", "\tif wrapped(err) {\n"),
        ("json", "{§\"a\": 1}\n", "\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2}\n"),
        (
            "javascript",
            "send(§größe, 'a  b')\r\n",
            "größe * 2, 'a  b', done)",
            "send(größe * 2, 'a  b', done)\r\n",
        ),
    ] {
        assert_eq!(taken(language, document, answer), (wanted.to_owned(), true), "{document:?} {answer:?}");
    }
}

#[test]
fn what_the_answer_does_not_say_again_stays() {
    for (language, document, answer) in [
        // A word, a sign, a blank within quotes, a comment, or the order is another.
        ("rust", "    let n = §items.len();\n", "usize::from(things.len());"),
        ("c", "int x = f(§x, y);\n", "g(y), h(x));"),
        ("javascript", "send(§n, 'a  b')\n", "m(n), 'a b')"),
        ("c", "int x = f(§x); // first\n", "g(x));"),
        // Part of a longer word.
        ("c", "int x = f(§x);\n", "g(xs));"),
        // A statement, an element or a line that may be meant to be before it.
        ("c", "    §f(x);\n", "f(g(x));"),
        ("c", "a(); §f(x);\n", "f(g(x));"),
        ("c", "    return §x;\n", "a; if (b(x)) x;"),
        ("python", "f(§x, y)\n", "g(x, y), "),
        ("python", "n = §x + 1\n", "g(x + 1) + "),
        ("javascript", "const a = b§.map(f)\n", ".filter(x => x.map(f))"),
        // It fits in before it.
        ("c", "int x = f(§x);\n", "a, x);"),
        ("c", "int x = f(a§, x);\n", "(x), x);"),
        // Words are written from the middle.
        ("python", "# a §list:\n", "sorted or unsorted list of a list:"),
        ("markdown", "See §(this).\n", "also (all of this)."),
    ] {
        assert!(!taken(language, document, answer).1, "{document:?} {answer:?}");
    }
}

#[test]
fn a_suggestion_has_an_end() {
    let context = CursorContext::new("x = 1\n", "", "python", Extent::Auto);
    let lines: String = (0..500).map(|n| format!("name_{n} = {n}\n")).collect();
    let processed = postprocess(&context, &lines, false);
    assert_eq!((processed.text.lines().count(), processed.complete), (400, true));
    let long = format!("a = 1\nb = [{}]\n", "name, ".repeat(20_000));
    let processed = postprocess(&context, &long, false);
    assert_eq!((processed.text.as_str(), processed.complete), ("a = 1", true));
    let words: String = (0..20_000).map(|n| format!("name_{n} + ")).collect();
    let processed = postprocess(&context, &words, false);
    assert_eq!((processed.text.as_str(), processed.complete), ("", true));
    assert_eq!(processed.hidden, Some(Hidden::TooLong));
}

/// In each answer `¦` is where the model is stopped.
#[test]
fn the_model_is_stopped_as_soon_as_nothing_more_would_show() {
    for (language, document, answer) in [
        ("rust", "fn f() {§\n", "\n    a();\n}\n¦\nfn g() {\n"),
        ("rust", "fn f() {\n    §\n}\n", "a();\n    b();\n}\n¦\nfn g() {\n"),
        ("rust", "// Adds.\n§\n", "fn add() {\n    a();\n}\n¦\nfn sub() {\n"),
        ("python", "def f():§\n", "\n    return 1\n\nprint(f())\n¦print(2)\n"),
        ("ruby", "def f§\n", "\n  1\nend\n¦\nf\n"),
        ("java", "int x = f(§, b);\n", "a\n¦c\n"),
        ("go", "x := §\n", "1<|endoftext|>¦<|endoftext|>"),
        ("c", "int x = §\n", "```c\n1;\n```\n¦That is one.\n"),
        ("lua", "§\nreturn x\n", "x = 1\nreturn x\n¦y = 2\n"),
        ("javascript", "const x = §\n", "a + b + c + d + \n  e\n¦"),
    ] {
        let (before, after) = document.split_once('§').unwrap();
        let context = CursorContext::new(before, after, language, Extent::Auto);
        let stop = answer.find('¦').unwrap();
        let model = answer.replacen('¦', "", 1);
        let stopped = (0..=model.len()).find(|&end| postprocess(&context, &model[..end], false).complete);
        assert_eq!(stopped, (stop < model.len()).then_some(stop), "{language}: {model:?}");
    }
}

const LANGUAGES: &[&str] = &[
    "rust",
    "python",
    "javascript",
    "go",
    "c",
    "ruby",
    "lua",
    "shellscript",
    "yaml",
    "html",
    "toml",
    "sql",
    "markdown",
    "",
];
const PLACES: &[&str] = &[
    "§",
    "fn main() {\n    §\n}\n",
    "fn main() {§}\n",
    "def f():§",
    "if x:\n    a()\n    §\nelse:\n    b()\n",
    "class A {\n\tint x;\n\t§\n}\n",
    "foo(§, b);\n",
    "print(\"§\")\n",
    "# §\nx = 1\n",
    "a = b + c\r\n§\r\nd = e\r\n",
    "<ul>\n  <li>§</li>\n</ul>\n",
    "total = compute(items)\n§\nreturn total\n",
    "if a:\n    x = 1\n    y = 2\nif b:\n    §\n    x = 1\n    z()\n",
    "x = [§]\n",
    "f(g(§);\n",
    "  while (§) {\n    a();\n  }\n",
    "x = items.§\n",
    "    '§'\n",
    "{§\n}\n",
    "let v: Vec<§>\n",
    "<a href=\"§\">\n",
    "fn f() {\n    g(\n        a,\n        §",
];
const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    " ",
    "    ",
    "\t",
    "x",
    "foo(",
    ")",
    "{",
    "}",
    "} else {",
    "else:",
    "if x:",
    "if (x) {",
    "end",
    "fi",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "```",
    "```rust\n",
    "~~~",
    "<think>",
    "</think>",
    "<|",
    "fim_middle",
    "|>",
    "<|im_end|>",
    "</s>",
    "<fim_",
    "prefix>",
    "[PREFIX]",
    "Here is the code:",
    "This code does what was asked for.",
    "Sure!",
    "- item",
    "// a",
    "# a",
    "/*",
    "*/",
    "\"\"\"",
    "total = compute(items)",
    "return total",
    "fn main() {",
    "a()",
    "def g():\n",
    "fn g() {\n",
    "case 1:",
    ", b);",
    "é",
    "\r\n",
    "\u{1b}[1m",
    "\u{202e}",
    "</li>",
    "[a]",
    "let x = ",
    "x = 1;\n",
    "    y = 2;\n",
    "a and b are numbers\n",
    "Nothing",
    "(no output)",
    "<code>",
    "</code>",
    "<completion>\n",
    "</completion>",
    "fim_prefix",
    "``",
    "if x:\n    a()\n",
    "x;\n    y;\n",
    "return x",
    "total\n",
    ".iter()",
    "}\n",
    "(a)",
    "<u8>",
    "];\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_shown_only_grows_whatever_the_model_writes(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
        place in prop::sample::select(PLACES),
        language in prop::sample::select(LANGUAGES),
        extent in prop::sample::select(&[Extent::Auto, Extent::Line, Extent::Block][..]),
    ) {
        let (before, after) = place.split_once('§').unwrap();
        let context = CursorContext::new(before, after, language, extent);
        if let Err(why) = grow(&context, &pieces.concat()) {
            prop_assert!(false, "{why}");
        }
    }
}

#[test]
fn the_work_grows_with_the_answer_only() {
    let pieces = [
        "{",
        "}",
        "(",
        "[",
        "\"",
        "'",
        "`",
        "<",
        ">",
        "<|",
        "{{",
        "a ",
        "a(",
        "{\n",
        "}\n",
        "\"\n",
        "(((\n",
        "x = 1;\n",
        "\n",
        " \n",
        "\t",
        "fn a() {\n",
        "def a():\n",
        "<a>",
        "</a>\n",
        "```\n",
        "<think>",
        "</think>",
        "a b c d\n",
        "// a\n",
        "/*",
        "\"\"\"",
        "end\n",
        "else\n",
        "\\",
        "${",
        "r#\"",
        "<<EOF\n",
        "\u{200d}",
        "é",
        "fim_prefix ",
        "[PREFIX]",
        "<s>",
        "- a\n",
        "ab ab ",
        "({[\n",
        "]})\n",
        "f(\"",
        "<code>\n",
        "\r\n",
    ];
    for language in ["rust", "python", "typescriptreact", ""] {
        for (before, after) in [("fn main() {\n    ", "\n}\n"), ("let x = foo(\"", "\")\n"), ("// a", "\n")] {
            for piece in pieces {
                let work = |bytes: usize| {
                    let text = piece.repeat(bytes / piece.len());
                    let context = CursorContext::new(before, after, language, Extent::Block);
                    READ.set(0);
                    let processed = postprocess(&context, &text, true);
                    assert!(processed.text.len() <= 64 << 10 && processed.text.lines().count() <= 400);
                    READ.get()
                };
                let (some, twice) = (work(5_000), work(10_000));
                let told = format!("{language} {before:?} {piece:?}: {some}, {twice}");
                assert!(twice <= 2 * some + some / 5 + 2000 && twice <= 20_000 * 30, "{told}");
            }
        }
    }
}
