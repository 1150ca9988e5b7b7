use crate::stream::ContentFilter;
use std::collections::BTreeSet;

use serde_json::json;

use super::super::credentials::{Credentials, KeySource};
use super::*;
use crate::completion::ghost::Accept;
use crate::http::HttpRequest;
use crate::provider::{Account, Decoder, Defaults, Error, Prompt, Provider, Seam};
use crate::transport::Mode;

fn read(options: Value) -> (Settings, Vec<String>) {
    let (settings, problems) = Settings::read(&options);
    (settings, problems.iter().map(Problem::to_string).collect())
}

#[test]
fn nothing_set_is_the_default_without_problems() {
    for options in [Value::Null, json!({})] {
        assert_eq!(read(options), (Settings::default(), vec![]));
    }
}

#[test]
fn values_are_taken() {
    let (settings, problems) = read(json!({
        "model": " qwen ",
        "base-url": "http://localhost:8080/v1/",
        "api-key": " sk-1\n",
        "api-key-env": "MY_KEY",
        "temperature": "0.5",
        "fim": "starcoder",
        "extra-headers": {"X-Title": "a b"},
        "extra-body": {"provider": {"order": ["x"]}},
        "azure": {"api-version": "2024-10-21"},
        "ollama": {"num-ctx": 4096},
        "status": "quiet",
        "max-line-suffix": 20,
        "trigger": "invoked",
        "languages": {"markdown": "off", "rust": "automatic"},
        "ignore": ["*.min.js"],
        "secret-files": ["!*.pem"],
        "content-filter": ["TODO*", "secret"],
        "content-filter-replacement": "…",
        "debounce-ms": 300.0,
        "eagerness": "low",
        "max-tokens": 64,
        "timeout": {"idle-ms": 5000},
        "limit": {"event-bytes": 67108864},
        "transport": "http",
        "proxy": "socks5h://u:p@localhost:1080",
        "multiline": null,
        "accept": "line",
    }));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(settings.model, "qwen");
    assert_eq!(settings.base_url, "http://localhost:8080/v1");
    assert_eq!(settings.api_key.expose(), "sk-1");
    assert_eq!(settings.api_key_env, "MY_KEY");
    assert_eq!(settings.temperature, Some(0.5));
    assert_eq!(settings.fim, FimSetting::Template("starcoder".to_owned()));
    assert_eq!(settings.extra_headers, [("X-Title".to_owned(), "a b".to_owned())]);
    assert_eq!(Value::Object(settings.extra_body), json!({"provider": {"order": ["x"]}}));
    let options: Vec<_> =
        settings.options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(options, [("azure.api-version", "2024-10-21"), ("ollama.num-ctx", "4096")]);
    assert_eq!(settings.telling.status, Detail::Quiet);
    assert_eq!(settings.engine.trigger, Trigger::Invoked);
    assert_eq!(settings.engine.languages.len(), 2);
    assert_eq!(settings.engine.ignore, [Glob::parse("*.min.js").unwrap()]);
    assert_eq!(settings.engine.secret_files, [Glob::parse("!*.pem").unwrap()]);
    assert_eq!(settings.engine.debounce_ms, Some(300));
    assert_eq!(settings.engine.eagerness, Eagerness::Low);
    assert_eq!((settings.engine.max_tokens, settings.engine.max_line_suffix), (64, 20));
    assert_eq!(settings.engine.accept, Accept::Line);
    assert_eq!(settings.network.limits.idle.as_millis(), 5000);
    assert_eq!(settings.engine.limits.event_bytes, 64 << 20);
    assert_eq!(settings.network.mode, Mode::Http);
    assert_eq!(settings.network.proxy, "socks5h://u:p@localhost:1080");
}

#[test]
fn numbers_may_be_what_their_bounds_allow() {
    for (key, min, max) in [
        ("max-tokens", 1.0, 16_384.0),
        ("debounce-ms", 0.0, 5_000.0),
        ("temperature", 0.0, 2.0),
        ("ollama.num-ctx", 512.0, 1_048_576.0),
    ] {
        let problems = |value: f64| {
            let mut options = Value::Null;
            *key.split('.').fold(&mut options, |place, part| &mut place[part]) = value.into();
            read(options).1.len()
        };
        assert_eq!((problems(min), problems(max)), (0, 0), "{key}");
        assert_eq!((problems(min - 1.0), problems(max + 1.0)), (1, 1), "{key}");
    }
    assert_eq!(read(json!({"temperature": 1.5})).0.temperature, Some(1.5));
    assert_eq!(read(json!({"ollama": {"num-ctx": 512.5}})).1.len(), 1, "a whole number");
    assert_eq!(read(json!({"debounce-ms": 0})).0.engine.debounce_ms, None);
    for (limit, first_byte) in [(0, None), (1, Some(1))] {
        let network = read(json!({"timeout": {"first-byte-ms": limit}})).0.network;
        assert_eq!(network.limits.first_byte.map(|time| time.as_millis()), first_byte);
    }
}

#[test]
fn texts_may_be_as_long_as_their_bounds_allow() {
    let text = |length: usize| "x".repeat(length);
    for (fits, too_long) in [
        (
            json!({"instructions": text(MOST_INSTRUCTIONS)}),
            json!({"instructions": text(MOST_INSTRUCTIONS + 1)}),
        ),
        (json!({"content-filter": text(128)}), json!({"content-filter": text(129)})),
        (json!({"content-filter": vec!["a"; 64]}), json!({"content-filter": vec!["a"; 65]})),
        (json!({"content-filter-replacement": text(64)}), json!({"content-filter-replacement": text(65)})),
    ] {
        assert_eq!((read(fits.clone()).1.len(), read(too_long).1.len()), (0, 1), "{fits}");
    }
}

#[test]
fn texts_are_checked_for_what_they_name() {
    for (key, good, bad) in [
        (
            "ca-file",
            &["/a.pem", "\\\\server\\a.pem", "C:\\a.pem", "c:/a.pem"][..],
            &["C:a.pem", "a/b.pem", "~/a"][..],
        ),
        ("api-key-env", &["_A", "a_1"], &["1A", "A-B", "A B"]),
        (
            "proxy",
            &["http://p", "https://p:1", "socks4a://u@p"],
            &["p:80", "//p", "http://", "http://u\"@p", "ftp://p"],
        ),
        ("model", &["a/b.c", "..a"], &["../a", "a/..", "a\\..\\b"]),
        ("fim", &["<P>{prefix}{suffix}"], &["{prefix}", "{suffix}", "<P>"]),
        ("api-key", &["k-!~"], &["a b", "k\u{e9}"]),
    ] {
        for (texts, problems) in [(good, 0), (bad, 1)] {
            for text in texts {
                assert_eq!(read(json!({ key: text })).1.len(), problems, "{key} {text}");
            }
        }
    }
}

#[test]
fn headers_are_names_with_texts_on_one_line() {
    for (name, value, is_header) in [
        ("A-b_c.1", json!("x"), true),
        ("a", json!(""), true),
        ("", json!("x"), false),
        ("a b", json!("x"), false),
        ("\u{e9}", json!("x"), false),
        ("a", json!("x\ny"), false),
        ("a", json!(7), false),
        ("Content-Length", json!("7"), false),
    ] {
        let (settings, problems) = read(json!({"extra-headers": {name: value}}));
        assert_eq!(
            (settings.extra_headers.len() == 1, problems.len() == 1),
            (is_header, !is_header),
            "{name}"
        );
    }
}

#[test]
fn a_setting_of_one_provider_may_be_a_number() {
    let (settings, problems) = read(json!({"vertex": {"project": 123_456}}));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(settings.options, [("vertex.project".to_owned(), "123456".to_owned())]);
}

#[test]
fn a_role_without_a_provider_keeps_all_that_it_does_not_set() {
    let main = json!({
        "provider": "ollama",
        "model": "m",
        "base-url": "http://127.0.0.1:1",
        "temperature": 0.5,
        "fim": "chat",
        "reasoning": "low",
        "extra-body": {"top_k": 20},
        "ollama": {"num-ctx": 4096},
        "vertex": {"project": "p"},
    });
    let main = main.as_object().unwrap();
    for (name, value) in [
        ("model", json!("other")),
        ("temperature", json!(1)),
        ("fim", json!("suffix")),
        ("reasoning", json!("high")),
        ("extra-body", json!({"top_k": 3})),
        ("vertex", json!({"project": "q"})),
    ] {
        let mut options = main.clone();
        options.insert("invoked".to_owned(), json!({ name: value }));
        let invoked = read(Value::Object(options)).0.invoked.unwrap();
        let mut changed = main.clone();
        changed.insert(name.to_owned(), value);
        let mut changed = read(Value::Object(changed)).0;
        let sort = |settings: &mut Settings| settings.options.sort();
        let mut invoked = *invoked;
        sort(&mut invoked);
        sort(&mut changed);
        assert_eq!(invoked, changed, "{name}");
    }
}

#[test]
fn another_role_says_all_or_what_is_different() {
    let (settings, problems) = read(json!({
        "provider": "openai",
        "model": "small",
        "api-key-env": "MY_KEY",
        "instructions": "be brief",
        "max-tokens": 64,
        "transport": "curl",
        "status": "full",
        "statistics": false,
        "extra-headers": {"X-Title": "a"},
        "invoked": {"model": "large", "reasoning": "high"},
        "fallback": {"provider": "ollama", "model": "qwen", "ollama": {"num-ctx": 4096}},
    }));
    assert_eq!(problems, Vec::<String>::new());
    let roles: Vec<_> =
        settings.roles().map(|(role, of)| (role, of.provider.as_str(), of.model.as_str())).collect();
    let expected = [
        (Role::Main, "openai", "small"),
        (Role::Invoked, "openai", "large"),
        (Role::Fallback, "ollama", "qwen"),
    ];
    assert_eq!(roles, expected);
    let (invoked, fallback) = (settings.invoked.unwrap(), settings.fallback.unwrap());
    assert_eq!((invoked.api_key_env.as_str(), invoked.extra_headers.len()), ("MY_KEY", 1));
    assert_eq!((settings.reasoning, invoked.reasoning), (Reasoning::Auto, Reasoning::High));
    // Another provider gets neither the key nor the headers of the first.
    assert_eq!((fallback.api_key_env.as_str(), fallback.extra_headers.len()), ("", 0));
    assert_eq!(fallback.options, [("ollama.num-ctx".to_owned(), "4096".to_owned())]);
    for other in [invoked, fallback] {
        assert_eq!((other.engine.max_tokens, other.instructions.as_str()), (64, "be brief"));
        assert_eq!((other.network.mode, other.telling.status), (Mode::Curl, Detail::Full));
        assert!(!other.statistics);
        assert!(other.invoked.is_none() && other.fallback.is_none());
    }
}

#[test]
fn what_is_wrong_about_a_role_is_named_and_keeps_only_that_one_from_being_asked() {
    for (options, problem, wrong) in [
        (
            json!({"fallback": {"provider": "olama"}}),
            "`fallback.provider` must be the name of a provider: did you mean `ollama`?",
            None,
        ),
        (json!({"fallback": {"modle": "x"}}), "`fallback.modle` is not a setting", None),
        (json!({"invoked": {"trigger": "off"}}), "`invoked.trigger` is not a setting", None),
        (json!({"invoked": {"key-command": "x"}}), "`invoked.key-command` cannot be a setting", None),
        (json!({"invoked": {"invoked": {"model": "x"}}}), "`invoked.invoked` is not a setting", None),
        (json!({"fallback": "ollama"}), "`fallback` must be a table", None),
        (json!({"fallback": {"base-url": "hush"}}), "`fallback.base-url` must be", Some("base-url")),
        (json!({"fallback": {"base_url": "hush"}}), "`fallback.base_url` is not a setting", Some("base-url")),
        // What is kept back is kept back from all.
        (json!({"trigger": "Off", "fallback": {"model": "m"}}), "`trigger` must be", Some("trigger")),
    ] {
        let (settings, problems) = read(options.clone());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(problem) && !problems[0].contains("hush"), "{problems:?}");
        assert_eq!(settings.fallback.as_ref().and_then(|fallback| fallback.wrong), wrong, "{options}");
        assert_eq!(settings.wrong.is_some(), options.get("trigger").is_some(), "{options}");
    }
}

#[test]
fn a_wrong_value_is_named_by_its_dotted_name_and_never_quoted() {
    let cases = [
        (json!("hush"), "`ai-completion` must be a table of settings; it is another text"),
        (
            json!({"max-tokens": "hush"}),
            "`max-tokens` must be a whole number from 1 to 16384; it is another text, using 256",
        ),
        (json!({"max-tokens": 0}), "`max-tokens` must be a whole number from 1 to 16384; it is 0, using 256"),
        (
            json!({"max-tokens": -3}),
            "`max-tokens` must be a whole number from 1 to 16384; it is -3, using 256",
        ),
        (
            json!({"max-tokens": 1.5}),
            "`max-tokens` must be a whole number from 1 to 16384; it is 1.5, using 256",
        ),
        (
            json!({"max-tokens": 1e300}),
            "`max-tokens` must be a whole number from 1 to 16384; it is 1e+300, using 256",
        ),
        (
            json!({"timeout": {"idle-ms": []}}),
            "`timeout.idle-ms` must be a whole number from 100 to 3600000; it is a list, using 30000",
        ),
        (
            json!({"timeout": 5}),
            "`timeout` is not a setting by itself: there are `timeout.first-byte-ms`, `timeout.idle-ms`, `timeout.total-ms`",
        ),
        (
            json!({"temperature": "hush"}),
            r#"`temperature` must be a number from 0 to 2, or ""; it is another text, using """#,
        ),
        (
            json!({"temperature": 3}),
            r#"`temperature` must be a number from 0 to 2, or ""; it is 3, using """#,
        ),
        (
            json!({"multiline": "hush"}),
            r#"`multiline` must be "auto", "single" or "block"; it is another text, using "auto""#,
        ),
        (json!({"model": 4}), "`model` must be a text in quotes; it is 4; the value given is ignored"),
        (json!({"model": "hush\nb"}), "`model` must be a text on one line; the value given is ignored"),
        (
            json!({"model": "models/../../hush"}),
            "`model` must be the name of a model, without `..`; the value given is ignored",
        ),
        (json!({"max_tokens": 5}), "`max_tokens` is not a setting (did you mean `max-tokens`?)"),
        (
            json!({"ollama": {"num-ctx": "hush"}}),
            r#"`ollama.num-ctx` must be a whole number from 512 to 1048576, or ""; it is another text, using """#,
        ),
        (
            json!({"ollama": {"num-ctx": -5}}),
            r#"`ollama.num-ctx` must be a whole number from 512 to 1048576, or ""; it is -5, using """#,
        ),
        (
            json!({"fim": "{prefix}<hush>"}),
            "`fim` must be a template with both {prefix} and {suffix} in it; the value given is ignored",
        ),
        (
            json!({"status": true}),
            r#"`status` must be "quiet", "short" or "full"; it is true, using "short""#,
        ),
        (
            json!({"extra-headers": "hush"}),
            "`extra-headers` must be a table or a text like `X-Title: lapce, X-Team: editors`; it is another text, ignored",
        ),
        (
            json!({"key-command": "pass show key"}),
            "`key-command` cannot be a setting, because the folder that is open may have settings of its own and could \
             run anything: set AI_COMPLETION_KEY_COMMAND in the environment, or use `cargo volt install --key-command`",
        ),
        (json!({"colour": {"hush": 1}}), "`colour` is not a setting"),
        (
            json!({"content-filter-replacement": "hush\nb"}),
            "`content-filter-replacement` must be a text on one line, of at most 64 characters, that `content-filter` does \
             not match; the value given is ignored",
        ),
        (
            json!({"extra-headers": {"hOsT": "hush"}}),
            "`extra-headers.hOsT` decides how requests are read and cannot be set; left out",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(read(options.clone()), (Settings::default(), vec![expected.to_owned()]), "{options}");
    }
}

#[test]
fn names_from_settings_are_cleaned_and_cut() {
    let long = |length: usize| "x".repeat(length);
    for (name, cleaned) in [
        ("a\u{202e}b\nc\u{200b}`d é", "a?b?c??d??"),
        (&long(54), &long(54)),
        (&long(61), &long(61)),
        (&long(20_000), &long(61)),
    ] {
        for (options, before) in [(json!({name: 1}), ""), (json!({"files": {name: "Off"}}), "files.")] {
            let whole = [before, cleaned].concat();
            let shown = match whole.get(..60) {
                Some(start) if start != whole => format!("`{start}…` "),
                _ => format!("`{whole}` "),
            };
            let (_, problems) = read(options);
            assert!(problems[0].starts_with(&shown), "{problems:?}");
        }
    }
}

#[test]
fn off_switches_fail_closed() {
    for (options, setting) in [
        (json!({"trigger": "Off"}), "trigger"),
        (json!({"trigger": false}), "trigger"),
        (json!({"trigger": ["off"]}), "trigger"),
        (json!({"triger": "off"}), "trigger"),
        (json!({"files": {"**": "disabled"}}), "files"),
        (json!({"files": {"*.rs": false}}), "files"),
        (json!({"files": {"a\\b": "off"}}), "files"),
        (json!({"files": {"!a": "off"}}), "files"),
        (json!({"files": ["**"]}), "files"),
        (json!({"file": {"**": "off"}}), "files"),
        (json!({"languages": {"rust": "disabled"}}), "languages"),
        (json!({"languages": ["rust"]}), "languages"),
        (json!({"language": {"rust": "off"}}), "languages"),
        (json!({"read-only": 7}), "read-only"),
        (json!({"read-only": "*.rs, ~/x"}), "read-only"),
        (json!({"languages": {"Rust": "off"}}), "languages"),
        (json!({"languages": "haskell: off"}), "languages"),
        (json!({"languages": "rust"}), "languages"),
        (json!({"files": "*.md: disabled"}), "files"),
        (json!({"snippets": "off"}), "snippets"),
        (json!({"mask-secrets": "off"}), "mask-secrets"),
        (json!({"content-filter": 5}), "content-filter"),
        (json!({"content-filter": ["**"]}), "content-filter"),
        (json!({"content-filter": "x".repeat(129)}), "content-filter"),
        (json!({"content-filter": ["a", {"b": 1}]}), "content-filter"),
        (json!({"content-filter": vec!["a"; 65]}), "content-filter"),
        (json!({"contentfilter": "a"}), "content-filter"),
        (json!({"ca-file": 7}), "ca-file"),
        (json!({"ca-file": "~/ca.pem"}), "ca-file"),
        (json!({"ca-file": "ca.pem"}), "ca-file"),
        (json!({"url": "http://localhost:1"}), "base-url"),
    ] {
        let (settings, problems) = read(options.clone());
        assert_eq!((settings.wrong, problems.len()), (Some(setting), 1), "{options} {problems:?}");
        let error = credentials_of(&settings).unwrap_err();
        assert!(error.message.contains(&format!("`{setting}`")), "{error:?}");
        let off = |triggers: &[Trigger]| triggers.iter().all(|trigger| *trigger == Trigger::Off);
        let engine = &settings.engine;
        assert!(off(&engine.files.iter().map(|(_, trigger)| *trigger).collect::<Vec<_>>()), "{options}");
        assert!(off(&engine.languages.iter().map(|(_, trigger)| *trigger).collect::<Vec<_>>()), "{options}");
        assert!(setting != "snippets" || !engine.snippets);
        assert!(engine.mask_secrets);
        assert!(!problems[0].contains("disabled"), "{problems:?}");
    }
    assert_eq!(read(json!({"trigger": "Off"})).0.engine.trigger, Trigger::Off);
    assert_eq!(read(json!({"speculative": "never"})).0.engine.speculative, Speculative::Off);
}

/// The credentials for a provider that needs a key, and has one.
fn credentials_of(settings: &Settings) -> Result<Credentials, Error> {
    let provider = crate::provider::find("openai").unwrap();
    settings.credentials(provider, &|name| (name == "OPENAI_API_KEY").then(|| "k".to_owned()), 42)
}

#[test]
fn lists_of_files_are_only_ever_added_to() {
    let ignored = |options: Value, path: &str| {
        let (settings, problems) = read(options);
        assert_eq!(problems, Vec::<String>::new());
        let gates = settings.options(Targets::default(), "/w", ContentFilter::default(), 0).gates;
        gates.ignored(path).is_some()
    };
    for options in [json!({}), json!({"secret-files": [], "ignore": []}), json!({"secret-files": ["*.sql"]})]
    {
        assert!(ignored(options.clone(), "deploy/.env.local"), "{options}");
        assert!(!ignored(options.clone(), "src/main.rs"), "{options}");
    }
    assert!(ignored(json!({"secret-files": ["*.sql"]}), "a.sql"));
    assert!(ignored(json!({"ignore": ["/w/notes/"]}), "notes/a.md"));
    assert!(!ignored(json!({"secret-files": ["!.env*"]}), "a/.env.local"));
    assert!(ignored(json!({"secret-files": ["!.env.local"], "ignore": [".env*"]}), "a/.env.local"));
}

#[test]
fn the_engine_gets_what_is_set() {
    let (settings, problems) = read(json!({
        "trigger": "invoked",
        "files": "*.md: off",
        "languages": "rust: off",
        "read-only": "*.lock",
        "ignore": "*.sql",
        "max-line-suffix": 20,
        "context-tokens": 999,
        "snippets": false,
        "mask-secrets": false,
        "debounce-ms": 300,
        "eagerness": "low",
        "max-tokens": 64,
        "multiline": "block",
        "accept": "line",
        "cache-size": 3,
        "limit": {"event-bytes": 2000, "response-bytes": 3000},
    }));
    assert_eq!(problems, Vec::<String>::new());
    let options = settings.options(Targets::default(), "/home/u/project/", ContentFilter::default(), 7);
    let gates = &options.gates;
    assert_eq!(gates.trigger, Trigger::Invoked);
    assert_eq!(gates.files, [(Glob::parse("*.md").unwrap(), Trigger::Off)]);
    assert_eq!(gates.languages, [("rust".to_owned(), Trigger::Off)]);
    for (globs, path) in [
        (&gates.read_only, "a.lock"),
        (&gates.ignore, "a.sql"),
        (&gates.ignore, ".env"),
        (&gates.ignore_unless_source, "secrets/a"),
    ] {
        assert!(globs.find(path).is_some(), "{path}");
    }
    assert_eq!((gates.root.as_str(), gates.code_after), ("/home/u/project", 20));
    let budget = &options.budget;
    assert_eq!((budget.tokens, budget.snippets, budget.mask_secrets), (999, false, false));
    assert_eq!(&budget.gates, gates);
    assert_eq!((options.debounce_ms, options.eagerness), (Some(300), Eagerness::Low));
    assert_eq!((options.max_tokens, options.extent, options.accept), (64, Extent::Block, Accept::Line));
    assert_eq!((options.repository.as_str(), options.cache_entries, options.seed), ("project", 3, 7));
    assert_eq!(options.limits, Limits { event_bytes: 2000, response_bytes: 3000 });
    assert_eq!(settings.network.response_bytes, 3000);
}

#[test]
fn asking_ahead_is_for_those_who_are_not_paid_unless_it_is_set() {
    for (speculative, paid, free) in [("auto", false, true), ("on", true, true), ("off", false, false)] {
        let (settings, _) = read(json!({"speculative": speculative, "api-key": "k"}));
        for (name, expected) in [("openai", paid), ("ollama", free)] {
            let provider = crate::provider::find(name).unwrap();
            let credentials = settings.credentials(provider, &|_| None, 42).unwrap();
            let target = settings.target(provider, credentials);
            assert_eq!(target.speculative, expected, "{speculative} {name}");
        }
    }
}

#[test]
fn all_problems_are_told_and_the_rest_is_used() {
    let (settings, problems) = read(
        json!({"trigger": 1, "nonsense": 2, "max-tokens": 99, "secret-files": ["*.key", "a{", "~/b", ""]}),
    );
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert_eq!(settings.engine.max_tokens, 99);
    assert_eq!(settings.engine.secret_files, [Glob::parse("*.key").unwrap()]);
}

#[test]
fn an_unknown_provider_is_told() {
    let (settings, problems) = read(json!({"provider": "opnai"}));
    assert_eq!(settings.provider, "");
    assert!(
        problems[0].starts_with("`provider` must be the name of a provider: did you mean `openai`?"),
        "{problems:?}"
    );
}

#[test]
fn every_provider_can_be_named() {
    for name in provider::names() {
        let (settings, problems) = read(json!({"provider": name}));
        assert_eq!((settings.provider.as_str(), problems), (name, vec![]));
    }
}

#[test]
fn fim_is_a_way_a_template_or_a_text_with_holes() {
    let template = |text: &str| FimSetting::Template(text.to_owned());
    let own = "<P>{prefix}<S>{suffix}<M>";
    for (way, expected) in [
        ("auto", FimSetting::Auto),
        ("suffix", FimSetting::Suffix),
        ("chat", FimSetting::Chat),
        ("qwen", template("qwen")),
        (own, template(own)),
    ] {
        let (settings, problems) = read(json!({"fim": way}));
        assert_eq!((settings.fim, problems), (expected, vec![]), "{way}");
    }
    let (settings, problems) = read(json!({"fim": "qwenn"}));
    assert_eq!(settings.fim, FimSetting::Auto);
    assert!(problems[0].contains("did you mean `qwen`?"), "{problems:?}");
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let cases = [
        json!({"api-key": ["hush"]}),
        json!({"api-key": "hush hush"}),
        json!({"api-key-env": "sk-hush"}),
        json!({"provider": "sk-hush"}),
        json!({"fim": "sk-hush"}),
        json!({"model": "sk-hush\u{7}"}),
        json!({"base-url": "sk-hush"}),
        json!({"base-url": "https://u:hush@a.example"}),
        json!({"base-url": "http://0127.0.0.1/hush"}),
        json!({"trigger": "sk-hush"}),
        json!({"transport": "sk-hush"}),
        json!({"extra-body": "sk-hush"}),
        json!({"ignore": "sk-hush\\"}),
        json!({"ignore": ["hush\\"]}),
        json!({"proxy": "ftp://u:hush@proxy"}),
        json!({"extra-headers": {"Authorization": ["Bearer hush"]}}),
        json!({"extra-headers": {"Authorization": "Bearer hush\r\nX: y"}}),
    ];
    for options in cases {
        let (settings, problems) = read(options.clone());
        assert_eq!(problems.len(), 1, "{options}");
        assert!(!problems[0].contains("hush"), "{problems:?}");
        let trigger = settings.engine.trigger;
        let engine = EngineSettings { trigger, ..EngineSettings::default() };
        assert_eq!(settings, Settings { wrong: settings.wrong, engine, ..Settings::default() }, "{options}");
    }
    assert!(!format!("{:?}", read(json!({"api-key": "hush"}))).contains("hush"));
}

/// A provider with nothing but what an account is made of.
struct Fake {
    name: &'static str,
    defaults: Defaults,
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        "Fake"
    }

    fn defaults(&self) -> Defaults {
        self.defaults
    }

    fn request(&self, _: &Account, _: &Prompt) -> Result<HttpRequest, Error> {
        unreachable!("no request is made here")
    }

    fn decoder(&self) -> Decoder {
        unreachable!("nothing is decoded here")
    }

    fn seam(&self, _: &Account) -> Seam {
        unreachable!("nothing is resumed here")
    }
}

fn account(name: &'static str, options: Value, env: &[(&str, &str)]) -> Result<Account, String> {
    credentials(name, options, env).map(|it| it.account)
}

fn credentials(name: &'static str, options: Value, env: &[(&str, &str)]) -> Result<Credentials, String> {
    let fake = Fake {
        name,
        defaults: Defaults {
            base_url: "https://fake",
            model: "",
            key_env: &["FAKE_KEY", "FAKE_TOKEN"],
            needs_key: name != "local",
            paid: true,
        },
    };
    let (settings, problems) = read(options);
    assert_eq!(problems, Vec::<String>::new());
    let lookup =
        |variable: &str| env.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned());
    settings.credentials(&fake, &lookup, 42).map_err(|error| error.message)
}

#[test]
fn the_key_comes_from_the_setting_then_the_named_variable_then_the_usual_ones() {
    let env = [("FAKE_KEY", " "), ("FAKE_TOKEN", "usual\n"), ("MINE", "named")];
    let cases = [
        (json!({"api-key": "set", "api-key-env": "MINE"}), Ok("set")),
        (json!({"api-key-env": "MINE"}), Ok("named")),
        (json!({}), Ok("usual")),
        (
            json!({"api-key-env": "OTHER"}),
            Err("`api-key-env` names a variable that is not set in the environment Lapce was started from."),
        ),
    ];
    for (options, key) in cases {
        let account = account("fake", options.clone(), &env);
        let seen = account.as_ref().map(|account| account.api_key.expose()).map_err(String::as_str);
        assert_eq!(seen, key, "{options}");
    }
}

#[test]
fn a_command_prints_the_key_where_nothing_more_special_is_set() {
    const ALL: (&str, &str) = ("AI_COMPLETION_KEY_COMMAND", "all");
    const OWN: (&str, &str) = ("AI_COMPLETION_KEY_COMMAND_FAKE", "own");
    let local = json!({"base-url": "http://127.0.0.1:1"});
    for (name, options, env, expected) in [
        ("fake", json!({}), &[ALL][..], (Some("all"), KeySource::Command)),
        ("fake", json!({}), &[ALL, OWN], (Some("own"), KeySource::Command)),
        ("fake", json!({}), &[OWN, ("FAKE_KEY", "k")], (Some("own"), KeySource::Command)),
        ("fake", json!({}), &[ALL, ("FAKE_KEY", "k")], (None, KeySource::Usual("FAKE_KEY"))),
        ("fake", json!({"api-key": "k"}), &[ALL, OWN], (None, KeySource::Setting)),
        (
            "fake",
            json!({"api-key-env": "X"}),
            &[ALL, OWN, ("X", "k")],
            (None, KeySource::Variable("X".to_owned())),
        ),
        ("fake", local.clone(), &[ALL], (Some("all"), KeySource::Command)),
        // A model on this machine gets none that is not meant for it.
        ("local", local.clone(), &[ALL], (None, KeySource::None)),
        ("local", json!({}), &[ALL], (Some("all"), KeySource::Command)),
        ("local", local, &[("AI_COMPLETION_KEY_COMMAND_LOCAL", "own")], (Some("own"), KeySource::Command)),
    ] {
        let found = credentials(name, options.clone(), env).unwrap();
        assert_eq!((found.key_command.as_deref(), found.source), expected, "{name} {options} {env:?}");
        assert!(found.key_command.is_none() || found.account.api_key.is_empty());
    }
}

#[test]
fn nobody_is_asked_while_it_is_not_clear_where_text_may_go() {
    for (options, setting) in [
        (json!({"base-url": "localhost:8080"}), "`base-url`"),
        (json!({"base-url": "ftp://server"}), "`base-url`"),
        (json!({"base-url": "https://u:hush@server"}), "`base-url`"),
        (json!({"base_url": "http://localhost:8080"}), "`base-url`"),
        (json!({"proxy": "ftp://u:hush@proxy"}), "`proxy`"),
        (json!({"ignore": {"*.md": true}}), "`ignore`"),
        (json!({"ignore": ["*.md", "[a"]}), "`ignore`"),
        (json!({"ignore": ["vendor\\**"]}), "`ignore`"),
        (json!({"ignore": ["*.rs,*.py"]}), "`ignore`"),
        (json!({"secret-files": ["~/secret"]}), "`secret-files`"),
        (json!({"base-url": "http://0127.0.0.1:1"}), "`base-url`"),
        (json!({"base-url": "http://127.1"}), "`base-url`"),
        (json!({"ignored": ["*.md"]}), "`ignore`"),
        (json!({"secret-files": [7]}), "`secret-files`"),
    ] {
        let (mut settings, problems) = read(options.clone());
        assert_eq!(problems.len(), 1, "{options}");
        settings.api_key = Secret::new("k");
        let provider = crate::provider::find("openai").unwrap();
        let error = settings.credentials(provider, &|_| None, 42).unwrap_err();
        assert!(error.message.contains(setting) && !error.message.contains("hush"), "{error:?}");
    }
}

#[test]
fn a_missing_key_is_told_only_where_one_is_needed() {
    assert_eq!(
        account("fake", json!({}), &[]).unwrap_err(),
        "Fake needs an API key: set `FAKE_KEY` or `FAKE_TOKEN` in the environment Lapce is started from, \
         or name another variable in `api-key-env`."
    );
    assert!(account("local", json!({}), &[]).unwrap().api_key.is_empty());
}

#[test]
fn provider_options_come_from_the_settings_then_the_environment_and_only_for_who_knows_them() {
    let env = [("AWS_REGION", "eu-1"), ("AWS_SESSION_TOKEN", "hush"), ("AWS_SECRET_ACCESS_KEY", "hush")];
    let bedrock = account("bedrock", json!({}), &env).unwrap();
    assert_eq!(bedrock.options, [("aws.region".to_owned(), "eu-1".to_owned())]);
    let names: Vec<_> = bedrock.secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["aws-secret-access-key", "aws-session-token"]);

    let own = account("bedrock", json!({"aws": {"region": "us-2"}}), &env).unwrap();
    assert_eq!(own.options, [("aws.region".to_owned(), "us-2".to_owned())]);

    let other = account("local", json!({"aws": {"region": "us-2"}}), &env).unwrap();
    assert!(other.options.is_empty() && other.secrets.is_empty());
}

#[test]
fn lists_and_tables_may_be_one_text() {
    let (texts, problems) = read(json!({
        "ignore": "*.min.js, vendor/",
        "secret-files": "",
        "read-only": "*.{lock,sum}",
        "languages": "markdown: off, sql = invoked",
        "files": "*.md: invoked",
        "extra-headers": "X-Title: a, b, X-Team: c",
        "extra-body": "{\"top_k\": 20}",
    }));
    assert_eq!(problems, Vec::<String>::new());
    let (tables, problems) = read(json!({
        "ignore": ["*.min.js", "vendor/"],
        "secret-files": [],
        "read-only": ["*.{lock,sum}"],
        "languages": {"markdown": "off", "sql": "invoked"},
        "files": {"*.md": "invoked"},
        "extra-headers": {"X-Title": "a, b", "X-Team": "c"},
        "extra-body": {"top_k": 20},
    }));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(texts.engine, tables.engine);
    assert_eq!(texts.extra_body, tables.extra_body);
    let sorted = |mut headers: Vec<(String, String)>| {
        headers.sort();
        headers
    };
    assert_eq!(sorted(texts.extra_headers), sorted(tables.extra_headers));
}

#[test]
fn a_name_that_is_none_leads_to_the_setting_that_is_meant() {
    for (name, meant) in [
        ("modle", "model"),
        ("maxTokens", "max-tokens"),
        ("max_tokens", "max-tokens"),
        ("debounce", "debounce-ms"),
        ("cache", "cache-size"),
        ("timeout.idle", "timeout.idle-ms"),
        ("timeout.first-byte", "timeout.first-byte-ms"),
        ("num-ctx", "ollama.num-ctx"),
        ("num_ctx", "ollama.num-ctx"),
        ("url", "base-url"),
        ("baseURL", "base-url"),
        ("endpoint", "base-url"),
        ("headers", "extra-headers"),
        ("key", "api-key-env"),
        ("api_key", "api-key"),
        ("language", "languages"),
        ("exclude", "ignore"),
        ("thinking", "reasoning"),
        ("region", "aws.region"),
        ("azure.region", "aws.region"),
        ("telemetry", "statistics"),
        ("enabled", "trigger"),
    ] {
        let mut options = Value::Null;
        *name.split('.').fold(&mut options, |place, part| &mut place[part]) = 1.into();
        let (_, problems) = read(options);
        assert_eq!(problems, [format!("`{name}` is not a setting (did you mean `{meant}`?)")]);
    }
    for name in ["colour", "x", "speed", "hush"] {
        assert_eq!(read(json!({ name: 1 })).1, [format!("`{name}` is not a setting")]);
    }
}

#[test]
fn volt_toml_tells_every_setting_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/volt.toml");
    let volt: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    assert_eq!(volt["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    let mut options = Value::Null;
    let mut told = BTreeSet::new();
    for (key, entry) in volt["config"].as_table().unwrap() {
        told.insert(key.as_str());
        let mut place = &mut options;
        for part in key.split('.') {
            place = &mut place[part];
        }
        *place = serde_json::to_value(&entry["default"]).unwrap();
        let description = entry["description"].as_str().unwrap();
        assert!(description.ends_with('.') && !description.contains('\n'), "{key}: {description}");
    }
    let mut reader = Reader::new(&options);
    assert_eq!(Settings::read_from(&mut reader), Settings::default());
    assert_eq!(reader.known().iter().copied().collect::<BTreeSet<_>>(), told);
    assert_eq!(reader.finish(), []);
}

#[test]
fn one_text_is_a_list_of_one_and_a_replacement_is_not_filtered_itself() {
    let filter = |options: Value| read(options).0.engine.content_filter;
    assert_eq!(filter(json!({"content-filter": "a"})), filter(json!({"content-filter": ["a"]})));
    assert_eq!(filter(json!({"content-filter": ""})), FilterSettings::default());
    let (settings, problems) = read(json!({"content-filter": ["b*"], "content-filter-replacement": "abc"}));
    assert_eq!(settings.engine.content_filter, filter(json!({"content-filter": "b*"})));
    assert_eq!((settings.wrong, problems.len()), (None, 1), "{problems:?}");
}
