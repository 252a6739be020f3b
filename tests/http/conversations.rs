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

#[test]
fn a_gateway_may_read_its_answers_late() {
    const MANY: usize = 20_000;
    let server = Server::start();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let mut text = String::new();
    // More answers than the buffers in between hold.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let question = "GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
            writing.write_all(question.repeat(MANY).as_bytes()).unwrap();
            writing.shutdown(Shutdown::Write).unwrap();
        });
        std::thread::sleep(Duration::from_millis(500));
        stream.read_to_string(&mut text).unwrap();
    });
    assert_eq!(text.matches("HTTP/1.1 401 Unauthorized\r\n").count(), MANY);
}

#[test]
fn who_asks_nothing_is_told_so_and_who_asks_no_more_is_left() {
    let server = Server::with(|config| {
        config.limits.head_timeout = Span::seconds(1);
        config.limits.keep_alive = Span::seconds(2);
    });
    let read_to_end = |mut stream: TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let silent = read_to_end(TcpStream::connect(server.address).unwrap());
    assert!(
        silent.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{silent}"
    );
    assert!(silent.contains("connection: close\r\n"), "{silent}");
    assert!(
        silent.contains(r#"{"ERROR":"request_timeout","#),
        "{silent}"
    );
    let mut asking = TcpStream::connect(server.address).unwrap();
    let question = b"GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..3 {
        asking.write_all(question).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    // It was kept for longer than a head may take, and ends without another word.
    let answers = read_to_end(asking);
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 3, "{answers}");
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
