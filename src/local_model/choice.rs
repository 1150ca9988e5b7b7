//! Which of the installed models to use: one that fills in the middle, of the best family, as small as is useful.

use serde_json::Value;

use crate::json_tree::{self, at};

/// A model of a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name, as requests give it.
    pub name: String,
    /// Parameters in millions; `None` when neither the list nor the name says.
    millions: Option<u32>,
}

/// How well a model suits, the best first. Equal ones are told apart by the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    kind: Kind,
    /// Its place in [`FAMILIES`].
    family: usize,
    size: Size,
    /// A model that was only trained to go on writes no words around the code.
    is_tuned_for_chat: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Its name says that it fills in the middle.
    Infill,
    /// The name says nothing, but it was loaded into a server for completions.
    Loaded,
    /// A model for code that has to be asked by chat.
    Chat,
}

/// The smallest that is large enough first, then unknown sizes, then those that are too small, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Fits(u32),
    Unknown,
    TooSmall(std::cmp::Reverse<u32>),
}

/// Below this many parameters, in millions, suggestions are more often wrong than right.
const SMALLEST: u32 = 1000;

/// Families that fill in the middle, the best first: words that are all in the model's name.
const FAMILIES: &[&[&str]] = &[
    &["qwen", "coder"],
    &["deepseek", "coder"],
    &["codestral"],
    &["starcoder"],
    &["codegemma"],
    // Its chat models know no hole.
    &["codellama", "-code"],
    &["codellama", ":code"],
    &["granite", "code"],
    &["stable-code"],
    &["codeqwen"],
    &["seed", "coder"],
    &["mellum"],
    &["codegeex"],
];

/// Parts of names of models that are no use here: those for search, and those that run on somebody else's machine.
const UNFIT: &[&str] = &["embed", "rerank", ":cloud", "-cloud"];

/// The models in a server's list that run on this machine.
pub fn models(body: &[u8]) -> Option<Vec<Model>> {
    let value = std::str::from_utf8(body).ok().and_then(json_tree::parse)?;
    // llama.cpp lists them under both names; only `data` is OpenAI's format.
    let list = value.get("data").or_else(|| value.get("models"))?.as_array()?;
    let mut models = Vec::new();
    for entry in list {
        models.extend(Model::read(entry));
    }
    Some(models)
}

impl Model {
    /// Ollama: `{"name", "details": {"parameter_size"}}`, `remote_host` for models in its cloud (docs/api.md). OpenAI's
    /// format: `{"id"}`.
    fn read(entry: &Value) -> Option<Self> {
        let name = entry.get("id").or_else(|| entry.get("name"))?.as_str()?;
        let lower = name.to_ascii_lowercase();
        if entry.get("remote_host").is_some() || UNFIT.iter().any(|part| lower.contains(part)) {
            return None;
        }
        let size = at(entry, "details.parameter_size").and_then(Value::as_str);
        let millions = size.and_then(|size| millions(&size.to_ascii_lowercase())).or_else(|| in_name(&lower));
        Some(Self { name: name.to_owned(), millions })
    }

    /// How well it suits; `None`: not at all. `is_loaded`: its server was started with it.
    pub fn rank(&self, is_loaded: bool) -> Option<Rank> {
        let name = self.name.to_ascii_lowercase();
        let family = FAMILIES.iter().position(|words| words.iter().all(|word| name.contains(word)));
        let kind = match family {
            Some(_) => Kind::Infill,
            None if is_loaded => Kind::Loaded,
            None if name.contains("code") => Kind::Chat,
            None => return None,
        };
        let size = match self.millions {
            None => Size::Unknown,
            Some(millions) if millions < SMALLEST => Size::TooSmall(std::cmp::Reverse(millions)),
            Some(millions) => Size::Fits(millions),
        };
        let is_tuned_for_chat = !name.contains("base");
        Some(Rank { kind, family: family.unwrap_or(FAMILIES.len()), size, is_tuned_for_chat })
    }
}

impl Rank {
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// The size in a model's name, as in `qwen2.5-coder:1.5b-base` or `StarCoder2-3B-Q4_K_M.gguf`.
fn in_name(name: &str) -> Option<u32> {
    name.split(['-', ':', '_', '/', ' ']).filter(|word| word.ends_with(['b', 'm'])).find_map(millions)
}

/// Millions of parameters in `1.5b` or `494.03m`.
fn millions(text: &str) -> Option<u32> {
    let (number, unit) = match text.strip_suffix('b') {
        Some(number) => (number, 1000),
        None => (text.strip_suffix('m')?, 1),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u32>().ok()?;
    // Of the fraction the first three digits count.
    let digits = [part, "000"].concat();
    let thousandths = digits.get(..3)?.parse::<u32>().ok()?;
    whole.checked_mul(unit)?.checked_add(thousandths * unit / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(names: &[&str]) -> Option<String> {
        let body = serde_json::json!({ "data": names.iter().map(|name| serde_json::json!({"id": name})).collect::<Vec<_>>() });
        let models = models(body.to_string().as_bytes()).unwrap();
        let ranked = models.iter().filter_map(|model| Some((model.rank(false)?, &model.name)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name.clone())
    }

    #[test]
    fn the_smallest_useful_model_of_the_best_family_is_chosen() {
        for (names, chosen) in [
            (
                &["llama3.2:3b", "qwen2.5-coder:7b", "qwen2.5-coder:1.5b-base", "qwen2.5-coder:0.5b"][..],
                "qwen2.5-coder:1.5b-base",
            ),
            (&["qwen2.5-coder:1.5b", "qwen2.5-coder:1.5b-base"], "qwen2.5-coder:1.5b-base"),
            (&["qwen2.5-coder:0.5b"], "qwen2.5-coder:0.5b"),
            (&["qwen2.5-coder:0.5b", "qwen2.5-coder:latest"], "qwen2.5-coder:latest"),
            (&["starcoder2:3b", "codestral:latest", "deepseek-coder-v2:16b"], "deepseek-coder-v2:16b"),
            (&["codellama:7b", "codellama:13b-code"], "codellama:13b-code"),
            (
                &["Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "qwen2.5-coder-14b"],
                "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF",
            ),
            (&["llama3.2:3b", "yi-coder:9b"], "yi-coder:9b"),
            (&["nomic-embed-code", "granite-code:3b"], "granite-code:3b"),
        ] {
            assert_eq!(best(names).as_deref(), Some(chosen), "{names:?}");
        }
    }

    #[test]
    fn what_does_not_write_code_or_not_on_this_machine_is_never_chosen() {
        for names in
            [&[][..], &["llama3.2:3b", "mistral:7b"], &["nomic-embed-code:7b"], &["qwen3-coder:480b-cloud"]]
        {
            assert_eq!(best(names), None, "{names:?}");
        }
        let remote = br#"{"models":[{"name":"qwen3-coder:30b","remote_host":"https://ollama.com:443"}]}"#;
        assert_eq!(models(remote), Some(vec![]));
    }

    #[test]
    fn a_server_that_was_started_with_a_model_is_taken_at_its_word() {
        let listed = models(br#"{"models":[{"name":"m"}],"data":[{"id":"/m/weights.gguf"}]}"#).unwrap();
        assert_eq!(listed[0].name, "/m/weights.gguf");
        assert_eq!(listed[0].rank(false), None);
        assert_eq!(listed[0].rank(true).map(|rank| rank.kind()), Some(Kind::Loaded));
    }

    #[test]
    fn sizes_are_read_from_lists_and_names() {
        for (text, expected) in
            [("1.5b", Some(1500)), ("494.03m", Some(494)), ("7b", Some(7000)), ("b", None), ("1.xb", None)]
        {
            assert_eq!(millions(text), expected, "{text}");
        }
        let tags = br#"{"models":[{"name":"a-coder","details":{"parameter_size":"1.5B"}}]}"#;
        assert_eq!(models(tags).unwrap()[0].millions, Some(1500));
        assert_eq!(in_name("starcoder2-3b-q4_k_m.gguf"), Some(3000));
        assert_eq!(in_name("codestral:latest"), None);
    }

    #[test]
    fn other_answers_are_no_list() {
        for body in ["", "<html>", "[]", r#"{"data":5}"#, r#"{"ok":true}"#] {
            assert_eq!(models(body.as_bytes()), None, "{body}");
        }
    }
}
