//! Minting, listing and ending tokens.

use moneyer::{
    domain::{TokenDigest, TokenId},
    store::{DisabledToken, Listed, Minted, NewToken},
};

use crate::support::{Fixture, NOW, later, once};

#[tokio::test]
async fn a_token_is_listed_to_its_own_key_newest_first() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let tokens = [
        it.token(key).await,
        it.token(key).await,
        it.token(key).await,
    ];
    it.token(other).await;
    assert_eq!(it.list(key, NOW).await, [tokens[2], tokens[1], tokens[0]]);
    let Listed::Tokens(two) = it.store.list_tokens(key, 2, NOW).await.unwrap() else {
        panic!("the key is dead")
    };
    assert_eq!(
        two.iter().map(|row| row.digest).collect::<Vec<_>>(),
        [tokens[2], tokens[1]]
    );
}

#[tokio::test]
async fn a_token_is_good_until_its_second_and_not_in_it() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token_until(key, later(60)).await;
    assert_eq!(it.list(key, later(59)).await, [digest]);
    assert!(it.list(key, later(60)).await.is_empty());
    let dead = NewToken {
        expires_at: Some(NOW),
        ..it.new_token(key)
    };
    assert!(matches!(
        it.store.mint(dead, NOW).await.unwrap(),
        Minted::BornDead
    ));
    assert_eq!(it.count("tokens"), 1);
}

#[tokio::test]
async fn a_clone_has_its_sources_settings_whole() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let source = it.token(key).await;
    let settings = r#"{"tags":["a"],"scopes":["s"],"origins":["https://*.example.org"],
        "ips":["10.0.0.0/8"],"rate_limit":{"requests":1,"per_seconds":2},"note":"n"}"#;
    it.set_settings(&source, settings);
    let clone = it
        .mint(
            NewToken {
                clone_of: Some(source),
                ..it.new_token(other)
            },
            NOW,
        )
        .await;
    let copy: String = it
        .file()
        .query_row(
            "SELECT settings FROM tokens WHERE digest = ?1",
            [clone.as_bytes()],
            |row| row.get(0),
        )
        .unwrap();
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parse(&copy), parse(settings));
}

#[tokio::test]
async fn only_a_good_token_of_the_same_account_is_cloned() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let stranger = it.key(it.account("stranger").await).await;
    let (ended, expired, good) = (
        it.token(key).await,
        it.token_until(key, later(1)).await,
        it.token(key).await,
    );
    it.store.disable_token(key, ended, NOW).await.unwrap();
    let clone = async |by, source| {
        let new = NewToken {
            clone_of: Some(source),
            ..it.new_token(by)
        };
        matches!(
            it.store.mint(new, later(1)).await.unwrap(),
            Minted::SourceUnknown
        )
    };
    let before = it.count("tokens");
    for (by, source) in [
        (key, ended),
        (key, expired),
        (key, TokenDigest::from_bytes([9; 32])),
        (stranger, good),
    ] {
        assert!(clone(by, source).await, "{by} {source:?}");
    }
    assert_eq!(it.count("tokens"), before);
    assert!(!clone(key, good).await);
}

#[tokio::test]
async fn a_token_is_ended_by_the_key_that_minted_it_alone() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let digest = it.token(key).await;
    let end = |by, digest| it.store.disable_token(by, digest, NOW);
    assert_eq!(end(other, digest).await.unwrap(), DisabledToken::Unknown);
    assert_eq!(
        end(key, TokenDigest::from_bytes([9; 32])).await.unwrap(),
        DisabledToken::Unknown
    );
    assert_eq!(it.list(key, NOW).await, [digest]);
    assert_eq!(end(key, digest).await.unwrap(), DisabledToken::Done);
    assert_eq!(end(key, digest).await.unwrap(), DisabledToken::Already);
    assert!(it.list(key, NOW).await.is_empty());
}

#[tokio::test]
async fn an_expired_token_has_ended_already() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token_until(key, later(60)).await;
    assert_eq!(
        it.store
            .disable_token(key, digest, later(60))
            .await
            .unwrap(),
        DisabledToken::Already
    );
}

#[tokio::test]
async fn a_protected_token_stays() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token(key).await;
    it.set_settings(&digest, r#"{"tags":["protected"]}"#);
    assert_eq!(
        it.store.disable_token(key, digest, NOW).await.unwrap(),
        DisabledToken::Protected
    );
    let id = TokenId::of(&digest);
    assert_eq!(
        it.store.disable_token_by_id(id, NOW).await.unwrap(),
        DisabledToken::Protected
    );
    assert_eq!(it.list(key, NOW).await, [digest]);
}

#[tokio::test]
async fn an_operator_ends_a_token_by_its_id_whoever_minted_it() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (digest, other) = (it.token(key).await, it.token(key).await);
    let end = |id| it.store.disable_token_by_id(id, NOW);
    assert_eq!(
        end(TokenId::of(&digest)).await.unwrap(),
        DisabledToken::Done
    );
    assert_eq!(
        end(TokenId::of(&digest)).await.unwrap(),
        DisabledToken::Already
    );
    assert_eq!(
        end(TokenId::from_i64(1)).await.unwrap(),
        DisabledToken::Unknown
    );
    assert_eq!(it.list(key, NOW).await, [other]);
}

#[tokio::test]
async fn a_named_request_mints_once() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    let named = |key, what| NewToken {
        once: Some(once("a", what)),
        ..it.new_token(key)
    };
    let digest = it.mint(named(key, 1), NOW).await;
    let Minted::Before(row) = it.store.mint(named(key, 1), later(1)).await.unwrap() else {
        panic!("minted twice")
    };
    assert_eq!(row.digest, digest);
    assert!(matches!(
        it.store.mint(named(key, 2), NOW).await.unwrap(),
        Minted::OnceMismatch
    ));
    assert!(matches!(
        it.store.mint(named(other, 2), NOW).await.unwrap(),
        Minted::Done
    ));
    assert_eq!(it.count("tokens"), 2);
}

#[tokio::test]
async fn a_named_request_is_answered_alike_though_it_could_not_mint_any_more() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let source = it.token(key).await;
    let request = || NewToken {
        once: Some(once("a", 1)),
        expires_at: Some(later(60)),
        clone_of: Some(source),
        ..it.new_token(key)
    };
    let digest = it.mint(request(), NOW).await;
    it.store.disable_token(key, source, NOW).await.unwrap();
    it.store.disable_token(key, digest, NOW).await.unwrap();
    let Minted::Before(row) = it.store.mint(request(), later(120)).await.unwrap() else {
        panic!("the retry failed")
    };
    assert_eq!(row.digest, digest);
}

#[tokio::test]
async fn a_name_is_free_again_after_its_window() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let named = |since| {
        let mut token = it.new_token(key);
        token.once = Some(moneyer::store::Once {
            since,
            ..once("a", 1)
        });
        token
    };
    it.mint(named(later(-10)), NOW).await;
    assert!(matches!(
        it.store.mint(named(later(-1)), later(9)).await.unwrap(),
        Minted::Before(_)
    ));
    let second = it.mint(named(NOW), later(10)).await;
    let Minted::Before(row) = it.store.mint(named(NOW), later(11)).await.unwrap() else {
        panic!("not noted anew")
    };
    assert_eq!(row.digest, second);
}
