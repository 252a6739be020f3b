//! Which texts from elsewhere may become tokens.

use super::{PrivateKey, Token, text::distinct_bytes};

/// Why a text from elsewhere may not become a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnimportableToken {
    /// Too short not to be guessed.
    #[error("has fewer than {} characters, and could be guessed", Token::SHORTEST)]
    Short,
    /// Longer than what is taken for a token when it is shown.
    #[error("has more than {} characters", Token::LONGEST)]
    Long,
    /// Something that cannot be shown as a token.
    #[error("holds a character other than letters, digits and -._~+/= (RFC 6750)")]
    Characters,
    /// What would be taken for a mistyped token.
    #[error(
        "is of hexadecimal digits alone, which must be 32 in lower case, or {} at least",
        Token::SHORTEST_HEX
    )]
    Hex,
    /// Too few different characters to be random.
    #[error(
        "is made of fewer than {} different characters, so it is not random text",
        PrivateKey::IMPORT_MIN_DISTINCT
    )]
    NotRandom,
    /// A private key by its checksum.
    #[error("is a private key, which is no token")]
    PrivateKey,
}

impl Token {
    /// Takes a token that was made elsewhere, if it is good enough to be kept.
    ///
    /// # Errors
    /// [`UnimportableToken`] says which rule it breaks.
    pub fn import(text: &str) -> Result<Self, UnimportableToken> {
        if text.len() < Self::SHORTEST {
            return Err(UnimportableToken::Short);
        }
        if text.len() > Self::LONGEST {
            return Err(UnimportableToken::Long);
        }
        let token = Self::parse(text).map_err(|_| {
            if text.bytes().all(|b| b.is_ascii_hexdigit()) {
                UnimportableToken::Hex
            } else {
                UnimportableToken::Characters
            }
        })?;
        if distinct_bytes(text) < PrivateKey::IMPORT_MIN_DISTINCT {
            return Err(UnimportableToken::NotRandom);
        }
        if PrivateKey::is_generated(text) {
            return Err(UnimportableToken::PrivateKey);
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn what_is_long_and_varied_enough_may_become_a_token() {
        let longest = "0123456789-._~+/".repeat(Token::LONGEST / 16);
        for text in [
            "abcdefghijklmnopqrst",
            "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF01234567",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
            // The form of a private key, without its checksum.
            "K00000000000000000000000000000000000abcdef",
            &longest,
        ] {
            assert_eq!(Token::import(text).unwrap().expose(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_others_is_said() {
        let key = PrivateKey::generate(&mut StdRng::seed_from_u64(1));
        let long = "0123456789".repeat(615);
        for (text, why) in [
            ("abcdefghijklmnopqrs", UnimportableToken::Short),
            ("", UnimportableToken::Short),
            (&long, UnimportableToken::Long),
            ("1|abcdefghijklmnopqrst", UnimportableToken::Characters),
            ("einen-token-für-jedermann", UnimportableToken::Characters),
            ("0123456789ABCDEF0123456789ABCDEF", UnimportableToken::Hex),
            ("0123456789abcdef01234", UnimportableToken::Hex),
            ("ghijkghijkghijkghijk", UnimportableToken::NotRandom),
            (key.expose(), UnimportableToken::PrivateKey),
        ] {
            assert_eq!(Token::import(text).unwrap_err(), why, "{text}");
        }
    }
}
