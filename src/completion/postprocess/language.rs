//! What the rules know of a language: how its blocks end, and what its comments and strings look like.

use crate::completion::text::{
    begins, begins_with_one, begins_with_word, count, ends, ends_with_one, first_word, is_among, last_word,
    skip_back, tail,
};

/// How a block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocks {
    /// By a closing brace.
    Braces,
    /// By a word: `end`, `fi`, `done`.
    Words,
    /// By a line further left.
    Indentation,
    /// By a closing tag.
    Tags,
    /// There are none to speak of.
    None,
}

/// A string's or block comment's marks.
#[derive(Debug)]
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Whether it may go on over a line's end.
    pub(super) spans_lines: bool,
    /// Whether a backslash takes the next character's meaning away.
    pub(super) escapes: bool,
    /// What begins code within the string; that code ends with the matching brace.
    pub(super) code: &'static str,
    /// Whether it is a comment, not a string.
    pub(super) is_comment: bool,
}

/// What two dots in a row mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dots {
    /// Nothing: one of them is a slip.
    Error,
    /// A range of values.
    Range,
    /// An operator before names and calls.
    Operator,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) blocks: Blocks,
    /// Text in it is prose as often as code: a sentence is no reason to hide an answer.
    pub(super) is_prose: bool,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comments: &'static [Quote],
    /// Longest first.
    pub(super) quotes: &'static [Quote],
    /// An apostrophe begins a character or else something that does not end (`'a` in Rust).
    pub(super) has_lifetimes: bool,
    /// `<<END` begins text that ends with the line `END`; these characters may be between `<<` and `END`. Empty: there are none.
    pub(super) here_document: &'static str,
    /// Columns of a step of indentation where the document shows none.
    pub(super) indent: usize,
    /// Whether elements of markup are expressions.
    pub(super) has_jsx: bool,
    /// Whether `Nothing` or `nothing` is a name of the language.
    pub(super) has_nothing: bool,
    /// Whether backquotes are code.
    pub(super) has_backquotes: bool,
    /// How two dots are read.
    pub(super) dots: Dots,
    /// Whether a sigil before a name may be doubled: `@@count`, `$$reference`.
    pub(super) doubles_sigils: bool,
}

const fn quote(mark: &'static str) -> Quote {
    Quote { open: mark, close: mark, spans_lines: false, escapes: true, code: "", is_comment: false }
}

const fn long(mark: &'static str) -> Quote {
    Quote { spans_lines: true, ..quote(mark) }
}

const fn raw(open: &'static str, close: &'static str) -> Quote {
    Quote { open, close, spans_lines: true, escapes: false, code: "", is_comment: false }
}

const fn comment(open: &'static str, close: &'static str) -> Quote {
    Quote { is_comment: true, ..raw(open, close) }
}

const fn with_code(quote: Quote, code: &'static str) -> Quote {
    Quote { code, ..quote }
}

const C_COMMENT: &[Quote] = &[comment("/*", "*/")];
const PLAIN: &[Quote] = &[quote("\""), quote("'")];

const C: Language = Language {
    blocks: Blocks::Braces,
    is_prose: false,
    line_comments: &["//"],
    block_comments: C_COMMENT,
    quotes: PLAIN,
    has_lifetimes: false,
    here_document: "",
    indent: 4,
    has_jsx: false,
    has_nothing: false,
    has_backquotes: false,
    dots: Dots::Error,
    doubles_sigils: false,
};
const HASH: Language = Language {
    blocks: Blocks::Indentation,
    line_comments: &["#"],
    block_comments: &[],
    quotes: PLAIN,
    indent: 2,
    ..C
};
const UNKNOWN: Language = Language {
    blocks: Blocks::Indentation,
    is_prose: true,
    line_comments: &["//", "#", "--"],
    block_comments: &[],
    quotes: &[quote("\"")],
    has_lifetimes: true,
    indent: 4,
    has_backquotes: true,
    dots: Dots::Operator,
    ..HASH
};
const PROSE: Language = Language { blocks: Blocks::None, line_comments: &[], quotes: &[], ..UNKNOWN };

const RUST: Language = Language {
    quotes: &[raw("r#\"", "\"#"), raw("r\"", "\""), long("\"")],
    has_lifetimes: true,
    dots: Dots::Range,
    ..C
};
const GO: Language =
    Language { has_backquotes: true, quotes: &[raw("`", "`"), quote("\""), quote("'")], ..C };
const SCRIPT: Language = Language {
    quotes: &[with_code(long("`"), "${"), quote("\""), quote("'")],
    indent: 2,
    has_jsx: true,
    has_backquotes: true,
    ..C
};
const TEXT_BLOCKS: Language = Language { quotes: &[long("\"\"\""), quote("\""), quote("'")], ..C };
const DOLLAR: Language = Language {
    quotes: &[with_code(long("\"\"\""), "${"), with_code(quote("\""), "${"), with_code(quote("'"), "${")],
    has_nothing: true,
    dots: Dots::Operator,
    ..C
};
const SWIFT: Language = Language { dots: Dots::Range, quotes: &[long("\"\"\""), quote("\"")], ..C };
const CSS: Language = Language { line_comments: &[], indent: 2, ..C };
const SCSS: Language = Language { indent: 2, ..C };
const PHP: Language = Language {
    has_backquotes: true,
    dots: Dots::Range,
    here_document: "<\"' ",
    line_comments: &["//", "#"],
    quotes: &[long("\""), long("'")],
    ..C
};
const PERL: Language = Language {
    doubles_sigils: true,
    has_backquotes: true,
    dots: Dots::Range,
    here_document: "~\"'",
    line_comments: &["#"],
    block_comments: &[],
    quotes: PLAIN,
    ..C
};
const POWERSHELL: Language = Language {
    has_backquotes: true,
    dots: Dots::Range,
    line_comments: &["#"],
    block_comments: &[comment("<#", "#>")],
    quotes: PLAIN,
    ..C
};
const JSON: Language = Language { line_comments: &[], quotes: &[quote("\"")], indent: 2, ..C };

const PYTHON: Language = Language {
    quotes: &[
        with_code(Quote { open: "f\"", close: "\"", ..quote("\"") }, "{"),
        with_code(Quote { open: "f'", close: "'", ..quote("'") }, "{"),
        long("\"\"\""),
        long("'''"),
        quote("\""),
        quote("'"),
    ],
    indent: 4,
    ..HASH
};
const COFFEE: Language =
    Language { quotes: &[with_code(long("\"\"\""), "#{"), with_code(long("\""), "#{"), long("'")], ..HASH };
const FSHARP: Language = Language {
    dots: Dots::Range,
    has_backquotes: true,
    line_comments: &["//"],
    block_comments: &[comment("(*", "*)")],
    quotes: &[long("\"\"\""), long("\"")],
    has_lifetimes: true,
    indent: 4,
    ..HASH
};
const HASKELL: Language = Language {
    dots: Dots::Operator,
    has_backquotes: true,
    has_nothing: true,
    line_comments: &["--"],
    block_comments: &[comment("{-", "-}")],
    quotes: &[quote("\"")],
    has_lifetimes: true,
    ..HASH
};
const MAKE: Language = Language {
    doubles_sigils: true,
    has_backquotes: true,
    dots: Dots::Operator,
    quotes: &[],
    indent: 4,
    ..HASH
};

const RUBY: Language = Language {
    doubles_sigils: true,
    dots: Dots::Range,
    has_backquotes: true,
    here_document: "-~\"'",
    blocks: Blocks::Words,
    quotes: &[with_code(long("\""), "#{"), long("'")],
    ..HASH
};
const ELIXIR: Language = Language {
    dots: Dots::Range,
    blocks: Blocks::Words,
    quotes: &[with_code(long("\"\"\""), "#{"), with_code(long("\""), "#{"), quote("'")],
    ..HASH
};
const LUA: Language = Language {
    dots: Dots::Operator,
    blocks: Blocks::Words,
    line_comments: &["--"],
    block_comments: &[comment("--[[", "]]")],
    quotes: &[raw("[[", "]]"), quote("\""), quote("'")],
    ..HASH
};
const JULIA: Language = Language {
    has_backquotes: true,
    has_nothing: true,
    blocks: Blocks::Words,
    block_comments: &[comment("#=", "=#")],
    quotes: &[long("\"\"\""), quote("\"")],
    has_lifetimes: true,
    indent: 4,
    ..HASH
};
const ERLANG: Language = Language { blocks: Blocks::Words, line_comments: &["%"], indent: 4, ..HASH };
const BASIC: Language = Language {
    has_nothing: true,
    blocks: Blocks::Words,
    line_comments: &["'"],
    quotes: &[quote("\"")],
    indent: 4,
    ..HASH
};
const SHELL: Language = Language {
    has_backquotes: true,
    dots: Dots::Operator,
    here_document: "-\"' ",
    blocks: Blocks::Words,
    quotes: &[with_code(long("\""), "${"), Quote { escapes: false, ..long("'") }],
    ..HASH
};

const MARKUP: Language = Language {
    has_backquotes: true,
    blocks: Blocks::Tags,
    line_comments: &[],
    block_comments: &[comment("<!--", "-->")],
    quotes: &[],
    indent: 2,
    ..UNKNOWN
};

const SQL: Language = Language {
    doubles_sigils: true,
    has_backquotes: true,
    blocks: Blocks::None,
    line_comments: &["--"],
    quotes: &[long("'"), long("\"")],
    indent: 4,
    ..C
};
const TABLES: Language = Language { blocks: Blocks::None, line_comments: &["#", ";"], ..HASH };
const DOCKER: Language = Language { blocks: Blocks::None, indent: 4, ..HASH };
const BATCH: Language =
    Language { blocks: Blocks::None, line_comments: &["REM ", "::"], quotes: &[], ..HASH };
const LISP: Language = Language {
    has_backquotes: true,
    dots: Dots::Operator,
    blocks: Blocks::None,
    line_comments: &[";"],
    quotes: &[long("\"")],
    has_lifetimes: true,
    ..HASH
};

/// Languages by Lapce's language ids, and by the names that other editors give to those it calls "".
const LANGUAGES: &[(&str, &Language)] = &[
    ("rust", &RUST),
    ("go", &GO),
    ("javascript javascriptreact typescript typescriptreact jsx tsx", &SCRIPT),
    ("c cpp objective-c objective-cpp dlang zig proto thrift", &C),
    ("java csharp", &TEXT_BLOCKS),
    ("kotlin kotlinbuildscript scala groovy dart", &DOLLAR),
    ("swift", &SWIFT),
    ("css", &CSS),
    ("scss less", &SCSS),
    ("php", &PHP),
    ("perl perl6 r", &PERL),
    ("powershell", &POWERSHELL),
    ("json jsonc", &JSON),
    ("python", &PYTHON),
    ("yaml", &HASH),
    ("coffeescript", &COFFEE),
    ("fsharp ocaml", &FSHARP),
    ("elm haskell", &HASKELL),
    ("makefile", &MAKE),
    ("ruby", &RUBY),
    ("elixir", &ELIXIR),
    ("lua", &LUA),
    ("julia", &JULIA),
    ("erlang", &ERLANG),
    ("vb", &BASIC),
    ("shellscript shell bash sh", &SHELL),
    ("html xml xsl vue svelte handlebars", &MARKUP),
    ("sql", &SQL),
    ("toml ini", &TABLES),
    ("dockerfile", &DOCKER),
    ("bat", &BATCH),
    ("clojure", &LISP),
    ("markdown tex latex plaintext", &PROSE),
];

/// The language with this id.
pub(super) fn of(id: &str) -> &'static Language {
    LANGUAGES.iter().find(|(ids, _)| is_among(id, ids)).map_or(&UNKNOWN, |(_, language)| language)
}

/// Words that end a block, or begin its next part.
const END_WORDS: &str = "end fi done esac until endif endfunction endwhile endfor End";
const NEXT_WORDS: &str =
    "else elif elsif elseif except finally catch rescue ensure when after in Else ElseIf Catch";

impl Language {
    /// Whether a line does nothing but close a block.
    pub(super) fn closes(&self, line: &str) -> bool {
        let line = line.trim_start();
        begins(line, ")]}")
            || match self.blocks {
                Blocks::Tags => begins_with_one(line, &["</", "{/"]),
                Blocks::Words => begins_with_word(line, END_WORDS) || line.starts_with(";;"),
                Blocks::Braces | Blocks::Indentation | Blocks::None => false,
            }
    }

    /// Whether a line begins the next part of a construct that the lines above began: `else:`.
    pub(super) fn goes_on(&self, line: &str) -> bool {
        matches!(self.blocks, Blocks::Words | Blocks::Indentation)
            && begins_with_word(line, NEXT_WORDS)
            && !(self.line_comments.contains(&"#")
                && self.blocks == Blocks::Words
                && first_word(line) == "in"
                && line.contains('='))
    }

    /// Whether a line closes a block or begins its next part.
    #[inline(never)]
    pub(super) fn joins(&self, line: &str) -> bool {
        self.closes(line) || self.goes_on(line)
    }

    /// Whether the line under `code` (a line without its comment) must be further right.
    pub(super) fn opens(&self, code: &str) -> bool {
        let code = code.trim_end();
        if ends(code, "{([") {
            return self.blocks != Blocks::None;
        }
        let word = first_word(code);
        match self.blocks {
            Blocks::None => false,
            Blocks::Braces => code.ends_with(':') && is_among(word, "case default"),
            Blocks::Indentation => {
                code.ends_with(':')
                    || code.ends_with("->")
                    || begins_scalar(code)
                    || is_among(last_word(code), "do of where then else")
            }
            Blocks::Words => opens_with_words(code),
            Blocks::Tags => opens_tag(code),
        }
    }
}

/// Whether a line begins a block that a word ends.
fn opens_with_words(code: &str) -> bool {
    const HEADERS: &str = "def defp defmodule class module function if unless while until for case begin elif elsif \
        elseif else rescue ensure when";
    let last = last_word(code);
    // A block's value may have a name, and a function a word before it.
    let code = code.trim_start();
    let (name, value) = code.split_once(" = ").unwrap_or(("", code));
    let first = first_word(code);
    let named = if is_among(first, "local private protected public") { tail(code, first.len()) } else { "" };
    let header =
        is_among(first, HEADERS) || [value, named].iter().any(|code| begins_with_word(code, HEADERS));
    // `def f(x), do: y` in Elixir, `def f(x) = y` in Ruby.
    let short = code.contains(", do:") || first_word(name) == "def" && count(name, "(") == count(name, ")");
    let function = (code.contains("function(") || code.contains("function (")) && code.ends_with(')');
    let block = code.ends_with('|') && (code.contains(" do |") || code.contains("{ |"));
    let opens = header || function || is_among(last, "do then else repeat in begin");
    block || opens && !short && !is_among(last, END_WORDS) && !code.contains(" then return ")
}

/// Whether a line of YAML ends with the mark of a text of more than one line (YAML 1.2 §8.1): `run: |-`.
fn begins_scalar(code: &str) -> bool {
    ends_with_one(skip_back(code, "-+"), &[": |", ": >", "- |", "- >"])
}

/// Whether the last tag of a line opens an element that the line does not close.
fn opens_tag(line: &str) -> bool {
    const VOID: &str = "area base br col embed hr img input link meta source wbr";
    let Some(tag) = line.rfind('<').and_then(|at| line.get(at + 1..)) else { return false };
    let name = first_word(tag);
    line.ends_with('>')
        && !tag.ends_with("/>")
        && !name.is_empty()
        && tag.starts_with(name)
        && !is_among(name, VOID)
}
