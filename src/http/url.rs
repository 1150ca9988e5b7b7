//! The one URL parser of the plugin.

use std::fmt;

/// An absolute `http` or `https` URL that every reader (curl, Lapce's client, a proxy, this code) takes apart in the
/// same way, or `unix:///path/to.sock:/v1` for plain HTTP over a socket of this machine (with `:` as nginx has it). Spellings that some readers take differently are refused, so the text that was checked is the text that
/// is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Scheme and host in lower case, the rest as it was given.
    text: String,
    scheme: Scheme,
    /// Ends of the host and of the authority (host and port) in `text`; both begin behind `://`.
    host_end: usize,
    authority_end: usize,
    /// End of the path and beginning of the query's `?`.
    path_end: usize,
    reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    /// Plain HTTP; the path of the socket and the `:` behind it stand for host and port.
    Unix,
}

/// How far a request to a host travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To this machine, by an address.
    Loopback,
    /// To this machine, by a name that only we resolve.
    LocalName,
    /// Anywhere.
    Network,
}

impl Url {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with what it is a URL of: "has a space in it". The words
    /// never quote the text: a key may have been pasted into it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
            return Err("has white space, a backslash or a character in it that is not plain ASCII");
        }
        let (name, rest) = text.split_once("://").ok_or("must begin with https:// or http://")?;
        let name = name.to_ascii_lowercase();
        let scheme = match name.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "unix" => Scheme::Unix,
            _ => return Err("must begin with https:// or http://"),
        };
        let (authority, rest) =
            if scheme == Scheme::Unix { split_socket(rest)? } else { split_authority(rest)? };
        let path = rest.split('?').next().unwrap_or_default();
        let socket = if scheme == Scheme::Unix { authority } else { "" };
        if [socket, path].iter().any(|path| path.split('/').any(is_dot_segment)) {
            return Err("has a `.` or `..` as a part of its path");
        }
        let (host, mark, port, reach) = if scheme == Scheme::Unix {
            (socket.to_owned(), ":", "", Reach::Loopback)
        } else {
            let (host, port) = split_port(authority)?;
            let host = host.to_ascii_lowercase();
            let reach = reach(&host)?;
            (host, if port.is_empty() { "" } else { ":" }, port, reach)
        };
        let host_end = name.len() + "://".len() + host.len();
        let authority_end = host_end + mark.len() + port.len();
        Ok(Self {
            text: [&name, "://", &host, mark, port, rest].concat(),
            scheme,
            host_end,
            authority_end,
            path_end: authority_end + path.len(),
            reach,
        })
    }

    /// The path of the socket, when it leads to one.
    pub fn socket(&self) -> Option<&str> {
        (self.scheme == Scheme::Unix).then(|| self.host())
    }

    /// The whole text, for nobody's eyes: a query may hold a key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What curl is to ask for: with a socket it wants a name all the same.
    pub fn requested(&self) -> std::borrow::Cow<'_, str> {
        match self.scheme {
            Scheme::Unix => ["http://localhost", self.target()].concat().into(),
            Scheme::Http | Scheme::Https => self.as_str().into(),
        }
    }

    /// The host in lower case, an IPv6 address in brackets; the path of a socket.
    pub fn host(&self) -> &str {
        self.part(self.host_start(), self.host_end)
    }

    /// Host and port, as an HTTP client sends them in `Host`: a port that is the scheme's own is left out.
    pub fn authority(&self) -> &str {
        let own = match self.scheme {
            Scheme::Http => ":80",
            Scheme::Https => ":443",
            Scheme::Unix => return self.host(),
        };
        let authority = self.part(self.host_start(), self.authority_end);
        authority.strip_suffix(own).filter(|host| *host == self.host()).unwrap_or(authority)
    }

    /// The port, or the scheme's own.
    pub fn port(&self) -> u16 {
        let own = if self.scheme == Scheme::Https { 443 } else { 80 };
        number(self.part(self.host_end + 1, self.authority_end), 10).map_or(own, |port| port as u16)
    }

    /// The path; empty when there is none.
    pub fn path(&self) -> &str {
        self.part(self.authority_end, self.path_end)
    }

    /// The query without its `?`; empty when there is none.
    pub fn query(&self) -> &str {
        self.part(self.path_end + 1, self.text.len())
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.part(self.authority_end, self.text.len())
    }

    /// Whether it leads to this machine, wherever names are resolved.
    pub fn is_loopback(&self) -> bool {
        self.reach != Reach::Network
    }

    /// Whether others could read what is sent there: plain http beyond this machine.
    pub fn is_plain_text(&self) -> bool {
        self.scheme == Scheme::Http && !self.is_loopback()
    }

    /// For `localhost` and the like what curl's `resolve` wants: `HOST:PORT:ADDRESSES`. Some resolvers ask the network
    /// for `*.localhost` (RFC 6761 §6.3 only says they should not).
    pub fn pinned(&self) -> Option<String> {
        (self.reach == Reach::LocalName).then(|| format!("{}:{}:127.0.0.1,[::1]", self.host(), self.port()))
    }

    /// The URL with this machine's address in place of its name, for clients that would look the name up.
    #[must_use]
    pub fn by_address(&self) -> Self {
        let address = ["http://127.0.0.1:", &self.port().to_string(), self.target()].concat();
        match (self.reach, self.scheme) {
            (Reach::LocalName, Scheme::Http) => Self::parse(&address).unwrap_or_else(|_| self.clone()),
            // A server beyond this machine has no certificate for the name.
            _ => self.clone(),
        }
    }

    /// The URL with `path`, which begins with `/` and may have a query, below its own path. Both queries are kept.
    ///
    /// # Errors
    /// As [`Url::parse`].
    pub fn join(&self, path: &str) -> Result<Self, &'static str> {
        let base = self.part(0, self.path_end).trim_end_matches('/');
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let own = self.query();
        let mark = if own.is_empty() && query.is_empty() { "" } else { "?" };
        let and = if own.is_empty() || query.is_empty() { "" } else { "&" };
        Self::parse(&[base, path, mark, own, and, query].concat())
    }

    fn host_start(&self) -> usize {
        self.text.find("://").map_or(0, |at| at + 3)
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether curl and others take this segment out of a path, along with the one before it.
pub(crate) fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// What stands behind `unix://`: the path of the socket, and path and query of the URL.
fn split_socket(rest: &str) -> Result<(&str, &str), &'static str> {
    let (socket, target) = rest.split_once(':').unwrap_or((rest, ""));
    if !socket.starts_with('/')
        || socket.ends_with('/')
        || !(target.is_empty() || target.starts_with(['/', '?']))
    {
        return Err("must look like unix:///path/to.sock, or unix:///path/to.sock:/v1");
    }
    if socket.contains(['?', '#', '%']) || target.contains('#') {
        return Err("has a `?`, `#` or `%` in it where none can be");
    }
    Ok((socket, target))
}

/// What stands behind `http://`: host and port, and path and query.
fn split_authority(rest: &str) -> Result<(&str, &str), &'static str> {
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("has a user name or password in it: a key belongs in `api-key-env`");
    }
    if target.contains('#') {
        return Err("has a `#` in it");
    }
    Ok((authority, target))
}

/// Host and port; the port in its shortest spelling, empty when there is none.
fn split_port(authority: &str) -> Result<(&str, &str), &'static str> {
    let end = match authority.strip_prefix('[') {
        Some(literal) => literal.find(']').map(|at| at + 2).ok_or("has a `[` without a `]` in it")?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end).unwrap_or((authority, ""));
    if port.is_empty() {
        return Ok((host, ""));
    }
    let port = port.strip_prefix(':').unwrap_or_default();
    match number(port, 10) {
        Some(1..=65535) => Ok((host, port.trim_start_matches('0'))),
        _ => Err("has a port that is not a number from 1 to 65535"),
    }
}

/// How far a request to this host, in lower case, travels; refuses what is no host to every reader.
fn reach(host: &str) -> Result<Reach, &'static str> {
    if host.is_empty() {
        return Err("has no host in it");
    }
    if let Some(literal) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let own = is_v6_loopback(literal).ok_or("has an IPv6 address that cannot be read")?;
        return Ok(if own { Reach::Loopback } else { Reach::Network });
    }
    let labels = || host.strip_suffix('.').unwrap_or(host).split('.');
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !labels().all(is_label) {
        return Err("has a host that is neither a name nor an address");
    }
    // As WHATWG's "ends in a number": such a host is an address to some readers, or looked up as a name by others.
    let last = labels().next_back().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex || last.bytes().all(|byte| byte.is_ascii_digit()) {
        let first = v4(host).ok_or(
            "has an address that programs read differently: write IPv4 as four decimal numbers without leading zeros",
        )?;
        return Ok(if first == 127 { Reach::Loopback } else { Reach::Network });
    }
    let local = host == "localhost" || host.ends_with(".localhost");
    Ok(if local { Reach::LocalName } else { Reach::Network })
}

/// The first number of an IPv4 address. The standard library's parsers of addresses would add 5 KB to the wasm.
fn v4(host: &str) -> Option<u8> {
    let (mut first, mut count) = (None, 0);
    for part in host.split('.') {
        if part.len() > 3 || (part.len() > 1 && part.starts_with('0')) {
            return None;
        }
        let number = number(part, 10).filter(|number| *number < 256)?;
        first = first.or(Some(number as u8));
        count += 1;
    }
    first.filter(|_| count == 4)
}

/// Whether an IPv6 address is this machine's; `None` when it is none without a zone and without an IPv4 address at its end
/// (RFC 4291 §2.2, forms 1 and 2).
fn is_v6_loopback(literal: &str) -> Option<bool> {
    let (head, tail) = literal.split_once("::").unwrap_or(("", literal));
    let (head, tail) = (groups(head)?, groups(tail)?);
    let count = head.count + tail.count;
    let is_whole = if literal.contains("::") { count < 8 } else { count == 8 };
    is_whole.then_some(head.sum + tail.sum == 1 && tail.last == 1)
}

/// Groups of an IPv6 address.
#[derive(Default)]
struct Groups {
    count: u32,
    sum: u32,
    last: u32,
}

/// Reads at most eight groups with colons between them.
fn groups(text: &str) -> Option<Groups> {
    let mut groups = Groups::default();
    if text.is_empty() {
        return Some(groups);
    }
    for group in text.split(':') {
        groups.last = number(group, 16).filter(|_| group.len() <= 4 && groups.count < 8)?;
        groups.sum += groups.last;
        groups.count += 1;
    }
    Some(groups)
}

/// A number of at most five digits and nothing else.
fn number(digits: &str, radix: u32) -> Option<u32> {
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    digits.bytes().try_fold(0, |number, byte| Some(number * radix + char::from(byte).to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        for (text, host, authority, port, path, query) in [
            ("https://a.example", "a.example", "a.example", 443, "", ""),
            ("HTTPS://A.Example:443/V1", "a.example", "a.example", 443, "/V1", ""),
            ("http://a.example:8080/v1/?Key=A&b", "a.example", "a.example:8080", 8080, "/v1/", "Key=A&b"),
            ("http://[::1]:80/x", "[::1]", "[::1]", 80, "/x", ""),
            ("http://a:0080?q", "a", "a", 80, "", "q"),
            (
                "http://xn--bcher-kva.example/%C3%A9",
                "xn--bcher-kva.example",
                "xn--bcher-kva.example",
                80,
                "/%C3%A9",
                "",
            ),
        ] {
            let url = Url::parse(text).unwrap();
            let seen = (url.host(), url.authority(), url.port(), url.path(), url.query());
            assert_eq!(seen, (host, authority, port, path, query), "{text}");
            assert_eq!(Url::parse(url.as_str()), Ok(url), "{text}");
        }
    }

    #[test]
    fn sockets_are_named_by_their_path() {
        for (text, socket, path, requested) in [
            ("unix:///run/a.sock", "/run/a.sock", "", "http://localhost"),
            ("UNIX:///run/A.sock:", "/run/A.sock", "", "http://localhost"),
            ("unix:///run/a:/v1?x=1", "/run/a", "/v1", "http://localhost/v1?x=1"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.socket(), url.authority(), url.path()), (Some(socket), socket, path), "{text}");
            assert_eq!(url.requested(), requested, "{text}");
            assert!(url.is_loopback() && !url.is_plain_text() && url.pinned().is_none(), "{text}");
            assert_eq!(url.by_address(), url, "{text}");
            assert_eq!(url.join("/chat").unwrap().path(), [path, "/chat"].concat(), "{text}");
            assert_eq!(Url::parse(url.as_str()), Ok(url), "{text}");
        }
        for text in [
            "unix://",
            "unix:///",
            "unix://run/a.sock",
            "unix:///run/a/",
            "unix:///run/../a",
            "unix:///run/%2e%2e/a",
            "unix:///a.sock:v1",
            "unix:///a.sock:/v1/../x",
            "unix:///a.sock:/v1#x",
            "unix:///a b.sock",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Url::parse("http://a").unwrap().socket(), None);
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for host in [
            "localhost",
            "LOCALHOST",
            "api.localhost",
            "127.0.0.1",
            "127.9.8.7",
            "127.255.255.255",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
            "[0::0:1]",
        ] {
            assert!(Url::parse(&format!("http://{host}:1/v1")).unwrap().is_loopback(), "{host}");
        }
        for host in [
            "localhost.evil.example",
            "localhost.",
            "a.localhost.",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "128.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "192.168.0.1",
            "[::2]",
            "[::]",
            "[::ffff:7f00:1]",
            "[1::1]",
            "ip6-localhost",
        ] {
            assert!(!Url::parse(&format!("http://{host}:1/v1")).unwrap().is_loopback(), "{host}");
        }
    }

    #[test]
    fn what_readers_take_differently_is_refused() {
        for text in [
            "",
            "api.example",
            "localhost:8080",
            "file:///etc/passwd",
            "ftp://localhost",
            "http:/localhost",
            "http://",
            "http:///v1",
            "http://:80",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://a:+80",
            "http://a:80:80",
            "http://localhost@evil.example/",
            "http://user:pass@localhost/",
            "http://@localhost",
            "http://localhost\\@evil.example/",
            "http://localhost/ v1",
            "http://localhost/\nheader = x",
            "http://a\u{a0}",
            "http://a\0",
            "http://\u{ff11}27.0.0.1",
            "http://bücher.example",
            "http://a/é",
            "http://a/#f",
            // Octal, hexadecimal, short and long forms of IPv4 addresses.
            "http://0127.0.0.1",
            "http://127.0.0.08",
            "http://127.0.0.01",
            "http://127.00.0.1",
            "http://127.1",
            "http://127.0.1",
            "http://2130706433",
            "http://0x7f.1",
            "http://0x7f000001",
            "http://0x7f.0.0.1",
            "http://127.0.0.0x1",
            "http://127.0.0.1.",
            "http://127.0.0.256",
            "http://127.0.0.+1",
            "http://1.2.3.4.5",
            "http://127.0.0.0x",
            "http://[::1",
            "http://::1",
            "http://[::1%25eth0]",
            "http://[::1]x",
            "http://[::ffff:127.0.0.1]",
            "http://[1:2:3:4:5:6:7]",
            "http://[1:2:3:4:5:6:7:8:9]",
            "http://[1:2:3:4::5:6:7:8]",
            "http://[::1::]",
            "http://[:1]",
            "http://[12345::]",
            "http://[]",
            "http://a..b",
            "http://.a",
            "http://a%2eb",
            "http://a,b",
            "http://a;b",
            "http://a*b",
            "http://a/../b",
            "http://a/b/..",
            "http://a/./b",
            "http://a/%2E%2e/b",
            "http://a/.%2e?x",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_of_this_machine_are_not_looked_up() {
        for (text, pinned, address) in [
            ("http://localhost/v1", Some("localhost:80:127.0.0.1,[::1]"), "http://127.0.0.1:80/v1"),
            ("http://A.Localhost:8/?q", Some("a.localhost:8:127.0.0.1,[::1]"), "http://127.0.0.1:8/?q"),
            ("https://localhost", Some("localhost:443:127.0.0.1,[::1]"), "https://localhost"),
            ("http://127.0.0.1:8", None, "http://127.0.0.1:8"),
            ("https://a.example", None, "https://a.example"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.pinned().as_deref(), url.by_address().as_str()), (pinned, address), "{text}");
        }
    }

    #[test]
    fn paths_are_joined_and_queries_kept() {
        for (base, path, joined) in [
            ("https://a/v1", "/chat", "https://a/v1/chat"),
            ("https://a/v1/", "/chat", "https://a/v1/chat"),
            ("https://a", "/chat?x=1", "https://a/chat?x=1"),
            ("https://a/v1?key=k", "/chat", "https://a/v1/chat?key=k"),
            ("https://a/v1?key=k", "/chat?alt=sse", "https://a/v1/chat?key=k&alt=sse"),
        ] {
            assert_eq!(Url::parse(base).unwrap().join(path).unwrap().as_str(), joined);
        }
        assert!(Url::parse("https://a/v1").unwrap().join("/models/../x").is_err());
    }
}
