//! Whether and when to try again. Pure: the clock and the dice are passed in.
//!
//! The rules are those of OpenAI's and Anthropic's clients (`_base_client`): `x-should-retry` decides if it is there, else
//! the status does; the delay is the server's if it is sensible, else it grows from half a second to eight.

use super::{Error, header};
use crate::json::number;
use crate::stream::ErrorKind;

/// A request that failed, and what is to be known for deciding about the next one.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// How many tries of this request came before, from 0.
    pub retries: u32,
    /// What came of it.
    pub error: &'a Error,
    /// The response's headers, names in lower case; empty when there was no response.
    pub headers: &'a [(String, String)],
    /// Whether the user asked for this completion, rather than the plugin by itself.
    pub invoked: bool,
    /// Any number, for the jitter.
    pub random: u64,
}

/// Longest delay that is waited for; who asks for more is not asked again.
const LONGEST_MS: u64 = 120_000;
/// Longest delay after which an automatic completion is still of use.
const LONGEST_AUTOMATIC_MS: u64 = 2_000;
/// How long automatic requests pause after a 429 that does not say.
const PAUSE_MS: u64 = 10_000;

/// Pauses before the server is asked again whether it has loaded the model, in milliseconds: four minutes together. There are
/// few, because each costs a wake-up, and a pause in typing has six of them.
const LOADING_MS: [u64; 5] = [2_000, 6_000, 18_000, 54_000, 160_000];

/// How long a provider counts as away that could not be reached or failed, and one without credit, in milliseconds.
const AWAY_MS: u64 = 30_000;
const NO_CREDIT_MS: u64 = 600_000;

/// How long to wait before the next try, in milliseconds; `None`: give up.
pub fn delay_ms(attempt: &Attempt<'_>) -> Option<u64> {
    let error = attempt.error;
    if is_loading(error.status, &error.message) {
        return LOADING_MS.get(attempt.retries as usize).copied();
    }
    let most = if attempt.invoked { 3 } else { 1 };
    if attempt.retries >= most {
        return None;
    }
    let worth = match header(attempt.headers, "x-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => match error.kind {
            // Automatic requests pause instead, see `pause_ms`.
            ErrorKind::RateLimited => attempt.invoked,
            ErrorKind::Transient | ErrorKind::Truncated => true,
            // A name that does not resolve or a port where nobody listens will not in a second.
            _ => false,
        },
    };
    if !worth {
        return None;
    }
    let delay = match error.retry_after_ms {
        Some(ms) if ms > LONGEST_MS => return None,
        Some(ms) if ms > 0 => ms,
        _ => back_off_ms(attempt.retries, attempt.random),
    };
    (attempt.invoked || delay <= LONGEST_AUTOMATIC_MS).then_some(delay)
}

/// How long automatic requests keep still after `error`, in milliseconds; `None`: not at all.
pub fn pause_ms(error: &Error) -> Option<u64> {
    (error.kind == ErrorKind::RateLimited)
        .then(|| error.retry_after_ms.filter(|ms| *ms > 0).unwrap_or(PAUSE_MS))
}

/// Whether the server still loads the model: llama.cpp's answers 503 with these words meanwhile.
pub fn is_loading(status: Option<u16>, words: &str) -> bool {
    status == Some(503) && words.to_ascii_lowercase().contains("loading model")
}

/// Whether it will be refused again until the user changes something.
pub fn is_refusal(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Auth | ErrorKind::Quota | ErrorKind::Model)
}

/// How long another provider is asked in place of one that failed by `error` and was found away `absences` times
/// before, in milliseconds; `None`: it is not away, and another would not do better.
pub fn absence_ms(error: &Error, absences: u32) -> Option<u64> {
    let usual = match error.kind {
        ErrorKind::RateLimited => return pause_ms(error),
        ErrorKind::Quota => NO_CREDIT_MS,
        ErrorKind::Transient | ErrorKind::Network | ErrorKind::Timeout => {
            AWAY_MS.saturating_mul(1 << absences.min(10)).min(NO_CREDIT_MS)
        }
        _ => return None,
    };
    Some(error.retry_after_ms.unwrap_or(0).max(usual))
}

/// 0.5 · 2ⁿ s, at most 8 s, less up to a quarter.
fn back_off_ms(retries: u32, random: u64) -> u64 {
    let delay = 500u64.saturating_mul(1 << retries.min(10)).min(8_000);
    delay - random % (delay / 4)
}

/// Longest wait that is taken from a server: a day, in milliseconds. More is a mistake, and must not overflow a clock.
const MOST_WAIT_MS: f64 = 86_400_000.0;

/// A wait in whole milliseconds, at most a day; `None` when it is none.
pub(super) fn wait_ms(ms: f64) -> Option<u64> {
    (ms > 0.0).then(|| ms.min(MOST_WAIT_MS).ceil() as u64)
}

/// Whether what is missing of an answer that broke off is worth asking for, given that some text has come.
pub fn resumes(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Truncated | ErrorKind::Network | ErrorKind::Transient | ErrorKind::Timeout
    )
}

/// What the headers say about waiting: `retry-after-ms`, else `retry-after` in seconds or as an HTTP
/// date. `None` when they say nothing, or nothing above zero: Azure sends `retry-after-ms: 0` beside a
/// `retry-after` that counts.
pub(super) fn retry_after_ms(headers: &[(String, String)], unix_now: u64) -> Option<u64> {
    let milliseconds = header(headers, "retry-after-ms").and_then(|ms| wait_ms(number(ms)?));
    milliseconds.or_else(|| {
        let after = header(headers, "retry-after")?.trim();
        match number(after) {
            Some(seconds) => wait_ms(seconds * 1000.0),
            None => {
                // By the server's clock: this machine's may be wrong. Where that is all there is, a long wait is more likely
                // its fault than the server's wish.
                let server = header(headers, "date").and_then(http_date);
                let seconds = http_date(after)?.checked_sub(server.unwrap_or(unix_now))?;
                wait_ms(seconds as f64 * 1000.0).filter(|ms| server.is_some() || *ms <= LONGEST_MS)
            }
        }
    })
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of date servers may send
/// (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<u64>().ok();
    let day = number()?;
    let month =
        words.next().filter(|month| month.len() == 3).and_then(|month| MONTHS.find(month))? as u64 / 3;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    // Days from 1970-03-01's era, with March as the first month (Howard Hinnant's civil calendar).
    let (y, m) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    (days.checked_sub(719_468)? * 86_400).checked_add(hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, retry_after_ms: Option<u64>) -> Error {
        Error {
            kind,
            provider: "openai",
            status: None,
            code: None,
            request_id: None,
            retry_after_ms,
            message: String::new(),
        }
    }

    fn delay(kind: ErrorKind, after: Option<u64>, retries: u32, invoked: bool, should: &str) -> Option<u64> {
        let headers = [("x-should-retry".to_owned(), should.to_owned())];
        let headers = if should.is_empty() { &[][..] } else { &headers };
        delay_ms(&Attempt { retries, error: &error(kind, after), headers, invoked, random: 0 })
    }

    #[test]
    fn the_delay_is_the_servers_or_grows() {
        use ErrorKind::*;
        for (kind, after, retries, invoked, should, expected) in [
            (Transient, None, 0, true, "", Some(500)),
            (Transient, None, 1, true, "", Some(1000)),
            (Transient, None, 2, true, "", Some(2000)),
            (Transient, None, 3, true, "", None),
            (Transient, None, 0, false, "", Some(500)),
            (Transient, None, 1, false, "", None),
            (Transient, Some(3000), 0, true, "", Some(3000)),
            (Transient, Some(3000), 0, false, "", None),
            (Transient, Some(120_000), 0, true, "", Some(120_000)),
            (Transient, Some(120_001), 0, true, "", None),
            (Transient, Some(0), 0, true, "", Some(500)),
            (Transient, None, 0, true, "false", None),
            (RateLimited, Some(700), 0, true, "", Some(700)),
            (RateLimited, Some(700), 0, false, "", None),
            (Request, None, 0, true, "true", Some(500)),
            (Truncated, None, 0, false, "", Some(500)),
            (Auth, None, 0, true, "", None),
            (Quota, None, 0, true, "", None),
            (Network, None, 0, true, "", None),
        ] {
            let delay = delay(kind, after, retries, invoked, should);
            assert_eq!(delay, expected, "{kind:?} {after:?} {retries} {invoked} {should}");
        }
    }

    #[test]
    fn a_model_that_is_being_loaded_is_waited_for() {
        let mut loading = error(ErrorKind::Transient, None);
        loading.status = Some(503);
        loading.message = "It said (HTTP 503): Loading model.".to_owned();
        let delays: Vec<_> = (0..10)
            .map_while(|retries| {
                delay_ms(&Attempt { retries, error: &loading, headers: &[], invoked: false, random: 0 })
            })
            .collect();
        assert_eq!((delays.len(), delays.iter().sum()), (5, 240_000));
        assert!(
            delays.windows(2).all(|pair| pair[1] < 4 * pair[0]),
            "a loaded model would be noticed late: {delays:?}"
        );
    }

    #[test]
    fn jitter_takes_away_at_most_a_quarter() {
        for retries in 0..20 {
            let full = back_off_ms(retries, 0);
            assert!(full <= 8000);
            for random in [1, 77, u64::MAX] {
                assert!((full - full / 4..=full).contains(&back_off_ms(retries, random)));
            }
        }
    }

    #[test]
    fn a_rate_limit_pauses_for_its_time() {
        assert_eq!(pause_ms(&error(ErrorKind::RateLimited, Some(48_000))), Some(48_000));
        assert_eq!(pause_ms(&error(ErrorKind::RateLimited, None)), Some(PAUSE_MS));
        assert_eq!(pause_ms(&error(ErrorKind::Transient, Some(1000))), None);
    }

    #[test]
    fn headers_tell_how_long_to_wait() {
        const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (headers, expected) in [
            (&[("retry-after-ms", "250")][..], Some(250)),
            (&[("retry-after-ms", "0"), ("retry-after", "1")], Some(1000)),
            (&[("retry-after-ms", "250"), ("retry-after", "1")], Some(250)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT")], Some(20_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], None),
            // A server whose clock is an hour ahead of this machine's, or four weeks behind, and one that tells no time.
            (
                &[
                    ("date", "Sun, 06 Nov 1994 09:49:37 GMT"),
                    ("retry-after", "Sun, 06 Nov 1994 09:49:39 GMT"),
                ],
                Some(2000),
            ),
            (
                &[
                    ("date", "Sun, 09 Oct 1994 08:49:37 GMT"),
                    ("retry-after", "Sun, 09 Oct 1994 08:49:40 GMT"),
                ],
                Some(3000),
            ),
            (&[("date", "now"), ("retry-after", "Sun, 06 Nov 1994 08:49:38 GMT")], Some(1000)),
            // This machine's clock is two minutes behind, or hours.
            (&[("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT")], Some(120_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:51:38 GMT")], None),
            (&[("retry-after", "Sun, 06 Nov 1994 11:36:19 GMT")], None),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("retry-after", "Sun, 06 Nov 1994 11:36:19 GMT"),
                ],
                Some(10_002_000),
            ),
            (&[("retry-after", "Sat, 05 Nov 1994 08:49:37 GMT")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "1e30")], Some(86_400_000)),
            (&[("retry-after-ms", "1e300")], Some(86_400_000)),
            (&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], None),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
                ],
                Some(86_400_000),
            ),
            (&[], None),
        ] {
            let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(retry_after_ms(&headers, NOW), expected, "{headers:?}");
        }
    }

    #[test]
    fn dates_are_read() {
        for (date, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Fri, 31 Dec 2100 00:00:00 GMT", Some(4_133_894_400)),
            ("Sun, 06 XXX 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
            ("06 Nov 1994", None),
        ] {
            assert_eq!(http_date(date), expected, "{date}");
        }
    }
}
