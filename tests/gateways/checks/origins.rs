//! Where a request comes from, and who says so.

use serde_json::json;

use crate::{gateway::Gateway, process::Invocation, support::Folder, world::World};

pub fn the_right_origin_passes_and_another_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let origins = ["https://app.example.org", "https://*.example.net"];
    let token = world.mint_with(&json!({ "origins": origins }));
    let get = |name: &str, value: &str| world.get("/").token(&token).header(name, value).send();
    get("Origin", "https://app.example.org").passed();
    get("Origin", "https://any.example.net").passed();
    get("Referer", "https://app.example.org/page?x=1").passed();
    get("Origin", "https://evil.example.com").refused(403);
    get("Origin", "https://app.example.org.evil.example.com").refused(403);
    get(
        "Referer",
        "https://evil.example.com/https://app.example.org",
    )
    .refused(403);
    world.get("/").token(&token).send().refused(403);
}

pub fn a_token_for_another_address_is_refused(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "ips": ["192.0.2.0/24"] }));
    world.get("/").token(&token).send().refused(403);
    let here = world.mint_with(&json!({ "ips": ["127.0.0.0/8"] }));
    world.get("/").token(&here).send().passed();
}

pub fn a_spoofed_address_is_not_believed(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "ips": ["192.0.2.0/24"] }));
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1, 192.0.2.1"),
        ("X_Forwarded_For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Real-IP", "192.0.2.1"),
    ] {
        let request = world.get("/").token(&token).header(name, value);
        request.header(name, value).send().refused(403);
    }
    let both = world.get("/").token(&token);
    let both = both.header("X-Forwarded-For", "192.0.2.1");
    let both = both.header("Forwarded", "for=192.0.2.1");
    both.header("Connection", "X-Forwarded-For")
        .send()
        .refused(403);
}

pub fn the_api_learns_the_clients_own_address(gateway: &Gateway) {
    let world = World::behind(gateway);
    let request = world.get("/").token(&world.mint());
    let request = request.header("X-Forwarded-For", "192.0.2.1");
    let request = request.header("Forwarded", "for=192.0.2.1");
    let seen = request.send().passed();
    assert_eq!(seen.value("X-Forwarded-For"), "127.0.0.1");
    assert_eq!(seen.value("Forwarded"), "");
}

/// All of 127.0.0.0/8 is loopback, and curl can speak from another of its addresses.
pub fn the_clients_own_address_is_what_counts(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "ips": ["127.0.0.2/32"] }));
    assert_eq!(status_from("127.0.0.2", &world, &token), "200");
    assert_eq!(status_from("127.0.0.3", &world, &token), "403");
    assert_eq!(status_from("127.0.0.1", &world, &token), "403");
}

#[track_caller]
fn status_from(address: &str, world: &World, token: &str) -> String {
    let url = format!("http://{}/", world.front.gateway.address);
    let token = format!("Authorization: Bearer {token}");
    let lie = "X-Forwarded-For: 127.0.0.2";
    let folder = Folder::new();
    let arguments = ["-sS", "--noproxy", "*", "--interface", address, "-H", lie];
    let rest = ["-H", &token, "-o", "answer", "-w", "%{http_code}\\n", &url];
    let curl = Invocation::of("curl", &[&arguments[..], &rest].concat(), &folder.path(""));
    curl.run().done().line().to_owned()
}
