//! What is written down of each change: who, when and what, by public ids alone.

use std::{collections::HashMap, fmt};

use serde::{Serialize, Serializer};

use super::{AccountId, KeyId, Role, Timestamp, TokenId};

/// How many tokens one entry may name.
const MOST_TOKENS: usize = 1000;

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The holder of this private key.
    Key(KeyId),
    /// The holder of this token.
    Token(TokenId),
    /// Whoever may run `moneyer` on the store.
    CommandLine,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => fmt::Display::fmt(key, f),
            Self::Token(token) => fmt::Display::fmt(token, f),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A change: who made it, when, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: Actor,
    /// What it was.
    pub event: Event,
}

/// What can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action")]
pub enum Event {
    /// An account was created.
    #[serde(rename = "account.created")]
    AccountCreated {
        /// Its id.
        account: AccountId,
        /// Its name.
        name: String,
    },
    /// An account was disabled.
    #[serde(rename = "account.disabled")]
    AccountDisabled {
        /// Its id.
        account: AccountId,
    },
    /// An account's policy was changed.
    #[serde(rename = "account.policy")]
    PolicyChanged {
        /// Its id.
        account: AccountId,
        /// What the policy is now, without its free texts.
        policy: serde_json::Value,
    },
    /// Every token of an account was ended at once.
    #[serde(rename = "account.regenerated")]
    AccountRegenerated {
        /// Its id.
        account: AccountId,
        /// Its generation from then on.
        generation: u64,
    },
    /// A private key was added to an account.
    #[serde(rename = "key.added")]
    KeyAdded {
        /// Its id.
        key: KeyId,
        /// Whose it is.
        account: AccountId,
        /// What it may do.
        role: Role,
    },
    /// A private key was disabled.
    #[serde(rename = "key.disabled")]
    KeyDisabled {
        /// Its id.
        key: KeyId,
    },
    /// A private key took another's place.
    #[serde(rename = "key.rotated")]
    KeyRotated {
        /// The old key, which is dead.
        key: KeyId,
        /// The new key.
        new: KeyId,
        /// How many good tokens were carried over.
        carried: u64,
    },
    /// Tokens were minted with the actor's key: itself, or the one that minted it.
    #[serde(rename = "token.minted")]
    TokensMinted {
        /// Their ids.
        tokens: Vec<TokenId>,
    },
    /// Tokens that were made elsewhere were given to a key.
    #[serde(rename = "token.imported")]
    TokensImported {
        /// The key whose they are.
        key: KeyId,
        /// Their ids.
        tokens: Vec<TokenId>,
    },
    /// Tokens were ended.
    #[serde(rename = "token.disabled")]
    TokensDisabled {
        /// Their ids.
        tokens: Vec<TokenId>,
    },
    /// A token was minted with the settings of another.
    #[serde(rename = "token.cloned")]
    SettingsCopied {
        /// Its id.
        token: TokenId,
        /// The other's id.
        from: TokenId,
    },
    /// A token was given settings.
    #[serde(rename = "token.settings")]
    SettingsChanged {
        /// Its id.
        token: TokenId,
        /// What the settings are now; of the note, which is free text, only whether there is one.
        settings: serde_json::Value,
    },
}

impl Change {
    /// The changes as they are written down: what one actor minted within one second is one change, and
    /// so is what one ended without anything between, each of up to [`MOST_TOKENS`] tokens.
    ///
    /// Minting moves forward to the first of its second, so that a token is never named before it is
    /// minted. A change of no tokens is none.
    #[must_use]
    pub fn gather(changes: &[Self]) -> Vec<Self> {
        let mut gathered: Vec<Self> = Vec::new();
        let mut minting = HashMap::new();
        for change in changes {
            let minter = (change.by, change.at.seconds());
            match &change.event {
                Event::TokensMinted { tokens } => {
                    let open: Option<&usize> = minting.get(&minter);
                    let open = open.map(|place| &mut gathered[*place]);
                    let rest = open.map_or(&tokens[..], |open| open.take_in(change, tokens));
                    if !rest.is_empty() {
                        gathered.extend(change.split(rest));
                        minting.insert(minter, gathered.len() - 1);
                    }
                }
                Event::TokensDisabled { tokens } => {
                    let open = gathered.last_mut();
                    let rest = open.map_or(&tokens[..], |open| open.take_in(change, tokens));
                    gathered.extend(change.split(rest));
                }
                Event::TokensImported { tokens, .. } => gathered.extend(change.split(tokens)),
                _ => gathered.push(change.clone()),
            }
        }
        gathered
    }

    /// Takes in what it has room for of the `tokens` of `other`, if that is of its kind; gives the
    /// rest.
    fn take_in<'a>(&mut self, other: &Self, tokens: &'a [TokenId]) -> &'a [TokenId] {
        let like = (self.by, self.at) == (other.by, other.at);
        match (&mut self.event, &other.event) {
            (Event::TokensMinted { tokens: ours }, Event::TokensMinted { .. })
            | (Event::TokensDisabled { tokens: ours }, Event::TokensDisabled { .. })
                if like =>
            {
                let room = MOST_TOKENS.saturating_sub(ours.len()).min(tokens.len());
                let (some, rest) = tokens.split_at(room);
                ours.extend_from_slice(some);
                rest
            }
            _ => tokens,
        }
    }

    /// The same of `tokens` instead of its own, split up into changes that are short enough.
    fn split(&self, tokens: &[TokenId]) -> impl Iterator<Item = Self> {
        tokens.chunks(MOST_TOKENS).map(|some| {
            let tokens = some.to_vec();
            let event = match &self.event {
                Event::TokensMinted { .. } => Event::TokensMinted { tokens },
                Event::TokensDisabled { .. } => Event::TokensDisabled { tokens },
                Event::TokensImported { key, .. } => Event::TokensImported { key: *key, tokens },
                other => other.clone(),
            };
            Self { event, ..*self }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [Actor; 2] = [
        Actor::Key(KeyId::from_i64(1)),
        Actor::Key(KeyId::from_i64(2)),
    ];

    fn ids(range: std::ops::Range<i64>) -> Vec<TokenId> {
        range.map(TokenId::from_i64).collect()
    }

    fn change(by: Actor, second: i64, event: Event) -> Change {
        let at = Timestamp::from_seconds(second);
        Change { at, by, event }
    }

    fn minted(by: Actor, second: i64, range: std::ops::Range<i64>) -> Change {
        let tokens = ids(range);
        change(by, second, Event::TokensMinted { tokens })
    }

    fn ended(by: Actor, second: i64, range: std::ops::Range<i64>) -> Change {
        let tokens = ids(range);
        change(by, second, Event::TokensDisabled { tokens })
    }

    #[test]
    fn what_one_minted_within_a_second_is_one_change() {
        let [a, b] = KEYS;
        let changes = [
            minted(a, 1, 0..1),
            minted(b, 1, 1..2),
            minted(a, 1, 2..3),
            minted(a, 2, 3..4),
            minted(b, 1, 4..5),
        ];
        let mut of_a = minted(a, 1, 0..1);
        of_a.take_in(&minted(a, 1, 0..0), &ids(2..3));
        let mut of_b = minted(b, 1, 1..2);
        of_b.take_in(&minted(b, 1, 0..0), &ids(4..5));
        assert_eq!(Change::gather(&changes), [of_a, of_b, minted(a, 2, 3..4)]);
    }

    #[test]
    fn no_change_names_more_tokens_than_one_may() {
        let [a, _] = KEYS;
        let changes: Vec<_> = (0..2500).map(|id| minted(a, 1, id..id + 1)).collect();
        let expected = [
            minted(a, 1, 0..1000),
            minted(a, 1, 1000..2000),
            minted(a, 1, 2000..2500),
        ];
        assert_eq!(Change::gather(&changes), expected);
        let expected = [ended(a, 1, 0..1000), ended(a, 1, 1000..1001)];
        assert_eq!(Change::gather(&[ended(a, 1, 0..1001)]), expected);
        let imported = |range| {
            let (key, tokens) = (KeyId::from_i64(9), ids(range));
            change(a, 1, Event::TokensImported { key, tokens })
        };
        let expected = [imported(0..1000), imported(1000..1001)];
        assert_eq!(Change::gather(&[imported(0..1001)]), expected);
    }

    #[test]
    fn a_token_is_minted_before_it_is_ended() {
        let [a, b] = KEYS;
        let one_by_one = [
            ended(a, 1, 0..1),
            minted(a, 1, 1..2),
            ended(a, 1, 1..2),
            ended(a, 1, 2..3),
            ended(b, 1, 3..4),
        ];
        let together = [
            ended(a, 1, 0..1),
            minted(a, 1, 1..2),
            ended(a, 1, 1..3),
            ended(b, 1, 3..4),
        ];
        assert_eq!(Change::gather(&one_by_one), together);
    }

    #[test]
    fn other_changes_stay_as_they_are() {
        let disabled = |key| {
            let key = KeyId::from_i64(key);
            change(Actor::CommandLine, 1, Event::KeyDisabled { key })
        };
        let changes = [disabled(1), disabled(1), disabled(2)];
        assert_eq!(Change::gather(&changes), changes);
        let nothing = [ended(KEYS[0], 1, 0..0), minted(KEYS[0], 1, 0..0)];
        assert_eq!(Change::gather(&nothing), []);
    }
}
