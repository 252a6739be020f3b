//! Connections on which nothing but plain questions about tokens are asked, and what ends that: to
//! the asker it makes no difference.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use moneyer::{config::Span, domain::Role};
use serde_json::json;

use crate::support::{Connection, Request, Server};

/// The answer to a request, but for what differs each time.
fn lasting(request: &Request) -> String {
    let whole = request.send().whole();
    let is_lasting =
        |line: &&str| !line.starts_with("connection: ") && !line.starts_with("x-request-id: ");
    whole
        .lines()
        .filter(is_lasting)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Checks that a question is answered alike where it is plain and where it concerns its connection.
#[track_caller]
fn is_answered_alike(status: u16, question: &Request) {
    let plain = lasting(question);
    assert_eq!(
        plain,
        lasting(&question.clone().header("Connection", "close"))
    );
    assert!(plain.starts_with(&format!("HTTP/1.1 {status} ")), "{plain}");
}

#[test]
fn a_plain_question_is_answered_as_any_other_request() {
    let server = Server::start();
    let key = server.account("acme");
    let [verifier, other] = [Role::Verify, Role::Mint].map(|role| server.key("acme", role));
    let token = server.mint(&key);
    let scoped = server.mint_with(&key, json!({"scopes": ["a", "b"]}));
    let bound = server.mint_with(&key, json!({"origins": ["https://a.example"]}));
    let limit = json!({"rate_limit": {"requests": 1, "per_seconds": 60}});
    let [limited, used_up] = [(), ()].map(|()| server.mint_with(&key, limit.clone()));
    server.verify(&used_up).accepts();
    let ask = |token: &str| server.verify(token);
    for (status, question) in [
        (200, ask(&token)),
        (200, ask(&scoped).query("scope", "a b")),
        (200, ask(&scoped).query("explain", "1")),
        (200, ask(&token).header("X-Moneyer-Key", verifier.expose())),
        (200, server.get("/v2/verify").query("token", &token)),
        (
            200,
            server
                .get("/v2/verify")
                .header("X-Original-URI", &format!("/a?token={token}")),
        ),
        (200, ask(&bound).header("Origin", "https://a.example")),
        (403, ask(&bound).header("Origin", "https://b.example")),
        (403, ask(&scoped).query("scope", "c")),
        (429, ask(&used_up)),
        (403, ask(&used_up).query("status", "gateway")),
        (401, ask(&"0".repeat(32))),
        (401, ask("x")),
        (401, server.get("/v2/verify")),
        (401, ask(&token).header("Authorization", "Bearer x")),
        (400, ask(&token).query("scopes", "a")),
        (400, ask(&token).raw_query("scope=a&scope=b")),
        (400, ask(&token).raw_query("scope=%")),
        (403, ask(&token).header("X-Moneyer-Key", other.expose())),
        (401, ask(&token).header("X-Moneyer-Key", "K0")),
    ] {
        is_answered_alike(status, &question);
    }
    let plain = lasting(&ask(&limited));
    server.advance(60);
    let other = lasting(&ask(&limited).header("Connection", "close"));
    assert_eq!(plain, other);
    assert!(plain.contains("\nratelimit: "), "{plain}");
}

#[test]
fn failures_of_questions_are_told_alike_too() {
    let stranger = Server::with(|config| config.verify.trusted.clear());
    let (key, other) = (stranger.account("acme"), stranger.account("other"));
    let verifier = stranger.key("other", Role::Verify);
    let token = stranger.mint(&key);
    is_answered_alike(401, &stranger.verify(&token));
    let with_key = |key| stranger.verify(&token).header("X-Moneyer-Key", key);
    is_answered_alike(401, &with_key(verifier.expose()));
    is_answered_alike(403, &with_key(other.expose()));
    let throttling = Server::with(|config| {
        config.verify.trusted.clear();
        config.throttle.burst = 1;
        config.throttle.addresses = 10;
        config.throttle.delay = Span::seconds(0);
    });
    let question = throttling.verify(&token);
    assert_eq!(question.send().status(), 401);
    let [plain, other] = [
        lasting(&question),
        lasting(&question.clone().header("Connection", "close")),
    ];
    assert_eq!(plain, other);
    assert!(plain.contains("retry-after: 1"), "{plain}");
}

/// What is answered to `head`, but for what differs each time, on a connection where `before` was
/// sent and answered.
fn on_connection(server: &Server, before: Option<&str>, head: &[u8]) -> String {
    let mut connection = Connection::open(server.address);
    if let Some(before) = before {
        connection.send(before.as_bytes());
        assert_eq!(connection.answer().0, 200);
    }
    connection.send(head);
    connection.end();
    let rest = connection.rest();
    let mut lines: Vec<_> = rest.lines().collect();
    lines.retain(|line| !line.starts_with("x-request-id: ") && !line.starts_with("date: "));
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn what_is_odd_about_a_question_is_taken_alike_whoever_reads_it() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    let bearer = format!("Authorization: Bearer {token}");
    let with = |lines: &str| format!("GET /v2/verify HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
    let mut heads: Vec<Vec<u8>> = [
        with(&bearer),
        with(&bearer.to_uppercase().replace(&token.to_uppercase(), &token)),
        with(&format!("{bearer}\r\n{bearer}")),
        with(&format!("{bearer}\r\nHost: y")),
        with(&format!("{bearer}\r\nConnection:")),
        with(&format!("{bearer}\r\nConnection: Keep-Alive")),
        with(&format!("{bearer}\r\nContent-Length: 0")),
        with(&format!("{bearer}\r\nContent-Length: 2\r\n\r\nab")),
        with(&format!("{bearer}  \t")),
        with(&format!("{bearer}\r\n folded")),
        with(&format!("{bearer}\r\nBad Name: x")),
        with(&format!("{bearer}\r\nX-Moneyer-Key: K\r\nX-Moneyer-Key: K")),
        with("X-Api-Key:").replace("/verify", &format!("/verify?token={token}")),
        with(&bearer).replace("/verify", "/verify?"),
        with(&bearer).replace("/verify", "/verify?a=\"b\""),
        with(&bearer).replace("/verify", "/verify#a"),
        with(&bearer).replace("/verify", "/verify/"),
        with(&bearer).replace("\r\n", "\n"),
        with(&bearer).replace("Host: x", "Host:"),
        with(&bearer).replace("Host: x\r\n", ""),
        with(&bearer).replace("HTTP/1.1", "HTTP/1.0"),
        with(&bearer).replace("GET", "get"),
        format!("\r\n{}", with(&bearer)),
    ]
    .map(String::into_bytes)
    .into();
    for odd in [b'\xe9', b'\x7f', b'\0', b'\r'] {
        for name in ["Origin", "Authorization", "X-Other"] {
            let [before, after] = [name, ": Bearer x"].map(str::as_bytes);
            let line = [before, after, &[odd]].concat();
            let head = with(&bearer).into_bytes();
            let place = head.len() - 2;
            heads.push([&head[..place], &line, b"\r\n\r\n"].concat());
        }
    }
    for head in heads {
        let conversation = on_connection(&server, None, &head);
        let alive = "GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n";
        let other = on_connection(&server, Some(alive), &head);
        assert_eq!(conversation, other, "{}", String::from_utf8_lossy(&head));
    }
}

#[test]
fn a_connection_may_go_from_questions_to_other_requests_and_back() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    let question =
        format!("GET /v2/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let list = format!(
        "POST /v2/auth HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\napikey={}&list=1",
        key.expose().len() + 14,
        key.expose()
    );
    let order = [&question, &question, &list, &question, &list, &question];
    let all = order.map(String::as_str).concat();
    // In one piece, in two that are cut anywhere, and byte by byte.
    let cuts = [
        all.len(),
        10,
        question.len() + 1,
        2 * question.len() + 20,
        1,
    ];
    for cut in cuts {
        let mut connection = Connection::open(server.address);
        let pieces = all.as_bytes().chunks(cut);
        pieces.for_each(|piece| connection.send(piece));
        for asked in order {
            let (status, body) = connection.answer();
            let expected = if *asked == list { "TOKENS" } else { "active" };
            assert!(status == 200 && body.contains(expected), "{cut}: {body}");
        }
        assert!(connection.is_quiet());
    }
}

/// How many questions are asked at once: more than the buffers in between hold the answers of.
const MANY: usize = 40_000;

/// How many are answered to a client that reads nothing for so long.
fn count_answers(server: &Server, silence: Duration) -> usize {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let mut text = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let question = "GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
            // It may be broken off.
            let _ = writing.write_all(question.repeat(MANY).as_bytes());
            let _ = writing.shutdown(Shutdown::Write);
        });
        std::thread::sleep(silence);
        let _ = stream.read_to_end(&mut text);
    });
    let text = String::from_utf8(text).unwrap();
    text.matches("HTTP/1.1 401 Unauthorized\r\n").count()
}

#[test]
fn a_gateway_may_read_its_answers_late() {
    let server = Server::start();
    assert_eq!(count_answers(&server, Duration::from_millis(500)), MANY);
}

#[test]
fn who_reads_no_answers_is_left() {
    let server = Server::with(|config| config.limits.keep_alive = Span::seconds(1));
    assert!(count_answers(&server, Duration::from_secs(4)) < MANY);
}

#[test]
fn who_asks_nothing_is_told_so_and_who_asks_no_more_is_left() {
    let server = Server::with(|config| {
        config.limits.head_timeout = Span::seconds(1);
        config.limits.keep_alive = Span::seconds(2);
    });
    let question = "GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
    for (whole, part) in [
        (0, ""),
        (0, "GET /v2/ver"),
        (0, "GET /v2/auth"),
        (2, &question[..30]),
    ] {
        let mut connection = Connection::open(server.address);
        connection.send((question.repeat(whole) + part).as_bytes());
        let answers = connection.rest();
        let (_, last) = answers.rsplit_once("HTTP/1.1 ").unwrap();
        assert!(last.starts_with("408 Request Timeout\r\n"), "{answers}");
        assert!(last.contains("connection: close\r\n"), "{answers}");
        assert!(last.contains(r#"{"ERROR":"request_timeout","#), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), whole + 1);
    }
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        assert_eq!(connection.verify("x", ""), 401);
        std::thread::sleep(Duration::from_millis(700));
    }
    // It was kept for longer than a head may take, and ends without another word.
    assert_eq!(connection.rest(), "");
    // So it is with an empty line behind a question.
    let mut connection = Connection::open(server.address);
    connection.send(format!("{question}\r\n\r\n").as_bytes());
    let answers = connection.rest();
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
}

#[test]
fn where_connections_are_not_kept_answers_say_so() {
    let server = Server::with(|config| config.limits.keep_alive = Span::seconds(0));
    let answer = on_connection(&server, None, b"GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.contains("\nconnection: close\n"), "{answer}");
}

#[test]
fn a_server_that_stops_answers_no_more_than_it_has_begun() {
    let server = Server::with(|config| {
        config.limits.shutdown_timeout = Span::seconds(9);
        config.verify.trusted.clear();
        config.throttle.burst = 1;
        config.throttle.delay = Span::seconds(4);
    });
    let mut stranger = Connection::open(server.address);
    let question = "GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
    stranger.send(question.repeat(9).as_bytes());
    assert_eq!(stranger.answer().0, 401);
    // By then the second is held back, and so it has begun.
    std::thread::sleep(Duration::from_millis(500));
    drop(server);
    let rest = stranger.rest();
    assert_eq!(rest.matches("HTTP/1.1 429 ").count(), 1, "{rest}");
}

#[test]
fn the_answer_to_one_failure_too_many_is_held_back_in_a_conversation() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.limits.shutdown_timeout = Span::seconds(1);
        config.verify.trusted.clear();
        config.throttle.burst = 1;
        config.throttle.delay = Span::seconds(60);
    });
    let verifier = {
        server.account("acme");
        server.key("acme", Role::Verify)
    };
    let mut stranger = Connection::open(server.address);
    assert_eq!(stranger.verify("x", ""), 401);
    stranger.send(b"GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n");
    for _ in 0..3 {
        let known = server
            .verify("x")
            .header("X-Moneyer-Key", verifier.expose());
        assert_eq!(known.send().status(), 401);
    }
    assert!(stranger.is_quiet());
}
