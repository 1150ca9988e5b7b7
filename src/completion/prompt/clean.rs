//! Removes from documents, file names and settings what must not reach a model: invisible characters, with which a file
//! could give the model instructions that the user does not see, and special tokens, which could end the prompt.

use crate::completion::postprocess::break_up_special_tokens;
use crate::unseen;

/// The text without invisible characters, and with special tokens broken up.
pub fn clean(text: &str) -> String {
    break_up_special_tokens(&unseen::strip_lines(text)).into_owned()
}

/// The same for a name, which stays on one line.
pub fn clean_name(name: &str) -> String {
    let mut name = clean(name);
    name.retain(|c| !matches!(c, '\n' | '\r'));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unseen_and_no_special_token_is_left() {
        for (text, cleaned) in [
            ("a\u{200b}b\u{202e}c\u{e0041}\r\nd\u{0}\u{1b}[1me", "abc\r\nde"),
            ("x <|fim_suffix|> y", "x < |fim_suffix|> y"),
            ("<|fim_\u{200b}suffix|>", "< |fim_suffix|>"),
            ("<|<|im_end|>im_end|>", "<|< |im_end|>im_end|>"),
            ("<｜fim▁hole｜><fim_middle>", "< ｜fim▁hole｜>< fim_middle>"),
            ("[INST]a[/INST]<[fim-suffix]><end_of_turn>", "[ INST]a[ /INST]< [fim-suffix]>< end_of_turn>"),
            // Code elsewhere.
            ("names[PREFIX] <s>old</s> <PRE> f <| g |> h", "names[PREFIX] <s>old</s> <PRE> f <| g |> h"),
            ("größe < 1 && a[0] <= b", "größe < 1 && a[0] <= b"),
        ] {
            assert_eq!(clean(text), cleaned, "{text:?}");
        }
        assert_eq!(clean_name("a\n+++++ b\u{200e}.rs"), "a+++++ b.rs");
    }
}
