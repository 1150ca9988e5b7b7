use volt_host::server::shape::{self, Shape};
use volt_host::server::{Pace, Request, Script, Server, error};

use super::*;

/// What a server brings to light, as `name result`.
fn found(server: &Server, settings: &[(&str, &str)]) -> Vec<String> {
    let mut wishes = Wishes::default();
    wishes.settings.push(("base-url".to_owned(), server.url().into()));
    wishes.settings.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
    let (settings, _) = settings_of(&wishes);
    let provider = provider::find(&settings.provider).unwrap();
    let mut checks = Vec::new();
    server::checks(&settings, provider, &mut |check| {
        checks.push(format!(
            "{} {:?}{}",
            check.name,
            check.result,
            if check.fix.is_empty() { "" } else { "!" }
        ));
        Ok(())
    })
    .unwrap();
    checks
}

fn settings_of(wishes: &Wishes) -> (Settings, Check) {
    super::settings(wishes)
}

const TAGS: &str = r#"{"models":[{"name":"qwen2.5-coder:1.5b-base"},{"name":"llama3.2:latest"}]}"#;

fn ollama(answer: &'static [&'static str]) -> Server {
    let play = move |request: &Request| match request.path.as_str() {
        "/api/tags" => Script::whole(200, "application/json", TAGS),
        _ => Script::stream(
            shape::ollama_generate as Shape,
            answer,
            Pace::every(std::time::Duration::from_millis(20)),
        ),
    };
    Server::start(play).unwrap()
}

#[test]
fn a_server_that_works_passes_everything() {
    let server = ollama(&[" +", " sec", "ond", "\n", "    "]);
    assert_eq!(
        found(&server, &[("provider", "ollama")]),
        [
            "address Passed",
            "connection Passed",
            "TLS Skipped",
            "key Passed",
            "model Passed",
            "completion Passed",
            "first text Passed",
            "streaming Passed",
        ]
    );
}

#[test]
fn the_first_thing_that_fails_is_named_with_its_fix() {
    let server = ollama(&[" + second"]);
    let checks = found(&server, &[("provider", "ollama"), ("model", "qwen-coder")]);
    assert!(checks.contains(&"model Failed!".to_owned()), "{checks:?}");

    let server = Server::fifo(vec![error::openai(401)]).unwrap();
    let checks = found(&server, &[("provider", "openai"), ("api-key", "sk-wrong")]);
    assert_eq!(checks.last().map(String::as_str), Some("completion Skipped"), "{checks:?}");
    assert!(checks.contains(&"key Failed!".to_owned()), "{checks:?}");

    let checks = found(&server, &[("provider", "openai"), ("api-key-env", "NOT_SET_ANYWHERE")]);
    assert_eq!(checks, ["key Failed!"]);

    let nobody = Server::nobody().unwrap();
    let mut wishes = Wishes::default();
    wishes.settings.push(("provider".to_owned(), "ollama".into()));
    wishes.settings.push(("base-url".to_owned(), nobody.into()));
    let (settings, _) = settings_of(&wishes);
    let mut failed = Vec::new();
    server::checks(&settings, provider::find("ollama").unwrap(), &mut |check| {
        failed.extend(check.has_failed().then_some((check.name, check.fix)));
        Ok(())
    })
    .unwrap();
    let [(name, fix)] = &failed[..] else { panic!("{failed:?}") };
    assert!(*name == "connection" && fix.contains("ollama serve"), "{failed:?}");
}

#[test]
fn settings_that_are_not_understood_are_a_failed_check() {
    let mut wishes = Wishes::default();
    wishes.settings.push(("modle".to_owned(), "m".into()));
    let (_, check) = settings_of(&wishes);
    assert!(check.has_failed() && check.words.contains("`model`"), "{check:?}");
    assert!(check.line().starts_with("FAILED  settings "), "{}", check.line());
}
