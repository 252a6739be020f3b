//! Tokens that were made elsewhere: read, judged, and kept as those of a private key, all or none.

mod entry;
mod input;
mod judge;
mod lines;
mod refusals;

use std::io::BufRead;

pub use self::input::Format;
use self::{judge::Judge, refusals::Refusals};
use super::account;
use crate::{
    app::App,
    domain::{KeyId, Policy, PrivateKey},
    error::Error,
    store::{Imported, ImportedToken, Progress, Selection},
};

/// More would take too much memory and hold other writers up for too long.
const MOST_TOKENS: usize = 5_000_000;
/// How many tokens are looked up at a time.
const LOOKED_UP_AT_ONCE: usize = 10_000;

/// Tokens that may be imported as those of a key.
#[derive(Debug)]
pub struct Importable {
    key: KeyId,
    policy: Policy,
    tokens: Vec<ImportedToken>,
}

impl Importable {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.tokens.len() as u64
    }

    /// How many will not be listed.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        let unlisted = self.tokens.iter().filter(|token| token.sealed.is_none());
        unlisted.count() as u64
    }
}

/// Reads tokens that are to be those of `key`, and judges each. With `private_key`, which must be
/// that key, those given as text are sealed, so that they are listed.
///
/// # Errors
/// [`Error::UnknownKey`], [`Error::InvalidKey`]; [`Error::Refused`] for a key that is not good or
/// is another, for an input that cannot be read or has nothing in it, and for tokens that are
/// refused, which tells their lines; the store's.
pub async fn read(
    app: &App,
    key: KeyId,
    private_key: Option<&PrivateKey>,
    format: Option<Format>,
    input: &mut dyn BufRead,
) -> Result<Importable, Error> {
    let policy = policy_of(app, key).await?;
    let caller = match private_key {
        None => None,
        Some(private_key) => Some(app.authenticate(private_key).await?),
    };
    if let Some(caller) = caller.as_ref().filter(|caller| caller.key != key) {
        return Err(Error::Refused(format!(
            "The private key that was given is {}, not {key}; nothing was imported.",
            caller.key
        )));
    }
    let judge = Judge {
        policy: &policy,
        sealing: caller.as_ref().map(|caller| &caller.sealing),
        now: app.clock.now(),
    };
    let mut read = Read::default();
    input::read(input, format, &mut |line, entry| {
        let judged = entry.and_then(|entry| judge.judge(entry));
        read.take(line, judged)
    })?;
    read.refuse_known(app).await?;
    let tokens = read.finish()?;
    check_room(app, key, &policy, tokens.len()).await?;
    Ok(Importable {
        key,
        policy,
        tokens,
    })
}

/// Keeps the tokens, in one transaction. `progress` is told how many are written.
///
/// # Errors
/// [`Error::Refused`] when what was found while reading holds no more, the store's; nothing was
/// changed then.
pub async fn import(app: &App, tokens: Importable, progress: Progress) -> Result<(), Error> {
    let Importable {
        key,
        policy,
        tokens,
    } = tokens;
    let store = &app.store;
    match store
        .import_tokens(key, policy, tokens, progress, app.clock.now())
        .await?
    {
        Imported::Done => Ok(()),
        Imported::TooMany(most) => Err(too_many(most)),
        Imported::Known(token) => Err(Error::Refused(format!(
            "The token {token} has become known meanwhile; nothing was imported."
        ))),
        Imported::PolicyChanged => Err(Error::Refused(
            "The account's policy was changed meanwhile, so nothing was imported; try again."
                .into(),
        )),
        Imported::KeyDead => Err(unfit(key, "is good no more")),
    }
}

/// The policy of the account of `key`, which must be one that tokens can be minted with.
async fn policy_of(app: &App, key: KeyId) -> Result<Policy, Error> {
    let unknown = || Error::UnknownKey(key);
    let account = app.store.account_of_key(key).await?.ok_or_else(unknown)?;
    let keys = app.store.list_keys(account).await?;
    let row = keys.into_iter().find(|row| row.id == key);
    let row = row.ok_or_else(unknown)?;
    let account = account::find(app, &account.to_string()).await?;
    let now = app.clock.now();
    if row.disabled_at.is_some() {
        return Err(unfit(key, "is disabled"));
    }
    if row.expires_at.is_some_and(|at| at <= now) {
        return Err(unfit(key, "has expired"));
    }
    if account.disabled_at.is_some() {
        return Err(unfit(key, "belongs to a disabled account"));
    }
    if !row.role.may_mint() {
        return Err(unfit(key, "may not mint, so it can have no tokens"));
    }
    let policy = app.store.read_policy(account.id).await?;
    Ok(policy.unwrap_or_default())
}

fn unfit(key: KeyId, why: &str) -> Error {
    Error::Refused(format!("The key {key} {why}; nothing was imported."))
}

fn too_many(most: u32) -> Error {
    Error::Refused(format!(
        "The account may have {most} active tokens, and would have more; nothing was imported."
    ))
}

async fn check_room(app: &App, key: KeyId, policy: &Policy, more: usize) -> Result<(), Error> {
    let Some(most) = policy.max_active_tokens() else {
        return Ok(());
    };
    let selection = Selection {
        account: app.store.account_of_key(key).await?,
        ..Selection::default()
    };
    let active = app.store.count_selected(selection, app.clock.now()).await?;
    if active.endable + active.protected + more as u64 > u64::from(most) {
        return Err(too_many(most));
    }
    Ok(())
}

/// What has been read so far.
#[derive(Default)]
struct Read {
    tokens: Vec<ImportedToken>,
    /// Where each of them stands.
    lines: Vec<u64>,
    refusals: Refusals,
    count: usize,
}

impl Read {
    fn take(&mut self, line: u64, judged: Result<ImportedToken, String>) -> Result<(), Error> {
        self.count += 1;
        if self.count > MOST_TOKENS {
            return Err(Error::Refused(format!(
                "There are more than {MOST_TOKENS} tokens; nothing was imported. Import them in parts."
            )));
        }
        match judged {
            Ok(token) => {
                self.tokens.push(token);
                self.lines.push(line);
            }
            Err(why) => self.refusals.add(line, why),
        }
        Ok(())
    }

    /// Refuses tokens that an earlier line has, and those that the store knows.
    async fn refuse_known(&mut self, app: &App) -> Result<(), Error> {
        // By digest, since equal ones are neighbours then, and the store finds neighbours faster;
        // equal ones in the order of their lines.
        let mut places: Vec<usize> = (0..self.tokens.len()).collect();
        places.sort_by_key(|place| self.tokens[*place].digest.as_bytes());
        places.dedup_by(|other, first| {
            let repeated = self.tokens[*other].digest == self.tokens[*first].digest;
            if repeated {
                let why = format!("it is the token of line {} again", self.lines[*first]);
                self.refusals.add(self.lines[*other], why);
            }
            repeated
        });
        for places in places.chunks(LOOKED_UP_AT_ONCE) {
            let digests = places.iter().map(|place| self.tokens[*place].digest);
            for known in app.store.known_tokens(digests.collect()).await? {
                let line = self.lines[places[known]];
                self.refusals.add(line, "the token is known already".into());
            }
        }
        Ok(())
    }

    /// The tokens, if there are any and none was refused.
    fn finish(self) -> Result<Vec<ImportedToken>, Error> {
        self.refusals.check(self.count)?;
        if self.tokens.is_empty() {
            return Err(Error::Refused(
                "There was no token to import: give a header and a token a line, or a JSON object a line.".into(),
            ));
        }
        Ok(self.tokens)
    }
}
