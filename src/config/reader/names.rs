//! Finds the setting that an unknown name means.

/// Names from other tools, and the setting or provider that they mean.
const SYNONYMS: &[(&str, &str)] = &[
    ("url", "base-url"),
    ("endpoint", "base-url"),
    ("host", "base-url"),
    ("server", "base-url"),
    ("address", "base-url"),
    ("api-base", "base-url"),
    ("key", "api-key-env"),
    ("apikey", "api-key-env"),
    ("token", "api-key-env"),
    ("api-token", "api-key-env"),
    ("body", "extra-body"),
    ("options", "extra-body"),
    ("parameters", "extra-body"),
    ("request-headers", "extra-headers"),
    ("enabled", "trigger"),
    ("enable", "trigger"),
    ("disable", "trigger"),
    ("disabled", "trigger"),
    ("auto-trigger", "trigger"),
    ("exclude", "ignore"),
    ("excluded", "ignore"),
    ("disabled-globs", "ignore"),
    ("template", "fim"),
    ("fim-template", "fim"),
    ("thinking", "reasoning"),
    ("effort", "reasoning"),
    ("system-prompt", "instructions"),
    ("system", "instructions"),
    ("delay", "debounce-ms"),
    ("context", "context-tokens"),
    ("context-length", "context-tokens"),
    ("max-length", "max-tokens"),
    ("max-lines", "multiline"),
    ("cert", "ca-file"),
    ("certificate", "ca-file"),
    ("verbose", "log-level"),
    ("telemetry", "statistics"),
    // Names of providers.
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("google", "gemini"),
    ("vertex", "vertex-gemini"),
    ("aws", "bedrock"),
    ("amazon", "bedrock"),
    ("grok", "xai"),
    ("kimi", "moonshot"),
    ("glm", "zai"),
    ("qwen", "dashscope"),
    ("alibaba", "dashscope"),
    ("hf", "huggingface"),
    ("inception", "mercury"),
    ("llama", "llama-cpp"),
    ("local", "ollama"),
    ("custom", "openai-compatible"),
    ("other", "openai-compatible"),
];

/// Shortest prefix or suffix that counts, in bytes.
const SHORTEST_PART: usize = 3;

/// The name that `given` means: one with nearly the same spelling, one that other tools call so, or one that has it as a
/// part.
pub fn nearest<'n>(given: &str, names: &[&'n str]) -> Option<&'n str> {
    let given = spelled(given);
    let close = names.iter().map(|name| (distance(&given, name), *name)).min();
    let close = close.filter(|(distance, name)| *distance <= 2.min(name.chars().count() / 3));
    let synonym = || {
        let (_, meant) = SYNONYMS.iter().find(|(other, _)| *other == given)?;
        names.iter().find(|name| *name == meant).copied()
    };
    let part = || names.iter().find(|name| is_part(&given, name)).copied();
    close.map(|(_, name)| name).or_else(synonym).or_else(part)
}

/// The names in the table `given`, if it is one.
pub fn below<'n>(given: &str, names: &[&'n str]) -> Vec<&'n str> {
    let is_below = |name: &&str| name.strip_prefix(given).is_some_and(|rest| rest.starts_with('.'));
    names.iter().copied().filter(is_below).collect()
}

/// In the spelling of settings: lower case with hyphens.
fn spelled(given: &str) -> String {
    let mut text = String::with_capacity(given.len() + 4);
    let mut was_lower = false;
    for c in given.chars() {
        if c.is_ascii_uppercase() && was_lower {
            text.push('-');
        }
        was_lower = c.is_ascii_lowercase();
        text.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    text
}

/// Whether one is the beginning or the end of the other: `debounce` of `debounce-ms`, `headers` of `extra-headers`, `num-ctx` of
/// `ollama.num-ctx`, `timeout.idle` of `timeout.idle-ms`, and also `azure.region` of `aws.region`.
fn is_part(given: &str, name: &str) -> bool {
    let joins = |c: Option<char>| matches!(c, Some('-' | '.'));
    let begins = |long: &str, short: &str| {
        short.len() >= SHORTEST_PART
            && long.strip_prefix(short).is_some_and(|rest| joins(rest.chars().next()))
    };
    let ends = |long: &str, short: &str| {
        short.len() >= SHORTEST_PART
            && long.strip_suffix(short).is_some_and(|rest| joins(rest.chars().next_back()))
    };
    let last = |name: &str| name.rsplit_once('.').map(|(_, last)| last.to_owned());
    let is_in_another_table = last(name).is_some() && last(name) == last(given);
    begins(name, given) || ends(name, given) || begins(given, name) || is_in_another_table
}

/// The number of edits from one word to the other: insert, delete or replace a character, or swap two neighbours (the
/// restricted Damerau-Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let replaced = at(&row, j) + usize::from(ca != cb);
            let mut least = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swaps = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swaps {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    at(&row, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_meant_that_is_near_called_otherwise_or_a_part() {
        const NAMES: &[&str] = &["fim", "model", "base-url", "debounce-ms", "ollama.num-ctx", "aws.region"];
        for (given, meant) in [
            ("model", Some("model")),
            ("Model", Some("model")),
            ("mdel", Some("model")),
            // One edit for each three characters of the name, two at most.
            ("fam", Some("fim")),
            ("fa", None),
            ("mdle", None),
            ("bese-ura", Some("base-url")),
            ("bebe-ura", None),
            ("debunc-m", None),
            ("baseUrl", Some("base-url")),
            ("BASE_URL", Some("base-url")),
            ("endpoint", Some("base-url")),
            // Meant is a setting that is not among these.
            ("exclude", None),
            ("debounce", Some("debounce-ms")),
            ("debounc", None),
            ("num-ctx", Some("ollama.num-ctx")),
            ("ctx", Some("ollama.num-ctx")),
            ("tx", None),
            ("fim.x", Some("fim")),
            ("base-url-2.x", Some("base-url")),
            ("azure.region", Some("aws.region")),
            ("azure.area", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, NAMES), meant, "{given}");
        }
    }

    #[test]
    fn the_names_below_a_table_begin_with_it_and_a_dot() {
        let names = ["limit.a", "limit.b", "limits", "limit", "x.limit"];
        assert_eq!(below("limit", &names), ["limit.a", "limit.b"]);
        assert_eq!(below("lim", &names), [""; 0]);
    }

    #[test]
    fn a_swap_is_one_edit() {
        for (a, b, expected) in [
            ("modle", "model", 1),
            ("model", "model", 0),
            ("", "abc", 3),
            ("teh", "the", 1),
            ("ab", "ba", 1),
            ("xab", "xba", 1),
            ("aab", "aba", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
