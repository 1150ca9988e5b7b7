//! Where and when not to ask.

use super::events::Buffer;

/// More code than this right of the cursor, closing punctuation aside, and an automatic completion
/// would have to fit between: it seldom does (llama.vim draws the line at 8 as well).
const CODE_AFTER: usize = 8;

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
    /// When to ask, by globs of files; of several that match the longest counts.
    pub files: Vec<(String, Trigger)>,
    /// When to ask, by language id.
    pub languages: Vec<(String, Trigger)>,
    /// Globs of files that are read and not written: nothing is asked there unless invoked.
    pub read_only: Vec<String>,
    /// Globs of files whose text must not leave the machine.
    pub ignore: Vec<String>,
    /// Documents larger than this, in bytes, are left alone.
    pub largest: usize,
}

/// Why a place is not asked about.
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
            files: Vec::new(),
            languages: Vec::new(),
            read_only: Vec::new(),
            ignore: Vec::new(),
            largest: 2 << 20,
        }
    }
}

impl Gates {
    /// What forbids to ask at byte `offset` of `buffer`, if anything.
    pub fn check(&self, buffer: &Buffer<'_>, offset: usize, invoked: bool) -> Option<Gate> {
        let matching = self.files.iter().filter(|(glob, _)| matches(glob, buffer.path));
        let file = matching.max_by_key(|(glob, _)| glob.len());
        let language = self.languages.iter().find(|(id, _)| id == buffer.language);
        match file.or(language).map_or(self.trigger, |(_, trigger)| *trigger) {
            Trigger::Off => {
                let of_file = file.map(|(glob, _)| Gate::FileOff(glob.clone()));
                let of_language = language.map(|(id, _)| Gate::LanguageOff(id.clone()));
                return of_file.or(of_language).or(Some(Gate::Off));
            }
            Trigger::Invoked if !invoked => return Some(Gate::OnlyInvoked),
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
        if let Some(glob) = self.read_only.iter().find(|glob| matches(glob, buffer.path)) {
            return Some(Gate::ReadOnly(glob.clone()));
        }
        let after = buffer.text.get(offset..).unwrap_or_default();
        if after.chars().next().is_some_and(|next| next.is_alphanumeric() || next == '_') {
            return Some(Gate::MidWord);
        }
        let line = after.lines().next().unwrap_or_default();
        let code = line.trim_matches(|c: char| c.is_whitespace() || ")]}>\"'`;,:".contains(c));
        // Between two blanks an operand is missing: `SELECT | FROM users;`.
        let before = buffer.text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let gap = !before.trim().is_empty() && before.ends_with(' ') && line.starts_with(' ');
        (!gap && code.chars().count() > CODE_AFTER).then_some(Gate::CodeAfter)
    }

    /// The glob that keeps `path` from leaving the machine, if any.
    pub fn ignored(&self, path: &str) -> Option<&str> {
        self.ignore.iter().find(|glob| matches(glob, path)).map(String::as_str)
    }
}

/// Whether the glob matches the whole path or one of its tails, so that `.env*` and `secrets/**` mean what they
/// mean in `.gitignore`. Case does not count: for some file systems it does not, and a secret sent once is sent.
fn matches(glob: &str, path: &str) -> bool {
    let (glob, path) = (&glob.trim_start_matches('/').to_ascii_lowercase(), &path.to_ascii_lowercase());
    let mut tails = path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..));
    fast_glob::glob_match(glob, path) || tails.any(|tail| fast_glob::glob_match(glob, tail))
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
        let gates = Gates::default();
        for (drawn, gate) in [
            ("let x = |", None),
            ("let x|yz = 1", Some(Gate::MidWord)),
            ("foo(|);", None),
            ("foo(|)\n    .unwrap_more();", None),
            ("foo(|, another_argument)", Some(Gate::CodeAfter)),
            ("select | from users;", None),
            ("    |  let count = 1;", Some(Gate::CodeAfter)),
            ("|été", Some(Gate::MidWord)),
        ] {
            assert_eq!(check(&gates, "src/main.rs", drawn, false), gate, "{drawn}");
            assert_eq!(check(&gates, "src/main.rs", drawn, true), None, "{drawn}, invoked");
        }
    }

    #[test]
    fn switches_and_secrets_hold_for_invoked_requests_too() {
        let ignore = [".env*", "*.pem", "secrets/**", "/build/**"].map(str::to_owned).to_vec();
        let gates = Gates { ignore, ..Gates::default() };
        for (path, glob) in [
            (".env", Some(".env*")),
            ("deploy/.env.local", Some(".env*")),
            ("deploy/.ENV", Some(".env*")),
            ("a/b/key.pem", Some("*.pem")),
            ("x/secrets/db/one.txt", Some("secrets/**")),
            ("src/environment.rs", None),
        ] {
            let gate = check(&gates, path, "|", true);
            assert_eq!(gate, glob.map(|glob| Gate::Ignored(glob.to_owned())), "{path}");
        }
        let off = Gates { trigger: Trigger::Off, ..Gates::default() };
        assert_eq!(check(&off, "a.rs", "|", true), Some(Gate::Off));
        let languages = vec![("rust".to_owned(), Trigger::Off)];
        let off = Gates { languages, ..Gates::default() };
        assert_eq!(check(&off, "a.rs", "|", true), Some(Gate::LanguageOff("rust".to_owned())));
        let files = [("*.rs", Trigger::Off), ("src/gen/*.rs", Trigger::Invoked)];
        let files = files.map(|(glob, trigger)| (glob.to_owned(), trigger)).to_vec();
        let languages = vec![("rust".to_owned(), Trigger::Automatic)];
        let by_file = Gates { files, languages, ..Gates::default() };
        assert_eq!(check(&by_file, "src/a.rs", "|", true), Some(Gate::FileOff("*.rs".to_owned())));
        assert_eq!(check(&by_file, "src/gen/a.rs", "|", false), Some(Gate::OnlyInvoked));
        assert_eq!(check(&by_file, "src/gen/a.rs", "|", true), None);
        assert_eq!(check(&by_file, "src/a.txt", "|", false), None);
        let read_only = Gates { read_only: vec!["node_modules/**".to_owned()], ..Gates::default() };
        let gate = Gate::ReadOnly("node_modules/**".to_owned());
        assert_eq!(check(&read_only, "web/node_modules/a/b.js", "|", false), Some(gate));
        assert_eq!(check(&read_only, "web/node_modules/a/b.js", "|", true), None);
        let invoked = Gates { trigger: Trigger::Invoked, ..Gates::default() };
        assert_eq!(check(&invoked, "a.rs", "|", false), Some(Gate::OnlyInvoked));
        assert_eq!(check(&invoked, "a.rs", "|", true), None);
    }
}
