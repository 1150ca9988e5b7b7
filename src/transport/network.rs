//! The transport the volt uses: the best way this machine has.

use std::time::Duration;

use super::growing::GrowingFile;
use super::http::Buffered;
use super::pipe::Pipe;
use super::response::{Response, Source};
use super::{Failure, FailureKind, Happening, Home, Host, Mode, Options, Refusal, Transport, http_policy};
use crate::http::HttpRequest;

/// Sends requests by curl where it can, else by Lapce's own HTTP client.
///
/// The way is found out by the first request itself and kept for the session. Several can live side by
/// side; each has one request at a time.
#[derive(Debug)]
pub struct Network<H> {
    pub(super) host: H,
    home: Option<Home>,
    options: Options,
    way: Way,
    current: Option<Current>,
}

/// Lapce has no console there, and starts programs without the flag (`CREATE_NO_WINDOW`) that would keep Windows
/// from opening one for each of them, in front of the editor.
const CONSOLE: &str = "on Windows a console window would open for each request by curl, which `transport` = `curl` \
                       allows";

/// What is known of the way.
#[derive(Debug)]
enum Way {
    /// curl, not tried yet.
    Untried,
    /// curl, which has worked.
    Curl,
    /// Lapce's client, because the user wants it.
    Asked,
    /// Lapce's client, for lack of what the text says.
    Instead(String),
}

#[derive(Debug)]
enum Current {
    Curl(Response),
    Http(Buffered),
}

impl<H: Host> Network<H> {
    /// A transport over `host`. `home` is the volt's folder, if it is known.
    pub fn new(host: H, home: Option<Home>, options: Options) -> Self {
        let way = match options.mode {
            Mode::Auto | Mode::Curl => Way::Untried,
            Mode::Http => Way::Asked,
        };
        Self { host, home, options, way, current: None }
    }

    fn start_curl(&mut self, request: &HttpRequest) -> Result<Response, Refusal> {
        let sweep = matches!(self.way, Way::Untried);
        let Some(home) = &self.home else {
            return Err(Refusal::Missing("Lapce does not name the plugin's folder".to_owned()));
        };
        if home.windows && self.options.mode == Mode::Auto {
            return Err(Refusal::Missing(CONSOLE.to_owned()));
        }
        let source = if home.windows {
            Source::File(GrowingFile::start(&mut self.host, home, request, &self.options, sweep)?)
        } else {
            Source::Pipe(Pipe::start(&mut self.host, home, request, &self.options, sweep)?)
        };
        Ok(Response::new(source, self.options.limits))
    }
}

impl<H: Host> Transport for Network<H> {
    fn start(&mut self, request: &HttpRequest) -> Result<(), Failure> {
        self.cancel();
        request.check().map_err(|detail| Failure { kind: FailureKind::Request, detail })?;
        if matches!(self.way, Way::Untried | Way::Curl) {
            match self.start_curl(request) {
                Ok(response) => {
                    self.way = Way::Curl;
                    self.current = Some(Current::Curl(response));
                    return Ok(());
                }
                Err(Refusal::Failed(failure)) => return Err(failure),
                // What has worked before is not given up for the session because it fails once.
                Err(Refusal::Missing(reason))
                    if self.options.mode == Mode::Auto && matches!(self.way, Way::Untried) =>
                {
                    self.way = Way::Instead(reason);
                }
                Err(Refusal::Missing(detail)) => {
                    return Err(Failure { kind: FailureKind::Unavailable, detail });
                }
            }
        }
        if let Some(words) = http_policy::refusal(request, &self.options) {
            let detail = match &self.way {
                Way::Instead(reason) => format!("{reason}, and {words}"),
                _ => words.to_owned(),
            };
            return Err(Failure { kind: FailureKind::Unavailable, detail });
        }
        self.current = Some(Current::Http(Buffered::Due(request.clone())));
        Ok(())
    }

    fn wait(&mut self, timeout_ms: u64, buffer: &mut [u8]) -> Happening {
        let timeout = Duration::from_millis(timeout_ms);
        let happening = match &mut self.current {
            Some(Current::Curl(response)) => response.wait(&mut self.host, timeout, buffer),
            Some(Current::Http(buffered)) => buffered.wait(&mut self.host, buffer),
            None => {
                std::thread::sleep(timeout);
                Happening::Elapsed
            }
        };
        if matches!(happening, Happening::End | Happening::Failed(_)) {
            self.cancel();
        }
        happening
    }

    fn cancel(&mut self) {
        if let Some(Current::Curl(response)) = self.current.take() {
            response.close(&mut self.host);
        }
    }

    fn obstacle(&self) -> Option<&str> {
        match &self.way {
            Way::Instead(reason) => Some(reason),
            Way::Untried | Way::Curl | Way::Asked => None,
        }
    }
}
