//! Regular expressions against the `regex` crate.

use ::regex::Regex;

use super::*;

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
    let made = made.prop_filter("it could match the empty text", |made| Pattern::regex(made).is_ok());
    prop_oneof![known_pattern(), made]
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

fn mark(pattern: &str) -> ContentFilter {
    ContentFilter::new().replace(Pattern::regex(pattern).unwrap(), "#")
}

fn numbered(patterns: &[String]) -> ContentFilter {
    patterns.iter().enumerate().fold(ContentFilter::new(), |filter, (index, pattern)| {
        filter.replace(Pattern::regex(pattern).unwrap(), &format!("({index})"))
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
