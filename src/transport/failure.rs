//! Turns curl's exit code and message into a [`Failure`].

use super::{COMMAND_SECONDS, Failure, FailureKind};

/// Longest detail kept, in characters.
const DETAIL: usize = 200;

/// The failure for `code`, an exit code of curl that is not 0, with `words`, curl's last message.
///
/// Codes: curl's manual, "EXIT CODES". A shell reports 128 + n if signal n killed curl.
pub fn of_exit(code: u32, words: &str) -> Failure {
    // 56 is any failure to receive, 7 any failure to connect. Only the message tells whether a proxy was involved.
    let by_proxy = code == 56 && (words.contains("CONNECT") || words.contains("proxy"))
        || code == 7 && (words.contains("proxy") || words.contains(" via "));
    let kind = match code {
        _ if by_proxy => FailureKind::Proxy,
        5 | 97 => FailureKind::Proxy,
        6 => FailureKind::Resolve,
        7 => FailureKind::Connect,
        28 => FailureKind::Timeout,
        35 | 51 | 53 | 54 | 58 | 59 | 60 | 64 | 66 | 77 | 80 | 82 | 83 | 90 | 91 | 98 => FailureKind::Tls,
        1..=4 | 26 | 27 | 43 | 61 => FailureKind::Request,
        126 | 127 => FailureKind::Unavailable,
        _ => FailureKind::Cut,
    };
    let words = clean(words);
    let detail = match code {
        126 | 127 => "curl cannot be run: install it and reload the plugin".to_owned(),
        _ if !words.is_empty() => words,
        129.. => format!("curl was ended by signal {}", code - 128),
        _ => format!("curl ended with exit code {code}"),
    };
    Failure { kind, detail }
}

/// The failure for `code`, an exit code of a command of the user that is not 0.
pub(super) fn of_command(code: u32) -> Failure {
    let detail = match code {
        127 => "was not found (exit status 127)".to_owned(),
        // The agent has killed it.
        137 => format!("did not end within {COMMAND_SECONDS} s"),
        code => format!("failed with exit status {code}"),
    };
    Failure { kind: FailureKind::Request, detail }
}

/// The message without curl's prefix, control characters and credentials, cut to a readable length.
fn clean(words: &str) -> String {
    let words =
        words.strip_prefix("curl: (").and_then(|rest| rest.split_once(") ")).map_or(words, |(_, w)| w);
    let words = without_login(words);
    let printable = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(DETAIL).collect::<String>().trim().to_owned()
}

/// curl quotes a proxy's URL that it cannot parse, which may contain a user and a password.
fn without_login(words: &str) -> String {
    let Some((login, rest)) = words.rsplit_once('@') else { return words.to_owned() };
    let begin = login.find("://").map(|at| at + 3).or_else(|| login.find('\'').map(|at| at + 1));
    format!("{}***@{rest}", login.get(..begin.unwrap_or(0)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_name_their_class() {
        use FailureKind::*;
        for (code, words, kind, detail) in [
            (6, "curl: (6) Could not resolve host: x.y", Resolve, "Could not resolve host: x.y"),
            (7, "curl: (7) Failed to connect", Connect, "Failed to connect"),
            (
                7,
                "curl: (7) Failed to connect to api.x.y port 443 via 127.0.0.1 after 0 ms",
                Proxy,
                "Failed to connect to api.x.y port 443 via 127.0.0.1 after 0 ms",
            ),
            (3, "curl: (3) URL rejected", Request, "URL rejected"),
            (5, "", Proxy, "curl ended with exit code 5"),
            (
                56,
                "curl: (56) CONNECT tunnel failed, response 407",
                Proxy,
                "CONNECT tunnel failed, response 407",
            ),
            (
                56,
                "curl: (56) Recv failure: Connection reset by peer",
                Cut,
                "Recv failure: Connection reset by peer",
            ),
            (
                5,
                "curl: (5) Unsupported proxy syntax in 'http://me:p@ss w/rd@host:99999'",
                Proxy,
                "Unsupported proxy syntax in 'http://***@host:99999'",
            ),
            (
                5,
                "curl: (5) Unsupported proxy syntax in 'me:pass@ho st'",
                Proxy,
                "Unsupported proxy syntax in '***@ho st'",
            ),
            (
                7,
                "curl: (7) Unsupported proxy scheme for 'foo://me:pass@host'",
                Proxy,
                "Unsupported proxy scheme for 'foo://***@host'",
            ),
            (56, "curl: (56) proxy gone", Proxy, "proxy gone"),
            (7, "curl: (7) no proxy there", Proxy, "no proxy there"),
            // What words say of a proxy counts only where the code leaves it open.
            (6, "curl: (6) no proxy via CONNECT", Resolve, "no proxy via CONNECT"),
            (7, "curl: (7) CONNECT", Connect, "CONNECT"),
            (56, "curl: (56) went via x", Cut, "went via x"),
            (18, "", Cut, "curl ended with exit code 18"),
            (126, "", Unavailable, "curl cannot be run: install it and reload the plugin"),
            (128, "", Cut, "curl ended with exit code 128"),
            (129, "", Cut, "curl was ended by signal 1"),
            (97, "(97) x", Proxy, "(97) x"),
            (28, "'a:b@c", Timeout, "'***@c"),
            (28, "a:b@c", Timeout, "***@c"),
            (52, "curl: (52) Empty reply from server", Cut, "Empty reply from server"),
            (92, "", Cut, "curl ended with exit code 92"),
            (28, "", Timeout, "curl ended with exit code 28"),
            (60, "curl: (60) SSL certificate problem\u{1b}[0m", Tls, "SSL certificate problem [0m"),
            (127, "sh: curl: not found", Unavailable, "curl cannot be run: install it and reload the plugin"),
            (137, "", Cut, "curl was ended by signal 9"),
        ] {
            let failure = of_exit(code, words);
            assert_eq!((failure.kind, failure.detail.as_str()), (kind, detail), "{code}");
        }
    }

    #[test]
    fn codes_of_one_kind_are_of_one_class() {
        use FailureKind::*;
        for (codes, kind) in [
            (&[5, 97][..], Proxy),
            (&[6], Resolve),
            (&[7], Connect),
            (&[28], Timeout),
            (&[35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98], Tls),
            (&[1, 2, 3, 4, 26, 27, 43, 61], Request),
            (&[126, 127], Unavailable),
            (&[16, 18, 52, 55, 56, 92, 95, 137], Cut),
        ] {
            for code in codes {
                assert_eq!(of_exit(*code, "").kind, kind, "{code}");
            }
        }
    }

    #[test]
    fn a_command_that_failed_is_told_by_its_exit_status() {
        for (code, detail) in [
            (1, "failed with exit status 1"),
            (127, "was not found (exit status 127)"),
            (137, "did not end within 10 s"),
        ] {
            assert_eq!(of_command(code), Failure { kind: FailureKind::Request, detail: detail.to_owned() });
        }
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(of_exit(7, &"ä".repeat(1000)).detail, "ä".repeat(DETAIL));
    }
}
