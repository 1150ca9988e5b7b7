use super::*;
use crate::provider::{find, testing};

#[test]
fn recorded_errors_are_classified() {
    use ErrorKind::*;
    for (provider, status, file, kind) in [
        ("anthropic", 400, "errors/anthropic-400-1.json", Request),
        ("anthropic", 400, "errors/anthropic-400-2.json", TooLong),
        ("anthropic", 401, "errors/anthropic-401-1.json", Auth),
        ("anthropic", 401, "errors/anthropic-401-2.json", Auth),
        ("anthropic", 401, "errors/anthropic-401-3.json", Auth),
        ("anthropic", 404, "errors/anthropic-404-1.json", Model),
        ("anthropic", 404, "errors/anthropic-404-3.json", Model),
        ("bedrock", 400, "errors/bedrock-400-1.json", Model),
        ("bedrock", 400, "errors/bedrock-400-2.json", TooLong),
        ("bedrock", 400, "errors/bedrock-400-3.json", Model),
        ("bedrock", 403, "errors/bedrock-403-1.json", Auth),
        ("bedrock", 403, "errors/bedrock-403-2.json", Auth),
        ("bedrock", 404, "errors/bedrock-404-1.json", Model),
        ("gemini", 400, "errors/gemini-400-1.json", Auth),
        ("gemini", 404, "errors/gemini-404-1.json", Model),
        ("gemini", 404, "errors/gemini-404-3.json", Model),
        ("gemini", 429, "errors/gemini-429-1.json", RateLimited),
        ("gemini", 400, "gemini/firebase-streaming-failure-api-key.json", Auth),
        ("llama-cpp", 500, "errors/llamacpp-500-2.json", Transient),
        ("llama-cpp", 400, "llamacpp/error-context-overflow-streaming-400.json", TooLong),
        ("ollama", 401, "errors/ollama-401-1.json", Auth),
        ("vertex-gemini", 400, "errors/vertex-400-3.json", Request),
    ] {
        let Some(body) = testing::recorded_error(file) else {
            println!("skipped: no recording {file} beside this repository");
            continue;
        };
        let response = Response { status, headers: &[], body: &body };
        let error = Error::from_response(find(provider).unwrap(), &testing::account(), response);
        assert_eq!(error.kind, kind, "{file}: {error}");
        assert!(!error.message.is_empty(), "{file}");
    }
}
