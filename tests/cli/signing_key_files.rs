//! The file of the signing keys: where it is, and what is refused.

use std::fs;

use serde_json::Value;

use crate::{
    process::PATIENCE,
    server::Server,
    signing_keys::{FILE, new_key, published, signing_key},
    support::Folder,
};

#[test]
fn a_file_that_cannot_be_used_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    new_key(&folder, &["create"]);
    let good = fs::read_to_string(folder.path(FILE)).unwrap();
    let content: Value = serde_json::from_str(&good).unwrap();
    let secret = content["keys"][0]["secret"].as_str().unwrap();
    let twice = format!("{},{}", content["keys"][0], content["keys"][0]);
    for (bad, word) in [
        (good[..good.len() / 2].to_owned(), "cut short"),
        (String::new(), "cut short"),
        (format!("x{secret} {good}"), "not JSON"),
        (format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"), "PEM"),
        (
            format!(r#"{{"kty":"OKP","d":"{secret}"}}"#),
            "something else",
        ),
        (good.replace("\"version\": 1", "\"version\": 2"), "version"),
        (
            good.replace("\"secret\"", &format!("\"{secret}\"")),
            "member",
        ),
        (good.replace(secret, &secret[1..]), "32 bytes"),
        (
            good.replace("signing\",\n", &format!("{secret}\",\n")),
            "state",
        ),
        (
            format!(r#"{{"kind":"moneyer-signing-keys","version":1,"keys":[{twice}]}}"#),
            "the id of another",
        ),
    ] {
        assert_ne!(bad, good, "{word}");
        folder.write(FILE, &bad);
        for arguments in [&["create"][..], &["list"], &["rotate"]] {
            let run = signing_key(&folder, arguments).refused().in_one_sentence();
            run.says(FILE).says(word).keeps_quiet_about(&secret[1..]);
        }
        let run = folder.start_serving(&[]).finish_within(PATIENCE);
        let run = run.refused().says(FILE).says(word);
        run.keeps_quiet_about(&secret[1..]);
        assert_eq!(fs::read_to_string(folder.path(FILE)).unwrap(), bad);
    }
    assert_eq!(folder.files(), [FILE]);
}

#[test]
fn a_file_that_others_may_read_is_refused_with_its_cure() {
    let folder = Folder::new();
    new_key(&folder, &["create"]);
    for mode in [0o644, 0o620, 0o601] {
        folder.set_mode(FILE, mode);
        let run = signing_key(&folder, &["rotate"]).refused();
        run.in_one_sentence()
            .says("chmod 600")
            .says(&format!("{mode:o}"));
        folder.start_serving(&[]).finish_within(PATIENCE).refused();
    }
    folder.set_mode(FILE, 0o600);
    new_key(&folder, &["rotate"]);
}

#[test]
fn a_folder_in_the_place_of_the_file_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path(FILE)).unwrap();
    let run = signing_key(&folder, &["create"]).refused();
    run.in_one_sentence().says("no regular file");
}

#[test]
fn the_file_is_where_the_configuration_says() {
    let folder = Folder::new();
    fs::create_dir(folder.path("etc")).unwrap();
    folder.write("etc/my.toml", "[signing]\nkeys_file = 'keys.json'\n");
    new_key(&folder, &["create", "--config", "etc/my.toml"]);
    assert!(folder.path("etc/keys.json").exists());
    let variable = folder.moneyer(&["signing-key", "create"]);
    let variable = variable.env("MONEYER_SIGNING_KEYS_FILE", "variable.json");
    variable.run().done();
    assert!(folder.path("variable.json").exists());
    let issuer = folder.moneyer(&["signing-key", "list"]);
    let issuer = issuer.env("MONEYER_SIGNING_ISSUER", "");
    issuer
        .run()
        .refused()
        .in_one_sentence()
        .says("signing.issuer");
    let nowhere = folder.moneyer(&["signing-key", "create"]);
    let nowhere = nowhere.env("MONEYER_SIGNING_KEYS_FILE", "no/keys.json");
    nowhere
        .run()
        .refused()
        .in_one_sentence()
        .says("no/keys.json");
}

#[test]
fn a_credential_of_systemd_is_read_and_never_written() {
    let folder = Folder::new();
    let id = new_key(&folder, &["create"]);
    fs::create_dir(folder.path("credentials")).unwrap();
    let credential = "credentials/moneyer-signing-keys";
    fs::rename(folder.path(FILE), folder.path(credential)).unwrap();
    folder.set_mode(credential, 0o440);
    let with_credential = |arguments: &[&str]| {
        let run = folder.moneyer(arguments);
        run.env("CREDENTIALS_DIRECTORY", folder.path("credentials"))
    };
    let list = with_credential(&["signing-key", "list"]).run().done();
    assert!(list.stdout.contains(&id), "{list:?}");
    for verb in [
        &["create", "--algorithm", "hs256"][..],
        &["rotate"],
        &["retire", &id],
    ] {
        let arguments = [&["signing-key"], verb].concat();
        let run = with_credential(&arguments).run().refused();
        run.in_one_sentence().says("systemd");
    }
    let serve = with_credential(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(published(&Server::of(serve.spawn())), [id]);
}

#[test]
fn what_signs_nothing_works_beside_a_broken_file() {
    let folder = Folder::new();
    folder.write(FILE, "nonsense");
    folder.account("acme");
    folder.key("acme", &[]);
}
