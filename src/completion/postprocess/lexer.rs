//! A minimal lexer that tells brackets in code from those in strings and comments.

use super::language::{Blocks, Language, Quote};
use crate::completion::text::{begins_with_one, head, run, skip, tail};

/// The state at the end of a line of code.
#[derive(Debug, Clone)]
pub(super) struct Lexer {
    language: &'static Language,
    /// The bytes that matter in code.
    telling: Bytes,
    inside: Option<&'static Quote>,
    /// The line that ends the here-document.
    here: Option<String>,
    /// Strings that contain the current code (interpolation), each with the braces that were opened since.
    left: Vec<(&'static Quote, usize)>,
}

/// A token of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A bracket opens; this closes it.
    Open(char),
    /// A bracket closes.
    Close(char),
    /// A string begins.
    Quote,
    /// A string ends.
    Unquote(char),
}

impl Mark {
    /// Updates the list of expected closers. Returns a closing bracket that is not the next expected one.
    #[inline(never)]
    pub(super) fn follow(self, open: &mut Vec<char>) -> Option<char> {
        match self {
            Mark::Open(closer) => open.push(closer),
            Mark::Close(c) if open.last() == Some(&c) => drop(open.pop()),
            Mark::Close(c) => return Some(c),
            Mark::Quote | Mark::Unquote(_) => {}
        }
        None
    }
}

impl Lexer {
    pub(super) fn new(language: &'static Language) -> Self {
        let mut telling = Bytes([false; 256]);
        for byte in "()[]{}\\'".bytes() {
            telling.add(byte);
        }
        for quote in language.block_comments.iter().chain(language.quotes) {
            telling.add_first(quote.open);
        }
        for mark in language.line_comments {
            telling.add_first(mark);
        }
        Self { language, telling, inside: None, here: None, left: Vec::new() }
    }

    /// Whether the next line begins within a string or a comment.
    #[inline(never)]
    pub(super) fn is_inside(&self) -> bool {
        self.inside.is_some() || self.here.is_some()
    }

    /// Whether white space before the next line, which begins within a string or a comment, is indentation.
    pub(super) fn moves(&self) -> bool {
        let docstring = self.language.blocks == Blocks::Indentation;
        self.here.is_none() && (docstring || !self.in_string())
    }

    /// The quote of the string or comment that the text read so far ends within.
    pub(super) fn quote(&self) -> Option<&'static Quote> {
        self.inside
    }

    /// Whether the text read so far ends within a string.
    #[inline(never)]
    pub(super) fn in_string(&self) -> bool {
        self.inside.is_some_and(|inside| !inside.is_comment)
    }

    // The marks go to a `dyn` function: this code is large, and one copy of it is enough.

    /// Reads a part of a line; returns where the comment at its end begins, or its length.
    pub(super) fn part(&mut self, line: &str, mark: &mut dyn FnMut(usize, Mark)) -> usize {
        #[cfg(test)]
        super::tests::READ.set(super::tests::READ.get() + line.len());
        let mut at = 0;
        while let Some(telling) = self.next_telling(line, at) {
            at = telling;
            let before = head(line, at).chars().next_back().unwrap_or(' ');
            let rest = tail(line, at);
            let Some(c) = rest.chars().next() else { break };
            let step = self.step(rest, c, before, &mut |what| mark(at, what));
            let Some(step) = step else { return at };
            at += step;
        }
        line.len()
    }

    /// Reads a whole line.
    pub(super) fn line(&mut self, line: &str, mark: &mut dyn FnMut(usize, Mark)) -> usize {
        if let Some(end) = &self.here {
            if line.trim() == end {
                self.here = None;
            }
            return line.len();
        }
        let code = self.part(line, mark);
        let between = self.language.here_document;
        if !between.is_empty() && self.inside.is_none() {
            self.here = line.get(..code).and_then(|code| here_document(code, between));
        }
        if self.inside.is_some_and(|inside| !inside.spans_lines) {
            self.inside = None;
        }
        if self.left.last().is_some_and(|(quote, _)| !quote.spans_lines) {
            self.left.clear();
        }
        code
    }

    /// The position of the first byte from `at` on that may matter: most do not.
    fn next_telling(&self, line: &str, at: usize) -> Option<usize> {
        let tells = |byte: u8| match self.inside {
            Some(inside) => {
                let starts = |mark: &str| mark.bytes().next() == Some(byte);
                starts(inside.close) || starts(inside.code) || inside.escapes && byte == b'\\'
            }
            None => self.telling.has(byte),
        };
        Some(at + tail(line, at).bytes().position(tells)?)
    }

    /// How many bytes belong together at the beginning of `rest`; `None`: a comment to the line's end.
    fn step(&mut self, rest: &str, c: char, before: char, mark: &mut dyn FnMut(Mark)) -> Option<usize> {
        if let Some(inside) = self.inside {
            if inside.escapes && c == '\\' {
                return Some(escaped(rest));
            }
            if rest.starts_with(inside.close) {
                self.inside = None;
                if !inside.is_comment {
                    mark(Mark::Unquote(c));
                }
                return Some(inside.close.len());
            }
            if !inside.code.is_empty() && rest.starts_with(inside.code) {
                self.left.push((inside, 0));
                self.inside = None;
                mark(Mark::Open('}'));
                return Some(inside.code.len());
            }
            return Some(c.len_utf8());
        }
        // A backslash in code is within a pattern, or begins a function in Haskell.
        if c == '\\' && !self.language.has_lifetimes {
            return Some(escaped(rest));
        }
        let glued = c.is_alphabetic() && (before.is_alphanumeric() || before == '_');
        if let Some(comment) = self.language.block_comments.iter().find(|quote| rest.starts_with(quote.open))
        {
            self.inside = Some(comment);
            return Some(comment.open.len());
        }
        if begins_with_one(rest, self.language.line_comments)
            && (c != '#' || before.is_whitespace() || before == ';')
            && !glued
        {
            return None;
        }
        if let Some(quote) = self.language.quotes.iter().find(|quote| rest.starts_with(quote.open) && !glued)
        {
            self.inside = Some(quote);
            mark(Mark::Quote);
            return Some(quote.open.len());
        }
        match c {
            '\'' if self.language.has_lifetimes => return Some(character(rest)),
            '(' => mark(Mark::Open(')')),
            '[' => mark(Mark::Open(']')),
            '{' => {
                if let Some((_, braces)) = self.left.last_mut() {
                    *braces += 1;
                }
                mark(Mark::Open('}'));
            }
            '}' => {
                mark(Mark::Close(c));
                match self.left.last_mut() {
                    Some((quote, 0)) => {
                        self.inside = Some(quote);
                        self.left.pop();
                    }
                    Some((_, braces)) => *braces -= 1,
                    None => {}
                }
            }
            ')' | ']' => mark(Mark::Close(c)),
            _ => {}
        }
        Some(c.len_utf8())
    }
}

/// A set of bytes.
#[derive(Debug, Clone)]
struct Bytes([bool; 256]);

impl Bytes {
    fn add(&mut self, byte: u8) {
        if let Some(has) = self.0.get_mut(usize::from(byte)) {
            *has = true;
        }
    }

    /// Adds what `mark` begins with.
    fn add_first(&mut self, mark: &str) {
        if let Some(byte) = mark.bytes().next() {
            self.add(byte);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)) == Some(&true)
    }
}

/// The line that ends the here-document which `line` begins (`<<EOF`, `<<~'SQL'`), if it begins one.
fn here_document(line: &str, between: &str) -> Option<String> {
    let (_, mark) = line.split_once("<<")?;
    let name = run(skip(mark, between), |c| c.is_ascii_uppercase() || c == '_');
    (name.len() >= 2).then(|| name.to_owned())
}

/// The length of a backslash and the character after it, with which `rest` begins.
fn escaped(rest: &str) -> usize {
    1 + rest.chars().nth(1).map_or(0, char::len_utf8)
}

/// The length of a character in apostrophes, or of the apostrophe if it begins none.
fn character(rest: &str) -> usize {
    let mut chars = tail(rest, 1).chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some('\\'), Some(c), Some('\'')) => 3 + c.len_utf8(),
        (Some(c), Some('\''), _) => 2 + c.len_utf8(),
        _ => 1,
    }
}
