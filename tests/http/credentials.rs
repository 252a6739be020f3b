//! Who is asking.

use moneyer::{
    domain::{Label, Role},
    operator::{account, key},
    store::KeyTokens,
};

use crate::support::{Server, block_on};

#[test]
fn the_scheme_may_be_in_any_case() {
    let server = Server::start();
    let key = server.account("acme");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {}", key.expose());
        assert_eq!(
            server
                .get("/v2/auth")
                .header("Authorization", &header)
                .send()
                .status(),
            200,
            "{scheme}"
        );
    }
}

#[test]
fn a_header_that_is_there_counts_alone() {
    let server = Server::start();
    let key = server.account("acme");
    let with_good_parameter = |header: &str| {
        server
            .get("/v2/auth")
            .header("Authorization", header)
            .query("apikey", key.expose())
            .send()
    };
    with_good_parameter("Bearer K0000000000000000000000000000000000000000")
        .refuses(401, "invalid_key");
    with_good_parameter("Basic YTpi").refuses(401, "invalid_key");
    with_good_parameter("Bearer ").refuses(401, "missing_key");
    let bad_parameter = server.auth(&key).query("apikey", "nonsense").send();
    assert_eq!(bad_parameter.status(), 200);
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn two_headers_are_no_key() {
    let server = Server::start();
    let key = server.account("acme");
    server
        .auth(&key)
        .key(&key)
        .send()
        .refuses(401, "invalid_key");
}

#[test]
fn a_changed_key_is_a_wrong_key() {
    let server = Server::start();
    let key = server.account("acme");
    let text = key.expose();
    let lower = text.to_lowercase();
    for wrong in [
        &text[..41],
        &format!("{text}x"),
        lower.as_str(),
        &format!("{text}\u{0}"),
    ] {
        server
            .get("/v2/auth")
            .query("apikey", wrong)
            .send()
            .refuses(401, "invalid_key");
    }
}

#[test]
fn an_empty_key_is_none() {
    let server = Server::start();
    for empty in ["", " ", "\n"] {
        server
            .get("/v2/auth")
            .query("apikey", empty)
            .send()
            .refuses(401, "missing_key");
    }
}

#[test]
fn a_key_disabled_elsewhere_is_refused_at_the_very_next_request() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    let id = block_on(server.app.authenticate(&key)).unwrap().key;
    block_on(key::disable(&server.elsewhere(), id, Some(KeyTokens::Keep))).unwrap();
    for (name, value) in [
        ("list", "1"),
        ("disableToken", token.as_str()),
        ("output", "json"),
    ] {
        server
            .auth(&key)
            .query(name, value)
            .send()
            .refuses(401, "invalid_key");
    }
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn a_key_rotated_elsewhere_hands_over_at_the_very_next_request() {
    let server = Server::start();
    let old = server.account("acme");
    let tokens = [server.mint(&old), server.mint(&old)];
    let rotated = block_on(key::rotate(
        &server.elsewhere(),
        &old,
        Some(KeyTokens::Keep),
    ))
    .unwrap();
    server.auth(&old).send().refuses(401, "invalid_key");
    assert_eq!(
        server.list(&rotated.new.key),
        [tokens[1].as_str(), tokens[0].as_str()]
    );
    server.mint(&rotated.new.key);
}

#[test]
fn a_key_rotated_elsewhere_may_take_its_tokens_along() {
    let server = Server::start();
    let old = server.account("acme");
    let token = server.mint(&old);
    let rotated = block_on(key::rotate(&server.elsewhere(), &old, Some(KeyTokens::End))).unwrap();
    server.auth(&old).send().refuses(401, "invalid_key");
    let new = rotated.new.key;
    assert!(server.list(&new).is_empty());
    let clone = server.auth(&new).query("cloneSettings", &token);
    clone.send().refuses(404, "unknown_token");
}

#[test]
fn a_key_made_elsewhere_works_at_the_very_next_request() {
    let server = Server::start();
    let warm = server.account("acme");
    server.mint(&warm);
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    let made = block_on(key::create(&server.elsewhere(), "acme", wanted)).unwrap();
    let token = server.mint(&made.key);
    assert_eq!(server.list(&made.key), [token]);
}

#[test]
fn an_empty_header_is_there_too() {
    let server = Server::start();
    let key = server.account("acme");
    server
        .get("/v2/auth")
        .header("Authorization", "")
        .query("apikey", key.expose())
        .send()
        .refuses(401, "missing_key");
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn a_disabled_accounts_keys_are_refused_at_the_very_next_request() {
    let server = Server::start();
    let keys = [server.account("acme"), server.key("acme", Role::Admin)];
    for key in &keys {
        server.mint(key);
    }
    block_on(account::disable(&server.elsewhere(), "acme")).unwrap();
    for key in &keys {
        server.auth(key).send().refuses(401, "invalid_key");
    }
}

#[test]
fn a_key_stops_when_its_time_has_come() {
    let server = Server::start();
    server.account("acme");
    let expires_at = Some(moneyer::domain::Timestamp::parse_minute("202611250435").unwrap());
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at,
    };
    let brief = block_on(key::create(&server.app, "acme", wanted))
        .unwrap()
        .key;
    server.advance(59);
    server.mint(&brief);
    server.advance(1);
    // Remembered or not, and whatever else is wrong with the request.
    for query in ["list=1", "expires=1", "output=yaml"] {
        server
            .auth(&brief)
            .raw_query(query)
            .send()
            .refuses(401, "invalid_key");
    }
}

#[test]
fn a_key_from_elsewhere_works_as_it_is() {
    let server = Server::start();
    server.account("acme");
    let text = "sk_live_51H-brought/from+elsewhere=";
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    let added = block_on(key::import(&server.app, "acme", text, wanted)).unwrap();
    let token = server.get("/v2/auth").query("apikey", text).send().token();
    assert_eq!(server.list(&added[0].key), [token]);
}
