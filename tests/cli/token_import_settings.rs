//! `moneyer token import`: settings and times of imported tokens.

use serde_json::json;

use crate::{
    support::Folder,
    token_importing::{FIRST, SECOND, THIRD, import},
};

#[test]
fn settings_and_times_are_those_that_are_given() {
    let (folder, key) = Folder::with_key();
    let csv = format!(
        "token,expires_at,created_at,tags,scopes,note,settings\n\
         {FIRST},2100-01-02T04:04:05+01:00,1700000000,web; old times,\"tiles, maps\",\"for \"\"Anna\"\"\",\"{{\"\"ips\"\":[\"\"10.0.0.0/8\"\"]}}\"\n\
         {SECOND},210001020304,,,,,\n"
    );
    import(&folder, &key, &csv).done();
    let server = folder.serve(&[]);
    let settings = server.get(&format!("/v2/auth/token/{FIRST}?apikey={}", key.secret));
    let expected = json!({
        "tags": ["web", "old times"], "scopes": ["tiles", "maps"], "origins": [], "ips": ["10.0.0.0/8"],
        "rate_limit": null, "note": "for \"Anna\"", "usage": { "verifications": 0, "last_used": null },
    });
    assert_eq!(settings.good(), expected);
    let list = ["token", "list", &key.id, "--format", "json"];
    let listed = folder.moneyer(&list).run().done().json();
    let times = |place: usize| {
        let token = &listed["tokens"][place];
        (token["created"].clone(), token["expires"].clone())
    };
    let expected = (json!("2023-11-14T22:13:20Z"), json!("2100-01-02T03:04:05Z"));
    assert_eq!(times(1), expected);
    assert_eq!(times(0).1, json!("2100-01-02T03:04:00Z"));
}

#[test]
fn an_imported_token_that_was_never_used_counts_from_its_import() {
    let (folder, key) = Folder::with_key();
    let csv = format!("token,created_at\n{FIRST},1700000000\n");
    import(&folder, &key, &csv).done();
    let unused = || {
        let dry_run = ["--unused-for", "90d", "--dry-run", "--format", "json"];
        let disable = [&["token", "disable", "--key", &key.id], &dry_run[..]].concat();
        folder.moneyer(&disable).run().done().json()["would_end"].clone()
    };
    assert_eq!(unused(), json!(0));
    folder.change("UPDATE tokens SET imported_at = imported_at - 7776000", []);
    assert_eq!(unused(), json!(1));
}

#[test]
fn an_imported_token_is_held_to_its_settings() {
    let (folder, key) = Folder::with_key();
    let limit = json!({ "requests": 2, "per_seconds": 3600 });
    let first = json!({ "token": FIRST, "scopes": ["tiles"], "settings": { "rate_limit": limit } });
    import(&folder, &key, &first.to_string()).done();
    let server = folder.serve(&[]);
    assert_eq!(server.verify(FIRST, "scope=maps"), 403);
    let statuses = [(); 3].map(|()| server.verify(FIRST, "scope=tiles"));
    assert_eq!(statuses, [200, 200, 429]);
}

#[test]
fn a_policy_holds_for_settings_and_number_but_not_for_lifetimes() {
    let (folder, key) = Folder::with_key();
    let policy = |set: &[&str]| {
        let sets = set.iter().flat_map(|set| ["--set", set]);
        let arguments: Vec<&str> = ["account", "policy", "acme"]
            .into_iter()
            .chain(sets)
            .collect();
        folder.moneyer(&arguments).run().done();
    };
    policy(&[
        "max_ttl=1d",
        r#"permissions={"tiles":""}"#,
        r#"token_settings={"tags":["p"],"note":"n"}"#,
    ]);
    let token = |token: &str, scope: &str| json!({ "token": token, "scopes": [scope], "expires_at": "210001010000", "note": "m" });
    let undeclared = import(&folder, &key, &token(FIRST, "maps").to_string());
    undeclared
        .refused()
        .says("line 1: scopes must be among the permissions")
        .says("\"maps\" is not");
    import(&folder, &key, &token(FIRST, "tiles").to_string()).done();
    let settings = folder
        .serve(&[])
        .get(&format!("/v2/auth/token/{FIRST}?apikey={}", key.secret))
        .good();
    assert_eq!(
        (&settings["tags"], &settings["note"]),
        (&json!(["p"]), &json!("m"))
    );
    policy(&["max_active_tokens=2"]);
    let many = import(&folder, &key, &format!("token\n{SECOND}\n{THIRD}\n")).refused();
    many.says("may have 2 active tokens, and would have more");
    import(&folder, &key, &format!("token\n{SECOND}\n")).done();
}
