//! Where a token may be shown to a gateway, and which one counts.

use moneyer::domain::PrivateKey;

use crate::{
    settings::server,
    support::{Request, Server},
};

const UNKNOWN: &str = "00000000000000000000000000000000";

/// The ways to show a token, the one that counts most first.
const SOURCES: [fn(Request, &str) -> Request; 5] = [
    |ask, token| ask.header("Authorization", &format!("Bearer {token}")),
    |ask, token| ask.header("X-Api-Key", token),
    |ask, token| ask.query("token", token),
    |ask, token| ask.header("X-Original-URI", &format!("/a?b=c&token={token}#d")),
    |ask, token| ask.header("X-Forwarded-Uri", &format!("/a?token={token}")),
];

fn ask(server: &Server) -> Request {
    server.get("/v2/verify")
}

fn with_token() -> (Server, PrivateKey, String) {
    let (server, key) = server();
    let token = server.mint(&key);
    (server, key, token)
}

#[test]
fn each_source_by_itself() {
    let (server, _, token) = with_token();
    for source in SOURCES {
        source(ask(&server), &token).accepts();
        source(ask(&server), UNKNOWN).refuses_token(401);
        source(server.post("/v2/verify"), &token).accepts();
    }
}

#[test]
fn the_first_source_counts_alone() {
    let (server, _, token) = with_token();
    for (place, first) in SOURCES.iter().enumerate() {
        for second in &SOURCES[place + 1..] {
            second(first(ask(&server), &token), UNKNOWN).accepts();
            second(first(ask(&server), &token), "malformed").accepts();
            for bad in [UNKNOWN, "malformed"] {
                // A good one behind it does not help out.
                second(first(ask(&server), bad), &token).refuses_token(401);
            }
        }
    }
}

#[test]
fn a_source_that_shows_nothing_is_passed_over() {
    let (server, _, token) = with_token();
    let empty = ask(&server)
        .header("Authorization", "Basic dXNlcjpwYXNz")
        .header("X-Api-Key", " ")
        .query("token", "")
        .header("X-Original-URI", "/a?token=&b=c");
    empty.refuses_token(401);
    for nothing in [
        ("Authorization", "Basic dXNlcjpwYXNz"),
        ("Authorization", "Bearer"),
        ("Authorization", "Digest a=b"),
        ("Authorization", ""),
        ("X-Api-Key", ""),
        ("X-Original-URI", "/a?token="),
        ("X-Original-URI", "/token/a"),
    ] {
        let beside = ask(&server).header(nothing.0, nothing.1);
        beside.refuses_token(401);
        beside.query("token", &token).accepts();
    }
}

#[test]
fn schemes_and_names_in_any_case_and_tokens_with_white_space_around() {
    let (server, _, token) = with_token();
    for header in ["bearer ", "BEARER ", "Bearer   "] {
        let header = format!("{header}{token} ");
        ask(&server).header("AUTHORIZATION", &header).accepts();
    }
    ask(&server).query("TOKEN", &format!("{token}\n")).accepts();
    let target = format!("/a?Token={token}%0D%0A");
    ask(&server).header("x-forwarded-uri", &target).accepts();
    let encoded = format!("/a?%74oken={token}");
    ask(&server).header("X-Original-Uri", &encoded).accepts();
    let absolute = format!("https://app.example.org/a?token={token}");
    ask(&server).header("X-Forwarded-Uri", &absolute).accepts();
}

#[test]
fn two_of_a_kind_are_none() {
    let (server, _, token) = with_token();
    let bearer = format!("Bearer {token}");
    let target = format!("/a?token={token}");
    for (name, value) in [
        ("Authorization", bearer.as_str()),
        ("X-Api-Key", &token),
        ("X-Original-URI", &target),
        ("X-Forwarded-Uri", &target),
    ] {
        let once = ask(&server).header(name, value);
        once.accepts();
        once.header(name, value).refuses_token(401);
    }
    let basic_and_bearer = server.verify(&token).header("Authorization", "Basic YTpi");
    basic_and_bearer.refuses_token(401);
    for name in ["X-Original-URI", "X-Forwarded-Uri"] {
        let different = format!("/a?token={token}&token={UNKNOWN}");
        ask(&server).header(name, &different).refuses_token(401);
        let same = format!("/a?token={token}&token={token}&token=");
        ask(&server).header(name, &same).accepts();
    }
}

#[test]
fn the_original_query_may_be_anything() {
    let (server, _, token) = with_token();
    for target in [
        "/a?x=%zz&%=&&==&token=TOKEN",
        "/%zz?token=TOKEN",
        "?token=TOKEN",
        "/a?scope=none&explain=yes&status=x&token=TOKEN",
    ] {
        let target = target.replace("TOKEN", &token);
        ask(&server).header("X-Original-URI", &target).accepts();
    }
    for target in [
        "/a?my_token=TOKEN",
        "/a?tokens=TOKEN",
        "/a#?token=TOKEN",
        "/a?x=y#&token=TOKEN",
        "/a;token=TOKEN",
        "/a?x=y;token=TOKEN",
        "token=TOKEN",
        "/a?token=%zz",
        "/a?token[]=TOKEN",
    ] {
        let target = target.replace("TOKEN", &token);
        let refused = ask(&server).header("X-Original-URI", &target);
        refused.refuses_token(401);
    }
}

#[test]
fn names_with_underscores_are_other_names() {
    let (server, key, token) = with_token();
    let bearer = format!("Bearer {token}");
    let target = format!("/a?token={token}");
    for (name, value) in [
        ("X_Api_Key", token.as_str()),
        ("X_API_KEY", &token),
        ("X-Api_Key", &token),
        ("HTTP_AUTHORIZATION", &bearer),
        ("X_Original_URI", &target),
        ("X_Forwarded_Uri", &target),
        ("Cookie", &format!("token={token}")),
        ("X-Token", &token),
        ("X-Moneyer-Token", &token),
        ("X-Moneyer_Key", key.expose()),
    ] {
        ask(&server).header(name, value).refuses_token(401);
    }
    ask(&server)
        .query("access_token", &token)
        .refuses_token(401);
}

#[test]
fn far_too_much() {
    let (server, _, token) = with_token();
    let (long, longest) = ("a".repeat(7_000), "a".repeat(1 << 20));
    for source in SOURCES {
        source(ask(&server), &long).refuses_token(401);
        let status = source(ask(&server), &longest).send().status();
        assert!([414, 431].contains(&status), "{status}");
    }
    server.verify(&token).accepts();
}

#[test]
fn a_broken_query_of_ones_own_is_the_gateways_mistake() {
    let (server, _, token) = with_token();
    for query in [
        "x=%",
        "x=%ff",
        "token=%zz",
        "explain=yes",
        "status=nginx",
        "status=",
    ] {
        let answer = server.verify(&token).raw_query(query).send();
        assert_eq!(answer.status(), 400, "{query}");
        assert_eq!(answer.json()["error"]["code"], "BAD_REQUEST");
        assert_eq!(answer.header("X-Moneyer-Account"), None);
    }
}
