//! A provider of completions that plays scripts: a real HTTP/1.1 server on loopback with exact chunk
//! boundaries and pacing, that can misbehave and writes down what it saw.

pub mod error;
mod http;
mod log;
mod script;
pub mod shape;

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use http::Request;
pub use log::Exchange;
pub use script::{Chunk, End, Pace, Script};

use log::Log;

type Play = dyn Fn(&Request) -> Script + Send + Sync;

/// A running server. Dropping it closes every connection and waits for its threads.
pub struct Server {
    address: SocketAddr,
    log: Arc<Log>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one that answers each request with what `play` says to it.
    ///
    /// # Errors
    /// No port or no thread to be had.
    pub fn start(play: impl Fn(&Request) -> Script + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let log = Arc::new(Log::default());
        let play: Arc<Play> = Arc::new(play);
        let acceptor = thread::Builder::new().name("server".to_owned()).spawn({
            let log = log.clone();
            move || accept(&listener, &log, &play)
        })?;
        Ok(Self { address, log, acceptor: Some(acceptor) })
    }

    /// Starts one that answers the first request with the first script and so on; the last one answers
    /// all that follow.
    ///
    /// # Errors
    /// No port or no thread to be had.
    pub fn fifo(scripts: Vec<Script>) -> io::Result<Self> {
        Self::start(move |request| {
            let script = scripts.get(request.number).or(scripts.last());
            script.cloned().unwrap_or_else(|| Script::nothing(End::Close))
        })
    }

    /// A base URL where nobody listens.
    ///
    /// # Errors
    /// No port to be had.
    pub fn nobody() -> io::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(format!("http://{}", listener.local_addr()?))
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was asked so far and what became of it, in order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.log.exchanges()
    }

    /// Waits until the exchanges fulfil `condition`. False: they did not within `timeout`.
    pub fn wait(&self, timeout: Duration, condition: impl FnMut(&[Exchange]) -> bool) -> bool {
        self.log.wait(timeout, condition)
    }

    /// The most requests that were in flight at one time: from a request's arrival to the last byte of
    /// its answer or the client's hanging up.
    pub fn in_flight_max(&self) -> usize {
        self.log.in_flight_max()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.log.stop();
        // Wakes the acceptor; if that fails it is gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, log: &Arc<Log>, play: &Arc<Play>) {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        if log.stopping() {
            break;
        }
        let Ok(stream) = stream else { continue };
        let (log, play) = (log.clone(), play.clone());
        // A thread that has ended keeps its stack until it is joined or let go of.
        connections.retain(|connection| !connection.is_finished());
        // A connection that fails is the client's affair; what was seen of it is in the log.
        connections.push(thread::spawn(move || {
            let _ = serve(stream, &log, &*play);
        }));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

/// Answers the requests of one connection, one after the other.
fn serve(mut stream: TcpStream, log: &Log, play: &Play) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let _open = log.open(stream.try_clone()?);
    let mut input = BufReader::new(stream.try_clone()?);
    while let Some(mut request) = http::read_head(&mut input)? {
        // curl asks first when the body is big.
        if request.header("expect").is_some_and(|what| what.eq_ignore_ascii_case("100-continue")) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = http::read_body(&request, &mut input)?;
        let number = log.arrived(&mut request, stream.try_clone()?);
        let played = perform(&mut stream, &play(&request), log, number);
        log.finished(number, !matches!(played, Ok(End::Complete | End::Close | End::Reset)));
        match played? {
            End::Complete if request.header("connection") == Some("close") => break,
            End::Complete => stream.set_read_timeout(None)?,
            // Closing without lingering sends a reset instead of an end.
            End::Reset => return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
            End::Close | End::Stall => break,
        }
    }
    // Not left to dropping it: a process that is just being started has a copy of the socket until its exec.
    stream.shutdown(Shutdown::Both)
}

/// Plays `script`. A client that hangs up is an error, except in a stall, which ends in no other way.
fn perform(stream: &mut TcpStream, script: &Script, log: &Log, number: usize) -> io::Result<End> {
    let mut due = Instant::now() + script.delay;
    wait_until(stream, due)?;
    if let Some(head) = &script.head {
        stream.write_all(&head.bytes())?;
        for chunk in &script.chunks {
            due += chunk.delay;
            wait_until(stream, due)?;
            match head.length {
                Some(_) => stream.write_all(&chunk.bytes)?,
                None => stream.write_all(&http_chunk(&chunk.bytes))?,
            }
            log.sent(number, chunk.bytes.len());
        }
        if script.end == End::Complete && head.length.is_none() {
            stream.write_all(b"0\r\n\r\n")?;
        }
    }
    if script.end == End::Stall {
        while wait_until(stream, Instant::now() + Duration::from_secs(60)).is_ok() {}
    }
    Ok(script.end)
}

/// One HTTP chunk, in one piece so that it leaves in one packet.
fn http_chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Waits for the moment `due` and watches the client meanwhile.
///
/// # Errors
/// The client has hung up.
fn wait_until(stream: &TcpStream, due: Instant) -> io::Result<()> {
    if log::hung_up(stream) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        stream.set_read_timeout(Some(left))?;
        match stream.peek(&mut [0]) {
            Ok(0) => return Err(io::ErrorKind::ConnectionAborted.into()),
            // The client sends its next request early: it is there.
            Ok(_) => thread::sleep(left),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
