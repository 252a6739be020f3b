//! What must be refused clearly, and change nothing.

use crate::support::{Answer, Server};

/// Checks that every one of `queries` is refused, and that nothing is minted.
#[track_caller]
fn all_refused(queries: &[&str], status: u16, code: &str) {
    let server = Server::start();
    let key = server.account("acme");
    for query in queries {
        let answers: [Answer; 2] = [
            server.auth(&key).raw_query(query).send(),
            server.post("/v2/auth").key(&key).form(query).send(),
        ];
        for answer in answers {
            let got = (
                answer.status(),
                answer.json()["ERROR"].as_str().map(str::to_owned),
            );
            assert_eq!(got, (status, Some(code.to_owned())), "{query:?}");
        }
    }
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn times_that_are_none() {
    let queries = [
        "expire=20301125043",
        "expire=2030112504344",
        "expire=20301125043x",
        "expire=203002310000",
        "expire=203011250460",
        "expire=203011252400",
        "expire=203013010000",
        "expire=000001010000",
        "expire=-03011250434",
        "expire=2030-11-25",
        "expire=%EF%BC%92%EF%BC%90%EF%BC%93%EF%BC%90%EF%BC%91%EF%BC%91%EF%BC%92%EF%BC%95%EF%BC%90%EF%BC%94%EF%BC%93%EF%BC%94",
        "expire=203011250434%00",
    ];
    all_refused(&queries, 400, "invalid_parameter");
}

#[test]
fn times_that_have_come() {
    // The clock shows 2026-11-25T04:34:00Z.
    let queries = [
        "expire=202611250434",
        "expire=202611250433",
        "expire=123412010000",
        "expire=000101010000",
    ];
    all_refused(&queries, 400, "invalid_parameter");
}

#[test]
fn empty_values() {
    all_refused(
        &[
            "expire=",
            "expire",
            "cloneSettings=",
            "disableToken=",
            "disableToken=+",
        ],
        400,
        "invalid_parameter",
    );
}

#[test]
fn tokens_that_are_none() {
    let queries = [
        "disableToken=abc",
        "cloneSettings=abcdef12345",
        "disableToken=1672C91E97A7421F8AC67F7681D5810A",
        "disableToken=1672c91e97a7421f8ac67f7681d5810g",
        "cloneSettings=1672c91e97a7421f8ac67f7681d5810a0",
        "disableToken=1672c91e97a7421f8ac67f7681d5810%00",
    ];
    all_refused(&queries, 400, "invalid_parameter");
}

#[test]
fn renderings_that_are_none() {
    all_refused(
        &["output=yaml", "output=", "list=1&output=html"],
        400,
        "invalid_parameter",
    );
}

#[test]
fn broken_encodings() {
    let queries = [
        "x=%",
        "x=%2",
        "x=%zz",
        "%=x",
        "x=%ff",
        "x=%c3%28",
        "list=1&x=%ed%a0%80",
        "expire=%f0%9f",
        "apikey=%",
    ];
    all_refused(&queries, 400, "invalid_parameter");
}

#[test]
fn near_misses() {
    let queries = [
        "expires=1",
        "disable_token=1",
        "clonesetting=1",
        "api_key=1",
        "list=1&expiry=1",
        "Expiration=1",
        "disable=1",
    ];
    all_refused(&queries, 400, "unknown_parameter");
}

#[test]
fn commands_that_contradict_each_other() {
    let queries = [
        "disableToken=1672c91e97a7421f8ac67f7681d5810a&list=1",
        "disableToken=&expire=",
        "cloneSettings=x&disabletoken=x",
    ];
    all_refused(&queries, 400, "conflicting_parameters");
}

#[test]
fn the_rendering_is_kept_whatever_else_is_broken() {
    let server = Server::start();
    for query in ["output=xml&x=%ff", "x=%ff&OUTPUT=Xml", "x=%&output=xml"] {
        let answer = server.get("/v2/auth").raw_query(query).send();
        assert!(
            answer.body.contains("<ERROR>invalid_parameter</ERROR>"),
            "{query}: {}",
            answer.body
        );
    }
    let form = server.post("/v2/auth").form("x=%ff&output=xml").send();
    assert!(
        form.body.contains("<ERROR>invalid_parameter</ERROR>"),
        "{}",
        form.body
    );
}

#[test]
fn nul_bytes() {
    let server = Server::start();
    let key = server.account("acme");
    let key_and_nul = format!("apikey={}%00", key.expose());
    server
        .get("/v2/auth")
        .raw_query(&key_and_nul)
        .send()
        .refuses(401, "invalid_key");
    server
        .auth(&key)
        .raw_query("expire%00=203001010000")
        .send()
        .refuses(400, "unknown_parameter");
    assert_eq!(server.count_tokens(), 0);
    server.auth(&key).raw_query("note=%00").send().token();
}

#[test]
fn bodies_that_are_no_forms() {
    let server = Server::start();
    let key = server.account("acme");
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let answer = server
            .post("/v2/auth")
            .key(&key)
            .body(content_type, b"expire=203001010000")
            .send();
        answer.refuses(400, "invalid_parameter");
    }
    let get = server.get("/v2/auth").key(&key).form("expire=203001010000");
    get.send().refuses(400, "invalid_parameter");
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn a_target_is_measured_as_it_was_sent() {
    let server = Server::start();
    let key = server.account("acme");
    let slashes = format!("{}v2/auth", "/".repeat(9000));
    server
        .get(&slashes)
        .key(&key)
        .send()
        .refuses(414, "too_large");
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn far_too_much() {
    let server = Server::start();
    let key = server.account("acme");
    let mebibyte = "a".repeat(1 << 20);
    server
        .post("/v2/auth")
        .key(&key)
        .form(&mebibyte)
        .send()
        .refuses(413, "too_large");
    server
        .post("/v2/auth")
        .form(&format!("apikey={mebibyte}"))
        .send()
        .refuses(413, "too_large");
    server
        .auth(&key)
        .raw_query(&mebibyte)
        .send()
        .refuses(414, "too_large");
    server
        .get("/v2/auth")
        .raw_query(&format!("apikey={mebibyte}"))
        .send()
        .refuses(414, "too_large");
    let header = server
        .get("/v2/auth")
        .header("Authorization", &format!("Bearer {mebibyte}"))
        .send();
    header.refuses(431, "too_large");
    let many: String =
        (0..10_000).fold(String::new(), |many, place| many + &format!("p{place}=x&"));
    server
        .auth(&key)
        .raw_query(&many)
        .send()
        .refuses(414, "too_large");
    server
        .post("/v2/auth")
        .key(&key)
        .form(&many)
        .send()
        .refuses(413, "too_large");
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn thousands_of_small_parameters_within_the_limits_are_merely_ignored() {
    let server = Server::start();
    let key = server.account("acme");
    let many: String = (0..2_500).fold(String::new(), |many, place| many + &format!("{place}=&"));
    server.post("/v2/auth").key(&key).form(&many).send().token();
}
