//! Removes a model's reasoning, if its server sends it in the text.

use crate::completion::postprocess::cursor_context::CursorContext;
use crate::completion::postprocess::language::Blocks;
use crate::completion::postprocess::lines::{prose, repetition};
use crate::completion::text::{self, begins_as, ends, head, is_blank, parts, tail, trim};

/// Those of Qwen, DeepSeek and related models, Magistral's, Kimi's, Seed's, and what prompts make others use.
const TAGS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
];

/// The text after `<think>…</think>` at its beginning; nothing while the thought goes on.
pub(super) fn skip(raw: &str, ended: bool) -> &str {
    let start = raw.trim_start();
    for (open, close) in TAGS {
        if let Some(thought) = start.strip_prefix(open) {
            return thought.split_once(close).map_or("", |(_, answer)| text::skip(answer, "\r\n"));
        }
        // Some servers omit the opening tag, which is part of the template.
        if let Some(answer) = start.strip_prefix(close) {
            return text::skip(answer, "\r\n");
        }
        if !ended && !start.is_empty() && open.starts_with(start) {
            return "";
        }
    }
    raw
}

/// The text after a thought that only ends with a tag, because the template had opened it in the prompt. Lines that
/// may be a thought are held back until one comes that may not.
pub(super) fn skip_unopened<'r>(context: &CursorContext<'_>, raw: &'r str, ended: bool) -> &'r str {
    let language = context.language;
    if language.is_prose || language.blocks == Blocks::None || context.in_words() {
        return raw;
    }
    let mut from = 0;
    let mut held = false;
    for line in raw.split_inclusive('\n') {
        let bare = line.trim();
        let close = TAGS.iter().find_map(|(_, close)| Some((line.find(close)?, close.len())));
        if let Some((at, length)) = close
            && (is_blank(head(line, at)) || is_thought(head(line, at)))
        {
            let answer = tail(raw, from + at + length);
            return text::skip(answer, "\r\n");
        }
        // A loop within a line ends the answer before the line shows what it is.
        if repetition::within(line).is_some() {
            return raw;
        }
        if line.ends_with('\n') && !bare.is_empty() {
            if !is_thought(bare) {
                return raw;
            }
            held = true;
        }
        from += line.len();
    }
    if held && !ended { "" } else { raw }
}

/// Whether a line may be a thought: words in a row, as no code has them.
fn is_thought(line: &str) -> bool {
    const LEAST_WORDS: usize = 3;
    if prose::is_talk(line) || prose::is_sentence(line) {
        return true;
    }
    if !begins_as(line.trim_start(), char::is_alphabetic) {
        return false;
    }
    let (mut count, mut plain) = (0, true);
    for word in parts(line) {
        let word = trim(word, ",.:?!'\"");
        count += 1;
        plain &= !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '’'));
    }
    plain && count >= LEAST_WORDS && !ends(line, ",:;")
}
