//! What holds for every provider alike.

use super::testing::{decoded, prompt, resumed};
use super::*;

const KEY: &str = "sk-0123456789-secret";

/// An account with whatever any provider may want.
fn account() -> Account {
    let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Account {
        base_url: "https://host.example/v1".to_owned(),
        model: "m-1".to_owned(),
        api_key: Secret::new(KEY),
        secrets: vec![("aws-secret-access-key".to_owned(), Secret::new("aws-9876543210-secret"))],
        options: vec![
            option("aws.region", "eu-west-1"),
            option("aws.access-key-id", "AKIA0"),
            option("vertex.project", "p"),
            option("vertex.location", "l"),
        ],
        unix_time: 1_700_000_000,
        ..Account::default()
    }
}

#[test]
fn names_are_those_of_the_settings() {
    let mut all: Vec<_> = names().collect();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            "anthropic",
            "azure",
            "bedrock",
            "codestral",
            "deepseek",
            "deepseek-fim",
            "gemini",
            "groq",
            "llama-cpp",
            "lm-studio",
            "mercury",
            "mistral",
            "ollama",
            "openai",
            "openai-compatible",
            "openai-completions",
            "openai-responses",
            "openrouter",
            "vertex-anthropic",
            "vertex-gemini",
            "vllm",
            "xai",
        ]
    );
    assert!(names().all(|name| find(name).is_some_and(|provider| provider.name() == name)));
    assert!(find("no-such").is_none());
}

#[test]
fn every_request_has_the_code_and_shows_no_key() {
    for provider in PROVIDERS {
        let name = provider.name();
        for prompt in [prompt(), resumed()] {
            let request = provider.request(&account(), &prompt).unwrap();
            let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
            let seen = format!("{request:?} {body} {}", request.url);
            assert!(!seen.contains("secret\"") && !seen.contains(KEY), "{name}: {seen}");
            assert!(request.headers.iter().all(|(name, _)| *name == name.to_lowercase()), "{name}: {seen}");
            assert!(body.contains("fn add(a: i32) {\\n"), "{name}: {body}");
            assert!(body.contains("\\n}\\n"), "{name}: {body}");
            assert!(body.contains(&prompt.received), "{name}: {body}");
            let goes_on = format!("    {}", prompt.received);
            assert_eq!(
                body.contains(&goes_on),
                provider.seam(&account()) == Seam::Prefix || prompt.received.is_empty(),
                "{name}: {body}"
            );
            assert!(request.url.as_str().starts_with("https://"), "{name}: {}", request.url);
        }
    }
}

#[test]
fn what_stands_before_a_provider_is_understood_in_its_place() {
    let chunk =
        r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let page =
        "error malformed - the stream has a part that is not of its format: a web page titled “Log in”";
    let cases = [
        (
            "a gateway's answer",
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}"#,
            &["text a", "done#0 stop"][..],
        ),
        ("a gateway's stream", &stream, &["text a", "done#0 stop"]),
        (
            "a gateway's error",
            r#"{"error":{"message":"m","type":"server_error"}}"#,
            &["error transient server_error m"],
        ),
        ("a framework's error", r#"{"detail":"m"}"#, &["error transient - m"]),
        ("a proxy's error", "{\n  \"message\": \"m\"\n}\n", &["error transient - m"]),
        ("a page", "<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>", &[page]),
        ("nothing", "", &["error truncated - the answer ended before its end marker"]),
    ];
    for provider in PROVIDERS {
        let is_sse = provider.decoder().framing() == Framing::Sse;
        for (what, body, expected) in cases.iter().filter(|(_, body, _)| is_sse || *body != stream) {
            let got = decoded(|| provider.decoder(), body.as_bytes());
            assert_eq!(got, *expected, "{what} at {}", provider.name());
        }
    }
}

#[test]
fn the_users_fields_and_headers_reach_every_provider() {
    let account = Account {
        extra_headers: vec![("X-Team".to_owned(), "a".to_owned())],
        extra_body: serde_json::from_str(r#"{"extra":{"b":1}}"#).unwrap(),
        ..account()
    };
    for provider in PROVIDERS {
        let request = provider.request(&account, &prompt()).unwrap();
        assert!(request.headers.contains(&("x-team".to_owned(), "a".to_owned())), "{}", provider.name());
        let body: serde_json::Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(body["extra"]["b"], 1, "{}", provider.name());
    }
}

#[test]
fn who_needs_a_key_says_where_it_belongs() {
    for provider in PROVIDERS.iter().filter(|provider| provider.defaults().needs_key) {
        let account = Account { api_key: Secret::default(), secrets: Vec::new(), ..account() };
        let error = provider.request(&account, &prompt()).unwrap_err();
        assert_eq!(error.kind, crate::stream::ErrorKind::Auth, "{}: {error}", provider.name());
        let variable = provider.defaults().key_env[0];
        assert!(error.message.contains(variable), "{}: {error}", provider.name());
    }
}

#[test]
fn the_readme_lists_every_provider_with_its_defaults() {
    let readme = include_str!("../../README.md");
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .skip_while(|line| !line.starts_with("| `provider` "))
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
        .collect();
    let expected: Vec<Vec<String>> = PROVIDERS
        .iter()
        .map(|provider| {
            let Defaults { model, key_env, needs_key, .. } = provider.defaults();
            let key = format!("`{}`", key_env.join("` or `"));
            let key = if needs_key { key } else { format!("{key}, if it wants one") };
            let model = if model.is_empty() { "yours".to_owned() } else { format!("`{model}`") };
            vec![format!("`{}`", provider.name()), key, model]
        })
        .collect();
    let facts: Vec<_> = rows.iter().map(|row| &row[..3]).collect();
    assert_eq!(facts, expected);

    for (provider, row) in PROVIDERS.iter().zip(rows) {
        let unreachable = Error::of_settings(*provider, crate::stream::ErrorKind::Network, "");
        let start = unreachable.message.split('`').nth(1).unwrap_or_default();
        assert!(row[3].contains(start), "{start} is not in {row:?}");
        if provider.seam(&Account::default()) == Seam::Prefix {
            assert!(row[3].starts_with("FIM"), "{row:?}");
        }
    }
}
