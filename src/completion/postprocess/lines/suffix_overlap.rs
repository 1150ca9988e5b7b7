//! The text right of the cursor, or below it, already.

use super::{Cut, Line};
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::{Extent, Hidden, Replacement};
use crate::completion::text::{
    begins, begins_as, count, ends, ends_as, has, has_sign, head, is_blank, is_word, joined, run, skip,
    skip_back, tail,
};

/// A rest of line shorter than this is told by its brackets alone.
const LEAST: usize = 3;
/// Lines below the cursor that an answer may run into.
const BELOW: usize = 3;
/// A line this long is not there twice by chance, even if it is not the next one.
const TELLING: usize = 12;
/// Lines of at least this length are the same if they differ in a twentieth (tabby drops within 5 %).
const LONG: usize = 30;

/// Follows the lines of an answer and ends it where it runs into what follows the cursor.
pub(super) struct SuffixOverlap<'a> {
    /// The first line of the answer is the next one of the document, which goes on with this line. Where the answer
    /// goes on in another way, it is new code that begins alike.
    held: Option<&'a str>,
}

impl<'a> SuffixOverlap<'a> {
    pub(super) fn new() -> Self {
        Self { held: None }
    }

    /// Whether the first line waits for the second one to tell whether both are the document's.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The word on the next line; `owed`: brackets of the cursor's line that the answer has to close.
    pub(super) fn next(&mut self, context: &CursorContext<'a>, line: &Line<'_>, owed: usize) -> Cut {
        if line.first
            && let Some(cut) = rest_of_line(context, line.text, owed)
        {
            return cut;
        }
        let bare = line.bare;
        if let Some(expected) = self.held.filter(|_| !bare.is_empty()) {
            if expected == bare || context.language.closes(bare) {
                return Cut::Before(Hidden::RepeatsBelow);
            }
            self.held = None;
        }
        let cut = below(context, line);
        if cut != Cut::Keep && line.first && !line.inside && context.on_blank_line() {
            self.held = context.solid_below().nth(1).map(str::trim);
        }
        if self.is_held() && line.first { Cut::Keep } else { cut }
    }
}

/// The end of the line says the text right of the cursor: `foo|, b)` and `a, b)`.
fn rest_of_line(context: &CursorContext<'_>, line: &str, owed: usize) -> Option<Cut> {
    let after = context.line_after.trim();
    if after.is_empty() {
        return None;
    }
    if line.trim() == after && after.len() >= LEAST {
        return Some(Cut::Before(Hidden::RepeatsBelow));
    }
    let said = line.trim_end();
    if let Some(head) = said.strip_suffix(after)
        && Balance::of(head).closes(owed)
    {
        return Some(into(context, head));
    }
    // The block that the line opens is there.
    if after.starts_with('{')
        && let Some(head) = said.strip_suffix('{')
        && Balance::of(head).closes(owed)
    {
        return Some(into(context, head));
    }
    if after.len() < LEAST || !has(after, char::is_alphanumeric) {
        return None;
    }
    // The model went on after it, or broke off within it.
    let mut places = Vec::new();
    for (at, _) in line.match_indices(after) {
        places.push(at);
    }
    for (end, _) in after.char_indices().rev().take_while(|(end, _)| *end >= LEAST) {
        let broken = head(after, end);
        if let Some(head) = said.strip_suffix(broken)
            && has(broken, char::is_alphanumeric)
        {
            places.push(head.len());
            break;
        }
    }
    let mut balance = Balance::default();
    let mut from = 0;
    for at in places {
        let head = head(line, at);
        if ends_as(head, is_word) && begins_as(after, is_word) {
            continue;
        }
        balance.follow(tail(head, from));
        from = at;
        if balance.closes(owed) {
            return Some(into(context, head));
        }
    }
    None
}

/// The replacement for the closers right of the cursor, if the answer's line repeats them in `rest` and goes
/// on after them.
pub(super) fn replacement(context: &CursorContext<'_>, rest: &str) -> Option<Replacement> {
    let after = context.line_after.trim_end();
    let said = after.trim_start();
    let mark = skip(said, ")]}\"'`");
    let closers = said.strip_suffix(mark).filter(|closers| !closers.is_empty())?;
    // The user's own words are never replaced.
    if has(mark, |c| !(c.is_whitespace() || matches!(c, ';' | ',' | ':' | '{'))) {
        return None;
    }
    let rest = rest.trim_end();
    let behind = rest.strip_prefix(closers)?.strip_suffix(mark.trim())?;
    let goes_on = begins_as(behind, |c| !is_word(c));
    let text = rest.to_owned();
    (goes_on && Balance::of(behind).is_even()).then_some(Replacement { replaced: after.len(), text })
}

/// The replacement for the rest of the cursor's line, if the answer's first line repeats every word and sign of that
/// rest in order, with more in between: `g(x));` for `f(‸x);`. So nothing that the user has typed gets lost. `owed`: as in
/// [`SuffixOverlap::next`].
pub(super) fn rewritten(context: &CursorContext<'_>, line: &Line<'_>, owed: usize) -> Option<Replacement> {
    let (before, after) = (context.line_before.trim_end(), context.line_after.trim_end());
    let said = tokens(line.text.trim_end(), true);
    // At a statement's beginning, or in prose, the answer may be meant to be inserted before what it repeats.
    if !has(after, is_word)
        || context.in_words()
        || context.language.is_prose
        || context.extent == Extent::Block
        || context.on_blank_line()
        || ends(after, ";") && ends(before, ";{}")
        || rest_of_line(context, line.text, owed).is_some()
    {
        return None;
    }
    // Blanks count within quotes.
    let rest = tokens(after, has_sign(after, "\"'`"));
    let last = rest.last().filter(|last| said.last() == Some(last))?;
    // Before the rest, such a line would be no code: it ends the statement, or its brackets do not match, or two operands
    // meet.
    let joins = begins_as(after, is_word) || !Balance::of(after).is_even();
    let is_operand = begins(last, ")]}") || begins_as(last, is_word);
    let is_whole = begins(last, ";:{") || is_operand && joins;
    let mut left = said.iter();
    let is_said = rest.iter().all(|token| left.any(|it| it == token));
    let is_alike = Balance::of(line.text) == Balance::of(after) && count(line.text, ";") == count(after, ";");
    (is_whole && is_said && is_alike).then(|| Replacement { replaced: after.len(), text: String::new() })
}

/// The words, signs and, if `blanks` count, white spaces of a text.
fn tokens(text: &str, blanks: bool) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = run(rest, is_word).len().max(run(rest, char::is_whitespace).len()).max(c.len_utf8());
        let token = head(rest, length);
        if blanks || !is_blank(token) {
            tokens.push(token);
        }
        rest = tail(rest, length);
    }
    tokens
}

/// Shows the line up to where the document goes on, which may bring the blank between the two.
fn into(context: &CursorContext<'_>, head: &str) -> Cut {
    match begins(context.line_after, " \t") {
        true => Cut::At(head.trim_end().len()),
        false => Cut::Into(head.len()),
    }
}

/// The word on a line after which `depth` brackets are open: the last one of a statement ends it with what
/// is right of the cursor, `x§;` and `.b();`.
pub(super) fn end(context: &CursorContext<'_>, line: &Line<'_>, depth: usize) -> Cut {
    let after = context.line_after.trim();
    let head = line.text.trim_end().strip_suffix(after);
    match head {
        Some(head) if matches!(after, ";" | ",") && depth == 0 && !line.inside => Cut::Into(head.len()),
        _ => Cut::Keep,
    }
}

/// The line is one of those below the cursor.
fn below(context: &CursorContext<'_>, line: &Line<'_>) -> Cut {
    let full;
    let mut bare = line.bare;
    if bare.is_empty() {
        return Cut::Keep;
    }
    let repeated = Cut::Before(Hidden::RepeatsBelow);
    let mut lines = context.solid_below().take(BELOW);
    let Some(next) = lines.next() else { return Cut::Keep };
    let same_columns = [line.columns, line.said].contains(&context.columns(next));
    // The end of the comment, string or tag that the cursor is in, or the brace that opens its body.
    let mark = line.inside || matches!(bare, "{" | "/>");
    if mark && !line.first && line.depth == 0 && same_columns && next.trim() == bare {
        return repeated;
    }
    // What is deeper than the cursor below it is in a bracket that the answer has to open.
    let may_be_inside = line.depth == 0 || context.columns(next) > context.column();
    if line.inside || !may_be_inside {
        return Cut::Keep;
    }
    let goes_on = line.first && !context.on_blank_line();
    if goes_on {
        full = joined(context.line_before, line.text);
        bare = full.trim();
        if bare.len() < TELLING {
            return Cut::Keep;
        }
    }
    if !has(bare, char::is_alphanumeric) || context.language.closes(bare) {
        return Cut::Keep;
    }
    let (next, columns) = (next.trim(), context.columns(next));
    if same_columns && (next == bare || is_nearly(next, bare)) {
        return repeated;
    }
    if goes_on || line.depth > 0 || bare.len() < TELLING {
        return Cut::Keep;
    }
    if columns < line.columns {
        return Cut::Keep;
    }
    // Lines of the block below the cursor, as far as the document has not left it.
    for below in lines {
        let columns = context.columns(below);
        if columns == line.columns && below.trim() == bare {
            return repeated;
        }
        if columns < line.columns {
            break;
        }
    }
    Cut::Keep
}

/// How many brackets and quotes a text opens and does not close.
#[derive(Default, PartialEq, Eq)]
struct Balance {
    /// Round, square and curly ones.
    open: [isize; 3],
    quoted: bool,
}

impl Balance {
    fn of(text: &str) -> Self {
        let mut balance = Self::default();
        balance.follow(text);
        balance
    }

    fn follow(&mut self, text: &str) {
        for byte in text.bytes() {
            self.quoted ^= byte == b'"';
            let [round, square, curly] = &mut self.open;
            match byte {
                b'(' => *round += 1,
                b')' => *round -= 1,
                b'[' => *square += 1,
                b']' => *square -= 1,
                b'{' => *curly += 1,
                b'}' => *curly -= 1,
                _ => {}
            }
        }
    }

    /// Whether it opens what it closes, and nothing else.
    fn is_even(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it opens nothing that it does not close, and closes `owed` brackets that it did not open: then what
    /// follows is another's.
    fn closes(&self, owed: usize) -> bool {
        let closed = self.open.iter().sum::<isize>().unsigned_abs();
        !self.quoted && self.open.iter().all(|open| *open <= 0) && closed >= owed
    }
}

/// A line without its blanks and the punctuation at its end.
fn bones(line: &str) -> Vec<char> {
    let mut bones = Vec::new();
    for c in skip_back(line, ";,").chars() {
        if !c.is_whitespace() {
            bones.push(c);
        }
    }
    bones
}

/// Whether two lines say the same but for blanks and the punctuation at their ends, or for a slip in a long
/// line. Digits and whole words make another line: `case 1:` and `case 2:`.
fn is_nearly(a: &str, b: &str) -> bool {
    let (a, b) = (bones(a), bones(b));
    let shorter = a.len().min(b.len());
    if a == b {
        return shorter >= LEAST;
    }
    if shorter < LONG {
        return false;
    }
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let most = shorter - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let joins = |at: usize| a.get(at).is_some_and(|c| c.is_alphanumeric());
    let in_word = front > 0 && joins(front - 1) || joins(a.len() - back);
    let differs = |line: &[char]| {
        let own = line.get(front..line.len() - back).unwrap_or_default();
        own.len() * 20 <= shorter && !own.iter().any(char::is_ascii_digit)
    };
    in_word && differs(&a) && differs(&b)
}
