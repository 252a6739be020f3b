//! Sealed copies of tokens, so that a key's holder can list them and nobody else can.
//!
//! AES-256-GCM-SIV (RFC 8452) under a key that HKDF-SHA256 (RFC 5869) derives from the private key
//! itself. The nonce is the head of the token's digest. Two tokens may have the same one: this
//! cipher stays safe then. The key's id and the digest are bound in as associated data, so that a
//! copy moved to another row does not open.

use std::fmt;

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::{KeyId, PrivateKey, SealedToken, Token, TokenDigest};

const NONCE_BYTES: usize = 12;

/// A sealed copy that does not open: it was damaged, or belongs to another key or token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sealed token does not open under its key")]
pub struct BrokenSeal;

/// Seals and opens the tokens of one private key; the cipher wipes its keys when dropped.
pub struct SealingKey {
    cipher: Aes256GcmSiv,
    key_id: KeyId,
}

impl SealingKey {
    /// Derives the sealing key of the private key `key`, whose id is `key_id`.
    #[must_use]
    pub fn derive(key: &PrivateKey, key_id: KeyId) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, key.expose().as_bytes())
            .expand_multi_info(
                &[b"moneyer/1 sealing key", &key_id.to_i64().to_be_bytes()],
                &mut *secret,
            )
            .expect("32 bytes are within HKDF's reach");
        Self {
            cipher: Aes256GcmSiv::new((&*secret).into()),
            key_id,
        }
    }

    /// Seals `token`, whose digest is `digest`.
    #[must_use]
    pub fn seal(&self, token: &Token, digest: &TokenDigest) -> SealedToken {
        let bytes = token.to_bytes();
        let sealed = self
            .cipher
            .encrypt(
                &nonce(digest),
                Payload {
                    msg: &bytes,
                    aad: &self.bound(digest),
                },
            )
            .expect("a token is within the cipher's reach");
        SealedToken::from_bytes(sealed)
    }

    /// Opens the sealed copy of the token whose digest is `digest`.
    ///
    /// # Errors
    /// [`BrokenSeal`] when it was sealed under another key, for another token, or has been damaged.
    pub fn open(&self, sealed: &SealedToken, digest: &TokenDigest) -> Result<Token, BrokenSeal> {
        let bytes = self
            .cipher
            .decrypt(
                &nonce(digest),
                Payload {
                    msg: sealed.as_bytes(),
                    aad: &self.bound(digest),
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| BrokenSeal)?;
        Token::of_bytes(&bytes).map_err(|_| BrokenSeal)
    }

    /// The associated data: the key's id, then the digest.
    fn bound(&self, digest: &TokenDigest) -> [u8; 40] {
        let mut data = [0; 40];
        data[..8].copy_from_slice(&self.key_id.to_i64().to_be_bytes());
        data[8..].copy_from_slice(digest.as_bytes());
        data
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

fn nonce(digest: &TokenDigest) -> Nonce {
    let head: &[u8; NONCE_BYTES] = digest
        .as_bytes()
        .first_chunk()
        .expect("a digest has 32 bytes");
    (*head).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::to_hex;

    fn sealing(text: &str, id: i64) -> SealingKey {
        SealingKey::derive(&PrivateKey::presented(text).unwrap(), KeyId::from_i64(id))
    }

    fn token(byte: u8) -> (Token, TokenDigest) {
        let token = Token::from_bytes(&[byte; 16]);
        let digest = TokenDigest::of(&token);
        (token, digest)
    }

    #[test]
    fn the_key_that_sealed_a_token_opens_it() {
        let (token, digest) = token(1);
        let sealed = sealing("a key", 1).seal(&token, &digest);
        assert_eq!(
            sealing("a key", 1).open(&sealed, &digest).unwrap().expose(),
            token.expose()
        );
    }

    #[test]
    fn another_key_another_row_or_a_changed_bit_does_not() {
        let (token_1, digest_1) = token(1);
        let (_, digest_2) = token(2);
        let sealed = sealing("a key", 1).seal(&token_1, &digest_1);
        let opens =
            |key: SealingKey, sealed: &SealedToken, digest| key.open(sealed, digest).is_ok();
        assert!(!opens(sealing("b key", 1), &sealed, &digest_1));
        assert!(!opens(sealing("a key", 2), &sealed, &digest_1));
        assert!(!opens(sealing("a key", 1), &sealed, &digest_2));
        for place in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[place] ^= 1;
            assert!(
                !opens(
                    sealing("a key", 1),
                    &SealedToken::from_bytes(bytes),
                    &digest_1
                ),
                "byte {place}"
            );
        }
    }

    /// What is in stores must open for ever.
    #[test]
    fn a_sealed_copy_has_the_bytes_that_it_has_always_had() {
        let (token, digest) = token(1);
        let sealed = sealing("a key", 1).seal(&token, &digest);
        assert_eq!(
            to_hex(sealed.as_bytes()),
            "aa5dfd42cba5ffdbb2146efd79f29bf31dbe753fd22b037b1edeb01ce0d033a2"
        );
    }

    #[test]
    fn a_sealed_copy_does_not_show_the_token() {
        let (token, digest) = token(1);
        let sealed = sealing("a key", 1).seal(&token, &digest);
        assert!(
            !sealed
                .as_bytes()
                .windows(8)
                .any(|w| token.to_bytes().windows(8).any(|t| t == w))
        );
        assert_eq!(
            format!("{sealed:?} {:?}", sealing("a key", 1)),
            "SealedToken SealingKey"
        );
    }
}
