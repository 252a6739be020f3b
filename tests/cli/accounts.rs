//! `moneyer account`.

use crate::support::{Folder, is_id};

#[test]
fn creating_an_account_prints_its_id_and_says_what_is_next() {
    let run = Folder::new()
        .moneyer(&["account", "create", "acme"])
        .run()
        .done();
    let id = run.line().to_owned();
    assert!(is_id(&id, "acc_"), "{id}");
    run.says("acme").says(&format!("moneyer key create {id}"));
}

#[test]
fn creating_an_account_as_json_prints_the_promised_members_and_no_words() {
    let create = ["account", "create", "acme", "--format", "json"];
    let run = Folder::new().moneyer(&create).run().done();
    let id = run.json()["account"].as_str().unwrap().to_owned();
    assert!(is_id(&id, "acc_"), "{id}");
    assert_eq!(run.line(), format!(r#"{{"account":"{id}","name":"acme"}}"#));
    assert_eq!(run.stderr, "");
}

#[test]
fn a_name_may_hold_spaces_and_any_letters() {
    let folder = Folder::new();
    folder.account(" Wetter & Söhne ");
    folder
        .moneyer(&["key", "create", "Wetter & Söhne"])
        .run()
        .done();
}

#[test]
fn a_second_account_of_the_same_name_is_refused() {
    let folder = Folder::new();
    folder.account("acme");
    let again = folder.moneyer(&["account", "create", "acme"]).run();
    again.refused().says("\"acme\" exists already");
    assert_eq!(folder.number("SELECT count(*) FROM accounts"), 1);
}

#[test]
fn a_name_that_could_be_mistaken_is_refused() {
    let folder = Folder::new();
    let long = "x".repeat(65);
    for (name, why) in [
        ("", "empty"),
        ("  ", "empty"),
        ("acc_0123456789abcdef", "acc_"),
        ("two\nlines", "control"),
        (&long, "64"),
    ] {
        let run = folder.moneyer(&["account", "create", name]).run();
        run.refused().says(why);
    }
    folder.account(&"x".repeat(64));
    assert_eq!(folder.number("SELECT count(*) FROM accounts"), 1);
}

#[test]
fn accounts_are_listed_with_their_keys_and_state() {
    let folder = Folder::new();
    let (zeta, acme) = (folder.account("zeta"), folder.account("acme"));
    folder.key("acme", &[]);
    folder.key("acme", &[]);
    folder.moneyer(&["account", "disable", "zeta"]).run().done();

    let list = folder
        .moneyer(&["account", "list", "--format", "json"])
        .run()
        .done()
        .json();
    let facts = |at: usize| {
        let account = &list[at];
        let texts = (account["account"].as_str(), account["name"].as_str());
        (
            texts,
            account["keys"].as_u64(),
            account["disabled"].is_string(),
        )
    };
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(facts(0), ((Some(&*acme), Some("acme")), Some(2), false));
    assert_eq!(facts(1), ((Some(&*zeta), Some("zeta")), Some(0), true));

    let text = folder.moneyer(&["account", "list"]).run().done().stdout;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["ACCOUNT", "NAME", "KEYS", "CREATED", "STATE"]);
    assert_eq!(
        (rows[1][0], rows[1][2], rows[1][4]),
        (&*acme, "2", "active")
    );
    assert_eq!(
        (rows[2][0], rows[2][2], rows[2][4]),
        (&*zeta, "0", "disabled")
    );
}

#[test]
fn an_account_is_disabled_by_name_or_id_and_no_harm_is_in_doing_it_twice() {
    let folder = Folder::new();
    let id = folder.account("acme");
    let by_name = folder.moneyer(&["account", "disable", "acme"]).run().done();
    assert!(by_name.line().contains("is disabled"), "{by_name:?}");
    let by_id = folder.moneyer(&["account", "disable", &id]).run().done();
    assert!(by_id.line().contains("was disabled before"), "{by_id:?}");
    let as_json = folder
        .moneyer(&["account", "disable", &id, "--format", "json"])
        .run()
        .done();
    assert_eq!(
        as_json.line(),
        format!(r#"{{"account":"{id}","state":"disabled"}}"#)
    );
}

#[test]
fn an_unknown_account_is_refused_wherever_one_is_named() {
    let folder = Folder::new();
    folder.account("acme");
    for arguments in [
        ["account", "disable", "nobody"],
        ["key", "create", "nobody"],
        ["key", "list", "nobody"],
        ["key", "create", "acc_0123456789abcdef"],
    ] {
        let run = folder.moneyer(&arguments).run().refused();
        run.says(arguments[2]).says("moneyer account list");
    }
}

#[test]
fn a_disabled_account_is_given_no_more_keys() {
    let folder = Folder::new();
    folder.account("acme");
    folder.moneyer(&["account", "disable", "acme"]).run().done();
    let create = folder.moneyer(&["key", "create", "acme"]).run();
    create.refused().says("disabled");
    let import = folder
        .moneyer(&["key", "import", "acme"])
        .input("a-key-from-some-other-place-1\n");
    import.run().refused().says("disabled");
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 0);
}

#[test]
fn regenerating_an_account_ends_its_tokens_and_a_running_server_follows() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    let good = |token: &str| server.get(&format!("/v2/verify?token={token}")).status == 200;
    assert!(good(&token));
    let run = folder
        .moneyer(&["account", "regenerate", "acme"])
        .run()
        .done();
    assert!(
        run.line().starts_with("Every token of account acc_"),
        "{run:?}"
    );
    let within = std::time::Duration::from_secs(10);
    crate::support::eventually(within, "the server follows", || !good(&token));
    assert!(server.list(&key.secret).is_empty());
    assert!(good(&server.mint(&key.secret)));
    let json = ["account", "regenerate", "acme", "--format", "json"];
    assert_eq!(folder.moneyer(&json).run().done().json()["generation"], 2);
    folder
        .moneyer(&["account", "regenerate", "nobody"])
        .run()
        .refused()
        .says("nobody");
}
