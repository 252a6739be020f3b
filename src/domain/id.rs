//! Public ids. They name things in logs and on the command line, and give no access to anything.

use std::{fmt, str::FromStr};

use rand::{CryptoRng, RngExt};
use serde::{Serialize, Serializer};

use super::TokenDigest;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be {0}_ and 16 lower-case hexadecimal digits")]
pub struct MalformedId(&'static str);

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u64);

        impl $name {
            /// The id as the 64-bit integer that the store keeps.
            #[must_use]
            pub const fn to_i64(self) -> i64 {
                self.0.cast_signed()
            }

            /// The id that the store kept as `value`.
            #[must_use]
            pub const fn from_i64(value: i64) -> Self {
                Self(value.cast_unsigned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:016x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse_hex(text, concat!($prefix, "_")).map(Self).ok_or(MalformedId($prefix))
            }
        }
    };
}

public_id! {
    /// Names an account: `acc_` and 16 lower-case hexadecimal digits, drawn at random.
    AccountId, "acc"
}
public_id! {
    /// Names a private key: `key_` and 16 lower-case hexadecimal digits, drawn at random.
    KeyId, "key"
}
public_id! {
    /// Names a token: `tok_` and the first 16 hexadecimal digits of the token's SHA-256 digest.
    TokenId, "tok"
}
public_id! {
    /// Names a key that signs tokens: `sig_` and 16 lower-case hexadecimal digits, drawn at random.
    SigningKeyId, "sig"
}

impl AccountId {
    /// Draws a new id.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(rng.random())
    }
}

impl KeyId {
    /// Draws a new id.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(rng.random())
    }
}

impl SigningKeyId {
    /// Draws a new id.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(rng.random())
    }
}

impl TokenId {
    /// The id of the token with this digest.
    #[must_use]
    pub fn of(digest: &TokenDigest) -> Self {
        let (head, _) = digest
            .as_bytes()
            .split_first_chunk()
            .expect("a digest has 32 bytes");
        Self(u64::from_be_bytes(*head))
    }

    /// The bytes with which the digest of the named token begins.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

fn parse_hex(text: &str, prefix: &str) -> Option<u64> {
    let digits = text.strip_prefix(prefix)?;
    let plain = digits.len() == 16
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_store() {
        let id: KeyId = "key_ff00000000000001".parse().unwrap();
        assert_eq!(id.to_string(), "key_ff00000000000001");
        assert_eq!(KeyId::from_i64(id.to_i64()), id);
    }

    #[test]
    fn an_id_of_another_kind_or_form_is_refused() {
        for bad in [
            "acc_ff00000000000001",
            "key_FF00000000000001",
            "key_ff",
            "key_+f00000000000001",
            "",
            "ff00000000000001",
        ] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_id_is_the_head_of_the_digest() {
        let digest = TokenDigest::from_bytes([0xab; 32]);
        assert_eq!(TokenId::of(&digest).to_string(), "tok_abababababababab");
        assert_eq!(TokenId::of(&digest).to_bytes(), [0xab; 8]);
    }
}
