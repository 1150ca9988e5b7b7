//! File globs with the meaning they have in `.gitignore`.

use crate::completion::text::{head, run_back, tail};

/// One pattern.
///
/// As in `.gitignore`: a folder's name covers everything in it, a leading `/` means the workspace's own folder, a
/// trailing `/` means folders only, a leading `!` negates, `*` and `?` stop at `/`, `**` does not. Different:
/// a pattern with `/` inside matches at any depth, case is ignored (some file systems ignore it, and a
/// secret must not be sent), and `{a,b}` means either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// As it was written, without white space around it.
    text: String,
    /// In lower case, without the marks below.
    pattern: String,
    is_negated: bool,
    is_anchored: bool,
    folders_only: bool,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is allowed, as the end of a sentence that begins with "must be". An unclear pattern is refused: if it
    /// did not match what the user expects, files would be sent.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (is_negated, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let rest = rest.strip_prefix("./").unwrap_or(rest);
        let (is_anchored, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let (folders_only, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
        let allowed = if rest.is_empty() {
            "a glob that names something"
        } else if rest.starts_with('~') {
            "a glob without `~`: write the whole path"
        } else if rest.contains('\\') {
            "a glob with `/` between folders and without `\\`: `[*]` means the character itself"
        } else if rest.starts_with('#') {
            "a glob that does not begin with `#`"
        } else if rest.starts_with('!') || rest.chars().any(char::is_control) {
            "a glob on one line, with one `!` at most in front"
        } else if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            "a glob without `//`, `.` and `..` between folders"
        } else if has_bare_comma(rest) {
            "one glob, not several with commas between them"
        } else if fast_glob::validate(rest).is_err() {
            "a glob: a bracket or brace is not closed"
        } else {
            let (text, pattern) = (text.to_owned(), rest.to_ascii_lowercase());
            return Ok(Self { text, pattern, is_negated, is_anchored, folders_only });
        };
        Err(allowed.to_owned())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it negates: it re-includes what others match.
    pub fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// Whether it negates exactly `other`.
    pub fn takes_out(&self, other: &Self) -> bool {
        let is_same = self.pattern == other.pattern && self.is_anchored == other.is_anchored;
        self.is_negated && !other.is_negated && is_same
    }

    /// Whether the path or a folder above it matches, ignoring the `!`.
    pub fn matches(&self, path: &str) -> bool {
        first_step(path, &|step, is_folder| self.fits(step, is_folder).then_some(self)).is_some()
    }

    /// Whether `path`, in lower case, matches itself.
    fn fits(&self, path: &str, is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        let fits = |part: &str| fast_glob::glob_match(&self.pattern, part);
        if self.is_anchored {
            // In an absolute path, the pattern starts at the root.
            return fits(path.strip_prefix('/').unwrap_or(path));
        }
        if !self.pattern.contains('/') && self.pattern != "**" {
            return fits(run_back(path, |c| c != '/'));
        }
        fits(path) || path.match_indices('/').any(|(at, _)| fits(tail(path, at + 1)))
    }
}

/// The first glob that `glob` returns for the folders above a path, from the top, or for the path itself. It is called
/// with each path in lower case, and whether it is a folder.
#[inline(never)]
fn first_step<'g>(path: &str, glob: &dyn Fn(&str, bool) -> Option<&'g Glob>) -> Option<&'g Glob> {
    let path = path.to_ascii_lowercase();
    for (at, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
        if let Some(found) = glob(head(&path, at), true) {
            return Some(found);
        }
    }
    glob(&path, false)
}

fn has_bare_comma(text: &str) -> bool {
    let mut braces = 0;
    text.chars().any(|c| {
        match c {
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        c == ',' && braces <= 0
    })
}

/// Patterns in order: the last that matches counts, but files in a folder that matches cannot be re-included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globs(Vec<Glob>);

impl Globs {
    /// Reads patterns.
    ///
    /// # Errors
    /// As [`Glob::parse`].
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut globs = Self::default();
        for text in texts {
            globs.0.push(Glob::parse(text)?);
        }
        Ok(globs)
    }

    /// Adds a pattern. One that negates exactly an earlier one removes that.
    pub fn add(&mut self, glob: &Glob) {
        let before = self.0.len();
        self.0.retain(|known| !glob.takes_out(known));
        if before == self.0.len() {
            self.0.push(glob.clone());
        }
    }

    /// The pattern that covers the path, if one does.
    pub fn find(&self, path: &str) -> Option<&str> {
        self.find_among(path, |_| true)
    }

    /// The same of an absolute path, by the patterns that begin with `/`.
    pub fn find_absolute(&self, path: &str) -> Option<&str> {
        self.find_among(path, |glob| glob.is_anchored)
    }

    fn find_among(&self, path: &str, counts: fn(&Glob) -> bool) -> Option<&str> {
        let covering = first_step(path, &|step, is_folder| {
            let last = self.0.iter().rev().find(|glob| counts(glob) && glob.fits(step, is_folder))?;
            (!last.is_negated).then_some(last)
        });
        covering.map(Glob::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        for (glob, path, covered) in [
            ("vendor", "vendor/a/b.rs", true),
            ("vendor/", "vendor/a/b.rs", true),
            ("vendor/", "x/vendor/b.rs", true),
            ("vendor/", "x/vendor", false),
            ("vendor", "x/vendor", true),
            ("vendor", "x/vendored/a.rs", false),
            ("vendor/*", "vendor/a/b/c.rs", true),
            ("vendor/**", "vendor/a/b/c.rs", true),
            ("./vendor/**", "vendor/a.rs", true),
            ("  vendor/ ", "vendor/a.rs", true),
            ("/vendor", "vendor/a.rs", true),
            ("/vendor", "x/vendor/a.rs", false),
            ("/*.rs", "a.rs", true),
            ("/*.rs", "x/a.rs", false),
            ("/home/u/notes/", "/home/u/notes/a.md", true),
            ("*.rs", "x/a.rs", true),
            ("*.rs", "a.rs/x.txt", true),
            ("a*b", "a/b", false),
            ("a?b", "a/b", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b/c", true),
            ("**/b", "b", true),
            ("src/gen", "x/src/gen/a.rs", true),
            ("[ab].rs", "a.rs", true),
            ("[!ab].rs", "a.rs", false),
            ("*.{pem,key}", "x.KEY", true),
            ("*.PEM", "x.pem", true),
            ("É", "É/x", true),
        ] {
            assert_eq!(Glob::parse(glob).unwrap().matches(path), covered, "{glob} {path}");
        }
    }

    #[test]
    fn unclear_patterns_are_refused() {
        for text in [
            "",
            " ",
            "/",
            "!",
            "!/",
            "//",
            "./",
            "~/secret",
            "~",
            "vendor\\**",
            "a\\*",
            "*.rs,*.py",
            "*.rs, *.py",
            "a\nb",
            "#a",
            "!!a",
            "a//b",
            "../a",
            "a/../b",
            "a/./b",
            "[a",
            "a{b",
        ] {
            assert!(Glob::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_last_match_counts_except_inside_a_covered_folder() {
        for (globs, path, covered) in [
            (&["*.rs", "!main.rs"][..], "src/main.rs", None),
            (&["*.rs", "!main.rs"], "src/a.rs", Some("*.rs")),
            (&["!main.rs", "*.rs"], "src/main.rs", Some("*.rs")),
            (&["src/", "!main.rs"], "src/main.rs", Some("src/")),
            (&["src/*", "!src/main.rs"], "src/main.rs", None),
            (&["!a.rs"], "a.rs", None),
        ] {
            assert_eq!(Globs::parse(globs.iter().copied()).unwrap().find(path), covered, "{globs:?} {path}");
        }
    }

    #[test]
    fn a_pattern_is_taken_out_by_its_own_text_only() {
        let mut globs = Globs::parse(["*.pem", "id_rsa*", ".ssh/"]).unwrap();
        globs.add(&Glob::parse("!*.PEM").unwrap());
        globs.add(&Glob::parse("extra").unwrap());
        for (path, covered) in [
            ("a.pem", None),
            ("id_rsa.pem", Some("id_rsa*")),
            (".ssh/a.pem", Some(".ssh/")),
            ("extra/a", Some("extra")),
        ] {
            assert_eq!(globs.find(path), covered, "{path}");
        }
    }
}
