//! Definitions of the names used near the cursor, from other files of the workspace.
//!
//! The agent searches for them in the background, and a prompt uses those that are known. So no key waits for them, and
//! the names that a file imports are known by the time they are typed.

use std::cmp::Ordering;

use super::clean::{clean, clean_name};
use crate::completion::io::Buffer;
use crate::completion::text::{
    begins_with_one, find, first_bytes, first_line, is_among, last_bytes, last_line, parts, run, skip,
    skip_back, tail,
};
use crate::completion::trigger::{Gates, Glob, Globs};
use crate::provider::Snippet;

/// Names looked for at once, and most that are remembered.
const AT_ONCE: usize = 16;
const MOST: usize = 256;
/// How long the result for a name is valid, in milliseconds.
const TTL_MS: u64 = 3 * 60 * 1000;
/// After `LOST_MS` without a result a search is given up. The next one begins `PAUSE_MS` after the last, or `PAUSES` times as
/// long as the last one took if that is more.
const LOST_MS: u64 = 15_000;
const PAUSE_MS: u64 = 1500;
const PAUSES: u64 = 5;
/// Names whose definitions go into one prompt, and definitions of one name.
const NAMES: usize = 10;
const OF_A_NAME: usize = 2;
/// A name with more definitions than this says too little.
const COMMON: usize = 12;
/// Bytes of a definition that are quoted, and its lines.
const BYTES: usize = 400;
const LINES: usize = 6;
/// Bytes before and after the cursor whose names are looked at, and bytes of the file's head with its imports.
const BEFORE: usize = 2000;
const BEHIND: usize = 600;
const HEAD: usize = 6000;

/// What to look for: lines of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// A POSIX extended regular expression, which is one of Rust's crate `regex` as well.
    pub pattern: String,
    /// A glob of file names.
    pub files: &'static str,
}

/// The known definitions, by name. The most recent search comes last.
#[derive(Debug, Default)]
pub struct Definitions {
    names: Vec<Name>,
    /// The names of the running search.
    sought: Vec<String>,
    /// When the last search began, and how long it took.
    began_ms: Option<u64>,
    took_ms: u64,
}

#[derive(Debug)]
struct Name {
    name: String,
    at_ms: u64,
    found: Vec<Definition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    path: String,
    line: usize,
    text: String,
}

impl Definitions {
    /// The next search for a position in a document; one search runs at a time.
    #[inline(never)]
    pub fn search(&mut self, now_ms: u64, buffer: &Buffer<'_>, offset: usize) -> Option<Search> {
        let pause = match self.sought.is_empty() {
            true => PAUSE_MS.max((PAUSES * self.took_ms).min(2 * LOST_MS)),
            false => LOST_MS,
        };
        if self.began_ms.is_some_and(|began| now_ms.saturating_sub(began) < pause) {
            return None;
        }
        let family = family_of(buffer.path)?;
        let mut names: Vec<String> = Vec::new();
        for name in &self::names(buffer.text, offset) {
            let is_known = |it: &Name| it.name == *name && now_ms.saturating_sub(it.at_ms) < TTL_MS;
            if names.len() < AT_ONCE && !self.names.iter().any(is_known) {
                names.push((*name).to_owned());
            }
        }
        if names.is_empty() {
            return None;
        }
        let search = Search { pattern: pattern(&names, family.by_shape), files: family.files };
        self.sought = names;
        self.began_ms = Some(now_ms);
        Some(search)
    }

    /// Takes the lines that were found, as `grep -n` prints them, each definition with some lines after it.
    #[inline(never)]
    pub fn found(&mut self, now_ms: u64, output: &str, gates: &Gates) {
        let names = std::mem::take(&mut self.sought);
        self.took_ms = now_ms.saturating_sub(self.began_ms.unwrap_or(now_ms));
        self.names.retain(|known| !names.contains(&known.name));
        let known = self.names.len();
        for name in names {
            self.names.push(Name { name, at_ms: now_ms, found: Vec::new() });
        }
        let fresh = self.names.get_mut(known..).unwrap_or_default();
        for definition in definitions(output, gates) {
            let mut rest = defining_part(&definition.text);
            while let Some((word, behind)) = next_word(rest) {
                if let Some(name) = fresh.iter_mut().find(|name| name.name == word) {
                    name.found.push(definition);
                    break;
                }
                rest = behind;
            }
        }
        while self.names.len() > MOST {
            self.names.remove(0);
        }
    }

    /// The definitions of the names used near the cursor that are in other files, a snippet for each file, of at most
    /// `bytes` in all. In the order of their paths: what comes first in a prompt should stay the same.
    #[inline(never)]
    pub(super) fn snippets(&self, buffer: &Buffer<'_>, offset: usize, bytes: usize) -> Vec<Snippet> {
        let mut left = bytes;
        let mut chosen: Vec<&Definition> = Vec::new();
        let mut count = 0;
        for near in &names(buffer.text, offset) {
            let Some(name) = self.names.iter().find(|known| known.name == *near) else { continue };
            count += 1;
            if count > NAMES {
                break;
            }
            for (_, definition) in name.best(buffer.path).iter().flatten() {
                let size = definition.path.len() + definition.text.len();
                if size > left || chosen.contains(definition) {
                    continue;
                }
                left -= size;
                let is_behind = |it: &&Definition| match it.path.cmp(&definition.path) {
                    Ordering::Equal => it.line >= definition.line,
                    order => order == Ordering::Greater,
                };
                chosen.insert(chosen.iter().position(is_behind).unwrap_or(chosen.len()), definition);
            }
        }
        let mut snippets: Vec<Snippet> = Vec::new();
        for Definition { path, text, .. } in chosen {
            let (path, text) = (clean_name(path), clean(text));
            match snippets.last_mut() {
                Some(last) if last.path == path => {
                    last.text.push('\n');
                    last.text.push_str(&text);
                }
                _ => snippets.push(Snippet { path, text }),
            }
        }
        snippets
    }
}

impl Name {
    /// Its definitions outside of `path`, those in the nearest folders first, each with how near it is; none if it is
    /// defined there too.
    fn best(&self, path: &str) -> [Option<(usize, &Definition)>; OF_A_NAME] {
        let mut best = [None; OF_A_NAME];
        if self.found.len() > COMMON {
            return best;
        }
        for definition in &self.found {
            if definition.path == path {
                return [None; OF_A_NAME];
            }
            let mut next = Some((shared(&definition.path, path), definition));
            for slot in &mut best {
                if slot.map(|(near, _)| near) < next.map(|(near, _)| near) {
                    std::mem::swap(slot, &mut next);
                }
            }
        }
        best
    }
}

/// Bytes of the folders that two paths share.
fn shared(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    first_bytes(a, same).rfind('/').map_or(0, |at| at + 1)
}

/// Files that use each other's definitions.
struct Family {
    /// With spaces between them.
    extensions: &'static str,
    /// A glob of their names. What it takes besides is dropped by its extension.
    files: &'static str,
    /// Functions are defined without a word that says so: `int name(`, or `name() {` in a class.
    by_shape: bool,
}

const fn family(extensions: &'static str, files: &'static str, by_shape: bool) -> Family {
    Family { extensions, files, by_shape }
}

const FAMILIES: &[Family] = &[
    family("ts tsx js jsx mjs cjs mts cts vue svelte", "*.[jtmcvs][stuvj]*", true),
    family("c h cc hh cpp hpp cxx hxx m mm", "*.[chm]*", true),
    family("java kt scala groovy", "*.[jksg]*", true),
    family("cs", "*.cs", true),
    family("dart", "*.dart", true),
    family("rs", "*.rs", false),
    family("py pyi", "*.py*", false),
    family("go", "*.go", false),
    family("rb", "*.rb", false),
    family("php", "*.php", false),
    family("swift", "*.swift", false),
    family("lua", "*.lua", false),
    family("zig", "*.zig", false),
    family("ex exs", "*.ex*", false),
    family("jl", "*.jl", false),
];

fn family_of(path: &str) -> Option<&'static Family> {
    let (_, extension) = path.rsplit_once('.')?;
    FAMILIES.iter().find(|family| is_among(extension, family.extensions))
}

/// What defines one of the names, written `~`; white space is written `@`. First what a word introduces, then a
/// variable at the top of a file.
const BY_WORD: &str = "(^|[^A-Za-z0-9_])(fn|def|class|struct|enum|union|trait|type|interface|function|func|fun|module|\
                       mod|namespace|protocol|record|object|typedef|macro_rules!|#define)@+\
                       (\\([^)]*\\)@*|self\\.|[A-Za-z0-9_]+(::|\\.))?[*&]?~\
                       |^(export@+)?(pub(\\([^)]*\\))?@+)?(const|static|let|var|val)@+(mut@+)?~";
/// A type and a name, `static int name(`; a method of a class of JavaScript's.
const BY_SHAPE: &str = "|^@*([A-Za-z_][A-Za-z0-9_:<>,.*&?]*(\\[\\])?[[:space:]*&]+)+([A-Za-z0-9_]+::)?~[^;=]*$\
                        |^@+~[^;=]*\\{@*$";

/// The expression for lines that define one of the names, which are letters, digits and underscores.
#[inline(never)]
fn pattern(names: &[String], by_shape: bool) -> String {
    let names = names.join("|");
    let mut pattern = String::new();
    for template in [BY_WORD, if by_shape { BY_SHAPE } else { "" }] {
        for c in template.chars() {
            match c {
                '~' => {
                    pattern.push('(');
                    pattern.push_str(&names);
                    pattern.push_str(")([^A-Za-z0-9_]|$)");
                }
                '@' => pattern.push_str("[[:space:]]"),
                c => pattern.push(c),
            }
        }
    }
    pattern
}

/// Words that are followed by a name but do not begin a definition.
const NO_DEFINITION: &str = "return else if elif while for match switch case await yield new throw raise assert not in \
                             and or use import from delete goto print let";

/// Whether a line is a comment or a statement rather than a definition.
#[inline(never)]
fn begins_otherwise(line: &str) -> bool {
    let bare = line.trim_start();
    let first = next_word(bare).map_or("", |(word, _)| word);
    let is_comment = begins_with_one(bare, &["//", "/*", "*", "--", "# "]);
    // Variables at the top of a file are defined by the same word as those within a function.
    is_comment || is_among(first, NO_DEFINITION) && (first != "let" || bare.len() < line.len())
}

/// The definitions in what was found.
#[inline(never)]
fn definitions(output: &str, gates: &Gates) -> Vec<Definition> {
    let ignored = not_to_be_searched(output);
    let mut found: Vec<Definition> = Vec::new();
    let mut open = false;
    let mut rest = output;
    while let Some(line) = next_found(&mut rest) {
        if let Some(last) = found.last_mut().filter(|_| open)
            && let Some(text) = behind(last, line)
        {
            open = goes_on(&last.text, text) && push_line(&mut last.text, text);
            continue;
        }
        open = false;
        let Some((path, number, text)) = numbered(line) else { continue };
        if begins_otherwise(text)
            || text.len() > BYTES
            || family_of(path).is_none()
            || gates.ignored(path).is_some()
            || ignored.find(path).is_some()
        {
            continue;
        }
        open = !ends_head(text);
        found.push(Definition { path: path.to_owned(), line: number, text: text.trim_end().to_owned() });
    }
    for Definition { text, .. } in &mut found {
        text.truncate(skip_back(text, "{ \n").len());
    }
    found
}

/// Takes the next line off a text.
#[inline(never)]
pub(super) fn next_line<'t>(text: &mut &'t str) -> Option<&'t str> {
    if text.is_empty() {
        return None;
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    *text = rest;
    Some(line.strip_suffix('\r').unwrap_or(line))
}

/// Takes the next line off what was found, which `grep` begins with `./`.
fn next_found<'o>(output: &mut &'o str) -> Option<&'o str> {
    let line = next_line(output)?;
    Some(line.strip_prefix("./").unwrap_or(line))
}

/// The text of a line, `path-number-text`, that is right after a definition.
fn behind<'o>(definition: &Definition, line: &'o str) -> Option<&'o str> {
    let rest = line.strip_prefix(definition.path.as_str())?.strip_prefix('-')?;
    let (number, text) = rest.split_once('-')?;
    (number.parse() == Ok(definition.line + count_lines(&definition.text))).then_some(text)
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The globs of the `.gitignore` files in the output: without `rg`, the agent also prints the lines of those files.
#[inline(never)]
fn not_to_be_searched(output: &str) -> Globs {
    let mut globs = Globs::default();
    let mut rest = output;
    while let Some(line) = next_found(&mut rest) {
        let Some((folder, glob)) = line.split_once(".gitignore:") else { continue };
        let glob = glob.trim();
        let is_file = folder.is_empty() || folder.ends_with('/') && !folder.contains(':');
        if !is_file || glob.is_empty() || begins_with_one(glob, &["#", "!"]) {
            continue;
        }
        let mut whole = String::new();
        if folder.is_empty() {
            whole.push_str(glob);
        } else {
            let is_anchored = skip_back(glob, "/").contains('/');
            whole.push('/');
            whole.push_str(folder);
            whole.push_str(if is_anchored { "" } else { "**/" });
            whole.push_str(if is_anchored { skip(glob, "/") } else { glob });
        }
        if let Ok(glob) = Glob::parse(&whole) {
            globs.add(&glob);
        }
    }
    globs
}

/// `path:number:text`.
fn numbered(line: &str) -> Option<(&str, usize, &str)> {
    let (path, rest) = line.split_once(':')?;
    let (number, text) = rest.split_once(':')?;
    Some((path, number.parse().ok()?, text))
}

/// Whether a line is all there is to say of what it defines.
#[inline(never)]
fn ends_head(line: &str) -> bool {
    let line = line.trim_end();
    let lists = "struct enum interface trait class type union record";
    let ends = matches!(line.as_bytes().last(), Some(b'{' | b':' | b';' | b'}' | b'='));
    ends && !parts(line).iter().any(|word| is_among(word, lists))
}

/// Whether the definition that begins with `text` goes on with this line.
fn goes_on(text: &str, line: &str) -> bool {
    let last = last_line(text);
    count_lines(text) < LINES && !line.trim_end().is_empty() && !ends_head(last)
}

/// Adds a line to a definition, unless it becomes too long.
fn push_line(text: &mut String, line: &str) -> bool {
    let fits = text.len() + line.len() < BYTES;
    if fits {
        text.push('\n');
        text.push_str(line.trim_end());
    }
    fits
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The part of a definition's first line that has its name: the text before parameters and values, and after a
/// visibility and Go's receivers.
#[inline(never)]
fn defining_part(text: &str) -> &str {
    let line = first_line(text.trim_start());
    let is_bracketed = begins_with_one(line, &["pub(", "func ("]);
    let line = line.split_once(')').filter(|_| is_bracketed).map_or(line, |(_, rest)| rest);
    run(line, |c| !matches!(c, '(' | '=' | '{'))
}

/// Beginnings of the lines that import names, or go on with that.
const STARTS: &[&str] = &["use ", "pub use ", "import ", "from ", "export ", "const {", "    ", "\t", "}"];

/// The names used near the cursor, the nearest first, then those the file imports.
#[inline(never)]
fn names(text: &str, offset: usize) -> Vec<&str> {
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let mut head = first_bytes(text, HEAD);
    let (mut near, mut all) = (Vec::new(), Vec::new());
    // A word that is being typed is not a name yet.
    add_telling(&mut near, last_bytes(before, BEFORE), false);
    while let Some(name) = near.pop() {
        all.push(name);
    }
    add_telling(&mut all, first_bytes(after, BEHIND), true);
    let (mut lines, most) = (0, all.len() + 60);
    while let Some(line) = next_line(&mut head) {
        if lines == 60 || !begins_with_one(line, STARTS) {
            continue;
        }
        lines += 1;
        let mut rest = line;
        while let Some((word, behind)) = next_word(rest) {
            if all.len() < most && is_name(word) && !begins_with_one(behind, &["::", ".", "/"]) {
                all.push(word);
            }
            rest = behind;
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Adds the names in a text that are called or are types; the word it ends with only if that is `whole`.
#[inline(never)]
fn add_telling<'t>(names: &mut Vec<&'t str>, text: &'t str, whole: bool) {
    let mut rest = text;
    while let Some((word, behind)) = next_word(rest) {
        if (whole || !behind.is_empty()) && is_telling(word, behind) {
            names.push(word);
        }
        rest = behind;
    }
}

/// The first word of a text that may be a name, and the text after it.
#[inline(never)]
fn next_word(text: &str) -> Option<(&str, &str)> {
    let from = tail(text, find(text, is_name_part)?);
    let word = run(from, is_name_part);
    Some((word, tail(from, word.len())))
}

/// Whether a word may be looked for at all.
#[inline(never)]
fn is_name(word: &str) -> bool {
    const NO_NAMES: &str = "use crate self super pub import from export default const let var function return for while \
        match switch elif else def class struct impl type async await new None Some Err Self True \
        False String Vec Option Result Box assert print len int str not and print format println \
        require iter map unwrap clone push collect into get set";
    (3..64).contains(&word.len())
        && !word.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && !is_among(word, NO_NAMES)
}

/// Whether a word near the cursor is called, or the name of a type.
fn is_telling(word: &str, behind: &str) -> bool {
    let is_called = begins_with_one(behind, &["(", "!(", "::", "<", "{", " {"]);
    is_name(word) && (is_called || word.as_bytes().first().is_some_and(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer<'a>(path: &'a str, text: &'a str) -> Buffer<'a> {
        Buffer { uri: path, path, language: "", text }
    }

    fn gates() -> Gates {
        Gates { ignore: Globs::parse(["secret/"]).unwrap(), ..Gates::default() }
    }

    #[test]
    fn paths_share_whole_folders_only() {
        for (a, b, folders) in [
            ("src/shop/a.rs", "src/shop/b.rs", "src/shop/"),
            ("src/shop/a.rs", "src/ship/a.rs", "src/"),
            // Two letters that begin with the same byte.
            ("src/größe/a.rs", "src/grün/a.rs", "src/"),
            ("a.rs", "b.rs", ""),
        ] {
            assert_eq!(shared(a, b), folders.len(), "{a} {b}");
        }
    }

    #[test]
    fn names_are_taken_nearest_first_and_then_from_the_imports() {
        for (text, expected) in [
            (
                "use a::b::{Alpha, beta};\n\nfn f() {\n    gamma(delta(|\n",
                &["delta", "gamma", "Alpha", "beta"][..],
            ),
            ("from shop.cart import add_item, Cart\n\nadd_item(|", &["add_item", "Cart"]),
            (
                "import { one, Two } from './lib';\nx.call_it(|) + later_on()",
                &["call_it", "Two", "later_on", "one"],
            ),
            ("let x = 1;|", &[]),
        ] {
            let offset = text.find('|').unwrap();
            let text = text.replacen('|', "", 1);
            let names = names(&text, offset);
            assert!(expected.iter().all(|name| names.contains(name)), "{text:?}: {names:?}");
            let order: Vec<_> = names.iter().filter(|name| expected.contains(name)).copied().collect();
            assert_eq!(order, expected, "{text:?}");
        }
    }

    #[test]
    fn the_pattern_finds_definitions_and_no_uses() {
        let names = ["total".to_owned(), "Cart".to_owned()];
        let pattern = regex::Regex::new(&pattern(&names, true)).unwrap();
        for line in [
            "pub(crate) fn total(cart: &Cart) -> u32 {",
            "    async def total(self, cart):",
            "class Cart:",
            "export default class Cart extends Base {",
            "export const total = (cart) => cart.sum();",
            "func (c *Cart) total(x int) int {",
            "public static int total(Cart cart) {",
            "unsigned long shop::total(const struct list *items,",
            "#define total(x) ((x) + 1)",
            "macro_rules! total {",
            "  total(cart) {",
            "type Cart = {",
            "const total: u32 = 3;",
        ] {
            assert!(pattern.is_match(line), "{line}");
        }
        for line in [
            "    let sum = total(cart);",
            "    cart.total();",
            "// the grand_total(x)",
            "use shop::{Cart, total};",
            "    let total = 3;",
            "fn subtotal() {",
        ] {
            assert!(!pattern.is_match(line), "{line}");
        }
    }

    #[test]
    fn where_a_word_introduces_each_definition_a_shape_is_none() {
        let pattern = regex::Regex::new(&pattern(&["total".to_owned()], false)).unwrap();
        for (line, is_definition) in [
            ("    pub const fn total(", true),
            ("    with total(x) as y:", false),
            ("    total(x, |item| {", false),
            ("    unsafe total(x)", false),
        ] {
            assert_eq!(pattern.is_match(line), is_definition, "{line}");
        }
    }

    #[test]
    fn signatures_from_other_files_are_quoted() {
        let text = "use shop::{total, Cart};\n\nfn main() {\n    local();\n    total(";
        let own = buffer("src/main.rs", text);
        let mut definitions = Definitions::default();
        let search = definitions.search(0, &own, text.len()).unwrap();
        assert_eq!(search.files, "*.rs");
        assert_eq!(definitions.search(1, &own, text.len()), None, "one at a time");
        let output = "./src/shop/sum.rs:7:pub fn total(\n\
                      ./src/shop/sum.rs-8-    cart: &Cart,\n\
                      ./src/shop/sum.rs-9-) -> u32 {\n\
                      ./src/shop/sum.rs-10-    0\n\
                      --\n\
                      ./src/cart.rs:3:pub struct Cart {\n\
                      ./src/cart.rs-4-    pub items: Vec<Item>,\n\
                      ./src/cart.rs-5-}\n\
                      ./secret/a.rs:3:pub struct Cart;\n\
                      ./src/main.rs:9:fn local() {}\n\
                      ./target/out.rs:1:fn total() {}\n\
                      ./a/.gitignore:x.rs\n\
                      ./.gitignore:/target\n\
                      ./a/x.rs:1:pub fn total() {}\n\
                      ./src/b.rs:2:    return total(cart)\n\
                      ./src/c.rs:2:fn sum(total: u32, Cart: u32) {\n";
        definitions.found(2, output, &gates());
        assert_eq!(definitions.search(PAUSE_MS, &own, text.len()), None, "all is known");
        let quoted = definitions.snippets(&own, text.len(), 1000);
        let quoted: Vec<_> = quoted.iter().map(|it| (it.path.as_str(), it.text.as_str())).collect();
        assert_eq!(
            quoted,
            [
                ("src/cart.rs", "pub struct Cart {\n    pub items: Vec<Item>,\n}"),
                ("src/shop/sum.rs", "pub fn total(\n    cart: &Cart,\n) -> u32"),
            ]
        );
        assert_eq!(definitions.snippets(&own, text.len(), 60).len(), 1, "within its bytes");
        assert!(definitions.search(TTL_MS + 3, &own, text.len()).is_some(), "looked for again, later");
    }

    #[test]
    fn names_that_everything_has_and_files_of_no_known_kind_are_left_out() {
        let own = buffer("a.rs", "make(");
        let mut definitions = Definitions::default();
        definitions.search(0, &own, 5).unwrap();
        let output: String = (0..20).map(|n| format!("./f{n}.rs:1:fn make() {{}}\n")).collect();
        definitions.found(1000, &output, &gates());
        assert!(definitions.snippets(&own, 5, 1000).is_empty());
        assert_eq!(definitions.search(0, &buffer("notes.txt", "make("), 5), None);
        // The search took a second.
        let far = buffer("a.rs", "make(other(");
        assert_eq!(definitions.search(PAUSE_MS, &far, 11), None);
        assert!(definitions.search(PAUSES * 1000, &far, 11).is_some());
        // What is found unasked says nothing.
        definitions.found(0, "./b.rs:1:fn other() {}\n", &gates());
    }
}
