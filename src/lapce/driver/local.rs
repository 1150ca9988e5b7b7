//! If no provider is set: searches for a model on this machine, and uses it.

use super::{Driver, Environment, request_error, response_event};
use crate::completion::{Answer, Input, RequestId, Trigger};
use crate::config::Settings;
use crate::http::Secret;
use crate::lapce::notifier::Severity;
use crate::lapce::rpc::Host;
use crate::local_model::{Action, Found, Outcome, Search};
use crate::provider;
use crate::transport::Transport;

/// The search, and the settings to start with once it has found something.
pub(super) struct Local {
    search: Search,
    settings: Settings,
    root: String,
    /// The editor's newest request, while the search goes on.
    held: Option<Held>,
}

/// A completion request of the editor that waits for the search.
pub(super) struct Held {
    pub(super) id: RequestId,
    pub(super) uri: String,
    pub(super) offset: usize,
    pub(super) invoked: bool,
}

impl Local {
    /// `None` if the settings exclude a search: a server is set, a setting is invalid, or suggestions are off.
    pub(super) fn new(settings: &Settings, root: &str, ollama_host: Option<String>) -> Option<Self> {
        let is_open = settings.provider.is_empty()
            && settings.base_url.is_empty()
            && settings.wrong.is_none()
            && settings.engine.trigger != Trigger::Off;
        is_open.then(|| Self {
            search: Search::new(ollama_host),
            settings: settings.clone(),
            root: root.to_owned(),
            held: None,
        })
    }

    /// These settings with what was found, without a key: the server has answered without one.
    fn settings_for(&self, found: &Found) -> Settings {
        Settings {
            provider: found.provider.to_owned(),
            base_url: found.base_url.clone(),
            model: found.model.clone(),
            api_key: Secret::default(),
            api_key_env: String::new(),
            ..self.settings.clone()
        }
    }
}

impl<H: Host, E: Environment> Driver<H, E> {
    /// Searches for a model, if it is time for that: then the request is held until the search has ended. Else it is returned.
    pub(super) fn hold(&mut self, held: Held) -> Option<Held> {
        let now_ms = self.moment().now_ms;
        let is_known = self.documents.document(&held.uri).is_some();
        let (Some(core), Some(local), true) = (&mut self.core, &mut self.local, is_known) else {
            return Some(held);
        };
        if !held.invoked && local.settings.engine.trigger == Trigger::Invoked {
            return Some(held);
        }
        // Without an agent, the plugin would have to wait for the servers.
        core.transport.tick();
        if core.transport.obstacle().is_some() {
            if held.invoked {
                self.notifier.pop_up(&mut self.rpc, Severity::Info, NOT_LOOKED_FOR);
            }
            return Some(held);
        }
        let (waits, action) = local.search.requested(now_ms, held.invoked);
        if !waits {
            return Some(held);
        }
        let before = local.held.replace(held);
        self.act(action);
        self.answer_held(before);
        None
    }

    /// The document changed or the caret moved: answers the held request, unless it is `still` current.
    pub(super) fn let_go(&mut self, still: impl Fn(&Held) -> bool) {
        if let Some(local) = &mut self.local
            && local.held.as_ref().is_some_and(|held| !still(held))
        {
            let held = local.held.take();
            self.answer_held(held);
        }
    }

    /// Continues the search with what has arrived.
    pub(super) fn search_on(&mut self) {
        let now_ms = self.moment().now_ms;
        let (Some(core), Some(local)) = (&mut self.core, &mut self.local) else { return };
        if !local.search.is_active() {
            return;
        }
        core.transport.tick();
        for number in local.search.reading() {
            loop {
                let event = core.transport.read(number, &mut core.buffer);
                let Some(event) = response_event(&event, &core.buffer) else { break };
                if !local.search.receive(number, &event) {
                    break;
                }
            }
        }
        let action = local.search.tick(now_ms);
        self.act(action);
    }

    fn act(&mut self, action: Action) {
        let Some(core) = &mut self.core else { return };
        match action {
            Action::Wait => {}
            Action::WakeIn(ms) => core.transport.timer(ms),
            Action::Ask(requests, ms) => {
                for (number, request) in requests {
                    core.transport.start(number, &request, 0, None);
                }
                core.transport.timer(ms);
            }
            Action::Settle(requests, outcome) => {
                requests.into_iter().for_each(|number| core.transport.stop(number));
                self.settle(outcome);
            }
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        let held = self.local.as_mut().and_then(|local| local.held.take());
        let message = match outcome {
            Outcome::Found(found) => {
                self.adopt(&found);
                None
            }
            Outcome::NoModel { title, advice } => Some(format!(
                "Get a model for code: {advice}, or set `provider`.\n{title} is running on this machine without one, so \
                 nothing is sent to anyone."
            )),
            Outcome::Nobody => Some(NOTHING_SET.to_owned()),
        };
        if let (Some(message), Some(core)) = (message, &mut self.core) {
            core.nobody = Some(Box::new(request_error(message.clone())));
            let is_asked_for = held.as_ref().is_some_and(|held| held.invoked);
            if is_asked_for || self.environment.greet() {
                self.notifier.pop_up(&mut self.rpc, Severity::Info, &message);
            }
        }
        if let Some(Held { id, uri, offset, invoked }) = held {
            self.drive(Input::Requested { id, uri: &uri, offset, invoked });
        }
    }

    /// From now on the plugin works as if the user had set what was found.
    fn adopt(&mut self, found: &Found) {
        let (Some(core), Some(local)) = (self.core.take(), self.local.take()) else { return };
        let settings = local.settings_for(found);
        // The environment's keys are for servers that the user has named.
        self.set_core(&settings, &provider::find, &local.root, core.transport, false);
        let model = found.model.rsplit('/').next().unwrap_or_default();
        self.notifier.notice(&mut self.rpc, &format!("found {} · {model} on this machine", found.title));
    }

    fn answer_held(&mut self, held: Option<Held>) {
        let Some(held) = held else { return };
        let documents = std::mem::take(&mut self.documents);
        self.reply(held.id, &Answer::Nothing, &documents);
        self.documents = documents;
    }
}

/// Shown when no provider is set and no model was found. The status bar shows the first line.
pub(super) const NOTHING_SET: &str = "\
Run a model here (`ollama pull qwen2.5-coder:1.5b-base`) or set `provider`.
Neither Ollama, llama.cpp nor LM Studio is running on this machine, so nothing is sent to anyone. A `provider` such as \
anthropic also needs its key in the environment.";

/// Shown when the search is not possible.
const NOT_LOOKED_FOR: &str = "\
Set `provider`: ollama for a model on this machine, or anthropic, openai, …
The plugin looks for models on this machine only if it can use sh and curl. Nothing is sent to anyone until then.";
