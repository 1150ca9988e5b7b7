//! Definitions of the names used near the cursor, from other files of the workspace.
//!
//! They are looked for in the background, by the agent, and kept: a prompt takes what is known. So no key waits for
//! them, and the names that a file imports are known by the time they are typed.

use super::clean::{clean, clean_name};
use crate::completion::io::Buffer;
use crate::completion::trigger::{Gates, Glob, Globs};
use crate::provider::Snippet;

/// Names looked for at once, and most that are remembered.
const AT_ONCE: usize = 16;
const MOST: usize = 256;
/// How long a name is not looked for again, in milliseconds.
const TTL_MS: u64 = 3 * 60 * 1000;
/// A search that has brought nothing by then is given up; and none begins so soon after another, in milliseconds. Where
/// the workspace is large, the pause is so many times as long as the search.
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
/// Bytes before and behind the cursor whose names are looked at, and bytes of the file's head with its imports.
const BEFORE: usize = 2000;
const BEHIND: usize = 600;
const HEAD: usize = 6000;

/// What to look for: lines of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// A POSIX extended regular expression, which is one of Rust's crate `regex` as well.
    pub pattern: String,
    /// A glob of file names.
    pub files: String,
}

/// What is known. Most lately looked for last.
#[derive(Debug, Default)]
pub struct Definitions {
    names: Vec<Name>,
    /// The names that are being looked for.
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
    /// What to look for, for a place in a document; one search at a time.
    pub fn search(&mut self, now_ms: u64, buffer: &Buffer<'_>, offset: usize) -> Option<Search> {
        let pause = match self.sought.is_empty() {
            true => PAUSE_MS.max((PAUSES * self.took_ms).min(2 * LOST_MS)),
            false => LOST_MS,
        };
        if self.began_ms.is_some_and(|began| now_ms.saturating_sub(began) < pause) {
            return None;
        }
        let family = family_of(buffer.path)?;
        let is_known = |name: &&str| {
            self.names.iter().any(|it| it.name == *name && now_ms.saturating_sub(it.at_ms) < TTL_MS)
        };
        let names: Vec<String> = names(buffer.text, offset)
            .into_iter()
            .filter(|name| !is_known(name))
            .take(AT_ONCE)
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            return None;
        }
        let search = Search { pattern: pattern(&names, family.by_shape), files: family.files.to_owned() };
        self.sought = names;
        self.began_ms = Some(now_ms);
        Some(search)
    }

    /// Takes the lines that were found, as `grep -n` prints them, each definition with some lines behind it.
    pub fn found(&mut self, now_ms: u64, output: &str, gates: &Gates) {
        let names = std::mem::take(&mut self.sought);
        self.took_ms = now_ms.saturating_sub(self.began_ms.unwrap_or(now_ms));
        self.names.retain(|known| !names.contains(&known.name));
        let mut fresh: Vec<Name> =
            names.into_iter().map(|name| Name { name, at_ms: now_ms, found: Vec::new() }).collect();
        for (head, definition) in definitions(output, gates) {
            let defined = words(defining_part(head)).into_iter();
            let name = defined.filter_map(|(word, _)| fresh.iter().position(|name| name.name == word)).next();
            if let Some(name) = name.and_then(|at| fresh.get_mut(at)) {
                name.found.push(definition);
            }
        }
        self.names.append(&mut fresh);
        self.names.drain(..self.names.len().saturating_sub(MOST));
    }

    /// The definitions of the names used near the cursor that stand in other files, a snippet for each file, of at most
    /// `bytes` in all. In the order of their paths: what comes first in a prompt should stay the same.
    pub(super) fn snippets(&self, buffer: &Buffer<'_>, offset: usize, bytes: usize) -> Vec<Snippet> {
        let mut left = bytes;
        let mut chosen: Vec<&Definition> = Vec::new();
        let near = names(buffer.text, offset);
        let known = near.iter().filter_map(|name| self.names.iter().find(|known| known.name == *name));
        for name in known.take(NAMES) {
            for definition in name.best(buffer.path) {
                let size = definition.path.len() + definition.text.len();
                if size <= left && !chosen.contains(&definition) {
                    left -= size;
                    let place = |it: &&Definition| (&it.path, it.line) < (&definition.path, definition.line);
                    chosen.insert(chosen.partition_point(place), definition);
                }
            }
        }
        let mut snippets: Vec<Snippet> = Vec::new();
        for Definition { path, text, .. } in chosen {
            let (path, text) = (clean_name(path), clean(text));
            match snippets.last_mut().filter(|last| last.path == path) {
                Some(last) => last.text = [&last.text, "\n", &text].concat(),
                None => snippets.push(Snippet { path, text }),
            }
        }
        snippets
    }
}

impl Name {
    /// Its definitions outside of `path`, those in the nearest folders first; none if it is defined there too.
    fn best(&self, path: &str) -> impl Iterator<Item = &Definition> {
        let is_clear = self.found.len() <= COMMON && self.found.iter().all(|it| it.path != path);
        let mut found: Vec<&Definition> = Vec::new();
        for definition in self.found.iter().filter(|_| is_clear) {
            let near = shared(&definition.path, path);
            found.insert(found.partition_point(|other| shared(&other.path, path) >= near), definition);
        }
        found.into_iter().take(OF_A_NAME)
    }
}

/// Bytes of the folders that two paths share.
fn shared(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.get(..same).and_then(|same| same.rfind('/')).map_or(0, |at| at + 1)
}

/// Files that use each other's definitions.
struct Family {
    extensions: &'static [&'static str],
    /// A glob of their names. What it takes besides is dropped by its extension.
    files: &'static str,
    /// Functions are defined without a word that says so: `int name(`, or `name() {` in a class.
    by_shape: bool,
}

const fn family(extensions: &'static [&'static str], files: &'static str, by_shape: bool) -> Family {
    Family { extensions, files, by_shape }
}

const FAMILIES: &[Family] = &[
    family(
        &["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"],
        "*.[jtmcvs][stuvj]*",
        true,
    ),
    family(&["c", "h", "cc", "hh", "cpp", "hpp", "cxx", "hxx", "m", "mm"], "*.[chm]*", true),
    family(&["java", "kt", "scala", "groovy"], "*.[jksg]*", true),
    family(&["cs"], "*.cs", true),
    family(&["dart"], "*.dart", true),
    family(&["rs"], "*.rs", false),
    family(&["py", "pyi"], "*.py*", false),
    family(&["go"], "*.go", false),
    family(&["rb"], "*.rb", false),
    family(&["php"], "*.php", false),
    family(&["swift"], "*.swift", false),
    family(&["lua"], "*.lua", false),
    family(&["zig"], "*.zig", false),
    family(&["ex", "exs"], "*.ex*", false),
    family(&["jl"], "*.jl", false),
];

fn family_of(path: &str) -> Option<&'static Family> {
    let (_, extension) = path.rsplit_once('.')?;
    FAMILIES.iter().find(|family| family.extensions.contains(&extension))
}

/// What introduces a definition, and a variable at the top of a file.
const KEYWORDS: &str = "fn|def|class|struct|enum|union|trait|type|interface|function|func|fun|module|mod|namespace|\
                        protocol|record|object|typedef|macro_rules!|#define";
const VARIABLES: &str = "const|static|let|var|val";

/// The expression for lines that define one of the names, which are letters, digits and underscores.
fn pattern(names: &[String], by_shape: bool) -> String {
    let name = format!("({})([^A-Za-z0-9_]|$)", names.join("|"));
    let s = "[[:space:]]";
    let mut pattern = format!(
        "(^|[^A-Za-z0-9_])({KEYWORDS}){s}+(\\([^)]*\\){s}*|self\\.|[A-Za-z0-9_]+(::|\\.))?[*&]?{name}"
    );
    pattern += &format!("|^(export{s}+)?(pub(\\([^)]*\\))?{s}+)?({VARIABLES}){s}+(mut{s}+)?{name}");
    if by_shape {
        // A type and a name, `static int name(`; a method of a class of JavaScript's.
        let kind = "([A-Za-z_][A-Za-z0-9_:<>,.*&?]*(\\[\\])?[[:space:]*&]+)+([A-Za-z0-9_]+::)?";
        pattern += &format!("|^{s}*{kind}{name}[^;=]*$|^{s}+{name}[^;=]*\\{{{s}*$");
    }
    pattern
}

/// Words that begin no definition, though a name follows.
const NO_DEFINITION: &[&str] = &[
    "return", "else", "if", "elif", "while", "for", "match", "switch", "case", "await", "yield", "new",
    "throw", "raise", "assert", "not", "in", "and", "or", "use", "import", "from", "delete", "goto", "print",
    "let",
];

/// Whether a line is a comment or a statement rather than a definition.
fn begins_otherwise(line: &str) -> bool {
    let bare = line.trim_start();
    let first = words(bare).first().map_or("", |(word, _)| *word);
    let is_comment = ["//", "/*", "*", "--", "# "].iter().any(|mark| bare.starts_with(mark));
    // Variables at the top of a file are defined by the same word as those within a function.
    is_comment || NO_DEFINITION.contains(&first) && (first != "let" || bare.len() < line.len())
}

/// The definitions in what was found, each with its first line.
fn definitions<'o>(output: &'o str, gates: &Gates) -> Vec<(&'o str, Definition)> {
    let ignored = not_to_be_searched(output);
    let mut found: Vec<(&str, Definition)> = Vec::new();
    let mut open = false;
    for line in output.lines() {
        if let Some((_, last)) = found.last_mut().filter(|_| open) {
            let next = format!("{}-{}-", last.path, last.line + last.text.lines().count());
            if let Some(text) = line.strip_prefix("./").unwrap_or(line).strip_prefix(next.as_str()) {
                open = goes_on(&last.text, text) && push_line(&mut last.text, text);
                continue;
            }
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
        let definition = Definition { path: path.to_owned(), line: number, text: text.trim_end().to_owned() };
        found.push((text, definition));
    }
    for (_, definition) in &mut found {
        let text = definition.text.trim_end_matches(['{', ' ', '\n']);
        definition.text.truncate(text.len());
    }
    found
}

/// Where only `grep` is at hand, the `.gitignore` files come along with what is found, as lines of those files.
fn not_to_be_searched(output: &str) -> Globs {
    let lines =
        output.lines().filter_map(|line| line.strip_prefix("./").unwrap_or(line).split_once(".gitignore:"));
    let mut globs = Globs::default();
    for (folder, glob) in lines {
        let glob = glob.trim();
        if glob.is_empty() || glob.starts_with(['#', '!']) {
            continue;
        }
        let is_file = folder.is_empty() || folder.ends_with('/') && !folder.contains(':');
        let is_anchored = glob.trim_end_matches('/').contains('/');
        let glob = match (folder, is_anchored) {
            ("", _) => glob.to_owned(),
            (_, true) => ["/", folder, glob.trim_start_matches('/')].concat(),
            (_, false) => ["/", folder, "**/", glob].concat(),
        };
        if let Some(glob) = Glob::parse(&glob).ok().filter(|_| is_file) {
            globs.add(&glob);
        }
    }
    globs
}

/// `path:number:text`.
fn numbered(line: &str) -> Option<(&str, usize, &str)> {
    let line = line.strip_prefix("./").unwrap_or(line);
    let (path, rest) = line.split_once(':')?;
    let (number, text) = rest.split_once(':')?;
    Some((path, number.parse().ok()?, text))
}

/// Whether a line is all there is to say of what it defines.
fn ends_head(line: &str) -> bool {
    let line = line.trim_end();
    let lists = ["struct", "enum", "interface", "trait", "class", "type", "union", "record"];
    let has_members = line.split_whitespace().any(|word| lists.contains(&word));
    !has_members && line.ends_with(['{', ':', ';', '}', '='])
}

/// Whether the definition that begins with `text` goes on with this line.
fn goes_on(text: &str, line: &str) -> bool {
    text.lines().count() < LINES && !line.trim().is_empty() && !text.lines().last().is_some_and(ends_head)
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

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The part of a definition's first line that has its name: what stands before parameters and values, and behind a
/// visibility and Go's receivers.
fn defining_part(line: &str) -> &str {
    let line = line.trim_start();
    let is_bracketed = line.starts_with("pub(") || line.starts_with("func (");
    let line = line.split_once(')').filter(|_| is_bracketed).map_or(line, |(_, rest)| rest);
    line.split(['(', '=', '{']).next().unwrap_or_default()
}

/// The names used near the cursor, the nearest first, then those the file imports.
fn names(text: &str, offset: usize) -> Vec<&str> {
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let start = before.ceil_char_boundary(before.len().saturating_sub(BEFORE));
    let end = after.floor_char_boundary(BEHIND);
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    let mut add = |name| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    let mut near = words(before.get(start..).unwrap_or_default());
    // A word that is being typed is none yet.
    near.pop_if(|(_, behind)| behind.is_empty());
    near.into_iter().rev().filter(|(word, behind)| is_telling(word, behind)).for_each(|(word, _)| add(word));
    let behind = words(after.get(..end).unwrap_or_default());
    behind.into_iter().filter(|(word, behind)| is_telling(word, behind)).for_each(|(word, _)| add(word));
    let starts = ["use ", "pub use ", "import ", "from ", "export ", "const {", "    ", "\t", "}"];
    let imports = head.lines().filter(|line| starts.iter().any(|start| line.starts_with(start)));
    let is_last =
        |behind: &str| !behind.starts_with("::") && !behind.starts_with('.') && !behind.starts_with('/');
    imports
        .take(60)
        .flat_map(words)
        .filter(|(word, behind)| is_name(word) && is_last(behind))
        .take(60)
        .for_each(|(word, _)| add(word));
    names
}

/// The words of a text that may be names, each with what stands behind it.
fn words(text: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_word) {
        let from = rest.get(at..).unwrap_or_default();
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, behind) = from.split_at(end);
        words.push((word, behind));
        rest = behind;
    }
    words
}

/// Whether a word may be looked for at all.
fn is_name(word: &str) -> bool {
    const NO_NAMES: &[&str] = &[
        "use", "crate", "self", "super", "pub", "import", "from", "export", "default", "const", "let", "var",
        "function", "return", "for", "while", "match", "switch", "elif", "else", "def", "class", "struct",
        "impl", "type", "async", "await", "new", "None", "Some", "Err", "Self", "True", "False", "String",
        "Vec", "Option", "Result", "Box", "assert", "print", "len", "int", "str", "not", "and", "print",
        "format", "println", "require", "iter", "map", "unwrap", "clone", "push", "collect", "into", "get",
        "set",
    ];
    (3..64).contains(&word.len())
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && !NO_NAMES.contains(&word)
}

/// Whether a word near the cursor is called, or the name of a type.
fn is_telling(word: &str, behind: &str) -> bool {
    let is_called = ["(", "!(", "::", "<", "{", " {"].iter().any(|mark| behind.starts_with(mark));
    is_name(word) && (is_called || word.starts_with(|c: char| c.is_ascii_uppercase()))
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
