//! The plugin server protocol: what Lapce does with a message of a volt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::bail;
use lsp_types::RegistrationParams;
use psp_types::{
    ExecuteProcess, ExecuteProcessParams, ExecuteProcessResult, Notification as _, RegisterDebuggerType,
    RegisterDebuggerTypeParams, Request as _, SendLspNotification, SendLspRequest, SendLspRequestParams,
    StartLspServer, StartLspServerParams, StartLspServerResult,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::editor::Config;
use crate::evidence::{Executed, Heard};
use crate::process::Environment;
use crate::window::Window;

/// A message as Lapce reads it (`JsonRpc` of the crate jsonrpc-lite). Its parts tell which kind it is.
#[derive(Deserialize)]
struct Rpc {
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
#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// Takes one message of the volt; the line to be put in its standard input when it was a request. Of a volt that is
/// not `connected` any more nothing but answers is taken, and its requests get no reply.
pub(crate) fn hear(
    window: &Window,
    environment: &Environment,
    connected: &AtomicBool,
    message: &str,
) -> Option<String> {
    let line = message.to_owned();
    window.with(|state| state.evidence.heard.push(Heard { line, at: Instant::now() }));
    let fault = |why: &str| window.with(|state| state.evidence.faults.push(format!("{why}: {message}")));

    let rpc: Rpc = match serde_json::from_str(message) {
        Ok(rpc) => rpc,
        Err(error) => {
            fault(&error.to_string());
            return None;
        }
    };
    if rpc.jsonrpc != "2.0" {
        fault("not JSON-RPC 2.0");
        return None;
    }
    match (rpc.method, rpc.id, rpc.params) {
        (Some(_), _, None) => fault("Lapce panics on a message without params"),
        (Some(_), _, Some(params)) if !params.is_object() && !params.is_array() => {
            fault("params are neither an object nor an array");
        }
        (Some(_), Some(_), _) if !connected.load(Ordering::Relaxed) => window.wait_for_the_end(),
        (Some(method), Some(id), Some(params)) => {
            let answer = match request(window, environment, &method, params) {
                Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                Err(error) => {
                    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 0, "message": error.to_string() } })
                }
            };
            return Some(answer.to_string());
        }
        (Some(method), None, Some(params)) => window.with(|state| {
            if method == "experimental/serverStatus" {
                state.evidence.server_statuses.push(Instant::now());
            }
            if !connected.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = state.editor.notified(&method, params) {
                state.evidence.faults.push(format!("{method}: {error}"));
            }
        }),
        (None, Some(id), _) => {
            let result = match (rpc.result, rpc.error) {
                (Some(result), _) => Ok(result),
                (None, Some(RpcError { code, message })) => Err(json!({ "code": code, "message": message })),
                (None, None) => {
                    fault("neither result nor error");
                    return None;
                }
            };
            let Some(id) = id.as_u64() else {
                fault("no request has such an id");
                return None;
            };
            window.with(|state| {
                *state.evidence.answers.entry(id).or_default() += 1;
                state.editor.answer(id, result);
            });
        }
        (None, None, _) => fault("neither method nor id"),
    }
    None
}

fn request(window: &Window, environment: &Environment, method: &str, params: Value) -> anyhow::Result<Value> {
    match method {
        "window/workDoneProgress/create" => Ok(Value::Null),
        "client/registerCapability" => {
            // Lapce itself registers nothing but `didSave` this way, for documents outside the filter.
            serde_json::from_value::<RegistrationParams>(params)?;
            Ok(Value::Null)
        }
        ExecuteProcess::METHOD => {
            let ExecuteProcessParams { program, args } = serde_json::from_value(params)?;
            let at = Instant::now();
            let output = environment.run(&program, &args);
            let argv = [program].into_iter().chain(args).collect();
            let executed = Executed { argv, at, took: at.elapsed() };
            window.with(|state| state.evidence.executed.push(executed));
            let output = output?;
            Ok(serde_json::to_value(ExecuteProcessResult {
                success: output.status.success(),
                stdout: Some(output.stdout),
                stderr: Some(output.stderr),
            })?)
        }
        RegisterDebuggerType::METHOD => {
            serde_json::from_value::<RegisterDebuggerTypeParams>(params)?;
            Ok(Value::Null)
        }
        StartLspServer::METHOD => {
            // No language server is started; the volt is told that one was.
            serde_json::from_value::<StartLspServerParams>(params)?;
            Ok(serde_json::to_value(StartLspServerResult { id: 1 })?)
        }
        SendLspNotification::METHOD | SendLspRequest::METHOD => {
            serde_json::from_value::<SendLspRequestParams>(params)?;
            bail!("lsp not found, it may have exited")
        }
        _ => bail!("request not supported"),
    }
}

/// The parameters of `initialize`: the settings with their dotted keys made into tables, the folder that is open,
/// and what Lapce 0.4.6 says it can do.
pub(crate) fn initialize_params(config: &Config, settings: &[(String, Value)]) -> Value {
    let root = config.workspace.as_ref().and_then(|path| lsp_types::Url::from_directory_path(path).ok());
    let mut params = json!({
        "processId": std::process::id(),
        "rootUri": root,
        "capabilities": client_capabilities(),
    });
    if !settings.is_empty() {
        params["initializationOptions"] = unflatten(settings);
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
