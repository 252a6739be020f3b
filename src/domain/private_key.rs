//! Private keys: what a backend holds, and mints tokens with.

use std::fmt;

use rand::{CryptoRng, RngExt, distr::Alphanumeric};
use zeroize::Zeroizing;

use super::{Token, text::distinct_bytes};

/// A private key: one of Moneyer's making, or one brought from elsewhere.
///
/// `Debug` is silent, the text is wiped when dropped, and [`PrivateKey::expose`] is the one way to
/// it.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<String>);

/// Why a key from elsewhere was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unimportable {
    /// Fewer than 22 characters could be guessed.
    #[error(
        "it has fewer than {} characters, and could be guessed",
        PrivateKey::IMPORT_MIN
    )]
    Short,
    /// More than 512 characters.
    #[error("it has more than {} characters", PrivateKey::IMPORT_MAX)]
    Long,
    /// Something that cannot be sent in a header.
    #[error("it holds something other than visible ASCII characters")]
    Characters,
    /// Too few different characters to be random.
    #[error(
        "it is made of fewer than {} different characters, so it is not random text",
        PrivateKey::IMPORT_MIN_DISTINCT
    )]
    NotRandom,
    /// What is taken for a token where keys and tokens are shown alike.
    #[error("it has the form of a signed token, and would be taken for one")]
    SignedToken,
}

impl PrivateKey {
    /// The fewest characters that a key from elsewhere may have.
    pub const IMPORT_MIN: usize = 22;
    /// The most characters that a key from elsewhere may have.
    pub const IMPORT_MAX: usize = 512;
    /// The fewest different characters that a key from elsewhere may be made of.
    pub const IMPORT_MIN_DISTINCT: usize = 6;

    const RANDOM: usize = 35;
    const CHECKSUM: usize = 6;

    /// Draws a new key: `K`, 35 random letters and digits (208 bits), and 6 that are the CRC-32 of
    /// what precedes.
    ///
    /// The checksum lets a scanner for leaked secrets tell a key from other text, and a person a
    /// typing error.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(1 + Self::RANDOM + Self::CHECKSUM));
        text.push('K');
        text.extend(
            rng.sample_iter(Alphanumeric)
                .take(Self::RANDOM)
                .map(char::from),
        );
        let checksum = base62(crc32fast::hash(text.as_bytes()));
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// The key that a caller shows; `None` when nothing is left once white space is taken off.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// A key made elsewhere, if it is good enough to be kept.
    ///
    /// # Errors
    /// [`Unimportable`] says which rule it breaks.
    pub fn import(text: &str) -> Result<Self, Unimportable> {
        let text = text.trim();
        if text.len() < Self::IMPORT_MIN {
            return Err(Unimportable::Short);
        }
        if text.len() > Self::IMPORT_MAX {
            return Err(Unimportable::Long);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Unimportable::Characters);
        }
        if distinct_bytes(text) < Self::IMPORT_MIN_DISTINCT {
            return Err(Unimportable::NotRandom);
        }
        if Token::parse(text).is_ok_and(|token| token.is_signed()) {
            return Err(Unimportable::SignedToken);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether the key could be taken for a token: some clients tell the two apart by their form.
    #[must_use]
    pub fn looks_like_a_token(&self) -> bool {
        self.0.len() == 32 && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }

    /// Whether the key has the form of Moneyer's own but not its checksum: a typing error, most
    /// likely.
    #[must_use]
    pub fn looks_mistyped(&self) -> bool {
        checksum_fits(&self.0) == Some(false)
    }

    /// Whether the text is one that [`Self::generate`] could have drawn.
    #[must_use]
    pub fn is_generated(text: &str) -> bool {
        checksum_fits(text) == Some(true)
    }

    /// The key's text. Whoever has it can do what the key may.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether the checksum of a text that has the form of Moneyer's own keys is right; `None` for any
/// other text.
fn checksum_fits(text: &str) -> Option<bool> {
    let (len, text) = (
        1 + PrivateKey::RANDOM + PrivateKey::CHECKSUM,
        text.as_bytes(),
    );
    if text.len() != len || text[0] != b'K' || !text.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let (body, checksum) = text.split_at(len - PrivateKey::CHECKSUM);
    Some(base62(crc32fast::hash(body)) == checksum)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// `value` in base 62, digits before capitals before small letters, filled to six places with `0`.
fn base62(mut value: u32) -> [u8; PrivateKey::CHECKSUM] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut places = [b'0'; PrivateKey::CHECKSUM];
    for place in places.iter_mut().rev() {
        *place = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    places
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_new_key_has_the_promised_form() {
        for seed in 0..50 {
            let key = PrivateKey::generate(&mut StdRng::seed_from_u64(seed));
            let text = key.expose();
            assert_eq!(text.len(), 42);
            assert!(
                text.starts_with('K') && text.bytes().all(|b| b.is_ascii_alphanumeric()),
                "{text}"
            );
            assert!(!key.looks_like_a_token() && !key.looks_mistyped());
        }
    }

    #[test]
    fn the_checksum_finds_a_slip_of_the_finger() {
        let key = PrivateKey::generate(&mut StdRng::seed_from_u64(1));
        for place in 1..42 {
            let mut text = key.expose().to_owned().into_bytes();
            text[place] = if text[place] == b'x' { b'y' } else { b'x' };
            let slip = PrivateKey::presented(std::str::from_utf8(&text).unwrap()).unwrap();
            assert!(slip.looks_mistyped(), "place {place}");
        }
    }

    #[test]
    fn the_checksum_is_crc_32_in_base_62() {
        // CRC-32 of "123456789" is the standard's check value, cbf43926.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(base62(0xcbf4_3926), *b"3jZRME");
        assert_eq!(base62(0), *b"000000");
    }

    #[test]
    fn a_shown_key_loses_its_white_space_and_nothing_else() {
        assert_eq!(PrivateKey::presented(" K1\r\n").unwrap().expose(), "K1");
        assert!(PrivateKey::presented(" \n").is_none());
    }

    #[test]
    fn keys_from_elsewhere_must_be_random_text_of_some_length() {
        let refused = |text: &str| PrivateKey::import(text).unwrap_err();
        assert_eq!(refused("0123456789abcdefghijk"), Unimportable::Short);
        assert_eq!(refused(&"0123456789".repeat(52)), Unimportable::Long);
        assert_eq!(refused("0123456789 abcdefghijkl"), Unimportable::Characters);
        assert_eq!(
            refused("ababababababababababababab"),
            Unimportable::NotRandom
        );
        let jwt = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
        assert_eq!(refused(jwt), Unimportable::SignedToken);
        for near in [
            "eyJhbGciOiJIUzI1NiJ9.c2lnbmF0dXJl",
            "eyJhbGciOiJIUzI1NiJ9.e30!.c2ln",
        ] {
            assert!(PrivateKey::import(near).is_ok(), "{near}");
        }
        assert_eq!(
            PrivateKey::import(" 0123456789abcdefghijkl\n")
                .unwrap()
                .expose(),
            "0123456789abcdefghijkl"
        );
    }

    #[test]
    fn debugging_a_key_does_not_show_it() {
        assert_eq!(
            format!("{:?}", PrivateKey::presented("secret")),
            "Some(PrivateKey)"
        );
    }
}
