//! The public keys of the server's signing keys, where anybody can fetch them.

use std::fs;

use insta::assert_snapshot;
use moneyer::domain::Algorithm;
use serde_json::json;

use crate::support::{Answer, Server};

const PATH: &str = "/.well-known/jwks.json";

fn fetch(server: &Server) -> Answer {
    server.get(PATH).send()
}

/// The ids of the keys that are shown.
#[track_caller]
fn shown(server: &Server) -> Vec<String> {
    let answer = fetch(server).json();
    let keys = answer["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_whole_answer_is_as_clients_expect_it() {
    let server = Server::start();
    server.create_signing_key(Algorithm::EdDsa);
    assert_snapshot!(fetch(&server).whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: public, max-age=300
    connection: close
    content-length: 145
    content-type: application/json
    etag: "da23738e4012047654d414aa83dcc7c8"
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"sig_f9681a64d3301861","x":"asgMEtLUufktiCw97K5YZ0azeVjhNM_chexmazS3hDM"}]}
    "#);
}

#[test]
fn without_keys_the_list_is_empty() {
    let server = Server::start();
    let answer = fetch(&server);
    assert_eq!((answer.status(), &*answer.body), (200, r#"{"keys":[]}"#));
}

#[test]
fn a_shared_secret_is_never_shown() {
    let server = Server::start();
    server.create_signing_key(Algorithm::Hs256);
    assert_eq!(fetch(&server).json(), json!({"keys": []}));
}

#[test]
fn a_running_server_shows_rotated_keys_until_they_are_retired() {
    let server = Server::start();
    let first = server.create_signing_key(Algorithm::EdDsa);
    assert_eq!(server.rotate_signing_key(Algorithm::EdDsa), first);
    let ids = shown(&server);
    assert_eq!((ids.len(), &ids[0]), (2, &first.to_string()));
    server.retire_signing_key(first);
    assert_eq!(shown(&server), ids[1..]);
}

#[test]
fn a_file_that_breaks_while_a_server_runs_changes_nothing() {
    let server = Server::start();
    let id = server.create_signing_key(Algorithm::EdDsa);
    let file = server.key_file();
    let good = fs::read(file.path()).unwrap();
    fs::write(file.path(), "nonsense").unwrap();
    server.app.follow_signing();
    assert_eq!(shown(&server), [id.to_string()]);
    fs::write(file.path(), good).unwrap();
    server.rotate_signing_key(Algorithm::EdDsa);
    assert_eq!(shown(&server).len(), 2);
}

#[test]
fn a_copy_that_is_still_right_is_not_sent_again() {
    let server = Server::start();
    server.create_signing_key(Algorithm::EdDsa);
    let tag = fetch(&server).header("etag").unwrap().to_owned();
    let ask = |tags: &str| server.get(PATH).header("If-None-Match", tags).send();
    for tags in [&*tag, "*", &format!("\"other\", W/{tag}")] {
        let answer = ask(tags);
        assert_eq!((answer.status(), &*answer.body), (304, ""), "{tags}");
        assert_eq!(answer.header("etag"), Some(&*tag));
        let caching = answer.header("cache-control");
        assert_eq!(caching, Some("public, max-age=300"));
    }
    assert_eq!(ask("\"other\"").status(), 200);
    assert_eq!(ask("nonsense").status(), 200);
    server.rotate_signing_key(Algorithm::EdDsa);
    assert_eq!(ask(&tag).status(), 200);
}

#[test]
fn head_is_as_get_without_the_body_and_other_methods_are_refused() {
    let server = Server::start();
    let head = server.request("HEAD", PATH).send();
    assert_eq!((head.status(), &*head.body), (200, ""));
    assert_eq!(head.header("etag"), fetch(&server).header("etag"));
    for method in ["POST", "DELETE", "OPTIONS"] {
        let refused = server.request(method, PATH).send();
        refused.refuses(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
}
