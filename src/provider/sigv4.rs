//! AWS Signature Version 4, as much of it as a request with a fixed body and no query needs
//! (AWS IAM user guide, "Create a signed AWS API request").

use std::fmt::Write as _;

use hmac_sha256::{HMAC, Hash};

use super::header;
use super::url::segments;
use crate::http::{HttpRequest, Secret};

/// Who signs and for what.
pub struct Signer<'a> {
    /// The access key id; not a secret.
    pub access_key_id: &'a str,
    /// The secret access key.
    pub secret_access_key: &'a str,
    /// The session token of temporary credentials; empty for none.
    pub session_token: &'a str,
    /// The region, as in the host name.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
    /// Seconds since 1970-01-01 UTC; AWS refuses a clock that is off by more than five minutes.
    pub unix_time: u64,
}

impl Signer<'_> {
    /// Adds the signature to a request that has all else, with the session token as `x-amz-security-token`. Its URL has no
    /// query, and nothing of it may change behind this.
    pub fn sign(&self, request: &mut HttpRequest) {
        let date = timestamp(self.unix_time);
        let day = date.get(..8).unwrap_or_default();

        // Header names in alphabetical order, as the canonical form demands.
        let headers = [
            ("content-type", header(&request.headers, "content-type").unwrap_or_default()),
            ("host", request.url.authority()),
            ("x-amz-date", &date),
            ("x-amz-security-token", self.session_token),
        ];
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let mut canonical = format!("{method}\n{}\n\n", canonical_path(request.url.target()));
        let mut names = String::new();
        for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(canonical, "{name}:{value}");
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name);
        }
        let _ =
            write!(canonical, "\n{names}\n{}", hex(&Hash::hash(request.body.as_deref().unwrap_or_default())));

        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Hash::hash(canonical.as_bytes())));
        let signature = hex(&mac(&to_sign, &self.signing_key(day)));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        );
        request.headers.push(("x-amz-date".to_owned(), date));
        request.secret_headers.push(("authorization".to_owned(), Secret::new(&authorization)));
    }

    fn signing_key(&self, day: &str) -> [u8; 32] {
        let secret = ["AWS4", self.secret_access_key].concat();
        let mut key = mac(day, secret.as_bytes());
        for text in [self.region, self.service, "aws4_request"] {
            key = mac(text, &key);
        }
        key
    }
}

// Once in the wasm, rather than for each kind of key.
#[inline(never)]
fn mac(text: &str, key: &[u8]) -> [u8; 32] {
    HMAC::mac(text, key)
}

/// The path with its segments encoded once more: services other than S3 sign the encoding of what is sent,
/// so a `%3A` of the URL is signed as `%253A`.
fn canonical_path(path: &str) -> String {
    if path.is_empty() { "/".to_owned() } else { segments(path) }
}

/// The bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `20150830T123600Z` of seconds since 1970, by the days-to-civil algorithm of Howard Hinnant.
fn timestamp(unix_time: u64) -> String {
    let (days, second) = (unix_time / 86_400, unix_time % 86_400);
    // Days since 0000-03-01: years that begin in March have their leap day at the end.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::http::Url;
    use crate::provider::testing::cases;

    /// The credentials of AWS's Signature Version 4 test suite; public, and no one's.
    fn suite(session_token: &'static str) -> Signer<'static> {
        Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token,
            region: "us-east-1",
            service: "service",
            unix_time: 1_440_938_160,
        }
    }

    #[test]
    fn signatures_match_the_aws_test_suite() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoI\
                     YRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75\
                     YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KS\
                     YvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let table = expect![[r#"
            get-vanilla: GET
            > AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31
            post-vanilla: POST
            > AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b
            post-x-www-form-urlencoded: POST application/x-www-form-urlencoded Param1=value1
            > AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a
            post-sts-header-before: POST with its token
            > AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead
        "#]];
        cases(&table, |line| {
            let (_, words) = line[0].split_once(": ").unwrap();
            let mut words = words.split(' ');
            let method = words.next().unwrap();
            let token = if line[0].ends_with("token") { token } else { "" };
            let (content_type, body) =
                words.next().zip(words.next()).filter(|_| token.is_empty()).unwrap_or_default();
            let mut request = HttpRequest {
                url: Url::parse("https://example.amazonaws.com/").unwrap(),
                headers: vec![("content-type".to_owned(), content_type.to_owned())],
                secret_headers: Vec::new(),
                body: (method == "POST").then(|| body.into()),
            };
            suite(token).sign(&mut request);
            assert_eq!(header(&request.headers, "x-amz-date"), Some("20150830T123600Z"));
            request.secret_headers[0].1.expose().to_owned()
        });
    }

    #[test]
    fn the_signing_key_matches_the_documented_derivation() {
        let mut signer = suite("");
        signer.service = "iam";
        assert_eq!(
            hex(&signer.signing_key("20120215")),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
    }

    #[test]
    fn paths_are_signed_encoded_twice() {
        for (sent, signed) in [
            ("", "/"),
            ("/model/a.b-c_d~e/x", "/model/a.b-c_d~e/x"),
            ("/model/nova-v1%3A0/converse-stream", "/model/nova-v1%253A0/converse-stream"),
        ] {
            assert_eq!(canonical_path(sent), signed);
        }
    }

    #[test]
    fn timestamps_are_civil_dates() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_704_067_199, "20231231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(timestamp(seconds), text);
        }
    }
}
