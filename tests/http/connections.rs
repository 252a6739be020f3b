//! Requests as bytes on a connection: several on one, in pieces, and in forms that are seldom seen.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use moneyer::domain::PrivateKey;

use crate::support::{Server, send_raw};

/// How many of the answers in `text` begin with this status line.
fn count(text: &str, status: &str) -> usize {
    text.matches(&format!("HTTP/1.1 {status}\r\n")).count()
}

/// What is answered to `bytes`, however many answers that is, until the connection is closed.
fn talk(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    // The server may have seen enough before all is sent; what it answered counts.
    let _ = stream.write_all(bytes);
    read_to_end(stream)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// All that comes, whether the connection is closed properly at its end or not.
fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(answer).unwrap()
}

/// A request that mints, as it stands on a connection that is kept.
fn mint(key: &PrivateKey) -> String {
    format!(
        "GET /v2/auth?apikey={} HTTP/1.1\r\nHost: x\r\n\r\n",
        key.expose()
    )
}

const LAST: &str = "GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn one_connection_carries_many_requests() {
    let server = Server::start();
    let key = server.account("acme");
    let text = talk(&server, (mint(&key).repeat(3) + LAST).as_bytes());
    assert_eq!(count(&text, "200 OK"), 4, "{text}");
    assert_eq!(server.count_tokens(), 3);
}

#[test]
fn a_client_may_read_its_answers_late() {
    const MANY: usize = 40_000;
    let server = Server::start();
    let stream = connect(&server);
    let mut writing = stream.try_clone().unwrap();
    // More answers than the buffers in between hold.
    let text = std::thread::scope(|scope| {
        scope.spawn(move || {
            let request = "GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n";
            writing.write_all(request.repeat(MANY).as_bytes()).unwrap();
            writing.shutdown(Shutdown::Write).unwrap();
        });
        std::thread::sleep(Duration::from_millis(500));
        read_to_end(stream)
    });
    assert_eq!(count(&text, "200 OK"), MANY);
}

#[test]
fn a_connection_outlives_a_refusal() {
    let server = Server::start();
    let key = server.account("acme");
    let refused = "GET /v2/auth HTTP/1.1\r\nHost: x\r\n\r\n";
    let text = talk(
        &server,
        (refused.to_owned() + &mint(&key) + LAST).as_bytes(),
    );
    assert_eq!(
        (count(&text, "401 Unauthorized"), count(&text, "200 OK")),
        (1, 2),
        "{text}"
    );
}

#[test]
fn a_request_may_arrive_in_pieces() {
    let server = Server::start();
    let key = server.account("acme");
    let body = format!("apikey={}&list=1", key.expose());
    let request = format!(
        "POST /v2/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(&server);
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).unwrap();
    }
    let text = read_to_end(stream);
    assert!(text.ends_with(r#"{"TOKENS":[]}"#), "{text}");
}

#[test]
fn a_body_may_come_in_chunks_and_is_held_to_its_limit_all_the_same() {
    let server = Server::start();
    let key = server.account("acme");
    let chunked = |chunks: &[&str]| {
        let body = chunks.iter().fold(String::new(), |body, chunk| {
            body + &format!("{:x}\r\n{chunk}\r\n", chunk.len())
        });
        let head = "POST /v2/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        send_raw(server.address, format!("{head}{body}0\r\n\r\n").as_bytes())
    };
    let (start, end) = key.expose().split_at(20);
    let token = chunked(&["expire=2026112", "50435&api", "key=", start, end]).token();
    assert_eq!(server.list(&key), [token]);
    server.advance(60);
    assert!(server.list(&key).is_empty(), "the whole of it counted");
    let parameter = format!("apikey={}&x=", key.expose());
    chunked(&[&parameter, &"a".repeat(16 * 1024)]).refuses(413, "too_large");
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn a_client_may_ask_before_it_sends_its_body() {
    let server = Server::start();
    let key = server.account("acme");
    let body = format!("apikey={}", key.expose());
    let head = format!(
        "POST /v2/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = connect(&server);
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let text = read_to_end(stream);
    assert_eq!(count(&text, "200 OK"), 1, "{text}");
}

#[test]
fn older_clients_and_proxies_are_served() {
    let server = Server::start();
    let key = server.account("acme");
    let old = format!("GET /v2/auth?apikey={} HTTP/1.0\r\n\r\n", key.expose());
    let text = talk(&server, old.as_bytes());
    assert!(
        text.contains(" 200 OK\r\n") && text.contains("TOKEN"),
        "{text}"
    );
    // The absolute form, which servers must take (RFC 9112, section 3.2.2).
    let absolute = format!(
        "GET http://moneyer.example/v2/auth?apikey={} HTTP/1.1\r\nHost: moneyer.example\r\nConnection: close\r\n\r\n",
        key.expose()
    );
    send_raw(server.address, absolute.as_bytes()).token();
}

#[test]
fn a_body_is_never_taken_for_a_request() {
    let server = Server::start();
    let key = server.account("acme");
    let inner = mint(&key);
    for (line, kind) in [
        ("GET /v2/auth", "text/plain"),
        ("HEAD /v2/auth", "text/plain"),
        ("PUT /v2/auth", "text/plain"),
        ("DELETE /v2/auth/", "text/plain"),
        ("POST /v2/other", "text/plain"),
        ("POST /v2/auth", "application/json"),
        ("POST /health/liveness", "text/plain"),
        (&format!("POST /{}", "x".repeat(9000)), "text/plain"),
    ] {
        let outer = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            inner.len()
        );
        talk(&server, (outer + &inner + LAST).as_bytes());
        assert_eq!(server.count_tokens(), 0, "{line}");
    }
    // Nor is what is left of a body that is too long to be read.
    let long = format!("{}{inner}", "a".repeat(17_000));
    let outer = format!(
        "POST /v2/auth HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{long}{LAST}",
        long.len()
    );
    talk(&server, outer.as_bytes());
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn a_client_that_leaves_before_the_end_of_its_body_is_minted_nothing() {
    let server = Server::start();
    let key = server.account("acme");
    // What has come so far would mint a token that never expires.
    let head = format!(
        "POST /v2/auth?apikey={} HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\nx=1&",
        key.expose()
    );
    let mut stream = connect(&server);
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let text = read_to_end(stream);
    assert_eq!(count(&text, "200 OK"), 0, "{text}");
    assert_eq!(server.count_tokens(), 0);
}
