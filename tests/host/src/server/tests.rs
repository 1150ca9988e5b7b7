use std::io::{BufRead, Read, Write};
use std::process::Command;

use super::*;

/// Only a protection against hanging.
const SOON: Duration = Duration::from_secs(60);
const NEVER: Duration = Duration::from_secs(3600);

fn ask(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let request = "POST /v1/chat HTTP/1.1\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

/// Closes for sure: a dropped socket stays open while a process that is being started has a copy of it.
fn hang_up(stream: TcpStream) {
    stream.shutdown(Shutdown::Both).unwrap();
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn abc(delay: Duration) -> Script {
    let chunk = |text: &str| Chunk { delay, bytes: text.into() };
    Script::chunks("text/plain", vec![chunk("a"), chunk("bc"), chunk("")])
}

#[test]
fn chunks_go_out_as_scripted() {
    let server = Server::fifo(vec![abc(Duration::ZERO).header("x-request-id", "7")]).unwrap();
    let mut text = String::new();
    ask(&server).read_to_string(&mut text).unwrap();
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-request-id: 7\r\ntransfer-encoding: chunked\r\n\r\n\
         1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    );
}

#[test]
fn a_whole_body_says_its_length() {
    let server = Server::fifo(vec![Script::whole(404, "text/plain", "none")]).unwrap();
    let mut text = String::new();
    ask(&server).read_to_string(&mut text).unwrap();
    assert_eq!(text, "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nnone");
}

#[test]
fn a_chunk_arrives_before_the_next_is_due() {
    let mut script = abc(Duration::ZERO);
    script.chunks[1].delay = NEVER;
    let server = Server::fifo(vec![script]).unwrap();
    assert!(read_until(&mut ask(&server), "1\r\na\r\n").ends_with("1\r\na\r\n"));
}

#[test]
fn no_chunk_goes_out_before_it_is_due() {
    let step = Duration::from_millis(3);
    let server = Server::fifo(vec![abc(step).after(step)]).unwrap();
    ask(&server).read_to_end(&mut Vec::new()).unwrap();
    let exchange = &server.exchanges()[0];
    assert_eq!(exchange.writes.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [1, 2]);
    let (first, last) = (exchange.first_byte().unwrap(), exchange.last_byte().unwrap());
    assert!(first - exchange.arrived >= 2 * step && last - exchange.arrived >= 3 * step);
    assert_eq!((exchange.sent_by(exchange.arrived), exchange.sent_by(first), exchange.sent()), (0, 1, 3));
}

#[test]
fn requests_are_written_down() {
    let server =
        Server::start(|request| Script::whole(200, "text/plain", format!("{}", request.number))).unwrap();
    for number in ["0", "1"] {
        let mut text = String::new();
        ask(&server).read_to_string(&mut text).unwrap();
        assert!(text.ends_with(&format!("\r\n\r\n{number}")), "{text}");
    }
    let exchanges = server.exchanges();
    assert_eq!(exchanges.len(), 2);
    let request = &exchanges[1].request;
    assert_eq!((request.number, request.method.as_str(), request.path.as_str()), (1, "POST", "/v1/chat"));
    assert_eq!((request.header("content-length"), &request.json()["a"]), (Some("7"), &1.into()));
    assert!(exchanges.iter().all(|exchange| exchange.finished.is_some() && !exchange.hung_up));
}

#[test]
fn a_client_that_hangs_up_is_noticed_at_once() {
    for script in [abc(Duration::ZERO).cut(1, End::Stall), {
        let mut slow = abc(Duration::ZERO);
        slow.chunks[1].delay = NEVER;
        slow
    }] {
        let server = Server::fifo(vec![script]).unwrap();
        let mut client = ask(&server);
        read_until(&mut client, "1\r\na\r\n");
        hang_up(client);
        assert!(server.wait(SOON, |all| all[0].hung_up && all[0].sent() == 1));
    }
}

#[test]
fn requests_in_flight_are_counted() {
    let server = Server::fifo(vec![Script::nothing(End::Stall)]).unwrap();
    let first = ask(&server);
    assert!(server.wait(SOON, |all| all.len() == 1));
    hang_up(first);
    let second = ask(&server);
    assert!(server.wait(SOON, |all| all.len() == 2));
    assert_eq!(server.in_flight_max(), 1, "the first client was gone when the second came");
    let third = ask(&server);
    assert!(server.wait(SOON, |all| all.len() == 3));
    assert_eq!(server.in_flight_max(), 2);
    hang_up(second);
    hang_up(third);
}

#[test]
fn a_connection_serves_request_after_request() {
    let server = Server::fifo(vec![abc(Duration::ZERO)]).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        read_until(&mut stream, "\r\n0\r\n\r\n");
    }
    assert_eq!(server.exchanges().len(), 2);
}

#[test]
fn rubbish_closes_the_connection() {
    let server = Server::fifo(vec![]).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(b"rubbish\r\n\r\n").unwrap();
    assert_eq!(BufReader::new(stream).lines().map_while(Result::ok).count(), 0);
    assert!(server.exchanges().is_empty());
}

/// curl's exit codes are what the transport tells users about.
#[test]
fn curl_sees_each_misbehaviour_as_what_it_is() {
    let curl = |url: &str| {
        let output =
            Command::new("curl").args(["-sS", "-N", "--noproxy", "*", "-d", "{}", url]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for (script, code, body) in [
        (abc(Duration::ZERO), 0, "abc"),
        (abc(Duration::ZERO).cut(1, End::Close), 18, "a"),
        (abc(Duration::ZERO).cut(0, End::Reset), 56, ""),
        (Script::whole(200, "text/plain", "abc").cut(0, End::Close), 18, ""),
        (Script::nothing(End::Close), 52, ""),
        (Script::nothing(End::Reset), 56, ""),
    ] {
        let server = Server::fifo(vec![script.clone()]).unwrap();
        assert_eq!(curl(&server.url()), (code, body.to_owned()), "{script:?}");
    }
    assert_eq!(curl(&Server::nobody().unwrap()).0, 7);
}
