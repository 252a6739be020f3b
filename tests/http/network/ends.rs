//! When what is made here ends: no later than its maker.

use serde_json::{Value, json};

use super::{ALL, KEYS, LOGIN, Scene, TOKENS, named, text};
use crate::support::Answer;

const SOON: &str = "2026-11-25T04:44:00Z";
const LATER: &str = "2026-11-25T04:44:01Z";
const UNTIL: &str = "api_key_valid_until";
const EXPIRATION: &str = "access_token_expiration";

/// Asks for a token that ends then, or says nothing of that.
fn ask_token(it: &Scene, maker: &str, permissions: &[&str], end: Option<&str>) -> Answer {
    let mut body = named("t", permissions);
    body[EXPIRATION] = json!(end);
    it.post(maker, TOKENS, &body)
}

fn ask_key(it: &Scene, maker: &str, end: Option<&str>) -> Answer {
    it.post(maker, KEYS, &json!({ "api_key_name": "k", UNTIL: end }))
}

fn text_at(answer: &Answer, member: &str) -> String {
    assert_eq!(answer.status(), 200, "{}", answer.whole());
    text(&answer.json()["data"][member])
}

/// A token and an API key that end soon, and may make others.
fn makers(it: &Scene) -> (String, String) {
    let key = it.key.expose();
    (
        text_at(&ask_token(it, key, &ALL, Some(SOON)), "access_token"),
        text_at(&ask_key(it, key, Some(SOON)), "api_key_secret"),
    )
}

#[test]
fn an_api_key_ends_no_later_than_its_maker() {
    let it = Scene::start();
    let (token, key) = makers(&it);
    for maker in [&token, &key] {
        let created = ask_key(&it, maker, None);
        assert_eq!(text_at(&created, UNTIL), SOON);
        let sooner = ask_key(&it, maker, Some("2026-11-25T04:43:59Z"));
        assert_eq!(text_at(&sooner, UNTIL), "2026-11-25T04:43:59Z");
        assert_eq!(text_at(&ask_key(&it, maker, Some(SOON)), UNTIL), SOON);
        let message = ask_key(&it, maker, Some(LATER)).fails(400, "invalid_parameter", Some(UNTIL));
        let expected = format!(
            "{UNTIL} must not lie after {SOON}, when the API key or access token that asks ends itself."
        );
        assert_eq!(message, expected);
        // Nor does what that key makes in its turn.
        let second = text_at(&created, "api_key_secret");
        assert_eq!(text_at(&ask_key(&it, &second, None), UNTIL), SOON);
    }
    it.server.advance(600);
    let good = it.listed(KEYS, "", "api_key_status");
    assert_eq!(good.iter().filter(|status| *status == "true").count(), 1);
}

#[test]
fn a_tokens_token_ends_no_later_than_its_maker() {
    let it = Scene::start();
    let (token, key) = makers(&it);
    let end = |made: &Answer| {
        let made = text_at(made, "access_token");
        let login = it.post("", LOGIN, &json!({ "access_token": made }));
        text_at(&login, "expires_in")
    };
    assert_eq!(end(&ask_token(&it, &token, &[], None)), "600");
    assert_eq!(end(&ask_token(&it, &token, &[], Some(SOON))), "600");
    let message =
        ask_token(&it, &token, &[], Some(LATER)).fails(400, "invalid_parameter", Some(EXPIRATION));
    assert!(message.contains(SOON), "{message}");
    it.set(json!({ "default_ttl": "1m" }));
    assert_eq!(end(&ask_token(&it, &token, &[], None)), "60");
    it.set(json!({ "default_ttl": "1h" }));
    assert_eq!(end(&ask_token(&it, &token, &[], None)), "600");
    // What a key mints lives on when the key has ended, here as elsewhere.
    assert_eq!(end(&ask_token(&it, &key, &[], Some(LATER))), "601");
}

#[test]
fn a_time_that_no_answer_could_show_is_refused() {
    let it = Scene::start();
    let key = it.key.expose();
    let last = "9999-12-31T23:59:59Z";
    let beyond = "9999-12-31T23:59:59-01:00";
    let token = ask_token(&it, key, &[], Some(beyond));
    let message = token.fails(400, "invalid_parameter", Some(EXPIRATION));
    assert!(message.contains(last), "{message}");
    ask_key(&it, key, Some(beyond)).fails(400, "invalid_parameter", Some(UNTIL));
    assert_eq!(ask_token(&it, key, &[], Some(last)).status(), 200);
    let rows: Value = it.get(key, TOKENS).send().json();
    assert_eq!(rows["data"][0][EXPIRATION], last);
}
