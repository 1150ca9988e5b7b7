//! The error objects of all formats, read by one look-up order (`error.message`, `error` as a string,
//! `message`, `detail` as a string or a list, the text itself).

use serde_json::Value;

use crate::json_tree::{self, at};

use super::classify::classify;
use super::clean::{is_page, summary};
use crate::json::number;
use crate::provider::retry;
use crate::stream::StreamError;

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// The provider's words, as they came.
    pub(super) message: String,
    /// Its code, status or type: the first that is a name rather than a number.
    pub(super) code: Option<String>,
    /// All codes, types, reasons and words there are, in lower case.
    pub(super) signals: Vec<String>,
    /// A number that is an HTTP status.
    pub(super) status: Option<u16>,
    /// How long to wait, in milliseconds (google.rpc.RetryInfo).
    pub(super) retry_after_ms: Option<u64>,
    /// The id of the request, where the body has it.
    pub(super) request_id: Option<String>,
    /// Whether it is a web page, which no provider sends.
    pub(super) is_page: bool,
}

impl ErrorBody {
    pub(super) fn of_body(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut said = Self::default();
        match json_tree::parse(&text) {
            Some(value) => said.read(&value),
            None => {
                said.is_page = is_page(&text);
                said.message = summary(&text);
            }
        }
        said.signals.push(said.message.to_ascii_lowercase());
        said.retry_after_ms = said.retry_after_ms.or_else(|| wait_in_words(&said.message));
        said
    }

    fn into_stream_error(self) -> StreamError<'static> {
        StreamError {
            kind: classify(self.status, &self.signals),
            code: self.code.map(Into::into),
            message: self.message.into(),
            retry_after_ms: self.retry_after_ms,
        }
    }

    fn read(&mut self, value: &Value) {
        // Google's OpenAI dialect wraps the object into an array.
        let value = match value {
            Value::Array(elements) => elements.first().unwrap_or(value),
            other => other,
        };
        // The Responses API says `response.error`, xAI and older vLLM have it all at the top.
        let errors = ["error", "response.error"];
        let error = errors.iter().find_map(|path| at(value, path).filter(|error| error.is_object()));
        let error = error.unwrap_or(value);
        // The last is Cloudflare's.
        let elsewhere = ["error", "message", "Message", "detail", "detail.0.msg", "errors.0.message"];
        let message = text(error, "message").or_else(|| elsewhere.iter().find_map(|path| text(value, path)));
        let raw = text(error, "metadata.raw").map(raw_message);
        self.message = match (message, raw) {
            // OpenRouter's own words are "Provider returned error"; the upstream's tell more.
            (Some(message), Some(raw)) if !message.contains(&raw) => [message, ": ", &raw].concat(),
            (Some(message), _) => message.to_owned(),
            (None, Some(raw)) => raw,
            (None, None) => serde_json::to_string(&value).unwrap_or_default(),
        };

        let numbers = [(error, "code"), (error, "status_code"), (error, "status"), (value, "code")];
        let number = numbers.iter().find_map(|(object, path)| {
            let number = at(object, path)?;
            number.as_u64().or_else(|| number.as_str()?.parse::<u64>().ok())
        });
        let names = [(error, "code"), (error, "status"), (error, "type"), (error, "__type"), (value, "code")];
        for (object, path) in names {
            let Some(name) = text(object, path).filter(|name| *name != "error") else { continue };
            self.signals.push(name.to_ascii_lowercase());
            if self.code.is_none() && !name.bytes().all(|byte| byte.is_ascii_digit()) {
                self.code = Some(name.to_owned());
            }
        }
        if let Some(number) = number {
            self.code.get_or_insert_with(|| number.to_string());
            self.status = if (400..600).contains(&number) { Some(number as u16) } else { None };
        }
        if let Some(Value::Array(details)) = at(error, "details") {
            for detail in details {
                self.signals.extend(text(detail, "reason").map(str::to_ascii_lowercase));
                self.retry_after_ms =
                    self.retry_after_ms.or_else(|| duration_ms(text(detail, "retryDelay")?));
            }
        }
        if at(error, "metadata.reasons").is_some() {
            self.signals.push("flagged".to_owned());
        }
        self.request_id = text(value, "request_id").or_else(|| text(error, "request_id")).map(str::to_owned);
    }
}

/// The text at a [path](at); `None` when it is empty.
pub(super) fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// OpenRouter hands on the upstream's body as a string, which may itself be an error object.
fn raw_message(raw: &str) -> String {
    match json_tree::parse(raw) {
        Some(value @ Value::Object(_)) => {
            text(&value, "error.message").or_else(|| text(&value, "message")).unwrap_or(raw).to_owned()
        }
        _ => summary(raw),
    }
}

/// A wait that is told in words only: "Please try again in 1.898s" (OpenAI, Groq), "retry in 48.9s" (Gemini), "try again in
/// 5m30s", "wait 20 seconds", "wait for 20 seconds", "your quota will reset after 39s".
fn wait_in_words(message: &str) -> Option<u64> {
    const BEFORE: &[&str] = &[
        "try again in ",
        "retry in ",
        "retry after ",
        "retry your request after ",
        "wait ",
        "wait for ",
        "reset after ",
    ];
    let lower = message.to_ascii_lowercase();
    BEFORE.iter().find_map(|words| duration_ms(lower.split_once(words)?.1))
}

/// The duration that begins the text, in milliseconds, at most a day: `48s`, `1.5s`, `1m2.5s`, `320ms`, `20 seconds`.
fn duration_ms(text: &str) -> Option<u64> {
    let mut total = None;
    let mut rest = text.trim_start();
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (amount, behind) = rest.split_at_checked(digits)?;
        let Some(amount) = number(amount) else { return total };
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(letters)?;
        let unit = match unit {
            "ms" | "millisecond" | "milliseconds" => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
            "m" | "min" | "mins" | "minute" | "minutes" => 6e4,
            "h" | "hour" | "hours" => 36e5,
            _ => return total,
        };
        total = retry::wait_ms(total.unwrap_or(0) as f64 + amount * unit);
        rest = behind.trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
}

/// The error a frame of any format holds: an object with `error`, or one that is the error itself.
pub(in crate::provider) fn stream_error(frame: &str) -> StreamError<'static> {
    ErrorBody::of_body(frame.as_bytes()).into_stream_error()
}

/// What an exception frame of AWS says: its name is the code.
pub(in crate::provider) fn exception(name: &str, payload: &str) -> StreamError<'static> {
    let mut body = ErrorBody::of_body(payload.as_bytes());
    body.signals.push(name.to_ascii_lowercase());
    body.code = Some(name.to_owned());
    body.into_stream_error()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::provider::testing::cases;

    #[test]
    fn the_message_is_found_wherever_it_stands() {
        let table = expect![[r#"
            {"error":{"message":"m","type":"t","code":"c"}}
            > m, code c
            {"error":{"message":"m","type":"t","code":null}}
            > m, code t
            {"type":"error","error":{"type":"overloaded_error","message":"m"}}
            > m, code overloaded_error
            {"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}
            > m, code RESOURCE_EXHAUSTED
            {"error":{"code":402,"message":"m"}}
            > m, code 402
            [{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]
            > m, code INVALID_ARGUMENT
            {"code":"invalid-argument","error":"m"}
            > m, code invalid-argument
            {"object":"error","message":"m","type":"invalid_model","code":"1500"}
            > m, code invalid_model
            {"detail":"m"}
            > m, code -
            {"detail":[{"loc":["body"],"msg":"m","type":"missing"}]}
            > m, code -
            {"errors":[{"code":5007,"message":"m"}],"success":false}
            > m, code -
            {"error":"m"}
            > m, code -
            {"message":"m"}
            > m, code -
            {"error":{"code":502,"message":"m","metadata":{"raw":"upstream"}}}
            > m: upstream, code 502
            {"error":{"metadata":{"raw":"{\"error\":{\"message\":\"r\"}}"}}}
            > r, code -
            {"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}
            > m, code server_error
            {"type":"error","code":"c","message":"m","param":null}
            > m, code c
            {"what":1}
            > {"what":1}, code -
            plain words
            > plain words, code -
            ""
            > , code -
        "#]];
        cases(&table, |body| {
            let body = ErrorBody::of_body(body[0].trim_matches('"').as_bytes());
            format!("{}, code {}", body.message, body.code.as_deref().unwrap_or("-"))
        });
    }

    #[test]
    fn an_error_within_a_stream_is_classified_by_its_own_code() {
        let table = expect![[r#"
            {"error":{"message":"The server had an error","type":"server_error"}}
            > transient, wait -
            {"error":{"code":400,"message":"Token limit reached"},"choices":[]}
            > request, wait -
            {"error":{"message":"x","code":"tool_use_failed","status_code":400}}
            > request, wait -
            {"error":"an error was encountered while running the model"}
            > transient, wait -
            {"error":{"code":429,"message":"x","details":[{"@type":"t","retryDelay":"1.5s"}]}}
            > rate_limited, wait 1500
            {"error":{"code":429,"message":"Slow down: wait for 20 seconds."}}
            > rate_limited, wait 20000
            {"error":{"code":429,"message":"Your quota will reset after 1m39s."}}
            > rate_limited, wait 99000
            {"error":{"code":"context_length_exceeded","message":"x"}}
            > too_long, wait -
        "#]];
        cases(&table, |frame| {
            let error = stream_error(frame[0]);
            let wait = error.retry_after_ms.map_or("-".to_owned(), |ms| ms.to_string());
            format!("{}, wait {wait}", error.kind.as_str())
        });
    }
}
