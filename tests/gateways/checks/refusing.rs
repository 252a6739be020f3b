//! What a token may not do is refused, and soon.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde_json::json;

use crate::{
    gateway::Gateway,
    support::{eventually, now},
    world::World,
};

/// A well-formed token that was never minted.
const STRANGE_TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub fn without_a_token_nothing_passes(gateway: &Gateway) {
    let world = World::behind(gateway);
    for target in ["/", "/tiles/1", "/maps?x=1", "/v2/verify"] {
        let answer = world.get(target).send();
        let challenge = answer.refused(401).header("WWW-Authenticate");
        assert!(challenge.starts_with("Bearer"), "{target}: {answer:#?}");
    }
    assert_eq!(world.front.api.seen().len(), 0);
}

pub fn a_malformed_token_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let good = world.mint();
    for token in [
        "x",
        "",
        STRANGE_TOKEN,
        &good[1..],
        &format!("{good} {good}"),
    ] {
        let answer = world.get("/").token(token).send();
        let challenge = answer.refused(401).header("WWW-Authenticate");
        assert!(challenge.starts_with("Bearer"), "{token}: {answer:#?}");
    }
    let basic = format!("Basic {good}");
    world
        .get("/")
        .header("Authorization", &basic)
        .send()
        .refused(401);
}

/// Or else one program could judge the one and another use the other.
pub fn two_tokens_are_as_good_as_none(gateway: &Gateway) {
    let world = World::behind(gateway);
    let (token, other) = (world.mint(), world.mint());
    for second in [&token, &other, STRANGE_TOKEN] {
        let answer = world.get("/").token(&token).token(second).send();
        assert!(matches!(answer.status, 400 | 401), "{answer:#?}");
    }
    assert_eq!(world.front.api.seen().len(), 0);
}

pub fn a_disabled_token_is_refused_at_the_very_next_request(gateway: &Gateway) {
    let world = World::behind(gateway);
    let (token, other) = (world.mint(), world.mint());
    world.get("/").token(&token).send().passed();
    world.disable(&token);
    world.get("/").token(&token).send().refused(401);
    world.get("/").token(&other).send().passed();
}

pub fn an_expired_token_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let expire = DateTime::from_timestamp(now() + 3, 0).unwrap();
    let expire = expire.to_rfc3339_opts(SecondsFormat::Secs, true);
    let token = world.mint_from(&json!({ "expire": expire }));
    world.get("/").token(&token).send().passed();
    eventually(Duration::from_secs(10), "the token expires", || {
        world.get("/").token(&token).send().status != 200
    });
    world.get("/").token(&token).send().refused(401);
}

pub fn one_request_too_many_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let limit = json!({ "requests": 2, "per_seconds": 60 });
    let token = world.mint_with(&json!({ "rate_limit": limit }));
    for _ in 0..2 {
        world.get("/").token(&token).send().passed();
    }
    for target in ["/", "/?status=gateway"] {
        let answer = world.get(target).token(&token).send();
        let wait = answer.refused(429).header("Retry-After").parse();
        assert!(matches!(wait, Ok(1..=60)), "{answer:#?}");
    }
    world.get("/").token(&world.mint()).send().passed();
}

pub fn a_missing_scope_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let maps = world.mint_with(&json!({ "scopes": ["maps"] }));
    let both = world.mint_with(&json!({ "scopes": ["tiles", "maps"] }));
    for token in [&maps, &world.mint()] {
        world.get("/tiles/1").token(token).send().refused(403);
        world.get("/maps/1").token(token).send().passed();
    }
    world.get("/tiles/1?a=b").token(&both).send().passed();
}

pub fn a_path_written_otherwise_does_not_evade_the_scope(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    for path in [
        "/%74iles/1",
        "/tiles%2f1",
        "//tiles/1",
        "/./tiles/1",
        "/maps/../tiles/1",
        "/maps/%2e%2e/tiles/1",
        "/maps%2f..%2Ftiles/1",
        "/%2Ftiles/1",
    ] {
        let answer = world.get(path).token(&token).send();
        assert!(matches!(answer.status, 400 | 403), "{path}: {answer:#?}");
    }
    assert_eq!(world.front.api.seen().len(), 0);
}

/// What is asked about a request is for the gateway to say.
pub fn a_client_cannot_change_what_is_asked(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    let asking_more = "/maps?scope=tiles&explain=1&status=gateway";
    world.get(asking_more).token(&token).send().passed();
    for asking_less in [
        "/tiles/1?scope=",
        "/tiles/?scope&explain=1",
        "/tiles/1%3Fscope=",
    ] {
        world.get(asking_less).token(&token).send().refused(403);
    }
    let target = format!("/?token={token}");
    let request = world.get(&target).token(STRANGE_TOKEN);
    request.send().refused(401);
    let elsewhere = world.get("/").header("X-Original-URI", &target);
    elsewhere
        .header("X-Forwarded-Uri", &target)
        .send()
        .refused(401);
}
