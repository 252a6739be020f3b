//! `Moneyer-Version`: which version a request is answered in.

use moneyer::{
    domain::{ApiVersion, PrivateKey, Role},
    operator::account,
};

use serde_json::json;

use crate::{
    introspection,
    support::{Answer, Request, Server, block_on},
};

const CURRENT: &str = ApiVersion::CURRENT.as_str();
/// What names no version: no dates, dates of none, and a list.
const BAD: [&str; 8] = [
    "",
    "latest",
    "2026-11-24",
    "2999-01-01",
    "2026-02-30",
    "20261125",
    "2026-11-25T00:00:00Z",
    "2026-11-25, 2026-11-25",
];

/// An account with a key that may mint and verify, and a token of it.
fn with_token() -> (Server, PrivateKey, String) {
    let server = Server::start();
    server.account("acme");
    let key = server.key("acme", Role::Admin);
    let token = server.mint(&key);
    (server, key, token)
}

/// Requests of every kind that are answered with an account's version, good and bad ones.
fn with_credentials(server: &Server, key: &PrivateKey, token: &str) -> Vec<Request> {
    let form = format!("token={token}");
    vec![
        server.auth(key).query("list", "1"),
        server.auth(key).query("list", "1").query("output", "xml"),
        server.get("/auth/v2").key(key).query("list", "1"),
        server.get("/v2//auth/").key(key).query("list", "1"),
        server.auth(key).query("expires", "1"),
        server.resource("GET", key, token),
        server.resource("GET", key, "x"),
        server.post("/v2/introspect").key(key).form(&form),
        server.post("/v2/introspect").key(key).form("x=1"),
        server.post("/v2/revoke").key(key).form("token=x"),
        server.get("/v2/auth"),
        server.get("/v2/auth").query("apikey", "wrong"),
        server.post("/v2/introspect").form(&form),
        server.request("OPTIONS", "/v2/auth"),
        server.request("HEAD", "/v2/auth"),
        server.get("/v2/auth").raw_query(&"a".repeat(9_000)),
        server.get("/nowhere"),
    ]
}

/// Requests of gateways and probes, which are told of a version only when they ask for one.
fn without_credentials(server: &Server, key: &PrivateKey, token: &str) -> Vec<Request> {
    vec![
        server.verify(token),
        server.verify("x"),
        server.verify(token).query("explain", "x"),
        server.verify(token).header("X-Moneyer-Key", key.expose()),
        server.verify(token).header("X-Moneyer-Key", "x"),
        server.get("/v2//verify/").query("token", token),
        server.get("/v2/verify/original/a").query("token", token),
        server.get("/health/liveness"),
        server.get("/health/readiness"),
        server.post("/health/liveness"),
    ]
}

/// Checks that a request was refused for its version.
#[track_caller]
fn refuses_version(request: &Request) -> Answer {
    let answer = request.send();
    let whole = answer.whole();
    assert_eq!(answer.status(), 400, "{whole}");
    assert!(whole.contains("Moneyer-Version "), "{whole}");
    assert_eq!(answer.header("moneyer-version"), Some(CURRENT), "{whole}");
    answer
}

#[test]
fn every_answer_about_credentials_names_the_version() {
    let (server, key, token) = with_token();
    for request in with_credentials(&server, &key, &token) {
        let plain = request.send();
        let asked = request.header("moneyer-VERSION", CURRENT).send();
        for answer in [&plain, &asked] {
            let named = answer.header("moneyer-version");
            assert_eq!(named, Some(CURRENT), "{}", answer.whole());
        }
        assert_eq!(plain.status(), asked.status(), "{}", asked.whole());
    }
}

#[test]
fn a_gateway_and_a_probe_are_told_the_version_when_they_ask_for_one() {
    let (server, key, token) = with_token();
    for request in without_credentials(&server, &key, &token) {
        let plain = request.send();
        assert_eq!(plain.header("moneyer-version"), None, "{}", plain.whole());
        let asked = request.header("Moneyer-Version", CURRENT).send();
        let named = asked.header("moneyer-version");
        assert_eq!(named, Some(CURRENT), "{}", asked.whole());
        assert_eq!((plain.status(), plain.body), (asked.status(), asked.body));
    }
}

#[test]
fn what_names_no_version_is_refused_in_the_form_of_the_path() {
    let (server, key, token) = with_token();
    for bad in BAD {
        let asking = |request: Request| request.header("Moneyer-Version", bad);
        for path in [
            "/v2/auth",
            "/auth/v2",
            "/v2/auth/token/x",
            "/nowhere",
            "/health/liveness",
        ] {
            let answer = refuses_version(&asking(server.get(path).key(&key)));
            answer.refuses(400, "invalid_parameter");
        }
        let xml = refuses_version(&asking(server.auth(&key).query("output", "xml")));
        assert!(
            xml.body.contains("<ERROR>invalid_parameter</ERROR>"),
            "{}",
            xml.body
        );
        for path in ["/v2/introspect", "/v2/revoke", "/v2//revoke/"] {
            let answer = refuses_version(&asking(server.post(path).key(&key)));
            introspection::refuses(&answer, 400, "invalid_request");
        }
        for path in ["/v2/verify", "/v2/verify/", "/v2/verify/original/a"] {
            let answer = refuses_version(&asking(server.get(path).query("token", &token)));
            assert_eq!(
                answer.json()["error"]["code"],
                "BAD_REQUEST",
                "{}",
                answer.whole()
            );
            assert_eq!(answer.json()["success"], false);
        }
    }
}

#[test]
fn two_versions_are_refused_even_if_they_are_the_same() {
    let (server, key, token) = with_token();
    for request in [
        server.auth(&key),
        server.verify(&token),
        server.get("/nowhere"),
    ] {
        let twice = request
            .header("Moneyer-Version", CURRENT)
            .header("Moneyer-Version", CURRENT);
        let answer = refuses_version(&twice);
        assert!(answer.body.contains("more than once"), "{}", answer.body);
    }
}

#[test]
fn what_is_refused_for_its_version_does_nothing() {
    let (server, key, token) = with_token();
    for bad in BAD {
        let asking = |request: Request| request.header("Moneyer-Version", bad);
        refuses_version(&asking(server.auth(&key)));
        refuses_version(&asking(server.auth(&key).query("disableToken", &token)));
        refuses_version(&asking(server.resource("DELETE", &key, &token)));
        let form = format!("token={token}");
        refuses_version(&asking(server.post("/v2/revoke").key(&key).form(&form)));
    }
    assert_eq!(server.list(&key), [token.as_str()]);
    assert_eq!(server.count_tokens(), 1);
    server.verify(&token).accepts();
}

#[test]
fn the_known_versions_are_named_and_a_secret_in_the_wrong_header_is_not_repeated() {
    let (server, key, token) = with_token();
    for request in [
        server.get("/v2/auth"),
        server.get("/v2/verify"),
        server.post("/v2/revoke"),
    ] {
        let date = request.clone().header("Moneyer-Version", "2999-01-01");
        let answer = refuses_version(&date);
        let said = "Moneyer-Version is 2999-01-01, which is no version known here; the known ones are 2026-11-25";
        assert!(answer.body.contains(said), "{}", answer.body);
        for secret in [key.expose(), &token] {
            let misplaced = request.clone().header("Moneyer-Version", secret);
            let answer = refuses_version(&misplaced);
            assert!(!answer.whole().contains(&secret[..8]), "{}", answer.whole());
            assert!(answer.body.contains(CURRENT), "{}", answer.body);
        }
    }
}

#[test]
fn a_bad_version_is_no_failed_authentication() {
    let server = Server::with(|config| config.throttle.burst = 1);
    for _ in 0..5 {
        let request = server.get("/v2/auth").query("apikey", "wrong");
        refuses_version(&request.header("Moneyer-Version", "x"));
    }
    let first = server.get("/v2/auth").query("apikey", "wrong").send();
    first.refuses(401, "invalid_key");
}

/// As the command line does it, which is another process.
fn move_to(server: &Server, version: ApiVersion) {
    let changes = [("api_version".to_owned(), version.as_str().into())];
    let elsewhere = server.elsewhere();
    block_on(account::edit_policy(
        &elsewhere,
        "acme",
        None,
        changes.into(),
    ))
    .unwrap();
    block_on(server.app.follow()).unwrap();
}

fn login(server: &Server, token: &str) -> Request {
    let body = json!({ "access_token": token }).to_string();
    let request = server.post("/v1/network/auth/access-token/login");
    request.body("application/json", body.as_bytes())
}

#[test]
fn an_account_is_answered_in_the_version_that_it_is_pinned_to_unless_it_asks_for_another() {
    let (server, key, token) = with_token();
    for pinned in ApiVersion::ALL {
        move_to(&server, *pinned);
        let form = format!("token={token}");
        let tokens = "/v1/network/auth/access-tokens";
        for request in [
            server.get(tokens).header("api-key", &token),
            server.get(tokens).key(&key),
            login(&server, &token),
            server.auth(&key).query("list", "1"),
            server.auth(&key).query("expires", "1"),
            server.resource("GET", &key, &token),
            server.post("/v2/introspect").key(&key).form(&form),
            server
                .post("/v2/revoke")
                .header("Authorization", &introspection::basic("any", key.expose()))
                .form("token=x"),
        ] {
            let answer = request.send();
            let named = answer.header("moneyer-version");
            assert_eq!(named, Some(pinned.as_str()), "{}", answer.whole());
            for wanted in ApiVersion::ALL {
                let asking = request.clone().header("Moneyer-Version", wanted.as_str());
                let answer = asking.send();
                let named = answer.header("moneyer-version");
                assert_eq!(named, Some(wanted.as_str()), "{}", answer.whole());
            }
        }
    }
}

#[test]
fn an_account_whose_version_is_not_known_here_is_answered_in_no_other() {
    let (server, key, token) = with_token();
    let bound = server.mint_with(&key, json!({ "ips": ["10.0.0.0/8"] }));
    let later = r#"UPDATE accounts SET policy = '{"api_version":"2999-01-01"}'"#;
    server.file().execute(later, []).unwrap();
    server.list(&key);
    block_on(server.app.follow()).unwrap();
    let list = server.auth(&key).query("list", "1");
    list.send().refuses(500, "internal");
    list.header("Moneyer-Version", CURRENT)
        .send()
        .refuses(500, "internal");
    let tokens = server.get("/v1/network/auth/access-tokens");
    for request in [
        tokens.header("api-key", &token),
        login(&server, &token),
        login(&server, &bound),
    ] {
        let answer = request.send();
        assert_eq!(answer.status(), 500, "{}", answer.whole());
    }
    let unknown = login(&server, &"0".repeat(32)).send();
    assert_eq!(unknown.status(), 401);
    // Its tokens are judged as before by those who need no key of it.
    server.verify(&token).accepts();
}
