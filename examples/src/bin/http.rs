//! Streams an answer from an HTTP server on loopback over hyper and tokio. The server is busy at first, then breaks
//! off in the middle, then writes the rest: one retry and one resumption, and the answer is whole.
//!
//! `cargo run -p stream-examples --bin http`

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use ai_completion::provider;
use ai_completion::stream::{
    Attempt, BackpressureLimits, HttpStreamHandler, Joint, SharedStreamMetrics, StreamPipelineBuilder,
};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || serve(&listener));

    let metrics = SharedStreamMetrics::default();
    let counted = metrics.clone();
    let pipeline = move || {
        let decoder = provider::find("openai").expect("there is one of that name").decoder();
        StreamPipelineBuilder::new(decoder)
            .measure(counted.clone())
            .backpressure(BackpressureLimits::default())
            .build()
    };
    let mut tokens = HttpStreamHandler::new(pipeline)
        .retries(3)
        .resumes(2, Joint::Continues)
        .backoff(10, 1_000)
        .stream(move |attempt| send(address, attempt));

    // The stream is `Send`: a task of its own reads it.
    let reader = async move {
        let mut answer = String::new();
        while let Some(token) = tokens.next().await {
            answer.push_str(token?.text().unwrap_or_default());
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(answer)
    };
    let answer = tokio::spawn(reader).await?.map_err(|error| error.to_string())?;
    server.join().map_err(|_| "the server panicked")??;
    let counts = metrics.snapshot();
    println!(
        "{answer}\n({} pieces of text, {} bytes in {} chunks)",
        counts.pieces, counts.bytes, counts.chunks
    );
    assert_eq!(answer, "fn main() {}");
    Ok(())
}

/// Sends one request over a connection of its own.
async fn send(
    address: SocketAddr,
    attempt: Attempt,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
    tokio::time::sleep(Duration::from_millis(attempt.wait_ms)).await;
    eprintln!("request {}: {} bytes received so far", attempt.number, attempt.received.len());
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    // A real request has the prompt and, when it resumes, the text to go on from.
    let body = Full::new(Bytes::from(attempt.received));
    let request = Request::post("/v1/chat/completions").header("host", address.to_string()).body(body)?;
    Ok(sender.send_request(request).await?)
}

/// What the server answers to each request in turn.
const ANSWERS: [&str; 3] = [
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 4\r\n\r\nbusy",
    // The length is never reached: the connection breaks.
    "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fn main\"}}]}\n\n",
    "HTTP/1.1 200 OK\r\n\r\n\
     data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"() {}\"}}]}\n\ndata: [DONE]\n\n",
];

fn serve(listener: &TcpListener) -> io::Result<()> {
    for answer in ANSWERS {
        let (mut stream, _) = listener.accept()?;
        read_request(&stream)?;
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// Reads head and body, so that closing the connection resets nothing.
fn read_request(stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 0 && line.trim() != "" {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.take(length).read_to_end(&mut Vec::new()).map(|_| ())
}
