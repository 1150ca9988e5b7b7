//! The plugin server protocol: what Lapce does with a message of a volt.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lsp_types::RegistrationParams;
use psp_types::{
    ExecuteProcess, ExecuteProcessParams, ExecuteProcessResult, Notification as _, RegisterDebuggerType,
    RegisterDebuggerTypeParams, Request as _, SendLspNotification, SendLspNotificationParams, SendLspRequest,
    SendLspRequestParams, SendLspRequestResult, StartLspServer, StartLspServerParams, StartLspServerResult,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::editor::Config;
use crate::evidence::{Executed, Heard};
use crate::lsp;
use crate::process::Environment;
use crate::window::Window;

/// How long a volt waits for a language server before the wait is written down as one without end. Lapce itself has no
/// limit.
const SERVER_LIMIT: Duration = Duration::from_secs(60);

/// One instance of a volt, as Lapce sees it from outside its thread.
pub(crate) struct Plugin {
    pub window: Arc<Window>,
    pub environment: Environment,
    pub config: Config,
    connected: AtomicBool,
    /// The language servers it has started, whatever became of them.
    started: Mutex<HashSet<u64>>,
}

impl Plugin {
    pub fn new(window: Arc<Window>, environment: Environment, config: Config) -> Plugin {
        Plugin { window, environment, config, connected: AtomicBool::new(true), started: Mutex::default() }
    }

    /// Stops listening to it. Its language servers are killed.
    pub fn disconnect(&self) {
        self.connected.store(false, Ordering::Relaxed);
        self.kill_servers();
    }

    /// Kills its language servers: those that have answered `initialize`, Lapce knows no other.
    pub fn kill_servers(&self) {
        let servers = self.window.with(|state| state.servers.drain().collect::<Vec<_>>());
        for (_, server) in servers {
            server.kill();
        }
    }

    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }
}

/// A message by its kind.
pub(crate) enum Rpc {
    Request { id: Value, method: String, params: Value },
    Notification { method: String, params: Value },
    Response { id: Value, result: Result<Value, RpcError> },
}

/// A message as Lapce reads it (`JsonRpc` of the crate jsonrpc-lite). Its parts tell which kind it is.
#[derive(Deserialize)]
struct Parts {
    jsonrpc: String,
    id: Option<Value>,
    method: Option<String>,
    params: Option<Value>,
    // `"result": null` is a result, too.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<RpcError>,
}

/// An error answer; one without code or message answers nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct RpcError {
    code: i64,
    pub message: String,
}

impl RpcError {
    fn new(message: impl ToString) -> RpcError {
        RpcError { code: 0, message: message.to_string() }
    }

    /// The whole answer to the request of this id.
    pub fn answer(&self, id: &Value) -> String {
        let error = json!({ "code": self.code, "message": self.message });
        json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
    }
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// Reads a message of a volt or a language server; the error says why Lapce cannot, or panics on it.
pub(crate) fn parse(message: &str) -> Result<Rpc, String> {
    let parts: Parts = serde_json::from_str(message).map_err(|error| error.to_string())?;
    if parts.jsonrpc != "2.0" {
        return Err("not JSON-RPC 2.0".to_owned());
    }
    match (parts.method, parts.id, parts.params) {
        (Some(_), _, None) => Err("Lapce panics on a message without params".to_owned()),
        (Some(_), _, Some(params)) if !params.is_object() && !params.is_array() => {
            Err("params are neither an object nor an array".to_owned())
        }
        (Some(method), Some(id), Some(params)) => Ok(Rpc::Request { id, method, params }),
        (Some(method), None, Some(params)) => Ok(Rpc::Notification { method, params }),
        (None, Some(id), _) => match (parts.result, parts.error) {
            (Some(result), _) => Ok(Rpc::Response { id, result: Ok(result) }),
            (None, Some(error)) => Ok(Rpc::Response { id, result: Err(error) }),
            (None, None) => Err("neither result nor error".to_owned()),
        },
        (None, None, _) => Err("neither method nor id".to_owned()),
    }
}

/// What becomes of the volt's thread once Lapce has taken a message.
pub(crate) enum Then {
    /// It goes on.
    Continue,
    /// It goes on with this line in its standard input.
    Answer(String),
    /// It has panicked, or waited until Lapce was closed.
    End,
}

/// What Lapce does with a request.
pub(crate) enum Reply {
    Result(Value),
    Error(RpcError),
    /// It never answers, for this reason.
    Never(String),
}

/// Takes one message of the volt. Of a volt that is not connected any more nothing but answers is taken, and its
/// requests get no reply.
pub(crate) fn hear(plugin: &Arc<Plugin>, message: &str) -> Then {
    let window = &plugin.window;
    let line = message.to_owned();
    window.with(|state| state.evidence.heard.push(Heard { line, at: Instant::now() }));
    let fault = |why: &str| window.with(|state| state.evidence.faults.push(format!("{why}: {message}")));
    match parse(message) {
        Err(why) => fault(&why),
        Ok(Rpc::Request { .. }) if !plugin.is_connected() => {
            window.wait_for_the_end();
            return Then::End;
        }
        Ok(Rpc::Request { id, method, params }) => match request(plugin, &method, params) {
            Reply::Result(result) => {
                return Then::Answer(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
            }
            Reply::Error(error) => return Then::Answer(error.answer(&id)),
            // All others wait only because Lapce keeps the means to answer them.
            Reply::Never(why) if method == SendLspNotification::METHOD => {
                fault(&why);
                return Then::End;
            }
            Reply::Never(why) => {
                if !window.look(|state| state.closed) {
                    fault(&why);
                    window.wait_for_the_end();
                }
                return Then::End;
            }
        },
        Ok(Rpc::Notification { method, params }) => {
            window.with(|state| state.notified(&method, params, plugin.is_connected()));
        }
        Ok(Rpc::Response { id, result }) => {
            let Some(id) = id.as_u64() else {
                fault("no request has such an id");
                return Then::Continue;
            };
            let result =
                result.map_err(|RpcError { code, message }| json!({ "code": code, "message": message }));
            window.with(|state| state.answered(id, result));
        }
    }
    Then::Continue
}

/// Does what a volt or a language server of its requests.
pub(crate) fn request(plugin: &Arc<Plugin>, method: &str, params: Value) -> Reply {
    match method {
        "window/workDoneProgress/create" => Reply::Result(Value::Null),
        // Lapce itself registers nothing but `didSave` this way, for documents outside the filter.
        "client/registerCapability" => with(params, |_: RegistrationParams| Reply::Result(Value::Null)),
        ExecuteProcess::METHOD => with(params, |params| execute(plugin, params)),
        RegisterDebuggerType::METHOD => {
            with(params, |_: RegisterDebuggerTypeParams| Reply::Result(Value::Null))
        }
        StartLspServer::METHOD => with(params, |params| start_server(plugin, params)),
        SendLspNotification::METHOD => with(params, |params| notify_server(plugin, &params)),
        SendLspRequest::METHOD => with(params, |params| ask_server(plugin, &params)),
        _ => Reply::Error(RpcError::new("request not supported")),
    }
}

fn with<T: DeserializeOwned>(params: Value, then: impl FnOnce(T) -> Reply) -> Reply {
    serde_json::from_value(params).map_or_else(|error| Reply::Error(RpcError::new(error)), then)
}

fn execute(plugin: &Plugin, ExecuteProcessParams { program, args }: ExecuteProcessParams) -> Reply {
    let at = Instant::now();
    let output = plugin.environment.run(&program, &args);
    let argv = [program].into_iter().chain(args).collect();
    let executed = Executed { argv, at, took: at.elapsed() };
    plugin.window.with(|state| state.evidence.executed.push(executed));
    match output {
        Ok(output) => result(ExecuteProcessResult {
            success: output.status.success(),
            stdout: Some(output.stdout),
            stderr: Some(output.stderr),
        }),
        Err(error) => Reply::Error(RpcError::new(error)),
    }
}

fn result(result: impl serde::Serialize) -> Reply {
    serde_json::to_value(result).map_or_else(|error| Reply::Error(RpcError::new(error)), Reply::Result)
}

/// Lapce answers only when the server has answered `initialize` with a result; whatever goes wrong before leaves the
/// volt waiting (`SpawnedLspInfo` in its `psp.rs` keeps the means to answer for ever).
fn start_server(plugin: &Arc<Plugin>, params: StartLspServerParams) -> Reply {
    let id = plugin.window.with(|state| {
        state.next_server += 1;
        state.next_server
    });
    plugin.started.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    let reason = match lsp::start(plugin, id, params).map(|loaded| receive(&loaded)) {
        Ok(Ok(())) => return result(StartLspServerResult { id }),
        Ok(Err(reason)) => reason,
        Err(error) => format!("the language server cannot be started, {error:#}"),
    };
    Reply::Never(format!("Lapce never answers host/startLspServer: {reason}"))
}

/// Lapce sends the notification but no answer, and its thread for the volt panics.
fn notify_server(plugin: &Plugin, params: &SendLspNotificationParams) -> Reply {
    if !plugin.started.lock().unwrap_or_else(PoisonError::into_inner).contains(&params.id) {
        return Reply::Error(RpcError::new(NO_SERVER));
    }
    plugin.window.with(|state| {
        if let Some(server) = state.servers.get(&params.id) {
            server.notify(&params.method, &params.params);
        }
    });
    Reply::Never("Lapce's thread for the volt panics on host/sendLspNotification as a request".to_owned())
}

fn ask_server(plugin: &Plugin, params: &SendLspRequestParams) -> Reply {
    if !plugin.started.lock().unwrap_or_else(PoisonError::into_inner).contains(&params.id) {
        return Reply::Error(RpcError::new(NO_SERVER));
    }
    let Some(server) = plugin.window.with(|state| state.servers.get(&params.id).cloned()) else {
        return Reply::Error(RpcError::new("plugin doesn't exist"));
    };
    let response = server.request(&params.method, &params.params);
    // What is held here could write to the server while the volt waits.
    drop(server);
    match receive(&response) {
        Ok(Ok(response)) => result(SendLspRequestResult { result: response }),
        Ok(Err(error)) => Reply::Error(error),
        Err(reason) => Reply::Never(format!("Lapce never answers host/sendLspRequest: {reason}")),
    }
}

const NO_SERVER: &str = "lsp not found, it may have exited";

fn receive<T>(receiver: &Receiver<T>) -> Result<T, String> {
    receiver.recv_timeout(SERVER_LIMIT).map_err(|error| match error {
        RecvTimeoutError::Disconnected => "the language server has not answered and will not".to_owned(),
        RecvTimeoutError::Timeout => format!("no answer of the language server for {SERVER_LIMIT:?}"),
    })
}

/// The parameters of `initialize` for a language server.
pub(crate) fn server_params(config: &Config, options: Option<Value>) -> Value {
    let mut params = client_params(config);
    if let Some(options) = options {
        params["initializationOptions"] = options;
    }
    params["trace"] = "verbose".into();
    params["clientInfo"] = json!({ "name": "Lapce-Stable", "version": "0.4.6" });
    params
}

/// The parameters of `initialize`: the settings with their dotted keys made into tables, the folder that is open,
/// and what Lapce 0.4.6 says it can do.
pub(crate) fn initialize_params(config: &Config, settings: &[(String, Value)]) -> Value {
    let mut params = client_params(config);
    if !settings.is_empty() {
        params["initializationOptions"] = unflatten(settings);
    }
    params
}

/// What Lapce tells a volt and a language server alike.
fn client_params(config: &Config) -> Value {
    let root = config.workspace.as_ref().and_then(|path| lsp_types::Url::from_directory_path(path).ok());
    let mut params = json!({
        "processId": std::process::id(),
        "rootUri": root,
        "capabilities": client_capabilities(),
    });
    if !config.wakes {
        params["capabilities"]["experimental"] = Value::Null;
    }
    if let Some(root) = root {
        params["workspaceFolders"] = json!([{ "uri": root, "name": root.as_str() }]);
    }
    params
}

pub(crate) fn unflatten(settings: &[(String, Value)]) -> Value {
    let mut tables = json!({});
    for (key, value) in settings {
        let mut table = &mut tables;
        for part in key.split('.') {
            if !table.is_object() {
                *table = json!({});
            }
            table = &mut table[part];
        }
        *table = value.clone();
    }
    tables
}

fn client_capabilities() -> Value {
    let action_kinds = [
        "",
        "quickfix",
        "refactor",
        "refactor.extract",
        "refactor.inline",
        "refactor.rewrite",
        "source",
        "source.organizeImports",
        "quickassist",
        "source.fixAll",
    ];
    json!({
        "workspace": { "symbol": {}, "configuration": false, "workspaceFolders": true },
        "textDocument": {
            "synchronization": { "didSave": true, "dynamicRegistration": true },
            "completion": { "completionItem": {
                "snippetSupport": true,
                "resolveSupport": { "properties": ["additionalTextEdits"] },
            }},
            "signatureHelp": { "signatureInformation": {
                "documentationFormat": ["markdown", "plaintext"],
                "parameterInformation": { "labelOffsetSupport": true },
                "activeParameterSupport": true,
            }},
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "inlayHint": {},
            "codeAction": {
                "dataSupport": true,
                "resolveSupport": { "properties": ["edit"] },
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": action_kinds } },
            },
            "semanticTokens": { "requests": {}, "tokenTypes": [], "tokenModifiers": [], "formats": [] },
            "typeDefinition": { "linkSupport": false },
            "definition": {},
            "publishDiagnostics": {},
            "inlineCompletion": {},
            "callHierarchy": { "dynamicRegistration": true },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "foldingRange": { "dynamicRegistration": false, "lineFoldingOnly": false },
        },
        "window": {
            "workDoneProgress": true,
            "showMessage": { "messageActionItem": { "additionalPropertiesSupport": true } },
        },
        "experimental": {
            "serverStatusNotification": true,
            "commands": { "commands": ["rust-analyzer.runSingle", "rust-analyzer.debugSingle"] },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_settings_become_tables() {
        let settings = |pairs: &[(&str, Value)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Vec<_>>()
        };
        let cases = [
            (settings(&[("a", json!(1))]), json!({ "a": 1 })),
            (settings(&[("a.b", json!(1)), ("a.c", json!("x"))]), json!({ "a": { "b": 1, "c": "x" } })),
            (settings(&[("a", json!(1)), ("a.b", json!(2))]), json!({ "a": { "b": 2 } })),
        ];
        for (flat, tables) in cases {
            assert_eq!(unflatten(&flat), tables);
        }
    }

    #[test]
    fn without_settings_and_folder_lapce_sends_neither() {
        let params = initialize_params(&Config { workspace: None, ..Config::default() }, &[]);
        assert_eq!(params["rootUri"], Value::Null);
        assert_eq!(params.get("workspaceFolders"), None);
        assert_eq!(params.get("initializationOptions"), None);
        let capabilities: Result<lsp_types::ClientCapabilities, _> =
            serde_json::from_value(params["capabilities"].clone());
        assert!(capabilities.is_ok(), "{capabilities:?}");
    }
}
