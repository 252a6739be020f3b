//! What real clients send, and what they make of the answers.

use crate::support::Server;

#[test]
fn empty_pairs_are_skipped() {
    let server = Server::start();
    let key = server.account("acme");
    server
        .get("/v2/auth")
        .raw_query(&format!("&apikey={}&&", key.expose()))
        .send()
        .token();
}

#[test]
fn parameters_come_in_any_case_and_order() {
    let server = Server::start();
    let key = server.account("acme");
    for query in [
        "EXPIRE=203001010000&ApiKey=",
        "output=Json&Expire=203001010000&APIKEY=",
        "clonesettings=TOKEN&apikey=",
    ] {
        let token = server.mint(&key);
        let query = query.replace("TOKEN", &token);
        server
            .get("/v2/auth")
            .raw_query(&format!("{query}{}", key.expose()))
            .send()
            .token();
    }
    let token = server.mint(&key);
    let query = format!("DISABLETOKEN={token}&apikey={}", key.expose());
    assert_eq!(
        server.get("/v2/auth").raw_query(&query).send().status(),
        200
    );
}

#[test]
fn a_key_read_from_a_file_brings_its_newline() {
    let server = Server::start();
    let key = server.account("acme");
    for newline in ["%0A", "%0D%0A", "+", "%20"] {
        server
            .get("/v2/auth")
            .raw_query(&format!("apikey={}{newline}", key.expose()))
            .send()
            .token();
    }
}

#[test]
fn an_extra_token_parameter_is_ignored() {
    let server = Server::start();
    let key = server.account("acme");
    server
        .auth(&key)
        .query("token", "whatever")
        .query("stid", "wbb")
        .send()
        .token();
}

#[test]
fn the_last_of_a_repeated_parameter_counts() {
    let server = Server::start();
    let key = server.account("acme");
    let (first, second) = (server.mint(&key), server.mint(&key));
    server
        .auth(&key)
        .query("disableToken", &first)
        .query("DisableToken", &second)
        .send();
    assert_eq!(server.list(&key), [first.as_str()]);
    let post = server
        .post("/v2/auth")
        .key(&key)
        .query("disableToken", &second)
        .form(&format!("disabletoken={first}"));
    assert_eq!(post.send().status(), 200);
    assert!(server.list(&key).is_empty());
}

#[test]
fn a_form_may_have_half_its_parameters_in_the_query() {
    let server = Server::start();
    let key = server.account("acme");
    let apikey = format!("apikey={}", key.expose());
    server
        .post("/v2/auth")
        .query("expire", "202611250435")
        .form(&apikey)
        .send()
        .token();
    server
        .post("/v2/auth")
        .raw_query(&apikey)
        .form("expire=202611250435")
        .send()
        .token();
    server.advance(60);
    assert!(server.list(&key).is_empty(), "both halves counted");
}

#[test]
fn a_form_may_name_its_charset_and_an_empty_body_needs_no_type() {
    let server = Server::start();
    let key = server.account("acme");
    let form = server.post("/v2/auth").key(&key).body(
        "application/x-www-form-urlencoded; charset=UTF-8",
        b"list=1",
    );
    form.send().tokens();
    server.post("/v2/auth").key(&key).send().token();
}

#[test]
fn all_paths_are_the_same() {
    let server = Server::start();
    let key = server.account("acme");
    for path in [
        "/v2/auth",
        "/v2/auth/",
        "/auth/v2",
        "/auth/v2/",
        "//v2/auth",
        "/v2//auth///",
        "//auth//v2",
    ] {
        server.get(path).key(&key).send().token();
        server.post(path).key(&key).send().token();
    }
    for path in ["/v2", "/v2/auth/x", "/V2/AUTH", "/v2/auth.json", "/"] {
        server.get(path).key(&key).send().refuses(404, "not_found");
    }
}

#[test]
fn list_with_any_value_lists_and_never_mints() {
    let server = Server::start();
    let key = server.account("acme");
    for query in [
        "list",
        "list=",
        "list=0",
        "list=1",
        "LIST=no&expire=nonsense",
        "list=1&cloneSettings=&expire=",
    ] {
        assert!(
            server
                .auth(&key)
                .raw_query(query)
                .send()
                .tokens()
                .is_empty(),
            "{query}"
        );
    }
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn tokens_disabled_in_a_loop_are_gone_from_the_list() {
    let server = Server::start();
    let key = server.account("acme");
    let minted: Vec<String> = (0..10).map(|_| server.mint(&key)).collect();
    for token in server.list(&key) {
        let answer = server.auth(&key).query("disableToken", &token).send();
        assert_eq!(
            answer.json()["MESSAGE"],
            format!("Token {token} is disabled.")
        );
    }
    assert!(server.list(&key).is_empty());
    assert_eq!(minted.len(), 10);
}

#[test]
fn answers_read_the_same_in_latin_1() {
    let server = Server::start();
    let key = server.account("acme");
    for answer in [
        server.auth(&key).send(),
        server.auth(&key).query("expires", "é").send(),
        server.get("/v2/auth").send(),
    ] {
        assert!(answer.body.is_ascii(), "{}", answer.body);
    }
}
