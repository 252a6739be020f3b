//! The audit: what each change leaves in it.

use moneyer::{
    domain::{
        AccountName, AuditChain, AuditEntry, BrokenChain, KeyId, Role, TokenDigest, TokenId, Usage,
    },
    store::{Carry, Edit, KeyTokens, NewKey, NewToken, Store},
};
use serde_json::{Value, json};

use crate::support::{Fixture, NOW, later, once, sealed};

pub async fn entries(store: &Store) -> Vec<AuditEntry> {
    store.audit_entries(0, 10_000).await.unwrap()
}

/// What the entries after the first `known` say, apart from their numbers.
pub async fn news(it: &Fixture, known: usize) -> Vec<Value> {
    let entries = entries(&it.store).await.into_iter().skip(known);
    let parsed = entries.map(|entry| {
        let mut entry: Value = serde_json::from_str(&entry.text).unwrap();
        entry.as_object_mut().unwrap().remove("seq");
        entry
    });
    parsed.collect()
}

pub fn check(entries: &[AuditEntry]) -> Result<AuditChain, BrokenChain> {
    let mut chain = AuditChain::EMPTY;
    entries.iter().try_for_each(|entry| chain.check(entry))?;
    Ok(chain)
}

pub fn tokens(digests: &[TokenDigest]) -> Value {
    json!(digests.iter().map(TokenId::of).collect::<Vec<_>>())
}

pub fn carry() -> Carry {
    Carry(Box::new(|_, _| Some(sealed(2))))
}

#[tokio::test]
async fn accounts_and_keys_leave_entries_of_the_command_line() {
    let it = Fixture::new();
    let (account, first) = it.account_and_key().await;
    let (second, third) = (it.new_key(), it.new_key());
    let verifying = NewKey {
        role: Role::Verify,
        ..third
    };
    let (second_id, third_id) = (second.id, verifying.id);
    let keys = vec![second, verifying];
    it.store.add_keys(account, keys, later(1)).await.unwrap();
    let disable = it.store.disable_key(second_id, KeyTokens::Keep, later(2));
    disable.await.unwrap();
    it.token(first).await;
    let new = it.new_key();
    let new_id = new.id;
    let rotate = it.store.rotate_key(first, new, Some(carry()), later(3));
    rotate.await.unwrap();
    it.store.disable_account(account, later(4)).await.unwrap();
    let by = "command line";
    let expected = [
        json!({ "at": NOW.to_string(), "by": by, "action": "account.created", "account": account, "name": "acme" }),
        json!({ "at": NOW.to_string(), "by": by, "action": "key.added", "account": account, "key": first, "role": "mint" }),
        json!({ "at": later(1).to_string(), "by": by, "action": "key.added", "account": account, "key": second_id, "role": "mint" }),
        json!({ "at": later(1).to_string(), "by": by, "action": "key.added", "account": account, "key": third_id, "role": "verify" }),
        json!({ "at": later(2).to_string(), "by": by, "action": "key.disabled", "key": second_id }),
        json!({ "at": later(3).to_string(), "by": by, "action": "key.rotated", "key": first, "new": new_id, "carried": 1 }),
        json!({ "at": later(4).to_string(), "by": by, "action": "account.disabled", "account": account }),
    ];
    let mut found = news(&it, 0).await;
    let minted = found.remove(5);
    assert_eq!(
        (&minted["action"], &minted["by"]),
        (&json!("token.minted"), &json!(first))
    );
    assert_eq!(found, expected);
    assert_eq!(check(&entries(&it.store).await).unwrap().seq(), 8);
}

#[tokio::test]
async fn tokens_leave_entries_of_who_minted_and_ended_them() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digests = [it.token(key).await, it.token(key).await];
    let disable = it.store.disable_token(key, digests[0], later(1));
    disable.await.unwrap();
    let by_id = it
        .store
        .disable_token_by_id(TokenId::of(&digests[1]), later(2));
    by_id.await.unwrap();
    let expected = [
        json!({ "at": NOW.to_string(), "by": key, "action": "token.minted", "tokens": tokens(&digests[..1]) }),
        json!({ "at": NOW.to_string(), "by": key, "action": "token.minted", "tokens": tokens(&digests[1..]) }),
        json!({ "at": later(1).to_string(), "by": key, "action": "token.disabled", "tokens": tokens(&digests[..1]) }),
        json!({ "at": later(2).to_string(), "by": "command line", "action": "token.disabled", "tokens": tokens(&digests[1..]) }),
    ];
    assert_eq!(news(&it, 2).await, expected);
}

#[tokio::test]
async fn tokens_that_end_with_their_key_are_named_and_dead_ones_are_not() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let good = [it.token(key).await, it.token_until(key, later(9)).await];
    it.token_until(key, later(1)).await;
    let ended = it.token(key).await;
    it.store.disable_token(key, ended, NOW).await.unwrap();
    let known = news(&it, 0).await.len();
    for _ in 0..2 {
        let disable = it.store.disable_key(key, KeyTokens::End, later(1));
        disable.await.unwrap();
    }
    let at = later(1).to_string();
    let by = "command line";
    let expected = [
        json!({ "at": at, "by": by, "action": "key.disabled", "key": key }),
        json!({ "at": at, "by": by, "action": "token.disabled", "tokens": tokens(&good) }),
    ];
    assert_eq!(news(&it, known).await, expected);

    let key = it.key(account).await;
    let good = [it.token(key).await];
    let known = news(&it, 0).await.len();
    let new = it.new_key();
    let new_id = new.id;
    it.store.rotate_key(key, new, None, later(1)).await.unwrap();
    let expected = [
        json!({ "at": at, "by": by, "action": "key.rotated", "key": key, "new": new_id, "carried": 0 }),
        json!({ "at": at, "by": by, "action": "token.disabled", "tokens": tokens(&good) }),
    ];
    assert_eq!(news(&it, known).await, expected);
}

#[tokio::test]
async fn settings_leave_entries_of_what_they_are_now_without_the_note() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let settings = json!({ "tags": ["a"], "note": "only for our eyes" });
    let new = NewToken {
        settings: Some(settings),
        ..it.new_token(key)
    };
    let digest = it.mint(new, NOW).await;
    let edit = async |key, patch: Value| {
        let edit = Edit::Merge(patch);
        let edited = it.store.edit_settings(key, digest, edit, later(1)).await;
        edited.unwrap();
    };
    edit(key, json!({ "tags": ["b"] })).await;
    edit(key, json!({ "tags": ["b"] })).await;
    edit(key, json!({ "tags": 1 })).await;
    edit(other, json!({ "tags": ["c"] })).await;
    let cloned = NewToken {
        clone_of: Some(digest),
        ..it.new_token(other)
    };
    let copy = it.mint(cloned, later(2)).await;
    let found = news(&it, 3).await;
    let facts: Vec<Value> = found
        .iter()
        .map(|entry| {
            json!([
                entry["by"],
                entry["action"],
                entry["token"],
                entry["settings"]["tags"]
            ])
        })
        .collect();
    let (token, copy) = (TokenId::of(&digest), TokenId::of(&copy));
    let expected = [
        json!([key, "token.minted", null, null]),
        json!([key, "token.settings", token, ["a"]]),
        json!([key, "token.settings", token, ["b"]]),
        json!([other, "token.minted", null, null]),
        json!([other, "token.cloned", copy, null]),
    ];
    assert_eq!(facts, expected);
    assert_eq!(found[4]["from"], json!(token));
    assert!(!json!(found).to_string().contains("eyes"), "{found:#?}");
}

#[tokio::test]
async fn what_changes_nothing_leaves_no_entry() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let dead = it.key(account).await;
    let (token, ended, kept) = (
        it.token(key).await,
        it.token(key).await,
        it.token(key).await,
    );
    it.set_settings(&kept, r#"{"tags":["protected"]}"#);
    let named = |what| NewToken {
        once: Some(once("a", what)),
        ..it.new_token(key)
    };
    it.mint(named(1), NOW).await;
    it.store.disable_token(key, ended, NOW).await.unwrap();
    it.store
        .disable_key(dead, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    let known = it.count("audit");

    let (nobody, nothing) = (KeyId::from_i64(77), TokenDigest::from_bytes([7; 32]));
    let name = AccountName::parse("acme").unwrap();
    it.store.create_account(account, name, NOW).await.unwrap();
    it.store
        .add_keys(account, vec![it.new_key(); 2], NOW)
        .await
        .unwrap();
    it.store
        .disable_key(dead, KeyTokens::End, NOW)
        .await
        .unwrap();
    it.store
        .disable_key(nobody, KeyTokens::End, NOW)
        .await
        .unwrap();
    it.store
        .rotate_key(dead, it.new_key(), Some(carry()), NOW)
        .await
        .unwrap();
    let broken = Some(Carry(Box::new(move |digest, _| {
        (*digest == token).then(|| sealed(2))
    })));
    it.store
        .rotate_key(key, it.new_key(), broken, NOW)
        .await
        .unwrap();
    it.store.record_key_uses(vec![(key, NOW)]).await.unwrap();
    let refused = [
        it.new_token(dead),
        NewToken {
            expires_at: Some(NOW),
            ..it.new_token(key)
        },
        NewToken {
            clone_of: Some(nothing),
            ..it.new_token(key)
        },
        named(1),
        named(2),
    ];
    for refused in refused {
        it.store.mint(refused, NOW).await.unwrap();
    }
    for digest in [ended, kept, nothing] {
        it.store.disable_token(key, digest, NOW).await.unwrap();
        it.store
            .disable_token_by_id(TokenId::of(&digest), NOW)
            .await
            .unwrap();
    }
    it.store.disable_token(dead, token, NOW).await.unwrap();
    it.store.list_tokens(key, 100, NOW).await.unwrap();
    it.store.find_token(token).await.unwrap();
    let used = Usage {
        verifications: 1,
        last_used_at: Some(NOW),
    };
    it.store
        .record_token_uses(vec![(it.number(token).await, used)])
        .await
        .unwrap();
    it.sweep(later(9), later(9), later(9), 100).await;
    assert_eq!(it.count("audit"), known);

    it.store.disable_account(account, NOW).await.unwrap();
    it.store.disable_account(account, NOW).await.unwrap();
    it.store
        .add_keys(account, vec![it.new_key()], NOW)
        .await
        .unwrap();
    assert_eq!(it.count("audit"), known + 1);
}
