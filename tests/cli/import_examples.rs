//! The scripts in `examples/import/` that make an input of another program's database.

use std::path::Path;

use crate::{
    support::{Folder, Key},
    token_importing::importing,
};

const KEY: &str = "eQmUrkYjadikQuqBmkgbhSIgJKZvwbRuqGtpBTRAdzqyaDbyCytLGfgyOFMTmfxE";
/// The SHA-256 of [`KEY`] in base64url, as better-auth keeps it.
const KEPT: &str = "q4flweuslME2zGVIN425iv376vxfde2VgHLlXORmnrM";

/// A table as better-auth makes it; its first key is good and has all that a key may have.
fn better_auth(folder: &Folder) {
    let database = folder.database("auth.sqlite");
    let table = "CREATE TABLE apikey (name TEXT, key TEXT, enabled INTEGER, rateLimitEnabled INTEGER,
        rateLimitTimeWindow INTEGER, rateLimitMax INTEGER, remaining INTEGER, expiresAt DATE, createdAt DATE, permissions TEXT)";
    database.execute(table, []).unwrap();
    for (key, enabled, remaining, expires) in [
        (KEPT, 1, None, Some("2100-02-23T11:00:09.036Z")),
        ("disabled", 0, None, None),
        ("few-uses-remain", 1, Some(5), None),
        ("expired", 1, None, Some("2020-02-23T11:00:09.036Z")),
    ] {
        let insert = r#"INSERT INTO apikey VALUES ('tiles', ?1, ?2, 1, 60000, 100, ?3, ?4,
            '2025-11-25T11:00:09.036Z', '{"tiles":["read"]}')"#;
        let row = (key, enabled, remaining, expires);
        database.execute(insert, row).unwrap();
    }
}

fn imported(folder: &Folder, key: &Key) -> serde_json::Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/import/better_auth.py");
    let run = folder
        .program("python3", &[script.to_str().unwrap(), "auth.sqlite"])
        .run()
        .done();
    importing(folder, key, &[], &run.stdout).run().done();
    let settings = format!("/v2/auth/token/{KEY}?apikey={}", key.secret);
    folder.serve(&[]).get(&settings).good()
}

#[test]
fn the_good_keys_of_better_auth_are_tokens_with_their_permissions_and_rate() {
    let (folder, key) = Folder::with_key();
    better_auth(&folder);
    let settings = imported(&folder, &key);
    assert_eq!(settings["scopes"], serde_json::json!(["tiles:read"]));
    let limit = serde_json::json!({ "requests": 100, "per_seconds": 60 });
    assert_eq!(
        (&settings["rate_limit"], &settings["note"]),
        (&limit, &"tiles".into())
    );
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 1);
    let ends =
        "SELECT count(*) FROM tokens WHERE expires_at = 4107063609 AND created_at = 1764068409";
    assert_eq!(folder.number(ends), 1);
}
