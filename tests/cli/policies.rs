//! `moneyer account policy`, and what a policy makes of rotating and disabling keys.

use serde_json::{Value, json};

use crate::{
    process::Run,
    support::{Folder, is_key},
};

/// The API version that is current.
pub const CURRENT: &str = "2026-11-25";

pub fn policy(folder: &Folder, arguments: &[&str]) -> Run {
    folder
        .moneyer(&[&["account", "policy"], arguments].concat())
        .run()
}

pub fn shown(folder: &Folder) -> Value {
    policy(folder, &["acme", "--format", "json"]).done().json()
}

#[test]
fn a_new_account_asks_for_nothing() {
    let (folder, _) = Folder::with_key();
    let nothing = shown(&folder);
    assert_eq!(
        nothing,
        json!({
            "api_version": CURRENT, "default_ttl": null, "max_ttl": null, "require_expire": false, "max_active_tokens": null,
            "token_settings": {"tags": [], "scopes": [], "origins": [], "ips": [], "rate_limit": null, "note": ""},
            "format": "opaque", "permissions": {}, "on_key_rotate": "carry", "on_key_disable": "keep",
        })
    );
    let text = policy(&folder, &["acme"]).done();
    assert!(
        text.stdout.starts_with("MEMBER") && text.stdout.contains("on_key_rotate"),
        "{text:?}"
    );
}

#[test]
fn members_are_set_and_reset_one_by_one() {
    let (folder, _) = Folder::with_key();
    let set = [
        "acme",
        "--set",
        "max_ttl=180d",
        "--set",
        "max_active_tokens=5",
        "--set",
        r#"token_settings={"rate_limit":{"requests":3,"per_seconds":1}}"#,
    ];
    policy(&folder, &set).done().says("The policy is changed.");
    policy(&folder, &set).done().says("was like this before");
    let now = shown(&folder);
    assert_eq!(
        (&now["max_ttl"], &now["max_active_tokens"]),
        (&json!("180d"), &json!(5))
    );
    assert_eq!(now["token_settings"]["rate_limit"]["requests"], 3);
    policy(&folder, &["acme", "--set", "max_ttl=null"]).done();
    let now = shown(&folder);
    assert_eq!(
        (&now["max_ttl"], &now["max_active_tokens"]),
        (&json!(null), &json!(5))
    );
}

#[test]
fn a_preset_takes_the_place_of_all_that_was_set() {
    let (folder, key) = Folder::with_key();
    policy(&folder, &["acme", "--set", "max_active_tokens=5"]).done();
    policy(
        &folder,
        &["acme", "--preset", "synkrato", "--set", "default_ttl=90d"],
    )
    .done();
    let now = shown(&folder);
    assert_eq!(
        (&now["default_ttl"], &now["max_ttl"]),
        (&json!("90d"), &json!("180d"))
    );
    assert_eq!(
        (&now["max_active_tokens"], &now["on_key_rotate"]),
        (&json!(null), &json!("end"))
    );
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    let span = "SELECT expires_at - created_at FROM tokens";
    assert_eq!(folder.number(span), 90 * 24 * 3600);
    policy(&folder, &["acme", "--preset", "synoptic"]).done();
    assert_eq!(shown(&folder)["max_ttl"], json!(null));
}

#[test]
fn what_makes_no_policy_is_refused_and_changes_nothing() {
    let (folder, _) = Folder::with_key();
    let before = shown(&folder);
    for (change, named) in [
        ("max_tll=1d", "no member \"max_tll\""),
        ("max_ttl=soon", "max_ttl must be a length of time"),
        ("max_ttl=1d 1d", "each unit once"),
        ("max_active_tokens=0", "max_active_tokens must be"),
        ("require_expire=yes", "require_expire must be true or false"),
        ("permissions=[1]", "permissions must be"),
        ("on_key_rotate=keep", "on_key_rotate must be"),
        (
            r#"token_settings={"ips":["10.0.0.0/33"]}"#,
            "ips[0] must be",
        ),
    ] {
        let set = ["acme", "--set", "default_ttl=1d", "--set", change];
        policy(&folder, &set).refused().says(named);
    }
    let contradiction = ["acme", "--set", "max_ttl=1d", "--set", "default_ttl=2d"];
    policy(&folder, &contradiction)
        .refused()
        .says("default_ttl must not be longer");
    policy(
        &folder,
        &["acme", "--set", "max_ttl=1d", "--set", "max_ttl=2d"],
    )
    .refused()
    .says("twice");
    policy(&folder, &["nobody", "--set", "max_ttl=1d"])
        .refused()
        .says("nobody");
    for (twice, named) in [
        (
            r#"token_settings={"ips":["10.0.0.0/8"],"ips":[]}"#,
            r#"has the member "ips" twice"#,
        ),
        (
            r#"permissions={"a":"x","a":"y"}"#,
            r#"has the member "a" twice"#,
        ),
    ] {
        policy(&folder, &["acme", "--set", twice])
            .misused()
            .says(named);
    }
    for misuse in [
        vec!["acme", "--set", "max_ttl"],
        vec!["acme", "--preset", "vault"],
        vec![],
    ] {
        policy(&folder, &misuse).misused();
    }
    assert_eq!(shown(&folder), before);
}

#[test]
fn a_policy_says_what_becomes_of_tokens_when_their_key_goes() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    policy(
        &folder,
        &[
            "acme",
            "--set",
            "on_key_rotate=end",
            "--set",
            "on_key_disable=end",
        ],
    )
    .done();
    let rotate = |secret: &str, options: &[&str]| {
        let rotate = [&["key", "rotate"], options].concat();
        let run = folder
            .moneyer(&rotate)
            .input(secret.to_owned())
            .run()
            .done();
        run.line().to_owned()
    };
    let good = |token: &str| server.get(&format!("/v2/verify?token={token}")).status == 200;
    let first = server.mint(&key.secret);
    let second_key = rotate(&key.secret, &[]);
    assert!(is_key(&second_key) && server.list(&second_key).is_empty());
    let second = server.mint(&second_key);
    let third_key = rotate(&second_key, &["--keep-tokens"]);
    assert_eq!(server.list(&third_key), [second.as_str()]);

    let id = folder.number("SELECT id FROM keys WHERE disabled_at IS NULL");
    let id = format!("key_{:016x}", id.cast_unsigned());
    let disabled = folder.moneyer(&["key", "disable", &id]).run().done();
    let said = format!("Key {id} is disabled; 1 token ended.");
    assert_eq!(disabled.line(), said);
    let both = ["key", "disable", &id, "--end-tokens", "--keep-tokens"];
    folder.moneyer(&both).run().misused();
    let live = "SELECT count(*) FROM tokens WHERE ended_at IS NULL";
    assert_eq!(folder.number(live), 0);
    let within = std::time::Duration::from_secs(10);
    crate::support::eventually(within, "the server follows", || {
        !good(&first) && !good(&second)
    });
}

#[test]
fn a_change_of_policy_is_in_the_audit() {
    let (folder, _) = Folder::with_key();
    policy(&folder, &["acme", "--set", "max_ttl=1d"]).done();
    policy(&folder, &["acme", "--set", "max_ttl=24h"]).done();
    let list = folder.moneyer(&["audit", "list", "--format", "json"]);
    let entries = list.run().done().json();
    let changes: Vec<_> = entries.as_array().unwrap().iter().collect();
    let policies: Vec<_> = changes
        .iter()
        .filter(|entry| entry["action"] == "account.policy")
        .collect();
    assert_eq!(policies.len(), 1, "{entries:#}");
    assert_eq!(policies[0]["policy"]["max_ttl"], "1d");
}

#[test]
fn no_free_text_of_a_policy_is_in_the_audit() {
    let (folder, _) = Folder::with_key();
    let note = r#"token_settings={"note":"between us","scopes":["read"]}"#;
    let permissions = r#"permissions={"read":"a private remark"}"#;
    policy(&folder, &["acme", "--set", note, "--set", permissions]).done();
    let export = folder.moneyer(&["audit", "export"]).run().done().stdout;
    assert!(export.contains(r#""permissions":["read"]"#), "{export}");
    assert!(
        !export.contains("between us") && !export.contains("remark"),
        "{export}"
    );
}

#[test]
fn a_long_policy_is_shown() {
    let (folder, _) = Folder::with_key();
    let names: serde_json::Map<_, _> = (0..64)
        .map(|n| (format!("{n:02}{}", "x".repeat(94)), "d".repeat(100).into()))
        .collect();
    let set = format!("permissions={}", Value::from(names.clone()));
    policy(&folder, &["acme", "--set", &set]).done();
    assert_eq!(shown(&folder)["permissions"], Value::from(names));
    assert!(policy(&folder, &["acme"]).done().stdout.len() < 20_000);
}

#[test]
fn a_damaged_policy_is_found_and_replaced_and_does_not_keep_a_key_alive() {
    let (folder, key) = Folder::with_key();
    folder.change(r#"UPDATE accounts SET policy = '{"max_tll":1}'"#, []);
    let doctor = folder.moneyer(&["doctor"]).run().exits_with(1);
    assert!(doctor.stdout.contains("the policy of acc_"), "{doctor:?}");
    let other = folder.moneyer(&["key", "disable", &key.id]).run().done();
    assert!(other.line().ends_with("its tokens live on."), "{other:?}");
    assert!(
        doctor.stdout.contains("no member \"max_tll\""),
        "{doctor:?}"
    );
    policy(&folder, &["acme", "--set", "max_ttl=1d"])
        .refused()
        .says("no member \"max_tll\"");
    policy(
        &folder,
        &["acme", "--preset", "synoptic", "--set", "max_ttl=1d"],
    )
    .done();
    assert_eq!(shown(&folder)["max_ttl"], "1d");
    folder.moneyer(&["doctor"]).run().done();
}
