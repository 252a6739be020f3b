//! `moneyer token list`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    server::Server,
    support::{Folder, Key, eventually, token_id},
};

fn listed(folder: &Folder, arguments: &[&str]) -> Value {
    let list = [&["token", "list"], arguments, &["--format", "json"]].concat();
    folder.moneyer(&list).run().done().json()
}

fn ids(page: &Value) -> Vec<&str> {
    let tokens = page["tokens"].as_array().unwrap().iter();
    tokens
        .map(|token| token["token"].as_str().unwrap())
        .collect()
}

fn mint(server: &Server, key: &Key, body: &Value) -> String {
    token_id(&server.mint_by_json(&key.secret, body))
}

#[test]
fn good_tokens_are_listed_by_their_ids_with_what_they_are_for() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint_by_json(
        &key.secret,
        &json!({"expire": "2999-01-01T00:00:00Z", "settings": {"tags": ["a", "b"], "note": "for Anna"}}),
    );
    let ended = server.mint(&key.secret);
    server
        .auth(&key.secret, &format!("disableToken={ended}"))
        .good();
    let page = listed(&folder, &["acme"]);
    let [row] = &page["tokens"].as_array().unwrap()[..] else {
        panic!("{page}");
    };
    assert_eq!(row["token"], token_id(&token));
    assert_eq!(row["key"], key.id);
    assert_eq!(row["tags"], json!(["a", "b"]));
    assert_eq!(row["note"], "for Anna");
    assert_eq!(row["expires"], "2999-01-01T00:00:00Z");
    assert_eq!(
        (&row["last_used"], &row["verifications"]),
        (&json!(null), &json!(0))
    );
    assert_eq!(page["next"], json!(null));

    let run = folder.moneyer(&["token", "list", &key.id]).run().done();
    assert!(
        run.stdout.starts_with("TOKEN") && run.stdout.contains("for Anna"),
        "{run:?}"
    );
    run.keeps_quiet_about(&token);
}

#[test]
fn use_is_written_down_while_serving_and_at_the_end() {
    let (folder, key) = Folder::with_key();
    let server = folder
        .serving(&[])
        .env("MONEYER_VERIFY_USAGE_INTERVAL", "1s");
    let server = Server::of(server.spawn());
    let token = server.mint(&key.secret);
    let verifications = || listed(&folder, &["acme"])["tokens"][0]["verifications"].clone();
    let verify = || server.get(&format!("/v2/verify?token={token}")).good();
    (0..3).for_each(|_| drop(verify()));
    eventually(Duration::from_secs(20), "the uses are written down", || {
        verifications() == 3
    });
    verify();
    server.stop();
    assert_eq!(verifications(), 4);
    let last_used = &listed(&folder, &["acme"])["tokens"][0]["last_used"];
    assert!(last_used.is_string(), "{last_used}");
}

#[test]
fn pages_go_on_after_the_last_token_and_miss_none() {
    let (folder, key) = Folder::with_key();
    let other = folder.key("acme", &[]);
    let server = folder.serve(&[]);
    let mut minted: Vec<String> = [&key, &other, &key, &key, &other]
        .map(|key| mint(&server, key, &json!({})))
        .to_vec();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = match &after {
            None => listed(&folder, &["acme", "--limit", "2"]),
            Some(after) => listed(&folder, &["acme", "--limit", "2", "--after", after]),
        };
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    minted.sort();
    seen.sort();
    assert_eq!(seen, minted);
    let run = folder
        .moneyer(&["token", "list", "acme", "--limit", "2"])
        .run()
        .done();
    run.says("--after tok_");
}

#[test]
fn filters_leave_out_what_does_not_fit() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let soon = mint(
        &server,
        &key,
        &json!({"expire": in_an_hour(), "settings": {"tags": ["x"]}}),
    );
    let old = mint(&server, &key, &json!({}));
    server.stop();
    folder.change(
        "UPDATE tokens SET created_at = created_at - 864000 WHERE expires_at IS NULL",
        [],
    );
    assert_eq!(
        ids(&listed(&folder, &["acme", "--expiring-within", "2h"])),
        [&*soon]
    );
    assert_eq!(
        ids(&listed(&folder, &["acme", "--unused-for", "9d"])),
        [&*old]
    );
    assert_eq!(ids(&listed(&folder, &[&key.id, "--tag", "x"])), [&*soon]);
    assert!(ids(&listed(&folder, &["acme", "--unused-for", "11d"])).is_empty());
    folder.change("INSERT INTO uses SELECT id, 1, unixepoch() FROM tokens", []);
    assert!(ids(&listed(&folder, &["acme", "--unused-for", "9d"])).is_empty());
}

fn in_an_hour() -> String {
    crate::support::minute_in(3600)
}

#[test]
fn an_owner_or_a_place_that_is_not_there_is_refused() {
    let (folder, _) = Folder::with_key();
    let refused = |arguments: &[&str], named: &str| {
        let list = [&["token", "list"], arguments].concat();
        folder.moneyer(&list).run().refused().says(named);
    };
    refused(&["nobody"], "nobody");
    refused(&["key_0123456789abcdef"], "key_0123456789abcdef");
    refused(
        &["acme", "--after", "tok_0123456789abcdef"],
        "tok_0123456789abcdef",
    );
    for misuse in [
        vec!["acme", "--unused-for", "long"],
        vec!["acme", "--limit", "0"],
        vec!["acme", "--after", "x"],
        vec![],
    ] {
        let list = [&["token", "list"], &misuse[..]].concat();
        folder.moneyer(&list).run().misused();
    }
}
