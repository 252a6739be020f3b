//! The audit: what changes leave in it, and that its chain holds.

use futures_util::future::{join, join_all};
use moneyer::{
    domain::{AccountName, AuditChain, AuditEntry, BrokenChain, KeyId, Role, TokenDigest, TokenId},
    store::{Carry, KeyTokens, NewKey, NewToken, Store},
};
use serde_json::{Value, json};

use crate::support::{Fixture, NOW, later, once, sealed};

async fn entries(store: &Store) -> Vec<AuditEntry> {
    store.audit_entries(0, 10_000).await.unwrap()
}

/// What the entries after the first `known` say, apart from their numbers.
async fn news(it: &Fixture, known: usize) -> Vec<Value> {
    let entries = entries(&it.store).await.into_iter().skip(known);
    let parsed = entries.map(|entry| {
        let mut entry: Value = serde_json::from_str(&entry.text).unwrap();
        entry.as_object_mut().unwrap().remove("seq");
        entry
    });
    parsed.collect()
}

fn check(entries: &[AuditEntry]) -> Result<AuditChain, BrokenChain> {
    let mut chain = AuditChain::EMPTY;
    entries.iter().try_for_each(|entry| chain.check(entry))?;
    Ok(chain)
}

fn tokens(digests: &[TokenDigest]) -> Value {
    json!(digests.iter().map(TokenId::of).collect::<Vec<_>>())
}

fn carry() -> Option<Carry> {
    Some(Carry(Box::new(|_, _| Some(sealed(2)))))
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
    let rotate = it.store.rotate_key(first, new, carry(), later(3));
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
        .rotate_key(dead, it.new_key(), carry(), NOW)
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
    it.store
        .sweep(later(9), later(9), later(9), 100)
        .await
        .unwrap();
    assert_eq!(it.count("audit"), known);

    it.store.disable_account(account, NOW).await.unwrap();
    it.store.disable_account(account, NOW).await.unwrap();
    it.store
        .add_keys(account, vec![it.new_key()], NOW)
        .await
        .unwrap();
    assert_eq!(it.count("audit"), known + 1);
}

/// Does `jobs`, which are of a patient store, in one transaction: another process holds the file
/// until all of them wait.
async fn in_one_group<T: Future>(
    it: &Fixture,
    jobs: impl IntoIterator<Item = T>,
) -> Vec<T::Output> {
    let holder = it.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let let_go = async { holder.execute_batch("ROLLBACK").unwrap() };
    join(join_all(jobs), let_go).await.0
}

#[tokio::test]
async fn tokens_minted_in_one_group_share_an_entry_that_names_them_all() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let known = news(&it, 0).await.len();
    let patient = it.again_with_queue(4096);
    let new: Vec<_> = (0..51)
        .map(|place| it.new_token(if place == 20 { other } else { key }))
        .collect();
    let mut digests: Vec<_> = new.iter().map(|token| token.digest).collect();
    in_one_group(&it, new.into_iter().map(|token| patient.mint(token, NOW))).await;
    let others = [digests.remove(20)];
    let at = NOW.to_string();
    let expected = [
        json!({ "at": at, "by": key, "action": "token.minted", "tokens": tokens(&digests) }),
        json!({ "at": at, "by": other, "action": "token.minted", "tokens": tokens(&others) }),
    ];
    assert_eq!(news(&it, known).await, expected);
    check(&entries(&it.store).await).unwrap();
}

#[tokio::test]
async fn a_job_that_fails_leaves_no_entry_and_those_of_its_group_do() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let taken = it.token(key).await;
    let known = news(&it, 0).await.len();
    let patient = it.again_with_queue(4096);
    // The same digest again breaks the store's own rule: a defect, on purpose.
    let defect = NewToken {
        digest: taken,
        ..it.new_token(key)
    };
    let jobs = [it.new_token(key), defect, it.new_token(key)];
    let good = [jobs[0].digest, jobs[2].digest];
    let minted = in_one_group(&it, jobs.map(|token| patient.mint(token, NOW))).await;
    assert!(minted[1].is_err(), "{minted:?}");
    let at = NOW.to_string();
    let expected =
        json!({ "at": at, "by": key, "action": "token.minted", "tokens": tokens(&good) });
    assert_eq!(news(&it, known).await, [expected]);
}

#[tokio::test]
async fn a_change_that_cannot_be_written_down_is_not_made() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let file = it.file();
    let last = "INSERT INTO audit VALUES (9223372036854775807, '', zeroblob(32))";
    file.execute(last, []).unwrap();
    let refused = it.store.mint(it.new_token(key), NOW).await.unwrap_err();
    assert_eq!((refused.code(), it.count("tokens")), ("internal", 0));
    file.execute("DELETE FROM audit WHERE seq > 9", []).unwrap();
    it.token(key).await;
}

#[tokio::test]
async fn processes_that_write_in_turn_or_at_once_keep_one_chain() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let stores = [it.again_with_queue(4096), it.again_with_queue(4096)];
    for store in stores.iter().cycle().take(10) {
        store.mint(it.new_token(key), NOW).await.unwrap();
    }
    let in_turn = entries(&it.store).await;
    assert_eq!(check(&in_turn).unwrap().seq(), 12);
    let mints = stores.iter().cycle().take(100);
    let minted = join_all(mints.map(|store| store.mint(it.new_token(key), NOW))).await;
    assert!(minted.iter().all(Result::is_ok), "{minted:?}");
    check(&entries(&it.store).await).unwrap();
    let named = news(&it, 2)
        .await
        .into_iter()
        .map(|entry| entry["tokens"].as_array().unwrap().len());
    assert_eq!(named.sum::<usize>(), 110);
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_at_the_first_entry_at_fault() {
    for (sql, broken) in [
        (
            "UPDATE audit SET entry = replace(entry, 'key.added', 'key.gone!') WHERE seq = 2",
            BrokenChain::Altered(2),
        ),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 4", BrokenChain::Altered(4)),
        ("UPDATE audit SET hash = x'00' WHERE seq = 4", BrokenChain::Altered(4)),
        ("UPDATE audit SET entry = CAST(x'ff' AS TEXT) WHERE seq = 4", BrokenChain::Altered(4)),
        ("DELETE FROM audit WHERE seq = 3", BrokenChain::Missing(3)),
        ("DELETE FROM audit WHERE seq = 1", BrokenChain::Missing(1)),
        (
            "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
            BrokenChain::Altered(3),
        ),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
             UPDATE audit SET seq = 4 WHERE seq = 99",
            BrokenChain::Altered(3),
        ),
        (
            "UPDATE audit SET seq = -seq WHERE seq > 3; UPDATE audit SET seq = 1 - seq WHERE seq < 0;
             INSERT INTO audit SELECT 4, entry, hash FROM audit WHERE seq = 3",
            BrokenChain::Altered(4),
        ),
        ("INSERT INTO audit SELECT 9, entry, hash FROM audit WHERE seq = 5", BrokenChain::Missing(7)),
        ("INSERT INTO audit SELECT 0, entry, hash FROM audit WHERE seq = 1", BrokenChain::Foreign(0)),
    ] {
        let it = Fixture::new();
        let (_, key) = it.account_and_key().await;
        for _ in 0..4 {
            it.token(key).await;
        }
        assert_eq!(check(&entries(&it.store).await).unwrap().seq(), 6);
        it.file().execute_batch(sql).unwrap();
        let all = it.store.audit_entries(i64::MIN, 100).await.unwrap();
        assert_eq!(check(&all), Err(broken), "{sql}");
        // The store goes on, and what is wrong stays to be found.
        it.token(key).await;
        let all = it.store.audit_entries(i64::MIN, 100).await.unwrap();
        assert_eq!(check(&all), Err(broken), "{sql}, and after");
    }
}

#[tokio::test]
async fn entries_are_read_from_either_end_in_parts() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    for _ in 0..4 {
        it.token(key).await;
    }
    let seqs = |entries: Vec<AuditEntry>| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    for (after, limit, expected) in [(0, 2, &[1, 2][..]), (4, 9, &[5, 6]), (6, 9, &[])] {
        let found = it.store.audit_entries(after, limit).await.unwrap();
        assert_eq!(seqs(found), expected, "after {after}");
    }
    for (before, limit, expected) in [
        (None, 2, &[6, 5][..]),
        (Some(5), 2, &[4, 3]),
        (Some(3), 9, &[2, 1]),
        (Some(1), 9, &[]),
        (Some(i64::MIN), 9, &[]),
    ] {
        let found = it.store.newest_audit_entries(before, limit).await.unwrap();
        assert_eq!(seqs(found), expected, "before {before:?}");
    }
}

#[tokio::test]
async fn nothing_that_finds_or_confirms_a_secret_is_in_the_audit() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let (key, new) = (it.new_key(), it.new_key());
    let (id, secrets) = (key.id, [key.clone(), new.clone()]);
    it.store.add_keys(account, vec![key], NOW).await.unwrap();
    let digest = it.token(id).await;
    it.store.rotate_key(id, new, carry(), NOW).await.unwrap();
    let text: String = entries(&it.store)
        .await
        .into_iter()
        .map(|entry| entry.text)
        .collect();
    for key in secrets {
        let selector = key.selector.to_i64();
        for form in [selector.to_string(), format!("{selector:016x}"), key.phc] {
            assert!(!text.contains(&form), "{form} is in {text}");
        }
    }
    // A token's id is the first eight bytes of its digest; there must be no more of it.
    let head: String = digest.as_bytes()[..9]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        text.contains(&head[..16]) && !text.contains(&head),
        "{head} is in {text}"
    );
}
