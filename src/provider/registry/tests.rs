//! What holds for every provider alike, and what each row makes of the same prompt.

use expect_test::expect;

use super::super::testing::{DIALECTS, decoded, prompt, resumed, sent, with_model};
use super::super::{Account, Error, FimSetting, Framing, Reasoning, Seam, Secret};
use super::*;
use crate::stream::ErrorKind;

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
            option("cloudflare.account-id", "a1"),
        ],
        unix_time: 1_700_000_000,
        ..Account::default()
    }
}

/// [`account`] at the provider's own address, with a key only.
fn own(name: &str) -> Account {
    let base_url = match name {
        "azure" => "https://r.openai.azure.com",
        "openai-compatible" | "openai-completions" => "https://host.example",
        _ => "",
    };
    let model = if profile(name).unwrap().defaults.model.is_empty() { "m-1" } else { "" };
    let api_key = Secret::new("KEY");
    let (base_url, model) = (base_url.to_owned(), model.to_owned());
    Account { base_url, model, api_key, secrets: Vec::new(), ..account() }
}

#[test]
fn a_provider_is_found_by_its_name() {
    let mut all: Vec<_> = names().collect();
    assert!(names().all(|name| find(name).is_some_and(|provider| provider.name() == name)));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), PROFILES.len());
    assert!(find("no-such").is_none() && find("").is_none());
}

#[test]
fn every_row_asks_as_its_documentation_says() {
    let all: String = names().map(|name| format!("# {name}\n{}", sent(name, &own(name), &prompt()))).collect();
    expect![[r#""#]].assert_eq(&all);
}

#[test]
fn an_answer_that_broke_off_is_continued_in_each_format() {
    let names = ["openai", "openai-responses", "openai-completions", "anthropic", "gemini", "mistral", "codestral"];
    let all: String = names
        .into_iter()
        .chain(["deepseek", "bedrock", "ollama", "llama-cpp"])
        .map(|name| format!("# {name}\n{}", sent(name, &own(name), &resumed())))
        .collect();
    let elsewhere = Account { base_url: "https://gateway.example".to_owned(), ..own("deepseek") };
    let all = format!("{all}# deepseek elsewhere\n{}", sent("deepseek", &elsewhere, &resumed()));
    expect![[r#""#]].assert_eq(&all);
}

#[test]
fn thinking_is_asked_for_as_each_vendor_spells_it() {
    let mut all = String::new();
    for (name, model, reasoning) in [
        ("openai", "gpt-5-nano", Reasoning::Auto),
        ("openai", "gpt-6-luna", Reasoning::High),
        ("openai", "gpt-4.1-mini", Reasoning::Auto),
        ("openai", "gpt-99", Reasoning::Auto),
        ("openai-responses", "o4-mini", Reasoning::Auto),
        ("azure", "gpt-5-mini", Reasoning::Auto),
        ("openrouter", "anthropic/claude-sonnet-5", Reasoning::Auto),
        ("openrouter", "z-ai/glm-4.6", Reasoning::Low),
        ("openrouter", "google/gemini-2.5-pro", Reasoning::Off),
        ("anthropic", "claude-haiku-4-5", Reasoning::Low),
        ("anthropic", "claude-sonnet-4-6", Reasoning::Medium),
        ("anthropic", "claude-sonnet-5-5", Reasoning::Auto),
        ("anthropic", "claude-opus-5-5", Reasoning::Off),
        ("anthropic", "claude-novel-7", Reasoning::Auto),
        ("bedrock", "us.anthropic.claude-sonnet-5", Reasoning::Auto),
        ("gemini", "gemini-2.5-flash", Reasoning::Auto),
        ("gemini", "gemini-3.1-pro-preview", Reasoning::High),
        ("deepseek", "deepseek-flash", Reasoning::Low),
        ("zai", "glm-4.6", Reasoning::High),
        ("moonshot", "kimi-k3", Reasoning::Auto),
        ("dashscope", "qwen3.8-max", Reasoning::Auto),
        ("groq", "qwen/qwen3-32b", Reasoning::Auto),
        ("together", "moonshotai/Kimi-K2.6", Reasoning::Auto),
        ("together", "openai/gpt-oss-120b", Reasoning::Auto),
        ("xai", "grok-4", Reasoning::Auto),
        ("vllm", "Qwen/Qwen3-8B", Reasoning::Auto),
        ("vllm", "mistralai/Ministral-8B-Instruct-2410", Reasoning::Auto),
        ("openai-compatible", "openai/gpt-oss-20b", Reasoning::Auto),
    ] {
        let account = Account { model: model.to_owned(), reasoning, ..own(name) };
        let sent = sent(name, &account, &prompt());
        let mut body: serde_json::Map<String, serde_json::Value> = sent
            .lines()
            .last()
            .and_then(|body| serde_json::from_str(&body.replace("(system)", "0").replace("(code)", "0")).ok())
            .unwrap_or_default();
        let asked = ["messages", "system", "systemInstruction", "contents", "input", "instructions", "model", "stream"];
        body.retain(|name, _| {
            !asked.contains(&name.as_str()) && !["stream_options", "store", "stop", "stop_sequences"].contains(&name.as_str())
        });
        all.push_str(&format!("{name} {model} {reasoning:?}: {}\n", serde_json::Value::Object(body)));
    }
    expect![[r#""#]].assert_eq(&all);
}

#[test]
fn fill_in_the_middle_is_asked_for_in_the_way_of_model_and_setting() {
    let mut all = String::new();
    for (name, model, fim) in [
        ("openai-completions", "Qwen/Qwen2.5-Coder-7B", ""),
        ("openai-completions", "instruct", "<P>{prefix}<S>{suffix}<M>"),
        ("openai-completions", "instruct", "chat"),
        ("openai-completions", "instruct", "qwenn"),
        ("openai-completions", "", ""),
        ("openai-compatible", "m", "suffix"),
        ("openai-compatible", "m", "starcoder"),
        ("vllm", "bigcode/starcoder2-3b", ""),
        ("vllm", "m", "suffix"),
        ("lm-studio", "deepseek-coder-6.7b-base", ""),
        ("codestral", "", "chat"),
        ("mercury", "", "qwen"),
        ("openai", "", "suffix"),
    ] {
        let fim = match fim {
            "" => FimSetting::Auto,
            "suffix" => FimSetting::Suffix,
            "chat" => FimSetting::Chat,
            template => FimSetting::Template(template.to_owned()),
        };
        let base_url = if model.is_empty() { "" } else { "https://host.example/v1" }.to_owned();
        let account = Account { fim, base_url, ..with_model(model) };
        all.push_str(&format!("# {name} {model}\n{}", sent(name, &account, &prompt())));
    }
    expect![[r#""#]].assert_eq(&all);
}

#[test]
fn every_request_has_the_code_and_shows_no_key() {
    for provider in PROFILES {
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
            assert!(request.url.starts_with("https://"), "{name}: {}", request.url);
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
    for provider in DIALECTS.iter().filter_map(|name| find(name)) {
        let is_sse = provider.decoder().framing() == Framing::Sse;
        for (what, body, expected) in cases.iter().filter(|(_, body, _)| is_sse || *body != stream) {
            let got = decoded(|| provider.decoder(), body.as_bytes());
            assert_eq!(got, *expected, "{what} at {}", provider.name());
        }
    }
}

#[test]
fn the_users_fields_headers_and_instructions_reach_every_provider() {
    let account = Account {
        extra_headers: vec![("X-Team".to_owned(), "a".to_owned())],
        extra_body: serde_json::from_str(r#"{"extra":{"b":1}}"#).unwrap(),
        instructions: "Use British spelling.".to_owned(),
        ..account()
    };
    for provider in PROFILES {
        let request = provider.request(&account, &prompt()).unwrap();
        assert!(request.headers.contains(&("x-team".to_owned(), "a".to_owned())), "{}", provider.name());
        let body = request.body.unwrap();
        let text = String::from_utf8_lossy(&body);
        let is_chat = provider.seam(&account) != Seam::Prefix;
        assert_eq!(text.contains("Use British spelling."), is_chat, "{}", provider.name());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["extra"]["b"], 1, "{}", provider.name());
    }
}

#[test]
fn who_needs_a_key_says_where_it_belongs() {
    for provider in PROFILES.iter().filter(|provider| provider.defaults().needs_key) {
        let account = Account { api_key: Secret::default(), secrets: Vec::new(), ..account() };
        let error = provider.request(&account, &prompt()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth, "{}: {error}", provider.name());
        for variable in provider.defaults().key_env {
            assert!(error.message.contains(variable), "{}: {error}", provider.name());
        }
    }
}

#[test]
fn the_seam_follows_the_way_to_ask() {
    for name in ["ollama", "llama-cpp", "openai-compatible", "vllm"] {
        let seam = |fim| find(name).unwrap().seam(&Account { fim, ..account() });
        assert_eq!(seam(FimSetting::Chat), Seam::Instruction, "{name}");
        assert_eq!(seam(FimSetting::Template("qwen".to_owned())), Seam::Prefix, "{name}");
    }
}

/// How providers are asked, where the table of the README says more than the row.
const ABOUT: &[(&str, &str)] = &[
    ("openai-responses", "chat, by the Responses API"),
    (
        "openai-completions",
        "FIM by `suffix`, or by template for models it knows, at servers with `/v1/completions`; set `base-url`",
    ),
    ("vertex-gemini", "chat; set `vertex.project`; `gcloud auth print-access-token` prints a token"),
    ("vertex-anthropic", "chat; the same"),
    ("codestral", "FIM; with a general key of Mistral's set `base-url = \"https://api.mistral.ai/v1\"`"),
    ("deepseek-fim", "FIM, in beta"),
    ("azure", "chat; `model` is the deployment, and `base-url = \"https://RESOURCE.openai.azure.com\"`"),
    ("bedrock", "chat; the latter with `AWS_SECRET_ACCESS_KEY`; set `aws.region`"),
    ("ollama", "FIM; started by `ollama serve`, models fetched by `ollama pull MODEL`"),
    ("llama-cpp", "FIM; started by `llama-server --fim-qwen-1.5b-default --port 8080`"),
    ("vllm", "FIM by template for models it knows, else chat; started by `vllm serve MODEL`"),
    ("lm-studio", "FIM by template for models it knows, else chat; started by `lms server start`"),
    ("dashscope", "chat; `base-url` for other regions and workspaces"),
    ("cloudflare", "chat; set `cloudflare.account-id`"),
    ("openai-compatible", "chat, or as `fim` says; set `base-url`"),
];

/// The README's table of providers, between its marks. `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_readme_lists_every_provider() {
    let rows: String = PROFILES
        .iter()
        .map(|provider| {
            let Defaults { model, key_env, needs_key, .. } = provider.defaults;
            let key = format!("`{}`", key_env.join("` or `"));
            let key = if needs_key { key } else { format!("{key}, if it wants one") };
            let model = if model.is_empty() { "yours".to_owned() } else { format!("`{model}`") };
            let is_fim = provider.seam(&Account::default()) == Seam::Prefix;
            let about = ABOUT.iter().find(|(name, _)| *name == provider.name).map(|(_, about)| *about);
            let about = about.unwrap_or(if is_fim { "FIM" } else { "chat" });
            assert_eq!(about.starts_with("FIM"), is_fim || matches!(provider.name, "vllm" | "lm-studio"));
            format!("| `{}` | {key} | {model} | {about} |\n", provider.name)
        })
        .collect();
    let head = "| `provider` | Key in the environment | Model by default | How it is asked |\n|---|---|---|---|\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- providers: from src/provider/registry.rs -->\n", "<!-- end of providers -->\n");
    let (before, rest) = readme.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let expected = [before, begin, head, &rows, end, after].concat();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected, "UPDATE_EXPECT=1 writes it anew");

    for provider in PROFILES {
        let unreachable = Error::of_settings(provider, ErrorKind::Network, "");
        let start = unreachable.message.split('`').nth(1).unwrap_or_default();
        let row = rows.lines().find(|row| row.starts_with(&format!("| `{}` |", provider.name)));
        assert!(row.is_some_and(|row| row.contains(start)), "{start} is not in {row:?}");
    }
}
