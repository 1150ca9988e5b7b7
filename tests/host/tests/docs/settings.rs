//! Settings in the documents are understood by the plugin, without a word of complaint.

use ai_completion::config::Settings;
use ai_completion::provider::{self, Prompt};
use serde_json::Value;

use super::documents;
use super::markdown::Parts;

/// The tables `[ai-completion]` of a TOML text.
pub fn table(text: &str) -> Option<Value> {
    let whole: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    whole.get("ai-completion").cloned()
}

#[test]
fn every_settings_table_is_understood_and_enough_to_ask() {
    let mut seen = 0;
    for document in documents() {
        for (language, text) in Parts::of(&document.text).blocks {
            let Some(table) = (language == "toml").then(|| table(&text)).flatten() else { continue };
            let (settings, problems) = Settings::read(&table);
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(problems.is_empty(), "{}: {text}{problems:?}", document.path.display());
            if let Some(provider) = provider::find(&settings.provider) {
                // Every variable but those with a command that would have to be run for the key.
                let env = |name: &str| (!name.starts_with("AI_COMPLETION_")).then(|| "a-key".to_owned());
                let account = settings.credentials(provider, &env, 0).unwrap().account;
                let request = provider.request(&account, &Prompt::default());
                assert!(request.is_ok(), "{}: {text}{request:?}", document.path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} tables");
}

/// `name = value` in running text is a setting, too.
#[test]
fn settings_in_the_text_are_understood() {
    for document in documents() {
        for code in Parts::of(&document.text).code {
            let Some((name, _)) = code.split_once(" = ") else { continue };
            // Cargo's and Lapce's own settings, and fields of a table.
            if name.starts_with("editor.") || name == "opt-level" || name.starts_with('"') {
                continue;
            }
            let code = code.replace('…', "a");
            let Ok(settings) = toml::from_str::<Value>(&code) else {
                panic!("{}: {code} is no TOML", document.path.display());
            };
            let (_, problems) = Settings::read(&settings);
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(problems.is_empty(), "{}: {code}: {problems:?}", document.path.display());
        }
    }
}
