//! The driver turns the host's messages into the engine's inputs, and carries out the engine's outputs.
//!
//! It handles each message in the same order: it reads what has arrived of running answers, handles the message, and
//! carries out the engine's outputs. Nothing here waits.

mod cause;
mod local;

use std::mem;
use std::time::Duration;

use local::{Held, Local, NOTHING_SET};

use super::documents::{Change, Documents, OpenedDocument, path_of, read_position};
use super::notifier::{Asked, Notifier, Severity};
use super::rpc::{self, Host, Id, Message, Rpc};
use crate::completion::ghost::Barrier;
use crate::completion::trigger::Consent;
use crate::completion::{
    Answer, Engine, Input, Moment, Output, RequestId, ResponseEvent, Role, Status, Target, Targets, Trigger,
    Wake, Why,
};
use crate::config::{Destination, FilterSettings, Problem, Settings, is_in_secret_folder};
use crate::json::{Raw, object};
use crate::json_tree;
use crate::provider::learned::{Learned, server_of};
use crate::provider::{self, Error, Provider};
use crate::statistics::Statistics;
use crate::stream::{ContentFilter, ErrorKind};
use crate::transport::{self, Transport, TransportEvent};
use lsp_types::Position;

/// Bytes of an answer read at a time, at most.
const READ_BYTES: usize = 16 << 10;
/// Most bytes read in all while one message is handled, which bounds its time. The rest is read with the next message.
const READ_AT_ONCE: usize = 256 << 10;

/// When to be woken if keys may be queued: late enough that they are handled by then, in milliseconds.
const SOON_MS: u64 = 10;

/// What the plugin needs from outside, besides the host.
pub trait Environment {
    /// How requests are sent.
    type Transport: Transport;

    /// Makes a transport.
    fn transport(&self, options: &transport::Options) -> Self::Transport;

    /// A clock that never goes back.
    fn now(&self) -> Duration;

    /// Seconds since 1970-01-01 UTC.
    fn unix_time(&self) -> u64;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of the file [`TRUSTED_SERVERS`](crate::config::TRUSTED_SERVERS); empty when there is none.
    fn trusted_servers(&self) -> String;

    /// Adds a line to that file. Returns whether that worked.
    fn trust(&self, line: &str) -> bool;

    /// What [`keep_learned`](Self::keep_learned) saved last; empty when nothing was saved.
    fn learned(&self) -> String;

    /// Saves what was learned from refusals.
    fn keep_learned(&self, text: &str);

    /// What [`keep_filter`](Self::keep_filter) saved last; empty when nothing was saved.
    fn kept_filter(&self) -> String;

    /// Saves the user's [`content-filter`](FilterSettings).
    fn keep_filter(&self, text: &str);

    /// What [`keep_statistics`](Self::keep_statistics) saved last; empty when nothing was saved.
    fn statistics(&self) -> String;

    /// Saves the counts of suggestions.
    fn keep_statistics(&self, text: &str);

    /// Whether this is the first call in this installation: then the user gets a greeting.
    fn greet(&self) -> bool;
}

/// The plugin in one editor window.
pub struct Driver<H, E: Environment> {
    rpc: Rpc<H>,
    environment: E,
    notifier: Notifier,
    documents: Documents,
    /// `None` until the host has sent `initialize`. In a box because it is often moved.
    core: Option<Box<Core<E::Transport>>>,
    /// Completion requests that were not answered yet.
    open: Vec<(RequestId, Id)>,
    requests: u64,
    barrier: Barrier,
    /// There is no agent, so nothing wakes the plugin to paint later.
    is_never_woken: bool,
    learned: Learned,
    /// Invalid settings.
    problems: Vec<Problem>,
    /// The search for a local model, if no provider is set.
    local: Option<Local>,
}

/// What depends on the settings.
struct Core<T> {
    engine: Engine,
    transport: T,
    /// The path of the workspace.
    workspace: String,
    /// Why no provider can be asked, if so.
    nobody: Option<Box<Error>>,
    /// The user has chosen Lapce's own HTTP client.
    is_http_chosen: bool,
    /// Path of the folder in which to search for definitions; empty: none.
    root: String,
    /// Destinations that the user has not agreed to yet.
    unconfirmed: Vec<(Role, Destination)>,
    /// `None`: the setting `statistics` is off.
    statistics: Option<Statistics>,
    buffer: Vec<u8>,
    outputs: Vec<Output>,
}

impl<T> Core<T> {
    fn asked(&self) -> Asked<'_> {
        Asked { provider: self.engine.title(), model: self.engine.model(), tail: self.engine.tail() }
    }

    fn count(&mut self, count: impl FnOnce(&mut Statistics)) {
        self.statistics.as_mut().map(count);
    }
}

object! {
    struct Initialize<'a> {
        initialization_options = "initializationOptions": Raw<'a>,
        root_uri = "rootUri": Raw<'a>,
        capabilities = "capabilities": Capabilities<'a>,
    }
}

object! {
    struct Capabilities<'a> {
        experimental = "experimental": Experimental<'a>,
    }
}

object! {
    struct Experimental<'a> {
        server_status = "serverStatusNotification": Raw<'a>,
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
        range = "range": Range<'a>,
        context = "context": Context<'a>,
        text = "text": Raw<'a>,
    }
}

object! {
    struct Range<'a> {
        start = "start": Raw<'a>,
    }
}

object! {
    struct Context<'a> {
        trigger_kind = "triggerKind": Raw<'a>,
    }
}

/// Larger files are not read from the disk: the host sends each byte as a JSON number. In bytes.
const RECOVERED_BYTES: usize = 128 << 10;

/// LSP's `InlineCompletionTriggerKind::Invoked` as Lapce sends it.
const INVOKED: u64 = 1;

/// The answer to `initialize`.
const CAPABILITIES: &str = concat!(
    r#"{"capabilities":{"textDocumentSync":{"openClose":true,"change":2,"save":{"includeText":true}},"#,
    r#""inlineCompletionProvider":true,"codeLensProvider":{},"codeActionProvider":true}}"#,
);

impl<H: Host, E: Environment> Driver<H, E> {
    /// A driver that has not received `initialize` yet.
    pub fn new(host: H, environment: E) -> Self {
        Self {
            rpc: Rpc::new(host),
            environment,
            notifier: Notifier::default(),
            documents: Documents::default(),
            core: None,
            open: Vec::new(),
            requests: 0,
            barrier: Barrier::default(),
            is_never_woken: false,
            learned: Learned::default(),
            problems: Vec::new(),
            local: None,
        }
    }

    /// Whether it has not received `initialize` yet.
    pub fn is_new(&self) -> bool {
        self.core.is_none()
    }

    /// Reads the settings of an `initialize` that was answered before, to go on after a trap.
    pub fn resume(&mut self, initialize: &[u8]) {
        if let Ok(Message::Request { method, params, .. }) = rpc::parse(initialize)
            && method == "initialize"
        {
            self.set_up(params);
        }
    }

    /// Handles one line of the host.
    pub fn handle(&mut self, line: &[u8]) {
        self.barrier.enter(self.now_us());
        self.read();
        self.search_on();
        match rpc::parse(line) {
            Ok(Message::Request { id, method, params }) => self.request(id, &method, params),
            Ok(Message::Notification { method, params }) => self.notification(&method, params),
            Err(problem) => self.notifier.log(&mut self.rpc, &problem),
        }
        if self.core.as_ref().is_some_and(|core| core.transport.obstacle().is_some()) {
            // No wake-up comes: read the answer as soon as it was asked for.
            self.read();
            self.drive(Input::Read);
        }
        self.keep_statistics();
        self.barrier.leave(self.now_us());
    }

    /// Saves the statistics from time to time.
    fn keep_statistics(&mut self) {
        let now_ms = self.moment().now_ms;
        let Some(counted) = self.core.as_mut().and_then(|core| core.statistics.as_mut()) else { return };
        counted.look(now_ms, |uri| self.documents.document(uri).map(|document| document.text()));
        if counted.is_due(now_ms) {
            let file = self.environment.statistics();
            self.environment.keep_statistics(&counted.save(now_ms, &file));
        }
    }

    fn request(&mut self, id: Id, method: &str, params: Raw<'_>) {
        match method {
            "initialize" => self.initialize(&id, params),
            "textDocument/inlineCompletion" => self.inline_completion(id, params),
            "textDocument/codeLens" => {
                // Lapce takes the first success of all plugins: with an error, rust-analyzer's lenses still show.
                self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "no lenses here");
                if let Some(uri) = params.read::<About<'_>>().text_document.uri.cow() {
                    // A wake-up asks for all documents, including those that were open before the plugin.
                    self.recover(&uri, None);
                    self.drive(Input::LensesAsked { uri: &uri });
                }
            }
            "textDocument/codeAction" => {
                self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "no actions here");
                let About { text_document, range, .. } = params.read();
                if let (Some(uri), Some(caret)) = (text_document.uri.cow(), read_position(range.start))
                    && let Some(offset) = self.documents.document(&uri).map(|it| it.offset(caret))
                {
                    self.let_go(|held| held.uri == uri && held.offset == offset);
                    self.drive(Input::CaretAt { uri: &uri, offset });
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
            self.notifier.log(&mut self.rpc, &format!("{method} cannot be read"));
        }
    }

    fn initialize(&mut self, id: &Id, params: Raw<'_>) {
        // LSP allows it once. A second one would lose what is running.
        if self.core.is_some() {
            return self.rpc.reply_err(id, rpc::INVALID_REQUEST, "initialized already");
        }
        self.rpc.reply_ok(id, &CAPABILITIES);
        self.set_up(params);
    }

    fn set_up(&mut self, params: Raw<'_>) {
        let Initialize { initialization_options, root_uri, capabilities } = params.read();
        let initialization_options = json_tree::parse(initialization_options.json()).unwrap_or_default();
        let (mut settings, problems) = Settings::read(&initialization_options);
        // Lapce announces whether it accepts the agent's notification.
        settings.network.editor_wakes = capabilities.experimental.server_status.json() == "true";
        if !problems.is_empty() {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            self.notifier.pop_up(
                &mut self.rpc,
                Severity::Warning,
                &format!("Settings: {}", lines.join("\n")),
            );
        }
        let root = root_uri.cow().map(|uri| path_of(&uri)).unwrap_or_default();
        self.begin(&settings, &provider::find, &root);
        self.explain_provider(&settings, &problems);
        self.problems = problems;
    }

    /// Without a valid provider: prepares the search for a local model, or notes what is wrong with the settings.
    fn explain_provider(&mut self, settings: &Settings, problems: &[Problem]) {
        let Some(core) = &mut self.core else { return };
        if !settings.provider.is_empty() {
            return;
        }
        // The problem that stops all requests comes first.
        let of = |setting| problems.iter().find(|problem| problem.setting == setting);
        let problem = settings.wrong.and_then(|wrong| of(Some(wrong))).or_else(|| of(Some("provider")));
        let message = match problem {
            Some(problem) => [&cause::sentence(problem), " Nothing is sent to anyone until then."].concat(),
            None if settings.engine.trigger == Trigger::Off => OFF.to_owned(),
            None if !settings.base_url.is_empty() => NO_PROVIDER_AT_URL.to_owned(),
            None => {
                let ollama_host = self.environment.variable("OLLAMA_HOST");
                self.local = Local::new(settings, &core.workspace, ollama_host);
                return;
            }
        };
        core.nobody = Some(Box::new(request_error(message)));
    }

    /// Starts with these settings.
    fn begin(
        &mut self,
        settings: &Settings,
        find: &dyn Fn(&str) -> Option<&'static dyn Provider>,
        root: &str,
    ) {
        self.local = None;
        self.notifier.set(settings.telling);
        for (_, settings) in settings.roles() {
            self.keep_secrets(settings);
        }
        self.learned = Learned::load(&self.environment.learned());
        // In a workspace inside a folder with secrets, files keep their absolute paths, so that the globs match.
        self.documents = Documents::new(if is_in_secret_folder(root) { "" } else { root });
        let transport = self.environment.transport(&settings.network);
        self.set_core(settings, find, root, transport, true);
    }

    /// Makes the engine for these settings. `has_keys`: the main provider may use the keys in the environment.
    fn set_core(
        &mut self,
        settings: &Settings,
        find: &dyn Fn(&str) -> Option<&'static dyn Provider>,
        root: &str,
        transport: E::Transport,
        has_keys: bool,
    ) {
        let trusted = self.environment.trusted_servers();
        let mut targets = Targets::default();
        let mut unconfirmed = Vec::new();
        let mut nobody = None;
        for (role, settings) in settings.roles() {
            let provider = find(&settings.provider);
            let has_keys = has_keys || role != Role::Main;
            match self.target(settings, provider, role, &trusted, has_keys) {
                Ok((target, destination)) => {
                    targets.set(role, target);
                    unconfirmed.extend(destination.map(|destination| (role, destination)));
                }
                Err(error) => {
                    // If a provider is set, the user learns of the error at once; else on alt+\.
                    if provider.is_some() {
                        self.notifier.failure(&mut self.rpc, &error);
                    }
                    if role == Role::Main {
                        nobody = Some(Box::new(error));
                    }
                }
            }
        }
        let seed = self.environment.unix_time() ^ u64::from(self.environment.now().subsec_nanos());
        let content_filter = self.content_filter(&settings.engine.content_filter, root);
        let options = settings.options(targets, root, content_filter, seed);
        self.core = Some(Box::new(Core {
            engine: Engine::new(options),
            transport,
            workspace: root.to_owned(),
            is_http_chosen: settings.network.mode == transport::Mode::Http,
            root: if is_in_secret_folder(root) { String::new() } else { root.to_owned() },
            nobody,
            unconfirmed,
            statistics: settings.statistics.then(|| Statistics::of(&settings.provider)),
            buffer: vec![0; READ_BYTES],
            outputs: Vec::new(),
        }));
    }

    /// Notes which texts of these settings must never be shown.
    fn keep_secrets(&mut self, settings: &Settings) {
        self.notifier.keep_secret(settings.api_key.expose());
        for (_, value) in &settings.extra_headers {
            self.notifier.keep_secret(value);
            // The value may be quoted without its first word, as in `Bearer …`.
            self.notifier.keep_secret(value.rsplit(' ').next().unwrap_or_default());
        }
    }

    /// The target of these settings, and its destination if the user has not agreed to that yet.
    fn target(
        &mut self,
        settings: &Settings,
        provider: Option<&'static dyn Provider>,
        role: Role,
        trusted: &str,
        has_keys: bool,
    ) -> Result<(Target, Option<Destination>), Error> {
        let provider = provider.ok_or_else(|| request_error(NOTHING_SET.to_owned()))?;
        let variable = |name: &str| self.environment.variable(name).filter(|_| has_keys);
        let credentials = settings.credentials(provider, &variable, self.environment.unix_time())?;
        self.notifier.keep_secret(credentials.account.api_key.expose());
        for (_, secret) in &credentials.account.secrets {
            self.notifier.keep_secret(secret.expose());
        }
        let destination = Destination::new(settings, provider, &credentials);
        let destination = destination.filter(|destination| !destination.is_in(trusted));
        let mut target = settings.target(provider, credentials);
        if let Some(url) = target.url() {
            target.account.lessons = self.learned.lessons(server_of(&url), target.model());
        }
        if let Some(destination) = &destination {
            target.consent = Consent::needed(destination.question());
            self.notifier.pop_up(&mut self.rpc, Severity::Warning, &destination.explanation(role));
        }
        Ok((target, destination))
    }

    /// The user's filter, with the patterns that the open folder adds.
    fn content_filter(&mut self, set: &FilterSettings, root: &str) -> ContentFilter {
        let kept = FilterSettings::load(&self.environment.kept_filter());
        if *set != kept && !self.may_have_settings(root) {
            self.environment.keep_filter(&set.save());
            return set.filter(set);
        }
        set.filter(&kept)
    }

    /// Whether the open folder may have its own settings, which Lapce merges into those that it sends.
    fn may_have_settings(&mut self, root: &str) -> bool {
        if root.is_empty() {
            return false;
        }
        if self.is_windows() {
            return true;
        }
        // A file that cannot be read here cannot be read by Lapce either.
        let path = [root, "/.lapce/settings.toml"].concat();
        self.rpc.execute("head", &["-c", "1", "--", &path]).map_or(true, |read| read.success)
    }

    /// Applies changes; `None` when the message cannot be read.
    fn did_change(&mut self, message: &About<'_>) -> Option<()> {
        let uri = message.text_document.uri.cow()?;
        let Some(changes) = Change::read_all(message.content_changes) else {
            // The text would differ from the editor's from now on.
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
        self.let_go(|_| false);
        self.notifier.idle(&mut self.rpc);
        // Moved out so that the edit can borrow from them while `self` is used.
        let documents = mem::take(&mut self.documents);
        let text = documents.document(uri).map_or("", |document| document.text());
        self.drive_over(Input::Edited { uri, edit: replaced.edit(text) }, &documents);
        self.documents = documents;
    }

    /// Takes the saved text, in case a change was missed before.
    fn did_save(&mut self, message: &About<'_>) -> Option<()> {
        let uri = message.text_document.uri.cow()?;
        // Lapce sends the text because of `includeText` in the capabilities.
        let Some(text) = message.text.cow() else { return Some(()) };
        let document = self.documents.document(&uri);
        if document.is_none_or(|document| !document.too_big() && document.text() != text) {
            self.change(&uri, &Change { range: None, text: text.into_owned() });
        }
        Some(())
    }

    /// Reads a document for which no `didOpen` came. Lapce sends `didOpen` for the files that were open before the volt,
    /// but drops it if the answer to `initialize` has not come yet (its `PluginServerLoaded` does not wait for that), and
    /// does not send it again. Until such a document is changed, its text is that on the disk.
    ///
    /// `version` is the version after the current change; `None`: there was no change yet.
    fn recover(&mut self, uri: &str, version: Option<u64>) {
        if self.documents.document(uri).is_some() || self.documents.is_lost(uri) || self.core.is_none() {
            return;
        }
        // Lapce's versions start at 1, for an empty file at 0.
        let is_first = |text: &str| version.is_none_or(|version| version == 1 + u64::from(!text.is_empty()));
        match self.file(&path_of(uri)).filter(|text| is_first(text)) {
            Some(text) => self.documents.open_unannounced(uri, text),
            None => {
                self.notifier.log(&mut self.rpc, "a document without didOpen");
                self.documents.lose(uri);
            }
        }
    }

    /// The content of a file, if it is text and not too large.
    fn file(&mut self, path: &str) -> Option<String> {
        if self.is_windows() {
            return None;
        }
        let limit = (RECOVERED_BYTES + 1).to_string();
        let read = self.rpc.execute("head", &["-c", &limit, "--", path]).ok()?;
        let whole = read.success && read.stdout.len() <= RECOVERED_BYTES;
        whole.then(|| String::from_utf8(read.stdout).ok()).flatten()
    }

    /// Windows has no `head`, and a console window would flash up.
    fn is_windows(&self) -> bool {
        self.environment.variable("VOLT_OS").is_some_and(|os| os == "windows")
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
        self.requests += 1;
        let number = RequestId(self.requests);
        self.open.push((number, id));
        if invoked {
            self.recall_consent();
        }
        let held = Held { id: number, uri: uri.into_owned(), offset, invoked };
        if let Some(Held { id, uri, offset, invoked }) = self.hold(held) {
            self.drive(Input::Requested { id, uri: &uri, offset, invoked });
        }
    }

    /// Gives the engine an input and carries out its outputs.
    fn drive(&mut self, input: Input<'_>) {
        let documents = mem::take(&mut self.documents);
        self.drive_over(input, &documents);
        self.documents = documents;
    }

    fn drive_over(&mut self, input: Input<'_>, documents: &Documents) {
        // Moved out so that its parts and those of `self` can be used together.
        let Some(mut core) = self.core.take() else { return };
        core.engine.set_unix_time(self.environment.unix_time());
        let mut outputs = mem::take(&mut core.outputs);
        core.engine.handle(self.moment(), input, documents, &mut outputs);
        self.carry_out(&mut core, &mut outputs, documents);
        core.outputs = outputs;
        self.core = Some(core);
    }

    /// Reads what has arrived of running answers.
    fn read(&mut self) {
        let Some(mut core) = self.core.take() else { return };
        let documents = mem::take(&mut self.documents);
        // Without a provider, no agent is needed.
        if core.nobody.is_none() {
            core.transport.tick();
        }
        self.is_never_woken = core.transport.obstacle().is_some();
        core.engine.only_when_invoked(self.is_never_woken);
        if let Some(obstacle) = core.transport.obstacle()
            && !core.is_http_chosen
        {
            self.notifier.no_streaming(&mut self.rpc, obstacle);
        }
        let mut buffer = mem::take(&mut core.buffer);
        let mut outputs = mem::take(&mut core.outputs);
        if let Some(found) = core.transport.found() {
            core.engine.handle(self.moment(), Input::Found(&found), &documents, &mut outputs);
        }
        let mut left = READ_AT_ONCE;
        let mut is_dry = false;
        while !is_dry && left > 0 {
            is_dry = true;
            for (number, room) in core.engine.reading(self.moment().now_ms) {
                let room = room.min(left).min(buffer.len());
                let Some(buffer) = buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) else {
                    continue;
                };
                let event = core.transport.read(number, buffer);
                let Some(event) = response_event(&event, buffer) else { continue };
                if let ResponseEvent::Body(bytes) = event {
                    left = left.saturating_sub(bytes.len());
                }
                is_dry = false;
                let input = Input::Response { number, event };
                core.engine.handle(self.moment(), input, &documents, &mut outputs);
                self.carry_out(&mut core, &mut outputs, &documents);
            }
        }
        core.buffer = buffer;
        core.outputs = outputs;
        self.documents = documents;
        self.core = Some(core);
    }

    /// Carries out the engine's outputs in order.
    fn carry_out(&mut self, core: &mut Core<E::Transport>, outputs: &mut Vec<Output>, documents: &Documents) {
        for output in outputs.drain(..) {
            match output {
                Output::Reply { id, answer } => self.reply(id, &answer, documents),
                Output::Start { number, request, delay_ms, replaces } => {
                    self.notifier.prompt(&mut self.rpc, request.body.as_deref());
                    core.transport.start(number, &request, delay_ms, replaces);
                }
                Output::Run { number, command } => core.transport.run(number, &command),
                Output::Secret(secret) => self.notifier.keep_secret(secret.expose()),
                Output::Stop(number) => core.transport.stop(number),
                Output::Search(search) => core.transport.search(&core.root, &search.pattern, search.files),
                Output::Wake(Wake::More { number, not_before }) => core.transport.wake(number, not_before),
                Output::Wake(Wake::Soon) => core.transport.timer(SOON_MS),
                Output::Wake(Wake::Came) => core.transport.woken(),
                Output::Status(status) => self.status(core, status),
                Output::Notice(mut error) => {
                    cause::blame(&mut error.message, &self.problems);
                    self.notifier.failure(&mut self.rpc, &error);
                }
                Output::Learned { server, model, lesson } => {
                    if self.learned.learn(&server, &model, lesson) {
                        self.environment.keep_learned(&self.learned.save());
                    }
                }
                Output::Agreed(role) => self.remember(core, role),
                Output::Shown => core.count(Statistics::shown),
                Output::Taken { uri, text } => {
                    let now_ms = self.moment().now_ms;
                    core.count(|counted| counted.taken(now_ms, uri, text));
                }
                Output::Finished(figures) => {
                    core.count(|counted| counted.finished(&figures));
                    self.notifier.finished(&mut self.rpc, &figures, core.asked());
                }
            }
        }
    }

    /// The user may have agreed in another window.
    fn recall_consent(&mut self) {
        let Some(core) = &mut self.core else { return };
        if core.unconfirmed.is_empty() {
            return;
        }
        let trusted = self.environment.trusted_servers();
        core.unconfirmed.retain(|(role, destination)| {
            let is_trusted = destination.is_in(&trusted);
            if is_trusted {
                core.engine.consent(*role);
            }
            !is_trusted
        });
    }

    /// Remembers what the user has agreed to.
    fn remember(&mut self, core: &mut Core<E::Transport>, role: Role) {
        let Some(at) = core.unconfirmed.iter().position(|(of, _)| *of == role) else { return };
        let (_, destination) = core.unconfirmed.swap_remove(at);
        if !self.environment.trust(destination.line()) {
            self.notifier.pop_up(&mut self.rpc, Severity::Info, UNREMEMBERED);
        }
    }

    fn reply(&mut self, number: RequestId, answer: &Answer, documents: &Documents) {
        let Some(at) = self.open.iter().position(|(open, _)| *open == number) else { return };
        let (_, id) = self.open.remove(at);
        let place = |uri: &str, offset| documents.document(uri).map(|document| document.position(offset));
        match answer {
            Answer::Ghost { uri, offset, text, replaces } => {
                match (place(uri, *offset), place(uri, offset + replaces)) {
                    (Some(start), Some(end)) => {
                        let text = rpc::quoted(text);
                        let at = |Position { line, character }: Position| {
                            format!(r#"{{"line":{line},"character":{character}}}"#)
                        };
                        let range = format!(r#"{{"start":{},"end":{}}}"#, at(start), at(end));
                        self.rpc.reply_ok(&id, &format_args!(r#"[{{"insertText":{text},"range":{range}}}]"#));
                    }
                    _ => self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "this document is gone"),
                }
            }
            Answer::Clear => self.rpc.reply_ok(&id, &"[]"),
            // An error, so that another plugin may answer.
            Answer::Nothing => self.rpc.reply_err(&id, rpc::REQUEST_FAILED, "nothing to suggest"),
        }
    }

    fn status(&mut self, core: &Core<E::Transport>, status: Status) {
        let is_nobody = matches!(status, Status::Nothing(Why::NoProvider));
        let mut status = match &core.nobody {
            Some(error) if is_nobody => Status::Nothing(Why::Failed(error.clone())),
            _ => status,
        };
        if let Status::Nothing(Why::Failed(error)) = &mut status {
            cause::blame(&mut error.message, &self.problems);
            // The result of a search was shown when it ended.
            if is_nobody && self.local.is_none() {
                self.notifier.failure(&mut self.rpc, error);
            }
        }
        let now_ms = self.moment().now_ms;
        self.notifier.status(&mut self.rpc, now_ms, &status, core.asked());
    }

    fn moment(&self) -> Moment {
        let now_us = self.now_us();
        // Without an agent, a key may be queued after a whole answer. It clears the ghost if that does not fit.
        let caught_up = self.is_never_woken || self.barrier.is_caught_up(now_us);
        Moment { now_ms: now_us / 1000, caught_up }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.environment.now().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Shown when the consent cannot be saved.
const UNREMEMBERED: &str = "Your consent holds until the plugin is loaded again: the plugin's folder is not writable, so \
                            it cannot be saved.";

/// Shown when suggestions are off and no provider is set.
const OFF: &str = "Set `trigger` to `automatic` or `invoked`: it is `off`, so nothing is suggested.";

/// Shown when `base-url` is set without `provider`.
const NO_PROVIDER_AT_URL: &str = "Set `provider` too: `base-url` alone does not say which format the server speaks. \
                                  `openai-compatible` fits most servers.";

/// Converts an event of the transport for the engine; `None` when there is nothing new. The body is in `buffer`.
#[inline(never)]
fn response_event<'a>(event: &'a TransportEvent, buffer: &'a [u8]) -> Option<ResponseEvent<'a>> {
    Some(match event {
        TransportEvent::Pending => return None,
        TransportEvent::Head { status, headers } => ResponseEvent::Head { status: *status, headers },
        TransportEvent::Body(bytes) => ResponseEvent::Body(buffer.get(..*bytes).unwrap_or_default()),
        TransportEvent::End => ResponseEvent::End,
        TransportEvent::Failed(failure) => ResponseEvent::Failed(failure),
    })
}

/// An error about a request that cannot be made.
#[inline(never)]
fn request_error(message: String) -> Error {
    Error {
        kind: ErrorKind::Request,
        provider: "ai-completion",
        status: None,
        code: None,
        request_id: None,
        retry_after_ms: None,
        message,
    }
}

#[cfg(test)]
mod tests;
