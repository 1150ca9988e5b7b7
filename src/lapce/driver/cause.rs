//! Invalid settings are shown when the plugin starts, and again when a completion fails, because they may be the cause.

use crate::config::Problem;

/// Adds the problems to the message of a failure. Those of a setting that the message names come first, because they must be
/// fixed first; the others are only named, at the end.
pub(super) fn blame(message: &mut String, problems: &[Problem]) {
    let mut first = String::new();
    let mut others = String::new();
    for problem in problems {
        let sentence = sentence(problem);
        // This also finds `api-key` in `api-key-env`, which has the same purpose.
        let is_named = problem.setting.is_some_and(|setting| message.contains(&["`", setting].concat()));
        if message.contains(&sentence) {
            continue;
        }
        if is_named {
            first.push_str(&sentence);
            first.push(' ');
        } else {
            others.push_str(if others.is_empty() { " Also wrong in the settings: `" } else { ", `" });
            others.push_str(&problem.key);
            others.push('`');
        }
    }
    if !others.is_empty() {
        others.push('.');
    }
    *message = [&first, message.as_str(), &others].concat();
}

/// A problem as a sentence.
pub(super) fn sentence(problem: &Problem) -> String {
    let mut sentence = problem.to_string();
    if !sentence.ends_with('?') {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_message_tells_the_user_to_look_at_comes_first() {
        let problem = |setting, key: &str, message: &str| Problem {
            setting,
            key: key.to_owned(),
            message: message.to_owned(),
        };
        let model = || problem(Some("model"), "modle", "is not a setting (did you mean `model`?)");
        let key = || problem(Some("api-key"), "api-key", "must be printable");
        let language = || problem(Some("languages"), "languages.Rust", "must be an id: did you mean `rust`?");
        let colour = || problem(None, "colour", "is not a setting");
        for (message, problems, expected) in [
            ("Down.", vec![], "Down."),
            (
                "Check `model`.",
                vec![model()],
                "`modle` is not a setting (did you mean `model`?). Check `model`.",
            ),
            ("See `api-key-env`.", vec![key()], "`api-key` must be printable. See `api-key-env`."),
            (
                "Is it up?",
                vec![model(), colour()],
                "Is it up? Also wrong in the settings: `modle`, `colour`.",
            ),
            (
                "Set `model`.",
                vec![colour(), model()],
                "`modle` is not a setting (did you mean `model`?). Set `model`. Also wrong in the settings: `colour`.",
            ),
            (
                "`languages.Rust` must be an id: did you mean `rust`? Nothing is sent.",
                vec![language()],
                "`languages.Rust` must be an id: did you mean `rust`? Nothing is sent.",
            ),
        ] {
            let mut told = message.to_owned();
            blame(&mut told, &problems);
            assert_eq!(told, expected);
        }
    }
}
