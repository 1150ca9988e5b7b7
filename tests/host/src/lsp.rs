//! Language servers that a volt starts, as Lapce's `lsp.rs` runs them: the process, the framing of its standard input
//! and output, what it may say, and its end.
//!
//! Four threads serve one server, as in Lapce. One writes its standard input, one reads its standard output, one its
//! standard error, and the main loop deals with what it says in order. What matters to a server is when its standard
//! input ends: once nobody can write to it any more. The reader is one of those who can, so a process that outlives
//! its server and keeps its standard output open keeps the standard input open, too, until Lapce itself ends.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use lsp_types::InitializeResult;
use psp_types::StartLspServerParams;
use serde::Serialize;
use serde_json::{Value, json};

use crate::editor::Selector;
use crate::evidence::LanguageServer;
use crate::psp::{self, Plugin, Reply, Rpc, RpcError};

/// The longest that closing a server waits for its process to be killed and reaped.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// What a server has answered.
type Response = Result<Value, RpcError>;

/// A language server: what the plugin catalog of Lapce knows of it. Clones lead to the same one.
#[derive(Clone)]
pub(crate) struct Server {
    id: u64,
    /// Whoever holds one of these can write to the server.
    input: Sender<String>,
    pending: Arc<Mutex<Pending>>,
    next_request: Arc<AtomicU64>,
    events: Sender<Event>,
}

#[derive(Default)]
struct Pending {
    responses: HashMap<u64, Sender<Response>>,
    /// No response will come any more.
    over: bool,
}

/// Work for a server's main loop.
enum Event {
    Notification { method: String, params: Value },
    Request { id: Value, method: String, params: Value },
    Kill(Sender<()>),
}

/// What Lapce's end does to a server, whoever still holds a sender: its standard input closes, and nobody waits for it
/// any more.
#[derive(Clone)]
pub(crate) struct Lifeline {
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    pending: Arc<Mutex<Pending>>,
}

impl Lifeline {
    /// Cuts it.
    pub fn cut(&self) {
        Pending::give_up(&self.pending);
        match self.stdin.try_lock() {
            Ok(mut stdin) => drop(stdin.take()),
            Err(TryLockError::Poisoned(stdin)) => drop(stdin.into_inner().take()),
            // A server that does not read: its end ends the write.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn write(&self, message: &str) {
        if let Some(stdin) = lock(&self.stdin).as_mut() {
            // Lapce, too, only logs what goes wrong here.
            let _ = write!(stdin, "Content-Length: {}\r\n\r\n{message}", message.len());
            let _ = stdin.flush();
        }
    }
}

impl Pending {
    /// Ends every wait for a response.
    fn give_up(pending: &Mutex<Pending>) {
        let mut pending = lock(pending);
        pending.over = true;
        pending.responses.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A message as Lapce writes it.
#[derive(Serialize)]
struct Line<'a> {
    jsonrpc: &'static str,
    method: &'a str,
    params: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

fn line(method: &str, params: &Value, id: Option<u64>) -> String {
    // A map with string keys always serialises.
    serde_json::to_string(&Line { jsonrpc: "2.0", method, params, id }).unwrap_or_default()
}

/// Starts a server and its `initialize`. The receiver hears of its answer; it hears the end of the channel when Lapce
/// would never tell the volt anything.
///
/// # Errors
/// Why there is no process. Lapce logs this, and the volt waits for ever.
pub(crate) fn start(
    plugin: &Arc<Plugin>,
    id: u64,
    params: StartLspServerParams,
) -> anyhow::Result<Receiver<()>> {
    let StartLspServerParams { server_uri, server_args, document_selector, options } = params;
    let program = match server_uri.scheme() {
        "file" => {
            let path = server_uri.to_file_path().map_err(|()| anyhow!("{server_uri} is no path"))?;
            #[cfg(unix)]
            let _ = plugin.environment.run("chmod", &["+x".to_owned(), path.display().to_string()]);
            path.to_str().context("a path that is not UTF-8")?.to_owned()
        }
        "urn" => server_uri.path().to_owned(),
        _ => bail!("uri not supported"),
    };
    let mut child = spawn(plugin, &program, &server_args)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { bail!("no pipes") };
    let process = child.id();
    let argv = [program].into_iter().chain(server_args).collect();
    let lifeline = Lifeline { stdin: Arc::new(Mutex::new(Some(stdin))), pending: Arc::default() };
    plugin.window.with(|state| {
        state.evidence.language_servers.push(LanguageServer::new(id, process, argv));
        state.lifelines.push(lifeline.clone());
    });

    let (lines, to_write) = channel::<String>();
    let (events, happening) = channel();
    let pending = lifeline.pending.clone();
    let server = Server { id, input: lines, pending, next_request: Arc::default(), events };
    thread::Builder::new().name("lsp-write".to_owned()).spawn({
        let window = plugin.window.clone();
        move || {
            for message in to_write {
                lifeline.write(&message);
                window
                    .with(|state| state.evidence.language_server(id, |server| server.written.push(message)));
            }
            lifeline.cut();
        }
    })?;
    thread::Builder::new().name("lsp-read".to_owned()).spawn({
        let (plugin, server) = (plugin.clone(), server.clone());
        move || server.read(&plugin, BufReader::new(stdout))
    })?;
    thread::Builder::new().name("lsp-stderr".to_owned()).spawn({
        let window = plugin.window.clone();
        move || {
            // Lapce stops reading at what is not UTF-8.
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                window.with(|state| state.editor.log("server", line.trim_end().to_owned()));
            }
        }
    })?;
    let (loaded, answered) = channel();
    let initialize = psp::server_params(&plugin.config, options);
    let selector = Selector::of_server(&document_selector);
    thread::Builder::new().name("lsp".to_owned()).spawn({
        let plugin = plugin.clone();
        move || server.main_loop(&plugin, child, &happening, initialize, selector, loaded)
    })?;
    Ok(answered)
}

fn spawn(plugin: &Plugin, program: &str, args: &[String]) -> anyhow::Result<Child> {
    let mut command = plugin.environment.command(program, args);
    // Lapce's workspace is a folder; one that a test only names need not exist.
    let workspace = plugin.config.workspace.as_ref().filter(|folder| folder.is_dir());
    workspace.map(|folder: &PathBuf| command.current_dir(folder));
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().with_context(|| program.to_owned())
}

impl Server {
    /// Sends a request. The receiver hears the end of the channel when no response can come any more, which Lapce does
    /// not notice.
    pub fn request(&self, method: &str, params: &Value) -> Receiver<Response> {
        let (respond, response) = channel();
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let mut pending = lock(&self.pending);
        if !pending.over {
            pending.responses.insert(id, respond);
        }
        drop(pending);
        self.write(line(method, params, Some(id)));
        response
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: &Value) {
        self.write(line(method, params, None));
    }

    /// Kills the server's process as Lapce does when the volt is removed or reloaded, or Lapce closes.
    pub fn kill(self) {
        let (done, killed) = channel();
        if self.events.send(Event::Kill(done)).is_ok() {
            // Not done in time: its main loop waits for `initialize`, as it would in Lapce.
            let _ = killed.recv_timeout(KILL_LIMIT);
        }
    }

    fn write(&self, message: String) {
        // The writer ends only after its last sender.
        let _ = self.input.send(message);
    }

    /// Reads what the server says until it ends or writes what is no message.
    fn read(self, plugin: &Plugin, mut stdout: impl BufRead) {
        let fault = |why: &str| plugin.window.with(|state| state.evidence.faults.push(why.to_owned()));
        let error = loop {
            let message = match read_message(&mut stdout) {
                Ok(message) => message,
                Err(error) => break error,
            };
            let rpc = psp::parse(&message);
            plugin.window.with(|state| {
                state.evidence.language_server(self.id, |server| server.heard.push(message.clone()));
            });
            match rpc {
                Ok(Rpc::Request { id, method, params }) => self.tell(Event::Request { id, method, params }),
                Ok(Rpc::Notification { method, params }) => self.tell(Event::Notification { method, params }),
                Ok(Rpc::Response { id, result }) => {
                    let waiting = id.as_u64().and_then(|id| lock(&self.pending).responses.remove(&id));
                    if let Some(waiting) = waiting {
                        // Who waited may have given up.
                        let _ = waiting.send(result);
                    }
                }
                Err(why) => fault(&format!("a language server's message: {why}: {message}")),
            }
        };
        Pending::give_up(&self.pending);
        plugin.window.with(|state| {
            state.editor.log("host", format!("a language server stopped: {error:#}"));
            state.evidence.language_server(self.id, |server| server.stopped = Some(Instant::now()));
        });
    }

    fn tell(&self, event: Event) {
        // A server that was killed is not listened to.
        let _ = self.events.send(event);
    }

    /// Initializes the server and deals with what it says, until it is killed.
    fn main_loop(
        self,
        plugin: &Arc<Plugin>,
        mut child: Child,
        events: &Receiver<Event>,
        initialize: Value,
        selector: Selector,
        loaded: Sender<()>,
    ) {
        match self.request("initialize", &initialize).recv() {
            Ok(Ok(result)) => {
                let Ok(result) = serde_json::from_value::<InitializeResult>(result) else {
                    let why = "Lapce panics on a language server's result of initialize that it cannot read";
                    return plugin.window.with(|state| state.evidence.faults.push(why.to_owned()));
                };
                self.notify("initialized", &json!({}));
                plugin.window.with(|state| {
                    state.editor.server_loaded(self.id, result.capabilities, selector);
                    state.servers.insert(self.id, self.clone());
                    state
                        .evidence
                        .language_server(self.id, |server| server.initialized = Some(Instant::now()));
                });
                // Nobody waits any more: Lapce is being closed.
                let _ = loaded.send(());
            }
            Ok(Err(error)) => plugin.window.with(|state| state.editor.log("host", error.message)),
            Err(_) => return,
        }
        drop(loaded);
        for event in events {
            match event {
                Event::Notification { method, params } => {
                    plugin.window.with(|state| state.notified_by_server(self.id, &method, params));
                }
                Event::Request { id, method, params } => match psp::request(plugin, &method, params) {
                    Reply::Result(result) => {
                        self.write(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
                    }
                    Reply::Error(error) => self.write(error.answer(&id)),
                    Reply::Never(why) => plugin.window.with(|state| state.evidence.faults.push(why)),
                },
                Event::Kill(done) => {
                    // It may have ended by itself.
                    let _ = child.kill();
                    let _ = child.wait();
                    Pending::give_up(&self.pending);
                    drop(self);
                    // Who wanted it may wait no longer.
                    let _ = done.send(());
                    return;
                }
            }
        }
    }
}

/// Reads one message, with Lapce's strictness: one space after the colon, no other headers.
fn read_message(reader: &mut impl BufRead) -> anyhow::Result<String> {
    let mut length = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ").context("Malformed")?;
        match name.trim().to_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<usize>()?),
            "content-type" => {}
            _ => bail!("Unknown parse error occurred"),
        }
    }
    let length = length.context("missing content-length header")?;
    let mut body = Vec::new();
    reader.take(length as u64).read_to_end(&mut body)?;
    ensure!(body.len() == length, "the message is cut off");
    Ok(String::from_utf8(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed_as_strictly_as_lapce_reads_them() {
        for (bytes, message) in [
            ("Content-Length: 2\r\n\r\n{}", Some("{}")),
            ("content-length: 3\nContent-Type: x\n\n\"é", Some("\"é")),
            ("Content-Length:2\r\n\r\n{}", None),
            ("Content-Length: 3\r\n\r\n{}", None),
            ("Content-Length: x\r\n\r\n{}", None),
            ("X: y\r\nContent-Length: 2\r\n\r\n{}", None),
            ("\r\nContent-Length: 2\r\n\r\n{}", None),
            ("", None),
        ] {
            let read = read_message(&mut bytes.as_bytes()).ok();
            assert_eq!(read.as_deref(), message, "{bytes:?}");
        }
    }
}
