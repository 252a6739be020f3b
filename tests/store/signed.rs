//! Tokens that are signed in the transaction that keeps them, and those that nobody can list.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use moneyer::{
    domain::{
        AccountId, Algorithm, KeyId, SigningKeyId, Timestamp, Token, TokenDigest, TokenState,
    },
    store::{Carry, Minted, NewToken, RotatedKey, SignedToken, Signer, ToSign},
};
use serde_json::json;

use crate::support::{Fixture, NOW, later, sealed};

const SIGNING_KEY: SigningKeyId = SigningKeyId::from_i64(7);

/// An account whose tokens are to be signed, and a key of it.
async fn signing_account(it: &Fixture) -> (AccountId, KeyId) {
    let (account, key) = it.account_and_key().await;
    let changes = BTreeMap::from([("format".to_owned(), json!("jwt-eddsa"))]);
    let edited = it.store.edit_policy(account, None, changes, NOW).await;
    edited.unwrap();
    (account, key)
}

/// Signs with a number, and keeps what it is asked to sign.
fn signer(asked: &Arc<Mutex<Vec<ToSign>>>) -> Signer {
    let asked = Arc::clone(asked);
    Signer(Arc::new(move |to_sign| {
        let mut asked = asked.lock().unwrap();
        asked.push(to_sign.clone());
        let text = format!("eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl{}", asked.len());
        let token = Token::parse(&text).unwrap();
        Some(SignedToken {
            digest: TokenDigest::of(&token),
            token,
            sealed: Some(sealed(3)),
            signing_key: SIGNING_KEY,
        })
    }))
}

async fn mint_signed(it: &Fixture, key: KeyId, expires_at: Option<Timestamp>) -> (Token, ToSign) {
    let asked = Arc::default();
    let new = NewToken {
        signer: Some(signer(&asked)),
        settings: Some(json!({"scopes": ["read"]})),
        expires_at,
        ..it.new_token(key)
    };
    match it.store.mint(new, NOW).await.unwrap() {
        Minted::Signed(token) => (token, asked.lock().unwrap().remove(0)),
        other => panic!("{other:?}"),
    }
}

async fn state(it: &Fixture, token: &Token) -> TokenState {
    let record = it.store.find_token(TokenDigest::of(token)).await.unwrap();
    record.unwrap().state
}

#[tokio::test]
async fn a_signed_token_says_what_is_known_in_its_transaction() {
    let it = Fixture::new();
    let (account, key) = signing_account(&it).await;
    it.store.regenerate_account(account, NOW).await.unwrap();
    let (token, said) = mint_signed(&it, key, Some(later(60))).await;
    let expected = ToSign {
        algorithm: Algorithm::EdDsa,
        account,
        generation: 1,
        issued_at: NOW,
        expires_at: Some(later(60)),
        scopes: vec!["read".into()],
    };
    assert_eq!(said, expected);
    let record = it.store.find_token(TokenDigest::of(&token)).await.unwrap();
    assert_eq!(record.unwrap().signing_key, Some(SIGNING_KEY));
    assert_eq!(it.list(key, NOW).await, [TokenDigest::of(&token)]);
}

#[tokio::test]
async fn nothing_is_kept_when_there_is_no_key_to_sign_with() {
    let it = Fixture::new();
    let (_, key) = signing_account(&it).await;
    let without = [None, Some(Signer(Arc::new(|_| None)))];
    for signer in without {
        let new = NewToken {
            signer,
            ..it.new_token(key)
        };
        let minted = it.store.mint(new, NOW).await.unwrap();
        assert!(
            matches!(minted, Minted::NoSigningKey(Algorithm::EdDsa)),
            "{minted:?}"
        );
    }
    assert_eq!(it.count("tokens"), 0);
}

#[tokio::test]
async fn a_retired_keys_tokens_end_some_at_a_time() {
    let it = Fixture::new();
    let (_, key) = signing_account(&it).await;
    let asked = Arc::default();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let new = NewToken {
            signer: Some(signer(&asked)),
            ..it.new_token(key)
        };
        let Minted::Signed(token) = it.store.mint(new, NOW).await.unwrap() else {
            panic!("it was not signed");
        };
        tokens.push(token);
    }
    let end = async |signing_key, limit| {
        let ended = it.store.end_signed_by(signing_key, limit, NOW).await;
        ended.unwrap()
    };
    assert_eq!(end(SigningKeyId::from_i64(8), 10).await, 0);
    assert_eq!(state(&it, &tokens[0]).await, TokenState::Live);
    assert_eq!(end(SIGNING_KEY, 2).await, 2);
    assert_eq!(end(SIGNING_KEY, 2).await, 1);
    assert_eq!(end(SIGNING_KEY, 2).await, 0);
    for token in &tokens {
        assert_eq!(state(&it, token).await, TokenState::Ended);
    }
}

#[tokio::test]
async fn a_token_that_nobody_can_open_is_good_and_not_listed() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let unsealed = NewToken {
        sealed: None,
        ..it.new_token(key)
    };
    let digest = it.mint(unsealed, NOW).await;
    let listed = it.token(key).await;
    assert_eq!(it.list(key, NOW).await, [listed]);
    let new = it.new_key();
    let new_id = new.id;
    let carry = Carry(Box::new(|_, _| Some(sealed(2))));
    let rotated = it.store.rotate_key(key, new, Some(carry), NOW).await;
    let (carried, ended) = (2, 0);
    assert_eq!(rotated.unwrap(), RotatedKey::Done { carried, ended });
    assert_eq!(it.list(new_id, NOW).await, [listed]);
    let record = it.store.find_token(digest).await.unwrap().unwrap();
    assert_eq!((record.key, record.state), (new_id, TokenState::Live));
}
