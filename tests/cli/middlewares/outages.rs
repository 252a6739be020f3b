//! What the middlewares do when Moneyer is gone, and when something else answers in its place.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::{Value, json};

use super::application::{Application, FORGOTTEN, Moneyer};
use crate::support::{Folder, eventually};

/// Something that is not Moneyer: gives these answers to one connection each, and is gone then.
fn stranger(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for answer in answers {
            let mut connection = listener.accept().unwrap().0;
            let lines = BufReader::new(&connection).lines().map(Result::unwrap);
            assert!(lines.take_while(|line| !line.is_empty()).count() > 0);
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn verified(active: bool) -> Value {
    json!({ "active": active, "sub": "a", "client_id": "k", "jti": "t", "scope": "tiles" })
}

#[test]
fn without_moneyer_nobody_passes() {
    let moneyer = Moneyer::start();
    let mint = || moneyer.mint(&json!({ "scopes": ["tiles"] }));
    let (seen, unseen) = (mint(), mint());
    let applications = moneyer.guarding();
    for application in &applications {
        application.get_with(&seen).json(200);
    }
    moneyer.server.stop();
    for application in applications {
        application.get_with(&unseen).is_unavailable();
        eventually(FORGOTTEN, "the seen token is refused too", || {
            application.get_with(&seen).status == 503
        });
        let log = application.process.stderr.text();
        assert!(!log.contains(&seen) && !log.contains(&unseen), "{log}");
    }
}

#[test]
fn a_moneyer_that_keeps_silent_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for application in Application::both(&Folder::new(), &url, "") {
        application.get_with("0123").is_unavailable();
    }
}

#[test]
fn an_answer_that_is_not_moneyers_admits_nobody() {
    let mut nameless = verified(true);
    nameless["sub"].take();
    let strange = [
        answer("200 OK", ""),
        answer("200 OK", "[]"),
        answer("200 OK", &nameless.to_string()),
        answer("200 OK", &verified(false).to_string()),
        answer("302 Found\r\nLocation: /", ""),
        answer("404 Not Found", ""),
        answer("500 Internal Server Error", ""),
        "SSH-2.0-OpenSSH\r\n".to_owned(),
    ];
    // That the last word is understood shows that none was refused for want of a connection.
    let last = answer("200 OK", &verified(true).to_string());
    let answers = [&strange[..], &[last]].concat();
    let url = stranger([&answers[..], &answers].concat());
    for application in Application::both(&Folder::new(), &url, "") {
        for _ in &strange {
            application.get_with("0123").is_unavailable();
        }
        application.get_with("0123").json(200);
    }
}

#[test]
fn a_remembered_answer_spares_questions() {
    let good = answer("200 OK", &verified(true).to_string());
    for number in [0, 1] {
        let url = stranger(vec![good.clone(); 10]);
        let application = &Application::both(&Folder::new(), &url, "")[number];
        for _ in 0..20 {
            application.get_with("0123").json(200);
        }
    }
}
