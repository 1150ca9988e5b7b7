//! Special tokens of models. Where one leaks into an answer, what follows it is not part of the answer; in a prompt,
//! servers take one for their own wherever it is.

use std::borrow::Cow;

use memchr::memchr2_iter;

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::text::{
    begins_as, begins_with_one, ends, ends_as, find, head, is_among, is_word, last_bytes, last_line, mark_of,
    run_back, skip, skip_blank, tail, within,
};

/// Tokens that mean nothing in any language (the stop lists of the FIM templates, what llama.cpp takes for
/// the same tokens, and the tags of our own hole filling prompt).
const TOKENS: &[&str] = &[
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<fim_pad>",
    "<fim-prefix>",
    "<fim-suffix>",
    "<fim-middle>",
    "<fim-pad>",
    "<fim-repo>",
    "<[fim-prefix]>",
    "<[fim-suffix]>",
    "<[fim-middle]>",
    "<[end▁of▁sentence]>",
    "<[begin▁of▁sentence]>",
    "<[PAD▁TOKEN]>",
    "<EOT>",
    "<PRE>",
    "<SUF>",
    "<MID>",
    "<REPO>",
    "<file_sep>",
    "<repo_name>",
    "<reponame>",
    "<gh_stars>",
    "<end_of_turn>",
    "<start_of_turn>",
    "<eos>",
    "<bos>",
    "[PREFIX]",
    "[SUFFIX]",
    "[MIDDLE]",
    "[INST]",
    "[/INST]",
    "</s>",
    "<COMPLETION>",
    "</COMPLETION>",
    "{{FILL_HERE}}",
    "<before_cursor>",
    "</before_cursor>",
    "<after_cursor>",
    "</after_cursor>",
    "</current_file>",
];
/// Tokens that are code elsewhere, but not at the beginning of a line.
const AT_LINE_START: &[&str] =
    &["<filename>", "+++++ ", "<<<<<<< CURRENT", ">>>>>>> UPDATED", "<current_file", "</file>"];
/// Names of tokens that mean nothing without their brackets either, which some tokenizers lose.
const BARE: &str = "fim_prefix fim_suffix fim_middle fim_pad fim-prefix fim-suffix fim-middle fim-pad endoftext \
    im_start im_end start_of_turn end_of_turn eot_id";
/// `<|name|>` and DeepSeek's `<｜name｜>`, whatever the name: each family has its own.
const BARS: [(&str, &str); 2] = [("<|", "|>"), ("<｜", "｜>")];
/// How those of [`TOKENS`] begin that are in no code but code about models.
const NEVER_CODE: &[&str] =
    &["<fim", "<[", "[INST]", "[/INST]", "<file_sep>", "<repo", "<gh_stars>", "<start_of", "<end_of"];
/// Names of tokens are no longer than this, in bytes.
const LONGEST: usize = 48;
/// A string with a token in it is looked at so far on each side, in bytes.
const STRING: usize = 512;
/// A shorter beginning of a token at the end of an answer may be an operator.
const LEAST: usize = 4;

/// The text before the first leaked token, and whether there was one.
pub(super) fn cut<'r>(context: &CursorContext<'_>, text: &'r str, ended: bool) -> (&'r str, bool) {
    let text = if context.lexer.in_string() { text } else { after_opening(text) };
    let (text, leaked) = match bracketed(context, text, ended) {
        Some((at, leaked)) => (head(text, at), leaked),
        None => (text, false),
    };
    match bare(context, text, ended || leaked) {
        Some((at, sure)) => (head(text, at), sure || leaked),
        None if ended && !leaked => (without_partial(text), false),
        None => (text, leaked),
    }
}

/// The text for a prompt. Its special tokens are broken up by a blank: the model can read their names, and no server
/// takes them for its own. (What is left when a token is taken out may be another one.)
pub fn break_up(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    for at in memchr2_iter(b'<', b'[', text.as_bytes()) {
        let Some(token) = token(text, at) else { continue };
        if BARS.iter().any(|(open, _)| token.starts_with(open)) || begins_with_one(token, NEVER_CODE) {
            out.push_str(tail(head(text, at + 1), done));
            out.push(' ');
            done = at + 1;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(tail(text, done));
    Cow::Owned(out)
}

/// Where the first token is, and whether it certainly leaked.
fn bracketed(context: &CursorContext<'_>, text: &str, ended: bool) -> Option<(usize, bool)> {
    let mut from = 0;
    while let Some(found) = find(tail(text, from), |c| matches!(c, '<' | '[' | '+' | '{' | '>')) {
        let at = from + found;
        if let Some(token) = token(text, at) {
            match is_leaked(context, text, at, token, ended) {
                Some(true) => return Some((at, true)),
                Some(false) => {}
                None => return Some((at, false)),
            }
        }
        from = at + 1;
    }
    None
}

/// Where the name of a token is without its brackets, and whether it certainly leaked.
fn bare(context: &CursorContext<'_>, text: &str, ended: bool) -> Option<(usize, bool)> {
    let mut first: Option<(usize, usize, &str, bool)> = None;
    for name in BARE.split(' ') {
        for (at, name) in text.match_indices(name) {
            if first.is_some_and(|(known, ..)| known < at) {
                break;
            }
            // Half of the brackets may be left.
            let start = head(text, at).trim_end_matches('|').trim_end_matches('<').len();
            if let Some(sure) = is_apart(text, start, at, name, ended) {
                first = Some((start, at, name, sure));
                break;
            }
        }
    }
    let (start, at, name, sure) = first?;
    // Code about tokens names them.
    if context.before.contains(name) || context.after.contains(name) {
        return None;
    }
    match is_leaked(context, text, at, name, ended) {
        Some(true) => Some((start, sure)),
        Some(false) => None,
        None => Some((start, false)),
    }
}

/// Whether a name at this byte, with half of its brackets from `start` on, is alone, with a word or nothing after it, as no name in code does; `None`: it
/// does not, `false`: what follows tells.
fn is_apart(text: &str, start: usize, at: usize, name: &str, ended: bool) -> Option<bool> {
    let joins = |c: char| c.is_alphanumeric() || "_-.:\"'`$|<[{｜▁".contains(c);
    if ends_as(head(text, start), joins) {
        return None;
    }
    let rest = text.get(at + name.len()..)?;
    let behind = skip_blank(rest);
    let blank = rest.len() - behind.len();
    match behind.chars().next() {
        None => Some(ended),
        Some('|' | '>') if blank == 0 => (start == at).then_some(true),
        Some('\r' | '\n') => Some(true),
        Some(c) if blank > 0 && c.is_alphanumeric() => Some(true),
        Some(_) => None,
    }
}

/// The text without the tokens that are before an answer: the last one of a FIM template, which a model
/// may say again, and the head of a chat turn.
fn after_opening(text: &str) -> &str {
    let bare = text.trim_start().strip_prefix("fim_middle");
    let mut rest = bare.filter(|rest| begins_as(rest, char::is_whitespace)).unwrap_or(text);
    while let Some(token) = token(rest.trim_start(), 0) {
        let name = within(token, char::is_alphanumeric);
        let behind = tail(rest.trim_start(), token.len());
        rest = match name {
            _ if is_among(name, "fim_middle fim-middle MID fim▁end begin▁of▁sentence bos") => behind,
            "COMPLETION" if !token.starts_with("</") => skip(behind, "\n"),
            _ if is_among(name, "im_start start_header_id start_of_turn assistant end_header_id") => {
                let role = behind.strip_prefix("assistant").or_else(|| behind.strip_prefix("model"));
                skip(role.unwrap_or(behind), "\r\n")
            }
            _ => break,
        };
    }
    rest
}

/// The token at this byte, if one is there.
fn token(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    // Operators and brackets are frequent; what follows them is rarely what follows them in a token.
    let mut chars = rest.chars();
    let likely = match (chars.next()?, chars.next()?) {
        ('[', second) => second.is_ascii_uppercase() || second == '/',
        ('<', second) => second.is_ascii_alphabetic() || "/|｜[<".contains(second),
        (first, second) => first == second,
    };
    if !likely {
        return None;
    }
    let before = head(text, at);
    let starts_line = before.is_empty() || before.ends_with('\n');
    let glued = ends(before, "};)");
    for (open, close) in BARS {
        if let Some(name) = rest.strip_prefix(open) {
            // F# and Elm pipe with `<|`, so that a blank belongs to a name between wide bars only.
            let wide = open == "<｜";
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_-▁".contains(c) || wide && c == ' ';
            let end = name.find(|c| !is_name(c))?;
            let whole = end > 2 && end <= LONGEST && name.get(end..)?.starts_with(close);
            return if whole { rest.get(..open.len() + end + close.len()) } else { None };
        }
    }
    let fixed = mark_of(rest, TOKENS).or_else(|| {
        let token = mark_of(rest, AT_LINE_START)?;
        (starts_line || glued && token.starts_with('<')).then_some(token)
    });
    fixed.and_then(|token| rest.get(..token.len()))
}

/// Whether a token is the model's slip rather than text about tokens; `None`: the rest of its line tells.
fn is_leaked(context: &CursorContext<'_>, text: &str, at: usize, token: &str, ended: bool) -> Option<bool> {
    let before = head(text, at);
    let markup = context.language.blocks == Blocks::Tags || context.language.is_prose;
    if markup && is_among(token, "<PRE> <filename>") || token == "</s>" && strikes(before) {
        return Some(false);
    }
    // `names[PREFIX] + 1` is code.
    if is_among(token, "[PREFIX] [SUFFIX] [MIDDLE]")
        && ends_word(if before.is_empty() { context.line_before } else { before })
    {
        let rest = skip(tail(text, at + token.len()), " ");
        return (ended || !rest.is_empty()).then(|| rest.is_empty() || rest.starts_with('\n'));
    }
    // Within quotes on the same line it is a string about tokens, once the line shows the closing quote.
    let left = |text: &str, quote| {
        text.bytes().rev().take(STRING).take_while(|c| *c != b'\n').filter(|c| *c == quote).count()
    };
    let own = if before.contains('\n') { "" } else { context.line_before };
    let open = *b"\"'`";
    let Some(quote) = open.into_iter().find(|quote| (left(before, *quote) + left(own, *quote)) % 2 == 1)
    else {
        return Some(true);
    };
    let rest = text.as_bytes().get(at + token.len()..).unwrap_or_default();
    let end = rest.iter().take(STRING).position(|c| matches!(*c, b'\n') || *c == quote);
    match end {
        Some(end) => Some(rest.get(end) == Some(&b'\n')),
        None => (ended || rest.len() >= STRING).then_some(true),
    }
}

/// The text without the beginning of a token at its end, where a stop string or a limit cut it off.
fn without_partial(text: &str) -> &str {
    let at = text.len() - run_back(text, |c| !matches!(c, '<' | '[' | '{')).len();
    let Some(at) = at.checked_sub(1) else { return text };
    let partial = tail(text, at);
    let known = TOKENS.iter().any(|token| token.starts_with(partial)) && partial.len() >= LEAST;
    let bars = BARS.iter().any(|(open, _)| {
        partial.strip_prefix(open).is_some_and(|name| {
            let name = name.trim_end_matches(['|', '｜']);
            !name.is_empty()
                && name.len() <= LONGEST
                && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '▁'))
        })
    });
    if known || bars { head(text, at) } else { text }
}

/// Whether the line that `before` ends with strikes text out, as HTML does with `<s>`.
fn strikes(before: &str) -> bool {
    last_line(last_bytes(before, STRING)).contains("<s>")
}

fn ends_word(text: &str) -> bool {
    ends_as(text, is_word)
}
