//! Keys as people have them: pasted with quotes or `Bearer `, or printed by a command.
//!
//! The command that prints a key must never come from a setting, because a stranger's folder can have settings. It comes from
//! the environment of the editor, or from a file that only the user writes.

use crate::http::Secret;

/// The key without what comes along when it is copied: white space, line ends, quotes, `Bearer ` before it. No provider's
/// key has any of these.
pub fn clean(text: &str) -> &str {
    let mut key = text;
    loop {
        let shorter = key.trim().trim_matches(['"', '\'', '`', '“', '”', '‘', '’']);
        let shorter = match shorter.split_at_checked("Bearer".len()) {
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("Bearer") && rest.starts_with([' ', '\t']) =>
            {
                rest
            }
            _ => shorter,
        };
        if shorter.len() == key.len() {
            return key;
        }
        key = shorter;
    }
}

/// The variable with the command for all providers; with `_OPENAI` and the like behind it, for one.
const COMMAND: &str = "AI_COMPLETION_KEY_COMMAND";

/// Why there is no setting for it; `key-command` stands before.
pub const NO_SETTING: &str = "cannot be a setting, because the folder that is open may have settings of its own and could run \
                              anything: set AI_COMPLETION_KEY_COMMAND in the environment, or use `cargo volt install \
                              --key-command`";

/// Seconds that the command may take.
pub const COMMAND_SECONDS: u32 = 10;

/// The command that prints the key for `provider`: from the environment, for this provider or for all, else from `file`,
/// the text of `key-command` in the volt's folder.
pub fn command(provider: &str, env: &dyn Fn(&str) -> Option<String>, file: Option<&str>) -> Option<String> {
    let own = provider.to_ascii_uppercase().replace('-', "_");
    let given = |command: String| Some(command.trim().to_owned()).filter(|command| !command.is_empty());
    env(&format!("{COMMAND}_{own}"))
        .and_then(given)
        .or_else(|| env(COMMAND).and_then(given))
        .or_else(|| file.map(str::to_owned).and_then(given))
}

/// How the command for the key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// With exit status 0, having written this.
    Printed(&'a [u8]),
    /// With another exit status.
    Failed(i32),
    /// It was stopped because it took too long.
    TimedOut,
    /// It could not be started.
    NotStarted,
}

/// Bytes of output that may be a key.
const LONGEST_KEY: usize = 16 << 10;

/// The key that the command printed.
///
/// # Errors
/// What went wrong, in words that show nothing of the output.
pub fn of_command(outcome: Outcome<'_>) -> Result<Secret, String> {
    let fault = match outcome {
        Outcome::Printed(output) if output.len() > LONGEST_KEY => "printed more than a key".to_owned(),
        Outcome::Printed(output) => match std::str::from_utf8(output).map(clean) {
            Ok("") => "printed nothing".to_owned(),
            Ok(key) if key.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                "printed more than a key: only the key may be on its output".to_owned()
            }
            Ok(key) => return Ok(Secret::new(key)),
            Err(_) => "printed something that is no text".to_owned(),
        },
        Outcome::Failed(127) => "was not found (exit status 127)".to_owned(),
        Outcome::Failed(status) => format!("failed with exit status {status}"),
        Outcome::TimedOut => format!("did not end within {COMMAND_SECONDS} s"),
        Outcome::NotStarted => "could not be started".to_owned(),
    };
    Err(format!("The command for the API key {fault}. Try it in a terminal."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_along_with_a_key_is_taken_away() {
        for (text, key) in [
            ("sk-1", "sk-1"),
            (" sk-1\r\n", "sk-1"),
            ("\"sk-1\"", "sk-1"),
            ("'sk-1'\n", "sk-1"),
            ("“sk-1”", "sk-1"),
            ("Bearer sk-1", "sk-1"),
            ("bearer\tsk-1", "sk-1"),
            (" \"Bearer 'sk-1' \"\n", "sk-1"),
            ("Bearersk", "Bearersk"),
            ("a\"b", "a\"b"),
            ("\"\"", ""),
            ("", ""),
        ] {
            assert_eq!(clean(text), key, "{text:?}");
        }
    }

    #[test]
    fn the_command_is_the_providers_else_everybodys_else_that_of_the_file() {
        let env = |name: &str| match name {
            "AI_COMPLETION_KEY_COMMAND" => Some(" all ".to_owned()),
            "AI_COMPLETION_KEY_COMMAND_VERTEX_GEMINI" => Some("own".to_owned()),
            "AI_COMPLETION_KEY_COMMAND_GROQ" => Some(" ".to_owned()),
            _ => None,
        };
        assert_eq!(command("vertex-gemini", &env, Some("file")).as_deref(), Some("own"));
        assert_eq!(command("groq", &env, Some("file")).as_deref(), Some("all"));
        assert_eq!(command("groq", &|_| None, Some("file\n")).as_deref(), Some("file"));
        assert_eq!(command("groq", &|_| None, None), None);
    }

    #[test]
    fn its_output_is_the_key_and_its_failure_is_told_without_it() {
        assert_eq!(of_command(Outcome::Printed(b"\"hush\"\n")), Ok(Secret::new("hush")));
        for (outcome, words) in [
            (Outcome::Printed(b" \n"), "printed nothing"),
            (Outcome::Printed(b"hush\nhush"), "printed more than a key"),
            (Outcome::Printed(b"hush\xFF"), "is no text"),
            (Outcome::Printed(&[b'h'; 20_000]), "printed more than a key"),
            (Outcome::Failed(1), "exit status 1."),
            (Outcome::Failed(127), "was not found"),
            (Outcome::TimedOut, "10 s"),
            (Outcome::NotStarted, "could not be started"),
        ] {
            let fault = of_command(outcome).unwrap_err();
            assert!(fault.contains(words) && !fault.contains("hush"), "{fault}");
        }
    }
}
