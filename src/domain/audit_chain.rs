//! The chain of the audit's entries, each bound to the one before it by a hash.

use serde::Serialize;

use super::{Actor, AuditHash, Change, Event};

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: 1, 2, 3 and so on, if all is well.
    pub seq: i64,
    /// What was changed: a JSON object without spaces or line ends, if all is well.
    pub text: String,
    /// What binds it to the entries before it.
    pub hash: AuditHash,
}

/// An entry's text, its members in this order.
#[derive(Serialize)]
struct Text<'a> {
    seq: i64,
    at: String,
    by: Actor,
    #[serde(flatten)]
    event: &'a Event,
}

/// Where a chain has got to: it is made longer, or checked, entry by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditChain {
    seq: i64,
    hash: AuditHash,
}

/// The first entry that is not what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// The entry of this number is not there, though later ones are.
    #[error("Entry {0} is missing.")]
    Missing(i64),
    /// An entry has a number that none can have.
    #[error("Entry {0} is none that Moneyer wrote: entries are numbered from 1.")]
    Foreign(i64),
    /// The entry of this number, or its hash, is not what was written.
    #[error(
        "Entry {0} is not what was written: its hash does not fit it and the entries before it."
    )]
    Altered(i64),
}

impl BrokenChain {
    /// The number of the entry at fault.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        match self {
            Self::Missing(seq) | Self::Foreign(seq) | Self::Altered(seq) => *seq,
        }
    }
}

impl AuditChain {
    /// The chain without any entry.
    pub const EMPTY: Self = Self::up_to(0, AuditHash::NONE);

    /// The chain whose last entry has this number and hash.
    #[must_use]
    pub const fn up_to(seq: i64, hash: AuditHash) -> Self {
        Self { seq, hash }
    }

    /// The number of the last entry, 0 when there is none: so many there are.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// The hash of the last entry.
    #[must_use]
    pub const fn head(&self) -> AuditHash {
        self.hash
    }

    /// Makes the chain longer by the entry of `change`.
    #[must_use]
    pub fn extend(&mut self, change: &Change) -> AuditEntry {
        // Saturated, the number is taken already, and the store says so.
        self.seq = self.seq.saturating_add(1);
        let text = serde_json::to_string(&Text {
            seq: self.seq,
            at: change.at.to_string(),
            by: change.by,
            event: &change.event,
        });
        let text = text.expect("an entry is an object whose members have names");
        self.hash = self.hash.then(&text);
        AuditEntry {
            seq: self.seq,
            text,
            hash: self.hash,
        }
    }

    /// Goes on to `entry`, the one with the next higher number.
    ///
    /// # Errors
    /// [`BrokenChain`] when that is not the entry that must come next; the chain stays as it is.
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), BrokenChain> {
        let next = self.seq.saturating_add(1);
        if entry.seq > next {
            return Err(BrokenChain::Missing(next));
        }
        if entry.seq < next {
            return Err(BrokenChain::Foreign(entry.seq));
        }
        let own_number = entry.text.starts_with(&format!("{{\"seq\":{next},"));
        if !own_number || self.hash.then(&entry.text) != entry.hash {
            return Err(BrokenChain::Altered(next));
        }
        *self = Self::up_to(next, entry.hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, KeyId, Role, Timestamp, TokenId};

    fn entries() -> Vec<AuditEntry> {
        let account = AccountId::from_i64(1);
        let (key, new) = (KeyId::from_i64(2), KeyId::from_i64(3));
        let token = TokenId::from_i64(4);
        let events = [
            Event::AccountCreated {
                account,
                name: "A \"B\"\n".into(),
            },
            Event::KeyAdded {
                key,
                account,
                role: Role::Mint,
            },
            Event::TokensMinted {
                tokens: vec![token, TokenId::from_i64(5)],
            },
            Event::SettingsChanged {
                token,
                settings: serde_json::json!({ "tags": ["x"] }),
            },
            Event::KeyRotated {
                key,
                new,
                carried: 1,
            },
        ];
        let mut chain = AuditChain::EMPTY;
        let change = |event| Change {
            at: Timestamp::parse_minute("202611250434").unwrap(),
            by: match event {
                Event::TokensMinted { .. } | Event::SettingsChanged { .. } => Actor::Key(key),
                _ => Actor::CommandLine,
            },
            event,
        };
        events.map(|event| chain.extend(&change(event))).into()
    }

    fn check(entries: &[AuditEntry]) -> Result<AuditChain, BrokenChain> {
        let mut chain = AuditChain::EMPTY;
        entries.iter().try_for_each(|entry| chain.check(entry))?;
        Ok(chain)
    }

    #[test]
    fn an_entry_is_one_line_of_json_with_its_members_in_order() {
        let texts: Vec<String> = entries().into_iter().map(|entry| entry.text).collect();
        let expected = [
            r#"{"seq":1,"at":"2026-11-25T04:34:00Z","by":"command line","action":"account.created","account":"acc_0000000000000001","name":"A \"B\"\n"}"#,
            r#"{"seq":2,"at":"2026-11-25T04:34:00Z","by":"command line","action":"key.added","key":"key_0000000000000002","account":"acc_0000000000000001","role":"mint"}"#,
            r#"{"seq":3,"at":"2026-11-25T04:34:00Z","by":"key_0000000000000002","action":"token.minted","tokens":["tok_0000000000000004","tok_0000000000000005"]}"#,
            r#"{"seq":4,"at":"2026-11-25T04:34:00Z","by":"key_0000000000000002","action":"token.settings","token":"tok_0000000000000004","settings":{"tags":["x"]}}"#,
            r#"{"seq":5,"at":"2026-11-25T04:34:00Z","by":"command line","action":"key.rotated","key":"key_0000000000000002","new":"key_0000000000000003","carried":1}"#,
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_was_written_is_found_whole() {
        let entries = entries();
        let chain = check(&entries).unwrap();
        assert_eq!((chain.seq(), chain.head()), (5, entries[4].hash));
        assert_eq!(check(&[]), Ok(AuditChain::EMPTY));
        // An end that is cut off leaves a chain, with another head.
        assert_ne!(check(&entries[..4]).unwrap().head(), entries[4].hash);
    }

    #[test]
    fn the_first_entry_at_fault_is_named() {
        let tampered = |tamper: fn(&mut Vec<AuditEntry>)| {
            let mut entries = entries();
            tamper(&mut entries);
            check(&entries).unwrap_err()
        };
        for (tamper, broken) in [
            (
                (|all: &mut Vec<AuditEntry>| all[1].text = all[1].text.replace("mint", "admin"))
                    as fn(&mut Vec<AuditEntry>),
                BrokenChain::Altered(2),
            ),
            (|all| all[1].hash = AuditHash::NONE, BrokenChain::Altered(2)),
            (|all| drop(all.remove(2)), BrokenChain::Missing(3)),
            (|all| drop(all.remove(0)), BrokenChain::Missing(1)),
            (|all| all[0].seq = 0, BrokenChain::Foreign(0)),
            (
                |all| {
                    (all[2].seq, all[3].seq) = (4, 3);
                    all.swap(2, 3);
                },
                BrokenChain::Altered(3),
            ),
            (
                |all| {
                    all.insert(3, all[2].clone());
                    (3..6).for_each(|at| all[at].seq += 1);
                },
                BrokenChain::Altered(4),
            ),
        ] {
            assert_eq!(tampered(tamper), broken);
        }
    }

    #[test]
    fn an_entry_that_bears_another_number_is_altered_even_when_its_hash_fits() {
        let mut wrong = entries().swap_remove(0);
        wrong.text = wrong.text.replace("\"seq\":1,", "\"seq\":7,");
        wrong.hash = AuditHash::NONE.then(&wrong.text);
        assert_eq!(check(&[wrong]), Err(BrokenChain::Altered(1)));
    }
}
