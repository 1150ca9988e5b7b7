//! Token ids to text, for servers and local models that send ids.

use std::fmt;

use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};
use tiktoken_rs::{CoreBPE, bpe_for_tokenizer};

/// The vocabularies by their names; a model's name stands for one of them.
const ENCODINGS: [(&str, Tokenizer); 7] = [
    ("o200k_harmony", Tokenizer::O200kHarmony),
    ("o200k_base", Tokenizer::O200kBase),
    ("cl100k_base", Tokenizer::Cl100kBase),
    ("p50k_base", Tokenizer::P50kBase),
    ("p50k_edit", Tokenizer::P50kEdit),
    ("r50k_base", Tokenizer::R50kBase),
    ("gpt2", Tokenizer::Gpt2),
];

/// Turns the token ids of a byte-pair encoding into text, one id at a time.
///
/// A token may end inside a character; its bytes then wait for the next id. What never becomes a
/// character comes out as U+FFFD: the text is that of [`String::from_utf8_lossy`] over all bytes.
/// The vocabularies are part of the program, nothing is loaded; all decoders of one share it.
///
/// ```
/// use ai_completion::stream::TokenDecoder;
///
/// let mut decoder = TokenDecoder::new("gpt-4")?;
/// assert_eq!(decoder.decode(9906)?, "Hello");
/// assert_eq!(decoder.decode(9468)?, ""); // the first bytes of an emoji wait
/// assert_eq!(decoder.decode(99)?, "");
/// assert_eq!(decoder.decode(222)?, "🦀");
/// assert_eq!(decoder.flush(), "");
/// # Ok::<(), ai_completion::stream::TokenDecoderError>(())
/// ```
#[derive(Clone)]
pub struct TokenDecoder {
    vocabulary: &'static CoreBPE,
    /// Bytes of a character that is not complete; at most three between calls.
    bytes: Vec<u8>,
    text: String,
    count: u64,
    started_ms: Option<u64>,
    now_ms: u64,
}

impl TokenDecoder {
    /// A decoder for a model (`gpt-4`, `gpt-4o-mini`, …) or an encoding (`cl100k_base`, …).
    ///
    /// # Errors
    /// [`TokenDecoderError::UnknownModel`].
    pub fn new(name: &str) -> Result<Self, TokenDecoderError> {
        let unknown = || TokenDecoderError::UnknownModel(name.to_owned());
        let encoding = ENCODINGS.iter().find(|(known, _)| *known == name).map(|(_, tokenizer)| *tokenizer);
        let tokenizer = encoding.or_else(|| get_tokenizer(name)).ok_or_else(unknown)?;
        Ok(Self {
            vocabulary: bpe_for_tokenizer(tokenizer).map_err(|_| unknown())?,
            bytes: Vec::new(),
            text: String::new(),
            count: 0,
            started_ms: None,
            now_ms: 0,
        })
    }

    /// Says that it is `now_ms`, for the rate. The first call marks the start.
    pub fn at(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = self.now_ms.max(now_ms);
        self.started_ms.get_or_insert(now_ms);
        self
    }

    /// The text that the next id completes; empty while a character is not whole.
    ///
    /// # Errors
    /// [`TokenDecoderError::UnknownId`]; the decoder then is as before and can go on.
    pub fn decode(&mut self, id: u32) -> Result<&str, TokenDecoderError> {
        let bytes = self.vocabulary.decode_bytes(&[id]).map_err(|_| TokenDecoderError::UnknownId(id))?;
        self.count += 1;
        self.bytes.extend_from_slice(&bytes);
        self.text.clear();
        let mut whole = 0;
        for part in self.bytes.utf8_chunks() {
            self.text.push_str(part.valid());
            whole += part.valid().len();
            let invalid = part.invalid();
            if whole + invalid.len() == self.bytes.len() && may_go_on(invalid) {
                break;
            }
            if !invalid.is_empty() {
                self.text.push(char::REPLACEMENT_CHARACTER);
                whole += invalid.len();
            }
        }
        self.bytes.drain(..whole);
        Ok(&self.text)
    }

    /// There are no more ids: what waits for its character's end is U+FFFD.
    pub fn flush(&mut self) -> &str {
        self.text.clear();
        self.text.push_str(&String::from_utf8_lossy(&self.bytes));
        self.bytes.clear();
        &self.text
    }

    /// How many ids were decoded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Ids decoded per second from the start to the last time [said](Self::at); `None` while no
    /// time has passed.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let passed_ms = self.now_ms - self.started_ms?;
        (passed_ms > 0).then(|| self.count as f64 * 1000.0 / passed_ms as f64)
    }
}

/// Whether more bytes can make a character of `bytes`.
fn may_go_on(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

impl fmt::Debug for TokenDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenDecoder").field("bytes", &self.bytes).field("count", &self.count).finish()
    }
}

/// Why ids cannot become text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenDecoderError {
    /// No vocabulary is known for a model or encoding of this name.
    UnknownModel(String),
    /// The vocabulary has no such id.
    UnknownId(u32),
}

impl fmt::Display for TokenDecoderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel(name) => {
                write!(
                    f,
                    "no vocabulary for `{name}`; known are OpenAI's models (gpt-5, gpt-4.1, gpt-4o, gpt-4, gpt-3.5-turbo, o1, o3, …)"
                )?;
                ENCODINGS.iter().try_for_each(|(encoding, _)| write!(f, ", {encoding}"))
            }
            Self::UnknownId(id) => write!(f, "no token has the id {id} in this vocabulary"),
        }
    }
}

impl std::error::Error for TokenDecoderError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A megabyte of code, prose in several scripts, and emoji, in an order that does not repeat.
    fn mixed_text() -> String {
        const PARTS: [&str; 12] = [
            "fn main() {\n    let x: Vec<u8> = vec![0; 16];\n}\n",
            "\tif err != nil {\r\n\t\treturn err\r\n\t}\n",
            "補完の結果をエディタに表示する。",
            "流式传输，逐字显示；",
            "자동 완성 ",
            "Ghost text сквозь туман. ",
            "naïve café – Straße ",
            "👩‍👩‍👧‍👦🏳️‍🌈🚀 ",
            "العربية עברית हिन्दी ",
            "0x1F600 3.14159 1e-9 ",
            "<|endoftext|> ",
            "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10FFFF}\u{0}\u{7F} ",
        ];
        let mut text = String::new();
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        while text.len() < 1 << 20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PARTS[(random >> 33) as usize % PARTS.len()]);
        }
        text
    }

    fn decoded(name: &str, ids: &[u32]) -> String {
        let mut decoder = TokenDecoder::new(name).unwrap();
        let mut text = String::new();
        for &id in ids {
            text.push_str(decoder.decode(id).unwrap());
        }
        text + decoder.flush()
    }

    #[test]
    fn a_megabyte_of_mixed_text_comes_back() {
        let text = mixed_text();
        for name in ["cl100k_base", "o200k_base"] {
            let ids = TokenDecoder::new(name).unwrap().vocabulary.encode_with_special_tokens(&text);
            assert!(decoded(name, &ids) == text, "{name}");
        }
    }

    #[test]
    fn any_ids_give_what_all_their_bytes_give() {
        let vocabulary = TokenDecoder::new("gpt-4").unwrap().vocabulary;
        let mut random = 1_u32;
        for _ in 0..2_000 {
            // The first 256 ids of the vocabulary are the single bytes.
            let ids: Vec<u32> = std::iter::repeat_with(|| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random >> 24
            })
            .take(9)
            .collect();
            let bytes = vocabulary.decode_bytes(&ids).unwrap();
            assert_eq!(decoded("gpt-4", &ids), String::from_utf8_lossy(&bytes), "{ids:?}");
        }
    }

    #[test]
    fn text_comes_as_soon_as_its_characters_are_whole() {
        let vocabulary = TokenDecoder::new("gpt-4").unwrap().vocabulary;
        let byte = |byte: u8| (0..256).find(|&id| vocabulary.decode_bytes(&[id]).unwrap() == [byte]).unwrap();
        let table: &[(&[u8], &[&str], &str)] = &[
            (b"ab", &["a", "b"], ""),
            ("é!".as_bytes(), &["", "é", "!"], ""),
            ("🚀".as_bytes(), &["", "", "", "🚀"], ""),
            // Cut off by other text, by a new character, by the end, and never a character.
            (b"\xF0\x9Fx", &["", "", "\u{FFFD}x"], ""),
            (b"\xF0\x9F\xC3\xA9", &["", "", "\u{FFFD}", "é"], ""),
            (b"\xF0\x9F\x9A", &["", "", ""], "\u{FFFD}"),
            (b"\xFFx\x80", &["\u{FFFD}", "x", "\u{FFFD}"], ""),
        ];
        for (bytes, steps, rest) in table {
            let mut decoder = TokenDecoder::new("gpt-4").unwrap();
            let seen: Vec<String> =
                bytes.iter().map(|&it| decoder.decode(byte(it)).unwrap().to_owned()).collect();
            assert_eq!(seen, *steps);
            assert_eq!(decoder.flush(), *rest);
        }
    }

    #[test]
    fn an_unknown_id_is_named_and_changes_nothing() {
        let mut decoder = TokenDecoder::new("gpt-4").unwrap();
        decoder.decode(9468).unwrap();
        let error = decoder.decode(4_000_000_000).unwrap_err();
        assert_eq!(error.to_string(), "no token has the id 4000000000 in this vocabulary");
        assert_eq!(decoder.decode(99), Ok(""));
        assert_eq!(decoder.decode(222), Ok("🦀"));
        assert_eq!(decoder.count(), 3);
    }

    #[test]
    fn models_and_encodings_have_names() {
        for (name, _) in ENCODINGS {
            assert!(TokenDecoder::new(name).is_ok(), "{name}");
        }
        for name in ["gpt-4", "gpt-4-0613", "gpt-4o-mini", "gpt-3.5-turbo", "o3", "ft:gpt-4o:me::1"] {
            assert!(TokenDecoder::new(name).is_ok(), "{name}");
        }
        let error = TokenDecoder::new("gpt-9000").unwrap_err().to_string();
        assert!(
            error.contains("`gpt-9000`") && error.contains("gpt-4o") && error.contains("cl100k_base"),
            "{error}"
        );
    }

    #[test]
    fn the_rate_counts_ids_over_the_time_said() {
        let mut decoder = TokenDecoder::new("gpt-4").unwrap();
        assert_eq!(decoder.tokens_per_second(), None);
        decoder.at(1_000).decode(9906).unwrap();
        assert_eq!(decoder.tokens_per_second(), None);
        decoder.at(1_500).decode(9906).unwrap();
        assert_eq!(decoder.tokens_per_second(), Some(4.0));
        decoder.at(900);
        assert_eq!(decoder.tokens_per_second(), Some(4.0));
    }
}
