//! Refusals in the words of the providers (`error` bodies as their documentation and recordings show them).

use super::Script;

/// OpenAI's, which most compatible servers copy.
pub fn openai(status: u16) -> Script {
    let (kind, code, message) = match status {
        401 => (
            "invalid_request_error",
            r#""invalid_api_key""#,
            "Incorrect API key provided: sk-wrong. You can find your API key at https://platform.openai.com/account/api-keys.",
        ),
        404 => (
            "invalid_request_error",
            r#""model_not_found""#,
            "The model `gpt-none` does not exist or you do not have access to it.",
        ),
        429 => (
            "requests",
            r#""rate_limit_exceeded""#,
            "Rate limit reached for requests. Please try again in 2s.",
        ),
        status if status >= 500 => (
            "server_error",
            "null",
            "The server had an error while processing your request. Sorry about that!",
        ),
        _ => ("invalid_request_error", "null", "Bad request."),
    };
    let body = format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":{code}}}}}"#);
    with_retry_after(
        status,
        Script::whole(status, "application/json", body).header("x-request-id", "req_0123456789abcdef"),
    )
}

/// Anthropic's; 529 is its "overloaded".
pub fn anthropic(status: u16) -> Script {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => ("not_found_error", "model: claude-none"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "This request would exceed your organization's rate limit."),
        529 => ("overloaded_error", "Overloaded"),
        status if status >= 500 => ("api_error", "Internal server error"),
        _ => ("invalid_request_error", "Bad request."),
    };
    let body = format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_0123456789abcdef"}}"#
    );
    with_retry_after(
        status,
        Script::whole(status, "application/json", body).header("request-id", "req_0123456789abcdef"),
    )
}

/// Ollama's: one string.
pub fn ollama(status: u16) -> Script {
    let message = match status {
        404 => r#"model \"qwen2.5-coder\" not found, try pulling it first"#,
        503 => "server busy, please try again. maximum pending requests exceeded",
        _ => "something went wrong",
    };
    Script::whole(status, "application/json; charset=utf-8", format!(r#"{{"error":"{message}"}}"#))
}

fn with_retry_after(status: u16, script: Script) -> Script {
    if status == 429 { script.header("retry-after", "2") } else { script }
}
