//! What passes arrives as it was sent.

use serde_json::json;

use crate::{
    backend::Backend,
    gateway::Gateway,
    support::token_id,
    world::{Front, World},
};

pub fn a_good_token_passes_with_its_identity(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "scopes": ["maps", "tiles"] }));
    let seen = world.get("/maps/1").token(&token).send().passed();
    assert_eq!(seen.value("X-Moneyer-Account"), world.account);
    assert_eq!(seen.value("X-Moneyer-Key"), world.key.id);
    assert_eq!(seen.value("X-Moneyer-Token"), token_id(&token));
    assert_eq!(seen.value("X-Moneyer-Scopes"), "maps tiles");
}

pub fn a_token_may_be_shown_in_three_ways(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    world.get("/").token(&token).send().passed();
    world.get("/").header("X-Api-Key", &token).send().passed();
    let target = format!("/maps?zoom=3&token={token}");
    assert_eq!(world.get(&target).send().passed().target, target);
}

pub fn query_and_body_arrive_unharmed(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    let target = "/a%20b/c%2Bd;e?q=%26&q=ö%20+&scope=mine&&x";
    let target = target.replace('ö', "%C3%B6");
    let long = "0123456789".repeat(20_000);
    for body in [r#"{"token":"mine"}"#, "", &long] {
        let request = world.request("POST", &target).token(&token);
        let request = request.header("Content-Type", "application/json");
        let seen = request.send_body(body).passed();
        assert_eq!((&*seen.method, &seen.target), ("POST", &target));
        assert_eq!(seen.value("Content-Type"), "application/json");
        assert_eq!(seen.value("Host"), world.front.gateway.address.to_string());
        assert!(seen.body == body, "{} bytes arrived", seen.body.len());
    }
    let seen = world.request("PUT", "/").token(&token).send_chunks("bit");
    assert_eq!(seen.passed().body, "bit");
}

pub fn every_method_arrives(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    for method in ["GET", "OPTIONS", "DELETE", "PATCH"] {
        let request = world.request(method, "/maps").token(&token);
        assert_eq!(request.send().passed().method, method);
    }
    let answer = world.request("HEAD", "/maps").token(&token).send();
    assert_eq!((answer.status, &*answer.body), (200, ""), "{answer:#?}");
    assert_eq!(world.front.api.seen().last().unwrap().method, "HEAD");
    for method in ["HEAD", "OPTIONS", "POST"] {
        world.request(method, "/maps").send().refused(401);
    }
}

pub fn the_apis_own_refusal_is_passed_on(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    for status in [401, 403, 404, 429, 500, 503] {
        let target = format!("/answers/{status}");
        let answer = world.get(&target).token(&token).send();
        assert_eq!(answer.status, status, "{answer:#?}");
        assert_eq!(answer.seen().target, target);
    }
}

/// What of a request Moneyer may be told.
const TOLD: [&str; 16] = [
    "host",
    "connection",
    "user-agent",
    "accept",
    "accept-encoding",
    "content-type",
    "authorization",
    "x-api-key",
    "origin",
    "referer",
    "x-original-uri",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-forwarded-proto",
];

pub fn moneyer_is_told_the_truth_and_no_more(gateway: &Gateway) {
    let moneyer = Backend::answering(|_| Some("HTTP/1.1 401 No\r\n\r\n".to_owned()));
    let front = Front::asking(moneyer.address, gateway);
    let sent = front.request("POST", "/maps?scope=a&status=b&explain=1&token=c");
    let sent = sent.header("X-Api-Key", "key").token("token");
    let sent = sent.header("Origin", "https://a.example");
    let sent = sent.header("Referer", "https://b.example/c");
    let sent = sent.header("X-Original-URI", "/?token=d");
    let sent = sent.header("X-Forwarded-Uri", "/?token=e");
    let sent = sent.header("X-Forwarded-For", "192.0.2.1");
    let sent = sent.header("Forwarded", "for=192.0.2.2");
    sent.send_body("token=f").refused(401);

    let [told] = &moneyer.seen()[..] else {
        panic!("not asked once: {:#?}", moneyer.seen());
    };
    assert_eq!((&*told.method, &*told.body), ("GET", ""));
    let query = told.target.strip_prefix("/v2/verify").unwrap();
    let own = ["", "?", "?status=gateway", "?status=gateway&"];
    assert!(own.contains(&query), "{told:#?}");
    assert_eq!(told.value("Authorization"), "Bearer token");
    assert_eq!(told.value("X-Api-Key"), "key");
    assert_eq!(told.value("Origin"), "https://a.example");
    assert_eq!(told.value("Referer"), "https://b.example/c");
    assert_eq!(told.value("X-Forwarded-For"), "127.0.0.1");
    let original = told.value("X-Original-URI").to_owned() + told.value("X-Forwarded-Uri");
    assert_eq!(original, "/maps?scope=a&status=b&explain=1&token=c");
    for (name, _) in &told.headers {
        let told = TOLD.contains(&&*name.to_lowercase());
        assert!(told, "{name} is not for Moneyer: {:#?}", moneyer.seen());
    }
}
