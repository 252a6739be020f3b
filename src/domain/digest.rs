//! One-way images of secrets and requests, each a type of its own so that none is taken for
//! another.
//!
//! Comparison is in constant time for all of them. All but the token's are separated by domain: the
//! same text gives unrelated digests, so that what is kept for one purpose helps nobody with
//! another.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{MalformedToken, PrivateKey, Timestamp, Token, hex};

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The digest as the store keeps it.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The digest that the store kept as `bytes`.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                // By words: an eighth of the steps that bytes take.
                words(&self.0)[..].ct_eq(&words(&other.0)[..]).into()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

digest! {
    /// SHA-256 of a token's 32 characters, plain: what `printf %s TOKEN | sha256sum` prints.
    TokenDigest
}
digest! {
    /// SHA-256 of a private key, for the verified-key cache. It lives in memory only.
    KeyDigest
}
digest! {
    /// SHA-256 of an `Idempotency-Key` header.
    IdempotencyDigest
}
digest! {
    /// SHA-256 of what a minting request asked for.
    RequestDigest
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|place| u64::from_ne_bytes(words[place]))
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits, the SHA-256 of a token's text")]
pub struct MalformedDigest;

impl TokenDigest {
    /// The digest of `token`.
    #[must_use]
    pub fn of(token: &Token) -> Self {
        Self::of_text(token.expose())
    }

    /// The digest of the token that `text` shows, of which no copy is made.
    ///
    /// # Errors
    /// [`MalformedToken`] for what [`Token::parse`] takes for no token.
    pub fn of_shown(text: &str) -> Result<Self, MalformedToken> {
        if Token::is_formed(text) {
            Ok(Self::of_text(text))
        } else {
            Err(MalformedToken)
        }
    }

    fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Reads a digest as `sha256sum` prints it, in either case.
    ///
    /// # Errors
    /// [`MalformedDigest`] for anything but 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, MalformedDigest> {
        hex::parse_32(text).map(Self).ok_or(MalformedDigest)
    }
}

impl KeyDigest {
    /// The digest of `key`.
    #[must_use]
    pub fn of(key: &PrivateKey) -> Self {
        Self(separated(
            b"moneyer/1 key digest",
            &[key.expose().as_bytes()],
        ))
    }
}

impl IdempotencyDigest {
    /// The digest of a header's value.
    #[must_use]
    pub fn of(header: &str) -> Self {
        Self(separated(
            b"moneyer/1 idempotency key",
            &[header.as_bytes()],
        ))
    }
}

impl RequestDigest {
    /// The digest of a request to mint: the wanted expiry, the token whose settings are wanted, and
    /// the settings that are given, as JSON.
    #[must_use]
    pub fn of_mint(
        expires_at: Option<Timestamp>,
        clone_of: Option<&TokenDigest>,
        settings: Option<&str>,
    ) -> Self {
        let expiry = expires_at.map(|at| at.seconds().to_be_bytes());
        Self(separated(
            b"moneyer/1 mint request",
            &[
                expiry.as_ref().map_or(&[][..], |bytes| bytes),
                clone_of.map_or(&[][..], |digest| digest.as_bytes()),
                settings.unwrap_or_default().as_bytes(),
            ],
        ))
    }
}

/// Finds a private key in the store: the first 64 bits of a domain-separated SHA-256 of the key.
///
/// Too short to confirm a key by (argon2id does that), long enough that a wrong key practically
/// never meets a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Selector(i64);

impl Selector {
    /// The selector of `key`.
    #[must_use]
    pub fn of(key: &PrivateKey) -> Self {
        let digest = separated(b"moneyer/1 key selector", &[key.expose().as_bytes()]);
        let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
        Self(i64::from_be_bytes(*head))
    }

    /// The selector that the store keeps as `value`.
    #[must_use]
    pub const fn from_i64(value: i64) -> Self {
        Self(value)
    }

    /// The selector as the store keeps it.
    #[must_use]
    pub const fn to_i64(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Selector")
    }
}

/// Hashes `parts` under `purpose`; each is preceded by its length, so that no two inputs run
/// together.
fn separated(purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in std::iter::once(&purpose).chain(parts) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_digest_is_the_plain_sha_256_of_its_text() {
        let token = Token::parse("00000000000000000000000000000000").unwrap();
        let expected = "84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a";
        let (head, tail) = expected.split_at(32);
        let bytes = [head, tail]
            .map(|half| u128::from_str_radix(half, 16).unwrap().to_be_bytes())
            .concat();
        assert_eq!(TokenDigest::of(&token).as_bytes()[..], bytes);
        let shown = TokenDigest::of_shown(token.expose());
        assert_eq!(shown, Ok(TokenDigest::of(&token)));
        for bad in ["", "0", &"A".repeat(32), &"é".repeat(16)] {
            assert_eq!(TokenDigest::of_shown(bad), Err(MalformedToken), "{bad}");
        }
        for text in [expected, &expected.to_uppercase()] {
            assert_eq!(TokenDigest::parse(text), Ok(TokenDigest::of(&token)));
        }
        for bad in ["", &expected[1..], &expected.replace('8', "x")] {
            assert_eq!(TokenDigest::parse(bad), Err(MalformedDigest), "{bad}");
        }
    }

    #[test]
    fn the_digests_of_one_text_for_several_purposes_are_unrelated() {
        let text = "a-key-of-someones-own-making";
        let key = PrivateKey::presented(text).unwrap();
        assert_ne!(
            KeyDigest::of(&key).as_bytes(),
            IdempotencyDigest::of(text).as_bytes()
        );
        assert_ne!(
            KeyDigest::of(&key).as_bytes()[..8],
            Selector::of(&key).to_i64().to_be_bytes()
        );
    }

    #[test]
    fn requests_that_ask_for_different_things_have_different_digests() {
        let source = TokenDigest::from_bytes([1; 32]);
        let at = Timestamp::from_seconds(1);
        let all = [
            RequestDigest::of_mint(None, None, None),
            RequestDigest::of_mint(Some(at), None, None),
            RequestDigest::of_mint(None, Some(&source), None),
            RequestDigest::of_mint(Some(at), Some(&source), None),
            RequestDigest::of_mint(None, None, Some("{}")),
        ];
        for (i, left) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|right| left != right));
        }
    }

    #[test]
    fn debugging_a_digest_shows_its_kind_alone() {
        assert_eq!(
            format!("{:?}", TokenDigest::from_bytes([7; 32])),
            "TokenDigest"
        );
    }
}
