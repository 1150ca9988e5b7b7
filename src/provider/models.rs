use serde_json::Value;

use crate::json::tree;

/// The names of the models in the answer to a [`models_request`](super::Provider::models_request):
/// OpenAI's `{"data":[{"id"}]}`, Ollama's and Gemini's `{"models":[{"name"}]}`, Bedrock's `{"modelSummaries":[{"modelId"}]}`, or a bare array.
/// Empty when the answer is something else.
pub fn model_names(body: &[u8]) -> Vec<String> {
    let value = std::str::from_utf8(body).ok().and_then(tree);
    let Some(value) = value else { return Vec::new() };
    let list = value
        .get("data")
        .or_else(|| value.get("models"))
        .or_else(|| value.get("modelSummaries"))
        .unwrap_or(&value);
    let name = |model: &Value| {
        let name = model
            .get("id")
            .or_else(|| model.get("modelId"))
            .or_else(|| model.get("name"))
            .unwrap_or(model)
            .as_str()?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(name).collect()
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
