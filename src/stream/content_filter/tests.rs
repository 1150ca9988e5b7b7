use proptest::prelude::*;
use regex::Regex;

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

fn delete(pattern: &str) -> ContentFilter {
    ContentFilter::new().delete(pattern).unwrap()
}

fn mark(pattern: &str) -> ContentFilter {
    ContentFilter::new().replace(pattern, "#").unwrap()
}

fn stop(text: &str) -> ContentFilter {
    ContentFilter::new().stop(text).unwrap()
}

#[test]
fn matches_are_found_over_token_borders_and_nothing_waits_that_cannot_match() {
    #[rustfmt::skip]
    let table: &[(ContentFilter, &[&str], &[&str])] = &[
        // A literal: gone at once, or back at once when it turns out to be another.
        (delete("stop"), &["a st", "op b"],            &["a ", " b", ""]),
        (delete("stop"), &["a st", "art"],             &["a ", "start", ""]),
        (delete("stop"), &["a st", "st", "op"],        &["a ", "st", "", ""]),
        (delete("stop"), &["s", "t", "o", "p", "!"],   &["", "", "", "", "!", ""]),
        (delete("stop"), &["sto"],                     &["", "sto"]),
        (mark("stop"),   &["xstop"],                   &["x#", ""]),
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
        // Cut: as soon as it is sure, and what comes later is gone.
        (stop("<|end|>"), &["a<|e", "nd|", ">b", "c"], &["a", "", ".", "", ""]),
        (stop("<|end|>"), &["a<|e", "nd", "b"],        &["a", "", "<|endb", ""]),
        (ContentFilter::new().cut("\n+").unwrap(), &["a\n", "\n"], &["a.", "", ""]),
        (ContentFilter::new().cut("b$").unwrap(), &["ab"], &["a", "."]),
    ];
    for (filter, pieces, expected) in table {
        assert_eq!(steps(filter.clone(), pieces), *expected, "{pieces:?}");
    }
}

#[test]
fn of_two_patterns_the_leftmost_counts_then_the_first() {
    let two = |first, second| ContentFilter::new().replace(first, "1").unwrap().replace(second, "2").unwrap();
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

/// Patterns with every shape that makes streaming hard, over an alphabet small enough to hit them.
const PATTERNS: &[&str] = &[
    "ab",
    "aab",
    "abab",
    "a+b",
    "ab+",
    "ab+?",
    "a[^b]*b",
    "(?:ab|abcd|bc)",
    "abcd|ab|a",
    "(?s)a.*c",
    "(?s)a.*?c",
    "a{2,4}",
    "^ab",
    "ab$",
    "(?m)^a",
    "(?m)b$",
    "a$|abé",
    "(?-u:\\b)ab",
    "a(?-u:\\B)b",
    "é+a",
    "[^é]a",
    "b.c|c",
    "(?:a|ab)(?:c|bcd)",
    "aba|b",
    "(?i)AB",
    "a[^\\s\\S]|ac",
    "(?R)(?m)a$",
];

fn known_pattern() -> impl Strategy<Value = String> {
    proptest::sample::select(PATTERNS).prop_map(str::to_owned)
}

/// One of [`PATTERNS`], or one put together by chance.
fn pattern() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a",
        "b",
        "c",
        "é",
        ".",
        "[ab]",
        "[^a]",
        "(?s:.)",
        "^",
        "$",
        "(?m:^)",
        "(?m:$)",
        "(?-u:\\b)",
        "(?-u:\\B)",
        "\\s",
        "(?i:B)",
    ]);
    let made = piece.prop_map(str::to_owned).prop_recursive(4, 12, 3, |part| {
        let repeat = proptest::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}?"]);
        prop_oneof![
            2 => proptest::collection::vec(part.clone(), 2..4).prop_map(|parts| parts.concat()),
            1 => (part.clone(), part.clone()).prop_map(|(one, other)| format!("(?:{one}|{other})")),
            1 => (part, repeat).prop_map(|(part, repeat)| format!("(?:{part}){repeat}")),
        ]
    });
    let made =
        made.prop_filter("it could match the empty text", |made| ContentFilter::new().delete(made).is_ok());
    prop_oneof![known_pattern(), made]
}

fn pieces() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abcdé\n\r]{0,5}", 0..12)
}

/// The `regex` crate on the whole text: of all patterns the leftmost match, then the first pattern's.
fn oracle(patterns: &[String], text: &str) -> String {
    let patterns: Vec<Regex> = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some((index, found)) = patterns
        .iter()
        .enumerate()
        .filter_map(|(index, pattern)| Some((index, pattern.find_at(text, at)?)))
        .min_by_key(|(index, found)| (found.start(), *index))
    {
        out.push_str(&text[at..found.start()]);
        out.push_str(&format!("({index})"));
        at = found.end();
    }
    out + &text[at..]
}

fn numbered(patterns: &[String]) -> ContentFilter {
    patterns.iter().enumerate().fold(ContentFilter::new(), |filter, (index, pattern)| {
        filter.replace(pattern, &format!("({index})")).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_what_replace_all_gives(pattern in pattern(), pieces in pieces()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let expected = Regex::new(&pattern).unwrap().replace_all(&pieces.concat(), "#").into_owned();
        prop_assert_eq!(steps(mark(&pattern), &pieces).concat(), expected);
    }

    #[test]
    fn any_split_gives_what_several_regexes_give(
        patterns in proptest::collection::vec(pattern(), 1..4),
        pieces in pieces(),
    ) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(steps(numbered(&patterns), &pieces).concat(), oracle(&patterns, &pieces.concat()));
    }

    /// Text that waits must be able to match: some way the text may go on makes its first character
    /// the beginning of a match, and another way (or another end) makes the outcome differ.
    #[test]
    fn what_waits_could_still_match(pattern in known_pattern(), pieces in pieces()) {
        let regex = Regex::new(&pattern).unwrap();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let (mut seen, mut given) = (String::new(), String::new());
        for (piece, step) in pieces.iter().zip(steps(mark(&pattern), &pieces)) {
            seen.push_str(piece);
            given.push_str(&step);
            let outcomes: Vec<String> = CONTINUATIONS
                .iter()
                .map(|more| regex.replace_all(&format!("{seen}{more}"), "#").into_owned())
                .collect();
            prop_assert!(outcomes.iter().all(|outcome| outcome.starts_with(&given)), "too early: {given:?}");
            let sure = common_prefix(&outcomes);
            // A match that is certain to come but not yet ended is not told before its end.
            let sure = sure.strip_suffix('#').filter(|_| sure.len() > given.len()).unwrap_or(sure);
            prop_assert_eq!(given.as_str(), sure, "{:?} on {:?}", pattern, seen);
        }
    }
}

/// Ways a text may go on that bring out every match that [`PATTERNS`] may still come to, and none.
const CONTINUATIONS: &[&str] = &[
    "", "a", "b", "c", "d", "é", "\n", "\r", "\r\n", "z", "ab", "aab", "b\n", "ba", "bé", "bab", "abb",
    "aaab", "bc", "bcd", "cd", "zc", "zb", "zbc", "aa", "aaa", "aaaaa", "éa", "az", "bz", "z z", " ", "é b",
    "cz", "bcz",
];

fn common_prefix(texts: &[String]) -> &str {
    let first = &texts[0];
    let end = first
        .char_indices()
        .find(|(at, char)| !texts.iter().all(|text| text[*at..].starts_with(*char)))
        .map_or(first.len(), |(at, _)| at);
    &first[..end]
}
