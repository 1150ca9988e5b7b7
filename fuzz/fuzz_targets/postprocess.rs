//! Any answer at any place: no panic, and what is shown only grows while the answer does.
//! First byte: the language. Then, between lines of `---`: the text before the cursor, after it, and the answer.

#![no_main]

use ai_completion::completion::postprocess::{CursorContext, Extent, postprocess};
use libfuzzer_sys::fuzz_target;

const LANGUAGES: [&str; 8] = ["rust", "python", "javascript", "html", "yaml", "go", "markdown", ""];

fuzz_target!(|input: &[u8]| {
    let Some((language, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut parts = text.split("\n---\n");
    let (Some(before), Some(after), Some(answer)) = (parts.next(), parts.next(), parts.next()) else { return };
    let language = LANGUAGES[usize::from(*language) % LANGUAGES.len()];
    let context = CursorContext::new(before, after, language, Extent::default());
    let mut shown = String::new();
    for end in (0..answer.len()).filter(|end| answer.is_char_boundary(*end)) {
        let longer = postprocess(&context, &answer[..end], false).text;
        assert!(longer.starts_with(&shown), "{shown:?} became {longer:?}");
        shown = longer;
    }
    let whole = postprocess(&context, answer, true).text;
    assert!(whole.starts_with(&shown), "{shown:?} became {whole:?} at the end");
});
