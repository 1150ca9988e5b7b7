//! The wire to the host: JSON-RPC messages in and out.
//!
//! The crate lapce-plugin is not used: its parser panics on every line that is neither a request nor a
//! notification, it cannot answer a request, and its notifications are a fixed few.

use std::borrow::Cow;
use std::fmt::{Arguments, Display};
use std::io::Write;

use crate::json::{self, Few, Raw, object};
use crate::transport::Output;

/// JSON-RPC's code for a request that is not valid now.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC's code for an unknown method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC's code for invalid parameters.
pub const INVALID_PARAMS: i64 = -32602;
/// LSP's code for a valid request that failed. Lapce ignores all errors.
pub const REQUEST_FAILED: i64 = -32803;

/// The other side of the wire.
pub trait Host {
    /// Sends one message: an answer or a notification.
    fn send(&mut self, message: &[u8]);

    /// Sends one request and returns the line that came back; empty when there was none.
    fn call(&mut self, message: &[u8]) -> Vec<u8>;

    /// Writes to the host's log.
    fn log(&mut self, text: &str);
}

/// A message of the host, borrowed from its line.
#[derive(Debug)]
pub enum Message<'a> {
    /// Must be answered exactly once.
    Request {
        /// Repeated in the answer.
        id: Id,
        /// The method.
        method: Cow<'a, str>,
        /// The parameters.
        params: Raw<'a>,
    },
    /// Not to be answered.
    Notification {
        /// The method.
        method: Cow<'a, str>,
        /// The parameters.
        params: Raw<'a>,
    },
}

/// The id of a request as JSON, a number or a string, so that the answer repeats it exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Id(String);

object! {
    struct Envelope<'a> {
        id = "id": Raw<'a>,
        method = "method": Raw<'a>,
        params = "params": Raw<'a>,
    }
}

object! {
    struct Answer<'a> {
        id = "id": Raw<'a>,
        result = "result": Raw<'a>,
        error = "error": Raw<'a>,
    }
}

object! {
    struct Done<'a> {
        success = "success": Raw<'a>,
        stdout = "stdout": Few<'a, Raw<'a>>,
    }
}

object! {
    struct Started<'a> {
        id = "id": Raw<'a>,
    }
}

object! {
    struct Fault<'a> {
        message = "message": Raw<'a>,
    }
}

/// A text in JSON.
pub fn quoted(text: &str) -> String {
    // Writing into memory does not fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// Reads one line of the host.
///
/// # Errors
/// Why the line is neither a request nor a notification, as a sentence for the log that contains none of its text.
pub fn parse(line: &[u8]) -> Result<Message<'_>, String> {
    let text = std::str::from_utf8(line).map_err(|error| format!("a message is not UTF-8: {error}"))?;
    let Envelope { id, method, params } =
        json::from_str(text).map_err(|error| format!("a message is not JSON-RPC: {error}"))?;
    let is_request = !matches!(id.json(), "" | "null");
    match method.cow().filter(|method| !method.is_empty()) {
        None => {
            let id = if is_request { id.json() } else { "none" };
            Err(format!("a message without a method, id {id}"))
        }
        Some(method) if is_request => Ok(Message::Request { id: Id(id.json().to_owned()), method, params }),
        Some(method) => Ok(Message::Notification { method, params }),
    }
}

/// Why a call of the host failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// It answered with this error message.
    Refused(String),
    /// It gave no answer, or one that cannot be read: a description.
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

    /// Answers a request with a result, which is written as JSON on one line.
    pub fn reply_ok(&mut self, id: &Id, result: &dyn Display) {
        self.send(format_args!("\"id\":{},\"result\":{result}", id.0));
    }

    /// Answers a request with an error.
    pub fn reply_err(&mut self, id: &Id, code: i64, message: &str) {
        let message = quoted(message);
        self.send(format_args!("\"id\":{},\"error\":{{\"code\":{code},\"message\":{message}}}", id.0));
    }

    /// Sends a notification. Its parameters are written as JSON on one line.
    pub fn notify(&mut self, method: &str, params: &dyn Display) {
        self.send(format_args!("\"method\":\"{method}\",\"params\":{params}"));
    }

    /// Runs a process to its end, with an empty standard input: `host/executeProcess`. The host waits
    /// until the process has ended and its output is closed.
    ///
    /// # Errors
    /// [`CallError`]: a program that does not exist is [`CallError::Refused`].
    pub fn execute(&mut self, program: &str, args: &[&str]) -> Result<Output, CallError> {
        let (program, args) = (quoted(program), quoted_list(args));
        let params = format_args!(r#"{{"program":{program},"args":[{args}]}}"#);
        self.call("host/executeProcess", params, read_output)
    }

    /// Starts a program as a language server: `host/startLspServer`. No document is sent to it. Returns the host's number
    /// for it.
    ///
    /// Lapce answers only once the server has answered `initialize`. If the program cannot be started, Lapce never answers
    /// (lapce-proxy's `psp.rs`), and the volt waits for ever.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn start_language_server(&mut self, program: &str, args: &[&str]) -> Result<u64, CallError> {
        let (uri, args) = (quoted(&format!("urn:{program}")), quoted_list(args));
        let params = format_args!(
            r#"{{"serverUri":{uri},"serverArgs":[{args}],"documentSelector":[],"options":null}}"#
        );
        self.call("host/startLspServer", params, |result| result.read::<Started<'_>>().id.number())
    }

    /// Sends a request to a language server and waits for its answer: `host/sendLspRequest`. `params` is JSON. Lapce writes
    /// it to its log.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn send_lsp_request(&mut self, server: u64, method: &str, params: &str) -> Result<(), CallError> {
        let method = quoted(method);
        let params = format_args!(r#"{{"id":{server},"method":{method},"params":{params}}}"#);
        self.call("host/sendLspRequest", params, |_| Some(()))
    }

    /// Calls the host and waits for its answer.
    fn call<T>(
        &mut self,
        method: &str,
        params: Arguments<'_>,
        read: fn(Raw<'_>) -> Option<T>,
    ) -> Result<T, CallError> {
        self.calls += 1;
        let call = self.calls;
        self.write(format_args!(r#""id":{call},"method":"{method}","params":{params}"#));
        let line = self.host.call(&self.line);
        read_answer(&line, call, read)
    }

    /// Writes to the host's log.
    pub fn log(&mut self, text: &str) {
        self.host.log(text);
    }

    fn send(&mut self, fields: Arguments<'_>) {
        self.write(fields);
        self.host.send(&self.line);
    }

    /// Writes a message of these fields into `self.line`, with a line feed at its end.
    fn write(&mut self, fields: Arguments<'_>) {
        self.line.clear();
        // Writing into memory does not fail.
        let _ = writeln!(self.line, "{{\"jsonrpc\":\"2.0\",{fields}}}");
    }
}

fn read_answer<T>(line: &[u8], call: u64, read: fn(Raw<'_>) -> Option<T>) -> Result<T, CallError> {
    let unanswered = |why: &str| CallError::Unanswered(why.to_owned());
    if line.is_empty() {
        return Err(unanswered("the host did not answer"));
    }
    let answer: Option<Answer<'_>> =
        std::str::from_utf8(line).ok().and_then(|text| json::from_str(text).ok());
    let Some(Answer { result, error, .. }) = answer.filter(|answer| answer.id.number() == Some(call)) else {
        return Err(unanswered("the host answered something else"));
    };
    if error.is_given() {
        let Fault { message } = error.read();
        return Err(CallError::Refused(message.cow().unwrap_or_default().into_owned()));
    }
    read(result).ok_or_else(|| unanswered("the host's answer cannot be read"))
}

/// How a process ended, and its output as a list of numbers.
fn read_output(result: Raw<'_>) -> Option<Output> {
    let Done { success, stdout } = result.read();
    let success = match success.json() {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    let stdout: Option<Vec<u8>> = stdout.iter().map(|byte| u8::try_from(byte.number()?).ok()).collect();
    Some(Output { success, stdout: stdout? })
}

fn quoted_list(texts: &[&str]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(",")
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

        /// The same, to be changed.
        pub fn host_mut(&mut self) -> &mut H {
            &mut self.host
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
        Id(json.to_owned())
    }

    #[test]
    fn lines_are_read_as_requests_notifications_or_refused() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":[1]}}"#, "request 7 m {\"a\":[1]}"),
            (r#"{"id":"x1","method":"m"}"#, "request \"x1\" m "),
            (r#"{"id":-0.5,"method":"a\/b","params":[]}"#, "request -0.5 a/b []"),
            (r#"{"method":"m","params":{"b":"\u00e9"}}"#, r#"notification m {"b":"\u00e9"}"#),
            (r#"{"id":null,"method":"m"}"#, "notification m "),
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
                    format!("request {} {method} {}", id.0, params.json())
                }
                Ok(Message::Notification { method, params }) => {
                    format!("notification {method} {}", params.json())
                }
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
        rpc.reply_ok(&id("7"), &serde_json::json!(["a\nb"]));
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
    fn a_process_gives_its_output_or_says_why_not() {
        let output = |success, stdout: &str| Ok(Output { success, stdout: stdout.into() });
        let refused = |words: &str| Err(CallError::Refused(words.to_owned()));
        let unanswered = Err(CallError::Unanswered(String::new()));
        let cases = [
            (r#"{"id":1,"result":{"success":true,"stdout":[104,105]}}"#, output(true, "hi")),
            (r#"{"id":1,"result":{"success":false,"stderr":null}}"#, output(false, "")),
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
