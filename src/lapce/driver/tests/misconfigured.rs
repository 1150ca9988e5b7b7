//! What users are told when something is set wrong: a table of misconfigurations and the sentences that come of them.
//!
//! The sentences are in `misconfigured.txt`; `UPDATE_EXPECT=1` writes it anew, to be read like any other text. What
//! they have in common is held here: nobody is told nothing, the fix stands within the width of the status bar, and
//! no secret is shown.

use std::fmt::Write;

use super::*;
use crate::config::Destination;

/// How many characters the status bar shows.
const BAR: usize = 80;

/// One thing that is wrong, and what the user does: opens a file and presses alt+\ until something comes of it.
struct Case {
    name: &'static str,
    settings: Value,
    environment: &'static [(&'static str, &'static str)],
    server: Says,
}

/// What comes of requests.
enum Says {
    /// None is sent.
    NotAsked,
    /// A response with this status and body.
    Status(u16, &'static str),
    /// An answer that streams, and ends.
    Streams(&'static str),
    /// The model is not there, and this is the list of those that are.
    Lists(&'static str),
    /// No response.
    Fails(FailureKind, &'static str),
}

use FailureKind::{Connect, Proxy, Request, Resolve, Timeout, Tls, Unavailable};
use Says::{Fails, Lists, NotAsked, Status, Streams};

const OPENAI: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-hush-hush-1")];
const ANTHROPIC: &[(&str, &str)] = &[("ANTHROPIC_API_KEY", "sk-hush-hush-1")];
const NONE: &[(&str, &str)] = &[];

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name, settings, environment, server| {
        cases.push(Case { name, settings, environment, server });
    };
    // Nothing, or the wrong one.
    case("nothing set, nothing running", json!({}), NONE, Fails(Connect, "refused"));
    case(
        "nothing set, Ollama without a model for code",
        json!({}),
        NONE,
        Status(200, r#"{"models":[{"name":"llama3:8b"}]}"#),
    );
    case("a provider misspelled", json!({"provider": "olama"}), NONE, NotAsked);
    case("a provider by its vendor's product", json!({"provider": "claude"}), NONE, NotAsked);
    case("a provider that is a number", json!({"provider": 7}), NONE, NotAsked);
    case("an address without a provider", json!({"base-url": "http://127.0.0.1:9/v1"}), NONE, NotAsked);
    case("a model without a provider", json!({"model": "gpt-6"}), NONE, Fails(Connect, "refused"));
    case("settings that are no table", json!("anthropic"), NONE, NotAsked);

    // Keys.
    case("no key", json!({"provider": "openai"}), NONE, NotAsked);
    case("no key for a provider with two variables", json!({"provider": "gemini"}), NONE, NotAsked);
    case("no access token", json!({"provider": "vertex-gemini"}), NONE, NotAsked);
    case("no credentials of AWS", json!({"provider": "bedrock"}), NONE, NotAsked);
    case(
        "api-key-env names a variable that is not set",
        json!({"provider": "openai", "api-key-env": "MY_KEY"}),
        NONE,
        NotAsked,
    );
    case(
        "api-key-env is the key itself",
        json!({"provider": "openai", "api-key-env": "sk-hush-hush-1"}),
        NONE,
        NotAsked,
    );
    case(
        "api-key-env with a dollar sign",
        json!({"provider": "openai", "api-key-env": "$OPENAI_API_KEY"}),
        OPENAI,
        NotAsked,
    );
    case(
        "a key with spaces in it",
        json!({"provider": "openai", "api-key": "sk hush-hush-1"}),
        NONE,
        NotAsked,
    );
    case("a variable that is empty", json!({"provider": "openai"}), &[("OPENAI_API_KEY", " ")], NotAsked);
    case(
        "a wrong key",
        json!({"provider": "openai"}),
        OPENAI,
        Status(401, r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#),
    );
    case(
        "a wrong key at Anthropic",
        json!({"provider": "anthropic"}),
        ANTHROPIC,
        Status(
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        ),
    );
    case(
        "a key without credit",
        json!({"provider": "openai"}),
        OPENAI,
        Status(429, r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#),
    );
    case(
        "a key over plain http",
        json!({"provider": "openai", "base-url": "http://gateway.example/v1"}),
        OPENAI,
        Fails(
            Request,
            "`base-url` begins with http:, and the API key is not sent over the net without encryption: use https, or a tunnel to this machine",
        ),
    );
    case(
        "key-command as a setting",
        json!({"provider": "openai", "key-command": "pass show key"}),
        OPENAI,
        NotAsked,
    );

    // Addresses.
    case(
        "an address without a scheme",
        json!({"provider": "ollama", "base-url": "localhost:11434"}),
        NONE,
        NotAsked,
    );
    case(
        "an address with a wrong scheme",
        json!({"provider": "ollama", "base-url": "htp://localhost:11434"}),
        NONE,
        NotAsked,
    );
    case(
        "an address with a password",
        json!({"provider": "ollama", "base-url": "http://me:hush-hush@localhost"}),
        NONE,
        NotAsked,
    );
    case(
        "an address with the key in its query",
        json!({"provider": "openai", "base-url": "https://a.example/v1?api_key=hush-hush"}),
        OPENAI,
        NotAsked,
    );
    case(
        "an address of nobody",
        json!({"provider": "ollama"}),
        NONE,
        Fails(Connect, "Failed to connect to localhost port 11434"),
    );
    case(
        "a host that does not exist",
        json!({"provider": "openai", "base-url": "https://gateway.invalid/v1"}),
        OPENAI,
        Fails(Resolve, "Could not resolve host: gateway.invalid"),
    );
    case(
        "an address with another path",
        json!({"provider": "ollama", "base-url": "http://localhost:11434/llm"}),
        NONE,
        Status(404, "404 page not found"),
    );
    case(
        "the port of another local server",
        json!({"provider": "ollama", "base-url": "http://localhost:8080"}),
        NONE,
        Status(404, r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#),
    );
    case(
        "llama.cpp's provider at Ollama's port",
        json!({"provider": "llama-cpp", "base-url": "http://localhost:11434"}),
        NONE,
        Status(404, "404 page not found"),
    );
    case(
        "https to a server that speaks http",
        json!({"provider": "ollama", "base-url": "https://localhost:11434"}),
        NONE,
        Fails(Tls, "wrong version number"),
    );
    case(
        "http to a server that speaks https",
        json!({"provider": "openai-compatible", "model": "m", "base-url": "http://localhost:8443/v1"}),
        NONE,
        Status(400, "Client sent an HTTP request to an HTTPS server."),
    );
    case(
        "http to a web server's port for https",
        json!({"provider": "openai-compatible", "model": "m", "base-url": "http://gateway.example:443/v1"}),
        NONE,
        Status(
            400,
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        ),
    );
    case(
        "a request with a field of one's own that is refused",
        json!({"provider": "openai", "extra-body": {"top_k": 20}}),
        OPENAI,
        Status(400, r#"{"error":{"message":"This is not right.","type":"invalid_request_error"}}"#),
    );
    case(
        "a web page",
        json!({"provider": "openai", "base-url": "https://portal.example"}),
        OPENAI,
        Streams("<!DOCTYPE html><html><body>Sign in</body></html>"),
    );
    case(
        "a certificate of one's own",
        json!({"provider": "openai", "base-url": "https://gateway.example/v1"}),
        OPENAI,
        Fails(Tls, "self-signed certificate in certificate chain"),
    );
    case(
        "a ca-file that is not there",
        json!({"provider": "openai", "ca-file": "/nowhere.pem"}),
        OPENAI,
        Fails(Tls, "error setting certificate verify locations: CAfile: /nowhere.pem"),
    );
    case("a ca-file with ~", json!({"provider": "openai", "ca-file": "~/ca.pem"}), OPENAI, NotAsked);
    case(
        "openai-compatible without an address",
        json!({"provider": "openai-compatible", "model": "m"}),
        NONE,
        NotAsked,
    );
    case(
        "a proxy without a scheme",
        json!({"provider": "openai", "proxy": "proxy.example:3128"}),
        OPENAI,
        NotAsked,
    );
    case(
        "a proxy that is down",
        json!({"provider": "openai", "proxy": "http://proxy.example:3128"}),
        OPENAI,
        Fails(Proxy, "Could not resolve proxy: proxy.example"),
    );

    // Models.
    case(
        "a model the server does not know",
        json!({"provider": "ollama", "model": "qwen-coder"}),
        NONE,
        Status(404, r#"{"error":"model 'qwen-coder' not found"}"#),
    );
    case(
        "a model that is misspelled at a server that lists those it has",
        json!({"provider": "ollama", "model": "qwen-coder"}),
        NONE,
        Lists(r#"{"models":[{"name":"llama3:8b"},{"name":"qwen2.5-coder:1.5b-base"}]}"#),
    );
    case(
        "no model at a server that lists those it has",
        json!({"provider": "openai-compatible", "base-url": "http://localhost:8000/v1"}),
        NONE,
        Lists(r#"{"data":[{"id":"starcoder2"}]}"#),
    );
    case(
        "no model at a server with many",
        json!({"provider": "openai-compatible", "base-url": "http://localhost:8000/v1"}),
        NONE,
        Status(404, r#"{"error":{"message":"model '' not found","type":"not_found_error"}}"#),
    );
    case(
        "a model that does not fill in",
        json!({"provider": "ollama", "model": "llama3"}),
        NONE,
        Status(400, r#"{"error":"registry.ollama.ai/library/llama3 does not support insert"}"#),
    );
    case(
        "a server out of memory",
        json!({"provider": "ollama", "model": "big"}),
        NONE,
        Status(500, r#"{"error":"model requires more system memory (40 GiB) than is available"}"#),
    );
    case(
        "Azure without a deployment",
        json!({"provider": "azure", "base-url": "https://r.openai.azure.com"}),
        &[("AZURE_OPENAI_API_KEY", "sk-hush-hush-1")],
        NotAsked,
    );
    case("a model with .. in it", json!({"provider": "ollama", "model": "../x"}), NONE, NotAsked);
    case(
        "Bedrock without a region",
        json!({"provider": "bedrock"}),
        &[("AWS_BEARER_TOKEN_BEDROCK", "sk-hush-hush-1")],
        NotAsked,
    );
    case(
        "Vertex without a project",
        json!({"provider": "vertex-gemini"}),
        &[("GOOGLE_OAUTH_ACCESS_TOKEN", "sk-hush-hush-1")],
        NotAsked,
    );
    case(
        "Cloudflare without an account",
        json!({"provider": "cloudflare"}),
        &[("CLOUDFLARE_API_TOKEN", "sk-hush-hush-1")],
        NotAsked,
    );
    case(
        "FIM asked of a provider that only chats",
        json!({"provider": "anthropic", "fim": "qwen"}),
        ANTHROPIC,
        NotAsked,
    );

    // Answers.
    case(
        "an empty answer",
        json!({"provider": "ollama"}),
        NONE,
        Streams("{\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"}\n"),
    );
    case(
        "a server that says nothing",
        json!({"provider": "ollama"}),
        NONE,
        Fails(Timeout, "Operation timed out"),
    );
    case(
        "an overloaded server",
        json!({"provider": "anthropic"}),
        ANTHROPIC,
        Status(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
    );
    case(
        "a request that is refused",
        json!({"provider": "openai"}),
        OPENAI,
        Status(400, r#"{"error":{"message":"Unknown parameter: 'top_k'.","type":"invalid_request_error"}}"#),
    );

    // Values.
    case("num-ctx that is a word", json!({"ollama": {"num-ctx": "big"}}), NONE, NotAsked);
    case("num-ctx below nothing", json!({"ollama": {"num-ctx": -5}}), NONE, NotAsked);
    case("a template without a suffix", json!({"fim": "<P>{prefix}"}), NONE, NotAsked);
    case("a template misspelled", json!({"fim": "qwne"}), NONE, NotAsked);
    case("a language in upper case", json!({"languages": {"Rust": "off"}}), NONE, NotAsked);
    case("a language Lapce does not know", json!({"languages": {"haskell": "off"}}), NONE, NotAsked);
    case("a trigger in upper case", json!({"trigger": "Off"}), NONE, NotAsked);
    case("max-tokens that are too many", json!({"max-tokens": 1_000_000}), NONE, NotAsked);
    case("max-tokens in quotes", json!({"max-tokens": "many"}), NONE, NotAsked);
    case("a time in seconds", json!({"timeout": {"idle-ms": 30}}), NONE, NotAsked);
    case("temperature out of range", json!({"temperature": 3}), NONE, NotAsked);
    case("a glob with a bracket open", json!({"ignore": "a[b"}), NONE, NotAsked);
    case("snippets as a word", json!({"snippets": "off"}), NONE, NotAsked);
    case("a header that decides framing", json!({"extra-headers": "Host: other.example"}), NONE, NotAsked);
    case("extra-body that is no JSON", json!({"extra-body": "top_k=20"}), NONE, NotAsked);
    case("status as a switch", json!({"status": true}), NONE, NotAsked);

    // Names.
    for (name, settings) in [
        ("modle", json!({"modle": "m"})),
        ("url", json!({"url": "http://localhost:1"})),
        ("headers", json!({"headers": {}})),
        ("key", json!({"key": "sk-hush-hush-1"})),
        ("cache", json!({"cache": 5})),
        ("timeout", json!({"timeout": 5})),
        ("timeout.idle", json!({"timeout": {"idle": 5}})),
        ("a setting of nobody's", json!({"colour": "red"})),
    ] {
        case(name, settings, NONE, NotAsked);
    }
    // What was said when the plugin started, and is why alt+\ fails later.
    case(
        "a model with .. in it, and the default one is not there",
        json!({"provider": "ollama", "model": "../x"}),
        NONE,
        Lists(r#"{"models":[{"name":"llama3:8b"}]}"#),
    );
    case(
        "modle, and the server needs a model",
        json!({"provider": "openai-compatible", "base-url": "http://localhost:8000/v1", "modle": "m"}),
        NONE,
        Status(404, r#"{"error":{"message":"model '' not found","type":"not_found_error"}}"#),
    );
    case(
        "a time in seconds, and nothing comes in time",
        json!({"provider": "ollama", "timeout": {"idle-ms": 30}}),
        NONE,
        Fails(Timeout, "Operation timed out"),
    );
    case(
        "key, and the key of the environment is wrong",
        json!({"provider": "openai", "key": "sk-hush-hush-2"}),
        OPENAI,
        Status(401, r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#),
    );
    case(
        "a setting of nobody's, and the server is not there",
        json!({"provider": "ollama", "colour": "red"}),
        NONE,
        Fails(Connect, "Failed to connect to localhost port 11434"),
    );
    // The machine.
    case(
        "curl demanded and not there",
        json!({"provider": "ollama", "transport": "curl"}),
        NONE,
        Fails(
            Unavailable,
            "curl is not installed: install it and reload the plugin, or set `transport` to `http`",
        ),
    );
    case(
        "a folder that is not writable, and a key",
        json!({"provider": "openai"}),
        OPENAI,
        Fails(
            Unavailable,
            "Make the plugin's folder writable: it is not writable, or no script runs there (/home/u/plugins/ai-completion). \
             Or set `transport` to `http`: Lapce's own HTTP client follows redirects",
        ),
    );
    cases
}

impl Case {
    /// All that the user is told: pop-ups, then what the status bar says in the end.
    fn told(&self) -> Vec<String> {
        let world = World::default();
        world.variables.borrow_mut().extend(self.environment);
        let env = |name: &str| world.variable(name);
        let trusted: String =
            Destination::all_of(&self.settings, &env).iter().map(|it| format!("{}\n", it.line())).collect();
        *world.trusted.borrow_mut() = trusted;
        // A request that fails is sent again once or twice.
        let steps: &[Step] = &match self.server {
            NotAsked | Fails(..) => vec![],
            Status(status, body) => vec![Step::Head(status), Step::Body(body), Step::End],
            Streams(body) => vec![Step::Head(200), Step::Body(body), Step::End],
            Lists(models) => vec![
                Step::Head(404),
                Step::Body(r#"{"error":"model not found"}"#),
                Step::End,
                Step::Head(200),
                Step::Body(models),
                Step::End,
            ],
        };
        for _ in 0..8 {
            world.script.borrow_mut().extend(steps.iter().cloned());
        }
        if let Fails(kind, detail) = self.server {
            *world.failure.borrow_mut() = Some(Failure { kind, detail: detail.to_owned() });
        }
        let mut editor = Editor { driver: Driver::new(Fake::default(), world), ids: 0 };
        let params = json!({"initializationOptions": self.settings, "rootUri": "file:///w"});
        editor.request("initialize", params);
        editor.open("let\n");
        editor.pass(1000);
        editor.complete(1);
        for _ in 0..6 {
            editor.pass(20_000);
            editor.wake();
        }
        let text = |message: &Value| message.as_str().unwrap_or_default().to_owned();
        let said = editor.said();
        let popups = said.iter().filter(|message| message["method"] == "window/showMessage");
        let mut told: Vec<String> = popups.map(|message| text(&message["params"]["message"])).collect();
        let bar = said.iter().rfind(|message| message["method"] == "$/progress");
        let bar =
            bar.map(|message| text(&message["params"]["value"]["message"])).filter(|bar| !bar.is_empty());
        told.extend(bar.map(|bar| format!("[{bar}]")));
        told
    }
}

#[test]
fn every_misconfiguration_is_answered_with_its_fix() {
    let cases = cases();
    assert!(cases.len() >= 70, "{} cases", cases.len());
    let mut all = String::new();
    let told: Vec<Vec<String>> = cases.iter().map(Case::told).collect();
    for (case, told) in cases.iter().zip(&told) {
        let _ = writeln!(all, "## {}\n{}\n", case.name, told.join("\n"));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lapce/driver/tests/misconfigured.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &all).unwrap();
    }
    for (Case { name, .. }, told) in cases.iter().zip(&told) {
        let text = told.join("\n");
        assert!(!told.is_empty(), "{name}: nobody is told anything");
        assert!(!text.contains("hush"), "{name}: {text}");
        // The bar is what alt+\ comes to, where it is not still waited for.
        let bar = told.last().filter(|bar| bar.starts_with('[') && !bar.starts_with("[waiting"));
        for told in bar.into_iter().chain([&text]) {
            let head: String = told.chars().take(BAR).collect();
            let fixes = ["`", "install", "trying again", "alt+\\", "folder writable"];
            assert!(fixes.iter().any(|fix| head.contains(fix)), "{name}: {head:?} leaves the user alone");
        }
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (got, expected) in all.split("## ").zip(expected.split("## ")) {
        assert_eq!(got, expected, "UPDATE_EXPECT=1 writes it anew");
    }
    assert!(all == expected, "UPDATE_EXPECT=1 writes it anew");
}
