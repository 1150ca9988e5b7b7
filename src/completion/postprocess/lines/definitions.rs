//! At the top of a file or a class, one function is an answer: the next one is another.

use super::{Cut, Line};
use crate::completion::postprocess::Hidden;
use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::{Blocks, Language};
use crate::completion::text::{
    begins, begins_as, begins_with_one, begins_with_word, ends, first_word, has_sign, is_among, is_word,
    joined, last_word, skip, skip_back, tail,
};

/// Words before the one that says what is defined.
const MODIFIERS: &str = "pub crate export default async static public private protected internal abstract final \
    override virtual inline const unsafe extern open sealed data suspend local declare partial";
const DEFINING: &str = "fn def class struct enum trait impl interface func fun function module mod namespace object \
    protocol extension defmodule defp record union macro_rules";
/// Blocks in which definitions follow each other.
const CONTAINERS: &str = "class struct trait impl interface module mod namespace object protocol extension defmodule \
    enum";
const CONTROL: &str = "if for while loop match switch else try do catch with return foreach using lock when guard \
    unsafe await new throw synchronized";

/// Follows the lines of an answer and ends it with the first definition that has a body.
pub(super) struct Definitions {
    /// Definitions are at the cursor's indentation.
    watched: bool,
    defined: bool,
    has_body: bool,
    /// Something other than a definition was shown.
    stated: bool,
}

impl Definitions {
    pub(super) fn new(context: &CursorContext<'_>) -> Self {
        let top = context.header.is_none() && context.body == 0;
        let contained = context.header.is_some_and(is_container);
        let own = is_definition(context.line_before);
        Self {
            watched: (top || contained || own) && !context.is_empty(),
            defined: false,
            has_body: false,
            stated: false,
        }
    }

    /// The word on the next line; `depth`: brackets open after it, `floor`: columns of the definitions.
    pub(super) fn next(
        &mut self,
        context: &CursorContext<'_>,
        line: &Line<'_>,
        depth: usize,
        floor: usize,
    ) -> Cut {
        let code = line.bare;
        // Where blocks need no braces, no bracket holds a definition.
        let bare = context.language.blocks == Blocks::Indentation;
        if bare && line.apart && line.depth > 0 && !line.inside && line.said == 0 && is_definition(code) {
            return Cut::Before(Hidden::EndsBlock);
        }
        if !self.watched || line.inside || code.is_empty() {
            return Cut::Keep;
        }
        if !line.first && line.columns > floor {
            self.has_body = true;
            return Cut::Keep;
        }
        let braces = context.language.blocks == Blocks::Braces;
        let closed = match context.language.blocks {
            Blocks::Braces => line.depth > 0 && depth == 0 && skip_back(code, ";,)").ends_with('}'),
            Blocks::Words => self.has_body && context.language.closes(code),
            _ => false,
        };
        if self.defined && closed {
            return Cut::At(line.text.trim_end().len());
        }
        let below_body = self.defined && self.has_body && !context.language.closes(code) && line.depth == 0;
        if context.language.blocks == Blocks::Indentation && below_body {
            return Cut::Before(Hidden::EndsBlock);
        }
        let full = joined(if line.first { context.line_before } else { "" }, line.text);
        let words = context.language.blocks == Blocks::Words;
        let defines =
            is_definition(&full) || (braces || words) && is_function(&full) || braces && is_block(&full);
        if defines && self.stated && !self.defined && line.apart && line.depth == 0 {
            return Cut::Before(Hidden::EndsBlock);
        }
        self.defined |= defines;
        self.stated |= !defines && !is_introduction(context, code);
        Cut::Keep
    }
}

/// Whether a line is above definitions without being one: a comment, an import, a decorator.
fn is_introduction(context: &CursorContext<'_>, code: &str) -> bool {
    begins_with_one(code, context.language.line_comments)
        || begins(code, "@#/*[")
        || begins_with_word(code, "import from use using package require include")
}

/// Whether a line defines something by name.
pub(crate) fn is_definition(line: &str) -> bool {
    is_among(defining_word(line), DEFINING)
        || (line.trim_start().starts_with("type ") && line.trim_end().ends_with('{'))
        || ((line.contains("=> {") || line.contains("= function"))
            && words(line).iter().any(|word| is_among(word, "const let var")))
}

/// Whether a line is the head of a definition or a condition that has no body yet, or ends with a word that asks for more.
pub(crate) fn lacks_body(code: &str, language: &Language) -> bool {
    const ASKING: &str = "and as await extends from implements import in instanceof is let new not of or typeof var \
        where yield";
    let code = code.trim();
    let last = skip(last_word(code), "_");
    let behind = code.rfind(')').map_or(code, |at| tail(code, at));
    let body = if language.blocks == Blocks::Braces { "={" } else { "=:" };
    let head = is_definition(code) && !has_sign(behind, body);
    let condition = begins_with_word(code, "if for while switch catch") && code.ends_with(')');
    head || condition || [ASKING, MODIFIERS, DEFINING].iter().any(|words| is_among(last, words))
}

/// Whether a line opens a block in which definitions follow each other.
pub(super) fn is_container(line: &str) -> bool {
    is_among(defining_word(line), CONTAINERS)
}

/// The first word of a line that is no modifier.
fn defining_word(line: &str) -> &str {
    words(line).last().copied().unwrap_or_default()
}

/// The words a line begins with, up to the first that is no modifier.
#[inline(never)]
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    loop {
        let word = first_word(rest);
        words.push(word);
        if !is_among(word, MODIFIERS) {
            return words;
        }
        rest = skip(tail(rest, word.len()), " ()\t");
    }
}

/// Whether a line opens a block that is no statement: `.button {`, `@media print {`, `get {`.
fn is_block(line: &str) -> bool {
    let Some(head) = line.trim().strip_suffix('{') else { return false };
    let selects = begins(head, ".#@&*:[");
    (selects || begins_as(head, char::is_alphabetic))
        && !head.contains('=')
        && (selects || !head.contains('('))
        && !begins_with_word(head, CONTROL)
}

/// Whether a line is the head of a function that no word announces: `int main(void) {`, `render() {`.
fn is_function(line: &str) -> bool {
    let line = line.trim();
    let Some((name, _)) = line.split_once('(') else { return false };
    let plain = |c: char| is_word(c) || " *&:<>~,".contains(c);
    ends(line, "{)")
        && !name.is_empty()
        && name.chars().all(plain)
        && !begins_with_word(name, CONTROL)
        && (line.ends_with('{') || name.contains(' '))
}
