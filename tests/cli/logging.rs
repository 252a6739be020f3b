//! The log of a server: what is in it, and above all what is not.

use serde_json::Value;
use ureq::http::Request;

use crate::{
    process::{Output, PATIENCE},
    server::{Server, lines_of},
    support::{Folder, MONEYER, STRANGE_KEY, eventually, token_id},
};

const CANARY: &str = "canary-5f3a";

/// A server that logs everything it can, and answers what it is asked for.
fn verbose(folder: &Folder) -> Server {
    let serve = folder.serving(&[]).env("MONEYER_LOG_LEVEL", "debug");
    Server::of(serve.spawn())
}

#[test]
fn the_log_is_json_in_lines_where_nobody_reads_along() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    let run = server.stop();
    assert_eq!(run.stdout, "");
    for line in run.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for member in ["timestamp", "level", "message"] {
            assert!(line[member].is_string(), "{line}");
        }
    }
}

#[test]
fn a_person_may_have_it_as_text() {
    let folder = Folder::new();
    let serve = folder.serving(&[]).env("MONEYER_LOG_FORMAT", "text");
    let log = first_words(&serve.spawn().stderr);
    assert!(!log.contains('{') && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_person_at_a_terminal_has_it_as_text_unasked() {
    let folder = Folder::new();
    let serve = format!("exec {MONEYER} serve --listen 127.0.0.1:0");
    let terminal = folder.program("script", &["-q", "-e", "-c", &serve, "/dev/null"]);
    let log = first_words(&terminal.spawn().stdout);
    assert!(!log.contains('{'), "{log}");
}

/// The log up to where the server says that it listens.
#[track_caller]
fn first_words(output: &Output) -> String {
    let listening = |log: &str| log.contains("listening").then(|| log.to_owned());
    let log = output.wait_for(listening);
    log.unwrap_or_else(|| panic!("it does not listen: {}", output.text()))
}

#[test]
fn every_request_has_one_line_that_says_what_came_of_it() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let minted = server.auth(&key.secret, "");
    let token = minted.good()["TOKEN"].as_str().unwrap().to_owned();
    let answers = [
        minted,
        server.auth(&key.secret, "list=1"),
        server.auth(&key.secret, &format!("disableToken={token}")),
        server.auth(STRANGE_KEY, ""),
        server.get("/v2/auth"),
        server.get("/nowhere"),
    ];
    server.stop_and_read(|lines| {
        assert_eq!(lines.len(), answers.len());
        for (line, answer) in lines.iter().zip(&answers) {
            assert_eq!(line["status"], answer.status, "{line}");
            assert_eq!(line["request_id"], answer.request_id.as_str(), "{line}");
            assert_eq!(line["method"], "GET", "{line}");
            assert_eq!(line["client"], "127.0.0.1", "{line}");
            assert!(line["micros"].is_u64(), "{line}");
        }
        let statuses = answers.each_ref().map(|answer| answer.status);
        assert_eq!(statuses, [200, 200, 200, 401, 401, 404]);
        for known in &lines[..3] {
            assert_eq!(known["key"], key.id.as_str(), "{known}");
            assert_eq!(known["route"], "/v2/auth", "{known}");
        }
        for token_line in [&lines[0], &lines[2]] {
            assert_eq!(token_line["token"], token_id(&token), "{token_line}");
        }
        for unknown in &lines[3..] {
            assert!(unknown["key"].is_null(), "{unknown}");
        }
    });
}

#[test]
fn health_checks_are_logged_only_for_who_looks_for_defects() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    server.get("/health/readiness");
    server.stop_and_read(|lines| assert_eq!(lines.len(), 0));
    let server = verbose(&folder);
    server.get("/health/readiness");
    server.stop_and_read(|lines| assert_eq!(lines.len(), 1));
}

#[test]
fn the_level_can_be_raised() {
    let folder = Folder::new();
    let serve = folder.serving(&["--dev"]).env("MONEYER_LOG_LEVEL", "warn");
    let server = serve.spawn();
    // The line that says where it listens is not logged now; what is printed comes after the port
    // is bound.
    let printed = |text: &str| text.contains("disableToken").then_some(());
    assert!(server.stdout.wait_for(printed).is_some());
    let address = server.stdout.text();
    let address = address.split_once("http://").unwrap().1;
    let address = address.split_once('/').unwrap().0.to_owned();
    eventually(PATIENCE, "the server is healthy", || {
        let health = folder.moneyer(&["health"]);
        health.env("MONEYER_LISTEN", &address).run().code == Some(0)
    });
    server.signal("TERM");
    assert_eq!(server.finish_within(PATIENCE).done().stderr, "");
}

#[test]
fn no_key_token_or_query_is_ever_in_the_log() {
    let (folder, key) = Folder::with_key();
    let server = verbose(&folder);
    let token = server.mint(&key.secret);
    let secret = &key.secret;
    let (bearer, base) = (format!("Bearer {secret}"), server.url());
    for target in [
        format!("/v2/auth?apikey={secret}&note={CANARY}"),
        format!("/v2/auth?apikey={secret}&cloneSettings={token}"),
        format!("/v2/auth?apikey={secret}&disableToken={token}"),
        format!("/v2/auth?apikey={secret}&disable_token={token}"),
        format!("/v2/auth?apikey={secret}&expire={CANARY}"),
        format!("/v2/auth?apikey={secret}&expire=203001010000&disableToken={token}"),
        format!("/v2/auth?apikey={secret}x"),
        format!("/v2/auth?apikey={secret}&bad=%ff%zz{CANARY}"),
        format!("/v2/auth/{secret}?{CANARY}"),
        format!("/{CANARY}/{token}/{secret}"),
        format!("//v2//auth//?apikey={secret}&list={CANARY}"),
        format!("/health/readiness?token={token}&{CANARY}"),
        format!("/v2/auth?apikey={STRANGE_KEY}"),
        format!("/v2/auth?{}={secret}", "x".repeat(9000)),
    ] {
        server.get(&target);
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS", CANARY] {
        let request = Request::builder().method(method);
        server.send(
            request
                .uri(format!("{base}/v2/auth?list={CANARY}"))
                .header("Authorization", &bearer)
                .header("User-Agent", format!("{CANARY} {token}"))
                .header("Referer", format!("https://{CANARY}.example/{token}"))
                .header("Idempotency-Key", CANARY)
                .header("X-Forwarded-For", CANARY)
                .header("X-Request-Id", CANARY),
        );
    }
    let form = format!("apikey={secret}&expire={CANARY}&disableToken={token}");
    let agent = ureq::agent();
    let posted = agent
        .post(format!("{base}/v2/auth"))
        .send_form([("apikey", &form)]);
    assert!(posted.is_err());
    let run = server.stop();
    assert_eq!(lines_of(&run.stderr, "request").len(), 21);
    for private in [secret, &token, CANARY, STRANGE_KEY, &"x".repeat(100)] {
        assert!(
            !run.stderr.contains(private),
            "{private} is in {}",
            run.stderr
        );
    }
    assert_eq!(run.stdout, "");
}

impl Server {
    /// Stops the server, and gives the lines of the requests that it had.
    #[track_caller]
    fn stop_and_read(self, check: impl FnOnce(&[Value])) {
        let run = self.stop();
        check(&lines_of(&run.stderr, "request"));
    }
}
