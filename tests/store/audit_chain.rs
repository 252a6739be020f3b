//! The audit's chain: what is written together, by several, behind the store's back, or not at all.

use futures_util::future::{join, join_all};
use moneyer::{
    domain::{AuditEntry, BrokenChain},
    store::{NewKey, NewToken},
};
use serde_json::json;

use crate::{
    audit::{carry, check, entries, news, tokens},
    support::{Fixture, NOW},
};

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
    it.break_on("defect");
    let known = news(&it, 0).await.len();
    let patient = it.again_with_queue(4096);
    let defect = NewToken {
        name: Some("defect".to_owned()),
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
async fn what_a_job_did_before_it_failed_leaves_no_entry_either() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let key = it.new_key();
    let same_id = NewKey {
        id: key.id,
        ..it.new_key()
    };
    let added = it.store.add_keys(account, vec![key, same_id], NOW).await;
    assert_eq!(added.unwrap_err().code(), "internal");
    assert_eq!((it.count("keys"), it.count("audit")), (0, 1));
    it.key(account).await;
    assert_eq!(check(&entries(&it.store).await).unwrap().seq(), 2);
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
    it.store
        .rotate_key(id, new, Some(carry()), NOW)
        .await
        .unwrap();
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
    let head = digest.as_bytes()[..9].iter();
    let head: Vec<String> = head.map(|byte| format!("{byte:02x}")).collect();
    let head = head.concat();
    assert!(
        text.contains(&head[..16]) && !text.contains(&head),
        "{head} is in {text}"
    );
}
