//! Closing brackets that the document has already.

use super::{Cut, Place};

/// Follows the brackets an answer opens, and ends it where it closes one that it did not open and that
/// stands right of the cursor already.
pub(super) struct Brackets<'a> {
    /// Brackets the answer has opened and not closed.
    open: Vec<char>,
    /// What stands right of the cursor on its line, if anything.
    closed: &'a str,
    quote: Option<char>,
    quotes: &'static [char],
}

impl<'a> Brackets<'a> {
    pub(super) fn new(place: &Place<'a>) -> Self {
        let quotes: &[char] = match place.language {
            // An apostrophe begins a lifetime or a comment as often as a character.
            "rust" | "ocaml" | "haskell" | "lisp" | "scheme" | "clojure" | "fsharp" | "elm" => &['"'],
            "markdown" | "plaintext" | "latex" | "" => &[],
            "javascript" | "typescript" | "jsx" | "tsx" | "go" => &['"', '\'', '`'],
            _ => &['"', '\''],
        };
        Self { open: Vec::new(), closed: place.line_after().trim_start(), quote: None, quotes }
    }

    pub(super) fn next(&mut self, line: &str) -> Cut {
        let mut escaped = false;
        for (at, c) in line.char_indices() {
            if let Some(quote) = self.quote {
                if c == quote && !escaped {
                    self.quote = None;
                }
                escaped = c == '\\' && !escaped;
                continue;
            }
            match c {
                _ if self.quotes.contains(&c) => self.quote = Some(c),
                '(' => self.open.push(')'),
                '[' => self.open.push(']'),
                '{' => self.open.push('}'),
                ')' | ']' | '}' => {
                    if self.open.last() == Some(&c) {
                        self.open.pop();
                    } else if self.closed.starts_with(c) {
                        return Cut::At(at);
                    }
                }
                _ => {}
            }
        }
        // Strings do not cross lines, but for those few that this must not trip over.
        self.quote = None;
        Cut::Keep
    }
}
