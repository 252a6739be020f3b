//! What Moneyer is about: accounts, private keys, tokens and their times.
//!
//! Everything here is pure: no I/O, no async, no clock and no randomness of its own. A function
//! that needs the time takes `now`; one that needs chance takes a generator.

mod account;
mod audit;
mod digest;
mod id;
mod key_record;
mod private_key;
mod role;
mod sealed_token;
mod settings;
mod timestamp;
mod token;

pub use account::{AccountName, Label, Malformed};
pub use audit::{Actor, Change, Event};
pub use digest::{IdempotencyDigest, KeyDigest, RequestDigest, Selector, TokenDigest};
pub use id::{AccountId, KeyId, TokenId};
pub use key_record::KeyRecord;
pub use private_key::{PrivateKey, Unimportable};
pub use role::Role;
pub use sealed_token::SealedToken;
pub use settings::{PROTECTED, Settings};
pub use timestamp::{Timestamp, UnreadableTimestamp};
pub use token::{MalformedToken, Token};
