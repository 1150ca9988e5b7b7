//! What the server saw, shared by its threads and its owner.

use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Request;

/// One request and what became of its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// When its last byte was read.
    pub arrived: Instant,
    /// Every piece of body that was handed to the system: when, and how many bytes.
    pub writes: Vec<(Instant, usize)>,
    /// When the answer was over, in whichever way.
    pub finished: Option<Instant>,
    /// Whether the client closed the connection before the answer was over.
    pub hung_up: bool,
}

impl Exchange {
    /// When the first byte of body was sent.
    pub fn first_byte(&self) -> Option<Instant> {
        self.writes.first().map(|(at, _)| *at)
    }

    /// When the last byte of body so far was sent.
    pub fn last_byte(&self) -> Option<Instant> {
        self.writes.last().map(|(at, _)| *at)
    }

    /// How many bytes of body were sent.
    pub fn sent(&self) -> usize {
        self.writes.iter().map(|(_, bytes)| bytes).sum()
    }

    /// How many bytes of body had been sent at `moment`.
    pub fn sent_by(&self, moment: Instant) -> usize {
        self.writes.iter().filter(|(at, _)| *at <= moment).map(|(_, bytes)| bytes).sum()
    }
}

#[derive(Default)]
pub struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    exchanges: Vec<Exchange>,
    /// Exchanges that are not over, with their connections.
    in_flight: Vec<(usize, TcpStream)>,
    in_flight_max: usize,
    connections: Vec<(usize, TcpStream)>,
    opened: usize,
    stopping: bool,
}

/// Takes a connection off the list when its thread is done with it.
pub struct Open<'a> {
    log: &'a Log,
    id: usize,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let id = self.id;
        self.log.state().connections.retain(|(other, _)| *other != id);
    }
}

impl Log {
    /// Puts a connection on the list of those to be closed by [`stop`](Self::stop).
    pub fn open(&self, stream: TcpStream) -> Open<'_> {
        let mut state = self.state();
        if state.stopping {
            let _ = stream.shutdown(Shutdown::Both);
        }
        state.opened += 1;
        let id = state.opened;
        state.connections.push((id, stream));
        Open { log: self, id }
    }

    /// Writes down a request and gives it its number.
    pub fn arrived(&self, request: &mut Request, stream: TcpStream) -> usize {
        let mut state = self.state();
        request.number = state.exchanges.len();
        // The thread of a connection that the client has just closed may not have run since.
        state.in_flight.retain(|(_, stream)| !hung_up(stream));
        state.in_flight.push((request.number, stream));
        state.in_flight_max = state.in_flight_max.max(state.in_flight.len());
        state.exchanges.push(Exchange {
            request: request.clone(),
            arrived: Instant::now(),
            writes: Vec::new(),
            finished: None,
            hung_up: false,
        });
        self.changed.notify_all();
        request.number
    }

    /// So many bytes of body went out for exchange `number`.
    pub fn sent(&self, number: usize, bytes: usize) {
        self.update(number, |exchange| exchange.writes.push((Instant::now(), bytes)));
    }

    /// Exchange `number` is over.
    pub fn finished(&self, number: usize, hung_up: bool) {
        self.state().in_flight.retain(|(other, _)| *other != number);
        self.update(number, |exchange| {
            exchange.finished = Some(Instant::now());
            exchange.hung_up = hung_up;
        });
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().exchanges.clone()
    }

    pub fn in_flight_max(&self) -> usize {
        self.state().in_flight_max
    }

    pub fn wait(&self, timeout: Duration, mut condition: impl FnMut(&[Exchange]) -> bool) -> bool {
        let waited =
            self.changed.wait_timeout_while(self.state(), timeout, |state| !condition(&state.exchanges));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub fn stopping(&self) -> bool {
        self.state().stopping
    }

    /// Closes every connection, now and from now on.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        for (_, stream) in &state.connections {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn update(&self, number: usize, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.state().exchanges.get_mut(number) {
            change(exchange);
        }
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the client has closed its side. Does not wait.
pub fn hung_up(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    // Not `set_nonblocking` + `peek`: that flag is shared with the thread that writes.
    match socket2::SockRef::from(stream).recv_with_flags(&mut byte, libc::MSG_PEEK | libc::MSG_DONTWAIT) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
