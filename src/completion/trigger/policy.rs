//! Where and when not to ask.

use super::globs::{Glob, Globs};
use crate::completion::io::Buffer;
use crate::completion::text::{
    begins_as, ends_as, first_line, head, is_blank, is_word, last_line, run_back, tail, within,
};

/// With more code than this right of the cursor, closing punctuation aside, the model is not asked automatically. In
/// characters; longer than almost any line. Names, arguments and operands are often written before code.
pub const CODE_AFTER: u32 = 200;
/// The same at the beginning of a line: there the user is probably moving the code to the right.
const CODE_PUSHED: u32 = 8;

/// When completions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// After a pause in typing, and when invoked.
    #[default]
    Automatic,
    /// Only when invoked.
    Invoked,
    /// Never.
    Off,
}

/// The user's rules about when and where to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Gates {
    /// When to ask, unless the file or the language says otherwise.
    pub trigger: Trigger,
    /// The model is asked only when invoked, whatever the other rules say.
    pub only_invoked: bool,
    /// When to ask, by globs of files; if several match, the longest counts.
    pub files: Vec<(Glob, Trigger)>,
    /// When to ask, by language id.
    pub languages: Vec<(String, Trigger)>,
    /// Globs of files that are usually read, not edited: there the model is asked only when invoked.
    pub read_only: Globs,
    /// Globs of files whose text must not leave the machine.
    pub ignore: Globs,
    /// The same, but only for files that are not source code.
    pub ignore_unless_source: Globs,
    /// Path of the workspace, for globs of absolute paths; empty when there is none.
    pub root: String,
    /// The model is not asked in documents larger than this, in bytes.
    pub largest: usize,
    /// Most characters of code right of the cursor, closing punctuation aside, for an automatic completion.
    pub code_after: u32,
}

/// Why the model is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// `trigger = "off"`.
    Off,
    /// Off for files that match this glob of `files`.
    FileOff(String),
    /// Off for this language.
    LanguageOff(String),
    /// Only when invoked.
    OnlyInvoked,
    /// The file matches this glob of `read-only`.
    ReadOnly(String),
    /// The file matches this glob of `ignore`.
    Ignored(String),
    /// The document is too large.
    TooLarge,
    /// The cursor is inside a word.
    MidWord,
    /// Too much code right of the cursor.
    CodeAfter,
    /// A finished statement was accepted here a moment ago.
    JustAccepted,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            trigger: Trigger::Automatic,
            only_invoked: false,
            files: Vec::new(),
            languages: Vec::new(),
            read_only: Globs::default(),
            ignore: Globs::default(),
            ignore_unless_source: Globs::default(),
            root: String::new(),
            largest: 2 << 20,
            code_after: CODE_AFTER,
        }
    }
}

impl Gates {
    /// The rule that forbids asking at byte `offset` of `buffer`, if there is one.
    pub fn check(&self, buffer: &Buffer<'_>, offset: usize, invoked: bool) -> Option<Gate> {
        let matching = self.files.iter().filter(|(glob, _)| glob.matches(buffer.path));
        let file = matching.max_by_key(|(glob, _)| glob.as_str().len());
        let language = self.languages.iter().find(|(id, _)| id.eq_ignore_ascii_case(buffer.language));
        let trigger = file.map(|(_, trigger)| *trigger).or(language.map(|(_, trigger)| *trigger));
        match trigger.unwrap_or(self.trigger) {
            Trigger::Off => {
                let of_file = file.map(|(glob, _)| Gate::FileOff(glob.as_str().to_owned()));
                let of_language = language.map(|(id, _)| Gate::LanguageOff(id.clone()));
                return of_file.or(of_language).or(Some(Gate::Off));
            }
            Trigger::Invoked if !invoked => return Some(Gate::OnlyInvoked),
            Trigger::Automatic if self.only_invoked && !invoked => return Some(Gate::OnlyInvoked),
            Trigger::Invoked | Trigger::Automatic => {}
        }
        if let Some(glob) = self.ignored(buffer.path) {
            return Some(Gate::Ignored(glob.to_owned()));
        }
        if buffer.text.len() > self.largest {
            return Some(Gate::TooLarge);
        }
        if invoked {
            return None;
        }
        if let Some(glob) = self.read_only.find(buffer.path) {
            return Some(Gate::ReadOnly(glob.to_owned()));
        }
        self.in_line(last_line(head(buffer.text, offset)), first_line(tail(buffer.text, offset)))
    }

    /// The same for the cursor's line, given as the text before and after the cursor.
    fn in_line(&self, before: &str, after: &str) -> Option<Gate> {
        let begins_line = is_blank(before);
        if begins_as(after, is_word) && (begins_line || ends_as(before, is_word)) {
            return Some(Gate::MidWord);
        }
        let code = within(after, |c| !(c.is_whitespace() || ")]}>\"'`;,:".contains(c)));
        // Between two spaces an operand is missing: `SELECT | FROM users;`.
        let is_gap = !begins_line && before.ends_with(' ') && after.starts_with(' ');
        let most = if begins_line { self.code_after.min(CODE_PUSHED) } else { self.code_after };
        let is_too_much = code.chars().nth(most as usize).is_some();
        (!is_gap && is_too_much).then_some(Gate::CodeAfter)
    }

    /// The glob that forbids sending the file at `path`, if there is one.
    pub fn ignored(&self, path: &str) -> Option<&str> {
        let by_path = self.ignore.find(path);
        let by_place = || self.ignore.find_absolute(&[&self.root, "/", path].concat());
        let by_folder = || self.ignore_unless_source.find(path).filter(|_| !is_source(path));
        by_path.or_else(by_place).or_else(by_folder)
    }
}

/// Whether the file's name is that of source code: `keys/`, `private/` and the like are ordinary module names.
fn is_source(path: &str) -> bool {
    const SOURCES: &str = "*.{rs,py,pyi,js,jsx,mjs,cjs,ts,tsx,mts,cts,vue,svelte,astro,c,h,cc,cpp,cxx,hh,hpp,hxx,m,mm,cs,fs,\
        go,java,kt,kts,scala,swift,dart,rb,php,pl,pm,lua,ex,exs,erl,hrl,hs,ml,mli,clj,cljs,elm,jl,r,nim,zig,v,sv,vhd,d,\
        cu,html,css,scss,sass,less,md,rst,adoc,sql,proto,graphql,wgsl,glsl}";
    fast_glob::glob_match(SOURCES, run_back(path, |c| c != '/').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gates: &Gates, path: &str, drawn: &str, invoked: bool) -> Option<Gate> {
        let offset = drawn.find('|').unwrap();
        let text = drawn.replacen('|', "", 1);
        let buffer = Buffer { uri: "file:///x", path, language: "rust", text: &text };
        gates.check(&buffer, offset, invoked)
    }

    #[test]
    fn the_place_decides_about_automatic_requests_only() {
        let (gates, strict_gates) = (Gates::default(), Gates { code_after: 8, ..Gates::default() });
        let (mid_word, code_after) = (Some(Gate::MidWord), Some(Gate::CodeAfter));
        for (drawn, gate, strict) in [
            ("let x = |", None, None),
            ("let x|yz = 1", mid_word.clone(), mid_word.clone()),
            ("foo(|);", None, None),
            ("foo(|)\n    .unwrap_more();", None, None),
            ("foo(|, another_argument)", None, code_after.clone()),
            ("items.fi|(first, another_argument)", None, code_after.clone()),
            ("let total = |first + second;", None, code_after.clone()),
            ("select | from users;", None, None),
            ("    |  let count = 1;", code_after.clone(), code_after.clone()),
            ("    |(first, another_argument)", code_after.clone(), code_after),
            ("|été", mid_word.clone(), mid_word.clone()),
            ("    |count = 1;", mid_word.clone(), mid_word),
        ] {
            assert_eq!(check(&gates, "src/main.rs", drawn, false), gate, "{drawn}");
            assert_eq!(check(&strict_gates, "src/main.rs", drawn, false), strict, "{drawn}, at most 8");
            assert_eq!(check(&gates, "src/main.rs", drawn, true), None, "{drawn}, invoked");
        }
    }

    #[test]
    fn as_much_code_may_stand_behind_the_cursor_as_the_user_allows() {
        for (code_after, drawn, gate) in [
            (0, "let x = |;", None),
            (0, "let x = y|y", Some(Gate::MidWord)),
            (0, "f(| + 1)", Some(Gate::CodeAfter)),
            (2, "f(|+ b", Some(Gate::CodeAfter)),
            (3, "f(|+ b", None),
            (3, "f(|+ ü)", None),
            (1000, "f(|, another_argument_that_is_long)", None),
        ] {
            let gates = Gates { code_after, ..Gates::default() };
            assert_eq!(check(&gates, "a.rs", drawn, false), gate, "{code_after} {drawn}");
            assert_eq!(check(&gates, "a.rs", drawn, true), None, "{code_after} {drawn}, invoked");
        }
    }

    #[test]
    fn where_nothing_streams_only_the_user_asks() {
        let gates = Gates { only_invoked: true, ..Gates::default() };
        assert_eq!(check(&gates, "a.rs", "|", false), Some(Gate::OnlyInvoked));
        assert_eq!(check(&gates, "a.rs", "|", true), None);
        let files = vec![(Glob::parse("*.rs").unwrap(), Trigger::Automatic)];
        let gates = Gates { files, only_invoked: true, ..Gates::default() };
        assert_eq!(check(&gates, "a.rs", "|", false), Some(Gate::OnlyInvoked), "whatever was said of files");
        let gates = Gates { trigger: Trigger::Off, only_invoked: true, ..Gates::default() };
        assert_eq!(check(&gates, "a.rs", "|", false), Some(Gate::Off));
    }

    #[test]
    fn switches_and_secrets_hold_for_invoked_requests_too() {
        let ignore = Globs::parse([".env*", "*.pem", "secrets/**", "/build/**", "/w/notes/"]).unwrap();
        let ignore_unless_source = Globs::parse(["keys/"]).unwrap();
        let gates = Gates { ignore, ignore_unless_source, root: "/w".to_owned(), ..Gates::default() };
        for (path, glob) in [
            (".env", Some(".env*")),
            ("deploy/.env.local", Some(".env*")),
            ("deploy/.ENV", Some(".env*")),
            ("a/b/key.pem", Some("*.pem")),
            ("x/secrets/db/one.txt", Some("secrets/**")),
            ("build/a.rs", Some("/build/**")),
            ("x/build/a.rs", None),
            ("notes/a.rs", Some("/w/notes/")),
            ("/w/notes/a.rs", Some("/w/notes/")),
            ("keys/prod", Some("keys/")),
            ("src/keys/prod.json", Some("keys/")),
            ("src/keys/mod.rs", None),
            ("src/environment.rs", None),
        ] {
            let gate = check(&gates, path, "|", true);
            assert_eq!(gate, glob.map(|glob| Gate::Ignored(glob.to_owned())), "{path}");
        }
        let off = Gates { trigger: Trigger::Off, ..Gates::default() };
        assert_eq!(check(&off, "a.rs", "|", true), Some(Gate::Off));
        let languages = vec![("Rust".to_owned(), Trigger::Off)];
        let off = Gates { languages, ..Gates::default() };
        assert_eq!(check(&off, "a.rs", "|", true), Some(Gate::LanguageOff("Rust".to_owned())));
        let files = [("*.rs", Trigger::Off), ("src/gen/*.rs", Trigger::Invoked)];
        let files = files.map(|(glob, trigger)| (Glob::parse(glob).unwrap(), trigger)).to_vec();
        let languages = vec![("rust".to_owned(), Trigger::Automatic)];
        let by_file = Gates { files, languages, ..Gates::default() };
        assert_eq!(check(&by_file, "src/a.rs", "|", true), Some(Gate::FileOff("*.rs".to_owned())));
        assert_eq!(check(&by_file, "src/gen/a.rs", "|", false), Some(Gate::OnlyInvoked));
        assert_eq!(check(&by_file, "src/gen/a.rs", "|", true), None);
        assert_eq!(check(&by_file, "src/a.txt", "|", false), None);
        let read_only = Gates { read_only: Globs::parse(["node_modules/**"]).unwrap(), ..Gates::default() };
        let gate = Gate::ReadOnly("node_modules/**".to_owned());
        assert_eq!(check(&read_only, "web/node_modules/a/b.js", "|", false), Some(gate));
        assert_eq!(check(&read_only, "web/node_modules/a/b.js", "|", true), None);
        let invoked = Gates { trigger: Trigger::Invoked, ..Gates::default() };
        assert_eq!(check(&invoked, "a.rs", "|", false), Some(Gate::OnlyInvoked));
        assert_eq!(check(&invoked, "a.rs", "|", true), None);
    }
}
