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
pub const COMMAND: &str = "AI_COMPLETION_KEY_COMMAND";

/// The file in the volt's folder that holds the command where that variable is not set.
pub const COMMAND_FILE: &str = "key-command";

/// Why there is no setting for it; `key-command` stands before.
pub const NO_SETTING: &str = "cannot be a setting, because the folder that is open may have settings of its own and could run \
                              anything: set AI_COMPLETION_KEY_COMMAND in the environment, or use `cargo volt install \
                              --key-command`";

/// The command that prints the key for `provider` and no other.
pub fn own_command(provider: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    given(env(&[COMMAND, "_", &provider.to_ascii_uppercase().replace('-', "_")].concat()))
}

/// The command that prints the key where nothing else says which.
pub fn command(env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    given(env(COMMAND))
}

fn given(command: Option<String>) -> Option<String> {
    command.map(|command| command.trim().to_owned()).filter(|command| !command.is_empty())
}

/// Bytes of output that are looked at. More is no key.
pub const LONGEST_OUTPUT: usize = 16 << 10;

/// The key that the command has printed, or in words what became of it instead.
///
/// # Errors
/// What went wrong, in words that show nothing of the output.
pub fn of_command(output: Result<&[u8], &str>) -> Result<Secret, String> {
    let fault = match output.map(|output| std::str::from_utf8(output).map(clean)) {
        Ok(Ok("")) => "printed nothing",
        Ok(Ok(key)) if key.len() < LONGEST_OUTPUT && key.chars().all(|c| c.is_ascii_graphic()) => {
            return Ok(Secret::new(key));
        }
        Ok(_) => "printed something else than a key",
        Err(words) => words,
    };
    Err(["The command for the API key ", fault, ". Try it in a terminal."].concat())
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
    fn the_command_is_the_providers_or_everybodys() {
        let env = |name: &str| match name {
            "AI_COMPLETION_KEY_COMMAND" => Some(" all\n".to_owned()),
            "AI_COMPLETION_KEY_COMMAND_VERTEX_GEMINI" => Some("own".to_owned()),
            "AI_COMPLETION_KEY_COMMAND_GROQ" => Some(" ".to_owned()),
            _ => None,
        };
        assert_eq!(own_command("vertex-gemini", &env).as_deref(), Some("own"));
        assert_eq!(own_command("groq", &env), None);
        assert_eq!((command(&env).as_deref(), command(&|_| None)), (Some("all"), None));
    }

    #[test]
    fn its_output_is_the_key_and_its_failure_is_told_without_it() {
        assert_eq!(of_command(Ok(b"\"hush\"\n")), Ok(Secret::new("hush")));
        let long = [b'h'; LONGEST_OUTPUT];
        for (output, words) in [
            (Ok(&b" \n"[..]), "printed nothing"),
            (Ok(b"hush\nhush"), "something else"),
            (Ok(b"hush hush"), "something else"),
            (Ok(b"hush\xFF"), "something else"),
            (Ok("hüsh".as_bytes()), "something else"),
            (Ok(&long), "something else"),
            (Err("was not found"), "was not found"),
        ] {
            let fault = of_command(output).unwrap_err();
            assert!(fault.contains(words) && !fault.contains("hush"), "{fault}");
        }
    }
}
