//! How gateways may ask: their methods, their paths, and what stays the application's.

use serde_json::json;

use crate::{settings::server, support::Connection};

#[test]
fn get_and_post_alone() {
    let (server, key) = server();
    let token = server.mint(&key);
    let bearer = format!("Bearer {token}");
    let ask = |method| {
        server
            .request(method, "/v2/verify")
            .header("Authorization", &bearer)
    };
    ask("POST").accepts();
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let answer = ask(method).send();
        let got = (answer.status(), answer.header("Allow"));
        assert_eq!(got, (405, Some("GET, POST")), "{method}");
        let whole = answer.whole().to_ascii_lowercase();
        assert!(!whole.contains("x-moneyer-"), "{whole}");
    }
}

#[test]
fn a_body_is_the_applications_and_is_not_read() {
    let (server, key) = server();
    let token = server.mint(&key);
    let foreign = format!("token={token}");
    server.post("/v2/verify").form(&foreign).refuses_token(401);
    let bearer = format!("Bearer {token}");
    for (kind, body) in [
        ("application/json", "{".to_owned()),
        (
            "application/x-www-form-urlencoded",
            "%zz&token=x&scope=x".to_owned(),
        ),
        ("text/plain", "a".repeat(1 << 20)),
    ] {
        for path in ["/v2/verify", "/v2/verify/original/a"] {
            let post = server.post(path).header("Authorization", &bearer);
            post.body(kind, body.as_bytes()).accepts();
        }
    }
}

#[test]
fn a_body_that_looks_like_a_request_is_none() {
    let (server, key) = server();
    let (token, kept) = (server.mint(&key), server.mint(&key));
    let inner = format!(
        "GET /v2/auth?disableToken={kept}&apikey={} HTTP/1.1\r\nHost: x\r\n\r\n",
        key.expose()
    );
    let framings = [
        (format!("Content-Length: {}", inner.len()), inner.clone()),
        (
            "Transfer-Encoding: chunked".into(),
            format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
        ),
    ];
    for (framing, body) in framings {
        let mut connection = Connection::open(server.address);
        let head = format!(
            "POST /v2/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{framing}\r\n\r\n"
        );
        connection.send(format!("{head}{body}").as_bytes());
        let (status, answer) = connection.answer();
        assert_eq!(status, 200);
        assert!(answer.contains("\"active\":true"), "{answer}");
        server.verify(&kept).accepts();
    }
}

#[test]
fn gateways_may_append_path_and_query_of_the_original_request() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"scopes": ["a"]}));
    let bearer = format!("Bearer {token}");
    for method in [
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND",
    ] {
        let ask = server.request(method, "/v2/verify/original/tiles/1/2.png");
        let answer = ask.clone().header("Authorization", &bearer).send();
        assert_eq!(answer.status(), 200, "{method}");
        assert_eq!(ask.query("token", &token).send().status(), 200, "{method}");
    }
    // The query is the application's: it can show a token, and asks for nothing.
    let target =
        "/v2/verify/original/a/?scope=b&status=strange&explain=1&output=xml&x=%zz&expires=1";
    let answer = server
        .get(target)
        .header("Authorization", &bearer)
        .accepts();
    assert_eq!(answer.json().get("rules"), None);
    for target in [
        "/v2/verify/original/a",
        "/v2/verify/original/v2/auth",
        "/v2/verify/original/%2e%2e/x",
    ] {
        server.get(target).refuses_token(401);
        server.get(target).query("token", "x").refuses_token(401);
    }
    // Nor does any path behind the prefix lead to the gateway's own questions.
    for target in [
        "/v2/verify/original/",
        "/v2/verify/original//",
        "/v2/verify/original",
        "/v2/verify/original/../",
    ] {
        let ask = server
            .request("PUT", target)
            .raw_query("explain=1&status=x");
        let answer = ask.header("Authorization", &bearer).accepts();
        assert_eq!(answer.json().get("rules"), None, "{target}");
    }
    for target in ["/v2/verify/a", "/v2/verify/originals"] {
        server.get(target).send().refuses(404, "not_found");
    }
    let both = format!(
        "/v2/verify/original/a?token={token}&token={}",
        "0".repeat(32)
    );
    server.get(&both).refuses_token(401);
}
