//! How a server ends: by SIGTERM or SIGINT, soon, and with nothing broken off.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::{
    process::PATIENCE,
    server::{Server, find_line},
    support::{Folder, eventually},
};

/// A connection on which one request was answered, and which is kept open since.
fn idle_connection(server: &Server, path: &str, expected: u16) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(status, *format!("HTTP/1.1 {expected}").as_bytes());
    stream
}

fn idle_connections(server: &Server) -> [TcpStream; 2] {
    [
        idle_connection(server, "/health/liveness", 200),
        idle_connection(server, "/v2/verify", 401),
    ]
}

#[track_caller]
fn stops_by(signal: &str) {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    let _idle = idle_connections(&server);
    let run = server.stop_by(signal);
    assert!(find_line(&run.stderr, "stopping").is_some(), "{run:#?}");
    assert!(find_line(&run.stderr, "stopped").is_some(), "{run:#?}");
    assert_eq!(folder.serve(&[]).list(&key.secret), [token]);
}

#[test]
fn sigterm_ends_a_server_although_a_connection_idles() {
    stops_by("TERM");
}

#[test]
fn sigint_ends_a_server_although_a_connection_idles() {
    stops_by("INT");
}

#[test]
fn a_connection_that_never_asks_anything_does_not_keep_a_server() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let silent = TcpStream::connect(server.address).unwrap();
    let mut halting = TcpStream::connect(server.address).unwrap();
    halting.write_all(b"GET /v2/auth HTT").unwrap();
    server.stop();
    drop((silent, halting));
}

#[test]
fn a_request_in_flight_is_finished_while_idle_connections_end_and_new_ones_are_turned_away() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let idle = idle_connections(&server);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /v2/auth HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n",
        key.secret
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    // The server has the request once it asks for the rest.
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");

    server.process.signal("TERM");
    eventually(PATIENCE, "no new connection is accepted", || {
        TcpStream::connect(server.address).is_err()
    });
    for mut idle in idle {
        idle.set_read_timeout(Some(PATIENCE)).unwrap();
        idle.read_to_end(&mut Vec::new()).unwrap();
    }
    // It goes on waiting for the rest, and is not merely slow to go.
    stream
        .set_read_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    let nothing = stream.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"output=json").unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 200 OK\r\n"), "{rest}");
    let (_, body) = rest.split_once("{\"TOKEN\":\"").unwrap();
    let run = server.process.finish_within(PATIENCE).done();
    assert!(find_line(&run.stderr, "stopped").is_some(), "{run:#?}");
    assert_eq!(folder.serve(&[]).list(&key.secret), [&body[..32]]);
}

#[test]
fn the_log_tells_when_a_server_listens_stops_and_has_stopped() {
    let folder = Folder::new();
    let log = folder.serve(&[]).stop().stderr;
    let messages: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(messages, ["listening", "stopping", "stopped"]);
}
