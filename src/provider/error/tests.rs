use expect_test::expect;

use super::*;
use crate::http::Secret;
use crate::provider::find;
use crate::provider::testing::{self, cases};
use crate::transport::FailureKind;

const KEY: &str = "sk-proj-0123456789abcdef";

fn account(model: &str) -> Account {
    Account { api_key: Secret::new(KEY), unix_time: 1_700_000_000, ..testing::with_model(model) }
}

fn shown(error: &Error) -> String {
    assert!(!error.message.contains(KEY) && error.message.chars().count() <= MESSAGE_LIMIT, "{error:?}");
    format!(
        "{} code {} id {} wait {}\n{error}\n",
        error.kind.as_str(),
        error.code.as_deref().unwrap_or("-"),
        error.request_id.as_deref().unwrap_or("-"),
        error.retry_after_ms.map_or("-".to_owned(), |ms| ms.to_string()),
    )
}

#[test]
fn a_wrong_key_of_a_command_and_a_server_without_tls_are_told_as_such() {
    let openai = find("openai").unwrap();
    let account = Account { has_key_command: true, ..account("m-1") };
    let refused = Response { status: 401, headers: &[], body: b"" };
    let error = Error::from_response(openai, &account, refused);
    assert!(error.message.contains("your key command prints"), "{error}");
    let detail = "OpenSSL: error:0A00010B:SSL routines::wrong version number".to_owned();
    let failure = Failure { kind: FailureKind::Tls, detail };
    let error = Error::from_failure(openai, &account, &[], &failure);
    assert!(error.message.contains("does not speak https"), "{error}");
}

#[test]
fn refusals_are_told_with_what_to_change() {
    let table = expect![[r#"
        # a wrong key is told without showing it
        openai 401 x-request-id: req_1
        {"error":{"message":"Incorrect API key provided: sk-proj-0123456789abcdef. See sk-proj-********cdef.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}
        > auth code invalid_api_key id req_1 wait -
        > OpenAI does not accept the API key: check `api-key-env` (or `api-key`). It said (HTTP 401): Incorrect API key provided: ***. See ***. Keys are made at https://platform.openai.com/api-keys.
        mistral 401 mistral-correlation-id: c-1
        {"detail":"Invalid API Key"}
        > auth code - id c-1 wait -
        > Mistral does not accept the API key: check `api-key-env` (or `api-key`). It said (HTTP 401): Invalid API Key. Keys are made at https://console.mistral.ai; one for Codestral needs the provider `codestral`.
        xai 400
        {"code":"invalid-argument","error":"Incorrect API key provided."}
        > auth code invalid-argument id - wait -
        > xAI does not accept the API key: check `api-key-env` (or `api-key`). It said (HTTP 400): Incorrect API key provided. Keys are made at https://console.x.ai.
        openai-compatible 401
        > auth code - id - wait -
        > The server does not accept the API key: check `api-key-env` (or `api-key`). It answered HTTP 401 without a word.
        # a wrong model is named
        openai 404
        {"error":{"message":"The model `m-1` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}
        > model code model_not_found id - wait -
        > OpenAI does not know the model `m-1`: check `model` and `base-url`. It said (HTTP 404): The model `m-1` does not exist or you do not have access to it.
        azure 404 apim-request-id: a-1
        {"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}
        > model code DeploymentNotFound id a-1 wait -
        > Azure OpenAI does not know the model `m-1`: check `model` and `base-url`. It said (HTTP 404): The API deployment for this resource does not exist. `model` must be the name of a deployment of this resource.
        # limits tell how long to wait
        azure 429 retry-after: 1; retry-after-ms: 0
        {"error":{"code":"RateLimitReached","message":"Slow down"}}
        > rate_limited code RateLimitReached id - wait 1000
        > Azure OpenAI asks to wait for 1 s: too many requests. It said (HTTP 429): Slow down.
        groq 429 retry-after: Tue, 14 Nov 2023 22:13:50 GMT
        {"error":{"message":"Rate limit reached for model","type":"tokens","code":"rate_limit_exceeded"}}
        > rate_limited code rate_limit_exceeded id - wait 30000
        > Groq asks to wait for 30 s: too many requests. It said (HTTP 429): Rate limit reached for model.
        openai 429
        {"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}
        > quota code insufficient_quota id - wait -
        > Buy credit at OpenAI, or set a `fallback`: no credit or quota is left. It said (HTTP 429): You exceeded your current quota. Credit is bought at https://platform.openai.com/settings/organization/billing.
        # other refusals are explained
        azure 400
        {"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}
        > filtered code content_filter id - wait -
        > Azure OpenAI refused this prompt or answer by its content filter. It said (HTTP 400): The response was filtered.
        vllm 400
        {"error":{"message":"suffix is not currently supported","type":"BadRequestError","param":null,"code":400}}
        > no_fim code BadRequestError id - wait -
        > vLLM cannot fill in the middle with this model: set `fim` to a template or to `chat`. It said (HTTP 400): suffix is not currently supported.
        openrouter 403 x-generation-id: gen-1
        {"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["x"],"flagged_input":"y"}},"user_id":"u"}
        > filtered code 403 id gen-1 wait -
        > OpenRouter refused this prompt or answer by its content filter. It said (HTTP 403): Your input was flagged.
        openrouter 502
        {"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"Google","raw":"{\"error\":{\"message\":\"upstream down\"}}"}}}
        > transient code 502 id - wait -
        > OpenRouter failed or is overloaded; trying again may help. It said (HTTP 502): Provider returned error: upstream down.
        lm-studio 400
        {"error":"The number of tokens to keep from the initial prompt is greater than the context length: maximum context length is 4096"}
        > too_long code - id - wait -
        > The prompt is too long for LM Studio: lower `context-tokens` or choose another `model`. It said (HTTP 400): The number of tokens to keep from the initial prompt is greater than the context length: maximum context length is 4096.
        openai-compatible 503
        <html><head><title>503 Service Temporarily Unavailable</title></head></html>
        > transient code - id - wait -
        > Something in between (a proxy, firewall or bot check) answered in place of the server: check `base-url` and `proxy`. It said (HTTP 503): a web page titled “503 Service Temporarily Unavailable”.
        openai 400
        {"error":{"message":"a\u001b[31m\u202eb\n\nc"}}
        > request code - id - wait -
        > OpenAI refused the request: another `model` may take it. It said (HTTP 400): a [31mb c.
        # a redirect is not followed but told
        openai 308 location: https://elsewhere.example/v1
        <html><title>308 Permanent Redirect</title>
        > request code - id - wait -
        > OpenAI is elsewhere, and the key does not follow it there by itself: check `base-url`. It said (HTTP 308): moved to https://elsewhere.example/v1.
    "#]];
    cases(&table, |lines| {
        let mut words = lines[0].splitn(3, ' ');
        let (provider, status) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        let headers = words.next().into_iter().flat_map(|headers| headers.split("; "));
        let headers = headers.filter_map(|header| header.split_once(": "));
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = lines.get(1).copied().unwrap_or_default().as_bytes();
        let response = Response { status, headers: &headers, body };
        let error = Error::from_response(find(provider).unwrap(), &account("m-1"), response);
        shown(&error).trim_end().to_owned()
    });
}

#[test]
fn the_server_is_quoted_no_longer_than_a_line_or_two() {
    let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "long words ".repeat(1000));
    let response = Response { status: 400, headers: &[], body: body.as_bytes() };
    let error = Error::from_response(find("openai").unwrap(), &account("m"), response);
    assert!(error.message.chars().count() < 260 && error.message.contains('…'), "{error}");
}

#[test]
fn models_the_server_has_are_named() {
    let error = Error::from_response(
        find("openai").unwrap(),
        &account("gpt-4.1-mimi"),
        Response { status: 404, headers: &[], body: b"" },
    );
    let listed =
        ["gpt-4.1", "whisper-1", "gpt-4.1-mini", "o4-mini", "dall-e-3", "tts-1", "gpt-4.1-nano", "sora"];
    let error = error.naming_models("gpt-4.1-mimi", &listed.map(str::to_owned));
    expect![[r#"
        request code - id - wait -
        Set `model`: there is `gpt-4.1-mini`, `gpt-4.1`, `gpt-4.1-nano`, `o4-mini`, `sora`, `tts-1` and 2 more. Nothing answers at https://api.openai.com/v1 (HTTP 404): check `base-url` and `provider`.
    "#]].assert_eq(&shown(&error));
    assert_eq!(error.clone().naming_models("x", &[]), error);
    assert_eq!(error.clone().naming_models("x", &["x".to_owned()]), error, "it is listed and refused");
    let none_set =
        Error::of_settings(find("lm-studio").unwrap(), ErrorKind::Model, "Set `model`: the server has many.");
    assert_eq!(
        none_set.naming_models("", &["a".to_owned()]).message,
        "Set `model`: there is `a`. The server has many."
    );
}

#[test]
fn transport_failures_name_what_to_change() {
    let mut told = String::new();
    for (provider, kind) in [
        ("openai", FailureKind::Resolve),
        ("lm-studio", FailureKind::Connect),
        ("vllm", FailureKind::Connect),
        ("openai", FailureKind::Tls),
        ("openai", FailureKind::Proxy),
        ("openai", FailureKind::Cut),
        ("openai", FailureKind::Timeout),
        ("openai", FailureKind::Request),
        ("openai", FailureKind::Unavailable),
    ] {
        let failure = Failure { kind, detail: format!("curl: (7)\nwith {KEY}") };
        let error = Error::from_failure(find(provider).unwrap(), &account("m"), &[], &failure);
        told.push_str(&shown(&error));
    }
    expect![[r#"
        network code - id - wait -
        The host of `https://api.openai.com/v1` has no address: check `base-url` and the network. (curl: (7) with ***)
        network code - id - wait -
        LM Studio is not reachable at `http://localhost:1234/v1`: is it running, and is `base-url` right? (curl: (7) with ***) Its server is started by `lms server start`.
        network code - id - wait -
        vLLM is not reachable at `http://localhost:8000/v1`: is it running, and is `base-url` right? (curl: (7) with ***) It is started by `vllm serve MODEL`.
        network code - id - wait -
        No secure connection to OpenAI at `https://api.openai.com/v1`: check `base-url`, and name in `ca-file` who signs its certificate. (curl: (7) with ***)
        network code - id - wait -
        The proxy did not let the request through to OpenAI: check `proxy`, or HTTPS_PROXY in the environment. (curl: (7) with ***)
        truncated code - id - wait -
        The connection to OpenAI broke before the answer was complete. (curl: (7) with ***)
        timeout code - id - wait -
        OpenAI did not answer in time: see `timeout.first-byte-ms` and `timeout.idle-ms`. (curl: (7) with ***)
        request code - id - wait -
        The request to OpenAI could not be sent: check `base-url`. (curl: (7) with ***)
        request code - id - wait -
        curl: (7) with ***.
    "#]].assert_eq(&told);
}

#[test]
fn an_error_within_a_stream_reads_alike() {
    let stream = stream_error(
        r#"{"error":{"message":"Overloaded by sk-proj-0123456789abcdef","type":"overloaded_error"}}"#,
    );
    let headers = [("x-request-id".to_owned(), "req_1".to_owned())];
    let error = Error::from_stream(find("openai").unwrap(), &account("m"), &headers, &stream);
    expect![[r#"
        transient code overloaded_error id req_1 wait -
        OpenAI failed or is overloaded; trying again may help. It said: Overloaded by ***.
    "#]]
    .assert_eq(&shown(&error));
}

#[test]
fn a_compressed_answer_is_called_so() {
    let headers = |coding: &str| [("content-encoding".to_owned(), coding.to_owned())];
    let (openai, account) = (find("openai").unwrap(), account("m"));
    let message = "the answer ended before its end marker".into();
    let cut = StreamError { kind: ErrorKind::Truncated, code: None, message, retry_after_ms: None };
    let mut told = String::new();
    for coding in ["gzip", "identity"] {
        told += &shown(&Error::from_stream(openai, &account, &headers(coding), &cut));
    }
    // Where something on the way has unpacked it and left the header, its words count.
    for body in [&b"\x1f\x8b\x08\0"[..], br#"{"error":{"message":"No entry"}}"#] {
        let response = Response { status: 403, headers: &headers("gzip"), body };
        told += &shown(&Error::from_response(openai, &account, response));
    }
    expect![[r#"
        malformed code - id - wait -
        OpenAI answered something else than its format: check `base-url` and `provider`. It said: the body is compressed (gzip), which was not asked for.
        truncated code - id - wait -
        OpenAI ended the answer before it was complete. It said: the answer ended before its end marker.
        auth code - id - wait -
        OpenAI does not accept the API key: check `api-key-env` (or `api-key`). It said (HTTP 403): the body is compressed (gzip), which was not asked for. Keys are made at https://platform.openai.com/api-keys.
        auth code - id - wait -
        OpenAI does not accept the API key: check `api-key-env` (or `api-key`). It said (HTTP 403): No entry. Keys are made at https://platform.openai.com/api-keys.
    "#]].assert_eq(&told);
}

#[test]
fn recorded_errors_are_classified() {
    use ErrorKind::*;
    for (kind, files) in [
        (
            Request,
            "anthropic-400-1 deepseek-400-1 groq-400-2 mistral-400-1 openai-400-1 openai-400-3 vertex-400-3",
        ),
        (TooLong, "../llamacpp/error-context-overflow-streaming-400 anthropic-400-2 bedrock-400-2"),
        (
            Auth,
            "../gemini/firebase-streaming-failure-api-key anthropic-401-1 anthropic-401-2 anthropic-401-3 \
             azure-401-1 bedrock-403-1 bedrock-403-2 deepseek-401-1 gemini-400-1 groq-401-1 mistral-401-1 \
             ollama-401-1 openai-401-1 openai-401-2 xai-400-1",
        ),
        (
            Model,
            "anthropic-404-1 anthropic-404-3 azure-404-1 bedrock-400-1 bedrock-400-3 bedrock-404-1 \
             gemini-404-1 gemini-404-3 groq-404-2 mistral-400-2 openai-404-1 openai-404-3 xai-400-2",
        ),
        (RateLimited, "azure-429-1 gemini-429-1"),
        (Transient, "llamacpp-500-2"),
    ] {
        for file in files.split(' ') {
            let Some(body) = testing::recorded_error(&format!("errors/{file}.json")) else {
                println!("skipped: no recording {file} beside this repository");
                continue;
            };
            let name = file.trim_start_matches("../").split(['-', '/']).next().unwrap_or_default();
            let provider = match name {
                "llamacpp" => "llama-cpp",
                "vertex" => "vertex-gemini",
                name => name,
            };
            let status = file.split('-').find_map(|part| part.parse().ok()).unwrap_or(400);
            let response = Response { status, headers: &[], body: &body };
            let error = Error::from_response(find(provider).unwrap(), &account("m"), response);
            assert!(error.kind == kind && !error.message.is_empty(), "{file}: {error:?}");
            shown(&error);
        }
    }
}
