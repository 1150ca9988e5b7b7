//! Special tokens of models that leak into the text: what follows them is no part of the answer.

/// Tokens after which nothing belongs to the answer (the stop lists of the FIM table, and the tags
/// that chat models are told to put their answer in).
const TOKENS: &[&str] = &[
    "<|",
    "<｜",
    "<fim_",
    "<fim-",
    "<[fim",
    "<EOT>",
    "<PRE>",
    "<SUF>",
    "<MID>",
    "<file_sep>",
    "<filename>",
    "<reponame>",
    "<repo_name>",
    "<|endoftext|>",
    "</s>",
    "[PREFIX]",
    "[SUFFIX]",
    "[MIDDLE]",
    "</COMPLETION>",
    "<end_of_turn>",
    "<eos>",
    "[/INST]",
    "<[end▁of▁sentence]>",
];
/// `<|` alone also begins operators (`<|` of F#, Elm and OCaml): a token has a name and closes.
const BARS: [(&str, &str); 2] = [("<|", "|>"), ("<｜", "｜>")];
/// Names of tokens are no longer than this.
const LONGEST: usize = 40;

/// The text before the first leaked token, and whether there was one.
pub(super) fn cut(text: &str) -> (&str, bool) {
    let text = text.strip_prefix("<COMPLETION>").map_or(text, |rest| rest.trim_start_matches('\n'));
    let first = TOKENS
        .iter()
        .filter_map(|token| text.match_indices(token).map(|(at, _)| at).find(|&at| is_token(text, at)))
        .min();
    match first {
        Some(at) => (text.get(..at).unwrap_or_default(), true),
        None => (text, false),
    }
}

fn is_token(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let Some((open, close)) = BARS.iter().find(|(open, _)| rest.starts_with(open)) else { return true };
    let name = rest.get(open.len()..).unwrap_or_default();
    name.find(close).is_some_and(|end| {
        end > 0 && end <= LONGEST && name.get(..end).is_some_and(|name| !name.contains([' ', '\n', '(']))
    })
}
