//! Tokens: what a backend hands to its clients.

use std::fmt;

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::to_hex;

/// A token: 16 random bytes as 32 lower-case hexadecimal digits. One that is signed, or was
/// imported, is another text: of the characters that RFC 6750 (section 2.1) allows.
///
/// `Debug` is silent, the text is wiped when dropped, and [`Token::expose`] is the one way to it.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// A text that is not a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a token: 32 lower-case hexadecimal digits")]
pub struct MalformedToken;

impl Token {
    /// The raw length of an opaque token, in bytes.
    pub const BYTES: usize = 16;
    /// The longest text of a token. One that is signed has its scopes in it.
    pub const LONGEST: usize = 6 * 1024;
    /// The shortest text of a token that is not opaque: others are told apart from it by length.
    pub(super) const SHORTEST: usize = 20;
    /// Hexadecimal digits alone are a mistyped opaque token, up to this length.
    pub(super) const SHORTEST_HEX: usize = 40;

    /// Draws a new opaque token; all of its 128 bits are random.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        rng.fill_bytes(&mut *bytes);
        Self::from_bytes(&bytes)
    }

    /// The opaque token with these raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(to_hex(bytes)))
    }

    /// Reads a token as its holder shows it.
    ///
    /// # Errors
    /// [`MalformedToken`] for anything but 32 lower-case hexadecimal digits, or 20 to
    /// [`Self::LONGEST`] letters, digits and `-._~+/=`; of hexadecimal digits alone 40 at least.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if Self::is_formed(text) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(MalformedToken)
        }
    }

    /// Whether a text has the form of a token.
    pub(super) fn is_formed(text: &str) -> bool {
        is_opaque(text) || is_other(text)
    }

    /// Whether the text is one that [`Self::generate`] could have drawn.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        is_opaque(&self.0)
    }

    /// Whether the text has the form of a signed token (RFC 7519): three parts, the first of which
    /// is the beginning of a JSON object.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.0.starts_with("ey") && self.0.split('.').count() == 3
    }

    /// The fewest bytes that the token can be made from again: an opaque one's raw bytes, another's
    /// text.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        if self.is_opaque() {
            let pairs = self.0.as_bytes().chunks_exact(2);
            let bytes = pairs.map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]));
            Zeroizing::new(bytes.collect())
        } else {
            Zeroizing::new(self.0.as_bytes().to_vec())
        }
    }

    /// The token that [`Self::to_bytes`] made these of.
    ///
    /// # Errors
    /// [`MalformedToken`] when it was none.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, MalformedToken> {
        match <&[u8; Self::BYTES]>::try_from(bytes) {
            Ok(raw) => Ok(Self::from_bytes(raw)),
            Err(_) => std::str::from_utf8(bytes)
                .map_err(|_| MalformedToken)
                .and_then(Self::parse),
        }
    }

    /// The token's text. Whoever has it has what the token opens.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

fn is_opaque(text: &str) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    // Without a way out at the first wrong one, many bytes are compared at once.
    text.len() == 2 * Token::BYTES
        && text
            .as_bytes()
            .iter()
            .fold(true, |all, byte| all & is_digit(byte))
}

fn is_other(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    (Token::SHORTEST..=Token::LONGEST).contains(&text.len())
        && text.bytes().all(allowed)
        && (text.len() >= Token::SHORTEST_HEX || !text.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() {
        digit - b'0'
    } else {
        digit - b'a' + 10
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_token_survives_text_and_bytes() {
        let token = Token::generate(&mut StdRng::seed_from_u64(1));
        assert_eq!(token.expose().len(), 32);
        assert_eq!(
            Token::parse(token.expose()).unwrap().expose(),
            token.expose()
        );
        assert_eq!(token.to_bytes().len(), 16);
        assert_eq!(
            Token::of_bytes(&token.to_bytes()).unwrap().expose(),
            token.expose()
        );
    }

    #[test]
    fn a_token_of_another_form_is_its_text() {
        let longest = "x".repeat(Token::LONGEST);
        for text in [
            "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
            "abcdefgh.0123456789abcdef",
            "0123456789abcdef0123456789abcdef01234567",
            "AAAAAAAAAAAAAAAAAAA=",
            longest.as_str(),
        ] {
            let token = Token::parse(text).unwrap();
            assert_eq!(token.expose(), text);
            assert!(!token.is_opaque());
            assert_eq!(Token::of_bytes(&token.to_bytes()).unwrap().expose(), text);
            assert_eq!(token.is_signed(), text.starts_with("ey"), "{text}");
        }
    }

    #[test]
    fn every_bit_of_a_token_is_random() {
        let mut rng = StdRng::seed_from_u64(2);
        let (mut ones, mut zeros) = ([0_u8; 16], [0_u8; 16]);
        for _ in 0..64 {
            for (i, byte) in Token::generate(&mut rng).to_bytes().iter().enumerate() {
                ones[i] |= byte;
                zeros[i] |= !byte;
            }
        }
        assert_eq!((ones, zeros), ([255; 16], [255; 16]));
    }

    #[test]
    fn anything_else_is_refused() {
        let upper = "1672C91E97A7421F8AC67F7681D5810A";
        for bad in [
            "",
            "1672c91e97a7421f8ac67f7681d5810",
            "1672c91e97a7421f8ac67f7681d5810ab",
            upper,
            "0123456789abcdef0123456789abcdef0123456",
            "abcdefghijklmnopqrs",
            "a token with spaces in it",
            "einen-token-für-jedermann",
            &"x".repeat(Token::LONGEST + 1),
        ] {
            assert!(Token::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debugging_a_token_does_not_show_it() {
        assert_eq!(format!("{:?}", Token::from_bytes(&[7; 16])), "Token");
    }
}
