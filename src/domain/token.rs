//! Tokens: what a backend hands to its clients.

use std::fmt;

use rand::CryptoRng;
use zeroize::Zeroizing;

/// A token: 16 random bytes as 32 lower-case hexadecimal digits.
///
/// `Debug` is silent, the text is wiped when dropped, and [`Token::expose`] is the one way to it.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// A text that is not a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a token: 32 lower-case hexadecimal digits")]
pub struct MalformedToken;

impl Token {
    /// The raw length of a token, in bytes.
    pub const BYTES: usize = 16;

    /// Draws a new token; all of its 128 bits are random.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        rng.fill_bytes(&mut *bytes);
        Self::from_bytes(&bytes)
    }

    /// The token with these raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(2 * Self::BYTES));
        for byte in bytes {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        Self(text)
    }

    /// Reads a token as its holder shows it.
    ///
    /// # Errors
    /// [`MalformedToken`] for anything but 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let well_formed = text.len() == 2 * Self::BYTES
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if well_formed {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(MalformedToken)
        }
    }

    /// The raw bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::BYTES]> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(self.0.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
        }
        bytes
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
        assert_eq!(
            Token::from_bytes(&token.to_bytes()).expose(),
            token.expose()
        );
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
            "1672c91e97a7421f8ac67f7681d5810g",
        ] {
            assert!(Token::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debugging_a_token_does_not_show_it() {
        assert_eq!(format!("{:?}", Token::from_bytes(&[7; 16])), "Token");
    }
}
