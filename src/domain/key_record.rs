//! What is kept of a private key.

use super::{AccountId, ApiVersion, KeyId, Role, Timestamp};

/// A private key as it is kept: who it is, what it may do, and the hash that confirms it.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    /// Its public id.
    pub id: KeyId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// What it may do.
    pub role: Role,
    /// The API version that its account is pinned to.
    pub api_version: ApiVersion,
    /// When it stops by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// argon2id of the key, as a PHC string.
    pub phc: String,
}
