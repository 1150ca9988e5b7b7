//! The wire to the host: JSON-RPC messages in and out.
//!
//! lapce-plugin's `register_plugin!` is not used: its parser panics on every line that is neither a
//! request nor a notification, it cannot answer a request, and its notifications are a fixed few.

use std::borrow::Cow;

use psp_types::{ExecuteProcess, Request as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const VERSION: &str = "2.0";

/// JSON-RPC's code for a method nobody knows.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC's code for parameters that are not what the method says.
pub const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC's code for a fault of ours.
pub const INTERNAL_ERROR: i64 = -32603;
/// LSP's code for a request that failed for a reason that is nobody's fault; Lapce ignores any error.
pub const REQUEST_FAILED: i64 = -32803;

/// The other side of the wire.
pub trait Host {
    /// Hands over one message: an answer or a notification.
    fn send(&mut self, message: &[u8]);

    /// Hands over one request, and gives the line that came back; empty when none did.
    fn call(&mut self, message: &[u8]) -> Vec<u8>;

    /// Writes to the host's log.
    fn log(&mut self, text: &str);
}

/// What the host sent, borrowed from its line.
#[derive(Debug)]
pub enum Message<'a> {
    /// To be answered exactly once.
    Request {
        /// To be echoed in the answer.
        id: Id,
        /// The method.
        method: Cow<'a, str>,
        /// JSON of the parameters, `null` when there are none.
        params: &'a str,
    },
    /// Not to be answered.
    Notification {
        /// The method.
        method: Cow<'a, str>,
        /// JSON of the parameters, `null` when there are none.
        params: &'a str,
    },
}

/// The id of a request, as its JSON text, so that it goes back as it came: number or string.
#[derive(Debug, Clone, Serialize)]
pub struct Id(Box<RawValue>);

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// What a finished process left behind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProcessOutput {
    /// Whether its exit status was 0.
    pub success: bool,
    /// What it wrote to its standard output.
    #[serde(default)]
    pub stdout: Option<Vec<u8>>,
    /// What it wrote to its standard error.
    #[serde(default)]
    pub stderr: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    id: Option<&'a RawValue>,
    #[serde(default, borrow)]
    method: Cow<'a, str>,
    #[serde(default, borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<Fault<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Fault<'a> {
    code: i64,
    #[serde(default, borrow)]
    message: Cow<'a, str>,
}

/// Reads one line of the host.
///
/// # Errors
/// What the line is instead of a request or a notification: nothing can be done with it but to log
/// that sentence (which holds none of its text).
pub fn parse(line: &[u8]) -> Result<Message<'_>, String> {
    let text = std::str::from_utf8(line).map_err(|error| format!("a message is not UTF-8: {error}"))?;
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| format!("a message is not JSON-RPC: {error}"))?;
    let params = envelope.params.map_or("null", RawValue::get);
    match (envelope.id, envelope.method) {
        (id, method) if method.is_empty() => {
            Err(format!("a message without a method, id {}", id.map_or("none", RawValue::get)))
        }
        (Some(id), method) => Ok(Message::Request { id: Id(id.to_owned()), method, params }),
        (None, method) => Ok(Message::Notification { method, params }),
    }
}

/// Why the host did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// It answered with an error: its words.
    Refused(String),
    /// No answer came, or none that can be read: what was seen.
    Unanswered(String),
}

/// Speaks to a [`Host`] in JSON-RPC.
#[derive(Debug, Default)]
pub struct Rpc<H> {
    host: H,
    calls: u64,
    line: Vec<u8>,
}

impl<H: Host> Rpc<H> {
    /// Speaks to `host`.
    pub fn new(host: H) -> Self {
        Self { host, calls: 0, line: Vec::new() }
    }

    /// Answers a request. A result that cannot be said in JSON is answered as an error, so that the
    /// request is not left open.
    pub fn reply_ok(&mut self, id: &Id, result: &impl Serialize) {
        #[derive(Serialize)]
        struct Success<'a, T> {
            jsonrpc: &'static str,
            id: &'a Id,
            result: &'a T,
        }
        match self.write(&Success { jsonrpc: VERSION, id, result }) {
            Ok(()) => self.host.send(&self.line),
            Err(error) => self.reply_err(id, INTERNAL_ERROR, &error.to_string()),
        }
    }

    /// Answers a request with an error.
    pub fn reply_err(&mut self, id: &Id, code: i64, message: &str) {
        #[derive(Serialize)]
        struct Failure<'a> {
            jsonrpc: &'static str,
            id: &'a Id,
            error: Fault<'a>,
        }
        self.send(&Failure { jsonrpc: VERSION, id, error: Fault { code, message: message.into() } });
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: &impl Serialize) {
        #[derive(Serialize)]
        struct Notification<'a, P> {
            jsonrpc: &'static str,
            method: &'a str,
            params: &'a P,
        }
        self.send(&Notification { jsonrpc: VERSION, method, params });
    }

    /// Runs a process to its end, its standard input empty: `host/executeProcess`. The host waits
    /// until the process and everything that holds its output is gone.
    ///
    /// # Errors
    /// [`CallError`]: a program that does not exist is [`CallError::Refused`].
    pub fn execute(&mut self, program: &str, args: &[&str]) -> Result<ProcessOutput, CallError> {
        #[derive(Serialize)]
        struct Params<'a> {
            program: &'a str,
            args: &'a [&'a str],
        }
        self.call(ExecuteProcess::METHOD, &Params { program, args })
    }

    /// Writes to the host's log.
    pub fn log(&mut self, text: &str) {
        self.host.log(text);
    }

    fn call<T: DeserializeOwned>(&mut self, method: &str, params: &impl Serialize) -> Result<T, CallError> {
        #[derive(Serialize)]
        struct Request<'a, P> {
            jsonrpc: &'static str,
            id: u64,
            method: &'a str,
            params: &'a P,
        }
        self.calls += 1;
        self.write(&Request { jsonrpc: VERSION, id: self.calls, method, params })
            .map_err(|error| CallError::Unanswered(error.to_string()))?;
        let line = self.host.call(&self.line);
        read_answer(&line, self.calls)
    }

    fn send(&mut self, message: &impl Serialize) {
        match self.write(message) {
            Ok(()) => self.host.send(&self.line),
            Err(error) => self.host.log(&format!("a message could not be written: {error}")),
        }
    }

    /// Puts a message into `self.line`, with the line feed that ends it.
    fn write(&mut self, message: &impl Serialize) -> Result<(), serde_json::Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, message)?;
        self.line.push(b'\n');
        Ok(())
    }
}

fn read_answer<T: DeserializeOwned>(line: &[u8], call: u64) -> Result<T, CallError> {
    let unreadable = |error: serde_json::Error| CallError::Unanswered(error.to_string());
    if line.is_empty() {
        return Err(CallError::Unanswered("the host did not answer".to_owned()));
    }
    let answer: Answer<'_> = serde_json::from_slice(line).map_err(unreadable)?;
    if answer.id != Some(call) {
        return Err(CallError::Unanswered("the host answered something else".to_owned()));
    }
    match answer {
        Answer { error: Some(fault), .. } => Err(CallError::Refused(fault.message.into_owned())),
        Answer { result, .. } => {
            serde_json::from_str(result.map_or("null", RawValue::get)).map_err(unreadable)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Keeps what it is told.
    #[derive(Default)]
    pub struct Fake {
        pub sent: Vec<String>,
        pub logged: Vec<String>,
        pub answer: &'static str,
    }

    impl<H> Rpc<H> {
        /// The host it speaks to.
        pub fn host(&self) -> &H {
            &self.host
        }
    }

    impl Host for Fake {
        fn send(&mut self, message: &[u8]) {
            self.sent.push(String::from_utf8(message.to_vec()).unwrap());
        }

        fn call(&mut self, message: &[u8]) -> Vec<u8> {
            self.send(message);
            self.answer.as_bytes().to_vec()
        }

        fn log(&mut self, text: &str) {
            self.logged.push(text.to_owned());
        }
    }

    fn id(json: &str) -> Id {
        Id(RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn lines_are_read_as_requests_notifications_or_refused() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":[1]}}"#, "request 7 m {\"a\":[1]}"),
            (r#"{"id":"x1","method":"m"}"#, "request \"x1\" m null"),
            (r#"{"id":-0.5,"method":"a\/b","params":[]}"#, "request -0.5 a/b []"),
            (r#"{"method":"m","params":{"b":"\u00e9"}}"#, r#"notification m {"b":"\u00e9"}"#),
            (r#"{"id":null,"method":"m"}"#, "notification m null"),
            (r#"{"id":3,"result":null}"#, "refused: a message without a method, id 3"),
            (r#"{"error":{"code":1,"message":"secret"}}"#, "refused: a message without a method, id none"),
            ("[]", "refused"),
            ("{", "refused"),
            ("", "refused"),
            ("null", "refused"),
            ("\u{0}", "refused"),
            (r#"{"method":5}"#, "refused"),
        ];
        for (line, expected) in cases {
            let seen = match parse(line.as_bytes()) {
                Ok(Message::Request { id, method, params }) => {
                    format!("request {} {method} {params}", id.0.get())
                }
                Ok(Message::Notification { method, params }) => format!("notification {method} {params}"),
                Err(why) => format!("refused: {why}"),
            };
            assert!(
                seen == expected || expected == "refused" && seen.starts_with(expected),
                "{line}: {seen}"
            );
        }
        assert!(parse(b"{\"method\":\"\xff\"}").is_err());
    }

    #[test]
    fn messages_are_one_line_each_and_echo_the_id() {
        let mut rpc = Rpc::new(Fake::default());
        rpc.reply_ok(&id("7"), &["a\nb"]);
        rpc.reply_err(&id("\"k\""), METHOD_NOT_FOUND, "no such method");
        rpc.notify("$/progress", &1);
        assert_eq!(
            rpc.host.sent,
            [
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[\"a\\nb\"]}\n",
                "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n",
                "{\"jsonrpc\":\"2.0\",\"method\":\"$/progress\",\"params\":1}\n",
            ]
        );
    }

    #[test]
    fn a_result_that_is_not_json_is_answered_as_an_error() {
        let mut rpc = Rpc::new(Fake::default());
        rpc.reply_ok(&id("1"), &std::collections::BTreeMap::from([(vec![0], 0)]));
        assert_eq!(rpc.host.sent.len(), 1);
        assert!(rpc.host.sent[0].contains("\"id\":1,\"error\":{\"code\":-32603"), "{}", rpc.host.sent[0]);
    }

    #[test]
    fn a_process_gives_its_output_or_says_why_not() {
        let output = |success, stdout: Option<&[u8]>| {
            Ok(ProcessOutput { success, stdout: stdout.map(<[u8]>::to_vec), stderr: None })
        };
        let refused = |words: &str| Err(CallError::Refused(words.to_owned()));
        let unanswered = Err(CallError::Unanswered(String::new()));
        let cases = [
            (r#"{"id":1,"result":{"success":true,"stdout":[104,105]}}"#, output(true, Some(b"hi"))),
            (r#"{"id":1,"result":{"success":false,"stderr":null}}"#, output(false, None)),
            (r#"{"id":1,"error":{"code":0,"message":"No such file"}}"#, refused("No such file")),
            (r#"{"id":1,"error":{"code":0}}"#, refused("")),
            (r#"{"id":2,"result":{"success":true}}"#, unanswered.clone()),
            (r#"{"id":1,"result":{"success":true,"stdout":[300]}}"#, unanswered.clone()),
            (r#"{"id":1}"#, unanswered.clone()),
            ("not json", unanswered.clone()),
            ("", unanswered),
        ];
        for (answer, expected) in cases {
            let mut rpc = Rpc::new(Fake { answer, ..Fake::default() });
            let seen = rpc.execute("sh", &["-c", "true"]);
            let seen = seen.map_err(|error| match error {
                CallError::Unanswered(_) => CallError::Unanswered(String::new()),
                refused => refused,
            });
            assert_eq!(seen, expected, "{answer}");
            assert_eq!(
                rpc.host.sent,
                ["{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"host/executeProcess\",\
                  \"params\":{\"program\":\"sh\",\"args\":[\"-c\",\"true\"]}}\n"]
            );
        }
    }
}
