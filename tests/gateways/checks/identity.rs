//! Nobody can give himself an identity, or lose his.

use serde_json::json;

use crate::{
    backend::{Backend, Seen},
    gateway::Gateway,
    support::token_id,
    world::{Front, World},
};

/// The same header for a program that reads `-`, `_` and `.` as one.
const SPELLINGS: [&str; 6] = [
    "X-Moneyer-Account",
    "x-moneyer-ACCOUNT",
    "X_Moneyer_Account",
    "X-Moneyer_Account",
    "x_moneyer-account",
    "X.Moneyer.Account",
];
const PARTS: [&str; 4] = ["account", "key", "token", "scopes"];

/// The values under a name in any of its spellings.
fn values_like(seen: &Seen, name: &str) -> Vec<String> {
    let fold = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let like = seen.headers.iter().filter(|(sent, _)| fold(sent) == name);
    like.map(|(_, value)| value.clone()).collect()
}

pub fn a_forged_identity_is_stripped(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "scopes": ["maps"] }));
    let mut request = world.get("/").token(&token);
    for spelling in SPELLINGS {
        for part in PARTS {
            let name = spelling.to_lowercase().replace("account", part);
            request = request.header(&name, "forged").header(&name, "again");
        }
    }
    let seen = request.send().passed();
    let [account, key] = [&world.account, &world.key.id];
    assert_eq!(values_like(&seen, "x-moneyer-account"), [&**account]);
    assert_eq!(values_like(&seen, "x-moneyer-key"), [&**key]);
    assert_eq!(values_like(&seen, "x-moneyer-token"), [token_id(&token)]);
    assert_eq!(values_like(&seen, "x-moneyer-scopes"), ["maps"]);
}

pub fn a_forged_scope_is_stripped_when_there_is_none(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    let mut request = world.get("/").token(&token);
    for spelling in SPELLINGS {
        let name = spelling.to_lowercase().replace("account", "scopes");
        request = request.header(&name, "everything");
    }
    let seen = request.send().passed();
    let scopes = values_like(&seen, "x-moneyer-scopes");
    assert!(scopes.iter().all(String::is_empty), "{seen:#?}");
}

/// `Connection` may name headers that end at the gateway; an identity is not the client's to name.
pub fn an_identity_cannot_be_dropped_on_the_way(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint_with(&json!({ "scopes": ["maps"] }));
    let named = "X-Moneyer-Account, x-moneyer-key,x-moneyer-token, X-MONEYER-SCOPES";
    let request = world.get("/").token(&token);
    let request = request.header("Connection", "close");
    let seen = request.header("Connection", named).send().passed();
    assert_eq!(seen.value("X-Moneyer-Account"), world.account);
    assert_eq!(seen.value("X-Moneyer-Key"), world.key.id);
    assert_eq!(seen.value("X-Moneyer-Token"), token_id(&token));
    assert_eq!(seen.value("X-Moneyer-Scopes"), "maps");
}

pub fn a_private_key_of_the_clients_goes_nowhere(gateway: &Gateway) {
    let moneyer = Backend::answering(|_| Some("HTTP/1.1 401 No\r\n\r\n".to_owned()));
    let front = Front::asking(moneyer.address, gateway);
    let request = front.get("/").header("X-Moneyer-Key", "mine");
    request.header("X_Moneyer_Key", "mine").send().refused(401);
    let asked = moneyer.seen().pop().unwrap();
    assert_eq!(values_like(&asked, "x-moneyer-key"), [""; 0]);

    let world = World::behind(gateway);
    let request = world.get("/").token(&world.mint());
    let request = request.header("X-Moneyer-Key", &world.key.secret);
    let seen = request.send().passed();
    assert_eq!(seen.value("X-Moneyer-Key"), world.key.id);
}

/// With a good token either, which could be asked about so without the API.
pub fn moneyer_cannot_be_reached_by_way_of_the_gateway(gateway: &Gateway) {
    let world = World::behind(gateway);
    let token = world.mint();
    for target in [
        "/_moneyer/",
        "/_moneyer/explain=1",
        "/v2/verify",
        "/v2/auth",
    ] {
        let answer = world.get(target).token(&token).send();
        let apis = answer.header("X-Reached") == "the API" && answer.seen().target == target;
        assert!(apis || answer.status == 404, "{target}: {answer:#?}");
        assert_eq!(answer.header("X-Moneyer-Account"), "", "{answer:#?}");
    }
}
