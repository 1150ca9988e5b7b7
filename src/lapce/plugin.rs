//! The driver: the host's messages become the engine's inputs, the engine's effects are carried out.

use std::mem;
use std::time::Duration;

use super::documents::{Change, Documents, OpenedDocument, path_of, read_position};
use super::lane::Lane;
use super::rpc::{self, Host, Id, Message, Rpc};
use super::status::{Severity, Voice};
use crate::completion::consent::Consent;
use crate::completion::{self, Answer, Effect, Engine, Input, RequestId, Status, Why};
use crate::config::{Credentials, Destination, KeySource, Settings, is_in_secret_folder};
use crate::provider::{self, Account, Error, Provider};
use crate::sse::json::{Raw, object};
use crate::stream::ErrorKind;
use crate::transport::{self, Happening, Transport};
use lsp_types::Position;

/// A message that comes so long after the last one was done with found nothing queued before it.
const IDLE: Duration = Duration::from_millis(1);
/// The messages of one key come in a row; so long after the first of them no further key can have
/// come, as keys are farther apart.
const SAME_KEY: Duration = Duration::from_millis(5);
/// Bytes of an answer read at a time, at most.
const READ_BYTES: usize = 16 << 10;

/// What there is outside of the plugin, besides the host.
pub trait Surroundings {
    /// How requests leave.
    type Transport: Transport;

    /// A way for requests to leave.
    fn transport(&self, options: &transport::Options) -> Self::Transport;

    /// A clock that never goes back.
    fn now(&self) -> Duration;

    /// Seconds since 1970-01-01 UTC.
    fn unix_time(&self) -> u64;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of [`TRUSTED_SERVERS`](crate::config::TRUSTED_SERVERS); empty when there is none.
    fn trusted_servers(&self) -> String;

    /// Adds a line to it; whether that worked.
    fn trust(&self, line: &str) -> bool;
}

/// The plugin in one editor window.
pub struct Plugin<H, S: Surroundings> {
    rpc: Rpc<H>,
    surroundings: S,
    voice: Voice,
    documents: Documents,
    /// `None` until the host has said `initialize`.
    core: Option<Core<S::Transport>>,
    /// Completion requests that were not answered yet.
    open: Vec<(RequestId, Id)>,
    requests: u64,
    /// When the last message was done with.
    returned: Duration,
    /// When a message last came that found nothing queued before it.
    caught_up: Duration,
}

/// What the settings decide.
struct Core<T> {
    engine: Engine,
    main: Lane<T>,
    ahead: Lane<T>,
    /// The provider's name in sentences.
    title: &'static str,
    /// Why nobody can be asked, if so.
    nobody: Option<Box<Error>>,
    /// Where requests go, if the user has yet to agree to it.
    unconfirmed: Option<Destination>,
    buffer: Vec<u8>,
    effects: Vec<Effect>,
}

object! {
    struct Initialize<'a> {
        initialization_options = "initializationOptions": Raw<'a>,
        root_uri = "rootUri": Raw<'a>,
    }
}

object! {
    struct Identifier<'a> {
        uri = "uri": Raw<'a>,
        version = "version": Raw<'a>,
    }
}

object! {
    struct DidOpen<'a> {
        text_document = "textDocument": Raw<'a>,
    }
}

object! {
    /// A message about one document; which of the other fields it has depends on the method.
    struct About<'a> {
        text_document = "textDocument": Identifier<'a>,
        content_changes = "contentChanges": Raw<'a>,
        position = "position": Raw<'a>,
        context = "context": Context<'a>,
        text = "text": Raw<'a>,
    }
}

object! {
    struct Context<'a> {
        trigger_kind = "triggerKind": Raw<'a>,
    }
}

/// Larger files are not read from the disk: they come as a number for each byte.
const RECOVERED_BYTES: usize = 128 << 10;

/// LSP's `InlineCompletionTriggerKind::Invoked` as Lapce sends it.
const INVOKED: u64 = 1;

/// What `initialize` is answered with.
const CAPABILITIES: &str = concat!(
    r#"{"capabilities":{"textDocumentSync":{"openClose":true,"change":2,"save":{"includeText":true}},"#,
    r#""inlineCompletionProvider":true,"codeLensProvider":{}}}"#,
);

impl<H: Host, S: Surroundings> Plugin<H, S> {
    /// A plugin that knows nothing yet.
    pub fn new(host: H, surroundings: S) -> Self {
        Self {
            rpc: Rpc::new(host),
            surroundings,
            voice: Voice::default(),
            documents: Documents::default(),
            core: None,
            open: Vec::new(),
            requests: 0,
            returned: Duration::ZERO,
            caught_up: Duration::ZERO,
        }
    }

    /// Handles one line of the host.
    pub fn handle(&mut self, line: &[u8]) {
        let now = self.surroundings.now();
        if now.saturating_sub(self.returned) >= IDLE {
            self.caught_up = now;
        }
        match rpc::parse(line) {
            Ok(Message::Request { id, method, params }) => self.request(id, &method, params),
            Ok(Message::Notification { method, params }) => self.notification(&method, params),
            Err(problem) => self.voice.log(&mut self.rpc, &problem),
        }
        self.returned = self.surroundings.now();
    }

    fn request(&mut self, id: Id, method: &str, params: Raw<'_>) {
        match method {
            "initialize" => self.initialize(&id, params),
            "textDocument/inlineCompletion" => self.inline_completion(id, params),
            "textDocument/codeLens" => {
                // The first success among all plugins wins: an error leaves rust-analyzer's lenses alone.
                self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "no lenses here");
                if let Some(uri) = params.read::<About<'_>>().text_document.uri.cow() {
                    self.drive(Input::Woken { uri: &uri });
                }
            }
            _ => self.rpc.reply_err(&id, rpc::METHOD_NOT_FOUND, method),
        }
    }

    fn notification(&mut self, method: &str, params: Raw<'_>) {
        let done = match method {
            "textDocument/didOpen" => OpenedDocument::read(params.read::<DidOpen<'_>>().text_document)
                .map(|opened| self.documents.open(opened)),
            "textDocument/didChange" => self.did_change(&params.read()),
            "textDocument/didSave" => self.did_save(&params.read()),
            "textDocument/didClose" => {
                params.read::<About<'_>>().text_document.uri.cow().map(|uri| self.documents.close(&uri))
            }
            _ => Some(()),
        };
        if done.is_none() {
            self.voice.log(&mut self.rpc, &format!("{method} cannot be read"));
        }
    }

    fn initialize(&mut self, id: &Id, params: Raw<'_>) {
        let Initialize { initialization_options, root_uri } = params.read();
        self.rpc.reply_ok(id, &CAPABILITIES);

        let initialization_options = serde_json::from_str(initialization_options.json()).unwrap_or_default();
        let (settings, problems) = Settings::read(&initialization_options);
        if !problems.is_empty() {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            self.voice.pop_up(&mut self.rpc, Severity::Warning, &format!("Settings: {}", lines.join("\n")));
        }
        let root = root_uri.cow().map(|uri| path_of(&uri)).unwrap_or_default();
        self.begin(&settings, provider::find(&settings.provider), &root);
    }

    /// Starts with an engine for these settings.
    fn begin(&mut self, settings: &Settings, provider: Option<&'static dyn Provider>, root: &str) {
        self.voice.bar = settings.status;
        self.voice.keep_secret(settings.api_key.expose());
        for (_, value) in &settings.extra_headers {
            self.voice.keep_secret(value);
            // `Bearer …` may be told without its first word.
            self.voice.keep_secret(value.rsplit(' ').next().unwrap_or_default());
        }
        let unix_time = self.surroundings.unix_time();
        let variable = |name: &str| self.surroundings.variable(name);
        let credentials = match provider {
            Some(provider) => settings.credentials(provider, &variable, unix_time),
            None => Err(no_provider()),
        };
        let (asked, credentials, nobody) = match credentials {
            Ok(credentials) => (provider, credentials, None),
            Err(error) => {
                // Who named a provider wants to use it and is told at once; who did not, on alt+\.
                if provider.is_some() {
                    self.voice.failure(&mut self.rpc, &error);
                }
                let none = Credentials { account: Account::default(), source: KeySource::None };
                (None, none, Some(Box::new(error)))
            }
        };
        self.voice.keep_secret(credentials.account.api_key.expose());
        for (_, secret) in &credentials.account.secrets {
            self.voice.keep_secret(secret.expose());
        }

        let destination = asked.and_then(|provider| Destination::new(settings, provider, &credentials));
        let unconfirmed = destination.filter(|it| !it.is_in(&self.surroundings.trusted_servers()));
        let seed = unix_time ^ u64::from(self.surroundings.now().subsec_nanos());
        let mut options = settings.options(asked, credentials.account, root, seed);
        if let Some(destination) = &unconfirmed {
            options.consent = Consent::needed(destination.question());
            self.voice.pop_up(&mut self.rpc, Severity::Warning, &destination.explanation());
        }
        // In a workspace inside a folder of secrets the files keep their whole paths, or the globs would miss them.
        self.documents = Documents::new(if is_in_secret_folder(root) { "" } else { root });
        self.core = Some(Core {
            engine: Engine::new(options),
            main: Lane::new(self.surroundings.transport(&settings.network)),
            ahead: Lane::new(self.surroundings.transport(&settings.network)),
            title: provider.map_or("", |provider| provider.title()),
            nobody,
            unconfirmed,
            buffer: vec![0; READ_BYTES],
            effects: Vec::new(),
        });
    }

    /// Applies changes; `None` when the message cannot be read.
    fn did_change(&mut self, message: &About<'_>) -> Option<()> {
        let uri = message.text_document.uri.cow()?;
        let Some(changes) = Change::read_all(message.content_changes) else {
            // Out of step with the editor, everything would land in wrong places.
            self.documents.lose(&uri);
            return None;
        };
        if changes.iter().all(|change| change.range.is_some()) {
            self.recover(&uri, message.text_document.version.number());
        }
        changes.iter().for_each(|change| self.change(&uri, change));
        Some(())
    }

    fn change(&mut self, uri: &str, change: &Change) {
        let Some(document) = self.documents.edited(uri) else {
            if change.range.is_none() {
                self.documents.open_unannounced(uri, change.text.clone());
            }
            return;
        };
        let replaced = document.apply(change);
        // Taken out so that the edit can borrow from them while the engine gets the rest of `self`.
        let documents = mem::take(&mut self.documents);
        let text = documents.document(uri).map_or("", |document| document.text());
        self.drive_over(Input::Edited { uri, edit: replaced.edit(text) }, &documents);
        self.documents = documents;
    }

    /// What was saved is what the document is, whatever was missed before.
    fn did_save(&mut self, message: &About<'_>) -> Option<()> {
        let uri = message.text_document.uri.cow()?;
        // Lapce sends the text because it is asked to.
        let Some(text) = message.text.cow() else { return Some(()) };
        let document = self.documents.document(&uri);
        if document.is_none_or(|document| !document.too_big() && document.text() != text) {
            self.change(&uri, &Change { range: None, text: text.into_owned() });
        }
        Some(())
    }

    /// Makes up for a document that the editor has not told of. Lapce sends `didOpen` of the files that were open
    /// before the volt, but drops it where the answer to `initialize` is not there yet (its `PluginServerLoaded`
    /// does not wait for that), and never again. Until it is changed, such a document is what stands on the disk.
    ///
    /// `version` is that after the change at hand; without one there was none yet.
    fn recover(&mut self, uri: &str, version: Option<u64>) {
        if self.documents.document(uri).is_some() || self.documents.is_lost(uri) || self.core.is_none() {
            return;
        }
        // Lapce counts the versions of a file from 1, of an empty one from 0.
        let is_first = |text: &str| version.is_none_or(|version| version == 1 + u64::from(!text.is_empty()));
        match self.file(&path_of(uri)).filter(|text| is_first(text)) {
            Some(text) => self.documents.open_unannounced(uri, text),
            None => self.documents.lose(uri),
        }
    }

    /// What stands in a file, if that is a text of a size that can be read.
    fn file(&mut self, path: &str) -> Option<String> {
        // There is no such program, or its console would flash up.
        if self.surroundings.variable("VOLT_OS").is_some_and(|os| os == "windows") {
            return None;
        }
        let limit = (RECOVERED_BYTES + 1).to_string();
        let read = self.rpc.execute("head", &["-c", &limit, "--", path]).ok()?;
        let whole = read.success && read.stdout.len() <= RECOVERED_BYTES;
        whole.then(|| String::from_utf8(read.stdout).ok()).flatten()
    }

    fn inline_completion(&mut self, id: Id, params: Raw<'_>) {
        let About { text_document, position, context, .. } = params.read();
        let (Some(uri), Some(position)) = (text_document.uri.cow(), read_position(position)) else {
            return self.rpc.reply_err(&id, rpc::INVALID_PARAMS, "a document or a position is missing");
        };
        if self.core.is_none() {
            return self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "not initialized");
        }
        let invoked = context.trigger_kind.number() == Some(INVOKED);
        self.recover(&uri, None);
        let offset = self.documents.document(&uri).map_or(0, |document| document.offset(position));
        let fresh = self.fresh();
        self.requests += 1;
        let number = RequestId(self.requests);
        self.open.push((number, id));
        self.drive(Input::Requested { id: number, uri: &uri, offset, invoked, fresh });
    }

    /// Gives the engine an input, carries out what it says, and goes on with what comes of it.
    fn drive(&mut self, input: Input<'_>) {
        let documents = mem::take(&mut self.documents);
        self.drive_over(input, &documents);
        self.documents = documents;
    }

    fn drive_over(&mut self, input: Input<'_>, documents: &Documents) {
        // Taken out so that its parts and those of `self` can be used side by side.
        let Some(mut core) = self.core.take() else { return };
        let mut effects = mem::take(&mut core.effects);
        core.engine.set_unix_time(self.surroundings.unix_time());
        core.engine.handle(self.now_ms(), input, documents, &mut effects);
        while let Some((timeout_ms, bytes)) = self.carry_out(&mut core, &mut effects, documents) {
            let happening = core.main.wait(timeout_ms, {
                let room = bytes.min(core.buffer.len());
                core.buffer.get_mut(..room).unwrap_or_default()
            });
            let input = match &happening {
                Happening::Elapsed => Input::Elapsed,
                Happening::Head { status, headers } => Input::Head { status: *status, headers },
                Happening::Body(read) => Input::Body(core.buffer.get(..*read).unwrap_or_default()),
                Happening::End => Input::End,
                Happening::Failed(failure) => Input::Failed(failure),
            };
            core.engine.handle(self.now_ms(), input, documents, &mut effects);
        }
        core.effects = effects;
        self.core = Some(core);
    }

    /// Carries out effects in order; gives the milliseconds to wait and the bytes to
    /// read, if the last one says so.
    fn carry_out(
        &mut self,
        core: &mut Core<S::Transport>,
        effects: &mut Vec<Effect>,
        documents: &Documents,
    ) -> Option<(u64, usize)> {
        let mut wait = None;
        for effect in effects.drain(..) {
            match effect {
                Effect::Reply { id, answer } => self.reply(id, &answer, documents),
                Effect::Start { lane, request } => {
                    core.lane(lane).start(&request);
                    if let Some(obstacle) = core.lane(lane).obstacle() {
                        self.voice.no_streaming(&mut self.rpc, obstacle);
                    }
                }
                Effect::Cancel(lane) => core.lane(lane).cancel(),
                Effect::Promote => {
                    mem::swap(&mut core.main, &mut core.ahead);
                    core.ahead.cancel();
                }
                Effect::Fence => {
                    self.rpc.notify("experimental/serverStatus", &r#"{"health":"ok","quiescent":true}"#);
                }
                Effect::Wait { ms, bytes } => wait = Some((ms, bytes)),
                Effect::Status(status) => self.status(core, status),
                Effect::Notice(error) => self.voice.failure(&mut self.rpc, &error),
                Effect::Agreed => self.remember(core),
            }
        }
        wait
    }

    /// Remembers what the user has agreed to.
    fn remember(&mut self, core: &mut Core<S::Transport>) {
        let Some(destination) = core.unconfirmed.take() else { return };
        if !self.surroundings.trust(destination.line()) {
            self.voice.pop_up(&mut self.rpc, Severity::Info, UNREMEMBERED);
        }
    }

    fn reply(&mut self, number: RequestId, answer: &Answer, documents: &Documents) {
        let Some(at) = self.open.iter().position(|(open, _)| *open == number) else { return };
        let (_, id) = self.open.remove(at);
        let place = |uri: &str, offset| documents.document(uri).map(|document| document.position(offset));
        match answer {
            Answer::Ghost { uri, offset, text } => match place(uri, *offset) {
                Some(Position { line, character }) => {
                    let text = rpc::quoted(text);
                    let at = format!(r#"{{"line":{line},"character":{character}}}"#);
                    let range = format!(r#"{{"start":{at},"end":{at}}}"#);
                    self.rpc.reply_ok(&id, &format_args!(r#"[{{"insertText":{text},"range":{range}}}]"#));
                }
                None => self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "this document is gone"),
            },
            Answer::Clear => self.rpc.reply_ok(&id, &"[]"),
            // An error, so that another plugin may answer.
            Answer::Nothing => self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "nothing to suggest"),
        }
    }

    fn status(&mut self, core: &Core<S::Transport>, status: Status) {
        let status = match (status, &core.nobody) {
            (Status::Nothing(Why::NoProvider), Some(error)) => {
                self.voice.failure(&mut self.rpc, error);
                Status::Nothing(Why::Failed(error.clone()))
            }
            (status, _) => status,
        };
        let now_ms = self.now_ms();
        self.voice.status(&mut self.rpc, now_ms, &status, core.title);
    }

    /// Whether no key can be queued behind the message at hand.
    fn fresh(&self) -> bool {
        self.surroundings.now().saturating_sub(self.caught_up) <= SAME_KEY
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.surroundings.now().as_millis()).unwrap_or(u64::MAX)
    }
}

impl<T> Core<T> {
    fn lane(&mut self, lane: completion::Lane) -> &mut Lane<T> {
        match lane {
            completion::Lane::Main => &mut self.main,
            completion::Lane::Ahead => &mut self.ahead,
        }
    }
}

/// What is told when the consent cannot be written down.
const UNREMEMBERED: &str = "This server may be asked until the plugin is loaded again, but not longer: the plugin's \
                            folder is not writable, so that you agreed cannot be remembered.";

/// What is told to who asks before a provider is named.
fn no_provider() -> Error {
    Error {
        kind: ErrorKind::Request,
        provider: "ai-completion",
        status: None,
        code: None,
        request_id: None,
        retry_after_ms: None,
        message: "No provider is set, so nothing is sent to anyone. Name one in Lapce's settings under \
                  AI Completion: `provider` (ollama for a model on this machine, openai, anthropic, gemini, …), \
                  and put its key into the environment."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
