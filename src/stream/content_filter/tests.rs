use proptest::prelude::*;

use super::super::{ErrorKind, StreamError, Usage};
use super::*;

fn text(text: &str) -> StreamToken<'_> {
    StreamToken::Text(text.into())
}

fn delta(content: &str, index: u32, logprob: Option<f64>) -> StreamToken<'_> {
    StreamToken::Delta(TextDelta { content: content.into(), index, logprob })
}

fn done(reason: FinishReason, index: u32) -> StreamToken<'static> {
    StreamToken::Done(Done { reason, index })
}

fn error() -> StreamToken<'static> {
    StreamToken::Error(StreamError {
        kind: ErrorKind::Truncated,
        code: None,
        message: "cut off".into(),
        retry_after_ms: None,
    })
}

/// One token through the filter as the pipeline does it.
fn push<'a>(
    filter: &'a mut ContentFilter,
    mut token: StreamToken<'a>,
    given: &mut Vec<StreamToken<'static>>,
) {
    let mut out = |token: StreamToken<'_>| given.push(token.into_owned());
    match &token {
        StreamToken::Done(done) => filter.flush(Some(done.index), &mut out),
        StreamToken::Error(_) => filter.flush(None, &mut out),
        _ => {}
    }
    match filter.transform(&mut token, &mut out) {
        TransformResult::Pass => out(token),
        TransformResult::Replace(other) => out(other),
        other => assert_eq!(other, TransformResult::Skip),
    }
}

fn filtered(mut filter: ContentFilter, tokens: &[StreamToken<'_>]) -> Vec<StreamToken<'static>> {
    let mut given = Vec::new();
    for token in tokens {
        push(&mut filter, token.clone(), &mut given);
    }
    filter.flush(None, &mut |token: StreamToken<'_>| given.push(token.into_owned()));
    given
}

/// What has come out after each piece, with `.` for `Done`; the last entry is after the end.
fn steps(mut filter: ContentFilter, pieces: &[&str]) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut given = Vec::new();
    let seen = |given: &mut Vec<StreamToken<'static>>| -> String {
        given.drain(..).map(|token| token.text().unwrap_or(".").to_owned()).collect()
    };
    for piece in pieces {
        push(&mut filter, text(piece), &mut given);
        steps.push(seen(&mut given));
    }
    filter.flush(None, &mut |token: StreamToken<'_>| given.push(token.into_owned()));
    steps.push(seen(&mut given));
    steps
}

fn wildcard(pattern: &str) -> Pattern {
    Pattern::wildcard(pattern).unwrap()
}

fn delete(pattern: &str) -> ContentFilter {
    ContentFilter::new().delete(wildcard(pattern))
}

fn mark(pattern: &str) -> ContentFilter {
    ContentFilter::new().replace(wildcard(pattern), "#")
}

fn stop(text: &str) -> ContentFilter {
    ContentFilter::new().cut(Pattern::text(text).unwrap())
}

type Table<'t> = &'t [(ContentFilter, &'t [&'t str], &'t [&'t str])];

#[track_caller]
fn check(table: Table<'_>) {
    for (filter, pieces, expected) in table {
        assert_eq!(steps(filter.clone(), pieces), *expected, "{pieces:?}");
    }
}

#[test]
fn matches_are_found_over_token_borders_and_nothing_waits_that_cannot_match() {
    #[rustfmt::skip]
    check(&[
        // A literal: gone at once, or back at once when it turns out to be another.
        (delete("stop"), &["a st", "op b"],            &["a ", " b", ""]),
        (delete("stop"), &["a st", "art"],             &["a ", "start", ""]),
        (delete("stop"), &["a st", "st", "op"],        &["a ", "st", "", ""]),
        (delete("stop"), &["s", "t", "o", "p", "!"],   &["", "", "", "", "!", ""]),
        (delete("stop"), &["sto"],                     &["", "sto"]),
        (mark("stop"),   &["xstop"],                   &["x#", ""]),
        // An asterisk takes as little as it can, and only at the end as much as there is.
        (mark("a*b"),    &["xa", "cb", "b"],           &["x", "#", "b", ""]),
        (mark("a*b"),    &["xa", "c\n", "b"],          &["x", "ac\n", "b", ""]),
        (mark("a**b"),   &["xa", "c\n", "b"],          &["x", "", "#", ""]),
        (mark("//*"),    &["x/", "/ y", "\nz"],        &["x", "", "#\nz", ""]),
        (mark("//*"),    &["x //", " y"],              &["x ", "", "#"]),
        (mark("*!"),     &["a\nb", "!c"],              &["a\n", "#", "c"]),
        // The first attempt fails at last: what lies behind it was found on the way.
        (ContentFilter::new().replace(wildcard("x*y"), "1").replace(wildcard("bc"), "2"),
                         &["xab", "cd", "\n"],         &["", "", "xa2d\n", ""]),
        // Characters, not bytes.
        (mark("é"),      &["caf", "é", "é!"],          &["caf", "#", "#!", ""]),
        (mark("a*é"),    &["a\u{e8}", "é"],            &["", "#", ""]),
        // Cut: as soon as it is sure, and what comes later is gone.
        (stop("<|end|>"), &["a<|e", "nd|", ">b", "c"], &["a", "", ".", "", ""]),
        (stop("<|end|>"), &["a<|e", "nd", "b"],        &["a", "", "<|endb", ""]),
        (ContentFilter::new().cut(wildcard("TODO*")), &["a TO", "DO", " b"], &["a ", ".", "", ""]),
    ]);
}

#[cfg(feature = "regex")]
#[test]
fn matches_of_regular_expressions_are_found_over_token_borders() {
    let mark = |pattern| ContentFilter::new().replace(Pattern::regex(pattern).unwrap(), "#");
    let cut = |pattern| ContentFilter::new().cut(Pattern::regex(pattern).unwrap());
    #[rustfmt::skip]
    check(&[
        // A longer match may follow, so the one there is waits.
        (mark("ab+"),    &["ab", "b", "bc"],           &["", "", "#c", ""]),
        (mark("ab+?"),   &["ab", "b"],                 &["#", "b", ""]),
        (mark("ab|abcd"),&["ab", "cd"],                &["#", "cd", ""]),
        (mark("abcd|ab"),&["ab", "c", "x"],            &["", "", "#cx", ""]),
        (mark("abcd|ab"),&["abc"],                     &["", "#c"]),
        // The first attempt fails at last: what lies behind it was found on the way.
        (mark("x.*y|bc"),&["xab", "cd", "\n"],         &["", "", "xa#d\n", ""]),
        (mark("x.*y|bc"),&["xab", "cd", "y"],          &["", "", "", "#"]),
        // Anchors look at the text, not at the token.
        (mark("^a"),     &["a", "a"],                  &["#", "a", ""]),
        (mark("a$"),     &["a", "a"],                  &["", "a", "#"]),
        (mark("(?m)a$"), &["a", "\na", "b"],           &["", "#\n", "ab", ""]),
        (mark("(?-u:\\b)a(?-u:\\b)"), &["ba a", " ab"], &["ba ", "# ab", ""]),
        // Characters, not bytes.
        (mark("é+"),     &["caf", "é", "é!"],          &["caf", "", "#!", ""]),
        (mark("[^a]"),   &["é😀a"],                    &["##a", ""]),
        (cut("\n+"),     &["a\n", "\n"],              &["a.", "", ""]),
        (cut("b$"),      &["ab"],                      &["a", "."]),
    ]);
}

#[test]
fn of_two_patterns_the_leftmost_counts_then_the_first() {
    let two =
        |first, second| ContentFilter::new().replace(wildcard(first), "1").replace(wildcard(second), "2");
    for (filter, expected) in [
        (two("ab", "abc"), "1cx"),
        (two("abc", "ab"), "1x"),
        (two("abd", "ab"), "2cx"),
        (two("bc", "ab"), "2cx"),
        (two("x", "c"), "ab21"),
    ] {
        assert_eq!(steps(filter, &["a", "b", "c", "x"]).concat(), expected);
    }
}

#[test]
fn a_token_that_nothing_matches_passes_as_it_is() {
    let token = delta("plain", 0, Some(-0.5));
    assert_eq!(filtered(delete("stop"), std::slice::from_ref(&token)), [token]);
}

#[test]
fn choices_are_texts_of_their_own() {
    assert_eq!(
        filtered(
            stop("END"),
            &[
                text("aE"),
                delta("bE", 1, Some(-1.0)),
                text("ND"),
                delta("x", 1, Some(-1.0)),
                text("gone"),
                done(FinishReason::Length, 0),
                done(FinishReason::Length, 1),
            ]
        ),
        [
            text("a"),
            delta("b", 1, None),
            done(FinishReason::Stop, 0),
            delta("Ex", 1, None),
            done(FinishReason::Length, 1),
        ],
    );
}

#[test]
fn other_tokens_overtake_held_text_and_do_not_end_it() {
    let usage = StreamToken::Usage(Usage::default());
    assert_eq!(
        filtered(delete("stop"), &[text("a st"), usage.clone(), text("op"), done(FinishReason::Stop, 0)]),
        [text("a "), usage, done(FinishReason::Stop, 0)],
    );
}

#[test]
fn after_a_cut_only_usage_and_the_fate_of_other_choices_is_told() {
    let usage = StreamToken::Usage(Usage::default());
    let stopped = done(FinishReason::Stop, 0);
    let thought = StreamToken::Reasoning("hm".into());
    assert_eq!(
        filtered(stop("END"), &[text("END"), thought.clone(), usage.clone(), error()]),
        [stopped.clone(), usage],
    );
    assert_eq!(
        filtered(stop("END"), &[text("END"), delta("a", 1, None), error()]),
        [stopped, delta("a", 1, None), error()],
    );
    assert_eq!(filtered(stop("END"), &[thought.clone(), error()]), [thought, error()]);
}

/// The regular expression that says the same as a wildcard pattern.
fn translated(pattern: &str) -> String {
    let parts = super::wildcard::parse(pattern);
    let last = parts.len() - 1;
    let mut bytes = Vec::new();
    let mut expression = String::from("(?-u)");
    for (at, part) in parts.iter().enumerate() {
        let any = match part {
            super::wildcard::Part::Byte(byte) => {
                bytes.push(*byte);
                continue;
            }
            super::wildcard::Part::Line => "[^\\n]*",
            super::wildcard::Part::Any => "(?s:.)*",
        };
        expression.push_str(&::regex::escape(&String::from_utf8(std::mem::take(&mut bytes)).unwrap()));
        expression.push_str(any);
        expression.push_str(if at == last { "" } else { "?" });
    }
    expression + &::regex::escape(&String::from_utf8(bytes).unwrap())
}

fn any_wildcard() -> impl Strategy<Value = String> {
    "[abé\n*\\\\]{1,7}".prop_filter("it has text", |pattern| Pattern::wildcard(pattern).is_ok())
}

fn pieces() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abcdé\n\r]{0,5}", 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wildcard_does_what_the_regular_expression_does(pattern in any_wildcard(), pieces in pieces()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let regex = ::regex::bytes::Regex::new(&translated(&pattern)).unwrap();
        let expected = regex.replace_all(pieces.concat().as_bytes(), &b"#"[..]).into_owned();
        prop_assert_eq!(steps(mark(&pattern), &pieces).concat().into_bytes(), expected, "{}", pattern);
    }
}

#[cfg(feature = "regex")]
mod regular;

#[test]
fn a_match_over_the_seam_of_a_resumed_stream_is_found() {
    for (before, pieces, expected) in [
        ("let se", &["cret", " = 1"][..], &["#", " = 1", ""][..]),
        ("let se", &["c", "ret"], &["", "#", ""]),
        // It was given out before and turns out to be harmless: it does not come twice.
        ("let se", &["t", "x"], &["t", "x", ""]),
        ("let se", &["c"], &["", "c"]),
        ("let ", &["secret"], &["#", ""]),
        ("", &["secret"], &["#", ""]),
    ] {
        assert_eq!(steps(mark("secret").resume(before), pieces), expected, "{before:?} {pieces:?}");
    }
}

#[test]
fn a_whole_text_can_be_searched() {
    for (text, expected) in [("a secret", true), ("a secre", false), ("", false), ("secretsecre", true)] {
        assert_eq!(mark("secret").matches(text), expected, "{text}");
    }
    assert!(mark("end*").matches("the end"));
    assert!(!ContentFilter::new().matches("the end"));
}

#[test]
fn a_clone_shares_the_patterns_and_not_the_text() {
    let mut first = mark("ab");
    let second = first.clone();
    assert!(Arc::ptr_eq(&first.rules, &second.rules));
    push(&mut first, text("a"), &mut Vec::new());
    assert_eq!(steps(second, &["b"]), ["b", ""]);
}
