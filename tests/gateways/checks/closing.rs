//! When nobody can say whether a token is good, nothing passes.

use std::time::{Duration, Instant};

use crate::{
    backend::Backend,
    gateway::Gateway,
    support::eventually,
    world::{Front, World},
};

/// How soon a gateway must have given up on Moneyer.
const LIMIT: Duration = Duration::from_secs(5);

/// A token that somebody in Moneyer's place may well like.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what matters"
)]
fn soon<T>(ask: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = ask();
    assert!(start.elapsed() < LIMIT, "it took {:?}", start.elapsed());
    answer
}

pub fn closed_while_moneyer_is_down_and_open_when_it_is_back(gateway: &Gateway) {
    let mut world = World::behind(gateway);
    let token = world.mint();
    world.get("/").token(&token).send().passed();
    let reached = world.front.api.seen().len();

    world.stop_moneyer();
    for target in ["/", "/tiles/1"] {
        soon(|| world.get(target).token(&token).send()).closed();
        soon(|| world.get(target).send()).closed();
    }
    assert_eq!(world.front.api.seen().len(), reached);

    world.start_moneyer();
    eventually(LIMIT, "the gateway opens again", || {
        world.get("/").token(&token).send().status == 200
    });
}

pub fn a_moneyer_that_says_nothing_opens_nothing(gateway: &Gateway) {
    let moneyer = Backend::answering(|_| None);
    let front = Front::asking(moneyer.address, gateway);
    soon(|| front.get("/").token(TOKEN).send()).closed();
    soon(|| front.request("POST", "/").token(TOKEN).send_body("x")).closed();
    assert_eq!(front.api.seen().len(), 0);
}

/// The original target says what to answer.
pub fn a_strange_answer_opens_nothing(gateway: &Gateway) {
    let moneyer = Backend::answering(|asked| {
        let original = asked.value("X-Original-URI").to_owned() + asked.value("X-Forwarded-Uri");
        let head = match original.trim_start_matches('/') {
            "garbage" => "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
            "nothing" => String::new(),
            "half" => "HTTP/1.1 200 OK\r\nX-Moneyer-Acc".to_owned(),
            "moved" => "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n".to_owned(),
            status => format!("HTTP/1.1 {status} Strange\r\nConnection: close\r\n\r\n"),
        };
        Some(head)
    });
    let front = Front::asking(moneyer.address, gateway);
    for answer in [
        "200", "204", "206", "302", "400", "402", "404", "500", "502", "503", "moved", "garbage",
        "nothing", "half",
    ] {
        let request = front.get(&format!("/{answer}")).token(TOKEN);
        soon(|| request.send()).closed();
    }
    assert_eq!(front.api.seen().len(), 0);
}
