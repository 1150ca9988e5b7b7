use serde_json::Value;

use crate::json_tree;

/// The names of the models in the answer to a [`models_request`](super::Provider::models_request):
/// OpenAI's `{"data":[{"id"}]}`, Ollama's and Gemini's `{"models":[{"name"}]}`, Bedrock's `{"modelSummaries":[{"modelId"}]}`, or a bare array.
/// Empty when the answer is something else.
pub fn model_names(body: &[u8]) -> Vec<String> {
    let value = std::str::from_utf8(body).ok().and_then(json_tree::parse);
    let Some(value) = value else { return Vec::new() };
    let mut names = Vec::new();
    let Value::Array(list) = inner(&value, &["data", "models", "modelSummaries"]) else { return names };
    for model in list {
        if let Some(name) = inner(model, &["id", "modelId", "name"]).as_str() {
            names.push(name.strip_prefix("models/").unwrap_or(name).to_owned());
        }
    }
    names
}

/// The first of the fields that is there, or the value itself.
fn inner<'v>(value: &'v Value, fields: &[&str]) -> &'v Value {
    fields.iter().find_map(|field| value.get(*field)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_servers_are_read() {
        for (body, expected) in [
            (r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b"}]}"#, &["a", "b"][..]),
            (r#"{"models":[{"name":"qwen2.5-coder:1.5b","model":"x"}]}"#, &["qwen2.5-coder:1.5b"]),
            (r#"{"models":[{"name":"models/gemini-2.5-flash","displayName":"x"}]}"#, &["gemini-2.5-flash"]),
            (
                r#"{"modelSummaries":[{"modelId":"amazon.nova-lite-v1:0","modelName":"x"}]}"#,
                &["amazon.nova-lite-v1:0"],
            ),
            (r#"[{"id":"a"},"b",{}]"#, &["a", "b"]),
            (r#"{"data":null}"#, &[]),
            ("<html>", &[]),
        ] {
            assert_eq!(model_names(body.as_bytes()), expected, "{body}");
        }
    }
}
