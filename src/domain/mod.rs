//! What Moneyer is about: accounts, private keys, tokens and their times.
//!
//! Everything here is pure: no I/O, no async, no clock and no randomness of its own. A function
//! that needs the time takes `now`; one that needs chance takes a generator.

mod account;
mod algorithm;
mod api_version;
mod audit;
mod audit_chain;
mod audit_hash;
mod authority;
mod digest;
mod format;
mod hex;
mod id;
mod json;
mod key_record;
mod lifetime;
pub mod network;
mod note;
mod origin;
mod permission;
mod policy;
mod preset;
mod private_key;
mod rate_limit;
mod role;
mod sealed_token;
mod settings;
mod text;
mod timestamp;
mod token;
mod token_import;
mod token_record;

pub use account::{AccountName, Label, Malformed};
pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use api_version::{ApiVersion, UnknownApiVersion};
pub use audit::{Actor, Change, Event};
pub use audit_chain::{AuditChain, AuditEntry, BrokenChain};
pub use audit_hash::{AuditHash, MalformedHash};
pub use authority::{Authority, Denied, Holder};
pub use digest::{
    IdempotencyDigest, KeyDigest, MalformedDigest, RequestDigest, Selector, TokenDigest,
};
pub use format::Format;
pub use hex::to_hex;
pub use id::{AccountId, KeyId, SigningKeyId, TokenId};
pub use json::{UnreadableJson, parse_json};
pub use key_record::KeyRecord;
pub use lifetime::{Lifetime, MalformedLifetime};
pub use note::{MalformedNote, Note};
pub use origin::{MalformedOrigin, Origin, OriginPattern};
pub use permission::{Permission, permission_number};
pub use policy::{InvalidPolicy, OnKeyDisable, OnKeyRotate, OutsidePolicy, Policy};
pub use preset::Preset;
pub use private_key::{PrivateKey, Unimportable};
pub use rate_limit::RateLimit;
pub use role::Role;
pub use sealed_token::SealedToken;
pub use settings::{InvalidSettings, PROTECTED, Settings};
pub use text::{is_unprintable, shown_name};
pub use timestamp::{Timestamp, UnreadableTimestamp};
pub use token::{MalformedToken, Token};
pub use token_import::UnimportableToken;
pub use token_record::{TokenNumber, TokenRecord, TokenState, Usage};
