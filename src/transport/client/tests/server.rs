//! Servers on loopback that do one thing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use super::desk::CEILING;

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// What a server got.
#[derive(Debug, PartialEq)]
pub struct Received {
    pub line: String,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

pub fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.trim_end().lines().map(str::to_owned);
    let line = lines.next().unwrap();
    let headers: Vec<String> = lines.collect();
    let length = headers.iter().find_map(|header| header.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Received { line, headers, body })
}

/// A server for one request.
pub fn serve(play: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1?a=[1]{{2}}&b=%20", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let received = receive(&mut stream).unwrap();
        play(stream);
        received
    });
    (url, server)
}

/// A server that sends what it is given, piece by piece, and closes when the sender is dropped.
pub fn relay() -> (mpsc::Sender<&'static str>, String, JoinHandle<Received>) {
    let (go, gone) = mpsc::channel::<&str>();
    let (url, server) = serve(move |mut stream| {
        for piece in gone {
            stream.write_all(piece.as_bytes()).unwrap();
        }
    });
    (go, url, server)
}

/// A server that answers `bytes` and closes.
pub fn answer(bytes: impl Into<Vec<u8>>) -> (String, JoinHandle<Received>) {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let _ = stream.write_all(&bytes);
    })
}

/// A server that sends `bytes` and then nothing, until the other side is gone.
pub fn stall(bytes: &'static str) -> (String, Stalled) {
    let (arrive, arrived) = mpsc::channel();
    let (url, server) = serve(move |mut stream| {
        stream.write_all(bytes.as_bytes()).unwrap();
        arrive.send(stream.try_clone().unwrap()).unwrap();
        let _ = stream.read(&mut [0]);
    });
    (url, Stalled { arrived, stream: Mutex::default(), server })
}

pub struct Stalled {
    arrived: mpsc::Receiver<TcpStream>,
    stream: Mutex<Option<TcpStream>>,
    server: JoinHandle<Received>,
}

impl Stalled {
    /// Waits until the request is there and the server has fallen silent.
    pub fn reached(&self) {
        *self.stream.lock().unwrap() = Some(self.arrived.recv_timeout(CEILING).unwrap());
    }

    pub fn is_reached(&self) -> bool {
        self.arrived.try_recv().is_ok()
    }

    /// Waits until the connection is closed.
    pub fn join(self) -> thread::Result<Received> {
        self.server.join()
    }

    /// Closes the connection.
    pub fn release(self) {
        let stream = self.stream.lock().unwrap().take();
        if let Some(stream) = stream {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A server for any number of requests that answers each with its own body.
pub fn echo() -> (String, Echo) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let echo = Echo(bodies.clone());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if let Some(Received { body, .. }) = receive(&mut stream) {
                let _ = stream.write_all(&[OK.as_bytes(), &body].concat());
                bodies.lock().unwrap().push(body);
            }
        }
    });
    (url, echo)
}

pub struct Echo(Arc<Mutex<Vec<Vec<u8>>>>);

impl Echo {
    /// The bodies of all requests so far.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }
}
