//! What the model wrote after the block that was shown.

use super::clean::clean;
use super::cursor_context::{CursorContext, without_comment};
use super::language::{self, Blocks, Language};
use super::lexer::Lexer;
use super::lines::scope::CLOSERS;
use super::lines::{self, definitions};
use crate::completion::text::{count, head, is_among, is_word, last_line, last_line_start, tail, trim};

/// The lines of `raw` after the block that [`postprocess`](super::postprocess) shows. If the answer is not `whole`, its last line
/// may be incomplete. Empty if the answer did not end with a block, if the document closes that block, and before code on
/// the cursor's line.
pub fn past_block(context: &CursorContext<'_>, raw: &str, whole: bool) -> String {
    if !trim(context.line_after, CLOSERS).trim().is_empty() {
        return String::new();
    }
    let cleaned = clean(context, raw, whole);
    let (_, end) = lines::take(context, &cleaned.text, true);
    let rest = end.map_or("", |end| tail(&cleaned.text, end));
    // What closes the cursor's block is in the document already: the rest belongs below that.
    if context.language.closes(rest.trim_start()) {
        return String::new();
    }
    let lines = if whole || cleaned.over { rest.len() } else { last_line_start(rest) };
    head(rest, lines).to_owned()
}

/// Languages in which a statement needs its end mark.
const MARKED: &str =
    "rust c cpp java csharp php perl dart css scss less zig dlang objective-c objective-cpp sql";

/// Whether the text before the cursor ends with a finished statement, so that its line needs no suggestion.
pub fn ends_statement(id: &str, before: &str) -> bool {
    let language = language::of(id);
    let code = without_comment(last_line(before), language);
    let Some(last) = code.chars().next_back() else { return false };
    if matches!(last, ';' | '}') {
        return true;
    }
    if is_bare_name(code) || is_in_string(code, language) {
        return false;
    }
    let ends = last.is_alphanumeric() || matches!(last, ')' | ']' | '_' | '"' | '\'' | '`' | '!' | '?');
    let open = count(code, "([{") > count(code, ")]}");
    ends && !open
        && !is_among(id, MARKED)
        && language.blocks != Blocks::None
        && !language.opens(code)
        && !definitions::lacks_body(code, language)
}

/// Words that are a statement by themselves.
const STATEMENTS: &str = "break continue return pass raise throw yield end fi done esac exit next redo retry else \
    fallthrough debugger super";

/// Whether a line is only a name or a path of names, which is not a statement yet: `items.first` will be called or assigned.
fn is_bare_name(code: &str) -> bool {
    let code = code.trim();
    code.chars().all(|c| is_word(c) || matches!(c, '.' | '$' | ':')) && !is_among(code, STATEMENTS)
}

/// Whether a line ends within a string that began in it.
fn is_in_string(line: &str, language: &'static Language) -> bool {
    let mut lexer = Lexer::new(language);
    lexer.part(line, &mut |_, _| {});
    lexer.in_string()
}

#[cfg(test)]
mod tests {
    use super::super::Extent;
    use super::*;

    #[test]
    fn what_follows_the_block_is_kept_in_whole_lines() {
        for (language, document, raw, whole, rest) in [
            ("rust", "fn f() {\n    §\n}\n", "a();\n}\n\nfn g() {\n    b();\n", false, ""),
            ("rust", "use x;\n\n§\n", "fn f() {\n    a();\n}\n\nfn g() {\n    b", false, "\nfn g() {\n"),
            ("rust", "use x;\n\n§\n", "fn f() {\n    a();\n}\n\nfn g() {\n    b", true, "\nfn g() {\n    b"),
            ("rust", "let x = foo(§, c);\n", "a, b\nlet y = 1;\n", true, ""),
            (
                "python",
                "def f():\n    §\n",
                "return 1\n\ndef g():\n    return 2\n",
                false,
                "def g():\n    return 2\n",
            ),
            ("rust", "let x = §\n", "1;", true, ""),
        ] {
            let (before, after) = document.split_once('§').unwrap();
            let context = CursorContext::new(before, after, language, Extent::Auto);
            assert_eq!(past_block(&context, raw, whole), rest, "{document:?} {raw:?}");
        }
    }

    #[test]
    fn a_statement_is_finished_by_its_mark_or_its_line() {
        for (language, before, finished) in [
            ("rust", "let x = 1;", true),
            ("rust", "let x = foo()", false),
            ("rust", "fn f() {}\n", false),
            ("c", "return x;  // done", true),
            ("python", "x = foo(1)", true),
            ("python", "x = foo(1", false),
            ("python", "def f():", false),
            ("python", "x = y +", false),
            ("javascript", "const x = y", true),
            ("javascript", "const f = () => {", false),
            ("javascript", "function f() { return 1 }", true),
            ("typescript", "function findNode", false),
            ("typescript", "function find(x: number): number", false),
            ("typescript", "export default class Tree", false),
            ("typescript", "  if (a)", false),
            ("typescript", "const x = await", false),
            ("typescript", "export const", false),
            ("typescript", "return x", true),
            ("typescript", "    ts.forEach", false),
            ("python", "items", false),
            ("python", "    return", true),
            ("python", "    pass", true),
            ("ruby", "  end", true),
            ("javascript", "const s = \"half of it", false),
            ("json", "\"name\": \"half of it", false),
            ("python", "print(\"all\")", true),
            ("go", "func f() int", false),
            ("kotlin", "fun f() = 1", true),
            ("python", "def f(): return 1", true),
            ("go", "x := y.", false),
            ("ruby", "if x", false),
            ("lua", "local x = 1", true),
            ("markdown", "A sentence", false),
            ("rust", "", false),
        ] {
            assert_eq!(ends_statement(language, before), finished, "{language}: {before:?}");
        }
    }
}
