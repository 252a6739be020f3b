//! Private keys.

use crate::{
    app::App,
    domain::{
        AccountId, KeyId, Label, Note, Policy, PrivateKey, Role, SealedToken, Timestamp,
        TokenDigest,
    },
    error::Error,
    keyring::{self, Caller, SealingKey},
    store::{AddedKeys, Carry, DisabledKey, KeyTokens, NewKey, RotatedKey},
};

use super::account;

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it may do.
    pub role: Role,
    /// What it is for.
    pub label: Label,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A key that has just come into the store.
#[derive(Debug)]
pub struct Added {
    /// Its public id.
    pub id: KeyId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// What it may do.
    pub role: Role,
    /// The key itself: to be shown once, if it is new.
    pub key: PrivateKey,
}

/// Makes a new key for the account of this name or id.
///
/// # Errors
/// [`Error::UnknownAccount`], [`Error::DisabledAccount`], [`Error::Refused`] for an expiry that has
/// passed, the store's.
pub async fn create(app: &App, account: &str, wanted: Wanted) -> Result<Added, Error> {
    let key = app.entropy.draw(PrivateKey::generate);
    let added = add(app, account, vec![key], &wanted).await?;
    let known = || Error::Internal("the selector of a new key is taken".into());
    added.map_err(|_| known())?.pop().ok_or_else(known)
}

/// Takes keys made elsewhere: all of them or none.
///
/// # Errors
/// [`Error::Refused`] with the line of the first text that cannot be a key or is known already, and
/// what [`create`] fails with.
pub async fn import(
    app: &App,
    account: &str,
    lines: &str,
    wanted: Wanted,
) -> Result<Vec<Added>, Error> {
    let mut keys = Vec::new();
    let mut places = Vec::new();
    for (line, text) in (1..)
        .zip(lines.lines())
        .filter(|(_, text)| !text.trim().is_empty())
    {
        let key = PrivateKey::import(text).map_err(|why| {
            Error::Refused(format!(
                "The key in line {line} is refused: {why}. None was imported."
            ))
        })?;
        keys.push(key);
        places.push(line);
    }
    if keys.is_empty() {
        return Err(Error::Refused(
            "There was no key to import; give one a line on standard input.".into(),
        ));
    }
    add(app, account, keys, &wanted).await?.map_err(|place| {
        Error::Refused(format!(
            "The key in line {} is known already. None was imported.",
            places[place]
        ))
    })
}

/// Disables a key; says whether it was disabled before, and how many tokens were ended. Without
/// `tokens` the account's policy says what becomes of them.
///
/// # Errors
/// [`Error::UnknownKey`], the store's.
pub async fn disable(
    app: &App,
    key: KeyId,
    tokens: Option<KeyTokens>,
) -> Result<(DisabledKey, KeyTokens), Error> {
    let account = app.store.account_of_key(key).await?;
    let account = account.ok_or(Error::UnknownKey(key))?;
    let tokens = match tokens {
        Some(tokens) => tokens,
        None => policy_of(app, account).await?.on_key_disable().into(),
    };
    match app.store.disable_key(key, tokens, app.clock.now()).await? {
        DisabledKey::Unknown => Err(Error::UnknownKey(key)),
        done => Ok((done, tokens)),
    }
}

/// The policy of an account. A damaged one is as good as none here: a key must be stoppable.
async fn policy_of(app: &App, account: AccountId) -> Result<Policy, Error> {
    match app.store.read_policy(account).await {
        Ok(policy) => Ok(policy.unwrap_or_default()),
        Err(Error::Internal(_)) => Ok(Policy::default()),
        Err(error) => Err(error),
    }
}

/// What came of a rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The new key.
    pub new: Added,
    /// The id of the old one, which is dead.
    pub old: KeyId,
    /// How many good tokens the new key took over.
    pub carried: u64,
    /// How many were ended.
    pub ended: u64,
}

/// Puts a new key of the same role, label and expiry in the place of `old`, which is dead when this
/// returns. Its tokens are carried over or ended, as `tokens` says, or without it the account's
/// policy.
///
/// # Errors
/// [`Error::InvalidKey`] when `old` is not good, the store's; nothing was changed then.
pub async fn rotate(
    app: &App,
    old: &PrivateKey,
    tokens: Option<KeyTokens>,
) -> Result<Rotated, Error> {
    let caller = app.authenticate(old).await?;
    let tokens = match tokens {
        Some(tokens) => tokens,
        None => policy_of(app, caller.account).await?.on_key_rotate().into(),
    };
    let (wanted, note) = like(app, &caller).await?;
    let key = app.entropy.draw(PrivateKey::generate);
    let new = NewKey {
        note,
        ..to_keep(app, &key, &wanted)
    };
    let id = new.id;
    let carry = match tokens {
        KeyTokens::End => None,
        KeyTokens::Keep => Some(carry(
            SealingKey::derive(old, caller.key),
            SealingKey::derive(&key, id),
        )),
    };
    match app
        .store
        .rotate_key(caller.key, new, carry, app.clock.now())
        .await?
    {
        RotatedKey::Done { carried, ended } => {
            let new = Added {
                id,
                account: caller.account,
                role: wanted.role,
                key,
            };
            Ok(Rotated {
                new,
                old: caller.key,
                carried,
                ended,
            })
        }
        RotatedKey::KeyDead => Err(Error::InvalidKey),
        RotatedKey::SealBroken(token) => Err(Error::Internal(
            format!("the sealed copy of {token} does not open under its key").into(),
        )),
    }
}

/// What a key must be to take the place of the caller's.
async fn like(app: &App, caller: &Caller) -> Result<(Wanted, Note), Error> {
    let keys = app.store.list_keys(caller.account).await?;
    let row = keys
        .into_iter()
        .find(|row| row.id == caller.key)
        .ok_or(Error::InvalidKey)?;
    let label = Label::parse(&row.label).map_err(|malformed| Error::Internal(malformed.into()))?;
    let note = Note::parse(row.note).map_err(|malformed| Error::Internal(malformed.into()))?;
    let wanted = Wanted {
        role: row.role,
        label,
        expires_at: row.expires_at,
    };
    Ok((wanted, note))
}

fn carry(old: SealingKey, new: SealingKey) -> Carry {
    Carry(Box::new(
        move |digest: &TokenDigest, sealed: &SealedToken| {
            let token = old.open(sealed, digest).ok()?;
            Some(new.seal(&token, digest))
        },
    ))
}

/// Adds `keys` to the account; gives the place of the first that is known already, if one is.
async fn add(
    app: &App,
    account: &str,
    keys: Vec<PrivateKey>,
    wanted: &Wanted,
) -> Result<Result<Vec<Added>, usize>, Error> {
    let account = account::find(app, account).await?;
    if account.disabled_at.is_some() {
        return Err(Error::DisabledAccount(account.id));
    }
    if wanted.expires_at.is_some_and(|at| at <= app.clock.now()) {
        return Err(Error::Refused(
            "The key's expiry lies in the past; it would never have been good.".into(),
        ));
    }
    let new: Vec<NewKey> = keys.iter().map(|key| to_keep(app, key, wanted)).collect();
    let ids: Vec<KeyId> = new.iter().map(|key| key.id).collect();
    match app.store.add_keys(account.id, new, app.clock.now()).await? {
        AddedKeys::Done => {
            let added = |(key, id)| Added {
                id,
                account: account.id,
                role: wanted.role,
                key,
            };
            Ok(Ok(keys.into_iter().zip(ids).map(added).collect()))
        }
        AddedKeys::Known(place) => Ok(Err(place)),
        AddedKeys::AccountDisabled => Err(Error::DisabledAccount(account.id)),
        AddedKeys::AccountUnknown => Err(Error::UnknownAccount(account.name)),
    }
}

/// What is kept of `key`.
fn to_keep(app: &App, key: &PrivateKey, wanted: &Wanted) -> NewKey {
    app.entropy.draw(|rng| NewKey {
        role: wanted.role,
        label: wanted.label.clone(),
        expires_at: wanted.expires_at,
        ..NewKey::of(key, KeyId::generate(rng), keyring::hash(key, rng))
    })
}
