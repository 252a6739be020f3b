//! `moneyer token import`: which tokens are taken, and how they work then.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    process::{Invocation, Run},
    server::Server,
    support::{Folder, Key, STRANGE_KEY, eventually, token_id},
};

pub const FIRST: &str = "first-token-from-elsewhere-17";
pub const SECOND: &str = "0123456789abcdef0123456789abcdef01234567";
pub const THIRD: &str = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJlLW9mLW5vYm9keQ";
/// How soon a running server knows what another process did.
const FOLLOWED: Duration = Duration::from_secs(5);

pub fn importing(folder: &Folder, key: &Key, options: &[&str], input: &str) -> Invocation {
    let arguments = [&["token", "import", &key.id], options].concat();
    folder.moneyer(&arguments).input(input)
}

pub fn import(folder: &Folder, key: &Key, input: &str) -> Run {
    let run = importing(folder, key, &[], input).run();
    [FIRST, SECOND, THIRD]
        .into_iter()
        .fold(run, Run::keeps_quiet_about)
}

pub fn digest_of(token: &str) -> String {
    let digest = Sha256::digest(token);
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

impl Server {
    /// The status of a verification of `token`.
    #[track_caller]
    pub fn verify(&self, token: &str, query: &str) -> u16 {
        let request = ureq::http::Request::get(format!("{}/v2/verify?{query}", self.url()));
        let request = request.header("Authorization", format!("Bearer {token}"));
        self.send(request).status
    }
}

#[test]
fn texts_and_digests_out_of_both_formats_are_verified() {
    let (folder, key) = Folder::with_key();
    let csv = format!("token,sha256\n{FIRST},\n,{}\n", digest_of(SECOND));
    let run = import(&folder, &key, &csv).done();
    assert_eq!(run.line(), format!("Imported 2 tokens of {}.", key.id));
    let third = json!({ "token": THIRD });
    let fourth = json!({ "sha256": digest_of("fourth-token-from-elsewhere").to_uppercase() });
    import(&folder, &key, &format!("{third}\n\n{fourth}\n")).done();
    let server = folder.serve(&[]);
    for token in [FIRST, SECOND, THIRD, "fourth-token-from-elsewhere"] {
        assert_eq!(server.verify(token, ""), 200, "{token}");
    }
    assert_eq!(server.verify("fifth-token-from-elsewhere", ""), 401);
}

#[test]
fn an_imported_token_is_ended_by_its_text_and_by_its_id() {
    let (folder, key) = Folder::with_key();
    let digest = digest_of(SECOND);
    import(
        &folder,
        &key,
        &format!("sha256\n{}\n{digest}\n", digest_of(FIRST)),
    )
    .done();
    let server = folder.serve(&[]);
    assert_eq!(
        (server.verify(FIRST, ""), server.verify(SECOND, "")),
        (200, 200)
    );
    server
        .auth(&key.secret, &format!("disableToken={FIRST}"))
        .good();
    assert_eq!(server.verify(FIRST, ""), 401);
    let by_id = ["token", "disable", &token_id(SECOND)];
    folder.moneyer(&by_id).run().done();
    eventually(FOLLOWED, "the token is refused", || {
        server.verify(SECOND, "") == 401
    });
}

#[test]
fn tokens_given_as_text_are_listed_if_their_private_key_is_at_hand() {
    let (folder, key) = Folder::with_key();
    let csv = format!("token,sha256\n{FIRST},\n,{}\n", digest_of(SECOND));
    let run = importing(&folder, &key, &[], &csv).env("MONEYER_API_KEY", &key.secret);
    run.run()
        .done()
        .says("Of these, 1 is not listed by /v2/auth?list");
    let run = import(&folder, &key, &format!("token\n{THIRD}\n")).done();
    run.says("1 is not listed")
        .says("MONEYER_API_KEY")
        .says(&key.id);
    let server = folder.serve(&[]);
    assert_eq!(server.list(&key.secret), [FIRST]);
    assert_eq!(server.verify(THIRD, ""), 200);
}

#[test]
fn nothing_is_said_of_lists_when_all_is_listed() {
    let (folder, key) = Folder::with_key();
    let run = importing(&folder, &key, &[], &format!("token\n{FIRST}\n"));
    let run = run.env("MONEYER_API_KEY", &key.secret).run().done();
    assert_eq!(run.stderr, "");
}

#[test]
fn another_private_key_than_that_of_the_tokens_is_refused() {
    let (folder, key) = Folder::with_key();
    let other = folder.key("acme", &[]);
    for (secret, said) in [
        (&*other.secret, &*other.id),
        (STRANGE_KEY, "MONEYER_API_KEY is not valid"),
    ] {
        let run = importing(&folder, &key, &[], &format!("token\n{FIRST}\n"));
        let run = run.env("MONEYER_API_KEY", secret).run().refused();
        run.says(said).keeps_quiet_about(secret);
    }
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0);
}

#[test]
fn a_key_that_cannot_have_tokens_is_refused_by_name() {
    let (folder, disabled) = Folder::with_key();
    folder
        .moneyer(&["key", "disable", &disabled.id])
        .run()
        .done();
    let expired = folder.key("acme", &[]);
    folder.change(
        "UPDATE keys SET expires_at = 1 WHERE disabled_at IS NULL",
        [],
    );
    let verifying = folder.key("acme", &["--role", "verify"]);
    let (id, secret) = ("key_0123456789abcdef".to_owned(), String::new());
    let unknown = Key { id, secret };
    for (key, why) in [
        (&disabled, "is disabled;"),
        (&expired, "has expired;"),
        (&verifying, "may not mint"),
        (&unknown, "There is no key"),
    ] {
        let run = import(&folder, key, &format!("token\n{FIRST}\n"));
        run.refused().in_one_sentence().says(&key.id).says(why);
    }
    let key = folder.key("acme", &[]);
    folder.moneyer(&["account", "disable", "acme"]).run().done();
    let run = import(&folder, &key, &format!("token\n{FIRST}\n"));
    run.refused().says("belongs to a disabled account");
    folder
        .moneyer(&["token", "import", FIRST])
        .run()
        .misused()
        .keeps_quiet_about(FIRST);
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0);
}

#[test]
fn imported_tokens_are_carried_over_by_a_rotation() {
    let (folder, old) = Folder::with_key();
    let csv = format!("token,sha256\n{FIRST},\n,{}\n", digest_of(SECOND));
    let run = importing(&folder, &old, &[], &csv).env("MONEYER_API_KEY", &old.secret);
    run.run().done();
    let rotate = folder.moneyer(&["key", "rotate"]).input(old.secret.clone());
    let run = rotate.run().done().says("2 tokens carried over");
    let server = folder.serve(&[]);
    assert_eq!(server.list(run.line()), [FIRST]);
    server
        .auth(run.line(), &format!("disableToken={SECOND}"))
        .good();
    assert_eq!(
        (server.verify(FIRST, ""), server.verify(SECOND, "")),
        (200, 401)
    );
}

#[test]
fn a_running_server_takes_a_token_that_it_refused_before() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    assert_eq!(server.verify(FIRST, ""), 401);
    import(&folder, &key, &format!("token\n{FIRST}\n")).done();
    eventually(FOLLOWED, "the token is good", || {
        server.verify(FIRST, "") == 200
    });
}

#[test]
fn an_import_stands_in_the_audit_by_ids() {
    let (folder, key) = Folder::with_key();
    import(&folder, &key, &format!("token\n{FIRST}\n{SECOND}\n")).done();
    let export = folder.moneyer(&["audit", "export"]).run().done();
    let entry: serde_json::Value =
        serde_json::from_str(export.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&entry["action"], &entry["by"]),
        (&json!("token.imported"), &json!("command line"))
    );
    assert_eq!(entry["key"], *key.id);
    assert_eq!(entry["tokens"], json!([token_id(FIRST), token_id(SECOND)]));
    folder.moneyer(&["audit", "verify"]).run().done();
}

#[test]
fn a_file_is_read_as_its_ending_its_beginning_or_the_option_says() {
    let (folder, key) = Folder::with_key();
    let csv = |n: u32| format!("token\ntoken-number-{n}-from-elsewhere\n");
    let jsonl = |n: u32| format!("{{\"token\":\"token-number-{n}-from-elsewhere\"}}\n");
    folder.write("a.csv", csv(1));
    folder.write("a.jsonl", jsonl(2));
    folder.write("b", "\u{feff}".to_owned() + &csv(3));
    folder.write("c", "\u{feff} ".to_owned() + &jsonl(4));
    folder.write("wrong.csv", jsonl(5));
    for file in ["a.csv", "a.jsonl", "b", "c"] {
        importing(&folder, &key, &[file], "").run().done();
    }
    importing(&folder, &key, &["wrong.csv"], "")
        .run()
        .refused()
        .says("must name the columns");
    importing(&folder, &key, &["wrong.csv", "--input", "jsonl"], "")
        .run()
        .done();
    importing(&folder, &key, &["-", "--input", "csv"], &csv(6))
        .run()
        .done();
    importing(&folder, &key, &["nowhere.csv"], "")
        .run()
        .refused()
        .says("nowhere.csv cannot be read");
    importing(&folder, &key, &["."], "")
        .run()
        .refused()
        .says("cannot be read");
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 6);
}

#[test]
fn as_json_the_counts_are_told() {
    let (folder, key) = Folder::with_key();
    let json = ["--format", "json"];
    let csv = format!("token\n{FIRST}\n");
    let dry = importing(&folder, &key, &[&json[..], &["--dry-run"]].concat(), &csv)
        .run()
        .done();
    assert_eq!(
        dry.json(),
        json!({ "key": key.id, "would_import": 1, "unlisted": 1 })
    );
    let run = importing(&folder, &key, &json, &csv).run().done();
    assert_eq!(
        run.json(),
        json!({ "key": key.id, "imported": 1, "unlisted": 1 })
    );
    assert_eq!(run.stderr, "");
}
