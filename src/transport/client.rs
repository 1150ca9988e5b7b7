//! The transport the plugin uses: the agent, or Lapce's own HTTP client where none can run.

use super::agent::{Agent, Fetch, HUNG_MS, Lost, NotTaken};
use super::agent_host::AgentHost;
use super::host_http::Buffered;
use super::requests::{NotBefore, RequestNumber, Transport, TransportEvent};
use super::{Failure, FailureKind, Home, Mode, Options, http_policy};
use crate::http::HttpRequest;

/// After more than this many agents in a row have ended without fetching a byte, no other is started.
const MOST_ENDED: u32 = 5;

/// Sends requests through an agent that runs curl, or else through Lapce's own HTTP client.
#[derive(Debug)]
pub struct Client<H> {
    pub(super) host: H,
    home: Option<Home>,
    options: Options,
    /// Why no agent can run.
    obstacle: Option<String>,
    /// The obstacle is that the volt's folder is not writable: that may change.
    is_locked_out: bool,
    agent: Option<Agent>,
    /// Whether an agent was ever started.
    had_agent: bool,
    /// Agents that ended since the last byte of an answer came.
    ended: u32,
    requests: Vec<(RequestNumber, Request)>,
}

#[derive(Debug)]
enum Request {
    Fetch {
        fetch: Fetch,
        /// Its agent is gone.
        lost: bool,
    },
    /// The agent was too busy to take it.
    Held {
        request: HttpRequest,
        leaves_ms: u64,
        /// What it stops when it leaves.
        replaces: Option<RequestNumber>,
    },
    Buffered(Buffered),
    Failed {
        failure: Failure,
        /// When it would have left: the engine does not read the failure before.
        leaves_ms: u64,
    },
}

/// How soon to try again if the agent was too busy to take a request, in milliseconds.
const RETRY_MS: u64 = 5;

/// Why no agent has taken a request.
enum NoTaker {
    Busy,
    /// There is no agent, or two in a row were lost.
    NoAgent,
    /// An agent has run before, but another one did not start: the reason.
    NotStarted(String),
}

/// Gives an agent something to do. The last argument is its number of the request that is to stop then.
type Give<'a, H> = &'a dyn Fn(&mut Agent, &mut H, &Options, Option<u64>) -> Result<Fetch, NotTaken>;

/// Agents are lost as soon as they are started.
const NO_ANSWER: &str =
    "the agent that runs curl does not answer: reload the plugin, or set `transport` to `http`";

impl<H: AgentHost> Client<H> {
    /// A transport over `host`. `home` is the volt's folder, if it is known.
    pub fn new(host: H, home: Option<Home>, options: Options) -> Self {
        let obstacle = match options {
            Options { mode: Mode::Http, .. } => {
                Some("`transport` is `http`: Lapce's own HTTP client does not stream")
            }
            Options { editor_wakes: false, .. } => {
                Some("this Lapce does not wake plugins: install Lapce 0.4.1 or newer")
            }
            _ => None,
        };
        let obstacle = obstacle.map(str::to_owned);
        Self {
            host,
            home,
            options,
            obstacle,
            is_locked_out: false,
            agent: None,
            had_agent: false,
            ended: 0,
            requests: Vec::new(),
        }
    }

    fn request(
        &mut self,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    ) -> Result<Request, Failure> {
        request.check().map_err(|detail| Failure { kind: FailureKind::Request, detail })?;
        let unavailable = |detail| Failure { kind: FailureKind::Unavailable, detail };
        let attempt = self.attempt(replaces, &|agent, host, options, old| {
            agent.fetch(host, request, options, delay_ms, old)
        });
        match attempt {
            Ok(fetch) => return Ok(Request::Fetch { fetch, lost: false }),
            Err(NoTaker::NotStarted(reason)) => return Err(unavailable(reason)),
            Err(NoTaker::Busy) => {
                let leaves_ms = self.host.now_ms().saturating_add(delay_ms);
                return Ok(Request::Held { request: request.clone(), leaves_ms, replaces });
            }
            Err(NoTaker::NoAgent) => {}
        }
        match &self.obstacle {
            None => Err(unavailable(NO_ANSWER.to_owned())),
            Some(reason) if self.options.mode == Mode::Curl => {
                Err(unavailable([reason, ", or set `transport` to `http`"].concat()))
            }
            Some(reason) => match http_policy::refusal(request, &self.options) {
                // The user has chosen to have no agent: the reason says nothing new.
                Some(words) if self.options.mode == Mode::Http => Err(unavailable(words.to_owned())),
                Some(words) => Err(unavailable([reason, ". ", words].concat())),
                None => Ok(Request::Buffered(Buffered::Due(request.clone()))),
            },
        }
    }

    /// Gives the agent a command to run.
    fn command(&mut self, command: &str) -> Result<Request, Failure> {
        let reason = match self.attempt(None, &|agent, host, _, _| agent.run(host, command)) {
            Ok(fetch) => return Ok(Request::Fetch { fetch, lost: false }),
            Err(NoTaker::Busy) => "the agent that runs curl is busy".to_owned(),
            Err(NoTaker::NoAgent) => self.obstacle.clone().unwrap_or_else(|| NO_ANSWER.to_owned()),
            Err(NoTaker::NotStarted(reason)) => reason,
        };
        let detail = ["could not be started: ", &reason].concat();
        Err(Failure { kind: FailureKind::Unavailable, detail })
    }

    /// Gives the agent something to do, and `replaces` to stop.
    fn attempt(&mut self, replaces: Option<RequestNumber>, give: Give<'_, H>) -> Result<Fetch, NoTaker> {
        if self.is_locked_out && self.is_writable() {
            self.is_locked_out = false;
            self.obstacle = None;
        }
        // Twice: that the agent is gone may turn out only now.
        for _ in 0..2 {
            if self.obstacle.is_none() {
                self.ensure_agent().map_err(NoTaker::NotStarted)?;
            }
            // The numbers of an agent mean nothing to the next one.
            let old = replaces.and_then(|number| self.number_at_agent(number));
            let Some(agent) = &mut self.agent else { break };
            match give(agent, &mut self.host, &self.options, old) {
                Ok(fetch) => return Ok(fetch),
                Err(NotTaken::Busy) => return Err(NoTaker::Busy),
                Err(NotTaken::Lost) => self.lose_agent(),
            }
        }
        Err(NoTaker::NoAgent)
    }

    /// Starts an agent if there is none. If that fails, the reason becomes the obstacle; but if an agent has run before,
    /// the next request tries again.
    fn ensure_agent(&mut self) -> Result<(), String> {
        if self.agent.is_some() {
            return Ok(());
        }
        let started = match &self.home {
            _ if self.ended > MOST_ENDED => {
                Err("the agent that runs curl ends again and again: reload the plugin".to_owned())
            }
            Some(home) => Agent::start(&mut self.host, home),
            None => Err("Lapce does not name the plugin's folder".to_owned()),
        };
        match started {
            Ok(agent) => {
                self.agent = Some(agent);
                self.had_agent = true;
                Ok(())
            }
            Err(reason) if self.had_agent && self.ended <= MOST_ENDED => Err(reason),
            Err(reason) => {
                self.obstacle = Some(reason);
                self.is_locked_out = !self.is_writable();
                Ok(())
            }
        }
    }

    /// The running agent's number of a request that it has.
    fn number_at_agent(&self, number: RequestNumber) -> Option<u64> {
        self.requests.iter().find(|(of, _)| *of == number).and_then(|(_, request)| match request {
            Request::Fetch { fetch, lost: false } => Some(fetch.number()),
            _ => None,
        })
    }

    fn is_writable(&mut self) -> bool {
        let Self { home, host, .. } = self;
        home.as_ref().is_none_or(|home| home.is_writable(|program, args| host.execute(program, args)))
    }

    /// Gives the agent up. What it has fetched so far can still be read.
    fn lose_agent(&mut self) {
        let Some(agent) = self.agent.take() else { return };
        agent.quit(&mut self.host);
        self.ended += 1;
        for (_, request) in &mut self.requests {
            if let Request::Fetch { fetch, lost } = request {
                fetch.withdraw();
                *lost = true;
            }
        }
    }

    /// Hands the request to the agent if it was too busy to take it before.
    fn hand_over(&mut self, number: RequestNumber) {
        let held = |(of, request): &(RequestNumber, Request)| {
            *of == number && matches!(request, Request::Held { .. })
        };
        let Some(at) = self.requests.iter().position(held) else { return };
        if let (_, Request::Held { request, leaves_ms, replaces }) = self.requests.swap_remove(at) {
            let now_ms = self.host.now_ms();
            let hangs = now_ms >= leaves_ms.saturating_add(HUNG_MS);
            if hangs {
                self.lose_agent();
            }
            let mut next = self
                .request(&request, leaves_ms.saturating_sub(now_ms), replaces)
                .unwrap_or_else(|failure| Request::Failed { failure, leaves_ms });
            if let (Request::Held { leaves_ms: next, .. }, false) = (&mut next, hangs) {
                *next = leaves_ms;
            }
            self.requests.push((number, next));
        }
    }

    fn has(&mut self, done: Result<(), Lost>) {
        if done.is_err() {
            self.lose_agent();
        }
    }

    fn remove(&mut self, number: RequestNumber) -> Option<Request> {
        let at = self.requests.iter().position(|(of, _)| *of == number)?;
        Some(self.requests.swap_remove(at).1)
    }

    fn end(&mut self, request: Request) {
        if let (Request::Fetch { fetch, lost: false }, Some(agent)) = (request, &mut self.agent) {
            let done = agent.stop(&mut self.host, fetch);
            self.has(done);
        }
    }
}

impl<H: AgentHost> Transport for Client<H> {
    fn start(
        &mut self,
        number: RequestNumber,
        request: &HttpRequest,
        delay_ms: u64,
        replaces: Option<RequestNumber>,
    ) {
        self.stop(number);
        let leaves_ms = self.host.now_ms().saturating_add(delay_ms);
        let request = self
            .request(request, delay_ms, replaces)
            .unwrap_or_else(|failure| Request::Failed { failure, leaves_ms });
        self.requests.push((number, request));
    }

    fn run(&mut self, number: RequestNumber, command: &str) {
        self.stop(number);
        let request =
            self.command(command).unwrap_or_else(|failure| Request::Failed { failure, leaves_ms: 0 });
        self.requests.push((number, request));
    }

    fn read(&mut self, number: RequestNumber, buffer: &mut [u8]) -> TransportEvent {
        self.hand_over(number);
        let Some((_, request)) = self.requests.iter_mut().find(|(of, _)| *of == number) else {
            let detail = "there is no such request".to_owned();
            return TransportEvent::Failed(Failure { kind: FailureKind::Request, detail });
        };
        let mut done = Ok(());
        let event = match request {
            Request::Held { .. } => TransportEvent::Pending,
            Request::Failed { failure, .. } => TransportEvent::Failed(failure.clone()),
            Request::Buffered(buffered) => {
                let mut event = buffered.read(&mut self.host, self.options.response_bytes, buffer);
                if let (TransportEvent::Failed(failure), Some(reason), Mode::Auto) =
                    (&mut event, &self.obstacle, self.options.mode)
                {
                    // Say why curl was not used: it would tell more.
                    failure.detail = [&failure.detail, "; ", reason].concat();
                }
                event
            }
            Request::Fetch { fetch, lost } => {
                let event = fetch.read(self.host.now_ms(), *lost, buffer);
                if let (TransportEvent::Body(_), Some(agent), false) = (&event, &mut self.agent, *lost) {
                    self.ended = 0;
                    done = agent.tell_read(&mut self.host, fetch);
                }
                event
            }
        };
        self.has(done);
        if matches!(event, TransportEvent::End | TransportEvent::Failed(_)) {
            self.stop(number);
        }
        event
    }

    fn stop(&mut self, number: RequestNumber) {
        if let Some(request) = self.remove(number) {
            self.end(request);
        }
    }

    fn wake(&mut self, number: RequestNumber, not_before: impl Into<NotBefore>) {
        self.hand_over(number);
        if self.obstacle.is_none() {
            // The request may have been lost with its agent: the next agent wakes the plugin to read the failure.
            let _ = self.ensure_agent();
        }
        let now_ms = self.host.now_ms();
        let Some(agent) = &mut self.agent else { return };
        let request = self.requests.iter_mut().find(|(of, _)| *of == number);
        // The engine reads a failed request when it would have left, not before.
        let wait_ms = match request {
            Some((_, Request::Fetch { fetch, lost: false })) => {
                let done = agent.wake(&mut self.host, fetch, not_before.into());
                return self.has(done);
            }
            Some((_, Request::Fetch { fetch, .. })) => fetch.leaves_ms().saturating_sub(now_ms),
            Some((_, Request::Failed { leaves_ms, .. })) => leaves_ms.saturating_sub(now_ms),
            Some((_, Request::Held { .. })) => RETRY_MS,
            Some((_, Request::Buffered(_))) | None => return,
        };
        self.timer(wait_ms);
    }

    fn timer(&mut self, ms: u64) {
        if let Some(agent) = &mut self.agent {
            let done = agent.timer(&mut self.host, ms);
            self.has(done);
        }
    }

    fn woken(&mut self) {
        if let Some(agent) = &mut self.agent {
            let done = agent.woken(&mut self.host);
            self.has(done);
        }
    }

    fn search(&mut self, root: &str, pattern: &str, files: &str) {
        if let Some(agent) = &mut self.agent {
            let done = agent.search(&mut self.host, root, pattern, files);
            self.has(done);
        }
    }

    fn found(&mut self) -> Option<String> {
        self.agent.as_mut()?.found(&mut self.host)
    }

    fn tick(&mut self) {
        let now_ms = self.host.now_ms();
        let Some(agent) = &mut self.agent else {
            if self.obstacle.is_none() && !self.had_agent {
                // If that fails, the reason becomes the obstacle.
                let _ = self.ensure_agent();
            }
            return;
        };
        let hangs = |(_, request): &mut (RequestNumber, Request)| match request {
            Request::Fetch { fetch, lost: false } => fetch.is_stuck(now_ms),
            _ => false,
        };
        if !agent.is_alive() || self.requests.iter_mut().any(hangs) {
            self.lose_agent();
        }
    }

    fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_deref()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
