//! The file that is typed in the demo, and a model that knows how it goes on.

use serde_json::Value;
use volt_host::server::Request;

/// The file's path in the workspace.
pub const PATH: &str = "src/settings.rs";
/// What stands in it before the first key.
pub const BEFORE: &str = "use std::collections::HashMap;\n\n";
/// The keys.
pub const TYPED: &str = "fn parse(text: &str) -> HashMap<String, String> {\n";
/// What the editor adds to the last key: the indentation.
const INDENT: &str = "    ";
/// How it goes on.
pub const ANSWER: &str = "let mut settings = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().to_owned();
            settings.insert(key, value.trim().to_owned());
        }
    }
    settings";

/// What the model writes when asked so: what follows in the story after as much of it as the request holds.
/// Empty when it holds nothing of it.
pub fn continuation(request: &Request) -> String {
    let mut asked = String::new();
    strings(&request.json(), &mut asked);
    let story = format!("{TYPED}{INDENT}{ANSWER}");
    let typed = TYPED.len() + INDENT.len();
    let known = (3..=typed).rev().find(|end| asked.contains(&story[..*end]));
    known.map(|end| story[end..].to_owned()).unwrap_or_default()
}

/// Cuts a text as a model would say it: words with the white space before them.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let end = rest[word..].find(char::is_whitespace).map_or(rest.len(), |end| word + end);
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// All texts in a JSON value, one after the other.
fn strings(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\0');
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(prompt: &str) -> String {
        let body = serde_json::json!({ "messages": [{ "content": prompt }], "n": 1 });
        continuation(&Request { body: body.to_string().into_bytes(), ..Request::default() })
    }

    #[test]
    fn the_model_goes_on_where_the_prompt_ends() {
        for (prompt, answer) in [
            ("use x;\n\nfn parse(<HOLE>)", "text: &str) -> HashMap<String, String> {\n    let mut"),
            ("fn parse(text: &str) -> HashMap<String, String> {\n    <HOLE>\n}", "let mut settings"),
            ("fn parse(text: &str) -> HashMap<String, String> {<HOLE>}", "\n    let mut settings"),
        ] {
            assert!(asked(prompt).starts_with(answer) && asked(prompt).ends_with(ANSWER), "{prompt}");
        }
        assert_eq!(asked("something else"), "");
    }

    #[test]
    fn tokens_are_words_with_the_space_before_them() {
        for (text, expected) in
            [("", &[][..]), ("let mut  x;\n    y", &["let", " mut", "  x;", "\n    y"]), (" ", &[" "])]
        {
            assert_eq!(tokens(text), expected);
        }
        assert_eq!(tokens(ANSWER).concat(), ANSWER);
    }

    #[test]
    fn the_answer_has_twelve_lines() {
        assert_eq!(ANSWER.lines().count(), 12);
    }
}
