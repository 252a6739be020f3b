//! What all answers here have in common, and that nothing secret reaches the log.

use serde_json::json;

use super::{ALL, KEYS, LOGIN, PERMISSIONS, Scene, TOKENS, id_of, named};
use crate::{
    logging::{lines, log_is_clean},
    support::{Answer, Server},
};

/// One answer of each kind.
fn one_of_each(it: &Scene, token: &str) -> Vec<Answer> {
    let key = it.key.expose();
    let (id, secret) = it.api_key_by(token, "canaryname");
    vec![
        it.post("", LOGIN, &json!({ "access_token": token })),
        it.post("", LOGIN, &json!({ "access_token": key })),
        it.get(token, TOKENS).send(),
        it.get(token, PERMISSIONS).send(),
        it.get(token, KEYS).send(),
        it.get(key, TOKENS).query("skip", &id_of(token)).send(),
        it.get(key, TOKENS).query("skip", token).send(),
        it.get(key, TOKENS).query(token, key).send(),
        it.post(key, TOKENS, &named("canaryname", &[])),
        it.post(
            key,
            TOKENS,
            &json!({ "access_token_name": token, key: token }),
        ),
        it.post(token, KEYS, &json!({ "api_key_name": 1 })),
        it.delete(&secret, TOKENS, &id_of(token)),
        it.delete(token, TOKENS, token),
        it.delete(key, KEYS, &secret),
        it.delete(key, KEYS, &id),
        it.get(&secret, KEYS).send(),
        it.server.get(KEYS).header("Authorization", key).send(),
        it.server
            .get(KEYS)
            .header("Authorization", &format!("Basic {key}"))
            .send(),
        it.server
            .request("PUT", TOKENS)
            .header("api-key", key)
            .send(),
        it.server.get(&format!("/v1/network/{token}")).send(),
    ]
}

#[test]
fn no_answer_is_stored_and_no_secret_reaches_the_log() {
    let lines = lines();
    let it = Scene::on(Server::seeded(11, |_| {}));
    let token = it.token(&ALL);
    let mut ids = Vec::new();
    for answer in one_of_each(&it, &token) {
        let headers = ["cache-control", "x-content-type-options"].map(|name| answer.header(name));
        assert_eq!(
            headers,
            [Some("no-store"), Some("nosniff")],
            "{}",
            answer.whole()
        );
        assert_eq!(
            answer.body.is_empty(),
            answer.status() == 204,
            "{}",
            answer.whole()
        );
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    log_is_clean(
        &lines.text(),
        &[it.key.expose(), &token, "canaryname"],
        &ids,
    );
}
