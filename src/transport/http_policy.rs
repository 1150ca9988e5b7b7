//! When Lapce's own HTTP client may be used.
//!
//! It follows redirects with all headers, and ignores `proxy` and `ca-file` without an error.

use super::{Mode, Options};
use crate::http::HttpRequest;

/// Why this request must not go through Lapce's client, in a message that names the settings.
pub(super) fn refusal(request: &HttpRequest, options: &Options) -> Option<&'static str> {
    if !options.proxy.is_empty() || !options.ca_file.is_empty() {
        return Some(
            "Lapce's own HTTP client ignores `proxy` and `ca-file`, so nothing is sent through it: unset them, or use \
             curl",
        );
    }
    if request.url.socket().is_some() {
        return Some(
            "Lapce's own HTTP client cannot reach a socket: let the server listen on a port, or use curl",
        );
    }
    let is_allowed = options.mode == Mode::Http || !request.carries_key();
    (!is_allowed).then_some(
        "Or set `transport` to `http`: Lapce's own HTTP client follows redirects and would take the key along, so it is \
         not used unasked",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Secret, Url};

    #[test]
    fn a_socket_is_out_of_its_reach() {
        let (headers, secret_headers, body) = (Vec::new(), Vec::new(), None);
        let request =
            HttpRequest { url: Url::parse("unix:///run/a.sock").unwrap(), headers, secret_headers, body };
        let words = refusal(&request, &Options { mode: Mode::Http, ..Options::default() });
        assert!(words.is_some_and(|words| words.contains("socket")), "{words:?}");
    }

    #[test]
    fn keys_and_what_a_proxy_or_certificates_are_set_for_stay_away_from_it() {
        let proxy = || Options { proxy: "http://p".to_owned(), ..Options::default() };
        let ca_file = || Options { ca_file: "/c".to_owned(), ..Options::default() };
        for (options, key, named) in [
            (Options::default(), "", None),
            (Options::default(), "k", Some("`transport`")),
            (Options { mode: Mode::Http, ..Options::default() }, "k", None),
            (proxy(), "", Some("`proxy`")),
            (Options { mode: Mode::Http, ..proxy() }, "", Some("`proxy`")),
            (Options { mode: Mode::Http, ..ca_file() }, "", Some("`ca-file`")),
        ] {
            let request = HttpRequest {
                url: Url::parse("http://127.0.0.1:1").unwrap(),
                headers: Vec::new(),
                secret_headers: vec![("x-api-key".to_owned(), Secret::new(key))],
                body: None,
            };
            let words = refusal(&request, &options);
            assert_eq!(words.is_some(), named.is_some(), "{options:?} {key}");
            assert!(named.is_none_or(|named| words.is_some_and(|words| words.contains(named))), "{words:?}");
        }
    }
}
