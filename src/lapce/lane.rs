//! One request at a time on its way to the engine.

use crate::http::HttpRequest;
use crate::transport::{Failure, Happening, Transport};

/// A transport, and what the engine has not heard of it yet.
#[derive(Debug)]
pub struct Lane<T> {
    transport: T,
    /// The request could not even be started. The engine hears of it like of any other failure: when
    /// it waits.
    failure: Option<Failure>,
}

impl<T: Transport> Lane<T> {
    pub fn new(transport: T) -> Self {
        Self { transport, failure: None }
    }

    pub fn start(&mut self, request: &HttpRequest) {
        self.failure = self.transport.start(request).err();
    }

    pub fn wait(&mut self, timeout_ms: u64, buffer: &mut [u8]) -> Happening {
        match self.failure.take() {
            Some(failure) => Happening::Failed(failure),
            None => self.transport.wait(timeout_ms, buffer),
        }
    }

    pub fn obstacle(&self) -> Option<&str> {
        self.transport.obstacle()
    }

    pub fn cancel(&mut self) {
        self.failure = None;
        self.transport.cancel();
    }
}
